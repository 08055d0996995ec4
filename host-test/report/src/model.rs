//! What a report shows, collected from events.

use super::group::Group;
use super::history::{History, MOST_WINDOWS, Window};
use super::incident::{Incident, number, text, time};
use super::notice::Notices;
use super::records::Scores;
use super::value;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Failed records that are shown; the rest is counted.
const MOST_SAMPLES: usize = 200;
/// Incidents and groups whose newest event is kept whole, for export.
const MOST_EVENTS: usize = 2_000;

/// How many windows are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Series whose windows are kept; the rest is counted.
    pub(super) series: usize,
    /// Windows of a series.
    pub(super) windows: usize,
    /// Windows of all series together.
    pub(super) windows_of_all: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { series: 2_000, windows: MOST_WINDOWS, windows_of_all: 2_500_000 }
    }
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
    limits: Limits,
    /// Events of any kind, but `stats`.
    pub(super) events: u64,
    pub(super) incidents: Vec<Incident>,
    /// Position of an incident by its id.
    by_id: HashMap<String, usize>,
    pub(super) groups: Vec<Group>,
    /// Position of a group by its id.
    group_by_id: HashMap<String, usize>,
    /// The value that is detected on.
    pub(super) value: value::Value,
    pub(super) series: BTreeMap<String, History>,
    /// Seconds of the longest window.
    pub(super) window: i64,
    /// Windows of series that are not kept.
    pub(super) windows_left_out: u64,
    /// What came and is no event of a known type.
    pub(super) strangers: u64,
    pub(super) notices: Notices,
    pub(super) failed: Vec<Failed>,
    pub(super) failed_count: u64,
    pub(super) scores: Scores,
    /// The counts of `run --stats json`, in the order given.
    pub(super) stats: Option<Value>,
    /// First and last second that any event speaks of.
    pub(super) span: Option<(i64, i64)>,
}

impl Model {
    /// An empty model, in which records count as anomalies from this score on.
    pub(super) fn new(threshold: f64) -> Self {
        Model::with(Limits::default(), threshold)
    }

    /// The same, with other limits.
    pub(super) fn with(limits: Limits, threshold: f64) -> Self {
        Model { limits, scores: Scores::new(threshold), ..Model::default() }
    }

    /// Adds an event. Events of other types are passed over: a newer producer may send more.
    pub(super) fn add(&mut self, event: &Value) {
        self.events += 1;
        match event.get("type").and_then(Value::as_str) {
            Some("anomaly") => self.anomaly(event),
            Some("group") => self.group(event),
            Some("window") => self.window(event),
            Some("notice") => self.notices.add(event),
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
            Some("stats") => {
                self.events -= 1;
                self.stats = Some(event.clone());
            }
            _ => {
                self.events -= 1;
                self.strangers += 1;
            }
        }
    }

    fn anomaly(&mut self, event: &Value) {
        let Some(mut incident) = Incident::read(event) else { return };
        if self.incidents.len() >= MOST_EVENTS {
            incident.event = Value::Null;
        }
        self.extend(incident.start, incident.end);
        self.value = incident.value;
        match self.by_id.get(&incident.id).and_then(|position| self.incidents.get_mut(*position)) {
            Some(known) if !incident.id.is_empty() => known.update(incident),
            _ => {
                self.by_id.insert(incident.id.clone(), self.incidents.len());
                self.incidents.push(incident);
            }
        }
    }

    fn group(&mut self, event: &Value) {
        let Some(mut group) = Group::read(event) else { return };
        if self.groups.len() >= MOST_EVENTS {
            group.event = Value::Null;
        }
        self.extend(group.start, group.end);
        self.value = group.value;
        match self.group_by_id.get(&group.id).and_then(|position| self.groups.get_mut(*position)) {
            Some(known) => *known = Group { start: known.start.min(group.start), ..group },
            None => {
                self.group_by_id.insert(group.id.clone(), self.groups.len());
                self.groups.push(group);
            }
        }
    }

