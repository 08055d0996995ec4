//! Which scores of record mode are told with an explanation.

use flowscore::pipeline::Scorer;
use serde_json::Value;

/// Scores with `record.explanation` at this word: of all records, of those with an explanation, and of anomalies.
fn told(word: &str) -> [usize; 3] {
    let config = format!(
        r#"{{"mode":"record","record":{{"columns":["bytes","packets"],"explanation":"{word}"}},
             "forest":{{"number_of_trees":30,"sub_sample_size":32}}}}"#
    );
    let lines: String = (0..400)
        .map(|i| {
            let bytes = if i % 100 == 99 { 5_000_000 } else { 1_000 + i * 7_919 % 211 };
            format!("2 1 eni-1 10.0.0.1 10.0.0.2 443 9 6 {} {bytes} 1700000000 1700000059 ACCEPT OK\n", 3 + i % 5)
        })
        .chain(["2 1 eni-1 - - - - - - - 1700000000 1700000059 - NODATA\n".into()])
        .collect();
    let mut scorer = Scorer::new(&config).unwrap();
    let mut events = Vec::new();
    scorer.transform(lines.as_bytes(), None, &mut events);
    let events: Vec<Value> =
        events.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let explained = |event: &&Value| event.get("anomaly_explanation").is_some();
    let anomalous = |event: &&Value| event["anomaly_score"].as_f64() >= Some(3.0);
    // A value far off is explained, by the column that it is in.
    for event in events.iter().filter(anomalous).filter(explained) {
        assert_eq!(event["anomaly_explanation"]["bytes"]["DIRECTION"], "HIGH", "{event}");
    }
    [events.len(), events.iter().filter(explained).count(), events.iter().filter(anomalous).count()]
}

#[test]
fn explanations_of_all_scores_of_anomalies_or_of_none() {
    let [all, explained, anomalies] = told("all");
    assert_eq!((all, explained), (401, 401));
    assert!((1..=4).contains(&anomalies), "{anomalies}");
    assert_eq!(told("anomalies"), [401, anomalies, anomalies]);
    assert_eq!(told("none"), [401, 0, anomalies]);
}
