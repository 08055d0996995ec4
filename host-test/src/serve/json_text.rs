//! A value within a JSON document as text of its own, without a tree of its parts: that can take a hundred times the memory
//! of the text.

use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Appends the value that it deserializes.
pub(super) struct JsonText<'a>(pub(super) &'a mut String);

impl JsonText<'_> {
    fn push<E: Error>(self, scalar: impl serde::Serialize) -> Result<(), E> {
        self.0.push_str(&serde_json::to_string(&scalar).map_err(E::custom)?);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for JsonText<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonText<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.push(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.push(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        write!(self.0, "{value}").map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        write!(self.0, "{value}").map_err(E::custom)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.push(value)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.push(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let start = self.0.len();
        self.0.push('[');
        while values.next_element_seed(JsonText(self.0))?.is_some() {
            self.0.push(',');
        }
        close(self.0, start, ']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let start = self.0.len();
        self.0.push('{');
        while members.next_key_seed(JsonText(self.0))?.is_some() {
            self.0.push(':');
            members.next_value_seed(JsonText(self.0))?;
            self.0.push(',');
        }
        close(self.0, start, '}');
        Ok(())
    }
}

/// Ends an array or object; the comma after its last part, if it has any, makes room for the bracket.
fn close(text: &mut String, start: usize, bracket: char) {
    if text.len() > start + 1 {
        text.pop();
    }
    text.push(bracket);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_text_that_it_had() {
        for text in
            ["[]", "{}", "null", "-1", "1.5", r#"[1,[],{"a":{"b":[true,"\"\n,]"]},"c":18446744073709551615},[null]]"#]
        {
            let mut again = String::new();
            JsonText(&mut again).deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap();
            assert_eq!(again, text);
        }
    }
}
