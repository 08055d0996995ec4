//! What the commands have in common that read a source until they are told to stop, and keep a state.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;

use super::page::PageArgs;
use host_test::configuration::with_environment;
use host_test::monitor::metrics::Command;
use host_test::monitor::{Exports, Monitor, http};
use host_test::notify::{self, Notifier, Setup};
use host_test::state::{StateError, Store};
use host_test::usage::{Usage, without_credentials};

/// Told again after a crash.
pub(crate) const AGAIN: &str = "nothing was saved since the last save; started again, flowscore reads on from there";

/// Where it can be asked how it is.
#[derive(Args)]
pub(crate) struct HttpArgs {
    /// Address for a page of what is found, /health and /metrics, such as 127.0.0.1:9464; without it nothing listens
    /// (docs/monitoring.md)
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    export: ExportArgs,
}

impl HttpArgs {
    /// What this process, which scores from this source by this configuration, tells of itself, from now on, there or on the first free
    /// one of so many more ports.
    pub(crate) fn monitor(&self, command: Command, source: &str, more: u16, config: &str) -> Result<Arc<Monitor>> {
        let monitor = Monitor::new(command);
        if let Some(address) = self.http {
            if let Some(live) = self.page.live(format!("flowscore: {source}"), config)? {
                monitor.show(live);
            }
            http::listen(&monitor, address, more)?;
        }
        self.export.settings()?.begin(&monitor, source)?;
        Ok(monitor)
    }
}

/// Where metrics and logs go by themselves.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// Write metrics as lines of CloudWatch's embedded metric format to a file, or for `-` to standard error
    #[arg(long, value_name = "FILE")]
    emf: Option<PathBuf>,
    /// Seconds between two lines of --emf
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "emf", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    emf_every: u64,
    /// Export metrics, events and log to a collector of OpenTelemetry (OTLP over HTTP), such as http://127.0.0.1:4318
    #[arg(long, value_name = "URL")]
    otlp: Option<String>,
}

impl ExportArgs {
    /// Where they go.
    pub(crate) fn settings(&self) -> Result<Exports, Usage> {
        let otlp = self.otlp.as_deref().map(with_environment).transpose();
        let otlp = otlp.map_err(|reason| Usage(format!("--otlp: {reason}")))?;
        if let Some(url) = otlp.as_deref()
            && !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        {
            return Err(Usage(format!("--otlp {}: give an http:// or https:// URL", without_credentials(url))));
        }
        Ok(Exports { emf: self.emf.clone().map(|path| (path, Duration::from_secs(self.emf_every))), otlp })
    }
}

/// From now on tells people, if somebody is to be told, and keeps in the store what was told.
pub(crate) async fn notify(setup: Option<Setup>, store: &Store, monitor: &Monitor) -> Result<()> {
    if let Some(setup) = setup {
        let part = store.part(notify::PART).map_err(usage)?;
        monitor.notify(Notifier::start(setup, Some(part)).await?);
    }
    Ok(())
}

/// Runs it to its end.
pub(crate) fn run(follow: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let result = runtime.block_on(follow);
    // A write to a pipe that nobody reads must not hold the process up.
    runtime.shutdown_background();
    result
}

/// Milliseconds since the Unix epoch.
pub(crate) fn now() -> Result<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    Ok(now.as_millis() as i64)
}

/// A store that cannot be opened is wrong usage, one that another process uses is not.
pub(crate) fn usage(error: StateError) -> anyhow::Error {
    match error {
        StateError::Url { .. } => Usage(error.to_string()).into(),
        error => error.into(),
    }
}
