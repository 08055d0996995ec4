//! A section for each incident: its course, its facts, what it is made of and who made it.

use super::chart::Chart;
use super::escape::Escaped;
use super::history::History;
use super::incident::Incident;
use super::model::Model;
use super::quantity;
use super::table::{self, Column::Number, Column::Text};
use super::text;
use super::verdict::{Meaning, Verdicts};
use flowscore_generate::Truth;
use std::io::{self, Write};

/// Incidents shown in full; those with the highest scores are.
const MOST_SECTIONS: usize = 150;
/// Points of a drawing: more than there are pixels on a telephone, few enough to keep the file small.
const POINTS: usize = 260;
const MOST_TALKERS: usize = 10;

pub(super) fn render(out: &mut dyn Write, model: &Model, verdicts: Option<&Verdicts>) -> io::Result<()> {
    if model.incidents.is_empty() {
        return Ok(());
    }
    out.write_all(b"<section id=\"incidents\">\n<h2>Incidents</h2>\n")?;
    if !model.series.is_empty() {
        out.write_all(
            b"<p class=\"key\"><span><i class=\"swatch observed\"></i>observed bytes in a window</span>\
              <span><i class=\"swatch expected\"></i>expected</span><span><i class=\"swatch band\"></i>expected \
              range</span><span><i class=\"swatch shade\"></i>incident</span></p>\n",
        )?;
    }
    let mut by_score: Vec<usize> = (0..model.incidents.len()).collect();
    let score = |index: usize| model.incidents[index].score.unwrap_or(0.0);
    by_score.sort_by(|a, b| score(*b).total_cmp(&score(*a)));
    let mut shown: Vec<usize> = by_score.into_iter().take(MOST_SECTIONS).collect();
    shown.sort_unstable();
    for (index, incident) in model.incidents.iter().enumerate() {
        if shown.binary_search(&index).is_err() {
            continue;
        }
        let meaning = verdicts.and_then(|verdicts| verdicts.incidents.get(index));
        let label = match (meaning, verdicts) {
            (Some(Meaning::Label(label) | Meaning::Part(label)), Some(verdicts)) => verdicts.truth.get(*label),
            _ => None,
        };
        let is_false = meaning == Some(&Meaning::False);
        section(out, index, incident, model.series.get(&incident.series), label, is_false)?;
    }
    let rest = model.incidents.len() - shown.len();
    if rest > 0 {
        writeln!(out, "<p class=\"note\">{rest} more incidents with lower scores are only listed:</p>")?;
        list(out, model, &shown)?;
    }
    out.write_all(b"</section>\n")
}

fn section(
    out: &mut dyn Write,
    index: usize,
    incident: &Incident,
    history: Option<&History>,
    label: Option<&Truth>,
    is_false: bool,
) -> io::Result<()> {
    let number = index + 1;
    let (kind, class, sign) = (incident.kind(), incident.class(), incident.sign());
    write!(
        out,
        "<article class=\"incident {class}\" id=\"incident-{number}\" aria-labelledby=\"heading-{number}\">\n\
         <h3 id=\"heading-{number}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {kind} on <span \
         class=\"id\">{}</span> <span class=\"factor\">{}</span></h3>\n<p class=\"sub\">{} UTC · {}",
        Escaped(&incident.series),
        quantity::factor(incident.observed, incident.expected),
        quantity::span(incident.start, incident.end),
        quantity::duration(incident.end - incident.start),
    )?;
    if !incident.closed {
        out.write_all(" · <strong>still open</strong>".as_bytes())?;
    }
    write!(out, " <span class=\"chip\">{} severity</span>", Escaped(incident.severity()))?;
    if is_false {
        out.write_all("<span class=\"chip bad\">✗ no label</span>".as_bytes())?;
    }
    out.write_all(b"</p>\n")?;
    if let Some(history) = history {
        course(out, incident, history)?;
    }
    out.write_all(b"<div class=\"columns\">\n")?;
    facts(out, incident, label)?;
    attribution(out, incident)?;
    out.write_all(b"</div>\n")?;
    talkers(out, incident, label)?;
    out.write_all(b"</article>\n")
}

/// The observed bytes around the incident: three times its length, at least two hours before it.
fn course(out: &mut dyn Write, incident: &Incident, history: &History) -> io::Result<()> {
    let (length, step) = (incident.end - incident.start, history.step());
    let from = incident.start - (2 * length).max(120 * step);
    let to = incident.end + length.max(45 * step);
    let points = history.between(from, to, POINTS);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Ok(()) };
    let (from, to) = (from.max(first.time), to.min(last.time + step));
    let description = format!(
        "Bytes of {} from {} UTC: {} observed where {} were expected during the incident from {}.",
        incident.series,
        quantity::span(from, to),
        quantity::bytes(incident.observed),
        quantity::bytes(incident.expected),
        quantity::span(incident.start, incident.end),
    );
    let shaded = [(incident.start, incident.end, incident.class())];
    let step = step.max((to - from) / POINTS as i64);
    let chart = Chart { points: &points, step, from, to, shaded: &shaded, description: &description, small: false };
    out.write_all(b"<figure>")?;
    chart.render(out)?;
    out.write_all(b"</figure>\n")
}

