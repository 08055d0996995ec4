//! What is inside the layers around a payload, so that one instance can undo them for another that goes on from there.
//!
//! Half the time of decoding and summing up, or more, goes into base64 and compression, which depend on nothing but the
//! payload. What comes of it is the same as if one instance had done all: the layers and the accounts go along.

use super::outcome::{Context, Layers, Leaf, Sink};
use crate::failure::Failure;

/// What is inside the layers around a payload.
#[derive(Clone, Copy, Debug)]
pub struct Unwrapped<'a> {
    /// A text or an aggregate.
    pub data: &'a [u8],
    /// The layers, outermost first.
    pub layers: Layers,
    /// Bytes that were decoded over all of them, the data included.
    pub spent: usize,
}

/// Takes what is inside the layers of one payload.
#[derive(Default)]
pub(super) struct Inside {
    pub(super) data: Vec<u8>,
    pub(super) layers: Layers,
    pub(super) spent: usize,
    /// There was something else besides: a failure, say.
    pub(super) is_mixed: bool,
}

impl Sink for Inside {
    fn unwrapped(&mut self, bytes: &[u8], layers: Layers, depth: usize, spent: usize) -> bool {
        // Without a layer there is nothing to gain, and of very many layers not all are remembered.
        if depth == 0 || depth != layers.count() {
            self.is_mixed = true;
        } else {
            self.data.extend_from_slice(bytes);
            (self.layers, self.spent) = (layers, spent);
        }
        true
    }

    fn leaf(&mut self, _: Leaf<'_>, _: &Context<'_>) {
        self.is_mixed = true;
    }

    fn dropped(&mut self, _: &str, _: &Context<'_>) {
        self.is_mixed = true;
    }

    fn failed(&mut self, _: &Failure, _: &[u8], _: &Context<'_>) {
        self.is_mixed = true;
    }
}
