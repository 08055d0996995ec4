//! One incident, as its `anomaly` events tell it.

use flowscore_generate::{Direction, rfc3339};
use serde_json::Value;

/// The newest state of an incident.
#[derive(Clone, Debug)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) series: String,
    pub(super) direction: Option<Direction>,
    pub(super) closed: bool,
    /// Epoch seconds.
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) observed: f64,
    pub(super) expected: f64,
    pub(super) range: Option<(f64, f64)>,
    pub(super) score: Option<f64>,
    /// 0 to 1.
    pub(super) grade: Option<f64>,
    pub(super) severity: Option<String>,
    /// How rare this is in the history of the series.
    pub(super) p: Option<f64>,
    /// Column and its part in the score.
    pub(super) attribution: Vec<(String, f64)>,
    pub(super) talkers: Vec<TopTalker>,
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
        let direction = match text(event, "direction").as_str() {
            "spike" => Some(Direction::Spike),
            "drop" => Some(Direction::Drop),
            _ => None,
        };
        let attribution = event.get("attribution").and_then(Value::as_object);
        let parts = attribution.into_iter().flatten().filter_map(|(column, value)| {
            // Either a number, or the shape of the retired service's explanation.
            let part = value.as_f64().or_else(|| number(value, "attribution_score"))?;
            Some((column.clone(), part))
        });
        let mut attribution: Vec<(String, f64)> = parts.collect();
        attribution.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
        let talkers = event.get("top_talkers").and_then(Value::as_array);
        let talkers = talkers.into_iter().flatten().map(|talker| TopTalker {
            srcaddr: text(talker, "srcaddr"),
            dstaddr: text(talker, "dstaddr"),
            dstport: talker.get("dstport").and_then(Value::as_u64),
            protocol: talker.get("protocol").and_then(Value::as_u64),
            bytes: number(talker, "bytes"),
            baseline: number(talker, "baseline_bytes"),
            share: number(talker, "share"),
        });
        Some(Self {
            id: text(event, "id"),
            series: text(event, "series"),
            direction,
            closed: text(event, "state") == "closed",
            start,
            end: time(event, "end").unwrap_or(start).max(start),
            observed: number(event, "observed").unwrap_or(0.0),
            expected: number(event, "expected").unwrap_or(0.0),
            range: number(event, "expected_low").zip(number(event, "expected_high")),
            score: number(event, "anomaly_score"),
            grade: number(event, "grade"),
            severity: Some(text(event, "severity")).filter(|severity| !severity.is_empty()),
            p: number(event, "p"),
            attribution,
            talkers: talkers.collect(),
        })
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

    /// The word for the direction.
    pub(super) fn kind(&self) -> &'static str {
        match self.direction {
            Some(Direction::Spike) => "Spike",
            Some(Direction::Drop) => "Drop",
            None => "Anomaly",
        }
    }

    /// The class that gives a direction its colour.
    pub(super) fn class(&self) -> &'static str {
        match self.direction {
            Some(Direction::Spike) => "spike",
            Some(Direction::Drop) => "drop",
            None => "other",
        }
    }

    /// The sign that says the direction without colour.
    pub(super) fn sign(&self) -> &'static str {
        match self.direction {
            Some(Direction::Spike) => "▲",
            Some(Direction::Drop) => "▼",
            None => "◆",
        }
    }
}
