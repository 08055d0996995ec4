//! A growable output buffer that stays initialised between payloads.
//!
//! `Vec` would have to zero its memory again for each payload before a decoder may write into it in safe code. An
//! arena keeps its bytes and counts separately how many of them are filled.

/// Bytes an arena keeps between payloads; a single huge payload shall not hold its memory for ever.
const KEPT: usize = 4 << 20;
/// The first size, enough for a typical CloudWatch Logs document.
const FIRST: usize = 64 << 10;

/// A reusable output buffer.
#[derive(Default)]
pub(super) struct Arena {
    bytes: Vec<u8>,
    filled: usize,
}

impl Arena {
    /// The filled bytes.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.filled).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.filled
    }

    /// Forgets what was written after the first `length` bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.filled = self.filled.min(length);
    }

    /// Empties the arena and gives back memory beyond what is worth keeping.
    pub(super) fn recycle(&mut self) {
        self.filled = 0;
        if self.bytes.len() > KEPT {
            self.bytes = Vec::new();
        }
    }

    /// Makes room for `more` bytes, by doubling but never beyond `ceiling` bytes in all unless `more` demands it.
    pub(super) fn reserve(&mut self, more: usize, ceiling: usize) {
        let needed = self.filled.saturating_add(more);
        if needed > self.bytes.len() {
            let doubled = self.bytes.len().saturating_mul(2).max(FIRST).min(ceiling);
            self.bytes.resize(doubled.max(needed), 0);
        }
    }

    /// Appends one byte; the room has been reserved.
    #[inline]
    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.filled) {
            *place = byte;
            self.filled += 1;
        }
    }

    /// Appends `data`, growing to `ceiling` at most unless `data` demands more.
    pub(super) fn extend(&mut self, data: &[u8], ceiling: usize) {
        self.reserve(data.len(), ceiling);
        if let Some(place) = self.bytes.get_mut(self.filled..self.filled + data.len()) {
            place.copy_from_slice(data);
            self.filled += data.len();
        }
    }

    /// The byte `distance` before the end, 0 if there is none.
    #[inline]
    pub(super) fn byte_back(&self, distance: usize) -> u8 {
        self.filled.checked_sub(distance).and_then(|at| self.bytes.get(at)).copied().unwrap_or(0)
    }

    /// All initialised bytes and the number of filled ones, for loops that write far ahead.
    #[inline]
    pub(super) fn parts(&mut self) -> (&mut [u8], &mut usize) {
        (&mut self.bytes, &mut self.filled)
    }
}
