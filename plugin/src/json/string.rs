//! The inside of JSON strings, written and read: one escaper and one unescaper.

use std::borrow::Cow;

/// Appends `text` as the inside of a JSON string (RFC 8259 section 7): quotes, backslashes and control characters are
/// escaped, everything else is copied.
pub(crate) fn write_escaped(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    let mut copied = 0;
    for (i, &byte) in bytes.iter().enumerate() {
        let short = match byte {
            b'"' | b'\\' => byte,
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0..0x20 => b'u',
            _ => continue,
        };
        out.extend_from_slice(&bytes[copied..i]);
        out.extend_from_slice(&[b'\\', short]);
        if short == b'u' {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            out.extend_from_slice(&[b'0', b'0', high, low]);
        }
        copied = i + 1;
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// The text of the inside of a JSON string that a scanner has found valid. A lone surrogate becomes U+FFFD.
pub(crate) fn unescape(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let mut bytes = Vec::with_capacity(inside.len());
    unescape_into(inside.as_bytes(), &mut bytes);
    // What stands for an escape sequence is UTF-8, and so is what is between them.
    Cow::Owned(String::from_utf8(bytes).unwrap_or_default())
}

/// Appends the inside of a JSON string that a scanner has found valid, without its escapes.
pub(super) fn unescape_into(inside: &[u8], output: &mut Vec<u8>) {
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (before, after) = rest.split_at(at);
        output.extend_from_slice(before);
        let Some((&letter, after)) = after.get(1..).and_then(<[u8]>::split_first) else { return };
        rest = after;
        match letter {
            b'b' => output.push(8),
            b'f' => output.push(12),
            b'n' => output.push(b'\n'),
            b'r' => output.push(b'\r'),
            b't' => output.push(b'\t'),
            b'u' => {
                let (character, taken) = unicode(rest);
                output.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                rest = rest.get(taken..).unwrap_or_default();
            }
            itself => output.push(itself),
        }
    }
    output.extend_from_slice(rest);
}

/// The character of the digits behind `\u`, a surrogate pair included, and how many bytes it takes. A surrogate
/// without its partner becomes U+FFFD.
fn unicode(text: &[u8]) -> (char, usize) {
    let Some(high) = hex4(text) else { return (char::REPLACEMENT_CHARACTER, 0) };
    let low = text.get(4..).and_then(|text| text.strip_prefix(b"\\u")).and_then(hex4);
    if let (0xd800..0xdc00, Some(low @ 0xdc00..0xe000)) = (high, low) {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 10);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4)
}

/// The number of four hexadecimal digits.
pub(super) fn hex4(text: &[u8]) -> Option<u32> {
    text.first_chunk::<4>()?.iter().try_fold(0, |value, &c| Some(value << 4 | char::from(c).to_digit(16)?))
}
