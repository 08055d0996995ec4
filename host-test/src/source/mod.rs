//! Where payloads come from, besides files and pipes.

pub mod kinesis;
