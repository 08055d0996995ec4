//! Incidents and groups that are open, as the events that were delivered tell of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use flowscore_report::{SEVERITIES, Severity};
use jiff::Timestamp;
use serde::Deserialize;

/// Spike or drop.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "docs/events.md says what each one is")]
pub enum Direction {
    Spike,
    Drop,
}

/// All directions, with the names that events give them.
pub const DIRECTIONS: [(Direction, &str); 2] = [(Direction::Spike, "spike"), (Direction::Drop, "drop")];
impl Direction {
    /// Its name in events.
    pub fn name(self) -> &'static str {
        DIRECTIONS[self as usize].1
    }
}

/// An incident that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Incident {
    /// The series.
    pub series: String,
    /// What is detected on.
    pub value: String,
    /// Above or below.
    pub direction: Direction,
    /// How urgent it is.
    pub severity: Severity,
    /// Begin, in seconds since the Unix epoch.
    pub start: f64,
    /// The score of its worst window.
    pub score: f64,
    /// The value there.
    pub observed: f64,
    /// What was to be expected there.
    pub expected: f64,
}

/// What an `anomaly` or a `group` says that is counted here.
#[derive(Deserialize)]
struct Told<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    state: Cow<'a, str>,
    direction: Direction,
    severity: Severity,
    #[serde(borrow)]
    start: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    series: Cow<'a, str>,
    #[serde(default)]
    anomaly_score: f64,
    observed: f64,
    expected: f64,
}

/// What is open now, by id. A series has one incident at a time, so that there are no more than series.
#[derive(Clone, Debug, Default)]
pub struct Open {
    /// Incidents.
    pub incidents: BTreeMap<String, Incident>,
    /// Groups.
    pub groups: BTreeMap<String, (Severity, Direction)>,
    /// The last event of each.
    told: BTreeMap<String, String>,
}

impl Open {
    /// Takes events into account: newline-delimited JSON, `type` first.
    pub fn take(&mut self, events: &[u8]) {
        for line in events.split(|byte| *byte == b'\n') {
            let is_group = line.starts_with(b"{\"type\":\"group\",");
            if !is_group && !line.starts_with(b"{\"type\":\"anomaly\",") {
                continue;
            }
            // Another build of the component may tell otherwise; its events are delivered all the same.
            let Ok(told) = serde_json::from_slice::<Told<'_>>(line) else { continue };
            if is_group {
                self.group(&told);
            } else {
                self.incident(&told);
            }
            if told.state == "closed" {
                self.told.remove(&*told.id);
            } else {
                self.told.insert(told.id.into_owned(), String::from_utf8_lossy(line).into_owned());
            }
        }
    }

    /// The last event of each, a line each: whoever takes them into account has the same open.
    pub fn events(&self) -> String {
        self.told.values().flat_map(|line| [line, "\n"]).collect()
    }

    fn group(&mut self, told: &Told<'_>) {
        if told.state == "closed" {
            self.groups.remove(&*told.id);
        } else {
            self.groups.insert(told.id.to_string(), (told.severity, told.direction));
        }
    }

    fn incident(&mut self, told: &Told<'_>) {
        if told.state == "closed" {
            self.incidents.remove(&*told.id);
            return;
        }
        let incident = Incident {
            series: told.series.to_string(),
            value: told.value.to_string(),
            direction: told.direction,
            severity: told.severity,
            start: told.start.parse().map_or(0.0, |start: Timestamp| start.as_millisecond() as f64 / 1e3),
            score: told.anomaly_score,
            observed: told.observed,
            expected: told.expected,
        };
        self.incidents.insert(told.id.to_string(), incident);
    }

    /// The incidents of the series worst in trouble, at most so many: the most severe first, of one severity those with the highest
    /// score.
    pub fn worst(&self, most: usize) -> Vec<&Incident> {
        let mut all: Vec<&Incident> = self.incidents.values().collect();
        all.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then(b.score.total_cmp(&a.score)).then_with(|| a.series.cmp(&b.series))
        });
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anomaly(id: &str, state: &str, severity: &str, score: f64) -> String {
        format!(
            "{{\"type\":\"anomaly\",\"id\":\"{id}\",\"state\":\"{state}\",\"direction\":\"drop\",\"series\":\"eni-{id}\",\"value\":\"bytes\",\
             \"start\":\"2026-01-31T00:00:00.500Z\",\"observed\":0,\"expected\":1.5,\"anomaly_score\":{score},\"severity\":\"{severity}\"}}\n"
        )
    }

    #[test]
    fn what_opens_is_open_until_it_closes_and_the_worst_come_first() {
        let mut open = Open::default();
        open.take(anomaly("a", "open", "low", 9.0).as_bytes());
        open.take((anomaly("b", "open", "low", 2.0) + &anomaly("c", "open", "high", 1.5)).as_bytes());
        open.take(b"{\"type\":\"notice\",\"kind\":\"x\"}\n{\"type\":\"anomaly\",\"id\":1}\n");
        let worst = |open: &Open, most| open.worst(most).iter().map(|it| it.series.clone()).collect::<Vec<_>>();
        assert_eq!(worst(&open, 9), ["eni-c", "eni-a", "eni-b"]);
        assert_eq!(worst(&open, 2), ["eni-c", "eni-a"]);
        assert_eq!(open.worst(1)[0].start, 1_769_817_600.5);
        open.take((anomaly("b", "update", "critical", 2.0) + &anomaly("a", "closed", "low", 9.0)).as_bytes());
        assert_eq!(worst(&open, 9), ["eni-b", "eni-c"]);
        let group = |state: &str| anomaly("g", state, "high", 0.0).replace("\"anomaly\"", "\"group\"");
        open.take(group("open").as_bytes());
        assert_eq!(open.groups.values().collect::<Vec<_>>(), [&(Severity::High, Direction::Drop)]);
        let mut again = Open::default();
        again.take(open.events().as_bytes());
        assert_eq!((&again.incidents, &again.groups), (&open.incidents, &open.groups));
        assert_eq!(
            again.events(),
            anomaly("b", "update", "critical", 2.0) + &anomaly("c", "open", "high", 1.5) + &group("open")
        );
        open.take(group("closed").as_bytes());
        assert!(open.groups.is_empty() && !open.events().contains("group"));
    }
}
