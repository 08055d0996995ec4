//! `flowscore demo`: the whole way, on a day of labelled flow logs.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use super::generate::write_truth;
use super::log::tell;
use super::progress::Progress;
use super::run::{Stats, report, stats};
use super::{PluginArgs, stdout};
use flowscore_generate::Scenario;
use flowscore_report::{Options, Report};
use host_test::batch::with_windows;
use host_test::plugin::Payload;
use host_test::transform::WasmTransform;

/// Payloads handed to the component at once.
const BATCH: usize = 512;

/// Make a labelled day of flow logs, run it through the component and show what was found
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore demo
  flowscore demo --out /tmp/demo --seed 7
  echo '{\"mode\":\"record\"}' > record.json; flowscore demo --config record.json

Writes DIR/report.html, DIR/events.ndjson, DIR/truth.ndjson and DIR/payloads.txt.")]
pub(crate) struct DemoArgs {
    /// Where the report and the events go
    #[arg(long, value_name = "DIR", default_value = "demo-output")]
    out: PathBuf,
    /// Seed of the day
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    plugin: PluginArgs,
}

impl DemoArgs {
    /// Runs the demo.
    pub(crate) fn run(&self) -> Result<()> {
        // The report draws windows.
        let (config, _) = with_windows(&self.plugin.config_text()?);
        let mut transform = WasmTransform::new(&self.plugin.load_to_wait_for()?, &config)?;
        fs::create_dir_all(&self.out).with_context(|| format!("cannot make the directory {}", self.out.display()))?;
        let create = |name: &str| -> Result<BufWriter<File>> {
            let path = self.out.join(name);
            Ok(BufWriter::new(File::create(&path).with_context(|| format!("cannot write {}", path.display()))?))
        };
        let scenario = Scenario::day(self.seed);
        let mut traffic = scenario.traffic()?;
        let truth = traffic.truth().to_vec();
        write_truth(&self.out.join("truth.ndjson"), &truth)?;
        tell(format_args!(
            "a day of {} network interfaces with {} injected events, as Kinesis payloads (base64, gzip, CloudWatch Logs)",
            scenario.interfaces,
            truth.len()
        ));
        let mut payloads_file = create("payloads.txt")?;
        let payloads: Vec<Vec<u8>> = traffic.by_ref().map(|payload| payload.data).collect();
        for payload in &payloads {
            payloads_file.write_all(payload)?;
            payloads_file.write_all(b"\n")?;
        }
        payloads_file.flush()?;

        let started = Instant::now();
        let progress = Progress::steps(Some(payloads.len() as u64), "payloads");
        let mut events = Vec::new();
        for batch in payloads.chunks(BATCH) {
            let batch: Vec<Payload<'_>> = batch.iter().map(|data| Payload { data, id: None }).collect();
            transform.transform_batch(&batch, &mut events)?;
            progress.advance(batch.len() as u64);
        }
        transform.finish(&mut events)?;
        progress.finish();
        let (totals, seconds) = (transform.totals()?, started.elapsed().as_secs_f64());

        create("events.ndjson")?.write_all(&events)?;
        let parsed = events.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        let mut counts = stats(&totals, seconds);
        counts["type"] = "stats".into();
        let config: Value = serde_json::from_str(&config).unwrap_or_default();
        let is_by_record = config["mode"] == "record";
        if is_by_record {
            tell(format_args!(
                "records are scored one by one, so there are no incidents to compare with what was injected"
            ));
        }
        let truth = (!is_by_record).then_some(truth.as_slice());
        let options = Options { truth, threshold: threshold(&config), ..Options::default() };
        let found = Report::with(parsed.chain([counts]), options);
        found.html("A day of flow logs", create("report.html")?)?;
        let mut out = stdout();
        found.text(&mut out)?;
        out.flush()?;
        report(Stats::Text, &totals, seconds);
        tell(format_args!("report: {}", self.path("report.html")));
        tell(format_args!("events: {}", self.path("events.ndjson")));
        Ok(())
    }

    fn path(&self, name: &str) -> String {
        Path::new(&self.out).join(name).display().to_string()
    }
}

/// The score from which on a record counts as an anomaly, by a configuration.
fn threshold(config: &Value) -> f64 {
    config["record"]["threshold"].as_f64().unwrap_or(Options::default().threshold)
}
