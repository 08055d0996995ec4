//! Damage of each layer: the exact message, and what survives.

use super::encode::{base64, cloudwatch, gzip, kpl, md5, zlib, zstd};
use super::recorder::{decode, decode_within};
use flowscore::decode::Limits;

#[track_caller]
fn fails(payload: &[u8], message: &str) {
    assert_eq!(decode(payload), [format!("failed {message}")]);
}

#[test]
fn nothing_and_nothing_known() {
    let empty = "payload at byte 0: the payload is empty (nothing, or white space only); expected text, JSON, base64, gzip, \
                 zlib, deflate, zstd or a KPL aggregate";
    fails(b"", empty);
    fails(b" \r\n\n", empty);
    fails(&gzip(b""), empty);
    fails(
        b"\x00\xff\xfe\x01\x02\x03\x04\x05\x06",
        "payload at byte 0: 9 bytes that begin with 00 ff fe 01 02 03 04 05 are no known format; expected text, JSON, \
         base64, gzip, zlib, deflate, zstd or a KPL aggregate",
    );
}

#[test]
fn gzip_damage() {
    let good = gzip_member();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let crc = good.len() - 8;
    fails(&with(2, 7), "gzip at byte 2: compression method 7 is unknown; gzip has only 8 (deflate)");
    fails(&with(3, 0xe0), "gzip at byte 3: the reserved flags 0xe0 are set; the header is damaged");
    fails(&good[..9], "gzip at byte 9: the member ends inside its header; the record was cut off");
    fails(
        &good[..crc - 1],
        &format!("gzip at byte {}: the stream ends before its final block does; the record was cut off", crc - 1),
    );
    fails(
        &good[..crc + 5],
        &format!("gzip at byte {}: the member ends before its CRC and length; the record was cut off", crc + 5),
    );
    fails(
        &with(crc, good[crc] ^ 1),
        &format!(
            "gzip at byte {crc}: the CRC-32 of the data is 0d4a1185, the member says 0d4a1184; the data is damaged"
        ),
    );
    fails(
        &with(crc + 4, 12),
        &format!("gzip at byte {}: the data has 11 bytes, the member says 12; the data is damaged", crc + 4),
    );
    assert_eq!(
        decode(&[&good[..], b"rest"].concat()),
        [
            "line hello world".to_owned(),
            format!(
                "failed gzip at byte {}: 4 bytes follow that are neither another gzip member nor zero padding",
                good.len()
            )
        ]
    );
}

fn gzip_member() -> Vec<u8> {
    super::encode::gzip(b"hello world")
}

#[test]
fn a_damaged_member_costs_only_itself() {
    let second = &gzip_member()[..20];
    let payload = [&gzip_member()[..], second].concat();
    let recorder = decode_within(Limits::default(), &payload);
    let what: Vec<_> = recorder.outcomes.iter().map(|outcome| &*outcome.what).collect();
    let at = payload.len();
    let message =
        format!("failed gzip at byte {at}: the stream ends before its final block does; the record was cut off");
    assert_eq!(what, ["line hello world", &message]);
    assert_eq!(recorder.outcomes[1].raw, second, "what is set aside is what gave nothing");
}

#[test]
fn zlib_stream() {
    let good = zlib(b"hello world");
    let check = good.len() - 4;
    let mut bytes = good.clone();
    bytes[check] ^= 1;
    fails(
        &bytes,
        &format!(
            "zlib at byte {check}: the Adler-32 of the data is 1a0b045d, the stream says 1b0b045d; the data is damaged"
        ),
    );
    fails(
        &good[..check + 1],
        &format!("zlib at byte {}: the stream ends before its Adler-32; the record was cut off", check + 1),
    );
}

