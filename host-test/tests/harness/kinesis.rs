//! `flowscore kinesis` against streams that are really there.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::services::stream::LocalStream;
use crate::services::{self, empty_directory, flowscore, summary};

/// A day on 4 shards; 3 changes of the shards meanwhile; a reader that is killed 20 times; and payloads that are no flow log. Afterwards everything has to be
/// as if nothing had happened: each record counted once, the same events, the same model, byte for byte.
#[test]
fn a_reader_that_is_killed_again_and_again_tells_and_learns_the_same() {
    let Some(service) = services::kinesalite() else { return };
    let directory = empty_directory("kinesis-killed");
    let mut payloads = a_day(&directory);
    for number in 0..40 {
        payloads.insert(payloads.len() * number / 40, (format!("poison-{number}"), services::poison(number)));
    }
    let stream = LocalStream::create(&service, "flows", 4);

    let reader = |application: &str, extra: &[&str], output: &Path| {
        let state = directory.join("state");
        let mut command = flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &service.url]);
        command.args(["--application", application, "--state", state.to_str().unwrap(), "--save-every", "1"]);
        command.args(["--stats", "json"]).args(extra);
        command.stdout(File::create(output).unwrap());
        command
    };

    // The day is put in order, two minutes at a time, and the shards change under it.
    let total = payloads.len();
    let writer = std::thread::spawn({
        let stream = stream.clone();
        move || {
            for (number, records) in payloads.chunks(24).enumerate() {
                stream.put(records);
                match number {
                    150 => stream.split(),
                    330 => stream.merge(),
                    500 => stream.split(),
                    _ => {}
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            Instant::now()
        }
    });

    // Lives of 0.4 to 2.3 s, a different one each time.
    let mut told: Vec<u8> = Vec::new();
    for life in 0..services::kills(20) {
        let output = directory.join(format!("killed-{life}.ndjson"));
        let mut child = reader("killed", &[], &output).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(400 + (life * 7919) % 1900));
        assert!(child.try_wait().unwrap().is_none(), "the reader stopped by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(whole_lines(&output));
    }
    let written = writer.join().unwrap();
    // Past the next tick, so that both readers end at the same time of the stream.
    std::thread::sleep(Duration::from_secs(14).saturating_sub(written.elapsed()));

    let last = directory.join("last.ndjson");
    let stats = summary(&mut reader("killed", &["--once"], &last));
    told.extend(whole_lines(&last));
    let undisturbed = directory.join("undisturbed.ndjson");
    let expected = summary(&mut reader("undisturbed", &["--once"], &undisturbed));

    assert_eq!(stats["payloads"], total, "each record is counted once");
    assert_eq!(expected["payloads"], total);
    // Of five kinds of poison, one in five has 2,000 lines.
    assert_eq!(stats["failed"], 8 * 2_000 + 32);
    assert_eq!(stats["disordered"], 0);
    for number in ["records", "ok", "dropped", "late", "windows", "series", "anomalies"] {
        assert_eq!(stats[number], expected[number], "{number}");
    }
    let expected = events(&whole_lines(&undisturbed));
    assert!(expected.iter().filter(|event| event.contains("\"state\":\"open\"")).count() >= 5, "a day of incidents");
    assert!(events(&told) == expected, "the events are the same, in the same order");
    let model = |application: &str| {
        let state = directory.join("state").join(application).join("flows/all-shards.state");
        let bytes = std::fs::read(state).unwrap();
        let head: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] == b'\n').take(2).collect();
        bytes[head[1] + 1..bytes.len() - 4].to_vec()
    };
    assert!(model("killed") == model("undisturbed"), "what was learned is the same");
}

