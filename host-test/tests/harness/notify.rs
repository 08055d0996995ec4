//! `--notify`: what Slack, PagerDuty, a webhook and SNS are sent, once each.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::{Value, json};

use crate::monitoring::minutes;
use crate::s3::python;
use crate::serve::server::{Server, metric, post};
use crate::services::{self, empty_directory, flowscore};

/// A server that stands for all of them: the first request to each path is answered 503.
struct People {
    address: String,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    requests: Mutex<HashMap<String, Vec<Value>>>,
    refused: Mutex<Vec<String>>,
}

impl People {
    async fn start() -> People {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Received::default());
        let router = Router::new().fallback(receive).with_state(received.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        People { address, received }
    }

    fn received(&self, path: &str) -> Vec<Value> {
        self.received.requests.lock().unwrap().get(path).cloned().unwrap_or_default()
    }

    async fn await_number(&self, path: &str, number: usize) {
        let begun = Instant::now();
        while self.received(path).len() < number {
            assert!(begun.elapsed() < Duration::from_secs(60), "{path}: {:?}", self.received(path));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

async fn receive(State(received): State<Arc<Received>>, uri: Uri, headers: HeaderMap, body: String) -> StatusCode {
    assert_eq!(headers["content-type"], "application/json");
    let path = uri.path().to_owned();
    let mut refused = received.refused.lock().unwrap();
    if path.contains("gone") {
        return StatusCode::GONE;
    }
    if !refused.contains(&path) {
        refused.push(path);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    let body = serde_json::from_str(&body).unwrap();
    received.requests.lock().unwrap().entry(path).or_default().push(body);
    StatusCode::ACCEPTED
}

/// Runs it over a file with an incident that opens and ends.
fn run(directory: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let file = directory.join("flows.log");
    std::fs::write(&file, minutes(0..420, 300..320)).unwrap();
    let mut command = flowscore(&["run", file.to_str().unwrap(), "--stats", "none"]);
    command.args(arguments).envs(environment.iter().copied()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_is_told_in_each_ones_form_and_its_end_too_and_no_secret_is() {
    let directory = empty_directory("notify-run");
    let people = People::start().await;
    let (slack, pager) = (format!("slack+http://{}/secret-slack", people.address), &people.address);
    let targets = directory.join("targets");
    std::fs::write(&targets, format!("# chat\n{slack}\n\npagerduty+http://0secret0@{pager}#severity=high\n")).unwrap();
    let template = directory.join("template.json");
    std::fs::write(&template, r#"{"message": "{title} ({severity}) {link}", "observed": "{observed}"}"#).unwrap();
    let webhook = format!("http://{}/secret-hook", people.address);
    let output = run(
        &directory,
        &[
            "--notify",
            &format!("file:{}", targets.display()),
            "--notify",
            "${HOOK}",
            "--notify-template",
            template.to_str().unwrap(),
            "--link-template",
            "https://grafana.example/?var-series={series}&from={start_ms}",
        ],
        &[("HOOK", &webhook)],
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("503") && !said.contains("secret"), "{said}");
    let events: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let open = events.iter().find(|event| event["state"] == "open").unwrap();
    assert!(events.iter().any(|event| event["state"] == "closed"), "{events:?}");
    let link = "https://grafana.example/?var-series=eni-1&from=1769835600000";

    let slack = people.received("/secret-slack");
    let text = |number: usize| slack[number]["text"].as_str().unwrap();
    assert_eq!(slack.len(), 2, "{slack:?}");
    assert!(text(0).starts_with(":rotating_light: *Critical spike on eni-1*\n"), "{}", text(0));
    assert!(
        text(0).contains(" MB a minute, expected ") && text(0).contains("since 2026-01-31 05:00 UTC"),
        "{}",
        text(0)
    );
    assert!(text(0).ends_with(&format!("\n<{}|Open>", link.replace('&', "&amp;"))), "{}", text(0));
    assert!(text(1).starts_with(":white_check_mark: *Back to normal: eni-1*\n"), "{}", text(1));
    assert!(text(1).contains("2026-01-31 05:00 to 05:20 UTC (20 min)"), "{}", text(1));

    let pages = people.received("/v2/enqueue");
    assert_eq!(pages.len(), 2, "{pages:?}");
    for (member, expected) in [
        ("/event_action", json!("trigger")),
        ("/routing_key", json!("0secret0")),
        ("/dedup_key", open["id"].clone()),
        ("/payload/summary", json!("Critical spike on eni-1")),
        ("/payload/source", json!("eni-1")),
        ("/payload/severity", json!("critical")),
        ("/payload/timestamp", open["start"].clone()),
        ("/payload/custom_details/event", open.clone()),
        ("/links/0/href", json!(link)),
    ] {
        assert_eq!(pages[0].pointer(member), Some(&expected), "{member} in {}", pages[0]);
    }
    assert_eq!(pages[1], json!({ "routing_key": "0secret0", "event_action": "resolve", "dedup_key": open["id"] }));

    let hooks = people.received("/secret-hook");
    let message = format!("Critical spike on eni-1 (critical) {link}");
    assert_eq!(hooks[0], json!({ "message": message, "observed": open["observed"] }));
    assert_eq!(hooks.len(), 2);

    // A target that refuses for good is said, and does not hold up the others.
    let output =
        run(&directory, &["--notify", &format!("http://{}/gone-secret", people.address), "--notify", &webhook], &[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("2 notifications were not accepted") && said.contains("410") && !said.contains("secret"),
        "{said}"
    );
    assert_eq!(people.received("/secret-hook").len(), 4);
}

/// Killed at moments when events are delivered again after the next start, it tells each of them once.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_nobody_is_told_twice_and_what_waited_is_told() {
    let directory = empty_directory("notify-serve");
    let people = People::start().await;
    let state = directory.join("state");
    let hook = format!("http://{}/hook", people.address);
    let late = format!("http://{}/late", people.address);
    let arguments = ["--state", state.to_str().unwrap(), "--notify", &hook];
    let what = |path: &str| -> Vec<String> {
        let received = people.received(path);
        received.iter().map(|body| format!("{} {}", body["what"].as_str().unwrap(), body["event"]["id"])).collect()
    };
    let server = Server::start(&arguments).await;
    assert_eq!(post(&server.url, &[], minutes(0..310, 300..320)).await.status, 200);
    people.await_number("/hook", 1).await;
    while metric(&server, "flowscore_notifications_total{outcome=\"sent\"}").await == 0 {}
    assert!(metric(&server, "flowscore_notifications_total{outcome=\"retried\"}").await > 0);
    server.kill();

    // The events of the last batch come again, and were told.
    let server = Server::start(&arguments).await;
    assert_eq!(post(&server.url, &[], minutes(310..420, 300..320)).await.status, 200);
    people.await_number("/hook", 2).await;
    let (status, events) = server.stop();
    assert!(status.success() && events.contains("\"state\":\"open\""), "it was delivered again: {events}");
    let told = what("/hook");
    assert_eq!((told.len(), &told[0][..6], &told[1][..4]), (2, "opened", "over"), "{told:?}");

    // What waits when it is killed is told after the next start.
    let other = directory.join("other");
    let away = ["--state", other.to_str().unwrap(), "--notify", "http://127.0.0.1:1/late"];
    let server = Server::start(&away).await;
    assert_eq!(post(&server.url, &[], minutes(0..310, 300..320)).await.status, 200);
    assert_eq!(metric(&server, "flowscore_notifications_waiting").await, 1);
    assert!(!server.said().contains("/late"), "{}", server.said());
    server.kill();
    let server = Server::start(&away).await;
    assert_eq!(metric(&server, "flowscore_notifications_waiting").await, 1);
    server.kill();
    // Another target has not been told, and what it was not there for is not told it.
    let server = Server::start(&["--state", other.to_str().unwrap(), "--notify", &late]).await;
    assert_eq!(post(&server.url, &[], minutes(310..420, 300..320)).await.status, 200);
    people.await_number("/late", 1).await;
    assert!(server.stop().0.success());
    assert_eq!(what("/late").len(), 1, "{:?}", what("/late"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_of_sns_gets_subject_and_text() {
    let Some(service) = services::moto() else { return };
    let directory = empty_directory("notify-sns");
    let topic = python(
        "import boto3, sys\nsns = boto3.client('sns', endpoint_url=sys.argv[1])\nsqs = boto3.client('sqs', endpoint_url=sys.argv[1])\n\
         topic = sns.create_topic(Name='alerts')['TopicArn']\nqueue = sqs.create_queue(QueueName='mail')['QueueUrl']\n\
         sns.subscribe(TopicArn=topic, Protocol='sqs', Endpoint='arn:aws:sqs:us-east-1:123456789012:mail')\nprint(topic)",
        &[&service.url],
    );
    let output = run(&directory, &["--notify", topic.trim()], &[("AWS_ENDPOINT_URL_SNS", &service.url)]);
    assert!(output.status.success(), "{}", String::from_utf8(output.stderr).unwrap());
    let got = python(
        "import boto3, sys\nsqs = boto3.client('sqs', endpoint_url=sys.argv[1])\nurl = sqs.get_queue_url(QueueName='mail')['QueueUrl']\n\
         for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)['Messages']: print(message['Body'].replace(chr(10), ' '))",
        &[&service.url],
    );
    let mails: Vec<Value> = got.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(mails.len(), 2, "{got}");
    assert_eq!(mails[0]["Subject"], "Critical spike on eni-1");
    assert!(mails[0]["Message"].as_str().unwrap().contains(" MB a minute, expected "), "{got}");
    assert_eq!(mails[1]["Subject"], "Back to normal: eni-1");
}

#[test]
fn a_wrong_target_is_said_and_not_shown() {
    for (arguments, named) in [
        (&["--notify", "smtp://secret"][..], "--notify: give slack://"),
        (&["--notify", "${NOT_THERE}secret"], "NOT_THERE"),
        (&["--notify", "file:/nowhere/targets"], "/nowhere/targets"),
        (&["--notify", "https://x/secret", "--link-template", "https://x/{secrets}"], "{secrets} is not known"),
        (&["--notify", "https://x/secret", "--notify-template", "/nowhere/template"], "/nowhere/template"),
    ] {
        for command in ["run", "serve"] {
            let mut flowscore = Command::new(env!("CARGO_BIN_EXE_flowscore"));
            let output = flowscore.arg(command).args(arguments).output().unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{command} {arguments:?}: {error}");
            assert!(error.contains(named) && !error.replace("{secrets}", "").contains("secret"), "{error}");
        }
    }
}
