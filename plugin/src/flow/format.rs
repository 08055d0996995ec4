//! A format: which fields a flow log line holds, in which order.
//!
//! A line does not tell its format; it is known from the flow log's `LogFormat` (`DescribeFlowLogs`, EC2 API
//! Reference) or from the header line of a text file in S3 ("Publish flow logs to Amazon S3"). Two formats with the
//! same number of columns can be told apart only by what their tokens look like: see [`Formats`](super::Formats).

use std::fmt;

use super::step::{Key, Step, StepKind, slot};
use crate::column::{FIELDS, Field, FieldType, Kind, Names};

/// The most columns a format may have: three times the fields that exist.
pub const MAX_COLUMNS: usize = 250;

/// The longest column name, in bytes. The longest known field has 26.
const MAX_NAME: usize = 128;

/// Marks in [`Format::index`] a field the format does not have.
const ABSENT: u8 = u8::MAX;

/// One column of a format.
#[derive(Clone, Debug)]
pub struct Column {
    /// The known field, or none for a name that is not in the table: its tokens are kept as text.
    pub field: Option<Field>,
    /// The name with hyphens.
    pub name: String,
    /// The name with underscores, as in output.
    pub snake_name: String,
    /// What its tokens look like.
    pub kind: Kind,
    /// Where the record parser keeps the number: an index into [`Values`](super::record::Values).
    pub(crate) slot: u8,
}

impl Column {
    /// The column of this name; what is a field's in any spelling has the field's own name.
    fn new(name: &str, names: &Names) -> Column {
        match names.field(name) {
            Some(field) => Column::of(field.name().to_owned(), Some(field)),
            None => Column::of(name.to_ascii_lowercase().replace('_', "-"), None),
        }
    }

    fn of(name: String, field: Option<Field>) -> Column {
        let snake_name = name.replace('-', "_");
        let kind = field.map_or(Kind::Text, |field| field.info().kind);
        Column { field, name, snake_name, kind, slot: slot(field) }
    }

    fn step(&self, key: &str) -> Step {
        let kind = match self.kind {
            Kind::Integer { max } => StepKind::Integer { slot: self.slot, max },
            Kind::Action => StepKind::Action,
            Kind::Status => StepKind::Status,
            _ => StepKind::Text,
        };
        let mut block = [0; Key::BLOCK];
        block.iter_mut().zip(key.bytes()).for_each(|(place, byte)| *place = byte);
        Step { kind, key: Key { block, length: key.len(), is_quoted: key.ends_with(":\"") } }
    }

    /// How the column begins in output: `,"snake_name":` and, for text, the opening quote. The first has no comma.
    fn key(&self, is_first: bool) -> String {
        let is_text = self.field.is_none_or(|field| field.info().field_type == FieldType::String);
        let (comma, quote) = (if is_first { "" } else { "," }, if is_text { "\"" } else { "" });
        format!("{comma}\"{}\":{quote}", self.snake_name)
    }
}

/// Why a format cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError {
    /// Byte offset in the format's text.
    pub offset: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.reason)
    }
}

impl std::error::Error for FormatError {}

/// A compiled format.
#[derive(Clone, Debug)]
pub struct Format {
    columns: Vec<Column>,
    /// Column of each known field.
    index: [u8; Field::COUNT],
    /// The known fields it holds, one bit each, by their place in the table.
    mask: u128,
    /// How each column begins in output.
    keys: Vec<String>,
    /// What each column means for a line.
    steps: Vec<Step>,
    /// Bytes that a record takes in output besides its line, at most.
    room: usize,
    /// Whether all keys fit into blocks and no token has to be decoded.
    is_quick: bool,
}

impl Format {
    /// Compiles a format.
    ///
    /// Accepted are a `LogFormat` as the EC2 API gives it (`${version} ${vpc-id} …`), the same as escaped for a shell,
    /// Terraform or CloudFormation (`\${…}`, `$${…}`, `${!…}`), bare names with hyphens or underscores, separated by
    /// spaces or commas (Vector's `parse_aws_vpc_flow_log` and the header of a file in S3), all of it or each in quotes, and the words `default` and
    /// `transit-gateway` for the two formats AWS has when none is chosen.
    ///
    /// A name that is not in the table makes a text column, so that a field AWS adds next month does not stop anything;
    /// [`warnings`](Format::warnings) lists such names, for it may also be a misspelling.
    pub fn parse(text: &str) -> Result<Format, FormatError> {
        Format::named(text, &Names::default())
    }

