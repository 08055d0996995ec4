//! How far event time has come: the watermark, which no single interface moves.
//!
//! The **frontier** is the time that a quorum of series has come to; the watermark lies `allowed_lateness` and the longest
//! [record of late](Span) behind it, so that a record that ends within the lateness finds all its windows open. A window is
//! closed when the watermark has passed its end.
//!
//! A series whose record ends beyond the frontier makes a [claim](Claims). What moves the frontier:
//!
//! | claims | of | move it to |
//! |---|---|---|
//! | up to one step beyond it (the lateness and the longest record) | a quarter of the series [heard of late](Heard), 2 to 16 | the latest time that so many have come to |
//! | farther | half of them, 2 to 32, while it stands still; within a step of each other if there are several in a window | the earliest of these |
//! | of one series that goes on for a step and a half | nobody has a record on time meanwhile | the end of that series |
//! | the same, but farther than a step | and it goes on for half an hour, if there were several series before | the same |
//!
//! So an interface whose clock is minutes or years ahead moves nothing, and its records wait in their windows; a stream that
//! really has a gap goes on after it and loses none; and a stream of which one interface is left is believed after a while.
//! A stream of one series at a time has nobody to ask: its records move the frontier by a step each, and six over a step of
//! the one that moved it last are believed farther. The first record of
//! all is treated as one farther than a step.
//!
//! **The way back.** Where one series was believed, that can have been wrong. Then a window's worth of records, of as many
//! series as had to be asked before, that agree on an earlier time [take it back](Behind).
//!
//! The host's clock moves the frontier of an idle stream, by [`LONGEST_TICK`] at once: after a tick years ahead the data is
//! late for an hour, not for ever.

use super::claims::{Claim, Claims, Situation};
use super::heard::Heard;
use super::span::Span;
use super::way_back::Behind;
use crate::state::state;
use crate::time::LAST_SECOND;

/// Records of one series that are believed beyond a step, where there were others; the seconds for which it has to go on.
const RUN: (u32, i64) = (20, 1_800);
/// Records of it where it is the only one.
const RUN_OF_ONE: u32 = 6;
/// Windows after which one series that was believed is no longer in doubt, if enough others are heard.
const DOUBT: u32 = 60;
/// Seconds that event time goes on with one tick, at most.
const LONGEST_TICK: i64 = 3_600;

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
    span: Span,
    claims: Claims,
    heard: Heard,
    /// The series that moved it last.
    mover: u64,
    /// One series was believed, and may have been wrong.
    doubt: Option<Doubt>,
    behind: Behind,
    /// Records farther than a step since the frontier moved, and those that it moved without.
    waiting: u64,
    strays: u64,
    /// Series that were heard before one was believed, and were not there; for a notice.
    missing: u64,
    /// The host's clock in milliseconds when event time last moved, and whether it has moved since.
    clock: Option<i64>,
    moved: bool,
    /// The latest end that is believed.
    limit: i64,
    /// Series that move the frontier by a step.
    quorum: usize,
}

state!(Frontier {
    newest, lateness, window, span, claims, heard, mover, doubt, behind, waiting, strays, clock, moved
} default { missing, limit, quorum });

/// What was before one series was believed.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    newest: i64,
    heard: Heard,
    /// Series that have to agree on an earlier time.
    quorum: usize,
    /// Windows closed since.
    windows: u32,
}

state!(Doubt { newest, heard, quorum, windows });

impl Frontier {
    pub(crate) fn new(window: i64, lateness: i64) -> Self {
        let heard = Heard::default();
        Frontier {
            newest: None,
            lateness,
            window,
            span: Span::new(),
            claims: Claims::default(),
            heard,
            mover: 0,
            doubt: None,
            behind: Behind::default(),
            waiting: 0,
            strays: 0,
            missing: 0,
            clock: None,
            moved: false,
            limit: i64::MIN,
            quorum: heard.quorum(),
        }
    }

