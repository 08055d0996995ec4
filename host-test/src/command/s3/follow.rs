//! The loop: messages from the queue, their objects to the scorer, events to the output, then the state, and then the messages are
//! deleted.
//!
//! That order makes it exact. Events are accepted by the output before the state is saved that has their objects behind it, and
//! messages are deleted after it: a crash in between tells events again and lets messages come again, whose objects the state
//! knows. An object is scored as a whole between two saves, so a state never holds a part of one.
//!
//! Messages come in any order, and all that wait are taken before the first is scored. After a crash those that were in hand are
//! still hidden: the next start waits for them, or their records would come late.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::seen::Seen;
use crate::command::following::{AGAIN, now};
use crate::command::stop::Stop;
use host_test::batch::{Gathered, Scoring, shown};
use host_test::monitor::Monitor;
use host_test::monitor::metrics::Metric;
use host_test::plugin::Totals;
use host_test::reloaded::Reloaded;
use host_test::sink::backoff::Backoff;
use host_test::sink::{Retries, Sink};
use host_test::source::content::{Content, ContentError, Raw};
use host_test::source::event_time;
use host_test::source::notification::{self, NewObject};
use host_test::source::queue::{Message, Queue};
use host_test::source::s3::{Access, Bucket};
use host_test::state::{Part, Shard, State};
use host_test::transform::typed;

/// Messages taken before their objects are scored, at most: so many are put in order.
const MESSAGES: usize = 1_000;

/// Objects that are fetched before it is their turn.
const AHEAD: usize = 4;

/// Failures in a row after which the queue is given up.
const ATTEMPTS: u32 = 30;

/// When what happens.
pub(super) struct Times {
    /// Between two saves.
    pub(super) save_every: Duration,
    /// How long it may be silent until the time is told.
    pub(super) tick: Option<Duration>,
    /// Whether it ends with the queue.
    pub(super) once: bool,
}

/// What was done.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    /// Objects that were read.
    pub(super) objects: u64,
    /// Objects that were told of again.
    pub(super) repeated: u64,
    /// Objects that were gone before they could be read.
    pub(super) missing: u64,
}

/// A queue that is being followed.
pub(super) struct Follow {
    queue: Queue,
    access: Access,
    buckets: BTreeMap<String, Bucket>,
    scoring: Scoring,
    reloaded: Reloaded,
    sink: Sink,
    part: Part,
    seen: Seen,
    hidden: Duration,
    /// Messages of which something is still to be read.
    waiting: Vec<Held>,
    /// Messages that are deleted once the state is saved.
    done: Vec<Message>,
    counts: Counts,
    /// Whether anything has changed since the state was saved.
    is_dirty: bool,
    monitor: Arc<Monitor>,
    retries: Retries,
    stop: Stop,
}

/// A message, and which of its objects are still to be read.
struct Held {
    message: Message,
    objects: Vec<String>,
}

/// An object that is to be read.
struct Due {
    object: NewObject,
    /// As [`Seen`] calls it.
    name: String,
    time: i64,
}

type Fetched = JoinHandle<Result<Option<Raw>>>;

impl Follow {
    pub(super) fn new(
        (queue, hidden): (Queue, Duration),
        access: Access,
        (scoring, reloaded): (Scoring, Reloaded),
        sink: Sink,
        part: Part,
        (seen, remember): (BTreeMap<String, Shard>, usize),
        monitor: Arc<Monitor>,
    ) -> Result<Self> {
        let retries = Retries::default();
        monitor.watch_sink(&sink);
        monitor.watch_source(retries.clone());
        Ok(Follow {
            queue,
            access,
            buckets: BTreeMap::new(),
            scoring,
            reloaded,
            sink,
            part,
            seen: Seen::new(seen, remember),
            hidden,
            waiting: Vec::new(),
            done: Vec::new(),
            counts: Counts::default(),
            is_dirty: false,
            monitor,
            retries,
            stop: Stop::listen().context("cannot listen for signals")?,
        })
    }