#[test]
fn zstd_frame() {
    let good = zstd(b"hello world");
    let end = good.len();
    fails(&good[..5], "zstd at byte 5: the frame ends before its blocks; the record was cut off");
    fails(&good[..9], "zstd at byte 9: the frame ends before its last block; the record was cut off");
    fails(
        &good[..end - 1],
        &format!("zstd at byte {}: the frame ends before its last block; the record was cut off", end - 1),
    );
    fails(
        &[b"\x50\x2a\x4d\x18\x09\0\0\0", &good[..4]].concat(),
        "zstd at byte 12: the frame ends before its end; the record was cut off",
    );
    fails(
        &[b"\x5f\x2a\x4d\x18\xff\xff\xff\xff", &good[..]].concat(),
        &format!("zstd at byte {}: the frame ends before its end; the record was cut off", end + 8),
    );
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let of_header = |block: u32| [&good[..6], &block.to_le_bytes()[..3]].concat();
    let reserved = "zstd at byte 9: a block has the reserved type 3; the data is damaged";
    fails(&of_header(7), reserved);
    fails(&with(6, good[6] | 6), reserved);
    fails(&[&of_header(1 | 2 << 1 | 3 << 3)[..], b"abc"].concat(), "zstd at byte 12: a block is damaged");
    let without = "dictionaries are not read, so it must be compressed without one";
    fails(
        &[&good[..4], &[good[4] | 1, good[5], 7], &good[6..]].concat(),
        &format!("zstd at byte 4: it was compressed with the dictionary 7; {without}"),
    );
    let words = "any text that is long enough to be found again: 2 123456789012 eni-0a1b2c3d ACCEPT OK";
    let mut encoder = ::zstd::bulk::Compressor::with_dictionary(3, words.as_bytes()).unwrap();
    let raw = encoder.compress(words.as_bytes()).unwrap();
    let at = raw.len();
    fails(
        &raw,
        &format!(
            "zstd at byte {at}: a block repeats what is not in the frame: it is damaged, or was compressed with a dictionary; \
             {without}"
        ),
    );
    let text = decode(&with(end - 1, good[end - 1] ^ 1))[0].clone();
    assert!(text.starts_with(&format!("failed zstd at byte {}: the XXH64 of the data is ", end - 4)), "{text}");
    assert_eq!(decode(&[&good[..], b"more"].concat())[0], "line hello world");
}

#[test]
fn base64_text() {
    let text = base64(&gzip(&cloudwatch(&["a"])));
    let mut bytes = text.clone();
    bytes[100] = b'!';
    fails(&bytes, "base64 at byte 100: a character outside the base64 alphabets (A-Z a-z 0-9 + / - _ =)");
    let cut = text.len() / 4 * 4 - 7;
    fails(
        &text[..cut],
        &format!("base64 at byte {cut}: the text ends one character into a group of four; it was cut off"),
    );
    bytes[100] = b'=';
    fails(&bytes, "base64 at byte 101: text after the padding; one record must be one base64 text");
    let record = br#"{"awslogs":{"data":"aGVsbG8=="}}"#;
    fails(record, "base64 at byte 7: padding that does not complete a group of four characters");
}

#[test]
fn an_aggregate_that_is_none() {
    let reason = |why: &str| {
        format!(
            "kpl at byte 0: the data begins as a KPL aggregate but {why}, so that it is a plain record, and as such it is \
             neither text nor compressed; it was damaged on the way or belongs to another format"
        )
    };
    fails(&kpl(&["a"], &[(0, b"x")], |_| [0; 16]), &reason("its MD5 does not match"));
    let message = [0x1a, 0x7f];
    fails(
        &[&[0xf3, 0x89, 0x9a, 0xc2][..], &message, &md5(&message)].concat(),
        &reason("its protobuf message does not parse"),
    );
    assert_eq!(decode(&kpl(&["a"], &[], md5)), ["dropped the KPL aggregate holds no user records"]);
}

#[test]
fn json_documents() {
    for (payload, offset, reason) in [
        (&b"{\"a\""[..], 4, "the text ends inside the document; it was cut off"),
        (b"{\"a\":1,}", 7, "expected a string"),
        (b"{\"a\":1 2}", 7, "expected ',' or '}'"),
        (b"{\"a\":[1 2]}", 8, "expected ',' or ']'"),
        (b"{\"a\":tru}", 5, "expected a JSON value"),
        (b"{\"a\":-}", 5, "expected a number"),
        (b"{\"a\":\"x", 7, "the text ends inside a string; the document was cut off"),
        (b"{\"a\":\"\x01\"}", 6, "a control character inside a string; it must be escaped"),
        (b"{\"a\":\"\\q\"}", 6, "an escape that JSON does not know"),
        (b"{\"a\":\"\\u12x4\"}", 6, "an escape that JSON does not know"),
        (b"{a:1}", 1, "expected a string"),
        (b"{\"a\" 1}", 5, "expected ':' after a key"),
    ] {
        fails(payload, &format!("envelope at byte {offset}: malformed JSON: {reason}"));
    }
}

#[test]
fn events_before_the_error_are_kept_and_the_next_document_is_found() {
    let whole = cloudwatch(&["a", "b", "c"]);
    let cut = &whole[..whole.len() - 40];
    let next = cloudwatch(&["d"]);
    let failure = |offset: usize, reason: &str| format!("failed envelope at byte {offset}: malformed JSON: {reason}");
    let expected = |second: String| vec!["event a".to_owned(), "event b".to_owned(), second, "event d".to_owned()];
    let failure = failure(cut.len(), "a control character inside a string; it must be escaped");
    assert_eq!(decode(&[cut, &next].join(&b'\n')), expected(failure));
}

