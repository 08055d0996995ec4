//! Nothing lost between host and component, at any size: inputs that ask for more than one call can give, and payloads that
//! cost an instance.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use host_test::batch::{Decoding, Scoring};
use host_test::plugin::{Counts, Limits, Outcome, Payload, Plugin};
use serde_json::Value;

fn plugin() -> Plugin {
    Plugin::built_in(Limits::default()).unwrap()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// A flow log line. Minutes are those since a moment.
fn line(interface: usize, minute: usize, bytes: usize) -> String {
    let (start, end) = (1_700_000_040 + minute * 60, 1_700_000_099 + minute * 60);
    format!("2 1 eni-{interface:05} 10.0.0.1 10.0.0.2 443 9 6 3 {bytes} {start} {end} ACCEPT OK\n")
}

fn lines(interfaces: usize, minutes: std::ops::Range<usize>) -> Vec<u8> {
    let of = |minute| (0..interfaces).map(move |i| line(i, minute, 1_000 + (i * 7_919 + minute * 104_729) % 997));
    minutes.flat_map(of).collect::<String>().into_bytes()
}

fn payload(data: &[u8]) -> Payload<'_> {
    Payload { data, id: Some("test") }
}

/// Counts the lines that go through it.
#[derive(Default)]
struct Lines(u64);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const SMALL_FOREST: &str = r#"{"mode":"record","forest":{"number_of_trees":5,"sub_sample_size":32}}"#;

#[test]
fn half_a_million_records_in_one_payload_are_all_scored() {
    let payloads: Vec<Vec<u8>> = vec![gzip(&lines(500, 0..1_000)), gzip(&lines(1, 1_000..1_001))];
    let batch: Vec<Payload<'_>> = payloads.iter().map(|data| payload(data)).collect();
    let (mut scoring, mut events) = (Scoring::new(&plugin(), SMALL_FOREST).unwrap(), Lines::default());
    let counts = scoring.transform(&batch, &mut events).unwrap();
    assert_eq!((counts.records, counts.ok, events.0), (500_001, 500_001, 500_001));
    let totals = scoring.totals().unwrap();
    assert_eq!((totals.payloads, totals.ok, scoring.restarts()), (2, 500_001, 0));
}

#[test]
fn hundreds_of_thousands_of_lines_in_one_payload_are_all_decoded() {
    let payloads = [gzip(&lines(600, 0..1_000)), gzip(&lines(1, 0..1))];
    let batch: Vec<Payload<'_>> = payloads.iter().map(|data| payload(data)).collect();
    let (mut records, mut ok, mut pieces) = (Lines::default(), 0, 0);
    let mut decoding = Decoding::new(&plugin(), "").unwrap();
    decoding
        .decode(&batch, &mut |_, outcome| {
            let Outcome::Ok(decoded) = outcome else { panic!("{outcome:?}") };
            records.write_all(&decoded.records)?;
            (ok, pieces) = (ok + decoded.counts.ok, pieces + 1);
            Ok(())
        })
        .unwrap();
    assert_eq!((ok, records.0), (600_001, 600_001));
    assert!(pieces > 5, "no call gives it all: {pieces}");
}

#[test]
fn a_wrong_log_group_costs_a_hundred_events_a_payload_and_no_good_record() {
    let bomb = gzip(&b"a\n".repeat(400_000));
    assert!(bomb.len() < 4_000, "{}", bomb.len());
    let application = gzip(&b"INFO request done in 3 ms\n".repeat(20_000));
    let good = lines(5, 0..1);
    let mut batch = vec![payload(&good), payload(&bomb), payload(&bomb), payload(&good)];
    batch.extend((0..30).map(|_| payload(&application)));
    batch.push(payload(&good));
    // It is about memory and events: how busy the machine is must not decide.
    let patient = Limits { deadline: Some(std::time::Duration::from_secs(600)), ..Limits::default() };
    let plugin = Plugin::built_in(patient).unwrap();
    let (mut scoring, mut events) = (Scoring::new(&plugin, SMALL_FOREST).unwrap(), Vec::new());
    let counts = scoring.transform(&batch, &mut events).unwrap();
    assert_eq!((counts.ok, counts.failed, scoring.restarts()), (15, 2 * 400_000 + 30 * 20_000, 0));
    let events: Vec<Value> = events
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let failed: Vec<&Value> = events.iter().filter(|event| event["type"] == "failed").collect();
    assert_eq!((events.len() - failed.len(), failed.len()), (15, 32 * 101));
    let told: u64 = failed.iter().map(|event| event["records"].as_u64().unwrap_or(1)).sum();
    assert_eq!(told, counts.failed, "each one is told, alone or in a number");
}

