//! `flowscore decode`: payloads in, decoded records out.

use std::io::Write;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::json;

use super::input::{InputArgs, Piece, for_each_batch};
use super::log::tell;
use super::{PluginArgs, stdout};
use host_test::batch::{Decoding, digest, shown};
use host_test::plugin::{Failure, Outcome, Payload};
use host_test::transform::typed;

/// Decode payloads without scoring: records as lines of JSON on standard output
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore decode flowlogs/*.log.gz | jq -r .srcaddr
  flowscore decode s3://my-bucket/AWSLogs/ --from 2026-01-31T12:00 --to 2026-01-31T13:00 > records.ndjson
  printf '2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK' | flowscore decode
  flowscore decode --answer --input request.json

A record that cannot be decoded is a line {\"type\":\"failed\",…} with the layer, the offset and the reason.")]
pub(crate) struct DecodeArgs {
    #[command(flatten)]
    plugin: PluginArgs,
    #[command(flatten)]
    input: InputArgs,
    /// Answer a Firehose transformation or Kinesis Analytics preprocessing request as its Lambda function would
    #[arg(long)]
    answer: bool,
}

impl DecodeArgs {
    /// Decodes the input.
    pub(crate) fn run(&self) -> Result<()> {
        let (plugin, config) = (self.plugin.load_to_wait_for()?, self.plugin.config_text()?);
        let mut out = stdout();
        if self.answer {
            let mut answerer = plugin.answerer(&config)?;
            return for_each_batch(self.input.open()?, |piece| {
                let batch = match piece {
                    Piece::Batch(batch) => batch,
                    Piece::Damaged { name, damage } => bail!("cannot read {name}: {damage}"),
                };
                for payload in batch {
                    let answer = answerer.answer(payload.data)?.context(
                        "the input is no request to answer: it has no records with a recordId, as Firehose \
                         transformations and Kinesis Analytics preprocessing send them",
                    )?;
                    writeln!(out, "{answer}")?;
                }
                Ok(out.flush()?)
            });
        }
        let mut decoding = Decoding::new(&plugin, &config)?;
        let (mut ok, mut dropped, mut failed) = (0, 0, 0);
        for_each_batch(self.input.open()?, |piece| {
            let batch = match piece {
                Piece::Batch(batch) => batch,
                Piece::Damaged { name, damage } => {
                    let failure = Failure { layer: damage.layer.into(), offset: 0, reason: damage.reason.clone() };
                    failed += 1;
                    let payload = Payload { data: &[], id: Some(name) };
                    return Ok(out.write_all(failed_line(&payload, &failure).as_bytes())?);
                }
            };
            decoding.decode(batch, &mut |payload, outcome| {
                match outcome {
                    Outcome::Ok(decoded) => {
                        out.write_all(&decoded.records)?;
                        ok += decoded.counts.ok;
                        dropped += decoded.counts.dropped;
                        failed += decoded.counts.failed;
                    }
                    Outcome::Dropped(_) => dropped += 1,
                    Outcome::Failed(failure) => {
                        out.write_all(failed_line(payload, &failure).as_bytes())?;
                        failed += 1;
                    }
                }
                Ok(())
            })?;
            Ok(out.flush()?)
        })?;
        tell(format_args!("{} records: {ok} ok, {dropped} dropped, {failed} failed", ok + dropped + failed));
        Ok(())
    }
}

/// A payload of which nothing could be decoded, in the shape of a `failed` event.
fn failed_line(payload: &Payload<'_>, failure: &Failure) -> String {
    let mut members = json!({
        "id": payload.id,
        "layer": failure.layer,
        "offset": failure.offset,
        "reason": failure.reason,
        "payload": STANDARD.encode(shown(payload.data)),
    });
    if shown(payload.data).len() < payload.data.len() {
        members["payload_bytes"] = payload.data.len().into();
        members["payload_sha256"] = digest(payload.data).into();
    }
    typed("failed", &members)
}
