//! What was learned outlives every change of the configuration but those that change its shape.

use std::fmt::Write as _;

use flowscore::config::Config;
use flowscore::pipeline::{RestoreError, Scorer};
use serde_json::Value;

/// Every option with another value than its default, and whether it shapes what is learned: in window mode, in record mode.
const CHANGES: &[(&str, &str, bool, bool)] = &[
    ("input.format", r#""${version} ${interface-id} ${bytes} ${start} ${end}""#, false, false),
    ("input.fields", r#"{"tcp_flags":"flags"}"#, false, false),
    ("input.where", r#"{"action":"ACCEPT"}"#, false, false),
    ("input.records", r#""flow""#, false, false),
    ("input.csv.delimiter", r#"";""#, false, false),
    ("input.csv.header", "true", false, false),
    ("input.csv.names", r#"["a","b"]"#, false, false),
    ("input.limits.decoded_bytes", "1000000", false, false),
    ("input.limits.expansion_ratio", "100", false, false),
    ("input.limits.nesting", "4", false, false),
    ("input.limits.records", "5000", false, false),
    ("input.limits.line_bytes", "4096", false, false),
    ("series.by", r#"["srcaddr"]"#, true, false),
    ("series.window", "300", true, false),
    ("series.allowed_lateness", "120", false, false),
    ("series.total", "false", false, false),
    ("series.prefix_totals", "true", true, false),
    ("series.value", r#""packets""#, true, false),
    ("series.max_series", "20000", false, false),
    ("series.forget_after_days", "3", false, false),
    ("series.windows", "true", false, false),
    ("series.maintenance", r#"[{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T01:00:00Z"}]"#, false, false),
    ("series.top_talkers", "0", false, false),
    ("series.talker_sample", "16", false, false),
    ("detect.sensitivity", r#""high""#, false, false),
    ("detect.alerts_per_day", "0", false, false),
    ("detect.provisional", "true", false, false),
    ("detect.direction", r#""drop""#, false, false),
    ("detect.min_value", "10", false, false),
    ("detect.ignore_near_expected.above", "10", false, false),
    ("detect.ignore_near_expected.below", "10", false, false),
    ("detect.ignore_near_expected.above_ratio", "0.5", false, false),
    ("detect.ignore_near_expected.below_ratio", "0.5", false, false),
    ("record.of", "\"windows\"", false, true),
    ("record.columns", r#"["bytes","packets"]"#, false, true),
    ("record.threshold", "2", false, false),
    ("record.only_anomalies", "true", false, false),
    ("record.explanation", "\"anomalies\"", false, false),
    ("forest.number_of_trees", "20", false, true),
    ("forest.sub_sample_size", "64", false, true),
    ("forest.time_decay", "5000", false, true),
    ("forest.shingle_size", "2", false, true),
    ("forest.with_directionality", "false", false, false),
    ("forest.seed", "7", false, true),
    ("fluent_bit.mode", r#""events""#, false, false),
    ("fluent_bit.fields", r#"["message"]"#, false, false),
    ("fluent_bit.snapshot", "null", false, false),
    ("fluent_bit.snapshot_records", "5", false, false),
    ("fluent_bit.snapshot_seconds", "5", false, false),
    ("fluent_bit.tick_tag", r#""tick""#, false, false),
];

fn lines(minutes: std::ops::Range<i64>) -> String {
    let mut text = String::new();
    for minute in minutes {
        let start = 1_767_225_600 + minute * 60;
        for interface in 0..5 {
            let bytes = 10_000 + (minute * 7_919 + interface * 104_729) % 997;
            let (source, end) = (interface + 1, start + 59);
            writeln!(text, "2 1 eni-{interface} 10.0.0.{source} 10.0.1.1 443 9 6 3 {bytes} {start} {end} ACCEPT OK")
                .unwrap();
        }
    }
    text
}

/// A configuration of this mode with an option at a value.
fn configuration(mode: &str, path: &str, value: &str) -> String {
    let mut document = serde_json::json!({ "mode": mode });
    if mode == "record" {
        document["forest"] = serde_json::json!({ "number_of_trees": 10, "sub_sample_size": 32 });
    }
    let mut place = &mut document;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        place = &mut place[name];
    }
    if !path.is_empty() {
        *place = serde_json::from_str(value).unwrap();
    }
    document.to_string()
}

fn learned(mode: &str) -> Vec<u8> {
    let mut scorer = Scorer::new(&configuration(mode, "", "")).unwrap();
    scorer.transform(lines(0..90).as_bytes(), None, &mut Vec::new());
    scorer.snapshot()
}

#[test]
fn a_change_of_any_option_keeps_what_was_learned_unless_it_shapes_it() {
    for mode in ["window", "record"] {
        let snapshot = learned(mode);
        for (path, value, shapes_series, shapes_forest) in CHANGES {
            let shapes = if mode == "window" { *shapes_series } else { *shapes_forest };
            let config = configuration(mode, path, value);
            match Scorer::restore(&config, &snapshot) {
                Ok(mut scorer) => {
                    assert!(!shapes, "{mode}: {path} = {value} shapes what is learned");
                    let before = scorer.totals();
                    assert_eq!((before.payloads, before.counts.ok), (1, 450), "{mode}: {path}");
                    scorer.transform(lines(90..150).as_bytes(), None, &mut Vec::new());
                    // And on from there, under the same configuration.
                    let again = scorer.snapshot();
                    let mut restored =
                        Scorer::restore(&config, &again).unwrap_or_else(|error| panic!("{path}: {error:?}"));
                    let (mut one, mut other) = (Vec::new(), Vec::new());
                    scorer.transform(lines(150..200).as_bytes(), None, &mut one);
                    restored.transform(lines(150..200).as_bytes(), None, &mut other);
                    assert_eq!(one, other, "{mode}: {path}");
                }
                Err(RestoreError::Mismatch(reason)) => {
                    assert!(shapes && reason.contains(path), "{mode}: {path} = {value}: {reason}");
                }
                Err(error) => panic!("{mode}: {path}: {error:?}"),
            }
        }
    }
}

#[test]
fn every_option_is_tried() {
    fn leaves(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    leaves(value, &format!("{path}.{name}"), found);
                }
            }
            _ => found.push(path.trim_start_matches('.').to_owned()),
        }
    }
    let mut found = Vec::new();
    leaves(&serde_json::from_str(&Config::default().to_json()).unwrap(), "", &mut found);
    let mut tried: Vec<&str> = CHANGES.iter().map(|change| change.0).chain(["mode"]).collect();
    found.sort_unstable();
    tried.sort_unstable();
    assert_eq!(found, tried);
}

#[test]
fn a_model_of_another_mode_is_refused() {
    let error = Scorer::restore(&configuration("record", "", ""), &learned("window")).err().unwrap();
    assert!(matches!(&error, RestoreError::Mismatch(reason) if reason.contains("mode")), "{error:?}");
}

#[test]
fn fewer_series_than_there_are_is_refused_with_both_numbers() {
    let config = configuration("window", "series.max_series", "4");
    let error = Scorer::restore(&config, &learned("window")).err().unwrap();
    assert!(matches!(&error, RestoreError::Mismatch(reason) if reason.contains("holds 5 series")), "{error:?}");
    assert!(Scorer::restore(&configuration("window", "series.max_series", "5"), &learned("window")).is_ok());
}
