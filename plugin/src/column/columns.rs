//! Columns that a configuration names, compiled once.

use std::fmt;

use super::field::Field;
use super::names::Names;
use crate::failure::{Failure, Layer};

/// The most columns one configuration may name.
pub const MAX_COLUMNS: usize = 256;

/// The most steps of a path.
pub const MAX_PATH: usize = 16;

/// A column to take from records, by name.
///
/// In a flow log record the name is a field's, in any spelling. In a CSV row it is the header's, and in a JSON object a
/// member's: as it is written, or else in any spelling of the same field. In a JSON object it may also be a path: `a.b.c` is member `c` of member `b` of member `a`; a number is a place in an array (from 0) or
/// a member of that name; `\.` is a dot that belongs to a name.
#[derive(Clone, Debug)]
pub struct Column {
    index: usize,
    name: String,
    snake_name: String,
    source: String,
    field: Option<Field>,
}

impl Column {
    /// Its place among the [`Columns`].
    pub fn index(&self) -> usize {
        self.index
    }

    /// The name as configured.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name or path under which rows have it: the name itself, or what `input.fields` says.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether other spellings of the field stand for it, too.
    pub(crate) fn is_spelt_freely(&self) -> bool {
        self.field.is_some() && self.source == self.name
    }

    pub(crate) fn snake_name(&self) -> &str {
        &self.snake_name
    }

    /// The flow log field of this name.
    pub fn field(&self) -> Option<Field> {
        self.field
    }

    #[cold]
    pub(crate) fn not_a_number(&self, text: &str, offset: usize) -> Failure {
        let shown: String = text.chars().take(40).collect();
        let reason =
            format!("column `{}` is `{shown}`, which is not a finite number such as 12, -3.5 or 6e7", self.name);
        Failure::new(Layer::Score, offset, reason)
    }
}

/// Why a list of columns cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnError {
    /// The place of the name in the list.
    pub index: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.index, self.reason)
    }
}

impl std::error::Error for ColumnError {}

/// A list of columns, and the tree of their paths that a JSON object is matched with in one pass.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    columns: Vec<Column>,
    pub(crate) tree: Node,
    /// The columns that are fields in any spelling, with their places.
    spelt: Vec<(Field, usize)>,
}

/// A step of one or more paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// The columns whose path ends here: several if one member is mapped to several fields.
    pub(crate) columns: Vec<usize>,
    /// The steps that may follow.
    pub(crate) children: Vec<(String, Node)>,
}

impl Node {
    pub(crate) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|(key, _)| key == name).map(|(_, node)| node)
    }
}

impl Columns {
    /// Compiles names, in order.
    pub fn new<N: AsRef<str>>(names: impl IntoIterator<Item = N>) -> Result<Columns, ColumnError> {
        Columns::named(names, &Names::default())
    }

    /// Compiles names, in order, of which some are called otherwise in the data.
    pub fn named<N: AsRef<str>>(names: impl IntoIterator<Item = N>, in_data: &Names) -> Result<Columns, ColumnError> {
        let mut columns = Columns::default();
        for (index, name) in names.into_iter().enumerate() {
            let name = name.as_ref();
            let error = |reason: String| ColumnError { index, reason };
            if index == MAX_COLUMNS {
                return Err(error(format!("more than {MAX_COLUMNS} columns")));
            }
            if columns.columns.iter().any(|earlier| earlier.name == name) {
                return Err(error(format!("`{name}` is there twice")));
            }
            columns.push(name, in_data).map_err(error)?;
        }
        Ok(columns)
    }

    fn push(&mut self, name: &str, in_data: &Names) -> Result<(), String> {
        let field = Field::by_name(name.as_bytes());
        let source = field.and_then(|field| in_data.of(field)).unwrap_or(name);
        let path = split_path(source);
        if path.iter().any(String::is_empty) {
            return Err(format!("`{name}` has an empty step: write a name such as `bytes` or `items.0.size`"));
        }
        if path.len() > MAX_PATH {
            return Err(format!("`{name}` has more than {MAX_PATH} steps"));
        }
        let mut node = &mut self.tree;
        for step in &path {
            let position = node.children.iter().position(|(key, _)| key == step).unwrap_or(node.children.len());
            if position == node.children.len() {
                node.children.push((step.clone(), Node::default()));
            }
            node = &mut node.children[position].1;
        }
        node.columns.push(self.columns.len());
        let (name, snake_name, source) = (name.to_owned(), name.replace('-', "_"), source.to_owned());
        let column = Column { index: self.columns.len(), name, snake_name, source, field };
        if let Some(field) = field.filter(|_| column.is_spelt_freely()) {
            self.spelt.push((field, self.columns.len()));
        }
        self.columns.push(column);
        Ok(())
    }

    /// These columns and others after them, which may be the same ones once more.
    pub(crate) fn and<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N>, in_data: &Names) -> Columns {
        let mut all = self.clone();
        for name in names {
            // What is wrong with a name was told with the configuration.
            let _ = all.push(name.as_ref(), in_data);
        }
        all
    }

    /// The columns that a member of this name, which none of them has, stands for as another spelling of their field.
    pub(crate) fn spelt<'a>(&'a self, name: &[u8]) -> impl Iterator<Item = usize> + use<'a> {
        let field = Field::by_name(name);
        self.spelt.iter().filter(move |(known, _)| Some(*known) == field).map(|(_, index)| *index)
    }

    /// The columns in the order given.
    pub fn as_slice(&self) -> &[Column] {
        &self.columns
    }
}

/// Splits at dots; `\.` stays a dot, and `\\` a backslash.
fn split_path(name: &str) -> Vec<String> {
    let mut path = vec![String::new()];
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let step = match (character, characters.peek()) {
            ('\\', Some('.' | '\\')) => characters.next(),
            ('.', _) => {
                path.push(String::new());
                None
            }
            _ => Some(character),
        };
        if let (Some(last), Some(step)) = (path.last_mut(), step) {
            last.push(step);
        }
    }
    path
}

/// A name as a step of a path: a dot in it is written `\.`.
pub(crate) fn escaped(name: &str) -> String {
    let mut step = String::with_capacity(name.len());
    for character in name.chars() {
        if matches!(character, '\\' | '.') {
            step.push('\\');
        }
        step.push(character);
    }
    step
}
