//! Events as lines of JSON, written straight into the output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::GivenUp;
use crate::decode::Context;
use crate::failure::Failure;
use crate::json::Writer;

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

    /// Whether those to come are counted only.
    pub(super) fn is_counting(&self) -> bool {
        self.sample.is_some()
    }

    /// The payload has ended.
    pub(super) fn finish(self, out: &mut Vec<u8>, id: Option<&str>) {
        let Some((Failure { layer, offset, reason }, raw)) = self.sample else { return };
        let count = self.untold;
        let reason = match count {
            1 => reason.into_owned(),
            _ => format!("{count} more records of this payload failed; the first of them: {reason}"),
        };
        some_failed(out, id, &Failure::new(layer, offset, reason), &raw, &Context::default(), count);
    }
}

/// A record, or payload, that could not be used: who it is, why, and its bytes.
pub(super) fn failed(out: &mut Vec<u8>, id: Option<&str>, failure: &Failure, raw: &[u8], context: &Context<'_>) {
    some_failed(out, id, failure, raw, context, 1);
}

/// One event for so many records, of which `raw` is one.
fn some_failed(
    out: &mut Vec<u8>,
    id: Option<&str>,
    failure: &Failure,
    raw: &[u8],
    context: &Context<'_>,
    records: u64,
) {
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
    let digest = if raw.len() > SHOWN { hexadecimal(&Sha256::digest(raw)) } else { String::new() };
    payload(&mut event, raw, raw.len() as u64, &digest);
    if records > 1 {
        event.key("records").whole(records);
    }
    event.end_event();
}

/// A payload that the host gave up, as the `failed` event of a record that is the whole payload.
pub(super) fn given_up(out: &mut Vec<u8>, given_up: &GivenUp<'_>) {
    let mut event = Writer::event("failed", out);
    if let Some(id) = given_up.id {
        event.key("id").text(id);
    }
    event.key("layer").text(given_up.layer);
    event.key("offset").whole(0);
    event.key("reason").text(given_up.reason);
    payload(&mut event, given_up.beginning, given_up.size, given_up.sha256);
    event.end_event();
}

/// The members with a record's bytes.
fn payload(event: &mut Writer<'_>, raw: &[u8], size: u64, digest: &str) {
    if size > SHOWN as u64 {
        event.key("payload_bytes").whole(size);
        event.key("payload_sha256").text(digest);
    }
    let shown = &raw[..raw.len().min(SHOWN)];
    event.key("payload").quoted(|out| {
        let start = out.len();
        // Four characters for each three bytes begun.
        out.resize(start + shown.len().div_ceil(3) * 4, 0);
        let written = STANDARD.encode_slice(shown, &mut out[start..]).unwrap_or(0);
        out.truncate(start + written);
    });
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
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
