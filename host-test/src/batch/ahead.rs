//! Layers of payloads undone on other cores, ahead of the scorer.
//!
//! Base64 and compression are half the work of window mode, and depend on nothing but the payload. A batch is cut into parts. The
//! scorer takes one part after the other, while other threads, each with an instance of its own, undo the layers of
//! parts that are still to come. A part that nobody has begun when it is its turn goes to the scorer as it is. So nobody waits
//! for work that he could do himself, and events are the same to the byte however the threads run.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::Result;

use crate::plugin::{Decoder, Payload, Plugin, UnwrappedParam, UnwrappedResult};

/// Payloads of a part, and bytes from which fewer are enough: far more work than handing it over is.
const PART_PAYLOADS: usize = 16;
const PART_BYTES: usize = 64 << 10;

/// Parts that each thread may be ahead, which bounds the memory they take.
const LEAD: usize = 4;

/// Threads beside the scorer's. What is left to the scorer takes as long as the layers do, so more would wait for it.
const MOST_THREADS: usize = 2;

/// Batches that are left alone after one that had no layers. Most streams hold one kind of payloads.
const PAUSE: usize = 32;

/// What the layers of each payload of a part hold; nothing where they were not undone.
pub(super) type Unwrapped = Vec<Option<UnwrappedResult>>;

/// Payloads with what their layers hold, as a scorer takes them.
pub(super) fn joined<'a>(
    payloads: &[Payload<'a>],
    unwrapped: &'a [Option<UnwrappedResult>],
) -> Vec<(Payload<'a>, Option<UnwrappedParam<'a>>)> {
    let unwrapped = unwrapped.iter().map(Option::as_ref).map(|inside| {
        inside.map(|inside| UnwrappedParam { data: &inside.data, layers: &inside.layers, spent: inside.spent })
    });
    payloads.iter().cloned().zip(unwrapped).collect()
}

/// The instances that undo layers.
#[derive(Default)]
pub(super) struct Ahead {
    decoders: Vec<Decoder>,
    pause: usize,
}

impl Ahead {
    /// Hands the parts of a batch to `score`, in order.
    pub(super) fn for_each_part<'p>(
        &mut self,
        (plugin, config): (&Plugin, &str),
        batch: &'p [Payload<'p>],
        mut score: impl FnMut(&[Payload<'p>], Unwrapped) -> Result<()>,
    ) -> Result<()> {
        let threads = thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).min(MOST_THREADS);
        let parts = parts(batch);
        if threads == 0 || parts.len() < 2 || self.pause > 0 {
            self.pause = self.pause.saturating_sub(1);
            return score(batch, Vec::new());
        }
        while self.decoders.len() < threads {
            match plugin.decoder(config) {
                Ok(decoder) => self.decoders.push(decoder),
                // The scorer can do without.
                Err(_) => break,
            }
        }
        let shared = Shared::new(&parts, LEAD * self.decoders.len());
        let scored = thread::scope(|scope| {
            let helpers =
                self.decoders.drain(..).map(|decoder| scope.spawn(|| shared.work(decoder))).collect::<Vec<_>>();
            let scored = parts.iter().enumerate().try_for_each(|(at, part)| score(part, shared.next(at)));
            shared.next(parts.len());
            self.decoders = helpers.into_iter().filter_map(|helper| helper.join().ok().flatten()).collect();
            scored
        });
        if shared.lock().is_vain {
            self.pause = PAUSE;
        }
        scored
    }
}

fn parts<'p>(batch: &'p [Payload<'p>]) -> Vec<&'p [Payload<'p>]> {
    let mut parts = Vec::new();
    let mut rest = batch;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take(PART_PAYLOADS).take_while(|payload| {
            bytes += payload.data.len();
            bytes <= PART_BYTES
        });
        let (part, after) = rest.split_at(fits.count().max(1));
        parts.push(part);
        rest = after;
    }
    parts
}

enum Part {
    Free,
    Begun,
    Done(Unwrapped),
}

struct Progress {
    parts: Vec<Part>,
    /// The part that the scorer is at.
    at: usize,
    /// Parts were looked at, and none had layers.
    is_vain: bool,
}

struct Shared<'p> {
    payloads: &'p [&'p [Payload<'p>]],
    lead: usize,
    progress: Mutex<Progress>,
    changed: Condvar,
}

impl<'p> Shared<'p> {
    fn new(payloads: &'p [&'p [Payload<'p>]], lead: usize) -> Self {
        let progress = Progress { parts: payloads.iter().map(|_| Part::Free).collect(), at: 0, is_vain: false };
        Shared { payloads, lead, progress: Mutex::new(progress), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, progress: MutexGuard<'g, Progress>) -> MutexGuard<'g, Progress> {
        self.changed.wait(progress).unwrap_or_else(PoisonError::into_inner)
    }

    /// The scorer goes on to a part: what its layers hold, as far as another thread has begun to undo them.
    fn next(&self, at: usize) -> Unwrapped {
        let mut progress = self.lock();
        progress.at = at;
        self.changed.notify_all();
        loop {
            match progress.parts.get_mut(at).map(|part| std::mem::replace(part, Part::Begun)) {
                None | Some(Part::Free) => return Vec::new(),
                Some(Part::Done(unwrapped)) => return unwrapped,
                Some(Part::Begun) => progress = self.wait(progress),
            }
        }
    }

    /// Undoes the layers of parts that are to come, until there are none. The instance comes back, unless it was lost.
    fn work(&self, mut decoder: Decoder) -> Option<Decoder> {
        let mut progress = self.lock();
        loop {
            let to_come = progress.at + 1..self.payloads.len().min(progress.at + 1 + self.lead);
            let next = to_come.clone().find(|part| matches!(progress.parts.get(*part), Some(Part::Free)));
            let Some(next) = next else {
                if to_come.end == self.payloads.len() || to_come.is_empty() {
                    return Some(decoder);
                }
                progress = self.wait(progress);
                continue;
            };
            progress.parts[next] = Part::Begun;
            drop(progress);
            // A payload that costs the instance is the scorer's, which tells it.
            let unwrapped = decoder.unwrap(self.payloads[next]);
            progress = self.lock();
            let is_lost = unwrapped.is_err();
            let unwrapped = unwrapped.unwrap_or_default();
            progress.is_vain = !is_lost && unwrapped.iter().all(Option::is_none);
            progress.parts[next] = Part::Done(unwrapped);
            self.changed.notify_all();
            if is_lost {
                return None;
            }
        }
    }
}
