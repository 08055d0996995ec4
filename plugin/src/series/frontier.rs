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
//! records of at least two series, or [`CONFIRMED_ALONE`] of one, were ahead, and no fewer than the stream has in an
//! ordinary window, where one on time takes back [`OBJECTION`] of them; and then it jumps to the earliest. So a stream that
//! really has a gap goes on after a window's worth of records, and loses none; interfaces with a broken clock don't take
//! along the rest, nor does one whose clock stands still hold it back. The first record of all is treated like that, too.
//!
//! The host's clock moves the frontier of an idle stream, by [`LONGEST_TICK`] at once: after a tick years ahead the data is
//! late for an hour, not for ever.

use crate::state::state;
use crate::time::LAST_SECOND;

/// Records ahead, of two series at least, that move the frontier.
const CONFIRMED: usize = 3;
/// The same if all are of one series: payloads often hold one interface only, so a broken one speaks many times in a row.
const CONFIRMED_ALONE: usize = 20;
/// Records ahead that one on time outweighs: the frontier jumps if fewer than a quarter are on time.
const OBJECTION: usize = 3;
/// More are never asked for, however many an ordinary window has.
const MOST_CONFIRMED: usize = 10_000;
/// Seconds that event time goes on with one tick, at most.
const LONGEST_TICK: i64 = 3_600;
/// The shortest aggregation interval of VPC Flow Logs: records are at least thought to be so long.
pub(crate) const SHORTEST_RECORD: i64 = 60;
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
    /// The records that are ahead and not confirmed.
    ahead: Ahead,
    strays: u64,
    /// The host's clock in milliseconds when event time last moved, and whether it has moved since.
    clock: Option<i64>,
    moved: bool,
    /// The latest end that is believed.
    limit: i64,
}

state!(Frontier { newest, lateness, window, span, ahead, strays, clock, moved } default { limit });

/// Records ahead.
#[derive(Clone, Debug, Default)]
struct Ahead {
    /// Less what those on time have taken back.
    count: usize,
    seen: u64,
    /// The hash of the first one's series, and whether there are others.
    series: u64,
    several: bool,
    /// The earliest ends, sorted.
    ends: Vec<i64>,
}

state!(Ahead { count, seen, series, several, ends });

impl Ahead {
    fn add(&mut self, end: i64, series: u64) {
        if self.count == 0 {
            self.series = series;
        }
        self.several |= series != self.series;
        self.seen = self.seen.saturating_add(1);
        self.count = self.count.saturating_add(1);
        let at = self.ends.partition_point(|&other| other <= end);
        if at < CONFIRMED_ALONE {
            self.ends.insert(at, end);
            self.ends.truncate(CONFIRMED_ALONE);
        }
    }

    /// Whether they are enough, where a window has `ordinary` records.
    fn is_confirmed(&self, ordinary: usize) -> bool {
        self.count >= if self.several { CONFIRMED } else { CONFIRMED_ALONE }.max(ordinary.min(MOST_CONFIRMED))
    }
}

impl Frontier {
    pub(crate) fn new(window: i64, lateness: i64) -> Self {
        Frontier {
            newest: None,
            lateness,
            window,
            span: SHORTEST_RECORD,
            ahead: Ahead::default(),
            strays: 0,
            clock: None,
            moved: false,
            limit: i64::MIN,
        }
    }

    /// Makes a deserialised frontier usable; `false` if it can't be one.
    pub(crate) fn revive(&mut self, window: i64, lateness: i64) -> bool {
        let time = 0..=LAST_SECOND;
        let is_valid = self.window == window
            && self.newest.is_none_or(|newest| time.contains(&newest))
            && (SHORTEST_RECORD..=LONGEST_RECORD).contains(&self.span)
            && self.ahead.count as u64 <= self.ahead.seen
            && self.ahead.ends.len() as u64 == self.ahead.seen.min(CONFIRMED_ALONE as u64)
            && self.ahead.ends.is_sorted()
            && self.ahead.ends.iter().all(|end| time.contains(end));
        if is_valid {
            self.lateness = lateness;
            self.set_limit();
        }
        is_valid
    }

    fn set_limit(&mut self) {
        self.limit = self.newest.map_or(i64::MIN, |newest| newest + self.step());
    }

    fn move_to(&mut self, newest: i64) {
        self.newest = Some(newest);
        self.set_limit();
    }

    /// How far one record may move the frontier.
    fn step(&self) -> i64 {
        self.lateness.max(self.window) + self.span
    }

    /// Whether a record that ends then is too far ahead to be believed on its own.
    #[inline]
    pub(crate) fn is_ahead(&self, end: i64) -> bool {
        end > self.limit
    }

    /// Records that were ahead and not confirmed, since the last time this was asked.
    pub(crate) fn take_strays(&mut self) -> u64 {
        core::mem::take(&mut self.strays)
    }

    #[inline]
    fn on_time(&mut self) {
        if self.ahead.count > 0 {
            self.object();
        }
    }

    #[cold]
    fn object(&mut self) {
        self.ahead.count = self.ahead.count.saturating_sub(OBJECTION);
        if self.ahead.count == 0 {
            self.strays = self.strays.saturating_add(self.ahead.seen);
            self.ahead = Ahead::default();
        }
    }

