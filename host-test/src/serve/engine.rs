//! The one task that scores: batches in order, in, and their events out, before their senders are told.
//!
//! Batches that wait are taken as a group. For each group, in this order:
//!
//! 1. its batches are scored;
//! 2. with a state, the snapshot, the batches' names and the group's events are saved together;
//! 3. the events are delivered;
//! 4. the senders are told.
//!
//! A crash before 2 leaves nothing behind: the senders send again, and the batches are scored as if for the first time. A
//! crash after 2 repeats the delivery, with the same bytes, before anything else, and the senders that send again are told
//! that their batch is known. So every batch counts exactly once in the model, whatever the order of the re-sends.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::admission::{Admission, Job};
use super::feedback::Feedback;
use super::saved::Saved;
use crate::batch::{CALL_PAYLOADS, Scoring, refused};
use crate::kept::Kept;
use crate::monitor::Monitor;
use crate::plugin::Plugin;
use crate::reloaded::Reloaded;
use crate::sink::Sink;
use crate::state::{Part, State, StateError};

/// Batches of a group, and bytes and payloads from which fewer are enough: the events of a group are kept together.
const GROUP_BATCHES: usize = 256;
const GROUP_BYTES: usize = 64 << 20;
const GROUP_PAYLOADS: usize = 100_000;

/// The scoring task, not yet started.
pub struct Engine {
    /// The plugin and the text of its configuration.
    pub plugin: (Plugin, String),
    /// The configuration file, should it be read again.
    pub reloaded: Reloaded,
    /// Where events go.
    pub sink: Sink,
    /// Where the state is kept.
    pub state: Option<Part>,
    /// The shortest time between two states, for which senders are made to wait.
    pub state_every: Duration,
    /// After so long without a batch, and again after as long, the component is told the time on the wall.
    pub tick: Option<Duration>,
    /// Which batches come in.
    pub admission: Arc<Admission>,
    /// What the process tells of itself.
    pub monitor: Arc<Monitor>,
}

impl Engine {
    /// Goes on from the state: before anybody is told that this process listens, since a state that does not fit the
    /// configuration is for a person to decide on.
    ///
    /// # Errors
    ///
    /// The state cannot be read, is damaged, or does not fit.
    pub async fn prepare(mut self, discard_model: bool, keep_failed: Option<Kept>) -> Result<Prepared> {
        let loaded = match &mut self.state {
            Some(part) => load(part).await?,
            None => None,
        };
        let (mut saved, mut open) = loaded.unwrap_or_default();
        if discard_model {
            saved.snapshot.clear();
            open.clear();
        }
        let (plugin, config) = &self.plugin;
        let mut scoring = Scoring::restore(plugin, config, &saved.snapshot).map_err(|error| {
            let object = self.state.as_ref().map(Part::object).unwrap_or_default();
            refused(error, &object)
        })?;
        scoring.keep_failed(keep_failed);
        self.monitor.watch(&mut scoring)?;
        self.monitor.resume(&open);
        saved.snapshot = Vec::new();
        Ok(Prepared { engine: self, scoring, saved })
    }
}

/// The scoring task, with the model that it goes on with.
pub struct Prepared {
    engine: Engine,
    scoring: Scoring,
    saved: Saved,
}

impl Prepared {
    /// Scores what comes in until the queue ends. Blocks; `handle` runs what waits for others.
    pub fn run(
        self,
        mut jobs: mpsc::Receiver<Job>,
        mut feedback: mpsc::Receiver<Feedback>,
        handle: &Handle,
    ) -> Result<()> {
        let Prepared { engine, scoring, saved: Saved { remembered, outbox, .. } } = self;
        let Engine { mut sink, reloaded, state, state_every, tick, admission, monitor, .. } = engine;
        handle.block_on(monitor.deliver(&mut sink, &outbox)).context("cannot write events")?;
        admission.open(&remembered);
        let mut running = Running {
            scoring,
            reloaded,
            sink,
            state,
            saved_outbox: !outbox.is_empty(),
            last_save: Instant::now(),
            admission,
            monitor,
            handle: handle.clone(),
        };
        running.monitor.measure(&mut running.scoring)?;
        running.monitor.ready();
        while let Some(group) = running.next_group(&mut jobs, &mut feedback, state_every, tick) {
            match group {
                Group::Feedback(said) => running.take_up(said)?,
                group => running.group(&group)?,
            }
        }
        // A next start has nothing to deliver again.
        if running.saved_outbox {
            running.save(&[], &[])?;
        }
        Ok(())
    }
}

/// Batches, the time, or what a person says.
enum Group {
    Jobs(Vec<Job>),
    Tick(i64),
    Feedback(Feedback),
}

