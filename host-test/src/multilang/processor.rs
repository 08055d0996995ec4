//! One shard's records to the scorer, its events to the output, then the state, then the checkpoint.
//!
//! The state is the truth: it holds the position and the model together, and replaces the one before as a whole. The
//! checkpoint in KCL's lease table lies at it or behind it, so that whoever takes the lease over gets all records after
//! the state's position, and passes over those before.
//!
//! Who gets a lease writes the state at once, unchanged, under its own name. A worker that had the lease before and does
//! not know that it is gone, since it was frozen or cut off, finds that before it tells events and when it saves: it can do
//! neither.

use std::cmp::Ordering;
use std::io::{BufRead, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use tokio::runtime::Runtime;

use super::inheritance::withhold_moved;
use super::protocol::{Checkpointed, Daemon, Message, Record};
use crate::batch::{Scoring, call_length, refused};
use crate::kept::Kept;
use crate::monitor::Monitor;
use crate::monitor::metrics::Metric;
use crate::notify::{self, Notifier, Setup};
use crate::plugin::{Payload, Plugin, PluginError, RestoreError};
use crate::reloaded::Reloaded;
use crate::sink::Sink;
use crate::source::kinesis::shards;
use crate::state::{Part, Position, Read, Shard, Start, State, StateError, Store};

/// How long the worker that had the lease before may go on writing the state.
const TAKE_OVER: Duration = Duration::from_secs(60);
/// How often a checkpoint that cannot be made now is tried again, half a second apart and more.
const CHECKPOINTS: u32 = 6;

/// What all shards have in common.
pub struct Settings {
    /// The plugin and the text of its configuration.
    pub plugin: (Plugin, String),
    /// The configuration file, should it be read again.
    pub reloaded: Reloaded,
    /// Where the states are.
    pub store: Store,
    /// Where events go.
    pub sink: Sink,
    /// Client and name of the stream, to find a shard's parents by.
    pub stream: Option<(aws_sdk_kinesis::Client, String)>,
    /// Where payloads are kept of which `failed` events show only a part.
    pub keep_failed: Option<Kept>,
    /// Whether a stored model that does not fit the configuration is given up.
    pub discard_model: bool,
    /// The shortest time between two states, and so checkpoints.
    pub save_every: Duration,
    /// Whom people are told by.
    pub notify: Option<Setup>,
    /// What the process tells of itself.
    pub monitor: Arc<Monitor>,
}

/// Serves the daemon until it closes the pipe.
///
/// # Errors
///
/// The daemon broke its protocol, events cannot be written, or the state cannot be used.
pub fn process<R: BufRead, W: Write>(settings: Settings, runtime: &Runtime, daemon: &mut Daemon<R, W>) -> Result<()> {
    settings.monitor.watch_sink(&settings.sink);
    settings.monitor.ready();
    let mut processor = Processor { settings, runtime, shard: None };
    while let Some((action, message)) = daemon.next_message().context("cannot read what the daemon asks")? {
        match message {
            Message::Initialize { shard_id, sequence_number } => {
                processor.initialize(&shard_id, sequence_number.as_deref())?;
            }
            Message::ProcessRecords { records, millis_behind_latest } => {
                processor.process(&records, millis_behind_latest, daemon)?;
            }
            Message::ShardEnded => processor.end(daemon)?,
            Message::ShutdownRequested => processor.save(daemon)?,
            Message::LeaseLost => processor.let_go(),
            Message::Shutdown { reason } => match reason.as_deref() {
                Some("TERMINATE") => processor.end(daemon)?,
                _ => processor.let_go(),
            },
            Message::Checkpoint { .. } => {
                return Err(anyhow!("the daemon answered a checkpoint that nobody asked for"));
            }
        }
        daemon.done(&action).context("cannot answer the daemon")?;
    }
    runtime.block_on(processor.settings.monitor.finish());
    Ok(())
}

struct Processor<'a> {
    settings: Settings,
    runtime: &'a Runtime,
    shard: Option<Leased>,
}

/// A shard whose lease this process has.
struct Leased {
    id: String,
    part: Part,
    scoring: Scoring,
    /// The last record that was scored.
    position: Option<Position>,
    /// All records were scored; the worker before was stopped on the way to the last checkpoint.
    is_over: bool,
    /// The newest arrival time of its records.
    arrived: i64,
    /// Until when a drop may begin because of what has moved to a sibling, if it goes on with its parents' model.
    parents_end: Option<i64>,
    saved: Instant,
    is_dirty: bool,
    /// Since when another process has the state, while the daemon says that the lease is ours.
    taken: Option<Instant>,
}

