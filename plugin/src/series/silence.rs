//! Is it the network that is silent, or the source?
//!
//! Every interface sends a line for every interval, NODATA if there was no traffic (Amazon VPC User Guide, "Flow log
//! records"). A window without a line from anyone therefore says that the lines don't come, not that there is no traffic.
//! But a stream can be so thin that windows without a line are ordinary. So the mean number of lines a window, λ, decides:
//! after n empty windows e^(−λ·n) is the chance that a living source of that rate sent none.
//!
//! **Edges.** A source doesn't fail at the end of a window, nor for all series at the same time: each interface has its own
//! aggregation interval, and what it had already sent arrives, what it had not doesn't. So in the windows before a gap, and
//! after it, some series have less than they should, or nothing, which is no drop of theirs. As far from a gap as records
//! may be apart (the lateness), a value below the expected range is therefore unknown; any other is judged as ever. A window
//! is closed when it is clear whether it is such an edge, which in a living stream it is at once.

use crate::state::state;

/// From λ·n of so much on, empty windows are unknown rather than zero. One line a window or more: the first one already.
const UNKNOWN: f64 = 0.9;
/// λ·n from which the windows around empty ones are in doubt: a chance of 1 in 100.
const GAP: f64 = 4.6;
/// λ·n from which the source is said to have failed: a chance of 1 in 20000.
const FAILED: f64 = 10.0;
/// And not before so many windows: one may be a hiccup.
const FAILED_WINDOWS: i64 = 2;
/// Windows that λ looks back.
const MEMORY: f64 = 60.0;
/// Empty windows that are learned at once, and those in a row that can be ordinary, at most: ten times as far as λ looks
/// back. It also bounds the work that a jump in time makes, as each ordinary window is judged.
const LONGEST_RHYTHM: i64 = 600;

/// The liveness of the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Silence {
    /// Mean lines a window, λ.
    lines: f64,
    windows: u32,
    /// Empty windows up to now, and how many of them counted as unknown.
    empty: i64,
    unknown: i64,
    failed: bool,
    /// The last window after a gap that is an edge of it.
    edge: Option<i64>,
}

state!(Silence { lines, windows, empty, unknown, failed, edge });

/// What an empty window means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    /// Nothing unusual: all series are zero.
    Zero,
    /// All series are unknown.
    Unknown,
}

impl Silence {
    /// Empty windows in a row that are a gap, where an edge is `reach` windows wide; `None` for a source so thin that
    /// edges can't be told.
    pub(crate) fn gap(&self, reach: i64) -> Option<i64> {
        let needed = libm::ceil(GAP / self.lines);
        (needed <= reach as f64).then_some(needed as i64)
    }

    /// Whether the source is so busy that a window without lines is a gap.
    pub(crate) fn is_dense(&self) -> bool {
        self.lines >= GAP
    }

    /// Whether the source is as it should be in windows with so many lines up to one, and so many after it, where some are still to come.
    pub(crate) fn is_whole(&self, before: &[u64], after: &[u64]) -> bool {
        let least = |lines: &[u64]| lines.iter().copied().min().map_or(f64::INFINITY, |lines| lines as f64);
        self.is_dense() && least(before) >= self.lines / 2.0 && least(after) >= self.lines / 4.0
    }

    /// Whether a gap has ended so lately that the window is an edge of it.
    pub(crate) fn is_edge(&self, window: i64) -> bool {
        self.edge.is_some_and(|edge| window <= edge)
    }

    /// A window with lines; the number of empty windows before it, if the source had failed.
    pub(crate) fn heard(&mut self, window: i64, lines: u64, reach: i64) -> Option<i64> {
        if self.gap(reach).is_some_and(|needed| self.empty >= needed) {
            self.edge = Some(window + reach - 1);
        }
        let (empty, unknown) = (core::mem::take(&mut self.empty), core::mem::take(&mut self.unknown));
        let failed = core::mem::take(&mut self.failed);
        // A short silence of a source that has not failed was a part of its rhythm.
        for _ in 0..if failed { 0 } else { unknown.min(LONGEST_RHYTHM) } {
            self.learn(0.0);
        }
        self.learn(lines as f64);
        failed.then_some(empty)
    }

