//! Workers on a local stream: MultiLangDaemons, as Amazon wrote them, each with a `flowscore multilang` for each shard.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use host_test::plugin::{Limits, Payload, Plugin};
use host_test::state::{Read, Store};

use super::STREAM;
use super::http2::Http2;
use crate::services::stream::LocalStream;
use crate::services::{self, Service, empty_directory};

/// How long something may take that the daemons have to do, unless a test knows better: they start slowly, and look around every few
/// seconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// How leases are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leases {
    /// As in version 2: each worker takes for itself what was not renewed.
    Taken,
    /// As in version 3: a leader assigns them.
    Assigned,
}

/// A stream, a table of leases, a place for states, and what runs on them.
pub(super) struct Fleet {
    pub(super) directory: PathBuf,
    pub(super) stream: LocalStream,
    store: Store,
    leases: Leases,
    jars: PathBuf,
    kinesis: Service,
    http2: Http2,
    dynamodb: Service,
}

impl Fleet {
    /// None if something is not installed.
    pub(super) fn new(name: &str, shards: i32, leases: Leases) -> Option<Fleet> {
        let (jars, kinesis, dynamodb) = (jars()?, services::kinesalite()?, services::moto()?);
        let directory = empty_directory(name);
        let store = Store::open(directory.join("state").to_str().unwrap(), "flowscore-multilang", STREAM).unwrap();
        let stream = LocalStream::create(&kinesis, STREAM, shards);
        let http2 = Http2::before(&kinesis.url);
        Some(Fleet { directory, stream, store, leases, jars, kinesis, http2, dynamodb })
    }

