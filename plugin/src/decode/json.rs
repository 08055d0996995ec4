//! A pull scanner for JSON (RFC 8259): zero-copy, in one pass, without recursion.
//!
//! Envelopes need a few strings and numbers out of a document and the extent of everything else. The scanner therefore
//! gives strings as they stand in the text and removes escapes only when asked to; it never builds a tree.

use std::borrow::Cow;

/// Objects and arrays inside each other that a document may have.
const MAX_DEPTH: u32 = 128;

/// A text that is not JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// Byte offset in the scanned text.
    pub(super) offset: usize,
    pub(super) reason: &'static str,
}

/// A string as it stands between its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) raw: &'a [u8],
    /// Whether `raw` contains escapes; they have been checked.
    pub(super) escaped: bool,
}

impl<'a> Text<'a> {
    /// The string without escapes; bytes that are not UTF-8 become U+FFFD.
    pub(super) fn to_str(self) -> Cow<'a, str> {
        if !self.escaped {
            // The strict check is several times faster than the lossy one on the usual, valid text.
            return std::str::from_utf8(self.raw).map_or_else(|_| String::from_utf8_lossy(self.raw), Cow::Borrowed);
        }
        let mut bytes = Vec::new();
        self.unescape(&mut bytes);
        Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Appends the string without its escapes.
    pub(super) fn unescape(self, output: &mut Vec<u8>) {
        let mut rest = self.raw;
        while let Some(at) = memchr::memchr(b'\\', rest) {
            let (before, after) = rest.split_at(at);
            output.extend_from_slice(before);
            let Some((&letter, after)) = after.get(1..).and_then(<[u8]>::split_first) else { return };
            rest = after;
            match letter {
                b'b' => output.push(8),
                b'f' => output.push(12),
                b'n' => output.push(b'\n'),
                b'r' => output.push(b'\r'),
                b't' => output.push(b'\t'),
                b'u' => {
                    let (character, taken) = unicode(rest);
                    output.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    rest = rest.get(taken..).unwrap_or_default();
                }
                itself => output.push(itself),
            }
        }
        output.extend_from_slice(rest);
    }
}

/// The character of the digits behind `\u`, a surrogate pair included, and how many bytes it takes. A surrogate
/// without its partner becomes U+FFFD.
fn unicode(text: &[u8]) -> (char, usize) {
    let Some(high) = hex4(text) else { return (char::REPLACEMENT_CHARACTER, 0) };
    let low = text.get(4..).and_then(|text| text.strip_prefix(b"\\u")).and_then(hex4);
    if let (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) = (high, low) {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

fn hex4(text: &[u8]) -> Option<u32> {
    text.first_chunk::<4>()?.iter().try_fold(0, |value, &c| Some(value << 4 | char::from(c).to_digit(16)?))
}

/// A position in a JSON text.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(text: &'a [u8], at: usize) -> Self {
        Scanner { text, at }
    }

    /// What is not read yet.
    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The text from `start` to the present position.
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.at).unwrap_or_default()
    }

    pub(super) const fn error<T>(&self, reason: &'static str) -> Result<T, Malformed> {
        Err(Malformed { offset: self.at, reason })
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub(super) fn peek(&mut self) -> Option<u8> {
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
    pub(super) fn accept<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        let found = self.rest().first_chunk::<N>() == Some(literal);
        if found {
            self.at += N;
        }
        found
    }

    /// Enters an object or array.
    pub(super) fn open(&mut self, bracket: u8) -> Result<(), Malformed> {
        self.expect(bracket, if bracket == b'{' { "expected an object" } else { "expected an array" })
    }

    /// The next key of the object entered with [`Scanner::open`], or `None` at its end. The value is next.
    pub(super) fn key(&mut self, first: &mut bool) -> Result<Option<Text<'a>>, Malformed> {
        if !self.element(first, b'}')? {
            return Ok(None);
        }
        let key = self.string()?;
        self.expect(b':', "expected ':' after a key")?;
        Ok(Some(key))
    }

    /// Whether an array (`close` = `]`) has another element, or an object (`}`) another key; consumes what is between.
    pub(super) fn element(&mut self, first: &mut bool, close: u8) -> Result<bool, Malformed> {
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
    pub(super) fn string(&mut self) -> Result<Text<'a>, Malformed> {
        self.expect(b'"', "expected a string")?;
        self.string_rest()
    }

    /// A string whose opening quote has been consumed.
    #[inline]
    pub(super) fn string_rest(&mut self) -> Result<Text<'a>, Malformed> {
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
    pub(super) fn string_value(&mut self) -> Result<Option<Text<'a>>, Malformed> {
        if self.peek() == Some(b'"') {
            return self.string().map(Some);
        }
        self.skip().map(|_| None)
    }

    /// Any value, as it stands in the text.
    pub(super) fn skip(&mut self) -> Result<&'a [u8], Malformed> {
        self.peek();
        let start = self.at;
        let mut objects = 0_u128; // bit 0: whether the innermost open bracket is that of an object
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(bracket @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return self.error("more than 128 objects and arrays inside each other");
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
                Some(b'"') => {
                    self.string()?;
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(_) => return self.error("expected a JSON value"),
                None => return self.error(ENDS),
            }
            // After a value: close what ends here, then go on with the next value.
            loop {
                if depth == 0 {
                    return Ok(self.since(start));
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

    /// After an opening bracket: whether a value follows.
    fn begin(&mut self, object: bool) -> Result<bool, Malformed> {
        if object { Ok(self.key(&mut true)?.is_some()) } else { self.element(&mut true, b']') }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), Malformed> {
        if !self.rest().starts_with(literal) {
            return self.error("expected a JSON value");
        }
        self.at += literal.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Malformed> {
        let length = self.rest().iter().take_while(|c| matches!(c, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let length = length.count();
        let digits = self.rest().iter().take(length).any(u8::is_ascii_digit);
        if !digits {
            return self.error("expected a number");
        }
        self.at += length;
        Ok(())
    }
}

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
    use core::arch::wasm32::{i64x2, u8x16_bitmask, u8x16_eq, u8x16_lt, u8x16_splat, v128_or};
    let word = u128::from_le_bytes(*block);
    let bytes = i64x2(word as i64, (word >> 64) as i64);
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

/// Milliseconds since the epoch of a JSON number or numeric string, fraction dropped; `None` beyond 64 bits.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let (digits, sign) = match text.split_first() {
        Some((b'-', rest)) => (rest, -1),
        _ => (text, 1),
    };
    let whole = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at(whole);
    if digits.is_empty() || !matches!(rest.first(), None | Some(b'.')) {
        return None;
    }
    // Eighteen digits cannot overflow, so that a time stamp needs no check for each.
    let value = if whole <= 18 {
        digits.iter().fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'))
    } else {
        digits.iter().try_fold(0_i64, |value, digit| value.checked_mul(10)?.checked_add(i64::from(digit - b'0')))?
    };
    Some(value * sign)
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

    #[test]
    fn integers() {
        for (text, value) in [
            ("0", Some(0)),
            ("-15", Some(-15)),
            ("1432826855000", Some(1_432_826_855_000)),
            ("1432826855000.9", Some(1_432_826_855_000)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("1e3", None),
            ("x", None),
        ] {
            assert_eq!(integer(text.as_bytes()), value, "{text}");
        }
    }
}
