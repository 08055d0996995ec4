//! `docs/migration.md`: each application beside its configuration, which does what the application did.

use flowscore::forest::{Forest, Parameters};
use flowscore::{Config, Scorer};
use serde_json::Value;

use crate::series_traffic::{T0, noise};

/// The configurations of the page, in its order.
fn configurations() -> Vec<String> {
    let page = include_str!("../../../docs/migration.md");
    page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// Records of an hour: two interfaces, a record of each in every minute but one, and one large record.
fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    for minute in 0..400 {
        for (interface, second) in [("eni-a", 1), ("eni-a", 30), ("eni-b", 5)] {
            if (minute, interface) == (100, "eni-b") {
                continue;
            }
            let large = if (minute, second) == (390, 5) { 5_000_000 } else { 0 };
            let (bytes, packets) = (1_000 + large + noise(minute, second) % 500, 1 + noise(minute, second) % 9);
            let port = if second == 30 { 22 } else { 443 };
            let start = T0 + minute * 60 + second;
            lines.push(format!(
                "2 123456789010 {interface} 198.51.100.{second} 10.0.0.1 50000 {port} 6 {packets} {bytes} {start} {start} ACCEPT OK"
            ));
        }
    }
    lines
}

fn events(config: &str) -> (Vec<Value>, flowscore::Counts) {
    let mut scorer = Scorer::with(Config::parse(config).unwrap());
    let mut out = Vec::new();
    for line in lines() {
        scorer.transform(line.as_bytes(), None, &mut out);
    }
    scorer.finish(&mut out);
    let events = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    (events.map(|line| serde_json::from_slice(line).unwrap()).collect(), scorer.totals().counts)
}

fn numbers(event: &Value, names: &[&str]) -> Vec<f64> {
    names.iter().map(|name| event[name].as_f64().unwrap()).collect()
}

/// Scores of points by the forest itself.
fn scores(points: impl Iterator<Item = Vec<f64>>, columns: usize) -> Vec<f64> {
    let mut forest = Forest::new(&Parameters::default(), columns).unwrap();
    let score = |point: Vec<f64>| {
        let score = forest.score(&point);
        forest.update(&point);
        score
    };
    points.map(score).collect()
}

/// The scores of events are those of the columns of their records.
fn are_scores_of(events: &[Value], columns: &[&str]) {
    let expected = scores(events.iter().map(|event| numbers(&event["record"], columns)), columns.len());
    for (event, expected) in events.iter().zip(expected) {
        assert!((event["anomaly_score"].as_f64().unwrap() - expected).abs() < 1e-9, "{event}");
    }
}

#[test]
fn each_application_has_its_configuration() {
    let configurations = configurations();
    let [one, parameters, two, plain, some, sums, forest_of_sums] = &configurations[..] else {
        panic!("{configurations:?}")
    };
    let all = lines().len();

    let (told, _) = events(one);
    assert_eq!(told.len(), all);
    are_scores_of(&told, &["bytes"]);
    assert!(told.iter().all(|event| event["anomaly_explanation"]["bytes"]["DIRECTION"].is_string()));
    assert_eq!(events(parameters).0, told, "the parameters are the defaults");

    let (told, _) = events(two);
    assert!(!told.is_empty() && told.len() < 20, "{}", told.len());
    assert!(told.iter().all(|event| event["anomaly_score"].as_f64() >= Some(3.0)));
    assert!(told.iter().any(|event| event["record"]["bytes"].as_u64() > Some(5_000_000)));

    let (told, _) = events(plain);
    are_scores_of(&told, &["bytes"]);
    assert!(told.iter().all(|event| event.get("anomaly_explanation").is_none()));

    let (told, counts) = events(some);
    assert_eq!((counts.ok, counts.dropped), (799, 400));
    assert!(told.iter().all(|event| event["record"]["dstport"] == 443));

    let (told, _) = events(sums);
    // Three addresses, 400 minutes, and one minute without a record of one of them.
    assert_eq!(told.iter().filter(|event| event["type"] == "window").count(), 3 * 400 - 1);

    let (told, _) = events(forest_of_sums);
    // The last minute is cut off by the end of the input.
    assert_eq!(told.len(), 2 * 399 - 1);
    are_scores_of(&told, &["bytes", "packets"]);
    let of_a = told.iter().find(|event| event["record"]["series"] == "eni-a").unwrap();
    let by_hand: u64 = [1, 30].map(|second| 1_000 + noise(0, second) % 500).iter().sum();
    assert_eq!((&of_a["record"]["bytes"], &of_a["record"]["flows"]), (&by_hand.into(), &2.into()));
    assert!(of_a["record"].get("expected").is_none() && of_a.get("anomaly_explanation").is_none());
}

#[test]
fn a_forest_of_sums_goes_on_from_a_snapshot_and_gives_the_same_in_pieces() {
    let config = r#"{"mode":"record","record":{"of":"windows","threshold":2}}"#;
    let (whole, _) = events(config);
    let mut scorer = Scorer::new(config).unwrap();
    let mut out = Vec::new();
    for (index, line) in lines().iter().enumerate() {
        if index % 97 == 0 {
            scorer = Scorer::restore(config, &scorer.snapshot()).unwrap();
        }
        let mut rest = None;
        loop {
            let full = out.len() + 1;
            scorer.transform_until(line.as_bytes(), None, None, &mut rest, &mut out, full);
            if rest.is_none() {
                break;
            }
        }
    }
    while scorer.finish_until(&mut out, usize::MAX) {}
    let told: Vec<Value> =
        out.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect();
    assert_eq!(told, whole);
    let anomalies = whole.iter().filter(|event| event["anomaly_score"].as_f64() >= Some(2.0)).count();
    assert_eq!(scorer.totals().anomalies as usize, anomalies);
    let refused = Scorer::new(r#"{"mode":"record","record":{"of":"windows","columns":["srcport"]}}"#).err().unwrap();
    assert!(refused.to_string().contains("record.columns[0]"), "{refused}");
    for other in [r#"{"mode":"record"}"#, r#"{"mode":"record","record":{"of":"windows"},"series":{"window":300}}"#] {
        assert!(Scorer::restore(other, &scorer.snapshot()).is_err(), "{other}");
    }
}
