//! Which records count: `input.where`.

use super::reader::Record;
use crate::column::{Columns, Condition};
use crate::config::Input;

/// Why a record is dropped that does not count.
pub(super) const LEFT_OUT: &str = "its fields are not what input.where asks for";

/// The conditions of a configuration, each list with the place of its column.
#[derive(Debug)]
pub(super) struct Filter {
    columns: Columns,
    conditions: Vec<(usize, Vec<Condition>)>,
}

impl Filter {
    /// The filter, if there is one, and the columns that rows are to be searched for: these, and those that it looks at.
    pub(super) fn new(input: &Input, columns: &Columns) -> (Option<Filter>, Columns) {
        if input.only.is_empty() {
            return (None, columns.clone());
        }
        let first = columns.as_slice().len();
        let all = columns.and(input.only.iter().map(|(name, _)| name), &input.names());
        // What is wrong with a condition was told with the configuration.
        let read = |values: &Vec<String>| values.iter().filter_map(|value| Condition::parse(value).ok()).collect();
        let lists = input.only.iter().map(|(_, values)| read(values));
        let conditions = (first..).zip(lists).collect();
        (Some(Filter { columns: all.clone(), conditions }), all)
    }

    /// Whether a record counts.
    pub(super) fn passes(&self, record: &Record<'_>) -> bool {
        self.conditions.iter().all(|(place, conditions)| {
            let value = self.columns.as_slice().get(*place).and_then(|column| record.text(column));
            Condition::allow(conditions, value.as_deref())
        })
    }
}
