//! A plain line straight to what window mode needs: where the tokens end, the numbers, and no record in between.
//!
//! It takes lines that the scan of [`flow`](crate::flow) takes, too, of those that could stand in JSON without escape sequences, and
//! comes to the same. It is for machines that read instruction by instruction, as Fluent Bit's does: what is not needed is
//! only looked at, and each kind of thing costs the fewest steps that were found. Gain: see [`line`](super::line).

use crate::flow::{Format, StepKind};
use crate::text::digits::{POWERS_OF_TEN, ZEROS, all_digits, eight_digits};
use crate::text::words::{HIGH, first, spaces, stop_bits};

/// A line of at most [`LONGEST`] bytes and where its tokens end.
#[derive(Debug)]
pub(super) struct Tokens {
    /// The line, with room behind it for a word that begins at any of its bytes.
    text: [u8; LONGEST + 8],
    length: usize,
    /// By column; each token begins behind the space behind the one before. More than any format has, and a number that a
    /// byte cannot exceed.
    ends: [u32; 256],
    /// How many tokens of the last line end in its first [`HEAD`] bytes; none if the line was not read.
    head: usize,
}

/// Bytes at the beginning that are compared with those of the last line. Records of one account begin alike: version and
/// account take fifteen, with the spaces behind them.
const HEAD: usize = 16;

/// The longest line; a power of two, and twice as much as one of all fields that there are takes.
const LONGEST: usize = 2048;

/// How a line is split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Split {
    /// The number of tokens.
    pub(super) count: usize,
    /// So many of the first ones are those of the line that was read before.
    head: usize,
}

impl Split {
    /// Another plan read the line before.
    pub(super) fn forget(&mut self) {
        self.head = 0;
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Tokens { text: [0; LONGEST + 8], length: 0, ends: [0; 256], head: 0 }
    }
}

impl Tokens {
    /// Finds the tokens between single spaces; their number. None if the line has anything but printable ASCII, or what
    /// JSON must escape, or is too long. Where there are more tokens than fit, the number still is right.
    #[inline]
    pub(super) fn split(&mut self, line: &[u8]) -> Option<Split> {
        let length = line.len();
        if length > LONGEST {
            return None;
        }
        let head = match (line.first_chunk::<HEAD>(), self.text.first_chunk::<HEAD>()) {
            (Some(this), Some(last)) if this == last => self.head,
            _ => 0,
        };
        self.head = 0;
        self.length = length;
        self.text[..length].copy_from_slice(line);
        // What the last word has behind the line is none of those that are looked for.
        self.text[length..length + 8].copy_from_slice(b"00000000");
        let (mut count, mut base, mut found) = (head, if head > 0 { HEAD as u64 } else { 0 }, 0);
        let (words, _) = self.text.as_chunks::<8>();
        for word in &words[base as usize / 8..length.div_ceil(8)] {
            let word = u64::from_le_bytes(*word);
            found |= stop_bits(word);
            let mut bits = spaces(word);
            while bits != 0 {
                self.ends[usize::from(count as u8)] = (base + first(bits)) as u32;
                count += 1;
                bits &= bits - 1;
            }
            base += 8;
        }
        self.ends[usize::from(count as u8)] = length as u32;
        (found & HIGH == 0).then_some(Split { count: count + 1, head })
    }

    /// The line was read: what it begins with need not be read again.
    #[inline]
    fn remember(&mut self, head: usize) {
        // In a line that goes on behind it, each of them ends at a space.
        let is_in_head = |end: &&u32| **end < HEAD as u32;
        self.head = match head {
            0 if self.length > HEAD => self.ends.iter().take_while(is_in_head).count(),
            head => head,
        };
    }

    /// The eight bytes from one of the line's on.
    #[inline(always)]
    fn word(&self, at: u64) -> u64 {
        let at = at as usize % LONGEST;
        self.text[at..at + 8].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// A token of one to eight bytes in the upper bytes of a word, behind zeros.
    #[inline(always)]
    fn short(&self, start: u64, length: u64) -> Option<u64> {
        (length.wrapping_sub(1) < 8).then(|| upper(self.word(start), length))
    }

    /// The number that a token of up to 15 digits is, -1 for `-`.
    #[inline(always)]
    fn integer(&self, start: u64, length: u64) -> Option<i64> {
        let first = self.word(start) ^ ZEROS;
        match length {
            1..=8 => {
                let digits = upper(first, length);
                if all_digits(digits) {
                    return Some(eight_digits(digits));
                }
                // Zeros before it would be nothing but zeros here.
                (length == 1 && digits == ABSENT ^ ZEROS << 56).then_some(-1)
            }
            9..=15 => {
                let rest = upper(self.word(start + 8) ^ ZEROS, length - 8);
                let scale = POWERS_OF_TEN[length as usize % 8];
                (all_digits(first) && all_digits(rest)).then(|| eight_digits(first) * scale + eight_digits(rest))
            }
            _ => None,
        }
    }

    /// The token of a column; none: `-`, or the line has none there.
    #[inline]
    pub(super) fn token(&self, column: u8) -> Option<&[u8]> {
        let start = match column.checked_sub(1) {
            Some(before) => self.ends[usize::from(before)] as usize + 1,
            None => 0,
        };
        self.text.get(start..self.ends[usize::from(column)] as usize).filter(|token| !matches!(token, [b'-']))
    }
}

/// How to read the lines of one format, and what the last one said.
#[derive(Debug)]
pub(super) struct Plan {
    steps: Vec<StepKind>,
    numbers: [i64; SLOTS],
    rejected: bool,
    status: u64,
}

/// More than there are slots, and a power of two.
const SLOTS: usize = 16;

impl Plan {
    /// A plan for a format.
    pub(super) fn new(format: &Format) -> Plan {
        let steps = format.steps().iter().map(|step| step.kind).collect();
        Plan { steps, numbers: [-1; SLOTS], rejected: false, status: ABSENT }
    }

