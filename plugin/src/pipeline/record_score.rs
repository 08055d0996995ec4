//! The score of single records, for hosts that hand on the records themselves and add it to them: Fluent Bit's.

use std::collections::BTreeMap;

use crate::detect::Direction;
use crate::series::{Engine, Observation};

/// What a record is marked with.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RecordScore {
    /// Record mode: the record's score. Window mode: the score of the incident that is open for the record's series, or 0.
    pub score: f64,
    /// Of an anomaly, or of the incident.
    pub direction: Option<Direction>,
}

impl RecordScore {
    /// Of several records the worst counts.
    pub(super) fn raise(&mut self, other: RecordScore) {
        if other.score > self.score {
            *self = other;
        }
    }
}

/// The series of window mode with an open incident, by which their records are marked.
#[derive(Debug, Default)]
pub(super) struct OpenIncidents {
    /// Of the records since the host last asked.
    pub(super) worst: RecordScore,
    /// The series with an open incident.
    open: BTreeMap<Vec<u8>, RecordScore>,
    /// The next record is the first after a restart.
    pub(super) resumes: bool,
}

impl OpenIncidents {
    /// Looks up which series have an incident open.
    pub(super) fn look_up(&mut self, engine: &Engine) {
        self.open.clear();
        self.open.extend(engine.incidents().map(|(key, incident)| {
            let score = RecordScore { score: incident.score, direction: Some(incident.direction) };
            (key.to_vec(), score)
        }));
    }

    /// Sees an observation that the engine is about to take in.
    #[inline(always)]
    pub(super) fn see(&mut self, observation: &Observation<'_>, engine: &mut Engine) {
        if !self.open.is_empty() || self.resumes {
            self.look_at(observation.key, observation.end, engine);
        }
    }

    #[inline(never)]
    fn look_at(&mut self, key: &[u8], end: i64, engine: &mut Engine) {
        if let Some(score) = self.open.get(key) {
            self.worst.raise(*score);
        }
        if self.resumes {
            self.resumes = false;
            engine.unknown_before(end);
        }
    }
}
