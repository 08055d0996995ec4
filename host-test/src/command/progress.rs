//! Progress for people: a bar on standard error where that is a terminal, nothing elsewhere.

use indicatif::{ProgressBar, ProgressStyle};

use super::log::is_quiet;

/// A progress bar; hidden unless standard error is a terminal.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Progress through an input, of known size or not.
    pub(super) fn bytes(size: Option<u64>) -> Self {
        let template = match size {
            Some(_) => "{elapsed_precise} [{bar:40}] {bytes}/{total_bytes} {bytes_per_sec} eta {eta}",
            None => "{elapsed_precise} {bytes} {bytes_per_sec}",
        };
        Progress::new(size, template)
    }

    /// Progress through steps of a kind, for example payloads.
    pub(super) fn steps(count: Option<u64>, what: &str) -> Self {
        let template = match count {
            Some(_) => format!("{{elapsed_precise}} [{{bar:40}}] {{pos}}/{{len}} {what} eta {{eta}}"),
            None => format!("{{elapsed_precise}} {{pos}} {what} {{per_sec}}"),
        };
        Progress::new(count, &template)
    }

    fn new(length: Option<u64>, template: &str) -> Self {
        let bar = match length {
            _ if is_quiet() => ProgressBar::hidden(),
            None => ProgressBar::new_spinner(),
            Some(length) => ProgressBar::new(length),
        };
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("=> "));
        Progress(bar)
    }

    /// Moves on by so much.
    pub(super) fn advance(&self, by: u64) {
        self.0.inc(by);
    }

    /// Moves on to there.
    pub(super) fn reach(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.0.finish_and_clear();
    }
}
