//! The two files: the configuration, which is read, and the snapshot, which is read at the start and written now and then.
//!
//! A snapshot is written to a file beside it, which then takes its name: whatever happens, one of the two is whole. One that
//! cannot be used is set aside, for a person to look at, and does not stop anything.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::filter::Filter;
use crate::config::{Config, ConfigError};
use crate::pipeline::RestoreError;

/// The name of the configuration file.
pub const CONFIGURATION: &str = "flowscore.json";

/// Snapshot bytes for which one record has to come in before the next snapshot by event time, while a backlog is read:
/// writing them takes about a tenth of the time that scoring the record does.
const BYTES_BY_TIME: u64 = 16;
/// The same for the next snapshot by number of records, beyond a size that is always written when it is due.
const BYTES_BY_RECORDS: u64 = 128;
const ALWAYS: u64 = 1 << 20;

/// Tells a person something, once.
pub(super) fn report(message: &str) {
    // Fluent Bit passes the standard error stream on as it is.
    eprintln!("[flowscore] {message}");
}

/// Reads the configuration from the first of the directories that has one, and says which that is. None has one: the
/// defaults hold.
pub(super) fn configuration(directories: &[PathBuf]) -> Result<(Config, Option<&Path>), String> {
    for directory in directories {
        let path = directory.join(CONFIGURATION);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|_| format!("{}: it is not UTF-8", path.display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(format!("{}: cannot be read: {error}", path.display())),
        };
        let config = Config::parse(&text).map_err(|error| format!("{}: {}", path.display(), in_words(&error)))?;
        return Ok((config, Some(directory)));
    }
    Ok((Config::default(), None))
}

fn in_words(ConfigError { path, value, allowed }: &ConfigError) -> String {
    if path.is_empty() { allowed.clone() } else { format!("{path} is {value}, and must be {allowed}") }
}

/// The file that the state is kept in, and when it is due.
#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    every_records: u64,
    every_seconds: i64,
    /// Records since the last snapshot.
    records: u64,
    /// When the next one is due, in epoch seconds: of event time, or of Fluent Bit's where there is none.
    due: Option<i64>,
    is_event_time: bool,
    /// Fluent Bit's time at the last one, and its size.
    written: i64,
    size: u64,
    /// Whether a person knows that it cannot be written.
    is_reported: bool,
}

impl Store {
    /// A filter that goes on where the last one stopped, if there is a snapshot, and the store for the next ones, if any are
    /// wanted.
    pub(super) fn open(config: Config, directory: Option<&Path>) -> (Filter, Option<Store>) {
        let settings = &config.fluent_bit;
        let (Some(name), Some(directory)) = (&settings.snapshot, directory) else { return (Filter::new(config), None) };
        let mut store = Store {
            path: directory.join(name),
            every_records: settings.snapshot_records,
            every_seconds: settings.snapshot_seconds.into(),
            records: 0,
            due: None,
            is_event_time: false,
            written: 0,
            size: 0,
            is_reported: false,
        };
        let filter = store.restore(config);
        store.due = filter.newest().map(|newest| newest + store.every_seconds);
        store.is_event_time = store.due.is_some();
        (filter, Some(store))
    }

    fn restore(&mut self, config: Config) -> Filter {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Filter::new(config),
            Err(error) => {
                report(&format!("the snapshot {} cannot be read: {error}; starting anew", self.path.display()));
                return Filter::new(config);
            }
        };
        self.size = bytes.len() as u64;
        match Filter::restore(config.clone(), &bytes) {
            Ok(filter) => filter,
            Err(error) => {
                let reason = match error {
                    RestoreError::Config(error) => in_words(&error),
                    RestoreError::Version(reason) | RestoreError::Corrupt(reason) | RestoreError::Mismatch(reason) => {
                        reason
                    }
                };
                let aside = beside(&self.path, ".rejected");
                let fate = match fs::rename(&self.path, &aside) {
                    Ok(()) => format!("it is now {}", aside.display()),
                    Err(error) => format!("it could not be renamed: {error}"),
                };
                report(&format!(
                    "the snapshot {} cannot be used: {reason}; starting anew ({fate})",
                    self.path.display()
                ));
                Filter::new(config)
            }
        }
    }

    /// Takes note of a record, and writes a snapshot if one is due. `now` is Fluent Bit's time in epoch seconds.
    #[inline]
    pub(super) fn record(&mut self, filter: &Filter, now: i64) {
        self.records += 1;
        let newest = filter.newest();
        let time = newest.unwrap_or(now);
        if self.is_event_time != newest.is_some() {
            // The first times are known: of a backlog they lie far behind Fluent Bit's.
            (self.is_event_time, self.due) = (newest.is_some(), None);
        }
        let is_due = match self.due {
            Some(due) => time >= due && self.is_affordable(now, BYTES_BY_TIME),
            None => {
                (self.due, self.written) = (Some(time + self.every_seconds), now);
                false
            }
        };
        let is_full =
            self.records >= self.every_records && (self.size <= ALWAYS || self.is_affordable(now, BYTES_BY_RECORDS));
        if is_due || is_full {
            self.write(filter, time, now);
        }
    }

    /// Whether a snapshot is worth its cost: in a stream as it happens it always is, since Fluent Bit's time moves on, too.
    fn is_affordable(&self, now: i64, bytes_per_record: u64) -> bool {
        now - self.written >= self.every_seconds || self.records * bytes_per_record >= self.size
    }

    #[inline(never)]
    fn write(&mut self, filter: &Filter, time: i64, now: i64) {
        let bytes = filter.snapshot();
        (self.records, self.due, self.written) = (0, Some(time + self.every_seconds), now);
        self.size = bytes.len() as u64;
        if let Err(error) = replace(&self.path, &bytes)
            && !std::mem::replace(&mut self.is_reported, true)
        {
            report(&format!(
                "the snapshot {} cannot be written: {error}; what is learned is lost at the next restart",
                self.path.display()
            ));
        }
    }
}

/// Writes a file so that it is either the old or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = beside(path, ".new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    // Not every file system can, and without a power failure it makes no difference.
    let _ = file.sync_data();
    drop(file);
    fs::rename(new, path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
