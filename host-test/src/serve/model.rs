//! The component while serving: it is fed batches, and replaced should an instance be lost.

use crate::plugin::{Counts, Payload, Plugin, PluginError, Scorer, Totals};
use crate::transform::{lost, notice};

use super::batch::Batch;

/// Payloads handed to the component in one call, and the bytes from which fewer are enough: far from the deadline of a
/// call, and enough that crossing the boundary costs nothing.
const CALL_PAYLOADS: usize = 512;
const CALL_BYTES: usize = 4 << 20;

/// A scorer by one configuration.
pub struct Model {
    plugin: Plugin,
    config: String,
    scorer: Scorer,
}

impl Model {
    /// A model that goes on from a snapshot; without one it learns from the beginning.
    pub fn new(plugin: Plugin, config: String, snapshot: Option<&[u8]>) -> Result<Self, PluginError> {
        let scorer = start(&plugin, &config, snapshot)?;
        Ok(Model { plugin, config, scorer })
    }

    /// Scores a batch; its events are appended to `events`.
    ///
    /// # Errors
    ///
    /// The instance was lost; the model is of no use until [`replace`](Self::replace).
    pub fn score(&mut self, batch: &Batch, events: &mut Vec<u8>) -> Result<Counts, PluginError> {
        let names = batch.names();
        let payloads = batch.payloads(&names);
        let mut counts = Counts { records: 0, ok: 0, dropped: 0, failed: 0 };
        let mut rest = &payloads[..];
        while !rest.is_empty() {
            let (call, after) = rest.split_at(call_length(rest));
            let scored = self.scorer.transform(call)?;
            events.extend_from_slice(&scored.events);
            counts = sum(counts, scored.counts);
            rest = after;
        }
        Ok(counts)
    }

    /// Tells the time.
    pub fn tick(&mut self, now: i64, events: &mut Vec<u8>) -> Result<(), PluginError> {
        events.extend_from_slice(&self.scorer.tick(now)?.events);
        Ok(())
    }

    /// Everything learned so far.
    pub fn snapshot(&mut self) -> Result<Vec<u8>, PluginError> {
        self.scorer.snapshot()
    }

    /// Totals so far.
    pub fn totals(&mut self) -> Result<Totals, PluginError> {
        self.scorer.totals()
    }

    /// Bytes of the component's memory.
    pub fn memory(&self) -> usize {
        self.scorer.memory()
    }

    /// A new instance in the place of one that was lost.
    pub fn replace(&mut self, snapshot: Option<&[u8]>) -> Result<(), PluginError> {
        self.scorer = start(&self.plugin, &self.config, snapshot)?;
        Ok(())
    }
}

fn start(plugin: &Plugin, config: &str, snapshot: Option<&[u8]>) -> Result<Scorer, PluginError> {
    match snapshot {
        Some(snapshot) => plugin.restore(config, snapshot),
        None => plugin.scorer(config),
    }
}

/// How many of the payloads go into one call.
fn call_length(payloads: &[Payload<'_>]) -> usize {
    let mut bytes = 0;
    let fits = payloads.iter().take(CALL_PAYLOADS).take_while(|payload| {
        bytes += payload.data.len();
        bytes <= CALL_BYTES
    });
    fits.count().max(1)
}

/// The events of a batch that cost an instance: every payload failed, and a notice.
pub(super) fn given_up(batch: &Batch, error: &PluginError, goes_on: &str, events: &mut Vec<u8>) -> Counts {
    let names = batch.names();
    for payload in batch.payloads(&names) {
        lost(&payload, error, events);
    }
    notice(error, goes_on, events);
    let records = batch.len() as u64;
    Counts { records, ok: 0, dropped: 0, failed: records }
}

fn sum(a: Counts, b: Counts) -> Counts {
    Counts {
        records: a.records + b.records,
        ok: a.ok + b.ok,
        dropped: a.dropped + b.dropped,
        failed: a.failed + b.failed,
    }
}
