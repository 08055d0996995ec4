//! The page of a running process: what it found of late, in bounded memory.

use super::View;
use super::entry::{Entry, entries};
use super::incident::{Incident, time};
use super::model::{Limits, Model};
use super::names::Names;
use super::quantity;
use super::sentence;
use serde_json::{Value, json};
use std::io;

/// Seconds of event time that are shown.
const SHOWN: i64 = 86_400;
/// Series whose windows are kept, and windows of each: a day of minutes.
const LIMITS: Limits = Limits { series: 256, windows: 1_440, windows_of_all: 256 * 1_440 };
/// Incidents and groups that are over and still shown, and all that are kept.
const MOST_CLOSED: usize = 200;
const MOST_INCIDENTS: usize = 1_000;
/// Events after which what is old is forgotten.
const FORGET_AFTER: u64 = 5_000;
/// Open entries and series that a state tells, and windows of each series.
const TOLD_ENTRIES: usize = 50;
const TOLD_SERIES: usize = 60;
const TOLD_WINDOWS: usize = 90;

/// What a running process found of late.
pub struct Live {
    model: Model,
    names: Names,
    /// When the process began, in seconds since the Unix epoch.
    since: i64,
    /// How often something that the page shows has changed.
    version: u64,
    since_forgotten: u64,
    /// End of the window that came last, which is now by event time: a time that was wrongly believed does not stay.
    last: Option<i64>,
    is_ordered: bool,
}

impl Live {
    /// Nothing found yet by a process that began at this second since the Unix epoch. Records count as anomalies from this score on.
    pub fn new(names: Names, threshold: f64, since: i64) -> Self {
        let model = Model::with(LIMITS, threshold);
        Live { model, names, since, version: 0, since_forgotten: 0, last: None, is_ordered: true }
    }

    /// Adds an event.
    pub fn add(&mut self, event: &Value) {
        self.model.add(event);
        if event["type"] == "window" {
            self.last = time(event, "end").or(self.last);
        }
        self.version += 1;
        self.is_ordered = false;
        self.since_forgotten += 1;
        if self.since_forgotten >= FORGET_AFTER {
            self.forget();
        }
    }

    /// Whether a record with this score would not be shown, so that its score is enough.
    pub fn is_ordinary(&self, score: f64) -> bool {
        self.model.scores.is_ordinary(score)
    }

    /// Counts a record's score, without the record.
    pub fn count(&mut self, score: f64) {
        self.model.scores.count_one(score);
        self.version += 1;
        self.is_ordered = false;
    }

    /// Changes with what the page shows.
    pub fn version(&self) -> u64 {
        self.version
    }

    fn forget(&mut self) {
        self.since_forgotten = 0;
        if let Some(last) = self.last {
            self.model.forget_before(last - SHOWN, MOST_CLOSED, MOST_INCIDENTS);
            let first = self.model.span.map_or(last, |(first, _)| first.min(last));
            self.model.span = Some((first, last));
        }
    }

    fn order(&mut self) {
        if !self.is_ordered {
            self.forget();
            self.model.finish();
            self.is_ordered = true;
        }
    }