    /// Compiles a format some of whose fields have other names.
    pub fn named(text: &str, names: &Names) -> Result<Format, FormatError> {
        match text.trim_ascii() {
            "default" => return Ok(Format::default_format()),
            "transit-gateway" | "transit_gateway" => return Ok(Format::transit_gateway()),
            _ => {}
        }
        let mut columns: Vec<Column> = Vec::new();
        let items = || text.split([' ', '\t', '\r', '\n', ',']).filter(|item| !item.is_empty());
        // A field that has its own name here is found by it, whatever it is called elsewhere in the data.
        let names = &names.within(|name| items().any(|item| bare_name(item) == Some(name)));
        for item in items() {
            let offset = item.as_ptr() as usize - text.as_ptr() as usize;
            let error = |reason: String| FormatError { offset, reason };
            let name = bare_name(item).ok_or_else(|| {
                error(format!(
                    "`{}` is not a field: write `${{version}} ${{account-id}} …` as in the flow log's LogFormat, separated by spaces",
                    shortened(item)
                ))
            })?;
            let mut column = Column::new(name, names);
            let written = name.to_ascii_lowercase().replace('_', "-");
            if columns.iter().any(|earlier| earlier.field.is_some() && earlier.field == column.field)
                && written != column.name
            {
                // A second spelling of a field that is there is a column of its own.
                column = Column::of(written, None);
            }
            if columns.iter().any(|earlier| earlier.name == column.name) {
                return Err(error(format!("`{}` is there twice: a flow log holds each field once", column.name)));
            }
            if columns.len() == MAX_COLUMNS {
                return Err(error(format!("more than {MAX_COLUMNS} fields")));
            }
            columns.push(column);
        }
        if columns.is_empty() {
            let reason = "no field: write for example `${version} ${interface-id} ${bytes} ${start} ${end}`".to_owned();
            return Err(FormatError { offset: 0, reason });
        }
        Ok(Format::from_columns(columns))
    }

    /// The format of a flow log created without one: the 14 fields of version 2, in table order ("Flow log records").
    pub fn default_format() -> Format {
        let mut fields = Vec::new();
        fields.extend(FIELDS.iter().filter(|info| info.version == 2).map(|info| info.field));
        Format::from_fields(&fields)
    }

    /// The default format of transit gateway flow logs, 36 fields ("AWS Transit Gateway Flow Logs").
    pub fn transit_gateway() -> Format {
        use Field::*;
        let mut fields = vec![Version, ResourceType, AccountId];
        fields.extend(FIELDS.iter().map(|info| info.field).filter(|field| field.name().starts_with("tgw-")));
        fields.extend([SrcAddr, DstAddr, SrcPort, DstPort, Protocol, Packets, Bytes, Start, End, LogStatus, Type]);
        fields.extend([PacketsLostNoRoute, PacketsLostBlackhole, PacketsLostMtuExceeded, PacketsLostTtlExpired]);
        fields.extend([TcpFlags, Region, FlowDirection, PktSrcAwsService, PktDstAwsService]);
        Format::from_fields(&fields)
    }

    /// A format of these fields, each at most once, in this order.
    pub(crate) fn from_fields(fields: &[Field]) -> Format {
        Format::from_columns(fields.iter().map(|field| Column::of(field.name().to_owned(), Some(*field))).collect())
    }

