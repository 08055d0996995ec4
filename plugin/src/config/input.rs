//! What comes in.

use super::flow_format::FlowFormat;
use super::setting::choices;
use crate::column::Names;
use crate::decode::Limits;
use crate::flow::{Format, Formats};
use crate::row::{Dialect, Header};

/// What comes in. Layers and envelopes need no configuration: they are found by content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// The flow log's format or formats.
    pub format: FlowFormat,
    /// Fields with the names that they have in the data.
    pub fields: Vec<(String, String)>,
    /// Which records count: fields, each with the values of which it must have one.
    pub only: Vec<(String, Vec<String>)>,
    /// What text lines are.
    pub records: Records,
    /// How CSV rows are written.
    pub csv: Csv,
    /// What decoding one payload may cost.
    pub limits: Limits,
}

impl Input {
    /// The compiled formats. Those that do not compile were refused when the configuration was read.
    pub fn formats(&self) -> Formats {
        let names = self.names();
        Formats::new(self.format.texts().iter().filter_map(|text| Format::named(text, &names).ok()).collect())
    }

    /// The names of fields in the data. Keys that are no fields were refused when the configuration was read.
    pub fn names(&self) -> Names {
        let mapped = self.fields.iter().filter_map(|(key, name)| Some((Names::key(key)?, name.clone())));
        Names::new(mapped.collect())
    }
}

/// What text lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Records {
    /// JSON if it begins with `{`, CSV if it has a comma (no flow log line has), else a flow log line.
    #[default]
    Auto,
    /// Flow log lines.
    Flow,
    /// JSON objects.
    Json,
    /// CSV rows.
    Csv,
}

choices!(Records { Auto = "auto", Flow = "flow", Json = "json", Csv = "csv" });

/// How CSV rows are written (RFC 4180).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Csv {
    /// What separates fields: one ASCII character, not a quote or line end.
    pub delimiter: String,
    /// Whether the first row of each payload names the columns, whatever it holds.
    pub header: bool,
    /// Names of the columns. Empty: those of the header, or `COL_1`, `COL_2`, … as the retired service had it.
    pub names: Vec<String>,
}

impl Default for Csv {
    fn default() -> Self {
        Csv { delimiter: ",".into(), header: false, names: Vec::new() }
    }
}

impl Csv {
    /// The dialect for the reader of rows.
    pub fn dialect(&self) -> Dialect {
        Dialect {
            delimiter: self.delimiter.bytes().next().unwrap_or(b','),
            header: if self.header { Header::First } else { Header::Found },
            names: self.names.clone(),
        }
    }
}

/// Whether a text is one ASCII character that may separate fields.
pub(super) fn is_delimiter(text: &str) -> bool {
    matches!(text.as_bytes(), [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r'))
}
