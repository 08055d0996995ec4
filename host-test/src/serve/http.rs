//! The requests: who may send, what is in the body, and the answer.
//!
//! | status | when | Firehose | Vector |
//! |---|---|---|---|
//! | 200 | the events of the batch were accepted downstream | goes on | goes on |
//! | 400 | the body is not what its headers say, or its name is too long | tries again, then the error prefix in S3 | drops the batch |
//! | 401 | the access key is missing or wrong | tries again, then the error prefix | drops the batch |
//! | 408 | the body came too slowly | tries again | tries again |
//! | 413 | the body is larger than `--max-body`, or holds too many payloads | gives the batch up | drops the batch |
//! | 415 | a `Content-Encoding` other than gzip | tries again, then the error prefix | drops the batch |
//! | 503 | the queue is full, or it takes too long; `Retry-After` says when | tries again | tries again |

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Router, http::Method};
use serde_json::json;
use tokio::sync::mpsc;

use super::access::AccessKey;
use super::admission::{Admission, Admitted};
use super::body::{Bodies, Name};
use super::engine::now;
use super::feedback::{self, Feedback};
use super::firehose;
use super::refused::Refused;
use crate::live::http::{Admits, Shown, routes};
use crate::monitor::Monitor;
use crate::monitor::http::{Health, router};
use crate::monitor::metrics::Metric;
use crate::told::Told;

/// When a sender that was told 503 should come again, in seconds.
const COME_AGAIN: &str = "1";

/// What requests are served with.
pub struct Service {
    /// Who may send.
    pub access: Arc<AccessKey>,
    /// The way in of bodies.
    pub bodies: Bodies,
    /// How long a sender waits before it is told 503 while its batch is worked on.
    pub answer_within: Duration,
    /// The way in.
    pub admission: Arc<Admission>,
    /// What the process tells of itself.
    pub monitor: Arc<Monitor>,
    /// Where what people say goes.
    pub feedback: mpsc::Sender<Feedback>,
    told: Told,
}

impl Service {
    /// A service that nothing was asked of.
    pub fn new(
        access: Arc<AccessKey>,
        max_body: usize,
        answer_within: Duration,
        admission: Arc<Admission>,
        monitor: Arc<Monitor>,
        feedback: mpsc::Sender<Feedback>,
    ) -> Self {
        let bodies = Bodies::new(max_body);
        Service { access, bodies, answer_within, admission, monitor, feedback, told: Told::default() }
    }

    /// The routes: those of [`monitor`](crate::monitor::http), of the page if there is one, `POST /feedback`, and `POST` to any other
    /// path.
    pub fn router(self) -> Router {
        let (admission, access, monitor) = (self.admission.clone(), self.access.clone(), self.monitor.clone());
        let health: Health = Arc::new(move || admission.problem());
        let mut own = Router::new().route("/feedback", post(feedback::receive));
        if let Some(live) = monitor.live().cloned() {
            let admits: Admits = Arc::new(move |headers| access.admits_reader(headers));
            let shown = Shown { live, monitor: monitor.clone(), health: health.clone(), admits };
            // Payloads may be sent to these paths, too.
            own = routes(&shown).into_iter().fold(own, |own, (path, route)| own.route(path, route.fallback(receive)));
        }
        router(monitor, health).merge(own.fallback(receive).with_state(Arc::new(self)))
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
        service.monitor.metrics.add(metric, 1);
        if metric == Metric::BatchesRefused {
            let id = request_id.as_deref().unwrap_or("without an id");
            let shown: String = id.chars().take(256).collect();
            service.told.tell(&format!("refused request {shown:?}: {status}: {reason}"));
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
        let name = Name::of(request_id, &parts.headers)?;
        let batch = self.bodies.batch(name, &parts.headers, body).await?;
        if batch.is_empty() {
            return Ok(());
        }
        let mut pending = match self.admission.admit(batch) {
            Admitted::Known => {
                self.monitor.metrics.add(Metric::BatchesKnown, 1);
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
}
