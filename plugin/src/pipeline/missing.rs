//! Watches whether the records have the fields that a configuration names. Without such a field all records would be one
//! series, `-`, and nobody would be told.

use super::event;
use super::reader::Record;
use super::window_mode::WindowColumns;
use crate::column::Field;
use crate::config::{Config, nearest};

/// Records that are looked at before it is told that none has a field.
const RECORDS: u32 = 20;

/// Names of a record that are shown.
const SHOWN: usize = 20;

/// The fields that no record had so far.
#[derive(Debug)]
pub(super) struct Missing {
    /// Places of columns.
    columns: Vec<usize>,
    records: u32,
    /// The names that the last record had.
    names: Vec<String>,
}

impl Missing {
    /// Watches for columns at these places.
    pub(super) fn new(columns: Vec<usize>) -> Option<Box<Missing>> {
        (!columns.is_empty()).then(|| Box::new(Missing { columns, records: 0, names: Vec::new() }))
    }

    /// Looks at a record; true: there is nothing more to watch for.
    #[cold]
    pub(super) fn look(&mut self, record: &Record<'_>, columns: &WindowColumns, out: &mut Vec<u8>) -> bool {
        let all = columns.all.as_slice();
        self.columns.retain(|column| all.get(*column).is_some_and(|column| !columns.are_in(record, column)));
        self.records += 1;
        let is_last = self.records == RECORDS;
        if !self.columns.is_empty() && (self.records == 1 || is_last) {
            self.names = record.names(SHOWN);
        }
        if is_last {
            self.tell(columns, out);
        }
        is_last || self.columns.is_empty()
    }

    /// Tells what no record had, if there were records.
    pub(super) fn tell(&self, columns: &WindowColumns, out: &mut Vec<u8>) {
        if self.records == 0 {
            return;
        }
        for &place in &self.columns {
            let Some(column) = columns.all.as_slice().get(place) else { continue };
            let (name, source, count) = (column.name(), column.source(), self.records);
            let records = if count == 1 { "the first record" } else { &format!("none of the first {count} records") };
            let has = if count == 1 { "does not have" } else { "has" };
            let wanted = match (place < columns.key_parts, source == name) {
                (true, true) => format!("which series.by names, so that all are in the series `-` of `{name}`"),
                (true, false) => {
                    format!("which input.fields names for `{name}` in series.by, so that all are in the series `-`")
                }
                (false, _) => format!("which input.fields names for `{name}`"),
            };
            let known: Vec<&str> = self.names.iter().map(String::as_str).collect();
            let guess = nearest(source, &known).map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let message = format!("{records} {has} `{source}`, {wanted}; the records have {}{guess}", known.join(", "));
            event::notice(out, "missing_field", &message);
        }
    }
}

/// What a person should know about the names in a configuration: those that are nearly a field's.
pub(super) fn misspelt(config: &Config) -> Vec<String> {
    let fields: Vec<_> = crate::column::FIELDS.iter().map(|info| info.field.snake_name()).collect();
    let fields: Vec<_> = fields.iter().map(String::as_str).collect();
    let names = config.input.names();
    let of = |section, list: &'_ [String]| {
        let misspelt = list.iter().filter(|name| {
            Field::by_name(name.as_bytes()).is_none() && names.mapped().all(|(_, mapped)| mapped != name.as_str())
        });
        let told = misspelt.filter_map(|name| {
            let near = nearest(name, &fields)?;
            Some(format!("`{name}` in {section} is not a known flow log field; did you mean `{near}`?"))
        });
        told.collect::<Vec<_>>()
    };
    let mut told = match config.makes_windows() {
        true => of("series.by", &config.series.by),
        false => of("record.columns", &config.record.columns),
    };
    let conditions: Vec<String> = config.input.only.iter().map(|(name, _)| name.clone()).collect();
    told.extend(of("input.where", &conditions));
    told
}
