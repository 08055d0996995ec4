//! Eight bytes at a time, in one register: the module has no SIMD, since Fluent Bit's runtime has none.
//!
//! The *first* byte found is exact. Bits above it may be set for nothing, since a subtraction may borrow from there.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// The word at an offset, if the text goes on for so long.
#[inline]
pub(super) fn word(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes before the first of a set of high bits.
#[inline]
pub(super) const fn first(found: u64) -> usize {
    found.trailing_zeros() as usize / 8
}

/// High bits where the inside of a JSON string cannot just go on: `"`, `\`, control characters, and all beyond ASCII.
#[inline]
pub(super) const fn stops(word: u64) -> u64 {
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let control = word.wrapping_sub(ONES * 0x20);
    (quote | backslash | control | word) & HIGH
}

/// High bits where there is no decimal digit.
#[inline]
pub(super) const fn no_digits(word: u64) -> u64 {
    let digits = word ^ (ONES * b'0' as u64);
    (digits.wrapping_add(ONES * 0x76) | digits) & HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_found_is_exact_whatever_its_neighbours() {
        let is_stop = |byte: u8| matches!(byte, b'"' | b'\\') || !(0x20..0x80).contains(&byte);
        for neighbour in [0x20, b'!', b'#', b'0', b'[', b']', 0x7f] {
            for byte in 0..=255u8 {
                for place in 0..8 {
                    let mut bytes = [neighbour; 8];
                    bytes[place] = byte;
                    for after in [0, b'"', 0xff] {
                        bytes[place + 1..].fill(after);
                        let word = u64::from_le_bytes(bytes);
                        let stop = bytes.iter().position(|&byte| is_stop(byte)).unwrap_or(8);
                        assert_eq!(first(stops(word)), stop, "{bytes:?}");
                        let digits = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(8);
                        assert_eq!(first(no_digits(word)), digits, "{bytes:?}");
                    }
                }
            }
        }
    }
}
