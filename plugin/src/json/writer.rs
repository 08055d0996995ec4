//! Writes JSON text: events straight into the output, documents indented.

use std::io::Write as _;

use super::string::write_escaped;
use crate::text::decimal;

/// Writes one JSON value into `out`, member by member. Commas and indentation are its business, balance the caller's.
///
/// Values that make no JSON are made some: of text that is not UTF-8 the rest becomes U+FFFD, NaN becomes null, and an
/// infinity the largest number.
///
/// ```text
/// let mut event = Writer::compact(out);
/// event.open(b'{');
/// event.key("type").text("notice");        // {"type":"notice"
/// event.key("count").whole(7);             // ,"count":7
/// event.close(b'}');                       // }
/// ```
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Open objects and arrays; none when nothing is indented.
    depth: Option<usize>,
    /// Whether something precedes in the object or array that is open.
    follows: bool,
    /// Whether a key was just written.
    after_key: bool,
}

impl<'a> Writer<'a> {
    /// Without any white space.
    pub(crate) fn compact(out: &'a mut Vec<u8>) -> Self {
        Writer { out, depth: None, follows: false, after_key: false }
    }

    /// A document of its own that `write` writes, indented by two spaces a level.
    pub(crate) fn document(write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut out = Vec::new();
        write(&mut Writer { depth: Some(0), ..Writer::compact(&mut out) });
        // Only text and escaped text were written.
        String::from_utf8(out).unwrap_or_default()
    }

    /// An event, which is an object on a line of its own: `type` comes first. [`end_event`](Writer::end_event) closes it.
    pub(crate) fn event(kind: &str, out: &'a mut Vec<u8>) -> Self {
        let mut event = Writer::compact(out);
        event.open(b'{');
        event.key("type").text(kind);
        event
    }

    /// Closes an event.
    pub(crate) fn end_event(mut self) {
        self.close(b'}');
        self.out.push(b'\n');
    }

    #[inline(never)]
    fn new_line(&mut self) {
        if let Some(depth) = self.depth {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * depth, b' ');
        }
    }

    /// The output, where a value is to be written that is JSON already.
    #[inline(never)]
    pub(crate) fn raw(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.after_key) {
            if self.follows {
                self.out.push(b',');
            }
            if self.depth != Some(0) {
                self.new_line();
            }
        }
        self.follows = true;
        self.out
    }

    /// `{` or `[`.
    #[inline(never)]
    pub(crate) fn open(&mut self, bracket: u8) {
        self.raw().push(bracket);
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
    pub(crate) fn key(&mut self, key: &str) -> &mut Self {
        self.text(key);
        self.out.extend_from_slice(if self.depth.is_some() { b": " } else { b":" });
        self.after_key = true;
        self
    }

    /// A string.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// A string of bytes, those that are not UTF-8 as U+FFFD.
    #[inline(never)]
    pub(crate) fn bytes(&mut self, text: &[u8]) {
        let out = self.raw();
        out.push(b'"');
        for chunk in text.utf8_chunks() {
            write_escaped(out, chunk.valid());
            if !chunk.invalid().is_empty() {
                out.extend_from_slice("\u{FFFD}".as_bytes());
            }
        }
        out.push(b'"');
    }

    /// A string that `write` writes and that needs no escapes.
    pub(crate) fn quoted(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let out = self.raw();
        out.push(b'"');
        write(out);
        out.push(b'"');
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
        self.raw().extend_from_slice(json.as_bytes());
    }

    /// `true` or `false`.
    pub(crate) fn truth(&mut self, value: bool) {
        self.literal(if value { "true" } else { "false" });
    }

    /// A whole number.
    #[inline(never)]
    pub(crate) fn whole(&mut self, value: u64) {
        // Writing to memory cannot fail.
        let _ = write!(self.raw(), "{value}");
    }

    /// The shortest decimal that reads back as `value`, without an exponent; −0 as 0.
    #[inline(never)]
    pub(crate) fn number(&mut self, value: f64) {
        let out = self.raw();
        if value.is_nan() {
            out.extend_from_slice(b"null");
        } else {
            decimal::write(value.clamp(f64::MIN, f64::MAX) + 0.0, out);
        }
    }

    /// A number with three decimals at most: enough for bytes a window and for scores.
    pub(crate) fn rounded(&mut self, value: f64) {
        // Beyond 2^52 thousandths the number has no more decimals anyway.
        self.number(if value.abs() < 1e12 { libm::round(value * 1e3) / 1e3 } else { value });
    }
}
