//! Payloads to the component, for every command in the same way: how many go over at once, and what happens when a call
//! fails.
//!
//! No input makes the component trap. A call may still take longer than it may, or want more memory than it may have, and
//! then its instance is lost with everything that it learned. [`Scoring`] keeps a copy of the model and what was handed over
//! since. When an instance is lost, a new one is brought to the same place by them; the batch is handed over again in
//! halves, until the payload is found that does it; and that one is told as `failed`. Everything else goes on as if it had
//! not been there: no other payload is lost, none counts twice, and what was learned stays.

mod ahead;
mod decoding;
mod gathered;
mod journal;
mod watched;

use std::io::Write;

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

use crate::kept::Kept;
use crate::plugin::{
    Counts, Failed, GivenUp, Judgement, Payload, Plugin, PluginError, RestoreError, Scored, Scorer, Totals,
};
use crate::source::content::Damage;
use crate::transform::notice;

use ahead::{Ahead, Unwrapped, joined};
pub use decoding::Decoding;
pub use gathered::Gathered;
use journal::{Entry, Journal};
use watched::Watched;
pub use watched::{Watcher, runs, with_windows};

/// Payloads handed over in one call, and the bytes from which fewer are enough: far from the deadline of a call, and enough
/// that crossing the boundary costs nothing.
pub const CALL_PAYLOADS: usize = 512;
/// See [`CALL_PAYLOADS`].
pub const CALL_BYTES: usize = 4 << 20;

/// Bytes handed over after which a new copy of the model is made: some seconds of work, should it be repeated.
const COPY_AFTER: usize = 64 << 20;

/// Bytes of a payload that a `failed` event shows.
const SHOWN: usize = 4_096;

/// The bytes of a payload that a `failed` event shows; of a longer one it also has the [`digest`].
pub fn shown(payload: &[u8]) -> &[u8] {
    &payload[..payload.len().min(SHOWN)]
}

/// The SHA-256 of a payload, in hexadecimal.
pub fn digest(payload: &[u8]) -> String {
    Sha256::digest(payload).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many of these payloads go into one call; at least one.
pub fn call_length<'a>(payloads: impl IntoIterator<Item = &'a [u8]>) -> usize {
    length_within(payloads, CALL_BYTES)
}

/// The same for another number of bytes.
fn length_within<'a>(payloads: impl IntoIterator<Item = &'a [u8]>, most: usize) -> usize {
    let mut bytes = 0;
    let fits = payloads.into_iter().take(CALL_PAYLOADS).take_while(|payload| {
        bytes += payload.len();
        bytes <= most
    });
    fits.count().max(1)
}

/// A scorer that outlives its instance.
pub struct Scoring {
    plugin: Plugin,
    config: String,
    scorer: Scorer,
    ahead: Ahead,
    /// The model as it was before `since`; none: as it was created.
    copy: Option<Vec<u8>>,
    since: Journal,
    restarts: u64,
    /// Where payloads are kept whose `failed` events do not show everything.
    failed: Option<Kept>,
    /// Who sees windows.
    watched: Option<Watched>,
}

impl Scoring {
    /// A scorer by the text of a configuration; the empty text means the defaults.
    pub fn new(plugin: &Plugin, config: &str) -> Result<Self, PluginError> {
        Scoring::start(plugin, config, None)
    }

    /// A scorer that goes on from a snapshot; an empty one is as good as none.
    pub fn restore(plugin: &Plugin, config: &str, snapshot: &[u8]) -> Result<Self, PluginError> {
        Scoring::start(plugin, config, (!snapshot.is_empty()).then(|| snapshot.to_vec()))
    }

    fn start(plugin: &Plugin, config: &str, copy: Option<Vec<u8>>) -> Result<Self, PluginError> {
        let scorer = instance(plugin, config, copy.as_deref())?;
        let (plugin, config) = (plugin.clone(), config.to_owned());
        Ok(Scoring {
            plugin,
            config,
            scorer,
            ahead: Ahead::default(),
            copy,
            since: Journal::default(),
            restarts: 0,
            failed: None,
            watched: None,
        })
    }

