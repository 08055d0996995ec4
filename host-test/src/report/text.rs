//! The incidents beside the truth, for a terminal.

use super::incident::Incident;
use super::model::Model;
use super::quantity::{bytes, duration, factor, minute, number};
use super::verdict::{Meaning, Outcome, Verdicts};
use crate::generate::{Direction, Expectation, Truth};
use std::io::{self, Write};

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
        return writeln!(out, "{} incidents, {} notices", model.incidents.len(), model.notice_count);
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
    writeln!(out, "{right} of {wanted} injected events found, {} false incidents", verdicts.false_incidents())
}

fn told(incident: &Incident) -> String {
    let Incident { series, observed, expected, direction, .. } = incident;
    let (way, times) = (arrow(*direction), factor(*observed, *expected));
    format!("{way} of {series}: {} instead of {} ({times})", bytes(*observed), bytes(*expected))
}

/// The first talker, and whether it is the injected one.
fn talker(incident: &Incident, label: &Truth) -> Option<String> {
    let first = incident.talkers.first()?;
    let port = first.dstport.and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
    let protocol = first.protocol.and_then(|protocol| u8::try_from(protocol).ok()).unwrap_or_default();
    let right = label.top_talker.as_ref().map(|talker| talker.matches(&first.srcaddr, &first.dstaddr, port, protocol));
    let verdict = match right {
        Some(true) => ", the injected one",
        Some(false) => ", NOT the injected one",
        None => "",
    };
    let share = first.share.map(|share| format!(", {:.0} % of the change", share * 100.0)).unwrap_or_default();
    Some(format!("top talker {} to {} port {port}{share}{verdict}", first.srcaddr, first.dstaddr))
}
