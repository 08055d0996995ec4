//! What the lines add up to: the sums of each interface and minute.

use super::flow::{Interval, Remark};
use super::network::Network;
use super::scenario::Scenario;
use std::collections::{BTreeMap, VecDeque};

const MINUTE: i64 = 60;

/// The sums of one interface in one minute. A flow that spans minutes is pro-rated, evenly over `[start, end)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The interface id.
    pub series: String,
    /// Epoch second at which the minute begins.
    pub start: i64,
    /// Bytes of all records, accepted and rejected.
    pub bytes: u64,
    /// Packets of all records.
    pub packets: u64,
    /// Records that begin in the minute.
    pub flows: u64,
    /// Records among them with the action REJECT.
    pub rejected: u64,
    /// A SKIPDATA line says that records of this minute are missing.
    pub skipped: bool,
}

/// The sums of all interfaces, minute by minute. A minute in which an interface has neither records nor remarks
/// gives nothing; one with NODATA gives zeros.
#[derive(Debug)]
pub struct MinuteTotals {
    network: Network,
    next: i64,
    intervals: i64,
    start: i64,
    width: i64,
    interval: Interval,
    /// Sums that later intervals may add to, by minute and number of the interface.
    open: BTreeMap<(i64, usize), Totals>,
    ready: VecDeque<Totals>,
}

impl MinuteTotals {
    pub(super) fn new(scenario: &Scenario, network: Network) -> Self {
        Self {
            network,
            next: 0,
            intervals: i64::from(scenario.duration / scenario.interval),
            start: scenario.start,
            width: i64::from(scenario.interval),
            interval: Interval::default(),
            open: BTreeMap::new(),
            ready: VecDeque::new(),
        }
    }

    fn advance(&mut self) {
        let count = self.network.interfaces().len();
        for index in 0..count {
            if self.network.report(index, self.next, &mut self.interval) {
                self.add(index);
            }
        }
        self.next += 1;
        // Flows begin in their own interval: the next one adds to no minute before its start.
        let closed = if self.next == self.intervals { i64::MAX } else { self.start + self.next * self.width };
        let rest = self.open.split_off(&(closed, 0));
        self.ready.extend(core::mem::replace(&mut self.open, rest).into_values());
    }

    fn add(&mut self, index: usize) {
        let series = self.network.interface(index).map_or("", |interface| interface.id());
        let open = &mut self.open;
        let mut minute = |start: i64, add: &mut dyn FnMut(&mut Totals)| {
            let new = || Totals { series: series.to_owned(), start, ..Totals::default() };
            add(open.entry((start, index)).or_insert_with(new));
        };
        for flow in &self.interval.flows {
            flow.split(MINUTE, |start, packets, bytes| {
                minute(start, &mut |totals| {
                    totals.bytes += bytes;
                    totals.packets += packets;
                });
            });
            minute(flow.start.div_euclid(MINUTE) * MINUTE, &mut |totals| {
                totals.flows += 1;
                totals.rejected += u64::from(!flow.accepted);
            });
        }
        if let Some(remark) = self.interval.remark {
            let first = self.interval.start.div_euclid(MINUTE) * MINUTE;
            for start in (first..self.interval.end).step_by(MINUTE as usize) {
                minute(start, &mut |totals| totals.skipped |= remark == Remark::SkipData);
            }
        }
    }
}

impl Iterator for MinuteTotals {
    type Item = Totals;

    fn next(&mut self) -> Option<Totals> {
        while self.ready.is_empty() && self.next < self.intervals {
            self.advance();
        }
        self.ready.pop_front()
    }
}