    /// Makes a deserialised frontier usable; `false` if it can't be one.
    pub(crate) fn revive(&mut self, window: i64, lateness: i64) -> bool {
        let times = 0..=LAST_SECOND;
        let is_valid = self.window == window
            && self.newest.is_none_or(|newest| times.contains(&newest))
            && self.span.is_valid(&times)
            && self.claims.is_valid(&times)
            && self.heard.is_valid()
            && self.doubt.is_none_or(|doubt| times.contains(&doubt.newest) && doubt.heard.is_valid())
            && self.behind.is_valid(&times);
        if is_valid {
            self.lateness = lateness;
            self.quorum = self.heard.quorum();
            self.set_limit();
        }
        is_valid
    }

    fn set_limit(&mut self) {
        self.limit = self.newest.map_or(i64::MIN, |newest| newest + self.step());
    }

    fn move_to(&mut self, newest: i64) {
        self.span.pass(newest);
        self.newest = Some(newest);
        self.set_limit();
        if !self.claims.is_empty() {
            self.claims.drop_until(newest);
        }
    }

    /// How far the frontier may move at once.
    fn step(&self) -> i64 {
        self.lateness.max(self.window) + self.span.longest()
    }

    /// Whether a record that ends then is farther than a step beyond the frontier.
    #[inline]
    pub(crate) fn is_ahead(&self, end: i64) -> bool {
        end > self.limit
    }

    /// Records that the frontier moved without, since the last time this was asked.
    pub(crate) fn take_strays(&mut self) -> u64 {
        core::mem::take(&mut self.strays)
    }

    /// Series that were not there when one was believed just now.
    pub(crate) fn take_missing(&mut self) -> u64 {
        core::mem::take(&mut self.missing)
    }

    /// The latest end that is believed, if any is.
    pub(crate) fn limit(&self) -> Option<i64> {
        self.newest.map(|_| self.limit)
    }

    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// The latest time that any series within a step has come to.
    pub(crate) fn reached(&self) -> Option<i64> {
        let near = self.claims.near(self.limit, 1);
        self.newest.map(|newest| near.map_or(newest, |near| near.max(newest)))
    }

    /// Windows that end here or before are closed.
    pub(crate) fn watermark(&self) -> Option<i64> {
        Some(self.newest? - self.lateness - self.span.longest())
    }

    /// A window is closed in which so many series had a record.
    pub(crate) fn learn(&mut self, series: usize) {
        self.heard.learn(series);
        self.quorum = self.heard.quorum();
        if let Some(doubt) = &mut self.doubt {
            doubt.windows = doubt.windows.saturating_add(1);
            if doubt.windows >= DOUBT && self.quorum >= doubt.quorum {
                self.doubt = None;
                self.behind = Behind::default();
            }
        }
    }

    /// A record of a series, not longer than an hour.
    #[inline]
    pub(crate) fn record(&mut self, series: u64, (start, end): (i64, i64)) -> Progress {
        if self.span.learn(end - start) {
            self.set_limit();
        }
        let newest = self.newest.unwrap_or(-1);
        if end > newest && (self.quorum > 1 || end > self.limit) {
            return self.claim(series, end);
        }
        if end > newest - self.lateness && !(self.claims.is_empty() && self.behind.is_empty()) {
            self.claims.object(series);
            self.behind.object();
        }
        if end <= newest {
            return Progress::Still;
        }
        self.advance(series, end)
    }

    /// The frontier goes on, without those that are farther ahead.
    fn advance(&mut self, mover: u64, newest: i64) -> Progress {
        self.mover = mover;
        self.strays = self.strays.saturating_add(core::mem::take(&mut self.waiting));
        self.moved = true;
        self.move_to(newest);
        Progress::Moved
    }

    fn situation(&self, series: u64) -> Situation {
        Situation {
            frontier: self.newest.unwrap_or(-1),
            limit: self.limit,
            step: self.step(),
            is_alone: self.heard.is_thin() && (self.newest.is_none() || series == self.mover),
        }
    }

