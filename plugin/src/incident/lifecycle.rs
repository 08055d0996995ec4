//! The incidents of one series, one after another: what each window does to them.

use super::{CALM, Change, ECHO, Ending, Explanation, HOLD, Incident, Judged, LONGEST, REOPEN, Severity, WORSE};
use crate::detect::Direction;
use crate::hash::hash;
use crate::state::state;

/// How often the calm needed is doubled, at most: 40 windows.
const MOST_DOUBLED: u32 = 3;
/// Deviating windows before the alert that still belong to the incident, at most.
const RUN_UP: u32 = 15;

/// Seconds in which the score that a weak incident has to surpass falls to 1/e: a week.
const WEAK_MEMORY: f64 = 7.0 * 86_400.0;

/// A run of deviating windows.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    start: i64,
    windows: u32,
    observed: f64,
    expected: f64,
}

state!(Run { start, windows, observed, expected });

/// The incidents of one series over its lifecycle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lifecycle {
    run: Option<Run>,
    open: Option<Box<Incident>>,
    /// The last closed one, until it is too old to matter.
    last: Option<Box<Incident>>,
    /// It expired and the value has deviated ever since.
    expired: bool,
    /// An alert that was the way back from an incident, and until when totals may show it, too.
    echo: Option<(Direction, i64)>,
    weak: Weak,
}

state!(Lifecycle { run, open, last, expired, echo, weak since 7 });

/// The highest score of the series' weak incidents, which fades, and the second for which that holds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Weak {
    score: f64,
    second: i64,
}

state!(Weak { score, second });

impl Weak {
    fn at(self, second: i64) -> f64 {
        let age = (second - self.second).max(0);
        self.score * libm::exp(-(age as f64) / WEAK_MEMORY)
    }

    /// A weak incident is over.
    fn learn(&mut self, score: f64, second: i64) {
        *self = Weak { score: score.max(self.at(second)), second };
    }
}

/// What a window did.
#[derive(Clone, Debug, Default)]
pub struct Step {
    /// The incident that is over, and why.
    pub closed: Option<(Box<Incident>, Ending)>,
    /// What became of the one that is open.
    pub active: Option<Change>,
    /// The window is the worst of the open incident: time to explain it.
    pub peak: bool,
    /// The open incident began with the window.
    pub begun: bool,
    /// The open incident had been closed.
    pub continued: bool,
    /// With this reason, if it was told.
    pub resumed: Option<Ending>,
    /// The open incident is weak and was not told: its score against those of the series' other weak ones of late. It is up
    /// to the caller to [announce](Lifecycle::announce) it.
    pub waiting: Option<f64>,
    /// An incident is over that was never told.
    pub withheld: bool,
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

impl Lifecycle {
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
        self.direction().or(echo).or(last)
    }

    /// Sets the cause of the incident that is open.
    pub fn explain(&mut self, explanation: Explanation) {
        if let Some(incident) = &mut self.open {
            incident.explanation = explanation;
        }
    }

    /// The incident that is open, told or not.
    pub fn current(&self) -> Option<&Incident> {
        self.open.as_deref()
    }

    /// The incident of that id, or that is part of the group of that id, while it is open and for a while after.
    pub fn known(&self, id: u64) -> Option<&Incident> {
        let told = [self.open(), self.last.as_deref()].into_iter().flatten();
        told.into_iter().find(|incident| incident.announced && (incident.id == id || incident.group == Some(id)))
    }

    /// Ends the incident of that id, or of the group of that id, with the next window, if it is open: it is expected.
    pub fn accept(&mut self, id: u64) {
        if let Some(incident) = self.open.as_mut().filter(|incident| incident.id == id || incident.group == Some(id)) {
            incident.accept();
        }
    }

    /// Makes the incident that is open part of a group, or of none.
    pub fn join(&mut self, group: Option<u64>) {
        if let Some(incident) = &mut self.open {
            incident.group = group;
        }
    }

    /// The incident that is open is worth an event, if it was not told yet.
    pub fn announce(&mut self) -> Option<Change> {
        let incident = self.open.as_mut().filter(|incident| !incident.announced)?;
        incident.announced = true;
        incident.told = (incident.score, incident.distance());
        Some(Change::Opened)
    }

    /// Takes the incident that is open out, told or not.
    pub fn take_current(&mut self) -> Option<Box<Incident>> {
        self.open.take()
    }

    /// The incident that is open goes on under this id, if it was not told and has that direction.
    pub fn adopt(&mut self, id: u64, direction: Direction) {
        let is_same = |incident: &&mut Box<Incident>| incident.direction == direction;
        if let Some(incident) = self.open.as_mut().filter(is_same) {
            incident.id = id;
        }
    }

