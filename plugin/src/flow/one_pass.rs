//! One pass over a line of a known format: where each token lies, and the numbers among them.
//!
//! The way of nearly every line: tokens between single spaces, as many as the format has columns, each of its column's
//! type, all ASCII. Whatever is otherwise, right or wrong, is left to the general way ([`tokens`](super::tokens) and
//! [`record`](super::record)), which gives the same result and the reasons of failures.
//!
//! A token is looked at where it begins, in words of eight bytes: the word that shows where a number ends also holds its
//! digits, and is what has to be copied to output. So most tokens cost one load.

use super::format::Format;
use super::record::{Action, LogStatus, Values};
use super::step::{Key, Step, StepKind};
use super::tokens::Span;
use crate::text::digits::{POWERS_OF_TEN, ZEROS, digit_bits, eight_digits};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;
const SPACES: u64 = ONES * b' ' as u64;

/// Takes what a scan finds, column by column: [`begin`](Take::begin), the token's bytes as they are looked at, and one of
/// the others. If the scan fails halfway, what was taken means nothing.
pub(super) trait Take {
    /// Whether text that JSON must escape is left to the general way.
    const PLAIN: bool;

    fn begin(&mut self, column: usize, key: &Key);

    /// Bytes of the token from `offset` on, and perhaps some behind it.
    fn bytes<const N: usize>(&mut self, offset: usize, bytes: &[u8; N]);

    fn text(&mut self, start: usize, length: usize);
    fn integer(&mut self, start: usize, length: usize, slot: u8, value: i64);
    fn action(&mut self, start: usize, length: usize, action: Action);
    fn status(&mut self, start: usize, length: usize, status: LogStatus);

    /// The token is `-`.
    fn absent(&mut self, start: usize, step: &Step);
}

/// Keeps where tokens are, and the numbers.
pub(super) struct Keep<'a> {
    pub(super) spans: &'a mut [Span],
    pub(super) values: &'a mut Values,
    pub(super) column: usize,
}

impl Keep<'_> {
    #[inline(always)]
    fn span(&mut self, start: usize, length: usize) {
        if let Some(span) = self.spans.get_mut(self.column) {
            *span = Span { start: start as u32, end: (start + length) as u32 };
        }
    }
}

impl Take for Keep<'_> {
    const PLAIN: bool = false;

    #[inline(always)]
    fn begin(&mut self, column: usize, _: &Key) {
        self.column = column;
    }

    #[inline(always)]
    fn bytes<const N: usize>(&mut self, _: usize, _: &[u8; N]) {}

    #[inline(always)]
    fn text(&mut self, start: usize, length: usize) {
        self.span(start, length);
    }

    #[inline(always)]
    fn integer(&mut self, start: usize, length: usize, slot: u8, value: i64) {
        self.values.set(slot, value);
        self.span(start, length);
    }

    #[inline(always)]
    fn action(&mut self, start: usize, length: usize, action: Action) {
        self.values.action = Some(action);
        self.span(start, length);
    }

    #[inline(always)]
    fn status(&mut self, start: usize, length: usize, status: LogStatus) {
        self.values.log_status = Some(status);
        self.span(start, length);
    }

    #[inline(always)]
    fn absent(&mut self, start: usize, step: &Step) {
        match step.kind {
            StepKind::Integer { slot, .. } => self.values.set(slot, -1),
            StepKind::Action => self.values.action = None,
            StepKind::Status => self.values.log_status = None,
            StepKind::Text => {}
        }
        self.span(start, 1);
    }
}

/// Scans a line; false: the general way has to look at it.
#[inline(always)]
pub(super) fn scan<T: Take>(line: &[u8], format: &Format, take: &mut T) -> bool {
    scan_columns(line, format, take) == Some(line.len() + 1)
}

