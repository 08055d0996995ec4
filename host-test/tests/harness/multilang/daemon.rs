//! Amazon's own MultiLangDaemon: two workers on one stream, of which one is killed.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::Request;
use axum::response::Response;
use host_test::plugin::{Limits, Payload, Plugin};
use host_test::state::{Read, Store};

use super::{STREAM, put};
use crate::services::stream::LocalStream;
use crate::services::{self, empty_directory};

/// How long something may take that the daemons have to do: they balance and fail over every few seconds, and start slowly.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn a_worker_that_is_killed_is_followed_by_another_one_that_goes_on_with_its_state() {
    let (Some(jars), Some(kinesis), Some(dynamodb)) = (jars(), services::kinesalite(), services::moto()) else {
        return;
    };
    let directory = empty_directory("multilang-daemon");
    let all = super::payloads(&directory, 12 * 3600);
    let stream = LocalStream::create(&kinesis, STREAM, 2);
    let http2 = Http2::before(&kinesis.url);
    let worker = |name: &str| Worker::start(name, &directory, &jars, &http2.url, &dynamodb.url, &kinesis.url);
    let store = Store::open(directory.join("state").to_str().unwrap(), "flowscore-multilang", STREAM).unwrap();
    let read_to = |shard: &str| read_to(&store, shard);
    let shards = stream.shards();

    let third = all.len() / 3;
    put(&stream, &all[..third]);
    let mut first = worker("first");
    for shard in &shards {
        first.wait_until(|| read_to(shard).is_some());
    }
    let mut second = worker("second");
    put(&stream, &all[third..2 * third]);
    let last = |shard: &str| stream.records_of(shard).pop().unwrap().0;
    // It is killed with records read and not yet saved, as far as that can be had.
    let position = read_to(&shards[0]);
    first.wait_until(|| read_to(&shards[0]) != position);
    first.kill();
    put(&stream, &all[2 * third..]);
    for shard in &shards {
        let last = last(shard);
        second.wait_until(|| read_to(shard).as_ref() == Some(&last));
    }
    second.stop();

    let mut expected = BTreeSet::new();
    let plugin = Plugin::built_in(Limits::default()).unwrap();
    for shard in &shards {
        let records = stream.records_of(shard);
        let names: Vec<String> = records.iter().map(|(sequence, _)| format!("{shard}:{sequence}")).collect();
        let mut scorer = plugin.scorer("").unwrap();
        let payloads: Vec<Payload<'_>> =
            records.iter().zip(&names).map(|((_, data), id)| Payload { data, id: Some(id) }).collect();
        for batch in payloads.chunks(500) {
            let scored = scorer.transform(batch).unwrap();
            expected.extend(String::from_utf8(scored.events).unwrap().lines().map(str::to_owned));
        }
        let state = runtime().block_on(store.peek(shard)).unwrap().unwrap();
        assert_eq!(read_to(shard).as_ref(), records.last().map(|(sequence, _)| sequence), "{shard}");
        assert!(state.snapshot == scorer.snapshot().unwrap(), "what was learned of {shard} is the same");
    }
    let told: BTreeSet<String> = [first.events(), second.events()].concat().into_iter().collect();
    assert!(expected.iter().any(|event| event.contains("\"state\":\"open\"")));
    assert!(!second.events().is_empty());
    let missing: Vec<_> = expected.difference(&told).collect();
    let surplus: Vec<_> = told.difference(&expected).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The sequence number up to which the state of a shard goes.
