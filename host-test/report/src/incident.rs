//! One incident, as its `anomaly` events tell it.

use super::severity::Severity;
use super::value;
use flowscore_generate::{Direction, rfc3339};
use serde_json::Value;

/// Steps of an incident that are kept; of a longer one the middle is left out.
const MOST_STEPS: usize = 24;
/// Members of a total that are kept.
const MOST_MEMBERS: usize = 20;
/// Talkers that are kept.
const MOST_TALKERS: usize = 10;

/// The newest state of an incident.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) series: String,
    pub(super) direction: Option<Direction>,
    pub(super) closed: bool,
    /// Its window was not closed when it was told last.
    provisional: bool,
    /// Epoch seconds.
    pub(super) start: i64,
    pub(super) end: i64,
    /// How long it lasts as far as is known: an open one until the last that any event speaks of.
    pub(super) until: i64,
    /// How far the data had come when it was told first.
    pub(super) told: Option<i64>,
    /// What the amounts are of.
    pub(super) value: value::Value,
    /// Begin of the window that deviates most, which the next three are about.
    pub(super) peak: i64,
    pub(super) observed: f64,
    pub(super) expected: f64,
    pub(super) range: Option<(f64, f64)>,
    /// Sums from `start` to `end`.
    pub(super) totals: Option<(f64, f64)>,
    pub(super) score: Option<f64>,
    /// 0 to 1.
    pub(super) grade: Option<f64>,
    pub(super) severity: Option<String>,
    /// How rare this is in the history of the series.
    pub(super) p: Option<f64>,
    /// Column and its part in the score.
    pub(super) attribution: Vec<(String, f64)>,
    pub(super) talkers: Vec<TopTalker>,
    /// Of a total: series and their part in the change.
    pub(super) members: Vec<(String, f64)>,
    /// The group that tells of it together with others.
    pub(super) group: Option<String>,
    /// Why it is closed, and the new level if there is one.
    pub(super) reason: String,
    pub(super) level: Option<f64>,
    /// Its events, oldest first: the course as far as the incident itself tells it.
    pub(super) steps: Vec<Step>,
    /// The newest event, for export.
    pub(super) event: Value,
}

/// What one event of an incident says of its course.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// End of the last window so far, epoch seconds.
    pub(super) end: i64,
    /// Sum of the observed amounts up to it.
    pub(super) observed: f64,
}

/// A flow that made a change.
#[derive(Clone, Debug)]
pub(super) struct TopTalker {
    pub(super) srcaddr: String,
    pub(super) dstaddr: String,
    pub(super) dstport: Option<u64>,
    pub(super) protocol: Option<u64>,
    pub(super) bytes: Option<f64>,
    pub(super) baseline: Option<f64>,
    pub(super) share: Option<f64>,
    /// Pairs of addresses that are put together in it.
    pub(super) pairs: Option<u64>,
}

