//! Which events are news for people, each once: however often an event is delivered, and whatever was told before a restart.
//!
//! An incident opens, may get worse, and closes. Its `end` never goes back and its severity never falls, so that an event that was
//! told before is known by them. Of a group the group is told, not its members.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::monitor::incidents::Severity;

/// Incidents and groups that are remembered at most; those that ended first are forgotten first.
const REMEMBERED: usize = 2_000;

/// Stands for the id of the source.
pub const SOURCE: &str = "source";

/// What has become of an incident, a group, or the source.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is new.
    Opened,
    /// Its severity has risen from this one.
    Worse(Severity),
    /// It is back soon after it was over.
    Again,
    /// It is over.
    Over,
    /// It is over, and people were told of its group meanwhile: nobody needs to be told again, but who was paged is to be freed.
    OverInGroup,
}

/// Something that people are told.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct News {
    /// Names the incident, the group, or the source.
    pub id: String,
    /// What has become of it.
    pub state: State,
    /// How urgent it is; of what is over: was.
    pub severity: Severity,
    /// The event that tells of it.
    pub event: Value,
}

/// What is remembered of an incident or a group.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Known {
    severity: Severity,
    end: String,
    is_open: bool,
    /// Whether people were told by itself, not by its group.
    is_told: bool,
}

/// What people were told.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Memory {
    known: BTreeMap<String, Known>,
}

impl Memory {
    /// What of these events is news: newline-delimited JSON, `type` first.
    pub fn news(&mut self, events: &[u8]) -> Vec<News> {
        let mut news = Vec::new();
        for line in events.split(|byte| *byte == b'\n') {
            let of = |kind: &str| line.starts_with(format!("{{\"type\":\"{kind}\",").as_bytes());
            if of("anomaly") || of("group") || of("notice") {
                let event = serde_json::from_slice(line).unwrap_or_default();
                news.extend(self.of_event(event));
            }
        }
        self.forget();
        news
    }

    fn of_event(&mut self, event: Value) -> Option<News> {
        if event["type"] == "notice" {
            return self.of_notice(event);
        }
        let text = |name: &str| event[name].as_str().map(str::to_owned);
        let (id, end) = (text("id")?, text("end")?);
        let severity = Severity::deserialize(&event["severity"]).ok()?;
        let is_closed = event["state"] == "closed";
        let state = self.step(id.clone(), severity, end, is_closed, event["group"].is_string())?;
        Some(News { id, state, severity, event })
    }

    /// The source has failed, or is back. Its failure has no end by itself; the time of the notice stands for it.
    fn of_notice(&mut self, event: Value) -> Option<News> {
        let is_closed = match event["kind"].as_str()? {
            "source_silent" => false,
            "source_recovered" => true,
            _ => return None,
        };
        let (id, end) = (SOURCE.to_owned(), event["time"].as_str()?.to_owned());
        let state = self.step(id.clone(), Severity::Critical, end, is_closed, false)?;
        // Another failure is a new one, however soon.
        let state = if state == State::Again { State::Opened } else { state };
        Some(News { id, state, severity: Severity::Critical, event })
    }

    fn step(&mut self, id: String, severity: Severity, end: String, is_closed: bool, in_group: bool) -> Option<State> {
        let Some(known) = self.known.get_mut(&id) else {
            // What opened before anybody listened is not told when it ends.
            let is_told = !is_closed && !in_group;
            self.known.insert(id, Known { severity, end, is_open: !is_closed, is_told });
            return is_told.then_some(State::Opened);
        };
        // Times are written in one form, so that they are ordered as text.
        if end < known.end {
            return None;
        }
        let before = known.clone();
        *known = Known { severity: severity.max(before.severity), end, is_open: !is_closed, is_told: before.is_told };
        match (before.is_open, is_closed) {
            (true, true) if !before.is_told => None,
            (true, true) if in_group => Some(State::OverInGroup),
            (true, true) => Some(State::Over),
            (true, false) if in_group || severity <= before.severity => None,
            // It was part of a group before.
            (true, false) if !before.is_told => {
                known.is_told = true;
                Some(State::Opened)
            }
            (true, false) => Some(State::Worse(before.severity)),
            (false, false) if known.end > before.end && !in_group => {
                known.is_told = true;
                Some(State::Again)
            }
            (false, _) => {
                // Told again by a replay.
                *known = before;
                None
            }
        }
    }

