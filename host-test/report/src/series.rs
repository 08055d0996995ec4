//! All series at a glance.

use super::chart::Chart;
use super::escape::Escaped;
use super::model::Model;
use super::quantity;
use super::table::{self, Column::Number, Column::Text};
use std::io::{self, Write};

/// Series drawn; those with most bytes.
const MOST_SERIES: usize = 120;
/// Points of a small drawing.
const POINTS: usize = 160;

pub(super) fn render(out: &mut dyn Write, model: &Model) -> io::Result<()> {
    let Some((from, to)) = model.span.filter(|_| !model.series.is_empty()) else { return Ok(()) };
    out.write_all(b"<section id=\"series\">\n<h2>Series</h2>\n")?;
    let columns = [Text("Series"), Text("Bytes over time"), Number("Bytes"), Number("Windows"), Number("Incidents")];
    table::open(out, "Series", "", &columns)?;
    let mut rows: Vec<_> = model.series.iter().collect();
    rows.sort_by(|(_, a), (_, b)| b.sum.total_cmp(&a.sum));
    for (name, history) in rows.iter().take(MOST_SERIES) {
        let own = model.incidents.iter().filter(|incident| incident.series == **name);
        let shaded: Vec<(i64, i64, &str)> =
            own.map(|incident| (incident.start, incident.end, incident.class())).collect();
        let points = history.between(from, to + 1, POINTS);
        let description = format!("Bytes of {name} over the whole time; {} incidents.", shaded.len());
        let step = history.step().max((to - from) / POINTS as i64);
        write!(out, "<tr><td class=\"id\">{}</td><td>", Escaped(name))?;
        Chart { points: &points, step, from, to, shaded: &shaded, description: &description, small: true }
            .render(out)?;
        writeln!(
            out,
            "</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            quantity::bytes(history.sum),
            quantity::count(history.windows),
            shaded.len()
        )?;
    }
    table::close(out)?;
    if rows.len() > MOST_SERIES {
        writeln!(out, "<p class=\"note\">The {MOST_SERIES} series with most bytes, of {}.</p>", rows.len())?;
    }
    out.write_all(b"</section>\n")
}
