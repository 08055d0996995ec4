//! Incidents of several series that begin together: one cause, told once.

use super::event::{Ending, direction_name, write_course};
use super::explanation::write_talkers;
use super::severity::Facts;
use super::{Change, Severity, Telling, TopTalker, WORSE};
use crate::detect::Direction;
use crate::hash::hash;
use crate::json::Writer;
use crate::state::state;
use crate::time::LAST_SECOND;

/// Members that are named, those with the largest change.
const MOST_NAMED: usize = 20;
/// No chance is told to be smaller.
const LEAST_CHANCE: f64 = 1e-9;

/// A series that is part of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupMember {
    /// The series' key.
    pub series: Vec<u8>,
    /// Its incident.
    pub incident: u64,
    /// Observed less expected, in the window in which it joined.
    pub change: f64,
}

state!(GroupMember { series, incident, change });

/// What a group's members have in a window, and what all series have.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Affected {
    /// Members whose incident is open.
    pub open: u32,
    /// End of the last deviating window of any member.
    pub end: i64,
    /// Sum of the values of those that deviate in the window.
    pub observed: f64,
    /// Sum of what was expected of these.
    pub expected: f64,
    /// What was expected of all series.
    pub whole: f64,
    /// The worst of their severities.
    pub worst: Option<Severity>,
}

/// Several incidents with one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// From the first member's incident.
    pub id: u64,
    /// Of all members.
    pub direction: Direction,
    /// Start of the first incident, epoch seconds.
    pub start: i64,
    /// When the last one was closed.
    pub closed: Option<i64>,
    end: i64,
    /// How likely it is that so many begin together by chance.
    p: f64,
    /// All that were ever part of it, and those that still are.
    count: u32,
    open: u32,
    /// Series that had a value when it began.
    known: u32,
    /// Start of the window with the largest change, and the sums there.
    peak: i64,
    observed: f64,
    expected: f64,
    whole: f64,
    severity: Severity,
    announced: bool,
    /// Members and change when it was last told.
    told: (u32, f64),
    /// Those with the largest change, largest first.
    members: Vec<GroupMember>,
    top_talkers: Vec<TopTalker>,
    /// How often members have come to each end.
    endings: [u32; Ending::ALL.len()],
}

state!(Group {
    id,
    direction,
    start,
    closed,
    end,
    p,
    count,
    open,
    known,
    peak,
    observed,
    expected,
    whole,
    severity,
    announced,
    told,
    members,
    top_talkers,
    endings,
});

impl Group {
    /// A group without members yet, of incidents the first of which is `first` and began at `start`, among `known` series;
    /// `p` is how likely it is by chance.
    pub fn new(first: u64, direction: Direction, start: i64, known: u32, p: f64) -> Self {
        Group {
            id: hash(0x696E_6767_726F_7570, &first.to_le_bytes()),
            direction,
            start,
            closed: None,
            end: start,
            p: p.max(LEAST_CHANCE),
            count: 0,
            open: 0,
            known,
            peak: start,
            observed: 0.0,
            expected: 0.0,
            whole: 0.0,
            severity: Severity::Low,
            announced: false,
            told: (0, 0.0),
            members: Vec::new(),
            top_talkers: Vec::new(),
            endings: [0; Ending::ALL.len()],
        }
    }

    /// A series joins.
    pub fn add(&mut self, member: GroupMember) {
        self.count = self.count.saturating_add(1);
        let place = self.members.partition_point(|other| other.change.abs() >= member.change.abs());
        self.members.insert(place, member);
        self.members.truncate(MOST_NAMED);
    }

    /// The group had been closed, and one of its members has come back.
    pub fn reopen(&mut self) {
        if self.closed.take().is_some() {
            self.told = (0, 0.0);
        }
    }

    /// The incident of a member goes on that had come to this end.
    pub fn return_from(&mut self, ending: Ending) {
        if let Some(count) = self.endings.get_mut(ending as usize) {
            *count = count.saturating_sub(1);
        }
    }

