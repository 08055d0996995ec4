//! CSV rows (RFC 4180), with the retired service's names for columns without a header: `COL_1`, `COL_2`, …

use super::{Cell, CellKind, NULL, Row, Shape, utf8};
use crate::column::{Column, Columns, Field, finite};
use crate::failure::{Failure, Layer};
use crate::json::{Kind, Scanner, write_escaped};

/// The most fields of a row, as in the retired service.
const MAX_FIELDS: usize = 1000;

/// Whether the first row of a payload names the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Header {
    /// The first row of each payload is a header. If names are configured they are used instead and it is skipped.
    First,
    /// Found by content: a row is a header if it holds names only, among them a known or wanted one.
    #[default]
    Found,
    /// All rows are data.
    None,
}

/// How the rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What separates fields: one ASCII character, not a quote or line end.
    pub delimiter: u8,
    /// Whether the first row of a payload is a header.
    pub header: Header,
    /// Names of the columns; empty: from the header, else `COL_1`, `COL_2`, ….
    pub names: Vec<String>,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect { delimiter: b',', header: Header::Found, names: Vec::new() }
    }
}

/// Reads CSV rows.
#[derive(Clone, Debug)]
pub struct CsvRows {
    dialect: Dialect,
    columns: Columns,
    /// The columns by which a header is told, if they are others.
    wanted: Option<Columns>,
    layout: Layout,
    is_first: bool,
    has_header: bool,
    cells: Vec<Cell>,
}

impl CsvRows {
    /// A reader for rows of this dialect, that finds these columns.
    pub fn new(dialect: Dialect, columns: Columns) -> CsvRows {
        let layout = Layout::new(&columns, dialect.names.clone());
        CsvRows { dialect, columns, wanted: None, layout, is_first: true, has_header: false, cells: Vec::new() }
    }

    /// Tells a header as a reader that finds these columns does.
    pub(crate) fn that_wants(self, columns: Columns) -> CsvRows {
        CsvRows { wanted: Some(columns), ..self }
    }

    fn wanted(&self) -> &Columns {
        self.wanted.as_ref().unwrap_or(&self.columns)
    }

    /// Finds these columns from now on, also in the rest of a payload whose header was read.
    pub(crate) fn find(&mut self, columns: &Columns) {
        self.columns = columns.clone();
        let names = std::mem::take(&mut self.layout.names);
        self.arrange(names);
    }

    /// What separates fields.
    pub fn delimiter(&self) -> u8 {
        self.dialect.delimiter
    }

    /// Whether a header of the present payload names the columns.
    pub(crate) const fn has_header(&self) -> bool {
        self.has_header
    }

    /// Whether the header has a column of log messages.
    pub(crate) fn has_messages(&self) -> bool {
        self.layout.message.is_some()
    }

    /// The columns it finds.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Begins a new payload: its first row may be a header.
    pub fn reset(&mut self) {
        self.is_first = true;
        if std::mem::take(&mut self.has_header) {
            self.arrange(self.dialect.names.clone());
        }
    }

    #[cold]
    #[inline(never)]
    fn arrange(&mut self, names: Vec<String>) {
        self.layout = Layout::new(&self.columns, names);
    }

    /// Reads one row; none if it was a header, which rules from here on. A row is a line, or more lines if a quoted field
    /// has line ends in it.
    pub fn read<'a>(&'a mut self, line: &'a [u8]) -> Result<Option<Row<'a>>, Failure> {
        let text = utf8(line, Layer::Csv)?;
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        split(text, self.dialect.delimiter, &mut self.cells)?;
        let is_first = std::mem::take(&mut self.is_first);
        if (is_first || may_be_header(text)) && self.read_header(text, is_first)? {
            return Ok(None);
        }
        let (fields, names) = (self.cells.len(), self.layout.names.len());
        if names != 0 && fields != names {
            let reason = format!("{fields} fields where the header or the configuration has {names} columns");
            return Err(Failure::new(Layer::Csv, text.len(), reason));
        }
        Ok(Some(Row { text, cells: &self.cells, shape: Shape::Csv { layout: &self.layout } }))
    }

    /// Whether a row, split into cells, is a header; if so, it names the columns, unless the configuration does.
    #[cold]
    fn read_header(&mut self, text: &str, is_first: bool) -> Result<bool, Failure> {
        let told = is_first && self.dialect.header == Header::First;
        let is_header = told || (self.dialect.header != Header::None && self.is_header(text, is_first));
        if !is_header || !self.dialect.names.is_empty() {
            return Ok(is_header);
        }
        let names = self.cells.iter().map(|cell| cell.read(text).unwrap_or_default().into_owned()).collect();
        self.arrange(names);
        self.has_header = true;
        if told { self.layout.check(&self.columns).map(|()| true) } else { Ok(true) }
    }