    /// Reads a line; false: the general way has to look at it, and what the plan says means nothing.
    #[inline]
    pub(super) fn read(&mut self, tokens: &mut Tokens, split: Split) -> bool {
        let is_read = self.read_from(tokens, split.head);
        if is_read {
            tokens.remember(split.head);
        }
        is_read
    }

    #[inline(always)]
    fn read_from(&mut self, tokens: &Tokens, head: usize) -> bool {
        let mut start = match head.checked_sub(1) {
            Some(before) => u64::from(tokens.ends[before % 256]) + 1,
            None => 0,
        };
        let (Some(steps), Some(ends)) = (self.steps.get(head..), tokens.ends.get(head..)) else { return false };
        for (step, &end) in steps.iter().zip(ends) {
            let end = u64::from(end);
            let length = end.wrapping_sub(start);
            match *step {
                StepKind::Text => {
                    if length == 0 {
                        return false;
                    }
                }
                StepKind::Integer { slot, max } => match tokens.integer(start, length) {
                    Some(value) if value <= max => self.numbers[usize::from(slot) % SLOTS] = value,
                    _ => return false,
                },
                StepKind::Action => match tokens.short(start, length) {
                    Some(ACCEPT | ABSENT) => self.rejected = false,
                    Some(REJECT) => self.rejected = true,
                    _ => return false,
                },
                StepKind::Status => match tokens.short(start, length) {
                    Some(token @ (OK | ABSENT | NO_DATA | SKIP_DATA)) => self.status = token,
                    _ => return false,
                },
            }
            start = end + 1;
        }
        true
    }

    /// The number of a field that scoring needs; below 0 it is absent.
    #[inline(always)]
    pub(super) fn number(&self, number: Number) -> i64 {
        self.numbers[number as usize]
    }

    /// Whether the action is `REJECT`.
    #[inline(always)]
    pub(super) fn is_rejected(&self) -> bool {
        self.rejected
    }

    /// Whether the status is `NODATA`.
    #[inline(always)]
    pub(super) fn is_without_data(&self) -> bool {
        self.status == NO_DATA
    }

    /// Whether the status is `SKIPDATA`.
    #[inline(always)]
    pub(super) fn is_skipped(&self) -> bool {
        self.status == SKIP_DATA
    }
}

/// The fields whose numbers a [`Plan`] keeps for scoring, by their slot.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(super) enum Number {
    SrcPort = 1,
    DstPort = 2,
    Protocol = 3,
    Packets = 4,
    Bytes = 5,
    Start = 6,
    End = 7,
}

/// The first bytes of a word in its upper bytes, behind zeros.
#[inline(always)]
const fn upper(word: u64, length: u64) -> u64 {
    word << (64 - 8 * length)
}

// As `upper` gives them.
const ABSENT: u64 = u64::from_le_bytes(*b"\0\0\0\0\0\0\0-");
const ACCEPT: u64 = u64::from_le_bytes(*b"\0\0ACCEPT");
const REJECT: u64 = u64::from_le_bytes(*b"\0\0REJECT");
const OK: u64 = u64::from_le_bytes(*b"\0\0\0\0\0\0OK");
const NO_DATA: u64 = u64::from_le_bytes(*b"\0\0NODATA");
const SKIP_DATA: u64 = u64::from_le_bytes(*b"SKIPDATA");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::Field;
    use crate::flow::slot;

    #[test]
    fn numbers_are_where_a_plan_puts_them() {
        for (number, field) in [
            (Number::SrcPort, Field::SrcPort),
            (Number::DstPort, Field::DstPort),
            (Number::Protocol, Field::Protocol),
            (Number::Packets, Field::Packets),
            (Number::Bytes, Field::Bytes),
            (Number::Start, Field::Start),
            (Number::End, Field::End),
        ] {
            assert_eq!(number as u8, slot(Some(field)));
        }
        assert!(usize::from(slot(None)) < SLOTS);
    }
}
