//! A section for each incident, the worst first: in one sentence, its course, its facts, what it is made of, who made it, and where to
//! go on from it. Incidents that began together stand in the section of their group.

use super::View;
use super::chart::Chart;
use super::entry::{Entry, entries};
use super::escape::Escaped;
use super::group::Group;
use super::history::History;
use super::incident::{self, Incident, TopTalker};
use super::model::Model;
use super::quantity;
use super::query::Subject;
use super::sentence;
use super::sketch;
use super::table::{self, Column::Number, Column::Text};
use super::text;
use super::verdict::{Meaning, Verdicts};
use flowscore_generate::Truth;
use std::collections::BTreeSet;
use std::io::{self, Write};

/// Incidents shown in full; the worst are.
const MOST_SECTIONS: usize = 100;
/// Incidents that are listed besides.
const MOST_LISTED: usize = 1_000;
/// Points of a drawing: more than there are pixels on a telephone, few enough to keep the file small.
const POINTS: usize = 240;

/// What all sections are made of.
struct Sections<'a> {
    view: &'a View<'a>,
    model: &'a Model,
    verdicts: Option<&'a Verdicts<'a>>,
    /// Incidents that have a section.
    shown: BTreeSet<usize>,
}

pub(super) fn render(out: &mut dyn Write, view: &View, verdicts: Option<&Verdicts>) -> io::Result<()> {
    let model = view.model;
    if model.incidents.is_empty() && model.groups.is_empty() {
        return Ok(());
    }
    out.write_all(b"<section id=\"incidents\">\n<h2>Incidents, the worst first</h2>\n")?;
    key(out, model)?;
    let entries = entries(model, view.is_live());
    let in_order = entries.iter().flat_map(|entry| match entry {
        Entry::Incident(index) => std::slice::from_ref(index),
        Entry::Group(_, members) => members,
    });
    let shown: BTreeSet<usize> = in_order.copied().take(MOST_SECTIONS).collect();
    let sections = Sections { view, model, verdicts, shown };
    for entry in &entries {
        match entry {
            Entry::Incident(index) => sections.incident(out, *index, 3)?,
            Entry::Group(index, members) => sections.group(out, *index, members)?,
        }
    }
    sections.rest(out)?;
    out.write_all(b"</section>\n")
}

fn key(out: &mut dyn Write, model: &Model) -> io::Result<()> {
    let (name, with_course) = (model.value.name(), !model.series.is_empty());
    write!(out, "<p class=\"key\"><span><i class=\"swatch observed\"></i>")?;
    if with_course {
        write!(out, "observed {name} in a window")?;
    } else {
        write!(
            out,
            "observed {name} in a window, on average</span><span><i class=\"swatch peak\"></i>in the worst window"
        )?;
    }
    out.write_all(
        b"</span><span><i class=\"swatch expected\"></i>expected</span><span><i class=\"swatch band\"></i>expected range</span><span><i \
          class=\"swatch shade\"></i>incident</span></p>\n",
    )?;
    if !with_course {
        out.write_all(
            b"<p class=\"note\">There were no window events (<code>series.windows</code>), so this is what the incidents tell of \
              themselves.</p>\n",
        )?;
    }
    Ok(())
}

