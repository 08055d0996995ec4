//! The configuration: one JSON document, every key optional, every default right for VPC Flow Logs.
//!
//! The table in `table.rs` is the single definition. Reading and its errors, the configuration in force, the JSON Schema and the
//! reference in `docs/configuration.md` derive from it; the defaults are those of the structs. A key that is not known
//! is an error, because a misspelt threshold would otherwise be a threshold that is silently not there.

mod check;
mod detect;
mod error;
mod flow_format;
mod fluent_bit;
mod input;
mod read;
mod record;
mod reference;
mod series;
mod setting;
mod suggestion;
mod table;
mod write;

pub use error::ConfigError;
pub use flow_format::FlowFormat;
pub use fluent_bit::{FluentBit, Output};
pub use input::{Csv, Input, Records};
pub use record::{Explanation, Of, Record};
pub use reference::markdown;
pub(crate) use suggestion::nearest;
pub use write::schema;

use crate::detect as detector;
use crate::forest;
use crate::series as windows;
use setting::choices;

/// How records are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Sums up each series over windows of event time and detects spikes and drops of the sums. The default.
    #[default]
    Window,
    /// Scores each record with a random cut forest, as the retired Kinesis Analytics function did.
    Record,
}

choices!(Mode { Window = "window", Record = "record" });

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// How records are scored.
    pub mode: Mode,
    /// What comes in.
    pub input: Input,
    /// Window mode: what makes a series, and its windows.
    pub series: windows::Settings,
    /// Window mode and `series`: what alerts.
    pub detect: detector::Settings,
    /// Record mode: which numbers of a record are scored.
    pub record: Record,
    /// Record mode: the random cut forest.
    pub forest: forest::Parameters,
    /// The Fluent Bit filter only: records in and out, and the snapshot file.
    pub fluent_bit: FluentBit,
}

impl Config {
    /// Whether windows are scored in record mode.
    pub(crate) fn scores_windows(&self) -> bool {
        self.mode == Mode::Record && self.record.of == Of::Windows
    }

    /// Whether records are put into windows.
    pub(crate) fn makes_windows(&self) -> bool {
        self.mode == Mode::Window || self.scores_windows()
    }
}

#[cfg(test)]
mod tests;
