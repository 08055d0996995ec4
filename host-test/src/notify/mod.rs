//! Telling people: what is [`news`], in which [words](text), and [by whom](target).
//!
//! Events are taken once the output has accepted them. What is news waits in a queue for each target, is tried until it is accepted, and
//! is remembered, so that events which are delivered again after a crash are not told again. Where there is a state, memory and
//! queues are kept beside it and are saved before the events count as read.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::sink::backoff::Backoff;
use crate::state::{Part, State};

pub mod news;
pub mod target;
pub mod template;
pub mod text;

use news::{Memory, News, SOURCE};
use target::{Clients, Refused, Target};
use text::Words;

/// News that wait for one target at most; the oldest are given up first.
const WAITING: usize = 1_000;
/// After so long nobody needs to be told any more.
const STALE: Duration = Duration::from_secs(24 * 3_600);

/// The part of a state that memory and queues are kept in.
pub const PART: &str = "notified";

/// Whom people are told by, and in which words.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The targets.
    pub targets: Vec<Target>,
    /// The words.
    pub words: Words,
}

/// What came of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was accepted.
    Sent,
    /// It was not accepted for now.
    Retried,
    /// It was refused, got stale, or had to make room.
    GivenUp,
}

/// Tells people.
#[derive(Clone)]
pub struct Notifier(Arc<Inner>);

struct Inner {
    setup: Setup,
    clients: Clients,
    counts: [AtomicU64; 3],
    told: Mutex<Told>,
    kept: tokio::sync::Mutex<Option<Part>>,
    /// Something was put into a queue, one for each target.
    come: Vec<Notify>,
    /// Something was taken from a queue.
    gone: Notify,
}

impl std::fmt::Debug for Notifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.0.setup.targets).finish()
    }
}

/// What is kept.
#[derive(Clone, Default, Deserialize, Serialize)]
struct Told {
    memory: Memory,
    /// What waits for each target, by its key, oldest first.
    queues: BTreeMap<String, VecDeque<Waiting>>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Waiting {
    news: News,
    /// When it came, in milliseconds since the Unix epoch.
    since: u64,
}

impl Notifier {
    /// Begins to tell, and goes on with what was kept, if it is to be kept.
    ///
    /// # Errors
    ///
    /// What was kept cannot be read, or no HTTP client can be made.
    pub async fn start(setup: Setup, mut kept: Option<Part>) -> anyhow::Result<Self> {
        let mut told = match &mut kept {
            Some(part) => match part.load().await? {
                Some(state) => serde_json::from_slice(&state.snapshot)
                    .with_context(|| format!("{} is not as it should be", part.object()))?,
                None => Told::default(),
            },
            None => Told::default(),
        };
        told.queues.retain(|key, _| setup.targets.iter().any(|target| target.key == *key));
        let inner = Inner {
            clients: Clients::of(&setup.targets).await?,
            come: setup.targets.iter().map(|_| Notify::new()).collect(),
            setup,
            counts: [const { AtomicU64::new(0) }; 3],
            told: Mutex::new(told),
            kept: tokio::sync::Mutex::new(kept),
            gone: Notify::new(),
        };
        let notifier = Notifier(Arc::new(inner));
        for number in 0..notifier.0.setup.targets.len() {
            tokio::spawn(notifier.clone().serve(number));
        }
        Ok(notifier)
    }

