//! A configuration that scores what was found, as JSON text.

use crate::json::Writer;
use crate::row::{Dialect, Header};

fn compact(write: impl FnOnce(&mut Writer<'_>)) -> String {
    let mut out = Vec::new();
    write(&mut Writer::compact(&mut out));
    String::from_utf8(out).unwrap_or_default()
}

/// A configuration for windows.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// Formats of flow log lines, if they are not those that need no configuration.
    pub(super) formats: Vec<String>,
    /// Fields that have other names in the data.
    pub(super) fields: Vec<(String, String)>,
    /// What separates the columns of CSV rows, if it has to be said, and their names, if no header has them.
    pub(super) delimiter: Option<u8>,
    pub(super) names: Vec<String>,
    /// What tells the series, if it is no interface.
    pub(super) by: Option<String>,
    /// What is detected on, if it is not the bytes.
    pub(super) value: Option<&'static str>,
}

impl Windows {
    pub(super) fn to_json(&self) -> String {
        compact(|writer| {
            writer.open(b'{');
            writer.key("mode").text("window");
            if !self.formats.is_empty() || !self.fields.is_empty() || self.delimiter.is_some() {
                writer.key("input").open(b'{');
                match &self.formats[..] {
                    [] => {}
                    [one] => writer.key("format").text(one),
                    several => writer.key("format").texts(several),
                }
                if !self.fields.is_empty() {
                    writer.key("fields").open(b'{');
                    for (field, path) in &self.fields {
                        writer.key(field).text(path);
                    }
                    writer.close(b'}');
                }
                if let Some(delimiter) = self.delimiter {
                    csv(delimiter, None, &self.names, writer);
                }
                writer.close(b'}');
            }
            if self.by.is_some() || self.value.is_some() {
                writer.key("series").open(b'{');
                if let Some(by) = &self.by {
                    writer.key("by").texts(std::slice::from_ref(by));
                }
                if let Some(value) = self.value {
                    writer.key("value").text(value);
                }
                writer.close(b'}');
            }
            writer.close(b'}');
        })
    }
}

/// A configuration for record mode over a column. A header row that has the column's name needs no word, unless something
/// other than a comma separates the columns. `names` go in the place of a header.
pub(super) fn record(column: &str, dialect: Option<&Dialect>, names: &[String]) -> String {
    compact(|writer| {
        writer.open(b'{');
        writer.key("mode").text("record");
        if let Some(dialect) = dialect {
            writer.key("input").open(b'{');
            let header = dialect.header == Header::First && names.is_empty();
            csv(dialect.delimiter, Some(header), names, writer);
            writer.close(b'}');
        }
        writer.key("record").open(b'{');
        writer.key("columns").open(b'[');
        writer.text(column);
        writer.close(b']');
        writer.close(b'}');
        writer.close(b'}');
    })
}

/// How CSV rows are written. They are told from flow log lines by a comma; others have to be announced.
fn csv(delimiter: u8, header: Option<bool>, names: &[String], writer: &mut Writer<'_>) {
    if delimiter != b',' {
        writer.key("records").text("csv");
    }
    writer.key("csv").open(b'{');
    writer.key("delimiter").text(char::from(delimiter).encode_utf8(&mut [0; 4]));
    if let Some(header) = header {
        writer.key("header").truth(header);
    }
    if !names.is_empty() {
        writer.key("names").texts(names);
    }
    writer.close(b'}');
}
