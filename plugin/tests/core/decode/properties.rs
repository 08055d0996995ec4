//! Properties: decoding undoes encoding, and any bytes give an outcome.

use super::encode::{
    base64, base64_unpadded, base64_url, base64_url_unpadded, base64_wrapped, cloudwatch, deflate, gzip, kpl, md5,
    zlib, zstd,
};
use super::recorder::{decode, decode_within};
use flowscore::decode::Limits;
use proptest::prelude::*;

/// Tokens as they stand in flow log lines, and characters that JSON must escape.
fn messages() -> impl Strategy<Value = Vec<String>> {
    let token = prop_oneof![
        8 => "[0-9]{1,10} ",
        3 => "[a-z0-9.:-]{1,15} ",
        1 => Just(String::from("- ")),
        1 => "[\\PC\"\\\\\t]{0,4}",
    ];
    prop::collection::vec(
        prop::collection::vec(token, 1..16).prop_map(|t| format!("2 123456789010 eni-0a {}.", t.concat())),
        1..12,
    )
}

fn layer() -> impl Strategy<Value = fn(&[u8]) -> Vec<u8>> {
    type Encode = fn(&[u8]) -> Vec<u8>;
    prop::sample::select(vec![
        gzip as Encode,
        zlib,
        zstd,
        deflate,
        base64,
        base64_unpadded,
        base64_url,
        base64_url_unpadded,
        base64_wrapped,
    ])
}

#[derive(Clone, Copy, Debug)]
enum Wrap {
    AwsLogs,
    GetRecords,
    Lambda,
    Transformation,
    Analytics,
    Delivery,
    MultiLang,
    Kpl,
}

fn wrap() -> impl Strategy<Value = Wrap> {
    use Wrap::*;
    prop::sample::select(vec![AwsLogs, GetRecords, Lambda, Transformation, Analytics, Delivery, MultiLang, Kpl])
}

fn wrapped(wrap: Wrap, data: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(base64(data)).unwrap();
    match wrap {
        Wrap::AwsLogs => format!(r#"{{"awslogs":{{"data":"{text}"}}}}"#),
        Wrap::GetRecords => format!(r#"{{"Records":[{{"Data":"{text}","SequenceNumber":"1","PartitionKey":"k"}}]}}"#),
        Wrap::Lambda => format!(r#"{{"Records":[{{"kinesis":{{"data":"{text}"}},"eventID":"s:1"}}]}}"#),
        Wrap::Transformation => {
            format!(r#"{{"records":[{{"recordId":"r","data":"{text}"}}],"invocationId":"i","deliveryStreamArn":"d"}}"#)
        }
        Wrap::Analytics => {
            format!(r#"{{"invocationId":"i","applicationArn":"a","records":[{{"recordId":"r","data":"{text}"}}]}}"#)
        }
        Wrap::Delivery => format!(r#"{{"requestId":"i","timestamp":1,"records":[{{"data":"{text}"}}]}}"#),
        Wrap::MultiLang => format!(r#"{{"action":"record","data":"{text}","sequenceNumber":"1"}}"#),
        Wrap::Kpl => return kpl(&["k"], &[(0, data)], md5),
    }
    .into_bytes()
}

proptest! {
    #[test]
    fn events_survive_every_envelope_and_layer(
        messages in messages(), inner in layer(), wrap in wrap(), outer in prop::option::of(layer()),
    ) {
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let payload = wrapped(wrap, &inner(&cloudwatch(&messages)));
        let payload = outer.map_or_else(|| payload.clone(), |encode| encode(&payload));
        let expected: Vec<_> = messages.iter().map(|message| format!("event {message}")).collect();
        prop_assert_eq!(decode(&payload), expected);
    }

    #[test]
    fn lines_survive_every_layer(messages in messages(), layer in layer(), wrap in wrap(), crlf: bool) {
        let text = messages.join(if crlf { "\r\n" } else { "\n" });
        let expected: Vec<_> = messages.iter().map(|message| format!("line {message}")).collect();
        prop_assert_eq!(decode(text.as_bytes()), expected.clone());
        prop_assert_eq!(decode(&wrapped(wrap, &layer(text.as_bytes()))), expected);
    }

    #[test]
    fn splitting_a_payload_of_documents_changes_nothing(first in messages(), second in messages()) {
        let document = |messages: &[String]| cloudwatch(&messages.iter().map(String::as_str).collect::<Vec<_>>());
        let (first, second) = (document(&first), document(&second));
        let apart = [decode(&first), decode(&second)].concat();
        prop_assert_eq!(decode(&[first, second].concat()), apart);
    }

    #[test]
    fn any_bytes_give_an_outcome(bytes in prop::collection::vec(any::<u8>(), 0..300), prefix in prefix()) {
        let payload = [prefix, bytes].concat();
        let recorder = decode_within(Limits::default(), &payload);
        prop_assert!(!recorder.outcomes.is_empty());
    }

    #[test]
    fn damaged_payloads_give_an_outcome(
        messages in messages(), wrap in wrap(), layer in prop::sample::select(vec![gzip as fn(&[u8]) -> Vec<u8>, zstd]),
        at in any::<prop::sample::Index>(), byte: u8,
    ) {
        let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
        let mut payload = wrapped(wrap, &layer(&cloudwatch(&messages)));
        let at = at.index(payload.len());
        payload[at] = byte;
        prop_assert!(!decode(&payload).is_empty());
    }
}

/// How each layer begins, so that arbitrary bytes reach behind the first test.
fn prefix() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![
        &b""[..],
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        b"\x78\x9c",
        b"\xf3\x89\x9a\xc2",
        b"\x28\xb5\x2f\xfd\x04\x58",
        b"{\"logEvents\":[",
        b"{\"Records\":[{\"Data\":\"",
        b"[{\"",
        b"H4sI",
    ])
    .prop_map(<[u8]>::to_vec)
}
