//! `/health`, `/health/live`, `/health/ready` and `/metrics`, the same for every command, and the page.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::{Monitor, connections, exposition};
use crate::live::http::{Shown, routes};
use crate::usage::Usage;

/// When somebody who was told 503 should come again, in seconds.
const COME_AGAIN: &str = "1";

/// Why a process is not ready; none if nothing is known to be in the way.
pub type Health = Arc<dyn Fn() -> Option<&'static str> + Send + Sync>;

#[derive(Clone)]
struct Asked {
    monitor: Arc<Monitor>,
    health: Health,
}

/// The routes, of a process whose health is told by `health`.
pub fn router(monitor: Arc<Monitor>, health: Health) -> Router {
    Router::new()
        .route("/health", get(ready))
        .route("/health/ready", get(ready))
        .route("/health/live", get(|| async { "live\n" }))
        .route("/metrics", get(metrics))
        .with_state(Asked { monitor, health })
}

async fn ready(State(asked): State<Asked>) -> Response {
    match (asked.health)() {
        None => (StatusCode::OK, "ready\n").into_response(),
        Some(problem) => {
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, COME_AGAIN)], format!("{problem}\n")).into_response()
        }
    }
}

async fn metrics(State(asked): State<Asked>) -> Response {
    match exposition::expose(&asked.monitor) {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Connections that wait for their answer at the same time.
const WAITING: usize = 64;

/// Serves the routes on the first free port of the address and the `more` ports after it, for as long as the process lives.
///
/// # Errors
///
/// None of them can be listened on.
pub fn listen(monitor: &Arc<Monitor>, address: SocketAddr, more: u16) -> Result<(), Usage> {
    let ports = address.port()..=address.port().saturating_add(more);
    let mut refused = None;
    for port in ports {
        let address = SocketAddr::new(address.ip(), port);
        match std::net::TcpListener::bind(address).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((connections::server(listener, WAITING)?, address))
        }) {
            Ok((server, address)) => {
                let health: Health = {
                    let monitor = monitor.clone();
                    Arc::new(move || monitor.problem())
                };
                let mut router = router(monitor.clone(), health.clone());
                if let Some(live) = monitor.live() {
                    let (live, monitor) = (live.clone(), monitor.clone());
                    let shown = Shown { live, monitor, health, admits: Arc::new(|_| true) };
                    router = routes(&shown).into_iter().fold(router, |router, (path, route)| router.route(path, route));
                }
                tokio::spawn(server.serve(router.into_make_service()));
                let page = if monitor.live().is_some() { "page, " } else { "" };
                tracing::info!("{page}health and metrics on http://{address}");
                return Ok(());
            }
            Err(error) => refused = refused.or(Some(error)),
        }
    }
    let reason = refused.map_or_else(|| "no port".to_owned(), |error| error.to_string());
    Err(Usage(format!("--http {address}: cannot listen there: {reason}")))
}