    /// Event time has gone back: windows up to `edge` have lost records.
    pub(crate) fn go_back(&mut self, edge: i64) {
        *self = Silence { lines: self.lines, windows: self.windows, edge: Some(edge), ..Silence::default() };
    }

    /// Lines of a window as they have been of late.
    pub(crate) fn ordinary(&self) -> usize {
        self.lines as usize
    }

    fn learn(&mut self, lines: f64) {
        self.windows = self.windows.saturating_add(1);
        let rate = (1.0 / f64::from(self.windows)).max(1.0 / MEMORY);
        self.lines += rate * (lines - self.lines);
    }

    /// The next window is empty.
    pub(crate) fn empty(&mut self) -> Empty {
        self.empty = self.empty.saturating_add(1);
        if self.lines * self.empty as f64 >= UNKNOWN || self.empty > LONGEST_RHYTHM {
            self.unknown = self.unknown.saturating_add(1);
            return Empty::Unknown;
        }
        self.learn(0.0);
        Empty::Zero
    }

    /// `windows` more are empty, after one that was unknown.
    pub(crate) fn skip(&mut self, windows: i64) {
        self.empty = self.empty.saturating_add(windows);
        self.unknown = self.unknown.saturating_add(windows);
    }

    /// If the source has failed just now: how many windows ago that was certain, and after how many empty ones.
    pub(crate) fn failure(&mut self) -> Option<(i64, i64)> {
        if self.failed || self.lines <= 0.0 {
            return None;
        }
        let needed = libm::ceil(FAILED / self.lines).min(1e15) as i64;
        let needed = needed.max(FAILED_WINDOWS);
        self.failed = self.empty >= needed;
        self.failed.then_some((self.empty - needed, needed))
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.lines.is_finite() && self.lines >= 0.0 && self.empty >= 0 && self.unknown >= 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(lines: u64, windows: u32) -> Silence {
        let mut silence = Silence::default();
        for _ in 0..windows {
            assert_eq!(silence.heard(0, lines, 6), None);
        }
        silence
    }

    #[test]
    fn a_busy_source_has_failed_after_two_empty_windows() {
        let mut silence = source(40, 100);
        assert_eq!((silence.empty(), silence.failure()), (Empty::Unknown, None));
        assert_eq!((silence.empty(), silence.failure()), (Empty::Unknown, Some((0, 2))));
        assert_eq!((silence.empty(), silence.failure()), (Empty::Unknown, None));
        assert_eq!(silence.heard(103, 40, 6), Some(3));
        assert_eq!(silence.heard(104, 40, 6), None);
        assert_eq!([103, 108, 109].map(|window| silence.is_edge(window)), [true, true, false]);
    }

    #[test]
    fn the_thinner_the_source_the_longer_its_gaps_until_it_has_no_edges() {
        let gaps = [40, 5, 4, 2, 1].map(|lines| source(lines, 100).gap(6));
        assert_eq!(gaps, [Some(1), Some(1), Some(2), Some(3), Some(5)]);
        assert_eq!(source(1, 100).gap(4), None);
        assert_eq!(Silence::default().gap(6), None);
    }

    #[test]
    fn no_source_is_so_thin_that_it_is_asleep_for_ever() {
        let mut silence = source(1, 1);
        for _ in 0..100_000 {
            silence.empty();
            silence.heard(0, 0, 6);
        }
        let zeros = (0..1_000_000).take_while(|_| silence.empty() == Empty::Zero).count();
        assert_eq!(zeros as i64, LONGEST_RHYTHM);
    }

    #[test]
    fn one_line_a_window_takes_ten_windows_to_fail() {
        let mut silence = source(1, 100);
        assert_eq!(silence.empty(), Empty::Unknown);
        silence.skip(30);
        assert_eq!(silence.failure(), Some((21, 10)));
    }

    #[test]
    fn a_thin_source_is_ordinarily_silent() {
        let mut silence = source(1, 10);
        for window in 0..600 {
            match window % 5 {
                0 => assert_eq!(silence.heard(window, 1, 6), None),
                // Once it is known for a thin one.
                _ if window > 300 => assert_eq!(silence.empty(), Empty::Zero),
                _ => {
                    silence.empty();
                }
            }
            assert_eq!(silence.failure(), None);
        }
    }
}
