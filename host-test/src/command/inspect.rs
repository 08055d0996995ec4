//! `flowscore inspect`: what a `.wasm` imports, exports and is.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::log::tell;
use super::stdout;
use host_test::artifact::Artifact;
use host_test::plugin::BUILT_IN;
use host_test::usage::Usage;

/// Show what a .wasm artifact imports, exports and is
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore inspect
  flowscore inspect target/flowscore-fluentbit.wasm
  flowscore inspect --json | jq .imports
  flowscore inspect --extract flowscore.wasm")]
pub(crate) struct InspectArgs {
    /// The artifact; without it the built-in component
    file: Option<PathBuf>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Write the artifact to this file as well, for example to publish the built-in component
    #[arg(long, value_name = "FILE")]
    extract: Option<PathBuf>,
}

impl InspectArgs {
    /// Shows the artifact.
    pub(crate) fn run(&self) -> Result<()> {
        let bytes = match &self.file {
            Some(path) => std::fs::read(path).map_err(|e| Usage(format!("cannot read {}: {e}", path.display())))?,
            None => BUILT_IN.to_vec(),
        };
        let name = self.file.as_ref().map_or("the built-in component".into(), |path| path.to_string_lossy());
        if !bytes.starts_with(b"\0asm") {
            return Err(Usage(format!("{name} is no WebAssembly artifact: it does not begin with `\\0asm`")).into());
        }
        let artifact = Artifact::read(&bytes).with_context(|| format!("{name} is a damaged WebAssembly artifact"))?;
        if let Some(path) = &self.extract {
            std::fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        }
        let mut out = stdout();
        if self.json {
            serde_json::to_writer_pretty(&mut out, &artifact.to_json())?;
            writeln!(out)?;
        } else {
            artifact.print(&mut out)?;
        }
        out.flush()?;
        if let Some(loading) = artifact.loading {
            tell(format_args!("loaded in {:.1} ms", loading.as_secs_f64() * 1e3));
        }
        Ok(())
    }
}
