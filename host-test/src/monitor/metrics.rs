//! What is measured: one table, from which the exposition and the documentation derive.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};

use Command::{Kinesis, Multilang, S3, Serve};
use Kind::{Counter, Gauge};

/// The commands that can be asked how they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `flowscore serve`
    Serve,
    /// `flowscore kinesis`
    Kinesis,
    /// `flowscore s3`
    S3,
    /// `flowscore multilang`
    Multilang,
}

impl Command {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Serve => "serve",
            Kinesis => "kinesis",
            S3 => "s3",
            Multilang => "multilang",
        }
    }
}

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
    LastRecord,
    Late,
    Windows,
    Anomalies,
    Series,
    Evicted,
    EventBytes,
    ForwardRetries,
    SourceRetries,
    NotificationsSent,
    NotificationsRetried,
    NotificationsGivenUp,
    NotificationsWaiting,
    QueueBatches,
    QueueBytes,
    Shards,
    Leases,
    ObjectsRead,
    ObjectsRepeated,
    ObjectsMissing,
    Messages,
    ComponentMemory,
    ComponentRestarts,
    StateWrites,
    StateBytes,
    StateSaved,
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
    /// How it behaves.
    pub kind: Kind,
    /// The commands that have it.
    pub commands: &'static [Command],
    /// The name.
    pub name: &'static str,
    /// Label and value, where the name stands for several values.
    pub label: Option<(&'static str, &'static str)>,
    /// What it says.
    pub help: &'static str,
}

const fn define(
    metric: Metric,
    kind: Kind,
    commands: &'static [Command],
    name: &'static str,
    label: Option<(&'static str, &'static str)>,
    help: &'static str,
) -> Definition {
    Definition { metric, kind, commands, name, label, help }
}

const fn outcome(outcome: &'static str) -> Option<(&'static str, &'static str)> {
    Some(("outcome", outcome))
}

const SERVE: &[Command] = &[Serve];
const S3_ONLY: &[Command] = &[S3];
/// The commands that fetch what they score.
const FETCH: &[Command] = &[Kinesis, S3];
/// The commands.
pub const ALL: &[Command] = &[Serve, Kinesis, S3, Multilang];

const BATCHES: &str = "Requests with payloads, by what became of them: accepted; known (a re-send of one that was); busy \
                       (answered 503: the queue was full or the answer took too long); refused (answered 400, 401, 408, 413 or 415)";
const RECORDS: &str = "Records, by what became of them; records in = ok + dropped + failed";
const LAST_RECORD: &str = "When the last record was scored, in seconds since the Unix epoch; 0: none since the start";
const LATE: &str = "Records that came after their window was closed; they are ok, but in no window";
const ANOMALIES: &str = "Incidents opened, or records at or above the threshold in record mode";
const OBJECTS: &str = "Objects that messages told of: read; repeated (told of again, and left out); missing (gone before they could \
                       be read)";
const NOTIFICATIONS: &str = "Notifications of people (--notify), for each target: sent; retried (not accepted for now); given_up (refused, a \
                             day old, or too many of them)";
const SOURCE_RETRIES: &str = "Calls to the source that failed and are tried again";

