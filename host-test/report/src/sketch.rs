//! The course of an incident as far as its own events tell it, where no windows came: what was expected, the mean between two of its
//! events, and the worst window.

use super::chart::{Drawn, time_axis};
use super::escape::Escaped;
use super::incident::Incident;
use super::quantity;
use std::io::{self, Write};

/// Draws it.
pub(super) fn render(out: &mut dyn Write, incident: &Incident) -> io::Result<()> {
    let Incident { start, end, value, observed, expected, peak, .. } = incident;
    let length = (end - start).max(60);
    let (from, to) = (start - length / 4, end + length / 4);
    let (low, high) = incident.range.unwrap_or((*expected, *expected));
    // The first event is told with the first window, most often, so this is about the length of one.
    let window = incident.steps.first().map_or(60, |step| (step.end - start).clamp(1, 3600)).min(length);
    let mut means: Vec<(i64, i64, f64)> = Vec::new();
    let (mut since, mut before) = (*start, 0.0);
    for step in &incident.steps {
        if step.end > since {
            let windows = (step.end - since) as f64 / window as f64;
            means.push((since, step.end, ((step.observed - before) / windows).max(0.0)));
        }
        (since, before) = (step.end, step.observed);
    }
    let most = means.iter().map(|(_, _, mean)| *mean).fold(observed.max(*expected), f64::max);
    let drawn = Drawn { from, to, top: (most.max(high.min(3.0 * most))).max(1.0) * 1.06 };
    let description = format!(
        "{} of {}: {} in the worst window at {} UTC, where {} were expected.",
        value.title(),
        incident.series,
        value.amount(*observed),
        quantity::minute(*peak),
        value.amount(*expected),
    );
    write!(out, "<figure><div class=\"plot sketch\"><svg {} aria-label=\"{}\">", Drawn::SVG, Escaped(&description))?;
    let (left, right) = (drawn.x(*start), drawn.x(*end));
    write!(
        out,
        "<rect class=\"shade {}\" x=\"{left:.0}\" y=\"0\" width=\"{:.0}\" height=\"10000\"/>",
        incident.class(),
        right - left
    )?;
    let (upper, lower) = (drawn.y(high), drawn.y(low));
    write!(
        out,
        "<rect class=\"band\" x=\"0\" y=\"{upper:.0}\" width=\"10000\" height=\"{:.0}\"/>",
        (lower - upper).max(0.0)
    )?;
    write!(out, "<path class=\"expected\" d=\"M0 {:.0}H10000\"/>", drawn.y(*expected))?;
    for (from, to, mean) in &means {
        write!(
            out,
            "<path class=\"observed\" d=\"M{:.0} {:.0}H{:.0}\"/>",
            drawn.x(*from),
            drawn.y(*mean),
            drawn.x(*to)
        )?;
    }
    let (left, right) = (drawn.x(*peak), drawn.x(peak + window));
    write!(out, "<path class=\"peak\" d=\"M{left:.0} {:.0}H{right:.0}\"/></svg>", drawn.y(*observed))?;
    drawn.ticks(out, *value)?;
    out.write_all(b"</div>")?;
    time_axis(out, from, to)?;
    out.write_all(b"</figure>\n")
}
