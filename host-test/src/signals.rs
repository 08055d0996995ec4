//! Being told to stop, or to read files again, by a signal.

use std::io;

/// Waits for SIGTERM or SIGINT (on Windows: Ctrl-C), each time anew.
#[cfg(unix)]
pub struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns at the next signal.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Waits for SIGTERM or SIGINT (on Windows: Ctrl-C), each time anew.
#[cfg(not(unix))]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens from now on.
    pub fn listen() -> io::Result<Self> {
        Ok(Signals)
    }

    /// Returns at the next signal.
    pub async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits for SIGHUP, each time anew. From [`listen`](Reload::listen) on, the signal does not end the process. Elsewhere than
/// on Unix it never comes.
pub struct Reload {
    #[cfg(unix)]
    hang_up: tokio::signal::unix::Signal,
}

impl Reload {
    /// Listens from now on.
    #[cfg(unix)]
    pub fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Reload { hang_up: signal(SignalKind::hangup())? })
    }

    /// Listens from now on.
    #[cfg(not(unix))]
    pub fn listen() -> io::Result<Self> {
        Ok(Reload {})
    }

    /// Returns at the next signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        if self.hang_up.recv().await.is_some() {
            return;
        }
        std::future::pending::<()>().await;
    }
}
