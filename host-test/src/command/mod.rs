//! The commands of `flowscore`, one a file.
//!
//! Data goes to standard output, everything else to standard error.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use crate::plugin::{Limits, Plugin, PluginError, RestoreError};
use crate::state::StateError;

pub mod check_config;
pub mod decode;
pub mod demo;
pub mod discover_schema;
pub mod generate;
pub mod inspect;
pub mod kinesis;
pub mod multilang;
mod progress;
pub mod report;
pub mod run;
pub mod series;
pub mod serve;

/// Wrong usage or configuration: exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// The exit code of an error: 2 for wrong usage or configuration, 0 for a reader of the output that has left, else 1.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    for cause in error.chain() {
        if cause.is::<Usage>() || matches!(cause.downcast_ref(), Some(StateError::Url { .. })) {
            return 2;
        }
        match cause.downcast_ref::<PluginError>() {
            Some(PluginError::Config(_) | PluginError::Restore(RestoreError::Config(_))) => return 2,
            Some(PluginError::Read(..) | PluginError::Load(_)) => return 2,
            _ => {}
        }
        if cause.downcast_ref::<io::Error>().is_some_and(broken_pipe) {
            return 0;
        }
        if let Some(csv::ErrorKind::Io(error)) = cause.downcast_ref::<csv::Error>().map(csv::Error::kind)
            && broken_pipe(error)
        {
            return 0;
        }
    }
    1
}

/// Which plugin runs, and by which configuration.
#[derive(Args)]
pub struct PluginArgs {
    /// Configuration file (JSON); without it the defaults hold
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Run another build of the component instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub plugin: Option<PathBuf>,
}

impl PluginArgs {
    /// The plugin.
    pub fn load(&self) -> Result<Plugin> {
        Ok(match &self.plugin {
            Some(path) => Plugin::from_file(path, Limits::default())?,
            None => Plugin::built_in(Limits::default())?,
        })
    }

    /// The text of the configuration.
    pub fn config_text(&self) -> Result<String> {
        config_text(self.config.as_deref())
    }
}

/// The text of a configuration file; `-` is standard input, none the empty text.
fn config_text(path: Option<&Path>) -> Result<String> {
    match path {
        None => Ok(String::new()),
        Some(path) if path == Path::new("-") => {
            io::read_to_string(io::stdin()).context("cannot read the configuration from standard input")
        }
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Usage(format!("cannot read the configuration {}: {error}", path.display())).into()),
    }
}

/// Where the data goes, a file or, for `-`, standard output, buffered by blocks. The caller flushes.
fn output(path: &Path) -> Result<Box<dyn Write>> {
    if path == Path::new("-") {
        return Ok(Box::new(stdout()));
    }
    let file =
        File::create(path).map_err(|error| Usage(format!("cannot write the output {}: {error}", path.display())))?;
    Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
}

/// Standard output, buffered by blocks. The caller flushes.
fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, io::stdout().lock())
}