    /// Goes on until told to stop or, once, until the queue is empty.
    pub(super) async fn run(&mut self, times: &Times) -> Result<()> {
        let mut stop = self.stop.clone();
        let reloaded = self.reloaded.clone();
        let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(20));
        self.wait_for_hidden().await?;
        self.monitor.ready();
        let (mut save_at, mut heard_at) = (Instant::now() + times.save_every, Instant::now());
        loop {
            self.measure()?;
            if self.reloaded.apply(&mut self.scoring) {
                // A crash must not go back to before the change.
                self.is_dirty = true;
                self.save().await?;
            }
            if Instant::now() >= save_at {
                self.save().await?;
                save_at = Instant::now() + times.save_every;
            }
            // Long enough to cost little, and back in time to save.
            let is_saved = !self.is_dirty && self.done.is_empty();
            let wait =
                if is_saved { Duration::from_secs(20) } else { save_at.saturating_duration_since(Instant::now()) };
            let wait = if times.once { Duration::from_secs(1) } else { wait };
            let received = tokio::select! {
                biased;
                () = stop.requested() => return self.end().await,
                () = reloaded.read() => continue,
                received = self.receive(wait) => received,
            };
            let due = match received {
                Ok(due) => due,
                Err(error) => {
                    // Wrong address or permission: known at once.
                    if self.counts.objects == 0 && backoff.attempts() == 0 && self.part.version() == 0
                        || backoff.attempts() >= ATTEMPTS
                    {
                        self.save().await?;
                        return Err(error);
                    }
                    let pause = backoff.next_wait();
                    self.retries.fetch_add(1, Ordering::Relaxed);
                    if backoff.is_news() {
                        tracing::warn!("{error:#}; trying again");
                    }
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            backoff.reset();
            if due.is_empty() && self.waiting.is_empty() {
                if times.once {
                    return self.end().await;
                }
                if let Some(tick) = times.tick
                    && heard_at.elapsed() >= tick
                {
                    self.tick(now()? - tick.as_millis() as i64).await?;
                }
                continue;
            }
            heard_at = Instant::now();
            if !self.score(due, save_at).await? {
                return self.end().await;
            }
        }
    }

    /// Messages that a reader before this one had in hand come again after a while: they are older than those that wait.
    async fn wait_for_hidden(&mut self) -> Result<()> {
        let until = Instant::now() + self.hidden;
        let mut is_told = false;
        while Instant::now() < until {
            let hidden = self.queue.hidden().await?;
            if hidden == 0 {
                break;
            }
            if !std::mem::replace(&mut is_told, true) {
                let longest = self.hidden.as_secs();
                tracing::info!(
                    "a reader before this one had {hidden} messages in hand; waiting for them, {longest} s at most"
                );
            }
            let mut stop = self.stop.clone();
            tokio::select! {
                () = stop.requested() => break,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
        Ok(())
    }

    /// Takes all messages that wait: the objects that they name, in the order of time.
    async fn receive(&mut self, wait: Duration) -> Result<Vec<Due>> {
        let mut messages = self.queue.receive(wait).await?;
        let begun = Instant::now();
        // Before the first of them is shown again.
        while !messages.is_empty() && messages.len() < MESSAGES && begun.elapsed() < self.hidden / 3 {
            let more = self.queue.receive(Duration::ZERO).await?;
            if more.is_empty() {
                break;
            }
            messages.extend(more);
        }
        let (mut due, mut failed) = (BTreeMap::new(), Vec::new());
        for message in messages {
            // A message may come twice; the newest receipt counts.
            self.waiting.retain(|held| held.message.id != message.id);
            let mut held = Held { message, objects: Vec::new() };
            match notification::objects(&held.message.body) {
                Ok(objects) => {
                    for object in objects {
                        let name = Seen::name(&object);
                        if self.seen.has(&name) || due.contains_key(&name) {
                            self.counts.repeated += 1;
                        }
                        if self.seen.has(&name) {
                            continue;
                        }
                        held.objects.push(name.clone());
                        let time = event_time::of(&object.key).map_or(i64::MAX, |time| time.start);
                        due.entry(name.clone()).or_insert(Due { object, name, time });
                    }
                }
                Err(reason) => failed.extend_from_slice(&of_message(&held.message, &reason)),
            }
            if held.objects.is_empty() { self.done.push(held.message) } else { self.waiting.push(held) }
        }
        self.send(&failed).await?;
        let mut due: Vec<Due> = due.into_values().collect();
        due.sort_by(|a, b| (a.time, &a.object.key).cmp(&(b.time, &b.object.key)));
        Ok(due)
    }

    /// Scores objects; false if told to stop meanwhile.
    async fn score(&mut self, due: Vec<Due>, mut save_at: Instant) -> Result<bool> {
        let every = save_at.saturating_duration_since(Instant::now()).max(Duration::from_secs(1));
        let mut due: VecDeque<Due> = due.into();
        let mut coming: VecDeque<(Due, Fetched)> = VecDeque::new();
        loop {
            while coming.len() < AHEAD
                && let Some(next) = due.pop_front()
            {
                let bucket = self.bucket(&next.object.bucket).await?;
                let key = next.object.key.clone();
                coming.push_back((next, tokio::spawn(async move { bucket.fetch(&key).await })));
            }
            let Some((next, fetched)) = coming.pop_front() else { break };
            let mut stop = self.stop.clone();
            let fetched = tokio::select! {
                biased;
                () = stop.requested() => return Ok(false),
                fetched = fetched => fetched.context("an object was not fetched to its end")?,
            };
            let url = format!("s3://{}/{}", next.object.bucket, next.object.key);
            match fetched {
                Ok(Some(raw)) => {
                    self.score_object(raw, &url).await?;
                    self.counts.objects += 1;
                }
                Ok(None) => {
                    let message = format!("{url} was gone before it could be read");
                    tracing::warn!("{message}");
                    self.counts.missing += 1;
                    let event = typed("notice", &json!({ "kind": "object_missing", "message": message }));
                    self.send(event.as_bytes()).await?;
                }
                Err(error) => {
                    // Its message comes again by itself.
                    self.retries.fetch_add(1, Ordering::Relaxed);
                    tracing::warn!("{error:#}; it is tried again when the queue tells of it again");
                    self.waiting.retain(|held| !held.objects.contains(&next.name));
                    continue;
                }
            }
            self.finished(next.name)?;
            if Instant::now() >= save_at {
                self.save().await?;
                save_at = Instant::now() + every;
            }
        }
        Ok(true)
    }

    /// An object was read: it is remembered, and messages that name nothing else are done.
    fn finished(&mut self, name: String) -> Result<()> {
        for held in &mut self.waiting {
            held.objects.retain(|waiting| *waiting != name);
        }
        let (done, waiting) = std::mem::take(&mut self.waiting).into_iter().partition(|held| held.objects.is_empty());
        self.waiting = waiting;
        let done: Vec<Held> = done;
        self.done.extend(done.into_iter().map(|held| held.message));
        self.seen.add(name, now()?);
        self.is_dirty = true;
        Ok(())
    }

    async fn score_object(&mut self, raw: Raw, url: &str) -> Result<()> {
        let mut content = match Content::unpacked(raw) {
            Ok(content) => content,
            Err(error) => return self.damaged(url, error).await,
        };
        loop {
            let mut batch = Gathered::default();
            let mut ended = None;
            while !batch.is_full() && ended.is_none() {
                match content.next_payload() {
                    Ok(Some(payload)) => {
                        let id = payload.id(url);
                        batch.push(payload.data, id);
                    }
                    Ok(None) => ended = Some(None),
                    Err(error) => ended = Some(Some(error)),
                }
            }
            let mut events = Vec::new();
            let payloads = batch.payloads();
            let counts = self.scoring.transform(&payloads, &mut events).context(AGAIN)?;
            self.monitor.scored(&payloads, counts);
            self.measure()?;
            self.send(&events).await?;
            self.keep_hidden().await;
            match ended {
                None => {}
                Some(None) => return Ok(()),
                Some(Some(error)) => return self.damaged(url, error).await,
            }
        }
    }

    async fn damaged(&mut self, url: &str, error: ContentError) -> Result<()> {
        let damage = match error {
            ContentError::Read(error) => return Err(error).with_context(|| format!("cannot read {url}")),
            ContentError::Damaged(damage) => damage,
        };
        tracing::warn!("{url} is damaged: {damage}");
        let mut events = Vec::new();
        self.scoring.give_up_input(url, &damage, &mut events)?;
        self.send(&events).await
    }

    async fn tick(&mut self, now: i64) -> Result<()> {
        let mut events = Vec::new();
        self.scoring.tick(now, &mut events).context(AGAIN)?;
        self.is_dirty = true;
        self.send(&events).await
    }

    async fn send(&mut self, events: &[u8]) -> Result<()> {
        self.stop.deliver(&mut self.sink, events, &self.monitor).await
    }

    fn measure(&mut self) -> Result<()> {
        let metrics = &self.monitor.metrics;
        metrics.set(Metric::ObjectsRead, self.counts.objects);
        metrics.set(Metric::ObjectsRepeated, self.counts.repeated);
        metrics.set(Metric::ObjectsMissing, self.counts.missing);
        metrics.set(Metric::Messages, self.waiting.len() as u64);
        Ok(self.monitor.measure(&mut self.scoring)?)
    }

    async fn keep_hidden(&mut self) {
        let waiting = self.waiting.iter_mut().map(|held| &mut held.message);
        let mut messages: Vec<&mut Message> = waiting.chain(&mut self.done).collect();
        self.queue.keep_hidden(&mut messages).await;
    }

    async fn bucket(&mut self, name: &str) -> Result<Bucket> {
        if let Some(bucket) = self.buckets.get(name) {
            return Ok(bucket.clone());
        }
        let bucket = Bucket::open(name, &self.access).await?;
        self.buckets.insert(name.to_owned(), bucket.clone());
        Ok(bucket)
    }

    /// Saves the state; all events that led to it were accepted before. Then messages are deleted.
    async fn save(&mut self) -> Result<()> {
        if self.is_dirty {
            let snapshot = self.scoring.snapshot()?.to_vec();
            let bytes = snapshot.len();
            self.part
                .save(&State { shards: self.seen.objects().clone(), clock: None, snapshot, open: self.monitor.open() })
                .await?;
            self.monitor.saved(bytes);
            self.is_dirty = false;
        }
        let done = std::mem::take(&mut self.done);
        self.queue.delete(&done).await;
        Ok(())
    }

    /// Saves, and lets what was not read come again at once.
    async fn end(&mut self) -> Result<()> {
        self.monitor.stopping();
        self.save().await?;
        let waiting: Vec<&Message> = self.waiting.iter().map(|held| &held.message).collect();
        self.queue.release(&waiting).await;
        Ok(())
    }

    pub(super) fn totals(&mut self) -> Result<Totals> {
        Ok(self.scoring.totals()?)
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn version(&self) -> u64 {
        self.part.version()
    }
}

/// A message that names no objects and is no notification, as an event: it is deleted, and nothing is lost.
fn of_message(message: &Message, reason: &str) -> Vec<u8> {
    tracing::warn!("message {}: {reason}", message.id);
    let payload = STANDARD.encode(shown(message.body.as_bytes()));
    let members = json!({ "id": format!("message {}", message.id), "layer": "envelope", "offset": 0, "reason": reason, "payload": payload });
    typed("failed", &members).into_bytes()
}
