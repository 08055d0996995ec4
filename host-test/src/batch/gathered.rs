//! Payloads that are gathered until they are enough for a call.

use super::{CALL_BYTES, CALL_PAYLOADS};
use crate::plugin::Payload;

/// Payloads and their names.
#[derive(Default)]
pub struct Gathered {
    data: Vec<Vec<u8>>,
    ids: Vec<String>,
    bytes: usize,
}

impl Gathered {
    /// One more.
    pub fn push(&mut self, data: Vec<u8>, id: String) {
        self.bytes += data.len();
        self.data.push(data);
        self.ids.push(id);
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Whether they are enough for a call.
    pub fn is_full(&self) -> bool {
        self.data.len() >= CALL_PAYLOADS || self.bytes >= CALL_BYTES
    }

    /// As a call takes them.
    pub fn payloads(&self) -> Vec<Payload<'_>> {
        self.data.iter().zip(&self.ids).map(|(data, id)| Payload { data, id: Some(id) }).collect()
    }
}
