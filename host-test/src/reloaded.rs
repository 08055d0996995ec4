//! A configuration file that SIGHUP reads again, and the scorer that goes on by it with everything learned.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::batch::Scoring;
use crate::configuration;
use crate::plugin::Plugin;
use crate::signals::Reload;

/// A configuration file, and what it said when it was last read again.
#[derive(Clone)]
pub struct Reloaded(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    file: Option<PathBuf>,
    wanted: Mutex<Option<String>>,
    read: tokio::sync::Notify,
}

impl Reloaded {
    /// The file of a configuration for this plugin. None: there is nothing to read again.
    pub fn new(plugin: &Plugin, file: Option<PathBuf>) -> Self {
        Reloaded(Arc::new(Inner {
            plugin: plugin.clone(),
            file,
            wanted: Mutex::default(),
            read: tokio::sync::Notify::new(),
        }))
    }

    /// Reads the file again at each SIGHUP, from now on and for ever.
    ///
    /// # Errors
    ///
    /// The signal cannot be listened to.
    pub fn listen(&self) -> std::io::Result<()> {
        let mut signal = Reload::listen()?;
        let reloaded = self.clone();
        tokio::spawn(async move {
            loop {
                signal.next().await;
                reloaded.read_again();
            }
        });
        Ok(())
    }

    /// Reads the file again. What cannot be used changes nothing, and is told.
    pub fn read_again(&self) {
        let Some(file) = &self.0.file else {
            return tracing::info!("there is no configuration file (--config) to read again");
        };
        let shown = file.display();
        let text = match configuration::read(file) {
            Ok(text) => text,
            Err(error) => return tracing::error!("{error}; the configuration from before stays"),
        };
        match self.0.plugin.check_config(&text) {
            Ok(_) => {
                tracing::info!("{shown} was read again; the next batch is scored by it");
                *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
                self.0.read.notify_one();
            }
            Err(error) => tracing::error!("{shown}: {error}; the configuration from before stays"),
        }
    }

    /// Returns when the file has been read again.
    pub async fn read(&self) {
        self.0.read.notified().await;
    }

    /// Goes on by what was read again, if something was. Whether it does.
    pub fn apply(&self, scoring: &mut Scoring) -> bool {
        let Some(config) = self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner).take() else { return false };
        match scoring.reconfigure(&config) {
            Ok(()) => {
                tracing::info!("going on by the new configuration, with everything learned");
                true
            }
            Err(error) => {
                tracing::error!("{error}; the configuration from before stays until the next start");
                false
            }
        }
    }
}
