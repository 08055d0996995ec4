//! `flowscore kinesis`: a stream in, events out, and nothing lost or counted twice on the way.

use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use aws_sdk_kinesis::Client;
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use self::follow::Follow;
use super::following::{self, HttpArgs, now, usage};
use super::notify::NotifyArgs;
use super::run::{Stats, report, stats};
use super::{FailedArgs, PluginArgs, endpoint};
use host_test::aws;
use host_test::batch::{Scoring, refused};
use host_test::monitor::metrics::Command;
use host_test::reloaded::Reloaded;
use host_test::sink::Sink;
use host_test::state::{Part, Start, State, Store};

mod follow;

/// The part of the stream's state that holds all of its shards.
pub(crate) const ALL_SHARDS: &str = "all-shards";

/// Read a Kinesis stream and tell of its spikes and drops: events as lines of JSON
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore kinesis --stream VPCFlowLogs
  flowscore kinesis --stream VPCFlowLogs --from latest --state s3://my-bucket/flowscore --output http://127.0.0.1:8080/
  flowscore kinesis --stream VPCFlowLogs --from 2026-01-31T00:00:00Z --once --state backfill --stats json > events.ndjson
  flowscore kinesis --stream test --endpoint-url http://127.0.0.1:4567

All shards are read by this one process, in the order of arrival. What was learned and how far was read are stored together
every --save-every seconds and at the end (SIGTERM, SIGINT). After a crash reading goes on from there: no record is left out
or counts twice, and events told since then are told again, with the same `id`. SIGHUP reads the configuration again. With --http
there are /health and /metrics.

Credentials and region come by the usual chain: environment, profile, container, instance. Needed are kinesis:ListShards,
kinesis:GetShardIterator and kinesis:GetRecords, for an output stream kinesis:PutRecords.")]
pub(crate) struct KinesisArgs {
    /// Name of the stream
    #[arg(long, value_name = "NAME")]
    stream: String,
    /// Where to begin when there is no state yet: `trim-horizon` (the oldest record), `latest`, an RFC 3339 time;
    /// `checkpoint` insists on a state
    #[arg(long, value_name = "START", default_value = "trim-horizon")]
    from: From,
    /// Directory or URL (file://, s3://, gs://, az://) for checkpoint and model
    #[arg(long, value_name = "URL", default_value = "flowscore-state")]
    state: String,
    /// Name of this reader of the stream; each has a state of its own
    #[arg(long, value_name = "NAME", default_value = "flowscore")]
    application: String,
    /// Begin anew in spite of the state: `model` keeps what was read, `state` nothing
    #[arg(long, value_enum)]
    discard: Option<Discard>,
    /// Seconds between two saves of the state
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    save_every: u32,
    /// Where events go: `-` (standard output), http(s)://… (POST of lines, until accepted), kinesis://STREAM, or a file
    #[arg(long, value_name = "WHERE", default_value = "-")]
    output: String,
    /// Stop when everything was read that the stream holds now
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
    /// Region, if not that of the environment or profile
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Endpoint, if not that of the region
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
    /// How the summary on standard error is written
    #[arg(long, value_enum, default_value = "text")]
    stats: Stats,
}

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    TrimHorizon,
    Latest,
    Timestamp(i64),
    Checkpoint,
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "trim-horizon" => Ok(From::TrimHorizon),
            "latest" => Ok(From::Latest),
            "checkpoint" => Ok(From::Checkpoint),
            _ => Timestamp::from_str(text).map(|time| From::Timestamp(time.as_millisecond())).map_err(|_| {
                "expected trim-horizon, latest, checkpoint or a time such as 2026-01-31T12:00:00Z".to_owned()
            }),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Discard {
    /// Learn anew, from where reading has come to
    Model,
    /// Learn anew, from --from on
    State,
}

impl KinesisArgs {
    /// Reads the stream until it is told to stop.
    pub(crate) fn run(&self) -> Result<()> {
        following::run(self.follow())
    }

