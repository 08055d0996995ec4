//! The frame of the page: head, style, script, filters, and the summary.

use super::View;
use super::escape::Escaped;
use super::incident::Incident;
use super::model::Model;
use super::quantity;
use super::verdict::Verdicts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use flowscore_generate::Direction;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::io::{self, Write};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = concat!("\n", include_str!("script.js"));

/// The policy by which the browser refuses what the page does not contain anyway: no script but its own, nothing from elsewhere. A page
/// that follows a process may ask that process.
pub(super) fn policy(is_live: bool) -> String {
    let script = BASE64.encode(Sha256::digest(SCRIPT));
    let connect = if is_live { "; connect-src 'self'" } else { "" };
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'{connect}"
    )
}

/// Everything before the content.
pub(super) fn open(out: &mut dyn Write, view: &View, title: &str) -> io::Result<()> {
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{}\">\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        policy(view.is_live()),
        Escaped(title)
    )
}

/// Everything after the content.
pub(super) fn close(out: &mut dyn Write) -> io::Result<()> {
    write!(
        out,
        "<footer><p>All times are UTC. Sizes are decimal: 1 MB is 1 000 000 bytes. Made by flowscore.</p></footer>\n<div id=\"tip\" \
         role=\"status\" hidden></div>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// What narrows down the page; the script shows it.
fn controls(out: &mut dyn Write, nothing_to_filter: bool) -> io::Result<()> {
    writeln!(out, "<form id=\"filter\" hidden data-unused=\"{nothing_to_filter}\" aria-label=\"Filter\">")?;
    out.write_all(
        b"<label>Series <input name=\"text\" type=\"search\" placeholder=\"name or part of it\" autocomplete=\"off\"></label>\n\
          <label>Direction <select name=\"way\"><option value=\"\">both</option><option value=\"drop\">drops</option><option value=\"spike\">spikes</option></select></label>\n\
          <label>Severity <select name=\"rank\"><option value=\"0\">any</option><option value=\"1\">medium and up</option><option value=\"2\">high and \
          up</option><option value=\"3\">critical</option></select></label>\n\
          <label>State <select name=\"state\"><option value=\"\">any</option><option value=\"open\">open</option><option value=\"closed\">closed</option></select></label>\n\
          <label>From (UTC) <input name=\"from\" type=\"datetime-local\"></label>\n<label>to <input name=\"to\" type=\"datetime-local\"></label>\n\
          <span class=\"buttons\"><button type=\"button\" id=\"show-all\">Reset</button> <button type=\"button\" id=\"csv\">CSV</button> <button \
          type=\"button\" id=\"json\">JSON</button></span> <output id=\"shown\"></output>\n\
          <details id=\"keys\"><summary>Keys and mouse</summary><p><kbd>j</kbd> <kbd>k</kbd> next and previous incident \xc2\xb7 <kbd>/</kbd> \
          filter \xc2\xb7 <kbd>Esc</kbd> reset all \xc2\xb7 <kbd>?</kbd> this. On a chart: move the pointer for values, drag to zoom in, double-click \
          to zoom out, <kbd>Shift</kbd> and wheel to zoom; or <kbd>Tab</kbd> to it and <kbd>\xe2\x86\x90</kbd> <kbd>\xe2\x86\x92</kbd> \
          <kbd>+</kbd> <kbd>-</kbd> <kbd>0</kbd>. Dragging over the timeline chooses its time. CSV and JSON hold what is shown.</p></details>\n</form>\n",
    )
}

/// A number with its name and an optional remark.
struct Figure {
    name: &'static str,
    value: String,
    remark: String,
}

/// The head of the page: title, and where to find what.
pub(super) fn head(out: &mut dyn Write, view: &View, title: &str) -> io::Result<()> {
    write!(out, "<header>\n<h1>{}</h1>\n", Escaped(title))?;
    if view.is_live() {
        live(out, view, title)?;
    } else {
        navigation(out, view.model)?;
    }
    controls(out, !view.is_live() && view.model.is_record_mode())?;
    out.write_all(b"</header>\n")
}

/// What a running process does now; the script keeps it up to date.
fn live(out: &mut dyn Write, view: &View, title: &str) -> io::Result<()> {
    write!(out, "<dl id=\"live\" data-version=\"{}\" data-title=\"{}\">", view.version, Escaped(title))?;
    for (id, name) in
        [("health", "Health"), ("open", "Open incidents"), ("rate", "Throughput"), ("lag", "Behind the clock")]
    {
        write!(out, "<div><dt>{name}</dt><dd data-live=\"{id}\">\u{2013}</dd></div>")?;
    }
    out.write_all(b"</dl>\n")
}

/// What was read, what was found, and how it compares with the labels.
pub(super) fn summary(out: &mut dyn Write, view: &View, verdicts: Option<&Verdicts>) -> io::Result<()> {
    let model = view.model;
    if let Some((start, end)) = model.span {
        let (span, length) = (quantity::span(start, end), quantity::duration(end - start));
        writeln!(out, "<p class=\"sub\">{span} UTC \u{b7} {length}</p>")?;
    }
    if let Some(since) = view.since {
        let since = quantity::minute(since);
        writeln!(out, "<p class=\"sub\">Since the process began, {since} UTC, and what was open then</p>")?;
        navigation(out, model)?;
    }
    if let Some(verdicts) = verdicts.filter(|_| !model.is_record_mode()) {
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
        ("notices", "Notices", model.notices.count() > 0),
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
    let median = |seconds: Vec<i64>| seconds.get(seconds.len() / 2).copied();
    let good = found == wanted && false_incidents == 0;
    let (class, sign) = if good { ("good", "✓") } else { ("poor", "!") };
    let plural = quantity::plural(false_incidents as u64);
    write!(
        out,
        "<p class=\"verdict {class}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span>\
         <span><strong>{found} of {wanted} labelled events found</strong>, \
         {false_incidents} false incident{plural}"
    )?;
    if let Some(delay) = median(verdicts.delays(model)) {
        write!(out, ", median delay {}", quantity::duration(delay))?;
    }
    if let Some(told) = median(verdicts.tellings(model)) {
        write!(out, ", told {} after the onset in the data's time", quantity::duration(told))?;
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
    let counted = |count: usize, noun| quantity::counted(count as u64, noun);
    let spikes = model.incidents.iter().filter(|incident| incident.direction == Some(Direction::Spike)).count();
    let drops = model.incidents.iter().filter(|incident| incident.direction == Some(Direction::Drop)).count();
    let watched = !model.is_record_mode();
    add(
        "Incidents",
        watched.then_some(model.incidents.len() as u64),
        format!("{} · {}", counted(spikes, "spike"), counted(drops, "drop")),
    );
    let is_high =
        |incident: &&Incident| ["high", "critical"].contains(&incident.severity()) && !incident.is_withdrawn();
    let high = model.incidents.iter().filter(is_high).count();
    let open = model.incidents.iter().filter(|incident| !incident.closed).count();
    add("High severity", watched.then_some(high as u64), format!("{open} still open"));
    let late = stat("late").map(|late| format!("{} late", quantity::count(late))).unwrap_or_default();
    add("Records", stat("records").or(Some(model.scores.count()).filter(|count| *count > 0)), late);
    let windows = model.windows();
    let series = stat("series").unwrap_or(model.series.len() as u64);
    add("Windows", stat("windows").or(Some(windows)).filter(|windows| *windows > 0), format!("{series} series"));
    let dropped = stat("dropped").map(|dropped| format!("{} dropped", quantity::count(dropped))).unwrap_or_default();
    add("Decoded", stat("ok"), dropped);
    add("Failed", stat("failed").or(Some(model.failed_count)), "not decoded".to_owned());
    figures
}
