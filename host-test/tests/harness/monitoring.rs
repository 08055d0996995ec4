//! The examples for who runs it: alert rules and dashboard with a Prometheus that is really there, and the unit.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;
use serde_json::Value;

use crate::serve::server::{Server, get, post};
use crate::services::{self, empty_directory, is_installed};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name).canonicalize().unwrap()
}

fn read(name: &str) -> String {
    std::fs::read_to_string(example(name)).unwrap()
}

#[test]
fn the_alert_rules_are_right_and_alert_on_what_they_should() {
    let promtool = services::directory().join("prometheus/usr/bin/promtool");
    if !is_installed("promtool", &promtool) {
        return;
    }
    let check = |command: &mut Command| {
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        assert!(output.status.success(), "{command:?}: {said}");
    };
    check(Command::new(&promtool).args(["check", "rules"]).arg(example("prometheus-rules.yaml")));
    check(Command::new(&promtool).args(["test", "rules"]).arg(example("prometheus-rules-test.yaml")));
    // Each rule has a test.
    let tests = read("prometheus-rules-test.yaml");
    for rule in read("prometheus-rules.yaml").lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname: {rule}\n        exp_alerts:")), "{rule}");
    }
}

#[test]
fn the_unit_has_no_mistake() {
    let is_there =
        Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success());
    let required = std::env::var_os("FLOWSCORE_SERVICES").is_some_and(|value| value == "required");
    if !is_there {
        assert!(!required, "systemd-analyze is not installed");
        return eprintln!("skipped: systemd-analyze is not installed; .ci/services does it");
    }
    let directory = empty_directory("unit");
    let unit = directory.join("flowscore-kinesis.service");
    // Of what it names only the program need not be there.
    let text = read("flowscore-kinesis.service").replace("/usr/local/bin/flowscore", env!("CARGO_BIN_EXE_flowscore"));
    let verify = |text: &str| {
        std::fs::write(&unit, text).unwrap();
        let mut command = Command::new("systemd-analyze");
        command.args(["verify", "--recursive-errors=no", "--man=no"]).arg(&unit).output().unwrap()
    };
    let output = verify(&text);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !said.contains("flowscore-kinesis.service:"), "{said}");
    assert!(
        !verify(&text.replace("ProtectSystem=strict", "ProtectSystem=mostly")).status.success(),
        "it finds mistakes"
    );
}

