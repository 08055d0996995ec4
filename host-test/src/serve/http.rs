//! The requests: who may send, what is in the body, and the answer.
//!
//! | status | when | Firehose | Vector |
//! |---|---|---|---|
//! | 200 | the events of the batch were accepted downstream | goes on | goes on |
//! | 400 | the body is not what its headers say | tries again, then the error prefix in S3 | drops the batch |
//! | 401 | the access key is missing or wrong | tries again, then the error prefix | drops the batch |
//! | 413 | the body is larger than `--max-body`, or holds too many payloads | gives the batch up | drops the batch |
//! | 415 | a `Content-Encoding` other than gzip | tries again, then the error prefix | drops the batch |
//! | 503 | the queue is full, or it takes too long; `Retry-After` says when | tries again | tries again |

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Router, http::Method};
use flate2::read::MultiGzDecoder;
use serde_json::json;
use tokio::sync::Semaphore;

use super::access::AccessKey;
use super::admission::{Admission, Admitted};
use super::batch::{Batch, TooLarge};
use super::engine::now;
use super::firehose;
use super::metrics::{Metric, Metrics};
use crate::sink::Retries;

/// Bodies that are read and unpacked at the same time; each may take twice `--max-body` of memory.
const READERS: usize = 4;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);
/// When a sender that was told 503 should come again, in seconds.
const COME_AGAIN: &str = "1";
/// A sender may name its batch by this header (draft-ietf-httpapi-idempotency-key-header); else it is named by its content.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// What requests are served with.
pub struct Service {
    /// Who may send.
    pub access: AccessKey,
    /// Bytes of the largest body, as sent and unpacked.
    pub max_body: usize,
    /// How long a sender waits before it is told 503 while its batch is worked on.
    pub answer_within: Duration,
    /// The way in.
    pub admission: Arc<Admission>,
    /// What is measured.
    pub metrics: Arc<Metrics>,
    /// Retries of the sink, if it counts some.
    pub retries: Option<Retries>,
    /// Bodies being read.
    pub readers: Semaphore,
}

impl Service {
    /// A semaphore for bodies being read.
    pub fn readers() -> Semaphore {
        Semaphore::new(READERS)
    }

    /// The routes: `/health`, `/health/live`, `/health/ready`, `/metrics`, and `POST` to any other path.
    pub fn router(self) -> Router {
        Router::new()
            .route("/health", get(ready))
            .route("/health/ready", get(ready))
            .route("/health/live", get(|| async { "live\n" }))
            .route("/metrics", get(metrics))
            .fallback(receive)
            .with_state(Arc::new(self))
    }
}

async fn ready(State(service): State<Arc<Service>>) -> Response {
    if service.admission.is_open() {
        (StatusCode::OK, "ready\n").into_response()
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, COME_AGAIN)], "starting or stopping\n").into_response()
    }
}

async fn metrics(State(service): State<Arc<Service>>) -> Response {
    if let Some(retries) = &service.retries {
        service.metrics.set(Metric::ForwardRetries, retries.load(Ordering::Relaxed));
    }
    match service.metrics.expose() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Why a batch was not accepted.
struct Refused {
    status: StatusCode,
    reason: String,
}

impl Refused {
    fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Refused { status, reason: reason.into() }
    }

    fn busy(reason: &str) -> Self {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }
}

async fn receive(State(service): State<Arc<Service>>, request: Request<Body>) -> Response {
    if request.method() != Method::POST {
        return (
            StatusCode::METHOD_NOT_ALLOWED,
            [("allow", "POST")],
            "send payloads by POST; see also /health and /metrics\n",
        )
            .into_response();
    }
    let request_id = firehose::request_id(request.headers());
    let result = service.accept(request_id.as_deref(), request).await;
    if let Err(Refused { status, reason }) = &result {
        let metric =
            if *status == StatusCode::SERVICE_UNAVAILABLE { Metric::BatchesBusy } else { Metric::BatchesRefused };
        service.metrics.add(metric, 1);
        if metric == Metric::BatchesRefused {
            let id = request_id.as_deref().unwrap_or("without an id");
            tracing::warn!("refused request {id:?}: {status}: {reason}");
        }
    }
    respond(request_id.as_deref(), result)
}

