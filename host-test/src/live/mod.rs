//! The page of a running process, and the same as data: what it found of late, fed by its own events and windows. Over HTTP by [`http`].
//!
//! It is the page of `flowscore report`, made by the same crate. Nothing of it is in the way of scoring: what comes is put aside, and read
//! when somebody asks or when much of it waits; the page is made at most every two seconds, however many look at it.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use flowscore_report::{Live as Found, Names, Options};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::monitor::Monitor;
use crate::monitor::metrics::Metric;

pub mod http;

/// How long a page that was made is good enough, and a state.
const PAGE_FOR: Duration = Duration::from_secs(2);
const STATE_FOR: Duration = Duration::from_millis(900);
/// Over how long throughput is measured.
const RATE_OVER: Duration = Duration::from_secs(10);
/// Bytes of events that wait until somebody asks.
const MOST_WAITING: usize = 1 << 20;
/// Pages that follow this process at the same time.
const MOST_FOLLOWERS: usize = 64;

/// What a process shows.
pub struct Live {
    title: String,
    found: Mutex<Found>,
    /// Events that were not read yet.
    waiting: Mutex<Vec<u8>>,
    made: Mutex<Made>,
    rate: Mutex<VecDeque<(Instant, u64)>>,
    followers: Arc<Semaphore>,
    stopped: watch::Sender<bool>,
}

/// What was made, and when.
#[derive(Default)]
struct Made {
    page: Option<(Instant, Html)>,
    content: Option<(Instant, Html)>,
    state: Option<(Instant, State)>,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("title", &self.title).finish_non_exhaustive()
    }
}

/// A page, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Html {
    /// Changes with what was found.
    version: u64,
    text: Bytes,
}

/// What is going on.
#[derive(Clone, Debug)]
struct State {
    /// Changes with what was found.
    version: u64,
    health: Option<String>,
    /// Everything, as one line of JSON.
    text: Arc<str>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// Shows nothing yet. The configuration's `record.threshold` is marked.
    pub fn new(title: String, names: Names, config: &str) -> Arc<Self> {
        let config: Value = serde_json::from_str(config).unwrap_or_default();
        let threshold = config["record"]["threshold"].as_f64().unwrap_or(Options::default().threshold);
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Arc::new(Live {
            title,
            found: Mutex::new(Found::new(names, threshold, since as i64)),
            waiting: Mutex::default(),
            made: Mutex::default(),
            rate: Mutex::default(),
            followers: Arc::new(Semaphore::new(MOST_FOLLOWERS)),
            stopped: watch::channel(false).0,
        })
    }

    /// Takes events: newline-delimited JSON.
    pub fn take(&self, events: &[u8]) {
        let mut waiting = lock(&self.waiting);
        waiting.extend_from_slice(events);
        if waiting.len() >= MOST_WAITING {
            let events = std::mem::take(&mut *waiting);
            drop(waiting);
            read(&events, &mut lock(&self.found));
        }
    }

    /// Ends what follows, so that connections can be closed.
    pub fn stop(&self) {
        self.stopped.send_replace(true);
    }

    /// What was found, with all that came.
    fn found(&self) -> MutexGuard<'_, Found> {
        let mut found = lock(&self.found);
        let events = std::mem::take(&mut *lock(&self.waiting));
        read(&events, &mut found);
        found
    }

    /// The whole page.
    fn page(&self) -> io::Result<Html> {
        let mut made = lock(&self.made);
        again(&mut made.page, PAGE_FOR, || {
            let (mut found, mut page) = (self.found(), Vec::new());
            found.page(&self.title, &mut page)?;
            Ok(Html { version: found.version(), text: page.into() })
        })
    }

    /// What changes of it.
    fn content(&self) -> io::Result<Html> {
        let mut made = lock(&self.made);
        again(&mut made.content, PAGE_FOR, || {
            let (mut found, mut content) = (self.found(), Vec::new());
            found.content(&mut content)?;
            Ok(Html { version: found.version(), text: content.into() })
        })
    }

    /// What is going on.
    fn state(&self, monitor: &Monitor, problem: Option<&str>) -> io::Result<State> {
        let mut made = lock(&self.made);
        again(&mut made.state, STATE_FOR, || {
            let mut found = self.found();
            let (version, mut state) = (found.version(), found.state());
            drop(found);
            let records = [Metric::RecordsOk, Metric::RecordsDropped, Metric::RecordsFailed];
            let records: u64 = records.iter().map(|metric| monitor.metrics.get(*metric)).sum();
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
            state["lag_s"] = state["event_time"].as_f64().map(|event| (now - event).round()).into();
            state["title"] = self.title.as_str().into();
            state["health"] = problem.unwrap_or("ready").into();
            state["records"] = records.into();
            state["series_held"] = monitor.metrics.get(Metric::Series).into();
            state["records_per_second"] = self.rate(records).into();
            Ok(State { version, health: problem.map(str::to_owned), text: state.to_string().into() })
        })
    }

    /// Records for each second of late; none at first.
    fn rate(&self, records: u64) -> Option<f64> {
        let (mut seen, now) = (lock(&self.rate), Instant::now());
        while seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= RATE_OVER) {
            seen.pop_front();
        }
        seen.push_back((now, records));
        let (since, before) = *seen.front()?;
        let seconds = now.duration_since(since).as_secs_f64();
        (seconds > 0.5).then(|| ((records - before.min(records)) as f64 / seconds * 10.0).round() / 10.0)
    }
}