/// Every value, in the order of the exposition. Values of one name stand together.
pub const TABLE: &[Definition] = &[
    define(Metric::BatchesAccepted, Counter, SERVE, "batches", outcome("accepted"), BATCHES),
    define(Metric::BatchesKnown, Counter, SERVE, "batches", outcome("known"), BATCHES),
    define(Metric::BatchesBusy, Counter, SERVE, "batches", outcome("busy"), BATCHES),
    define(Metric::BatchesRefused, Counter, SERVE, "batches", outcome("refused"), BATCHES),
    define(Metric::Payloads, Counter, ALL, "payloads", None, "Payloads scored"),
    define(
        Metric::PayloadBytes,
        Counter,
        ALL,
        "payload_bytes",
        None,
        "Bytes of the payloads scored, as handed to the component",
    ),
    define(Metric::RecordsOk, Counter, ALL, "records", outcome("ok"), RECORDS),
    define(Metric::RecordsDropped, Counter, ALL, "records", outcome("dropped"), RECORDS),
    define(Metric::RecordsFailed, Counter, ALL, "records", outcome("failed"), RECORDS),
    define(Metric::LastRecord, Gauge, ALL, "last_record_timestamp_seconds", None, LAST_RECORD),
    define(Metric::Late, Counter, ALL, "late_records", None, LATE),
    define(Metric::Windows, Counter, ALL, "windows", None, "Windows closed, over all series"),
    define(Metric::Anomalies, Counter, ALL, "anomalies", None, ANOMALIES),
    define(Metric::Series, Gauge, ALL, "series", None, "Series held now"),
    define(Metric::Evicted, Counter, ALL, "series_evicted", None, "Series given up to stay within series.max_series"),
    define(Metric::EventBytes, Counter, ALL, "event_bytes", None, "Bytes of events delivered"),
    define(
        Metric::ForwardRetries,
        Counter,
        ALL,
        "forward_retries",
        None,
        "Deliveries of events that were not accepted and tried again",
    ),
    define(Metric::SourceRetries, Counter, FETCH, "source_retries", None, SOURCE_RETRIES),
    define(Metric::NotificationsSent, Counter, ALL, "notifications", outcome("sent"), NOTIFICATIONS),
    define(Metric::NotificationsRetried, Counter, ALL, "notifications", outcome("retried"), NOTIFICATIONS),
    define(Metric::NotificationsGivenUp, Counter, ALL, "notifications", outcome("given_up"), NOTIFICATIONS),
    define(
        Metric::NotificationsWaiting,
        Gauge,
        ALL,
        "notifications_waiting",
        None,
        "Notifications that wait to be accepted",
    ),
    define(Metric::QueueBatches, Gauge, SERVE, "queue_batches", None, "Requests that wait for their answer"),
    define(Metric::QueueBytes, Gauge, SERVE, "queue_bytes", None, "Bytes of their payloads"),
    define(Metric::Shards, Gauge, &[Kinesis], "shards", None, "Shards that are being read"),
    define(
        Metric::Leases,
        Gauge,
        &[Multilang],
        "leases",
        None,
        "Leases held: 1 from the shard's begin until its end, or until the lease is lost",
    ),
    define(Metric::ObjectsRead, Counter, S3_ONLY, "objects", outcome("read"), OBJECTS),
    define(Metric::ObjectsRepeated, Counter, S3_ONLY, "objects", outcome("repeated"), OBJECTS),
    define(Metric::ObjectsMissing, Counter, S3_ONLY, "objects", outcome("missing"), OBJECTS),
    define(Metric::Messages, Gauge, S3_ONLY, "queue_messages", None, "Messages in hand, with objects still to be read"),
    define(
        Metric::ComponentMemory,
        Gauge,
        ALL,
        "component_memory_bytes",
        None,
        "Linear memory of the component; it never shrinks",
    ),
    define(
        Metric::ComponentRestarts,
        Counter,
        ALL,
        "component_restarts",
        None,
        "Instances of the component that were lost to a limit and replaced",
    ),
    define(Metric::StateWrites, Counter, ALL, "state_writes", None, "States written"),
    define(Metric::StateBytes, Gauge, ALL, "state_bytes", None, "Bytes of the state written last"),
    define(
        Metric::StateSaved,
        Gauge,
        ALL,
        "state_saved_timestamp_seconds",
        None,
        "When the state was saved last, in seconds since the Unix epoch; 0: not since the start",
    ),
];

/// The values.
#[derive(Debug)]
pub struct Metrics {
    /// Whose values they are.
    pub command: Command,
    values: [AtomicU64; TABLE.len()],
    pub(super) latency: Histogram,
}

impl Metrics {
    /// The values of a command that has just begun.
    pub fn new(command: Command) -> Self {
        // 1 ms to 65 s: from a batch without events to one that waited for downstream.
        let latency = Histogram::new(exponential_buckets(0.001, 2.0, 17));
        Metrics { command, values: std::array::from_fn(|_| AtomicU64::new(0)), latency }
    }

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
}
