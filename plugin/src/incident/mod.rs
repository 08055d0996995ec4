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
//! - It is **updated** when its severity rises or its score by [`WORSE`], not in each window.
//! - It **closes** after [`CALM`] windows in a row that don't deviate: `recovered` if the value is back in the range from
//!   before, `new_level` if the detector has come to expect the value where it is.
//! - An alert within [`REOPEN`] windows after the close continues it under the same id (`update`): no flapping.
//! - The way back isn't news: an alert in the other direction that leads into the range from before the incident opens
//!   nothing, while it is open and up to [`ECHO`] after it was closed.
//! - Windows whose value is unknown (SKIPDATA, a silent source, maintenance) neither open nor close anything.
//!
//! An **aggregate** (the total of all series, or of a prefix) would repeat its members' incidents. Its own incident is held
//! back for [`HOLD`] windows and dropped if incidents of its members explain most of the change by then.

mod event;
mod explanation;
pub(crate) mod json;
mod severity;
pub(crate) mod time;

use serde::{Deserialize, Serialize};

pub use event::{Change, Ending};
pub use explanation::{Explanation, METRICS, Member, Mover};
pub use severity::Severity;

use crate::detect::{Direction, Verdict};
use crate::series::hash::hash;

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
/// An update is due when the score has risen to so many times the one last told.
pub const WORSE: f64 = 1.5;
/// Windows that an aggregate's incident is held back. Detectors of members, with less noise to overcome, are seldom
/// later than that.
pub const HOLD: u32 = 2;
/// Deviating windows before the alert that still belong to the incident, at most.
const RUN_UP: u32 = 15;

/// A window of one series, judged.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// Start and end, epoch seconds.
    pub start: i64,
    /// See `start`.
    pub end: i64,
    /// `None` if unknown.
    pub value: Option<f64>,
    /// The detector's verdict.
    pub verdict: &'a Verdict,
}

/// One incident of one series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// From the series, the start and the direction, so that a replay gives the same.
    pub id: u64,
    /// Spike or drop.
    pub direction: Direction,
    /// Start of the first deviating window, epoch seconds.
    pub start: i64,
    /// End of the last deviating window.
    pub end: i64,
    /// Start of the window with the highest score; the next six are of that window.
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
    /// How rare the score is in the series' own history.
    pub p: f64,
    /// Sum of the values from `start` to `end`.
    pub observed_total: f64,
    /// Sum of the expected values.
    pub expected_total: f64,
    /// Highest so far.
    pub severity: Severity,
    /// The cause.
    pub explanation: Explanation,
    /// The expected range when it began.
    former: (f64, f64),
    /// The score last told.
    told: f64,
    calm: u32,
    /// What the calm windows add to the totals if the incident goes on.
    pending: (f64, f64),
    age: u32,
    announced: bool,
}

/// A run of deviating windows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    start: i64,
    windows: u32,
    observed: f64,
    expected: f64,
}

/// The incidents of one series over its life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Life {
    run: Option<Run>,
    open: Option<Box<Incident>>,
    /// The last closed one, until it is too old to matter.
    last: Option<Box<Incident>>,
    /// It expired and the value has deviated ever since.
    expired: bool,
    /// An alert that was the way back from an incident, and until when totals may show it, too.
    echo: Option<(Direction, i64)>,
}

/// What a window did.
#[derive(Debug, Default)]
pub struct Step {
    /// The incident that is over, and why.
    pub closed: Option<(Box<Incident>, Ending)>,
    /// What became of the one that is open.
    pub active: Option<Change>,
    /// The window has the highest score of the open incident: time to explain it.
    pub peak: bool,
}

/// How an aggregate's members bear on its incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Members {
    /// The series is no aggregate.
    None,
    /// Nothing is known of members that would explain a change.
    Quiet,
    /// Incidents of members explain the change, or have just ended.
    Explain,
}

impl Life {
    /// The incident that is open and was told.
    pub fn open(&self) -> Option<&Incident> {
        self.open.as_deref().filter(|incident| incident.announced)
    }

    /// The direction of the incident that is open, whether told or held back.
    pub fn direction(&self) -> Option<Direction> {
        self.open.as_ref().map(|incident| incident.direction)
    }

