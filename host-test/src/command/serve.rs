//! `flowscore serve`: payloads by HTTP in, events out.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::following::ExportArgs;
use super::notify::NotifyArgs;
use super::page::PageArgs;
use super::{Discard, FailedArgs, PluginArgs, access_key};
use host_test::notify;
use host_test::serve::access::AccessKey;
use host_test::serve::admission::Bounds;
use host_test::serve::{Settings, serve};
use host_test::sink::Sink;
use host_test::state::Store;
use host_test::usage::Usage;

/// Serve HTTP: Firehose deliveries and Vector's http sink in, events out
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore serve --listen 127.0.0.1:18080 --forward http://127.0.0.1:18081/scored
  flowscore serve --listen 0.0.0.0:443 --tls-cert cert.pem --tls-key key.pem --access-key-file firehose.key \\
      --forward http://127.0.0.1:18081/scored --state s3://my-bucket/flowscore
  curl --data-binary @payloads.txt http://127.0.0.1:18080/

POST payloads to any path: a Firehose delivery (told by its headers), lines, a JSON array, or one binary payload; plain or
gzipped. The answer is 200 when the events of the batch were accepted by --forward (or written to standard output), and
503 with Retry-After while there is no room. A batch that is sent again is not scored again. GET / is a page of what was found;
GET /health and /metrics.
SIGHUP reads the configuration and the certificate again; SIGTERM finishes what is in the queue and ends.")]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    plugin: PluginArgs,
    #[command(flatten)]
    failed: FailedArgs,
    #[command(flatten)]
    page: PageArgs,
    #[command(flatten)]
    notify: NotifyArgs,
    #[command(flatten)]
    export: ExportArgs,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:18080")]
    listen: SocketAddr,
    /// Where events are posted to, as lines of JSON; without it they go to standard output
    #[arg(long, value_name = "URL")]
    forward: Option<String>,
    /// Where the state is kept: a directory, or s3://…, gs://…, az://…; without it nothing outlives the process
    #[arg(long, value_name = "URL")]
    state: Option<String>,
    /// The name of this instance's state in --state; several instances need a name each
    #[arg(long, value_name = "NAME", default_value = "serve", requires = "state")]
    application: String,
    /// Learn anew in spite of the state, which keeps the names of batches and undelivered events
    #[arg(long, value_enum, requires = "state")]
    discard: Option<Discard>,
    /// Shortest time between two states, in seconds; batches wait for their state, so that this is the longest delay it adds
    #[arg(long, value_name = "SECONDS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=120))]
    state_every: u64,
    /// File with the access key that senders must show (X-Amz-Firehose-Access-Key, or Authorization: Bearer)
    #[arg(long, value_name = "FILE")]
    access_key_file: Option<PathBuf>,
    /// Certificate chain for TLS (PEM); with --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Largest body, as sent and unpacked, in MiB; a larger one is answered 413, which makes Firehose give it up
    #[arg(long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=1024))]
    max_body: u64,
    /// Requests that may wait for their answer at the same time; more are answered 503
    #[arg(long, value_name = "REQUESTS", default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    queue: u64,
    /// Memory for what waits, in MiB; more is answered 503
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=65_536))]
    queue_memory: u64,
    /// Accepted batches whose names are remembered, to know a re-send; 0: none
    #[arg(long, value_name = "BATCHES", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(..=1_000_000))]
    remember: u64,
    /// Seconds after which a batch that is still worked on is answered 503; its re-send waits for the same outcome
    #[arg(long, value_name = "SECONDS", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=175))]
    answer_within: u64,
    /// Tell the component the time when nothing came for so many seconds, and again after as many, so that windows close and
    /// the silence of the whole source is noticed. For live streams: see docs/serve.md
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    tick: Option<u64>,
    /// Seconds that the queue may take to empty when told to stop
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=3_600))]
    stop_within: u64,
}

impl ServeArgs {
    /// Serves until told to stop.
    pub(crate) fn run(&self) -> Result<()> {
        let settings = self.settings()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("cannot start the threads that serve")?;
        let result = runtime.block_on(serve(settings));
        // The scoring thread may be waiting for downstream, and the process ends with this one.
        std::mem::forget(runtime);
        result
    }

    /// What it is called in notifications, and where metrics and logs go.
    fn source(&self) -> String {
        if self.application == "serve" { "serve".to_owned() } else { format!("serve {}", self.application) }
    }

    fn settings(&self) -> Result<Settings> {
        let access = match &self.access_key_file {
            None => AccessKey::open(),
            Some(path) => {
                let refused = |reason| Usage(format!("the access key file {} {reason}", path.display()));
                AccessKey::from_file(&access_key::read(path)?).map_err(refused)?
            }
        };
        let sink = match &self.forward {
            None => Sink::Stdout,
            Some(url) => Sink::http("--forward", url, "give an http:// or https:// URL")?,
        };
        let store = match &self.state {
            None => None,
            Some(url) => Some(Store::open(url, &self.application, "http")?),
        };
        let plugin = self.plugin.load()?;
        let config = self.plugin.config_text()?;
        // Wrong configuration is said before anybody sends.
        let setup = self.notify.setup(&plugin.check_config(&config)?, self.source())?;
        let kept = |name: &str| store.as_ref().map(|store| store.part(name)).transpose();
        Ok(Settings {
            notify: match setup {
                None => None,
                Some(setup) => Some((setup, kept(notify::PART)?)),
            },
            listen: self.listen,
            source: self.source(),
            exports: self.export.settings()?,
            tls: self.tls_cert.clone().zip(self.tls_key.clone()),
            access,
            max_body: (self.max_body as usize) << 20,
            answer_within: Duration::from_secs(self.answer_within),
            bounds: Bounds {
                batches: self.queue as usize,
                bytes: (self.queue_memory as usize) << 20,
                remember: self.remember as usize,
            },
            live: self.page.live("flowscore".into(), &config)?,
            plugin: (plugin, config),
            config_file: self.plugin.config_file(),
            sink,
            state: kept("all")?,
            keep_failed: self.failed.open()?,
            discard_model: self.discard.is_some(),
            state_every: Duration::from_secs(self.state_every),
            tick: self.tick.map(Duration::from_secs),
            stop_within: Duration::from_secs(self.stop_within),
        })
    }
}
