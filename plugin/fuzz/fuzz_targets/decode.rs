//! Any bytes as a payload: no panic, at least one outcome, no more outcomes than the limit allows, the same ones each time,
//! and the accounts add up: one line of JSON for each record that is ok or failed.

#![no_main]

use std::hash::{DefaultHasher, Hash, Hasher};

use flowscore::config::Config;
use flowscore::decode::{self, Context, Leaf, Sink};
use flowscore::failure::Failure;
use flowscore::pipeline::{Decoder, Outcome, Scorer};
use libfuzzer_sys::fuzz_target;

#[derive(Default)]
struct Tally {
    leaves: u64,
    dropped: u64,
    failed: u64,
    begun: usize,
    ended: usize,
    digest: DefaultHasher,
}

impl Sink for Tally {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        self.leaves += 1;
        (leaf.bytes(), context.sequence_number, context.event_id).hash(&mut self.digest);
    }
    fn dropped(&mut self, reason: &str, _: &Context<'_>) {
        self.dropped += 1;
        reason.hash(&mut self.digest);
    }
    fn failed(&mut self, failure: &Failure, raw: &[u8], _: &Context<'_>) {
        self.failed += 1;
        (failure.to_string(), raw).hash(&mut self.digest);
    }
    fn record_begins(&mut self, _: &[u8], _: &Context<'_>) {
        self.begun += 1;
    }
    fn record_ends(&mut self, _: &Context<'_>) {
        self.ended += 1;
    }
}

const CONFIG: &str = r#"{"input":{"limits":{"records":1000,"decoded_bytes":4194304}}}"#;

fuzz_target!(|payload: &[u8]| {
    let config = Config::parse(CONFIG).expect("the configuration is right");
    let limits = config.input.limits;
    let mut decoder = decode::Decoder::new(limits);
    let tallies = [(); 2].map(|()| {
        let mut tally = Tally::default();
        decoder.decode(payload, &mut tally);
        let outcomes = tally.leaves + tally.dropped + tally.failed;
        assert!((1..=limits.records as u64 + 1).contains(&outcomes), "{outcomes} outcomes");
        assert_eq!(tally.begun, tally.ended, "records begun and ended");
        tally
    });
    assert_eq!(tallies[0].digest.finish(), tallies[1].digest.finish(), "something is carried to the next payload");
    let [tally, _] = tallies;
    let records = tally.leaves + tally.dropped + tally.failed;

    let mut events = Vec::new();
    let scored = Scorer::new(CONFIG).expect("the configuration is right").transform(payload, None, &mut events);
    // Header lines are no records, and the flow log lines inside one object are several.
    assert!((1..=limits.records as u64 + 1).contains(&scored.records()), "{} records of {records}", scored.records());
    if let Outcome::Ok(lines, counts) = Decoder::new(&config).decode(payload, None) {
        assert_eq!(scored.records(), counts.records(), "decoding counts as scoring does");
        let mut written = 0;
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let value: serde_json::Value = serde_json::from_slice(line)
                .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(line)));
            // Beyond a hundred, failed records of a payload are told together.
            let together = value.get("records").filter(|_| value.get("type").is_some_and(|kind| kind == "failed"));
            written += together.and_then(serde_json::Value::as_u64).unwrap_or(1);
        }
        assert_eq!(written, counts.ok + counts.failed, "a line for each record");
    }
    let _ = Decoder::new(&config).answer(payload);
});