/// Told to stop, it saves; and it tells events to whoever is there, for as long as it takes.
#[test]
fn events_go_by_http_and_to_a_stream_and_a_signal_ends_it_well() {
    let Some(service) = services::kinesalite() else { return };
    let directory = empty_directory("kinesis-outputs");
    let stream = LocalStream::create(&service, "flows", 2);
    let alerts = LocalStream::create(&service, "Flow_Alerts", 1);
    let mut payloads = a_day(&directory);
    payloads.truncate(2_000);
    // One that fails is an event.
    payloads.push(("broken".into(), b"not a flow log".to_vec()));
    payloads.chunks(500).for_each(|records| stream.put(records));

    let http = FlakyServer::start();
    let to_http = directory.join("http");
    let port = services::free_port();
    let mut child = flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &service.url, "--output", &http.url])
        .args(["--state", to_http.to_str().unwrap(), "--stats", "json", "--http", &format!("127.0.0.1:{port}")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while !http.accepted().contains("not a flow log") && !http.accepted().contains("bm90IGEgZmxvdyBsb2c") {
        assert!(begun.elapsed() < Duration::from_secs(60), "nothing came: {}", http.accepted());
        std::thread::sleep(Duration::from_millis(100));
    }
    services::await_metrics(
        port,
        &[
            "flowscore_payloads_total 2001",
            "flowscore_records_total{outcome=\"failed\"} 1",
            "flowscore_shards 2",
            "flowscore_iterator_age_seconds{shard=\"shardId-000000000000\"} 0.0",
            "flowscore_source_retries_total 0",
        ],
    );
    let metrics = services::get(port, "/metrics").1;
    assert!(!metrics.contains("flowscore_forward_retries_total 0\n"), "the other end has refused some: {metrics}");
    assert!(
        !metrics.contains("flowscore_state_saved_timestamp_seconds 0\n"),
        "where it begins is kept at once: {metrics}"
    );
    assert_eq!(services::get(port, "/health"), (200, "ready\n".to_owned()));
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let status = child.wait().unwrap();
    let mut error = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut error).unwrap();
    assert_eq!(status.code(), Some(0), "{error}");
    assert!(error.contains("it answered 503"), "{error}");
    let stats: Value = serde_json::from_str(error.lines().last().unwrap()).unwrap();
    assert_eq!((&stats["payloads"], &stats["failed"]), (&2_001.into(), &1.into()), "{error}");

    // It has nothing more to read, and says so.
    let again = summary(
        flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &service.url, "--once", "--from", "checkpoint"])
            .args(["--state", to_http.to_str().unwrap(), "--stats", "json", "--output", "kinesis://Flow_Alerts"]),
    );
    assert_eq!((&again["read"], &again["payloads"]), (&0.into(), &2_001.into()));

    let to_stream = directory.join("stream");
    summary(flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &service.url, "--once"]).args([
        "--state",
        to_stream.to_str().unwrap(),
        "--stats",
        "json",
        "--output",
        "kinesis://Flow_Alerts",
    ]));
    let told = alerts.records().join("\n");
    assert_eq!(events(told.as_bytes()), events(http.accepted().as_bytes()));
}

