//! Bodies of requests: read as they come, unpacked, and cut into the payloads of a batch.
//!
//! Bodies that are on their way take as much of a common budget as has arrived of them, so that slow ones hold nobody up.
//! One that arrives too slowly is given up. What takes the processor, a few do at a time, on threads that may.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::batch::{Batch, TooLarge};
use super::firehose;
use super::refused::Refused;

/// Bytes that one permit of the budget stands for.
const PERMIT: usize = 1 << 10;
/// The budget, in bodies of the largest size.
const BODIES: usize = 4;
/// Bodies that are unpacked at the same time; each takes up to four times the largest size while it lasts.
const UNPACKED: usize = 2;
/// A body has this time, and as much more as what has come of it would take at the lowest rate, in bytes a second.
const GRACE: Duration = Duration::from_secs(10);
const LOWEST_RATE: f64 = 16_384.0;

/// A sender may name its batch by this header (draft-ietf-httpapi-idempotency-key-header); else it is named by its content.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Bytes of the longest name of a batch. It is part of the name of each payload.
const LONGEST_NAME: usize = 256;

/// The way in of bodies.
pub struct Bodies {
    largest: usize,
    budget: Arc<Semaphore>,
    unpacking: Semaphore,
    grace: Duration,
}

/// How a batch is named, and so what its body is.
pub(super) enum Name {
    /// A Firehose delivery with this request id.
    Firehose(String),
    /// Any other body with this key.
    Key(String),
    /// Any other body, named by its content.
    Content,
}

impl Name {
    /// The name in the headers of a request.
    pub(super) fn of(request_id: Option<&str>, headers: &HeaderMap) -> Result<Self, Refused> {
        let key = headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok());
        let (name, header) = match (request_id, key) {
            (Some(""), _) => {
                return Err(Refused::new(StatusCode::BAD_REQUEST, format!("{} is empty", firehose::REQUEST_ID)));
            }
            (Some(id), _) => (Name::Firehose(id.to_owned()), firehose::REQUEST_ID),
            // No name: or all batches would have the same one.
            (None, None | Some("")) => return Ok(Name::Content),
            (None, Some(key)) => (Name::Key(key.to_owned()), IDEMPOTENCY_KEY),
        };
        let (Name::Firehose(text) | Name::Key(text)) = &name else { return Ok(name) };
        if text.len() > LONGEST_NAME {
            let reason = format!("{header} has {} bytes; at most {LONGEST_NAME} are taken", text.len());
            return Err(Refused::new(StatusCode::BAD_REQUEST, reason));
        }
        Ok(name)
    }
}

impl Bodies {
    /// A way in of bodies of at most so many bytes, as sent and unpacked.
    pub fn new(largest: usize) -> Self {
        let permits = (largest.div_ceil(PERMIT) + 1).saturating_mul(BODIES).min(u32::MAX as usize >> 3);
        Bodies { largest, budget: Arc::new(Semaphore::new(permits)), unpacking: Semaphore::new(UNPACKED), grace: GRACE }
    }

    /// Reads a body and cuts it into payloads.
    pub(super) async fn batch(&self, name: Name, headers: &HeaderMap, body: Body) -> Result<Batch, Refused> {
        let encoding = Encoding::of(headers)?;
        // Held until the batch is made of it.
        let (body, _budget) = self.read(headers, body).await?;
        let Ok(_turn) = self.unpacking.acquire().await else { return Err(Refused::busy("stopping")) };
        let largest = self.largest;
        let made = tokio::task::spawn_blocking(move || batch(name, &encoding.unpack(body, largest)?, largest)).await;
        made.unwrap_or_else(|error| Err(Refused::busy(&format!("the body could not be unpacked: {error}"))))
    }

    /// The body as sent, with what it takes of the budget.
    async fn read(&self, headers: &HeaderMap, body: Body) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Refused> {
        let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|length| length > self.largest as u64) {
            return Err(too_large(self.largest));
        }
        let (mut data, mut budget) = (Vec::new(), None::<OwnedSemaphorePermit>);
        let mut frames = body.into_data_stream();
        let started = Instant::now();
        loop {
            let until = started + self.grace + Duration::from_secs_f64(data.len() as f64 / LOWEST_RATE);
            let frame = match tokio::time::timeout_at(until, frames.next()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return Ok((data.into(), budget)),
                Ok(Some(Err(error))) => {
                    return Err(Refused::new(StatusCode::BAD_REQUEST, format!("the body ended early: {error}")));
                }
                Err(_) => {
                    let (came, seconds) = (data.len(), started.elapsed().as_secs());
                    let reason = format!("only {came} bytes of the body came in {seconds} s");
                    return Err(Refused::new(StatusCode::REQUEST_TIMEOUT, reason));
                }
            };
            if data.len() + frame.len() > self.largest {
                return Err(too_large(self.largest));
            }
            data.extend_from_slice(&frame);
            let held = budget.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let more = data.len().div_ceil(PERMIT).saturating_sub(held) as u32;
            let Ok(more) = self.budget.clone().try_acquire_many_owned(more) else {
                return Err(Refused::busy("there is no room for the body; send again later"));
            };
            match &mut budget {
                None => budget = Some(more),
                Some(budget) => budget.merge(more),
            }
        }
    }
}