fn read_to(store: &Store, shard: &str) -> Option<String> {
    let mut state = runtime().block_on(store.peek(shard)).unwrap()?;
    match state.shards.remove(shard)?.read {
        Read::UpTo(position) => Some(position.sequence),
        _ => None,
    }
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
struct Worker {
    child: Child,
    events: PathBuf,
    log: PathBuf,
}

impl Worker {
    fn start(name: &str, directory: &Path, jars: &Path, http2: &str, dynamodb: &str, kinesis: &str) -> Worker {
        let path = |name: String| directory.join(name).to_str().unwrap().to_owned();
        let events = path(format!("{name}.ndjson"));
        let flowscore = env!("CARGO_BIN_EXE_flowscore");
        let state = path("state".into());
        let properties = [
            format!(
                "executableName = {flowscore} multilang --stream {STREAM} --endpoint-url {kinesis} --state {state} --output {events} --save-every 1"
            ),
            format!("streamName = {STREAM}"),
            format!("workerId = {name}"),
            format!("kinesisEndpoint = {http2}"),
            format!("dynamoDBEndpoint = {dynamodb}"),
            "applicationName = flowscore".into(),
            "AwsCredentialsProvider = DefaultCredentialsProvider".into(),
            "initialPositionInStream = TRIM_HORIZON".into(),
            "regionName = us-east-1".into(),
            "retrievalMode = POLLING".into(),
            "metricsLevel = NONE".into(),
            // Leases are taken as in version 2: a dead leader of version 3 is followed only after minutes.
            "clientVersionConfig = CLIENT_VERSION_CONFIG_COMPATIBLE_WITH_2X".into(),
            // A day's waiting in a minute.
            "maxRecords = 100".into(),
            "callProcessRecordsEvenForEmptyRecordList = true".into(),
            "failoverTimeMillis = 3000".into(),
            "shardSyncIntervalMillis = 2000".into(),
            "idleTimeBetweenReadsInMillis = 250".into(),
            "leaseAssignmentIntervalMillis = 1000".into(),
        ];
        let file = path(format!("{name}.properties"));
        std::fs::write(&file, properties.join("\n") + "\n").unwrap();
        let log = directory.join(format!("{name}.log"));
        let output = File::create(&log).unwrap();
        let child = Command::new("java")
            // A local Kinesis is asked in JSON.
            .args(["-Daws.cborEnabled=false", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"])
            .arg(jars.join("*"))
            .args(["software.amazon.kinesis.multilang.MultiLangDaemon", "--properties-file", &file])
            .envs(services::ENVIRONMENT)
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .process_group(0)
            .spawn()
            .unwrap();
        Worker { child, events: events.into(), log }
    }

    fn wait_until(&mut self, mut done: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !done() {
            let ended = self.child.try_wait().unwrap();
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = std::fs::read_to_string(&self.log).unwrap_or_default();
                let end: Vec<&str> = log.lines().rev().filter(|line| !line.starts_with('\t')).take(60).collect();
                panic!("{ended:?}; the daemon says, newest first:\n{}", end.join("\n"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn signal(&self, signal: &str, process: &str) {
        let _ = Command::new("kill").args([signal, "--", process]).stderr(Stdio::null()).status();
    }

    /// SIGKILL, to the daemon and its children at once.
    fn kill(&mut self) {
        self.signal("-KILL", &format!("-{}", self.child.id()));
        self.child.wait().unwrap();
    }

    /// SIGTERM, which the daemon hands on as `shutdownRequested`.
    fn stop(&mut self) {
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

    /// Whole lines of what it told.
    fn events(&self) -> Vec<String> {
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

/// The library speaks HTTP/2 to Kinesis and nothing else; kinesalite speaks HTTP/1.1. This stands in between.
struct Http2 {
    url: String,
    _runtime: tokio::runtime::Runtime,
}

impl Http2 {
    fn before(kinesis: &str) -> Http2 {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let router = Router::new().fallback(hand_on).with_state((client, kinesis.to_owned()));
        runtime.spawn(async move {
            axum_server::from_tcp(listener).unwrap().serve(router.into_make_service()).await.unwrap();
        });
        Http2 { url, _runtime: runtime }
    }
}

async fn hand_on(State((client, kinesis)): State<(reqwest::Client, String)>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let mut headers = parts.headers;
    headers.remove("host");
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let answer = client.post(kinesis).headers(headers).body(body).send().await.unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if !matches!(name.as_str(), "connection" | "transfer-encoding" | "keep-alive" | "content-length") {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(answer.bytes().await.unwrap())).unwrap()
}
