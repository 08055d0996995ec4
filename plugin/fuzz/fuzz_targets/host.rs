//! Any bytes as payloads of the built component, through the host, with little memory and little time: each call succeeds, every
//! account adds up, every event is a line of JSON, and what was learned outlives lost instances and comes back from snapshots.
//!
//! The first byte chooses mode and memory. Then payloads: two bytes say how long the next one is, and a third how often it is
//! repeated, so that short inputs make large payloads.

#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use host_test::batch::Scoring;
use host_test::plugin::{Limits, Payload, Plugin};
use libfuzzer_sys::fuzz_target;

const CONFIGS: [&str; 2] = [
    r#"{"series":{"max_series":50,"windows":true}}"#,
    r#"{"mode":"record","forest":{"number_of_trees":5,"sub_sample_size":16}}"#,
];

/// Enough for the first instance; and so little that many payloads cost one.
const MEMORIES: [usize; 2] = [64 << 20, 12 << 20];

fn plugin(memory: usize) -> &'static Plugin {
    static PLUGINS: [OnceLock<Plugin>; 2] = [OnceLock::new(), OnceLock::new()];
    PLUGINS[memory].get_or_init(|| {
        let limits = Limits { memory: MEMORIES[memory], deadline: Some(Duration::from_secs(2)) };
        Plugin::built_in(limits).expect("the component is usable")
    })
}

fn payloads(mut input: &[u8]) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    while let [low, high, times, rest @ ..] = input {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        // At most 16 MiB.
        payloads.push(payload.repeat(usize::from(*times).max(1)));
        input = rest;
    }
    payloads
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    let config = CONFIGS[usize::from(choice & 1)];
    let plugin = plugin(usize::from(choice >> 1 & 1));
    let payloads = payloads(rest);
    let names: Vec<String> = (0..payloads.len()).map(|number| number.to_string()).collect();
    let batch: Vec<Payload<'_>> =
        payloads.iter().zip(&names).map(|(data, id)| Payload { data, id: Some(id) }).collect();
    let mut scoring = Scoring::new(plugin, config).expect("the configuration is right");
    let mut events = Vec::new();
    // Twice, with a restart between, as what was learned meets the same again.
    for _ in 0..2 {
        let counts = scoring.transform(&batch, &mut events).expect("each payload is told or counted");
        assert_eq!(counts.records, counts.ok + counts.dropped + counts.failed, "counts");
        let snapshot = scoring.snapshot().expect("there is a snapshot").to_vec();
        scoring = Scoring::restore(plugin, config, &snapshot).expect("it is as it was written");
    }
    let totals = scoring.totals().expect("there are totals");
    assert_eq!(totals.payloads, 2 * batch.len() as u64, "payloads");
    assert_eq!(totals.records, totals.ok + totals.dropped + totals.failed, "totals");
    for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        serde_json::from_slice::<serde::de::IgnoredAny>(line).expect("an event is a line of JSON");
    }
});