    fn forget(&mut self) {
        let over = self.known.len().saturating_sub(REMEMBERED);
        if over > 0 {
            let mut ends: Vec<(bool, String, String)> =
                self.known.iter().map(|(id, known)| (known.is_open, known.end.clone(), id.clone())).collect();
            ends.sort();
            for (_, _, id) in ends.iter().take(over) {
                self.known.remove(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Vec<u8> {
        let mut words = text.split(' ');
        let mut next = || words.next().unwrap_or_default().to_owned();
        let (id, state, severity, minute, group) = (next(), next(), next(), next(), next());
        let group = if group.is_empty() { String::new() } else { format!(",\"group\":\"{group}\"") };
        let kind = if id.starts_with('g') { "group" } else { "anomaly" };
        format!(
            "{{\"type\":\"{kind}\",\"id\":\"{id}\",\"state\":\"{state}\",\"severity\":\"{severity}\",\
             \"end\":\"2026-01-31T00:{minute}:00.000Z\"{group}}}\n"
        )
        .into_bytes()
    }

    fn told(memory: &mut Memory, events: &[u8]) -> Vec<(String, State)> {
        memory.news(events).into_iter().map(|news| (news.id, news.state)).collect()
    }

    #[test]
    fn what_opens_gets_worse_comes_back_and_ends_is_told_once() {
        let story = [
            ("a open low 01", Some(State::Opened)),
            ("a update low 02", None),
            ("a update high 03", Some(State::Worse(Severity::Low))),
            ("a closed high 05", Some(State::Over)),
            ("a update high 09", Some(State::Again)),
            ("a closed high 10", Some(State::Over)),
            // Of a group the group, not its members.
            ("g open high 01", Some(State::Opened)),
            ("m open high 01 g", None),
            ("m update critical 02 g", None),
            ("m closed critical 03 g", None),
            ("g closed high 03", Some(State::Over)),
            // A member that was told before its group was known.
            ("n open low 01", Some(State::Opened)),
            ("n update high 02 g", None),
            ("n closed high 03 g", Some(State::OverInGroup)),
            // It opened before anybody listened.
            ("o closed high 03", None),
        ];
        let mut memory = Memory::default();
        for (text, expected) in story {
            let expected: Vec<_> = expected.map(|state| (text[..1].to_owned(), state)).into_iter().collect();
            assert_eq!(told(&mut memory, &event(text)), expected, "{text}");
        }
        // After a crash all or a part of it is delivered again, by a process that remembers.
        let kept = serde_json::to_string(&memory).unwrap();
        for start in 0..story.len() {
            let mut memory: Memory = serde_json::from_str(&kept).unwrap();
            let again: Vec<u8> = story[start..].iter().flat_map(|(text, _)| event(text)).collect();
            assert_eq!(told(&mut memory, &again), [], "from {start}");
        }
    }

    #[test]
    fn a_source_that_fails_is_told_and_so_is_its_return() {
        let notice = |kind: &str, minute: u32| {
            format!("{{\"type\":\"notice\",\"time\":\"2026-01-31T00:{minute:02}:00.000Z\",\"kind\":\"{kind}\"}}\n")
                .into_bytes()
        };
        let mut memory = Memory::default();
        for (kind, minute, expected) in [
            ("source_silent", 1, Some(State::Opened)),
            ("source_silent", 1, None),
            ("late_records", 2, None),
            ("source_recovered", 3, Some(State::Over)),
            ("source_recovered", 3, None),
            ("source_silent", 4, Some(State::Opened)),
        ] {
            let told: Vec<State> = memory.news(&notice(kind, minute)).into_iter().map(|news| news.state).collect();
            assert_eq!(told.first().copied(), expected, "{kind} {minute}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_open_stays() {
        let mut memory = Memory::default();
        memory.news(&event("a open low 00"));
        for number in 0..REMEMBERED + 50 {
            let id = format!("x{number}");
            memory.news(&event(&format!("{id} open low 01")));
            memory.news(&event(&format!("{id} closed low 02")));
        }
        assert_eq!(memory.known.len(), REMEMBERED);
        assert_eq!(told(&mut memory, &event("a closed low 03")).len(), 1);
    }
}