    /// From now on keeps each payload of which `failed` events show only a part.
    pub fn keep_failed(&mut self, kept: Option<Kept>) {
        self.failed = kept;
    }

    /// From now on shows all windows to `watcher`; the events stay what they are.
    ///
    /// # Errors
    ///
    /// The instance is lost.
    pub fn watch_windows(&mut self, watcher: Watcher) -> Result<(), PluginError> {
        self.watched = Some(Watched { watcher, is_asked_for: false });
        let config = self.config.clone();
        self.reconfigure(&config)
    }

    /// Writes events, and shows windows to whoever watches.
    fn tell(&self, told: &[u8], events: &mut dyn Write) -> std::io::Result<()> {
        match &self.watched {
            None => events.write_all(told),
            Some(watched) => watched.write(told, events),
        }
    }

    /// Keeps payloads as far as the events of these failures, which are theirs, show only a part of them. What cannot be kept is
    /// told and holds nothing up: it can be found where it came from.
    fn keep(&self, payloads: &[Payload<'_>], failures: &[Failed]) {
        let Some(kept) = &self.failed else { return };
        for failed in failures.iter().filter(|failed| failed.is_cut || failed.records > 1) {
            let Some(id) = failed.id.as_deref() else { continue };
            for payload in payloads.iter().filter(|payload| payload.id == Some(id)) {
                if let Err(error) = kept.keep(&digest(payload.data), payload.data) {
                    tracing::error!("the failed payload {id} cannot be kept (--keep-failed): {error}");
                }
            }
        }
    }

    /// Decodes and scores payloads; their events are written to `events` as they come.
    ///
    /// # Errors
    ///
    /// Events cannot be written, or no instance can be made in the place of one that was lost.
    pub fn transform(&mut self, payloads: &[Payload<'_>], events: &mut dyn Write) -> Result<Counts> {
        let mut counts = NONE;
        let mut rest = payloads;
        while !rest.is_empty() {
            let (call, after) = rest.split_at(call_length(rest.iter().map(|payload| payload.data)));
            let mut ahead = std::mem::take(&mut self.ahead);
            let (plugin, config) = (self.plugin.clone(), self.config.clone());
            ahead.for_each_part((&plugin, &config), call, |part, unwrapped| {
                add(&mut counts, self.call(part, unwrapped, events)?);
                Ok(())
            })?;
            self.ahead = ahead;
            rest = after;
        }
        self.copy_if_due()?;
        Ok(counts)
    }

    /// Hands payloads over, with what is known of their layers, and again in halves without it if that costs the instance.
    fn call(&mut self, payloads: &[Payload<'_>], mut unwrapped: Unwrapped, events: &mut dyn Write) -> Result<Counts> {
        let mut counts = NONE;
        let mut rest = payloads;
        while let Some(first) = rest.first() {
            let scored = match &unwrapped[..] {
                [] => self.scorer.transform(rest),
                unwrapped => self.scorer.transform_unwrapped(&joined(rest, unwrapped)),
            };
            match scored.and_then(has_taken) {
                Ok(scored) => {
                    let (taken, after) = rest.split_at((scored.taken as usize).min(rest.len()));
                    rest = after;
                    unwrapped.drain(..taken.len().min(unwrapped.len()));
                    let Some((last, done)) = taken.split_last() else { continue };
                    self.since.extend(done);
                    match self.take(Ok(scored), taken, &mut counts, events)? {
                        None => self.since.extend(std::slice::from_ref(last)),
                        Some(error) => add(&mut counts, self.give_up(last, &error, events)?),
                    }
                }
                Err(error) if rest.len() == 1 => {
                    add(&mut counts, self.give_up(first, &error, events)?);
                    rest = &[];
                }
                Err(error) => {
                    self.replace(&error)?;
                    let (half, after) = rest.split_at(rest.len() / 2);
                    add(&mut counts, self.call(half, Vec::new(), events)?);
                    rest = after;
                    unwrapped.clear();
                }
            }
        }
        Ok(counts)
    }

    /// Writes what a call gave, and the rest of it, which is the last payload's; some if that cost the instance.
    fn take(
        &mut self,
        mut given: Result<Scored, PluginError>,
        mut payloads: &[Payload<'_>],
        counts: &mut Counts,
        events: &mut dyn Write,
    ) -> Result<Option<PluginError>> {
        loop {
            let scored = match given {
                Ok(scored) => scored,
                Err(error) => return Ok(Some(error)),
            };
            if scored.counts.failed > 0 {
                self.keep(payloads, &scored.failures);
            }
            self.tell(&scored.events, events)?;
            add(counts, scored.counts);
            if !scored.more {
                return Ok(None);
            }
            payloads = payloads.last().map_or(&[], std::slice::from_ref);
            given = self.scorer.proceed();
        }
    }

    /// Scores records decoded elsewhere: newline-delimited JSON objects.
    pub fn score(&mut self, records: &[u8], events: &mut dyn Write) -> Result<Counts> {
        let mut counts = NONE;
        let scored = self.scorer.score(records);
        match self.take(scored, &[], &mut counts, events)? {
            None => self.since.push(Entry::Records(records.to_vec())),
            Some(error) => {
                add(&mut counts, self.give_up(&Payload { data: records, id: None }, &error, events)?);
            }
        }
        self.copy_if_due()?;
        Ok(counts)
    }

    /// Tells the time, in milliseconds since the Unix epoch. A time that costs the instance is passed over.
    pub fn tick(&mut self, now: i64, events: &mut dyn Write) -> Result<()> {
        let scored = self.scorer.tick(now);
        match self.take(scored, &[], &mut NONE.clone(), events)? {
            None => self.since.push(Entry::Tick(now)),
            Some(error) => {
                self.replace(&error)?;
                events.write_all(&told(&error))?;
            }
        }
        Ok(())
    }

    /// Takes up what a person says of an incident or a group, by its id; how many series did.
    ///
    /// # Errors
    ///
    /// The instance is lost, and no other can be made in its place: what was said is then not taken up.
    pub fn feedback(&mut self, id: &str, judgement: Judgement) -> Result<u32> {
        match self.scorer.feedback(id, judgement) {
            Ok(series) => {
                // The copy has it behind it, too.
                self.snapshot()?;
                Ok(series)
            }
            Err(error) => {
                self.replace(&error)?;
                Err(error.into())
            }
        }
    }

    /// Closes what is open at the end of a finite input.
    pub fn finish(&mut self, events: &mut dyn Write) -> Result<()> {
        let scored = self.scorer.finish();
        match self.take(scored, &[], &mut NONE.clone(), events)? {
            None => Ok(()),
            Some(error) => Err(error.into()),
        }
    }

    /// Everything learned so far. It is also the copy from which a lost instance is made anew.
    pub fn snapshot(&mut self) -> Result<&[u8], PluginError> {
        self.copy = Some(self.scorer.snapshot()?);
        self.since.clear();
        Ok(self.copy.as_deref().unwrap_or_default())
    }

    /// Goes on by another configuration, with everything learned.
    ///
    /// # Errors
    ///
    /// The configuration is wrong, or what was learned has another shape: then nothing has changed.
    pub fn reconfigure(&mut self, config: &str) -> Result<(), PluginError> {
        self.snapshot()?;
        let (config, is_asked_for) = match &self.watched {
            Some(_) => with_windows(config),
            None => (config.to_owned(), false),
        };
        self.scorer = instance(&self.plugin, &config, self.copy.as_deref())?;
        self.ahead = Ahead::default();
        self.config = config;
        if let Some(watched) = &mut self.watched {
            watched.is_asked_for = is_asked_for;
        }
        Ok(())
    }

    /// Totals so far.
    pub fn totals(&mut self) -> Result<Totals, PluginError> {
        self.scorer.totals()
    }

    /// Bytes of linear memory of the instance.
    pub fn memory(&self) -> usize {
        self.scorer.memory()
    }

    /// How many instances were lost.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// A new instance in the place of one that was lost, brought to the same place.
    fn replace(&mut self, error: &PluginError) -> Result<()> {
        tracing::warn!("{error}; a new instance takes over");
        self.restarts += 1;
        // Many payloads in one call may want more memory than they did one after another.
        if self.revive(CALL_PAYLOADS).is_err()
            && let Err(error) = self.revive(1)
        {
            // A machine that is too busy for what it did before, say. What the copy has learned stays.
            tracing::warn!("{error}; what was learned from the last {} bytes of input is lost", self.since.bytes);
            self.since.clear();
            self.revive(1).context(NO_INSTANCE)?;
        }
        // The search for the payload may take some more.
        if !self.since.is_empty() {
            self.snapshot().context(NO_INSTANCE)?;
        }
        Ok(())
    }

    /// A new instance from the copy and what was handed over since, at most so many payloads at once.
    fn revive(&mut self, most: usize) -> Result<(), PluginError> {
        self.scorer = instance(&self.plugin, &self.config, self.copy.as_deref())?;
        self.since.replay(most, &mut self.scorer)
    }

    /// A payload that cost an instance by itself: a new one takes over, and counts and tells it.
    fn give_up(&mut self, payload: &Payload<'_>, error: &PluginError, events: &mut dyn Write) -> Result<Counts> {
        self.replace(error)?;
        let digest = digest(payload.data);
        let scored = self.scorer.give_up(GivenUp {
            id: payload.id,
            layer: "plugin",
            reason: &error.to_string(),
            beginning: shown(payload.data),
            size: payload.data.len() as u64,
            sha256: &digest,
        })?;
        self.keep(std::slice::from_ref(payload), &scored.failures);
        events.write_all(&scored.events)?;
        events.write_all(&told(error))?;
        // The copy has it behind it, too.
        self.snapshot()?;
        Ok(scored.counts)
    }

    /// Counts and tells an input, by its name, of which nothing more can be read since it is damaged.
    ///
    /// # Errors
    ///
    /// The event cannot be written, or the instance is lost.
    pub fn give_up_input(&mut self, name: &str, damage: &Damage, events: &mut dyn Write) -> Result<Counts> {
        let Damage { layer, reason } = damage;
        let scored =
            self.scorer.give_up(GivenUp { id: Some(name), layer, reason, beginning: &[], size: 0, sha256: "" })?;
        events.write_all(&scored.events)?;
        // The copy has it behind it, too.
        self.snapshot()?;
        Ok(scored.counts)
    }

    fn copy_if_due(&mut self) -> Result<(), PluginError> {
        if self.since.bytes >= COPY_AFTER {
            self.snapshot()?;
        }
        Ok(())
    }
}

/// A stored model that does not fit, with what to do about it.
pub fn refused(error: PluginError, object: &str) -> anyhow::Error {
    let is_model = matches!(&error, PluginError::Restore(reason) if !matches!(reason, RestoreError::Config(_)));
    let error = anyhow::Error::new(error);
    if is_model {
        return error.context(format!(
            "the model in the state {object} does not fit (--discard model keeps all else and learns anew)"
        ));
    }
    error
}

const NO_INSTANCE: &str = "no instance of the plugin can be made in the place of the one that was lost";

const NONE: Counts = Counts { records: 0, ok: 0, dropped: 0, failed: 0 };

fn add(a: &mut Counts, b: Counts) {
    a.records += b.records;
    a.ok += b.ok;
    a.dropped += b.dropped;
    a.failed += b.failed;
}

fn instance(plugin: &Plugin, config: &str, snapshot: Option<&[u8]>) -> Result<Scorer, PluginError> {
    match snapshot {
        Some(snapshot) => plugin.restore(config, snapshot),
        None => plugin.scorer(config),
    }
}

/// A component that takes nothing would be asked for ever.
fn has_taken(scored: Scored) -> Result<Scored, PluginError> {
    match scored.taken {
        0 => Err(PluginError::Trap("the component took nothing of a batch".into())),
        _ => Ok(scored),
    }
}

fn told(error: &PluginError) -> Vec<u8> {
    let mut event = Vec::new();
    notice(error, "a new instance has taken over, with everything learned before", &mut event);
    event
}
