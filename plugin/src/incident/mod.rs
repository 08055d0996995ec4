//! Incidents: from a detector's verdict on each window to few alerts, each with a beginning and an end.
//!
//! ```text
//!            alert                     score or severity up
//!   quiet ──────────► open ───────────────────────────────► open     events: open, update, …, closed
//!     ▲                 │
//!     └─────────────────┘  CALM windows that don't deviate, or LONGEST
//! ```
//!
//! - It **opens** once, at the first alert, and starts where the run of deviating windows started that led to it.
//! - It may be told before, as [`Change::Provisional`], while its window is not closed yet.
//! - It is **updated** when its severity rises, which it does while a loss lasts, or its score or its deviation by [`WORSE`]; not in each window.
//! - It **closes** after [`CALM`] windows in a row that don't deviate: `recovered` if the value is back near what it
//!   would be without the incident, else `new_level`, and which: the detector has come to expect the value where it is.
//! - An alert within [`REOPEN`] windows after the close continues it under the same id (`update`), and then it takes twice
//!   the calm to close it: no flapping.
//! - An alert on what has been the new level opens nothing up to [`ECHO`] after the close, unless it is [`BEYOND`] it.
//! - The way back isn't news: an alert in the other direction that leads into the range from before the incident opens
//!   nothing, while it is open, shortly after, and up to [`ECHO`] after it was closed as the new level.
//! - Windows whose value is unknown (SKIPDATA, a silent source, maintenance) neither open nor close anything.
//!
//! An **aggregate** (the total of all series, or of a prefix) would repeat its members' incidents. Its own incident is held
//! back for [`HOLD`] windows and dropped if incidents of its members explain most of the change by then.
//!
//! An incident of low or medium severity is **weak**: whether it is told is up to the caller, until it lasts ([`LASTING`]) or gets worse.
//!
//! Incidents of several series that begin together are one [`Group`], which is told besides them.

mod event;
mod explanation;
mod group;
mod lifecycle;
mod sentence;
mod severity;

pub use event::{Change, Ending, Origin, Telling};
pub use explanation::{Explanation, METRICS, Member, TopTalker};
pub use group::{Affected, Group, GroupMember};
pub use lifecycle::{Lifecycle, Members, Step};
pub use severity::Severity;

use crate::detect::{Direction, Verdict, beside};
use crate::state::state;
use crate::time;

/// Windows in a row without a deviation that close an incident. One would flap on anything near the edge of the range;
/// with one-minute windows five keep the end within what a human would call the same event.
pub const CALM: u32 = 5;
/// Windows after the close in which an alert continues the incident.
pub const REOPEN: i64 = 30;
/// The way back to the former level isn't news for so long after the close, in seconds: a day, so that a change that
/// became the new level can end without an alert.
pub const ECHO: i64 = 86_400;
/// An incident that is open for so long, in seconds, is closed: by then it is how things are.
pub const LONGEST: i64 = 86_400;
/// An update is due when the score, or the distance from the expected value, is so many times the one last told.
pub const WORSE: f64 = 2.0;
/// So many times the new level (or one in so many, for a drop) is news again.
pub const BEYOND: f64 = 1.5;
/// The way back may lead so many times past what was expected.
pub const OVERSHOOT: f64 = 3.0;
/// A level is back to normal within this part of the incident's greatest deviation: beyond it most people would see the
/// incident in a chart still.
pub const NEAR: f64 = 0.3;
/// Windows that an aggregate's incident is held back. Detectors of members, with less noise to overcome, are seldom
/// later than that.
pub const HOLD: u32 = 2;
/// Seconds, and three windows, from which on an incident of any severity is no matter of chance.
pub const LASTING: i64 = 900;
/// A window of one series, judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Start and end, epoch seconds.
    pub start: i64,
    /// See `start`.
    pub end: i64,
    /// `None` if unknown.
    pub value: Option<f64>,
    /// What all series have in an ordinary window; `None` if no total is kept.
    pub whole: Option<f64>,
    /// The detector's verdict.
    pub verdict: &'a Verdict,
}

/// One incident of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// From the series, the start and the direction, so that a replay gives the same.
    pub id: u64,
    /// Spike or drop.
    pub direction: Direction,
    /// Start of the first deviating window, epoch seconds.
    pub start: i64,
    /// End of the last deviating window.
    pub end: i64,
    /// Start of the worst window; what is observed and expected is of that window.
    pub peak: i64,
    /// Highest score.
    pub score: f64,
    /// The value there.
    pub observed: f64,
    /// The expected value there.
    pub expected: f64,
    /// The expected range there.
    pub expected_low: f64,
    /// See `expected_low`.
    pub expected_high: f64,
    /// How rare that is in the series' own history: the rarest so far.
    pub p: f64,
    /// Sum of the values from `start` to `end`.
    pub observed_total: f64,
    /// Sum of the expected values.
    pub expected_total: f64,
    /// Highest so far.
    pub severity: Severity,
    /// The cause.
    pub explanation: Explanation,
    /// The id of the group that it is part of.
    pub group: Option<u64>,
    /// What was expected when it began: lower end, value and upper end.
    former: (f64, f64, f64),
    /// The score and the distance from the expected value last told.
    told: (f64, f64),
    calm: u32,
    /// Times it was continued after a close.
    continued: u32,
    /// The mean value of the calm windows, if they were not what was ordinary before.
    level: Option<f64>,
    /// What the calm windows add to the totals if the incident goes on.
    pending: (f64, f64),
    age: u32,
    announced: bool,
    /// A person has said that it is expected.
    accepted: bool,
    /// Why it was closed, if it was told and is over.
    ended: Option<Ending>,
}