    /// Whether a row holds names only, among them one that means something: a flow log field in any spelling, a column to
    /// find, or what exports call times, values and messages. While no columns are to be found, any names are the first
    /// row's.
    fn is_header(&self, text: &str, is_first: bool) -> bool {
        let names = || self.cells.iter().map(|cell| cell.raw(text).trim_ascii());
        let is_wanted = |name: &str| self.wanted().as_slice().iter().any(|column| column.source() == name);
        let is_known = |name: &str| {
            Field::by_name(name.as_bytes()).is_some() || USUAL.iter().any(|usual| name.eq_ignore_ascii_case(usual))
        };
        let repeats = || names().eq(self.layout.names.iter().map(|name| name.trim_ascii()));
        match is_first {
            true if self.wanted().as_slice().is_empty() && self.dialect.names.is_empty() && names().all(is_name) => {
                true
            }
            true => names().all(is_title) && names().any(|name| is_known(name) || is_wanted(name)),
            // Further down a word or two may be data.
            false => {
                names().all(is_title)
                    && (names().filter(|name| is_known(name)).count() * 2 > names().count()
                        || (self.has_header && repeats()))
            }
        }
    }
}

/// What exports call the column of log messages.
const MESSAGES: [&str; 6] = ["message", "@message", "log", "event", "raw", "_raw"];

/// What exports call the columns beside those of the records.
const USUAL: [&str; 8] = ["timestamp", "@timestamp", "message", "@message", "time", "date", "value", "ingestionTime"];

/// Which field of a row each column is.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Names of all fields; empty: `COL_1`, ….
    names: Vec<String>,
    /// `"name":` for each name.
    keys: Vec<Vec<u8>>,
    /// For each compiled column its field.
    places: Vec<Option<usize>>,
    /// The field with log messages, as exports of CloudWatch Logs have it.
    message: Option<usize>,
    /// The fields that are compiled columns.
    numeric: Vec<bool>,
}

impl Layout {
    fn new(columns: &Columns, names: Vec<String>) -> Layout {
        let place = |column: &Column| {
            let generated = || column.name().strip_prefix("COL_")?.parse::<usize>().ok()?.checked_sub(1);
            let named = names.iter().position(|name| name.trim_ascii() == column.source());
            let spelt = || {
                let is_spelling = |name: &String| Field::by_name(name.trim_ascii().as_bytes()) == column.field();
                if column.is_spelt_freely() { names.iter().position(is_spelling) } else { None }
            };
            let named = named.or_else(spelt);
            named.or_else(|| if names.is_empty() { generated().filter(|&place| place < MAX_FIELDS) } else { None })
        };
        let places: Vec<_> = columns.as_slice().iter().map(place).collect();
        let last = places.iter().flatten().max().map_or(0, |last| last + 1);
        let mut numeric = vec![false; names.len().max(last)];
        for &place in places.iter().flatten() {
            numeric[place] = true;
        }
        let keys = names.iter().map(|name| key(name.trim_ascii())).collect();
        let is_message = |name: &String| MESSAGES.iter().any(|known| name.trim_ascii().eq_ignore_ascii_case(known));
        let message = names.iter().position(is_message);
        Layout { names, keys, places, message, numeric }
    }

    /// A header without any column to find would make every row fail or count as absent: say so at once. One that lacks
    /// some has rows without these values.
    fn check(&self, columns: &Columns) -> Result<(), Failure> {
        let columns = columns.as_slice();
        let Some(missing) = columns.first().filter(|_| columns.iter().all(|column| self.place(column).is_none()))
        else {
            return Ok(());
        };
        let known: Vec<_> = self.names.iter().take(20).map(|name| name.trim_ascii()).collect();
        let reason = format!("the header has no column `{}`; it has {}", missing.source(), known.join(", "));
        Err(Failure::new(Layer::Csv, 0, reason))
    }

    /// The name of the field at a place.
    pub(super) fn name(&self, place: usize) -> String {
        match self.names.get(place) {
            Some(name) => name.trim_ascii().to_owned(),
            None => format!("COL_{}", place + 1),
        }
    }

    pub(super) const fn message(&self) -> Option<usize> {
        self.message
    }

