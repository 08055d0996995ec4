//! Serving: batches of payloads by HTTP, scored in order, and acknowledged when their events were accepted downstream.
//!
//! [`http`] takes requests and [`body`] what is in them, as [`firehose`] has it or as [`batch`]es of lines; [`admission`] lets each batch in once;
//! the one task of [`engine`] scores them, keeps the state ([`saved`]) and delivers the events.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};

use crate::kept::Kept;
use crate::live::Live;
use crate::monitor::metrics::Command;
use crate::monitor::{Exports, Monitor, connections};
use crate::notify::{Notifier, Setup};
use crate::plugin::Plugin;
use crate::reloaded::Reloaded;
use crate::signals::{Reload, Signals};
use crate::sink::Sink;
use crate::state::Part;
use crate::usage::Usage;

pub mod access;
pub mod admission;
pub mod batch;
pub mod body;
pub mod engine;
pub mod feedback;
pub mod firehose;
pub mod http;
mod json_text;
mod refused;
pub mod saved;

use access::AccessKey;
use admission::{Admission, Bounds};
use engine::Engine;
use http::Service;

/// What is served, and how.
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Certificate chain and private key (PEM files); none: without TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Who may send.
    pub access: AccessKey,
    /// Bytes of the largest body.
    pub max_body: usize,
    /// How long a sender waits before it is told 503.
    pub answer_within: Duration,
    /// Bounds of what waits.
    pub bounds: Bounds,
    /// What the page at `GET /` is made of; none: there is no page.
    pub live: Option<Arc<Live>>,
    /// The plugin and the text of its configuration.
    pub plugin: (Plugin, String),
    /// The file that the configuration comes from, which SIGHUP reads again.
    pub config_file: Option<PathBuf>,
    /// Where events go.
    pub sink: Sink,
    /// Where the state is kept.
    pub state: Option<Part>,
    /// What it is called where metrics and logs go.
    pub source: String,
    /// Where metrics and logs go by themselves.
    pub exports: Exports,
    /// Whom people are told by, and where is kept what they were told.
    pub notify: Option<(Setup, Option<Part>)>,
    /// Where payloads are kept of which `failed` events show only a part.
    pub keep_failed: Option<Kept>,
    /// Whether to learn anew, although there is a state with a model.
    pub discard_model: bool,
    /// The shortest time between two states.
    pub state_every: Duration,
    /// After so long without a batch, and again after as long, the component is told the time on the wall.
    pub tick: Option<Duration>,
    /// How long the queue may take to empty at the end.
    pub stop_within: Duration,
}