fn respond(request_id: Option<&str>, result: Result<(), Refused>) -> Response {
    let (status, error) = match &result {
        Ok(()) => (StatusCode::OK, None),
        Err(refused) => (refused.status, Some(refused.reason.as_str())),
    };
    let body = match (request_id, error) {
        (Some(id), error) => firehose::answer(id, now(), error),
        (None, None) => json!({ "accepted": true }).to_string(),
        (None, Some(error)) => json!({ "accepted": false, "errorMessage": error }).to_string(),
    };
    let mut response = (status, [(CONTENT_TYPE, "application/json")], body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(COME_AGAIN));
    }
    response
}

impl Service {
    /// Takes a request in and waits until its events were accepted downstream.
    async fn accept(&self, request_id: Option<&str>, request: Request<Body>) -> Result<(), Refused> {
        let (parts, body) = request.into_parts();
        // Before anything is read: strangers cost nothing.
        if !self.access.admits(&parts.headers) {
            let header = firehose::ACCESS_KEY;
            return Err(Refused::new(
                StatusCode::UNAUTHORIZED,
                format!("the access key ({header}) is missing or wrong"),
            ));
        }
        if let Some(version) = parts.headers.get(firehose::PROTOCOL_VERSION).filter(|version| *version != "1.0") {
            let header = firehose::PROTOCOL_VERSION;
            return Err(Refused::new(StatusCode::BAD_REQUEST, format!("{header} is {version:?}; 1.0 is understood")));
        }
        let batch = {
            let Ok(_reader) = self.readers.acquire().await else { return Err(Refused::busy("stopping")) };
            let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, self.max_body)).await;
            let body = match body {
                Ok(Ok(body)) => body,
                Ok(Err(error)) if is_too_long(&error) => return Err(self.too_large()),
                Ok(Err(error)) => {
                    return Err(Refused::new(StatusCode::BAD_REQUEST, format!("the body ended early: {error}")));
                }
                Err(_) => {
                    return Err(Refused::new(StatusCode::REQUEST_TIMEOUT, "the body took more than 60 s to arrive"));
                }
            };
            let body = self.unpack(&parts.headers, body)?;
            match request_id {
                Some(id) => {
                    firehose::batch(id, &body).map_err(|reason| Refused::new(StatusCode::BAD_REQUEST, reason))?
                }
                None => {
                    let key =
                        parts.headers.get(IDEMPOTENCY_KEY).and_then(|value| value.to_str().ok()).map(str::to_owned);
                    let most = self.max_body.saturating_mul(2);
                    Batch::from_body(key, &body, most)
                        .map_err(|TooLarge(reason)| Refused::new(StatusCode::PAYLOAD_TOO_LARGE, reason))?
                }
            }
        };
        if batch.is_empty() {
            return Ok(());
        }
        let mut pending = match self.admission.admit(batch) {
            Admitted::Known => {
                self.metrics.add(Metric::BatchesKnown, 1);
                return Ok(());
            }
            Admitted::Busy => return Err(Refused::busy("the queue is full or not open; send again later")),
            Admitted::Pending(pending) => pending,
        };
        match tokio::time::timeout(self.answer_within, pending.wait_for(|accepted| *accepted)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(Refused::busy("stopping; send again later")),
            Err(_) => {
                Err(Refused::busy("the batch is in the queue, but not accepted downstream yet; send it again later"))
            }
        }
    }

    /// The body without its content encoding.
    fn unpack(&self, headers: &HeaderMap, body: Bytes) -> Result<Bytes, Refused> {
        match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
            None | Some(b"identity" | b"") => Ok(body),
            Some(b"gzip" | b"x-gzip") => {
                let mut unpacked = Vec::new();
                let limit = self.max_body as u64 + 1;
                let read = MultiGzDecoder::new(&body[..]).take(limit).read_to_end(&mut unpacked);
                read.map_err(|error| {
                    Refused::new(StatusCode::BAD_REQUEST, format!("the body is no gzip stream: {error}"))
                })?;
                if unpacked.len() as u64 == limit {
                    return Err(self.too_large());
                }
                Ok(unpacked.into())
            }
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                let reason = format!("Content-Encoding is {other:?}; send gzip or none");
                Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason))
            }
        }
    }

    fn too_large(&self) -> Refused {
        let reason = format!("the body is larger than {} bytes (--max-body); send smaller batches", self.max_body);
        Refused::new(StatusCode::PAYLOAD_TOO_LARGE, reason)
    }
}

/// Whether reading a body ended because it is too long.
fn is_too_long(error: &axum::Error) -> bool {
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        cause = error.source();
    }
    false
}