struct Running {
    scoring: Scoring,
    reloaded: Reloaded,
    sink: Sink,
    state: Option<Part>,
    /// The state that was saved last has events in it.
    saved_outbox: bool,
    last_save: Instant,
    admission: Arc<Admission>,
    monitor: Arc<Monitor>,
    handle: Handle,
}

impl Running {
    /// What is next; none at the end of the queue.
    fn next_group(
        &self,
        jobs: &mut mpsc::Receiver<Job>,
        feedback: &mut mpsc::Receiver<Feedback>,
        every: Duration,
        tick: Option<Duration>,
    ) -> Option<Group> {
        let first = self.handle.block_on(async {
            tokio::select! {
                Some(said) = feedback.recv() => Ok(Group::Feedback(said)),
                job = jobs.recv() => Err(job),
                () = tokio::time::sleep(tick.unwrap_or(Duration::MAX)) => Ok(Group::Tick(now())),
            }
        });
        let first = match first {
            Ok(group) => return Some(group),
            Err(job) => job?,
        };
        let (mut bytes, mut payloads) = (first.batch.bytes(), first.batch.len());
        let mut group = vec![first];
        let until = self.last_save + if self.state.is_some() { every } else { Duration::ZERO };
        while group.len() < GROUP_BATCHES && bytes < GROUP_BYTES && payloads < GROUP_PAYLOADS {
            let next = jobs.try_recv().ok().or_else(|| {
                let wait = until.saturating_duration_since(Instant::now());
                let next = async { tokio::time::timeout(wait, jobs.recv()).await };
                (!wait.is_zero()).then(|| self.handle.block_on(next).ok().flatten()).flatten()
            });
            let Some(next) = next else { break };
            bytes += next.batch.bytes();
            payloads += next.batch.len();
            group.push(next);
        }
        Some(Group::Jobs(group))
    }

