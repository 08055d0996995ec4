//! Text eight bytes at a time, in one register: for Fluent Bit's runtime, which has no SIMD.
//!
//! The *first* byte found is exact. Bits above it may be set for nothing, since a subtraction may borrow from there.

const ONES: u64 = 0x0101_0101_0101_0101;
/// The high bit of each byte.
pub(crate) const HIGH: u64 = 0x8080_8080_8080_8080;

/// The word at an offset, if the text goes on for so long.
#[inline]
pub(crate) fn word(text: &[u8], at: usize) -> Option<u64> {
    text.get(at..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// How many bytes come before the first of a set of high bits, which is not empty.
///
/// The lowest bit alone, 1 << (8·n + 7), times the number in which 7 - n stands 3 bits wide below bit 57 - 8·n. Counting
/// zeros would be one instruction, but Fluent Bit's runtime goes through them one by one.
#[inline]
pub(crate) const fn first(found: u64) -> u64 {
    const PLACES: u64 = 7 << 54 | 6 << 46 | 5 << 38 | 4 << 30 | 3 << 22 | 2 << 14 | 1 << 6;
    7 - ((found & found.wrapping_neg()).wrapping_mul(PLACES) >> 61)
}

/// High bits where the inside of a JSON string cannot just go on: `"`, `\`, control characters, and all beyond ASCII. The
/// other bits mean nothing.
#[inline]
pub(crate) const fn stop_bits(word: u64) -> u64 {
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    let control = word.wrapping_sub(ONES * 0x20);
    quote | backslash | control | word
}

/// [`stop_bits`] and no other bits.
#[inline]
pub(crate) const fn stops(word: u64) -> u64 {
    stop_bits(word) & HIGH
}

/// High bits where there is a space, each of them exact in a word of nothing but ASCII.
#[inline]
pub(crate) const fn spaces(word: u64) -> u64 {
    !(word ^ (ONES * b' ' as u64)).wrapping_add(!HIGH) & HIGH
}

#[cfg(test)]
mod tests {
    use super::super::digits::no_digits;
    use super::*;

    #[test]
    fn the_first_byte_found_is_exact_whatever_its_neighbours() {
        let is_stop = |byte: u8| matches!(byte, b'"' | b'\\') || !(0x20..0x80).contains(&byte);
        let before = |found: u64| if found == 0 { 8 } else { first(found) as usize };
        for neighbour in [0x20, b'!', b'#', b'0', b'[', b']', 0x7f] {
            for byte in 0..=255u8 {
                for place in 0..8 {
                    let mut bytes = [neighbour; 8];
                    bytes[place] = byte;
                    for after in [0, b'"', 0xff] {
                        bytes[place + 1..].fill(after);
                        let word = u64::from_le_bytes(bytes);
                        let stop = bytes.iter().position(|&byte| is_stop(byte)).unwrap_or(8);
                        assert_eq!(before(stops(word)), stop, "{bytes:?}");
                        let digits = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(8);
                        assert_eq!(before(no_digits(word)), digits, "{bytes:?}");
                    }
                }
            }
        }
    }
}