/// The place behind the last token and the space behind that.
#[inline(always)]
fn scan_columns<T: Take>(line: &[u8], format: &Format, take: &mut T) -> Option<usize> {
    let mut rest = line;
    let mut start = 0;
    for (column, step) in format.steps().iter().enumerate() {
        take.begin(column, &step.key);
        let length = match step.kind {
            StepKind::Integer { slot, max } => match integer(line, rest, take)? {
                (-1, length) => {
                    take.absent(start, step);
                    length
                }
                (value, length) => {
                    if value > max {
                        return None;
                    }
                    take.integer(start, length, slot, value);
                    length
                }
            },
            StepKind::Text => {
                let length = text(line, rest, take)?;
                if length <= 1 && matches!(rest.first(), Some(b'-' | b' ')) {
                    take.absent(start, step);
                } else {
                    take.text(start, length);
                }
                length
            }
            StepKind::Action => {
                let word = word(line, rest)?;
                let action = match word << 8 {
                    ACCEPT => Action::Accept,
                    REJECT => Action::Reject,
                    _ => {
                        absent(word)?;
                        take.absent(start, step);
                        (rest, start) = behind(rest, start, 1)?;
                        continue;
                    }
                };
                take.bytes(0, &word.to_le_bytes());
                take.action(start, 6, action);
                6
            }
            StepKind::Status => {
                let word = word(line, rest)?;
                let (status, length) = match word {
                    SKIP_DATA => (LogStatus::SkipData, 8),
                    _ if word << 40 == OK => (LogStatus::Ok, 2),
                    _ if word << 8 == NO_DATA => (LogStatus::NoData, 6),
                    _ => {
                        absent(word)?;
                        take.absent(start, step);
                        (rest, start) = behind(rest, start, 1)?;
                        continue;
                    }
                };
                take.bytes(0, &word.to_le_bytes());
                take.status(start, length, status);
                length
            }
        };
        (rest, start) = behind(rest, start, length)?;
    }
    Some(start)
}

/// Goes on behind a token and the space that must be there, or the end of the line.
#[inline(always)]
fn behind(rest: &[u8], start: usize, length: usize) -> Option<(&[u8], usize)> {
    let rest = match rest.get(length..)? {
        [b' ', rest @ ..] => rest,
        [] => &[],
        _ => return None,
    };
    (length > 0).then_some((rest, start + length + 1))
}

// With the space behind them, but without what follows it.
const ACCEPT: u64 = u64::from_le_bytes(*b"ACCEPT  ") << 8;
const REJECT: u64 = u64::from_le_bytes(*b"REJECT  ") << 8;
const NO_DATA: u64 = u64::from_le_bytes(*b"NODATA  ") << 8;
const OK: u64 = u64::from_le_bytes(*b"OK      ") << 40;
const SKIP_DATA: u64 = u64::from_le_bytes(*b"SKIPDATA");

/// The next eight bytes of a line of at least as many, with spaces behind its end. None at the end.
#[inline(always)]
fn word(line: &[u8], rest: &[u8]) -> Option<u64> {
    match rest.first_chunk::<8>() {
        Some(word) => Some(u64::from_le_bytes(*word)),
        None => last_word(line, rest.len()),
    }
}

#[inline(never)]
fn last_word(line: &[u8], left: usize) -> Option<u64> {
    let word = u64::from_le_bytes(*line.last_chunk::<8>()?);
    (1..8).contains(&left).then(|| word >> (64 - 8 * left) | SPACES << (8 * left))
}

/// The length of `-`, if that is the token.
#[inline(always)]
fn absent(word: u64) -> Option<usize> {
    (word as u16 == u16::from_le_bytes(*b"- ")).then_some(1)
}

/// How many bytes of the rest are the token's: printable ASCII.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn text<T: Take>(line: &[u8], rest: &[u8], take: &mut T) -> Option<usize> {
    words(line, rest, 0, take)
}

/// How many bytes of the rest are the token's: printable ASCII, looked at sixteen bytes at a time.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn text<T: Take>(line: &[u8], rest: &[u8], take: &mut T) -> Option<usize> {
    use core::arch::wasm32::{i8x16_bitmask, i8x16_eq, i8x16_lt, i8x16_splat, v128_or};
    let mut length = 0;
    while let Some(block) = rest.get(length..)?.first_chunk::<16>() {
        take.bytes(length, block);
        let bytes = crate::simd::wide(block);
        // As signed numbers, bytes beyond ASCII are below the space too.
        let mut ends = i8x16_lt(bytes, i8x16_splat(0x21));
        if T::PLAIN {
            let quotes = i8x16_eq(bytes, i8x16_splat(b'"' as i8));
            ends = v128_or(ends, v128_or(quotes, i8x16_eq(bytes, i8x16_splat(b'\\' as i8))));
        }
        let mask = i8x16_bitmask(ends);
        if mask != 0 {
            return Some(length + mask.trailing_zeros() as usize);
        }
        length += 16;
    }
    words(line, rest, length, take)
}

