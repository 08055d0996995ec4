//! The layers and envelopes from the sender's side. Tests only: the product never encodes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use std::io::Write;

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A frame with a checksum, of a stream that does not know its length.
pub(crate) fn zstd(data: &[u8]) -> Vec<u8> {
    zstd_by(3, false, data)
}

/// A frame by a level, which decides the window, and with the content's length in its header or not.
pub(crate) fn zstd_by(level: i32, sized: bool, data: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), level).unwrap();
    encoder.include_checksum(true).unwrap();
    if sized {
        encoder.set_pledged_src_size(Some(data.len() as u64)).unwrap();
    }
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn base64(data: &[u8]) -> Vec<u8> {
    STANDARD.encode(data).into_bytes()
}

pub(crate) fn base64_unpadded(data: &[u8]) -> Vec<u8> {
    STANDARD_NO_PAD.encode(data).into_bytes()
}

pub(crate) fn base64_url(data: &[u8]) -> Vec<u8> {
    URL_SAFE.encode(data).into_bytes()
}

pub(crate) fn base64_url_unpadded(data: &[u8]) -> Vec<u8> {
    URL_SAFE_NO_PAD.encode(data).into_bytes()
}

/// Lines of 76 characters, as RFC 2045 and `base64(1)` write them.
pub(crate) fn base64_wrapped(data: &[u8]) -> Vec<u8> {
    let lines: Vec<_> = base64(data).chunks(76).map(<[u8]>::to_vec).collect();
    let mut text = lines.join(&b"\r\n"[..]);
    text.push(b'\n');
    text
}

/// A JSON string literal with the escapes that RFC 8259 requires.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A CloudWatch Logs document with one event for each message, ids counting from 1, a second apart.
pub(crate) fn cloudwatch(messages: &[&str]) -> Vec<u8> {
    let events: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(k, message)| {
            let (id, time) = (k + 1, 1_432_826_855_000 + k * 1000);
            format!("{{\"id\":\"{id}\",\"timestamp\":{time},\"message\":{}}}", quoted(message))
        })
        .collect();
    format!(
        "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"123456789012\",\"logGroup\":\"VPCFlowLogs\",\
         \"logStream\":\"eni-1235b8ca123456789-all\",\"subscriptionFilters\":[\"VPCFlowLogsAllFilter\"],\"logEvents\":[{}]}}",
        events.join(",")
    )
    .into_bytes()
}

fn varint(mut value: u64, output: &mut Vec<u8>) {
    while value >= 0x80 {
        output.push(value as u8 | 0x80);
        value >>= 7;
    }
    output.push(value as u8);
}

fn bytes_field(number: u64, bytes: &[u8], output: &mut Vec<u8>) {
    varint(number << 3 | 2, output);
    varint(bytes.len() as u64, output);
    output.extend_from_slice(bytes);
}

/// A KPL aggregate of user records (index into `keys`, data), with the MD5 that `digest` gives for the message.
pub(crate) fn kpl(keys: &[&str], records: &[(u64, &[u8])], digest: impl Fn(&[u8]) -> [u8; 16]) -> Vec<u8> {
    let mut message = Vec::new();
    for key in keys {
        bytes_field(1, key.as_bytes(), &mut message);
    }
    for (index, data) in records {
        let mut record = vec![0x08];
        varint(*index, &mut record);
        bytes_field(3, data, &mut record);
        bytes_field(3, &record, &mut message);
    }
    let mut aggregate = vec![0xf3, 0x89, 0x9a, 0xc2];
    aggregate.extend_from_slice(&message);
    aggregate.extend_from_slice(&digest(&message));
    aggregate
}

/// MD5 from an independent implementation.
pub(crate) fn md5(data: &[u8]) -> [u8; 16] {
    use md5::Digest as _;
    md5::Md5::digest(data).into()
}
