//! Where events go: newline-delimited JSON to [standard output](stdout), by [HTTP](http) or to a [Kinesis stream](kinesis).
//!
//! A sink returns when the events are accepted at the other end, and keeps their order. What is not accepted for now is
//! tried again for as long as it takes: the source waits meanwhile and loses nothing.

pub mod backoff;
pub mod delivery;
pub mod http;
pub mod kinesis;
pub mod stdout;
