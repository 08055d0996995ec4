//! Base64 text (RFC 4648): standard and URL-safe alphabet, padded or not, with line breaks (RFC 2045) or without.
//!
//! Four characters are decoded with four table look-ups; only where that finds something else than the alphabet does
//! the decoder look at single characters.

use super::arena::Arena;
use crate::failure::{Failure, Layer};

/// A character outside both alphabets, in [`TABLES`].
const OTHER: u32 = 1 << 31;

/// `TABLES[k][c]`: what character `c` as the `k`-th of four contributes to the three bytes, first byte lowest.
static TABLES: [[u32; 256]; 4] = tables();

const fn tables() -> [[u32; 256]; 4] {
    let mut tables = [[OTHER; 256]; 4];
    let mut c = 0;
    while c < 256 {
        let value = match c as u8 {
            upper @ b'A'..=b'Z' => upper - b'A',
            lower @ b'a'..=b'z' => lower - b'a' + 26,
            digit @ b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => 64,
        };
        if value < 64 {
            let mut k = 0;
            while k < 4 {
                let bytes = ((value as u32) << (18 - 6 * k)).to_be_bytes();
                tables[k][c] = u32::from_le_bytes([bytes[1], bytes[2], bytes[3], 0]);
                k += 1;
            }
        }
        c += 1;
    }
    tables
}

/// Whether `c` is in the standard or the URL-safe alphabet.
pub(super) fn in_alphabet(c: u8) -> bool {
    TABLES[0][usize::from(c)] != OTHER
}

/// Room that decoding `text` needs in its output.
pub(super) const fn room(text: &[u8]) -> usize {
    text.len() / 4 * 3 + 4
}

/// Appends the bytes that `text` encodes to `output`, which the caller has given [`room`].
///
/// Returns the offset and the reason if `text` is not base64.
pub(super) fn decode(text: &[u8], output: &mut Arena) -> Result<(), (usize, &'static str)> {
    output.reserve(room(text), usize::MAX);
    #[cfg(any(feature = "peer-base64", feature = "peer-base64-simd"))]
    if super::peers::base64(text, output).is_some() {
        return Ok(());
    }
    let (out, filled) = output.parts();
    let mut to = *filled;
    let mut at = 0;
    let [t0, t1, t2, t3] = &TABLES;
    loop {
        #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
        while let (Some(characters), Some(place)) = (
            text.get(at..).and_then(|rest| rest.first_chunk::<16>()),
            out.get_mut(to..).and_then(|rest| rest.first_chunk_mut::<16>()),
        ) {
            let Some(bytes) = sixteen(characters) else { break };
            *place = bytes;
            (to, at) = (to + 12, at + 16);
        }
        // Fast: whole groups of four characters, one word written for three bytes.
        let (groups, _) = text.get(at..).unwrap_or_default().as_chunks::<4>();
        for &[a, b, c, d] in groups {
            let value = t0[usize::from(a)] | t1[usize::from(b)] | t2[usize::from(c)] | t3[usize::from(d)];
            let Some(place) = out.get_mut(to..to + 4) else { break };
            if value & OTHER != 0 {
                break;
            }
            place.copy_from_slice(&value.to_le_bytes());
            to += 3;
            at += 4;
        }

        // One group by single characters: white space between them, padding, or the end.
        let mut group = [b'A'; 4];
        let mut characters = 0;
        while characters < 4 {
            match text.get(at) {
                None => break,
                Some(b'=') => {
                    padding(text, at, characters)?;
                    at = text.len();
                    break;
                }
                Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                Some(&c) if in_alphabet(c) => {
                    if let Some(place) = group.get_mut(characters) {
                        *place = c;
                    }
                    characters += 1;
                }
                Some(_) => return Err((at, "a character outside the base64 alphabets (A-Z a-z 0-9 + / - _ =)")),
            }
            at += 1;
        }
        let [a, b, c, d] = group;
        let value = t0[usize::from(a)] | t1[usize::from(b)] | t2[usize::from(c)] | t3[usize::from(d)];
        let bytes = value.to_le_bytes();
        let count = match characters {
            0 => 0,
            1 => return Err((text.len(), "the text ends one character into a group of four; it was cut off")),
            more => more - 1,
        };
        if let (Some(place), Some(bytes)) = (out.get_mut(to..to + count), bytes.get(..count)) {
            place.copy_from_slice(bytes);
            to += count;
        }
        if characters < 4 {
            *filled = to;
            return Ok(());
        }
    }
}

