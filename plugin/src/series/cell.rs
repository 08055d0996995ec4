//! What a series has in one window so far.

use core::ops::RangeInclusive;
use std::collections::VecDeque;

use super::prorate::Share;
use super::sample::Sample;
use super::settings::Value;
use crate::state::{Reader, State, state};

/// Sums of a window. They are whole numbers, so the order of adding doesn't matter; they stop at the largest one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    /// Flow records; one that spans windows counts in the last of them.
    pub(crate) flows: u64,
    pub(crate) rejects: u64,
    /// Records of any kind that touch the window, also those without data.
    pub(crate) lines: u64,
}

state!(Sums { bytes, packets, flows, rejects, lines });

impl Sums {
    /// Adds a record's share.
    #[inline]
    pub(crate) fn add(&mut self, share: Share, rejected: bool) {
        self.bytes = self.bytes.saturating_add(share.bytes);
        self.packets = self.packets.saturating_add(share.packets);
        // Counts of records don't come near the largest number.
        self.flows = self.flows.wrapping_add(share.flows);
        self.rejects = self.rejects.wrapping_add(if rejected { share.flows } else { 0 });
        self.lines = self.lines.wrapping_add(1);
    }

    /// Adds what another series has.
    pub(crate) fn merge(&mut self, other: &Sums) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.packets = self.packets.saturating_add(other.packets);
        self.flows = self.flows.saturating_add(other.flows);
        self.rejects = self.rejects.saturating_add(other.rejects);
        self.lines = self.lines.saturating_add(other.lines);
    }

    pub(crate) fn value(&self, value: Value) -> u64 {
        match value {
            Value::Bytes => self.bytes,
            Value::Packets => self.packets,
            Value::Flows => self.flows,
            Value::Rejects => self.rejects,
        }
    }

    /// In the order of [`crate::incident::METRICS`].
    pub(crate) fn metrics(&self) -> [f64; 4] {
        [self.bytes, self.packets, self.flows, self.rejects].map(|sum| sum as f64)
    }

    /// Whether there was any traffic.
    pub(crate) fn is_active(&self) -> bool {
        self.bytes > 0 || self.packets > 0 || self.flows > 0
    }
}

/// A window of one series that is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cell {
    /// Start of the window divided by its length.
    pub(crate) window: i64,
    pub(crate) sums: Sums,
    /// A SKIPDATA record says that records are missing.
    pub(crate) skipped: bool,
    /// The window was too far ahead to be believed when it was opened.
    pub(crate) ahead: bool,
    /// See `seen`.
    pub(crate) grew: u16,
    /// Records when it was last looked at, without the upper half of the number, and windows after its end in which there were more of
    /// them.
    pub(crate) seen: u32,
    /// Talkers.
    pub(crate) sample: Sample,
}

impl State for Cell {
    fn save(&self, out: &mut Vec<u8>) {
        (self.window, self.sums).save(out);
        (self.skipped, self.ahead).save(out);
        (self.seen, self.grew).save(out);
        self.sample.save(out);
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        let (window, sums) = State::load(reader);
        let (skipped, ahead) = State::load(reader);
        let (seen, grew): (u64, u16) = reader.since(9);
        Cell { window, sums, skipped, ahead, grew, seen: seen as u32, sample: State::load(reader) }
    }
}

impl Cell {
    /// Adds what another series has in the same window, but for the sample.
    pub(crate) fn merge(&mut self, other: &Cell) {
        self.sums.merge(&other.sums);
        self.skipped |= other.skipped;
    }
}

/// Windows for which room is made at once, at most. A series begins with one, as most that a flood of keys makes have no other, and by
/// default has seven in the end.
const STEP: usize = 3;

/// The open windows of one series, in order of time: a ring, as the oldest goes first, and the others stay where they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cells(VecDeque<Cell>);

/// A list.
impl State for Cells {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.len().save(out);
        self.0.iter().for_each(|cell| cell.save(out));
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        Cells(Vec::load(reader).into())
    }
}

impl Cells {
    /// The place of a window: where it is, or where it would go.
    #[inline]
    pub(crate) fn place(&self, window: i64) -> Result<usize, usize> {
        // A series without gaps has each window as far from the first as their numbers are apart.
        let apart = self.0.front().map_or(0, |first| window.wrapping_sub(first.window)) as usize;
        match self.0.get(apart) {
            Some(cell) if cell.window == window => Ok(apart),
            _ => self.search(window),
        }
    }

    #[inline(never)]
    fn search(&self, window: i64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&window, |cell| cell.window)
    }

    /// The cell at a [place](Cells::place).
    #[inline]
    pub(crate) fn get_mut(&mut self, at: usize) -> &mut Cell {
        &mut self.0[at]
    }

    pub(crate) fn insert(&mut self, at: usize, cell: Cell) {
        if self.0.len() == self.0.capacity() {
            self.0.reserve_exact(self.0.len().clamp(1, STEP));
        }
        self.0.insert(at, cell);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn first(&self) -> Option<&Cell> {
        self.0.front()
    }

    pub(crate) fn last(&self) -> Option<&Cell> {
        self.0.back()
    }

    /// Takes the first window out if it is `window`.
    pub(crate) fn take(&mut self, window: i64) -> Option<Cell> {
        self.0.pop_front_if(|cell| cell.window == window)
    }

    /// Whether all windows are among `others`.
    pub(crate) fn are_among(&self, others: &Cells) -> bool {
        self.0.iter().all(|cell| others.place(cell.window).is_ok())
    }

    /// Takes all samples of talkers out.
    pub(crate) fn drop_samples(&mut self) {
        self.0.iter_mut().for_each(|cell| cell.sample = Sample::default());
    }

    pub(crate) fn drain(&mut self) -> impl Iterator<Item = Cell> + '_ {
        self.0.drain(..)
    }

    /// Drops the windows after `last`.
    pub(crate) fn truncate_after(&mut self, last: i64) -> impl Iterator<Item = Cell> + '_ {
        let keep = self.0.partition_point(|cell| cell.window <= last);
        self.0.drain(keep..)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Cell> {
        self.0.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Cell> {
        self.0.iter_mut()
    }

    pub(crate) fn is_valid(&self, windows: &RangeInclusive<i64>, sample: usize) -> bool {
        self.0.iter().zip(self.0.iter().skip(1)).all(|(cell, next)| cell.window < next.window)
            && self.0.iter().all(|cell| windows.contains(&cell.window))
            && self.0.iter().all(|cell| cell.sample.is_valid(sample))
    }
}
