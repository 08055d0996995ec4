//! The same events whatever the batches, the order of arrival within the lateness, and the places where the stream was cut.

use crate::series_traffic::*;
use flowscore::detect::{Sensitivity, Settings as Detect};
use flowscore::series::{Engine, Settings, Status, Windows};
use flowscore::state;
use proptest::prelude::*;

fn settings() -> Settings {
    Settings {
        windows: Windows::All,
        prefix_totals: true,
        talker_sample: 8,
        // Many alerts, so that incidents are compared, too.
        detect: Detect { sensitivity: Sensitivity::High, ..Detect::default() },
        ..Settings::default()
    }
}

/// A stream of several interfaces with spikes, vanishing, gaps in single series, NODATA and SKIPDATA, in order of end.
fn stream(seed: u64, minutes: i64) -> Vec<Record> {
    let mut records = Vec::new();
    for minute in 0..minutes {
        for interface in 0..4i64 {
            let dice = noise(seed as i64 + minute, interface);
            if (minute / 23 + interface + seed as i64) % 5 == 0 {
                continue;
            }
            let key = format!("vpc-{}/eni-{interface}", interface % 2);
            for flow in 0..(dice % 7) as i64 {
                let dice = noise(seed as i64 + minute * 100 + flow, interface);
                let start = T0 + minute * 60 + (dice % 50) as i64;
                let factor = if minute % 61 > 55 { 30 } else { 1 };
                let mut record = Record::new(&key, start, start + (dice >> 8) as i64 % 60, (100 + dice % 900) * factor);
                record = record.talker(
                    &format!("10.1.0.{}", dice >> 16 & 15),
                    &format!("10.0.0.{interface}"),
                    (dice >> 20) as u16 % 5,
                );
                record.rejected = dice.is_multiple_of(11);
                record.status = match dice % 97 {
                    0 => Status::SkipData,
                    1 => Status::NoData,
                    _ => Status::Ok,
                };
                records.push(record);
            }
        }
    }
    // One that is steady, vanishes, and comes back.
    for minute in (0..minutes).filter(|minute| minute % 90 < 70) {
        records.push(Record::minute("vpc-1/eni-9", minute, 5_000 + noise(minute, 9) % 500));
    }
    records.sort_by_key(|record| record.end);
    records
}

fn events(settings: &Settings, records: &[Record]) -> Vec<u8> {
    let mut engine = Engine::new(settings);
    let mut out = Vec::new();
    records.iter().for_each(|record| engine.observe(&record.observation(), &mut out));
    engine.finish(&mut out);
    out
}

fn is_same(a: &[u8], b: &[u8]) -> Result<(), TestCaseError> {
    let lines = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (a, b) = (lines(a), lines(b));
    for (number, (a, b)) in a.lines().zip(b.lines()).enumerate() {
        prop_assert_eq!(a, b, "line {}", number);
    }
    prop_assert_eq!(a.len(), b.len());
    Ok(())
}

#[test]
fn the_test_stream_has_incidents_of_both_directions() {
    let text = String::from_utf8(events(&settings(), &stream(1, 200))).unwrap();
    for part in ["\"state\":\"open\"", "\"closed\"", "\"spike\"", "\"drop\"", "\"unknown\":true", "vpc-1/eni-1"] {
        assert!(text.contains(part), "{part}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_arrival_within_the_lateness_does_not_matter(seed in 0u64..1000, salt: u64) {
        let mut records = stream(seed, 150);
        let ordered = events(&settings(), &records);
        // Each record comes up to 299 s of event time after its end.
        let delays: Vec<i64> = (0..records.len() as i64).map(|i| (noise(i, salt as i64) % 300) as i64).collect();
        let mut arrivals: Vec<_> = records.drain(..).zip(delays).collect();
        arrivals.sort_by_key(|(record, delay)| record.end + delay);
        let shuffled: Vec<Record> = arrivals.into_iter().map(|(record, _)| record).collect();
        is_same(&ordered, &events(&settings(), &shuffled))?;
    }

    #[test]
    fn a_stream_cut_and_restored_at_any_record_goes_on_as_if_it_had_not_been(seed in 0u64..1000, cuts in prop::collection::vec(0usize..600, 1..6)) {
        let records = stream(seed, 60);
        let settings = Settings { max_series: 5, ..settings() };
        let whole = events(&settings, &records);
        let mut engine = Engine::new(&settings);
        let mut out = Vec::new();
        for (index, record) in records.iter().enumerate() {
            if cuts.contains(&index) {
                let snapshot = state::to_bytes(&engine);
                engine = state::from_bytes(&snapshot).unwrap();
                prop_assert!(engine.revive(&settings), "cut at {}", index);
                prop_assert_eq!(&state::to_bytes(&engine), &snapshot);
            }
            engine.observe(&record.observation(), &mut out);
        }
        engine.finish(&mut out);
        is_same(&whole, &out)?;
    }

    #[test]
    fn a_corrupt_snapshot_is_refused_or_harmless(seed in 0u64..1000, at: prop::sample::Index, bit in 0u8..8) {
        let records = stream(seed, 60);
        let mut engine = Engine::new(&settings());
        let mut out = Vec::new();
        let (first, second) = records.split_at(records.len() / 2);
        first.iter().for_each(|record| engine.observe(&record.observation(), &mut out));
        let mut snapshot = state::to_bytes(&engine);
        let at = at.index(snapshot.len());
        snapshot[at] ^= 1 << bit;
        if let Ok(mut engine) = state::from_bytes::<Engine>(&snapshot)
            && engine.revive(&settings())
        {
            second.iter().for_each(|record| engine.observe(&record.observation(), &mut out));
            engine.finish(&mut out);
        }
    }

    #[test]
    fn nothing_that_comes_in_panics(records in prop::collection::vec((0u8..4, any::<i64>(), any::<i64>(), any::<u64>(), 0u8..8), 0..60), window in 1u32..86_400) {
        let settings = Settings { window, allowed_lateness: 0, max_series: 2, windows: Windows::All, ..Settings::default() };
        let mut engine = Engine::new(&settings);
        let mut out = Vec::new();
        for (key, start, end, bytes, kind) in records {
            // Some times anywhere, most within two days, some within an hour of each other.
            let (start, end) = match kind {
                0 => (start, end),
                1..4 => (T0 + start % 86_400, T0 + end % 86_400),
                _ => (T0 + (start % 1_800).abs(), T0 + 1_800 + (end % 1_800).abs()),
            };
            let mut record = Record::new(&"abcd"[..key as usize], start, end, bytes);
            record.packets = bytes;
            if kind == 7 {
                engine.tick(start.wrapping_mul(1_000), &mut out);
            }
            engine.observe(&record.observation(), &mut out);
        }
        engine.finish(&mut out);
        for line in out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            serde_json::from_slice::<serde_json::Value>(line).unwrap();
        }
    }
}
