//! What is measured while serving: one table, from which the exposition and the documentation derive.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// Which value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each one is")]
pub enum Metric {
    BatchesAccepted,
    BatchesKnown,
    BatchesBusy,
    BatchesRefused,
    Payloads,
    PayloadBytes,
    RecordsOk,
    RecordsDropped,
    RecordsFailed,
    Late,
    Windows,
    Anomalies,
    Series,
    Evicted,
    EventBytes,
    ForwardRetries,
    QueueBatches,
    QueueBytes,
    ComponentMemory,
    ComponentRestarts,
    StateWrites,
    StateBytes,
}

/// How a value behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows; its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A value: its name without the prefix `flowscore_`, its label, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// Which value.
    pub metric: Metric,
    /// The name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// Label and value, where the name stands for several values.
    pub label: Option<(&'static str, &'static str)>,
    /// What it says.
    pub help: &'static str,
}

const fn define(
    metric: Metric,
    kind: Kind,
    name: &'static str,
    label: Option<(&'static str, &'static str)>,
    help: &'static str,
) -> Definition {
    Definition { metric, name, kind, label, help }
}

const fn outcome(outcome: &'static str) -> Option<(&'static str, &'static str)> {
    Some(("outcome", outcome))
}

const BATCHES: &str = "Requests with payloads, by what became of them: accepted; known (a re-send of one that was); busy \
                       (answered 503: the queue was full or the answer took too long); refused (answered 400, 401, 408, 413 or 415)";
const RECORDS: &str = "Records, by what became of them; records in = ok + dropped + failed";

/// Every value, in the order of the exposition. Values of one name stand together.
pub const TABLE: &[Definition] = &[
    define(Metric::BatchesAccepted, Kind::Counter, "batches", outcome("accepted"), BATCHES),
    define(Metric::BatchesKnown, Kind::Counter, "batches", outcome("known"), BATCHES),
    define(Metric::BatchesBusy, Kind::Counter, "batches", outcome("busy"), BATCHES),
    define(Metric::BatchesRefused, Kind::Counter, "batches", outcome("refused"), BATCHES),
    define(Metric::Payloads, Kind::Counter, "payloads", None, "Payloads scored"),
    define(
        Metric::PayloadBytes,
        Kind::Counter,
        "payload_bytes",
        None,
        "Bytes of the payloads scored, as handed to the component",
    ),
    define(Metric::RecordsOk, Kind::Counter, "records", outcome("ok"), RECORDS),
    define(Metric::RecordsDropped, Kind::Counter, "records", outcome("dropped"), RECORDS),
    define(Metric::RecordsFailed, Kind::Counter, "records", outcome("failed"), RECORDS),
    define(
        Metric::Late,
        Kind::Counter,
        "late_records",
        None,
        "Records that came after their window was closed; they are ok, but in no window",
    ),
    define(Metric::Windows, Kind::Counter, "windows", None, "Windows closed, over all series"),
    define(
        Metric::Anomalies,
        Kind::Counter,
        "anomalies",
        None,
        "Incidents opened, or records at or above the threshold in record mode",
    ),
    define(Metric::Series, Kind::Gauge, "series", None, "Series held now"),
    define(Metric::Evicted, Kind::Counter, "series_evicted", None, "Series given up to stay within series.max_series"),
    define(Metric::EventBytes, Kind::Counter, "event_bytes", None, "Bytes of events delivered"),
    define(
        Metric::ForwardRetries,
        Kind::Counter,
        "forward_retries",
        None,
        "Deliveries of events that were not accepted and tried again",
    ),
    define(Metric::QueueBatches, Kind::Gauge, "queue_batches", None, "Requests that wait for their answer"),
    define(Metric::QueueBytes, Kind::Gauge, "queue_bytes", None, "Bytes of their payloads"),
    define(
        Metric::ComponentMemory,
        Kind::Gauge,
        "component_memory_bytes",
        None,
        "Linear memory of the component; it never shrinks",
    ),
    define(
        Metric::ComponentRestarts,
        Kind::Counter,
        "component_restarts",
        None,
        "Instances of the component that were lost to a limit and replaced",
    ),
    define(Metric::StateWrites, Kind::Counter, "state_writes", None, "States written"),
    define(Metric::StateBytes, Kind::Gauge, "state_bytes", None, "Bytes of the state written last"),
];

/// The name of the histogram, and what it says.
const LATENCY: (&str, &str) = (
    "flowscore_batch_duration_seconds",
    "Time from a request's body being read until its events were accepted downstream",
);