    /// A record ends beyond the frontier.
    #[inline(never)]
    fn claim(&mut self, series: u64, end: i64) -> Progress {
        let now = self.situation(series);
        let is_far = end > self.limit;
        if is_far {
            self.waiting = self.waiting.saturating_add(1);
        } else {
            self.behind.object();
            // Data comes: the host's clock has nothing to say.
            self.moved = true;
        }
        let Some(claim) = self.claims.hear(series, end, now) else { return Progress::Still };
        let agreed = if is_far {
            let apart = if self.quorum == 1 { LAST_SECOND } else { now.step };
            self.claims.far(now, self.heard.quorum_to_jump(), apart)
        } else {
            self.claims.near(self.limit, self.quorum)
        };
        match agreed {
            Some(newest) => {
                self.waiting = if is_far { 0 } else { self.waiting };
                self.advance(series, newest)
            }
            None if self.is_believed(&claim, now) => self.believe(&claim),
            None => Progress::Still,
        }
    }

    /// Whether a series has gone on by itself for so long that there seem to be no others.
    fn is_believed(&self, claim: &Claim, now: Situation) -> bool {
        let (records, seconds) = match (claim.is_near, now.is_alone) {
            (true, _) => (2, now.step * 3 / 2),
            (false, true) => (RUN_OF_ONE, now.step),
            (false, false) => (RUN.0, RUN.1.max(now.step)),
        };
        claim.records >= records && claim.progress() >= seconds
    }

    /// Believes a series, and those that have come about as far; from now on they are all there is.
    fn believe(&mut self, claim: &Claim) -> Progress {
        let step = self.step();
        let company = self.claims.iter().filter(|other| (other.newest - claim.newest).abs() <= step).count();
        // All the others, where they are fewer than a quorum.
        let quorum = self.heard.quorum().min(self.heard.others(company));
        if self.doubt.is_none() {
            self.missing = self.heard.missing(company) as u64;
        }
        let before = Doubt { newest: self.newest.unwrap_or(0), heard: self.heard, quorum, windows: 0 };
        // What was in doubt already is what there is to go back to; whoever is left since can say so.
        let before = self.doubt.unwrap_or(before);
        self.doubt = Some(Doubt { quorum: before.quorum.min(quorum), windows: 0, ..before });
        self.heard = Heard::exactly(company);
        self.quorum = self.heard.quorum();
        self.waiting = 0;
        self.advance(claim.series, claim.newest)
    }

    /// Whether a record that is late may show that the frontier is wrong.
    #[inline]
    pub(crate) fn is_in_doubt(&self, end: i64) -> bool {
        self.doubt.is_some() && self.newest.is_some_and(|newest| end < newest - 2 * self.step())
    }

