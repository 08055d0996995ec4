//! Events as lines of JSON, written straight into the output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::decode::Context;
use crate::failure::Failure;
use crate::json::Writer;

/// A record, or payload, that could not be used: who it is, why, and its bytes, so that nothing is lost.
pub(super) fn failed(out: &mut Vec<u8>, id: Option<&str>, failure: &Failure, raw: &[u8], context: &Context<'_>) {
    let mut event = Writer::event("failed", out);
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
            event.key(name).text(value);
        }
    }
    if let Some(number) = context.sub_sequence_number {
        event.key("sub_sequence_number").whole(number);
    }
    event.key("layer").text(failure.layer.name());
    event.key("offset").whole(failure.offset as u64);
    event.key("reason").text(&failure.reason);
    event.key("payload").quoted(|out| {
        let start = out.len();
        // Four characters for each three bytes begun.
        out.resize(start + raw.len().div_ceil(3) * 4, 0);
        let written = STANDARD.encode_slice(raw, &mut out[start..]).unwrap_or(0);
        out.truncate(start + written);
    });
    event.end_event();
}

/// Something a person should know that is about no single record.
pub(super) fn notice(out: &mut Vec<u8>, kind: &str, message: &str) {
    let mut event = Writer::event("notice", out);
    event.key("kind").text(kind);
    event.key("message").text(message);
    event.end_event();
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
