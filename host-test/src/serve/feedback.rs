//! What a person says of an incident, by `POST /feedback`: `{"id": "…", "verdict": "fine"}`, or `"real"`.
//!
//! | status | when |
//! |---|---|
//! | 200 | the model has taken it up, and with a state it is saved; `{"series": 1}` says of how many series |
//! | 400 | the body is something else |
//! | 401 | the access key is missing or wrong |
//! | 404 | no incident or group of that id is known: it is while open and for a day after |
//! | 503 | it is still waiting for batches, or the process stops |

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;

use super::firehose;
use super::http::Service;
use crate::plugin::Judgement;

/// Bytes of a body: an id and a word.
const BODY: usize = 4_096;
/// What people said that may wait.
pub const WAITING: usize = 64;

/// What a person said, with who waits for the number of series that took it up.
pub struct Feedback {
    /// The incident's or the group's.
    pub id: String,
    /// What was said of it.
    pub judgement: Judgement,
    /// Who waits.
    pub answer: oneshot::Sender<u32>,
}

/// The words of a [`Judgement`].
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Fine,
    Real,
}

#[derive(Deserialize)]
struct Said {
    id: String,
    verdict: Verdict,
}

pub(super) async fn receive(State(service): State<Arc<Service>>, request: Request<Body>) -> Response {
    match take(&service, request).await {
        Ok(series) => (StatusCode::OK, json!({ "series": series }).to_string()).into_response(),
        Err((status, reason)) => (status, json!({ "errorMessage": reason }).to_string()).into_response(),
    }
}

async fn take(service: &Service, request: Request<Body>) -> Result<u32, (StatusCode, String)> {
    let (parts, body) = request.into_parts();
    if !service.access.admits(&parts.headers) {
        let header = firehose::ACCESS_KEY;
        return Err((StatusCode::UNAUTHORIZED, format!("the access key ({header}) is missing or wrong")));
    }
    let wrong = |error: &dyn std::fmt::Display| {
        (StatusCode::BAD_REQUEST, format!(r#"send {{"id": "…", "verdict": "fine"}}, or "real": {error}"#))
    };
    let body = axum::body::to_bytes(body, BODY).await.map_err(|error| wrong(&error))?;
    let Said { id, verdict } = serde_json::from_slice(&body).map_err(|error| wrong(&error))?;
    let judgement = match verdict {
        Verdict::Fine => Judgement::Fine,
        Verdict::Real => Judgement::Real,
    };
    let busy = || (StatusCode::SERVICE_UNAVAILABLE, "the model is busy, or stops; say it again".to_owned());
    let (answer, taken) = oneshot::channel();
    service.feedback.try_send(Feedback { id, judgement, answer }).map_err(|_| busy())?;
    match tokio::time::timeout(service.answer_within, taken).await {
        Ok(Ok(0)) => Err((
            StatusCode::NOT_FOUND,
            "no incident or group of that id is known: it is while open and for a day after".to_owned(),
        )),
        Ok(Ok(series)) => Ok(series),
        _ => Err(busy()),
    }
}
