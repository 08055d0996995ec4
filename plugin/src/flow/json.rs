//! A flow log record as members of a JSON object.

use std::borrow::Cow;

use super::fields::Kind;
use super::format::{Column, KEY_BLOCK, Key};
use super::record::FlowRecord;
use super::tokens::Span;
use crate::row::text::write_escaped;

/// Short texts are copied in blocks of this size, and the surplus is cut off: a copy of constant size is a few
/// instructions, while one of variable size is a call, in WebAssembly into the host.
const BLOCK: usize = 16;

impl FlowRecord<'_> {
    /// Appends the record as `"name":value,…` without braces, in the order of the format's columns.
    ///
    /// Names have underscores, integers are JSON numbers, `-` is null, everything else is a string: the shape Vector's
    /// `parse_aws_vpc_flow_log` gives. Tag values are percent-decoded.
    pub fn write_members(&self, out: &mut Vec<u8>) {
        // One growth for the whole record as a rule: keys, tokens and the block that may be written beyond them.
        out.reserve(self.spans.len() * KEY_BLOCK + self.text.len() + KEY_BLOCK);
        let mut columns = self.format.columns().iter().zip(self.spans);
        if let Some((column, &span)) = columns.next() {
            let start = out.len();
            self.write_member(column, span, out);
            // Keys begin with a comma; the first does not need it.
            out.copy_within(start + 1.., start);
            out.pop();
        }
        for (column, &span) in columns {
            self.write_member(column, span, out);
        }
    }

    #[inline]
    fn write_member(&self, column: &Column, span: Span, out: &mut Vec<u8>) {
        let key_start = out.len();
        let key_length = match &column.key {
            Key::Block(block, length) => {
                out.extend_from_slice(block);
                usize::from(*length)
            }
            Key::Long(key) => {
                out.extend_from_slice(key);
                key.len()
            }
        };
        out.truncate(key_start + key_length);
        let bytes = self.text;
        let (mut start, end) = (span.start as usize, span.end as usize);
        let length = end.wrapping_sub(start);
        let is_absent = length == 0 || (length == 1 && bytes[start] == b'-');
        if let Kind::Integer { .. } = column.kind {
            if is_absent {
                out.extend_from_slice(b"null");
                return;
            }
            // `007` is a number in a flow log but not in JSON.
            while end - start > 1 && bytes[start] == b'0' {
                start += 1;
            }
            write_token(bytes, start, end, out);
            return;
        }
        if is_absent {
            out.pop();
            out.extend_from_slice(b"null");
            return;
        }
        if column.kind == Kind::Tag {
            write_escaped(out, &decode_tag(span.text(self.text)));
        } else if self.plain {
            write_token(bytes, start, end, out);
        } else {
            write_escaped(out, span.text(self.text));
        }
        out.push(b'"');
    }
}

#[inline]
fn write_token(bytes: &[u8], mut start: usize, end: usize, out: &mut Vec<u8>) {
    while let Some(block) = bytes.get(start..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        out.extend_from_slice(block);
        if end - start <= BLOCK {
            out.truncate(out.len() - (BLOCK - (end - start)));
            return;
        }
        start += BLOCK;
    }
    // The end of the line: byte by byte, for the tokens there are short ("ACCEPT OK").
    for &byte in &bytes[start..end] {
        out.push(byte);
    }
}

/// A tag value with its percent-encoding undone ("Flow log records", version 11).
///
/// A value that is not percent-encoded UTF-8 is returned as it stands, so that nothing is lost.
pub fn decode_tag(token: &str) -> Cow<'_, str> {
    if !token.contains('%') {
        return Cow::Borrowed(token);
    }
    let mut decoded = Vec::with_capacity(token.len());
    let mut rest = token.as_bytes();
    while let [first, tail @ ..] = rest {
        let (byte, length) = match (first, tail) {
            (b'%', [high, low, ..]) => match (hexadecimal(*high), hexadecimal(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, 3),
                _ => (*first, 1),
            },
            _ => (*first, 1),
        };
        decoded.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
    String::from_utf8(decoded).map_or(Cow::Borrowed(token), Cow::Owned)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
