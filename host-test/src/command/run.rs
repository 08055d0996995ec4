//! `flowscore run`: payloads in, events out.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::input::{InputArgs, Piece, for_each_batch};
use super::log::is_quiet;
#[cfg(feature = "network")]
use super::notify::{NotifyArgs, Telling};
use super::{FailedArgs, PluginArgs, output};
use host_test::batch::Scoring;
use host_test::plugin::Totals;

/// Decode and score payloads: events as lines of JSON on standard output
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore run flowlogs/ > events.ndjson
  flowscore run 's3://my-bucket/AWSLogs/123456789012/vpcflowlogs/' --from 2026-01-30 --to 2026-01-31 > events.ndjson
  flowscore run --config flowscore.json --stats json *.log.gz athena.parquet > events.ndjson
  aws kinesis get-records --shard-iterator … | flowscore run

From standard input and with --input a payload is one line (a JSON document, base64 text or a log line) or, if the input begins as
a binary file or as a JSON document over several lines, the whole input. Of an INPUT many lines of text or rows of Parquet are one
payload. Failed records and damaged files are events of type `failed`; the exit code stays 0.")]
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
    #[cfg(feature = "network")]
    #[command(flatten)]
    /// Whom people are told by.
    notify: NotifyArgs,
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

impl RunArgs {
    /// Runs the input through the plugin.
    pub(crate) fn run(&self) -> Result<()> {
        let started = Instant::now();
        let (plugin, config) = (self.plugin.load_to_wait_for()?, self.plugin.config_text()?);
        let mut scoring = Scoring::new(&plugin, &config)?;
        scoring.keep_failed(self.failed.open()?);
        let input = self.input.open()?;
        #[cfg(feature = "network")]
        let setup = self.notify.setup(&plugin.check_config(&config)?, "run".into())?;
        let out = output(&self.output, &input.paths().collect::<Vec<_>>())?;
        #[cfg(feature = "network")]
        let out = Telling::new(out, setup)?;
        let mut out = out;
        for_each_batch(input, |piece| {
            match piece {
                Piece::Batch(batch) => scoring.transform(batch, &mut out)?,
                Piece::Damaged { name, damage } => scoring.give_up_input(name, damage, &mut out)?,
            };
            // What was scored is told at once: the reader may be waiting for it.
            Ok(out.flush()?)
        })?;
        scoring.finish(&mut out)?;
        out.flush()?;
        report(self.stats, &scoring.totals()?, started.elapsed().as_secs_f64());
        #[cfg(feature = "network")]
        out.end()?;
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
            let (records_in, payloads) = (counted(records, "record"), counted(payloads, "payload"));
            eprintln!("{records_in} in {payloads}: {ok} ok, {dropped} dropped, {failed} failed");
            if windows > 0 {
                let (windows, late) = (counted(windows, "window"), counted(late, "late record"));
                eprintln!("{windows} of {series} series, {late}, {evicted} series evicted");
            }
            let rate = records as f64 / seconds.max(1e-9);
            let anomalies = if anomalies == 1 { "1 anomaly".to_owned() } else { format!("{anomalies} anomalies") };
            eprintln!("{anomalies}; {seconds:.2} s, {rate:.0} records a second");
        }
    }
}

/// A count with its noun: `1 record`, `2 records`.
fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
