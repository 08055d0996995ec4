//! Any bytes: no panic, at least one outcome, no more outcomes than the limit allows, and the same ones each time.

#![no_main]

use flowscore::decode::{Context, Decoder, Leaf, Limits, Sink};
use flowscore::failure::Failure;
use libfuzzer_sys::fuzz_target;
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(Default)]
struct Tally {
    outcomes: usize,
    begun: usize,
    ended: usize,
    digest: DefaultHasher,
}

impl Sink for Tally {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        self.outcomes += 1;
        let (Leaf::Line(bytes) | Leaf::Event { message: bytes, .. } | Leaf::Object(bytes)) = leaf;
        (bytes, context.sequence_number, context.event_id).hash(&mut self.digest);
    }
    fn dropped(&mut self, reason: &str, _: &Context<'_>) {
        self.outcomes += 1;
        reason.hash(&mut self.digest);
    }
    fn failed(&mut self, failure: &Failure, raw: &[u8], _: &Context<'_>) {
        self.outcomes += 1;
        (failure.to_string(), raw).hash(&mut self.digest);
    }
    fn record_begins(&mut self, _: &Context<'_>) {
        self.begun += 1;
    }
    fn record_ends(&mut self, _: &Context<'_>) {
        self.ended += 1;
    }
}

fuzz_target!(|payload: &[u8]| {
    let limits = Limits { records: 1000, decoded_bytes: 4 << 20, ..Limits::default() };
    let mut decoder = Decoder::new(limits);
    let digests = [(); 2].map(|()| {
        let mut tally = Tally::default();
        decoder.decode(payload, &mut tally);
        assert!((1..=limits.records + 1).contains(&tally.outcomes), "{} outcomes", tally.outcomes);
        assert_eq!(tally.begun, tally.ended, "records begun and ended");
        tally.digest.finish()
    });
    assert_eq!(digests[0], digests[1], "a decoder carries something from one payload to the next");
});
