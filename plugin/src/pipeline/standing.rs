//! How single records stand, for hosts that hand on the records themselves and mark them: Fluent Bit's.

use std::collections::BTreeMap;

use crate::detect::Direction;
use crate::series::{Engine, Observation};

/// How a record stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Standing {
    /// Record mode: the record's score. Window mode: the score of the incident that is open for the record's series, or 0.
    pub score: f64,
    /// Of an anomaly, or of the incident.
    pub direction: Option<Direction>,
}

impl Standing {
    /// Of several records the worst counts.
    pub(super) fn raise(&mut self, other: Standing) {
        if other.score > self.score {
            *self = other;
        }
    }
}

/// What window mode keeps to mark records by.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Of the records since the host last asked.
    pub(super) standing: Standing,
    /// The series with an open incident.
    open: BTreeMap<Vec<u8>, Standing>,
    /// The next record is the first after a restart.
    pub(super) resumes: bool,
}

impl Marks {
    /// Looks up which series have an incident open.
    pub(super) fn look_up(&mut self, engine: &Engine) {
        self.open.clear();
        self.open.extend(engine.incidents().map(|(key, incident)| {
            let standing = Standing { score: incident.score, direction: Some(incident.direction) };
            (key.to_vec(), standing)
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
        if let Some(standing) = self.open.get(key) {
            self.standing.raise(*standing);
        }
        if self.resumes {
            self.resumes = false;
            engine.unknown_before(end);
        }
    }
}
