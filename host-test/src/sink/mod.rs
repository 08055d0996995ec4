//! Where events go: newline-delimited JSON to standard output, to a file, by [HTTP](http) or to a [Kinesis stream](kinesis).
//!
//! A sink returns when the events are accepted at the other end, and keeps their order. What is not accepted for now is
//! tried again for as long as it takes: the source waits meanwhile and loses nothing. Only an event that is larger than
//! the other end ever takes is given up: a notice goes in its place, so that those behind it go on.

pub mod backoff;
pub mod http;
pub mod kinesis;
mod retry;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use reqwest::Url;

use self::http::HttpSink;
use self::kinesis::KinesisSink;
pub use self::retry::Retries;
use crate::usage::{Usage, without_credentials};

/// Where events go.
#[derive(Debug)]
pub enum Sink {
    /// Standard output, flushed with each delivery: what Vector's and Fluent Bit's exec sources read.
    Stdout,
    /// The end of a file.
    File(File),
    /// An HTTP endpoint.
    Http(HttpSink),
    /// A Kinesis stream.
    Kinesis(KinesisSink),
}

impl Sink {
    /// The sink of an option's value: `-` is standard output, else an `http://` or `https://` URL, `kinesis://STREAM` or the
    /// name of a file. `kinesis` makes the client for a stream.
    ///
    /// # Errors
    ///
    /// The value is none of these, the file cannot be written, or no client can be made.
    pub fn open(
        option: &str,
        value: &str,
        kinesis: impl FnOnce() -> Option<aws_sdk_kinesis::Client>,
    ) -> Result<Self, Usage> {
        let wrong =
            |reason: &dyn std::fmt::Display| Usage(format!("{option} {}: {reason}", without_credentials(value)));
        if value == "-" {
            return Ok(Sink::Stdout);
        }
        // Not read as a URL: a stream's name may have capitals, which the host of a URL does not keep.
        if let Some(stream) = value.strip_prefix("kinesis://") {
            return match kinesis() {
                Some(client) if !stream.is_empty() => Ok(Sink::Kinesis(KinesisSink::new(client, stream))),
                Some(_) => Err(wrong(&"the name of the stream is missing: kinesis://STREAM")),
                None => Err(wrong(&KINDS)),
            };
        }
        if value.contains("://") || value.is_empty() {
            return Sink::http(option, value, KINDS);
        }
        Sink::file(Path::new(value)).map_err(|error| wrong(&format_args!("cannot write the file: {error}")))
    }

    /// The HTTP endpoint that an option's value names; `kinds` says what may be given.
    ///
    /// # Errors
    ///
    /// The value is no URL of one, or no client can be made.
    pub fn http(option: &str, value: &str, kinds: &str) -> Result<Self, Usage> {
        let wrong =
            |reason: &dyn std::fmt::Display| Usage(format!("{option} {}: {reason}", without_credentials(value)));
        let url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or_else(|| wrong(&kinds))?;
        HttpSink::new(url).map(Sink::Http).map_err(|error| wrong(&error))
    }

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
        Ok(Sink::File(file))
    }

    /// How often deliveries were tried again, where that can happen.
    pub fn retries(&self) -> Option<Retries> {
        match self {
            Sink::Stdout | Sink::File(_) => None,
            Sink::Http(sink) => Some(sink.retries()),
            Sink::Kinesis(sink) => Some(sink.retries()),
        }
    }

    /// Delivers events, newline-delimited JSON, in order. Returns once all were accepted.
    ///
    /// # Errors
    ///
    /// Standard output or the file cannot be written. Other sinks try again for as long as it takes.
    pub async fn deliver(&mut self, events: &[u8]) -> io::Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        match self {
            Sink::Stdout => {
                // A reader that has stopped reading must not hold up the timers of this task.
                let events = events.to_vec();
                tokio::task::spawn_blocking(move || write_stdout(&events)).await.map_err(io::Error::other)?
            }
            Sink::File(file) => file.write_all(events),
            Sink::Http(sink) => {
                sink.deliver(events).await;
                Ok(())
            }
            Sink::Kinesis(sink) => {
                sink.deliver(events).await;
                Ok(())
            }
        }
    }
}

const KINDS: &str = "give - for standard output, an http:// or https:// URL, kinesis://STREAM, or the name of a file";

fn write_stdout(events: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(events).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        // Not the end of a command whose reader has seen enough: events wait, and those to come have nowhere to go.
        io::ErrorKind::BrokenPipe => {
            let waiting = events.len();
            io::Error::other(format!("the reader of standard output has left, and {waiting} bytes of events wait"))
        }
        _ => error,
    })
}

/// What goes in the place of an event that the other end never takes.
fn too_large(event: &[u8], limit: &str) -> Vec<u8> {
    let known: serde_json::Value = serde_json::from_slice(event).unwrap_or_default();
    let message = format!("an event of {} bytes was left out: {limit}", event.len());
    let mut notice = serde_json::json!({ "kind": "event_too_large", "message": message });
    for (name, member) in [("event_type", "type"), ("id", "id"), ("series", "series"), ("reason", "reason")] {
        if let Some(text) = known.get(member).and_then(serde_json::Value::as_str) {
            notice[name] = text.chars().take(256).collect::<String>().into();
        }
    }
    tracing::warn!("{message}: {notice}");
    crate::transform::typed("notice", &notice).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sink_is_known_by_its_scheme() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = || {
            let config =
                aws_sdk_kinesis::Config::builder().behavior_version(aws_config::BehaviorVersion::latest()).build();
            Some(aws_sdk_kinesis::Client::from_conf(config))
        };
        let open = |value| Sink::open("--output", value, client);
        assert!(matches!(open("-"), Ok(Sink::Stdout)));
        assert!(matches!(open("http://127.0.0.1:8080/in"), Ok(Sink::Http(_))));
        assert!(matches!(open("https://events.example/in"), Ok(Sink::Http(_))));
        assert!(format!("{:?}", open("kinesis://Flow_Alerts.v2").unwrap()).contains("\"Flow_Alerts.v2\""));
        let file = std::env::temp_dir().join(format!("flowscore-sink-{}.ndjson", std::process::id()));
        assert!(matches!(open(file.to_str().unwrap()), Ok(Sink::File(_))));
        std::fs::remove_file(&file).unwrap();
        for value in ["", "ftp://host/", "kinesis://", "http://", "/not/there/events.ndjson"] {
            let error = open(value).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--output {value}: ")), "{error}");
        }
    }

    #[test]
    fn an_event_that_is_left_out_is_named() {
        let event = br#"{"type":"failed","id":"shardId-1:49","reason":"no format","payload":"AAAA"}"#;
        let notice: serde_json::Value = serde_json::from_slice(&too_large(event, "limit")).unwrap();
        assert_eq!(notice["type"], "notice");
        assert_eq!(notice["kind"], "event_too_large");
        assert_eq!((&notice["event_type"], &notice["id"]), (&"failed".into(), &"shardId-1:49".into()));
        assert!(serde_json::from_slice::<serde_json::Value>(&too_large(b"no JSON", "limit")).is_ok());
    }
}
