//! A record of the sample, and what a person sees of it.

/// How many records each view shows.
pub(super) const EXAMPLES: usize = 3;

/// A record kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) place: u64,
    pub(super) is_object: bool,
    pub(super) text: Vec<u8>,
    pub(super) extracted: Option<Vec<u8>>,
}

impl Kept {
    pub(super) fn size(&self) -> usize {
        self.text.len() + self.extracted.as_ref().map_or(0, Vec::len)
    }
}

/// The start of a text for people to look at; of bytes that are no text, base64.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    use base64::Engine;
    const LENGTH: usize = 1000;
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().take(LENGTH).collect(),
        Err(_) => base64::engine::general_purpose::STANDARD.encode(bytes.get(..LENGTH).unwrap_or(bytes)),
    }
}
