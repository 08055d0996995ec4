//! Which batches come in: new ones as far as there is room, and each one once.
//!
//! Senders send a batch again when its answer was lost or late. Every batch has a name, and the names of the last ones are
//! remembered: a re-send of one that is still being worked on waits for the same outcome, and a re-send of one that was
//! accepted is answered at once. Neither is scored again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};

use super::batch::Batch;
use crate::monitor::metrics::{Metric, Metrics};

/// Bytes that one permit of the memory stands for.
const PERMIT: usize = 1 << 10;

/// Bounds of what waits.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Requests that may wait for their answer.
    pub batches: usize,
    /// Bytes that they take together. One batch is let in however large it is if nothing else waits.
    pub bytes: usize,
    /// Names of accepted batches that are remembered.
    pub remember: usize,
}

/// A batch on its way, with who waits for it.
pub struct Job {
    /// The batch.
    pub batch: Batch,
    /// When it came.
    pub received: Instant,
    accepted: watch::Sender<bool>,
    _memory: OwnedSemaphorePermit,
}

/// What a sender is told.
pub enum Admitted {
    /// Its batch is on its way: wait until this is true. If it ends before, the batch was not accepted.
    Pending(watch::Receiver<bool>),
    /// It was accepted before.
    Known,
    /// There is no room, or not now.
    Busy,
}

