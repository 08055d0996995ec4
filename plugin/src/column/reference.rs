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
- **Names** are known in any case and with `-`, `_`, a blank or nothing between their words (`interface-id`, `interfaceId`,
  `Interface ID`), in JSON members, CSV headers, header lines and `extractedFields`; other names and paths into nested objects
  (`traffic.octets`) are said in `input.fields`.
- A row (JSON, CSV) without `start` and `end` has the time of its `@timestamp`, as exports of Logs Insights have it.
- A record without `interface-id` is in the series of its `tgw-attachment-id`, or else `tgw-src-eni`, `tgw-dst-eni`, `resource-id`.

Network activity of OCSF (`\"class_uid\": 4001`, as Amazon Security Lake keeps flow logs) is read by the same names:

| Field | Member |
|---|---|
| `interface-id`, `instance-id`, `subnet-id`, `vpc-id` | `interface_uid`, `instance_uid`, `subnet_uid`, `vpc_uid` of `dst_endpoint` if `connection_info.direction` is inbound, else of `src_endpoint`; of the other if one has it not |
| `bytes`, `packets` | `traffic.bytes`, `traffic.packets`, or the sum of `…_in` and `…_out` |
| `start`, `end` | `start_time` or `time`, `end_time` |
| `srcaddr`, `srcport`, `dstaddr`, `dstport` | `src_endpoint.ip`, `src_endpoint.port`, `dst_endpoint.ip`, `dst_endpoint.port` |
| `protocol`, `tcp-flags`, `flow-direction`, `traffic-path` | `connection_info.protocol_num`, `.tcp_flags`, `.direction`, `.boundary_id` |
| `action` | REJECT if `action`, `disposition` or `activity_name` says denied, blocked, dropped or refused |
| `log-status`, `account-id`, `region`, `az-id` | `status_code`, `cloud.account.uid`, `cloud.region`, `cloud.zone` |

| Name | In output | Version | Type | Values | Example | Meaning |
|---|---|---|---|---|---|---|
";
