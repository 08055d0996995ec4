//! Base64 and compression, found by content and nested.

use super::encode::{
    base64, base64_unpadded, base64_url, base64_url_unpadded, base64_wrapped, cloudwatch, deflate, gzip, quoted, zlib,
    zstd, zstd_by,
};
use super::recorder::decode;

const LINE: &str = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

type Layer = (&'static str, fn(&[u8]) -> Vec<u8>);

const COMPRESSION: [Layer; 4] = [("gzip", gzip), ("zlib", zlib), ("deflate", deflate), ("zstd", zstd)];

const TEXT: [Layer; 5] = [
    ("base64", base64),
    ("unpadded", base64_unpadded),
    ("URL-safe", base64_url),
    ("URL-safe unpadded", base64_url_unpadded),
    ("wrapped", base64_wrapped),
];

#[test]
fn each_layer_and_each_pair_of_layers() {
    let event = format!("event {LINE}");
    let document = cloudwatch(&[LINE; 3]);
    for (compression, compress) in COMPRESSION {
        let compressed = compress(&document);
        assert_eq!(decode(&compressed), [&*event; 3], "{compression}");
        for (text, encode) in TEXT {
            assert_eq!(decode(&encode(&compressed)), [&*event; 3], "{compression} in {text}");
            assert_eq!(decode(&compress(&encode(&compressed))), [&*event; 3], "{compression} in {text} in itself");
        }
    }
    for (text, encode) in TEXT {
        assert_eq!(decode(&encode(&document)), [&*event; 3], "{text} without compression");
        assert_eq!(decode(&encode(&encode(&document))), [&*event; 3], "{text} twice");
    }
    assert_eq!(decode(&gzip(&gzip(&document))), [&*event; 3], "gzip twice");
}

#[test]
fn a_line_in_each_layer() {
    let line = format!("line {LINE}");
    for (name, encode) in COMPRESSION.into_iter().chain(TEXT) {
        assert_eq!(decode(&encode(LINE.as_bytes())), [&*line], "{name}");
    }
}

/// RFC 1952 section 2.2: members follow each other; `gzip` and `dd` leave zeros behind the last.
#[test]
fn gzip_members_and_padding() {
    let members = [gzip(b"one\n"), gzip(b""), gzip(b"two\n")].concat();
    assert_eq!(decode(&members), ["line one", "line two"]);
    assert_eq!(decode(&[&members[..], &[0; 512]].concat()), ["line one", "line two"]);
}

/// RFC 8878 section 3.1: frames follow each other, and some are to be skipped.
#[test]
fn zstd_frames() {
    let skipped = b"\x57\x2a\x4d\x18\x03\0\0\0any";
    let frames = [&skipped[..], &zstd(b"one\n"), &zstd(b""), skipped, &zstd_by(1, true, b"two\n")].concat();
    assert_eq!(decode(&frames), ["line one", "line two"]);
    assert_eq!(decode(&[&frames[..], &[0; 512]].concat()), ["line one", "line two"]);
}

/// Windows from 16 KiB to 8 MiB, whose size the limit on what is decoded makes smaller.
#[test]
fn zstd_levels() {
    let lines: String = (0..20_000).map(|n| format!("{n} {LINE}\n")).collect();
    let expected: Vec<_> = lines.lines().map(|line| format!("line {line}")).collect();
    for level in [-5, 1, 3, 9, 19] {
        for sized in [false, true] {
            assert!(decode(&zstd_by(level, sized, lines.as_bytes())) == expected, "{level} {sized}");
        }
    }
}

/// RFC 1952 section 2.3.1: the optional parts of a header.
#[test]
fn gzip_header_fields() {
    let plain = gzip(b"hello world");
    let mut member = vec![0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3];
    member.extend_from_slice(b"\x04\x00XTRAname\0comment\0\xaa\xbb");
    member.extend_from_slice(&plain[10..]);
    assert_eq!(decode(&member), ["line hello world"]);
}

#[test]
fn several_base64_texts_one_a_line() {
    let lines = [base64(&gzip(b"one one one one one one one")), base64(&gzip(b"two")), b"2 plain 1.2.3.4".to_vec()];
    assert_eq!(decode(&lines.join(&b'\n')), ["line one one one one one one one", "line two", "line 2 plain 1.2.3.4"]);
    let json = quoted(&String::from_utf8(base64(&gzip(b"one"))).unwrap());
    assert_eq!(decode(json.as_bytes()), ["line one"], "as a JSON string");
}

#[test]
fn words_of_the_base64_alphabet_stay_text() {
    for word in
        ["NODATA", "a", "version", "eniABCDEFGHIJKLMNOPQRSTUVWXYZ", "eNodeB", "eyes", "1234567890123456", "one\ntwo"]
    {
        let expected: Vec<_> = word.lines().map(|line| format!("line {line}")).collect();
        assert_eq!(decode(word.as_bytes()), expected, "{word}");
    }
}
