//! The examples for Vector: their programs run in the engine of Vector's language, which a package of PyPI brings along. A Vector as
//! a whole is not run.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::inputs::a_day;
use crate::services::{self, empty_directory, flowscore, is_installed};

fn examples() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let all = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let is_vector = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("vector");
    all.filter(is_vector).collect()
}

/// What comes out of the transforms of these configurations: file, transform and event. None if the engine is not installed.
fn run(files: &[PathBuf], events: &str) -> Option<Vec<(String, String, Value)>> {
    let python = services::directory().join("vrl/bin/python");
    if !is_installed("the engine of Vector's language", &python) {
        return None;
    }
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/vector.py");
    let mut command = Command::new(python);
    let mut child = command
        .arg(program)
        .args(files)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(events.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8(output.stderr).unwrap());
    let line = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&line["file"]), text(&line["transform"]), line["event"].take())
    };
    Some(String::from_utf8(output.stdout).unwrap().lines().map(line).collect())
}

#[test]
fn each_program_of_each_example_runs_on_what_flowscore_tells_of_a_day() {
    let directory = empty_directory("vector-day");
    let file = directory.join("day.log");
    let lines: String = a_day(&directory, "3").files.into_iter().map(|(.., lines)| lines).collect();
    std::fs::write(&file, format!("{}{lines}", crate::inputs::HEADER)).unwrap();
    let config = directory.join("config.json");
    std::fs::write(&config, r#"{"series":{"windows":true}}"#).unwrap();
    let output = flowscore(&["run", file.to_str().unwrap(), "--config", config.to_str().unwrap()]).output().unwrap();
    let events = String::from_utf8(output.stdout).unwrap();
    // Windows are many and alike.
    let kinds = |event: &&str| !event.contains("\"type\":\"window\"") || event.contains("T12:00:00.000Z\",\"end\"");
    let events: String = events.lines().filter(kinds).map(|event| format!("{event}\n")).collect();
    let Some(told) = run(&examples(), &events) else { return };
    let number = |file: &str, transform: &str| told.iter().filter(|told| told.0 == file && told.1 == transform).count();
    for (file, transform) in [
        ("vector-alerts.yaml", "slack"),
        ("vector-alerts.yaml", "pagerduty"),
        ("vector-alerts.yaml", "mail"),
        ("vector-kinesis.yaml", "by_type.incidents"),
        ("vector-scored.yaml", "alerts"),
        ("vector-totals.yaml", "record"),
        ("vector-trends.yaml", "by_day"),
        ("vector.yaml", "alerts"),
    ] {
        assert!(number(file, transform) > 2, "{file} {transform}");
    }
    let day = told.iter().find(|told| told.1 == "by_day").unwrap();
    assert!(day.2["day"].as_str().unwrap().starts_with("2026-01-"), "{day:?}");
    let record = told.iter().find(|told| told.1 == "record").unwrap();
    assert!(record.2["start"].as_i64() > Some(1_700_000_000), "{record:?}");
}

/// An event, what a chat is told of it, and by which action and severity the pager is.
type Told<'a> = (Value, Option<&'a str>, Option<(&'a str, &'a str)>);

/// An event of an incident: id, state, severity, end, and what else there is.
fn event(id: &str, state: &str, severity: &str, end: u32, more: &Value) -> Value {
    let kind = if id == "g" { "group" } else { "anomaly" };
    let mut event = json!({
        "type": kind, "id": id, "state": state, "severity": severity, "direction": "drop", "value": "bytes", "duration_s": 60 * end,
        "start": "2026-01-31T10:00:00.000Z", "end": format!("2026-01-31T10:{end:02}:00.000Z"), "observed": 0, "expected": 36_000_000,
        "top_talkers": [{ "srcaddr": "10.0.0.1", "dstaddr": null, "dstport": 0 }, { "srcaddr": "10.0.0.2", "dstaddr": "10.0.0.3", "dstport": 443 }],
    });
    if kind == "anomaly" {
        event["series"] = format!("eni-{id}").into();
    }
    event.as_object_mut().unwrap().append(&mut more.as_object().unwrap().clone());
    event
}

