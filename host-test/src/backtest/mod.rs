//! What a configuration would have told of recorded data, and how another one differs from it.
//!
//! An alert is what a person would be woken by: a group of incidents, or an incident that is in no group (see `docs/events.md`).

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io;

use serde::{Deserialize, Serialize};

mod compare;

pub use compare::{Changed, Comparison};
pub use flowscore_report::{SEVERITIES, Severity};

/// An alert as its last event told it. Members are those of the events.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[expect(missing_docs, reason = "docs/events.md says what the members mean")]
pub struct Alert {
    pub id: String,
    pub direction: String,
    /// The series; of a group how many there are.
    pub series: String,
    pub value: String,
    pub start: String,
    pub end: String,
    pub severity: Severity,
    pub observed: f64,
    pub expected: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anomaly_score: Option<f64>,
    /// Whether it is a group.
    pub group: bool,
}

#[derive(Deserialize)]
struct Event<'a> {
    r#type: &'a str,
    #[serde(borrow, default)]
    id: Cow<'a, str>,
    #[serde(borrow, default)]
    direction: Cow<'a, str>,
    #[serde(borrow, default)]
    series: Cow<'a, str>,
    #[serde(borrow, default)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    start: Cow<'a, str>,
    #[serde(borrow, default)]
    end: Cow<'a, str>,
    severity: Option<Severity>,
    observed: Option<f64>,
    expected: Option<f64>,
    anomaly_score: Option<f64>,
    #[serde(borrow)]
    group: Option<Cow<'a, str>>,
    series_count: Option<u64>,
    #[serde(borrow)]
    kind: Option<Cow<'a, str>>,
}

/// What was told, collected from events that are written to it.
#[derive(Debug, Default)]
pub struct Told {
    incidents: Vec<Option<Alert>>,
    places: HashMap<String, usize>,
    notices: BTreeMap<String, u64>,
    /// Begin of the first window and end of the last.
    period: Option<(String, String)>,
    /// A line that is not written to its end yet.
    rest: Vec<u8>,
}

impl Told {
    /// The alerts, in the order in which they began.
    pub fn alerts(&self) -> Vec<&Alert> {
        let mut alerts: Vec<&Alert> = self.incidents.iter().flatten().collect();
        alerts.sort_by(|a, b| a.start.cmp(&b.start));
        alerts
    }

    /// How many notices there were of each kind.
    pub fn notices(&self) -> &BTreeMap<String, u64> {
        &self.notices
    }

    /// Begin of the first window and end of the last, if windows are told (`series.windows`).
    pub fn period(&self) -> Option<(&str, &str)> {
        self.period.as_ref().map(|(start, end)| (start.as_str(), end.as_str()))
    }

    fn add(&mut self, line: &[u8]) {
        if let Some(window) = line.strip_prefix(br#"{"type":"window""#) {
            return self.add_window(window);
        }
        let is_wanted = [&br#"{"type":"anomaly""#[..], br#"{"type":"group""#, br#"{"type":"notice""#];
        if !is_wanted.iter().any(|start| line.starts_with(start)) {
            return;
        }
        // Events are ours.
        let Ok(event) = serde_json::from_slice::<Event<'_>>(line) else { return };
        if event.r#type == "notice" {
            *self.notices.entry(event.kind.unwrap_or_default().into_owned()).or_default() += 1;
            return;
        }
        let is_group = event.r#type == "group";
        let alert = Alert {
            id: event.id.into_owned(),
            direction: event.direction.into_owned(),
            series: event.series_count.map_or_else(|| event.series.into_owned(), |count| format!("{count} series")),
            value: event.value.into_owned(),
            start: event.start.into_owned(),
            end: event.end.into_owned(),
            severity: event.severity.unwrap_or(Severity::Low),
            observed: event.observed.unwrap_or(0.0),
            expected: event.expected.unwrap_or(0.0),
            anomaly_score: event.anomaly_score,
            group: is_group,
        };
        let place = *self.places.entry(alert.id.clone()).or_insert(self.incidents.len());
        if place == self.incidents.len() {
            self.incidents.push(None);
        }
        // The group is told instead.
        self.incidents[place] = event.group.is_none().then_some(alert);
    }

    fn add_window(&mut self, window: &[u8]) {
        let time = |name: &[u8]| {
            let at = memchr::memmem::find(window, name)? + name.len();
            let text = window.get(at..)?;
            std::str::from_utf8(&text[..memchr::memchr(b'"', text)?]).ok()
        };
        let (Some(start), Some(end)) = (time(br#""start":""#), time(br#""end":""#)) else { return };
        match &mut self.period {
            None => self.period = Some((start.to_owned(), end.to_owned())),
            Some((first, last)) => {
                if start < first.as_str() {
                    start.clone_into(first);
                }
                if end > last.as_str() {
                    end.clone_into(last);
                }
            }
        }
    }
}

impl io::Write for Told {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let lines = std::mem::take(&mut self.rest);
        let end = memchr::memrchr(b'\n', &lines).map_or(0, |end| end + 1);
        for line in lines[..end].split(|byte| *byte == b'\n') {
            self.add(line);
        }
        self.rest.extend_from_slice(&lines[end..]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn members_of_a_group_are_told_by_it_and_updates_replace_what_was_told() {
        let mut told = Told::default();
        let anomaly = |id: &str, severity: &str, more: &str| {
            format!(
                r#"{{"type":"anomaly","id":"{id}","state":"open","direction":"drop","series":"a\"b","value":"bytes","start":"2026-01-12T06:29:00.000Z","end":"2026-01-12T06:30:00.000Z","observed":1,"expected":2,"anomaly_score":1.5,"severity":"{severity}"{more}}}"#
            )
        };
        let group = anomaly("g", "high", r#","series_count":3"#).replace("\"anomaly\"", "\"group\"");
        let lines = [
            anomaly("1", "low", ""),
            anomaly("2", "low", ""),
            anomaly("1", "critical", ""),
            group,
            anomaly("2", "medium", r#","group":"g""#),
            r#"{"type":"notice","kind":"late_records"}"#.into(),
            r#"{"type":"window","series":"x \"start\":\"","start":"2026-01-12T00:00:00.000Z","end":"2026-01-12T00:01:00.000Z"}"#.into(),
            r#"{"type":"window","series":"x","start":"2026-01-11T00:00:00.000Z","end":"2026-01-11T00:01:00.000Z"}"#.into(),
        ];
        // In pieces that end anywhere.
        for piece in lines.map(|line| line + "\n").concat().as_bytes().chunks(7) {
            told.write_all(piece).unwrap();
        }
        let alerts = told.alerts();
        let shown: Vec<_> =
            alerts.iter().map(|alert| (&*alert.id, &*alert.series, alert.severity, alert.group)).collect();
        assert_eq!(shown, [("1", "a\"b", Severity::Critical, false), ("g", "3 series", Severity::High, true)]);
        assert_eq!(told.notices().get("late_records"), Some(&1));
        assert_eq!(told.period(), Some(("2026-01-11T00:00:00.000Z", "2026-01-12T00:01:00.000Z")));
    }
}
