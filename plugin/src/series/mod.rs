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
//! history up to 48 KB for the detector and 1.5 KB for habits; each open window 100 bytes and up to `talker_sample` × 64
//! bytes of sample (4 KB), taken as records come.

mod absence;
mod budget;
mod cell;
mod claims;
mod close;
mod early;
mod engine;
mod feedback;
mod fetch;
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

use crate::incident::Origin;

pub use engine::{Engine, Totals};
pub use feedback::Judgement;
pub use joined_key::JoinedKey;
pub use settings::{Maintenance, Settings, Value, Windows};
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
    /// Where it was recorded.
    pub place: Place<'a>,
}

/// Where a record was recorded, as far as it says; empty or `-`: it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'a> {
    /// AWS account.
    pub account_id: &'a [u8],
    /// Region.
    pub region: &'a [u8],
    /// VPC.
    pub vpc_id: &'a [u8],
}

impl Place<'_> {
    /// Whether the record says anything.
    #[inline]
    fn is_some(&self) -> bool {
        self.account_id.len().max(self.region.len()).max(self.vpc_id.len()) > 1
    }

    /// As it is kept: of names of any length only those that could be one.
    #[cold]
    fn to_origin(self) -> Option<Box<Origin>> {
        let name = |text: &[u8]| if text.len() > 1 && text.len() <= LONGEST_NAME { text.to_vec() } else { Vec::new() };
        let Place { account_id, region, vpc_id } = self;
        Some(Box::new(Origin { account_id: name(account_id), region: name(region), vpc_id: name(vpc_id) }))
    }
}

/// Bytes of a name of a place; an account has 12 digits, a VPC 21 characters.
const LONGEST_NAME: usize = 64;
