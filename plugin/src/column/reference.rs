//! The field reference, rendered from the table.

use std::fmt::Write;

use super::field::{FIELDS, FieldDoc, FieldInfo, Kind};

/// `docs/fields.md`: a table of all fields.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for info in &FIELDS {
        let FieldInfo { field, name, version, field_type, kind } = info;
        let FieldDoc { example, meaning } = field.doc();
        let values = match kind {
            Kind::Integer { max } => format!("0–{max}"),
            Kind::Address => "address".to_owned(),
            Kind::Account => "12 digits, `unknown`".to_owned(),
            Kind::Action => "`ACCEPT`, `REJECT`".to_owned(),
            Kind::Status => "`OK`, `NODATA`, `SKIPDATA`".to_owned(),
            Kind::Id(prefix) => format!("`{prefix}…`"),
            Kind::OneOf(_) | Kind::Text => "text".to_owned(),
            Kind::Tag => "tag value".to_owned(),
        };
        let (snake_name, type_name) = (field.snake_name(), field_type.name());
        // Writing to a String cannot fail.
        let _ = writeln!(
            page,
            "| `{name}` | `{snake_name}` | {version} | {type_name} | {values} | `{example}` | {meaning} |"
        );
    }
    page
}

const HEAD: &str = "\
# Flow log fields

Rendered from the table in `plugin/src/column/field.rs`, which also drives the parser and the output; a test keeps this
page equal to it. Sources: Amazon VPC User Guide, \"Flow log records\" (versions 2–5 and 7–11); Amazon VPC Transit Gateways
guide, \"AWS Transit Gateway Flow Logs\" (version 6).

- **Name** is what a `LogFormat` and the header line of a file in S3 say; **in output** is the member of the JSON record.
- `-` in a line is `null` in output, for every field.
- Integers, actions and statuses outside their values make the record fail. The values of other fields are not checked:
  AWS adds to them. They help to choose between formats of equal length.
- Tag values are percent-encoded in the line and decoded in output.
- A name that is not in this table is kept as text, with a warning.

| Name | In output | Version | Type | Values | Example | Meaning |
|---|---|---|---|---|---|---|
";
