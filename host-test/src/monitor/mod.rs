//! What a running process tells of itself: how it is ([`health`](Monitor::problem)), what it did ([`metrics`]), and which
//! [`incidents`] are open. Over HTTP by [`http`].

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::batch::{Scoring, runs};
use crate::live::Live;
use crate::notify::{Notifier, Outcome};
use crate::plugin::{Counts, Payload, PluginError};
use crate::sink::{Retries, Sink};
use crate::usage::Usage;

pub(crate) mod connections;
pub mod emf;
pub mod exposition;
pub mod http;
pub mod incidents;
pub mod metrics;
pub mod otlp;

use emf::Emf;
use incidents::Open;
use metrics::{Command, Metric, Metrics};
use otlp::Otlp;

/// How long an output may take to accept events until that is a problem.
const SLOW: Duration = Duration::from_secs(30);

/// Why a process that has just begun is not ready.
const STARTING: &str = "starting";

/// Time for notifications that wait when the process ends.
const LAST_NOTIFICATIONS: Duration = Duration::from_secs(5);

/// What a process tells of itself.
#[derive(Debug)]
pub struct Monitor {
    /// What was done.
    pub metrics: Arc<Metrics>,
    open: Mutex<Open>,
    /// How far each shard is behind, in seconds.
    shards: Mutex<BTreeMap<String, f64>>,
    forward_retries: OnceLock<Retries>,
    source_retries: OnceLock<Retries>,
    notifier: OnceLock<Notifier>,
    emf: OnceLock<Emf>,
    otlp: OnceLock<Otlp>,
    /// Why it is not ready by its own account.
    problem: Mutex<Option<&'static str>>,
    /// Since when events wait to be accepted.
    delivering: Mutex<Option<Instant>>,
    /// What the page is made of, if there is one.
    live: OnceLock<Arc<Live>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is whole between any two statements that hold the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Monitor {
    /// Of a process that has just begun this command.
    pub fn new(command: Command) -> Arc<Self> {
        Arc::new(Monitor {
            metrics: Arc::new(Metrics::new(command)),
            open: Mutex::default(),
            shards: Mutex::default(),
            forward_retries: OnceLock::new(),
            source_retries: OnceLock::new(),
            notifier: OnceLock::new(),
            emf: OnceLock::new(),
            otlp: OnceLock::new(),
            problem: Mutex::new(Some(STARTING)),
            delivering: Mutex::default(),
            live: OnceLock::new(),
        })
    }

    /// Counts the retries of the sink, too.
    pub fn watch_sink(&self, sink: &Sink) {
        if let Some(retries) = sink.retries() {
            let _ = self.forward_retries.set(retries);
        }
    }

    /// Counts the retries of the source, too.
    pub fn watch_source(&self, retries: Retries) {
        let _ = self.source_retries.set(retries);
    }

    /// Shows on a page what is found from now on.
    pub fn show(&self, live: Arc<Live>) {
        let _ = self.live.set(live);
    }

    /// What the page is made of, if there is one.
    pub fn live(&self) -> Option<&Arc<Live>> {
        self.live.get()
    }

    /// Shows the windows of this scorer, too, if there is a page.
    ///
    /// # Errors
    ///
    /// The instance is lost.
    pub fn watch(&self, scoring: &mut Scoring) -> Result<(), PluginError> {
        let Some(live) = self.live.get().cloned() else { return Ok(()) };
        scoring.watch_windows(Arc::new(move |windows| live.take(windows)))
    }

    /// Writes metrics for CloudWatch, too, each time that so much has passed.
    pub fn export_emf(self: &Arc<Self>, emf: Emf, every: Duration) {
        if self.emf.set(emf).is_ok() {
            tokio::spawn(Emf::run(self.clone(), every));
        }
    }

    /// Exports metrics, events and log to a collector, too.
    pub fn export_otlp(&self, otlp: Otlp) {
        let _ = self.otlp.set(otlp);
    }

    /// Whether it has not begun to take what comes.
    fn is_starting(&self) -> bool {
        *lock(&self.problem) == Some(STARTING)
    }

    /// Takes over what others count.
    fn refresh(&self) {
        for (metric, retries) in
            [(Metric::ForwardRetries, &self.forward_retries), (Metric::SourceRetries, &self.source_retries)]
        {
            if let Some(retries) = retries.get() {
                self.metrics.set(metric, retries.load(Ordering::Relaxed));
            }
        }
        let Some(notifier) = self.notifier.get() else { return };
        for (metric, outcome) in [
            (Metric::NotificationsSent, Outcome::Sent),
            (Metric::NotificationsRetried, Outcome::Retried),
            (Metric::NotificationsGivenUp, Outcome::GivenUp),
        ] {
            self.metrics.set(metric, notifier.counted(outcome));
        }
        self.metrics.set(Metric::NotificationsWaiting, notifier.waiting() as u64);
    }

    /// It takes what comes.
    pub fn ready(&self) {
        *lock(&self.problem) = None;
    }

    /// It takes nothing more.
    pub fn stopping(&self) {
        *lock(&self.problem) = Some("stopping");
    }

    /// Why it is not ready; none if nothing is known to be in the way.
    pub fn problem(&self) -> Option<&'static str> {
        let is_slow = lock(&self.delivering).is_some_and(|since| since.elapsed() >= SLOW);
        (*lock(&self.problem)).or(is_slow.then_some("the output does not accept events"))
    }