    /// Keeps nothing more: another process goes on.
    pub async fn release(&self) {
        *self.0.kept.lock().await = None;
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // What is guarded is whole between any two statements that hold the lock.
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes events that the output has accepted: newline-delimited JSON. Returns when what is news of them is kept.
    pub async fn take(&self, events: &[u8]) {
        let mut is_news = false;
        {
            let mut told = self.told();
            for mut news in told.memory.news(events) {
                is_news = true;
                if news.id == SOURCE {
                    // Several processes may tell one pager.
                    news.id = format!("{SOURCE} of {}", self.0.setup.words.source);
                }
                let waiting = Waiting { news, since: now() };
                for target in self.0.setup.targets.iter().filter(|target| target.wants(&waiting.news)) {
                    let queue = told.queues.entry(target.key.clone()).or_default();
                    queue.push_back(waiting.clone());
                    if queue.len() > WAITING {
                        queue.pop_front();
                        self.count(Outcome::GivenUp);
                        tracing::error!(
                            "{} has not accepted for long: the oldest of {WAITING} notifications is given up",
                            target.name
                        );
                    }
                }
            }
        }
        if !is_news {
            return;
        }
        self.keep().await;
        self.0.come.iter().for_each(Notify::notify_one);
    }

    /// Keeps memory and queues. What cannot be kept is told and holds nothing up: events matter more.
    pub async fn keep(&self) {
        let mut kept = self.0.kept.lock().await;
        let Some(part) = kept.as_mut() else { return };
        let encoded = serde_json::to_vec(&*self.told());
        let saved = match encoded {
            Ok(snapshot) => part.save(&State { snapshot, ..State::default() }).await.map_err(anyhow::Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = saved {
            tracing::warn!("what was told cannot be kept, and may be told again after a restart: {error}");
        }
    }

    fn count(&self, outcome: Outcome) {
        self.0.counts[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How often this came of a notification.
    pub fn counted(&self, outcome: Outcome) -> u64 {
        self.0.counts[outcome as usize].load(Ordering::Relaxed)
    }

    /// Tells one target what waits for it, for as long as the process lives.
    async fn serve(self, number: usize) {
        let target = &self.0.setup.targets[number];
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60));
        loop {
            let first = self.told().queues.get(&target.key).and_then(VecDeque::front).cloned();
            let Some(Waiting { news, since }) = first else {
                self.0.come[number].notified().await;
                continue;
            };
            let text = self.0.setup.words.text(&target.as_told(&news));
            let is_stale = now().saturating_sub(since) > STALE.as_millis() as u64;
            let sent = match is_stale {
                true => Err(Refused::Never("it is a day old".into())),
                false => target.send(&self.0.clients, &news, &text).await,
            };
            match sent {
                Ok(()) => {
                    if backoff.attempts() > 0 {
                        tracing::info!("{} accepts notifications again", target.name);
                    }
                    backoff.reset();
                    self.count(Outcome::Sent);
                }
                Err(Refused::Later(reason, after)) => {
                    let wait = backoff.next_wait().max(after.unwrap_or_default().min(Duration::from_secs(600)));
                    self.count(Outcome::Retried);
                    if backoff.is_news() {
                        tracing::warn!("{} does not accept a notification: {reason}; trying again", target.name);
                    }
                    tokio::time::sleep(wait).await;
                    continue;
                }
                Err(Refused::Never(reason)) => {
                    self.count(Outcome::GivenUp);
                    tracing::error!(
                        "{} does not take a notification, which is given up: {reason}; it was: {}",
                        target.name,
                        text.title
                    );
                }
            }
            self.done(target, since, &news);
            self.keep().await;
            self.0.gone.notify_waiters();
        }
    }

    /// It waits no more, unless it was given up meanwhile.
    fn done(&self, target: &Target, since: u64, news: &News) {
        let mut told = self.told();
        if let Some(queue) = told.queues.get_mut(&target.key)
            && queue.front().is_some_and(|first| first.since == since && first.news == *news)
        {
            queue.pop_front();
        }
    }

    /// Waits until nothing waits any more, at most so long. How many still do.
    pub async fn finish(&self, within: Duration) -> usize {
        let empty = async {
            loop {
                let gone = self.0.gone.notified();
                if self.waiting() == 0 {
                    return;
                }
                gone.await;
            }
        };
        let _ = tokio::time::timeout(within, empty).await;
        self.waiting()
    }

    /// How many notifications wait, of all targets.
    pub fn waiting(&self) -> usize {
        self.told().queues.values().map(VecDeque::len).sum()
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
