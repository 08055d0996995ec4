//! `flowscore series`: a CSV file in, the same rows with scores out.

use std::io::{self, BufRead, Write};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::{PluginArgs, config_text, stdout};
use host_test::plugin::{Direction, Point, Series, SeriesMode, Verdict};
use host_test::usage::Usage;

/// Rows scored at once when they are at hand.
const BATCH: usize = 1024;

/// Bad rows that are told one by one; the rest is only counted.
const TOLD: u64 = 20;

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// The detector: 1 and above is an alert, in every series
    Detect,
    /// The retired service's random cut forest: 0 to 8, above 3 is unusual
    Rcf,
}

/// Score one series of values, given as CSV
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore series < requests.csv > scored.csv
  flowscore series --mode rcf --value-column bytes < flows.csv

Times are epoch seconds, epoch milliseconds, `2026-01-31 12:00:00` (read as UTC) or RFC 3339. An empty value is
unknown: it raises nothing and nothing is learned from it. Rows are in the order of time; one whose time runs backwards,
as local times do when summer ends, is scored at the time of the row above.")]
pub(crate) struct SeriesArgs {
    /// How to score
    #[arg(long, value_enum, default_value = "detect")]
    mode: Mode,
    /// The column that holds the time
    #[arg(long, default_value = "timestamp")]
    time_column: String,
    /// The column that holds the value
    #[arg(long, default_value = "value")]
    value_column: String,
    #[command(flatten)]
    plugin: PluginArgs,
}

impl SeriesArgs {
    /// Scores the series.
    pub(crate) fn run(&self) -> Result<()> {
        let mode = match self.mode {
            Mode::Detect => SeriesMode::Detect,
            Mode::Rcf => SeriesMode::Rcf,
        };
        let series = self.plugin.load_to_wait_for()?.series(mode, &config_text(self.plugin.config.as_deref())?)?;
        let mut out = stdout();
        self.score(series, io::stdin().lock(), &mut out)?;
        out.flush()?;
        Ok(())
    }

    fn score(&self, mut series: Series, input: impl BufRead, out: &mut impl Write) -> Result<()> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(input);
        let header = reader.byte_headers().context("cannot read the header line")?.clone();
        let column = |name: &str| {
            header.iter().position(|field| field == name.as_bytes()).ok_or_else(|| {
                let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
                Usage(format!("there is no column {name:?} in the header; the columns are {}", names.join(", ")))
            })
        };
        let (time_at, value_at) = (column(&self.time_column)?, column(&self.value_column)?);
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(out);
        let added = [&b"anomaly_score"[..], b"alert", b"direction", b"expected"];
        writer.write_byte_record(&header.iter().chain(added).collect())?;

        let (mut rows, mut points) = (Vec::new(), Vec::new());
        let (mut bad, mut early, mut latest) = (0u64, 0u64, None);
        let mut row = csv::ByteRecord::new();
        loop {
            let more = reader.read_byte_record(&mut row).context("cannot read the rows")?;
            if more {
                let line = row.position().map_or(0, csv::Position::line);
                let mut point = read(&row, time_at, value_at, &header).unwrap_or_else(|problem| {
                    bad += 1;
                    if bad <= TOLD {
                        tracing::warn!("line {line}: {problem}; the row gets score 0 and nothing is learned from it");
                    }
                    Point { time: latest.unwrap_or(0), value: None }
                });
                if let Some(above) = latest.filter(|above| point.time < *above) {
                    early += 1;
                    if early == 1 {
                        tracing::warn!("line {line}: the time is before that of the row above, which is taken instead");
                    }
                    point.time = above;
                }
                latest = Some(point.time);
                points.push(point);
                rows.push(row.clone());
            }
            if points.len() == BATCH || !more {
                for (row, verdict) in rows.iter().zip(series.observe(&points)?) {
                    write(&mut writer, row, &verdict)?;
                }
                rows.clear();
                points.clear();
            }
            if !more {
                break;
            }
        }
        writer.flush()?;
        if bad > TOLD {
            tracing::warn!("{bad} rows in all could not be used");
        }
        if early > 1 {
            tracing::warn!("{early} rows in all have a time before that of the row above");
        }
        Ok(())
    }
}

/// The point of a row, or what is wrong with it.
fn read(row: &csv::ByteRecord, time_at: usize, value_at: usize, header: &csv::ByteRecord) -> Result<Point> {
    let field = |at: usize| -> Result<&str> {
        let name = String::from_utf8_lossy(&header[at]);
        let field = row.get(at).with_context(|| {
            format!("the row has {} fields and the header {}; column {name} is missing", row.len(), header.len())
        })?;
        Ok(std::str::from_utf8(field).with_context(|| format!("column {name} is not UTF-8 text"))?.trim())
    };
    let text = field(time_at)?;
    let time = milliseconds(text).with_context(|| {
        format!("time {text:?} is not epoch seconds or milliseconds, `YYYY-MM-DD hh:mm:ss` or RFC 3339")
    })?;
    let text = field(value_at)?;
    if text.is_empty() {
        return Ok(Point { time, value: None });
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Point { time, value: Some(value) }),
        _ => bail!("value {text:?} is not a finite number"),
    }
}

/// A time in milliseconds since the Unix epoch.
fn milliseconds(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<f64>() {
        // 1e11 seconds are in the year 5138, 1e11 milliseconds in 1973.
        let scale = if number.abs() < 1e11 { 1000.0 } else { 1.0 };
        return (number.is_finite() && number.abs() < 1e15).then_some((number * scale) as i64);
    }
    super::milliseconds(text)
}

fn write<W: Write>(writer: &mut csv::Writer<W>, row: &csv::ByteRecord, verdict: &Verdict) -> Result<()> {
    let direction = match verdict.direction {
        Some(Direction::Spike) => "spike",
        Some(Direction::Drop) => "drop",
        None => "",
    };
    let expected = verdict.expected.map(|expected| expected.to_string()).unwrap_or_default();
    let alert = if verdict.alert { "1" } else { "0" };
    for field in row {
        writer.write_field(field)?;
    }
    for field in [&verdict.anomaly_score.to_string(), alert, direction, &expected] {
        writer.write_field(field)?;
    }
    writer.write_record(None::<&[u8]>)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::milliseconds;

    #[test]
    fn times_are_read_in_every_documented_form() {
        for (text, expected) in [
            ("1418530010", Some(1_418_530_010_000)),
            ("1418530010.5", Some(1_418_530_010_500)),
            ("1418530010123", Some(1_418_530_010_123)),
            ("2014-12-14 04:06:50", Some(1_418_530_010_000)),
            ("2014-12-14T04:06:50", Some(1_418_530_010_000)),
            ("2014-12-14T05:06:50.25+01:00", Some(1_418_530_010_250)),
            ("yesterday", None),
            ("NaN", None),
        ] {
            assert_eq!(milliseconds(text), expected, "{text}");
        }
    }
}