/// Flow log lines of four interfaces, a record a minute each; in some minutes one of them has forty times as much.
pub(crate) fn minutes(minutes: Range<u32>, of_trouble: Range<u32>) -> String {
    let mut lines = String::new();
    for (minute, interface) in minutes.flat_map(|minute| (0..4).map(move |interface| (minute, interface))) {
        let usual = 100_000 + (minute * 7_919 + interface * 104_729) % 20_011;
        let bytes = if of_trouble.contains(&minute) && interface == 1 { 40 * usual } else { usual };
        let start = 1_769_817_600 + u64::from(minute) * 60;
        let (end, packets) = (start + 59, bytes / 1_000);
        lines.push_str(&format!(
            "2 123456789012 eni-{interface} 10.0.0.1 10.0.1.9 4000 443 6 {packets} {bytes} {start} {end} ACCEPT OK\n"
        ));
    }
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prometheus_has_an_answer_for_each_panel_and_alerts_on_the_series_in_trouble() {
    let directory = empty_directory("prometheus");
    let path = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let server = Server::start(&["--state", &path("state")]).await;
    let address = server.url.strip_prefix("http://").unwrap();
    // JSON is YAML.
    let configuration = serde_json::json!({
        "global": { "scrape_interval": "500ms", "evaluation_interval": "500ms" },
        "rule_files": [example("prometheus-rules.yaml")],
        "scrape_configs": [{ "job_name": "flowscore", "static_configs": [{ "targets": [address] }] }],
    });
    std::fs::write(path("prometheus.yml"), configuration.to_string()).unwrap();
    let Some(prometheus) = services::prometheus(&path("prometheus.yml"), &path("data")) else { return };

    assert_eq!(post(&server.url, &[], minutes(0..300, 300..320)).await.status, 200);
    let ask = async |path: &str| get(&format!("{}/api/v1/{path}", prometheus.url)).await.json();
    let result = async |expression: &str| {
        let query: String = url::form_urlencoded::byte_serialize(expression.as_bytes()).collect();
        let answer = ask(&format!("query?query={query}")).await;
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].as_array().unwrap().clone()
    };
    let begun = Instant::now();
    let wait = async || {
        assert!(begun.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    while result("flowscore_payloads_total > 0").await.is_empty() {
        wait().await;
    }
    assert_eq!(post(&server.url, &[], minutes(300..320, 300..320)).await.status, 200);
    while result("flowscore_incident_score").await.is_empty() {
        wait().await;
    }

    let dashboard: Value = serde_json::from_str(&read("grafana-dashboard.json")).unwrap();
    let targets = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| {
        panel["targets"].as_array().unwrap().iter().map(|target| (panel["title"].as_str().unwrap(), target))
    });
    let mut panels = 0;
    for (title, target) in targets {
        let expression = target["expr"].as_str().unwrap();
        let expression = expression.replace("$instance", ".*").replace("$__range", "1h");
        let expression = expression.replace("$__rate_interval", "30s");
        assert!(!expression.contains('$'), "{title}: {expression}");
        let values = result(&expression).await;
        assert!(!values.is_empty(), "{title}: no value of {expression}");
        assert!(values.iter().all(|value| value["value"][1] != "NaN"), "{title}: {values:?}");
        panels += 1;
    }
    assert!(panels > 20);
    let trouble = result("flowscore_incident_observed > 10 * flowscore_incident_expected").await;
    assert_eq!(trouble[0]["metric"]["series"], "eni-1", "{trouble:?}");

    let firing = "ALERTS{alertname=\"FlowscoreSeriesInTrouble\",alertstate=\"firing\",series=\"eni-1\"}";
    while result(firing).await.is_empty() {
        wait().await;
    }
    let rules = ask("rules").await;
    let groups = rules["data"]["groups"].as_array().unwrap();
    for rule in groups.iter().flat_map(|group| group["rules"].as_array().unwrap()) {
        assert_eq!(rule["health"], "ok", "{rule}");
    }
    assert!(server.stop().0.success());
}

/// What a collector was sent, by path.
type Collected = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

async fn collect(State(collected): State<Collected>, uri: Uri, headers: HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    assert_eq!(headers["authorization"], "Bearer key");
    collected.lock().unwrap().push((uri.path().to_owned(), body.to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_metrics_events_and_log_and_a_file_the_lines_of_cloudwatch() {
    let directory = empty_directory("exported");
    let emf = directory.join("emf.ndjson");
    let collected = Collected::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(collect).with_state(collected.clone());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });

    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscore"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--otlp", &url]);
    command.args(["--emf", emf.to_str().unwrap(), "--emf-every", "1"]);
    command.env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20key");
    let server = Server::of(&mut command);
    server.ready().await;
    assert_eq!(post(&server.url, &[], minutes(0..310, 300..320)).await.status, 200);
    let (status, events) = server.stop();
    assert!(status.success());
    let open = events.lines().find(|event| event.contains("\"state\":\"open\"")).unwrap();

    let collected = collected.lock().unwrap();
    let at =
        |path: &str| collected.iter().filter(|(at, _)| at == path).map(|(_, body)| body.as_slice()).collect::<Vec<_>>();
    let metrics: Vec<ExportMetricsServiceRequest> =
        at("/v1/metrics").into_iter().map(|body| ExportMetricsServiceRequest::decode(body).unwrap()).collect();
    // The last one has everything.
    let resource = &metrics.last().unwrap().resource_metrics[0];
    let attributes = format!("{:?}", resource.resource);
    assert!(attributes.contains("flowscore.source") && attributes.contains("\"serve\""), "{attributes}");
    let told = |name: &str| {
        let metric = resource.scope_metrics[0].metrics.iter().find(|metric| metric.name == name);
        format!("{:?}", metric.unwrap_or_else(|| panic!("{name}")).data)
    };
    assert!(told("flowscore.records").contains("AsInt(1240)"), "{}", told("flowscore.records"));
    assert!(told("flowscore.open_incidents").contains("AsDouble(1.0)"), "{}", told("flowscore.open_incidents"));
    assert!(told("flowscore.incident_score").contains("eni-1"), "{}", told("flowscore.incident_score"));
    let logs: Vec<LogRecord> = at("/v1/logs")
        .into_iter()
        .flat_map(|body| ExportLogsServiceRequest::decode(body).unwrap().resource_logs)
        .flat_map(|logs| logs.scope_logs)
        .flat_map(|logs| logs.log_records)
        .collect();
    let text = |record: &LogRecord| match record.body.as_ref().and_then(|body| body.value.clone()) {
        Some(any_value::Value::StringValue(text)) => text,
        other => panic!("{other:?}"),
    };
    let event = logs.iter().find(|record| text(record) == open).unwrap();
    assert_eq!((event.event_name.as_str(), event.severity_text.as_str()), ("anomaly", "ERROR"));
    assert!(format!("{:?}", event.attributes).contains("flowscore.series"), "{event:?}");
    assert!(logs.iter().any(|record| text(record).starts_with("stopping")), "its own log, too");

    let lines: Vec<Value> =
        std::fs::read_to_string(&emf).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().filter_map(|line| line["records_ok"].as_u64()).sum::<u64>(), 1_240, "{lines:?}");
    let last = lines.last().unwrap();
    assert_eq!((&last["source"], &last["open_incidents_critical"]), (&"serve".into(), &1.into()), "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_open_before_a_restart_is_told_after_it() {
    let state = empty_directory("open").join("state").to_str().unwrap().to_owned();
    for (arguments, minutes_of_the_run, expected) in [
        (&[][..], Some(minutes(0..310, 300..320)), 1),
        (&[], None, 1),
        // What was learned is discarded, and with it who could tell that it is over.
        (&["--discard", "model"], None, 0),
        (&[], Some(minutes(310..620, 610..630)), 1),
        (&[], Some(minutes(620..700, 0..0)), 0),
        (&[], None, 0),
    ] {
        let server = Server::start(&[&["--state", &state], arguments].concat()).await;
        server.ready().await;
        if let Some(lines) = &minutes_of_the_run {
            assert_eq!(post(&server.url, &[], lines.clone()).await.status, 200);
        }
        let text = async |path: &str| get(&format!("{}{path}", server.url)).await.body;
        let open: f64 = text("/metrics").await.lines().filter_map(open_incidents).sum();
        assert_eq!(open, f64::from(expected), "{arguments:?}");
        let page = text("/").await;
        assert_eq!(page.matches("class=\"incident ").count() > 0, expected > 0 || minutes_of_the_run.is_some());
        assert!(page.contains("Since the process began, "));
        assert!(server.stop().0.success());
    }
}

fn open_incidents(line: &str) -> Option<f64> {
    line.strip_prefix("flowscore_open_incidents{")?.split_once("} ")?.1.parse().ok()
}
