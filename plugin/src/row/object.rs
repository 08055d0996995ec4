//! JSON objects as rows.

use super::network_activity::{CLASS, NETWORK_ACTIVITY, NetworkActivity};
use super::{Cell, CellKind, Row, Shape};
use crate::column::{Columns, Node};
use crate::failure::{Failure, Layer};
use crate::json::{Kind, Located, Malformed, Scanner, utf8};

/// Reads JSON objects, one a record, and finds the columns in them in one pass.
///
/// The whole object is checked against RFC 8259, for it is copied to output. Of a key that is there twice the last value
/// counts, as in most JSON readers.
#[derive(Clone, Debug)]
pub struct JsonRows {
    columns: Columns,
    cells: Vec<Cell>,
    /// Finds fields in network activity of OCSF; none if no column is one.
    activity: Option<Box<NetworkActivity>>,
}

impl JsonRows {
    /// A reader for these columns.
    pub fn new(columns: Columns) -> JsonRows {
        let cells = vec![Cell::default(); columns.as_slice().len()];
        let activity = NetworkActivity::new(&columns).map(Box::new);
        JsonRows { columns, cells, activity }
    }

    /// The columns it finds.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Reads one object.
    pub fn read<'a>(&'a mut self, object: &'a [u8]) -> Result<Row<'a>, Failure> {
        if u32::try_from(object.len()).is_err() {
            return Err(Failure::new(Layer::Json, 0, "the object is longer than 4 GiB"));
        }
        self.cells.fill(Cell::default());
        let text = utf8(object)?;
        let mut scanner = Scanner::strict(text);
        let is_activity = root_members(&mut scanner, &self.columns, &mut self.cells)?;
        scanner.finish()?;
        let mut derived = None;
        if is_activity {
            if let Some(activity) = &mut self.activity {
                activity.read(text, &mut self.cells)?;
            }
            derived = Some(self.activity.as_ref().map_or("", |activity| activity.values()));
        }
        let has_line_ends = object.iter().any(|byte| matches!(byte, b'\n' | b'\r'));
        Ok(Row { text, cells: &self.cells, shape: Shape::Json { has_line_ends, derived } })
    }
}

/// The members of the object itself, where a field may be spelt otherwise than its column. As it is written it goes before.
/// Whether the object is network activity.
fn root_members(scanner: &mut Scanner<'_>, columns: &Columns, cells: &mut [Cell]) -> Result<bool, Malformed> {
    scanner.open(b'{')?;
    let (mut first, mut is_activity) = (true, false);
    while let Some(key) = scanner.key(&mut first)? {
        if key.raw == CLASS.as_bytes() {
            is_activity = scanner.clone().skip()?.trim_ascii() == NETWORK_ACTIVITY.as_bytes();
        }
        let key = key.to_str();
        let node = columns.tree.child(&key);
        if node.is_some() {
            member(scanner, node, cells)?;
            continue;
        }
        let located = scanner.value()?;
        for column in columns.spelt(key.as_bytes()) {
            if let Some(cell) = cells.get_mut(column).filter(|cell| cell.kind == CellKind::Absent) {
                *cell = cell_of(located);
            }
        }
    }
    Ok(is_activity)
}

pub(super) fn object_members(scanner: &mut Scanner<'_>, node: &Node, cells: &mut [Cell]) -> Result<(), Malformed> {
    scanner.open(b'{')?;
    let mut first = true;
    while let Some(key) = scanner.key(&mut first)? {
        member(scanner, node.child(&key.to_str()), cells)?;
    }
    Ok(())
}

fn array_elements(scanner: &mut Scanner<'_>, node: &Node, cells: &mut [Cell]) -> Result<(), Malformed> {
    scanner.open(b'[')?;
    let (mut first, mut position) = (true, 0usize);
    while scanner.element(&mut first, b']')? {
        let child = node.children.iter().find(|(key, _)| is_index(key, position)).map(|(_, child)| child);
        member(scanner, child, cells)?;
        position += 1;
    }
    Ok(())
}

fn is_index(key: &str, position: usize) -> bool {
    key.as_bytes()[0].is_ascii_digit() && key.parse() == Ok(position)
}

/// Scans a value, and keeps it if a path ends here. Descends only along paths, so the depth is bounded by theirs.
fn member(scanner: &mut Scanner<'_>, node: Option<&Node>, cells: &mut [Cell]) -> Result<(), Malformed> {
    let Some(node) = node else { return scanner.value().map(|_| ()) };
    let first = scanner.peek();
    let start = scanner.at;
    let located = match first {
        Some(b'{') if !node.children.is_empty() => {
            object_members(scanner, node, cells)?;
            Located { kind: Kind::Object, start, end: scanner.at }
        }
        Some(b'[') if !node.children.is_empty() => {
            array_elements(scanner, node, cells)?;
            Located { kind: Kind::Array, start, end: scanner.at }
        }
        _ => scanner.value()?,
    };
    for column in &node.columns {
        if let Some(cell) = cells.get_mut(*column) {
            *cell = cell_of(located);
        }
    }
    Ok(())
}

fn cell_of(Located { kind, start, end }: Located) -> Cell {
    match kind {
        Kind::Null => Cell::default(),
        Kind::Number => Cell::new(start, end, CellKind::Plain),
        Kind::String { escaped: false } => Cell::new(start + 1, end - 1, CellKind::Plain),
        Kind::String { escaped: true } => Cell::new(start + 1, end - 1, CellKind::Escaped),
        Kind::True | Kind::False => Cell::new(start, end, CellKind::Boolean),
        Kind::Object | Kind::Array => Cell::new(start, end, CellKind::Container),
    }
}

/// Copies what is between the braces.
pub(super) fn write_members(object: &str, has_line_ends: bool, out: &mut Vec<u8>) {
    let inside = object.trim_ascii().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
    let inside = inside.trim_ascii().as_bytes();
    if has_line_ends {
        // A raw line end is never inside a string: there it must be escaped.
        out.extend(inside.iter().filter(|byte| !matches!(byte, b'\n' | b'\r')));
    } else {
        out.extend_from_slice(inside);
    }
}
