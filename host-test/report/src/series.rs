//! All series at a glance.

use super::View;
use super::chart::Chart;
use super::escape::Escaped;
use super::quantity;
use super::table::{self, Column::Number, Column::Text};
use std::io::{self, Write};

/// Series drawn; those with most bytes.
const MOST_SERIES: usize = 120;
/// Points of all drawings together, and of each at most: a day by minutes.
const POINTS: usize = 36_000;
const MOST_POINTS: usize = 1_440;

pub(super) fn render(out: &mut dyn Write, view: &View) -> io::Result<()> {
    let (model, value) = (view.model, view.model.value);
    let Some((from, to)) = model.span.filter(|_| !model.series.is_empty()) else { return Ok(()) };
    out.write_all(b"<section id=\"series\">\n<h2>Series</h2>\n")?;
    let over_time = format!("{} over time", value.title());
    let columns =
        [Text("Series"), Text(over_time.as_str()), Number(value.title()), Number("Windows"), Number("Incidents")];
    table::open(out, "Series", "", &columns)?;
    let mut rows: Vec<_> = model.series.iter().collect();
    rows.sort_by(|(_, a), (_, b)| b.sums[value as usize].total_cmp(&a.sums[value as usize]));
    let points = (POINTS / rows.len().clamp(1, MOST_SERIES)).min(MOST_POINTS);
    for (name, history) in rows.iter().take(MOST_SERIES) {
        let own = model.incidents.iter().filter(|incident| incident.series == **name);
        let shaded: Vec<(i64, i64, &str)> =
            own.map(|incident| (incident.start, incident.until, incident.class())).collect();
        let drawn = history.between(from, to + 1, points, value);
        let description = format!(
            "{} of {name} over the whole time; {}.",
            value.title(),
            quantity::counted(shaded.len() as u64, "incident")
        );
        let step = history.step().max((to - from) / points as i64);
        write!(
            out,
            "<tr data-find=\"{} {}\"><td>{}</td><td>",
            Escaped(&view.names.or_key(name)),
            Escaped(name),
            view.series(name)
        )?;
        Chart { points: &drawn, value, step, from, to, shaded: &shaded, description: &description, small: true }
            .render(out)?;
        writeln!(
            out,
            "</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
            value.amount(history.sums[value as usize]),
            quantity::count(history.count),
            shaded.len()
        )?;
    }
    table::close(out)?;
    if rows.len() > MOST_SERIES {
        writeln!(out, "<p class=\"note\">The {MOST_SERIES} series with most bytes, of {}.</p>", rows.len())?;
    }
    out.write_all(b"</section>\n")
}
