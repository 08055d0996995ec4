//! How far event time has come: the watermark, which one wrong timestamp cannot move.
//!
//! The **frontier** is the newest trusted end of a record; the watermark lies `allowed_lateness` and the longest record
//! behind it, so that a record that ends within the lateness finds all its windows open. A window is closed when the
//! watermark has passed its end.
//!
//! A record that ends at most one step ahead of the frontier moves it, where the step is the lateness and the longest
//! record together: one wrong record moves the watermark up to where the frontier was, but not beyond what others have
//! shown, and a single interface that reports every ten minutes moves on by itself. A record that ends farther ahead, by
//! a broken clock or a torn line, only waits in its window until it is confirmed: the frontier jumps when [`CONFIRMED`]
//! records of at least two series, or [`CONFIRMED_ALONE`] of one, were ahead in a row, with none on time between them; and
//! then it jumps to the earliest of them. A stream that really has a gap thus goes on after a few records, and loses none.
//! The first record of all is treated like that, too.

use crate::order;
use crate::snapshot::state;

/// Records ahead in a row, of two series at least, that move the frontier.
const CONFIRMED: usize = 3;
/// The same if all are of one series: payloads often hold one interface only, so a broken one speaks many times in a row.
const CONFIRMED_ALONE: usize = 20;
/// The shortest aggregation interval of VPC Flow Logs: records are at least thought to be so long.
const SHORTEST_RECORD: i64 = 60;
/// Records of the longest interval count in the watermark, not longer ones.
const LONGEST_RECORD: i64 = 600;

/// How a record lies to the frontier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It changed nothing.
    Still,
    /// The watermark may have moved.
    Moved,
}

/// The state of event time.
#[derive(Clone, Debug)]
pub(crate) struct Frontier {
    /// Seconds; `None` before anything is trusted.
    newest: Option<i64>,
    lateness: i64,
    window: i64,
    /// The longest record seen.
    span: i64,
    /// Ends and series of the records that were ahead in a row.
    ahead: Vec<(i64, u64)>,
    strays: u64,
    /// The host's clock in milliseconds when event time last moved, and whether it has moved since.
    clock: Option<i64>,
    moved: bool,
}

state!(Frontier { newest, lateness, window, span, ahead, strays, clock, moved });

impl Frontier {
    pub(crate) fn new(window: i64, lateness: i64) -> Self {
        Frontier {
            newest: None,
            lateness,
            window,
            span: SHORTEST_RECORD,
            ahead: Vec::new(),
            strays: 0,
            clock: None,
            moved: false,
        }
    }

    /// How far one record may move the frontier.
    fn step(&self) -> i64 {
        self.lateness.max(self.window) + self.span
    }

    /// Whether a record that ends then is too far ahead to be believed on its own.
    #[inline]
    pub(crate) fn is_ahead(&self, end: i64) -> bool {
        self.newest.is_none_or(|newest| end > newest + self.step())
    }

    /// Records that were ahead and not confirmed, since the last time this was asked.
    pub(crate) fn take_strays(&mut self) -> u64 {
        core::mem::take(&mut self.strays)
    }

    #[inline]
    fn on_time(&mut self) {
        self.strays += self.ahead.len() as u64;
        self.ahead.clear();
    }

    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// Windows that end here or before are closed.
    pub(crate) fn watermark(&self) -> Option<i64> {
        Some(self.newest? - self.lateness - self.span)
    }

    /// A record of the series with the hash `series`.
    #[inline]
    pub(crate) fn record(&mut self, series: u64, start: i64, end: i64) -> Progress {
        let span = end - start;
        if span > self.span {
            self.span = span.min(LONGEST_RECORD);
        }
        if let Some(newest) = self.newest
            && end <= newest + self.step()
        {
            if end > newest {
                self.newest = Some(end);
                self.moved = true;
                self.on_time();
                return Progress::Moved;
            }
            if end > newest - self.lateness {
                self.on_time();
            }
            return Progress::Still;
        }
        self.wait(series, end)
    }

    /// A record that is too far ahead to be believed on its own.
    #[cold]
    fn wait(&mut self, series: u64, end: i64) -> Progress {
        self.ahead.push((end, series));
        let alone = self.ahead.iter().all(|entry| entry.1 == series);
        if self.ahead.len() < if alone { CONFIRMED_ALONE } else { CONFIRMED } {
            return Progress::Still;
        }
        order::sort(&mut self.ahead);
        let step = self.step();
        let mut newest = self.ahead.first().map_or(end, |entry| entry.0);
        // Those that follow within a step of each other come along; the rest goes on waiting.
        self.ahead.retain(|entry| {
            let near = entry.0 <= newest + step;
            if near {
                newest = entry.0;
            }
            !near
        });
        self.newest = Some(newest);
        self.moved = true;
        Progress::Moved
    }