impl Processor<'_> {
    fn initialize(&mut self, id: &str, sequence: Option<&str>) -> Result<()> {
        let begun = Instant::now();
        while !self.take(id, sequence)? {
            // The worker that had the lease before saved in between: its last state is the one to go on from.
            if begun.elapsed() > TAKE_OVER {
                return Err(anyhow!("{id}: another process goes on writing the state; {APART}"));
            }
        }
        Ok(())
    }

    /// Goes on from the state of a shard, and writes it as it is, so that nobody else can. False if it changed meanwhile.
    fn take(&mut self, id: &str, sequence: Option<&str>) -> Result<bool> {
        let mut part = self.settings.store.leased_part(id);
        let state = self.runtime.block_on(part.load())?;
        let (plugin, config) = &self.settings.plugin;
        let mut shard = Leased {
            id: id.to_owned(),
            part,
            scoring: Scoring::new(plugin, config)?,
            position: None,
            is_over: false,
            arrived: 0,
            parents_end: None,
            saved: Instant::now(),
            is_dirty: false,
            taken: None,
        };
        let taken = match state {
            Some(state) => {
                shard.scoring = self.restore(&state.snapshot, &shard.part.object())?;
                if let Some(Shard { read, arrived }) = state.shards.get(id) {
                    shard.arrived = *arrived;
                    match read {
                        Read::UpTo(position) => shard.position = Some(position.clone()),
                        Read::All => shard.is_over = true,
                        Read::Nothing(_) => {}
                    }
                }
                shard.parents_end = state.clock;
                let version = shard.part.version();
                tracing::info!("{id}: going on from version {version} of {}", shard.part.object());
                // Words are no numbers: TRIM_HORIZON and LATEST say that there is no checkpoint.
                let checkpoint = sequence.filter(|sequence| sequence.bytes().all(|byte| byte.is_ascii_digit()));
                let behind = checkpoint.zip(shard.position.as_ref());
                if behind.is_some_and(|(checkpoint, position)| order(&position.sequence, checkpoint) == Ordering::Less)
                {
                    tracing::warn!(
                        "{id}: the state lies behind the checkpoint in the lease table: it was brought back from a \
                         copy, or another program made the checkpoint. The records in between are left out"
                    );
                }
                state
            }
            None => {
                let open = self.inherit(&mut shard)?;
                State {
                    open,
                    shards: [(id.to_owned(), Shard::from(Start::TrimHorizon))].into(),
                    clock: shard.parents_end,
                    snapshot: shard.scoring.snapshot()?.to_vec(),
                }
            }
        };
        match self.runtime.block_on(shard.part.save(&taken)) {
            Err(StateError::Taken { .. }) => return Ok(false),
            result => result?,
        }
        shard.scoring.keep_failed(self.settings.keep_failed.clone());
        self.settings.monitor.watch(&mut shard.scoring)?;
        self.settings.monitor.resume(&taken.open);
        self.notify(id)?;
        self.settings.monitor.metrics.set(Metric::Leases, 1);
        self.settings.monitor.measure(&mut shard.scoring)?;
        self.shard = Some(shard);
        Ok(true)
    }

    /// People are told of this shard from now on, and what they were told by the worker before is known.
    fn notify(&mut self, id: &str) -> Result<()> {
        let Some(setup) = self.settings.notify.clone() else { return Ok(()) };
        let kept = self.settings.store.leased_part(&format!("{id}.{}", notify::PART));
        let notifier = self.runtime.block_on(Notifier::start(setup, Some(kept)))?;
        self.runtime.block_on(notifier.keep());
        self.settings.monitor.notify(notifier);
        Ok(())
    }

    /// The lease is gone.
    fn let_go(&mut self) {
        if let Some(shard) = self.shard.take() {
            self.settings.monitor.shard(&shard.id, None);
            self.runtime.block_on(self.settings.monitor.release_notifications());
        }
        self.settings.monitor.metrics.set(Metric::Leases, 0);
    }

    /// A shard without a state goes on with the model of its parents, if it has some.
    fn inherit(&self, shard: &mut Leased) -> Result<String> {
        let Some((client, stream)) = &self.settings.stream else {
            tracing::info!("{}: there is no state yet: learning from the beginning", shard.id);
            return Ok(String::new());
        };
        let parents = match self.runtime.block_on(shards::list(client, stream)) {
            Ok(mut listed) => listed.remove(&shard.id).unwrap_or_default(),
            Err(error) => {
                tracing::warn!("{}: cannot find the shards it follows: {error}", shard.id);
                Vec::new()
            }
        };
        let mut states = Vec::new();
        for parent in parents {
            if let Some(state) = self.runtime.block_on(self.settings.store.peek(&parent))? {
                states.push((parent, state));
            }
        }
        let end = states.iter().flat_map(|(_, state)| state.shards.values()).map(|shard| shard.arrived).max();
        let Some((parent, state)) = states.into_iter().max_by_key(|(_, state)| state.snapshot.len()) else {
            tracing::info!("{}: there is no state yet: learning from the beginning", shard.id);
            return Ok(String::new());
        };
        shard.scoring = self.restore(&state.snapshot, &parent)?;
        shard.parents_end = end.map(|end| end + self.window());
        tracing::info!("{}: going on with what was learned in {parent}", shard.id);
        Ok(state.open)
    }

    /// A model from a state. One that does not fit is given up, if that is wanted, and otherwise an error.
    fn restore(&self, snapshot: &[u8], object: &str) -> Result<Scoring> {
        let (plugin, config) = &self.settings.plugin;
        match Scoring::restore(plugin, config, snapshot) {
            Err(error @ PluginError::Restore(RestoreError::Mismatch(_) | RestoreError::Version(_)))
                if self.settings.discard_model =>
            {
                tracing::warn!("{object}: {error}; learning anew");
                Ok(Scoring::new(plugin, config)?)
            }
            result => result.map_err(|error| refused(error, object)),
        }
    }

    /// The length of a window in milliseconds: a series falls silent in the one after its last record.
    fn window(&self) -> i64 {
        let (plugin, config) = &self.settings.plugin;
        let config = plugin.check_config(config).unwrap_or_default();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap_or_default();
        config["series"]["window"].as_i64().unwrap_or(60) * 1000
    }

    fn process<R: BufRead, W: Write>(
        &mut self,
        records: &[Record],
        behind: Option<i64>,
        daemon: &mut Daemon<R, W>,
    ) -> Result<()> {
        let Some(shard) = &mut self.shard else { return Ok(()) };
        if shard.taken.is_some() {
            return shard.still_taken();
        }
        let Settings { reloaded, sink, monitor, .. } = &mut self.settings;
        reloaded.apply(&mut shard.scoring);
        let mut events = Vec::new();
        shard.score(records, monitor, &mut events)?;
        monitor.shard(&shard.id, behind);
        monitor.measure(&mut shard.scoring)?;
        if !events.is_empty() && !shard.is_ours(self.runtime)? {
            return Ok(());
        }
        self.runtime.block_on(monitor.deliver(sink, &events)).context("cannot write events")?;
        if shard.saved.elapsed() >= self.settings.save_every {
            self.save(daemon)?;
        }
        Ok(())
    }

    /// Saves the state and asks for a checkpoint at its position.
    fn save<R: BufRead, W: Write>(&mut self, daemon: &mut Daemon<R, W>) -> Result<()> {
        let Some(shard) = &mut self.shard else { return Ok(()) };
        if !shard.is_dirty || shard.taken.is_some() || !shard.save(self.runtime, &self.settings.monitor, false)? {
            return Ok(());
        }
        let position = shard.position.clone();
        let Some(Position { sequence, sub_sequence }) = &position else { return Ok(()) };
        // A checkpoint that was not made is made by the next one; the state is ahead of it, and right.
        self.checkpoint(Some((sequence, *sub_sequence)), daemon)
    }

    /// The shard is at its end: its children begin only after its last checkpoint.
    fn end<R: BufRead, W: Write>(&mut self, daemon: &mut Daemon<R, W>) -> Result<()> {
        if let Some(shard) = &mut self.shard {
            shard.save(self.runtime, &self.settings.monitor, true)?;
        }
        self.checkpoint(None, daemon)?;
        self.let_go();
        Ok(())
    }

    fn checkpoint<R: BufRead, W: Write>(
        &mut self,
        at: Option<(&str, Option<u64>)>,
        daemon: &mut Daemon<R, W>,
    ) -> Result<()> {
        let mut pause = Duration::from_millis(500);
        for _ in 0..CHECKPOINTS {
            match daemon.checkpoint(at).context("cannot make a checkpoint")? {
                Checkpointed::Done => return Ok(()),
                Checkpointed::LeaseLost => {
                    self.let_go();
                    return Ok(());
                }
                Checkpointed::Refused(error) => {
                    tracing::warn!("the daemon refused a checkpoint: {error}");
                    return Ok(());
                }
                Checkpointed::Later(error) => {
                    tracing::warn!("no checkpoint now ({error}); trying again in {pause:?}");
                    std::thread::sleep(pause);
                    pause *= 2;
                }
            }
        }
        tracing::warn!("no checkpoint after {CHECKPOINTS} attempts; what was scored is in the state all the same");
        Ok(())
    }
}

