//! Base64 text (RFC 4648): standard and URL-safe alphabet, padded or not, with line breaks (RFC 2045) or without.
//!
//! Four characters are decoded with four table look-ups; only where that finds something else than the alphabet does
//! the decoder look at single characters.

use super::arena::Arena;

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
    let (out, filled) = output.parts();
    let mut to = *filled;
    let mut at = 0;
    let [t0, t1, t2, t3] = &TABLES;
    loop {
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