/// What is wrong with a line that is no record but was meant to be base64: a single word that ends in padding, begins as
/// base64 of gzip does or is longer than words are, and most of whose characters are base64's.
#[cold]
pub(crate) fn damaged(line: &[u8]) -> Option<Failure> {
    let text = line.trim_ascii();
    let characters = text.iter().filter(|&&c| in_alphabet(c)).count();
    let foreign = |c: &u8| matches!(c, b' ' | b'\t' | b',' | b'{' | b'}' | b'"' | b'$');
    let is_meant = match text {
        [b'H', b'4', b's', ..] => true,
        [.., b'='] => text.len() >= 8,
        _ => text.len() >= 64,
    };
    if !is_meant || characters * 2 < text.len() || text.iter().any(foreign) {
        return None;
    }
    let (offset, flaw) = match decode(text, &mut Arena::default()) {
        Err(flaw) => flaw,
        Ok(()) => (0, "it decodes to no known format"),
    };
    let blanks = line.len() - line.trim_ascii_start().len();
    let reason = format!("damaged base64? {flaw}; send the data as Kinesis has it");
    Some(Failure::new(Layer::Base64, blanks + offset, reason))
}

/// The twelve bytes of sixteen characters, and four of no meaning; none if one is outside the alphabets.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn sixteen(characters: &[u8; 16]) -> Option<[u8; 16]> {
    use core::arch::wasm32::{
        i8x16_shuffle, i32x4_shl, i64x2_extract_lane, u8x16_add, u8x16_all_true, u8x16_eq, u8x16_lt, u8x16_splat,
        u8x16_sub, u16x8_shl, u16x8_shr, u32x4_shr, u32x4_splat, v128_and, v128_or,
    };
    let characters = crate::simd::wide(characters);
    let range = |first: u8, count: u8| u8x16_lt(u8x16_sub(characters, u8x16_splat(first)), u8x16_splat(count));
    let either =
        |one: u8, other: u8| v128_or(u8x16_eq(characters, u8x16_splat(one)), u8x16_eq(characters, u8x16_splat(other)));
    let (upper, lower, digit) = (range(b'A', 26), range(b'a', 26), range(b'0', 10));
    let (plus, slash) = (either(b'+', b'-'), either(b'/', b'_'));
    if !u8x16_all_true(v128_or(v128_or(v128_or(upper, lower), digit), v128_or(plus, slash))) {
        return None;
    }
    let shifted = |mask, first: u8, value: u8| v128_and(mask, u8x16_splat(value.wrapping_sub(first)));
    let shifts = v128_or(v128_or(shifted(upper, b'A', 0), shifted(lower, b'a', 26)), shifted(digit, b'0', 52));
    let ordinary = v128_and(u8x16_add(characters, shifts), v128_or(v128_or(upper, lower), digit));
    let values = v128_or(ordinary, v128_or(shifted(plus, 0, 62), shifted(slash, 0, 63)));
    // Joins neighbours: four times six bits to twice twelve, to 24; the first character holds the highest bits.
    let twelve = v128_or(u16x8_shl(v128_and(values, u32x4_splat(0x003f_003f)), 6), u16x8_shr(values, 8));
    let all = v128_or(i32x4_shl(v128_and(twelve, u32x4_splat(0xffff)), 12), u32x4_shr(twelve, 16));
    let bytes = i8x16_shuffle::<2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, 15, 15, 15, 15>(all, all);
    let (low, high) = (i64x2_extract_lane::<0>(bytes) as u64, i64x2_extract_lane::<1>(bytes) as u64);
    Some((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
}

/// Checks what stands from the first `=` on: padding that fits the group, and nothing after it.
fn padding(text: &[u8], at: usize, characters: usize) -> Result<(), (usize, &'static str)> {
    let mut signs = 0;
    for (offset, &c) in text.iter().enumerate().skip(at) {
        match c {
            b'=' => signs += 1,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => return Err((offset, "text after the padding; one record must be one base64 text")),
        }
    }
    if characters + signs > 4 || characters < 2 {
        return Err((at, "padding that does not complete a group of four characters"));
    }
    Ok(())
}