impl Leased {
    /// Scores the records that lie behind the position.
    fn score(&mut self, records: &[Record], monitor: &Monitor, events: &mut Vec<u8>) -> Result<()> {
        let new: Vec<&Record> = records.iter().filter(|record| self.is_new(record)).collect();
        let mut rest = &new[..];
        while !rest.is_empty() {
            // What is decoded of a call's records is let go before those of the next.
            let texts = rest.iter().map(|record| record.data.as_deref().unwrap_or_default().as_bytes());
            let (call, after) = rest.split_at(call_length(texts));
            let data: Vec<Vec<u8>> = call.iter().map(|record| record.payload()).collect();
            let ids: Vec<String> = call.iter().map(|record| self.name(record)).collect();
            let payloads: Vec<Payload<'_>> =
                data.iter().zip(&ids).map(|(data, id)| Payload { data, id: Some(id) }).collect();
            let counts = self.scoring.transform(&payloads, events).context(AGAIN)?;
            monitor.scored(&payloads, counts);
            rest = after;
        }
        if let Some(last) = new.last() {
            self.position =
                Some(Position { sequence: last.sequence_number.clone(), sub_sequence: last.sub_sequence_number });
            let arrived = new.iter().filter_map(|record| record.approximate_arrival_timestamp).fold(0.0, f64::max);
            self.arrived = self.arrived.max(arrived as i64);
            self.is_dirty = true;
        }
        if let Some(end) = self.parents_end {
            let withheld = withhold_moved(events, end);
            if withheld > 0 {
                tracing::info!("{}: withheld {withheld} drops that began before the shard did", self.id);
            }
        }
        Ok(())
    }

