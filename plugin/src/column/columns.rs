//! Columns that a configuration names, compiled once.

use std::fmt;

use super::field::Field;
use crate::failure::{Failure, Layer};

/// The most columns one configuration may name.
pub const MAX_COLUMNS: usize = 256;

/// The most steps of a path.
pub const MAX_PATH: usize = 16;

/// A column to take from records, by name.
///
/// In a flow log record the name is a field's, with hyphens or underscores. In a CSV row it is the header's. In a JSON
/// object it is a path: `a.b.c` is member `c` of member `b` of member `a`; a number is a place in an array (from 0) or
/// a member of that name; `\.` is a dot that belongs to a name.
#[derive(Clone, Debug)]
pub struct Column {
    index: usize,
    name: String,
    snake_name: String,
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
}

/// A step of one or more paths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    /// The column whose path ends here.
    pub(crate) column: Option<usize>,
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
        let mut columns = Columns::default();
        for (index, name) in names.into_iter().enumerate() {
            let name = name.as_ref();
            let error = |reason: String| ColumnError { index, reason };
            if index == MAX_COLUMNS {
                return Err(error(format!("more than {MAX_COLUMNS} columns")));
            }
            let path = split_path(name);
            if path.iter().any(String::is_empty) {
                return Err(error(format!(
                    "`{name}` has an empty step: write a name such as `bytes` or `items.0.size`"
                )));
            }
            if path.len() > MAX_PATH {
                return Err(error(format!("`{name}` has more than {MAX_PATH} steps")));
            }
            let mut node = &mut columns.tree;
            for step in &path {
                let position = node.children.iter().position(|(key, _)| key == step).unwrap_or(node.children.len());
                if position == node.children.len() {
                    node.children.push((step.clone(), Node::default()));
                }
                node = &mut node.children[position].1;
            }
            if node.column.replace(index).is_some() {
                return Err(error(format!("`{name}` is there twice")));
            }
            let (name, snake_name) = (name.to_owned(), name.replace('-', "_"));
            let field = Field::by_name(name.as_bytes());
            columns.columns.push(Column { index, name, snake_name, field });
        }
        Ok(columns)
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