    /// The direction in which a total is pulled by this series in a window: that of its incident, of one that ended up to
    /// [`CALM`] windows ago, or of the way back from it.
    pub fn bears(&self, start: i64, end: i64) -> Option<Direction> {
        let echo = self.echo.filter(|echo| start <= echo.1).map(|echo| echo.0);
        // It was closed CALM windows after its end.
        let lately = start - 2 * i64::from(CALM) * (end - start);
        let last = self.last.as_ref().filter(|last| last.end >= lately).map(|last| last.direction);
        self.open().map(|incident| incident.direction).or(echo).or(last)
    }

    /// Sets the cause of the incident that is open.
    pub fn explain(&mut self, explanation: Explanation) {
        if let Some(incident) = &mut self.open {
            incident.explanation = explanation;
        }
    }

    /// Takes the next window of the series `key` (of `window` seconds) into account.
    pub fn step(&mut self, key: &[u8], judged: &Judged<'_>, members: Members) -> Step {
        let mut step = Step::default();
        let verdict = judged.verdict;
        let window = judged.end - judged.start;
        if let Some(value) = judged.value {
            let deviating = verdict.deviating || verdict.alert;
            self.expired &= deviating;
            self.extend_run(judged, value, deviating);
            self.go_on(judged, value, deviating, &mut step);
            if verdict.alert && self.open.is_none() {
                self.begin(key, judged, value, window, members, &mut step);
            }
        }
        self.tell(members, &mut step);
        if self.open.as_ref().is_some_and(|incident| judged.end - incident.start >= LONGEST) {
            self.close(Ending::Expired, &mut step);
            self.expired = true;
        }
        if self.last.as_ref().is_some_and(|last| judged.start - last.end > ECHO.max(REOPEN * window)) {
            self.last = None;
        }
        step
    }

    /// Ends whatever is open because the series is no more.
    pub fn end(&mut self) -> Option<Box<Incident>> {
        self.open.take().filter(|incident| incident.announced)
    }

    fn extend_run(&mut self, judged: &Judged<'_>, value: f64, deviating: bool) {
        if !deviating {
            self.run = None;
            return;
        }
        let run = self.run.get_or_insert(Run { start: judged.start, windows: 0, observed: 0.0, expected: 0.0 });
        if run.windows >= RUN_UP {
            *run = Run { start: judged.start, windows: 0, observed: 0.0, expected: 0.0 };
        }
        run.windows += 1;
        run.observed += value;
        run.expected += judged.verdict.expected;
    }

    /// The open incident lives on, worsens, or ends.
    fn go_on(&mut self, judged: &Judged<'_>, value: f64, deviating: bool, step: &mut Step) {
        let verdict = judged.verdict;
        let Some(incident) = &mut self.open else { return };
        let turned = verdict.alert && verdict.direction.is_some_and(|direction| direction != incident.direction);
        if turned && !incident.is_way_back(value) {
            self.close(Ending::Turned, step);
            return;
        }
        incident.age += 1;
        incident.pending.0 += value;
        incident.pending.1 += verdict.expected;
        let onward = verdict.direction.is_none_or(|direction| direction == incident.direction);
        if deviating && onward {
            incident.calm = 0;
            incident.end = judged.end;
            incident.settle();
        } else {
            incident.calm += 1;
            if incident.calm >= CALM {
                let ending = if incident.was_ordinary(value) { Ending::Recovered } else { Ending::NewLevel };
                self.close(ending, step);
            }
            return;
        }
        if verdict.score > incident.score {
            incident.rise(judged, value);
            step.peak = true;
        }
    }