    /// Payloads were scored.
    pub fn scored(&self, payloads: &[Payload<'_>], counts: Counts) {
        self.metrics.add(Metric::Payloads, payloads.len() as u64);
        self.metrics.add(Metric::PayloadBytes, payloads.iter().map(|payload| payload.data.len() as u64).sum());
        self.metrics.add(Metric::RecordsOk, counts.ok);
        self.metrics.add(Metric::RecordsDropped, counts.dropped);
        self.metrics.add(Metric::RecordsFailed, counts.failed);
        if counts.records > 0 {
            self.metrics.set(Metric::LastRecord, now());
        }
    }

    /// Takes over what the component counts.
    ///
    /// # Errors
    ///
    /// The instance is lost.
    pub fn measure(&self, scoring: &mut Scoring) -> Result<(), PluginError> {
        let totals = scoring.totals()?;
        self.metrics.set(Metric::Late, totals.late);
        self.metrics.set(Metric::Windows, totals.windows);
        self.metrics.set(Metric::Anomalies, totals.anomalies);
        self.metrics.set(Metric::Series, totals.series);
        self.metrics.set(Metric::Evicted, totals.evicted);
        self.metrics.set(Metric::ComponentMemory, scoring.memory() as u64);
        self.metrics.set(Metric::ComponentRestarts, scoring.restarts());
        Ok(())
    }

    /// Delivers events, and takes them into account once they are accepted.
    ///
    /// # Errors
    ///
    /// Those of [`Sink::deliver`].
    pub async fn deliver(&self, sink: &mut Sink, events: &[u8]) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        *lock(&self.delivering) = Some(Instant::now());
        sink.deliver(events).await?;
        *lock(&self.delivering) = None;
        self.metrics.add(Metric::EventBytes, events.len() as u64);
        self.delivered(events);
        if let Some(otlp) = self.otlp.get() {
            otlp.events(events);
        }
        if let Some(notifier) = self.notifier.get() {
            notifier.take(events).await;
        }
        Ok(())
    }

    /// People are told what is news of events once they are accepted.
    pub fn notify(&self, notifier: Notifier) {
        let _ = self.notifier.set(notifier);
    }

    /// Keeps nothing more of what people were told, once what waits was given a little more time: another process goes on.
    pub async fn release_notifications(&self) {
        self.finish_notifications().await;
        if let Some(notifier) = self.notifier.get() {
            notifier.release().await;
        }
    }

    /// The process ends: people's notifications get a little more time, and what is exported is exported to its end.
    pub async fn finish(self: &Arc<Self>) {
        self.finish_notifications().await;
        if let Some(emf) = self.emf.get() {
            emf.write(self);
        }
        if self.otlp.get().is_some() {
            let monitor = self.clone();
            let finished = tokio::task::spawn_blocking(move || monitor.otlp.get().map(Otlp::finish));
            let _ = tokio::time::timeout(LAST_NOTIFICATIONS, finished).await;
        }
    }

    async fn finish_notifications(&self) {
        let Some(notifier) = self.notifier.get() else { return };
        let waiting = notifier.finish(LAST_NOTIFICATIONS).await;
        if waiting > 0 {
            tracing::warn!(
                "{waiting} notifications were not accepted; with a state they are sent after the next start"
            );
        }
    }

    /// The last events of what is open, for a state.
    pub fn open(&self) -> String {
        lock(&self.open).events()
    }

    /// Goes on with what was open by the state that the process goes on from.
    pub fn resume(&self, open: &str) {
        self.delivered(open.as_bytes());
    }

    /// Events were accepted by the output.
    fn delivered(&self, events: &[u8]) {
        lock(&self.open).take(events);
        if let Some(live) = self.live.get() {
            // Windows were shown when they were closed.
            runs(events).filter(|(is_window, _)| !is_window).for_each(|(_, others)| live.take(others));
        }
    }

    /// A state of so many bytes was saved.
    pub fn saved(&self, bytes: usize) {
        self.metrics.add(Metric::StateWrites, 1);
        self.metrics.set(Metric::StateBytes, bytes as u64);
        self.metrics.set(Metric::StateSaved, now());
    }

    /// How far a shard is behind, in milliseconds; none: it is not read any more.
    pub fn shard(&self, name: &str, behind: Option<i64>) {
        let mut shards = lock(&self.shards);
        match behind {
            Some(behind) => shards.insert(name.to_owned(), behind.max(0) as f64 / 1e3),
            None => shards.remove(name),
        };
    }

    /// How far all shards are that are being read now, in milliseconds.
    pub fn shards<'a>(&self, behind: impl Iterator<Item = (&'a str, Option<i64>)>) {
        let behind: Vec<_> = behind.collect();
        self.metrics.set(Metric::Shards, behind.len() as u64);
        let known = behind.into_iter().filter_map(|(name, behind)| Some((name.to_owned(), behind? as f64 / 1e3)));
        *lock(&self.shards) = known.collect();
    }
}

/// Seconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Where metrics and logs go by themselves.
#[derive(Clone, Debug, Default)]
pub struct Exports {
    /// File for lines of CloudWatch's embedded metric format, and the time between two of them.
    pub emf: Option<(PathBuf, Duration)>,
    /// Address of a collector of OpenTelemetry.
    pub otlp: Option<String>,
}

impl Exports {
    /// Begins to export, of what comes from `source`. Needs a runtime.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or the address cannot be used.
    pub fn begin(self, monitor: &Arc<Monitor>, source: &str) -> anyhow::Result<()> {
        if let Some((path, every)) = self.emf {
            let wrong = |error: io::Error| Usage(format!("--emf: cannot write {}: {error}", path.display()));
            monitor.export_emf(Emf::new(&path, source.to_owned()).map_err(wrong)?, every);
        }
        if let Some(address) = self.otlp {
            monitor.export_otlp(Otlp::start(monitor, &address, source.to_owned())?);
        }
        Ok(())
    }
}
