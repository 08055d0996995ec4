//! Results that are bounded: where the rest of something begins that one call could not give as a whole.

use super::event::Failures;

/// What was given so far of a payload, or of a text with records, that is not at its end.
///
/// The rest is had by decoding again and passing over what was given. That costs far less than scoring did, and nothing
/// has to be kept of a payload but its bytes.
#[derive(Clone, Debug, Default)]
pub struct Rest {
    /// Outcomes.
    pub(super) given: usize,
    /// How many of them were records; the others were headers.
    pub(super) records: u64,
    /// The failed ones among them.
    pub(super) failures: Failures,
}
