//! Whom a command tells by itself.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::Args;
use tokio::runtime::Runtime;

use host_test::configuration::with_environment;
use host_test::notify::target::Target;
use host_test::notify::template::{Body, Link};
use host_test::notify::text::Words;
use host_test::notify::{Notifier, Outcome, Setup};
use host_test::usage::Usage;

/// How long a command that ends with its input waits for people to be told.
const LAST: Duration = Duration::from_secs(60);

/// Whom people are told by.
#[derive(Args)]
pub(crate) struct NotifyArgs {
    /// Tell people of incidents by slack://…, pagerduty://KEY, the ARN of an SNS topic, or a webhook (https://…); `file:PATH`: by those in
    /// a file. ${NAME} stands for a variable of the environment. May be given several times (docs/notify.md)
    #[arg(long, value_name = "TARGET")]
    notify: Vec<String>,
    /// JSON that webhooks are sent, with {title}, {body}, {severity}, … in its texts
    #[arg(long, value_name = "FILE", requires = "notify")]
    notify_template: Option<PathBuf>,
    /// Link in notifications, with {id}, {series}, {start_ms}, {end_ms}, … in it
    #[arg(long, value_name = "URL", requires = "notify")]
    link_template: Option<String>,
}

impl NotifyArgs {
    /// Whom to tell, by the configuration as it is printed, of what comes from `source`; none if nobody.
    pub(crate) fn setup(&self, config: &str, source: String) -> Result<Option<Setup>, Usage> {
        let body = match &self.notify_template {
            None => Body::default(),
            Some(path) => {
                let text = read(path, "--notify-template")?;
                Body::new(&text).map_err(|reason| Usage(format!("--notify-template {}: {reason}", path.display())))?
            }
        };
        let link = self.link_template.as_deref().map(Link::new).transpose();
        let link = link.map_err(|reason| Usage(format!("--link-template: {reason}")))?;
        let mut targets = Vec::new();
        for value in &self.notify {
            match value.strip_prefix("file:") {
                None => targets.push(target(value, &body)?),
                Some(path) => {
                    let text = read(Path::new(path.strip_prefix("//").unwrap_or(path)), "--notify")?;
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
                    let before = targets.len();
                    for line in lines {
                        targets.push(target(line, &body)?);
                    }
                    if targets.len() == before {
                        return Err(Usage(format!("--notify {value}: nobody is named in the file")));
                    }
                }
            }
        }
        let config: serde_json::Value = serde_json::from_str(config).unwrap_or_default();
        let window = config["series"]["window"].as_i64().unwrap_or(60);
        Ok((!targets.is_empty()).then_some(Setup { targets, words: Words { window, link, source } }))
    }
}

/// Output whose events people are told of once they are written.
pub(crate) struct Telling<W> {
    out: W,
    people: Option<(Runtime, Notifier)>,
    /// Since the last flush.
    events: Vec<u8>,
}

impl<W: Write> Telling<W> {
    /// Tells what is written to `out`, if somebody is to be told.
    pub(crate) fn new(out: W, setup: Option<Setup>) -> Result<Self> {
        let people = match setup {
            None => None,
            Some(setup) => {
                let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
                let notifier = runtime.block_on(Notifier::start(setup, None))?;
                Some((runtime, notifier))
            }
        };
        Ok(Telling { out, people, events: Vec::new() })
    }

    /// Waits until people are told, as long as that may take.
    pub(crate) fn end(mut self) -> Result<()> {
        self.flush()?;
        let Some((runtime, notifier)) = self.people else { return Ok(()) };
        let waiting = runtime.block_on(notifier.finish(LAST));
        let lost = waiting as u64 + notifier.counted(Outcome::GivenUp);
        if lost > 0 {
            return Err(anyhow!("{lost} notifications were not accepted (--notify)"));
        }
        Ok(())
    }
}

impl<W: Write> Write for Telling<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        if self.people.is_some() {
            self.events.extend_from_slice(&bytes[..written]);
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        if let Some((runtime, notifier)) = &self.people {
            runtime.block_on(notifier.take(&self.events));
            self.events.clear();
        }
        Ok(())
    }
}

/// The target of a value, of which nothing is told: it may be a secret.
fn target(value: &str, body: &Body) -> Result<Target, Usage> {
    let wrong = |reason: String| Usage(format!("--notify: {reason}"));
    Target::new(with_environment(value).map_err(wrong)?.trim(), body).map_err(wrong)
}

fn read(path: &Path, option: &str) -> Result<String, Usage> {
    std::fs::read_to_string(path).map_err(|error| Usage(format!("{option}: cannot read {}: {error}", path.display())))
}
