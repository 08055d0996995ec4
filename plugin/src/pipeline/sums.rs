//! Record mode over the sums of windows: `SUM(…) … GROUP BY key, FLOOR(ROWTIME TO MINUTE)`, and the forest on the result, which took
//! two applications before.
//!
//! The windows are those of window mode with a record in them, in order of time and key. One forest sees them all, as the
//! retired service's did; the score's `record` is the window: its series, start, end and sums.

use super::record_mode::RecordMode;
use crate::config::Config;
use crate::incident::METRICS;
use crate::json::Value;
use crate::series::{Settings, Windows};

/// Scores windows as they are closed.
pub(super) struct Sums {
    pub(super) scored: RecordMode,
    /// What closing windows wrote.
    pub(super) lines: Vec<u8>,
}

impl Sums {
    /// By a configuration that asks for it, which is told otherwise.
    pub(super) fn new(config: &Config) -> Option<Box<Sums>> {
        config.scores_windows().then(|| {
            let mut config = config.clone();
            if config.record.columns.is_empty() {
                config.record.columns.push(METRICS[0].to_owned());
            }
            Box::new(Sums { scored: RecordMode::new(&config), lines: Vec::new() })
        })
    }

    /// How the windows are made: as asked, with nothing that only detection needs.
    pub(super) fn settings(settings: Settings) -> Settings {
        Settings { windows: Windows::Traffic, total: false, prefix_totals: false, top_talkers: 0, ..settings }
    }

    /// Scores the windows that were closed. Notices are passed on; what the detector found is not.
    pub(super) fn score(&mut self, out: &mut Vec<u8>) {
        for line in self.lines.split_inclusive(|byte| *byte == b'\n') {
            if let Some(members) = line.strip_prefix(b"{\"type\":\"window\",") {
                // A series' name has no quote that is not escaped.
                let end = memchr::memmem::find(members, b",\"unknown\":").unwrap_or(0);
                if members[end..].starts_with(b",\"unknown\":false") {
                    self.scored.score_members(&members[..end], &Value::parse(line).unwrap_or(Value::Null), out);
                }
            } else if line.starts_with(b"{\"type\":\"notice\"") {
                out.extend_from_slice(line);
            }
        }
        self.lines.clear();
    }
}
