//! Checks what the table cannot say: names that must compile, and options that depend on one another.

use super::Config;
use super::error::ConfigError;
use super::flow_format::FlowFormat;
use super::suggestion::nearest;
use crate::column::{Columns, Condition, FIELDS, Names};
use crate::flow::Format;
use crate::incident::METRICS as SUMS;
use crate::json::Value;
use crate::text::decimal;

/// Memory that WebAssembly can address with 32 bits.
const MEMORY: u64 = 4 << 30;

pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    find(config).map_err(|(path, allowed)| {
        let in_force = Value::parse(config.to_json().as_bytes()).unwrap_or(Value::Null);
        ConfigError { value: value_at(&in_force, &path), path, allowed }
    })
}

/// The first option that is wrong, and what is allowed there.
fn find(config: &Config) -> Result<(), (String, String)> {
    for (index, (key, name)) in config.input.fields.iter().enumerate() {
        let path = format!("input.fields.{key}");
        let Some(field) = Names::key(key) else {
            let known: Vec<_> = FIELDS.iter().map(|info| info.field.snake_name()).collect();
            let known: Vec<_> = known.iter().map(String::as_str).chain(["time", "value"]).collect();
            let suggestion = nearest(key, &known).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
            let allowed = "named as a flow log field such as interface_id or bytes, or time or value";
            return Err((path, format!("{allowed}{suggestion}")));
        };
        if config.input.fields[..index].iter().any(|(earlier, _)| Names::key(earlier) == Some(field)) {
            return Err((path, format!("removed here or there: it is another key for the field {}", field.name())));
        }
        if let Err(error) = Columns::new([name]) {
            return Err((path, format!("a column name or path ({})", error.reason)));
        }
    }
    for (name, values) in &config.input.only {
        let path = format!("input.where.{name}");
        if let Err(error) = Columns::new([name]) {
            return Err((path, format!("a column name or path ({})", error.reason)));
        }
        if let Some(wrong) = values.iter().find_map(|value| Condition::parse(value).err()) {
            return Err((path, wrong));
        }
    }
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
    if let Err(error) = Columns::new(&config.record.columns) {
        return Err((format!("record.columns[{}]", error.index), format!("a column name ({})", error.reason)));
    }
    if config.scores_windows()
        && let Some((index, _)) =
            config.record.columns.iter().enumerate().find(|(_, name)| !SUMS.contains(&name.as_str()))
    {
        return Err((format!("record.columns[{index}]"), format!("one of {}, as windows are scored", SUMS.join(", "))));
    }
    config.series.check().map_err(|(name, allowed)| (format!("series.{name}"), allowed))?;
    let (series, memory) = (config.series.max_series, config.series.memory());
    if config.makes_windows() && memory > MEMORY {
        let most = (MEMORY - config.series.memory_without_series()) / config.series.series_memory() / 1_000 * 1_000;
        let allowed = format!(
            "at most {most}: {series} series may need {} GiB of memory, and an instance has {} GiB; several instances, each \
             with a part of the series, hold more",
            decimal::fixed(memory as f64 / (1_u64 << 30) as f64, 1),
            MEMORY >> 30
        );
        return Err(("series.max_series".into(), allowed));
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
