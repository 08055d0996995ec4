//! Room that closing windows works in.

use super::cell::Cell;
use super::sample::Sample;
use super::settings::Settings;
use super::talker::SpareAddresses;
use super::tally::Tally;
use crate::detect::{Direction, Verdict};
use crate::incident::Step;

/// What can be made anew: the order of series, and room to work in.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    pub(super) order: Vec<u32>,
    pub(super) order_changed: bool,
    /// A window that a record was in lately, by index and start.
    pub(super) recent: (i64, i64),
    /// Cleared samples, for reuse.
    pub(super) spare: Vec<Sample>,
    pub(super) spare_addresses: SpareAddresses,
    /// Bytes of output from which on no further window is closed in this call.
    pub(super) full: Option<usize>,
    /// The last window of a stream whose end has been told in part.
    pub(super) last: Option<i64>,
    pub(super) closed: Vec<Closed>,
    pub(super) tally: Tally,
    pub(super) means: Vec<f64>,
    /// Start and end in epoch seconds, and which entry of the settings.
    pub(super) maintenance: Vec<(i64, i64, usize)>,
}

impl Scratch {
    pub(super) fn prepare(&mut self, settings: &Settings) {
        self.order_changed = true;
        self.maintenance = settings
            .maintenance
            .iter()
            .enumerate()
            .filter_map(|(index, entry)| entry.times().map(|(from, to)| (from, to, index)))
            .collect();
    }
}

/// A series in the window that is closed.
#[derive(Clone, Debug)]
pub(super) struct Closed {
    pub(super) slot: u32,
    /// It is the total of a prefix, or of all.
    pub(super) total: bool,
    /// There was a record with data, or a share of one.
    pub(super) heard: bool,
    /// What it has in the window, if it may be asked for by totals and groups.
    pub(super) cell: Option<Box<Cell>>,
    /// `None`: unknown.
    pub(super) value: Option<f64>,
    /// Observed less expected; 0 if unknown.
    pub(super) change: f64,
    /// Something was told of it before a window was closed.
    pub(super) early: bool,
    /// The direction of its incident, as far as that bears on totals.
    pub(super) incident: Option<Direction>,
    /// What the window did to its incident, not told yet.
    pub(super) step: Step,
}

impl Closed {
    /// A series as it was judged: nothing is known of its incident yet.
    pub(super) fn new(slot: u32, value: Option<f64>, verdict: &Verdict) -> Self {
        let (change, step) = (value.map_or(0.0, |value| value - verdict.expected), Step::default());
        Closed { slot, total: false, heard: false, cell: None, value, change, early: false, incident: None, step }
    }
}
