//! What a host routes on, read from the events that are about to be handed over, so that a host needs no JSON to do so.
//!
//! Alerts and failures are few beside windows and scores: it costs next to nothing to look for them by the beginning of their lines, and
//! the core writes events in one way only.

use super::bindings::exports::flowscore::transform::{scoring, types};
use crate::json::Value;
use crate::time::parse_time_ms;

/// The alerts and the failures among events.
pub(super) fn of(events: &[u8]) -> (Vec<scoring::Alert>, Vec<scoring::Failed>) {
    let (mut alerts, mut failures) = (Vec::new(), Vec::new());
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', events) {
        let line = &events[start..end];
        let place = || scoring::Place { offset: start as u32, length: line.len() as u32 };
        if [&b"{\"type\":\"anomaly\""[..], b"{\"type\":\"group\""].iter().any(|kind| line.starts_with(kind)) {
            alerts.extend(Value::parse(line).ok().and_then(|event| alert(place(), &event)));
        } else if line.starts_with(b"{\"type\":\"failed\"") {
            failures.extend(Value::parse(line).ok().map(|event| failed(place(), &event)));
        }
        start = end + 1;
    }
    (alerts, failures)
}

fn alert(line: scoring::Place, event: &Value) -> Option<scoring::Alert> {
    let time = |name| text(event, name).and_then(|time| parse_time_ms(time.as_bytes()));
    Some(scoring::Alert {
        line,
        id: text(event, "id")?.to_owned(),
        is_group: text(event, "type") == Some("group"),
        group: text(event, "group").map(str::to_owned),
        state: match text(event, "state")? {
            "open" => scoring::IncidentState::Open,
            "update" => scoring::IncidentState::Update,
            _ => scoring::IncidentState::Closed,
        },
        direction: match text(event, "direction")? {
            "spike" => scoring::Direction::Spike,
            _ => scoring::Direction::Drop,
        },
        severity: match text(event, "severity")? {
            "low" => scoring::Severity::Low,
            "medium" => scoring::Severity::Medium,
            "high" => scoring::Severity::High,
            _ => scoring::Severity::Critical,
        },
        series: text(event, "series").unwrap_or_default().to_owned(),
        start: time("start")?,
        end: time("end")?,
        reason: text(event, "reason").map(str::to_owned),
    })
}

fn failed(line: scoring::Place, event: &Value) -> scoring::Failed {
    let number = |name| match event.get(name) {
        Some(Value::Number(text)) => text.parse().ok(),
        _ => None,
    };
    let owned = |name| text(event, name).unwrap_or_default().to_owned();
    scoring::Failed {
        line,
        id: text(event, "id").map(str::to_owned),
        failure: types::Failure {
            layer: owned("layer"),
            offset: number("offset").unwrap_or(0),
            reason: owned("reason"),
        },
        records: number("records").unwrap_or(1),
        is_cut: event.get("payload_bytes").is_some(),
    }
}

fn text<'a>(event: &'a Value, name: &str) -> Option<&'a str> {
    match event.get(name)? {
        Value::String(text) => Some(text),
        _ => None,
    }
}
