//! Following a process: its server-sent events, over again when the connection is lost.

use std::time::Duration;

use reqwest::{Client, StatusCode, Url, redirect};
use tokio::sync::mpsc;

use super::State;
use crate::usage::{Usage, without_credentials};

/// How long a process may keep silent, which says something every five seconds, and when a lost connection is tried again.
const SILENCE: Duration = Duration::from_secs(20);
const AGAIN: Duration = Duration::from_secs(2);
/// The longest event.
const LONGEST: usize = 16 << 20;

/// What is heard.
#[derive(Debug)]
pub enum Heard {
    /// What is going on.
    State(Box<State>),
    /// Nothing for now, and why.
    Lost(String),
}

/// The process to follow.
pub struct Process {
    client: Client,
    events: Url,
    key: Option<String>,
}

impl Process {
    /// The process at this URL, and the access key that it asks for.
    ///
    /// # Errors
    ///
    /// The URL is none, or the client cannot be made.
    pub fn new(url: &str, key: Option<String>) -> Result<Self, Usage> {
        let shown = without_credentials(url);
        let wrong = |_| Usage(format!("{shown}: give the http:// or https:// URL of a running flowscore"));
        let base = Url::parse(&format!("{}/", url.trim_end_matches('/'))).map_err(wrong)?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong(url::ParseError::EmptyHost));
        }
        let events = base.join("events").map_err(wrong)?;
        let builder =
            Client::builder().connect_timeout(SILENCE).read_timeout(SILENCE).redirect(redirect::Policy::none());
        let client = builder.build().map_err(|error| Usage(format!("cannot make an HTTP client: {error}")))?;
        Ok(Process { client, events, key })
    }

    /// Tells what is heard, for as long as somebody listens.
    pub async fn follow(&self, heard: mpsc::Sender<Heard>) {
        loop {
            let lost = match self.listen(&heard).await {
                Ok(()) => "the process has ended the connection".to_owned(),
                Err(reason) => reason,
            };
            if heard.send(Heard::Lost(lost)).await.is_err() {
                return;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Tells what is heard until the connection ends.
    async fn listen(&self, heard: &mpsc::Sender<Heard>) -> Result<(), String> {
        let mut request = self.client.get(self.events.clone());
        if let Some(key) = &self.key {
            request = request.bearer_auth(key);
        }
        let mut response = request.send().await.map_err(|error| reason(&error))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err("it asks for the access key: --access-key-file".to_owned()),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                return Err("there is no page: it runs with --no-page, or is no flowscore".to_owned());
            }
            status => return Err(format!("it answered {status}")),
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| reason(&error))? {
            bytes.extend_from_slice(&chunk);
            while let Some(end) = memchr::memmem::find(&bytes, b"\n\n") {
                let event: Vec<u8> = bytes.drain(..end + 2).collect();
                // Another version may tell otherwise.
                if let Some(state) = state(&event)
                    && heard.send(Heard::State(Box::new(state))).await.is_err()
                {
                    return Ok(());
                }
            }
            if bytes.len() > LONGEST {
                return Err("what it tells is no events of flowscore".to_owned());
            }
        }
        Ok(())
    }
}

/// The state in an event; none in a comment that only keeps the connection.
fn state(event: &[u8]) -> Option<State> {
    let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "))?;
    serde_json::from_slice(data).ok()
}

fn reason(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_a_state_and_a_comment_has_none() {
        for (event, health) in [
            ("event: state\ndata: {\"health\":\"ready\",\"new\":[]}\n\n", Some("ready")),
            (":\n\n", None),
            ("data: {}\n\n", Some("")),
            ("data: [\n\n", None),
        ] {
            assert_eq!(state(event.as_bytes()).map(|state| state.health).as_deref(), health, "{event}");
        }
    }

    #[test]
    fn only_an_http_url_is_followed() {
        for (url, expected) in [
            ("http://127.0.0.1:18080", Some("http://127.0.0.1:18080/events")),
            ("https://host/flowscore/", Some("https://host/flowscore/events")),
            ("127.0.0.1:18080", None),
            ("ftp://host", None),
            ("", None),
        ] {
            let found = Process::new(url, None).ok().map(|process| process.events.to_string());
            assert_eq!(found.as_deref(), expected, "{url}");
        }
    }
}
