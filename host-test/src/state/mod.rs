//! Where reading has come to and what was learned by then, kept outside the process.
//!
//! Both are one [`State`] and one object of a store: written together, under one version, replaced as a whole. So after a
//! crash at any point the position and the model belong together, and no record counts twice or not at all.
//!
//! A [`Store`] is a directory or, by URL, a bucket of S3, Google Cloud Storage or Azure. In it each [`Part`] of a stream
//! (a shard, or all shards where one scorer reads them all) is an object `application/stream/part.state`:
//!
//! ```text
//! flowscore-state 1                                        format and its version
//! {"stream":"flows","part":"all","version":7,…}            where reading has come to, for people and tools
//! flowscor…                                                the snapshot, of the length that the line before says
//! crc32                                                    u32, little-endian, of all before it (IEEE 802.3)
//! ```
//!
//! The snapshot carries the configuration that it was made under, and the plugin refuses it under another one.
//!
//! **One writer.** A part has one writer at a time, or two models would each see half of the stream. In a directory a lock
//! is held for as long as the process lives; object stores replace an object only if it is the one that was read or
//! written last. Either way the second writer gets [`StateError::Taken`]. Where a lease decides who writes, a
//! [leased part](Store::leased_part), no lock outlives a save, and a directory compares as an object store does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod error;
mod file;
mod format;
pub(crate) mod location;
mod store;

pub use error::StateError;
pub use store::{Part, Store};

/// What is stored of a part of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Where reading has come to in each shard of the part.
    pub shards: BTreeMap<String, Shard>,
    /// The stream's own clock: the arrival time (milliseconds since the Unix epoch) up to which everything that is in all
    /// of the shards was processed. None before that is known.
    pub clock: Option<i64>,
    /// The scorer's snapshot; empty before there is one.
    pub snapshot: Vec<u8>,
    /// The last event of each incident and group that was open by then, a line each.
    pub open: String,
}

impl State {
    /// Without what was learned, and so without what only the model could tell the end of.
    pub fn without_model(self) -> Self {
        State { snapshot: Vec::new(), open: String::new(), ..self }
    }
}

/// Where reading has come to in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// What was read of it.
    pub read: Read,
    /// The newest arrival time of its records so far, in milliseconds since the Unix epoch; 0 before the first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub arrived: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Shard {
    /// A shard of which nothing was read.
    pub fn from(start: Start) -> Self {
        Shard { read: Read::Nothing(start), arrived: 0 }
    }

    /// A shard read up to a position, which is included.
    pub fn up_to(position: Position) -> Self {
        Shard { read: Read::UpTo(position), arrived: 0 }
    }
}

/// How much of a shard was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// Nothing yet: reading begins here.
    Nothing(Start),
    /// Everything up to this position, which is included.
    UpTo(Position),
    /// Everything, and no more will come: the shard is closed.
    All,
}

/// Where reading of a shard begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// At the oldest record that the stream still holds.
    TrimHorizon,
    /// At the first record that arrived at this time or later, in milliseconds since the Unix epoch.
    Timestamp(i64),
}

/// A place in a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The sequence number of a record, as the stream tells it: up to 129 digits.
    pub sequence: String,
    /// The user record in an aggregate of the Kinesis Producer Library, from 0; none means the whole record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_sequence: Option<u64>,
}
