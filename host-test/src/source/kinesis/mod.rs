//! A Kinesis stream: all of its shards, read in parallel, as one sequence.
//!
//! ```text
//! shards      which shards there are, which follow which
//! reader      one shard: iterators, records, the service's limits          ┐ one task a shard
//! align       many shards in one order, which only the records decide      ┘
//! stream      the above put together: what comes next, and where reading has come to
//! ```
//!
//! Closed shards are read to their end before the shards that follow them (their *children*, after a split or merge) are
//! begun, so the order of a partition key outlives resharding.

pub mod align;
pub mod reader;
pub mod shards;
pub mod stream;

pub use reader::SourceError;
pub use stream::{Item, Record, Stream};
