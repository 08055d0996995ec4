//! The shards of a stream, read in parallel and put into one order.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::{Receiver, channel};

use super::align::{Alignment, Next};
use super::reader::{Message, Reader, SourceError};
use super::shards::{self, Shards};
use crate::sink::Retries;
use crate::state::{Position, Read, Shard, Start};

/// Attempts, a second apart, to find the shards that follow a closed one.
const ATTEMPTS: u32 = 10;

/// What comes next.
pub use super::align::{Next as Item, Record};

type Waiting = Pin<Box<dyn Future<Output = (Arc<str>, Receiver<Message>, Option<Message>)> + Send>>;

#[derive(Clone, Copy, Default)]
struct Tip {
    /// Milliseconds; none: it was not asked yet.
    behind: Option<i64>,
    is_reached: bool,
}

/// A stream that is being read.
pub struct Stream {
    client: Client,
    name: String,
    listed: Shards,
    /// Where reading has come to: what was handed out.
    progress: BTreeMap<String, Shard>,
    alignment: Alignment,
    /// Readers of shards with records at hand; the others are waited for.
    readers: BTreeMap<Arc<str>, Receiver<Message>>,
    waiting: FuturesUnordered<Waiting>,
    /// How far each shard that is being read was from its tip when it was last asked.
    tips: BTreeMap<Arc<str>, Tip>,
    retries: Retries,
}

impl Stream {
    /// Begins to read at `start`, or goes on where `progress` and `clock` of an earlier reading say.
    ///
    /// Of the shards that the stream has come to hold since then, those that follow others are read from their beginning.
    /// Names of shards that are not there any more and had not been read to their end are appended to `lost`.
    pub async fn open(
        client: &Client,
        name: &str,
        start: Start,
        mut progress: BTreeMap<String, Shard>,
        clock: Option<i64>,
        lost: &mut Vec<String>,
    ) -> Result<Self, SourceError> {
        let listed = shards::list(client, name).await?;
        if progress.is_empty() {
            progress = listed.keys().map(|shard| (shard.clone(), Shard::from(start))).collect();
        }
        progress.retain(|shard, state| {
            let is_there = listed.contains_key(shard);
            if !is_there && state.read != Read::All {
                lost.push(shard.clone());
            }
            is_there
        });
        let mut stream = Stream {
            client: client.clone(),
            name: name.to_owned(),
            listed,
            progress,
            alignment: Alignment::new(clock),
            readers: BTreeMap::new(),
            waiting: FuturesUnordered::new(),
            tips: BTreeMap::new(),
            retries: Retries::default(),
        };
        stream.begin_shards();
        Ok(stream)
    }

    /// Where reading has come to: all that was handed out, and nothing else.
    pub fn progress(&self) -> &BTreeMap<String, Shard> {
        &self.progress
    }

    /// The time of the last tick.
    pub fn clock(&self) -> Option<i64> {
        self.alignment.clock()
    }

    /// Records that came too late for their place in the order.
    pub fn disordered(&self) -> u64 {
        self.alignment.disordered()
    }

    /// How far the shard that is farthest behind is behind its tip, in milliseconds. None before that is known of all.
    pub fn behind(&self) -> Option<i64> {
        self.tips.values().try_fold(0, |behind, tip| Some(behind.max(tip.behind?)))
    }

    /// How far each shard that is being read is behind its tip, in milliseconds, as far as that is known.
    pub fn tips(&self) -> impl Iterator<Item = (&str, Option<i64>)> {
        self.tips.iter().map(|(shard, tip)| (&**shard, tip.behind))
    }

    /// How often calls were tried again.
    pub fn retries(&self) -> Retries {
        self.retries.clone()
    }

    /// Shards that are being read.
    pub fn shards(&self) -> usize {
        self.tips.len()
    }

    /// Whether everything was handed out that the stream held at `time`, in milliseconds since the Unix epoch, or holds now.
    pub fn is_read(&self, time: i64) -> bool {
        let is_at_tip = self.alignment.is_empty() && self.tips.values().all(|tip| tip.is_reached);
        is_at_tip || self.alignment.time() > time
    }

    /// Whether there is nothing to come: all shards are closed and have no successors.
    pub fn is_over(&self) -> bool {
        self.alignment.is_over()
    }

    /// What comes next, as far as that is known without waiting.
    pub fn at_hand(&mut self) -> Option<Item> {
        let next = self.alignment.next_item()?;
        if let Next::Record(name, record) = &next {
            if self.alignment.is_bare(name) {
                self.wait_for(name.clone());
            }
            if let Some(shard) = self.progress.get_mut(&**name) {
                shard.read = Read::UpTo(Position { sequence: record.sequence.clone(), sub_sequence: None });
                shard.arrived = record.arrived;
            }
        }
        Some(next)
    }

    /// Waits until more was read of some shard.
    pub async fn read_on(&mut self) -> Result<(), SourceError> {
        let Some((shard, receiver, message)) = self.waiting.next().await else { return Ok(()) };
        let Some(message) = message else {
            return Err(SourceError::Unavailable(format!("the reader of {shard} has gone")));
        };
        let fetched = message?;
        self.tips.insert(shard.clone(), Tip { behind: Some(fetched.behind), is_reached: fetched.at_tip });
        self.readers.insert(shard.clone(), receiver);
        self.alignment.push(&shard, fetched.records, fetched.known, fetched.closed);
        if self.alignment.is_bare(&shard) {
            self.wait_for(shard);
        }
        Ok(())
    }

    /// A closed shard is done with: those that follow it are begun.
    pub async fn end_shard(&mut self, shard: &str) -> Result<(), SourceError> {
        if let Some(progress) = self.progress.get_mut(shard) {
            progress.read = Read::All;
        }
        for attempt in 1.. {
            self.listed = shards::list(&self.client, &self.name).await?;
            let has_children = self.listed.values().any(|parents| parents.iter().any(|parent| parent == shard));
            // A closed shard has successors, unless the stream is being deleted.
            if has_children || attempt == ATTEMPTS {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let Stream { progress, listed, .. } = self;
        progress.retain(|shard, _| listed.contains_key(shard));
        self.begin_shards();
        self.alignment.remove(shard);
        self.readers.remove(shard);
        self.tips.remove(shard);
        Ok(())
    }

    /// Begins the shards whose parents were read to their end.
    fn begin_shards(&mut self) {
        for (name, parents) in &self.listed {
            let shard = self.progress.entry(name.clone()).or_insert_with(|| Shard::from(Start::TrimHorizon)).clone();
            let is_read = |parent: &String| self.progress.get(parent).is_none_or(|parent| parent.read == Read::All);
            let name: Arc<str> = name.as_str().into();
            if shard.read == Read::All || self.tips.contains_key(&name) || !parents.iter().all(is_read) {
                continue;
            }
            let (to, from) = channel(1);
            let reader = Reader::new(&self.client, &self.name, &name, shard.read, self.retries.clone());
            tokio::spawn(reader.run(to));
            self.alignment.add(&name, shard.arrived);
            self.tips.insert(name.clone(), Tip::default());
            self.waiting.push(wait(name, from));
        }
    }

    fn wait_for(&mut self, shard: Arc<str>) {
        if let Some(receiver) = self.readers.remove(&shard) {
            self.waiting.push(wait(shard, receiver));
        }
    }
}

fn wait(shard: Arc<str>, mut receiver: Receiver<Message>) -> Waiting {
    Box::pin(async move {
        let message = receiver.recv().await;
        (shard, receiver, message)
    })
}