    /// A late record while the frontier [is in doubt](Frontier::is_in_doubt), of a series with that hash, where a window has
    /// `ordinary` records. The time that the frontier has gone back to.
    #[cold]
    pub(crate) fn late(&mut self, series: u64, end: i64, ordinary: usize) -> Option<i64> {
        let doubt = self.doubt?;
        if end < doubt.newest - self.lateness {
            return None;
        }
        let newest = self.behind.hear(series, end, self.step(), (doubt.quorum, ordinary))?;
        self.heard = doubt.heard;
        self.quorum = self.heard.quorum();
        self.doubt = None;
        self.behind = Behind::default();
        self.claims.clear();
        self.advance(self.mover, newest);
        Some(newest)
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
        self.waiting = 0;
        self.move_to(newest);
        self.claims.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(frontier: &mut Frontier, series: u64, start: i64, end: i64) -> Progress {
        frontier.record(series, (start, end))
    }

    /// A stream of several series that has come to `t`.
    fn at(t: i64) -> Frontier {
        let mut frontier = Frontier::new(60, 300);
        for series in [1, 2, 1, 2] {
            feed(&mut frontier, series, t - 60, t);
        }
        assert_eq!(frontier.newest(), Some(t));
        frontier
    }

    /// A stream of one series that has come to `t`.
    fn alone(t: i64) -> Frontier {
        let mut frontier = at(t);
        for _ in 0..100 {
            frontier.learn(1);
        }
        frontier
    }

    #[test]
    fn the_watermark_waits_for_the_lateness_and_the_longest_record_of_late() {
        let mut frontier = alone(10_000);
        assert_eq!(frontier.watermark(), Some(10_000 - 360));
        feed(&mut frontier, 1, 9_400, 10_000);
        assert_eq!(frontier.watermark(), Some(10_000 - 900));
        for end in (10_060..18_000).step_by(60) {
            feed(&mut frontier, 1, end - 60, end);
        }
        assert_eq!(frontier.watermark(), Some(17_980 - 360));
    }

    #[test]
    fn one_series_years_or_minutes_ahead_moves_nothing() {
        for ahead in [4_000_000_000, 420, 300] {
            let mut frontier = at(10_000);
            for t in 10_001..11_000 {
                assert_eq!(feed(&mut frontier, 1, t + ahead - 60, t + ahead), Progress::Still);
                feed(&mut frontier, 2, t - 60, t);
                feed(&mut frontier, 3, t - 60, t);
                assert_eq!(frontier.newest(), Some(t), "{ahead}");
            }
        }
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
    fn a_gap_is_crossed_when_half_of_the_series_agree() {
        let mut frontier = at(10_000);
        for _ in 0..10 {
            frontier.learn(6);
        }
        for series in [1, 1, 2, 2] {
            assert_eq!(feed(&mut frontier, series, 99_940, 100_000), Progress::Still);
        }
        feed(&mut frontier, 3, 49_940, 50_000);
        assert_eq!(frontier.newest(), Some(10_000));
        feed(&mut frontier, 4, 99_960, 100_020);
        assert_eq!(frontier.newest(), Some(100_000));
    }

    #[test]
    fn one_series_alone_crosses_a_gap_once_it_has_gone_on_for_a_step() {
        let mut frontier = alone(10_000);
        for minute in 0..6 {
            feed(&mut frontier, 2, 99_940 + minute * 60, 100_000 + minute * 60);
            // As many records as may be at one time are not enough.
            feed(&mut frontier, 2, 99_940 + minute * 60, 100_000 + minute * 60);
            assert_eq!(frontier.newest(), Some(10_000));
        }
        feed(&mut frontier, 2, 100_300, 100_360);
        assert_eq!(frontier.newest(), Some(100_360));
    }

    #[test]
    fn one_series_that_others_contradict_is_not_believed_however_long_it_goes_on() {
        let mut frontier = at(10_000);
        for minute in 0..1_000 {
            feed(&mut frontier, 1, 99_940 + minute * 60, 100_000 + minute * 60);
            feed(&mut frontier, 2 + minute as u64 % 2, 9_900, 9_990);
        }
        assert_eq!(frontier.newest(), Some(10_000));
        // One whose clock stands still says nothing new.
        for minute in 0..32 {
            feed(&mut frontier, 1, 99_940 + minute * 60, 100_000 + minute * 60);
            feed(&mut frontier, 2, 9_900, 9_990);
        }
        assert_eq!(frontier.newest(), Some(100_000 + 31 * 60));
    }

    #[test]
    fn a_window_of_records_takes_back_what_one_series_was_believed_for() {
        let mut frontier = Frontier::new(60, 300);
        for minute in 0..20 {
            feed(&mut frontier, 1, 4_000_000_000 + minute * 60, 4_000_000_060 + minute * 60);
        }
        assert_eq!(frontier.newest(), Some(4_000_001_200));
        let mut back = None;
        for record in 0..30 {
            assert!(frontier.is_in_doubt(10_000));
            // The one goes on.
            if record % 5 == 0 {
                feed(&mut frontier, 1, 4_000_001_200 + record, 4_000_001_260 + record);
            }
            back = frontier.late(record as u64 % 4, 10_000 + record, 25);
            assert_eq!(back.is_none(), frontier.newest() != Some(10_000 + record));
            if back.is_some() {
                break;
            }
        }
        assert_eq!(back, None, "it spoke too often");
        for record in 0..60 {
            back = back.or_else(|| frontier.late(record as u64 % 4, 10_030 + record, 25));
        }
        assert!(back.is_some_and(|back| (10_030..10_060).contains(&back)), "{back:?}");
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