    fn window(&mut self, event: &Value) {
        let Some(start) = time(event, "start") else { return };
        let field = |name| number(event, name).map(|number| number as f32);
        let amounts = value::Value::ALL.map(|value| number(event, value.name()).unwrap_or(0.0));
        let expected = field("expected").map(|expected| {
            [expected, field("expected_low").unwrap_or(expected), field("expected_high").unwrap_or(expected)]
        });
        let end = time(event, "end").unwrap_or(start);
        self.extend(start, end);
        self.window = self.window.max(end.saturating_sub(start));
        let (series, known) = (text(event, "series"), self.series.len());
        if known >= self.limits.series && !self.series.contains_key(&series) {
            self.windows_left_out += 1;
            return;
        }
        let history = self.series.entry(series).or_default();
        history.count += 1;
        history.alerts += u64::from(event.get("alert").and_then(Value::as_bool).unwrap_or(false));
        for (sum, amount) in history.sums.iter_mut().zip(amounts) {
            *sum += amount;
        }
        let drawn = amounts.map(|amount| amount as f32);
        let most = self.limits.windows.min(self.limits.windows_of_all / (known + 1));
        history.add(Window { time: start, low: drawn, high: drawn, expected }, most);
    }

    fn extend(&mut self, start: i64, end: i64) {
        let (first, last) = self.span.unwrap_or((start, end));
        self.span = Some((first.min(start), last.max(end)));
    }

    /// Whether only records were scored: there are no windows, and nothing that could be an incident.
    pub(super) fn is_record_mode(&self) -> bool {
        !self.scores.is_empty() && self.series.is_empty() && self.incidents.is_empty()
    }

    /// Windows of all series.
    pub(super) fn windows(&self) -> u64 {
        self.windows_left_out + self.series.values().map(|history| history.count).sum::<u64>()
    }

    /// The group that an incident is part of.
    pub(super) fn group_of(&self, incident: &Incident) -> Option<usize> {
        self.group_by_id.get(incident.group.as_ref()?).copied()
    }

    /// The incident of this name.
    pub(super) fn incident(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Orders what was collected.
    pub(super) fn finish(&mut self) {
        let last = self.span.map_or(i64::MIN, |(_, last)| last);
        for incident in &mut self.incidents {
            incident.until = if incident.closed { incident.end } else { incident.end.max(last) };
        }
        for group in &mut self.groups {
            group.until = if group.closed { group.end } else { group.end.max(last) };
        }
        self.incidents.sort_by(|a, b| (a.start, &a.series, &a.id).cmp(&(b.start, &b.series, &b.id)));
        self.groups.sort_by(|a, b| (a.start, &a.id).cmp(&(b.start, &b.id)));
        self.index();
        for history in self.series.values_mut() {
            history.sort();
        }
        self.scores.finish();
    }

    fn index(&mut self) {
        let incidents = self.incidents.iter().enumerate();
        self.by_id = incidents.map(|(position, incident)| (incident.id.clone(), position)).collect();
        let groups = self.groups.iter().enumerate();
        self.group_by_id = groups.map(|(position, group)| (group.id.clone(), position)).collect();
    }

    /// Forgets windows before a time, series that have none since, closed incidents and groups that ended before it, of the other
    /// closed ones all but the newest `closed`, and of all but the worst `most`.
    pub(super) fn forget_before(&mut self, time: i64, closed: usize, most: usize) {
        self.series.retain(|_, history| {
            history.forget_before(time);
            history.last().is_some()
        });
        // The order of what stays is made anew by `finish`.
        self.incidents.sort_by(|a, b| (a.closed, b.end).cmp(&(b.closed, a.end)));
        let open = self.incidents.partition_point(|incident| !incident.closed);
        self.incidents.truncate(open + closed);
        self.incidents.retain(|incident| !incident.closed || incident.end > time);
        if self.incidents.len() > most {
            let open = open.min(self.incidents.len());
            self.incidents[..open]
                .sort_by(|a, b| b.rank().partial_cmp(&a.rank()).unwrap_or(core::cmp::Ordering::Equal));
            self.incidents.drain(open.saturating_sub(self.incidents.len() - most)..open);
        }
        let named: HashSet<&str> = self.incidents.iter().filter_map(|incident| incident.group.as_deref()).collect();
        self.groups.retain(|group| !group.closed || group.end > time || named.contains(group.id.as_str()));
        let too_many = self.groups.len().saturating_sub(most);
        self.groups.drain(..too_many);
        self.index();
        if let Some((first, _)) = &mut self.span {
            *first = (*first).max(time);
        }
    }
}