/// Events but notices, counts, and how often an instance was lost.
fn scored(limits: Limits, payloads: &[Vec<u8>]) -> (Vec<String>, Counts, u64) {
    let names: Vec<String> = (0..payloads.len()).map(|index| format!("p{index}")).collect();
    let batch: Vec<Payload<'_>> =
        payloads.iter().zip(&names).map(|(data, id)| Payload { data, id: Some(id) }).collect();
    let mut scoring = Scoring::new(&Plugin::built_in(limits).unwrap(), SMALL_FOREST).unwrap();
    let mut events = Vec::new();
    let mut counts = Counts { records: 0, ok: 0, dropped: 0, failed: 0 };
    for batch in batch.chunks(60) {
        let those = scoring.transform(batch, &mut events).unwrap();
        (counts.records, counts.ok) = (counts.records + those.records, counts.ok + those.ok);
        (counts.dropped, counts.failed) = (counts.dropped + those.dropped, counts.failed + those.failed);
    }
    let totals = scoring.totals().unwrap();
    assert_eq!((totals.records, totals.ok, totals.failed), (counts.records, counts.ok, counts.failed), "totals stay");
    let events = String::from_utf8(events).unwrap();
    let events = events.lines().filter(|line| !line.starts_with("{\"type\":\"notice\"")).map(str::to_owned).collect();
    (events, counts, scoring.restarts())
}

#[test]
fn a_payload_that_costs_an_instance_is_singled_out_and_nothing_else_is_lost() {
    let good: Vec<Vec<u8>> = (0..120).map(|minute| lines(3, minute..minute + 1)).collect();
    let (expected, all, none) = scored(Limits::default(), &good);
    assert_eq!((expected.len(), all.ok, none), (360, 360, 0));
    // More than the instance may have, in one line: alone, first, last, and two side by side.
    let poison = [&b"2 "[..], &vec![b'x'; 24 << 20]].concat();
    let mut payloads = good;
    for at in [120, 77, 77, 31, 0] {
        payloads.insert(at, poison.clone());
    }
    let (events, counts, restarts) = scored(Limits { memory: 16 << 20, ..Limits::default() }, &payloads);
    let (failed, scores): (Vec<String>, Vec<String>) =
        events.into_iter().partition(|event| event.starts_with("{\"type\":\"failed\""));
    assert!(scores == expected, "the scores are those of a stream without poison");
    assert_eq!((counts.ok, counts.failed), (360, 5));
    assert!(restarts >= 5, "{restarts}");
    let names: Vec<Value> =
        failed.iter().map(|event| serde_json::from_str::<Value>(event).unwrap()["id"].take()).collect();
    assert_eq!(names, ["p0", "p32", "p79", "p80", "p124"]);
    assert!(failed[0].contains("\"layer\":\"plugin\"") && failed[0].len() < 8_192, "{}", &failed[0][..200]);
}

