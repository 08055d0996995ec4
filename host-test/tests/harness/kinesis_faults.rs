//! `flowscore kinesis` where the service answers as it does on a bad day.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};

use crate::services::stream::LocalStream;
use crate::services::{self, empty_directory, flowscore, summary};

#[test]
fn expired_iterators_throttling_failures_and_pages_lose_nothing() {
    let Some(service) = services::moto() else { return };
    let stream = LocalStream::create(&service, "flows", 3);
    let line = |number: usize| {
        let (interface, start) = (number % 7, 1_700_000_000 + number / 7 * 60);
        let end = start + 60;
        format!("2 123456789012 eni-{interface} 10.0.0.1 10.0.0.2 40000 443 6 20 4249 {start} {end} ACCEPT OK")
    };
    let records: Vec<_> = (0..700).map(|number| (format!("eni-{}", number % 7), line(number).into_bytes())).collect();
    // Two minutes at a time: what arrives at once should be of about one time.
    records.chunks(14).for_each(|records| stream.put(records));

    let proxy = Proxy::start(&service.url);
    let state = empty_directory("kinesis-faults");
    let stats = summary(
        flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &proxy.url, "--once", "--stats", "json"])
            .args(["--state", state.to_str().unwrap()]),
    );
    for (number, expected) in [("payloads", 700), ("ok", 700), ("failed", 0), ("series", 7), ("late", 0)] {
        assert_eq!(stats[number], expected, "{number} in {stats}");
    }
    for (name, count) in FAULTS.iter().map(|(name, ..)| *name).zip(&*proxy.faults) {
        assert!(count.load(Ordering::Relaxed) > 0, "{name} did not come about");
    }
    assert!(proxy.pages.load(Ordering::Relaxed) >= 3, "a page for each shard");
}

/// An error of GetRecords with its status, and which of the calls get it.
type Fault = (&'static str, StatusCode, fn(usize) -> bool);

const FAULTS: [Fault; 3] = [
    ("ExpiredIteratorException", StatusCode::BAD_REQUEST, |call| call % 5 == 1),
    ("ProvisionedThroughputExceededException", StatusCode::BAD_REQUEST, |call| call % 5 == 2),
    ("InternalFailure", StatusCode::INTERNAL_SERVER_ERROR, |call| call % 7 == 3),
];

/// Stands between a client and the service: some calls go wrong, and shards come one a page.
struct Proxy {
    url: String,
    faults: Arc<[AtomicUsize; FAULTS.len()]>,
    pages: Arc<AtomicUsize>,
    _runtime: tokio::runtime::Runtime,
}

impl Proxy {
    fn start(service: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (client, service) = (reqwest::Client::new(), service.to_owned());
        let faults: Arc<[AtomicUsize; FAULTS.len()]> = Arc::default();
        let (pages, calls) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (told, turned) = (faults.clone(), pages.clone());
        let answer = move |headers: HeaderMap, body: Bytes| {
            let (client, service) = (client.clone(), service.clone());
            let (told, turned, calls) = (told.clone(), turned.clone(), calls.clone());
            async move {
                let target = headers["x-amz-target"].to_str().unwrap().to_owned();
                let mut body = body.to_vec();
                if target.ends_with(".GetRecords") {
                    let call = calls.fetch_add(1, Ordering::Relaxed);
                    if let Some(at) = FAULTS.iter().position(|(.., is_wrong)| is_wrong(call)) {
                        told[at].fetch_add(1, Ordering::Relaxed);
                        let error = json!({ "__type": FAULTS[at].0, "message": "as it happens" });
                        return (FAULTS[at].1, content_type(), error.to_string().into_bytes());
                    }
                }
                if target.ends_with(".ListShards") {
                    turned.fetch_add(1, Ordering::Relaxed);
                    let mut request: Value = serde_json::from_slice(&body).unwrap();
                    request["MaxResults"] = 1.into();
                    if request.get("NextToken").is_some() {
                        // Kinesis refuses a name beside a token, moto insists on one.
                        assert!(request.get("StreamName").is_none(), "{request}");
                        request["StreamName"] = "flows".into();
                    }
                    body = request.to_string().into_bytes();
                }
                let mut request = client.post(&service).body(body);
                for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
                    if let Some(value) = headers.get(name) {
                        request = request.header(name, value);
                    }
                }
                let response = request.send().await.unwrap();
                let status = response.status();
                (status, content_type(), response.bytes().await.unwrap().to_vec())
            }
        };
        let app = axum::Router::new().fallback(answer);
        runtime.spawn(async { axum::serve(listener, app).await });
        Proxy { url, faults, pages, _runtime: runtime }
    }
}

