//! Events to a Kinesis stream: one event a record, by the partition key of its series.

use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::BuildError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use serde::Deserialize;

use super::backoff::Backoff;
use crate::aws;

/// Limits of PutRecords: entries, bytes of the request, bytes of a record (Kinesis Data Streams developer guide, "Quotas
/// and limits").
const ENTRIES: usize = 500;
const REQUEST: usize = 5 << 20;
const RECORD: usize = 10 << 20;

/// A Kinesis stream that events are put into.
#[derive(Clone, Debug)]
pub struct KinesisSink {
    client: Client,
    stream: String,
}

/// Of an event what decides on its partition key.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Key {
    series: Option<String>,
    id: Option<String>,
    r#type: Option<String>,
}

impl KinesisSink {
    /// A sink for the stream of this name.
    pub fn new(client: Client, stream: impl Into<String>) -> Self {
        KinesisSink { client, stream: stream.into() }
    }

    /// Puts events, one a line, each tried until it is accepted. Events of a series stay in order.
    ///
    /// An event of more than 10 MiB, which no stream takes, is told on standard error and left out.
    pub async fn send(&self, events: &[u8]) {
        let mut request = Vec::new();
        let mut bytes = 0;
        for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let size = line.len() + 256;
            if size > RECORD {
                let head = String::from_utf8_lossy(&line[..200]);
                tracing::warn!("an event of {} bytes is more than a Kinesis record takes: {head}…", line.len());
                continue;
            }
            if !request.is_empty() && (request.len() == ENTRIES || bytes + size > REQUEST) {
                self.put(std::mem::take(&mut request)).await;
                bytes = 0;
            }
            if let Ok(entry) = entry(line) {
                request.push(entry);
                bytes += size;
            }
        }
        if !request.is_empty() {
            self.put(request).await;
        }
    }

    /// Entries of a request fail one by one; those that did are put again before anything that comes after them.
    async fn put(&self, mut entries: Vec<PutRecordsRequestEntry>) {
        let mut backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(30));
        loop {
            let put = self.client.put_records().stream_name(&self.stream).set_records(Some(entries.clone()));
            let problem = match put.send().await {
                Err(error) => aws::reason(&error),
                Ok(answer) => {
                    let results = answer.records();
                    let error = results.iter().find_map(|result| result.error_message()).unwrap_or_default().to_owned();
                    let mut results = results.iter();
                    entries.retain(|_| results.next().is_some_and(|result| result.error_code().is_some()));
                    if entries.is_empty() {
                        return;
                    }
                    error
                }
            };
            let wait = backoff.next_wait();
            if backoff.is_news() {
                let count = entries.len();
                tracing::warn!("{count} events wait for the stream {}: {problem}; trying again", self.stream);
            }
            tokio::time::sleep(wait).await;
        }
    }
}

fn entry(event: &[u8]) -> Result<PutRecordsRequestEntry, BuildError> {
    let key: Key = serde_json::from_slice(event).unwrap_or_default();
    let key = key.series.or(key.id).or(key.r#type).filter(|key| !key.is_empty()).unwrap_or_else(|| "flowscore".into());
    // At most 256 characters.
    let key: String = key.chars().take(256).collect();
    PutRecordsRequestEntry::builder().data(Blob::new(event)).partition_key(key).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_decides_on_the_shard() {
        for (event, key) in [
            (r#"{"type":"anomaly","id":"a","series":"eni-1"}"#.to_owned(), "eni-1".to_owned()),
            (r#"{"type":"failed","id":"shardId-1:49"}"#.into(), "shardId-1:49".into()),
            (r#"{"type":"notice"}"#.into(), "notice".into()),
            (r#"{"type":"score","bytes":1}"#.into(), "score".into()),
            (format!(r#"{{"series":"{}"}}"#, "ü".repeat(1_000)), "ü".repeat(256)),
        ] {
            assert_eq!(entry(event.as_bytes()).unwrap().partition_key(), Some(key.as_str()));
        }
    }
}
