//! From payloads to outcomes: what the shells (`component`, `fluent_bit`) call.
//!
//! [`Decoder`] stops at records; [`Scorer`] goes on to events. Both read payloads with a [`Reader`], so a record is the
//! same record in every way in.

mod answer;
mod decoding;
mod event;
pub mod event_reference;
mod filter;
mod lines;
mod missing;
pub mod one_series;
mod reader;
mod record_mode;
mod record_score;
mod rest;
mod scorer;
mod sums;
mod window_mode;

use std::ops::AddAssign;

use crate::decode::Context;
use crate::failure::Failure;
use crate::state::state;

pub use crate::series::Judgement;
pub use decoding::Decoder;
pub use lines::Outcome;
pub use reader::{Read, Reader, Record};
pub use record_score::RecordScore;
pub use rest::Rest;
pub use scorer::{RECORDS, RestoreError, Scorer};
pub(crate) use window_mode::{ABSENT, WindowColumns};

/// Appends the `failed` event of bytes that belong to no envelope.
pub(crate) fn failed(out: &mut Vec<u8>, failure: &Failure, raw: &[u8]) {
    event::failed(out, None, failure, raw, &Context::default());
}

/// How many records there were, and what became of them: `records = ok + dropped + failed`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Decoded.
    pub ok: u64,
    /// Left out on purpose.
    pub dropped: u64,
    /// Unusable.
    pub failed: u64,
}

state!(Counts { ok, dropped, failed });

impl Counts {
    /// All of them.
    pub fn records(&self) -> u64 {
        self.ok + self.dropped + self.failed
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.ok += other.ok;
        self.dropped += other.dropped;
        self.failed += other.failed;
    }
}

/// A payload that cost a host an instance of the plugin, or of which it cannot read all.
#[derive(Clone, Copy, Debug)]
pub struct GivenUp<'a> {
    /// The host's name for it.
    pub id: Option<&'a str>,
    /// The layer in which it ended.
    pub layer: &'a str,
    /// Why it was given up.
    pub reason: &'a str,
    /// Its first bytes.
    pub beginning: &'a [u8],
    /// How many it has.
    pub size: u64,
    /// The SHA-256 of all of them, in hexadecimal.
    pub sha256: &'a str,
}

/// Totals of a scorer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Payloads handed over.
    pub payloads: u64,
    /// What became of their records.
    pub counts: Counts,
    /// Records that came after their window had been closed; they are ok, but in no window.
    pub late: u64,
    /// Windows closed, over all series.
    pub windows: u64,
    /// Series held now.
    pub series: u64,
    /// Series given up to stay within `series.max_series`.
    pub evicted: u64,
    /// Incidents opened (window mode), records at or above the threshold (record mode).
    pub anomalies: u64,
}
