//! What a command reads.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::log::tell;
use super::progress::Progress;
use host_test::batch::Gathered;
use host_test::plugin::Payload;
use host_test::source::content::Damage;
use host_test::source::inputs::{Inputs, Next, Period};

/// Where payloads come from.
#[derive(Args)]
pub(crate) struct InputArgs {
    /// Files, directories, patterns such as 'flows/*.gz', s3://bucket/prefix/; `-` is standard input. gzip, zstd and Parquet are
    /// unpacked. They are read in the order of the time in their names (docs/s3.md)
    #[arg(value_name = "INPUT", conflicts_with = "input")]
    inputs: Vec<PathBuf>,
    /// One file, read as standard input is: a line is a payload, and a packed file is one as a whole
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Only files whose names tell this time or a later one: 2026-01-31, 2026-01-31T12:00 (UTC) or RFC 3339
    #[arg(long, value_name = "TIME", requires = "inputs", value_parser = time)]
    from: Option<i64>,
    /// Only files whose names tell an earlier time than this
    #[arg(long, value_name = "TIME", requires = "inputs", value_parser = time)]
    to: Option<i64>,
    #[cfg(feature = "network")]
    #[command(flatten)]
    access: AccessArgs,
}

/// Where buckets are.
#[cfg(feature = "network")]
#[derive(Args)]
pub(crate) struct AccessArgs {
    /// Region of the bucket, if not that of the environment or profile
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,
    /// Endpoint of S3, if not that of the region
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
}

/// What was read.
pub(crate) enum Piece<'a> {
    /// Payloads.
    Batch(&'a [Payload<'a>]),
    /// A file is damaged, and nothing more can be read of it.
    Damaged { name: &'a str, damage: &'a Damage },
}

impl InputArgs {
    /// Finds what there is to read, and opens the first.
    pub(crate) fn open(&self) -> Result<Inputs> {
        if self.inputs.is_empty() {
            let path = self.input.as_deref().unwrap_or(Path::new("-"));
            if path == Path::new("-") && io::stdin().is_terminal() {
                tell(format_args!(
                    "reading payloads from the terminal, a line each, up to Ctrl-D; files are read by naming them (--help)"
                ));
            }
            return Inputs::as_is(path);
        }
        #[cfg(feature = "network")]
        {
            let endpoint_url = super::endpoint(self.access.endpoint_url.as_deref())?.map(str::to_owned);
            let access = host_test::source::s3::Access { region: self.access.region.clone(), endpoint_url };
            Inputs::unpacked(&self.inputs, self.period(), &access)
        }
        #[cfg(not(feature = "network"))]
        Inputs::unpacked(&self.inputs, self.period())
    }

    fn period(&self) -> Period {
        Period { from: self.from, to: self.to }
    }
}

/// Hands everything to `each`, many payloads at a time where they are at hand, with a progress bar for people.
pub(crate) fn for_each_batch(mut inputs: Inputs, mut each: impl FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
    let progress = Progress::bytes(inputs.size());
    let mut batch = Gathered::default();
    loop {
        let next = inputs.next_payload()?;
        let is_last = !matches!(next, Some(Next::Payload(..)));
        let ended = next.is_none();
        let damaged = match next {
            Some(Next::Payload(payload, id)) => {
                batch.push(payload, id);
                None
            }
            Some(Next::Damaged { name, damage }) => Some((name, damage)),
            None => None,
        };
        if !batch.is_empty() && (is_last || batch.is_full() || inputs.would_wait()) {
            each(Piece::Batch(&batch.payloads()))?;
            progress.reach(inputs.read());
            batch = Gathered::default();
        }
        if let Some((name, damage)) = damaged {
            tracing::warn!("{name} is damaged: {damage}");
            each(Piece::Damaged { name: &name, damage: &damage })?;
        }
        if ended {
            progress.finish();
            return Ok(());
        }
    }
}

/// A time in milliseconds since the Unix epoch.
fn time(text: &str) -> Result<i64, String> {
    super::milliseconds(text)
        .ok_or_else(|| "expected a time such as 2026-01-31, 2026-01-31T12:00 or 2026-01-31T12:00:00+01:00".into())
}

#[cfg(test)]
mod tests {
    use super::time;

    #[test]
    fn a_time_may_lack_its_zone_and_its_hours() {
        for (text, expected) in [
            ("2026-01-31", Some(1_769_817_600_000)),
            ("2026-01-31T12:00", Some(1_769_860_800_000)),
            ("2026-01-31 12:00:30", Some(1_769_860_830_000)),
            ("2026-01-31T12:00:00+01:00", Some(1_769_857_200_000)),
            ("yesterday", None),
        ] {
            assert_eq!(time(text).ok(), expected, "{text}");
        }
    }
}
