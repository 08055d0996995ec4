//! Splitting a line into tokens: eight bytes at a time into a bit for each byte, then from bit to bit.

use crate::failure::{Failure, Layer};

/// Where a token lies in its text. Offsets of 32 bits keep a record's tokens within one or two cache lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    /// The token as text, of a record whose text is known to be UTF-8.
    pub(crate) fn text(self, text: &[u8]) -> &str {
        std::str::from_utf8(self.of(text)).unwrap_or_default()
    }
}

/// What [`split`] found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens {
    /// How many tokens the line has, also beyond what the buffer took.
    pub(crate) count: usize,
    /// Whether no token holds a character that JSON must escape.
    pub(crate) plain: bool,
    /// Whether all bytes are ASCII, and the line therefore UTF-8.
    pub(crate) ascii: bool,
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The high bit of each byte below `limit` (at most 0x80). Exact: no borrow passes between bytes.
const fn below(word: u64, limit: u64) -> u64 {
    !((word | HIGH).wrapping_sub(ONES * limit) | word) & HIGH
}

/// High bits set if a byte is `"` or `\`. Beyond ASCII it may be set for nothing, which costs a check in output.
const fn escapes(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    quote.wrapping_sub(ONES) | backslash.wrapping_sub(ONES)
}

/// The high bits of the eight bytes as the low eight bits, the first byte's lowest.
const fn gather(high_bits: u64) -> u64 {
    (high_bits >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// Splits on runs of spaces and tabs. Blanks and a line end at the end of the line are ignored.
///
/// Runs, because the user guide's own example page has a line with two adjacent spaces, and no value may hold a space.
/// `spans` takes the first tokens; the rest are only counted.
pub(crate) fn split(line: &[u8], spans: &mut [Span]) -> Result<Tokens, Failure> {
    let bytes = line.trim_ascii_end();
    if u32::try_from(bytes.len()).is_err() {
        return Err(Failure::new(Layer::FlowRecord, 0, "the line is longer than 4 GiB"));
    }
    let (mut count, mut start, mut escape, mut high) = (0, 0, 0, 0);
    // 64 bytes make one word of bits. Going from bit to bit through it costs a branch for each token, which the processor
    // foresees; a branch for each byte or each 8 bytes, it does not.
    for (block, chunk) in bytes.chunks(64).enumerate() {
        let (mut separators, mut controls) = (0u64, 0u64);
        let (words, tail) = chunk.as_chunks::<8>();
        let mut take = |word: [u8; 8], shift: usize| {
            let word = u64::from_le_bytes(word);
            escape |= escapes(word);
            high |= word;
            controls |= below(word, 0x20);
            separators |= gather(below(word, 0x21)) << shift;
        };
        for (i, word) in words.iter().enumerate() {
            take(*word, i * 8);
        }
        if !tail.is_empty() {
            take(last_word(bytes, tail), words.len() * 8);
        }
        if controls != 0 {
            check_controls(chunk, block * 64)?;
        }
        while separators != 0 {
            let position = block * 64 + separators.trailing_zeros() as usize;
            separators &= separators - 1;
            if position > start {
                if let Some(span) = spans.get_mut(count) {
                    *span = Span { start: start as u32, end: position as u32 };
                }
                count += 1;
            }
            start = position + 1;
        }
    }
    if bytes.len() > start {
        if let Some(span) = spans.get_mut(count) {
            *span = Span { start: start as u32, end: bytes.len() as u32 };
        }
        count += 1;
    }
    Ok(Tokens { count, plain: escape & HIGH == 0, ascii: high & HIGH == 0 })
}

/// The last bytes of a line as a word, filled up with letters. Where the line has eight bytes, its last eight are read
/// and shifted, which spares copying byte by byte.
#[inline]
fn last_word(line: &[u8], tail: &[u8]) -> [u8; 8] {
    const LETTERS: u64 = ONES * b'x' as u64;
    match line.last_chunk::<8>() {
        Some(word) => {
            let missing = (8 - tail.len()) * 8;
            (u64::from_le_bytes(*word) >> missing | LETTERS << (64 - missing)).to_le_bytes()
        }
        None => {
            let mut word = [b'x'; 8];
            word[..tail.len()].copy_from_slice(tail);
            word
        }
    }
}

/// Of the control characters only a tab separates fields.
#[cold]
fn check_controls(chunk: &[u8], offset: usize) -> Result<(), Failure> {
    match chunk.iter().position(|&byte| byte < 0x20 && byte != b'\t') {
        None => Ok(()),
        Some(at) => {
            let reason =
                format!("control character 0x{:02x} in a flow log line: only spaces separate its fields", chunk[at]);
            Err(Failure::new(Layer::FlowRecord, offset + at, reason))
        }
    }
}
