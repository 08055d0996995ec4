//! Numbers and words in text, at the bottom of everything: [`digits`] for integers, [`decimal`] for floating point, and
//! [`words`] for text eight bytes at a time.

pub(crate) mod decimal;
pub(crate) mod digits;
pub(crate) mod words;
