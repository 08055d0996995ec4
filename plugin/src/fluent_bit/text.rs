//! JSON text, walked over once: what is checked may be written out again as it is.
//!
//! Grammar: RFC 8259. Nothing recurses, and nothing is copied.

use crate::text::digits::no_digits;
use crate::text::words::{first, stops, word};

/// The deepest nesting accepted, that of other readers of JSON.
const MAX_DEPTH: u32 = 127;

/// Where and why a text is no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) offset: usize,
    pub(super) reason: &'static str,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string without escape sequences; its place is what is between the quotes.
    Plain,
    /// A string with escape sequences, likewise.
    Escaped,
    /// A number.
    Number,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// An object or array.
    Container,
}

/// A value and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A position in a JSON text.
#[derive(Clone, Debug)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
    /// A byte beyond ASCII was passed: whether it is UTF-8 is to be checked.
    is_wide: bool,
}

type Result<T> = std::result::Result<T, Malformed>;

impl<'a> Text<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Text { bytes, at: 0, is_wide: false }
    }

    #[cold]
    fn malformed<T>(&self, reason: &'static str) -> Result<T> {
        Err(Malformed { offset: self.at, reason })
    }

    #[inline]
    pub(super) fn byte(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next byte that is no white space.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Passes over one byte, and white space before it.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8, reason: &'static str) -> Result<()> {
        if self.peek() != Some(byte) {
            return self.malformed(reason);
        }
        self.at += 1;
        Ok(())
    }

    /// Passes over the rest of a string and its closing quote; where that is, and whether there were escape sequences.
    #[inline]
    pub(super) fn string(&mut self) -> Result<(usize, bool)> {
        let mut escaped = false;
        loop {
            while let Some(word) = word(self.bytes, self.at) {
                let found = stops(word);
                if found != 0 {
                    self.at += first(found) as usize;
                    break;
                }
                self.at += 8;
            }
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((self.at - 1, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0x80..) => {
                    self.is_wide = true;
                    self.at += 1;
                }
                Some(0x20..) => self.at += 1,
                Some(_) => return self.malformed("a control character in a JSON string must be escaped"),
                None => return self.malformed("the JSON text ends inside a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return self.malformed("`\\u` in a JSON string is followed by 4 hexadecimal digits");
                }
                self.at += 6;
            }
            _ => return self.malformed("`\\` in a JSON string is followed by one of \" \\ / b f n r t u"),
        }
        Ok(())
    }

    /// Passes over one value with all it contains.
    #[inline]
    pub(super) fn value(&mut self) -> Result<Value> {
        let Some(byte) = self.peek() else { return self.malformed("the JSON text ends where a value is expected") };
        if matches!(byte, b'{' | b'[') {
            let start = self.at;
            self.container()?;
            return Ok(Value { kind: Kind::Container, start, end: self.at });
        }
        self.scalar(byte)
    }

    #[inline]
    fn scalar(&mut self, byte: u8) -> Result<Value> {
        let mut start = self.at;
        let kind = match byte {
            b'"' => {
                self.at += 1;
                start += 1;
                let (end, escaped) = self.string()?;
                return Ok(Value { kind: if escaped { Kind::Escaped } else { Kind::Plain }, start, end });
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Kind::Number
            }
            b't' => self.literal(b"true", Kind::Boolean)?,
            b'f' => self.literal(b"false", Kind::Boolean)?,
            b'n' => self.literal(b"null", Kind::Null)?,
            _ => return self.malformed("this is no JSON value"),
        };
        Ok(Value { kind, start, end: self.at })
    }

    fn literal(&mut self, word: &[u8], kind: Kind) -> Result<Kind> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return self.malformed("this is no JSON value: true, false and null are the only words");
        }
        self.at += word.len();
        Ok(kind)
    }

    #[inline]
    pub(super) fn number(&mut self) -> Result<()> {
        let zero = self.byte() == Some(b'0');
        let start = self.at;
        if self.byte() == Some(b'-') {
            return self.signed();
        }
        self.digits();
        if zero && self.at - start > 1 {
            return self.malformed("a JSON number has no leading zero");
        }
        if matches!(self.byte(), Some(b'.' | b'e' | b'E')) { self.fraction() } else { Ok(()) }
    }

    #[inline(never)]
    fn signed(&mut self) -> Result<()> {
        self.at += 1;
        match self.byte() {
            Some(b'0'..=b'9') => self.number(),
            _ => self.malformed("a digit is expected in a JSON number"),
        }
    }

    #[inline(never)]
    fn fraction(&mut self) -> Result<()> {
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(())
    }

    fn some_digits(&mut self) -> Result<()> {
        let start = self.at;
        self.digits();
        if self.at > start { Ok(()) } else { self.malformed("a digit is expected in a JSON number") }
    }

    #[inline]
    fn digits(&mut self) {
        while let Some(word) = word(self.bytes, self.at) {
            let found = no_digits(word);
            if found != 0 {
                self.at += first(found) as usize;
                return;
            }
            self.at += 8;
        }
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// Passes over an object or array. A bit for each level says whether it is an object.
    #[inline(never)]
    fn container(&mut self) -> Result<()> {
        let (mut objects, mut depth, mut follows) = (0u128, 0, false);
        loop {
            if depth > 0 {
                let close = if objects & 1 == 1 { b'}' } else { b']' };
                match self.peek() {
                    Some(byte) if byte == close => {
                        self.at += 1;
                        objects >>= 1;
                        depth -= 1;
                        follows = true;
                        if depth == 0 {
                            return Ok(());
                        }
                        continue;
                    }
                    Some(b',') if follows => self.at += 1,
                    Some(_) if !follows => {}
                    _ => return self.malformed("`,` or the end of the JSON object or array is expected"),
                }
                if objects & 1 == 1 {
                    self.key()?;
                }
            }
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return self.malformed("JSON nested deeper than 127 levels");
                    }
                    self.at += 1;
                    objects = objects << 1 | u128::from(open == b'{');
                    depth += 1;
                    follows = false;
                }
                Some(byte) => {
                    self.scalar(byte)?;
                    follows = true;
                }
                None => return self.malformed("the JSON text ends inside an object or array"),
            }
        }
    }

    /// Passes over a key and its colon; where the key is, between its quotes, and whether it has escape sequences.
    pub(super) fn key(&mut self) -> Result<(usize, usize, bool)> {
        self.expect(b'"', "a key in double quotes is expected in a JSON object")?;
        let start = self.at;
        let (end, escaped) = self.string()?;
        self.expect(b':', "`:` is expected after a key of a JSON object")?;
        Ok((start, end, escaped))
    }

    /// Whether all that was passed over is ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        !self.is_wide
    }

    /// Goes to `at` and [finishes](Text::finish) there.
    #[inline]
    pub(super) fn finish_at(&mut self, at: usize) -> Result<()> {
        self.at = at;
        self.finish()
    }

    /// Checks that nothing but white space follows, and that all was UTF-8.
    #[inline]
    pub(super) fn finish(&mut self) -> Result<()> {
        if self.peek().is_some() {
            return self.malformed("more text after the end of the JSON value");
        }
        if self.is_wide { self.check_utf8() } else { Ok(()) }
    }

    #[cold]
    fn check_utf8(&mut self) -> Result<()> {
        match std::str::from_utf8(self.bytes) {
            Ok(_) => Ok(()),
            Err(error) => {
                self.at = error.valid_up_to();
                self.malformed("not UTF-8: JSON is UTF-8 text")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_json(text: &[u8]) -> bool {
        let mut walk = Text::new(text);
        walk.value().and_then(|_| walk.finish()).is_ok()
    }

    #[test]
    fn agrees_with_a_reader_of_json_about_what_json_is() {
        for text in [
            "0",
            "-0",
            "00",
            "01",
            "-01",
            "-",
            "1.",
            "1.5",
            ".5",
            "1e",
            "1e+",
            "1e+5",
            "1E-05",
            "123456789012345678901",
            "12345678",
            "1234567a",
            "true",
            "tru",
            "nul",
            "null",
            "\"\"",
            "\"a",
            "\"\\u00g0\"",
            "\"\\u00e9\\n\"",
            "\"\\x\"",
            "\"é\"",
            "[]",
            "[",
            "[1",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":1 \"b\":2}",
            "{,}",
            "{\"a\":[{}, [ ] ,{\"b\" : [1, {\"c\":null}]}]}",
            "[}",
            "{]",
            "[[1]}",
            "1 2",
            " [ 1 ] \n",
            "",
            " ",
            "{\"a\":1}}",
            "\"a\tb\"",
            "nan",
            "{\"long key of many words\":\"long value of many words\"}",
        ] {
            let peer = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(is_json(text.as_bytes()), peer, "{text}");
        }
        assert!(!is_json(b"\"\xff\""));
        assert!(is_json(("[".repeat(127) + &"]".repeat(127)).as_bytes()));
        assert!(!is_json(("[".repeat(128) + &"]".repeat(128)).as_bytes()));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_it_on_texts_near_json(text in "[\\[\\]{}\",:0-9aeu.\\\\ntrl +-]{0,24}") {
            let peer = serde_json::from_str::<serde_json::Value>(&text);
            // The peer refuses numbers beyond its range, and lone surrogates, which the grammar has.
            let is_only_range = peer.as_ref().is_err_and(|error| {
                error.to_string().starts_with("number out of range") || error.to_string().contains("surrogate")
            });
            proptest::prop_assert!(is_only_range || is_json(text.as_bytes()) == peer.is_ok(), "{}", text);
        }
    }
}