    /// Takes up what a person says, saves it, and answers.
    fn take_up(&mut self, said: Feedback) -> Result<()> {
        let taken = match self.scoring.feedback(&said.id, said.judgement) {
            Ok(taken) => taken,
            // Who waits is told that it was not taken up.
            Err(error) if self.scoring.totals().is_ok() => {
                tracing::warn!("feedback was not taken up: {error:#}");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if taken > 0 && self.state.is_some() {
            self.save(&[], &[])?;
        }
        // Whoever has left knows from the events.
        let _ = said.answer.send(taken);
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Result<()> {
        self.reloaded.apply(&mut self.scoring);
        let mut events = Vec::new();
        let jobs = match group {
            Group::Tick(now) => {
                self.scoring.tick(*now, &mut events)?;
                // Time that closed nothing is not worth a state: it is told again.
                if events.is_empty() {
                    return Ok(self.monitor.measure(&mut self.scoring)?);
                }
                &[][..]
            }
            Group::Jobs(jobs) => {
                self.score(jobs, &mut events)?;
                jobs
            }
            Group::Feedback(_) => return Ok(()),
        };
        if self.state.is_some() {
            self.save(jobs, &events)?;
        }
        self.monitor.measure(&mut self.scoring)?;
        self.handle.block_on(self.monitor.deliver(&mut self.sink, &events)).context("cannot write events")?;
        for job in jobs {
            self.admission.accepted(job);
        }
        Ok(())
    }

    fn score(&mut self, jobs: &[Job], events: &mut Vec<u8>) -> Result<()> {
        for Job { batch, .. } in jobs {
            for start in (0..batch.len()).step_by(CALL_PAYLOADS) {
                let part = start..batch.len().min(start + CALL_PAYLOADS);
                let names = batch.names(part.clone());
                let payloads = batch.payloads(part, &names);
                let counts = self.scoring.transform(&payloads, events)?;
                self.monitor.scored(&payloads, counts);
            }
        }
        Ok(())
    }

    /// Saves the model, the names of batches with these as the newest, and events that are still to be delivered.
    fn save(&mut self, jobs: &[Job], events: &[u8]) -> Result<()> {
        let Some(part) = &mut self.state else { return Ok(()) };
        let saved = Saved {
            remembered: self.admission.remembered(jobs),
            outbox: events.to_vec(),
            snapshot: self.scoring.snapshot()?.to_vec(),
        };
        let state = State { snapshot: saved.encode(), open: self.monitor.open(), ..State::default() };
        self.handle.block_on(save(part, &state, &self.admission))?;
        self.monitor.saved(state.snapshot.len());
        self.saved_outbox = !events.is_empty();
        self.last_save = Instant::now();
        Ok(())
    }
}

/// Milliseconds since the Unix epoch.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// What was saved, and the events of what was open then.
async fn load(part: &mut Part) -> Result<Option<(Saved, String)>> {
    let Some(state) = part.load().await? else { return Ok(None) };
    let saved =
        Saved::decode(&state.snapshot).map_err(|reason| StateError::Unusable { object: part.object(), reason })?;
    Ok(Some((saved, state.open)))
}

/// Saves, as often as it takes while the store cannot be reached.
async fn save(part: &mut Part, state: &State, admission: &Admission) -> Result<()> {
    let mut pause = Duration::from_millis(250);
    loop {
        match part.save(state).await {
            Err(error @ StateError::Store { .. }) => {
                admission.stored(false);
                tracing::warn!("{error}; trying again in {pause:?}");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(15));
            }
            result => {
                admission.stored(true);
                return Ok(result?);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::metrics::{Command, Metric};
    use crate::plugin::Limits;
    use crate::serve::admission::{Admitted, Bounds};
    use crate::serve::batch::Batch;
    use crate::state::Store;

    const CONFIG: &str = r#"{"mode":"record","forest":{"number_of_trees":10,"sub_sample_size":32}}"#;

    fn lines(batch: usize) -> Vec<u8> {
        let line = |i: usize| {
            format!(
                "2 1 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 {} 1418530010 1418530070 ACCEPT OK\n",
                1_000 + (i * 7_919) % 4_001
            )
        };
        (batch * 50..batch * 50 + 50).map(line).collect::<String>().into_bytes()
    }

    /// The events of these batches, and how often the component was started anew.
    fn run(directory: &str, memory: usize, batches: &[Vec<u8>]) -> (Vec<String>, u64) {
        let directory = std::env::temp_dir().join(format!("flowscore-engine-{}-{directory}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let output = directory.join("events.ndjson");
        let monitor = Monitor::new(Command::Serve);
        let bounds = Bounds { batches: 16, bytes: 64 << 20, remember: 16 };
        let (admission, jobs) = Admission::new(bounds, monitor.metrics.clone());
        let plugin = Plugin::built_in(Limits { memory, ..Limits::default() }).unwrap();
        let engine = Engine {
            reloaded: Reloaded::new(&plugin, None),
            plugin: (plugin, CONFIG.into()),
            sink: Sink::file(&output).unwrap(),
            state: Some(Store::open(directory.to_str().unwrap(), "serve", "http").unwrap().part("all").unwrap()),
            state_every: Duration::ZERO,
            tick: None,
            admission: Arc::new(admission),
            monitor: monitor.clone(),
        };
        let admission = engine.admission.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        let prepared = runtime.block_on(engine.prepare(false, None)).unwrap();
        let scorer = std::thread::spawn(move || prepared.run(jobs, mpsc::channel(1).1, &handle));
        while !admission.is_open() {
            std::thread::sleep(Duration::from_millis(5));
        }
        for body in batches {
            let batch = Batch::from_body(None, body, 64 << 20).unwrap();
            let Admitted::Pending(mut pending) = admission.admit(batch) else { panic!("there is room") };
            runtime.block_on(pending.wait_for(|accepted| *accepted)).unwrap();
        }
        admission.close();
        scorer.join().unwrap().unwrap();
        let events = std::fs::read_to_string(&output).unwrap();
        std::fs::remove_dir_all(&directory).unwrap();
        (events.lines().map(str::to_owned).collect(), monitor.metrics.get(Metric::ComponentRestarts))
    }

    #[test]
    fn a_batch_that_costs_an_instance_fails_alone_and_what_was_learned_goes_on() {
        // More than the instance may have, in one line.
        let too_much = [&b"2 "[..], &vec![b'x'; 24 << 20]].concat();
        let (events, restarts) = run("lost", 16 << 20, &[lines(0), lines(1), too_much, lines(2)]);
        let (expected, none) = run("whole", 1 << 30, &[lines(0), lines(1), lines(2)]);
        assert_eq!((restarts, none), (1, 0));
        let (told, scores): (Vec<String>, Vec<String>) =
            events.into_iter().partition(|event| !event.starts_with("{\"type\":\"score\""));
        assert_eq!(scores, expected, "the scores after it are those of a model that never lost anything");
        assert_eq!(told.len(), 2);
        assert!(
            told[0].starts_with("{\"type\":\"failed\"") && told[0].contains("\"payload_bytes\":25165826"),
            "{}",
            told[0]
        );
        assert!(told[1].contains("plugin_restarted") && told[1].contains("learned before"), "{}", told[1]);
    }
}
