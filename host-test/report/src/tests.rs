//! What a report as a whole promises.

use super::*;
use flowscore_generate::{Direction, Expectation, Kind, Talker, Truth};
use serde_json::json;

const START: i64 = 1_768_176_000;

fn html(events: impl IntoIterator<Item = Value>, truth: Option<&[Truth]>) -> String {
    let mut out = Vec::new();
    render(events.into_iter(), truth, "A day <of> traffic", &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn window(series: &str, minute: i64, bytes: f64) -> Value {
    json!({
        "type": "window", "series": series, "start": START + minute * 60,
        "end": START + minute * 60 + 60, "bytes": bytes,
        "packets": 10, "flows": 3, "expected": 5e6, "expected_low": 4e6, "expected_high": 6e6, "anomaly_score": 0.1,
        "alert": false,
    })
}

fn anomaly(id: &str, state: &str, series: &str, from: i64, to: i64) -> Value {
    json!({
        "type": "anomaly", "id": id, "state": state, "direction": "spike", "series": series,
        "start": START + from * 60, "end": START + to * 60, "observed": 49e6, "expected": 5e6, "expected_low": 4e6,
        "expected_high": 6e6, "anomaly_score": 3.2, "grade": 0.9, "attribution": {"bytes": 0.8, "packets": 0.2},
        "top_talkers": [{"srcaddr": "203.0.113.9", "dstaddr": "10.0.0.1", "dstport": 443, "protocol": 6, "bytes": 44e6,
            "baseline_bytes": 0, "share": 0.97}],
    })
}

fn label() -> Truth {
    Truth {
        id: "spike-1".into(),
        kind: Kind::Spike,
        series: "eni-a".into(),
        start: START + 100 * 60,
        end: START + 120 * 60,
        direction: Some(Direction::Spike),
        magnitude: 9.8,
        expect: Expectation::Alert,
        top_talker: Some(Talker { srcaddr: Some("203.0.113.0/24".into()), ..Talker::default() }),
    }
}

/// Tags have to be closed in the order in which they were opened. Void elements and those closed by `/>` are passed
/// over.
fn assert_balanced(html: &str) {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None if tag.ends_with('/') || tag.starts_with('!') || name == "meta" => (),
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn an_incident_is_shown_with_its_course_facts_and_talkers() {
    let mut events: Vec<Value> =
        (0..300).map(|minute| window("eni-a", minute, if (100..120).contains(&minute) { 49e6 } else { 5e6 })).collect();
    events.push(anomaly("i-1", "open", "eni-a", 100, 101));
    events.push(anomaly("i-1", "closed", "eni-a", 100, 120));
    let html = html(events, Some(&[label()]));
    assert_balanced(&html);
    for wanted in [
        "1 of 1 labelled events found</strong>, 0 false incidents",
        "✓ found",
        "Spike on <span class=\"id\">eni-a</span> <span class=\"factor\">×9.8</span>",
        "2026-01-12 01:40–02:00 UTC",
        "role=\"img\" aria-label=\"Bytes of eni-a",
        "<td class=\"id\">203.0.113.9</td>",
        "✓ as labelled",
        "97\u{a0}%",
        "high severity",
    ] {
        assert!(html.contains(wanted), "{wanted}");
    }
    assert_eq!(html.matches("<article").count(), 1, "open and closed are one incident");
    assert!(!html.contains("still open</strong>"));
}

#[test]
fn nothing_from_data_becomes_markup() {
    let evil = "<script>alert('x')</script>\"";
    let mut incident = anomaly(evil, "open", evil, 100, 120);
    incident["severity"] = json!(evil);
    incident["attribution"] = json!({evil: 1.0});
    incident["top_talkers"] = json!([{"srcaddr": evil, "dstaddr": evil}]);
    let events = vec![
        window(evil, 0, 1.0),
        window(evil, 1, 1.0),
        incident,
        json!({"type": "notice", "time": evil, "kind": evil, "message": evil}),
        json!({"type": "failed", "layer": evil, "offset": evil, "reason": evil, "payload": evil}),
        json!({"type": "score", "record": {"srcaddr": evil, evil: evil}, "anomaly_score": 4.0, "anomaly_explanation": {evil: 1.0}}),
    ];
    let html = html(events, Some(&[Truth { id: evil.into(), series: evil.into(), ..label() }]));
    assert_balanced(&html);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    assert!(html.contains("<title>A day &lt;of&gt; traffic</title>"));
}

#[test]
fn the_file_needs_nothing_else() {
    let html = html(vec![window("eni-a", 0, 1.0), anomaly("i", "open", "eni-a", 0, 1)], None);
    for forbidden in ["http:", "https:", "src=", "@import", "url(", "<link"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    assert!(html.contains("default-src 'none'"));
}

#[test]
fn without_events_the_page_says_so() {
    let html = html(Vec::new(), None);
    assert_balanced(&html);
    assert!(html.contains("Nothing unusual was found."));
}

#[test]
fn record_mode_shows_the_highest_scores_and_their_reason() {
    let events = (0..5000).map(|index| {
        let score = if index == 4000 { 7.5 } else { 1.0 + f64::from(index % 10) / 10.0 };
        json!({
            "type": "score", "record": {"interface_id": "eni-a", "bytes": index}, "anomaly_score": score,
            "anomaly_explanation": {"bytes": {"DIRECTION": "HIGH", "ATTRIBUTION_SCORE": "6.5"},
                "packets": {"DIRECTION": "LOW", "ATTRIBUTION_SCORE": "1.0"}},
        })
    });
    let html = html(events, None);
    assert_balanced(&html);
    assert!(html.contains("The 50 records with the highest scores"));
    let first = html.split("<strong>7.50</strong>").nth(1).unwrap();
    assert!(first.contains("<td class=\"n\">4000</td>") && first.contains("bytes ▲, packets ▼"));
}

#[test]
fn counts_come_from_the_statistics_where_there_are_any() {
    let stats = json!({"type": "stats", "records": 231_237, "ok": 231_000, "dropped": 24, "failed": 3, "late": 7});
    let html = html(vec![stats], None);
    assert!(html.contains("231\u{202f}237") && html.contains("24 dropped") && html.contains("7 late"));
}

#[test]
fn forty_series_and_three_hundred_incidents_stay_below_five_megabytes() {
    let windows = (0..40).flat_map(|series| {
        // Every fifth minute of a week: a drawing has the same number of points whatever the number of windows.
        (0..10_080).step_by(5).map(move |minute| {
            window(&format!("eni-{series:017x}"), minute, 5e6 + f64::from(minute as i32 % 977) * 1e3)
        })
    });
    let incidents =
        (0..300).map(|n| anomaly(&n.to_string(), "closed", &format!("eni-{:017x}", n % 40), n * 30, n * 30 + 20));
    let html = html(windows.chain(incidents), None);
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert_eq!(html.matches("<article").count(), 150);
}
