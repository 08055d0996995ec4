//! The columns found, in the order in which they came first.

use super::column::Profile;
use crate::column::{Field, escaped};
use crate::json::Value;

/// The most columns reported.
pub(super) const COLUMNS: usize = 256;

/// How deep nested objects are followed.
const DEPTH: usize = 8;

/// How many elements of an array become columns.
const ELEMENTS: usize = 4;

/// The columns of the records.
#[derive(Clone, Debug, Default)]
pub(super) struct Columns {
    pub(super) profiles: Vec<Profile>,
    pub(super) left_out: bool,
}

impl Columns {
    #[inline(never)]
    fn profile(&mut self, name: &str, path: &str) -> Option<&mut Profile> {
        let position = self.profiles.iter().position(|profile| profile.path == path);
        if position.is_none() && self.profiles.len() == COLUMNS {
            self.left_out = true;
            return None;
        }
        let position = position.unwrap_or_else(|| {
            self.profiles.push(Profile::new(name, path));
            self.profiles.len() - 1
        });
        self.profiles.get_mut(position)
    }

    /// A column that is there whether or not a record has a value in it, with the type of its field if it is one.
    pub(super) fn declare(&mut self, name: &str, field: Option<Field>) {
        if let (Some(profile), Some(field)) = (self.profile(name, name), field) {
            profile.declare(field);
        }
    }

    /// Takes in an object, nested ones as paths.
    pub(super) fn object(&mut self, value: &Value) {
        self.members(value, "", 1);
    }

    /// Takes in the fields of a row; an empty one is absent.
    pub(super) fn row<'a>(&mut self, fields: impl Iterator<Item = (&'a str, &'a str)>) {
        for (name, field) in fields {
            let field = field.trim_ascii();
            if let Some(profile) = self.profile(name, name) {
                profile.add((!field.is_empty() && field != "-").then_some(field), true);
            }
        }
    }

    #[inline(never)]
    fn members(&mut self, value: &Value, path: &str, depth: usize) {
        for (key, value) in value.members() {
            self.member(&escaped(key), value, path, depth);
        }
        for (place, value) in value.elements().iter().take(ELEMENTS).enumerate() {
            self.member(&place.to_string(), value, path, depth);
        }
    }

    #[inline(never)]
    fn member(&mut self, key: &str, value: &Value, path: &str, depth: usize) {
        let path = if path.is_empty() { key.to_owned() } else { [path, key].join(".") };
        if let Value::Object(_) | Value::Array(_) = value {
            if depth < DEPTH {
                self.members(value, &path, depth + 1);
            }
            return;
        }
        let Some(profile) = self.profile(key, &path) else { return };
        match value {
            Value::Null => profile.add(None, false),
            Value::String(text) => profile.add((text != "-").then_some(text), true),
            other => profile.add(Some(&other.to_string()), false),
        }
    }
}
