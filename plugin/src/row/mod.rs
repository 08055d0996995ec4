//! Generic records, so that any stream with numbers can be scored: JSON objects and CSV rows with numeric columns.
//!
//! Column names are compiled once ([`Columns`](crate::column::Columns)); a reader ([`JsonRows`], [`CsvRows`]) then finds their values in each
//! record without allocating, and a [`Row`] gives them as numbers or text and writes the record to output.

mod csv;
mod network_activity;
mod object;

use std::borrow::Cow;

use crate::column::{Column, Numeric, escaped, finite};
use crate::failure::{Failure, Layer};
use crate::json::{Value, unescape};
use crate::order;

pub use csv::{CsvRows, Dialect, Header};
pub use object::JsonRows;

/// What flow logs have in the place of a value that does not apply or was not computed, and so what is made of them has.
const NULL: &str = "-";

/// Where a column's value lies in a record, and how to read it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) kind: CellKind,
}

/// How a cell's text is to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CellKind {
    /// No such member, or null.
    #[default]
    Absent,
    /// Text as it stands: a JSON number, an unescaped JSON string, a CSV field.
    Plain,
    /// The inside of a JSON string with escape sequences.
    Escaped,
    /// The inside of a quoted CSV field with doubled quotes.
    Doubled,
    /// `true` or `false`.
    Boolean,
    /// An object or array.
    Container,
    /// What was made of several members: not a part of the text.
    Derived,
}

impl Cell {
    pub(crate) fn new(start: usize, end: usize, kind: CellKind) -> Cell {
        let narrow = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Cell { start: narrow(start), end: narrow(end), kind }
    }

    fn raw(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    fn read(self, text: &str) -> Option<Cow<'_, str>> {
        let raw = self.raw(text);
        match self.kind {
            CellKind::Absent => None,
            CellKind::Escaped => Some(unescape(raw)),
            CellKind::Doubled => {
                // All quotes stand in pairs, of which the first stays.
                let mut stays = false;
                let keep = |character: &char| {
                    stays ^= *character == '"';
                    stays || *character != '"'
                };
                Some(Cow::Owned(raw.chars().filter(keep).collect()))
            }
            CellKind::Plain | CellKind::Boolean | CellKind::Container | CellKind::Derived => Some(Cow::Borrowed(raw)),
        }
    }
}

/// A JSON object or a CSV row, borrowed from the input.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    text: &'a str,
    /// One cell for each compiled column (JSON), or for each field of the row (CSV).
    cells: &'a [Cell],
    shape: Shape<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Shape<'a> {
    /// What cells are derived is none unless the object is network activity.
    Json {
        has_line_ends: bool,
        derived: Option<&'a str>,
    },
    Csv {
        layout: &'a csv::Layout,
    },
}

impl<'a> Row<'a> {
    fn cell(&self, column: &Column) -> Cell {
        let position = match self.shape {
            Shape::Json { .. } => Some(column.index()),
            Shape::Csv { layout } => layout.place(column),
        };
        position.and_then(|position| self.cells.get(position)).copied().unwrap_or_default()
    }

