//! The one scanner of JSON (RFC 8259): it checks and locates, in one pass, without recursion, and copies nothing.
//!
//! Two grammars: [`Scanner::strict`] is RFC 8259 to the letter, for what is written to output as it stands. [`Scanner::lax`]
//! is for envelopes, of which a few strings are taken and the rest is passed over: it takes any run of a number's
//! characters for a number and does not look whether strings are UTF-8.
//!
//! Example: of `{"a": [1, 2]}`, [`Scanner::open`] enters the object, [`Scanner::key`] gives `a`, and [`Scanner::value`] says
//! that an array lies from byte 6 to byte 12.

use std::borrow::Cow;

use super::string::{hex4, unescape_into};

/// The deepest nesting of strict JSON, the same as serde_json's.
pub(crate) const MAX_DEPTH: u32 = 127;
/// Objects and arrays inside each other that an envelope may have.
const MAX_LAX_DEPTH: u32 = 128;

/// A text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Byte offset in the scanned text.
    pub(crate) offset: usize,
    pub(crate) reason: &'static str,
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    /// Its place includes the quotes.
    String {
        escaped: bool,
    },
    Number,
    True,
    False,
    Null,
}

/// A value's kind and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Located {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a [u8],
    /// Whether `raw` contains escapes; they have been checked.
    pub(crate) escaped: bool,
}

impl<'a> Text<'a> {
    /// The string without escapes; bytes that are not UTF-8 become U+FFFD.
    pub(crate) fn to_str(self) -> Cow<'a, str> {
        if !self.escaped {
            // The strict check is several times faster than the lossy one on the usual, valid text.
            return std::str::from_utf8(self.raw).map_or_else(|_| String::from_utf8_lossy(self.raw), Cow::Borrowed);
        }
        let mut bytes = Vec::new();
        self.unescape(&mut bytes);
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Appends the string without its escapes.
    pub(crate) fn unescape(self, output: &mut Vec<u8>) {
        unescape_into(self.raw, output);
    }
}

/// A position in a JSON text.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    pub(crate) at: usize,
    is_strict: bool,
}

impl<'a> Scanner<'a> {
    /// A scanner of envelopes, from a position on.
    pub(crate) const fn lax(text: &'a [u8], at: usize) -> Self {
        Scanner { text, at, is_strict: false }
    }

    /// A scanner of one JSON text; see [`utf8`] for bytes.
    pub(crate) const fn strict(text: &'a str) -> Self {
        Scanner { text: text.as_bytes(), at: 0, is_strict: true }
    }

    /// Checks that nothing but white space follows.
    pub(crate) fn finish(&mut self) -> Result<(), Malformed> {
        match self.peek() {
            None => Ok(()),
            Some(_) => self.error("more text after the end of the JSON value"),
        }
    }

