//! Snapshots changed in any place, with a checksum that is right: they are refused or go on, never a panic. What goes on tells
//! lines of JSON; and of one that was not changed the next snapshot is read again.
//!
//! Input: which configuration, then changes of four bytes: a place, what is done there, and a byte for it.

#![no_main]

use std::sync::OnceLock;

use flowscore::pipeline::Scorer;
use libfuzzer_sys::fuzz_target;

const CONFIGS: [&str; 3] = [
    r#"{"series":{"allowed_lateness":0,"max_series":20,"windows":true}}"#,
    r#"{"mode":"record","forest":{"number_of_trees":3,"sub_sample_size":10},"record":{"columns":["bytes"]}}"#,
    r#"{"mode":"record","record":{"of":"windows","columns":["bytes"]},"forest":{"number_of_trees":3,"sub_sample_size":10}}"#,
];

/// Before it the magic bytes and the version, in it the checksum.
const CHECKSUM: std::ops::Range<usize> = 10..14;

fn lines(minutes: std::ops::Range<u64>, interfaces: u64) -> String {
    let mut text = String::new();
    for (minute, interface) in minutes.flat_map(|minute| (0..interfaces).map(move |interface| (minute, interface))) {
        let start = 1_767_225_600 + minute * 60;
        // A spike of one interface, and then an outage of all.
        let bytes = match (minute % 100, interface) {
            (70..75, 1) => 90_000_000,
            (90..95, _) => 0,
            _ => 10_000 + (minute * 7_919 + interface * 104_729) % 997,
        };
        text += &format!("2 1 eni-{interface} 10.0.0.{interface} 10.0.1.1 443 9 6 3 {bytes} {start} {} ACCEPT OK\n", start + 59);
    }
    text
}

/// Some of each configuration: after few minutes, inside an incident, and after one.
fn snapshots(config: usize) -> &'static [Vec<u8>] {
    static SNAPSHOTS: [OnceLock<Vec<Vec<u8>>>; CONFIGS.len()] = [const { OnceLock::new() }; CONFIGS.len()];
    SNAPSHOTS[config].get_or_init(|| {
        let of = |minutes: &u64| {
            let mut scorer = Scorer::new(CONFIGS[config]).expect("the configuration is right");
            scorer.transform(lines(0..*minutes, 3).as_bytes(), None, &mut Vec::new());
            scorer.snapshot()
        };
        [3, 74, 93, 130].iter().map(of).collect()
    })
}

fuzz_target!(|input: &[u8]| {
    let [choice, which, changes @ ..] = input else { return };
    let config = usize::from(*choice) % CONFIGS.len();
    let snapshots = snapshots(config);
    let mut bytes = snapshots[usize::from(*which) % snapshots.len()].clone();
    for change in changes.as_chunks::<4>().0 {
        let body = CHECKSUM.end..bytes.len();
        let at = body.start + usize::from(u16::from_le_bytes([change[0], change[1]])) % body.len().max(1);
        match change[2] % 4 {
            0 => bytes[at] = change[3],
            1 => bytes[at] ^= 1 << (change[3] % 8),
            2 => bytes.insert(at, change[3]),
            _ => drop(bytes.remove(at)),
        }
        if bytes.len() <= CHECKSUM.end {
            return;
        }
    }
    let checksum = crc32fast::hash(&bytes[CHECKSUM.end..]);
    bytes[CHECKSUM].copy_from_slice(&checksum.to_le_bytes());
    let Ok(mut scorer) = Scorer::restore(CONFIGS[config], &bytes) else { return };
    let mut events = Vec::new();
    scorer.transform(lines(130..200, 4).as_bytes(), None, &mut events);
    scorer.tick(1_767_225_600_000 + 86_400_000, &mut events);
    // A number that nobody learns, such as 1e300, may grow beyond all numbers, and is then refused.
    let again = Scorer::restore(CONFIGS[config], &scorer.snapshot());
    assert!(again.is_ok() || !changes.is_empty(), "{:?}", again.err());
    scorer.finish(&mut events);
    for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event = serde_json::from_slice::<serde_json::Value>(line);
        assert!(event.is_ok(), "{}", String::from_utf8_lossy(line));
    }
});
