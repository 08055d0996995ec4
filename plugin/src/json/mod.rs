//! JSON (RFC 8259): one [`Scanner`] that reads it, one [`Writer`] that writes it, and [`Value`] for documents as a whole
//! (the configuration, reports).
//!
//! Records and envelopes are not read into values: they are scanned where they lie, and what is found is borrowed. Numbers
//! stay the text they were written as, so nothing is lost between reading and writing.

mod scanner;
mod string;
mod value;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use scanner::{Kind, Located, Malformed, Scanner, Text, utf8};
pub(crate) use string::{unescape, write_escaped};
pub(crate) use value::Value;
pub(crate) use writer::Writer;
