//! What the commands have in common that read a source until they are told to stop, and keep a state.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use host_test::state::StateError;
use host_test::usage::Usage;

/// Told again after a crash.
pub(crate) const AGAIN: &str = "nothing was saved since the last save; started again, flowscore reads on from there";

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
