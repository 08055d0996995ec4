//! What the decoder gives for each layer, envelope, damage and limit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod encode;
mod envelopes;
mod layers;
mod limits;
mod malformed;
mod properties;
mod recorder;
