//! Record mode: the distribution of scores, and the records that scored highest.

use super::escape::Escaped;
use super::incident::text;
use super::model::Model;
use super::quantity;
use super::table::{self, Column, Column::Number, Column::Text};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Records shown.
const HIGHEST: usize = 50;
/// Records kept while reading, before they are cut down to the highest.
const KEPT: usize = 20 * HIGHEST;
/// Width of a bar of the distribution.
const BIN: f64 = 0.25;
/// Columns of the table, as far as records have them; then come others.
const COLUMNS: [&str; 9] =
    ["start", "interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes"];
const MOST_COLUMNS: usize = 10;
/// What is kept of the event beside its record.
const EXPLANATION: &str = "anomaly_explanation";

/// Scores of records, collected.
#[derive(Debug, Default)]
pub(super) struct Scores {
    highest: Vec<(f64, Map<String, Value>)>,
    /// Number of records by score, in units of [`BIN`].
    bins: BTreeMap<u32, u64>,
    /// Scores from here down need not be kept.
    least: f64,
    /// The score from which on a record counts as an anomaly, and how many do.
    threshold: f64,
    anomalies: u64,
}

impl Scores {
    pub(super) fn new(threshold: f64) -> Self {
        Scores { threshold, ..Scores::default() }
    }

    /// How many records score the threshold or more, of how many, and that score.
    pub(super) fn anomalies(&self) -> (u64, u64, f64) {
        (self.anomalies, self.bins.values().sum(), self.threshold)
    }

    pub(super) fn add(&mut self, event: &Value) {
        let Some(score) = event.get("anomaly_score").and_then(Value::as_f64) else { return };
        self.count_one(score);
        if score > self.least
            && let Some(record) = event.get("record").and_then(Value::as_object)
        {
            let mut record = record.clone();
            if let Some(explanation) = event.get(EXPLANATION) {
                record.insert(EXPLANATION.to_owned(), explanation.clone());
            }
            self.highest.push((score, record));
            if self.highest.len() >= KEPT {
                self.finish();
            }
        }
    }

    /// Counts a score, without the record.
    pub(super) fn count_one(&mut self, score: f64) {
        *self.bins.entry((score / BIN).clamp(0.0, 4000.0) as u32).or_default() += 1;
        self.anomalies += u64::from(score >= self.threshold);
    }

    /// Whether the record of this score would not be shown.
    pub(super) fn is_ordinary(&self, score: f64) -> bool {
        score <= self.least
    }

    /// Cuts down to the highest. Records with equal scores stay in the order in which they came.
    pub(super) fn finish(&mut self) {
        self.highest.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        self.highest.truncate(HIGHEST);
        if self.highest.len() == HIGHEST {
            self.least = self.highest.last().map_or(0.0, |(score, _)| *score);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bins.is_empty()
    }

    pub(super) fn count(&self) -> u64 {
        self.bins.values().sum()
    }

    /// The score that a share of the records stays below, to the width of a bar.
    fn quantile(&self, share: f64) -> f64 {
        let wanted = self.count() as f64 * share;
        let mut sum = 0;
        let bin = self.bins.iter().find(|(_, count)| {
            sum += **count;
            sum as f64 >= wanted
        });
        bin.map_or(0.0, |(bin, _)| f64::from(bin + 1) * BIN)
    }
}

pub(super) fn render(out: &mut dyn Write, model: &Model) -> io::Result<()> {
    let scores = &model.scores;
    if scores.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "<section id=\"scores\">\n<h2>Record scores</h2>\n<p>{} scored, of which <strong>{}</strong> at or \
         above the threshold of {}. Half are below {}, 99 % below {}, 99.9 % below {}.</p>",
        quantity::counted(scores.count(), "record"),
        quantity::count(scores.anomalies),
        quantity::number(scores.threshold),
        quantity::number(scores.quantile(0.5)),
        quantity::number(scores.quantile(0.99)),
        quantity::number(scores.quantile(0.999)),
    )?;
    distribution(out, scores)?;
    highest(out, scores)?;
    out.write_all(b"</section>\n")
}

