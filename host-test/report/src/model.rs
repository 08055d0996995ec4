//! What a report shows, collected from events.

use super::history::{History, Point};
use super::incident::{Incident, number, text, time};
use super::records::Scores;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// Notices and failed records that are shown; the rest is counted.
const MOST_SAMPLES: usize = 200;

/// A message about the source or the detector.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) time: Option<i64>,
    pub(super) kind: String,
    pub(super) message: String,
}

/// A record that could not be decoded.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) layer: String,
    pub(super) offset: String,
    pub(super) reason: String,
    /// Base64.
    pub(super) payload: String,
}

/// Everything that was collected.
#[derive(Debug, Default)]
pub(super) struct Model {
    pub(super) incidents: Vec<Incident>,
    /// Position of an incident by its id.
    by_id: HashMap<String, usize>,
    pub(super) series: BTreeMap<String, History>,
    pub(super) notices: Vec<Notice>,
    pub(super) notice_count: u64,
    pub(super) failed: Vec<Failed>,
    pub(super) failed_count: u64,
    pub(super) scores: Scores,
    /// The counts of `run --stats json`, in the order given.
    pub(super) stats: Option<Value>,
    /// First and last second that any event speaks of.
    pub(super) span: Option<(i64, i64)>,
}

impl Model {
    /// Adds an event. Events of other types are passed over: a newer producer may send more.
    pub(super) fn add(&mut self, event: &Value) {
        match event.get("type").and_then(Value::as_str) {
            Some("anomaly") => self.anomaly(event),
            Some("window") => self.window(event),
            Some("notice") => {
                self.notice_count += 1;
                if self.notices.len() < MOST_SAMPLES {
                    let (kind, message) = (text(event, "kind"), text(event, "message"));
                    self.notices.push(Notice { time: time(event, "time"), kind, message });
                }
            }
            Some("failed") => {
                self.failed_count += 1;
                if self.failed.len() < MOST_SAMPLES {
                    let field = |name| text(event, name);
                    self.failed.push(Failed {
                        layer: field("layer"),
                        offset: field("offset"),
                        reason: field("reason"),
                        payload: field("payload"),
                    });
                }
            }
            Some("score") => self.scores.add(event),
            Some("stats") => self.stats = Some(event.clone()),
            _ => (),
        }
    }

    fn anomaly(&mut self, event: &Value) {
        let Some(incident) = Incident::read(event) else { return };
        self.extend(incident.start, incident.end);
        match self.by_id.get(&incident.id).and_then(|position| self.incidents.get_mut(*position)) {
            Some(known) if !incident.id.is_empty() => {
                let start = known.start.min(incident.start);
                *known = Incident { start, ..incident };
            }
            _ => {
                self.by_id.insert(incident.id.clone(), self.incidents.len());
                self.incidents.push(incident);
            }
        }
    }

    fn window(&mut self, event: &Value) {
        let Some(start) = time(event, "start") else { return };
        let value = number(event, "bytes").unwrap_or(0.0);
        let field = |name| number(event, name).map(|number| number as f32);
        let expected = field("expected").map(|expected| {
            [expected, field("expected_low").unwrap_or(expected), field("expected_high").unwrap_or(expected)]
        });
        self.extend(start, time(event, "end").unwrap_or(start));
        let history = self.series.entry(text(event, "series")).or_default();
        history.windows += 1;
        history.alerts += u64::from(event.get("alert").and_then(Value::as_bool).unwrap_or(false));
        history.sum += value;
        history.add(Point { time: start, low: value as f32, high: value as f32, expected });
    }

    fn extend(&mut self, start: i64, end: i64) {
        let (first, last) = self.span.unwrap_or((start, end));
        self.span = Some((first.min(start), last.max(end)));
    }

    /// Whether only records were scored: there are no windows, and nothing that could be an incident.
    pub(super) fn is_record_mode(&self) -> bool {
        !self.scores.is_empty() && self.series.is_empty() && self.incidents.is_empty()
    }

    /// Orders what was collected.
    pub(super) fn finish(&mut self) {
        self.by_id.clear();
        self.incidents.sort_by(|a, b| (a.start, &a.series, &a.id).cmp(&(b.start, &b.series, &b.id)));
        for history in self.series.values_mut() {
            history.finish();
        }
        self.scores.finish();
    }
}
