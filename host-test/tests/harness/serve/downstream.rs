//! A receiver of events, such as Vector's http_server source, that can refuse.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;

/// What it has got, and how it behaves.
#[derive(Default)]
pub(crate) struct Downstream {
    pub(crate) url: String,
    accepted: Mutex<Vec<String>>,
    refusing: AtomicBool,
    refused: AtomicUsize,
}

impl Downstream {
    /// Starts one.
    pub(crate) async fn start() -> Arc<Downstream> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/scored", listener.local_addr().unwrap());
        let downstream = Arc::new(Downstream { url, ..Downstream::default() });
        let router = Router::new().fallback(receive).with_state(downstream.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        downstream
    }

    /// From now on answers 503, or not.
    pub(crate) fn refuse(&self, refusing: bool) {
        self.refusing.store(refusing, Ordering::SeqCst);
    }

    /// Waits until so many requests were refused.
    pub(crate) async fn refused(&self, requests: usize) {
        while self.refused.load(Ordering::SeqCst) < requests {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// All events accepted so far.
    pub(crate) fn events(&self) -> String {
        self.accepted.lock().unwrap().concat()
    }
}

async fn receive(State(downstream): State<Arc<Downstream>>, body: String) -> StatusCode {
    if downstream.refusing.load(Ordering::SeqCst) {
        downstream.refused.fetch_add(1, Ordering::SeqCst);
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    downstream.accepted.lock().unwrap().push(body);
    StatusCode::OK
}
