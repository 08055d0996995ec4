//! What a report as a whole promises.

use super::*;
use flowscore_generate::{Direction, Expectation, Kind, Talker, Truth};
use serde_json::json;

const START: i64 = 1_768_176_000;

fn html(events: impl IntoIterator<Item = Value>, truth: Option<&[Truth]>) -> String {
    let mut out = Vec::new();
    Report::new(events.into_iter(), truth).html("A day <of> traffic", &mut out).unwrap();
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

/// The page with empty scripts: what stands in them is no markup.
fn without_scripts(html: &str) -> String {
    let mut parts = html.split("<script");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        let (tag, content) = part.split_once('>').unwrap();
        text + "<script" + tag + ">" + &content[content.find("</script>").unwrap()..]
    })
}

/// Tags have to be closed in the order in which they were opened. Void elements and those closed by `/>` are passed
/// over.
fn assert_balanced(html: &str) {
    let mut open = Vec::new();
    let html = without_scripts(html);
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
        let name: String = tag.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
        let is_void = tag.ends_with('/') || tag.starts_with('!') || ["meta", "input", "br"].contains(&name.as_str());
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None if !is_void => open.push(name),
            None => {}
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
    assert_eq!(html.matches("<script").count(), 2, "the data and the page's own");
    assert!(!without_scripts(&html).contains("alert('x')") && html.contains("&lt;script&gt;"));
    assert!(html.contains("<title>A day &lt;of&gt; traffic</title>"));
}

#[test]
fn the_file_needs_nothing_else_and_only_its_own_script_may_run() {
    use base64::Engine as _;
    use sha2::Digest as _;
    let html = html(vec![window("eni-0a", 0, 1.0), anomaly("i", "open", "eni-0a", 0, 1)], None);
    for forbidden in ["http:", "src=", "@import", "url(", "<link", "onclick", "javascript:"] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
    for (at, _) in html.match_indices("https:") {
        assert!(html[..at].ends_with("<a href=\"") && html[at..].starts_with("https://console.aws.amazon.com/"));
    }
    let (_, script) = html.split_once("<script>").unwrap();
    let digest = sha2::Sha256::digest(script.split_once("</script>").unwrap().0);
    let digest = base64::engine::general_purpose::STANDARD.encode(digest);
    let policy = format!(
        "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action"
    );
    assert!(html.contains(&policy), "{policy}");
}

#[test]
fn nothing_unusual_is_told_apart_from_nothing() {
    let stats = |records: u64| json!({"type": "stats", "records": records});
    for (events, told) in [
        (vec![], "Nothing came."),
        (vec![stats(0)], "Nothing came."),
        (vec![stats(1)], "Nothing unusual was found</strong> in 1\u{a0}record."),
        (vec![window("eni-a", 0, 1.0)], "Nothing unusual was found</strong>, 1\u{a0}window of 1 series."),
        (vec![json!({"type": "notice", "kind": "source_silent", "message": "…"})], "No incidents and no windows"),
    ] {
        let html = html(events, None);
        assert_balanced(&html);
        assert!(html.contains(told), "{told}");
        assert_eq!(html.contains("verdict good"), told.contains("unusual"), "{told}");
    }
}