    fn view(&self) -> View<'_> {
        View { model: &self.model, names: &self.names, since: Some(self.since), version: self.version }
    }

    /// Writes the page.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn page(&mut self, title: &str, mut out: impl io::Write) -> io::Result<()> {
        self.order();
        self.view().page(&mut out, title, None)
    }

    /// Writes what the page's script puts in the place of the content when there is something new.
    ///
    /// # Errors
    ///
    /// If `out` cannot be written to.
    pub fn content(&mut self, mut out: impl io::Write) -> io::Result<()> {
        self.order();
        self.view().content(&mut out, None)
    }

    /// The policy that the page is to be served under.
    pub fn policy() -> String {
        super::page::policy(true) + "; frame-ancestors 'none'"
    }

    /// What is going on, as data: open incidents and groups, the worst first, and the series with their last windows, those with open
    /// incidents first and then those with most traffic.
    pub fn state(&mut self) -> Value {
        self.order();
        let (model, names) = (&self.model, &self.names);
        let open = |incident: &&Incident| !incident.closed;
        let told = entries(model, true).into_iter().filter_map(|entry| match entry {
            Entry::Incident(at) => model.incidents.get(at).filter(open).map(|incident| {
                json!({
                    "id": incident.id, "series": incident.series, "name": names.or_key(&incident.series),
                    "direction": incident.kind().to_lowercase(), "severity": incident.severity(), "start": incident.start,
                    "end": incident.until, "factor": quantity::factor(incident.observed, incident.expected),
                    "sentence": sentence::of_incident(incident, names),
                })
            }),
            Entry::Group(at, _) => model.groups.get(at).filter(|group| !group.closed).map(|group| {
                let series = format!("{} series", group.series_count);
                json!({
                    "id": group.id, "series": series, "name": series, "direction": super::incident::kind(group.direction).to_lowercase(),
                    "severity": group.severity, "start": group.start, "end": group.until,
                    "factor": quantity::factor(group.observed, group.expected), "sentence": sentence::of_group(group),
                })
            }),
        });
        let told: Vec<Value> = told.collect();
        let is_open =
            |series: &str| model.incidents.iter().any(|incident| !incident.closed && incident.series == series);
        let mut series: Vec<_> =
            model.series.iter().map(|(series, history)| (is_open(series), series, history)).collect();
        let sum = |sums: &[f64; 4]| sums[model.value as usize];
        series.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| sum(&b.2.sums).total_cmp(&sum(&a.2.sums))));
        let series = series.into_iter().take(TOLD_SERIES).map(|(is_open, series, history)| {
            let windows = history.newest(TOLD_WINDOWS, model.value);
            json!({"series": series, "name": names.or_key(series), "is_open": is_open, "windows": windows})
        });
        json!({
            "version": self.version, "value": model.value.name(), "open": told.len(), "series_count": model.series.len(),
            "incidents": told.into_iter().take(TOLD_ENTRIES).collect::<Vec<_>>(), "series": series.collect::<Vec<_>>(),
            "event_time": self.last,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(series: u64, minute: i64) -> Value {
        json!({"type": "window", "series": format!("eni-{series}"), "start": minute * 60, "end": minute * 60 + 60, "bytes": 5})
    }

    fn anomaly(id: u64, state: &str, minute: i64) -> Value {
        json!({"type": "anomaly", "id": id.to_string(), "state": state, "direction": "drop", "series": format!("eni-{}", id % 9),
            "start": minute * 60, "end": minute * 60 + 60, "observed": 0, "expected": 5, "severity": "high"})
    }

    #[test]
    fn what_is_kept_is_of_late_and_bounded() {
        let mut live = Live::new(Names::default(), 3.0, 0);
        for minute in 0..6_000 {
            for series in 0..10 {
                live.add(&window(series + minute / 1_000 * 100, minute as i64));
            }
            live.add(&anomaly(minute, if minute % 3 == 0 { "open" } else { "closed" }, minute as i64));
        }
        live.order();
        let Model { series, incidents, .. } = &live.model;
        assert!(
            series.keys().all(|series| series.starts_with("eni-4") || series.starts_with("eni-5")),
            "{:?}",
            series.keys()
        );
        assert_eq!(incidents.iter().filter(|incident| incident.closed).count(), MOST_CLOSED);
        assert_eq!(incidents.len(), MOST_INCIDENTS);
    }

    #[test]
    fn a_time_that_was_wrongly_believed_does_not_stay() {
        let mut live = Live::new(Names::default(), 3.0, 0);
        live.add(&window(1, 1_000_000));
        assert_eq!(live.state()["event_time"], 60_000_060);
        (10..20).for_each(|minute| live.add(&window(1, minute)));
        let state = live.state();
        assert_eq!(
            (&state["event_time"], state["series"][0]["windows"].as_array().unwrap().len()),
            (&json!(1_200), 11)
        );
        assert_eq!(live.model.span, Some((600, 1_200)));
    }

    #[test]
    fn the_state_tells_open_incidents_and_the_series_with_them_first() {
        let mut live = Live::new(Names::default(), 3.0, 0);
        for minute in 0..100 {
            (1..4).for_each(|series| live.add(&window(series, minute)));
        }
        live.add(&anomaly(2, "open", 98));
        live.add(&anomaly(3, "open", 97));
        let before = live.version();
        live.add(&anomaly(3, "closed", 98));
        assert!(live.version() > before);
        let state = live.state();
        assert_eq!((&state["open"], &state["incidents"][0]["id"]), (&json!(1), &json!("2")));
        assert_eq!((&state["series"][0]["series"], &state["series"][0]["is_open"]), (&json!("eni-2"), &json!(true)));
        assert_eq!(state["series"][0]["windows"].as_array().unwrap().len(), TOLD_WINDOWS);
        let (mut page, mut content) = (Vec::new(), Vec::new());
        live.page("Live", &mut page).unwrap();
        live.content(&mut content).unwrap();
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains(&String::from_utf8(content).unwrap()) && page.contains("connect-src 'self'"));
        assert!(page.find("id=\"incident-2\"") < page.find("id=\"incident-1\""), "what is open comes first");
    }
}
