//! Why a batch was not accepted.

use axum::http::StatusCode;

/// Why a batch was not accepted.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) reason: String,
}

impl Refused {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Refused { status, reason: reason.into() }
    }

    /// Not for now.
    pub(super) fn busy(reason: &str) -> Self {
        Refused::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }
}