    async fn follow(&self) -> Result<()> {
        let started = Instant::now();
        let plugin = self.plugin.load()?;
        let config = self.plugin.config_text()?;
        // A wrong configuration should be told before anything else.
        let source = format!("kinesis {}", self.stream);
        let monitor = self.http.monitor(Command::Kinesis, &source, 0, &config)?;
        let setup = self.notify.setup(&plugin.check_config(&config)?, source)?;
        let configuration = aws::configuration(self.region.as_deref()).await?;
        let client = aws::kinesis(&configuration, endpoint(self.endpoint_url.as_deref())?);
        let sink = Sink::open("--output", &self.output, || Some(client.clone()))?;

        let store = Store::open(&self.state, &self.application, &self.stream).map_err(usage)?;
        let mut part = store.part(ALL_SHARDS).map_err(usage)?;
        let state = self.load(&mut part).await?;
        let mut scoring =
            Scoring::restore(&plugin, &config, &state.snapshot).map_err(|error| refused(error, &part.object()))?;
        scoring.keep_failed(self.failed.open()?);
        monitor.watch(&mut scoring)?;
        monitor.resume(&state.open);
        self.tell(&state, &part);
        following::notify(setup, &store, &monitor).await?;
        let now = now()?;
        let reloaded = Reloaded::new(&plugin, self.plugin.config_file());
        reloaded.listen().context("cannot listen for signals")?;
        let start = self.start(now);
        let mut follow =
            Follow::open(self.source(client), start, state, (scoring, reloaded), sink, part, monitor.clone()).await?;
        let result = follow.run(Duration::from_secs(self.save_every.into()), self.once.then_some(now)).await;
        monitor.finish().await;
        self.summary(&mut follow, started)?;
        result
    }

    fn source(&self, client: Client) -> follow::Source {
        follow::Source { client, stream: self.stream.clone() }
    }

    /// The state to go on from; an empty one to begin with.
    async fn load(&self, part: &mut Part) -> Result<State> {
        // Also where it is discarded: what is not a state of ours must not be replaced.
        let state = part.load().await?;
        match (state, self.discard) {
            (_, Some(Discard::State)) => Ok(State::default()),
            (Some(state), Some(Discard::Model)) => Ok(state.without_model()),
            (Some(state), None) => Ok(state),
            (None, _) if self.from == From::Checkpoint => {
                Err(anyhow!("there is no state {} to go on from; give --from trim-horizon or latest", part.object()))
            }
            (None, _) => Ok(State::default()),
        }
    }

    /// Where to begin, as the state will keep it: `latest` is now, so that a crash soon after the start loses nothing.
    fn start(&self, now: i64) -> Start {
        match self.from {
            From::TrimHorizon | From::Checkpoint => Start::TrimHorizon,
            From::Timestamp(time) => Start::Timestamp(time),
            From::Latest => Start::Timestamp(now),
        }
    }

    fn tell(&self, state: &State, part: &Part) {
        if self.stats == Stats::None {
            return;
        }
        let (stream, object) = (&self.stream, part.object());
        match part.version() {
            0 => tracing::info!("reading the stream {stream}; state will be {object}"),
            version => {
                let model = if state.snapshot.is_empty() { "learning anew" } else { "with what was learned" };
                tracing::info!("reading the stream {stream} on, {model}; state is version {version} of {object}");
            }
        }
    }

    fn summary(&self, follow: &mut Follow, started: Instant) -> Result<()> {
        let totals = follow.totals()?;
        let seconds = started.elapsed().as_secs_f64();
        if self.stats != Stats::Json {
            report(self.stats, &totals, seconds);
            return Ok(());
        }
        let mut summary = stats(&totals, seconds);
        summary["read"] = follow.read().into();
        summary["shards"] = follow.stream().shards().into();
        summary["behind_ms"] = follow.stream().behind().into();
        summary["disordered"] = follow.stream().disordered().into();
        summary["version"] = follow.version().into();
        eprintln!("{summary}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_word_or_a_time() {
        for (text, expected) in [
            ("trim-horizon", Some(From::TrimHorizon)),
            ("latest", Some(From::Latest)),
            ("checkpoint", Some(From::Checkpoint)),
            ("1970-01-01T00:00:01.5Z", Some(From::Timestamp(1_500))),
            ("1970-01-01T01:00:00+01:00", Some(From::Timestamp(0))),
            ("yesterday", None),
            ("2026-01-31", None),
        ] {
            assert_eq!(From::from_str(text).ok(), expected, "{text}");
        }
    }
}
