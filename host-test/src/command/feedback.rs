//! `flowscore feedback`: what a person says of an incident, to the model.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{PluginArgs, access_key};
use host_test::batch::{Scoring, refused};
use host_test::plugin::Judgement;
use host_test::serve::saved::Saved;
use host_test::state::Store;
use host_test::usage::Usage;

/// How long a server may take: it answers between two batches.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Tell the model that an incident was expected, or real
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore feedback --id 546b692d78970f16 --fine
  flowscore feedback --id 546b692d78970f16 --real --url https://flowscore.internal --access-key-file firehose.key
  flowscore feedback --id 546b692d78970f16 --fine --state /var/lib/flowscore --stream VPCFlowLogs

--id is the `id` of an `anomaly` or `group` event, which is known while the incident is open and for a day after. After --fine the
series alerts no more in that direction at that time of day (half an hour more on either side), up to half as much again; an
incident that is open ends. --real takes that back, and such incidents are told whatever detect.alerts_per_day says.")]
pub(crate) struct FeedbackArgs {
    /// The incident or the group
    #[arg(long, value_name = "ID")]
    id: String,
    /// It is expected
    #[arg(long, required_unless_present = "real")]
    fine: bool,
    /// It was worth the alert
    #[arg(long, conflicts_with = "fine")]
    real: bool,
    /// A `flowscore serve` that runs
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:18080", conflicts_with = "state")]
    url: String,
    /// File with the access key that it asks for
    #[arg(long, value_name = "FILE", conflicts_with = "state")]
    access_key_file: Option<PathBuf>,
    /// The state of a process that does not run: a directory, or s3://…, gs://…, az://…
    #[arg(long, value_name = "URL")]
    state: Option<String>,
    /// The Kinesis stream that the state is of; without it the state is one of `serve`
    #[arg(long, value_name = "NAME", requires = "state")]
    stream: Option<String>,
    /// The name of the instance in --state [default: flowscore with --stream, else serve]
    #[arg(long, value_name = "NAME", requires = "state")]
    application: Option<String>,
    #[command(flatten)]
    plugin: PluginArgs,
}

impl FeedbackArgs {
    /// Tells it.
    pub(crate) fn run(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let series = match &self.state {
            Some(state) => runtime.block_on(self.to_state(state))?,
            None => runtime.block_on(self.to_server())?,
        };
        eprintln!("taken up for {series} series");
        Ok(())
    }

    async fn to_server(&self) -> Result<u64> {
        let url = format!("{}/feedback", self.url.trim_end_matches('/'));
        let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
        let verdict = if self.real { "real" } else { "fine" };
        let mut request = client.post(&url).body(json!({ "id": self.id, "verdict": verdict }).to_string());
        if let Some(key) = access_key::shown(self.access_key_file.as_deref())? {
            request = request.bearer_auth(key);
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url).context("the server does not answer")?;
        let status = answer.status();
        let body: Value = serde_json::from_str(&answer.text().await?).unwrap_or_default();
        match body["series"].as_u64() {
            Some(series) => Ok(series),
            None => bail!("{status}: {}", body["errorMessage"].as_str().unwrap_or("this is no flowscore serve")),
        }
    }

    async fn to_state(&self, url: &str) -> Result<u64> {
        let (application, stream, part) = match &self.stream {
            Some(stream) => ("flowscore", stream.as_str(), super::kinesis::ALL_SHARDS),
            None => ("serve", "http", "all"),
        };
        let mut part = Store::open(url, self.application.as_deref().unwrap_or(application), stream)?.part(part)?;
        let object = part.object();
        let Some(mut state) = part.load().await? else { bail!("there is no state {object}") };
        // What `serve` keeps has the snapshot in it.
        let mut saved = match self.stream {
            Some(_) => Saved { snapshot: state.snapshot, ..Saved::default() },
            None => Saved::decode(&state.snapshot).map_err(|reason| Usage(format!("{object}: {reason}")))?,
        };
        let (plugin, config) = (self.plugin.load()?, self.plugin.config_text()?);
        let mut scoring =
            Scoring::restore(&plugin, &config, &saved.snapshot).map_err(|error| refused(error, &object))?;
        let judgement = if self.real { Judgement::Real } else { Judgement::Fine };
        let series = scoring.feedback(&self.id, judgement)?;
        if series == 0 {
            bail!("no incident or group of that id is known in {object}: it is while open and for a day after");
        }
        saved.snapshot = scoring.snapshot()?.to_vec();
        state.snapshot = if self.stream.is_some() { saved.snapshot } else { saved.encode() };
        part.save(&state).await?;
        Ok(series.into())
    }
}
