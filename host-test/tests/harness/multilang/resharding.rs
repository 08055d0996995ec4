//! A stream that is split and merged under two workers.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::fleet::{Fleet, Leases};
use super::put;

const INTERFACES: u64 = 12;
/// The minute in which the stream is split.
const SPLIT: u64 = 360;
/// The minute in which the children are merged.
const MERGED: u64 = 720;
/// The minute in which it ends.
const END: u64 = 960;
/// What happens: interface, minutes, factor.
const INJECTED: [(u64, Range<u64>, f64); 6] = [
    (1, 100..120, 8.0),
    (2, 200..225, 0.01),
    (3, 420..440, 0.01),
    (4, 500..520, 8.0),
    (5, 560..580, 0.01),
    (6, 640..660, 8.0),
];

/// Bytes of an interface in a minute: a daily course and noise.
fn bytes(interface: u64, minute: u64) -> u64 {
    let noise = (interface * 1_000_003 + minute).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let noise = 0.85 + 0.3 * noise as f64 / f64::from(1 << 24);
    let course = 1.0 + 0.3 * (minute as f64 / 230.0 + interface as f64).sin();
    let factor = INJECTED
        .iter()
        .find(|(which, minutes, _)| *which == interface && minutes.contains(&minute))
        .map_or(1.0, |(.., factor)| *factor);
    (100_000.0 * (interface + 1) as f64 * course * noise * factor) as u64
}

#[test]
fn children_begin_with_their_parents_models_and_every_series_stays_whole() {
    let Some(fleet) = Fleet::new("multilang-resharded", 1, Leases::Assigned) else { return };
    let config = fleet.directory.join("config.json");
    std::fs::write(&config, r#"{"series":{"windows":"traffic","total":false}}"#).unwrap();
    let arguments = format!("--config {}", config.display());

    // Drops from before a split are withheld by the times at which records arrive: so the split is now.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let time = |minute: u64| now / 60 * 60 + 60 * minute - 60 * SPLIT;
    let name = |interface: u64| format!("eni-{:017x}", 0xabc_0000 + interface * 7919);
    let flows = |minutes: Range<u64>| -> Vec<(String, Vec<u8>)> {
        let all = minutes.flat_map(|minute| (0..INTERFACES).map(move |interface| (interface, minute)));
        all.map(|(interface, minute)| {
            let (name, start, bytes) = (name(interface), time(minute), bytes(interface, minute));
            let line = format!(
                "2 123456789012 {name} 10.0.0.1 198.51.100.7 40000 443 6 20 {bytes} {start} {} ACCEPT OK",
                start + 59
            );
            (format!("{name}-all"), line.into_bytes())
        })
        .collect()
    };

    put(&fleet.stream, &flows(0..SPLIT));
    let mut first = fleet.worker("first", &arguments);
    let second = fleet.worker("second", &arguments);
    first.wait_until(|| fleet.is_read(&fleet.stream.shards()));
    fleet.stream.split();
    put(&fleet.stream, &flows(SPLIT..MERGED));
    first.wait_until(|| fleet.is_read(&fleet.stream.shards()));
    fleet.stream.merge();
    put(&fleet.stream, &flows(MERGED..END));
    first.wait_until(|| fleet.is_read(&fleet.stream.shards()));

    let shards = fleet.stream.shards();
    let log = first.log() + &second.log();
    for child in &shards[1..3] {
        let begun = format!("{child}: going on with what was learned in {}", shards[0]);
        assert!(log.contains(&begun), "{begun}");
    }
    assert!(log.contains(&format!("{}: going on with what was learned in", shards[3])));

    let told = [first.events(), second.events()].concat();
    let told: Vec<Value> = told.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
    let of = |event: &Value| event["series"].as_str().unwrap().to_owned();
    let start_of = |event: &Value| event["start"].as_str().unwrap().to_owned();
    let text = |minute: u64| {
        jiff::Timestamp::from_second(time(minute) as i64).unwrap().strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    };

    let opened = told.iter().filter(|event| event["type"] == "anomaly" && event["state"] == "open");
    let opened: BTreeSet<_> =
        opened.map(|event| (of(event), event["direction"].as_str().unwrap().to_owned(), start_of(event))).collect();
    let direction = |factor: f64| if factor > 1.0 { "spike" } else { "drop" }.to_owned();
    let expected: BTreeSet<_> = INJECTED
        .iter()
        .map(|(interface, minutes, factor)| (name(*interface), direction(*factor), text(minutes.start)))
        .collect();
    assert_eq!(opened, expected, "what happened is told, and nothing else");

    let mut windows: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
    for event in told.iter().filter(|event| event["type"] == "window") {
        windows.entry((of(event), start_of(event))).or_default().insert(event["bytes"].as_u64().unwrap());
    }
    // Of the parent whose model is not gone on with, the windows that were open are not told; nor are those at the end.
    for minute in (0..MERGED - 10).chain(MERGED..END - 10) {
        for interface in 0..INTERFACES {
            let sums = windows.get(&(name(interface), text(minute)));
            assert_eq!(sums, Some(&[bytes(interface, minute)].into()), "{} in minute {minute}", name(interface));
        }
    }
}
