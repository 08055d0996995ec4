//! Events as lines of JSON, written straight into the output.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::GivenUp;
use crate::decode::Context;
use crate::failure::{Failure, Layer};
use crate::row::text::write_escaped;

/// Appends `,"name":"text"`.
fn member(out: &mut Vec<u8>, name: &str, text: &str) {
    // Writing to a vector cannot fail, here and below.
    let _ = write!(out, ",\"{name}\":\"");
    write_escaped(out, text);
    out.push(b'"');
}

/// Bytes of a record that its `failed` event shows: nearly all records as a whole. Of a longer one the event has the beginning,
/// the length and the SHA-256, by which it is found where it came from.
const SHOWN: usize = 4_096;

/// Failed records of one payload that are told one by one. A payload that is no flow log at all, such as the lines of another
/// log group, has hundreds of thousands.
const TOLD: u32 = 100;

/// The failed records of one payload: the first ones are told one by one, all others together, with one of them as a sample.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    told: u32,
    untold: u64,
    sample: Option<(Failure, Vec<u8>)>,
}

impl Failures {
    /// A record failed.
    pub(super) fn tell(
        &mut self,
        out: &mut Vec<u8>,
        id: Option<&str>,
        failure: &Failure,
        raw: &[u8],
        context: &Context<'_>,
    ) {
        if self.told < TOLD {
            self.told += 1;
            return failed(out, id, failure, raw, context);
        }
        self.untold += 1;
        if self.sample.is_none() {
            self.sample = Some((failure.clone(), raw[..raw.len().min(SHOWN)].to_vec()));
        }
    }

    /// The payload has ended.
    pub(super) fn finish(self, out: &mut Vec<u8>, id: Option<&str>) {
        let Some((Failure { layer, offset, reason }, raw)) = self.sample else { return };
        let count = self.untold;
        let reason = match count {
            1 => reason.into_owned(),
            _ => format!("{count} more records of this payload failed; the first of them: {reason}"),
        };
        failed(out, id, &Failure::new(layer, offset, reason), &raw, &Context::default());
        if count > 1 {
            // In place of the closing brace and line end.
            out.truncate(out.len() - 2);
            let _ = writeln!(out, ",\"records\":{count}}}");
        }
    }
}

/// A record, or payload, that could not be used: who it is, why, and its bytes.
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
    let mut digest = String::new();
    if raw.len() > SHOWN {
        for byte in Sha256::digest(raw) {
            // Writing to a string cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut digest, format_args!("{byte:02x}"));
        }
    }
    payload(out, raw, raw.len() as u64, &digest);
    out.extend_from_slice(b"}\n");
}

/// A payload that the host gave up, as the `failed` event of a record that is the whole payload.
pub(super) fn given_up(out: &mut Vec<u8>, given_up: &GivenUp<'_>) {
    out.extend_from_slice(b"{\"type\":\"failed\"");
    if let Some(id) = given_up.id {
        member(out, "id", id);
    }
    member(out, "layer", Layer::Plugin.name());
    out.extend_from_slice(b",\"offset\":0");
    member(out, "reason", given_up.reason);
    payload(out, given_up.beginning, given_up.size, given_up.sha256);
    out.extend_from_slice(b"}\n");
}

/// Appends the members with a record's bytes.
fn payload(out: &mut Vec<u8>, raw: &[u8], size: u64, digest: &str) {
    if size > SHOWN as u64 {
        let _ = write!(out, ",\"payload_bytes\":{size}");
        member(out, "payload_sha256", digest);
    }
    out.extend_from_slice(b",\"payload\":\"");
    let shown = &raw[..raw.len().min(SHOWN)];
    let start = out.len();
    // Four characters for each three bytes begun.
    out.resize(start + shown.len().div_ceil(3) * 4, 0);
    let written = STANDARD.encode_slice(shown, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
    out.push(b'"');
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

    #[test]
    fn of_a_long_record_the_beginning_is_shown_with_length_and_digest() {
        let mut out = Vec::new();
        let raw = vec![b'a'; 1_000_000];
        failed(&mut out, None, &Failure::new(Layer::FlowRecord, 0, "no"), &raw, &Context::default());
        let event: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(STANDARD.decode(event["payload"].as_str().unwrap()).unwrap(), raw[..SHOWN]);
        assert_eq!(event["payload_bytes"], 1_000_000);
        // FIPS 180-2, appendix B.3: a million times "a".
        assert_eq!(event["payload_sha256"], "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }

    #[test]
    fn the_first_hundred_failed_records_of_a_payload_are_told_one_by_one() {
        for (count, events, last) in [(1, 1, None), (100, 100, None), (101, 101, None), (400_000, 101, Some(399_900))] {
            let (mut out, mut failures) = (Vec::new(), Failures::default());
            for _ in 0..count {
                failures.tell(
                    &mut out,
                    Some("x"),
                    &Failure::new(Layer::FlowRecord, 3, "no"),
                    b"a",
                    &Context::default(),
                );
            }
            failures.finish(&mut out, Some("x"));
            let lines: Vec<serde_json::Value> = out
                .split(|byte| *byte == b'\n')
                .filter(|line| !line.is_empty())
                .map(|line| serde_json::from_slice(line).unwrap())
                .collect();
            assert_eq!(lines.len(), events);
            assert_eq!(lines[events - 1]["records"].as_u64(), last);
            assert_eq!(lines[events - 1]["payload"], "YQ==");
        }
    }
}
