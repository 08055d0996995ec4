//! The loop: records in their order to the scorer, events to the output, and then the state.
//!
//! The order of the three is what makes it exact. Events are accepted by the output *before* the state is saved that has
//! them behind it: a crash in between tells them again, and never leaves one out. The state holds the position and the
//! model together: a crash anywhere rolls both back to the same record. And as the order of records is decided by the
//! records alone (see [`align`](host_test::source::kinesis::align)), the second run comes to the same events.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use aws_sdk_kinesis::Client;
use serde_json::json;
use tokio::time::Instant;

use crate::command::following::AGAIN;
use crate::command::stop::Stop;
use host_test::batch::{Gathered, Scoring};
use host_test::monitor::Monitor;
use host_test::plugin::Totals;
use host_test::reloaded::Reloaded;
use host_test::sink::Sink;
use host_test::source::kinesis::{Item, Stream};
use host_test::state::{Part, Start, State};
use host_test::transform::typed;

/// The stream to read.
pub(super) struct Source {
    pub(super) client: Client,
    pub(super) stream: String,
}

/// A stream that is being followed.
pub(super) struct Follow {
    stream: Stream,
    scoring: Scoring,
    reloaded: Reloaded,
    sink: Sink,
    part: Part,
    batch: Gathered,
    /// Records read by this process.
    read: u64,
    /// Whether anything has changed since the state was saved.
    is_dirty: bool,
    monitor: Arc<Monitor>,
    stop: Stop,
}

impl Follow {
    /// Begins, or goes on from a state.
    pub(super) async fn open(
        source: Source,
        start: Start,
        state: State,
        (scoring, reloaded): (Scoring, Reloaded),
        sink: Sink,
        part: Part,
        monitor: Arc<Monitor>,
    ) -> Result<Self> {
        let mut stop = Stop::listen().context("cannot listen for signals")?;
        let mut lost = Vec::new();
        // Where it begins, or learns anew, is kept at once: a crash before the first save must not move it.
        let is_new = state.snapshot.is_empty();
        let Source { client, stream } = source;
        // A stream that cannot be listed is asked for again and again, and until then there is nothing to save.
        let stream = tokio::select! {
            opened = Stream::open(&client, &stream, start, state.shards, state.clock, &mut lost) => opened?,
            () = stop.requested() => return Err(anyhow!("stopped before the shards of {stream} could be listed; nothing was read")),
        };
        let mut follow = Follow {
            stream,
            scoring,
            reloaded,
            sink,
            part,
            batch: Gathered::default(),
            read: 0,
            is_dirty: is_new,
            monitor,
            stop,
        };
        follow.monitor.watch_sink(&follow.sink);
        follow.monitor.watch_source(follow.stream.retries());
        for shard in &lost {
            follow.tell_loss(shard).await?;
        }
        if is_new {
            follow.save().await?;
        }
        follow.measure()?;
        follow.monitor.ready();
        Ok(follow)
    }

    /// Goes on until told to stop, or until everything was read that the stream held at the time `until`.
    pub(super) async fn run(&mut self, save_every: Duration, until: Option<i64>) -> Result<()> {
        let mut stop = self.stop.clone();
        let reloaded = self.reloaded.clone();
        let mut save_at = Instant::now() + save_every;
        loop {
            if self.reloaded.apply(&mut self.scoring) {
                // A crash must not go back to before the change.
                self.is_dirty = true;
                self.save().await?;
            }
            let waits = self.score_what_is_at_hand().await?;
            self.measure()?;
            if self.stream.is_over() {
                tracing::info!("all shards are closed, and none follow them: the stream is at its end");
                return self.save().await;
            }
            if waits && until.is_some_and(|until| self.stream.is_read(until)) {
                return self.save().await;
            }
            if Instant::now() >= save_at {
                self.save().await?;
                save_at = Instant::now() + save_every;
            }
            // Stopping goes first, or a stream that always has more would never end.
            tokio::select! {
                biased;
                () = stop.requested() => {
                    self.monitor.stopping();
                    return self.save().await;
                }
                read = self.stream.read_on(), if waits => if let Err(error) = read {
                    // All that was handed out was scored and told.
                    self.save().await?;
                    return Err(error.into());
                },
                () = tokio::time::sleep_until(save_at), if waits => {}
                () = reloaded.read(), if waits => {}
                () = std::future::ready(()), if !waits => {}
            }
        }
    }

    /// Scores one batch of what is at hand, and tells its events. Whether more has to be read first.
    async fn score_what_is_at_hand(&mut self) -> Result<bool> {
        while !self.batch.is_full() {
            match self.stream.at_hand() {
                Some(Item::Record(shard, record)) => {
                    self.batch.push(record.data, format!("{shard}:{}", record.sequence));
                }
                Some(Item::Tick(now)) => {
                    self.score().await?;
                    let mut events = Vec::new();
                    self.scoring.tick(now, &mut events).context(AGAIN)?;
                    self.is_dirty = true;
                    self.send(&events).await?;
                }
                Some(Item::End(shard)) => {
                    self.score().await?;
                    self.stream.end_shard(&shard).await?;
                    self.is_dirty = true;
                }
                None => {
                    self.score().await?;
                    return Ok(true);
                }
            }
        }
        self.score().await?;
        Ok(false)
    }

    async fn score(&mut self) -> Result<()> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() {
            return Ok(());
        }
        let payloads = batch.payloads();
        let mut events = Vec::new();
        let counts = self.scoring.transform(&payloads, &mut events).context(AGAIN)?;
        self.monitor.scored(&payloads, counts);
        self.read += payloads.len() as u64;
        self.is_dirty = true;
        self.send(&events).await
    }

    async fn send(&mut self, events: &[u8]) -> Result<()> {
        self.stop.deliver(&mut self.sink, events, &self.monitor).await
    }

    fn measure(&mut self) -> Result<()> {
        self.monitor.shards(self.stream.tips());
        Ok(self.monitor.measure(&mut self.scoring)?)
    }

    /// Saves the state; all events that led to it were accepted before.
    async fn save(&mut self) -> Result<()> {
        if !self.is_dirty {
            return Ok(());
        }
        let state = State {
            shards: self.stream.progress().clone(),
            clock: self.stream.clock(),
            snapshot: self.scoring.snapshot()?.to_vec(),
            open: self.monitor.open(),
        };
        self.part.save(&state).await?;
        self.monitor.saved(state.snapshot.len());
        self.is_dirty = false;
        Ok(())
    }

    async fn tell_loss(&mut self, shard: &str) -> Result<()> {
        let message = format!(
            "{shard} is gone from the stream and had not been read to its end: its last records have expired unread, or the \
             stream was made anew"
        );
        tracing::warn!("{message}");
        let event = typed("notice", &json!({ "kind": "records_expired", "message": message }));
        self.send(event.as_bytes()).await
    }

    pub(super) fn totals(&mut self) -> Result<Totals> {
        Ok(self.scoring.totals()?)
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn read(&self) -> u64 {
        self.read
    }

    pub(super) fn version(&self) -> u64 {
        self.part.version()
    }
}
