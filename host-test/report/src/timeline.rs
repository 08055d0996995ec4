//! All incidents over time, a row for each series, with the labels above them; and the same as a table.

use super::View;
use super::chart::time_axis;
use super::escape::Escaped;
use super::incident::Incident;
use super::quantity;
use super::table::{self, Column::Number, Column::Text};
use super::verdict::{Meaning, Outcome, Verdicts};
use flowscore_generate::{Direction, Expectation, Truth};
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Rows of the drawing; the table has everything.
const MOST_ROWS: usize = 60;

pub(super) fn render(out: &mut dyn Write, view: &View, verdicts: Option<&Verdicts>) -> io::Result<()> {
    let model = view.model;
    if model.is_record_mode() {
        return Ok(());
    }
    out.write_all(b"<section id=\"timeline\">\n<h2>Timeline</h2>\n")?;
    let truth = verdicts.map_or(&[][..], |verdicts| verdicts.truth);
    let rows: BTreeSet<&str> = model
        .incidents
        .iter()
        .map(|incident| incident.series.as_str())
        .chain(truth.iter().map(|t| t.series.as_str()))
        .collect();
    let Some((from, to)) = model.span.filter(|_| !rows.is_empty()) else {
        nothing(out, view)?;
        return out.write_all(b"</section>\n");
    };
    key(out, verdicts.is_some())?;
    let position = |time: i64| (time - from) as f64 / (to - from).max(1) as f64 * 100.0;
    let place = |start: i64, end: i64| {
        let (left, right) = (position(start).clamp(0.0, 100.0), position(end).clamp(0.0, 100.0));
        format!("left:{left:.2}%;width:{:.2}%", right - left)
    };
    out.write_all(b"<div class=\"timeline\" aria-hidden=\"true\"")?;
    writeln!(out, " data-from=\"{from}\" data-to=\"{to}\">")?;
    for row in rows.iter().take(MOST_ROWS) {
        let name = view.names.or_key(row);
        write!(
            out,
            "<div class=\"row\" data-find=\"{0} {1}\"><span class=\"name\" title=\"{1}\">{0}</span><div class=\"track\">",
            Escaped(&name),
            Escaped(row)
        )?;
        for label in truth.iter().filter(|label| label.series == *row) {
            let class = if label.expect == Expectation::NoAlert { "label calm" } else { "label" };
            let what = format!("{} {}", label.id, quantity::span(label.start, label.end));
            write!(
                out,
                "<i class=\"{class}\" style=\"{}\" title=\"{}\"></i>",
                place(label.start, label.end),
                Escaped(&what)
            )?;
        }
        for (index, incident) in model.incidents.iter().enumerate().filter(|(_, incident)| incident.series == *row) {
            let is_false = verdicts.is_some_and(|verdicts| verdicts.incidents.get(index) == Some(&Meaning::False));
            let (class, sign) = (incident.class(), if is_false { "✗" } else { incident.sign() });
            // Beyond the right edge there is no room for the sign.
            let edge = if position(incident.until) > 96.0 { " edge" } else { "" };
            let time = quantity::span(incident.start, incident.until);
            let what =
                format!("{} {time}, {}", incident.kind(), quantity::factor(incident.observed, incident.expected));
            write!(
                out,
                "<a class=\"bar {class}{edge}\" tabindex=\"-1\" \
                 href=\"#incident-{}\" style=\"{}\" title=\"{}\"><b>{sign}</b></a>",
                incident.place(index),
                place(incident.start, incident.until),
                Escaped(&what)
            )?;
        }
        out.write_all(b"</div></div>\n")?;
    }
    out.write_all(b"<div class=\"row axis\"><span class=\"name\"></span><div class=\"track\">")?;
    time_axis(out, from, to)?;
    out.write_all(b"</div></div>\n</div>\n")?;
    if rows.len() > MOST_ROWS {
        writeln!(out, "<p class=\"note\">The first {MOST_ROWS} of {} series are drawn.</p>", rows.len())?;
    }
    match verdicts {
        Some(verdicts) => labels(out, view, verdicts),
        None => Ok(()),
    }?;
    out.write_all(b"</section>\n")
}

