//! Events by HTTP: `POST` of newline-delimited JSON, such as Vector's `http_server` and Fluent Bit's `http` source take.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};

use super::backoff::Backoff;

/// Events of one request, at most, in bytes, unless a single event is longer.
const BODY: usize = 4 << 20;
/// Time that the other end has to accept a request: longer than it takes to deliver further on.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The other end of an HTTP connection.
#[derive(Clone, Debug)]
pub struct HttpSink {
    client: Client,
    url: Url,
}

/// Events that were not accepted.
#[derive(Debug)]
pub enum Refused {
    /// The answer has a status that is not 2xx.
    Status(StatusCode),
    /// There was no answer.
    Unreachable(reqwest::Error),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Status(status) => write!(f, "it answered {status}"),
            Refused::Unreachable(error) => {
                let mut cause: &dyn std::error::Error = error;
                while let Some(deeper) = cause.source() {
                    cause = deeper;
                }
                write!(f, "no answer: {cause}")
            }
        }
    }
}

impl std::error::Error for Refused {}

impl HttpSink {
    /// A sink for this URL.
    ///
    /// # Errors
    ///
    /// The client cannot be made, as when the system has no certificates.
    pub fn new(url: Url) -> reqwest::Result<Self> {
        let client = Client::builder()
            .timeout(TIMEOUT)
            // A redirect would turn the request into a GET, or deliver it where nobody meant to.
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("flowscore/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(HttpSink { client, url })
    }

    /// Where events go.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Tries once to deliver events, one a line, as one request. No events: no request.
    ///
    /// # Errors
    ///
    /// The other end did not accept them, or not that anyone knows: they may have arrived.
    pub async fn try_send(&self, events: &[u8]) -> Result<(), Refused> {
        if events.is_empty() {
            return Ok(());
        }
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/x-ndjson");
        let answer = request.body(events.to_vec()).send().await.map_err(Refused::Unreachable)?;
        // The body is read so that the connection can be used again.
        let status = answer.status();
        let _ = answer.bytes().await;
        if status.is_success() { Ok(()) } else { Err(Refused::Status(status)) }
    }

    /// Delivers events, in order and in requests of a moderate size, each tried until it is accepted. Any status but 2xx
    /// is tried again: at the other end a mistake can be mended, events that were dropped cannot.
    pub async fn send(&self, events: &[u8]) {
        for body in requests(events, BODY) {
            let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
            while let Err(refused) = self.try_send(body).await {
                let wait = backoff.next_wait();
                if backoff.is_news() {
                    let bytes = body.len();
                    tracing::warn!("{bytes} bytes of events wait for {}: {refused}; trying again", self.url);
                }
                tokio::time::sleep(wait).await;
            }
            if backoff.attempts() > 0 {
                tracing::info!("{} accepts events again", self.url);
            }
        }
    }
}

/// Cuts events into pieces of whole lines.
fn requests(events: &[u8], size: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = events;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let head = &rest[..rest.len().min(size)];
        let end = match head.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            // One long line.
            None => rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1),
        };
        let (body, more) = rest.split_at(if rest.len() <= size { rest.len() } else { end });
        rest = more;
        Some(body)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_hold_whole_events() {
        for (events, expected) in [
            (&b""[..], vec![]),
            (b"a\nb\n", vec![&b"a\nb\n"[..]]),
            (b"aaa\nbbb\nccc\n", vec![b"aaa\nbbb\n", b"ccc\n"]),
            (b"aaaaaaaaaaaaaaaa\nb\n", vec![b"aaaaaaaaaaaaaaaa\n", b"b\n"]),
            (b"aaaaaaaaaaaaaaaa", vec![b"aaaaaaaaaaaaaaaa"]),
        ] {
            let bodies: Vec<&[u8]> = requests(events, 9).collect();
            assert_eq!(bodies, expected);
        }
    }
}
