//! The configuration: one JSON document, every key optional, every default right for VPC Flow Logs.
//!
//! The structs here are the single definition: parsing, checking, the JSON Schema (`config.schema.json`) and the
//! configuration reference derive from them. A key that is not known is an error, because a misspelt threshold would
//! otherwise be a threshold that is silently not there.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::decode::Limits;
use crate::detect;
use crate::flow::{Format, Formats};
use crate::forest;
use crate::row::{Columns, Dialect, Header};
use crate::series;

/// JSON Schema (draft 2020-12) of the configuration. A test derives it from the structs here and compares.
pub const SCHEMA: &str = include_str!("config.schema.json");

/// How records are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Sums up each series over windows of event time and detects spikes and drops of the sums. The default.
    #[default]
    Window,
    /// Scores each record with a random cut forest, as the retired Kinesis Analytics function did.
    Record,
}

/// The whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How records are scored.
    pub mode: Mode,
    /// What comes in.
    pub input: Input,
    /// Record mode: which numbers of a record are scored.
    pub record: Record,
    /// Record mode: the random cut forest.
    pub forest: forest::Parameters,
    /// Window mode: what makes a series, and its windows.
    pub series: series::Settings,
    /// Window mode and `series`: what alerts.
    pub detect: detect::Settings,
}

/// What comes in. Layers and envelopes need no configuration: they are found by content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Input {
    /// The flow log's format, as `aws ec2 describe-flow-logs` shows it (`LogFormat`), or a list of candidates, chosen
    /// between by the number of fields and by how well they fit. Empty: the default formats of VPC and transit gateway
    /// flow logs. A header line in a payload goes before it.
    pub format: FlowFormat,
    /// What text lines are.
    pub records: Records,
    /// How CSV rows are written.
    pub csv: Csv,
    /// What decoding one payload may cost.
    pub limits: Limits,
}

/// One flow log format or several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a format such as \"${version} ${interface-id} ${bytes}\", or a list of formats")]
pub enum FlowFormat {
    /// One, for example `${version} ${srcaddr} ${dstaddr} ${bytes}`.
    One(String),
    /// Candidates, in order of preference.
    Several(Vec<String>),
}

impl Default for FlowFormat {
    fn default() -> Self {
        FlowFormat::Several(Vec::new())
    }
}

impl FlowFormat {
    fn texts(&self) -> &[String] {
        match self {
            FlowFormat::One(text) => std::slice::from_ref(text),
            FlowFormat::Several(texts) => texts,
        }
    }
}

/// What text lines are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// How CSV rows are written (RFC 4180).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Csv {
    /// What separates fields: one ASCII character, not a quote or line end.
    pub delimiter: String,
    /// Whether the first row of each payload names the columns.
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
            header: if self.header { Header::First } else { Header::None },
            names: self.names.clone(),
        }
    }
}

impl Input {
    /// The compiled formats. Those that do not compile were refused when the configuration was read.
    pub fn formats(&self) -> Formats {
        Formats::new(self.format.texts().iter().filter_map(|text| Format::parse(text).ok()).collect())
    }

    fn check(&self) -> Result<(), (String, String)> {
        for (index, text) in self.format.texts().iter().enumerate() {
            if let Err(error) = Format::parse(text) {
                let path = match self.format {
                    FlowFormat::One(_) => "input.format".to_owned(),
                    FlowFormat::Several(_) => format!("input.format[{index}]"),
                };
                return Err((path, format!("a list of field names such as ${{interface-id}} ({error})")));
            }
        }
        let delimiter = self.csv.delimiter.as_bytes();
        if !matches!(delimiter, [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r')) {
            return Err(("input.csv.delimiter".into(), "one ASCII character, not a quote or line end".into()));
        }
        let Limits { decoded_bytes, expansion_ratio, nesting, records, line_bytes } = self.limits;
        for (name, value, least, most) in [
            ("decoded_bytes", decoded_bytes, 1, 1 << 30),
            ("expansion_ratio", expansion_ratio, 1, 2_000),
            ("nesting", nesting, 1, Limits::MAX_NESTING),
            ("records", records, 1, 100_000_000),
            ("line_bytes", line_bytes, 64, 1 << 30),
        ] {
            if !(least..=most).contains(&value) {
                return Err((format!("input.limits.{name}"), format!("a whole number from {least} to {most}")));
            }
        }
        Ok(())
    }
}

/// Record mode: which numbers of a record are scored, and what is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    /// The numeric columns that make up a point, 1 to 30. Empty: `bytes` for flow logs, and for JSON and CSV rows the
    /// numeric columns of the first row.
    pub columns: Vec<String>,
    /// From which score on a record counts as an anomaly. 3.0 is what the examples of the retired service used.
    pub threshold: f64,
    /// Whether every record's score is told, or only those of anomalies.
    pub only_anomalies: bool,
}

