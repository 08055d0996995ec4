//! Layers of payloads undone on other cores, ahead of the scorer.
//!
//! Base64 and compression are more than half the work of window mode where payloads are small, and depend on nothing but the payload. A batch is cut into parts. The
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
pub(super) struct Ahead {
    threads: usize,
    decoders: Vec<Decoder>,
    pause: usize,
}

/// As many threads as there are further cores.
impl Default for Ahead {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ahead { threads: (cores - 1).min(MOST_THREADS), decoders: Vec::new(), pause: 0 }
    }
}

impl Ahead {
    /// Hands the parts of a batch to `score`, in order.
    pub(super) fn for_each_part<'p>(
        &mut self,
        (plugin, config): (&Plugin, &str),
        batch: &'p [Payload<'p>],
        mut score: impl FnMut(&[Payload<'p>], Unwrapped) -> Result<()>,
    ) -> Result<()> {
        let parts = parts(batch);
        if self.threads == 0 || parts.len() < 2 || self.pause > 0 {
            self.pause = self.pause.saturating_sub(1);
            return score(batch, Vec::new());
        }
        while self.decoders.len() < self.threads {
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use base64::Engine as _;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::batch::Scoring;
    use crate::plugin::Limits;

    /// Documents of CloudWatch Logs in gzip and base64, among them zstd, plain lines, damage, and more than may go ahead.
    fn payloads() -> Vec<Vec<u8>> {
        let payload = |minute: usize| {
            let (start, bytes) = (1_700_000_000 + minute * 60, 1_000 + minute * 7_919 % 211 + minute / 190 * 90_000);
            let line = format!("2 1 eni-1 10.0.0.1 10.0.0.2 443 9 6 3 {bytes} {start} {} ACCEPT OK", start + 59);
            let event = format!("{{\"id\":\"1\",\"timestamp\":{start}000,\"message\":\"{line}\"}}");
            let events = vec![event; if minute == 77 { 20_000 } else { 3 }].join(",");
            let document = format!(
                "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"1\",\"logGroup\":\"g\",\"logStream\":\"s\",\"logEvents\":[{events}]}}"
            );
            if minute % 10 == 8 {
                return zstd::encode_all(document.as_bytes(), 3).unwrap();
            }
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(document.as_bytes()).unwrap();
            let mut gzip = gzip.finish().unwrap();
            match minute % 10 {
                3 => line.into_bytes(),
                5 => gzip,
                7 => {
                    gzip.truncate(gzip.len() - 9);
                    gzip
                }
                _ => base64::engine::general_purpose::STANDARD.encode(gzip).into_bytes(),
            }
        };
        (0..200).map(payload).collect()
    }

    #[test]
    fn events_and_model_are_the_same_to_the_byte_however_many_threads_there_are() {
        let plugin = Plugin::built_in(Limits::default()).unwrap();
        let data = payloads();
        let batch: Vec<Payload<'_>> = data.iter().map(|data| Payload { data, id: Some("p") }).collect();
        for config in ["{}", r#"{"mode":"record","forest":{"number_of_trees":10,"sub_sample_size":32}}"#] {
            let mut expected = None;
            for threads in [0, 1, 3] {
                let mut scoring = Scoring::new(&plugin, config).unwrap();
                scoring.ahead.threads = threads;
                let mut events = Vec::new();
                for batch in batch.chunks(90) {
                    scoring.transform(batch, &mut events).unwrap();
                }
                scoring.finish(&mut events).unwrap();
                assert_eq!(scoring.ahead.decoders.len(), threads, "instances");
                let found = (events, scoring.snapshot().unwrap().to_vec());
                assert!(found.0.len() > 1_000);
                assert!(*expected.get_or_insert_with(|| found.clone()) == found, "{threads} threads, {config}");
            }
        }
    }
}