fn content_type() -> [(HeaderName, &'static str); 1] {
    [(axum::http::header::CONTENT_TYPE, "application/x-amz-json-1.1")]
}

/// What a service says that refuses everything but the list of shards, or that too.
fn refusing(lists: bool) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = move |headers: HeaderMap| async move {
        let is_list = headers["x-amz-target"].to_str().unwrap().ends_with(".ListShards");
        let (status, body) = match is_list {
            true if lists => (
                StatusCode::OK,
                json!({ "Shards": [{ "ShardId": "shardId-000000000000",
                "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
                "SequenceNumberRange": { "StartingSequenceNumber": "1" } }] }),
            ),
            true => (StatusCode::FORBIDDEN, json!({})),
            false => (StatusCode::BAD_REQUEST, json!({ "__type": "ExpiredTokenException", "message": "expired" })),
        };
        (status, content_type(), body.to_string())
    };
    let router = axum::Router::new().fallback(answer);
    runtime.spawn(async { axum::serve(listener, router).await });
    let state = empty_directory(if lists { "kinesis-refused-reads" } else { "kinesis-refused-lists" });
    let mut command = flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &url]);
    let mut child = command.args(["--state", state.to_str().unwrap()]).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let told = said.find(|line| line.contains("trying again")).unwrap_or_default();
    child.kill().unwrap();
    child.wait().unwrap();
    told
}

#[test]
fn a_service_that_refuses_is_told_within_seconds() {
    let read = "cannot read shardId-000000000000: ExpiredTokenException";
    for (lists, named, seconds) in [(true, read, 10), (false, "cannot list", 30)] {
        let started = Instant::now();
        let told = refusing(lists);
        assert!(told.contains(named), "{told}");
        assert!(started.elapsed() < Duration::from_secs(seconds), "{:?}", started.elapsed());
    }
}

#[test]
fn a_hang_up_reads_the_configuration_again_and_goes_on_at_once() {
    let Some(service) = services::moto() else { return };
    let stream = LocalStream::create(&service, "hung-up", 1);
    let line = b"2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    let directory = empty_directory("kinesis-hang-up");
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let write = |text: &str| std::fs::write(path("config.json"), text).unwrap();
    write(r#"{"mode":"record","record":{"only_anomalies":true}}"#);
    let mut command = flowscore(&["kinesis", "--stream", "hung-up", "--endpoint-url", &service.url]);
    command.args(["--state", &path("state"), "--config", &path("config.json"), "--output", &path("events.ndjson")]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut wait_for = |word: &str| said.find(|line| line.contains(word)).unwrap_or_else(|| panic!("never: {word}"));
    let signal = |name: &str| {
        let signal = [name, &child.id().to_string()].map(str::to_owned);
        assert!(std::process::Command::new("kill").args(signal).status().unwrap().success());
    };
    wait_for("reading the stream");
    stream.put(&[("k".into(), line.to_vec())]);
    // Refused, and nothing changes; of another shape, likewise; then one that tells every score.
    write(r#"{"mode":"window","#);
    signal("-HUP");
    wait_for("the configuration from before stays");
    write(r#"{"mode":"record","forest":{"number_of_trees":7}}"#);
    signal("-HUP");
    wait_for("stays until the next start");
    write(r#"{"mode":"record"}"#);
    signal("-HUP");
    wait_for("going on by the new configuration");
    stream.put(&[("k".into(), line.to_vec())]);
    let begun = Instant::now();
    let told = || std::fs::read_to_string(path("events.ndjson")).unwrap_or_default();
    while !told().contains("\"score\"") {
        assert!(begun.elapsed() < Duration::from_secs(30), "nothing is told");
        std::thread::sleep(Duration::from_millis(100));
    }
    signal("-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_of_standard_output_that_leaves_is_a_failure_with_a_word() {
    let Some(service) = services::moto() else { return };
    let stream = LocalStream::create(&service, "unread", 1);
    // Each leads to an event, as it is no flow log.
    let records: Vec<_> = (0..20).map(|number| (format!("{number}"), b"no flow log".to_vec())).collect();
    stream.put(&records);
    let state = empty_directory("kinesis-unread");
    let mut command = flowscore(&["kinesis", "--stream", "unread", "--endpoint-url", &service.url, "--once"]);
    let command = command.args(["--state", state.to_str().unwrap()]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("reader of standard output has left"), "{said}");
}

#[test]
fn a_stop_ends_it_at_once_where_the_service_does_not_answer() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let state = empty_directory("kinesis-silent");
    let mut command = flowscore(&["kinesis", "--stream", "flows", "--endpoint-url", &url]);
    let child = command.args(["--state", state.to_str().unwrap()]).stderr(Stdio::piped()).spawn().unwrap();
    let _asked = silent.accept().unwrap();
    let begun = Instant::now();
    assert!(std::process::Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("stopped before the shards of flows could be listed"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
