//! `flowscore completions`: what a shell completes on the Tab key.

use std::io::Write;

use anyhow::Result;
use clap::Args;
use clap_complete::Shell;

use super::stdout;

/// Print the completions of a shell: commands, options and their values
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore completions bash > ~/.local/share/bash-completion/completions/flowscore
  flowscore completions zsh > ~/.zfunc/_flowscore      # with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  flowscore completions fish > ~/.config/fish/completions/flowscore.fish
  source <(flowscore completions bash)                 # for this session only

Begin a new shell afterwards. An archive of a release has these files in completions/.")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl CompletionsArgs {
    /// Prints the completions of the command line.
    pub(crate) fn run(&self, mut command: clap::Command) -> Result<()> {
        // First into memory: the generator cannot tell that the output is full or closed.
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, "flowscore", &mut text);
        let mut out = stdout();
        out.write_all(&text)?;
        out.flush()?;
        Ok(())
    }
}
