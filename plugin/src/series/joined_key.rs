//! The key of a series of several fields.

/// Values joined by `/`. They may hold a `/` themselves, as the ARN of a cluster does, so the places of those that join are
/// kept beside the text: `cluster/blue` and `eni-1` are `cluster/blue/eni-1`, joined at 12.
#[derive(Clone, Debug, Default)]
pub struct JoinedKey {
    text: Vec<u8>,
    joints: Vec<u32>,
    is_begun: bool,
}

impl JoinedKey {
    /// Makes it empty.
    pub fn clear(&mut self) {
        self.text.clear();
        self.joints.clear();
        self.is_begun = false;
    }

    /// Adds the next value.
    pub fn push(&mut self, value: &[u8]) {
        if core::mem::replace(&mut self.is_begun, true) {
            self.joints.push(self.text.len() as u32);
            self.text.push(b'/');
        }
        self.text.extend_from_slice(value);
    }

    /// The whole key.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where its values are joined.
    pub fn joints(&self) -> &[u32] {
        &self.joints
    }
}