/// Serves until the process is told to stop (SIGTERM, SIGINT) or cannot go on.
///
/// # Errors
///
/// The address cannot be listened on, certificate or state cannot be used, or events cannot be written.
pub async fn serve(settings: Settings) -> Result<()> {
    let Settings {
        listen,
        tls,
        access,
        max_body,
        answer_within,
        bounds,
        live,
        plugin,
        config_file,
        sink,
        state,
        source,
        exports,
        notify,
        keep_failed,
        discard_model,
        state_every,
        tick,
        stop_within,
    } = settings;
    // From the very first: whoever sees it ready may tell it to stop.
    let mut stop = Signals::listen()?;
    let mut reload = Reload::listen()?;
    let monitor = Monitor::new(Command::Serve);
    monitor.watch_sink(&sink);
    if let Some(live) = live.clone() {
        monitor.show(live);
    }
    exports.begin(&monitor, &source)?;
    if let Some((setup, kept)) = notify {
        monitor.notify(Notifier::start(setup, kept).await?);
    }
    let notifying = monitor.clone();
    let queue = bounds.batches;
    let (admission, jobs) = Admission::new(bounds, monitor.metrics.clone());
    let admission = Arc::new(admission);
    let (said, feedback) = tokio::sync::mpsc::channel(feedback::WAITING);
    let service = Service::new(Arc::new(access), max_body, answer_within, admission.clone(), monitor.clone(), said);
    let tls = match tls {
        None => None,
        Some(files) => Some(Tls::read(files).await.map_err(Usage)?),
    };
    let reloaded = Reloaded::new(&plugin.0, config_file);
    let engine = Engine {
        plugin,
        reloaded: reloaded.clone(),
        sink,
        state,
        state_every,
        tick,
        admission: admission.clone(),
        monitor,
    };
    let prepared = engine.prepare(discard_model, keep_failed).await?;
    let listener =
        std::net::TcpListener::bind(listen).map_err(|error| Usage(format!("cannot listen on {listen}: {error}")))?;
    let address = listener.local_addr()?;

    let runtime = tokio::runtime::Handle::current();
    let (ended, mut engine_ended) = tokio::sync::oneshot::channel();
    // A thread of its own: the component's calls block.
    std::thread::Builder::new().name("scorer".into()).spawn(move || {
        let _ = ended.send(prepared.run(jobs, feedback, &runtime));
    })?;

    let handle = Handle::new();
    let make = service.router().into_make_service();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let server = connections::server(listener, queue)?.handle(handle.clone());
    let server = match tls.clone() {
        None => tokio::spawn(server.serve(make)),
        Some(Tls { config, .. }) => tokio::spawn(server.acceptor(RustlsAcceptor::new(config)).serve(make)),
    };
    tracing::info!("listening on {scheme}://{address}");

    let reload = async {
        loop {
            reload.next().await;
            reloaded.read_again();
            reload_files(tls.as_ref()).await;
        }
    };
    tokio::select! {
        result = &mut engine_ended => return result.unwrap_or_else(|_| Err(anyhow!("the scoring thread ended unexpectedly"))),
        () = stop.next() => {}
        () = reload => {}
    }
    tracing::info!("stopping: finishing what is in the queue, for at most {stop_within:?}");
    admission.close();
    if let Some(live) = live {
        live.stop();
    }
    handle.graceful_shutdown(Some(stop_within));
    let finish = async {
        let result = engine_ended.await.unwrap_or_else(|_| Err(anyhow!("the scoring thread ended unexpectedly")));
        let _ = server.await;
        result
    };
    let result = tokio::select! {
        result = tokio::time::timeout(stop_within, finish) => {
            result.unwrap_or_else(|_| Err(anyhow!(
                "stopped with batches in the queue after {stop_within:?}: downstream did not accept their events. Their \
                 senders were not told 200 and will send them again"
            )))
        }
        () = stop.next() => return Err(anyhow!("stopped at once by a second signal")),
    };
    notifying.finish().await;
    result
}

/// What SIGHUP asks for: files are read again, and what cannot be used changes nothing.
async fn reload_files(tls: Option<&Tls>) {
    let Some(tls) = tls else { return };
    match tls.read_again().await {
        Ok(()) => tracing::info!("the certificate was read again; new connections get it"),
        Err(problem) => tracing::error!("{problem}; the one from before stays"),
    }
}

/// Certificate chain and private key, and the files that they come from.
#[derive(Clone)]
struct Tls {
    config: RustlsConfig,
    files: (PathBuf, PathBuf),
}

impl Tls {
    async fn read(files: (PathBuf, PathBuf)) -> Result<Self, String> {
        match RustlsConfig::from_pem_file(&files.0, &files.1).await {
            Ok(config) => Ok(Tls { config, files }),
            Err(error) => Err(unusable(&files, &error)),
        }
    }

    async fn read_again(&self) -> Result<(), String> {
        let (certificate, key) = &self.files;
        self.config.reload_from_pem_file(certificate, key).await.map_err(|error| unusable(&self.files, &error))
    }
}

fn unusable((certificate, key): &(PathBuf, PathBuf), error: &std::io::Error) -> String {
    format!("cannot use the certificate and key in {} and {}: {error}", certificate.display(), key.display())
}
