//! JSON documents as a whole: the configuration, snapshots' headers and reports. None of them is on the way of the data;
//! records are scanned where they lie ([`row`](crate::row), [`decode`](crate::decode)).
//!
//! Numbers stay the text they were written as. So nothing is lost between reading and writing, and the artifact carries
//! no second parser and printer of floating point.

mod value;
mod writer;

pub(crate) use value::Value;
pub(crate) use writer::Writer;
