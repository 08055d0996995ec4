//! The `anomaly` event.

use super::Incident;
use super::sentence::sentence;
use super::severity::grade;
use crate::detect::Direction;
use crate::json::Writer;
use crate::state::state;

/// What has become of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is new, and its window not closed yet.
    Provisional,
    /// It is new.
    Opened,
    /// The window of what was provisional is closed, and it is so.
    Confirmed,
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
    /// Event time went back to before it began.
    TimeWithdrawn,
    /// A person has said that it is expected.
    Accepted,
    /// It was provisional, and records that came later have shown that there was nothing.
    Unconfirmed,
}

state!(
    enum Ending {
        Recovered,
        NewLevel,
        Turned,
        Expired,
        SeriesGone,
        TimeWithdrawn,
        Accepted,
        Unconfirmed,
    }
);

/// How an event is told.
#[derive(Clone, Copy, Debug)]
pub struct Telling<'a> {
    /// What it is about.
    pub change: Change,
    /// What is detected on: `observed` and the rest are in its unit.
    pub value: &'a str,
    /// Event time, in epoch seconds: how far the data has come.
    pub told_at: i64,
    /// Where the series is, as far as its records say.
    pub origin: Option<&'a Origin>,
}

/// Where a series is: what the first records of it said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// AWS account.
    pub account_id: Vec<u8>,
    /// Region.
    pub region: Vec<u8>,
    /// VPC.
    pub vpc_id: Vec<u8>,
}

state!(Origin { account_id, region, vpc_id });

/// A direction in events.
pub(super) const fn direction_name(direction: Direction) -> &'static str {
    match direction {
        Direction::Spike => "spike",
        Direction::Drop => "drop",
    }
}

impl Change {
    pub(super) const fn state(self) -> &'static str {
        match self {
            Change::Provisional | Change::Opened => "open",
            Change::Confirmed | Change::Updated => "update",
            Change::Closed(_) => "closed",
        }
    }
}

impl Ending {
    /// All that members of a group come to.
    pub(super) const ALL: [Ending; 7] = [
        Ending::Recovered,
        Ending::NewLevel,
        Ending::Turned,
        Ending::Expired,
        Ending::SeriesGone,
        Ending::TimeWithdrawn,
        Ending::Accepted,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Ending::Recovered => "recovered",
            Ending::NewLevel => "new_level",
            Ending::Turned => "turned",
            Ending::Expired => "expired",
            Ending::SeriesGone => "series_gone",
            Ending::TimeWithdrawn => "time_withdrawn",
            Ending::Accepted => "accepted",
            Ending::Unconfirmed => "unconfirmed",
        }
    }
}

/// The members of an event that say from when to when it was, and what there was at its peak.
pub(super) fn write_course(
    event: &mut Writer<'_>,
    (start, end, peak): (i64, i64, i64),
    (observed, expected): (f64, f64),
) {
    event.key("start").time(start);
    event.key("end").time(end);
    event.key("duration_s").whole((end - start).max(0) as u64);
    event.key("peak").time(peak);
    event.key("observed").rounded(observed);
    event.key("expected").rounded(expected);
}

impl Incident {
    /// Appends the event as a line.
    pub(crate) fn write(&self, telling: &Telling<'_>, series: &[u8], out: &mut Vec<u8>) {
        let &Telling { change, value, told_at, origin } = telling;
        let mut event = Writer::event("anomaly", out);
        event.key("id").text(&format!("{:016x}", self.id));
        event.key("state").text(change.state());
        if matches!(change, Change::Provisional | Change::Confirmed) {
            event.key("provisional").truth(change == Change::Provisional);
        }
        event.key("told_at").time(told_at);
        event.key("direction").text(direction_name(self.direction));
        event.key("series").bytes(series);
        if let Some(Origin { account_id, region, vpc_id }) = origin {
            for (name, text) in [("account_id", account_id), ("region", region), ("vpc_id", vpc_id)] {
                if !text.is_empty() {
                    event.key(name).bytes(text);
                }
            }
        }
        event.key("value").text(value);
        write_course(&mut event, (self.start, self.end, self.peak), (self.observed, self.expected));
        event.key("expected_low").rounded(self.expected_low);
        event.key("expected_high").rounded(self.expected_high);
        event.key("observed_total").rounded(self.observed_total);
        event.key("expected_total").rounded(self.expected_total);
        event.key("anomaly_score").rounded(self.score);
        event.key("grade").rounded(grade(self.score));
        event.key("severity").text(self.severity.name());
        event.key("p").number(self.p);
        if let Some(group) = self.group {
            event.key("group").text(&format!("{group:016x}"));
        }
        self.explanation.write(&mut event);
        if let Change::Closed(ending) = change {
            event.key("reason").text(ending.name());
            if let (Ending::NewLevel, Some(level)) = (ending, self.level) {
                event.key("level").rounded(level);
            }
        }
        event.key("text").text(&sentence(self, matches!(change, Change::Closed(_)), series, value));
        event.end_event();
    }
}
