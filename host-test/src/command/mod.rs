//! The commands of `flowscore`, one a file.
//!
//! Data goes to standard output, everything else to standard error.

use std::fs::File;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use host_test::configuration;
use host_test::kept::Kept;
use host_test::plugin::{Limits, Plugin, PluginError, RestoreError};
#[cfg(feature = "network")]
use host_test::state::StateError;
use host_test::usage::Usage;
#[cfg(feature = "network")]
use host_test::usage::without_credentials;

#[cfg(feature = "network")]
mod access_key;
pub(crate) mod backtest;
pub(crate) mod check_config;
pub(crate) mod completions;
pub(crate) mod decode;
pub(crate) mod demo;
pub(crate) mod discover_schema;
#[cfg(feature = "network")]
pub(crate) mod feedback;
#[cfg(feature = "network")]
mod following;
pub(crate) mod generate;
pub(crate) mod init;
mod input;
pub(crate) mod inspect;
#[cfg(feature = "network")]
pub(crate) mod kinesis;
pub(crate) mod log;
pub(crate) mod man;
#[cfg(feature = "network")]
pub(crate) mod multilang;
mod names;
#[cfg(feature = "network")]
mod notify;
#[cfg(feature = "network")]
mod page;
mod progress;
pub(crate) mod report;
pub(crate) mod run;
#[cfg(feature = "network")]
pub(crate) mod s3;
pub(crate) mod series;
#[cfg(feature = "network")]
pub(crate) mod serve;
#[cfg(feature = "network")]
mod stop;
#[cfg(feature = "network")]
pub(crate) mod top;

/// The exit code of an error: 2 for wrong usage or configuration, 0 for a reader of the output that has left, else 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> u8 {
    let broken_pipe = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    for cause in error.chain() {
        if cause.is::<Usage>() {
            return 2;
        }
        #[cfg(feature = "network")]
        if matches!(cause.downcast_ref(), Some(StateError::Url { .. })) {
            return 2;
        }
        match cause.downcast_ref::<PluginError>() {
            Some(PluginError::Config(_)) => return 2,
            Some(PluginError::Restore(RestoreError::Config(_) | RestoreError::Mismatch(_))) => return 2,
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
pub(crate) struct PluginArgs {
    /// Configuration file (JSON with comments, YAML or TOML, by its name); without it the defaults hold
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Run another build of the component instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) plugin: Option<PathBuf>,
}

/// What of a state is given up.
#[cfg(feature = "network")]
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Discard {
    /// What was learned
    Model,
}

/// What becomes of payloads that failed.
#[derive(Args)]
pub(crate) struct FailedArgs {
    /// Directory or URL (file://, s3://, gs://, az://) where payloads are kept whole of which `failed` events show only a part
    /// (more than 4,096 bytes, or more than a hundred failed records), under their SHA-256
    #[arg(long, value_name = "WHERE")]
    keep_failed: Option<String>,
}

impl FailedArgs {
    /// Where they are kept, if that is wanted.
    pub(crate) fn open(&self) -> Result<Option<Kept>, Usage> {
        self.keep_failed.as_deref().map(Kept::open).transpose()
    }
}

impl PluginArgs {
    /// The plugin.
    pub(crate) fn load(&self) -> Result<Plugin> {
        load(self.plugin.as_deref(), Limits::default())
    }

    /// The plugin for a command that ends with its input ([`load_to_wait_for`]).
    pub(crate) fn load_to_wait_for(&self) -> Result<Plugin> {
        load_to_wait_for(self.plugin.as_deref())
    }

    /// The configuration file that SIGHUP reads again; standard input has nothing more to say.
    #[cfg(feature = "network")]
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        self.config.clone().filter(|path| path != Path::new("-"))
    }

    /// The text of the configuration.
    pub(crate) fn config_text(&self) -> Result<String, Usage> {
        config_text(self.config.as_deref())
    }
}

/// The plugin for a command that ends with its input and that a person or a script waits for: who does not want to wait any
/// longer ends it. The built-in component, each of whose calls does a bounded amount of work, has no deadline there.
fn load_to_wait_for(path: Option<&Path>) -> Result<Plugin> {
    let limits = Limits::default();
    load(path, Limits { deadline: limits.deadline.filter(|_| path.is_some()), ..limits })
}

/// The plugin in a file, or the built-in one.
fn load(path: Option<&Path>, limits: Limits) -> Result<Plugin> {
    Ok(match path {
        Some(path) => Plugin::from_file(path, limits)?,
        None => Plugin::built_in(limits)?,
    })
}

/// The JSON text of a configuration file; `-` is standard input, none the empty text.
fn config_text(path: Option<&Path>) -> Result<String, Usage> {
    path.map_or(Ok(String::new()), configuration::read)
}

/// A time in milliseconds since the Unix epoch: RFC 3339, or without a zone, which is UTC, or a date.
fn milliseconds(text: &str) -> Option<i64> {
    let civil = || {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    text.parse::<jiff::Timestamp>().ok().or_else(civil).map(jiff::Timestamp::as_millisecond)
}

/// The value of `--endpoint-url`. Not read by clap, which repeats a wrong value with the credentials in it.
#[cfg(feature = "network")]
fn endpoint(value: Option<&str>) -> Result<Option<&str>, Usage> {
    match value {
        Some(value) if !url::Url::parse(value).is_ok_and(|url| url.has_host()) => {
            Err(Usage(format!("--endpoint-url {}: give an http:// or https:// URL", without_credentials(value))))
        }
        value => Ok(value),
    }
}

/// Where the data goes, a file or, for `-`, standard output, buffered by blocks. The caller flushes.
///
/// The file is emptied. So whoever reads `inputs` has opened them before, and none of them may be the same file.
fn output(path: &Path, inputs: &[&Path]) -> Result<Box<dyn Write>> {
    differ(path, inputs)?;
    if path == Path::new("-") {
        return Ok(Box::new(stdout()));
    }
    let file =
        File::create(path).map_err(|error| Usage(format!("cannot write the output {}: {error}", path.display())))?;
    Ok(Box::new(BufWriter::with_capacity(1 << 16, file)))
}

/// Refuses an output that is one of the inputs, under whatever name.
fn differ(output: &Path, inputs: &[&Path]) -> Result<(), Usage> {
    let written = file_id(output, "/dev/stdout");
    match inputs.iter().find(|input| written.is_some() && file_id(input, "/dev/stdin") == written) {
        Some(input) => {
            let (input, output) = (input.display(), output.display());
            Err(Usage(format!("the input {input} and the output {output} are the same file; give another --output")))
        }
        None => Ok(()),
    }
}

/// What is the same for two names of one file; none for what is no file, such as a pipe or a terminal. `-` is `standard`.
#[cfg(unix)]
fn file_id(path: &Path, standard: &str) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    let path = if path == Path::new("-") { Path::new(standard) } else { path };
    path.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// What is the same for two names of one file; none for what is no file, such as a pipe or a terminal.
#[cfg(not(unix))]
fn file_id(path: &Path, _: &str) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.is_file())
}

/// Standard output, buffered by blocks. The caller flushes.
fn stdout() -> BufWriter<StdoutLock<'static>> {
    BufWriter::with_capacity(1 << 16, io::stdout().lock())
}
