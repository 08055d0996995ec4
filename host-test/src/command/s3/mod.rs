//! `flowscore s3`: new objects of a bucket in, events out, and none scored twice.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use self::follow::{Follow, Times};
use super::following::{self, HttpArgs, usage};
use super::input::AccessArgs;
use super::notify::NotifyArgs;
use super::run::{Stats, report, stats};
use super::{Discard, FailedArgs, PluginArgs, endpoint};
use host_test::aws;
use host_test::batch::{Scoring, refused};
use host_test::monitor::metrics::Command;
use host_test::reloaded::Reloaded;
use host_test::sink::Sink;
use host_test::source::queue::Queue;
use host_test::source::s3::Access;
use host_test::state::{Part, State, Store};
use host_test::usage::Usage;

mod follow;
mod seen;

/// The part of the queue's state that holds all of it.
const ALL: &str = "all-objects";

/// Read new objects of S3, as a queue tells of them, and tell of spikes and drops: events as lines of JSON
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore s3 --queue https://sqs.us-east-1.amazonaws.com/123456789012/flow-logs
  flowscore s3 --queue $URL --state s3://my-bucket/flowscore --output http://127.0.0.1:8080/ --tick 900
  flowscore s3 --queue $URL --once --stats json > events.ndjson

The queue (SQS) gets the bucket's notifications of new objects, directly, through SNS or through EventBridge: docs/s3.md. Objects
may be lines, CSV, JSON or Parquet, packed by gzip or zstd. Those that wait are read in the order of the time in their names, each
once, however often it is told of. What was learned and which objects were read are stored together every --save-every seconds
and at the end (SIGTERM, SIGINT); only then messages are deleted. After a crash reading goes on from there: no object is left out
or counts twice, and events told since then are told again, with the same `id`.

Needed are sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility, sqs:GetQueueAttributes and s3:GetObject.")]
pub(crate) struct S3Args {
    /// URL of the queue. It must have no other reader
    #[arg(long, value_name = "URL")]
    queue: String,
    /// Directory or URL (file://, s3://, gs://, az://) for what was read and the model
    #[arg(long, value_name = "URL", default_value = "flowscore-state")]
    state: String,
    /// Name of this reader; each has a state of its own
    #[arg(long, value_name = "NAME", default_value = "flowscore")]
    application: String,
    /// Begin anew in spite of the state, and still know which objects were read
    #[arg(long, value_enum)]
    discard: Option<Discard>,
    /// Seconds between two saves of the state
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    save_every: u32,
    /// Seconds for which messages in hand are hidden from other readers, prolonged as needed; a start after a crash waits as long
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(2..=43_200))]
    visibility: u64,
    /// Objects whose names are remembered, to know those that are told of again
    #[arg(long, value_name = "OBJECTS", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    remember: u64,
    /// When no object came for so many seconds, tell the component the time so long ago, and again as it goes on: so windows close,
    /// and the silence of the whole source is noticed. For live buckets; AWS delivers within ten minutes, so 900 is a good value
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(60..=86_400))]
    tick: Option<u64>,
    /// Where events go: `-` (standard output), http(s)://… (POST of lines, until accepted), kinesis://STREAM, or a file
    #[arg(long, value_name = "WHERE", default_value = "-")]
    output: String,
    /// Stop when the queue is empty
    #[arg(long)]
    once: bool,
    #[command(flatten)]
    plugin: PluginArgs,
    #[command(flatten)]
    failed: FailedArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    notify: NotifyArgs,
    #[command(flatten)]
    access: AccessArgs,
    /// How the summary on standard error is written
    #[arg(long, value_enum, default_value = "text")]
    stats: Stats,
}

impl S3Args {
    /// Reads objects until it is told to stop.
    pub(crate) fn run(&self) -> Result<()> {
        following::run(self.follow())
    }

    async fn follow(&self) -> Result<()> {
        let started = Instant::now();
        let plugin = self.plugin.load()?;
        let config = self.plugin.config_text()?;
        // A wrong configuration should be told before anything else.
        let checked = plugin.check_config(&config)?;
        let name = self.name()?;
        let setup = self.notify.setup(&checked, format!("s3 {name}"))?;
        let monitor = self.http.monitor(Command::S3, &format!("s3 {name}"), 0, &config)?;
        let endpoint_url = endpoint(self.access.endpoint_url.as_deref())?;
        let configuration = aws::configuration(self.access.region.as_deref()).await?;
        let sink = Sink::open("--output", &self.output, || Some(aws::kinesis(&configuration, endpoint_url)))?;
        let queue = Queue::new(aws::sqs(&configuration, endpoint_url), &self.queue, self.hidden());

        let store = Store::open(&self.state, &self.application, name).map_err(usage)?;
        let mut part = store.part(ALL).map_err(usage)?;
        let state = self.load(&mut part).await?;
        let mut scoring =
            Scoring::restore(&plugin, &config, &state.snapshot).map_err(|error| refused(error, &part.object()))?;
        scoring.keep_failed(self.failed.open()?);
        monitor.watch(&mut scoring)?;
        monitor.resume(&state.open);
        if self.stats != Stats::None {
            tracing::info!(
                "reading the objects that {name} tells of; state is version {} of {}",
                part.version(),
                part.object()
            );
        }
        following::notify(setup, &store, &monitor).await?;
        let reloaded = Reloaded::new(&plugin, self.plugin.config_file());
        reloaded.listen().context("cannot listen for signals")?;
        let region = self.access.region.clone().or_else(|| configuration.region().map(ToString::to_string));
        let access = Access { region, endpoint_url: endpoint_url.map(str::to_owned) };
        let times = Times {
            save_every: Duration::from_secs(self.save_every.into()),
            tick: self.tick.map(Duration::from_secs),
            once: self.once,
        };
        let remember = usize::try_from(self.remember)?;
        let seen = (state.shards, remember);
        let mut follow =
            Follow::new((queue, self.hidden()), access, (scoring, reloaded), sink, part, seen, monitor.clone())?;
        let result = follow.run(&times).await;
        monitor.finish().await;
        self.summary(&mut follow, started)?;
        result
    }

    fn hidden(&self) -> Duration {
        Duration::from_secs(self.visibility)
    }

    /// The queue's name, by which its state is kept.
    fn name(&self) -> Result<&str, Usage> {
        let name = self.queue.split_once("://").and_then(|(_, rest)| rest.trim_end_matches('/').rsplit_once('/'));
        match name {
            Some((_, name)) if !name.is_empty() => Ok(name),
            _ => Err(Usage(
                "--queue: give the URL of the queue, such as https://sqs.us-east-1.amazonaws.com/123456789012/flow-logs".into(),
            )),
        }
    }

    async fn load(&self, part: &mut Part) -> Result<State> {
        let state = part.load().await?.unwrap_or_default();
        Ok(match self.discard {
            Some(Discard::Model) => state.without_model(),
            None => state,
        })
    }

    fn summary(&self, follow: &mut Follow, started: Instant) -> Result<()> {
        let totals = follow.totals()?;
        let seconds = started.elapsed().as_secs_f64();
        if self.stats != Stats::Json {
            report(self.stats, &totals, seconds);
            return Ok(());
        }
        let mut summary = stats(&totals, seconds);
        let counts = follow.counts();
        summary["objects"] = counts.objects.into();
        summary["repeated"] = counts.repeated.into();
        summary["missing"] = counts.missing.into();
        summary["version"] = follow.version().into();
        eprintln!("{summary}");
        Ok(())
    }
}
