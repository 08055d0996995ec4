//! Events to a Kinesis stream: one event a record, by the partition key of its series.

use std::borrow::Cow;
use std::collections::HashSet;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{BuildError, SdkError};
use aws_sdk_kinesis::operation::put_records::PutRecordsError;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::PutRecordsRequestEntry;
use serde::Deserialize;

use super::retry::{Retries, Retry};
use super::too_large;
use crate::aws;

/// Limits of PutRecords: entries, bytes of the request, bytes of a record (Kinesis Data Streams developer guide, "Quotas
/// and limits").
const ENTRIES: usize = 500;
const REQUEST: usize = 5 << 20;
const RECORD: usize = 10 << 20;
/// Bytes of a partition key, at most.
const KEY: usize = 1024;

/// A Kinesis stream that events are put into.
#[derive(Clone, Debug)]
pub struct KinesisSink {
    client: Client,
    stream: String,
    /// As it is told to people.
    name: String,
    retries: Retries,
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
        let stream = stream.into();
        KinesisSink { client, name: format!("the stream {stream}"), stream, retries: Retries::default() }
    }

    /// How often deliveries were tried again.
    pub fn retries(&self) -> Retries {
        self.retries.clone()
    }

    /// Puts events, one a line, each tried until it is accepted. Events of a series stay in order.
    ///
    /// An event that is larger than any stream takes, or than this one does, is replaced by a notice.
    pub async fn deliver(&self, events: &[u8]) {
        let mut request = Vec::new();
        let mut bytes = 0;
        for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut size = line.len() + KEY;
            let mut line = Cow::Borrowed(line);
            if size > RECORD {
                line = too_large(&line, "no Kinesis record takes more than 10 MiB").into();
                size = line.len() + KEY;
            }
            if !request.is_empty() && (request.len() == ENTRIES || bytes + size > REQUEST) {
                self.put(std::mem::take(&mut request)).await;
                bytes = 0;
            }
            if let Ok(entry) = entry(&line) {
                request.push(entry);
                bytes += size;
            }
        }
        if !request.is_empty() {
            self.put(request).await;
        }
    }

    /// Puts entries until all were accepted, before anything that comes after them.
    async fn put(&self, entries: Vec<PutRecordsRequestEntry>) {
        let mut retry = Retry::new(&self.name, &self.retries);
        let mut waiting = vec![entries];
        let mut is_notice = false;
        while let Some(mut entries) = waiting.pop() {
            let put = self.client.put_records().stream_name(&self.stream).set_records(Some(entries.clone()));
            let problem = match put.send().await {
                Ok(answer) => {
                    let failed =
                        answer.records().iter().map(|result| result.error_code().is_some()).collect::<Vec<_>>();
                    let problem = answer.records().iter().find_map(|result| result.error_message()).map(str::to_owned);
                    keep_from_failed(&mut entries, &failed);
                    if entries.is_empty() {
                        retry.accepted();
                        is_notice = false;
                        continue;
                    }
                    problem.unwrap_or_default()
                }
                // The stream refuses the request as a whole if one of its records is larger than the stream's limit.
                Err(error) if is_too_large(&error) && entries.len() > 1 => {
                    let second = entries.split_off(entries.len() / 2);
                    waiting.extend([second, entries]);
                    continue;
                }
                Err(error) if is_too_large(&error) && !is_notice => {
                    is_notice = true;
                    let limit = aws::reason(&error);
                    let notices =
                        entries.iter().filter_map(|event| entry(&too_large(event.data().as_ref(), &limit)).ok());
                    waiting.push(notices.collect());
                    continue;
                }
                Err(error) => aws::reason(&error),
            };
            let bytes = entries.iter().map(|entry| entry.data().as_ref().len()).sum();
            retry.wait(bytes, &problem).await;
            waiting.push(entries);
        }
    }
}

/// Whether a request was refused since a record in it is larger than the stream takes.
fn is_too_large(error: &SdkError<PutRecordsError>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.is_invalid_argument_exception() || error.meta().code().is_some_and(|code| code == "ValidationException")
    }) && aws::reason(error).to_ascii_lowercase().contains("size")
        || error.raw_response().is_some_and(|response| response.status().as_u16() == 413)
}

/// Keeps of each partition key the entries from the first that failed on: those behind it that were accepted are put
/// again, so that the last word on a series is also the last in the stream.
fn keep_from_failed(entries: &mut Vec<PutRecordsRequestEntry>, failed: &[bool]) {
    let mut keys = HashSet::new();
    let mut failed = failed.iter();
    entries.retain(|entry| {
        // An answer with fewer results than entries says nothing of the rest.
        let key = entry.partition_key().unwrap_or_default();
        if *failed.next().unwrap_or(&true) {
            keys.insert(key.to_owned());
        }
        keys.contains(key)
    });
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
            (r#"{"type":"score","record":{"bytes":1}}"#.into(), "score".into()),
            (format!(r#"{{"series":"{}"}}"#, "ü".repeat(1_000)), "ü".repeat(256)),
        ] {
            assert_eq!(entry(event.as_bytes()).unwrap().partition_key(), Some(key.as_str()));
        }
    }

    #[test]
    fn behind_an_event_that_failed_all_of_its_series_are_put_again() {
        let event = |series: &str, n: usize| entry(format!(r#"{{"series":"{series}","n":{n}}}"#).as_bytes()).unwrap();
        let mut entries =
            vec![event("a", 0), event("b", 1), event("a", 2), event("a", 3), event("b", 4), event("c", 5)];
        keep_from_failed(&mut entries, &[false, false, true, false, false, true]);
        assert_eq!(entries, [event("a", 2), event("a", 3), event("c", 5)]);
    }
}