/// The values.
#[derive(Debug)]
pub struct Metrics {
    values: [AtomicU64; TABLE.len()],
    latency: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        // 1 ms to 65 s: from a batch without events to one that waited for downstream.
        Metrics { values: Default::default(), latency: Histogram::new(exponential_buckets(0.001, 2.0, 17)) }
    }
}

impl Metrics {
    fn value(&self, metric: Metric) -> &AtomicU64 {
        &self.values[metric as usize]
    }

    /// Adds to a counter.
    pub fn add(&self, metric: Metric, by: u64) {
        self.value(metric).fetch_add(by, Ordering::Relaxed);
    }

    /// Sets a value that is counted elsewhere.
    pub fn set(&self, metric: Metric, to: u64) {
        self.value(metric).store(to, Ordering::Relaxed);
    }

    /// The value now.
    pub fn get(&self, metric: Metric) -> u64 {
        self.value(metric).load(Ordering::Relaxed)
    }

    /// A batch was accepted after so many seconds.
    pub fn accepted_after(&self, seconds: f64) {
        self.add(Metric::BatchesAccepted, 1);
        self.latency.observe(seconds);
    }

    /// All values in Prometheus' text format.
    pub fn expose(self: &Arc<Self>) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Exposition(self.clone())));
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry)?;
        Ok(text)
    }
}

#[derive(Debug)]
struct Exposition(Arc<Metrics>);

impl Collector for Exposition {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for family in TABLE.chunk_by(|a, b| a.name == b.name) {
            let Some(first) = family.first() else { continue };
            let name = format!("flowscore_{}", first.name);
            let kind = match first.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
            };
            let mut metric = encoder.encode_descriptor(&name, first.help, None, kind)?;
            for definition in family {
                let value = self.0.get(definition.metric);
                match definition.label {
                    Some(label) => encode(definition.kind, value, metric.encode_family(&[label])?)?,
                    None => encode(definition.kind, value, metric.encode_family::<[(&str, &str); 0]>(&[])?)?,
                }
            }
        }
        let histogram = encoder.encode_descriptor(LATENCY.0, LATENCY.1, None, MetricType::Histogram)?;
        self.0.latency.encode(histogram)
    }
}

fn encode(kind: Kind, value: u64, encoder: MetricEncoder<'_>) -> fmt::Result {
    match kind {
        Kind::Counter => ConstCounter::new(value).encode(encoder),
        Kind::Gauge => ConstGauge::new(value.try_into().unwrap_or(i64::MAX)).encode(encoder),
    }
}

/// The table for people, in Markdown; part of docs/serve.md.
pub fn documentation() -> String {
    let mut text = String::from("| Metric | Kind | Says |\n|---|---|---|\n");
    for family in TABLE.chunk_by(|a, b| a.name == b.name) {
        let Some(first) = family.first() else { continue };
        let (suffix, kind) = match first.kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Gauge => ("", "gauge"),
        };
        let labels: Vec<String> = family
            .iter()
            .filter_map(|definition| definition.label)
            .map(|(label, value)| format!("{label}=\"{value}\""))
            .collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join("\\|")) };
        let _ = writeln!(text, "| `flowscore_{}{suffix}{labels}` | {kind} | {} |", first.name, first.help);
    }
    let _ = writeln!(text, "| `{}` | histogram | {} |", LATENCY.0, LATENCY.1);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_values() {
        for (index, definition) in TABLE.iter().enumerate() {
            assert_eq!(definition.metric as usize, index, "{}", definition.name);
        }
    }

    #[test]
    fn the_exposition_has_every_value_once() {
        let metrics = Arc::new(Metrics::default());
        metrics.add(Metric::RecordsOk, 3);
        metrics.set(Metric::Series, 12);
        metrics.accepted_after(0.004);
        let text = metrics.expose().unwrap();
        for line in [
            "flowscore_records_total{outcome=\"ok\"} 3",
            "flowscore_records_total{outcome=\"failed\"} 0",
            "flowscore_series 12",
            "flowscore_batches_total{outcome=\"accepted\"} 1",
            "flowscore_batch_duration_seconds_bucket{le=\"0.004\"} 1",
            "flowscore_batch_duration_seconds_bucket{le=\"0.002\"} 0",
            "flowscore_batch_duration_seconds_count 1",
        ] {
            assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line} in\n{text}");
        }
    }

    #[test]
    fn the_documentation_has_this_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/serve.md");
        let text = std::fs::read_to_string(page).unwrap();
        let table = documentation();
        assert!(text.contains(&table), "docs/serve.md must contain:\n{table}");
    }
}