#[test]
fn what_cannot_be_read_is_said_on_one_line() {
    let Some(service) = services::kinesalite() else { return };
    let directory = empty_directory("kinesis-wrong");
    let stream = LocalStream::create(&service, "flows", 1);
    stream.put(&[("a".into(), b"x".to_vec())]);
    let state = directory.join("state");
    let state = state.to_str().unwrap();
    let run = |args: &[&str]| {
        let output = flowscore(&["kinesis", "--endpoint-url", &service.url, "--stats", "none", "--once"])
            .args(args)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let record = directory.join("record.json");
    std::fs::write(&record, r#"{"mode":"record"}"#).unwrap();
    assert_eq!(run(&["--stream", "flows", "--state", state]).0, Some(0));
    for (args, code, named) in [
        (&["--stream", "nothing", "--state", state][..], 1, "ResourceNotFoundException"),
        (
            &["--stream", "flows", "--state", state, "--application", "new", "--from", "checkpoint"],
            1,
            "there is no state",
        ),
        (&["--stream", "flows", "--state", "ftp://x/", "--from", "latest"], 2, "s3://bucket/prefix"),
        (&["--stream", "flows", "--state", state, "--output", "ftp://host/"], 2, "kinesis://STREAM"),
        (&["--stream", "flows", "--state", state, "--config", record.to_str().unwrap()], 2, "--discard model"),
    ] {
        let (status, error) = run(args);
        assert_eq!(status, Some(code), "{args:?}: {error}");
        assert!(error.contains(named), "{args:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{args:?}: {error}");
    }
    let discard = ["--stream", "flows", "--state", state, "--config", record.to_str().unwrap(), "--discard", "model"];
    assert_eq!(run(&discard).0, Some(0));
    // The state of another stream of this name.
    let other = services::kinesalite().unwrap();
    LocalStream::create(&other, "flows", 1);
    let error = flowscore(&["kinesis", "--endpoint-url", &other.url, "--stream", "flows", "--state", state])
        .args(["--stats", "none", "--once", "--config", record.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(error.status.code(), Some(1));
    let error = String::from_utf8_lossy(&error.stderr);
    assert!(error.contains("--discard state"), "{error}");
}

/// From flow log lines in CloudWatch Logs, through a subscription, with the state in S3.
#[test]
fn a_cloudwatch_subscription_is_read_and_the_state_is_kept_in_s3() {
    let Some(service) = services::moto() else { return };
    let python = |script: &str| {
        let mut child = Command::new(services::directory().join("moto/bin/python"))
            .args(["-", &service.url])
            .envs(services::ENVIRONMENT)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    };
    python(SUBSCRIPTION);
    let run = || {
        let mut command =
            flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &service.url, "--once", "--stats", "json"]);
        command.args(["--state", "s3://flowscore-state/production"]);
        command.env("AWS_ENDPOINT_URL", &service.url).env("AWS_ALLOW_HTTP", "true");
        command
    };
    let first = summary(&mut run());
    for (number, expected) in [("read", 90), ("payloads", 90), ("ok", 90), ("failed", 0), ("series", 3), ("shards", 2)]
    {
        assert_eq!(first[number], expected, "{number} in {first}");
    }
    assert!(first["windows"].as_u64().unwrap() > 60, "{first}");
    // Again, with credentials from a profile: for the stream and for the state.
    let profile = empty_directory("kinesis-profile").join("credentials");
    std::fs::write(&profile, "[flows]\naws_access_key_id = test\naws_secret_access_key = test\n").unwrap();
    let mut command = run();
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.env("AWS_SHARED_CREDENTIALS_FILE", profile).env("AWS_PROFILE", "flows");
    let second = summary(&mut command);
    assert_eq!((&second["read"], &second["payloads"]), (&0.into(), &90.into()), "{second}");

    // What failed and is too long for an event is kept whole there, too; a bucket that is not there holds nothing up.
    for (bucket, kept) in [("flowscore-state", true), ("not-there", false)] {
        let mut command = flowscore(&["run", "--keep-failed", &format!("s3://{bucket}/failed"), "--stats", "json"]);
        command.env("AWS_ENDPOINT_URL", &service.url).env("AWS_ALLOW_HTTP", "true");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&[b'a'; 10_000]).unwrap();
        let output = child.wait_with_output().unwrap();
        let (said, event) = (String::from_utf8(output.stderr).unwrap(), output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        assert_eq!(said.contains("cannot be kept"), !kept, "{said}");
        let event: Value = serde_json::from_slice(&event).unwrap();
        if kept {
            let digest = event["payload_sha256"].as_str().unwrap();
            let script = format!("{KEPT}\nprint(size('failed/{digest}'))");
            assert_eq!(python(&script).trim(), "10000");
        }
    }
}

const KEPT: &str = r"
import boto3, sys
s3 = boto3.client('s3', endpoint_url=sys.argv[1])
size = lambda key: s3.head_object(Bucket='flowscore-state', Key=key)['ContentLength']
";

/// Three interfaces, half an hour of records of one minute.
const SUBSCRIPTION: &str = r"
import boto3, sys
client = lambda name: boto3.client(name, endpoint_url=sys.argv[1])
client('s3').create_bucket(Bucket='flowscore-state')
kinesis, logs = client('kinesis'), client('logs')
kinesis.create_stream(StreamName='flows', ShardCount=2)
stream = kinesis.describe_stream(StreamName='flows')['StreamDescription']['StreamARN']
logs.create_log_group(logGroupName='vpc')
logs.put_subscription_filter(logGroupName='vpc', filterName='all', filterPattern='', destinationArn=stream,
                             roleArn='arn:aws:iam::123456789012:role/CWLtoKinesis')
for eni in ('eni-0', 'eni-1', 'eni-2'):
    logs.create_log_stream(logGroupName='vpc', logStreamName=eni + '-all')
import time
start = int(time.time()) // 60 * 60 - 3600
for minute in range(start, start + 1800, 60):
    for eni in ('eni-0', 'eni-1', 'eni-2'):
        line = f'2 123456789012 {eni} 10.0.0.1 10.0.0.2 40000 443 6 20 4249 {minute} {minute + 60} ACCEPT OK'
        logs.put_log_events(logGroupName='vpc', logStreamName=eni + '-all',
                            logEvents=[{'timestamp': minute * 1000, 'message': line}])
";

/// A generated day: partition key and payload.
fn a_day(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let path = directory.join("payloads.txt");
    let made = flowscore(&["generate", "--partition-keys", "--output", path.to_str().unwrap()]).output().unwrap();
    assert!(made.status.success());
    let text = std::fs::read_to_string(path).unwrap();
    let payload = |line: &str| {
        let (key, payload) = line.split_once('\t').unwrap();
        (key.to_owned(), payload.as_bytes().to_vec())
    };
    text.lines().map(payload).collect()
}

/// What a reader has told for certain: a line that was cut short by its end is told again.
fn whole_lines(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    bytes.truncate(end);
    bytes
}

/// Events in the order in which each was told first.
fn events(lines: &[u8]) -> Vec<String> {
    let mut seen = HashSet::new();
    let text = std::str::from_utf8(lines).unwrap();
    text.lines().filter(|line| seen.insert(line.to_string())).map(str::to_owned).collect()
}

/// An HTTP server that is overloaded for the first three requests.
struct FlakyServer {
    url: String,
    accepted: Arc<Mutex<String>>,
    _runtime: tokio::runtime::Runtime,
}

impl FlakyServer {
    fn start() -> Self {
        use axum::http::{HeaderMap, StatusCode};
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}/events", listener.local_addr().unwrap());
        let accepted = Arc::new(Mutex::new(String::new()));
        let requests = Arc::new(Mutex::new(0));
        let kept = accepted.clone();
        let answer = async move |headers: HeaderMap, body: String| {
            assert_eq!(headers["content-type"], "application/x-ndjson");
            let mut requests = requests.lock().unwrap();
            *requests += 1;
            if *requests <= 3 {
                return StatusCode::SERVICE_UNAVAILABLE;
            }
            kept.lock().unwrap().push_str(&body);
            StatusCode::OK
        };
        let app = axum::Router::new().route("/events", axum::routing::post(answer));
        runtime.spawn(async { axum::serve(listener, app).await });
        FlakyServer { url, accepted, _runtime: runtime }
    }

    fn accepted(&self) -> String {
        self.accepted.lock().unwrap().clone()
    }
}