impl Default for Record {
    fn default() -> Self {
        Record { columns: Vec::new(), threshold: 3.0, only_anomalies: false }
    }
}

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where, for example `forest.number_of_trees`; empty when the text is not JSON.
    pub path: String,
    /// What is there, as JSON text.
    pub value: String,
    /// What is allowed there.
    pub allowed: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the configuration is not usable: {}", self.allowed),
            path => write!(f, "{path} is {}, and must be {}", self.value, self.allowed),
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads and checks a configuration; the empty text means the defaults.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        if text.trim().is_empty() {
            return Ok(Config::default());
        }
        let document: Value = serde_json::from_str(text).map_err(|error| ConfigError {
            path: String::new(),
            value: String::new(),
            allowed: format!("it must be one JSON object, and {error}"),
        })?;
        let config: Config = serde_path_to_error::deserialize(&document).map_err(|error| {
            let path = error.path().to_string();
            explain(&document, if path == "." { "" } else { &path }, &error.into_inner().to_string())
        })?;
        config.check().map_err(|(path, allowed)| ConfigError { value: value_at(&document, &path), path, allowed })?;
        Ok(config)
    }

    /// Checks ranges and what depends on one another: the path, and what is allowed there.
    fn check(&self) -> Result<(), (String, String)> {
        self.input.check()?;
        if let Err(error) = Columns::new(&self.record.columns) {
            return Err((format!("record.columns[{}]", error.index), format!("a column name ({})", error.reason)));
        }
        let columns = self.record.columns.len();
        if columns > forest::MAX_COLUMNS {
            return Err(("record.columns".into(), format!("a list of at most {} columns", forest::MAX_COLUMNS)));
        }
        if !(self.record.threshold.is_finite() && self.record.threshold >= 0.0) {
            return Err(("record.threshold".into(), "a number of 0 or more".into()));
        }
        self.series.check().map_err(|(path, allowed)| (format!("series.{path}"), allowed))?;
        self.forest.check(columns.max(1)).map_err(|(name, allowed)| (format!("forest.{name}"), allowed))
    }

    /// The configuration in force, defaults included, as JSON text.
    pub fn to_json(&self) -> String {
        // Plain structs of numbers, texts and lists have no way to fail here.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

/// Turns serde's words into a path, the value there and what is allowed, with a suggestion for a misspelt name.
fn explain(document: &Value, path: &str, message: &str) -> ConfigError {
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    if message.starts_with("unknown field") {
        let names = quoted(message);
        let (name, known) = names.split_first().map_or(("", &[][..]), |(name, known)| (name.as_str(), known));
        let parent = path.strip_suffix(name).unwrap_or(path).trim_end_matches('.');
        let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
        let nearest =
            known.iter().max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
        let suggestion = match nearest {
            Some(nearest) if strsim::jaro_winkler(name, nearest) > 0.75 => format!(" (did you mean {nearest}?)"),
            _ => String::new(),
        };
        return ConfigError {
            value: value_at(document, &path),
            path,
            allowed: format!("removed: there is no such key{suggestion}; known here are {}", known.join(", ")),
        };
    }
    let expected = message.split_once("expected ").map_or(message, |(_, expected)| expected);
    ConfigError { path: path.to_owned(), value: value_at(document, path), allowed: expected.replace('`', "") }
}

/// The value at a path such as `series.maintenance[0].from`, as JSON text.
fn value_at(document: &Value, path: &str) -> String {
    let mut at = document;
    for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
        let next = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|index| at.get(index)),
            None => at.get(step),
        };
        match next {
            Some(next) => at = next,
            None => return "not set".into(),
        }
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_means_the_defaults() {
        for text in ["", " \n", "{}"] {
            assert_eq!(Config::parse(text).unwrap(), Config::default());
        }
    }

    #[test]
    fn the_configuration_in_force_reads_back_as_itself() {
        assert_eq!(Config::parse(&Config::default().to_json()).unwrap(), Config::default());
    }

    #[test]
    fn an_error_names_the_path_the_value_and_what_is_allowed() {
        for (text, path, value, allowed) in [
            (r#"{"forest":{"number_of_trees":0}}"#, "forest.number_of_trees", "0", "a whole number from 1 to 1000"),
            (r#"{"forest":{"number_of_trees":"many"}}"#, "forest.number_of_trees", "\"many\"", "u32"),
            (r#"{"forest":{"number_of_tree":7}}"#, "forest.number_of_tree", "7", "did you mean number_of_trees?"),
            (r#"{"mod":"record"}"#, "mod", "\"record\"", "did you mean mode?"),
            (r#"{"mode":"recrd"}"#, "mode", "\"recrd\"", "window"),
            (r#"{"record":{"threshold":-1}}"#, "record.threshold", "-1", "0 or more"),
            (
                r#"{"forest":{"sub_sample_size":500,"time_decay":400}}"#,
                "forest.time_decay",
                "400",
                "above sub_sample_size",
            ),
            ("[1,", "", "", "one JSON object"),
        ] {
            let error = Config::parse(text).unwrap_err();
            assert_eq!((error.path.as_str(), error.value.as_str()), (path, value), "{text}");
            assert!(error.allowed.contains(allowed), "{text}: {error}");
        }
    }
}