    /// The host's clock. While no data comes, event time is taken to go on as the clock does, but not before as much
    /// time as the lateness has passed: a replay that pauses for a while is not overtaken.
    pub(crate) fn tick(&mut self, now_ms: i64) -> Progress {
        let Some(newest) = self.newest else { return Progress::Still };
        let clock = match self.clock {
            Some(clock) if !self.moved && clock <= now_ms => clock,
            // The first tick, the first since data came, or a clock that was set back.
            _ => {
                self.clock = Some(now_ms);
                self.moved = false;
                return Progress::Still;
            }
        };
        let idle = now_ms.saturating_sub(clock) / 1000 - self.lateness;
        if idle <= 0 {
            return Progress::Still;
        }
        self.newest = Some(newest.saturating_add(idle).min(crate::incident::time::LAST_SECOND));
        self.clock = Some(clock.saturating_add(idle.saturating_mul(1000)));
        Progress::Moved
    }

    /// The end of the stream has shown how far the data goes.
    pub(crate) fn finish(&mut self, newest: i64) {
        self.newest = Some(newest);
        self.ahead.clear();
    }

    pub(crate) fn is_valid(&self, window: i64, lateness: i64) -> bool {
        let time = 0..=crate::incident::time::LAST_SECOND;
        self.window == window
            && self.lateness == lateness
            && self.newest.is_none_or(|newest| time.contains(&newest))
            && (SHORTEST_RECORD..=LONGEST_RECORD).contains(&self.span)
            && self.ahead.len() <= CONFIRMED_ALONE
            && self.ahead.iter().all(|entry| time.contains(&entry.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream of two series that has come to `t`.
    fn at(t: i64) -> Frontier {
        let mut frontier = Frontier::new(60, 300);
        for series in [1, 2, 1, 2] {
            frontier.record(series, t - 60, t);
        }
        assert_eq!(frontier.newest(), Some(t));
        frontier
    }

    #[test]
    fn the_watermark_waits_for_the_lateness_and_the_longest_record() {
        let mut frontier = at(10_000);
        assert_eq!(frontier.watermark(), Some(10_000 - 360));
        frontier.record(1, 9_400, 10_000);
        assert_eq!(frontier.watermark(), Some(10_000 - 900));
    }

    #[test]
    fn one_record_years_ahead_moves_nothing() {
        let mut frontier = at(10_000);
        for t in 10_000..10_100 {
            assert_eq!(frontier.record(1, 4_000_000_000, 4_000_000_060), Progress::Still);
            frontier.record(2, t - 60, t);
        }
        assert_eq!(frontier.newest(), Some(10_099));
    }

    #[test]
    fn a_first_record_years_ahead_moves_nothing() {
        let mut frontier = Frontier::new(60, 300);
        frontier.record(1, 4_000_000_000, 4_000_000_060);
        frontier.record(1, 10_000, 10_060);
        frontier.record(2, 10_000, 10_060);
        assert_eq!(frontier.newest(), Some(10_060));
    }

    #[test]
    fn a_gap_is_crossed_when_several_agree() {
        let mut frontier = at(10_000);
        frontier.record(1, 99_940, 100_000);
        frontier.record(1, 99_940, 100_000);
        assert_eq!(frontier.newest(), Some(10_000));
        frontier.record(2, 99_960, 100_020);
        assert_eq!(frontier.newest(), Some(100_020));
    }

    #[test]
    fn one_series_alone_crosses_a_gap_later() {
        let mut frontier = at(10_000);
        for i in 0..CONFIRMED_ALONE as i64 {
            assert_eq!(frontier.newest(), Some(10_000));
            frontier.record(1, 99_940 + i, 100_000 + i);
        }
        assert_eq!(frontier.newest(), Some(100_019));
    }

    #[test]
    fn an_idle_stream_goes_on_with_the_clock_after_the_lateness() {
        let mut frontier = at(10_000);
        for minutes in 0..20 {
            frontier.tick(1_700_000_000_000 + minutes * 60_000);
        }
        assert_eq!(frontier.newest(), Some(10_000 + 19 * 60 - 300));
        // Data moves the clock's zero.
        frontier.record(1, 11_000, 11_060);
        let newest = frontier.newest();
        frontier.tick(1_700_000_000_000 + 30 * 60_000);
        frontier.tick(1_700_000_000_000 + 34 * 60_000);
        assert_eq!(frontier.newest(), newest);
    }
}