#[test]
fn a_malformed_line_costs_only_itself() {
    assert_eq!(
        decode(b"{\"a\":1}\n{\"b\":\n{\"c\":3}\n{\"d\":\"x\n{\"e\":5}\n"),
        [
            r#"object {"a":1}"#,
            "failed envelope at byte 22: malformed JSON: expected ',' or '}'",
            "object {\"c\":3}",
            "failed envelope at byte 29: malformed JSON: a control character inside a string; it must be escaped",
            r#"object {"e":5}"#,
        ]
    );
}

#[test]
fn parts_of_an_envelope_fail_by_themselves() {
    let payload = br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{"id":"1","timestamp":1},7,{"id":"2","timestamp":2,"message":"b"}]}"#;
    assert_eq!(
        decode(payload),
        [
            "failed envelope at byte 86: the log event has no message; expected {\"id\":…,\"timestamp\":…,\"message\":\"…\"}",
            "failed envelope at byte 111: an element of logEvents is not an object",
            "event b",
        ]
    );
    assert_eq!(
        decode(br#"{"invocationId":"i","deliveryStreamArn":"a","records":[{"recordId":"r"},8,{"recordId":"q","data":"aGVsbG8="}]}"#),
        [
            "failed envelope at byte 55: the record has no data; expected a base64 text under \"data\"",
            "failed envelope at byte 72: an element of the records is not an object",
            "line hello",
        ]
    );
    assert_eq!(
        decode(b"[{\"a\":1}, 5]"),
        [
            "object {\"a\":1}",
            "failed envelope at byte 10: an element of an array of records is neither an object nor a string",
        ]
    );
}

#[test]
fn a_message_type_of_the_future_is_named() {
    fails(
        br#"{"messageType":"OTHER","logEvents":[{"id":"1","timestamp":1,"message":"m"}]}"#,
        "envelope at byte 35: messageType is \"OTHER\"; expected \"DATA_MESSAGE\" or \"CONTROL_MESSAGE\"",
    );
}

#[test]
fn cut_anywhere_there_is_an_outcome() {
    let transformation = format!(
        r#"{{"invocationId":"i","deliveryStreamArn":"a","records":[{{"recordId":"r","data":"{}"}}]}}"#,
        String::from_utf8(base64(&gzip(&cloudwatch(&["a", "b"])))).unwrap()
    );
    for payload in [
        gzip(&cloudwatch(&["a", "b"])),
        zlib(&cloudwatch(&["a", "b"])),
        base64(&gzip(&cloudwatch(&["a", "b"]))),
        cloudwatch(&["a", "b\n"]),
        kpl(&["a", "b"], &[(0, b"hello"), (1, b"world")], md5),
        transformation.into_bytes(),
    ] {
        for length in 0..payload.len() {
            let outcomes = decode(&payload[..length]);
            let failed = outcomes.iter().filter(|outcome| outcome.starts_with("failed")).count();
            assert!(failed <= 1 && !outcomes.is_empty(), "{length} bytes: {outcomes:?}");
        }
    }
}

#[test]
fn a_torn_line_swallows_no_good_line_after_it() {
    let line = "2 1 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    for (torn, after) in [
        ("{\"a\":1,\"b\":", "2 good line\n2 good line"),
        ("{\"a\":1,\"b\":{\"c\":", "{\"a\":2}\n{\"a\":3}"),
        ("{\"message\":\"2 1 eni", line),
        ("{\"message\":\"x\"", line),
        ("{\"a\":nope}", line),
        ("{\"a\":[", "{\"a\":2}\n{\"a\":3}"),
        ("{\"messageType\":\"DATA_MESSAGE\",\"logEvents\":[{\"id\":\"1\",\"timestamp\":", "{\"a\":2}\n{\"a\":3}"),
    ] {
        let expected = after.lines().count();
        let told = decode(format!("{torn}\n{after}\n").as_bytes());
        let failed = told.iter().filter(|outcome| outcome.starts_with("failed")).count();
        assert_eq!((failed, told.len() - failed), (1, expected), "{torn}: {told:?}");
    }
}

#[test]
fn what_is_read_a_second_time_behind_torn_lines_is_bounded() {
    // Each begins an array that goes on to the end of the text: read again from each line, it would take hours.
    let text = "{\"a\":[\n".repeat(1_000_000);
    assert!(!decode(text.as_bytes()).is_empty());
}
