//! Checks what the table cannot say: names that must compile, and options that depend on one another.

use super::Config;
use super::error::ConfigError;
use super::input::FlowFormat;
use crate::flow::Format;
use crate::json::Value;
use crate::row::Columns;

/// Windows of one series that may wait for late records at the same time: bounds the memory that short windows with a
/// long lateness take.
const MAX_OPEN_WINDOWS: u32 = 1_000;

/// The longest aggregation interval of flow logs, in seconds.
const LONGEST_INTERVAL: u32 = 600;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    find(config).map_err(|(path, allowed)| {
        let in_force = Value::parse(config.to_json().as_bytes()).unwrap_or(Value::Null);
        ConfigError { value: value_at(&in_force, &path), path, allowed }
    })
}

/// The first option that is wrong, and what is allowed there.
fn find(config: &Config) -> Result<(), (String, String)> {
    let format = &config.input.format;
    for (index, text) in format.texts().iter().enumerate() {
        if let Err(error) = Format::parse(text) {
            let path = match format {
                FlowFormat::One(_) => "input.format".to_owned(),
                FlowFormat::Several(_) => format!("input.format[{index}]"),
            };
            return Err((path, format!("a list of field names such as ${{interface-id}} ({error})")));
        }
    }
    for (path, names) in [("series.by", &config.series.by), ("record.columns", &config.record.columns)] {
        if let Err(error) = Columns::new(names) {
            return Err((format!("{path}[{}]", error.index), format!("a column name ({})", error.reason)));
        }
    }
    let series = &config.series;
    let longest = (MAX_OPEN_WINDOWS * series.window).saturating_sub(LONGEST_INTERVAL);
    if series.allowed_lateness > longest {
        let allowed = format!("at most {longest} with a window of {} seconds", series.window);
        return Err(("series.allowed_lateness".into(), allowed));
    }
    for (index, entry) in series.maintenance.iter().enumerate() {
        for (name, time) in [("from", &entry.from), ("to", &entry.to)] {
            if time.is_empty() {
                let allowed = "an RFC 3339 timestamp: each entry has a start and an end".to_owned();
                return Err((format!("series.maintenance[{index}].{name}"), allowed));
            }
        }
    }
    let columns = config.record.columns.len().max(1);
    config.forest.check(columns).map_err(|(name, allowed)| (format!("forest.{name}"), allowed))
}

/// The value at a path such as `series.maintenance[0].from`, as JSON text.
fn value_at(document: &Value, path: &str) -> String {
    let mut at = document;
    for step in path.split(['.', '[']) {
        let next = match step.strip_suffix(']') {
            Some(index) => index.parse::<usize>().ok().and_then(|index| at.elements().get(index)),
            None => at.get(step),
        };
        match next {
            Some(next) => at = next,
            None => return "not set".into(),
        }
    }
    at.to_string()
}
