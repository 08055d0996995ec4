//! `flowscore backtest`: what would have been told of recorded data.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::input::{InputArgs, Piece, for_each_batch};
use super::log::tell;
use super::run::stats;
use super::{config_text, differ, load_to_wait_for, stdout};
use flowscore_report::{Report, quantity};
use host_test::backtest::{Alert, Changed, Comparison, SEVERITIES, Severity, Told};
use host_test::batch::{Scoring, with_windows};
use host_test::plugin::{Plugin, Totals};
use host_test::usage::Usage;

/// Pieces of events on their way to the report.
const PIECES: usize = 16;

/// Tell what would have been alerted on in recorded data, by one configuration or by two side by side
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore backtest flowlogs/
  flowscore backtest s3://my-bucket/AWSLogs/ --from 2026-01-01 --to 2026-02-01 --config flowscore.json --report january.html
  flowscore backtest flowlogs/ --config flowscore.json --config stricter.json
  flowscore backtest flowlogs/ --config a.json --config b.json --json | jq .changes.come

An alert is a group of incidents, or an incident that is in no group. Of two configurations the second is compared with the
first: which alerts come, which go, and which are told with another severity, begin or end. The detector learns from the
data as it would live, so the first hours tell less.")]
pub(crate) struct BacktestArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Configuration file; give two to compare them. Without it the defaults hold
    #[arg(long, value_name = "FILE")]
    config: Vec<PathBuf>,
    /// Run another build of the component instead of the built-in one
    #[arg(long, value_name = "FILE")]
    plugin: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Write a page of what was told, by the last configuration, as `report` does
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// A configuration, and what it tells.
struct Run {
    name: String,
    scoring: Scoring,
    told: Told,
}

impl BacktestArgs {
    /// Runs the data through each configuration.
    pub(crate) fn run(&self) -> Result<()> {
        if self.config.len() > 2 {
            return Err(Usage("--config: one configuration, or two to compare".into()).into());
        }
        let plugin = load_to_wait_for(self.plugin.as_deref())?;
        let mut runs = match &self.config[..] {
            [] => vec![Run::new(&plugin, None)?],
            files => files.iter().map(|file| Run::new(&plugin, Some(file))).collect::<Result<_>>()?,
        };
        let inputs = self.input.open()?;
        let count = inputs.count();
        let mut page = None;
        if let Some(path) = &self.report {
            differ(path, &inputs.paths().collect::<Vec<_>>())?;
            page = Some(Page::begin(path)?);
        }
        for_each_batch(inputs, |piece| {
            let last = runs.len() - 1;
            for (number, run) in runs.iter_mut().enumerate() {
                let mut events = Vec::new();
                match piece {
                    Piece::Batch(batch) => run.scoring.transform(batch, &mut events)?,
                    Piece::Damaged { name, damage } => run.scoring.give_up_input(name, damage, &mut events)?,
                };
                run.told.write_all(&events)?;
                if number == last
                    && let Some(page) = &page
                {
                    page.add(events)?;
                }
            }
            Ok(())
        })?;
        let mut totals = Vec::new();
        for run in &mut runs {
            let mut events = Vec::new();
            run.scoring.finish(&mut events)?;
            run.told.write_all(&events)?;
            totals.push((run.scoring.totals()?, events));
        }
        if let (Some(page), Some((totals, events))) = (page, totals.last_mut()) {
            page.add(std::mem::take(events))?;
            page.end(totals)?;
        }
        let mut out = stdout();
        let totals = totals.first().map(|(totals, _)| *totals).context("there is no configuration")?;
        if self.json {
            writeln!(out, "{}", as_json(&runs, &totals, count))?;
        } else {
            as_text(&runs, &totals, count, &mut out)?;
        }
        Ok(out.flush()?)
    }
}

impl Run {
    fn new(plugin: &Plugin, file: Option<&PathBuf>) -> Result<Self> {
        let text = config_text(file.map(PathBuf::as_path))?;
        let checked: Value = serde_json::from_str(&plugin.check_config(&text)?)?;
        let name = file.map_or_else(|| "defaults".into(), |file| file.display().to_string());
        if checked["mode"] != "window" {
            return Err(Usage(format!("{name}: backtest needs the mode \"window\", which tells of alerts")).into());
        }
        // They tell the time that the data is of.
        let (config, _) = with_windows(&text);
        Ok(Run { name, scoring: Scoring::new(plugin, &config)?, told: Told::default() })
    }

    /// How many alerts began on each day.
    fn days(&self) -> BTreeMap<String, u64> {
        let mut days = BTreeMap::new();
        for alert in self.told.alerts() {
            *days.entry(alert.start[..alert.start.len().min(10)].to_owned()).or_default() += 1;
        }
        days
    }

    fn of_severity(&self, severity: Severity) -> usize {
        self.told.alerts().iter().filter(|alert| alert.severity == severity).count()
    }
}

/// How many days of event time the data covers.
fn days(runs: &[Run]) -> Option<f64> {
    let (start, end) = runs.first()?.told.period()?;
    let time = |text: &str| Some(text.parse::<Timestamp>().ok()?.as_second());
    Some((time(end)? - time(start)?) as f64 / 86_400.0).filter(|days| *days > 0.0)
}

fn compared(runs: &[Run]) -> Option<Comparison<'_>> {
    match runs {
        [first, second] => Some(Comparison::new(&first.told.alerts(), &second.told.alerts())),
        _ => None,
    }
}