/// How a body is packed.
#[derive(Clone, Copy)]
enum Encoding {
    Identity,
    Gzip,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, Refused> {
        match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity" | b"") => Ok(Encoding::Identity),
            Some(b"gzip" | b"x-gzip") => Ok(Encoding::Gzip),
            Some(other) => {
                let reason = format!("Content-Encoding is {:?}; send gzip or none", String::from_utf8_lossy(other));
                Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
            }
        }
    }

    fn unpack(self, body: Bytes, largest: usize) -> Result<Bytes, Refused> {
        let Encoding::Gzip = self else { return Ok(body) };
        let mut unpacked = Vec::new();
        let read = MultiGzDecoder::new(&body[..]).take(largest as u64 + 1).read_to_end(&mut unpacked);
        read.map_err(|error| Refused::new(StatusCode::BAD_REQUEST, format!("the body is no gzip stream: {error}")))?;
        if unpacked.len() > largest {
            return Err(too_large(largest));
        }
        Ok(unpacked.into())
    }
}

/// The payloads of an unpacked body.
fn batch(name: Name, body: &[u8], largest: usize) -> Result<Batch, Refused> {
    let key = match name {
        Name::Firehose(id) => {
            return firehose::batch(&id, body).map_err(|reason| Refused::new(StatusCode::BAD_REQUEST, reason));
        }
        Name::Key(key) => Some(key),
        Name::Content => None,
    };
    Batch::from_body(key, body, largest.saturating_mul(2))
        .map_err(|TooLarge(reason)| Refused::new(StatusCode::PAYLOAD_TOO_LARGE, reason))
}

fn too_large(largest: usize) -> Refused {
    let reason = format!("the body is larger than {largest} bytes (--max-body); send smaller batches");
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that stays open behind these bytes.
    fn open(bytes: usize) -> Body {
        let frame = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; bytes]))]);
        Body::from_stream(frame.chain(futures_util::stream::pending()))
    }

    #[tokio::test]
    async fn slow_bodies_take_what_has_come_of_them_and_are_given_up() {
        let bodies = Arc::new(Bodies { grace: Duration::from_millis(500), ..Bodies::new(64 << 10) });
        let read = |body: Body| {
            let bodies = bodies.clone();
            tokio::spawn(async move { bodies.batch(Name::Content, &HeaderMap::new(), body).await })
        };
        let slow: Vec<_> = (0..100).map(|_| read(open(1))).collect();
        let half = read(open(32 << 10));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(read(Body::from(vec![b'x'; 64 << 10])).await.unwrap().unwrap().len(), 1);
        for slow in slow {
            assert_eq!(slow.await.unwrap().unwrap_err().status, StatusCode::REQUEST_TIMEOUT);
        }
        assert!(!half.is_finished(), "what came gives it two seconds more");
        assert_eq!(half.await.unwrap().unwrap_err().status, StatusCode::REQUEST_TIMEOUT);
        assert_eq!(bodies.budget.available_permits(), 4 * 65, "all is given back");
    }

    #[tokio::test]
    async fn a_body_that_finds_no_room_is_told_to_come_again() {
        let bodies = Arc::new(Bodies { grace: Duration::from_millis(500), ..Bodies::new(64 << 10) });
        let read = |body: Body| {
            let bodies = bodies.clone();
            tokio::spawn(async move { bodies.batch(Name::Content, &HeaderMap::new(), body).await })
        };
        let waiting: Vec<_> = (0..4).map(|_| read(open(64 << 10))).collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let refused = read(Body::from(vec![b'x'; 64 << 10])).await.unwrap().unwrap_err();
        assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
        for waiting in waiting {
            waiting.await.unwrap().unwrap_err();
        }
        assert!(read(Body::from(vec![b'x'; 64 << 10])).await.unwrap().is_ok());
        let larger = read(Body::from(vec![b'x'; (64 << 10) + 1])).await.unwrap().unwrap_err();
        assert_eq!(larger.status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_batch_has_a_name_of_its_own() {
        let name = |key: &str| {
            let headers = HeaderMap::from_iter([(IDEMPOTENCY_KEY, key.parse().unwrap())]);
            Name::of(None, &headers)
        };
        assert!(matches!(name(""), Ok(Name::Content)), "or all batches would be one");
        assert!(matches!(name(&"k".repeat(256)), Ok(Name::Key(_))));
        assert!(name(&"k".repeat(257)).is_err_and(|refused| refused.reason.contains("257 bytes")));
        assert!(Name::of(Some(""), &HeaderMap::new()).is_err());
        assert!(Name::of(Some(&"r".repeat(257)), &HeaderMap::new()).is_err());
    }
}
