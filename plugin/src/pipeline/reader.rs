//! Records from decoded leaves, whatever their form.

use std::borrow::Cow;

use super::filter::Filter;
use crate::column::{Column, Columns, Numeric};
use crate::config::{self, Records};
use crate::decode::{self, Leaf};
use crate::failure::Failure;
use crate::flow::{FlowRecord, Format, Formats, Page, Parsed, Parser};
use crate::row::{CsvRows, JsonRows, Row};

/// A record of any form.
#[derive(Clone, Copy, Debug)]
pub enum Record<'a> {
    /// A flow log line, or the fields that CloudWatch extracted from one.
    Flow(FlowRecord<'a>),
    /// A JSON object or CSV row.
    Row(Row<'a>),
}

impl Record<'_> {
    /// The text of a column; none if it is absent.
    pub fn text(&self, column: &Column) -> Option<Cow<'_, str>> {
        match self {
            Record::Flow(record) => record.named(column).map(Cow::Borrowed),
            Record::Row(row) => row.text(column),
        }
    }

    /// Whether the record has a column, be it without a value.
    pub(super) fn has(&self, column: &Column) -> bool {
        match self {
            Record::Flow(record) => record.has_column(column),
            Record::Row(row) => row.has(column),
        }
    }

    /// The names of what the record has, at most so many.
    pub(super) fn names(&self, most: usize) -> Vec<String> {
        match self {
            Record::Flow(record) => {
                record.format().columns().iter().map(|column| column.snake_name.clone()).take(most).collect()
            }
            Record::Row(row) => row.names(most),
        }
    }

    /// Appends the record as members of a JSON object, without braces.
    pub fn write_members(&self, out: &mut Vec<u8>) {
        match self {
            Record::Flow(record) => record.write_members(out),
            Record::Row(row) => row.write_members(out),
        }
    }
}

impl Numeric for Record<'_> {
    fn number(&self, column: &Column) -> Result<Option<f64>, Failure> {
        match self {
            Record::Flow(record) => record.number(column),
            Record::Row(row) => row.number(column),
        }
    }
}

/// What a leaf turned out to be.
#[derive(Clone, Copy, Debug)]
pub enum Read<'a> {
    /// A record.
    Record(Record<'a>),
    /// A header line: it names the columns of the lines after it and is no record itself.
    Header,
    /// A record that does not count, by the configuration.
    LeftOut,
}

/// Reads the leaves of payloads by one configuration. It keeps buffers, and a header line for the length of a payload.
#[derive(Debug)]
pub struct Reader {
    forms: Forms,
    input: config::Input,
    filter: Option<Filter>,
}

/// A reader of each form that records have.
#[derive(Debug)]
struct Forms {
    records: Records,
    flow: Parser,
    json: JsonRows,
    csv: CsvRows,
}

impl Reader {
    /// A reader that finds these columns in generic rows.
    pub fn new(input: &config::Input, columns: &Columns) -> Reader {
        let (filter, columns) = Filter::new(input, columns);
        let forms = Forms {
            records: input.records,
            flow: Parser::named(input.formats(), input.names()),
            json: JsonRows::new(columns.clone()),
            csv: CsvRows::new(input.csv.dialect(), columns),
        };
        Reader { forms, input: input.clone(), filter }
    }

    /// A reader that finds no columns, and takes for a header what a reader does that finds these: so that decoding counts as
    /// scoring does.
    pub(super) fn decoding(input: &config::Input, wanted: &Columns) -> Reader {
        let mut reader = Reader::new(input, &Columns::default());
        let (_, wanted) = Filter::new(input, wanted);
        reader.forms.csv = reader.forms.csv.that_wants(wanted);
        reader
    }

    /// Finds these columns in generic rows from now on, also in the rest of the present payload.
    pub fn find(&mut self, columns: &Columns) {
        let (filter, columns) = Filter::new(&self.input, columns);
        self.filter = filter;
        self.forms.csv.find(&columns);
        self.forms.json = JsonRows::new(columns);
    }

    /// What a person should know about the configured formats: names of fields that are not known.
    pub fn warnings(&self) -> Vec<String> {
        self.forms.flow.formats().candidates().iter().flat_map(Format::warnings).collect()
    }

    /// Whether a flow record since the last call had times in milliseconds or finer.
    pub(super) fn take_fine_time(&mut self) -> bool {
        self.forms.flow.take_fine_time()
    }

    /// The configured formats.
    pub(super) fn formats(&self) -> &Formats {
        self.forms.flow.formats()
    }

