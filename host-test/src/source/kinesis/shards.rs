//! Which shards a stream has.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::ProvideErrorMetadata;

use super::reader::SourceError;
use crate::aws;
use crate::sink::backoff::Backoff;

/// The shards that a stream has or still holds records of, each with the shards that it follows.
pub type Shards = BTreeMap<String, Vec<String>>;

/// Attempts, with a wait of up to 10 s between, before an error of the service is believed.
const ATTEMPTS: u32 = 8;

/// Asks for the shards of a stream, page by page.
///
/// A parent that is not listed any more, because its records have expired, is left out.
pub async fn list(client: &Client, stream: &str) -> Result<Shards, SourceError> {
    let mut backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(10));
    loop {
        match list_once(client, stream).await {
            Err(error @ SourceError::Unavailable(_)) if backoff.attempts() < ATTEMPTS => {
                let wait = backoff.next_wait();
                if backoff.is_news() {
                    tracing::warn!("{error}; trying again");
                }
                tokio::time::sleep(wait).await;
            }
            result => return result,
        }
    }
}

async fn list_once(client: &Client, stream: &str) -> Result<Shards, SourceError> {
    let mut shards = Shards::new();
    let mut next_token: Option<String> = None;
    loop {
        let request = client.list_shards();
        // A token names the stream by itself, and the service takes no second name beside it.
        let request = match next_token {
            Some(token) => request.next_token(token),
            None => request.stream_name(stream),
        };
        let page = request.send().await.map_err(|error| {
            let reason = format!("cannot list the shards of the stream {stream}: {}", aws::reason(&error));
            match error.code() {
                None | Some("LimitExceededException" | "ResourceInUseException" | "InternalFailure") => {
                    SourceError::Unavailable(reason)
                }
                Some(_) => SourceError::Refused(reason),
            }
        })?;
        for shard in page.shards() {
            let parents = [shard.parent_shard_id(), shard.adjacent_parent_shard_id()];
            shards.insert(shard.shard_id().to_owned(), parents.into_iter().flatten().map(str::to_owned).collect());
        }
        next_token = page.next_token().map(str::to_owned);
        if next_token.is_none() {
            break;
        }
    }
    let listed: Vec<String> = shards.keys().cloned().collect();
    for parents in shards.values_mut() {
        parents.retain(|parent| listed.binary_search(parent).is_ok());
    }
    Ok(shards)
}