#[inline(always)]
fn words<T: Take>(line: &[u8], rest: &[u8], mut length: usize, take: &mut T) -> Option<usize> {
    loop {
        let word = word(line, rest.get(length..)?)?;
        take.bytes(length, &word.to_le_bytes());
        // The high bit of each byte that is a space, a control character or beyond ASCII. The lowest one set is right,
        // and those above it are not looked at.
        let mut ends = word.wrapping_sub(ONES * 0x21) | word;
        if T::PLAIN {
            let (quotes, backslashes) = (word ^ (ONES * b'"' as u64), word ^ (ONES * b'\\' as u64));
            ends |= quotes.wrapping_sub(ONES) | backslashes.wrapping_sub(ONES);
        }
        ends &= HIGH;
        if ends != 0 {
            return Some(length + ends.trailing_zeros() as usize / 8);
        }
        length += 8;
        if length == rest.len() {
            return Some(length);
        }
    }
}

/// The number at the start of the rest, -1 for `-`, and its length. None unless it has 1 to 15 digits.
#[inline(always)]
fn integer<T: Take>(line: &[u8], rest: &[u8], take: &mut T) -> Option<(i64, usize)> {
    let first = word(line, rest)?;
    take.bytes(0, &first.to_le_bytes());
    let digits = first ^ ZEROS;
    let bits = digit_bits(digits);
    if bits == 0 {
        return absent(first).map(|length| (-1, length));
    }
    if bits < 64 {
        return Some((eight_digits(digits << (64 - bits)), bits as usize / 8));
    }
    let high = eight_digits(digits);
    let more = rest.get(8..)?;
    if more.is_empty() {
        return Some((high, 8));
    }
    let second = word(line, more)?;
    take.bytes(8, &second.to_le_bytes());
    let digits = second ^ ZEROS;
    let bits = digit_bits(digits);
    match bits {
        0 => Some((high, 8)),
        64.. => None,
        _ => {
            let scale = *POWERS_OF_TEN.get(bits as usize / 8)?;
            Some((high * scale + eight_digits(digits << (64 - bits)), 8 + bits as usize / 8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing() -> Keep<'static> {
        Keep { spans: &mut [], values: Box::leak(Box::default()), column: 0 }
    }

    fn integer_of(token: &str, before: usize, after: &str) -> Option<(i64, usize)> {
        let line = format!("{}{token}{after}", "x".repeat(before));
        integer(line.as_bytes(), &line.as_bytes()[before..], &mut nothing())
    }

    #[test]
    fn reads_every_length_at_every_place_like_the_standard_library() {
        let digits = "9876543210123456";
        for length in 1..digits.len() {
            for before in 8..20 {
                for after in ["", " ", " OK", " ACCEPT OK and more", "x"] {
                    let token = &digits[..length];
                    let expected = Some((token.parse().unwrap(), length));
                    assert_eq!(integer_of(token, before, after), expected, "{token} {before} {after:?}");
                }
            }
        }
        assert_eq!(integer_of(digits, 8, " OK"), None, "the general way reads sixteen digits and more");
        assert_eq!(integer_of("-", 8, " OK"), Some((-1, 1)));
        assert_eq!(integer_of("-", 8, ""), Some((-1, 1)));
        assert_eq!(integer_of("-1", 8, " OK"), None);
        assert_eq!(integer_of("", 8, " OK"), None);
    }

    #[test]
    fn every_byte_that_is_no_digit_ends_the_number_at_every_place() {
        for byte in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
            for place in 1..15 {
                let mut line = b"012345670123456789012345".to_vec();
                line[8 + place] = byte;
                let (_, length) = integer(&line, &line[8..], &mut nothing()).unwrap();
                assert_eq!(length, place, "byte {byte}");
            }
        }
    }

    #[test]
    fn text_ends_at_every_byte_that_is_not_printable_ascii() {
        for length in 1..40 {
            for end in [b' ', b'\t', 0, 0x1f, 0x80, 0xa0, 0xa1, 0xff] {
                for other in [b'!', b'a', b'~', 0x7f] {
                    let mut line = vec![other; 8 + length];
                    assert_eq!(text(&line, &line[8..], &mut nothing()), Some(length));
                    line.extend([end, other, end]);
                    assert_eq!(
                        text(&line, &line[8..], &mut nothing()),
                        Some(length),
                        "{end:#x} behind {length} times {other:#x}"
                    );
                }
            }
        }
    }
}
