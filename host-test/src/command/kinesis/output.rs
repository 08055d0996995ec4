//! Where events go.

use std::io;

use anyhow::{Context, Result};
use aws_sdk_kinesis::Client;
use url::Url;

use host_test::sink::http::HttpSink;
use host_test::sink::kinesis::KinesisSink;
use host_test::sink::stdout;
use host_test::usage::Usage;

/// The sink that `--output` names.
#[derive(Clone, Debug)]
pub(super) enum Output {
    Stdout,
    Http(HttpSink),
    Kinesis(KinesisSink),
}

impl Output {
    pub(super) fn open(text: &str, client: &Client) -> Result<Self> {
        let wrong = || {
            Usage(format!(
                "--output {text}: give - for standard output, an http:// or https:// URL, or kinesis://STREAM"
            ))
        };
        if text == "-" {
            return Ok(Output::Stdout);
        }
        let url = Url::parse(text).map_err(|_| wrong())?;
        match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(_)) => {
                Ok(Output::Http(HttpSink::new(url).context("cannot set up an HTTP client")?))
            }
            // A stream's name may have capitals, which the host of a URL keeps only in schemes unknown to it.
            ("kinesis", Some(stream)) => Ok(Output::Kinesis(KinesisSink::new(client.clone(), stream))),
            _ => Err(wrong().into()),
        }
    }

    /// Hands over events; returns when they were accepted.
    pub(super) async fn send(&self, events: &[u8]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        match self {
            Output::Stdout => {
                let events = events.to_vec();
                let written = tokio::task::spawn_blocking(move || stdout::write(&events)).await;
                written.map_err(io::Error::other)?.context("cannot write events to standard output")?;
            }
            Output::Http(sink) => sink.send(events).await,
            Output::Kinesis(sink) => sink.send(events).await,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_known_by_its_scheme() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::from_conf(
            aws_sdk_kinesis::Config::builder().behavior_version(aws_config::BehaviorVersion::latest()).build(),
        );
        let open = |text| Output::open(text, &client);
        assert!(matches!(open("-"), Ok(Output::Stdout)));
        assert!(matches!(open("http://127.0.0.1:8080/in"), Ok(Output::Http(_))));
        assert!(matches!(open("https://events.example/in"), Ok(Output::Http(_))));
        assert!(format!("{:?}", open("kinesis://Flow_Alerts.v2").unwrap()).contains("\"Flow_Alerts.v2\""));
        for text in ["", "events.ndjson", "ftp://host/", "kinesis://", "http://"] {
            let error = open(text).unwrap_err().to_string();
            assert!(error.contains("kinesis://STREAM"), "{error}");
        }
    }
}