/// What was made before, if that is not long ago.
fn again<T: Clone>(
    made: &mut Option<(Instant, T)>,
    good_for: Duration,
    make: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    if let Some((at, made)) = made
        && at.elapsed() < good_for
    {
        return Ok(made.clone());
    }
    let new = make()?;
    *made = Some((Instant::now(), new.clone()));
    Ok(new)
}

/// Reads events. Of most scores of records only the number matters, and there are as many as records.
fn read(events: &[u8], found: &mut Found) {
    for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if line.starts_with(b"{\"type\":\"score\",") {
            match score(line) {
                Some(score) if found.is_ordinary(score) => {
                    found.count(score);
                    continue;
                }
                Some(_) => {}
                None => continue,
            }
        }
        if let Ok(event) = serde_json::from_slice(line) {
            found.add(&event);
        }
    }
}

/// The score in a `score` event: the last member of this name, since the record's come before it.
fn score(line: &[u8]) -> Option<f64> {
    const NAME: &[u8] = b"\"anomaly_score\":";
    let after = &line[memchr::memmem::rfind(line, NAME)? + NAME.len()..];
    let end = after.iter().position(|byte| matches!(byte, b',' | b'}'))?;
    std::str::from_utf8(&after[..end]).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::metrics::Command;

    #[test]
    fn what_came_is_shown_when_somebody_asks_and_not_made_anew_each_time() {
        let live = Live::new("A <title>".into(), Names::default(), r#"{"record":{"threshold":2}}"#);
        let monitor = Monitor::new(Command::Serve);
        for minute in 0..3 {
            live.take(
                format!(
                    "{{\"type\":\"window\",\"series\":\"eni-1\",\"start\":{},\"end\":{},\"bytes\":7}}\n",
                    minute * 60,
                    minute * 60 + 60
                )
                .as_bytes(),
            );
        }
        let state: Value = serde_json::from_str(&live.state(&monitor, Some("starting")).unwrap().text).unwrap();
        assert_eq!(
            (&state["health"], &state["series"][0]["windows"]),
            (&"starting".into(), &serde_json::json!([7.0, 7.0, 7.0]))
        );
        let (page, content) = (live.page().unwrap(), live.content().unwrap());
        assert!(std::str::from_utf8(&page.text).unwrap().contains("<title>A &lt;title&gt;</title>"));
        live.take(b"{\"type\":\"window\",\"series\":\"eni-2\",\"start\":0,\"end\":60,\"bytes\":7}\n");
        assert_eq!((live.page().unwrap(), live.content().unwrap()), (page, content));
        live.take(&vec![b'\n'; MOST_WAITING]);
        assert!(lock(&live.waiting).is_empty());
        assert!(lock(&live.found).state().to_string().contains("eni-2"));
    }

    #[test]
    fn scores_are_read_without_their_records() {
        for (line, expected) in [
            (
                r#"{"type":"score","record":{"anomaly_score":9},"anomaly_score":1.25,"anomaly_explanation":null}"#,
                Some(1.25),
            ),
            (r#"{"type":"score","record":null,"anomaly_score":null}"#, None),
            (r#"{"type":"score"}"#, None),
        ] {
            assert_eq!(score(line.as_bytes()), expected, "{line}");
        }
    }
}
