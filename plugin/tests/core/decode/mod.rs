//! What the decoder gives for each layer, envelope, damage and limit.

mod encode;
mod envelopes;
mod layers;
mod limits;
mod malformed;
mod properties;
mod recorder;
mod unwrapped;