/// Bars on a logarithmic scale: the few high scores are what one looks for. The numbers follow as a table.
fn distribution(out: &mut dyn Write, scores: &Scores) -> io::Result<()> {
    let last = scores.bins.keys().next_back().copied().unwrap_or(0);
    // Wide ranges are put together to at most forty bars.
    let merge = (last + 1).div_ceil(40);
    let mut bars: BTreeMap<u32, u64> = BTreeMap::new();
    for (bin, count) in &scores.bins {
        *bars.entry(bin / merge).or_default() += count;
    }
    let most = bars.values().copied().max().unwrap_or(1) as f64;
    let slots = last / merge + 1;
    out.write_all(b"<div class=\"bars\" aria-hidden=\"true\">")?;
    for slot in 0..slots {
        let count = bars.get(&slot).copied().unwrap_or(0);
        let height = if count == 0 { 0.0 } else { 100.0 * libm::log1p(count as f64) / libm::log1p(most) };
        let low = f64::from(slot * merge) * BIN;
        let title = format!("{}: {}", quantity::number(low), quantity::count(count));
        // A bar that the threshold goes through counts as below it.
        let class = if low >= scores.threshold { " class=\"above\"" } else { "" };
        write!(out, "<i{class} style=\"height:{height:.1}%\" title=\"{title}\"></i>")?;
    }
    let place = 100.0 * scores.threshold / (f64::from(slots * merge) * BIN);
    if (0.0..=100.0).contains(&place) {
        let threshold = quantity::number(scores.threshold);
        write!(out, "<b class=\"threshold\" style=\"left:{place:.1}%\"><span>threshold {threshold}</span></b>")?;
    }
    writeln!(
        out,
        "</div>\n<p class=\"ends\" aria-hidden=\"true\"><span>0</span>\
         <span>score (bars: number of records, logarithmic)</span><span>{}</span></p>",
        quantity::number(f64::from(slots * merge) * BIN)
    )?;
    out.write_all(
        b"<details><summary>Distribution as a table</summary><table>\n<thead><tr><th class=\"n\">Score from</th>\
          <th class=\"n\">to</th><th class=\"n\">Records</th></tr></thead>\n<tbody>\n",
    )?;
    for (slot, count) in &bars {
        let edge = |slot: u32| quantity::number(f64::from(slot * merge) * BIN);
        let (low, high, count) = (edge(*slot), edge(slot + 1), quantity::count(*count));
        writeln!(out, "<tr><td class=\"n\">{low}</td><td class=\"n\">{high}</td><td class=\"n\">{count}</td></tr>")?;
    }
    out.write_all(b"</tbody>\n</table></details>\n")
}

fn highest(out: &mut dyn Write, scores: &Scores) -> io::Result<()> {
    let has = |column: &str| scores.highest.iter().any(|(_, record)| record.contains_key(column));
    let mut columns: Vec<String> =
        COLUMNS.iter().filter(|column| has(column)).map(|column| (*column).to_owned()).collect();
    // Rows of other kinds than flow records have columns of their own.
    if let Some((_, record)) = scores.highest.first() {
        let is_shown = |name: &str, value: &Value| name != EXPLANATION && !value.is_object() && !value.is_array();
        let others = record.iter().filter(|(name, value)| is_shown(name, value));
        let new: Vec<String> = others.map(|(name, _)| name.clone()).filter(|name| !columns.contains(name)).collect();
        columns.extend(new);
        columns.truncate(MOST_COLUMNS);
    }
    let is_number = |column: &str| {
        let mut values = scores.highest.iter().filter_map(|(_, record)| record.get(column));
        values.all(Value::is_number)
    };
    let named = columns.iter().map(|name| if is_number(name) { Number(name) } else { Text(name) });
    let heads: Vec<Column> = [Number("Score")].into_iter().chain(named).chain([Text("Because of")]).collect();
    let caption = match scores.highest.len() {
        1 => "The record with the highest score".to_owned(),
        count => format!("The {count} records with the highest scores"),
    };
    table::open(out, "Highest scores", &caption, &heads)?;
    for (score, record) in &scores.highest {
        let record = Value::Object(record.clone());
        let mark = if *score >= scores.threshold { "<span class=\"chip bad\">▲ anomaly</span> " } else { "" };
        write!(out, "<tr><td class=\"n\">{mark}<strong>{score:.2}</strong></td>")?;
        for column in &columns {
            let class = if is_number(column) { "n" } else { "id" };
            write!(out, "<td class=\"{class}\">{}</td>", Escaped(&cell(&record, column)))?;
        }
        writeln!(out, "<td>{}</td></tr>", Escaped(&reason(&record)))?;
    }
    table::close(out)
}

/// A value as text; the times of a flow record as times.
fn cell(record: &Value, column: &str) -> String {
    let seconds = record.get(column).and_then(Value::as_i64).filter(|_| ["start", "end"].contains(&column));
    seconds.map_or_else(|| text(record, column), quantity::minute)
}

/// The columns that contributed most, with their direction.
fn reason(record: &Value) -> String {
    let explanation = record.get(EXPLANATION);
    // As an object, or as the JSON text that the retired service gave.
    let parsed = explanation.and_then(Value::as_str).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Some(columns) = parsed.as_ref().or(explanation).and_then(Value::as_object) else { return String::new() };
    let strength = |value: &Value| -> f64 {
        let field = value.get("ATTRIBUTION_SCORE").or_else(|| value.get("attribution_score")).unwrap_or(value);
        field.as_f64().or_else(|| field.as_str()?.parse().ok()).unwrap_or(0.0)
    };
    let mut parts: Vec<(f64, String)> = columns
        .iter()
        .map(|(column, value)| {
            let direction = value.get("DIRECTION").or_else(|| value.get("direction")).and_then(Value::as_str);
            let sign = match direction.map(str::to_ascii_lowercase).as_deref() {
                Some("high") => " ▲",
                Some("low") => " ▼",
                _ => "",
            };
            (strength(value), format!("{column}{sign}"))
        })
        .collect();
    parts.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    parts.into_iter().take(2).map(|(_, text)| text).collect::<Vec<_>>().join(", ")
}