#[test]
fn chats_and_the_pager_are_told_what_they_should_be_and_the_reason_decides_the_words() {
    let alerts: Vec<PathBuf> = examples().into_iter().filter(|path| path.ends_with("vector-alerts.yaml")).collect();
    let (none, group) = (json!({}), json!({ "group": "g" }));
    let many = json!({ "series_count": 12, "series_known": 60 });
    // What it is, what a chat is told, and what the pager is.
    let story: Vec<Told<'_>> = vec![
        (event("a", "open", "high", 1, &none), Some(":arrow_down: *[high] drop on eni-a*"), Some(("trigger", "error"))),
        (
            event("a", "update", "high", 2, &none),
            Some(":arrow_down: *[high] drop on eni-a (it got worse, or is back)*"),
            Some(("trigger", "error")),
        ),
        (event("a", "update", "high", 3, &none), None, Some(("trigger", "error"))),
        (
            event("a", "update", "critical", 4, &none),
            Some(":rotating_light: *[critical] drop"),
            Some(("trigger", "critical")),
        ),
        // Delivered again.
        (event("a", "update", "critical", 4, &none), None, None),
        (
            event("a", "closed", "critical", 5, &json!({ "reason": "recovered" })),
            Some(":white_check_mark: *Back to normal: eni-a*"),
            Some(("resolve", "info")),
        ),
        (event("b", "open", "low", 1, &none), Some(":arrow_down: *[low]"), Some(("trigger", "warning"))),
        (
            event("b", "closed", "low", 5, &json!({ "reason": "new_level", "level": 2_000_000 })),
            Some(":warning: *Not back: eni-b stays at a new level of 2 MB, ordinary from now on*"),
            Some(("trigger", "info")),
        ),
        (
            event("c", "closed", "low", 5, &json!({ "reason": "series_gone" })),
            Some(":warning: *Gone: eni-c"),
            Some(("trigger", "info")),
        ),
        (
            event("d", "closed", "low", 5, &json!({ "reason": "expired" })),
            Some(":warning: *Not back: eni-d has deviated for a day"),
            Some(("trigger", "info")),
        ),
        (
            event("e", "closed", "low", 5, &json!({ "reason": "turned" })),
            Some(":warning: *Went to the other side"),
            Some(("resolve", "info")),
        ),
        (
            event("f", "closed", "low", 5, &json!({ "reason": "accepted" })),
            Some(":white_check_mark: *Accepted: eni-f"),
            Some(("resolve", "info")),
        ),
        (
            event("g", "open", "critical", 1, &many),
            Some(":rotating_light: *[critical] drop on 12 of 60 series*"),
            Some(("trigger", "critical")),
        ),
        (event("m", "open", "critical", 1, &group), None, None),
        (
            event("m", "closed", "critical", 2, &json!({ "group": "g", "reason": "recovered" })),
            None,
            Some(("resolve", "info")),
        ),
    ];
    let events: String = story.iter().map(|(event, ..)| format!("{event}\n")).collect();
    let Some(told) = run(&alerts, &events) else { return };
    let of = |transform: &str| told.iter().filter(|told| told.1 == transform).map(|told| &told.2).collect::<Vec<_>>();
    let (slack, pages, mails) = (of("slack"), of("pagerduty"), of("mail"));

    let chats: Vec<&str> = story.iter().filter_map(|(_, chat, _)| *chat).collect();
    assert_eq!((slack.len(), mails.len()), (chats.len(), chats.len()), "{slack:?}");
    let values = "0 B in the worst window, expected 36 MB\nsince 2026-01-31 10:00 UTC";
    for (expected, message) in chats.into_iter().zip(slack) {
        let text = message["text"].as_str().unwrap();
        assert!(text.starts_with(expected) && text.contains(values), "{expected}: {text}");
    }
    assert!(mails[0]["message"].as_str().unwrap().starts_with("[high] drop on eni-a\n"), "{mails:?}");
    assert!(
        mails[0]["message"].as_str().unwrap().ends_with("\n• 10.0.0.1 → several\n• 10.0.0.2 → 10.0.0.3:443\n"),
        "{mails:?}"
    );

    let pagers: Vec<(&Value, &str, &str)> = story
        .iter()
        .filter_map(|(event, _, pager)| pager.map(|(action, severity)| (&event["id"], action, severity)))
        .collect();
    let got: Vec<(&Value, &str, &str)> = pages
        .iter()
        .map(|page| {
            (&page["dedup_key"], page["event_action"].as_str().unwrap(), page["payload"]["severity"].as_str().unwrap())
        })
        .collect();
    assert_eq!(got, pagers);
    assert_eq!(pages[0]["payload"]["summary"], "[high] drop on eni-a");
    let details = &pages[0]["payload"]["custom_details"];
    assert_eq!((&details["top_talkers"], &details["told"]), (&story[0].0["top_talkers"], &Value::Null));
}
