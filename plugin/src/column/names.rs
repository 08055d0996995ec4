//! Names that a configuration gives fields beside their own.

use super::field::Field;

/// Which name stands for which field: `input.fields` of a configuration. Without it the table's names alone count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    mapped: Vec<(Field, String)>,
}

impl Names {
    /// Names for fields: each field with a column's name or a path in the data.
    pub fn new(mapped: Vec<(Field, String)>) -> Names {
        Names { mapped }
    }

    /// The field that a key of `input.fields` stands for: a field's name in any spelling, or `time` and `value`, which a
    /// record of anything has, for the start and the bytes of a flow.
    pub fn key(name: &str) -> Option<Field> {
        match name {
            "time" => Some(Field::Start),
            "value" => Some(Field::Bytes),
            _ => Field::by_name(name.as_bytes()),
        }
    }

    /// The fields with names of their own.
    pub fn mapped(&self) -> impl Iterator<Item = (Field, &str)> {
        self.mapped.iter().map(|(field, name)| (*field, name.as_str()))
    }

    /// The name or path under which a field is to be found, if it is not its own.
    pub fn of(&self, field: Field) -> Option<&str> {
        self.mapped().find(|(mapped, _)| *mapped == field).map(|(_, name)| name)
    }

    /// Of these names those that a text has.
    pub(crate) fn within(&self, is_there: impl Fn(&str) -> bool) -> Names {
        Names { mapped: self.mapped.iter().filter(|(_, name)| is_there(name)).cloned().collect() }
    }

    /// The field that a column of this name holds.
    pub fn field(&self, name: &str) -> Option<Field> {
        let mapped = self.mapped().find(|(_, mapped)| *mapped == name).map(|(field, _)| field);
        mapped.or_else(|| Field::by_name(name.as_bytes()).filter(|field| self.of(*field).is_none()))
    }
}
