//! Metrics as lines of CloudWatch's embedded metric format, for what hands standard error or a file to CloudWatch Logs.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};

use super::incidents::SEVERITIES;
use super::metrics::{Kind, Metric, TABLE};
use super::{Monitor, lock};

/// Where the metrics are in CloudWatch.
const NAMESPACE: &str = "flowscore";

/// Writes lines of metrics.
#[derive(Debug)]
pub struct Emf {
    /// None: standard error.
    file: Option<Mutex<File>>,
    source: String,
    /// What counters had come to by the last line.
    before: Mutex<BTreeMap<String, u64>>,
}

impl Emf {
    /// To the end of a file, or for `-` to standard error, of what comes from `source`.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn new(path: &Path, source: String) -> io::Result<Self> {
        let file = match path == Path::new("-") {
            true => None,
            false => Some(Mutex::new(File::options().append(true).create(true).open(path)?)),
        };
        Ok(Emf { file, source, before: Mutex::default() })
    }

    /// Writes a line each time that so much has passed, for as long as the process lives.
    pub(super) async fn run(monitor: Arc<Monitor>, every: Duration) {
        // What was counted before the start is no news.
        while monitor.is_starting() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let Some(emf) = monitor.emf.get() else { return };
        let _ = emf.line(&monitor);
        loop {
            tokio::time::sleep(every).await;
            emf.write(&monitor);
        }
    }

    /// Writes a line. What cannot be written is told and holds nothing up.
    pub(super) fn write(&self, monitor: &Monitor) {
        let line = format!("{}\n", self.line(monitor));
        let written = match &self.file {
            None => io::stderr().lock().write_all(line.as_bytes()),
            Some(file) => lock(file).write_all(line.as_bytes()),
        };
        if let Err(error) = written {
            tracing::warn!("metrics cannot be written (--emf): {error}");
        }
    }

    /// Counters since the last line, and gauges as they are.
    fn line(&self, monitor: &Monitor) -> Value {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut values = Map::new();
        let mut before = lock(&self.before);
        monitor.refresh();
        for definition in TABLE.iter().filter(|definition| definition.commands.contains(&monitor.metrics.command)) {
            let value = monitor.metrics.get(definition.metric);
            let name = match definition.label {
                Some((_, label)) => format!("{}_{label}", definition.name),
                None => definition.name.to_owned(),
            };
            match (definition.metric, definition.kind) {
                (Metric::LastRecord | Metric::StateSaved, _) if value == 0 => {}
                (Metric::LastRecord, _) => drop(values.insert("seconds_since_last_record".into(), age(since, value))),
                (Metric::StateSaved, _) => drop(values.insert("seconds_since_state_saved".into(), age(since, value))),
                (_, Kind::Gauge) => drop(values.insert(name, value.into())),
                (_, Kind::Counter) => {
                    let then = before.insert(name.clone(), value).unwrap_or(0);
                    values.insert(name, value.saturating_sub(then).into());
                }
            }
        }
        let open = lock(&monitor.open);
        for (severity, name) in SEVERITIES {
            let number = open.incidents.values().filter(|incident| incident.severity == severity).count();
            values.insert(format!("open_incidents_{name}"), number.into());
        }
        values.insert("open_groups".into(), open.groups.len().into());
        if let Some(age) = lock(&monitor.shards).values().copied().reduce(f64::max) {
            values.insert("iterator_age_seconds".into(), age.into());
        }
        let unit = |name: &str| match name {
            name if name.contains("seconds") => "Seconds",
            name if name.contains("bytes") => "Bytes",
            _ => "Count",
        };
        let metrics: Vec<Value> = values.keys().map(|name| json!({ "Name": name, "Unit": unit(name) })).collect();
        let directive = json!({ "Namespace": NAMESPACE, "Dimensions": [["command", "source"]], "Metrics": metrics });
        let mut line = Map::new();
        line.insert("_aws".into(), json!({ "Timestamp": since.as_millis() as u64, "CloudWatchMetrics": [directive] }));
        line.insert("command".into(), monitor.metrics.command.name().into());
        line.insert("source".into(), self.source.clone().into());
        line.append(&mut values);
        line.into()
    }
}

/// Seconds from a time until now.
fn age(now: Duration, time: u64) -> Value {
    now.as_secs().saturating_sub(time).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::metrics::Command;

    #[test]
    fn a_line_has_what_came_since_the_one_before_and_names_each_value() {
        let monitor = Monitor::new(Command::Kinesis);
        let emf = Emf::new(Path::new("-"), "kinesis flows".into()).unwrap();
        monitor.metrics.set(Metric::Windows, 500);
        let _ = emf.line(&monitor);
        monitor.metrics.add(Metric::RecordsOk, 3);
        monitor.metrics.set(Metric::Windows, 512);
        monitor.metrics.set(Metric::Series, 7);
        monitor.shard("shardId-1", Some(1_500));
        let line = emf.line(&monitor);
        for (name, expected) in [
            ("records_ok", json!(3)),
            ("windows", json!(12)),
            ("series", json!(7)),
            ("iterator_age_seconds", json!(1.5)),
            ("open_incidents_high", json!(0)),
            ("source", json!("kinesis flows")),
        ] {
            assert_eq!(line[name], expected, "{name} in {line}");
        }
        assert!(line["_aws"]["Timestamp"].as_u64() > Some(1_700_000_000_000));
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let metrics = directive["Metrics"].as_array().unwrap();
        // The specification: 100 metrics at most, each a number of the root; dimensions are texts of the root.
        assert!(metrics.len() < 100);
        assert!(metrics.iter().all(|metric| line[metric["Name"].as_str().unwrap()].is_number()), "{line}");
        assert!(
            directive["Dimensions"][0].as_array().unwrap().iter().all(|name| line[name.as_str().unwrap()].is_string())
        );
        assert_eq!(line.as_object().unwrap().len(), metrics.len() + 3);
        assert_eq!(emf.line(&monitor)["records_ok"], 0);
    }
}