    /// Takes the next window of the series `key` (of `window` seconds) into account.
    pub fn step(&mut self, key: &[u8], judged: &Judged<'_>, members: Members) -> Step {
        let mut step = Step::default();
        let verdict = judged.verdict;
        let window = judged.end - judged.start;
        if self.open.as_ref().is_some_and(|incident| incident.accepted) {
            self.close(Ending::Accepted, window, &mut step);
        }
        if let Some(value) = judged.value {
            let deviating = verdict.deviating || verdict.alert;
            self.expired &= deviating;
            self.extend_run(judged, value, deviating);
            self.go_on(judged, value, deviating, &mut step);
            if let (None, Some(last)) = (&self.open, &mut self.last) {
                last.see_after(value, judged.end);
            }
            if verdict.alert && self.open.is_none() {
                self.begin(key, judged, value, window, members, &mut step);
            }
        }
        self.tell(members, judged, &mut step);
        if self.open.as_ref().is_some_and(|incident| judged.end - incident.start >= LONGEST) {
            self.close(Ending::Expired, window, &mut step);
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

    /// Event time goes back to `second`: what lies later has not been. Gives back the open incident, if it began later.
    pub fn go_back(&mut self, second: i64) -> Option<Box<Incident>> {
        self.run = None;
        self.echo = None;
        self.last.take_if(|last| last.end > second);
        if self.open.as_ref().is_some_and(|incident| incident.start >= second) { self.end() } else { None }
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
        let window = judged.end - judged.start;
        let Some(incident) = &mut self.open else { return };
        let turned = verdict.alert && verdict.direction.is_some_and(|direction| direction != incident.direction);
        if turned && !incident.is_way_back(value) {
            self.close(Ending::Turned, window, step);
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
            if incident.calm >= CALM << incident.continued.min(MOST_DOUBLED) {
                let level = incident.pending.0 / f64::from(incident.calm);
                incident.level = (!incident.is_recovered(level, verdict.normal)).then_some(level);
                let ending = if incident.level.is_some() { Ending::NewLevel } else { Ending::Recovered };
                self.close(ending, window, step);
            }
            return;
        }
        // A detector that has alerted keeps the score down until the event is over, however far it goes.
        if verdict.score > incident.score || (value - verdict.expected).abs() > WORSE * incident.distance() {
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
        if let Some(last) = &mut self.last {
            // From a new level the way back may come late; otherwise the value was back when the incident closed.
            let recent = judged.start - last.end <= 2 * i64::from(CALM) * window;
            if last.direction != direction && (recent || last.level.is_some()) && last.is_way_back(value) {
                self.echo = Some((direction, judged.end + i64::from(CALM) * window));
                last.leave_level(judged.end);
                return;
            }
            if last.direction == direction && last.level.is_some_and(|level| !last.is_beyond(value, level)) {
                return;
            }
            if last.direction == direction
                && judged.start - last.end <= REOPEN * window
                && let Some(mut incident) = self.last.take()
            {
                incident.calm = 0;
                incident.continued = incident.continued.saturating_add(1);
                incident.level = None;
                incident.end = judged.end;
                incident.pending = (value, judged.verdict.expected);
                incident.settle();
                if judged.verdict.score > incident.score {
                    incident.rise(judged, value);
                    step.peak = true;
                }
                // Told again whatever the score.
                incident.told = (0.0, 0.0);
                step.continued = true;
                step.resumed = incident.ended.take();
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
            group: None,
            former: (judged.verdict.expected_low, judged.verdict.expected, judged.verdict.expected_high),
            told: (0.0, 0.0),
            calm: 0,
            continued: 0,
            level: None,
            pending: (0.0, 0.0),
            age: 0,
            announced: false,
            accepted: false,
            ended: None,
        };
        incident.rise(judged, value);
        step.peak = true;
        step.begun = true;
        self.open = Some(Box::new(incident));
    }

    /// Decides whether the open incident is worth an event now.
    fn tell(&mut self, members: Members, judged: &Judged<'_>, step: &mut Step) {
        let Some(incident) = &mut self.open else { return };
        let severity = incident.severity_now(judged.whole);
        if incident.announced {
            let (score, distance) = incident.told;
            let worse = incident.score >= WORSE * score || incident.distance() >= WORSE * distance;
            if severity > incident.severity || worse {
                incident.severity = severity.max(incident.severity);
                incident.told = (incident.score, incident.distance());
                step.active = Some(Change::Updated);
            }
            return;
        }
        incident.severity = severity.max(incident.severity);
        match members {
            Members::Explain => {
                self.open = None;
                step.peak = false;
            }
            Members::None if !incident.is_pressing(judged.end - judged.start) => {
                let usual = self.weak.at(judged.start).max(1.0);
                step.waiting = (incident.calm == 0).then_some(incident.score / usual);
            }
            Members::Quiet if incident.age < HOLD => {}
            Members::None | Members::Quiet => step.active = self.announce(),
        }
    }

    fn close(&mut self, ending: Ending, window: i64, step: &mut Step) {
        let Some(mut incident) = self.open.take() else { return };
        incident.ended = incident.announced.then_some(ending);
        if incident.group.is_none() && !incident.is_pressing(window) {
            self.weak.learn(incident.score, incident.end);
        }
        self.last = Some(incident.clone());
        if incident.announced {
            step.closed = Some((incident, ending));
        } else {
            step.withheld = true;
        }
    }

    /// Whether a deserialised lifecycle can be one.
    pub fn is_valid(&self) -> bool {
        [&self.open, &self.last].into_iter().flatten().all(|incident| incident.is_valid())
            && self.weak.score.is_finite()
            && self.run.as_ref().is_none_or(|run| run.observed.is_finite() && run.expected.is_finite())
    }
}