state!(Incident {
    id,
    direction,
    start,
    end,
    peak,
    score,
    observed,
    expected,
    expected_low,
    expected_high,
    p,
    observed_total,
    expected_total,
    severity,
    explanation,
    group since 7,
    former,
    told,
    calm,
    continued,
    level,
    pending,
    age,
    announced,
    accepted since 7,
    ended since 14,
});

impl Incident {
    /// Whether `value` lies in the range from before.
    fn was_ordinary(&self, value: f64) -> bool {
        self.former.0 <= value && value <= self.former.2
    }

    /// Whether a mean of `level` is what would be without the incident: `normal`, if the detector knows it. A value that has
    /// come half of the way is not back.
    fn is_recovered(&self, level: f64, normal: Option<f64>) -> bool {
        let Some(normal) = normal else { return self.was_ordinary(level) };
        // The range from before, moved as what is normal has.
        let expected = self.former.1;
        let moved = if expected > 0.0 && normal > 0.0 { level * expected / normal } else { level };
        let still_off = match self.direction {
            Direction::Spike => level - normal,
            Direction::Drop => normal - level,
        };
        still_off <= NEAR * self.distance() && self.was_ordinary(moved)
    }

    /// Whether `value` leads from the incident back to where it came from, or not much farther than that: an outage after
    /// a spike isn't a way back, even where the range reaches to zero.
    fn is_way_back(&self, value: f64) -> bool {
        let (low, expected, high) = self.former;
        match self.direction {
            Direction::Spike => value >= low.max(expected / OVERSHOOT),
            Direction::Drop => value <= high.min(expected * OVERSHOOT),
        }
    }

    /// Whether `value` is farther from what was ordinary than `level`, by [`BEYOND`].
    fn is_beyond(&self, value: f64, level: f64) -> bool {
        match self.direction {
            Direction::Spike => value > BEYOND * level,
            Direction::Drop => value * BEYOND < level,
        }
    }

    /// Takes a value into account that came after it was closed as the new level: more than half of the way back, [`CALM`]
    /// windows in a row, and it is over.
    fn see_after(&mut self, value: f64, end: i64) {
        let Some(level) = self.level else { return };
        let is_back = (value - self.former.1).abs() < (value - level).abs();
        self.calm = if is_back { self.calm.min(CALM) + 1 } else { 0 };
        if self.calm >= CALM {
            self.leave_level(end);
        }
    }

    /// What it had left as the new level is no more: the same again is news.
    fn leave_level(&mut self, end: i64) {
        self.level = None;
        self.end = end;
    }

    /// The severity as of now, of a part of `whole`.
    fn severity_now(&self, whole: Option<f64>) -> Severity {
        Severity::of(severity::Facts {
            direction: self.direction,
            score: self.score,
            observed: self.observed,
            expected: self.expected,
            lasted: self.end - self.start,
            whole,
        })
    }

    /// Whether it is told whatever others there are: it is severe, or no short one. `window`: seconds.
    pub(crate) fn is_pressing(&self, window: i64) -> bool {
        self.severity >= Severity::High || self.end - self.start >= LASTING.max(3 * window)
    }

    /// A person has said that it is expected.
    pub(crate) fn accept(&mut self) {
        self.accepted = true;
    }

    pub(crate) fn is_accepted(&self) -> bool {
        self.accepted
    }

    /// How far the peak is from what was expected there.
    fn distance(&self) -> f64 {
        (self.observed - self.expected).abs()
    }

    /// The window is the worst so far.
    fn rise(&mut self, judged: &Judged<'_>, value: f64) {
        let verdict = judged.verdict;
        self.peak = judged.start;
        self.score = self.score.max(verdict.score);
        self.observed = value;
        self.expected = verdict.expected;
        let is_off = match self.direction {
            Direction::Spike => value > verdict.expected,
            Direction::Drop => value < verdict.expected,
        };
        // The range widens while an incident goes on, but what it is about lies beyond.
        let range = (verdict.expected_low, verdict.expected_high);
        (self.expected_low, self.expected_high) = if is_off { beside(range, value, verdict.expected) } else { range };
        self.p = self.p.min(verdict.p);
    }

    /// The windows since the last deviating one were part of the incident after all.
    fn settle(&mut self) {
        let (observed, expected) = core::mem::take(&mut self.pending);
        self.observed_total += observed;
        self.expected_total += expected;
    }

    pub(crate) fn is_valid(&self) -> bool {
        let numbers = [self.score, self.observed, self.expected, self.expected_low, self.expected_high, self.p];
        numbers.iter().all(|number| number.is_finite())
            && 0 <= self.start
            && self.start <= self.peak
            && self.start < self.end
            && self.level.is_none_or(f64::is_finite)
            && self.told.0.is_finite()
            && self.told.1.is_finite()
            && self.pending.0.is_finite()
            && self.pending.1.is_finite()
            && self.observed_total.is_finite()
            && self.expected_total.is_finite()
            && self.end <= time::LAST_SECOND + ECHO
            && self.explanation.is_valid()
    }
}

#[cfg(test)]
mod tests;
