//! Events as JSON text, written straight to bytes: members in order, nothing in between.

use std::io::Write as _;

use super::time::write_time;
use crate::decimal;

/// An object under construction; [`Object::end`] closes it.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    empty: bool,
}

impl<'a> Object<'a> {
    pub(crate) fn new(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Object { out, empty: true }
    }

    /// An event: `type` first.
    pub(crate) fn event(kind: &str, out: &'a mut Vec<u8>) -> Self {
        let mut object = Object::new(out);
        object.text("type", kind.as_bytes());
        object
    }

    /// Starts a member; the caller writes its value.
    pub(crate) fn member(&mut self, name: &str) -> &mut Vec<u8> {
        if !core::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    pub(crate) fn text(&mut self, name: &str, value: &[u8]) {
        write_text(value, self.member(name));
    }

    pub(crate) fn time(&mut self, name: &str, seconds: i64) {
        let out = self.member(name);
        out.push(b'"');
        write_time(seconds, out);
        out.push(b'"');
    }

    pub(crate) fn whole(&mut self, name: &str, value: u64) {
        // Writing to memory cannot fail.
        let _ = write!(self.member(name), "{value}");
    }

    pub(crate) fn number(&mut self, name: &str, value: f64) {
        write_number(value, self.member(name));
    }

    /// A number with three decimals at most: enough for bytes a window and for scores.
    pub(crate) fn rounded(&mut self, name: &str, value: f64) {
        // Beyond 2^52 thousandths the number has no more decimals anyway.
        let rounded = if value.abs() < 1e12 { libm::round(value * 1e3) / 1e3 } else { value };
        self.number(name, rounded);
    }

    pub(crate) fn truth(&mut self, name: &str, value: bool) {
        self.member(name).extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn null(&mut self, name: &str) {
        self.member(name).extend_from_slice(b"null");
    }

    pub(crate) fn end(self) {
        self.out.push(b'}');
    }

    /// Closes an event, which is a line.
    pub(crate) fn end_line(self) {
        self.out.extend_from_slice(b"}\n");
    }
}

/// The items, each written by `item`, as an array.
pub(crate) fn write_array<T>(out: &mut Vec<u8>, items: &[T], mut item: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(value, out);
    }
    out.push(b']');
}

/// The shortest decimal that reads back as `value`, which Rust prints without an exponent; −0 as 0. JSON has no other
/// numbers than finite ones: an infinity becomes the largest number, and NaN null.
fn write_number(value: f64, out: &mut Vec<u8>) {
    if value.is_nan() {
        out.extend_from_slice(b"null");
    } else {
        decimal::write(value.clamp(f64::MIN, f64::MAX) + 0.0, out);
    }
}

/// A JSON string (RFC 8259, section 7). Bytes that are not UTF-8 become U+FFFD.
fn write_text(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
                0..0x20 => {
                    let _ = write!(out, "\\u{byte:04x}");
                }
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn members_are_in_order_and_numbers_are_json() {
        let mut out = Vec::new();
        let mut object = Object::event("notice", &mut out);
        object.number("a", 1e21);
        object.number("b", -0.0);
        object.number("c", f64::NAN);
        object.rounded("d", 12.345_678);
        object.time("e", 0);
        object.null("f");
        object.truth("g", true);
        object.end_line();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "{\"type\":\"notice\",\"a\":1000000000000000000000,\"b\":0,\"c\":null,\"d\":12.346,\
             \"e\":\"1970-01-01T00:00:00.000Z\",\"f\":null,\"g\":true}\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_and_number_is_read_back(text: String, number: f64, bytes: Vec<u8>) {
            let mut out = Vec::new();
            let mut object = Object::new(&mut out);
            object.text("text", text.as_bytes());
            object.number("number", number);
            object.text("bytes", &bytes);
            object.end();
            let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
            prop_assert_eq!(value["text"].as_str(), Some(&text[..]));
            if number.is_finite() {
                // serde_json without `float_roundtrip` may be off by a bit.
                let read = value["number"].as_f64().unwrap();
                prop_assert!((read - number).abs() <= 1e-15 * number.abs());
            }
        }
    }
}