#[test]
fn the_model_of_as_many_series_as_are_allowed_is_saved_and_restored() {
    let plugin = plugin();
    let mut scoring = Scoring::new(&plugin, "{}").unwrap();
    for minute in 0..2 {
        // 60 records of each interface in a window.
        let window: Vec<Vec<u8>> = (0..20).map(|part| lines_of(part * 500..part * 500 + 500, minute)).collect();
        let batch: Vec<Payload<'_>> = window.iter().map(|data| payload(data)).collect();
        scoring.transform(&batch, &mut std::io::sink()).unwrap();
    }
    let totals = scoring.totals().unwrap();
    assert_eq!((totals.series, totals.ok), (10_000, 2 * 600_000));
    let snapshot = scoring.snapshot().unwrap().to_vec();
    assert!(snapshot.len() > 10_000 * 1_000, "{}", snapshot.len());
    let mut restored = Scoring::restore(&plugin, "{}", &snapshot).unwrap();
    assert_eq!(restored.totals().unwrap().series, 10_000);
    let next = lines(10_000, 2..9);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    scoring.transform(&[payload(&next)], &mut a).unwrap();
    restored.transform(&[payload(&next)], &mut b).unwrap();
    assert!(a == b);
    assert!(scoring.snapshot().unwrap() == restored.snapshot().unwrap());
}

/// 60 records of each of these interfaces in one minute, gzipped.
fn lines_of(interfaces: std::ops::Range<usize>, minute: usize) -> Vec<u8> {
    let mut text = String::new();
    for interface in interfaces {
        for record in 0..60 {
            text.push_str(&line(interface, minute, 500 + record * 17 + interface % 13));
        }
    }
    gzip(text.as_bytes())
}

/// A sequence that is the same each time (xorshift64*, Vigna 2016).
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }
}

#[test]
fn damaged_payloads_under_small_limits_leave_every_account_right() {
    let limits = Limits { memory: 20 << 20, deadline: Some(std::time::Duration::from_secs(2)) };
    let plugin = Plugin::built_in(limits).unwrap();
    let good = [
        lines(3, 0..2),
        gzip(&lines(20, 0..30)),
        gzip(&b"a\n".repeat(50_000)),
        b"{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"logGroup\":\"g\",\"logStream\":\"s\",\"logEvents\":[{\"id\":\"1\",\"timestamp\":1,\"message\":\"x\"}]}".to_vec(),
        b"{\"a\":1,\"b\":[{\"c\":\"d\"}]}\n{\"a\":2}\na,b\n1,2\n".to_vec(),
        // More than the memory that there is.
        vec![b'7'; 24 << 20],
    ];
    let mut random = Sequence(7);
    for config in [SMALL_FOREST, r#"{"series":{"max_series":50}}"#] {
        let mut scoring = Scoring::new(&plugin, config).unwrap();
        let mut fed = 0;
        for round in 0..40 {
            let payloads: Vec<Vec<u8>> = (0..12)
                .map(|_| {
                    // The largest only now and then: each costs an instance.
                    let most = if round % 10 == 0 { good.len() } else { good.len() - 1 };
                    let mut data = good[random.below(most)].clone();
                    for _ in 0..random.below(4) {
                        let at = random.below(data.len());
                        match random.below(3) {
                            0 => data[at] = random.below(256) as u8,
                            1 => data.truncate(at.max(1)),
                            _ => drop(data.splice(at..at, [b'{', b'\n', random.below(256) as u8])),
                        }
                    }
                    data
                })
                .collect();
            let batch: Vec<Payload<'_>> = payloads.iter().map(|data| payload(data)).collect();
            let mut events = Vec::new();
            let counts = scoring.transform(&batch, &mut events).unwrap();
            fed += batch.len() as u64;
            assert_eq!(counts.records, counts.ok + counts.dropped + counts.failed);
            for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                serde_json::from_slice::<serde::de::IgnoredAny>(line).unwrap();
            }
            if round % 7 == 3 {
                let snapshot = scoring.snapshot().unwrap().to_vec();
                scoring = Scoring::restore(&plugin, config, &snapshot).unwrap();
            }
        }
        let totals = scoring.totals().unwrap();
        assert_eq!((totals.payloads, totals.records), (fed, totals.ok + totals.dropped + totals.failed));
    }
}
