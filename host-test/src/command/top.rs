//! `flowscore top`: what a running process finds, in the terminal.

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

use super::access_key;
use host_test::top::draw::View;
use host_test::top::follow::{Heard, Process};
use host_test::usage::Usage;

/// How long a key waits for its effect, at most.
const KEYS: Duration = Duration::from_millis(100);

/// Follow a running process in the terminal: open incidents, series, throughput
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore top                                   # a `flowscore serve` on this machine
  flowscore top http://127.0.0.1:9464             # `kinesis`, `s3` or `multilang` with --http 127.0.0.1:9464
  flowscore top https://flowscore.internal --access-key-file firehose.key

It shows what the page at that URL shows: open incidents, the worst first, each in one sentence; the last windows of series, those with
incidents first; throughput, and how far event time is behind the clock. q ends it.")]
pub(crate) struct TopArgs {
    /// The running process
    #[arg(value_name = "URL", default_value = "http://127.0.0.1:18080")]
    url: String,
    /// File with the access key that it asks for
    #[arg(long, value_name = "FILE")]
    access_key_file: Option<PathBuf>,
}

impl TopArgs {
    /// Follows until q is pressed.
    pub(crate) fn run(&self) -> Result<()> {
        let process = Process::new(&self.url, access_key::shown(self.access_key_file.as_deref())?)?;
        if !stdout().is_terminal() {
            let events = "standard output is no terminal; GET /events of the process tells the same as data";
            return Err(Usage(events.into()).into());
        }
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (tell, mut heard) = mpsc::channel(4);
        runtime.spawn(async move { process.follow(tell).await });
        let mut terminal = ratatui::try_init().context("cannot use the terminal")?;
        let result = follow(&mut terminal, &mut heard);
        ratatui::restore();
        runtime.shutdown_background();
        result
    }
}

fn follow(terminal: &mut ratatui::DefaultTerminal, heard: &mut mpsc::Receiver<Heard>) -> Result<()> {
    let mut view = View::default();
    loop {
        terminal.draw(|frame| view.draw(frame)).context("cannot draw")?;
        loop {
            if event::poll(KEYS).context("cannot read keys")? {
                match event::read().context("cannot read keys")? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => match key.code {
                        KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(()),
                        KeyCode::Down | KeyCode::Char('j') => view.scroll(1),
                        KeyCode::Up | KeyCode::Char('k') => view.scroll(-1),
                        _ => continue,
                    },
                    Event::Resize(..) => {}
                    _ => continue,
                }
                break;
            }
            let mut is_news = false;
            while let Ok(heard) = heard.try_recv() {
                is_news = true;
                match heard {
                    Heard::State(state) => {
                        view.state = Some(*state);
                        view.lost = None;
                        view.scroll(0);
                    }
                    Heard::Lost(reason) => view.lost = Some(reason),
                }
            }
            if is_news {
                break;
            }
        }
    }
}