    /// Starts a worker with these further arguments of `flowscore multilang`.
    pub(super) fn worker(&self, name: &str, arguments: &str) -> Worker {
        let path = |name: String| self.directory.join(name).to_str().unwrap().to_owned();
        let events = path(format!("{name}.ndjson"));
        let flowscore = env!("CARGO_BIN_EXE_flowscore");
        let (state, kinesis) = (path("state".into()), &self.kinesis.url);
        let properties = [
            format!(
                "executableName = {flowscore} multilang --stream {STREAM} --endpoint-url {kinesis} --state {state} --output {events} \
                 --save-every 1 {arguments}"
            ),
            format!("streamName = {STREAM}"),
            format!("workerId = {name}"),
            format!("kinesisEndpoint = {}", self.http2.url),
            format!("dynamoDBEndpoint = {}", self.dynamodb.url),
            "applicationName = flowscore".into(),
            "AwsCredentialsProvider = DefaultCredentialsProvider".into(),
            "initialPositionInStream = TRIM_HORIZON".into(),
            "regionName = us-east-1".into(),
            "retrievalMode = POLLING".into(),
            "metricsLevel = NONE".into(),
            match self.leases {
                Leases::Taken => "clientVersionConfig = CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X".into(),
                Leases::Assigned => "clientVersionConfig = CLIENT_VERSION_CONFIG_3X".into(),
            },
            // A day's waiting in a minute.
            "maxRecords = 100".into(),
            "callProcessRecordsEvenForEmptyRecordList = true".into(),
            "failoverTimeMillis = 3000".into(),
            "shardSyncIntervalMillis = 2000".into(),
            "idleTimeBetweenReadsInMillis = 250".into(),
            "leaseAssignmentIntervalMillis = 1000".into(),
            "workerMetricsReporterFreqInMillis = 1000".into(),
            "shutdownGraceMillis = 30000".into(),
        ];
        let file = path(format!("{name}.properties"));
        std::fs::write(&file, properties.join("\n") + "\n").unwrap();
        let log = self.directory.join(format!("{name}.log"));
        let output = File::create(&log).unwrap();
        let child = Command::new("java")
            // A local Kinesis is asked in JSON.
            .args(["-Daws.cborEnabled=false", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(self.jars.join("*"))
            .args(["software.amazon.kinesis.multilang.MultiLangDaemon", "--properties-file", &file])
            .envs(services::ENVIRONMENT)
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        Worker { child, events: events.into(), log }
    }

    /// The sequence number up to which the state of a shard goes.
    pub(super) fn read_to(&self, shard: &str) -> Option<String> {
        let mut state = runtime().block_on(self.store.peek(shard)).unwrap()?;
        match state.shards.remove(shard)?.read {
            Read::UpTo(position) => Some(position.sequence),
            _ => None,
        }
    }

    /// Whether the states of these shards go as far as the shards.
    pub(super) fn is_read(&self, shards: &[String]) -> bool {
        shards.iter().all(|shard| {
            let state = runtime().block_on(self.store.peek(shard)).unwrap();
            let last = self.stream.records_of(shard).pop().map(|(sequence, _)| sequence);
            match state.and_then(|mut state| state.shards.remove(shard)).map(|shard| shard.read) {
                Some(Read::All) => true,
                Some(Read::UpTo(position)) => Some(position.sequence) == last,
                _ => last.is_none(),
            }
        })
    }

    /// Who has which shard, by the table of leases; shards that were read to their end are left out.
    fn owners(&self) -> BTreeMap<String, String> {
        let request = reqwest::Client::builder().no_proxy().build().unwrap().post(&self.dynamodb.url);
        let request = request
            .header("X-Amz-Target", "DynamoDB_20120810.Scan")
            .header("Content-Type", "application/x-amz-json-1.0")
            // Whoever asks, but the region is in it.
            .header("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request")
            .body(r#"{"TableName":"flowscore","ConsistentRead":true}"#);
        let answer = runtime().block_on(async { request.send().await.unwrap().text().await.unwrap() });
        let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
        let items = answer["Items"].as_array().cloned().unwrap_or_default();
        let text = |item: &serde_json::Value, name: &str| item[name]["S"].as_str().map(str::to_owned);
        let open = items.iter().filter(|item| item["checkpoint"]["S"] != "SHARD_END");
        open.filter_map(|item| Some((text(item, "leaseKey")?, text(item, "leaseOwner")?))).collect()
    }

    /// How many shards a worker has.
    pub(super) fn count_of(&self, worker: &str) -> usize {
        self.owners().values().filter(|owner| *owner == worker).count()
    }

    /// Checks that these workers together told what a worker tells that nobody disturbs.
    pub(super) fn assert_undisturbed<'a>(&self, workers: impl IntoIterator<Item = &'a Worker>) {
        let (expected, told) = (self.undisturbed(), workers.into_iter().flat_map(Worker::events).collect());
        let missing: Vec<_> = expected.difference(&told).collect();
        let surplus: Vec<_> = told.difference(&expected).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
    }

    /// The events of a worker that nobody disturbs, over each shard from its beginning to its end; checks that the models in the
    /// states are the same byte for byte.
    fn undisturbed(&self) -> BTreeSet<String> {
        let mut events = BTreeSet::new();
        let plugin = Plugin::built_in(Limits::default()).unwrap();
        for shard in &self.stream.shards() {
            let records = self.stream.records_of(shard);
            let names: Vec<String> = records.iter().map(|(sequence, _)| format!("{shard}:{sequence}")).collect();
            let mut scorer = plugin.scorer("").unwrap();
            let payloads: Vec<Payload<'_>> =
                records.iter().zip(&names).map(|((_, data), id)| Payload { data, id: Some(id) }).collect();
            for batch in payloads.chunks(500) {
                let scored = scorer.transform(batch).unwrap();
                events.extend(String::from_utf8(scored.events).unwrap().lines().map(str::to_owned));
            }
            let state = runtime().block_on(self.store.peek(shard)).unwrap().unwrap();
            assert_eq!(self.read_to(shard).as_ref(), records.last().map(|(sequence, _)| sequence), "{shard}");
            assert!(state.snapshot == scorer.snapshot().unwrap(), "what was learned of {shard} is the same");
        }
        assert!(events.iter().any(|event| event.contains("\"state\":\"open\"")));
        events
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The daemon's jars, if they are installed and there is a Java.
fn jars() -> Option<PathBuf> {
    let jars = services::directory().join("kcl/amazon_kclpy/jars");
    let java = Command::new("java").arg("-version").stderr(Stdio::null()).status();
    if jars.exists() && java.is_ok_and(|status| status.success()) {
        return Some(jars);
    }
    let is_required = std::env::var_os("FLOWSCORE_SERVICES").is_some_and(|value| value == "required");
    assert!(!is_required, "the MultiLangDaemon or Java is not installed");
    eprintln!("skipped: the MultiLangDaemon or Java is not installed; .ci/services does it");
    None
}

/// A daemon with its children: a group of processes.
pub(super) struct Worker {
    child: Child,
    events: PathBuf,
    log: PathBuf,
}

impl Worker {
    pub(super) fn wait_until(&mut self, done: impl FnMut() -> bool) {
        self.wait_until_within(PATIENCE, done);
    }

    /// Waits, as long as this daemon runs, and returns for how long.
    pub(super) fn wait_until_within(&mut self, patience: Duration, mut done: impl FnMut() -> bool) -> Duration {
        let begun = Instant::now();
        while !done() {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || begun.elapsed() > patience {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let end: Vec<&str> = log.lines().rev().filter(|line| !line.starts_with('\t')).take(60).collect();
                panic!("{ended:?}; the daemon says, newest first:\n{}", end.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        begun.elapsed()
    }

    fn signal(&self, signal: &str, process: &str) {
        let _ = Command::new("kill").args([signal, "--", process]).stderr(Stdio::null()).status();
    }

    /// SIGSTOP: neither the daemon nor its children do anything, and they do not notice.
    pub(super) fn freeze(&self) {
        self.signal("-STOP", &format!("-{}", self.child.id()));
    }

    /// SIGCONT: all go on where they were.
    pub(super) fn go_on(&self) {
        self.signal("-CONT", &format!("-{}", self.child.id()));
    }

    /// SIGKILL, to the daemon and its children at once.
    pub(super) fn kill(&mut self) {
        self.signal("-KILL", &format!("-{}", self.child.id()));
        self.child.wait().unwrap();
    }

    /// SIGTERM, which the daemon hands on as `shutdownRequested`.
    pub(super) fn stop(&mut self) {
        self.signal("-TERM", &self.child.id().to_string());
        self.wait_until_ended();
    }

    fn wait_until_ended(&mut self) {
        let begun = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < PATIENCE, "the daemon does not end");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the daemon and its children said.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Whole lines of what it told.
    pub(super) fn events(&self) -> Vec<String> {
        let text = std::fs::read(&self.events).unwrap_or_default();
        let end = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        String::from_utf8(text[..end].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.signal("-KILL", &format!("-{}", self.child.id()));
        let _ = self.child.wait();
    }
}
