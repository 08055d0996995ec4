//! `flowscore generate`: realistic, labelled flow logs.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};

use super::log::tell;
use super::output;
use super::progress::Progress;
use flowscore_generate::{LogFormat, Scenario, Truth, Wrapping};
use host_test::usage::Usage;

/// How long the stream is.
#[derive(Clone, Copy, ValueEnum)]
enum Length {
    /// A Monday of 12 interfaces, about 230,000 records
    Day,
    /// A week of 40 interfaces, about 5.5 million records
    Week,
}

/// Make labelled VPC flow logs, wrapped as Kinesis would carry them
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore generate --seed 7 --output payloads.txt --truth truth.ndjson
  flowscore generate --length week --interfaces 100 --wrapping lines | flowscore run
  flowscore generate --duration 3600 --wrapping json --partition-keys

One payload a line (raw gzip cannot be lines: it goes to one file after another member). The same options always give the
same bytes. Every address is from the ranges reserved for documentation.")]
pub(crate) struct GenerateArgs {
    /// Seed of all random numbers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The scenario to start from; the options below change it
    #[arg(long, value_enum, default_value = "day")]
    length: Length,
    /// Length in seconds
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u32>,
    /// Number of network interfaces
    #[arg(long)]
    interfaces: Option<u32>,
    /// Flow records of an average interface in a minute
    #[arg(long)]
    records_per_minute: Option<f64>,
    /// Aggregation interval in seconds: 60 or 600
    #[arg(long, value_name = "SECONDS")]
    interval: Option<u32>,
    /// Seconds at the start without injected events
    #[arg(long, value_name = "SECONDS")]
    warm_up: Option<u32>,
    /// Fields of a line, such as '${version} ${interface-id} ${bytes}'
    #[arg(long)]
    format: Option<LogFormat>,
    /// What is around the lines: base64, gzip, json, firehose or lines
    #[arg(long, default_value = "base64")]
    wrapping: Wrapping,
    /// Leave the injected events out
    #[arg(long)]
    quiet: bool,
    /// Write each payload's partition key and a tab before it
    #[arg(long)]
    partition_keys: bool,
    /// Where payloads go; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Where the labels of the injected events go, as lines of JSON
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
}

impl GenerateArgs {
    fn scenario(&self) -> Scenario {
        let base = match self.length {
            Length::Day => Scenario::day(self.seed),
            Length::Week => Scenario::week(self.seed),
        };
        Scenario {
            duration: self.duration.unwrap_or(base.duration),
            interfaces: self.interfaces.unwrap_or(base.interfaces),
            records_per_minute: self.records_per_minute.unwrap_or(base.records_per_minute),
            interval: self.interval.unwrap_or(base.interval),
            warm_up: self.warm_up.unwrap_or(base.warm_up),
            format: self.format.clone().unwrap_or_else(|| base.format.clone()),
            events: if self.quiet { Default::default() } else { base.events },
            wrapping: self.wrapping,
            ..base
        }
    }

    /// Makes the flow logs.
    pub(crate) fn run(&self) -> Result<()> {
        let mut traffic = self.scenario().traffic().map_err(|error| Usage(error.to_string()))?;
        if let Some(path) = &self.truth {
            write_truth(path, traffic.truth())?;
        }
        let mut out = output(&self.output, &[])?;
        let progress = Progress::steps(None, "payloads");
        let (mut payloads, mut records) = (0u64, 0u64);
        for payload in traffic.by_ref() {
            if self.partition_keys {
                write!(out, "{}\t", payload.partition_key)?;
            }
            out.write_all(&payload.data)?;
            if self.wrapping != Wrapping::Gzip {
                out.write_all(b"\n")?;
            }
            payloads += 1;
            records += payload.records as u64;
            progress.advance(1);
        }
        out.flush()?;
        progress.finish();
        tell(format_args!("{records} records in {payloads} payloads, {} injected events", traffic.truth().len()));
        Ok(())
    }
}

/// Writes labels as lines of JSON.
pub(crate) fn write_truth(path: &Path, truth: &[Truth]) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot write the labels to {}", path.display()))?;
    let mut out = BufWriter::new(file);
    for label in truth {
        serde_json::to_writer(&mut out, label)?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