    pub(super) fn place(&self, column: &Column) -> Option<usize> {
        self.places.get(column.index()).copied().flatten()
    }

    pub(super) fn write_members(&self, text: &str, cells: &[Cell], out: &mut Vec<u8>) {
        for (place, &cell) in cells.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            match self.keys.get(place) {
                Some(key) => out.extend_from_slice(key),
                None => out.extend_from_slice(&key(&format!("COL_{}", place + 1))),
            }
            let value = cell.read(text).unwrap_or_default();
            let is_numeric = self.numeric.get(place).copied().unwrap_or(false);
            if is_numeric && matches!(value.trim_ascii(), "" | NULL) {
                out.extend_from_slice(b"null");
            } else if is_numeric && is_json_number(value.trim_ascii()) {
                out.extend_from_slice(value.trim_ascii().as_bytes());
            } else {
                out.push(b'"');
                write_escaped(out, &value);
                out.push(b'"');
            }
        }
    }
}

/// Whether a field of a first row looks like a column's name, and not like data. A row with numbers has one that does not.
fn is_name(field: &str) -> bool {
    let field = field.trim_ascii();
    field.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && field.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !is_not_finite(field)
}

/// Whether a field of a first row may be a column's title: a name, or several words.
fn is_title(field: &str) -> bool {
    let begins = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'@';
    field.as_bytes().first().is_some_and(begins)
        && field.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_@.: ()/".contains(&byte))
        && !is_not_finite(field)
}

/// Whether a row begins as a header does.
fn may_be_header(text: &str) -> bool {
    matches!(text.as_bytes(), [b'"', first, ..] | [first, ..] if first.is_ascii_alphabetic() || *first == b'@')
}

/// Whether a text is how programs write a number that is none, or is infinite.
#[inline(never)]
pub(super) fn is_not_finite(text: &str) -> bool {
    let text = text.trim_ascii().as_bytes();
    let text = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    [&b"nan"[..], b"inf", b"infinity"].iter().any(|name| text.eq_ignore_ascii_case(name))
}

fn key(name: &str) -> Vec<u8> {
    let mut key = vec![b'"'];
    write_escaped(&mut key, name);
    key.extend_from_slice(b"\":");
    key
}

/// Whether the text may be written as it is: a finite number in JSON's grammar, which has no `+1`, `007`, `1.` or `.5`.
fn is_json_number(text: &str) -> bool {
    let mut scanner = Scanner::strict(text);
    let value = scanner.value().and_then(|value| scanner.finish().map(|()| value.kind));
    value == Ok(Kind::Number) && finite(text).is_some()
}

/// Splits a row into fields.
fn split(text: &str, delimiter: u8, cells: &mut Vec<Cell>) -> Result<(), Failure> {
    let bytes = text.as_bytes();
    if u32::try_from(bytes.len()).is_err() {
        return Err(Failure::new(Layer::Csv, 0, "the row is longer than 4 GiB"));
    }
    cells.clear();
    let mut position = 0;
    loop {
        if cells.len() == MAX_FIELDS {
            return Err(Failure::new(Layer::Csv, position, "more than 1000 fields in a row"));
        }
        let cell = if bytes.get(position) == Some(&b'"') {
            quoted(bytes, position)?
        } else {
            let rest = &bytes[position..];
            let length = rest.iter().position(|&byte| byte == delimiter).unwrap_or(rest.len());
            Cell::new(position, position + length, CellKind::Plain)
        };
        let is_quoted = bytes.get(position) == Some(&b'"');
        position = cell.end as usize + usize::from(is_quoted);
        cells.push(cell);
        match bytes.get(position) {
            None => return Ok(()),
            Some(&byte) if byte == delimiter => position += 1,
            Some(_) => {
                let reason = "after a closing quote a delimiter is expected; a quote inside a quoted field is doubled";
                return Err(Failure::new(Layer::Csv, position, reason));
            }
        }
    }
}

/// The inside of the quoted field that opens at `open`.
fn quoted(bytes: &[u8], open: usize) -> Result<Cell, Failure> {
    let mut kind = CellKind::Plain;
    let mut position = open + 1;
    loop {
        match (bytes.get(position), bytes.get(position + 1)) {
            (Some(b'"'), Some(b'"')) => {
                kind = CellKind::Doubled;
                position += 2;
            }
            (Some(b'"'), _) => return Ok(Cell::new(open + 1, position, kind)),
            (Some(_), _) => position += 1,
            (None, _) => return Err(Failure::new(Layer::Csv, open, "a quoted field is not closed")),
        }
    }
}
