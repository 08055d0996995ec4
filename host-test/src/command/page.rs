//! The page that a running process shows.

use std::sync::Arc;

use anyhow::Result;
use clap::Args;

use super::names::NamesArgs;
use host_test::live::Live;

/// Whether and how a process shows what it finds.
#[derive(Args)]
pub(crate) struct PageArgs {
    /// Show no page at GET /; it takes some ten megabytes, and each closed window as an event inside the process
    #[arg(long)]
    no_page: bool,
    #[command(flatten)]
    names: NamesArgs,
}

impl PageArgs {
    /// What the page is made of, of a process that scores by this configuration; none if there is to be none.
    pub(crate) fn live(&self, title: String, config: &str) -> Result<Option<Arc<Live>>> {
        let names = self.names.read()?;
        Ok((!self.no_page).then(|| Live::new(title, names, config)))
    }
}
