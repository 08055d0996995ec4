//! Decimal tokens to integers, eight digits at a time.

use super::fit::integer;

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The number written in `line[start..end]`: digits only, at most `i64::MAX`. Leading zeros are allowed.
///
/// Up to 16 digits are read as one or two words that *end* with the token, so that no padding is copied; only a token
/// near the start of the line (`version`, as a rule) or a longer one takes the slow way.
#[inline(always)]
pub(crate) fn number(line: &[u8], start: usize, end: usize) -> Option<i64> {
    let length = end.wrapping_sub(start);
    if end < 16 || length > 16 || length == 0 {
        return slow(line, start, end);
    }
    let low = word(line, end)?;
    if length <= 8 {
        return eight_digits(keep_last(low, length)).map(|value| value as i64);
    }
    let high = keep_last(word(line, end - 8)?, length - 8);
    Some((eight_digits(high)? * 100_000_000 + eight_digits(low)?) as i64)
}

#[inline(never)]
fn slow(line: &[u8], start: usize, end: usize) -> Option<i64> {
    integer(line.get(start..end)?)
}

#[inline(always)]
fn word(line: &[u8], end: usize) -> Option<u64> {
    line.get(end - 8..end)?.try_into().ok().map(u64::from_le_bytes)
}

/// Replaces all but the last `length` (1–8) characters of the word by zeros.
#[inline]
const fn keep_last(word: u64, length: usize) -> u64 {
    let mask = u64::MAX << ((8 - length) * 8);
    (word & mask) | (ZEROS & !mask)
}

/// The value of eight digits, the first in the lowest byte. Each step joins neighbours: digits to pairs, pairs to fours.
#[inline]
const fn eight_digits(word: u64) -> Option<u64> {
    const HIGH_HALF: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    if (word & HIGH_HALF) | ((word.wrapping_add(0x0606_0606_0606_0606) & HIGH_HALF) >> 4) != 0x3333_3333_3333_3333 {
        return None;
    }
    let digits = word & 0x0f0f_0f0f_0f0f_0f0f;
    let pairs = (digits.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    Some(fours.wrapping_mul(1 + (10_000 << 32)) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_length_at_every_place_like_the_standard_library() {
        let digits = "9876543210123456789";
        for length in 1..=digits.len() {
            for before in 0..20 {
                let line = format!("{}{} ACCEPT", "x".repeat(before), &digits[..length]);
                let expected = digits[..length].parse::<i64>().ok();
                assert_eq!(number(line.as_bytes(), before, before + length), expected, "{line}");
            }
        }
    }

    #[test]
    fn refuses_every_byte_that_is_no_digit_at_every_place() {
        for byte in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
            for place in 0..12 {
                let mut line = b"0123456789abcdef123456789012".to_vec();
                line[16 + place] = byte;
                assert_eq!(number(&line, 16, 28), None, "byte {byte} at {place}");
            }
        }
    }
}
