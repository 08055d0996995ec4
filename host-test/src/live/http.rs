//! `GET /`: the page; `GET /content`: what of it changes; `GET /events`: what is going on, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;

use super::{Html, Live, State};
use crate::monitor::Monitor;
use crate::monitor::http::Health;

/// The header by which a page knows whether what it has got is what it was told of.
const VERSION: &str = "x-version";

/// How often followers are told, if there is something new, and otherwise.
const EVERY: Duration = Duration::from_secs(1);
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Who may look: told by the headers of a request.
pub type Admits = Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// What is shown, of whom, and to whom.
#[derive(Clone)]
pub struct Shown {
    /// What is shown.
    pub live: Arc<Live>,
    /// The process.
    pub monitor: Arc<Monitor>,
    /// How it is.
    pub health: Health,
    /// Who may look.
    pub admits: Admits,
}

/// The paths, and what they answer to GET.
pub fn routes<S: Clone + Send + Sync + 'static>(shown: &Shown) -> [(&'static str, MethodRouter<S>); 3] {
    [
        ("/", get(page).with_state(shown.clone())),
        ("/content", get(content).with_state(shown.clone())),
        ("/events", get(events).with_state(shown.clone())),
    ]
}

async fn page(extract::State(shown): extract::State<Shown>, headers: HeaderMap) -> Response {
    made(&shown, &headers, Live::page).await
}

async fn content(extract::State(shown): extract::State<Shown>, headers: HeaderMap) -> Response {
    made(&shown, &headers, Live::content).await
}

async fn made(shown: &Shown, headers: &HeaderMap, make: fn(&Live) -> std::io::Result<Html>) -> Response {
    if !(shown.admits)(headers) {
        return stranger();
    }
    let live = shown.live.clone();
    match tokio::task::spawn_blocking(move || make(&live)).await {
        Ok(Ok(Html { version, text })) => (
            [(VERSION, version.to_string())],
            [
                (CONTENT_TYPE, "text/html; charset=utf-8"),
                (CONTENT_SECURITY_POLICY, &flowscore_report::Live::policy()),
                (X_CONTENT_TYPE_OPTIONS, "nosniff"),
                (CACHE_CONTROL, "no-store"),
            ],
            text,
        )
            .into_response(),
        _ => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A browser asks for the key then; the name beside it may be any.
fn stranger() -> Response {
    let challenge = [(WWW_AUTHENTICATE, "Basic realm=\"flowscore\", charset=\"UTF-8\"")];
    (StatusCode::UNAUTHORIZED, challenge, "the access key is missing or wrong\n").into_response()
}

async fn events(extract::State(shown): extract::State<Shown>, headers: HeaderMap) -> Response {
    if !(shown.admits)(&headers) {
        return stranger();
    }
    let Ok(place) = shown.live.followers.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], "too many pages follow this process\n")
            .into_response();
    };
    let follower = Follower { shown, told: None, _place: place };
    let stream = stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    ([(CACHE_CONTROL, "no-store")], Sse::new(stream).keep_alive(KeepAlive::default())).into_response()
}

/// A page that follows.
struct Follower {
    shown: Shown,
    /// What it was told last, and when.
    told: Option<(Instant, State)>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// What is new, as soon as there is something; none when the process stops.
    async fn next(&mut self) -> Option<Event> {
        let mut stopped = self.shown.live.stopped.subscribe();
        loop {
            if self.told.is_some() {
                tokio::select! {
                    _ = stopped.wait_for(|stopped| *stopped) => return None,
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
            if *stopped.borrow() {
                return None;
            }
            let shown = self.shown.clone();
            let state = tokio::task::spawn_blocking(move || shown.live.state(&shown.monitor, (shown.health)()));
            let state = state.await.ok()?.ok()?;
            let is_news = self.told.as_ref().is_none_or(|(at, told)| {
                (told.version, &told.health) != (state.version, &state.health) || at.elapsed() >= AT_LEAST_EVERY
            });
            if is_news {
                let event = Event::default().event("state").data(&state.text);
                self.told = Some((Instant::now(), state));
                return Some(event);
            }
        }
    }
}
