//! What decoding one payload may cost.

/// Upper bounds for decoding one payload. Each is enforced while data streams, before the memory is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Decoded bytes over all layers of a payload together. Default 64 MiB.
    ///
    /// The largest Kinesis record (10 MiB) with a CloudWatch Logs document compressed five times fits.
    pub decoded_bytes: usize,
    /// Decoded bytes of one record over all its layers, as a multiple of its encoded size. Default 200.
    ///
    /// Flow logs compress 5 to 20 times; deflate can reach 1,032. Up to [`Limits::EXPANSION_FLOOR`] bytes are always
    /// allowed, so that a tiny record of very regular data passes.
    pub expansion_ratio: usize,
    /// Layers and envelopes inside each other: base64, compression, JSON envelope and KPL aggregate count one each.
    /// Default 8, at most [`Limits::MAX_NESTING`]; the deepest real path, Firehose over Lambda, takes 5.
    pub nesting: usize,
    /// Records (leaf records, dropped and failed ones) of a payload. Default 1,000,000.
    pub records: usize,
    /// Bytes of one text line, log event message or JSON object. Default 1 MiB, the most that CloudWatch Logs takes as
    /// one event.
    pub line_bytes: usize,
}

impl Limits {
    /// Decoded bytes that any record may have, whatever its encoded size: 1 MiB.
    pub const EXPANSION_FLOOR: usize = 1 << 20;
    /// The largest `nesting` that has an effect: decoding recurses, and a plugin's stack is small.
    pub const MAX_NESTING: usize = 32;
}

impl Default for Limits {
    fn default() -> Self {
        Limits { decoded_bytes: 64 << 20, expansion_ratio: 200, nesting: 8, records: 1_000_000, line_bytes: 1 << 20 }
    }
}
