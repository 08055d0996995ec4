//! `flowscore report`: events as a page for people.

use super::differ;
use super::input::InputArgs;
use super::log::tell;
use super::names::NamesArgs;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use flowscore_generate::Truth;
use flowscore_report::{Options, Report};
use host_test::source::inputs::{Inputs, Next};
use host_test::usage::Usage;

/// Make an HTML report of events
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore run flowlogs/ | flowscore report
  flowscore report events/ 's3://my-bucket/events/' --from 2026-01-30 --names names.csv
  flowscore report --input events.ndjson --truth truth.ndjson --output report.html

Inputs are events as `run`, `kinesis`, `s3` and `serve` write them. With `series.windows` in their configuration the page has the course of
each series; without, what the incidents tell of themselves. The page is one file that loads nothing from elsewhere.")]
pub(crate) struct ReportArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    names: NamesArgs,
    /// Score from which on a record counts as an anomaly in record mode (record.threshold)
    #[arg(long, value_name = "SCORE", default_value_t = 3.0)]
    threshold: f64,
    /// Labels to compare with, as `generate --truth` writes them
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// The page
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Title of the page
    #[arg(long, default_value = "Flow log anomalies")]
    title: String,
}

impl ReportArgs {
    /// Makes the report.
    pub(crate) fn run(&self) -> Result<()> {
        let truth = self.truth.as_deref().map(read_truth).transpose()?;
        let names = self.names.read()?;
        let input = self.input.open()?;
        let read = [self.truth.as_deref(), self.names.names.as_deref()];
        differ(&self.output, &input.paths().chain(read.into_iter().flatten()).collect::<Vec<_>>())?;
        let file = File::create(&self.output)
            .map_err(|error| Usage(format!("cannot write {}: {error}", self.output.display())))?;
        let mut problem = None;
        let events = Events { input, problem: &mut problem };
        let report = Report::with(events, Options { truth: truth.as_deref(), names, threshold: self.threshold });
        report.html(&self.title, BufWriter::new(file))?;
        if let Some(error) = problem {
            return Err(error);
        }
        if report.strangers() > 0 {
            tracing::warn!(
                "{} of the inputs' lines are no events: they have no `type` that `run` writes",
                report.strangers()
            );
        }
        if report.is_empty() {
            tracing::warn!("no events came; the report says so");
        }
        tell(format_args!("report: {}", self.output.display()));
        Ok(())
    }
}

/// The events of the inputs, up to the first that is none.
struct Events<'p> {
    input: Inputs,
    problem: &'p mut Option<anyhow::Error>,
}

impl Iterator for Events<'_> {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let next = self.input.next_payload().and_then(|next| match next {
            None => Ok(None),
            Some(Next::Damaged { name, damage }) => Err(anyhow::anyhow!("{name} is damaged: {damage}")),
            Some(Next::Payload(line, name)) => {
                let event = serde_json::from_slice(&line);
                event.map(Some).with_context(|| format!("{name}: not one of the expected JSON objects"))
            }
        });
        next.unwrap_or_else(|error| {
            *self.problem = Some(error);
            None
        })
    }
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Usage(format!("cannot read {}: {error}", path.display())).into())
}

fn read_truth(path: &Path) -> Result<Vec<Truth>> {
    lines(open(path)?, path).collect()
}

fn lines<T: serde::de::DeserializeOwned>(input: impl Read, path: &Path) -> impl Iterator<Item = Result<T>> {
    let name = path.display().to_string();
    let lines = BufReader::new(input).lines().enumerate();
    lines.filter(|(_, line)| !line.as_ref().is_ok_and(|line| line.trim().is_empty())).map(move |(at, line)| {
        let line = line.with_context(|| format!("cannot read {name}"))?;
        serde_json::from_str(&line)
            .with_context(|| format!("{name}, line {}: not one of the expected JSON objects", at + 1))
    })
}