    /// The text of a cell.
    fn read(&self, cell: Cell) -> Option<Cow<'a, str>> {
        match (cell.kind, self.shape) {
            (CellKind::Derived, Shape::Json { derived, .. }) => cell.read(derived.unwrap_or_default()),
            _ => cell.read(self.text),
        }
    }

    /// Whether it is network activity of OCSF, in which flow log fields are nested members.
    pub(crate) fn is_network_activity(&self) -> bool {
        matches!(self.shape, Shape::Json { derived: Some(_), .. })
    }

    /// The value of a column as text, for keys and times: a string's text, or a number, boolean or container as it is
    /// written. None: absent, null, `-` as flow logs have it, or an empty CSV field.
    pub fn text(&self, column: &Column) -> Option<Cow<'a, str>> {
        let text = self.read(self.cell(column))?;
        let is_csv = matches!(self.shape, Shape::Csv { .. });
        (!(is_csv && text.is_empty()) && text != NULL).then_some(text)
    }

    /// Whether the row has a column: a JSON object a value that is not null, a CSV row a field, be it empty.
    pub(crate) fn has(&self, column: &Column) -> bool {
        match self.shape {
            Shape::Json { .. } => self.cell(column).kind != CellKind::Absent,
            Shape::Csv { layout } => layout.place(column).is_some(),
        }
    }

    /// Where in its line the log message of a CSV row is that has one, without its quotes.
    pub(crate) fn message(&self) -> Option<std::ops::Range<usize>> {
        let Shape::Csv { layout } = self.shape else { return None };
        let cell = self.cells.get(layout.message()?).filter(|cell| cell.kind == CellKind::Plain)?;
        Some(cell.start as usize..cell.end as usize)
    }

    /// The names of the members of a JSON object, or of the fields of a CSV row; at most so many.
    pub(crate) fn names(&self, most: usize) -> Vec<String> {
        match self.shape {
            Shape::Json { .. } => {
                let object = Value::parse(self.text.as_bytes()).unwrap_or(Value::Null);
                object.members().iter().map(|(name, _)| escaped(name)).take(most).collect()
            }
            Shape::Csv { layout } => (0..self.cells.len().min(most)).map(|place| layout.name(place)).collect(),
        }
    }

    /// All fields of a CSV row; of a JSON object the compiled columns.
    pub fn fields(&self) -> Vec<String> {
        self.cells.iter().map(|cell| self.read(*cell).unwrap_or_default().into_owned()).collect()
    }

    /// Names of the columns that hold a number, at most `most` of them: the members of a JSON object itself, in the
    /// order of their names, or the fields of a CSV row, where `NaN` and `inf` show a column of numbers, too.
    pub fn numeric_columns(&self, most: usize) -> Vec<String> {
        match self.shape {
            Shape::Json { .. } => {
                let object = Value::parse(self.text.as_bytes()).unwrap_or(Value::Null);
                let members = object.members();
                let mut names: Vec<_> =
                    members.iter().enumerate().map(|(place, (name, _))| (&name[..], place)).collect();
                order::sort(&mut names);
                // Of members with one name the last counts.
                let last = names.chunk_by(|a, b| a.0 == b.0).filter_map(|same| same.last());
                let numeric = last.filter(|(_, place)| matches!(members[*place].1, Value::Number(_)));
                numeric.take(most).map(|(name, _)| escaped(name)).collect()
            }
            Shape::Csv { layout } => {
                let is_number = |cell: &Cell| {
                    let text = cell.read(self.text).unwrap_or_default();
                    finite(&text).is_some() || csv::is_not_finite(&text)
                };
                let numeric = self.cells.iter().enumerate().filter(|(_, cell)| is_number(cell));
                numeric.map(|(place, _)| layout.name(place)).take(most).collect()
            }
        }
    }

    /// The record as it was read.
    pub fn source(&self) -> &'a str {
        self.text
    }

    /// Appends the record as members of a JSON object, `"a":1,"b":"x"`, without braces; nothing for an empty object.
    ///
    /// A JSON object's members are copied as they are (line ends between them are dropped, so that an event stays one
    /// line). A CSV row's fields are strings under their column names, but the compiled columns are numbers where they
    /// hold one, and null where they are empty.
    pub fn write_members(&self, out: &mut Vec<u8>) {
        match self.shape {
            Shape::Json { has_line_ends, .. } => object::write_members(self.text, has_line_ends, out),
            Shape::Csv { layout } => layout.write_members(self.text, self.cells, out),
        }
    }
}

impl Numeric for Row<'_> {
    /// Numbers and strings that hold one are accepted: producers, `extractedFields` among them, often write numbers as
    /// strings. Null, an absent member, `-` and an empty CSV field are none.
    fn number(&self, column: &Column) -> Result<Option<f64>, Failure> {
        let cell = self.cell(column);
        let is_csv = matches!(self.shape, Shape::Csv { .. });
        let text = self.read(cell);
        match (cell.kind, &text) {
            (_, None) => Ok(None),
            (CellKind::Boolean | CellKind::Container, Some(text)) => {
                Err(column.not_a_number(text, cell.start as usize))
            }
            (_, Some(text)) if (is_csv && text.trim_ascii().is_empty()) || text.trim_ascii() == NULL => Ok(None),
            (_, Some(text)) => match finite(text) {
                Some(number) => Ok(Some(number)),
                None => Err(column.not_a_number(text, cell.start as usize)),
            },
        }
    }
}

/// The input as text.
fn utf8(bytes: &[u8], layer: Layer) -> Result<&str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| Failure::new(layer, error.valid_up_to(), "not UTF-8: a record is text"))
}
