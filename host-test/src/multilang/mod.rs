//! A record processor for the MultiLangDaemon of Amazon's Kinesis Client Library, which sees to leases, balancing and
//! fail-over between workers.
//!
//! The daemon starts one process for each shard and talks to it over standard input and output ([`protocol`]). The process
//! scores the shard ([`processor`]); what it learned goes with the lease to the next worker and, when a shard is split or
//! merged, on to its children ([`inheritance`]).

pub mod inheritance;
pub mod processor;
pub mod protocol;
