//! Splitting a line into tokens, eight bytes at a time.

use crate::failure::{Failure, Layer};

/// Where a token lies in its text. Offsets of 32 bits keep a record's tokens within one or two cache lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// What [`split`] found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens {
    /// How many tokens the line has, also beyond what the buffer took.
    pub(crate) count: usize,
    /// Whether no token holds a character that JSON must escape.
    pub(crate) plain: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte that is a space or a control character. Exact: no borrow passes between bytes.
const fn blanks(word: u64) -> u64 {
    !((word | HIGH).wrapping_sub(ONES * 0x21) | word) & HIGH
}

/// Not zero if a byte is `"` or `\`.
const fn escapes(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    ((quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash)) & HIGH
}

/// Splits on runs of spaces and tabs. Blanks and a line end at the end of the line are ignored.
///
/// Runs, because the user guide's own example page has a line with two adjacent spaces, and no value may hold a space.
pub(crate) fn split(line: &str, spans: &mut [Span]) -> Result<Tokens, Failure> {
    let bytes = line.trim_ascii_end().as_bytes();
    if u32::try_from(bytes.len()).is_err() {
        return Err(Failure::new(Layer::FlowRecord, 0, "the line is longer than 4 GiB"));
    }
    let mut count = 0;
    let mut start = 0;
    let mut escape = 0;
    let mut push = |start: usize, end: usize| {
        if let Some(span) = spans.get_mut(count) {
            *span = Span { start: start as u32, end: end as u32 };
        }
        count += 1;
    };
    let (words, tail) = bytes.as_chunks::<8>();
    let mut last = [b'x'; 8];
    last[..tail.len()].copy_from_slice(tail);
    for (i, word) in words.iter().chain(std::iter::once(&last)).enumerate() {
        let word = u64::from_le_bytes(*word);
        escape |= escapes(word);
        let mut mask = blanks(word);
        while mask != 0 {
            let position = i * 8 + (mask.trailing_zeros() / 8) as usize;
            mask &= mask - 1;
            if bytes[position] != b' ' && bytes[position] != b'\t' {
                return Err(control_character(bytes[position], position));
            }
            if position > start {
                push(start, position);
            }
            start = position + 1;
        }
    }
    if bytes.len() > start {
        push(start, bytes.len());
    }
    Ok(Tokens { count, plain: escape == 0 })
}

#[cold]
fn control_character(byte: u8, position: usize) -> Failure {
    let reason = format!("control character 0x{byte:02x} in a flow log line: only spaces separate its fields");
    Failure::new(Layer::FlowRecord, position, reason)
}
