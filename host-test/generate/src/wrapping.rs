//! What is around the lines when they arrive.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use core::str::FromStr;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// The form of a payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wrapping {
    /// CloudWatch Logs subscription document, gzip, base64: what `GetRecords` shows as JSON. One line of text.
    #[default]
    Base64,
    /// CloudWatch Logs subscription document, gzip: the bytes of a Kinesis record.
    Gzip,
    /// CloudWatch Logs subscription document as JSON, as Firehose passes it on after decompression. One line of text.
    Json,
    /// `{"message":"…"}` a record: flow logs that go to Firehose directly. Newlines between records.
    Firehose,
    /// The bare lines: Firehose after message extraction, or a log file. Newlines between records.
    Lines,
}

/// Name and value of each form, for configuration and help.
const NAMES: [(&str, Wrapping); 5] = [
    ("base64", Wrapping::Base64),
    ("gzip", Wrapping::Gzip),
    ("json", Wrapping::Json),
    ("firehose", Wrapping::Firehose),
    ("lines", Wrapping::Lines),
];

impl Wrapping {
    /// Whether lines are wrapped in a CloudWatch Logs document. Other forms carry no control messages.
    pub fn has_envelope(self) -> bool {
        matches!(self, Self::Base64 | Self::Gzip | Self::Json)
    }
}

impl fmt::Display for Wrapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = NAMES.iter().find(|(_, wrapping)| wrapping == self).map_or("", |(name, _)| name);
        f.write_str(name)
    }
}

impl FromStr for Wrapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = NAMES.iter().find(|(name, _)| *name == text).map(|(_, wrapping)| *wrapping);
        known.ok_or_else(|| format!("{text:?} is no wrapping; allowed: {}", NAMES.map(|(name, _)| name).join(", ")))
    }
}

/// Compresses and encodes, keeping its tables from payload to payload.
pub(super) struct Encoder {
    compress: Compress,
    gzip: Vec<u8>,
}

/// Header of a gzip member (RFC 1952) as AWS writes it: deflate, no name, no time, system 0.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];

impl Encoder {
    pub(super) fn new() -> Self {
        // A raw deflate stream: the header and trailer of gzip are written here, because AWS's header differs from
        // flate2's.
        Self { compress: Compress::new(Compression::fast(), false), gzip: Vec::new() }
    }

    /// A document in its final form.
    pub(super) fn encode(&mut self, wrapping: Wrapping, document: &str) -> Vec<u8> {
        match wrapping {
            Wrapping::Base64 => {
                self.gzip(document.as_bytes());
                STANDARD.encode(&self.gzip).into_bytes()
            }
            Wrapping::Gzip => {
                self.gzip(document.as_bytes());
                self.gzip.clone()
            }
            Wrapping::Json | Wrapping::Firehose | Wrapping::Lines => document.as_bytes().to_vec(),
        }
    }

    fn gzip(&mut self, document: &[u8]) {
        self.gzip.clear();
        self.gzip.extend_from_slice(&GZIP_HEADER);
        self.compress.reset();
        // Room for the worst case, so that one call does it: where output runs short would change the bytes.
        self.gzip.reserve(document.len() + document.len() / 8 + 1024);
        loop {
            let consumed = self.compress.total_in() as usize;
            let rest = document.get(consumed..).unwrap_or_default();
            match self.compress.compress_vec(rest, &mut self.gzip, FlushCompress::Finish) {
                Ok(Status::Ok | Status::BufError) => self.gzip.reserve(1024),
                Ok(Status::StreamEnd) | Err(_) => break,
            }
        }
        let mut crc = Crc::new();
        crc.update(document);
        self.gzip.extend_from_slice(&crc.sum().to_le_bytes());
        self.gzip.extend_from_slice(&crc.amount().to_le_bytes());
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    fn unzip(bytes: &[u8]) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn what_was_compressed_can_be_read_back_again_and_again() {
        let mut encoder = Encoder::new();
        let long: String = (0..20_000).map(|n| format!("{n} ")).collect();
        for document in ["", "a", &long, "{}"] {
            let gzip = encoder.encode(Wrapping::Gzip, document);
            assert!(gzip.starts_with(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0]));
            assert_eq!(unzip(&gzip), document);
            let text = encoder.encode(Wrapping::Base64, document);
            assert!(STANDARD.decode(text).unwrap() == gzip, "the same bytes each time");
        }
    }

    #[test]
    fn names_can_be_read_and_a_wrong_one_is_told_what_is_allowed() {
        for (name, wrapping) in NAMES {
            assert_eq!((name.parse(), wrapping.to_string().as_str()), (Ok(wrapping), name));
        }
        let wrong = "zip".parse::<Wrapping>();
        assert_eq!(wrong, Err("\"zip\" is no wrapping; allowed: base64, gzip, json, firehose, lines".into()));
    }
}
