//! Numbers and words in text, at the bottom of everything: [`digits`] for integers, [`decimal`] for floating point, [`words`]
//! for text eight bytes at a time, and [`pattern`] for patterns with `*`.

pub(crate) mod decimal;
pub(crate) mod digits;
pub(crate) mod pattern;
pub(crate) mod words;