/// Lets batches in.
pub struct Admission {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    memory: Arc<Semaphore>,
    permits: u32,
    opened: AtomicBool,
    /// Whether the state could be written when that was tried last.
    is_stored: AtomicBool,
    names: Mutex<Names>,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Names {
    pending: HashMap<String, watch::Receiver<bool>>,
    accepted: HashSet<String>,
    /// The accepted ones, oldest first.
    order: VecDeque<String>,
    remember: usize,
}

impl Names {
    fn accept(&mut self, name: &str) {
        self.pending.remove(name);
        if self.remember == 0 || !self.accepted.insert(name.to_owned()) {
            return;
        }
        self.order.push_back(name.to_owned());
        while self.order.len() > self.remember {
            if let Some(oldest) = self.order.pop_front() {
                self.accepted.remove(&oldest);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is guarded is whole between any two statements that hold the lock.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Admission {
    /// The way in, and where the batches come out in order. Nothing is let in before [`open`](Self::open).
    pub fn new(bounds: Bounds, metrics: Arc<Metrics>) -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(bounds.batches.clamp(1, 1 << 20));
        let permits = bounds.bytes.div_ceil(PERMIT).clamp(1, u32::MAX as usize >> 3) as u32;
        let admission = Admission {
            jobs: Mutex::new(Some(jobs)),
            memory: Arc::new(Semaphore::new(0)),
            permits,
            opened: AtomicBool::new(false),
            is_stored: AtomicBool::new(true),
            names: Mutex::new(Names { remember: bounds.remember, ..Names::default() }),
            metrics,
        };
        (admission, queue)
    }

    /// Lets batches in, of which those with these names were accepted before.
    pub fn open(&self, accepted: &[String]) {
        let mut names = lock(&self.names);
        for name in accepted {
            names.accept(name);
        }
        drop(names);
        self.memory.add_permits(self.permits as usize);
        self.opened.store(true, Ordering::Release);
    }

    /// Whether batches are let in as far as there is room.
    pub fn is_open(&self) -> bool {
        self.opened.load(Ordering::Acquire) && lock(&self.jobs).is_some()
    }

    /// The state could be written, or not: as long as it cannot, no batch is accepted.
    pub fn stored(&self, is_stored: bool) {
        self.is_stored.store(is_stored, Ordering::Release);
    }

    /// Why no batch is accepted now; none if nothing is known to be in the way.
    pub fn problem(&self) -> Option<&'static str> {
        if !self.is_open() {
            return Some("starting or stopping");
        }
        (!self.is_stored.load(Ordering::Acquire)).then_some("the state cannot be written")
    }

    /// Lets no more batches in. The queue ends after those that are in it.
    pub fn close(&self) {
        lock(&self.jobs).take();
    }

    /// A batch wants in.
    pub fn admit(&self, batch: Batch) -> Admitted {
        let mut names = lock(&self.names);
        if names.accepted.contains(&batch.id) {
            return Admitted::Known;
        }
        if let Some(pending) = names.pending.get(&batch.id) {
            return Admitted::Pending(pending.clone());
        }
        let jobs = lock(&self.jobs);
        let Some(jobs) = jobs.as_ref() else { return Admitted::Busy };
        let permits = batch.memory().div_ceil(PERMIT).clamp(1, self.permits as usize) as u32;
        let Ok(memory) = self.memory.clone().try_acquire_many_owned(permits) else { return Admitted::Busy };
        let (accepted, pending) = watch::channel(false);
        let (id, bytes) = (batch.id.clone(), batch.bytes());
        if jobs.try_send(Job { batch, received: Instant::now(), accepted, _memory: memory }).is_err() {
            return Admitted::Busy;
        }
        names.pending.insert(id, pending.clone());
        self.metrics.set(Metric::QueueBatches, names.pending.len() as u64);
        let waiting = self.metrics.get(Metric::QueueBytes);
        self.metrics.set(Metric::QueueBytes, waiting + bytes as u64);
        Admitted::Pending(pending)
    }

    /// A batch was accepted downstream: whoever waits for it is told.
    pub fn accepted(&self, job: &Job) {
        let mut names = lock(&self.names);
        names.accept(&job.batch.id);
        self.metrics.set(Metric::QueueBatches, names.pending.len() as u64);
        let waiting = self.metrics.get(Metric::QueueBytes);
        self.metrics.set(Metric::QueueBytes, waiting.saturating_sub(job.batch.bytes() as u64));
        drop(names);
        self.metrics.accepted_after(job.received.elapsed().as_secs_f64());
        // Nobody may be waiting any longer.
        job.accepted.send_replace(true);
    }

    /// The names of the batches accepted last, with these as the newest, as many as are remembered; oldest first.
    pub fn remembered(&self, newest: &[Job]) -> Vec<String> {
        let names = lock(&self.names);
        let newest = newest.iter().map(|job| &job.batch.id);
        let all: Vec<&String> = names.order.iter().chain(newest).collect();
        all[all.len().saturating_sub(names.remember)..].iter().map(|name| (*name).clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::metrics::Command;

    fn admission(batches: usize, bytes: usize, remember: usize) -> (Admission, mpsc::Receiver<Job>) {
        let (admission, jobs) =
            Admission::new(Bounds { batches, bytes, remember }, Arc::new(Metrics::new(Command::Serve)));
        admission.open(&[]);
        (admission, jobs)
    }

    fn batch(id: &str, bytes: usize) -> Batch {
        let mut batch = Batch::new(id.into());
        batch.push(&vec![b'x'; bytes]);
        batch
    }

    fn is_pending(admitted: &Admitted) -> bool {
        matches!(admitted, Admitted::Pending(_))
    }

    #[test]
    fn a_batch_is_let_in_once_and_known_when_accepted() {
        let (admission, mut jobs) = admission(8, 1 << 20, 8);
        let Admitted::Pending(first) = admission.admit(batch("a", 10)) else { panic!("a new batch") };
        let Admitted::Pending(again) = admission.admit(batch("a", 10)) else { panic!("a re-send") };
        let job = jobs.try_recv().unwrap();
        assert!(jobs.try_recv().is_err(), "a re-send is not queued again");
        assert!(!*again.borrow());
        admission.accepted(&job);
        assert!(*first.borrow() && *again.borrow());
        assert!(matches!(admission.admit(batch("a", 10)), Admitted::Known));
    }

    #[test]
    fn room_is_bounded_by_number_and_by_bytes_and_is_given_back() {
        let (number, mut jobs) = admission(2, 1 << 20, 8);
        assert!(is_pending(&number.admit(batch("a", 1))) && is_pending(&number.admit(batch("b", 1))));
        assert!(matches!(number.admit(batch("c", 1)), Admitted::Busy));
        number.accepted(&jobs.try_recv().unwrap());
        assert!(is_pending(&number.admit(batch("c", 1))));

        let (bytes, mut jobs) = admission(100, 10 << 10, 8);
        assert!(is_pending(&bytes.admit(batch("a", 6 << 10))));
        assert!(matches!(bytes.admit(batch("b", 6 << 10)), Admitted::Busy));
        drop(jobs.try_recv().unwrap());
        assert!(is_pending(&bytes.admit(batch("large", 1 << 20))), "alone, a batch of any size is let in");
        drop(jobs.try_recv().unwrap());

        let mut small = batch("small", 0);
        (0..80).for_each(|_| small.push(b"1"));
        assert!(is_pending(&bytes.admit(small)));
        assert!(matches!(bytes.admit(batch("b", 6 << 10)), Admitted::Busy), "each payload has its overhead");
    }

    #[test]
    fn only_the_last_names_are_remembered() {
        let (admission, mut jobs) = admission(8, 1 << 20, 2);
        for id in ["a", "b", "c"] {
            assert!(is_pending(&admission.admit(batch(id, 1))));
            admission.accepted(&jobs.try_recv().unwrap());
        }
        assert_eq!(admission.remembered(&[]), ["b", "c"]);
        assert!(is_pending(&admission.admit(batch("a", 1))));
        let job = jobs.try_recv().unwrap();
        assert_eq!(admission.remembered(&[job]), ["c", "a"]);
    }

    #[test]
    fn nothing_is_let_in_before_it_is_open_or_after_it_is_closed() {
        let (admission, jobs) =
            Admission::new(Bounds { batches: 8, bytes: 1 << 20, remember: 8 }, Arc::new(Metrics::new(Command::Serve)));
        assert!(matches!(admission.admit(batch("a", 1)), Admitted::Busy));
        admission.open(&["old".into()]);
        assert!(matches!(admission.admit(batch("old", 1)), Admitted::Known));
        admission.close();
        assert!(matches!(admission.admit(batch("a", 1)), Admitted::Busy));
        assert!(jobs.is_closed() || jobs.is_empty());
    }
}
