//! The incidents beside the truth, for a terminal.

use super::incident::{Incident, TopTalker};
use super::model::Model;
use super::quantity::{bytes, counted, duration, factor, minute, number};
use super::verdict::{Meaning, Outcome, Verdicts};
use flowscore_generate::{Direction, Expectation, Talker, Truth};
use std::io::{self, Write};

/// Ports from here on belong to clients (Linux's default range).
const FIRST_EPHEMERAL_PORT: u16 = 32_768;

fn arrow(direction: Option<Direction>) -> &'static str {
    match direction {
        Some(Direction::Spike) => "spike",
        Some(Direction::Drop) => "drop",
        None => "-",
    }
}

/// Writes the labels, each with what was found, then incidents that no label explains, then the counts.
pub(super) fn render(out: &mut dyn Write, model: &Model, verdicts: Option<&Verdicts<'_>>) -> io::Result<()> {
    let Some(verdicts) = verdicts else {
        for incident in &model.incidents {
            writeln!(out, "{}", told(incident))?;
        }
        let (anomalies, records, threshold) = model.scores.anomalies();
        if records > 0 {
            writeln!(out, "{anomalies} of {} scored {threshold} or more", counted(records, "record"))?;
        }
        let incidents = counted(model.incidents.len() as u64, "incident");
        return writeln!(out, "{incidents}, {}", counted(model.notices.count(), "notice"));
    };
    writeln!(out, "{:<14} {:<22} {:>6}  {:<17} what was injected", "verdict", "series", "x", "start (UTC)")?;
    let mut order: Vec<usize> = (0..verdicts.truth.len()).collect();
    order.sort_by_key(|at| verdicts.truth[*at].start);
    for at in order {
        let (label, (outcome, index)) = (&verdicts.truth[at], verdicts.labels[at]);
        let verdict = match (outcome, label.expect) {
            (Outcome::Right, Expectation::NoAlert) => "rightly quiet",
            (Outcome::Right, Expectation::Notice) => "noticed",
            (Outcome::Right, _) => "found",
            (Outcome::WrongDirection, _) => "WRONG WAY",
            (Outcome::Missed, _) => "MISSED",
            (Outcome::Unwanted, _) => "UNWANTED",
        };
        let (series, start) = (&label.series, minute(label.start));
        writeln!(out, "{verdict:<14} {series:<22} {:>6}  {start:<17} {}", number(label.magnitude), label.id)?;
        if let Some(incident) = index.and_then(|index| model.incidents.get(index)) {
            writeln!(out, "{:>15}{} after {}", "", told(incident), duration((incident.start - label.start).max(0)))?;
            if let Some(line) = talker(incident, label) {
                writeln!(out, "{:>15}{line}", "")?;
            }
        }
    }
    for (incident, meaning) in model.incidents.iter().zip(&verdicts.incidents) {
        if *meaning == Meaning::False {
            writeln!(out, "{:<14} {} at {}", "FALSE", told(incident), minute(incident.start))?;
        }
    }
    let (right, wanted) = verdicts.found();
    writeln!(out)?;
    writeln!(
        out,
        "{right} of {wanted} injected events found, {}",
        counted(verdicts.false_incidents() as u64, "false incident")
    )
}

fn told(incident: &Incident) -> String {
    let Incident { series, observed, expected, direction, .. } = incident;
    let (way, times) = (arrow(*direction), factor(*observed, *expected));
    format!("{way} of {series}: {} instead of {} ({times})", bytes(*observed), bytes(*expected))
}

/// The first talker, and whether it is the injected one.
fn talker(incident: &Incident, label: &Truth) -> Option<String> {
    let first = incident.talkers.first()?;
    let verdict = match names_the_talker(incident, label) {
        Some(true) => ", the injected one",
        Some(false) => ", NOT the injected one",
        None => "",
    };
    let many = |address: &str| if address.is_empty() { "many".to_owned() } else { address.to_owned() };
    let port = first.dstport.filter(|port| *port > 0).map(|port| format!(" port {port}")).unwrap_or_default();
    let share = first.share.map(|share| format!(", {:.0} % of the change", share * 100.0)).unwrap_or_default();
    Some(format!("top talker {} to {}{port}{share}{verdict}", many(&first.srcaddr), many(&first.dstaddr)))
}

/// Whether the first talker of an incident is the injected one; `None` where a label or an incident names none.
pub(super) fn names_the_talker(incident: &Incident, label: &Truth) -> Option<bool> {
    Some(is_named(label.top_talker.as_ref()?, incident.talkers.first()?))
}

/// Whether a talker is the injected one. An alert that says «many» names neither an address of a forged range nor one of
/// many clients, and client ports are no part of it.
pub(super) fn is_named(truth: &Talker, found: &TopTalker) -> bool {
    let side = |truth: &Option<String>, found: &str| match truth {
        Some(truth) if !found.is_empty() => {
            Talker { srcaddr: Some(truth.clone()), ..Talker::default() }.matches(found, "", 0, 0)
        }
        _ => true,
    };
    let known = !found.srcaddr.is_empty() || !found.dstaddr.is_empty();
    let port = truth.dstport.filter(|port| *port < FIRST_EPHEMERAL_PORT).map(u64::from);
    let same_port = port.is_none_or(|port| found.dstport == Some(port));
    known && same_port && side(&truth.srcaddr, &found.srcaddr) && side(&truth.dstaddr, &found.dstaddr)
}