fn facts(out: &mut dyn Write, incident: &Incident, label: Option<&Truth>) -> io::Result<()> {
    let mut facts =
        vec![("Observed", quantity::bytes(incident.observed)), ("Expected", quantity::bytes(incident.expected))];
    if let Some((low, high)) = incident.range {
        facts.push(("Expected range", format!("{} – {}", quantity::bytes(low), quantity::bytes(high))));
    }
    let numbers = [("Score", incident.score), ("Grade", incident.grade), ("p", incident.p)];
    facts.extend(numbers.into_iter().filter_map(|(name, value)| Some((name, quantity::number(value?)))));
    if let Some(label) = label {
        facts.push(("Label", format!("{} ({})", Escaped(&label.id), quantity::factor(label.magnitude, 1.0))));
    }
    facts.push(("Id", format!("<span class=\"id\">{}</span>", Escaped(&incident.id))));
    out.write_all(b"<dl class=\"facts\">\n")?;
    for (name, value) in facts {
        writeln!(out, "<div><dt>{name}</dt><dd>{value}</dd></div>")?;
    }
    out.write_all(b"</dl>\n")
}

/// The parts that columns have in the score, as a share of the whole.
fn attribution(out: &mut dyn Write, incident: &Incident) -> io::Result<()> {
    let whole: f64 = incident.attribution.iter().map(|(_, part)| part.abs()).sum();
    if whole <= 0.0 {
        return Ok(());
    }
    out.write_all(b"<table class=\"attribution\">\n<caption>Attribution</caption>\n<tbody>\n")?;
    for (column, part) in &incident.attribution {
        let share = 100.0 * part.abs() / whole;
        writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{share:.0}\u{a0}%</td><td class=\"meter\">{}</td></tr>",
            Escaped(column),
            meter(share)
        )?;
    }
    out.write_all(b"</tbody>\n</table>\n")
}

/// A bar beside a number that says the same.
fn meter(percent: f64) -> String {
    format!("<i aria-hidden=\"true\" style=\"width:{:.0}%\"></i>", percent.clamp(0.0, 100.0))
}

fn talkers(out: &mut dyn Write, incident: &Incident, label: Option<&Truth>) -> io::Result<()> {
    if incident.talkers.is_empty() {
        return Ok(());
    }
    let injected = label.and_then(|label| label.top_talker.as_ref());
    let columns = [
        Text("Source"),
        Text("Destination"),
        Number("Port"),
        Text("Protocol"),
        Number("Bytes"),
        Number("Before"),
        Number("Share of the change"),
        Text(""),
    ];
    table::open(out, "Top talkers", "Top talkers: who made the change", &columns)?;
    for talker in incident.talkers.iter().take(MOST_TALKERS) {
        let named = injected.is_some_and(|injected| text::is_named(injected, talker));
        let many = |address: &str| if address.is_empty() { "many".to_owned() } else { Escaped(address).to_string() };
        let size = |bytes: Option<f64>| bytes.map_or("–".to_owned(), quantity::bytes);
        writeln!(
            out,
            "<tr><td class=\"id\">{}</td><td class=\"id\">{}</td><td class=\"n\">{}</td><td>{}</td>\
             <td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n share\">{}</td><td>{}</td></tr>",
            many(&talker.srcaddr),
            many(&talker.dstaddr),
            // 0: ports of clients, or a protocol without ports.
            talker.dstport.filter(|port| *port > 0).map_or("–".to_owned(), |port| port.to_string()),
            talker.protocol.map_or("–".to_owned(), quantity::protocol),
            size(talker.bytes),
            size(talker.baseline),
            talker.share.map_or("–".to_owned(), |share| {
                let percent = 100.0 * share;
                format!("{percent:.0}\u{a0}%<span class=\"meter\">{}</span>", meter(percent))
            }),
            if named { "<span class=\"chip fine\">✓ as labelled</span>" } else { "" },
        )?;
    }
    table::close(out)
}

/// Incidents without a section.
fn list(out: &mut dyn Write, model: &Model, shown: &[usize]) -> io::Result<()> {
    let columns = [Text("Incident"), Text("Series"), Text("Time (UTC)"), Number("Change"), Number("Score")];
    table::open(out, "Other incidents", "", &columns)?;
    let rest = model.incidents.iter().enumerate().filter(|(index, _)| shown.binary_search(index).is_err());
    for (index, incident) in rest.take(2000) {
        writeln!(
            out,
            "<tr id=\"incident-{0}\"><td>{1} {2} {0}</td><td class=\"id\">{3}</td><td>{4}</td><td class=\"n\">{5}</td>\
             <td class=\"n\">{6}</td></tr>",
            index + 1,
            incident.sign(),
            incident.kind(),
            Escaped(&incident.series),
            quantity::span(incident.start, incident.end),
            quantity::factor(incident.observed, incident.expected),
            incident.score.map_or(String::new(), quantity::number),
        )?;
    }
    table::close(out)
}
