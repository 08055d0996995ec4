//! Events as lines of JSON, written straight into the output.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::decode::Context;
use crate::failure::Failure;
use crate::row::text::write_escaped;

/// Appends `,"name":"text"`.
fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    // Writing to a vector cannot fail, here and below.
    let _ = write!(out, ",\"{name}\":\"");
    write_escaped(out, text);
    out.push(b'"');
}

/// A record, or payload, that could not be used: who it is, why, and its bytes, so that nothing is lost.
pub(super) fn failed(out: &mut Vec<u8>, id: Option<&str>, failure: &Failure, raw: &[u8], context: &Context<'_>) {
    out.extend_from_slice(b"{\"type\":\"failed\"");
    let event_id = context.event_id.map(String::from_utf8_lossy);
    for (name, value) in [
        ("id", id),
        ("record_id", context.record_id),
        ("shard_id", context.shard_id),
        ("sequence_number", context.sequence_number),
        ("log_group", context.log_group),
        ("log_stream", context.log_stream),
        ("event_id", event_id.as_deref()),
    ] {
        if let Some(value) = value {
            member(out, name, value);
        }
    }
    if let Some(number) = context.sub_sequence_number {
        let _ = write!(out, ",\"sub_sequence_number\":{number}");
    }
    member(out, "layer", failure.layer.name());
    let _ = write!(out, ",\"offset\":{}", failure.offset);
    member(out, "reason", &failure.reason);
    out.extend_from_slice(b",\"payload\":\"");
    let start = out.len();
    // Four characters for each three bytes begun.
    out.resize(start + raw.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(raw, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
    out.extend_from_slice(b"\"}\n");
}

/// Something a person should know that is about no single record.
pub(super) fn notice(out: &mut Vec<u8>, kind: &str, message: &str) {
    out.extend_from_slice(b"{\"type\":\"notice\"");
    member(out, "kind", kind);
    member(out, "message", message);
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Layer;

    #[test]
    fn a_failed_record_is_told_with_its_identity_and_bytes() {
        let mut out = Vec::new();
        let context = Context { sequence_number: Some("49"), sub_sequence_number: Some(2), ..Context::default() };
        failed(&mut out, Some("line 7"), &Failure::new(Layer::Gzip, 10, "cut \"short\""), b"\x1f\x8b", &context);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "{\"type\":\"failed\",\"id\":\"line 7\",\"sequence_number\":\"49\",\"sub_sequence_number\":2,\
             \"layer\":\"gzip\",\"offset\":10,\"reason\":\"cut \\\"short\\\"\",\"payload\":\"H4s=\"}\n"
        );
    }
}
