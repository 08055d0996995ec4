//! One place for events, whichever it is, for commands that acknowledge what they delivered.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::StatusCode;

use super::backoff::Backoff;
use super::http::{HttpSink, Refused};
use super::kinesis::KinesisSink;
use super::stdout;

/// Bytes of events in one request, unless a single event is longer.
const BODY: usize = 4 << 20;

/// How often deliveries were tried again.
pub type Retries = Arc<AtomicU64>;

/// Where events go.
#[derive(Debug)]
pub enum Delivery {
    /// Standard output, flushed with each delivery.
    Stdout,
    /// The end of a file.
    File(File),
    /// An HTTP endpoint, and how often it was tried again.
    Http(HttpSink, Retries),
    /// A Kinesis stream.
    Kinesis(KinesisSink),
}

impl Delivery {
    /// The end of a file, which is created if it is not there. A line that a crash has cut short is ended first.
    pub fn file(path: &Path) -> io::Result<Self> {
        let mut file = File::options().append(true).read(true).create(true).open(path)?;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        Ok(Delivery::File(file))
    }

    /// How often deliveries were tried again, where that can happen.
    pub fn retries(&self) -> Option<Retries> {
        match self {
            Delivery::Http(_, retries) => Some(retries.clone()),
            Delivery::Stdout | Delivery::File(_) | Delivery::Kinesis(_) => None,
        }
    }

    /// Delivers events, newline-delimited JSON, in order. Returns once all were accepted.
    ///
    /// An endpoint that does not accept is tried again for as long as it takes, whatever it answers: a 400 or 401 says that
    /// one side is configured wrongly, not that the events are worth nothing. Only at 413 the body is sent in halves.
    ///
    /// # Errors
    ///
    /// Standard output or the file cannot be written.
    pub async fn deliver(&mut self, events: &[u8]) -> io::Result<()> {
        match self {
            Delivery::Stdout => stdout::write(events),
            Delivery::File(file) => file.write_all(events),
            Delivery::Kinesis(sink) => {
                sink.send(events).await;
                Ok(())
            }
            Delivery::Http(http, retries) => {
                post(http, retries, events).await;
                Ok(())
            }
        }
    }
}

async fn post(http: &HttpSink, retries: &Retries, events: &[u8]) {
    let mut waiting = vec![events];
    let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(15));
    while let Some(body) = waiting.pop() {
        if let Some((first, second)) = halves(body).filter(|_| body.len() > BODY) {
            waiting.extend([second, first]);
            continue;
        }
        let refused = match http.try_send(body).await {
            Ok(()) => {
                if backoff.attempts() > 0 {
                    tracing::info!("{} accepts events again", http.url());
                    backoff.reset();
                }
                continue;
            }
            Err(refused) => refused,
        };
        if let (Refused::Status(StatusCode::PAYLOAD_TOO_LARGE), Some((first, second))) = (&refused, halves(body)) {
            waiting.extend([second, first]);
            continue;
        }
        waiting.push(body);
        retries.fetch_add(1, Ordering::Relaxed);
        let wait = backoff.next_wait();
        if backoff.is_news() {
            tracing::warn!("{} bytes of events wait for {}: {refused}; trying again", body.len(), http.url());
        }
        tokio::time::sleep(wait).await;
    }
}

/// The lines of a body in two halves; none if it is one line.
fn halves(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let inner = body.strip_suffix(b"\n").unwrap_or(body);
    let middle = inner.len() / 2;
    let before = inner.get(..=middle)?.iter().rposition(|byte| *byte == b'\n');
    let after = || inner[middle..].iter().position(|byte| *byte == b'\n').map(|at| middle + at);
    before.or_else(after).map(|at| body.split_at(at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_halved_between_lines() {
        for (body, expected) in [
            ("", None),
            ("a\n", None),
            ("a\nb\n", Some(("a\n", "b\n"))),
            ("a\nb\nc\nd\n", Some(("a\nb\n", "c\nd\n"))),
            ("a\nbbbbbbbbbbbb\n", Some(("a\n", "bbbbbbbbbbbb\n"))),
            ("aaaaaaaaaaaa\nb\n", Some(("aaaaaaaaaaaa\n", "b\n"))),
        ] {
            let expected = expected.map(|(a, b): (&str, &str)| (a.as_bytes(), b.as_bytes()));
            assert_eq!(halves(body.as_bytes()), expected, "{body:?}");
        }
    }
}
