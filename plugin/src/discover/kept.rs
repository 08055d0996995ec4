//! A record of the sample, and what a person sees of it.

/// How many records each view shows.
pub(super) const EXAMPLES: usize = 3;

/// A record kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) place: u64,
    pub(super) text: Vec<u8>,
    pub(super) form: Form,
}

/// What a reader without configuration made of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A flow log record in one of the sample's formats, by its place there, and as a JSON object.
    Flow(usize, Vec<u8>),
    /// A CSV row under a header, as a JSON object.
    Row(Vec<u8>),
    /// A JSON object.
    Object,
    /// A line that is none of these.
    Line,
}

impl Kept {
    pub(super) fn size(&self) -> usize {
        self.text.len()
            + match &self.form {
                Form::Flow(_, object) | Form::Row(object) => object.len(),
                Form::Object | Form::Line => 0,
            }
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