impl Sections<'_> {
    /// An incident in full, if it has a section.
    fn incident(&self, out: &mut dyn Write, index: usize, level: usize) -> io::Result<()> {
        let (names, incident) = (self.view.names, &self.model.incidents[index]);
        if !self.shown.contains(&index) {
            return Ok(());
        }
        let meaning = self.verdicts.and_then(|verdicts| verdicts.incidents.get(index));
        let label = match (meaning, self.verdicts) {
            (Some(Meaning::Label(label) | Meaning::Part(label)), Some(verdicts)) => verdicts.truth.get(*label),
            _ => None,
        };
        let number = incident.place(index);
        let (kind, class, sign, rank) = (incident.kind(), incident.class(), incident.sign(), incident.rank().0);
        let Incident { start, until: end, series, closed, .. } = incident;
        let state = if *closed { "closed" } else { "open" };
        write!(
            out,
            "<article class=\"incident {class}\" id=\"incident-{number}\" aria-labelledby=\"heading-{number}\" tabindex=\"-1\" \
             data-start=\"{start}\" data-end=\"{end}\" data-rank=\"{rank}\" data-way=\"{class}\" data-state=\"{state}\" \
             data-find=\"{} {}\">\n<h{level} id=\"heading-{number}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {kind} on \
             {} <span class=\"factor\">{}</span></h{level}>\n<p class=\"words\">{}.</p>\n<p class=\"sub\">{} UTC · {}",
            Escaped(&names.or_key(series)),
            Escaped(series),
            self.view.series(series),
            quantity::factor(incident.observed, incident.expected),
            Escaped(&sentence::of_incident(incident, names)),
            quantity::span(*start, *end),
            quantity::duration(end - start),
        )?;
        ending(out, *closed, &sentence::end(&incident.reason, incident.level, incident.value))?;
        write!(out, " <span class=\"chip rank{rank}\">{} severity</span>", Escaped(incident.severity()))?;
        if incident.is_provisional() {
            out.write_all(b" <span class=\"chip\">provisional: late records may still take it back</span>")?;
        }
        if meaning == Some(&Meaning::False) {
            out.write_all("<span class=\"chip bad\">✗ no label</span>".as_bytes())?;
        }
        out.write_all(b"</p>\n")?;
        match self.model.series.get(series) {
            Some(history) => course(out, incident, history)?,
            None => sketch::render(out, incident)?,
        }
        out.write_all(b"<div class=\"columns\">\n")?;
        facts(out, incident, label)?;
        attribution(out, incident)?;
        out.write_all(b"</div>\n")?;
        self.members(out, incident)?;
        talkers(out, &incident.talkers, label)?;
        go_on(out, &Subject::incident(incident), &number)?;
        out.write_all(b"</article>\n")
    }

    /// Incidents that began together.
    fn group(&self, out: &mut dyn Write, index: usize, members: &[usize]) -> io::Result<()> {
        let group = &self.model.groups[index];
        let Group { start, until: end, series_count, closed, severity, .. } = group;
        let (number, class) = (incident::place(&group.id, index), incident::class(group.direction));
        let (kind, sign, rank) =
            (incident::kind(group.direction), incident::sign(group.direction), group.severity_rank());
        let state = if *closed { "closed" } else { "open" };
        let names = self.view.names;
        let mut found = String::new();
        for member in &group.members {
            found = format!("{found} {} {}", names.or_key(&member.series), member.series);
        }
        write!(
            out,
            "<article class=\"incident group {class}\" id=\"group-{number}\" aria-labelledby=\"group-heading-{number}\" tabindex=\"-1\" \
             data-start=\"{start}\" data-end=\"{end}\" data-rank=\"{rank}\" data-way=\"{class}\" data-state=\"{state}\" \
             data-find=\"{}\">\n<h3 id=\"group-heading-{number}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span> {kind} on \
             {series_count} series together <span class=\"factor\">{}</span></h3>\n<p class=\"words\">{}.</p>\n<p class=\"sub\">{} UTC · {}",
            Escaped(found.trim_start()),
            quantity::factor(group.observed, group.expected),
            Escaped(&sentence::of_group(group)),
            quantity::span(*start, *end),
            quantity::duration(end - start),
        )?;
        ending(out, *closed, &sentence::end(&group.reason, None, group.value))?;
        writeln!(out, " <span class=\"chip rank{rank}\">{} severity</span></p>", Escaped(severity))?;
        let columns = [Text("Series"), Number("Share of the change"), Text("Incident")];
        table::open(out, "Members", "Members: largest change first", &columns)?;
        for member in &group.members {
            let incident = self.model.incident(&member.id).and_then(|at| Some((at, self.model.incidents.get(at)?)));
            let link = incident.map_or("–".to_owned(), |(at, incident)| {
                format!(
                    "<a href=\"#incident-{}\">{} {}</a>",
                    incident.place(at),
                    incident.sign(),
                    quantity::factor(incident.observed, incident.expected)
                )
            });
            writeln!(
                out,
                "<tr><td>{}</td><td class=\"n\">{}</td><td>{link}</td></tr>",
                self.view.series(&member.series),
                quantity::percent(member.share)
            )?;
        }
        table::close(out)?;
        talkers(out, &group.talkers, None)?;
        go_on(out, &Subject::group(group), &format!("group-{number}"))?;
        let in_full: Vec<usize> = members.iter().copied().filter(|index| self.shown.contains(index)).collect();
        if !in_full.is_empty() {
            writeln!(
                out,
                "<details class=\"members\" id=\"members-{number}\"><summary>{} in full</summary>",
                sentence::incidents(in_full.len())
            )?;
            for index in in_full {
                self.incident(out, index, 4)?;
            }
            out.write_all(b"</details>\n")?;
        }
        out.write_all(b"</article>\n")
    }

    /// The series that made the difference in a total.
    fn members(&self, out: &mut dyn Write, incident: &Incident) -> io::Result<()> {
        if incident.members.is_empty() {
            return Ok(());
        }
        table::open(out, "Parts", "Series that made the change", &[Text("Series"), Number("Share of the change")])?;
        for (series, share) in &incident.members {
            writeln!(
                out,
                "<tr><td>{}</td><td class=\"n\">{}</td></tr>",
                self.view.series(series),
                quantity::percent(*share)
            )?;
        }
        table::close(out)
    }

    /// Incidents without a section.
    fn rest(&self, out: &mut dyn Write) -> io::Result<()> {
        let rest = self.model.incidents.len() - self.shown.len();
        if rest == 0 {
            return Ok(());
        }
        let (more, are) = (quantity::counted(rest as u64, "more incident"), if rest == 1 { "is" } else { "are" });
        writeln!(out, "<p class=\"note\">{more}, less severe, {are} only listed:</p>")?;
        let columns =
            [Text("Incident"), Text("Series"), Text("Time (UTC)"), Number("Change"), Number("Score"), Text("Severity")];
        table::open(out, "Other incidents", "", &columns)?;
        let listed = self.model.incidents.iter().enumerate().filter(|(index, _)| !self.shown.contains(index));
        for (index, incident) in listed.take(MOST_LISTED) {
            let Incident { start, until: end, series, .. } = incident;
            writeln!(
                out,
                "<tr id=\"incident-{12}\" data-start=\"{start}\" data-end=\"{end}\" data-rank=\"{1}\" data-way=\"{2}\" \
                 data-state=\"{3}\" data-find=\"{4}\"><td>{5} {6} {0}</td><td>{7}</td><td>{8}</td><td class=\"n\">{9}</td>\
                 <td class=\"n\">{10}</td><td>{11}</td></tr>",
                index + 1,
                incident.rank().0,
                incident.class(),
                if incident.closed { "closed" } else { "open" },
                Escaped(&self.view.names.or_key(series)),
                incident.sign(),
                incident.kind(),
                self.view.series(series),
                quantity::span(*start, *end),
                quantity::factor(incident.observed, incident.expected),
                incident.score.map_or(String::new(), quantity::number),
                Escaped(incident.severity()),
                incident.place(index),
            )?;
        }
        table::close(out)
    }
}

