//! Where payloads come from.
//!
//! - [`inputs`]: files, directories, patterns and prefixes of a bucket, one after another in the order of event time;
//! - [`event_time`]: the event time that a file's name tells;
//! - [`content`]: a file's payloads, unpacked as they are read;
//! - `parquet`: rows of Parquet files (with the feature `parquet`);
//! - `s3`: objects of a bucket; `queue`, `notification`: which objects are new; `kinesis`: payloads from a stream (these with the
//!   feature `network`).

pub mod content;
pub mod event_time;
pub mod inputs;
#[cfg(feature = "network")]
pub mod kinesis;
mod members;
#[cfg(feature = "network")]
pub mod notification;
#[cfg(feature = "parquet")]
pub mod parquet;
#[cfg(feature = "network")]
pub mod queue;
#[cfg(feature = "network")]
pub mod s3;
