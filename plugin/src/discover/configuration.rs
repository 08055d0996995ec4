//! A configuration that scores what was found, ready to be used.

use serde_json::{Value, json};

use super::Format;
use super::flow_shape::Found;
use crate::row::{Dialect, Header};

/// The configuration for flow logs: window mode, which sums up bytes by interface, with the format where it is not one
/// that is understood without being told.
pub(super) fn for_flow_logs(found: Option<&Found>) -> Value {
    match found {
        Some(found) if matches!(found.source, "published" | "guess") => {
            json!({ "mode": "window", "input": { "format": found.format.to_string() } })
        }
        _ => json!({ "mode": "window" }),
    }
}

/// The configuration for rows: record mode over the columns suggested.
pub(super) fn for_rows(format: Format, columns: &[&str], dialect: Option<&Dialect>) -> Value {
    let mut configuration = json!({ "mode": "record", "record": { "columns": columns } });
    if let (Format::Csv, Some(dialect)) = (format, dialect) {
        configuration["input"] = json!({ "csv": {
            "delimiter": char::from(dialect.delimiter).to_string(),
            "header": dialect.header == Header::First,
        }});
    }
    configuration
}
