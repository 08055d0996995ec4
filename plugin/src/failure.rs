//! Why a record could not be used: a value, never a panic.
//!
//! A [`Failure`] names what went wrong, in which [`Layer`], where (byte offset in that layer's input) and what would
//! be right. It travels with the record's identity to the `failed` event, so that nothing is lost silently.

use std::borrow::Cow;
use std::fmt;

use crate::json::Malformed;

/// The layer of a payload in which decoding stopped, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The payload as a whole (empty, too large, no known shape).
    Payload,
    /// Base64 text (RFC 4648 sections 4 and 5).
    Base64,
    /// A gzip member (RFC 1952).
    Gzip,
    /// A zlib stream (RFC 1950).
    Zlib,
    /// A raw deflate stream (RFC 1951).
    Deflate,
    /// A Zstandard frame (RFC 8878).
    Zstd,
    /// An aggregated record of the Kinesis Producer Library.
    Kpl,
    /// A JSON envelope: CloudWatch Logs, Kinesis, Lambda, Firehose.
    Envelope,
    /// A VPC flow log line.
    FlowRecord,
    /// A JSON object with numeric columns.
    Json,
    /// A CSV row.
    Csv,
    /// Scoring (a column is missing or is not a finite number).
    Score,
}

impl Layer {
    /// The name used in events, for example `flow_record`.
    pub const fn name(self) -> &'static str {
        match self {
            Layer::Payload => "payload",
            Layer::Base64 => "base64",
            Layer::Gzip => "gzip",
            Layer::Zlib => "zlib",
            Layer::Deflate => "deflate",
            Layer::Zstd => "zstd",
            Layer::Kpl => "kpl",
            Layer::Envelope => "envelope",
            Layer::FlowRecord => "flow_record",
            Layer::Json => "json",
            Layer::Csv => "csv",
            Layer::Score => "score",
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A record, or a whole payload, that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Where in the nesting it happened.
    pub layer: Layer,
    /// Byte offset in the input of that layer.
    pub offset: usize,
    /// What is wrong and what would be right, one line, no trailing full stop.
    pub reason: Cow<'static, str>,
}

impl Failure {
    /// A failure at `offset` of `layer`'s input.
    pub fn new(layer: Layer, offset: usize, reason: impl Into<Cow<'static, str>>) -> Self {
        Failure { layer, offset, reason: reason.into() }
    }
}

/// JSON records; of an envelope the layer is another.
impl From<Malformed> for Failure {
    fn from(Malformed { offset, reason }: Malformed) -> Self {
        Failure::new(Layer::Json, offset, reason)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {}", self.layer, self.offset, self.reason)
    }
}

impl std::error::Error for Failure {}
