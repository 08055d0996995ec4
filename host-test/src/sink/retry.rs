//! Trying again, for all sinks in the same way.

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::backoff::Backoff;

/// How often deliveries were tried again.
pub type Retries = Arc<AtomicU64>;

/// One delivery's attempts: waits between them, and says what waits, less and less often.
pub(super) struct Retry<'a> {
    /// Where to.
    name: &'a str,
    backoff: Backoff,
    retries: &'a Retries,
}

impl<'a> Retry<'a> {
    pub(super) fn new(name: &'a str, retries: &'a Retries) -> Self {
        let backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(15));
        Retry { name, backoff, retries }
    }

    /// Waits after an attempt that was not accepted for this reason.
    pub(super) async fn wait(&mut self, bytes: usize, reason: &dyn Display) {
        self.retries.fetch_add(1, Ordering::Relaxed);
        let wait = self.backoff.next_wait();
        if self.backoff.is_news() {
            tracing::warn!("{bytes} bytes of events wait for {}: {reason}; trying again", self.name);
        }
        tokio::time::sleep(wait).await;
    }

    /// An attempt was accepted.
    pub(super) fn accepted(&mut self) {
        if self.backoff.attempts() > 0 {
            tracing::info!("{} accepts events again", self.name);
            self.backoff.reset();
        }
    }
}
