//! Incidents that began together, as their `group` events tell it.

use super::incident::{TopTalker, direction, list, number, talkers, text, time};
use super::severity::Severity;
use super::value;
use flowscore_generate::Direction;
use serde_json::Value;

/// The newest state of a group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) direction: Option<Direction>,
    pub(super) value: value::Value,
    pub(super) closed: bool,
    /// Epoch seconds.
    pub(super) start: i64,
    pub(super) end: i64,
    /// How long it lasts as far as is known: an open one until the last that any event speaks of.
    pub(super) until: i64,
    /// Sums of the members in the window with the largest change.
    pub(super) observed: f64,
    pub(super) expected: f64,
    pub(super) severity: String,
    /// Series that are or were part of it, and all that had a value when it began.
    pub(super) series_count: u64,
    pub(super) series_known: u64,
    /// Incident, series and part in the change, largest first.
    pub(super) members: Vec<Member>,
    pub(super) talkers: Vec<TopTalker>,
    /// Why it is closed.
    pub(super) reason: String,
    /// The newest event, for export.
    pub(super) event: Value,
}

/// A member of a group.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) id: String,
    pub(super) series: String,
    pub(super) share: f64,
}

impl Group {
    /// Reads a `group` event; `None` without a start or name.
    pub(super) fn read(event: &Value) -> Option<Self> {
        let start = time(event, "start")?;
        let id = Some(text(event, "id")).filter(|id| !id.is_empty())?;
        let end = time(event, "end").unwrap_or(start).max(start);
        let count = |name| event.get(name).and_then(Value::as_u64).unwrap_or(0);
        let members = list(event, "members").map(|member| Member {
            id: text(member, "id"),
            series: text(member, "series"),
            share: number(member, "share").unwrap_or(0.0),
        });
        Some(Self {
            id,
            direction: direction(event),
            value: value::Value::of(&text(event, "value")),
            closed: text(event, "state") == "closed",
            start,
            end,
            until: end,
            observed: number(event, "observed").unwrap_or(0.0),
            expected: number(event, "expected").unwrap_or(0.0),
            severity: text(event, "severity"),
            series_count: count("series_count"),
            series_known: count("series_known"),
            members: members.collect(),
            talkers: talkers(event),
            reason: text(event, "reason"),
            event: event.clone(),
        })
    }

    /// The rank of its severity.
    pub(super) fn severity_rank(&self) -> usize {
        Severity::of(&self.severity) as usize
    }
}
