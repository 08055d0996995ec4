//! The frame of the page: head, style, and the summary.

use super::escape::Escaped;
use super::model::Model;
use super::quantity;
use super::verdict::Verdicts;
use flowscore_generate::Direction;
use serde_json::Value;
use std::io::{self, Write};

const STYLE: &str = include_str!("style.css");

/// Everything before the content. The policy makes the browser refuse what the file does not contain anyway.
pub(super) fn open(out: &mut dyn Write, title: &str) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        Escaped(title)
    )
}

pub(super) fn close(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(
        b"<footer><p>All times are UTC. Sizes are decimal: 1 MB is 1 000 000 bytes. Made by flowscore.</p></footer>\n\
          </main>\n</body>\n</html>\n",
    )
}

/// A number with its name and an optional remark.
struct Figure {
    name: &'static str,
    value: String,
    remark: String,
}

/// The head of the page: what was read, what was found, and how it compares with the labels.
pub(super) fn summary(out: &mut dyn Write, model: &Model, verdicts: Option<&Verdicts>, title: &str) -> io::Result<()> {
    write!(out, "<header>\n<h1>{}</h1>\n", Escaped(title))?;
    if let Some((start, end)) = model.span {
        let (span, length) = (quantity::span(start, end), quantity::duration(end - start));
        writeln!(out, "<p class=\"sub\">{span} UTC · {length}</p>")?;
    }
    navigation(out, model)?;
    out.write_all(b"</header>\n<main>\n")?;
    if let Some(verdicts) = verdicts {
        verdict(out, model, verdicts)?;
    }
    out.write_all(b"<section aria-label=\"Summary\">\n<dl class=\"figures\">\n")?;
    for Figure { name, value, remark } in figures(model) {
        writeln!(out, "<div><dt>{name}</dt><dd>{value}<small>{remark}</small></dd></div>")?;
    }
    out.write_all(b"</dl>\n</section>\n")
}

fn navigation(out: &mut dyn Write, model: &Model) -> io::Result<()> {
    let sections = [
        ("timeline", "Timeline", !model.is_record_mode()),
        ("incidents", "Incidents", !model.incidents.is_empty()),
        ("scores", "Scores", !model.scores.is_empty()),
        ("series", "Series", !model.series.is_empty()),
        ("notices", "Notices", model.notice_count > 0),
        ("failed", "Failed records", model.failed_count > 0),
    ];
    out.write_all(b"<nav aria-label=\"Sections\">")?;
    for (id, name, _) in sections.iter().filter(|(_, _, shown)| *shown) {
        write!(out, "<a href=\"#{id}\">{name}</a>")?;
    }
    out.write_all(b"</nav>\n")
}

/// One sentence: found, missed, false.
fn verdict(out: &mut dyn Write, model: &Model, verdicts: &Verdicts) -> io::Result<()> {
    let ((found, wanted), false_incidents) = (verdicts.found(), verdicts.false_incidents());
    let mut delays = verdicts.delays(model);
    delays.sort_unstable();
    let good = found == wanted && false_incidents == 0;
    let (class, sign) = if good { ("good", "✓") } else { ("poor", "!") };
    let plural = if false_incidents == 1 { "" } else { "s" };
    write!(
        out,
        "<p class=\"verdict {class}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span>\
         <span><strong>{found} of {wanted} labelled events found</strong>, \
         {false_incidents} false incident{plural}"
    )?;
    if let Some(median) = delays.get(delays.len() / 2) {
        write!(out, ", median delay {}", quantity::duration(*median))?;
    }
    out.write_all(b".</span></p>\n")
}

fn figures(model: &Model) -> Vec<Figure> {
    let stat = |name: &str| model.stats.as_ref().and_then(|stats| stats.get(name)).and_then(Value::as_u64);
    let mut figures = Vec::new();
    let mut add = |name: &'static str, value: Option<u64>, remark: String| {
        if let Some(value) = value {
            figures.push(Figure { name, value: quantity::count(value), remark });
        }
    };
    let spikes = model.incidents.iter().filter(|incident| incident.direction == Some(Direction::Spike)).count();
    let drops = model.incidents.iter().filter(|incident| incident.direction == Some(Direction::Drop)).count();
    let watched = !model.is_record_mode();
    add("Incidents", watched.then_some(model.incidents.len() as u64), format!("{spikes} spikes · {drops} drops"));
    let high = model.incidents.iter().filter(|incident| ["high", "critical"].contains(&incident.severity())).count();
    let open = model.incidents.iter().filter(|incident| !incident.closed).count();
    add("High severity", watched.then_some(high as u64), format!("{open} still open"));
    let late = stat("late").map(|late| format!("{} late", quantity::count(late))).unwrap_or_default();
    add("Records", stat("records").or(Some(model.scores.count()).filter(|count| *count > 0)), late);
    let windows: u64 = model.series.values().map(|history| history.windows).sum();
    let series = stat("series").unwrap_or(model.series.len() as u64);
    add("Windows", stat("windows").or(Some(windows)).filter(|windows| *windows > 0), format!("{series} series"));
    let dropped = stat("dropped").map(|dropped| format!("{} dropped", quantity::count(dropped))).unwrap_or_default();
    add("Decoded", stat("ok"), dropped);
    add("Failed", stat("failed").or(Some(model.failed_count)), "not decoded".to_owned());
    figures
}
