//! Names of series, as a report and a page show them.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use flowscore_report::Names;
use host_test::usage::Usage;

/// Where names come from.
#[derive(Args)]
pub(crate) struct NamesArgs {
    /// Names to show for series: CSV with an interface or other part of a series' key, and its name, a line each (docs/report.md)
    #[arg(long, value_name = "FILE")]
    pub(crate) names: Option<PathBuf>,
}

impl NamesArgs {
    /// The names; none if there is no file.
    pub(crate) fn read(&self) -> Result<Names> {
        self.names.as_deref().map_or_else(|| Ok(Names::default()), read)
    }
}

/// Reads a key and its name in each line. A first line of titles is a pair that no series has.
fn read(path: &Path) -> Result<Names> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Usage(format!("cannot read {shown}: {error}")))?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(file);
    let pairs = reader.records().enumerate().map(|(at, row)| {
        let row = row.map_err(|error| Usage(format!("{shown}, line {}: {error}", at + 1)))?;
        match (row.get(0), row.get(1)) {
            (Some(key), Some(name)) => Ok((key.to_owned(), name.to_owned())),
            _ => Err(Usage(format!(
                "{shown}, line {}: expected an interface and its name, such as eni-0a1b2c3d,web-1",
                at + 1
            ))),
        }
    });
    Ok(pairs.collect::<Result<_, _>>()?)
}