/// Says that nothing was found, or that there was nothing in which something could have been found.
fn nothing(out: &mut dyn Write, view: &View) -> io::Result<()> {
    let model = view.model;
    if view.is_live() && model.windows() == 0 {
        return out.write_all(b"<p class=\"empty\">No window has been closed since the process began.</p>\n");
    }
    let records = model.stats.as_ref().and_then(|stats| stats.get("records")).and_then(serde_json::Value::as_u64);
    if records == Some(0) || (model.events == 0 && records.is_none()) {
        return out.write_all(
            b"<p class=\"verdict poor\"><span class=\"sign\" aria-hidden=\"true\">!</span><span><strong>Nothing came.</strong> There were no \
              events, so this page says nothing about the traffic. Either no flow logs were read, or they had nothing unusual and windows \
              were not asked for: the summary of <code>flowscore run</code> says how many records there were, and with \
              <code>series.windows</code> this page shows them.</span></p>\n",
        );
    }
    let windows = model.windows();
    if windows == 0 && records.is_none() {
        return out.write_all(b"<p class=\"empty\">No incidents and no windows are among the events.</p>\n");
    }
    out.write_all(b"<p class=\"verdict good\"><span class=\"sign\" aria-hidden=\"true\">\xe2\x9c\x93</span><span><strong>Nothing unusual was found</strong>")?;
    if let Some(records) = records {
        write!(out, " in {}", quantity::counted(records, "record"))?;
    }
    if windows > 0 {
        write!(out, ", {} of {} series", quantity::counted(windows, "window"), model.series.len())?;
    }
    out.write_all(b".</span></p>\n")
}

fn key(out: &mut dyn Write, with_labels: bool) -> io::Result<()> {
    out.write_all(
        b"<p class=\"key\"><span><i class=\"swatch spike\"></i>\xe2\x96\xb2 spike</span>\
          <span><i class=\"swatch drop\"></i>\xe2\x96\xbc drop</span>",
    )?;
    if with_labels {
        out.write_all(
            b"<span><i class=\"swatch label\"></i>label</span><span><i class=\"swatch label calm\"></i>label \
              that calls for no alert</span><span>\xe2\x9c\x97 incident without a label</span>",
        )?;
    }
    out.write_all(b"</p>\n")
}

/// The table of labels, then of the incidents that none of them explains.
fn labels(out: &mut dyn Write, view: &View, verdicts: &Verdicts) -> io::Result<()> {
    let model = view.model;
    out.write_all(b"<h3>Incidents against the labels</h3>\n")?;
    let columns = [
        Text("Verdict"),
        Text("Label"),
        Text("Series"),
        Text("Time (UTC)"),
        Number("Size"),
        Number("Delay"),
        Number("Told after"),
        Text("Incident"),
    ];
    table::open(out, "Incidents against the labels", "", &columns)?;
    for (label, (outcome, index)) in verdicts.truth.iter().zip(&verdicts.labels) {
        let incident = index.and_then(|index| Some((index, model.incidents.get(index)?)));
        let (class, verdict) = wording(label, *outcome);
        let delay =
            incident.map_or(String::new(), |(_, incident)| quantity::duration((incident.start - label.start).max(0)));
        let told = incident.and_then(|(_, incident)| incident.told);
        let told = told.map_or(String::new(), |told| quantity::duration((told - label.start).max(0)));
        let link = incident.map_or("–".to_owned(), |(index, incident)| link(index, incident));
        writeln!(
            out,
            "<tr><td class=\"mark {class}\">{verdict}</td><td>{}</td><td class=\"id\">{}</td><td>{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{delay}</td><td class=\"n\">{told}</td><td>{link}</td></tr>",
            Escaped(&label.id),
            Escaped(&label.series),
            quantity::span(label.start, label.end),
            quantity::factor(label.magnitude, 1.0),
        )?;
    }
    for (index, incident) in model.incidents.iter().enumerate() {
        let (mark, label) = match verdicts.incidents.get(index) {
            Some(Meaning::False) => ("<td class=\"mark bad\">✗ false</td>", "–".to_owned()),
            Some(Meaning::Part(label)) => {
                let id = verdicts.truth.get(*label).map_or("", |label| &label.id);
                ("<td class=\"mark fine\">✓ follows from</td>", Escaped(id).to_string())
            }
            _ => continue,
        };
        writeln!(
            out,
            "<tr>{mark}<td>{label}</td><td class=\"id\">{}</td><td>{}</td>\
             <td class=\"n\">{}</td><td></td><td></td><td>{}</td></tr>",
            Escaped(&incident.series),
            quantity::span(incident.start, incident.until),
            quantity::factor(incident.observed, incident.expected),
            link(index, incident),
        )?;
    }
    table::close(out)
}

fn link(index: usize, incident: &Incident) -> String {
    format!("<a href=\"#incident-{}\">{} {} {}</a>", incident.place(index), incident.sign(), incident.kind(), index + 1)
}

fn wording(label: &Truth, outcome: Outcome) -> (&'static str, &'static str) {
    match (outcome, label.expect) {
        (Outcome::Right, Expectation::NoAlert) => ("fine", "✓ rightly quiet"),
        (Outcome::Right, Expectation::Notice) => ("fine", "✓ noticed"),
        (Outcome::Right, _) => ("fine", "✓ found"),
        (Outcome::WrongDirection, _) => match label.direction {
            Some(Direction::Drop) => ("bad", "✗ found as a spike"),
            _ => ("bad", "✗ found as a drop"),
        },
        (Outcome::Missed, _) => ("bad", "✗ missed"),
        (Outcome::Unwanted, _) => ("bad", "✗ alerted"),
    }
}
