//! A configuration that scores what was found, ready to be used.

use super::Format;
use super::flow_shape::Recognised;
use crate::json::Writer;
use crate::row::{Dialect, Header};

/// The configuration for flow logs: window mode, which sums up bytes by interface, with the format where it is not one
/// that is understood without being told.
pub(super) fn for_flow_logs(found: Option<&Recognised>, writer: &mut Writer<'_>) {
    writer.open(b'{');
    writer.key("mode").text("window");
    if let Some(found) = found.filter(|found| matches!(found.source, "published" | "guess")) {
        writer.key("input").open(b'{');
        writer.key("format").text(&found.format.to_string());
        writer.close(b'}');
    }
    writer.close(b'}');
}

/// The configuration for rows: record mode over the column suggested.
pub(super) fn for_rows(format: Format, column: &str, dialect: Option<&Dialect>, writer: &mut Writer<'_>) {
    writer.open(b'{');
    writer.key("mode").text("record");
    if let (Format::Csv, Some(dialect)) = (format, dialect) {
        writer.key("input").open(b'{');
        // Rows are told from flow log lines by a comma; others have to be announced.
        if dialect.delimiter != b',' {
            writer.key("records").text("csv");
        }
        writer.key("csv").open(b'{');
        writer.key("delimiter").text(char::from(dialect.delimiter).encode_utf8(&mut [0; 4]));
        writer.key("header");
        writer.truth(dialect.header == Header::First);
        writer.close(b'}');
        writer.close(b'}');
    }
    writer.key("record").open(b'{');
    writer.key("columns").open(b'[');
    writer.text(column);
    writer.close(b']');
    writer.close(b'}');
    writer.close(b'}');
}
