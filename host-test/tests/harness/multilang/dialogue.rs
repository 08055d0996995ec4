//! The protocol, spoken by hand: what the daemon would say, and what it must be answered.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, ExitStatus, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_test::batch::Decoding;
use host_test::plugin::{Limits, Outcome, Payload, Plugin};
use host_test::state::Store;
use serde_json::{Value, json};

use super::{STREAM, put};
use crate::services::stream::LocalStream;
use crate::services::{self, Service, empty_directory, flowscore};

/// A child of the daemon that this test plays.
struct Dialogue {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Answers to the next checkpoints; after them each is made.
    errors: Vec<&'static str>,
}

impl Dialogue {
    fn start(directory: &Path, service: Option<&Service>) -> Dialogue {
        Dialogue::with(directory, service, &[])
    }

    fn with(directory: &Path, service: Option<&Service>, arguments: &[&str]) -> Dialogue {
        let state = directory.join("state");
        let mut all = vec!["--state", state.to_str().unwrap()];
        all.extend(arguments);
        if let Some(service) = service {
            all.extend(["--stream", STREAM, "--endpoint-url", &service.url]);
        }
        Dialogue::in_environment(directory, &all, &[])
    }

    fn in_environment(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Dialogue {
        let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
        let mut command = flowscore(&["multilang", "--save-every", "0"]);
        command.args(["--output", &path("events.ndjson")]).args(arguments).envs(environment.iter().copied());
        if directory.join("config.json").exists() {
            command.args(["--config", &path("config.json")]);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Dialogue { child, input, output, errors: Vec::new() }
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.input, "{message}").unwrap();
    }

    fn hear(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert!(self.output.read_line(&mut line).unwrap() > 0, "it ended");
            if !line.trim().is_empty() {
                return serde_json::from_str(&line).unwrap();
            }
        }
    }

    /// Asks, answers checkpoints, and returns those once the answer has come.
    fn ask(&mut self, message: &Value) -> Vec<Value> {
        self.say(message);
        let mut checkpoints = Vec::new();
        loop {
            let heard = self.hear();
            match heard["action"].as_str().unwrap() {
                "checkpoint" => {
                    let error = if self.errors.is_empty() { Value::Null } else { self.errors.remove(0).into() };
                    self.say(&json!({
                        "action": "checkpoint", "sequenceNumber": heard["sequenceNumber"],
                        "subSequenceNumber": heard["subSequenceNumber"], "error": error,
                    }));
                    checkpoints.push(heard);
                }
                action => {
                    assert_eq!((action, &heard["responseFor"]), ("status", &message["action"]));
                    return checkpoints;
                }
            }
        }
    }

    fn initialize(&mut self, shard: &str, sequence: &str) {
        let initialize =
            json!({ "action": "initialize", "shardId": shard, "sequenceNumber": sequence, "subSequenceNumber": 0 });
        assert!(self.ask(&initialize).is_empty(), "there is no checkpointer yet");
    }

    /// The daemon closes the pipe.
    fn end(mut self) -> ExitStatus {
        drop(self.input);
        self.child.wait().unwrap()
    }
}

/// The newest end of the flow records in these, in seconds since the Unix epoch: none of them can have arrived before.
fn last_end(records: &[(String, Vec<u8>)]) -> u64 {
    let payloads: Vec<Payload<'_>> = records.iter().map(|(_, data)| Payload { data, id: None }).collect();
    let end = |line: &str| serde_json::from_str::<Value>(line).unwrap()["end"].as_u64();
    let mut last = None;
    Decoding::new(&Plugin::built_in(Limits::default()).unwrap(), "")
        .unwrap()
        .decode(&payloads, &mut |_, outcome| {
            if let Outcome::Ok(decoded) = outcome {
                last = String::from_utf8(decoded.records)?.lines().filter_map(end).max().max(last);
            }
            Ok(())
        })
        .unwrap();
    last.unwrap()
}

/// Records as the daemon hands them on, which arrived at this time in seconds since the Unix epoch.
fn records_at(arrival: u64, records: &[(String, Vec<u8>)]) -> Value {
    let record = |(sequence, data): &(String, Vec<u8>)| {
        json!({
            "action": "record", "data": STANDARD.encode(data), "partitionKey": "k", "sequenceNumber": sequence,
            "subSequenceNumber": 0, "approximateArrivalTimestamp": arrival * 1000,
        })
    };
    json!({ "action": "processRecords", "records": records.iter().map(record).collect::<Vec<_>>(), "millisBehindLatest": 0 })
}