    /// An alert while nothing is open.
    fn begin(&mut self, key: &[u8], judged: &Judged<'_>, value: f64, window: i64, members: Members, step: &mut Step) {
        let Some(direction) = judged.verdict.direction else { return };
        if self.expired || members == Members::Explain {
            return;
        }
        if let Some(last) = &self.last {
            if last.direction != direction && last.is_way_back(value) {
                self.echo = Some((direction, judged.end + i64::from(CALM) * window));
                return;
            }
            if last.direction == direction
                && judged.start - last.end <= REOPEN * window
                && let Some(mut incident) = self.last.take()
            {
                incident.calm = 0;
                incident.end = judged.end;
                incident.pending = (value, judged.verdict.expected);
                incident.settle();
                if judged.verdict.score > incident.score {
                    incident.rise(judged, value);
                    step.peak = true;
                }
                // Told again whatever the score.
                incident.told = 0.0;
                self.open = Some(incident);
                return;
            }
        }
        // A run from before the last incident's end belongs to that.
        let run = self.run.take().filter(|run| self.last.as_ref().is_none_or(|last| run.start >= last.end));
        let run =
            run.unwrap_or(Run { start: judged.start, windows: 1, observed: value, expected: judged.verdict.expected });
        let mut id = run.start.to_le_bytes().to_vec();
        id.push(direction as u8);
        id.extend_from_slice(key);
        let mut incident = Incident {
            id: hash(0x696E_6369_6465_6E74, &id),
            direction,
            start: run.start,
            end: judged.end,
            peak: judged.start,
            score: 0.0,
            observed: value,
            expected: 0.0,
            expected_low: 0.0,
            expected_high: 0.0,
            p: 1.0,
            observed_total: run.observed,
            expected_total: run.expected,
            severity: Severity::Low,
            explanation: Explanation::default(),
            former: (judged.verdict.expected_low, judged.verdict.expected_high),
            told: 0.0,
            calm: 0,
            pending: (0.0, 0.0),
            age: 0,
            announced: false,
        };
        incident.rise(judged, value);
        step.peak = true;
        self.open = Some(Box::new(incident));
    }

    /// Decides whether the open incident is worth an event now.
    fn tell(&mut self, members: Members, step: &mut Step) {
        let Some(incident) = &mut self.open else { return };
        if incident.announced {
            let severity = Severity::of(incident.direction, incident.score, incident.observed, incident.expected);
            if severity > incident.severity || incident.score >= WORSE * incident.told {
                incident.severity = severity.max(incident.severity);
                incident.told = incident.score;
                step.active = Some(Change::Updated);
            }
        } else if members == Members::Explain {
            self.open = None;
            step.peak = false;
        } else if members == Members::None || incident.age >= HOLD {
            incident.announced = true;
            incident.severity = Severity::of(incident.direction, incident.score, incident.observed, incident.expected);
            incident.told = incident.score;
            step.active = Some(Change::Opened);
        }
    }

    fn close(&mut self, ending: Ending, step: &mut Step) {
        if let Some(incident) = self.open.take()
            && incident.announced
        {
            self.last = Some(incident.clone());
            step.closed = Some((incident, ending));
        }
    }

    /// Whether a deserialised life can be one.
    pub fn is_valid(&self) -> bool {
        [&self.open, &self.last].into_iter().flatten().all(|incident| incident.is_valid())
            && self.run.as_ref().is_none_or(|run| run.observed.is_finite() && run.expected.is_finite())
    }
}

impl Incident {
    /// Whether `value` lies in the range from before.
    fn was_ordinary(&self, value: f64) -> bool {
        self.former.0 <= value && value <= self.former.1
    }

    /// Whether `value` leads from the incident back to where it came from, or not much farther than that.
    fn is_way_back(&self, value: f64) -> bool {
        match self.direction {
            Direction::Spike => value >= self.former.0,
            Direction::Drop => value <= self.former.1,
        }
    }

    /// The window is the worst so far.
    fn rise(&mut self, judged: &Judged<'_>, value: f64) {
        let verdict = judged.verdict;
        self.peak = judged.start;
        self.score = verdict.score;
        self.observed = value;
        self.expected = verdict.expected;
        self.expected_low = verdict.expected_low;
        self.expected_high = verdict.expected_high;
        self.p = verdict.p;
    }

    /// The windows since the last deviating one were part of the incident after all.
    fn settle(&mut self) {
        let (observed, expected) = core::mem::take(&mut self.pending);
        self.observed_total += observed;
        self.expected_total += expected;
    }

    fn is_valid(&self) -> bool {
        let numbers = [self.score, self.observed, self.expected, self.expected_low, self.expected_high, self.p];
        numbers.iter().all(|number| number.is_finite())
            && 0 <= self.start
            && self.start <= self.peak
            && self.start < self.end
            && self.end <= time::LAST_SECOND + ECHO
            && self.explanation.is_valid()
    }
}

#[cfg(test)]
mod tests;
