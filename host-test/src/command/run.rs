//! `flowscore run`: payloads in, events out.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::log::is_quiet;
use super::progress::Progress;
use super::{FailedArgs, PluginArgs, output};
use host_test::batch::{CALL_BYTES, CALL_PAYLOADS, Scoring};
use host_test::input::Payloads;
use host_test::plugin::{Payload, Totals};
use host_test::usage::Usage;

/// Decode and score payloads: events as lines of JSON on standard output
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore run --input payloads.txt > events.ndjson
  aws kinesis get-records --shard-iterator … | flowscore run
  zcat flowlogs.log.gz | flowscore run --config flowscore.json --stats json

A payload is one line (a JSON document, base64 text or a log line) or, if the input begins as a binary file or as a JSON
document over several lines, the whole input. Failed records are events of type `failed`; the exit code stays 0.")]
pub(crate) struct RunArgs {
    #[command(flatten)]
    /// Which plugin runs.
    pub(crate) plugin: PluginArgs,
    #[command(flatten)]
    /// Where payloads come from.
    pub(crate) input: InputArgs,
    /// Where events go; `-` is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    /// What becomes of payloads that failed.
    pub(crate) failed: FailedArgs,
    /// How the summary on standard error is written
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) stats: Stats,
}

#[derive(Clone, Copy, ValueEnum, PartialEq, Eq)]
/// How totals are told.
pub(crate) enum Stats {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// None
    None,
}

/// Where payloads come from.
#[derive(Args)]
pub(crate) struct InputArgs {
    /// File with payloads; `-` is standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,
}

type Input = BufReader<Box<dyn Read>>;

impl InputArgs {
    /// The payloads, and the size of the input where it is known.
    pub(crate) fn open(&self) -> Result<(Payloads<Input>, Option<u64>)> {
        let (input, size): (Box<dyn Read>, _) = if self.input == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let wrong =
                |reason: &dyn Display| Usage(format!("cannot read the input {}: {reason}", self.input.display()));
            let file = File::open(&self.input).map_err(|error| wrong(&error))?;
            let metadata = file.metadata().map_err(|error| wrong(&error))?;
            if metadata.is_dir() {
                return Err(wrong(&"it is a directory").into());
            }
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        };
        Ok((Payloads::new(BufReader::with_capacity(1 << 16, input)), size))
    }

    /// The name of a payload in `failed` events.
    pub(crate) fn id(&self, line: u64) -> String {
        let name = if self.input == Path::new("-") { "stdin".into() } else { self.input.to_string_lossy() };
        if line == 0 { name.into_owned() } else { format!("{name}:{line}") }
    }

    /// Hands the payloads to `batch`, many at a time where they are at hand, with a progress bar for people.
    pub(crate) fn for_each_batch(
        &self,
        (mut payloads, size): (Payloads<Input>, Option<u64>),
        mut batch: impl FnMut(&[Payload<'_>]) -> Result<()>,
    ) -> Result<()> {
        let progress = Progress::bytes(size);
        let (mut data, mut ids, mut bytes) = (Vec::new(), Vec::new(), 0);
        loop {
            let next = payloads.next_payload().with_context(|| format!("cannot read {}", self.input.display()))?;
            let ended = next.is_none();
            if let Some(payload) = next {
                bytes += payload.data.len();
                ids.push(self.id(payload.line));
                data.push(payload.data);
            }
            if !data.is_empty()
                && (ended || data.len() == CALL_PAYLOADS || bytes >= CALL_BYTES || payloads.would_wait())
            {
                let view: Vec<Payload<'_>> =
                    data.iter().zip(&ids).map(|(data, id)| Payload { data, id: Some(id.as_str()) }).collect();
                batch(&view)?;
                progress.advance(bytes as u64);
                (bytes, data, ids) = (0, Vec::new(), Vec::new());
            }
            if ended {
                progress.finish();
                return Ok(());
            }
        }
    }
}

impl RunArgs {
    /// Runs the input through the plugin.
    pub(crate) fn run(&self) -> Result<()> {
        let started = Instant::now();
        let mut scoring = Scoring::new(&self.plugin.load()?, &self.plugin.config_text()?)?;
        scoring.keep_failed(self.failed.open()?);
        let input = self.input.open()?;
        let mut out = output(&self.output, &[&self.input.input])?;
        self.input.for_each_batch(input, |batch| {
            scoring.transform(batch, &mut out)?;
            // What was scored is told at once: the reader may be waiting for it.
            Ok(out.flush()?)
        })?;
        scoring.finish(&mut out)?;
        out.flush()?;
        report(self.stats, &scoring.totals()?, started.elapsed().as_secs_f64());
        Ok(())
    }
}

/// The totals as one JSON object.
pub(crate) fn stats(totals: &Totals, seconds: f64) -> Value {
    let Totals { payloads, records, ok, dropped, failed, late, windows, series, evicted, anomalies } = *totals;
    json!({
        "payloads": payloads, "records": records, "ok": ok, "dropped": dropped, "failed": failed, "late": late,
        "windows": windows, "series": series, "evicted": evicted, "anomalies": anomalies,
        "seconds": (seconds * 1e6).round() / 1e6,
    })
}

/// Tells the totals on standard error.
pub(crate) fn report(form: Stats, totals: &Totals, seconds: f64) {
    let Totals { payloads, records, ok, dropped, failed, late, windows, series, evicted, anomalies } = *totals;
    match form {
        Stats::None => {}
        Stats::Text if is_quiet() => {}
        Stats::Json => eprintln!("{}", stats(totals, seconds)),
        Stats::Text => {
            eprintln!("{records} records in {payloads} payloads: {ok} ok, {dropped} dropped, {failed} failed");
            if windows > 0 {
                eprintln!("{windows} windows of {series} series, {late} late records, {evicted} series evicted");
            }
            let rate = records as f64 / seconds.max(1e-9);
            eprintln!("{anomalies} anomalies; {seconds:.2} s, {rate:.0} records a second");
        }
    }
}