    fn from_columns(columns: Vec<Column>) -> Format {
        let mut index = [ABSENT; Field::COUNT];
        let mut mask = 0;
        for (i, column) in columns.iter().enumerate() {
            if let Some(field) = column.field {
                index[field as usize] = i as u8;
                mask |= 1 << field as u32;
            }
        }
        let keys: Vec<_> = columns.iter().enumerate().map(|(i, column)| column.key(i == 0)).collect();
        let steps = columns.iter().zip(&keys).map(|(column, key)| column.step(key)).collect();
        // A closing quote, or `null` instead of `-`; and braces and line end.
        let room = keys.iter().map(|key| key.len() + 4).sum::<usize>() + 4;
        let is_quick = keys.iter().all(|key| key.len() <= Key::BLOCK) && columns.iter().all(|c| c.kind != Kind::Tag);
        Format { columns, index, mask, keys, steps, room, is_quick }
    }

    /// The columns in the order of the line.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What each column means for a line.
    pub(crate) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// How each column begins in output.
    pub(super) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Bytes that a record takes in output besides its line, at most.
    pub(super) const fn room(&self) -> usize {
        self.room
    }

    /// Whether records can be written in blocks.
    pub(super) const fn is_quick(&self) -> bool {
        self.is_quick
    }

    /// The column that holds this field.
    pub fn column_of(&self, field: Field) -> Option<usize> {
        match self.index[field as usize] {
            ABSENT => None,
            column => Some(usize::from(column)),
        }
    }

    /// The known fields as bits, and whether it has no other columns.
    pub(crate) fn known(&self) -> (u128, bool) {
        (self.mask, self.mask.count_ones() as usize == self.columns.len())
    }

    /// One message for each name that is not in the table.
    pub fn warnings(&self) -> Vec<String> {
        let unknown = self.columns.iter().filter(|column| column.field.is_none());
        unknown.map(|column| format!("`{}` is not a known flow log field; it is kept as text", column.name)).collect()
    }

    /// Recognises the header line of a text file in S3 and compiles it.
    ///
    /// A header holds nothing but names, at least half of them known (AWS adds fields, so a few may not be); one known name beside
    /// one that is not has to have a hyphen, since a program may write `Start processing`. No record passes for one: it would need
    /// tokens that spell field names. None: the line is no header.
    pub fn from_header(line: &[u8]) -> Option<Result<Format, FormatError>> {
        Format::named_header(line, &Names::default())
    }

    /// Recognises a header line in which some fields have other names.
    pub fn named_header(line: &[u8], field_names: &Names) -> Option<Result<Format, FormatError>> {
        let first = line.trim_ascii_start().first()?;
        if !first.is_ascii_alphabetic() && *first != b'$' {
            return None;
        }
        let line = std::str::from_utf8(line).ok()?;
        let (mut known, mut names, mut has_telling) = (0, 0, false);
        for item in line.split([' ', '\t', '\r', '\n']).filter(|item| !item.is_empty()) {
            let name = bare_name(item)?;
            names += 1;
            let is_mapped = || field_names.mapped().any(|(_, mapped)| mapped == name);
            if Field::by_own_name(name.as_bytes()).is_some() || is_mapped() {
                known += 1;
                // `Start` alone is a usual word.
                has_telling |= name.contains(['-', '_']);
            }
        }
        (known > 0 && known * 2 >= names && (known > 1 || names == 1 || has_telling))
            .then(|| Format::named(line, field_names))
    }
}

/// As a `LogFormat`: `${version} ${account-id} …`.
impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, column) in self.columns.iter().enumerate() {
            write!(f, "{}${{{}}}", if i == 0 { "" } else { " " }, column.name)?;
        }
        Ok(())
    }
}

/// The name in `${name}`, in one of its escaped forms, or bare, behind or before a quote. None if it is no name.
fn bare_name(item: &str) -> Option<&str> {
    let item = item.trim_matches(['\'', '"']);
    let inner = item.trim_start_matches(['\\', '$']);
    let name = match inner.strip_prefix('{') {
        Some(rest) if inner.len() < item.len() => rest.strip_prefix('!').unwrap_or(rest).strip_suffix('}')?,
        Some(_) => return None,
        None if inner.len() < item.len() => return None,
        None => item,
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let begins_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    (begins_well && name.len() <= MAX_NAME && name.bytes().all(allowed)).then_some(name)
}

/// At most 40 characters of text that goes into a message.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
