//! Writes JSON text.

use std::fmt::{Display, Write};

use super::Value;
use crate::decimal;
use crate::row::text::write_escaped;

/// Writes one JSON document, member by member. Commas and indentation are its business, balance the caller's.
#[derive(Debug)]
pub(crate) struct Writer {
    out: Vec<u8>,
    /// Open objects and arrays; none when nothing is indented.
    depth: Option<usize>,
    /// Whether something precedes in the object or array that is open.
    follows: bool,
    /// Whether a key was just written.
    after_key: bool,
}

impl Writer {
    /// Without any white space.
    pub(crate) fn compact() -> Writer {
        Writer { out: Vec::new(), depth: None, follows: false, after_key: false }
    }

    /// Indented by two spaces a level.
    pub(crate) fn indented() -> Writer {
        Writer { depth: Some(0), ..Writer::compact() }
    }

    /// The text.
    pub(crate) fn finish(self) -> String {
        // Only text and escaped text were written.
        String::from_utf8(self.out).unwrap_or_default()
    }

    #[inline(never)]
    fn new_line(&mut self) {
        if let Some(depth) = self.depth {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * depth, b' ');
        }
    }

    #[inline(never)]
    fn begin_item(&mut self) {
        if !std::mem::take(&mut self.after_key) {
            if self.follows {
                self.out.push(b',');
            }
            if self.depth != Some(0) {
                self.new_line();
            }
        }
        self.follows = true;
    }

    /// `{` or `[`.
    #[inline(never)]
    pub(crate) fn open(&mut self, bracket: u8) {
        self.begin_item();
        self.out.push(bracket);
        self.depth = self.depth.map(|depth| depth + 1);
        self.follows = false;
    }

    /// `}` or `]`.
    #[inline(never)]
    pub(crate) fn close(&mut self, bracket: u8) {
        self.depth = self.depth.map(|depth| depth.saturating_sub(1));
        if self.follows {
            self.new_line();
        }
        self.out.push(bracket);
        self.follows = true;
    }

    /// The key of the value that is written next.
    #[inline(never)]
    pub(crate) fn key(&mut self, key: &str) {
        self.text(key);
        self.out.extend_from_slice(if self.depth.is_some() { b": " } else { b":" });
        self.after_key = true;
    }

    /// A string.
    #[inline(never)]
    pub(crate) fn text(&mut self, text: &str) {
        self.begin_item();
        self.out.push(b'"');
        write_escaped(&mut self.out, text);
        self.out.push(b'"');
    }

    /// An array of strings.
    #[inline(never)]
    pub(crate) fn texts(&mut self, texts: &[String]) {
        self.open(b'[');
        for text in texts {
            self.text(text);
        }
        self.close(b']');
    }

    /// Text that is a JSON value already.
    #[inline(never)]
    pub(crate) fn literal(&mut self, json: &str) {
        self.begin_item();
        self.out.extend_from_slice(json.as_bytes());
    }

    /// A whole number (or what else looks in JSON as it does in Rust).
    #[inline(never)]
    pub(crate) fn plain(&mut self, value: &dyn Display) {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = write!(text, "{value}");
        self.literal(&text);
    }

    /// A finite floating-point number.
    #[inline(never)]
    pub(crate) fn number(&mut self, value: f64) {
        self.begin_item();
        decimal::write(value, &mut self.out);
    }

    /// A whole value.
    pub(crate) fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.literal("null"),
            Value::Bool(true) => self.literal("true"),
            Value::Bool(false) => self.literal("false"),
            Value::Number(text) => self.literal(text),
            Value::String(text) => self.text(text),
            Value::Array(elements) => {
                self.open(b'[');
                for element in elements {
                    self.value(element);
                }
                self.close(b']');
            }
            Value::Object(members) => {
                self.open(b'{');
                for (name, value) in members {
                    self.key(name);
                    self.value(value);
                }
                self.close(b'}');
            }
        }
    }
}
