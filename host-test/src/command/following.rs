//! What the commands have in common that read a source until they are told to stop, and keep a state.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;

use host_test::monitor::metrics::Command;
use host_test::monitor::{Monitor, http};
use host_test::notify::{self, Notifier, Setup};
use host_test::state::{StateError, Store};
use host_test::usage::Usage;

/// Told again after a crash.
pub(crate) const AGAIN: &str = "nothing was saved since the last save; started again, flowscore reads on from there";

/// Where it can be asked how it is.
#[derive(Args)]
pub(crate) struct HttpArgs {
    /// Address for GET /health and /metrics, such as 127.0.0.1:9464; without it nothing listens (docs/monitoring.md)
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,
}

impl HttpArgs {
    /// What this process tells of itself, from now on, there or on the first free one of so many more ports.
    pub(crate) fn monitor(&self, command: Command, more: u16) -> Result<Arc<Monitor>, Usage> {
        let monitor = Monitor::new(command);
        if let Some(address) = self.http {
            http::listen(&monitor, address, more)?;
        }
        Ok(monitor)
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
