//! Many shards as one sequence, in an order that only the records decide.
//!
//! Within a shard the order is the stream's. Between shards there is none, only the time at which each record arrived. What
//! a process reads first is chance; if that decided, a process that is killed and started again would score other
//! sequences than the one before it. So records are merged by arrival time (and, where two arrived in one millisecond, by
//! shard): a record is let out when every other shard has shown a record that arrived later, or is known to hold none that
//! arrived earlier.
//!
//! Arrival time is also the clock by which silence is noticed: a tick at every multiple of [`TICK`], after all records that
//! arrived before it. So a day that is read again, in a minute, gives what the live one gave.
//!
//! ```text
//! shard 0   ──●────●──────────────●┄┄┄
//! shard 1   ─────●──────●┄┄┄┄┄|          known up to here, nothing more so far: the last ● above waits
//! merged    ──●──●─●────●             ticks ⌃ at 10 s, 20 s, …
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Milliseconds of arrival time between ticks. Windows are 60 s, as a rule; closing them of an idle stream 10 s later
/// than possible is soon enough.
pub const TICK: i64 = 10_000;

/// A record of a shard, with what aligning needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its sequence number.
    pub sequence: String,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub arrived: i64,
    /// Its bytes.
    pub data: Vec<u8>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This record of this shard.
    Record(Arc<str>, Record),
    /// Everything that arrived before this time is out; a multiple of [`TICK`].
    Tick(i64),
    /// This shard is closed, and all of its records are out. It has its place in the order until it is
    /// [removed](Alignment::remove), so that shards that follow it can be [added](Alignment::add) before.
    End(Arc<str>),
}

/// The shards that are being read, aligned by arrival time.
#[derive(Debug, Default)]
pub struct Alignment {
    lanes: BTreeMap<Arc<str>, Lane>,
    /// Shards with records at hand, by the arrival of the first.
    ready: BTreeSet<(i64, Arc<str>)>,
    /// The others, by the time up to which they are known to hold nothing more.
    bare: BTreeSet<(i64, Arc<str>)>,
    /// Closed ones without records that were not told yet.
    ended: VecDeque<Arc<str>>,
    clock: Option<i64>,
    disordered: u64,
}

#[derive(Debug, Default)]
struct Lane {
    records: VecDeque<Record>,
    /// The newest arrival handed in: arrival times are approximate and may run backwards in a shard, its order may not.
    arrived: i64,
    /// All records that arrived before this time were handed in.
    known: i64,
    closed: bool,
}

impl Alignment {
    /// An alignment whose last tick was at `clock`; none if there was none.
    pub fn new(clock: Option<i64>) -> Self {
        Alignment { clock, ..Alignment::default() }
    }

    /// The time of the last tick.
    pub fn clock(&self) -> Option<i64> {
        self.clock
    }

    /// Everything that arrived before this time was let out.
    pub fn time(&self) -> i64 {
        let first = |times: &BTreeSet<(i64, Arc<str>)>| times.first().map_or(i64::MAX, |(time, _)| *time);
        first(&self.ready).min(first(&self.bare))
    }

    /// Records so far that arrived before the last tick, by their own arrival time. They were let out at once, and what
    /// they lead to may depend on when they were read.
    pub fn disordered(&self) -> u64 {
        self.disordered
    }

    /// Whether all that was handed in is out.
    pub fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.ended.is_empty()
    }

    /// Whether no shard is left.
    pub fn is_over(&self) -> bool {
        self.lanes.is_empty()
    }

    /// A shard whose records arrive at `arrived` or later.
    pub fn add(&mut self, shard: &Arc<str>, arrived: i64) {
        let lane = Lane { arrived, known: arrived, ..Lane::default() };
        self.bare.insert((arrived, shard.clone()));
        self.lanes.insert(shard.clone(), lane);
    }

    /// A shard is done with.
    pub fn remove(&mut self, shard: &str) {
        let Some((shard, lane)) = self.lanes.remove_entry(shard) else { return };
        self.bare.remove(&(lane.known, shard.clone()));
        if let Some(first) = lane.records.front() {
            self.ready.remove(&(first.arrived, shard));
        }
    }

    /// Whether more of this shard has to be read before it can go on.
    pub fn is_bare(&self, shard: &str) -> bool {
        self.lanes.get(shard).is_some_and(|lane| lane.records.is_empty() && !lane.closed)
    }

    /// The next records of a shard, in its order. All that arrived before `known` are among them or among those before.
    pub fn push(&mut self, shard: &str, records: impl IntoIterator<Item = Record>, known: i64, closed: bool) {
        let Some((shard, _)) = self.lanes.get_key_value(shard) else { return };
        let shard = shard.clone();
        let Some(lane) = self.lanes.get_mut(&shard) else { return };
        let was_bare = lane.records.is_empty();
        self.bare.remove(&(lane.known, shard.clone()));
        for mut record in records {
            if self.clock.is_some_and(|clock| record.arrived < clock) {
                self.disordered += 1;
            }
            lane.arrived = lane.arrived.max(record.arrived);
            record.arrived = lane.arrived;
            lane.records.push_back(record);
        }
        lane.known = lane.known.max(known).max(lane.arrived);
        lane.closed |= closed;
        match lane.records.front() {
            Some(first) if was_bare => {
                self.ready.insert((first.arrived, shard));
            }
            Some(_) => {}
            None => {
                self.bare.insert((lane.known, shard.clone()));
                if closed {
                    self.ended.push_back(shard);
                }
            }
        }
    }

    /// What comes next; none if that cannot be known before more is read.
    pub fn next_item(&mut self) -> Option<Next> {
        if let Some(shard) = self.ended.pop_front() {
            return Some(Next::End(shard));
        }
        let known = self.bare.first().map_or(i64::MAX, |(known, _)| *known);
        let first = self.ready.first().map_or(i64::MAX, |(arrived, _)| *arrived);
        // The stream's clock begins with its first record.
        if self.clock.is_none() && first < known {
            self.clock = Some(first - first.rem_euclid(TICK));
        }
        let tick = self.clock.map_or(i64::MAX, |clock| clock.saturating_add(TICK));
        if tick <= first && tick <= known && !self.lanes.is_empty() {
            self.clock = Some(tick);
            return Some(Next::Tick(tick));
        }
        if first >= known {
            return None;
        }
        let (_, shard) = self.ready.pop_first()?;
        let lane = self.lanes.get_mut(&shard)?;
        let record = lane.records.pop_front()?;
        match lane.records.front() {
            Some(next) => {
                self.ready.insert((next.arrived, shard.clone()));
            }
            None => {
                self.bare.insert((lane.known, shard.clone()));
                if lane.closed {
                    self.ended.push_back(shard.clone());
                }
            }
        }
        Some(Next::Record(shard, record))
    }
}

#[cfg(test)]
mod tests;
