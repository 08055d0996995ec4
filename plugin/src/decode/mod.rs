//! From the bytes of a payload to records: layers (base64, compression) and envelopes (CloudWatch Logs, Kinesis,
//! Lambda, Firehose, KPL), nested to a limit and found by content.
//!
//! [`Decoder::decode`] pushes each record into a [`Sink`], in the order of the payload and without an allocation for
//! each. Whatever the bytes are, each record gives exactly one outcome and each payload at least one; a record that
//! fails does not affect its neighbours.
//!
//! ```
//! use flowscore::decode::{Context, Decoder, Leaf, Limits, Sink};
//! use flowscore::failure::Failure;
//!
//! struct Print;
//!
//! impl Sink for Print {
//!     fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
//!         let Leaf::Event { message, .. } = leaf else { return };
//!         assert_eq!(message, b"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA");
//!         assert_eq!(context.log_group, Some("VPCFlowLogs"));
//!     }
//!     fn dropped(&mut self, reason: &str, _: &Context<'_>) {
//!         eprintln!("dropped: {reason}");
//!     }
//!     fn failed(&mut self, failure: &Failure, _raw: &[u8], _: &Context<'_>) {
//!         eprintln!("failed: {failure}");
//!     }
//! }
//!
//! let payload = br#"{"messageType":"DATA_MESSAGE","owner":"123456789010","logGroup":"VPCFlowLogs","logStream":"eni",
//!     "logEvents":[{"id":"1","timestamp":1431280876000,
//!     "message":"2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"}]}"#;
//! Decoder::new(Limits::default()).decode(payload, &mut Print);
//! ```
//!
//! Not decoded: character sets other than UTF-8, and files other than text.

mod adler32;
mod arena;
mod base64;
mod cloudwatch;
mod compressed;
pub(crate) mod crc32;
mod document;
mod engine;
mod inflate;
mod kpl;
mod layer;
mod limits;
mod outcome;
#[cfg(feature = "peer-serde-json")]
mod peer_json;
#[cfg(any(feature = "peer-miniz", feature = "peer-zlib-rs", feature = "peer-base64", feature = "peer-base64-simd"))]
mod peers;
mod query_results;
mod record;
pub mod respond;
mod text;
mod unwrapped;
mod wrapped;
mod zstd;

pub(crate) use base64::damaged as damaged_base64;
pub use limits::Limits;
pub use outcome::{Context, Envelope, Layers, Leaf, Sink};
pub use unwrapped::Unwrapped;

use engine::{Engine, Memory};
use unwrapped::Inside;

/// Decodes payloads. It keeps its buffers, up to a bound, from one payload to the next, but no other state.
pub struct Decoder {
    limits: Limits,
    memory: Memory,
    quotes: bool,
}

impl Decoder {
    /// A decoder that keeps to `limits`.
    pub fn new(limits: Limits) -> Self {
        Decoder { limits, memory: Memory::default(), quotes: false }
    }

    /// Lets a line end inside double quotes belong to the line, as in CSV (RFC 4180 section 2). Other text may have a quote
    /// alone, which would take the following lines along.
    pub fn with_quotes(mut self, quotes: bool) -> Self {
        self.quotes = quotes;
        self
    }

    /// The limits it keeps to.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Decodes one payload into `sink`.
    pub fn decode<S: Sink + ?Sized>(&mut self, payload: &[u8], sink: &mut S) {
        self.decode_from(payload, None, 0, sink);
    }

    /// Decodes the rest of a payload of which so many outcomes were given before, from what is inside its layers if that is
    /// known. Some: the sink became [full](Sink::is_full) after so many, and the rest is to be had from there.
    pub fn decode_from<S: Sink + ?Sized>(
        &mut self,
        payload: &[u8],
        unwrapped: Option<Unwrapped<'_>>,
        given: usize,
        sink: &mut S,
    ) -> Option<usize> {
        Engine::new(&self.limits, self.quotes, &mut self.memory, sink, payload, given).run(unwrapped)
    }

    /// Undoes the layers around a payload: what is inside goes to `data`. None if there is no layer, if not all that is inside is
    /// a single text or aggregate, or if it takes more than `most` bytes over all layers.
    pub fn unwrap<'a>(&mut self, payload: &[u8], data: &'a mut Vec<u8>, most: usize) -> Option<Unwrapped<'a>> {
        data.clear();
        let limits = Limits { decoded_bytes: self.limits.decoded_bytes.min(most), ..self.limits };
        let mut inside = Inside { data: std::mem::take(data), ..Inside::default() };
        Engine::<'_, dyn Sink>::new(&limits, self.quotes, &mut self.memory, &mut inside, payload, 0).run(None);
        let Inside { data: found, layers, spent, is_mixed, .. } = inside;
        *data = found;
        (!is_mixed).then_some(Unwrapped { data, layers, spent })
    }
}
