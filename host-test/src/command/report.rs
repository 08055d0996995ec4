//! `flowscore report`: events as a page for people.

use super::differ;
use super::log::tell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use flowscore_generate::Truth;
use host_test::usage::Usage;

/// Make an HTML report of events
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore run --input payloads.txt | flowscore report --output report.html
  flowscore report --input events.ndjson --truth truth.ndjson --output report.html")]
pub(crate) struct ReportArgs {
    /// File with events, one JSON object a line; `-` is standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: PathBuf,
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
        let input: Box<dyn Read> =
            if self.input == Path::new("-") { Box::new(io::stdin()) } else { Box::new(open(&self.input)?) };
        differ(&self.output, &[&self.input, self.truth.as_deref().unwrap_or(Path::new(""))])?;
        let events = lines::<Value>(input, &self.input);
        write(&self.output, events, truth.as_deref(), &self.title)
    }
}

/// Writes a report.
pub(crate) fn write(
    path: &Path,
    events: impl Iterator<Item = Result<Value>>,
    truth: Option<&[Truth]>,
    title: &str,
) -> Result<()> {
    let file = File::create(path).map_err(|error| Usage(format!("cannot write {}: {error}", path.display())))?;
    let mut problem = None;
    let good = events.map_while(|event| event.map_err(|error| problem = Some(error)).ok());
    flowscore_report::render(good, truth, title, BufWriter::new(file))?;
    match problem {
        Some(error) => Err(error),
        None => {
            tell(format_args!("report: {}", path.display()));
            Ok(())
        }
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