    /// Whether a header line rules over the flow log lines of the present payload.
    pub(crate) fn has_flow_header(&self) -> bool {
        self.forms.flow.has_header()
    }

    /// Whether a header names the columns of the CSV rows of the present payload.
    pub(crate) fn has_csv_header(&self) -> bool {
        self.forms.csv.has_header()
    }

    /// Begins a payload.
    pub fn reset(&mut self) {
        self.forms.flow.reset();
        self.forms.csv.reset();
    }

    /// Reads one leaf.
    #[inline]
    pub fn read<'a>(&'a mut self, leaf: Leaf<'a>) -> Result<Read<'a>, Failure> {
        let read = self.forms.read(leaf)?;
        match (&self.filter, &read) {
            (Some(filter), Read::Record(record)) if !filter.passes(record) => Ok(Read::LeftOut),
            _ => Ok(read),
        }
    }

    /// Whether it is to say why a flow log line is no record; a new payload begins with reasons.
    pub(super) fn set_reasons(&mut self, has_reasons: bool) {
        self.forms.flow.set_reasons(has_reasons);
    }

    /// Whether a text inside a document is a flow log line or a header line.
    pub(crate) fn opens(&mut self, text: &[u8]) -> bool {
        self.forms.flow.opens(text)
    }

    /// Writes a flow log line's record as a line of JSON; false, with nothing written, if the leaf is something else, nothing
    /// good, or may not count: then [`read`](Reader::read) tells.
    #[inline]
    pub(super) fn write(&mut self, leaf: Leaf<'_>, page: &mut Page, out: &mut Vec<u8>) -> bool {
        self.filter.is_none() && self.forms.write(leaf, page, out)
    }
}

impl Forms {
    #[inline]
    fn read<'a>(&'a mut self, leaf: Leaf<'a>) -> Result<Read<'a>, Failure> {
        let (message, extracted) = match leaf {
            Leaf::Line(line) => (line, None),
            Leaf::Event { message, extracted_fields } => (message, extracted_fields),
            Leaf::Object(object) => return self.row(object),
        };
        match self.records {
            Records::Csv => return Self::csv_row(&mut self.csv, &mut self.flow, message),
            Records::Json => return self.row(message),
            Records::Auto if extracted.is_none() => {
                if message.trim_ascii_start().first() == Some(&b'{') {
                    return self.row(message);
                }
                if let Some(scanned) = self.flow.scan(message) {
                    return Ok(Read::Record(Record::Flow(self.flow.scanned(message, scanned))));
                }
                // A comma is in no flow log field, and another delimiter was configured.
                if message.contains(&self.csv.delimiter()) {
                    return Self::csv_row(&mut self.csv, &mut self.flow, message);
                }
            }
            Records::Flow | Records::Auto => {}
        }
        let parsed = match extracted {
            None if self.flow.has_reasons() => {
                self.flow.line(message).map_err(|failure| decode::damaged_base64(message).unwrap_or(failure))?
            }
            None => self.flow.line(message)?,
            Some(_) => self.flow.event(message, extracted)?,
        };
        Ok(match parsed {
            Parsed::Record(record) => Read::Record(Record::Flow(record)),
            Parsed::Header(_) => Read::Header,
        })
    }

    #[inline]
    fn write(&mut self, leaf: Leaf<'_>, page: &mut Page, out: &mut Vec<u8>) -> bool {
        let (Leaf::Line(line) | Leaf::Event { message: line, extracted_fields: None }) = leaf else { return false };
        let is_flow = match self.records {
            Records::Auto => line.trim_ascii_start().first() != Some(&b'{'),
            Records::Flow => true,
            Records::Json | Records::Csv => false,
        };
        is_flow && self.flow.write(line, page, out)
    }

    fn row<'a>(&'a mut self, object: &'a [u8]) -> Result<Read<'a>, Failure> {
        Ok(Read::Record(Record::Row(self.json.read(object)?)))
    }

    /// A row, or the flow log line in its column `message`.
    fn csv_row<'a>(rows: &'a mut CsvRows, flow: &'a mut Parser, line: &'a [u8]) -> Result<Read<'a>, Failure> {
        if rows.has_messages() {
            let Some(row) = rows.read(line)? else { return Ok(Read::Header) };
            let message = row.message().and_then(|place| line.get(place));
            if let Some(message) = message.filter(|message| flow.opens(message)) {
                return Ok(match flow.line(message)? {
                    Parsed::Record(record) => Read::Record(Record::Flow(record)),
                    Parsed::Header(_) => Read::Header,
                });
            }
        }
        Ok(rows.read(line)?.map_or(Read::Header, |row| Read::Record(Record::Row(row))))
    }
}