#[test]
fn a_group_is_one_entry_with_its_members() {
    let in_group = |id: &str, series: &str| {
        let mut event = anomaly(id, "closed", series, 100, 120);
        event["group"] = json!("g");
        event
    };
    let group = json!({"type": "group", "id": "g", "state": "closed", "direction": "spike", "value": "bytes", "start": START + 6000,
        "end": START + 7200, "observed": 147e6, "expected": 15e6, "severity": "critical", "series_count": 3, "series_known": 12,
        "members": [{"series": "eni-a", "id": "a", "share": 0.6}, {"series": "eni-b", "id": "b", "share": 0.3}, {"series": "eni-c",
        "id": "c", "share": 0.1}], "reason": "recovered"});
    let alone = anomaly("d", "closed", "eni-d", 10, 12);
    let html = html([alone, group, in_group("a", "eni-a"), in_group("b", "eni-b"), in_group("c", "eni-c")], None);
    assert_balanced(&html);
    let (before, after) = html.split_once("<article class=\"incident group spike\" id=\"group-1\"").unwrap();
    assert!(!before.contains("<article"), "the worst comes first");
    assert!(
        after.contains("3 of 12 series together sent 9.8\u{a0}times as much as usual")
            || after.contains("3 of 12 series together sent 9.8 times")
    );
    assert!(after.contains("3\u{a0}incidents in full") && after.contains("back to what is usual"));
    let (group, rest) = after.split_once("</article>\n</details>\n</article>").unwrap();
    assert_eq!((group.matches("<article").count(), rest.matches("<article").count()), (3, 1));
}

#[test]
fn without_windows_incidents_are_drawn_by_what_they_tell() {
    let step = |state: &str, to: i64, total: f64| {
        let mut event = anomaly("i", state, "eni-a", 0, to);
        (event["observed_total"], event["expected_total"]) = (json!(total), json!(5e6 * to as f64));
        event
    };
    let html = html([step("open", 1, 20e6), step("update", 2, 60e6), step("closed", 4, 100e6)], None);
    assert_balanced(&html);
    let (_, sketch) = html.split_once("plot sketch").unwrap();
    let (sketch, _) = sketch.split_once("</svg>").unwrap();
    // 20 MB, 40 MB and twice 20 MB a minute; the top is 6 % above the 49 MB of the worst window.
    let heights: Vec<&str> =
        sketch.split("\"observed\" d=\"M").skip(1).map(|path| path.split([' ', 'H']).nth(1).unwrap()).collect();
    assert_eq!(heights, ["6149", "2299", "6149"]);
}

#[test]
fn late_records_are_folded_and_names_are_shown() {
    let late = (0..500).map(|n| {
        json!({"type": "notice", "kind": "late_records", "time": START + n, "message": format!("message {n}"),
        "count": 2})
    });
    let events = late.chain([window("eni-a", 0, 1.0), anomaly("i", "open", "eni-a", 0, 1)]);
    let names = [("eni-a".to_owned(), "web <1>".to_owned())].into_iter().collect();
    let mut out = Vec::new();
    Report::with(events, Options { names, ..Options::default() }).html("t", &mut out).unwrap();
    let html = String::from_utf8(out).unwrap();
    assert_balanced(&html);
    assert!(html.contains("the last of 500, 1\u{202f}000 in all</span><br>message 499</p>"));
    assert!(html.contains("300 in the middle left out."));
    assert!(html.contains("Spike on web &lt;1&gt; <span class=\"id\">eni-a</span>"));
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
    assert!(
        html.contains("<strong>1</strong> at or above the threshold of 3")
            && html.contains("class=\"threshold\" style=\"left:")
    );
    assert_eq!(html.matches("▲ anomaly").count(), 1);
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
fn two_weeks_of_sixty_interfaces_stay_below_two_megabytes() {
    let windows = (0..60).flat_map(|series| {
        (0..20_160).map(move |minute| {
            let noise = f64::from((minute as i32).wrapping_mul(7_919 + series) % 977);
            window(&format!("eni-{series:017x}"), minute, 5e6 + noise * 3e3)
        })
    });
    let incidents =
        (0..300).map(|n| anomaly(&n.to_string(), "closed", &format!("eni-{:017x}", n % 60), n * 60, n * 60 + 20));
    let html = html(windows.chain(incidents), None);
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    assert_eq!(html.matches("<article").count(), 100);
}

#[test]
fn what_is_no_event_is_counted_and_alone_makes_an_empty_report() {
    let lines = [json!({}), json!([1]), json!(null), json!({"type": "something"}), json!({"srcaddr": "10.0.0.1"})];
    let report = Report::new(lines.into_iter(), None);
    assert!(report.is_empty());
    assert_eq!(report.strangers(), 5);
}
