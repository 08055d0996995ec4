//! What people said of incidents: that a kind at a time of day is expected of a series, or that it was real.
//!
//! The kind is the direction, up to [`FARTHER`] times the distance from what was expected; the time is that of the incident, half an hour
//! more on either side, on every day. What is **fine** alerts no more there, and an incident that is open ends. What is **real** takes
//! back what was said to be fine there, and incidents of the kind are told whatever the budget, at any time.

use crate::detect::{Direction, Verdict};
use crate::incident::Incident;
use crate::state::state;
use crate::time::DAY;

/// Judgements kept for a series; beyond, the oldest is forgotten.
const MOST: usize = 16;
/// Seconds before and after.
const AROUND: i64 = 1_800;
/// So many times as far from what is expected is another kind.
const FARTHER: f64 = 1.5;

/// What a person said of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is expected.
    Fine,
    /// It was worth the alert.
    Real,
}

state!(
    enum Judgement {
        Fine,
        Real,
    }
);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Said {
    judgement: Judgement,
    direction: Direction,
    /// Begin in the day, in seconds, and how long it lasts from there; a day or more: always.
    from: i64,
    lasts: i64,
    /// How far from what was expected.
    distance: f64,
}

state!(Said { judgement, direction, from, lasts, distance });

impl Said {
    fn is_at(&self, second: i64) -> bool {
        (second - self.from).rem_euclid(DAY) <= self.lasts
    }
}

/// What was said of the incidents of a series, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Feedback(Vec<Said>);

state!(Feedback { 0 });

impl Feedback {
    /// Takes up what a person said of an incident.
    pub(crate) fn take(&mut self, incident: &Incident, judgement: Judgement) {
        let said = Said {
            judgement,
            direction: incident.direction,
            from: (incident.start - AROUND).rem_euclid(DAY),
            lasts: incident.end - incident.start + 2 * AROUND,
            distance: (incident.observed - incident.expected).abs(),
        };
        let begins_within = |other: &Said| said.is_at(other.from + AROUND) || other.is_at(incident.start);
        self.0.retain(|other| other.direction != said.direction || !begins_within(other));
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        self.0.push(said);
    }

    /// Whether the verdict on a value of the window that begins at `second` is nothing new to people.
    pub(crate) fn is_fine(&self, second: i64, value: f64, verdict: &Verdict) -> bool {
        let distance = (value - verdict.expected).abs();
        self.0.iter().any(|said| {
            said.judgement == Judgement::Fine
                && verdict.direction == Some(said.direction)
                && said.is_at(second)
                && distance <= FARTHER * said.distance
        })
    }

    /// Whether incidents in that direction have been real.
    pub(crate) fn is_real(&self, direction: Direction) -> bool {
        self.0.iter().any(|said| said.judgement == Judgement::Real && said.direction == direction)
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.0.len() <= MOST
            && self.0.iter().all(|said| said.distance.is_finite() && said.lasts >= 0 && (0..DAY).contains(&said.from))
    }
}
