//! `flowscore check-config`: is this configuration right, and what does it amount to?

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use host_test::plugin::Plugin;

use super::{PluginArgs, config_text, stdout};

/// Check a configuration and print it with every default filled in
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore check-config flowscore.json
  echo '{\"mode\":\"record\"}' | flowscore check-config -
  flowscore check-config --schema > flowscore.schema.json
  flowscore check-config --event-schema > event.schema.json

Exit code 2 and one line that names the key, its value and what is allowed, if the configuration is wrong.")]
pub(crate) struct CheckConfigArgs {
    /// The file to check; `-` for standard input; without it the defaults are printed
    file: Option<PathBuf>,
    /// Print the JSON Schema of the configuration instead
    #[arg(long)]
    schema: bool,
    /// Print the JSON Schema of events instead
    #[arg(long, conflicts_with = "schema")]
    event_schema: bool,
    #[command(flatten)]
    plugin: PluginArgs,
}

impl CheckConfigArgs {
    /// Checks the configuration.
    pub(crate) fn run(&self) -> Result<()> {
        let plugin = self.plugin.load()?;
        let file = self.file.as_deref().or(self.plugin.config.as_deref());
        let text = match (self.schema, self.event_schema) {
            (true, _) => plugin.describe()?.config_schema,
            (_, true) => plugin.describe()?.event_schema,
            _ => {
                let config = config_text(file)?;
                let in_force = plugin.check_config(&config)?;
                hints(&plugin, &config)?;
                in_force
            }
        };
        let mut out = stdout();
        writeln!(out, "{}", text.trim_end())?;
        out.flush()?;
        Ok(())
    }
}

/// Tells what is right but perhaps not meant, such as a name that is nearly a field's: what the notices before the first
/// record of a stream say.
fn hints(plugin: &Plugin, config: &str) -> Result<()> {
    let events = plugin.scorer(config)?.score(b"{}")?.events;
    for line in events.split(|byte| *byte == b'\n') {
        let Ok(event) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        if let (Some("notice"), Some(message)) = (event["type"].as_str(), event["message"].as_str()) {
            eprintln!("hint: {message}");
        }
    }
    Ok(())
}
