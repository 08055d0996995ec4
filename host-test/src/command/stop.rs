//! Being told to stop.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::sync::watch;

use host_test::monitor::Monitor;
use host_test::signals::Signals;
use host_test::sink::Sink;

/// Time that the other end still has to accept events after the signal.
const GRACE: Duration = Duration::from_secs(10);

/// SIGTERM or SIGINT (Ctrl-C elsewhere), once it has come.
#[derive(Clone, Debug)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on. A second signal ends the process at once.
    pub(crate) fn listen() -> io::Result<Self> {
        let (told, stop) = watch::channel(false);
        let mut signals = Signals::listen()?;
        tokio::spawn(async move {
            signals.next().await;
            let _ = told.send(true);
            signals.next().await;
            // What is stored is whole at any moment.
            std::process::exit(1);
        });
        Ok(Stop(stop))
    }

    /// Returns when the signal has come.
    pub(crate) async fn requested(&mut self) {
        // An error would mean that the listener is gone, and then no signal will come.
        if self.0.wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Has events accepted, for as long as that takes; after the signal only for a while.
    pub(crate) async fn deliver(&mut self, sink: &mut Sink, events: &[u8], monitor: &Monitor) -> Result<()> {
        tokio::select! {
            sent = monitor.deliver(sink, events) => sent.context("cannot write events"),
            () = self.overdue() => Err(anyhow!(
                "stopped while the output did not accept events; what was read since the last save is read again next time"
            )),
        }
    }

    /// Returns a while after the signal has come.
    async fn overdue(&mut self) {
        self.requested().await;
        tokio::time::sleep(GRACE).await;
    }
}
