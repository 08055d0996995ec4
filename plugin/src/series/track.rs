//! A series with a history: its detector, its habits and its incidents.

use super::absence::Absence;
use super::cell::Sums;
use super::close::Window;
use super::early::Arrival;
use super::feedback::Feedback;
use super::habit::{Habit, rate};
use super::settings::Value;
use super::tally::Tally;
use crate::detect::{Detector, Direction, Verdict};
use crate::incident::{Incident, Lifecycle};
use crate::state::state;

/// The habit of one number: its mean and its mean distance from it over ordinary windows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Level {
    mean: f64,
    spread: f64,
}

state!(Level { mean, spread });

impl Level {
    /// The distance from the habit in units of the spread, which is at least a twentieth of the mean or one: a number that
    /// never changes would else have all of any attribution for a tiny step.
    fn distance(&self, value: f64) -> f64 {
        (value - self.mean).abs() / self.spread.max(0.05 * self.mean).max(1.0)
    }
}

/// Mean distances from the mean within which nearly all values lie, if they are as ordinary as can be.
const USUAL: f64 = 4.0;

/// The score of a series that is gone: far beyond the threshold at any sensitivity.
const ABSENT: f64 = 2.0;

/// What is kept of a series between windows: the detector (below 24 KB in windows of a minute, below 48 KB in longer ones), 1.5 KB of talkers, and under 1 KB besides.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    pub(crate) detector: Detector,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) talkers: Habit,
    levels: [Level; 4],
    /// Ordinary windows learned.
    windows: u64,
    pub(crate) absence: Absence,
    pub(crate) feedback: Feedback,
    pub(crate) arrival: Arrival,
    /// What was told before its window is closed.
    pub(crate) early: Option<Box<Incident>>,
    /// The range that the last judged window was expected in.
    pub(crate) range: (f64, f64),
}

state!(Track { detector, lifecycle, talkers, levels, windows, absence since 7, feedback since 7, arrival since 9, early since 9, range since 9 });

impl Track {
    pub(crate) fn new(window: u32) -> Self {
        Track {
            detector: Detector::new(Some(f64::from(window))),
            lifecycle: Lifecycle::default(),
            talkers: Habit::default(),
            levels: [Level::default(); 4],
            windows: 0,
            absence: Absence::default(),
            feedback: Feedback::default(),
            arrival: Arrival::default(),
            early: None,
            range: (0.0, 0.0),
        }
    }

    /// Learns an ordinary window.
    pub(crate) fn learn(&mut self, sums: &Sums, tally: &Tally, means: &mut Vec<f64>) {
        self.windows = self.windows.saturating_add(1);
        let rate = rate(self.windows);
        for (level, value) in self.levels.iter_mut().zip(sums.metrics()) {
            // The first window has no distance from anything.
            let distance = if self.windows == 1 { 0.0 } else { (value - level.mean).abs() };
            level.spread += rate * (distance - level.spread);
            level.mean += rate * (value - level.mean);
        }
        self.talkers.learn(self.windows, tally, means);
    }

    /// What is little, after what ordinary windows had lately.
    pub(crate) fn usual_low(&self, value: Value) -> f64 {
        let Level { mean, spread } = self.levels[value as usize];
        mean - USUAL * spread
    }

    /// The verdict on a window in which the series is gone, by what the detector expected there.
    pub(crate) fn absent(&self, expectation: Verdict) -> Verdict {
        Verdict {
            score: ABSENT,
            alert: true,
            direction: Some(Direction::Drop),
            deviating: true,
            p: 1.0 / (1.0 + self.windows as f64),
            ..expectation
        }
    }

    /// The verdict on the value of a window, after what people said of such.
    pub(crate) fn accept(&self, value: Option<f64>, window: &Window, verdict: &Verdict) -> Verdict {
        let is_fine = value.is_some_and(|value| self.feedback.is_fine(window.start, value, verdict));
        Verdict { alert: verdict.alert && !is_fine, deviating: verdict.deviating && !is_fine, ..*verdict }
    }

    /// The incident that began is the one that was told early, also if it turns out to have begun in another window.
    pub(crate) fn adopt_early(&mut self) {
        if let Some(early) = &self.early {
            self.lifecycle.adopt(early.id, early.direction);
        }
    }

    /// Mean of an ordinary window.
    pub(crate) fn mean(&self, value: Value) -> f64 {
        self.levels[value as usize].mean
    }

    /// Mean bytes of an ordinary window.
    pub(crate) fn mean_bytes(&self) -> f64 {
        self.levels[0].mean
    }

    /// How much each number has left its habit, as shares of 1; all 0 if none has.
    pub(crate) fn attribution(&self, sums: &Sums) -> [f64; 4] {
        let mut distances = [0.0; 4];
        for ((distance, level), value) in distances.iter_mut().zip(&self.levels).zip(sums.metrics()) {
            *distance = level.distance(value);
        }
        let sum: f64 = distances.iter().sum();
        if sum > 0.0 { distances.map(|distance| distance / sum) } else { distances }
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.detector.is_valid()
            && self.lifecycle.is_valid()
            && self.talkers.is_valid()
            && self.feedback.is_valid()
            && self.arrival.is_valid()
            && self.early.as_ref().is_none_or(|early| early.is_valid())
            && self.range.0.is_finite()
            && self.range.1.is_finite()
            && self.levels.iter().all(|level| level.mean.is_finite() && level.spread.is_finite())
    }
}
