//! Names of columns: the table of flow log fields, and the columns that a configuration names. [`flow`](crate::flow) and
//! [`row`](crate::row) find them in records, and know nothing of each other.

mod columns;
mod condition;
mod field;
mod names;
mod reference;

use crate::failure::Failure;
use crate::text::decimal;

pub use columns::{Column, ColumnError, Columns, MAX_COLUMNS, MAX_PATH};
pub(crate) use columns::{Node, escaped};
pub use condition::Condition;
pub use field::{FIELDS, Field, FieldDoc, FieldInfo, FieldType, Kind};
pub use names::Names;
pub use reference::markdown;

/// A record that gives numbers by column.
pub trait Numeric {
    /// The value of a column. None: the record does not have it, or says that it is absent.
    ///
    /// A value that is there but is not a finite number is a failure that names the column.
    fn number(&self, column: &Column) -> Result<Option<f64>, Failure>;
}

/// The finite number written in `text`, blanks around it aside: digits with an optional sign, fraction and exponent.
///
/// `NaN`, `inf`, hexadecimal and numbers beyond the range of a 64-bit float (1.8e308) are none.
pub fn finite(text: &str) -> Option<f64> {
    decimal::parse(text.trim_ascii().as_bytes())
}
