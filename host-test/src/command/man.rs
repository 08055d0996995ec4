//! `flowscore man`: the manual pages, made from what `--help` prints.

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::log::tell;
use super::stdout;

/// Print the manual page, or write those of all commands into a directory
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore man | man -l -
  flowscore man --out ~/.local/share/man/man1 && man flowscore-kinesis

With --out the directory is made if need be, and gets flowscore.1 and a page for each command, such as flowscore-run.1.")]
pub(crate) struct ManArgs {
    /// Write the pages of all commands here
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ManArgs {
    /// Prints or writes the pages of the command line.
    pub(crate) fn run(&self, command: clap::Command) -> Result<()> {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        let Some(directory) = &self.out else {
            let mut out = stdout();
            write_page(&command, &mut out)?;
            out.flush()?;
            return Ok(());
        };
        std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        let pages: Vec<_> = [&command].into_iter().chain(command.get_subcommands()).collect();
        for page in &pages {
            let path = directory.join(format!("{}.1", name(page)));
            let mut text = Vec::new();
            write_page(page, &mut text)?;
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        tell(format_args!("{} pages in {}", pages.len(), directory.display()));
        Ok(())
    }
}

/// What the page of a command is called: `flowscore`, `flowscore-run`.
fn name(command: &clap::Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// The page of a command. Its date is blank, so that the same binary always writes the same bytes.
fn write_page(command: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let release = concat!("flowscore ", env!("CARGO_PKG_VERSION"));
    let page = Man::new(command.clone()).date(" ").source(release).manual("flowscore");
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    if command.has_subcommands() {
        page.render_subcommands_section(out)?;
    }
    write_examples(command, out)?;
    let mut roff = Roff::new();
    roff.control("SH", ["EXIT STATUS"]);
    for (code, meaning) in [("0", "Done."), ("1", "Failed at run time."), ("2", "Wrong usage or configuration.")] {
        roff.control("TP", []).text([roman(code)]).text([roman(meaning)]);
    }
    // The digest of the component is as long as a line: not filled.
    let version = command.get_version().unwrap_or_default();
    roff.control("SH", ["VERSION"]).control("nf", []).text([roman(version)]).control("fi", []);
    roff.to_writer(out)
}

/// What stands below the options in `--help`: examples, line by line as they are typed, and notes.
fn write_examples(command: &clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let Some(text) = command.get_after_help().map(ToString::to_string) else { return Ok(()) };
    let (examples, notes) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in examples.lines().skip_while(|line| *line == "Examples:") {
        roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    roff.control("fi", []);
    if !notes.is_empty() {
        roff.control("SH", ["NOTES"]);
        for paragraph in notes.split("\n\n") {
            roff.control("PP", []).text([roman(paragraph.replace('\n', " "))]);
        }
    }
    roff.to_writer(out)
}
