//! A JSON document in memory.

use std::fmt;

use super::Writer;
use super::scanner::{Kind, MAX_DEPTH, Malformed, Scanner, utf8};
use super::string::unescape;

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
    pub(crate) fn parse(json: &[u8]) -> Result<Value, Malformed> {
        let text = utf8(json)?;
        let mut scanner = Scanner::strict(text);
        let value = read(text, &mut scanner, 0)?;
        scanner.finish()?;
        Ok(value)
    }

    /// Writes it, numbers as they were written.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        match self {
            Value::Null => writer.literal("null"),
            Value::Bool(value) => writer.truth(*value),
            Value::Number(text) => writer.literal(text),
            Value::String(text) => writer.text(text),
            Value::Array(elements) => {
                writer.open(b'[');
                for element in elements {
                    element.write(writer);
                }
                writer.close(b']');
            }
            Value::Object(members) => {
                writer.open(b'{');
                for (name, value) in members {
                    value.write(writer.key(name));
                }
                writer.close(b'}');
            }
        }
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
        let mut out = Vec::new();
        self.write(&mut Writer::compact(&mut out));
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

fn read(text: &str, scanner: &mut Scanner<'_>, depth: u32) -> Result<Value, Malformed> {
    let first = scanner.peek();
    if depth > MAX_DEPTH {
        return scanner.error("JSON nested deeper than 127 levels");
    }
    let mut is_first = true;
    if first == Some(b'{') {
        scanner.open(b'{')?;
        let mut members = Vec::new();
        while let Some(key) = scanner.key(&mut is_first)? {
            members.push((key.to_str().into_owned(), read(text, scanner, depth + 1)?));
        }
        return Ok(Value::Object(members));
    }
    if first == Some(b'[') {
        scanner.open(b'[')?;
        let mut elements = Vec::new();
        while scanner.element(&mut is_first, b']')? {
            elements.push(read(text, scanner, depth + 1)?);
        }
        return Ok(Value::Array(elements));
    }
    let value = scanner.value()?;
    let text = text.get(value.start..value.end).unwrap_or_default();
    Ok(match value.kind {
        Kind::String { .. } => Value::String(unescape(&text[1..text.len() - 1]).into_owned()),
        Kind::True => Value::Bool(true),
        Kind::False => Value::Bool(false),
        Kind::Number => Value::Number(text.to_owned()),
        // Objects and arrays are read above.
        Kind::Null | Kind::Object | Kind::Array => Value::Null,
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
        let text = Writer::document(|writer| document.write(writer));
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