    /// The incident of a member is over.
    pub fn leave(&mut self, ending: Ending) {
        if let Some(count) = self.endings.get_mut(ending as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// Takes a window into account: whether it has the largest change so far.
    pub fn step(&mut self, start: i64, now: &Affected) -> bool {
        self.open = now.open;
        self.end = self.end.max(now.end);
        let change = match self.direction {
            Direction::Spike => now.observed - now.expected,
            Direction::Drop => now.expected - now.observed,
        };
        let is_peak = change > self.change();
        if is_peak {
            self.peak = start;
            self.observed = now.observed;
            self.expected = now.expected;
            self.whole = now.whole;
        }
        let facts = Facts {
            direction: self.direction,
            score: 0.0,
            observed: self.observed,
            expected: self.expected,
            lasted: self.end - self.start,
            whole: Some(self.whole),
        };
        self.severity = self.severity.max(Severity::of_group(facts, now.worst.unwrap_or(Severity::Low)));
        is_peak
    }

    /// Whether the group is worth an event now; before [`step`](Group::step) it had `severity`.
    pub fn tell(&mut self, severity: Severity) -> Option<Change> {
        let (count, change) = self.told;
        let is_worse = f64::from(self.count) >= WORSE * f64::from(count) || self.change() >= WORSE * change;
        if !is_worse && self.severity <= severity {
            return None;
        }
        self.told = (self.count, self.change());
        Some(if core::mem::replace(&mut self.announced, true) { Change::Updated } else { Change::Opened })
    }

    /// Whether it is over with the window that begins at `start`: the last incident has been closed.
    pub fn end(&mut self, start: i64) -> Option<Change> {
        if self.open > 0 || self.closed.is_some() {
            return None;
        }
        self.closed = Some(start);
        // What most of them came to; of as many the first.
        let most = (0..self.endings.len()).rev().max_by_key(|&ending| self.endings[ending])?;
        Some(Change::Closed(Ending::ALL[most]))
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// Sets who made the change.
    pub fn explain(&mut self, top_talkers: Vec<TopTalker>) {
        self.top_talkers = top_talkers;
    }

    fn change(&self) -> f64 {
        (self.observed - self.expected).abs()
    }

    /// Appends the event as a line.
    pub(crate) fn write(&self, telling: &Telling<'_>, out: &mut Vec<u8>) {
        let &Telling { change, value, told_at, .. } = telling;
        let mut event = Writer::event("group", out);
        event.key("id").text(&format!("{:016x}", self.id));
        event.key("state").text(change.state());
        event.key("told_at").time(told_at);
        event.key("direction").text(direction_name(self.direction));
        event.key("value").text(value);
        write_course(&mut event, (self.start, self.end, self.peak), (self.observed, self.expected));
        event.key("traffic_share").rounded(if self.whole > 0.0 { self.change() / self.whole } else { 0.0 });
        event.key("severity").text(self.severity.name());
        event.key("p").number(self.p);
        event.key("series_count").whole(self.count.into());
        event.key("series_open").whole(self.open.into());
        event.key("series_known").whole(self.known.into());
        event.key("series_share").rounded(f64::from(self.count) / f64::from(self.known.max(self.count).max(1)));
        event.key("members").open(b'[');
        for member in &self.members {
            event.open(b'{');
            event.key("series").bytes(&member.series);
            event.key("id").text(&format!("{:016x}", member.incident));
            event
                .key("share")
                .rounded((member.change.abs() / self.change().max(member.change.abs()).max(1.0)).min(1.0));
            event.close(b'}');
        }
        event.close(b']');
        write_talkers(&self.top_talkers, &mut event);
        if let Change::Closed(ending) = change {
            event.key("reason").text(ending.name());
            event.key("reasons").open(b'{');
            for (ending, count) in Ending::ALL.iter().zip(self.endings).filter(|(_, count)| *count > 0) {
                event.key(ending.name()).whole(count.into());
            }
            event.close(b'}');
        }
        event.end_event();
    }

    /// Whether a deserialised group can be one.
    pub fn is_valid(&self) -> bool {
        let times = 0..=LAST_SECOND + super::ECHO;
        [self.start, self.end, self.peak, self.closed.unwrap_or(0)].iter().all(|time| times.contains(time))
            && [self.p, self.observed, self.expected, self.whole, self.told.1].iter().all(|number| number.is_finite())
            && self.members.len() <= MOST_NAMED
            && self.members.iter().all(|member| member.change.is_finite())
            && self.top_talkers.iter().all(|talker| talker.bytes.is_finite() && talker.baseline_bytes.is_finite())
    }
}
