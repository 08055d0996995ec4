//! `flowscore multilang`: a record processor of the KCL MultiLangDaemon.

use std::io;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::following::HttpArgs;
use super::notify::NotifyArgs;
use super::{Discard, FailedArgs, PluginArgs, endpoint};
use host_test::aws;
use host_test::monitor::metrics::Command;
use host_test::multilang::processor::{Settings, process};
use host_test::multilang::protocol::Daemon;
use host_test::reloaded::Reloaded;
use host_test::sink::Sink;
use host_test::state::Store;
use host_test::usage::Usage;

/// The daemon starts a process for each shard, all with one command line: each takes a port of its own from --http on.
const MORE_PORTS: u16 = 99;

/// Process records for Amazon's KCL MultiLangDaemon, which starts it for each shard: events to HTTP, a stream or a file
#[derive(Args)]
#[command(after_help = "\
Examples:
  # in the daemon's properties file
  executableName = flowscore multilang --stream VPCFlowLogs --state s3://my-bucket/flowscore --output http://127.0.0.1:8080/
  executableName = flowscore multilang --stream VPCFlowLogs --state /mnt/shared/flowscore --output kinesis://alerts

Standard input and output are the daemon's protocol, so that events need another place: --output. The state of each shard
must be where every worker can reach it. A checkpoint is made only after the events were accepted and the state was saved;
after a crash the next worker goes on from the state, and events told since then are told again, with the same `id`.
SIGHUP reads the configuration again. With --http each process has /health and /metrics on the first port that is free from that one
on. With --stream the shards that others were split or merged into go on with what was learned in those (kinesis:ListShards).")]
pub(crate) struct MultilangArgs {
    #[command(flatten)]
    plugin: PluginArgs,
    #[command(flatten)]
    failed: FailedArgs,
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    notify: NotifyArgs,
    /// Directory or URL (file://, s3://, gs://, az://) for the states of the shards, within reach of all workers
    #[arg(long, value_name = "URL")]
    state: String,
    /// Name of this reader of the stream; each has states of its own
    #[arg(long, value_name = "NAME", default_value = "flowscore-multilang")]
    application: String,
    /// Name of the stream; without it children of a shard do not go on with what was learned in it
    #[arg(long, value_name = "NAME")]
    stream: Option<String>,
    /// Where events go: http(s)://… (POST of lines, until accepted), kinesis://STREAM, or a file
    #[arg(long, value_name = "WHERE", alias = "forward")]
    output: String,
    /// Learn anew where the model in a state does not fit the configuration or this version; reading goes on where it was
    #[arg(long, value_enum)]
    discard: Option<Discard>,
    /// Seconds between two saves of the state, each with a checkpoint
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(..=3_600))]
    save_every: u64,
    /// Region, if not that of the environment or profile
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Kinesis endpoint, if not that of the region
    #[arg(long, value_name = "URL")]
    endpoint_url: Option<String>,
}

impl MultilangArgs {
    /// Serves the daemon until it closes the pipe.
    pub(crate) fn run(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .context("cannot start the thread for what goes over the network")?;
        let plugin = self.plugin.load()?;
        let config = self.plugin.config_text()?;
        let stream = self.stream.as_deref().unwrap_or("stream");
        let source = format!("multilang {stream}");
        let notify = self.notify.setup(&plugin.check_config(&config)?, source.clone())?;
        let is_stream = self.output.starts_with("kinesis://");
        let client = match self.stream.is_some() || is_stream {
            true => {
                let configuration = runtime.block_on(aws::configuration(self.region.as_deref()))?;
                Some(aws::kinesis(&configuration, endpoint(self.endpoint_url.as_deref())?))
            }
            false => None,
        };
        let reloaded = Reloaded::new(&plugin, self.plugin.config_file());
        runtime.block_on(async { reloaded.listen() }).context("cannot listen for signals")?;
        let monitor =
            runtime.block_on(async { self.http.monitor(Command::Multilang, &source, MORE_PORTS, &config) })?;
        let settings = Settings {
            monitor,
            notify,
            plugin: (plugin, config),
            reloaded,
            store: Store::open(&self.state, &self.application, stream)?,
            sink: self.sink(client.as_ref())?,
            stream: client.zip(self.stream.clone()),
            keep_failed: self.failed.open()?,
            discard_model: self.discard.is_some(),
            save_every: Duration::from_secs(self.save_every),
        };
        let mut daemon = Daemon::new(io::stdin().lock(), io::stdout().lock());
        let result = process(settings, &runtime, &mut daemon);
        runtime.shutdown_background();
        result
    }

    fn sink(&self, client: Option<&aws_sdk_kinesis::Client>) -> Result<Sink> {
        if self.output == "-" {
            return Err(
                Usage("--output -: standard output is the daemon's; give another place for events".into()).into()
            );
        }
        Ok(Sink::open("--output", &self.output, || client.cloned())?)
    }
}