/// A field as text; a number or another value in JSON form.
pub(super) fn text(event: &Value, field: &str) -> String {
    match event.get(field) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

pub(super) fn number(event: &Value, field: &str) -> Option<f64> {
    event.get(field)?.as_f64().filter(|number| number.is_finite())
}

/// A time as epoch seconds, from RFC 3339 text or a number of seconds.
pub(super) fn time(event: &Value, field: &str) -> Option<i64> {
    let value = event.get(field)?;
    let parsed = value.as_str().and_then(rfc3339::parse);
    parsed.or_else(|| value.as_i64())
}

impl Incident {
    /// Reads an `anomaly` event; `None` without a start.
    pub(super) fn read(event: &Value) -> Option<Self> {
        let start = time(event, "start")?;
        let attribution = event.get("attribution").and_then(Value::as_object);
        let parts = attribution.into_iter().flatten().filter_map(|(column, value)| {
            // Either a number, or the shape of the retired service's explanation.
            let part = value.as_f64().or_else(|| number(value, "attribution_score"))?;
            Some((column.clone(), part))
        });
        let mut attribution: Vec<(String, f64)> = parts.collect();
        attribution.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        let end = time(event, "end").unwrap_or(start).max(start);
        let totals = number(event, "observed_total").zip(number(event, "expected_total"));
        let members = list(event, "members").take(MOST_MEMBERS);
        let members = members.map(|member| (text(member, "series"), number(member, "share").unwrap_or(0.0)));
        Some(Self {
            id: text(event, "id"),
            series: text(event, "series"),
            direction: direction(event),
            closed: text(event, "state") == "closed",
            provisional: event.get("provisional") == Some(&Value::Bool(true)),
            start,
            end,
            until: end,
            told: time(event, "told_at"),
            value: value::Value::of(&text(event, "value")),
            peak: time(event, "peak").unwrap_or(start),
            observed: number(event, "observed").unwrap_or(0.0),
            expected: number(event, "expected").unwrap_or(0.0),
            range: number(event, "expected_low").zip(number(event, "expected_high")),
            totals,
            score: number(event, "anomaly_score"),
            grade: number(event, "grade"),
            severity: Some(text(event, "severity")).filter(|severity| !severity.is_empty()),
            p: number(event, "p"),
            attribution,
            talkers: talkers(event),
            members: members.collect(),
            group: Some(text(event, "group")).filter(|group| !group.is_empty()),
            reason: text(event, "reason"),
            level: number(event, "level"),
            steps: totals.map(|(observed, _)| Step { end, observed }).into_iter().collect(),
            event: event.clone(),
        })
    }

    /// Takes over a newer state of the same incident.
    pub(super) fn update(&mut self, newer: Self) {
        let start = self.start.min(newer.start);
        let mut steps = core::mem::take(&mut self.steps);
        steps.retain(|step| newer.steps.iter().all(|new| step.end < new.end));
        if steps.len() >= MOST_STEPS {
            steps.remove(MOST_STEPS / 2);
        }
        steps.extend_from_slice(&newer.steps);
        let group = newer.group.clone().or_else(|| self.group.take());
        let told = self.told.or(newer.told);
        *self = Self { start, steps, group, told, ..newer };
    }

    /// How bad it is: the rank of the severity, then the score.
    pub(super) fn rank(&self) -> (usize, f64) {
        if self.is_withdrawn() {
            return (0, 0.0);
        }
        (Severity::of(self.severity()) as usize, self.score.unwrap_or(0.0))
    }

    /// It was told before its window was closed, and there was nothing.
    pub(super) fn is_withdrawn(&self) -> bool {
        self.reason == "unconfirmed"
    }

    /// It was told before its window was closed, and may be taken back.
    pub(super) fn is_provisional(&self) -> bool {
        self.provisional && !self.closed
    }

    /// The severity as given, else by grade.
    pub(super) fn severity(&self) -> &str {
        match (&self.severity, self.grade) {
            (Some(severity), _) => severity,
            (None, Some(grade)) if grade >= 0.7 => "high",
            (None, Some(grade)) if grade >= 0.4 => "medium",
            (None, Some(_)) => "low",
            (None, None) => "unrated",
        }
    }

    /// The name of its place in the page: the same whatever else is in it.
    pub(super) fn place(&self, index: usize) -> String {
        place(&self.id, index)
    }

    /// The word for the direction.
    pub(super) fn kind(&self) -> &'static str {
        kind(self.direction)
    }

    /// The class that gives a direction its colour.
    pub(super) fn class(&self) -> &'static str {
        class(self.direction)
    }

    /// The sign that says the direction without colour.
    pub(super) fn sign(&self) -> &'static str {
        sign(self.direction)
    }
}

/// A name for something with this `id` in a page; by its position if `id` is no plain word.
pub(super) fn place(id: &str, index: usize) -> String {
    let is_plain = (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_plain { id.to_owned() } else { (index + 1).to_string() }
}

/// The word for a direction.
pub(super) fn kind(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Spike) => "Spike",
        Some(Direction::Drop) => "Drop",
        None => "Anomaly",
    }
}

/// The class that gives a direction its colour.
pub(super) fn class(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Spike) => "spike",
        Some(Direction::Drop) => "drop",
        None => "other",
    }
}

/// The sign that says a direction without colour.
pub(super) fn sign(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Spike) => "▲",
        Some(Direction::Drop) => "▼",
        None => "◆",
    }
}

/// The direction of an event.
pub(super) fn direction(event: &Value) -> Option<Direction> {
    match event.get("direction").and_then(Value::as_str) {
        Some("spike") => Some(Direction::Spike),
        Some("drop") => Some(Direction::Drop),
        _ => None,
    }
}

/// The elements of a list.
pub(super) fn list<'e>(event: &'e Value, field: &str) -> impl Iterator<Item = &'e Value> {
    event.get(field).and_then(Value::as_array).into_iter().flatten()
}

/// Who made the difference, by an event.
pub(super) fn talkers(event: &Value) -> Vec<TopTalker> {
    let talkers = list(event, "top_talkers").map(|talker| TopTalker {
        srcaddr: text(talker, "srcaddr"),
        dstaddr: text(talker, "dstaddr"),
        dstport: talker.get("dstport").and_then(Value::as_u64),
        protocol: talker.get("protocol").and_then(Value::as_u64),
        bytes: number(talker, "bytes"),
        baseline: number(talker, "baseline_bytes"),
        share: number(talker, "share"),
        pairs: talker.get("pairs").and_then(Value::as_u64),
    });
    talkers.take(MOST_TALKERS).collect()
}
