//! Decimal digits as integers: eight at a time in a word, or one after another.

use super::words::{HIGH, word};

const ONES: u64 = 0x0101_0101_0101_0101;

/// The digits of a word: exclusive or with it turns digits into bytes from 0 to 9, and nothing else.
pub(crate) const ZEROS: u64 = ONES * b'0' as u64;

/// Powers of ten, by the number of digits of a second word.
pub(crate) const POWERS_OF_TEN: [i64; 8] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];

/// The high bit of each byte above 9; above the lowest such byte, bits may be wrong.
#[inline(always)]
pub(crate) const fn others(digits: u64) -> u64 {
    (digits.wrapping_add(ONES * 0x76) | digits) & HIGH
}

/// How many bits of a word, from the lowest, are bytes from 0 to 9.
#[inline(always)]
pub(crate) const fn digit_bits(digits: u64) -> u32 {
    let others = others(digits);
    if others == 0 { 64 } else { others.trailing_zeros() & !7 }
}

/// Whether all bytes of a word are from 0 to 9.
#[inline(always)]
pub(crate) const fn all_digits(digits: u64) -> bool {
    others(digits) == 0
}

/// The value of eight digits, the first in the lowest byte. Each step joins neighbours: digits to pairs, pairs to fours.
#[inline(always)]
pub(crate) const fn eight_digits(digits: u64) -> i64 {
    let pairs = (digits.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(1 + (10_000 << 32)) >> 32) as i64
}

/// The number that the 1 to 15 digits of a part of a text are. None if they are something else, or the text has neither
/// eight bytes from where they begin nor up to where they end.
#[inline]
pub(crate) fn whole(text: &[u8], start: usize, end: usize) -> Option<i64> {
    let length = end.wrapping_sub(start);
    match length {
        1..=8 => {
            let rest = 64 - 8 * length;
            let digits = match word(text, start) {
                Some(word) => (word ^ ZEROS) << rest,
                None => (word(text, end.checked_sub(8)?)? ^ ZEROS) >> rest << rest,
            };
            all_digits(digits).then(|| eight_digits(digits))
        }
        9..=15 => {
            let rest = 128 - 8 * length;
            let (first, last) = (word(text, start)? ^ ZEROS, (word(text, end - 8)? ^ ZEROS) >> rest << rest);
            let scale = POWERS_OF_TEN.get(length - 8)?;
            (all_digits(first) && all_digits(last)).then(|| eight_digits(first) * scale + eight_digits(last))
        }
        _ => None,
    }
}

/// The number at the start of a text that goes on for sixteen bytes at least, and how many digits it has: 8 to 15, as a
/// time stamp. None if it has fewer or more.
#[inline(always)]
pub(crate) fn long_number(text: &[u8]) -> Option<(i64, usize)> {
    let (first, rest) = text.split_first_chunk::<8>()?;
    let (first, second) = (u64::from_le_bytes(*first) ^ ZEROS, u64::from_le_bytes(*rest.first_chunk::<8>()?) ^ ZEROS);
    let bits = digit_bits(second);
    if digit_bits(first) != 64 || bits == 64 {
        return None;
    }
    let count = bits as usize / 8;
    // With no digit in it, all of the second word is shifted out, in two steps.
    let low = eight_digits(second << (56 - bits) << 8);
    Some((eight_digits(first) * POWERS_OF_TEN.get(count)? + low, 8 + count))
}

/// High bits where a word of text has no decimal digit.
#[inline]
pub(crate) const fn no_digits(word: u64) -> u64 {
    others(word ^ ZEROS)
}

/// The value of a text of 1 or more digits and nothing else (leading zeros allowed), if it is at most `i64::MAX`.
pub(crate) fn natural(text: &[u8]) -> Option<i64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0i64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 { None } else { value.checked_mul(10)?.checked_add(i64::from(digit)) }
    })
}

/// The value of a decimal number without an exponent, its sign kept and its fraction dropped; none beyond 64 bits.
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (digits, sign) = match text.split_first() {
        Some((b'-', rest)) => (rest, -1),
        _ => (text, 1),
    };
    let whole = digits.iter().take_while(|c| c.is_ascii_digit()).count();
    let (whole, rest) = digits.split_at(whole);
    matches!(rest.first(), None | Some(b'.')).then(|| natural(whole)).flatten().map(|value| value * sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_of_every_length_at_every_place() {
        let digits = "9876543210123456";
        for length in 0..=digits.len() {
            for before in 0..12 {
                for after in ["", ",", "}", ",\"a\":1234567", "/", ":"] {
                    let token = &digits[..length];
                    let text = format!("{}{token}{after}", "x".repeat(before));
                    let has_word = before + 8 <= text.len() || before + length >= 8;
                    let expected = token.parse::<i64>().ok().filter(|_| length < 16 && has_word);
                    assert_eq!(whole(text.as_bytes(), before, before + length), expected, "{text}");
                    for wrong in before..before + length {
                        for byte in *b"/:-. a" {
                            let mut text = text.clone().into_bytes();
                            text[wrong] = byte;
                            assert_eq!(whole(&text, before, before + length), None);
                        }
                    }
                }
            }
        }
        assert_eq!(whole(b"12345678", 5, 3), None);
        assert_eq!(whole(b"12345678", 5, 9), None);
    }

    #[test]
    fn long_numbers() {
        for count in 0..17 {
            for end in [b',', b'/', b':', 0, 0xff] {
                let mut text = b"9876543210123456789"[..count].to_vec();
                let expected = (8..16).contains(&count).then(|| std::str::from_utf8(&text).unwrap().parse().unwrap());
                text.resize(32, end);
                assert_eq!(long_number(&text), expected.map(|value| (value, count)), "{count} digits, then {end:#x}");
            }
        }
        assert_eq!(long_number(b"123456789,12345"), None, "too near the end");
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
