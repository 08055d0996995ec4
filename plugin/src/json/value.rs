//! A JSON document in memory.

use std::fmt;

use super::Writer;
use crate::failure::{Failure, Layer};
use crate::row::scan::{MAX_DEPTH, Scanner, ValueKind};
use crate::row::text::unescape;

/// A JSON value. Members keep the order of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    String(String),
    Array(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Reads one JSON text (RFC 8259).
    pub(crate) fn parse(text: &[u8]) -> Result<Value, Failure> {
        let mut scanner = Scanner::new(text)?;
        let value = read(&mut scanner, 0)?;
        scanner.finish()?;
        Ok(value)
    }

    /// A member of an object; of several with one name the last, as in most JSON readers.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.members().iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The members of an object; none of anything else.
    pub(crate) fn members(&self) -> &[(String, Value)] {
        match self {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements of an array; none of anything else.
    pub(crate) fn elements(&self) -> &[Value] {
        match self {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }
}

/// As compact JSON text.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = Writer::compact();
        writer.value(self);
        f.write_str(&writer.finish())
    }
}

fn read(scanner: &mut Scanner<'_>, depth: u32) -> Result<Value, Failure> {
    let first = scanner.peek();
    if depth > MAX_DEPTH {
        return Err(Failure::new(Layer::Json, scanner.position(), "JSON nested deeper than 127 levels"));
    }
    if first == Some(b'{') {
        scanner.open_object()?;
        let mut members = Vec::new();
        while let Some(key) = scanner.next_key(members.is_empty())? {
            let name = unescape(&scanner.text()[key.start..key.end]).into_owned();
            members.push((name, read(scanner, depth + 1)?));
        }
        return Ok(Value::Object(members));
    }
    if first == Some(b'[') {
        scanner.open_array()?;
        let mut elements = Vec::new();
        while scanner.next_element(elements.is_empty())? {
            elements.push(read(scanner, depth + 1)?);
        }
        return Ok(Value::Array(elements));
    }
    let value = scanner.value()?;
    let text = &scanner.text()[value.start..value.end];
    Ok(match value.kind {
        ValueKind::String { .. } => Value::String(unescape(&text[1..text.len() - 1]).into_owned()),
        ValueKind::True => Value::Bool(true),
        ValueKind::False => Value::Bool(false),
        ValueKind::Number => Value::Number(text.to_owned()),
        // Objects and arrays are read above.
        ValueKind::Null | ValueKind::Object | ValueKind::Array => Value::Null,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_any_json_then_reading_and_writing_give_the_same_document() {
        for text in [
            r#"{"a":[1,-2.50,1e400,true,false,null],"b":{"c":"\"\\\n\u0001é"},"d":{},"e":[]}"#,
            r#""text""#,
            "18446744073709551616",
        ] {
            assert_eq!(Value::parse(text.as_bytes()).unwrap().to_string(), text);
        }
    }

    #[test]
    fn given_a_document_then_the_indented_form_is_the_same_document() {
        let document = Value::parse(br#"{"a":[1,{"b":[]}],"c":{}}"#).unwrap();
        let mut writer = Writer::indented();
        writer.value(&document);
        let text = writer.finish();
        assert_eq!(text, "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}");
        assert_eq!(Value::parse(text.as_bytes()).unwrap(), document);
    }

    #[test]
    fn of_members_with_one_name_the_last_counts() {
        assert_eq!(Value::parse(br#"{"a":1,"a":2}"#).unwrap().get("a"), Some(&Value::Number("2".into())));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Value::parse(nested(127).as_bytes()).is_ok());
        assert!(Value::parse(nested(10_000).as_bytes()).is_err());
    }
}