fn records(records: &[(String, Vec<u8>)]) -> Value {
    records_at(0, records)
}

/// Records with sequence numbers of growing length.
fn numbered(payloads: Vec<(String, Vec<u8>)>) -> Vec<(String, Vec<u8>)> {
    payloads.into_iter().enumerate().map(|(number, (_, data))| ((number + 1).to_string(), data)).collect()
}

fn events(directory: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join("events.ndjson")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn whoever_takes_a_lease_over_goes_on_with_the_state_and_counts_nothing_twice() {
    let (disturbed, undisturbed) = (empty_directory("multilang-taken"), empty_directory("multilang-alone"));
    let all = numbered(super::payloads(&undisturbed, 6 * 3600));
    let (half, most) = (all.len() / 2, all.len() * 3 / 4);

    let mut alone = Dialogue::start(&undisturbed, None);
    alone.initialize("shard-0", "TRIM_HORIZON");
    for batch in all.chunks(100) {
        assert_eq!(alone.ask(&records(batch)).len(), 1);
    }
    assert!(alone.end().success());

    let mut first = Dialogue::start(&disturbed, None);
    first.initialize("shard-0", "TRIM_HORIZON");
    let made = first.ask(&records(&all[..half]));
    assert_eq!(made, [json!({ "action": "checkpoint", "sequenceNumber": half.to_string(), "subSequenceNumber": 0 })]);
    // A checkpoint that is not made does not undo the state, which is ahead of it then.
    first.errors = vec!["InvalidStateException"];
    assert_eq!(first.ask(&records(&all[half..most])).len(), 1);
    assert!(first.ask(&json!({ "action": "leaseLost" })).is_empty(), "no checkpoint is allowed any more");
    assert!(first.end().success());

    let mut second = Dialogue::start(&disturbed, None);
    second.initialize("shard-0", &half.to_string());
    // KCL delivers again what lies behind its checkpoint.
    second.errors = vec!["ThrottlingException"];
    for batch in all[half..].chunks(200) {
        second.ask(&records(batch));
    }
    second.ask(&records(&all[all.len() - 1..]));
    assert!(second.ask(&json!({ "action": "shutdownRequested" })).is_empty(), "everything is saved already");
    let ended = second.ask(&json!({ "action": "shardEnded" }));
    let whole = json!({ "action": "checkpoint", "sequenceNumber": null, "subSequenceNumber": null });
    assert_eq!(ended, [whole], "or the children never begin");
    assert!(second.end().success());
    // That checkpoint got lost with its worker.
    let mut third = Dialogue::start(&disturbed, None);
    third.initialize("shard-0", &half.to_string());
    third.ask(&records(&all[half..]));
    assert_eq!(third.ask(&json!({ "action": "shardEnded" })).len(), 1);
    assert!(third.end().success());

    assert!(events(&undisturbed).iter().any(|event| event.contains("\"type\":\"anomaly\"")));
    assert_eq!(events(&disturbed), events(&undisturbed));
}

#[test]
fn a_worker_that_was_frozen_tells_and_writes_nothing_of_a_shard_that_another_one_has_taken_over() {
    let Some(moto) = services::moto() else { return };
    let directory = empty_directory("multilang-frozen");
    let all = numbered(super::payloads(&directory, 6 * 3600));
    let (third, half) = (all.len() / 3, all.len() / 2);
    let mut undisturbed = Plugin::built_in(Limits::default()).unwrap().scorer("").unwrap();
    let ids: Vec<String> = all.iter().map(|(sequence, _)| format!("shard-0:{sequence}")).collect();
    let payloads: Vec<Payload<'_>> =
        all.iter().zip(&ids).map(|((_, data), id)| Payload { data, id: Some(id) }).collect();
    let mut expected = Vec::new();
    for batch in payloads.chunks(100) {
        let scored = undisturbed.transform(batch).unwrap();
        expected.extend(String::from_utf8(scored.events).unwrap().lines().map(str::to_owned));
    }

    crate::s3::upload(&moto.url, "states", &directory);
    for state in [directory.join("state").to_str().unwrap(), "s3://states/of-shards"] {
        for is_saved in [true, false] {
            let _ = std::fs::remove_file(directory.join("events.ndjson"));
            let application = format!("{is_saved}");
            let start = || {
                let arguments = ["--state", state, "--application", &application];
                Dialogue::in_environment(&directory, &arguments, &[("AWS_ENDPOINT_URL", &moto.url)])
            };
            let mut frozen = start();
            frozen.initialize("shard-0", "TRIM_HORIZON");
            frozen.ask(&records(&all[..third]));

            let mut other = start();
            other.initialize("shard-0", &third.to_string());
            if is_saved {
                other.ask(&records(&all[third..half]));
            }
            // It comes back with what its daemon had read before, before it is told that the lease is lost.
            let told = events(&directory).len();
            assert!(frozen.ask(&records(&all[third..])).is_empty(), "it asks for no checkpoint");
            assert!(frozen.ask(&json!({ "action": "shutdownRequested" })).is_empty());
            assert_eq!(events(&directory).len(), told, "it tells nothing");
            frozen.ask(&json!({ "action": "leaseLost" }));
            assert!(frozen.end().success());

            for batch in all[if is_saved { half } else { third }..].chunks(200) {
                assert_eq!(other.ask(&records(batch)).len(), 1, "each batch is saved");
            }
            assert!(other.end().success());
            assert_eq!(events(&directory), expected, "{state}, saved by the other: {is_saved}");
        }
    }
}

#[test]
fn a_state_that_a_newer_plugin_wrote_is_refused_and_left_for_those_who_can_read_it() {
    let (upgraded, undisturbed) = (empty_directory("multilang-upgraded"), empty_directory("multilang-not-upgraded"));
    let all = numbered(super::payloads(&undisturbed, 6 * 3600));
    let half = all.len() / 2;
    let mut alone = Dialogue::start(&undisturbed, None);
    alone.initialize("shard-0", "TRIM_HORIZON");
    for batch in all.chunks(100) {
        alone.ask(&records(batch));
    }
    assert!(alone.end().success());

    let mut first = Dialogue::start(&upgraded, None);
    first.initialize("shard-0", "TRIM_HORIZON");
    first.ask(&records(&all[..half]));
    assert!(first.end().success());
    // The layout's version comes after eight bytes of the snapshot.
    let state = upgraded.join("state");
    let set_version = |change: fn(u8) -> u8| {
        let store = Store::open(state.to_str().unwrap(), "flowscore-multilang", "stream").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut part = store.part("shard-0").unwrap();
            let mut state = part.load().await.unwrap().unwrap();
            state.snapshot[8] = change(state.snapshot[8]);
            part.save(&state).await.unwrap();
        });
    };
    set_version(|version| version + 1);
    let file = state.join("flowscore-multilang/stream/shard-0.state");
    let before = std::fs::read(&file).unwrap();

    let output = upgraded.join("events.ndjson");
    let mut older = flowscore(&["multilang", "--state", state.to_str().unwrap(), "--output", output.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let initialize = json!({ "action": "initialize", "shardId": "shard-0", "sequenceNumber": half.to_string() });
    writeln!(older.stdin.as_mut().unwrap(), "{initialize}").unwrap();
    let ended = older.wait_with_output().unwrap();
    let error = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{error}");
    assert!(ended.stdout.is_empty() && error.contains("and this plugin reads versions"), "{error}");
    assert!(std::fs::read(&file).unwrap() == before, "the state is as it was");

    set_version(|version| version - 1);
    let mut newer = Dialogue::start(&upgraded, None);
    newer.initialize("shard-0", &half.to_string());
    for batch in all[half..].chunks(100) {
        newer.ask(&records(batch));
    }
    assert!(newer.end().success());
    assert_eq!(events(&upgraded), events(&undisturbed));
}

#[test]
fn the_children_of_a_split_go_on_with_what_was_learned_and_tell_no_outage_of_what_moved() {
    let Some(service) = services::kinesalite() else { return };
    let stream = LocalStream::create(&service, STREAM, 1);
    let (handed_on, undivided) = (empty_directory("multilang-split"), empty_directory("multilang-whole"));
    let all = super::payloads(&undivided, 12 * 3600);
    put(&stream, &all[..all.len() / 2]);
    let parent = stream.shards().remove(0);
    stream.split();
    put(&stream, &all[all.len() / 2..]);
    let children = stream.shards()[1..].to_vec();
    assert_eq!(children.len(), 2);

    let process = |shard: &str, arrival: u64| {
        let mut dialogue = Dialogue::start(&handed_on, Some(&service));
        dialogue.initialize(shard, "TRIM_HORIZON");
        for batch in stream.records_of(shard).chunks(200) {
            dialogue.ask(&records_at(arrival, batch));
        }
        dialogue.ask(&json!({ "action": "shardEnded" }));
        assert!(dialogue.end().success());
    };
    process(&parent, last_end(&stream.records_of(&parent)) + 60);
    let before = events(&handed_on).len();
    for child in &children {
        process(child, last_end(&stream.records_of(child)) + 60);
    }
    let told = &events(&handed_on)[before..];

    // The same records through one shard that was never split.
    let mut whole = Dialogue::start(&undivided, None);
    whole.initialize("whole", "TRIM_HORIZON");
    for batch in numbered(all).chunks(200) {
        whole.ask(&records(batch));
    }
    assert!(whole.end().success());
    let openings = |events: &[String]| -> HashSet<(String, String)> {
        let events = events.iter().map(|event| serde_json::from_str::<Value>(event).unwrap());
        let opened = events.filter(|event| event["state"] == "open" && event["series"] != "total");
        opened.map(|event| (event["series"].to_string(), event["start"].to_string())).collect()
    };
    let expected = openings(&events(&undivided));
    let split_at = openings(&events(&handed_on)[..before]);
    let told = openings(told);
    assert!(!told.is_empty(), "there are incidents after the split");
    let false_alarms: Vec<_> = told.difference(&expected).collect();
    assert!(false_alarms.is_empty(), "{false_alarms:?}");
    let missed: Vec<_> = expected.difference(&told).filter(|incident| !split_at.contains(*incident)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn a_hang_up_reads_the_configuration_again_and_ends_nothing() {
    let directory = empty_directory("multilang-hang-up");
    let config = directory.join("config.json");
    let only_anomalies = |only: bool| {
        let text =
            json!({ "mode": "record", "forest": { "number_of_trees": 10 }, "record": { "only_anomalies": only } });
        std::fs::write(&config, text.to_string()).unwrap();
    };
    only_anomalies(true);
    let line = b"2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK".to_vec();
    let mut daemon = Dialogue::start(&directory, None);
    daemon.initialize("shard-0", "TRIM_HORIZON");
    daemon.ask(&records(&[("1".into(), line.clone())]));
    assert_eq!(events(&directory), [] as [String; 0]);

    only_anomalies(false);
    let signal = ["-HUP", &daemon.child.id().to_string()].map(str::to_owned);
    assert!(std::process::Command::new("kill").args(signal).status().unwrap().success());
    // The signal comes when it comes.
    let told = (2..100).find(|number| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        daemon.ask(&records(&[(number.to_string(), line.clone())]));
        !events(&directory).is_empty()
    });
    assert!(told.is_some(), "each record is told now");
    assert!(daemon.end().success());
}

#[test]
fn standard_output_is_not_for_events() {
    let directory = empty_directory("multilang-usage");
    let state = directory.to_str().unwrap();
    for (arguments, named) in [
        (&["--state", state, "--output", "-"][..], "standard output is the daemon's"),
        (&["--state", state, "--output", "ftp://host/"], "kinesis://STREAM"),
        (&["--state", "ftp://host/", "--output", "/dev/null"], "--state"),
        (&["--state", state], "--output"),
    ] {
        let output = flowscore(&["multilang"]).args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(named), "{arguments:?}: {error}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn the_processes_of_one_worker_can_each_be_asked_how_they_are() {
    let directory = empty_directory("multilang-monitored");
    // Two beside each other, below those that the system hands out to others meanwhile.
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let port = (20_000..30_000).step_by(2).find(|port| is_free(*port) && is_free(port + 1)).unwrap();
    let http = format!("127.0.0.1:{port}");
    let start = |shard: &str| {
        let mut dialogue = Dialogue::with(&directory, None, &["--http", &http]);
        dialogue.initialize(shard, "TRIM_HORIZON");
        dialogue
    };
    let (mut first, second) = (start("shard-0"), start("shard-1"));
    let mut some = records(&numbered(super::payloads(&directory, 3600))[..100]);
    some["millisBehindLatest"] = 1_500.into();
    assert_eq!(first.ask(&some).len(), 1);
    let age = "flowscore_iterator_age_seconds{shard=\"shard-0\"} 1.5";
    services::await_metrics(
        port,
        &["flowscore_leases 1", "flowscore_payloads_total 100", "flowscore_state_writes_total 1", age],
    );
    services::await_metrics(port + 1, &["flowscore_leases 1", "flowscore_payloads_total 0"]);
    let (status, page) = services::get(port, "/");
    assert!(
        status == 200 && page.contains("<section id=\"series\">"),
        "windows are shown that no event told of: {page}"
    );
    first.ask(&json!({ "action": "leaseLost" }));
    services::await_metrics(port, &["flowscore_leases 0"]);
    assert!(!services::get(port, "/metrics").1.contains("shard-0"));
    assert_eq!(services::get(port, "/health"), (200, "ready\n".to_owned()));
    assert!(first.end().success() && second.end().success());
}
