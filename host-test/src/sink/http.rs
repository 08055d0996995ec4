//! Events by HTTP: `POST` of newline-delimited JSON, such as Vector's `http_server` and Fluent Bit's `http` source take.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, StatusCode, Url};

use super::retry::{Retries, Retry};
use super::too_large;
use crate::usage::without_credentials;

/// Events of one request, at most, in bytes, unless a single event is longer.
const BODY: usize = 4 << 20;
/// Time that the other end has to accept a request: longer than it takes to deliver further on.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The other end of an HTTP connection.
#[derive(Clone, Debug)]
pub struct HttpSink {
    client: Client,
    url: Url,
    /// The URL as it is told to people: without credentials.
    name: String,
    retries: Retries,
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
        let name = without_credentials(url.as_str());
        Ok(HttpSink { client, url, name, retries: Retries::default() })
    }

    /// How often deliveries were tried again.
    pub fn retries(&self) -> Retries {
        self.retries.clone()
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

    /// Delivers events, one a line, in order and in requests of a moderate size, each tried until it is accepted.
    ///
    /// Any status but 2xx is tried again, whatever it says: a 400 or 401 means that one side is configured wrongly, which
    /// can be mended; events that were dropped cannot. Only at 413 the body is sent in halves, and a single event that is
    /// still too large is replaced by a notice.
    pub async fn deliver(&self, events: &[u8]) {
        let mut retry = Retry::new(&self.name, &self.retries);
        let mut waiting = vec![Cow::Borrowed(events)];
        let mut is_notice = false;
        while let Some(body) = waiting.pop() {
            if body.len() > BODY
                && let Some(middle) = middle(&body)
            {
                split(body, middle, &mut waiting);
                continue;
            }
            match self.try_send(&body).await {
                Ok(()) => {
                    retry.accepted();
                    is_notice = false;
                }
                Err(Refused::Status(status @ StatusCode::PAYLOAD_TOO_LARGE)) if !is_notice => match middle(&body) {
                    Some(middle) => split(body, middle, &mut waiting),
                    None => {
                        is_notice = true;
                        waiting.push(too_large(&body, &format!("{} answered {status}", self.name)).into());
                    }
                },
                Err(refused) => {
                    retry.wait(body.len(), &refused).await;
                    waiting.push(body);
                }
            }
        }
    }
}

/// Puts the two parts of a body on the stack, the first one on top.
fn split<'a>(body: Cow<'a, [u8]>, at: usize, waiting: &mut Vec<Cow<'a, [u8]>>) {
    match body {
        Cow::Borrowed(body) => {
            let (first, second) = body.split_at(at);
            waiting.extend([Cow::Borrowed(second), Cow::Borrowed(first)]);
        }
        Cow::Owned(mut body) => {
            let second = body.split_off(at);
            waiting.extend([Cow::Owned(second), Cow::Owned(body)]);
        }
    }
}

/// Where the lines of a body are in two halves; none if it is one line.
fn middle(body: &[u8]) -> Option<usize> {
    let inner = body.strip_suffix(b"\n").unwrap_or(body);
    let middle = inner.len() / 2;
    let before = inner.get(..=middle)?.iter().rposition(|byte| *byte == b'\n');
    let after = || inner[middle..].iter().position(|byte| *byte == b'\n').map(|at| middle + at);
    before.or_else(after).map(|at| at + 1)
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
            assert_eq!(middle(body.as_bytes()).map(|at| body.split_at(at)), expected, "{body:?}");
        }
    }

    #[test]
    fn what_is_told_of_an_endpoint_has_no_credentials() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sink = HttpSink::new("https://user:secret@events.example/in?token=hidden".parse().unwrap()).unwrap();
        assert_eq!(sink.name, "https://events.example/in");
    }
}
