//! A flow log record as members of a JSON object.

use std::borrow::Cow;

use super::record::{FlowRecord, Source};
use crate::column::Kind;
use crate::json::write_escaped;

impl FlowRecord<'_> {
    /// Appends the record as `"name":value,…` without braces, in the order of the format's columns.
    ///
    /// Names have underscores, integers are JSON numbers, `-` is null, everything else is a string: the shape Vector's
    /// `parse_aws_vpc_flow_log` gives. Tag values are percent-decoded.
    pub fn write_members(&self, out: &mut Vec<u8>) {
        for ((column, key), span) in self.format.columns().iter().zip(self.format.keys()).zip(self.spans) {
            out.extend_from_slice(key.as_bytes());
            let token = span.text(self.text);
            let is_number = matches!(column.kind, Kind::Integer { .. });
            if matches!(token, "" | "-") {
                // A null has no quotes.
                out.truncate(out.len() - usize::from(!is_number));
                out.extend_from_slice(b"null");
                continue;
            }
            match column.kind {
                Kind::Integer { .. } => out.extend_from_slice(without_zeros(token.as_bytes())),
                Kind::Tag => write_escaped(out, &decode_tag(token)),
                // The strings of a JSON object are kept as they stand there.
                _ if self.source == Source::Json => out.extend_from_slice(token.as_bytes()),
                _ => write_escaped(out, token),
            }
            if !is_number {
                out.push(b'"');
            }
        }
    }
}

/// `007` is a number in a flow log but not in JSON.
pub(super) fn without_zeros(mut digits: &[u8]) -> &[u8] {
    while let [b'0', rest @ ..] = digits
        && !rest.is_empty()
    {
        digits = rest;
    }
    digits
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