    /// What is not read yet.
    #[inline]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The text from `start` to the present position.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(crate) const fn error<T>(&self, reason: &'static str) -> Result<T, Malformed> {
        Err(Malformed { offset: self.at, reason })
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return self.error(if self.at >= self.text.len() { ENDS } else { reason });
        }
        self.at += 1;
        Ok(())
    }

    /// Consumes `literal` if it stands here exactly: the fast way through documents in their usual spelling.
    #[inline(always)]
    pub(crate) fn accept<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        let found = self.rest().first_chunk::<N>() == Some(literal);
        if found {
            self.at += N;
        }
        found
    }

    /// Enters an object or array.
    pub(crate) fn open(&mut self, bracket: u8) -> Result<(), Malformed> {
        self.expect(bracket, if bracket == b'{' { "expected an object" } else { "expected an array" })
    }

    /// The next key of the object entered with [`Scanner::open`], or `None` at its end. The value is next.
    pub(crate) fn key(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, Malformed> {
        if !self.element(first, b'}')? {
            return Ok(None);
        }
        self.member_key().map(Some)
    }

    /// A key and its colon.
    pub(crate) fn member_key(&mut self) -> Result<Text<'a>, Malformed> {
        let key = self.string()?;
        self.expect(b':', "expected ':' after a key")?;
        Ok(key)
    }

    /// Whether an array (`close` = `]`) has another element, or an object (`}`) another key; consumes what is between.
    pub(crate) fn element(&mut self, first: &mut bool, close: u8) -> Result<bool, Malformed> {
        let begins = std::mem::take(first);
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !begins => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if begins => Ok(true),
            None => self.error(ENDS),
            Some(_) => self.error(if close == b'}' { "expected ',' or '}'" } else { "expected ',' or ']'" }),
        }
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Text<'a>, Malformed> {
        self.expect(b'"', "expected a string")?;
        self.string_rest()
    }

    /// A string whose opening quote has been consumed.
    #[inline]
    pub(crate) fn string_rest(&mut self) -> Result<Text<'a>, Malformed> {
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_length(self.rest());
            match self.text.get(self.at) {
                Some(b'"') => {
                    let raw = self.since(start);
                    self.at += 1;
                    return Ok(Text { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.error("a control character inside a string; it must be escaped"),
                None => return self.error("the text ends inside a string; the document was cut off"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') if self.text.get(self.at + 2..).and_then(hex4).is_some() => self.at += 6,
            Some(_) => return self.error("an escape that JSON does not know"),
            None => return self.error("the text ends inside a string; the document was cut off"),
        }
        Ok(())
    }

    /// The value if it is a string; any other value is skipped.
    pub(crate) fn string_value(&mut self) -> Result<Option<Text<'a>>, Malformed> {
        if self.peek() == Some(b'"') {
            return self.string().map(Some);
        }
        self.skip().map(|_| None)
    }

    /// Any value, as it stands in the text.
    pub(crate) fn skip(&mut self) -> Result<&'a [u8], Malformed> {
        let value = self.value()?;
        Ok(self.since(value.start))
    }

    /// Any value, with all it contains.
    pub(crate) fn value(&mut self) -> Result<Located, Malformed> {
        let first = self.peek();
        let start = self.at;
        let kind = match first {
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            _ => {
                let kind = self.scalar(first)?;
                return Ok(Located { kind, start, end: self.at });
            }
        };
        let mut objects = 0_u128; // bit 0: whether the innermost open bracket is that of an object
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if depth == if self.is_strict { MAX_DEPTH } else { MAX_LAX_DEPTH } {
                        return self.error(if self.is_strict { TOO_DEEP } else { TOO_DEEP_LAX });
                    }
                    self.at += 1;
                    depth += 1;
                    objects = objects << 1 | u128::from(bracket == b'{');
                    if self.begin(objects & 1 == 1)? {
                        continue;
                    }
                    depth -= 1;
                    objects >>= 1;
                }
                other => {
                    self.scalar(other)?;
                }
            }
            // After a value: close what ends here, then go on with the next value.
            loop {
                if depth == 0 {
                    return Ok(Located { kind, start, end: self.at });
                }
                if objects & 1 == 1 {
                    if self.key(&mut false)?.is_some() {
                        break;
                    }
                } else if self.element(&mut false, b']')? {
                    break;
                }
                depth -= 1;
                objects >>= 1;
            }
        }
    }

    /// A value that begins with this byte and is neither object nor array.
    fn scalar(&mut self, first: Option<u8>) -> Result<Kind, Malformed> {
        match first {
            Some(b'"') => self.string().map(|text| Kind::String { escaped: text.escaped }),
            Some(b'-' | b'0'..=b'9') if self.is_strict => self.number().map(|()| Kind::Number),
            Some(b'-' | b'0'..=b'9') => self.lax_number().map(|()| Kind::Number),
            Some(b't') => self.literal(b"true", Kind::True),
            Some(b'f') => self.literal(b"false", Kind::False),
            Some(b'n') => self.literal(b"null", Kind::Null),
            Some(_) => self.error("expected a JSON value"),
            None => self.error(ENDS),
        }
    }

    /// After an opening bracket: whether a value follows.
    fn begin(&mut self, object: bool) -> Result<bool, Malformed> {
        if object { Ok(self.key(&mut true)?.is_some()) } else { self.element(&mut true, b']') }
    }

    fn literal(&mut self, literal: &[u8], kind: Kind) -> Result<Kind, Malformed> {
        if !self.rest().starts_with(literal) {
            return self.error("expected a JSON value");
        }
        self.at += literal.len();
        Ok(kind)
    }

    /// A number in the characters of one: a digit, and others around it.
    fn lax_number(&mut self) -> Result<(), Malformed> {
        let length = self.rest().iter().take_while(|c| matches!(c, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let length = length.count();
        let digits = self.rest().iter().take(length).any(u8::is_ascii_digit);
        if !digits {
            return self.error("expected a number");
        }
        self.at += length;
        Ok(())
    }

    /// A number of RFC 8259: no leading zero, and digits on both sides of a point.
    pub(crate) fn number(&mut self) -> Result<(), Malformed> {
        self.skip_if(b"-");
        if !self.skip_if(b"0") {
            self.digits()?;
        }
        self.fraction()?;
        match self.text.get(self.at) {
            Some(b'0'..=b'9') => self.error("a JSON number has no leading zero"),
            _ => Ok(()),
        }
    }

    /// What may follow the whole part of a number.
    fn fraction(&mut self) -> Result<(), Malformed> {
        if self.skip_if(b".") {
            self.digits()?;
        }
        if self.skip_if(b"eE") {
            self.skip_if(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn skip_if(&mut self, bytes: &[u8]) -> bool {
        let found = self.text.get(self.at).is_some_and(|byte| bytes.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let count = self.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { self.error("a digit is expected in a JSON number") }
    }
}

/// Bytes as text that a strict scanner takes.
pub(crate) fn utf8(json: &[u8]) -> Result<&str, Malformed> {
    let not_utf8 = "not UTF-8: JSON is UTF-8 text";
    std::str::from_utf8(json).map_err(|error| Malformed { offset: error.valid_up_to(), reason: not_utf8 })
}

const TOO_DEEP: &str = "JSON nested deeper than 127 levels";
const TOO_DEEP_LAX: &str = "more than 128 objects and arrays inside each other";
const ENDS: &str = "the text ends inside the document; it was cut off";

/// Whether a byte ends the plain part of a string: a quote, a backslash or a control character.
fn is_special(c: u8) -> bool {
    c == b'"' || c == b'\\' || c < 0x20
}

/// Length of the part of a string before the first quote, backslash or control character.
#[inline]
fn plain_length(text: &[u8]) -> usize {
    let (blocks, rest) = text.as_chunks::<16>();
    for (k, block) in blocks.iter().enumerate() {
        if let Some(at) = first_special(block) {
            return k * 16 + at;
        }
    }
    blocks.len() * 16 + rest.iter().position(|&c| is_special(c)).unwrap_or(rest.len())
}

/// Index of the first special byte of sixteen.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn first_special(block: &[u8; 16]) -> Option<usize> {
    use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128_or};
    let bytes = crate::simd::wide(block);
    let ends = v128_or(u8x16_eq(bytes, u8x16_splat(b'"')), u8x16_eq(bytes, u8x16_splat(b'\\')));
    let mask = u8x16_bitmask(v128_or(ends, u8x16_lt(bytes, u8x16_splat(0x20))));
    (mask != 0).then(|| mask.trailing_zeros() as usize)
}

/// Index of the first special byte of sixteen, in two words of eight.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn first_special(block: &[u8; 16]) -> Option<usize> {
    let word = u128::from_le_bytes(*block);
    let (low, high) = (specials(word as u64), specials((word >> 64) as u64));
    if low | high == 0 {
        return None;
    }
    let bit = if low != 0 { low.trailing_zeros() } else { 64 + high.trailing_zeros() };
    Some(bit as usize / 8)
}

/// The high bit of each special byte; above the lowest one set, bits may be wrong.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
const fn specials(word: u64) -> u64 {
    const LOW: u64 = u64::MAX / 255;
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(LOW) & !word
    }
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    (zeros(word ^ (LOW * b'"' as u64)) | zeros(word ^ (LOW * b'\\' as u64)) | control) & (LOW << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_part_of_a_string_ends_at_the_first_special_byte() {
        for length in 0..70 {
            for special in [b'"', b'\\', 0, 0x1f] {
                for other in [b'a', b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                    let mut text = vec![other; length];
                    assert_eq!(plain_length(&text), length);
                    text.extend([special, b'"', other, 1]);
                    assert_eq!(plain_length(&text), length, "{special:#x} behind {length} times {other:#x}");
                }
            }
        }
    }
}