fn as_json(runs: &[Run], totals: &Totals, count: usize) -> Value {
    let configurations: Vec<Value> = runs
        .iter()
        .map(|run| {
            let severity: BTreeMap<_, _> =
                SEVERITIES.iter().map(|(severity, name)| (name, run.of_severity(*severity))).collect();
            let alerts = run.told.alerts();
            json!({
                "configuration": run.name, "alerts": alerts, "count": alerts.len(), "per_day": run.days(),
                "mean_per_day": days(runs).map(|days| alerts.len() as f64 / days), "by_severity": severity,
                "notices": run.told.notices(),
            })
        })
        .collect();
    let (from, to) = runs.first().and_then(|run| run.told.period()).unzip();
    json!({
        "inputs": count, "records": totals.records, "ok": totals.ok, "failed": totals.failed, "late": totals.late,
        "from": from, "to": to, "days": days(runs), "configurations": configurations, "changes": compared(runs),
    })
}

fn as_text(runs: &[Run], totals: &Totals, count: usize, out: &mut impl Write) -> Result<()> {
    let Totals { records, failed, late, .. } = totals;
    let inputs = if count == 1 { "input" } else { "inputs" };
    writeln!(out, "{records} records from {count} {inputs}: {failed} failed, {late} late")?;
    if let (Some((from, to)), Some(days)) = (runs.first().and_then(|run| run.told.period()), days(runs)) {
        writeln!(out, "{} to {} UTC, {}", minute(from), minute(to), quantity::duration((days * 86_400.0) as i64))?;
    }
    writeln!(out)?;
    let row = |out: &mut dyn Write, name: &str, value: &dyn Fn(&Run) -> String| {
        let values: Vec<String> = runs.iter().map(|run| format!("{:>24}", value(run))).collect();
        writeln!(out, "{name:<16}{}", values.concat())
    };
    row(out, "configuration", &|run| run.name.chars().rev().take(23).collect::<Vec<_>>().iter().rev().collect())?;
    row(out, "alerts", &|run| run.told.alerts().len().to_string())?;
    if let Some(days) = days(runs).filter(|days| *days >= 0.5) {
        row(out, "a day", &|run| format!("{:.1}", run.told.alerts().len() as f64 / days))?;
        row(out, "busiest day", &|run| {
            let busiest = run.days().into_iter().max_by_key(|(day, alerts)| (*alerts, std::cmp::Reverse(day.clone())));
            busiest.map_or("-".into(), |(day, alerts)| format!("{alerts} on {day}"))
        })?;
    }
    for (severity, name) in SEVERITIES.into_iter().rev() {
        row(out, &format!("  {name}"), &|run| run.of_severity(severity).to_string())?;
    }
    row(out, "notices", &|run| run.told.notices().values().sum::<u64>().to_string())?;
    match compared(runs) {
        None => list(out, "alerts", ' ', &runs.first().map(|run| run.told.alerts()).unwrap_or_default()),
        Some(Comparison { come, go, changed, same }) => {
            list(out, "come, with the second configuration only", '+', &come)?;
            list(out, "go, with the first configuration only", '-', &go)?;
            if !changed.is_empty() {
                writeln!(out, "\nchange")?;
            }
            for Changed { from, to } in changed {
                writeln!(out, "- {}\n+ {}", line(from), line(to))?;
            }
            Ok(writeln!(out, "\nsame: {same}")?)
        }
    }
}

fn list(out: &mut impl Write, title: &str, mark: char, alerts: &[&Alert]) -> Result<()> {
    if !alerts.is_empty() {
        writeln!(out, "\n{title}")?;
    }
    for alert in alerts {
        writeln!(out, "{mark} {}", line(alert))?;
    }
    Ok(())
}

/// An alert on one line.
fn line(alert: &Alert) -> String {
    let Alert { direction, series, value, start, end, severity, observed, expected, anomaly_score, .. } = alert;
    let time = |text: &str| text.parse::<Timestamp>().map_or(0, Timestamp::as_second);
    let lasts = quantity::duration(time(end) - time(start));
    let amount = |number: f64| match value.as_str() {
        "bytes" => quantity::bytes(number),
        value => format!("{} {value}", quantity::number(number)),
    };
    let score = anomaly_score.map(|score| format!(", score {score:.1}")).unwrap_or_default();
    let (observed, expected) = (amount(*observed), amount(*expected));
    let severity = severity.name();
    let line = format!(
        "{} {lasts:>10}  {direction:<5} {severity:<8} {series}  {observed} instead of {expected}{score}",
        minute(start)
    );
    // Digits are grouped for pages; a terminal has plain spaces.
    line.replace(['\u{a0}', '\u{202f}'], " ")
}

/// `2026-01-12 06:29`
fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// The report, which is made while events come.
struct Page {
    path: PathBuf,
    events: SyncSender<Vec<u8>>,
    made: JoinHandle<Result<()>>,
}

impl Page {
    fn begin(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| Usage(format!("cannot write {}: {error}", path.display())))?;
        let (events, pieces) = sync_channel(PIECES);
        let made = std::thread::spawn(move || render(&pieces, file));
        Ok(Page { path: path.to_owned(), events, made })
    }

    fn add(&self, events: Vec<u8>) -> Result<()> {
        self.events.send(events).map_err(|_| anyhow!("the report cannot be made"))
    }

    fn end(self, totals: &Totals) -> Result<()> {
        let mut counts = stats(totals, 0.0);
        counts["type"] = "stats".into();
        self.add(counts.to_string().into_bytes())?;
        drop(self.events);
        self.made.join().map_err(|_| anyhow!("the report cannot be made"))??;
        tell(format_args!("report: {}", self.path.display()));
        Ok(())
    }
}

fn render(pieces: &Receiver<Vec<u8>>, file: File) -> Result<()> {
    let lines = |piece: Vec<u8>| {
        let events = piece.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        events.collect::<Vec<_>>()
    };
    let report = Report::new(pieces.iter().flat_map(lines), None);
    Ok(report.html("Backtest of flow logs", BufWriter::new(file))?)
}