/// Whether it goes on, or how it came to its end.
fn ending(out: &mut dyn Write, closed: bool, end: &str) -> io::Result<()> {
    match (closed, end) {
        (false, _) => out.write_all(" · <strong>still open</strong>".as_bytes()),
        (true, "") => Ok(()),
        (true, end) => write!(out, " · {}", Escaped(end)),
    }
}

/// Links and queries, folded.
fn go_on(out: &mut dyn Write, subject: &Subject, number: &str) -> io::Result<()> {
    write!(
        out,
        "<details class=\"go-on\" id=\"go-on-{number}\"><summary>Go on from here</summary>\n<p class=\"links\">"
    )?;
    for link in subject.links() {
        write!(out, "<a href=\"{}\" rel=\"noreferrer\" target=\"_blank\">{}</a> ", link.url, link.name)?;
    }
    out.write_all(b"</p>\n")?;
    for query in subject.queries() {
        writeln!(out, "<h4>{}</h4>\n<pre tabindex=\"0\">{}</pre>", query.name, Escaped(&query.text))?;
    }
    out.write_all(b"</details>\n")
}

/// What was observed around the incident: three times its length, at least two hours before it.
fn course(out: &mut dyn Write, incident: &Incident, history: &History) -> io::Result<()> {
    let value = incident.value;
    let (length, step) = (incident.until - incident.start, history.step());
    let from = incident.start - (2 * length).max(120 * step);
    let to = incident.until + length.max(45 * step);
    let points = history.between(from, to, POINTS, incident.value);
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return sketch::render(out, incident) };
    let (from, to) = (from.max(first.time), to.min(last.time + step));
    let description = format!(
        "{} of {} from {} UTC: {} observed where {} were expected during the incident from {}.",
        value.title(),
        incident.series,
        quantity::span(from, to),
        value.amount(incident.observed),
        value.amount(incident.expected),
        quantity::span(incident.start, incident.until),
    );
    let shaded = [(incident.start, incident.until, incident.class())];
    let step = step.max((to - from) / POINTS as i64);
    let chart =
        Chart { points: &points, value, step, from, to, shaded: &shaded, description: &description, small: false };
    out.write_all(b"<figure>")?;
    chart.render(out)?;
    out.write_all(b"</figure>\n")
}

fn facts(out: &mut dyn Write, incident: &Incident, label: Option<&Truth>) -> io::Result<()> {
    let value = incident.value;
    let mut facts = vec![
        ("Worst window", format!("{} UTC", quantity::clock(incident.peak))),
        ("Observed in it", value.amount(incident.observed)),
        ("Expected", value.amount(incident.expected)),
    ];
    if let Some((low, high)) = incident.range {
        facts.push(("Expected range", format!("{} – {}", value.amount(low), value.amount(high))));
    }
    if let Some((observed, expected)) = incident.totals {
        facts.push(("In all", format!("{} instead of {}", value.amount(observed), value.amount(expected))));
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

fn talkers(out: &mut dyn Write, talkers: &[TopTalker], label: Option<&Truth>) -> io::Result<()> {
    if talkers.is_empty() {
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
    for talker in talkers {
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
