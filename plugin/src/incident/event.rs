//! The `anomaly` event.

use super::Incident;
use super::json::Object;
use super::severity::grade;
use crate::detect::Direction;

/// What has become of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new.
    Opened,
    /// It got worse, or came back soon after it was closed.
    Updated,
    /// It is over.
    Closed(Ending),
}

/// Why an incident is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The value is back in the range from before.
    Recovered,
    /// The value has stayed elsewhere, and that is ordinary now.
    NewLevel,
    /// The value went to the other side; another incident follows.
    Turned,
    /// It lasted longer than [`super::LONGEST`].
    Expired,
    /// The series was evicted or forgotten.
    SeriesGone,
}

impl Change {
    const fn state(self) -> &'static str {
        match self {
            Change::Opened => "open",
            Change::Updated => "update",
            Change::Closed(_) => "closed",
        }
    }
}

impl Ending {
    const fn name(self) -> &'static str {
        match self {
            Ending::Recovered => "recovered",
            Ending::NewLevel => "new_level",
            Ending::Turned => "turned",
            Ending::Expired => "expired",
            Ending::SeriesGone => "series_gone",
        }
    }
}

impl Incident {
    /// Appends the event as a line. `value` names what is detected on: `observed` and the rest are in its unit.
    pub(crate) fn write(&self, change: Change, series: &[u8], value: &str, out: &mut Vec<u8>) {
        let mut event = Object::event("anomaly", out);
        event.text("id", format!("{:016x}", self.id).as_bytes());
        event.text("state", change.state().as_bytes());
        event.text(
            "direction",
            match self.direction {
                Direction::Spike => b"spike",
                Direction::Drop => b"drop",
            },
        );
        event.text("series", series);
        event.text("value", value.as_bytes());
        event.time("start", self.start);
        event.time("end", self.end);
        event.whole("duration_s", (self.end - self.start).max(0) as u64);
        event.time("peak", self.peak);
        event.rounded("observed", self.observed);
        event.rounded("expected", self.expected);
        event.rounded("expected_low", self.expected_low);
        event.rounded("expected_high", self.expected_high);
        event.rounded("observed_total", self.observed_total);
        event.rounded("expected_total", self.expected_total);
        event.rounded("anomaly_score", self.score);
        event.rounded("grade", grade(self.score));
        event.text("severity", self.severity.name().as_bytes());
        event.number("p", self.p);
        self.explanation.write(&mut event);
        if let Change::Closed(ending) = change {
            event.text("reason", ending.name().as_bytes());
        }
        event.end_line();
    }
}