    fn is_new(&self, record: &Record) -> bool {
        if self.is_over {
            return false;
        }
        let Some(position) = &self.position else { return true };
        match order(&record.sequence_number, &position.sequence) {
            Ordering::Less => false,
            Ordering::Greater => true,
            // A position without a sub-sequence means the whole record.
            Ordering::Equal => match (record.sub_sequence_number, position.sub_sequence) {
                (Some(record), Some(position)) => record > position,
                _ => false,
            },
        }
    }

    fn name(&self, record: &Record) -> String {
        match record.sub_sequence_number {
            None | Some(0) => format!("{}:{}", self.id, record.sequence_number),
            Some(sub) => format!("{}:{}:{sub}", self.id, record.sequence_number),
        }
    }

    /// Saves the state. False if another process has it, which then has the lease, too, and this one is told soon.
    fn save(&mut self, runtime: &Runtime, monitor: &Monitor, ended: bool) -> Result<bool> {
        let read = match (&self.position, ended) {
            (_, true) => Read::All,
            (Some(position), false) => Read::UpTo(position.clone()),
            (None, false) => return Ok(true),
        };
        let state = State {
            shards: [(self.id.clone(), Shard { read, arrived: self.arrived })].into(),
            clock: self.parents_end,
            snapshot: self.scoring.snapshot()?.to_vec(),
            open: monitor.open(),
        };
        match runtime.block_on(self.part.save(&state)) {
            Ok(()) => {
                monitor.saved(state.snapshot.len());
                self.saved = Instant::now();
                self.is_dirty = false;
                Ok(true)
            }
            Err(error @ StateError::Taken { .. }) => {
                tracing::warn!("{}: {error}", self.id);
                self.taken = Some(Instant::now());
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether nobody else has written the state, as who gets the lease does.
    fn is_ours(&mut self, runtime: &Runtime) -> Result<bool> {
        let is_ours = runtime.block_on(self.part.is_current())?;
        if !is_ours {
            tracing::warn!("{}: the lease is another worker's, which tells the events from here on", self.id);
            self.taken = Some(Instant::now());
        }
        Ok(is_ours)
    }

    fn still_taken(&self) -> Result<()> {
        match self.taken {
            Some(since) if since.elapsed() > TAKE_OVER => Err(anyhow!(
                "{}: another process writes the state {} while the lease is ours: {APART}",
                self.id,
                self.part.object()
            )),
            _ => Ok(()),
        }
    }
}

const APART: &str = "give each application a --state or --application of its own";
const AGAIN: &str = "nothing was saved since the last checkpoint; whoever takes the shard over goes on from there";

/// The order of two sequence numbers: whole numbers of up to 129 digits without leading zeros.
fn order(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
