//! Window mode: flow records summed for each series and window of event time, each window judged, each change explained.
//!
//! ```text
//! observation ─ frontier ─ cell ─ close ─ detector ─ incident
//! key, times,   watermark   sums,   window   verdict    anomaly event
//! numbers                  sample  by window
//! ```
//!
//! **Windows** lie on event time and are aligned to the epoch; a record that spans windows is pro-rated by seconds, in
//! whole numbers that add up. A window closes when the watermark (the time a quorum of series has come to − lateness −
//! longest record) passes its end; then all series are judged, sorted by key. As sums are whole numbers, samples of
//! talkers don't depend on order, and nothing of a series begins before its first window is closed, the events are the
//! same in whatever order records arrive within the lateness, and however they are cut into batches.
//!
//! **Silence.** A series without records is zero, and so is one with NODATA records; one with a SKIPDATA record is unknown.
//! A window without a line from any series means that the source has failed: all are unknown, and one notice says so.
//!
//! **Totals.** The sum of all series, and of each key prefix if asked for, are series of their own. Their incidents are only
//! told if incidents of single series don't explain them.
//!
//! **Groups.** Incidents that begin together, more than chance would have it, are one group, with an event of its own.
//!
//! **Bounds.** `max_series` series; a key seen in one window only costs under 300 bytes besides its sample; a series with a
//! history up to 48 KB for the detector and 4 KB for habits; each open window 120 bytes and up to `talker_sample` × 88
//! bytes of sample (6 KB), taken as records come.

mod absence;
mod budget;
mod cell;
mod claims;
mod close;
mod early;
mod engine;
mod feedback;
mod frontier;
mod groups;
mod habit;
mod heard;
mod joined_key;
mod judge;
mod notice;
mod open_incidents;
mod prorate;
mod recency;
mod registry;
mod sample;
mod scratch;
mod settings;
mod silence;
mod span;
mod table;
mod talker;
mod tally;
mod top_talkers;
mod track;
mod way_back;

pub use engine::{Engine, Totals};
pub use feedback::Judgement;
pub use joined_key::JoinedKey;
pub use settings::{Maintenance, SERIES_BYTES, Settings, Value};
pub use talker::Talker;

/// What a flow record says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has numbers.
    Ok,
    /// There was no traffic in the interval: zero, and the source is alive.
    NoData,
    /// Records of the interval are missing: its windows are unknown.
    SkipData,
}

/// One record, as window mode sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation<'a> {
    /// The series: one value, or several joined by `/`.
    pub key: &'a [u8],
    /// Where in the key values are [joined](JoinedKey); nowhere if it is one value.
    pub joints: &'a [u32],
    /// First second, since the epoch.
    pub start: i64,
    /// The second after the last one; equal to `start` for a record of an instant.
    pub end: i64,
    /// Bytes; not looked at unless the status is [`Status::Ok`], as the next three.
    pub bytes: u64,
    /// Packets.
    pub packets: u64,
    /// Whether the action is REJECT.
    pub rejected: bool,
    /// Who talks to whom, if the record says so.
    pub talker: Option<Talker<'a>>,
    /// Whether there are numbers.
    pub status: Status,
}