    /// The latest end that is believed, if any is.
    pub(crate) fn limit(&self) -> Option<i64> {
        self.newest.map(|_| self.limit)
    }

    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// Windows that end here or before are closed.
    pub(crate) fn watermark(&self) -> Option<i64> {
        Some(self.newest? - self.lateness - self.span)
    }

    #[inline]
    fn learn_span(&mut self, span: i64) {
        if span > self.span {
            self.span = span.min(LONGEST_RECORD);
            self.set_limit();
        }
    }

    /// A record that is not [ahead](Frontier::is_ahead).
    #[inline]
    pub(crate) fn record(&mut self, start: i64, end: i64) -> Progress {
        self.learn_span(end - start);
        let newest = self.newest.unwrap_or(i64::MAX);
        if end > newest {
            self.move_to(end);
            self.moved = true;
            self.on_time();
            return Progress::Moved;
        }
        if end > newest - self.lateness {
            self.on_time();
        }
        Progress::Still
    }

    /// A record that is [ahead](Frontier::is_ahead): of the series with the hash `series`, where a window has `ordinary`
    /// records.
    #[cold]
    pub(crate) fn wait(&mut self, series: u64, (start, end): (i64, i64), ordinary: usize) -> Progress {
        self.learn_span(end - start);
        self.ahead.add(end, series);
        if !self.ahead.is_confirmed(ordinary) {
            return Progress::Still;
        }
        let step = self.step();
        let mut newest = end;
        // Those that follow within a step of each other come along; the rest has to be confirmed by others.
        for (at, &end) in self.ahead.ends.iter().enumerate() {
            if at == 0 || end <= newest + step {
                newest = end;
            }
        }
        self.ahead = Ahead::default();
        self.move_to(newest);
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
        let passed = idle.min(LONGEST_TICK);
        self.move_to(newest.saturating_add(passed).min(LAST_SECOND));
        // What is beyond an hour is not made up for by later ticks.
        self.clock = Some(clock.saturating_add(idle.saturating_mul(1000)));
        Progress::Moved
    }

    /// The end of the stream has shown how far the data goes.
    pub(crate) fn finish(&mut self, newest: i64) {
        self.move_to(newest);
        self.ahead = Ahead::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record of a stream that has no ordinary window yet.
    fn feed(frontier: &mut Frontier, series: u64, start: i64, end: i64) -> Progress {
        if frontier.is_ahead(end) { frontier.wait(series, (start, end), 0) } else { frontier.record(start, end) }
    }

    /// A stream of two series that has come to `t`.
    fn at(t: i64) -> Frontier {
        let mut frontier = Frontier::new(60, 300);
        for series in [1, 2, 1, 2] {
            feed(&mut frontier, series, t - 60, t);
        }
        assert_eq!(frontier.newest(), Some(t));
        frontier
    }

    #[test]
    fn the_watermark_waits_for_the_lateness_and_the_longest_record() {
        let mut frontier = at(10_000);
        assert_eq!(frontier.watermark(), Some(10_000 - 360));
        feed(&mut frontier, 1, 9_400, 10_000);
        assert_eq!(frontier.watermark(), Some(10_000 - 900));
    }

    #[test]
    fn one_record_years_ahead_moves_nothing() {
        let mut frontier = at(10_000);
        for t in 10_000..10_100 {
            assert_eq!(feed(&mut frontier, 1, 4_000_000_000, 4_000_000_060), Progress::Still);
            feed(&mut frontier, 2, t - 60, t);
        }
        assert_eq!(frontier.newest(), Some(10_099));
    }

    #[test]
    fn a_first_record_years_ahead_moves_nothing() {
        let mut frontier = Frontier::new(60, 300);
        feed(&mut frontier, 1, 4_000_000_000, 4_000_000_060);
        feed(&mut frontier, 1, 10_000, 10_060);
        feed(&mut frontier, 2, 10_000, 10_060);
        assert_eq!(frontier.newest(), Some(10_060));
    }

    #[test]
    fn a_gap_is_crossed_when_several_agree() {
        let mut frontier = at(10_000);
        feed(&mut frontier, 1, 99_940, 100_000);
        feed(&mut frontier, 1, 99_940, 100_000);
        assert_eq!(frontier.newest(), Some(10_000));
        feed(&mut frontier, 2, 99_960, 100_020);
        assert_eq!(frontier.newest(), Some(100_020));
    }

    #[test]
    fn one_series_alone_crosses_a_gap_later() {
        let mut frontier = at(10_000);
        for i in 0..CONFIRMED_ALONE as i64 {
            assert_eq!(frontier.newest(), Some(10_000));
            feed(&mut frontier, 1, 99_940 + i, 100_000 + i);
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
        feed(&mut frontier, 1, 11_000, 11_060);
        let newest = frontier.newest();
        frontier.tick(1_700_000_000_000 + 30 * 60_000);
        frontier.tick(1_700_000_000_000 + 34 * 60_000);
        assert_eq!(frontier.newest(), newest);
    }
}
