//! `flowscore discover-schema`: what does this stream hold?

use std::io::Write;

use anyhow::Result;
use clap::Args;

use super::input::InputArgs;
use super::{PluginArgs, stdout};
use host_test::plugin::{Payload, Plugin};
use host_test::source::inputs::Next;

/// The most that is read: a sample, however large the input.
const PAYLOADS: usize = 2_000;
const BYTES: usize = 64 << 20;

/// Find out what a stream holds: columns, types, examples, and a ready configuration
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore discover-schema flowlogs.parquet
  flowscore discover-schema 's3://my-bucket/AWSLogs/' --from 2026-01-31 --to 2026-01-31T01:00
  flowscore discover-schema --input payloads.txt | jq .configuration > flowscore.json

The first 2000 payloads, at most 64 MiB, are looked at. The configuration has been run over them; what cannot be told from them is
said in \"notes\", not guessed. The same input always gives the same answer.")]
pub(crate) struct DiscoverSchemaArgs {
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    pub(super) plugin: PluginArgs,
}

impl DiscoverSchemaArgs {
    /// Looks at the input.
    pub(crate) fn run(&self) -> Result<()> {
        let found = self.discover(&self.plugin.load()?)?;
        let mut out = stdout();
        writeln!(out, "{found}")?;
        Ok(out.flush()?)
    }

    /// What the input holds, as JSON text.
    pub(super) fn discover(&self, plugin: &Plugin) -> Result<String> {
        let mut inputs = self.input.open()?;
        let (mut sample, mut bytes) = (Vec::new(), 0);
        while sample.len() < PAYLOADS && bytes < BYTES {
            match inputs.next_payload()? {
                Some(Next::Payload(data, _)) => {
                    bytes += data.len();
                    sample.push(data);
                }
                Some(Next::Damaged { name, damage }) => tracing::warn!("{name} is damaged: {damage}"),
                None => break,
            }
        }
        let view: Vec<Payload<'_>> = sample.iter().map(|data| Payload { data, id: None }).collect();
        Ok(plugin.discover_schema(&view)?.trim_end().to_owned())
    }
}
