//! A configuration tried on the sample before it is suggested: what `run` would make of it.

use crate::config::{Config, Mode};
use crate::json::{Value, Writer};
use crate::pipeline::{Counts, Scorer};
use crate::series::Windows;

/// Records after which a trial ends.
const RECORDS: u64 = 20_000;

/// Bytes of events after which one payload is left.
const EVENTS: usize = 4 << 20;

/// Different series that are counted.
const SERIES: usize = 1_000;

/// What a run by a configuration came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Trial {
    pub(super) counts: Counts,
    /// Series that had windows, without the totals, in the order in which they came.
    pub(super) series: Vec<String>,
    /// Notices of fields that no record has.
    pub(super) missing: Vec<String>,
    /// Why the first failed record failed.
    pub(super) refused: Option<String>,
    is_of_windows: bool,
}

impl Trial {
    /// Runs the payloads by a configuration. A configuration that is none is refused, too.
    pub(super) fn run(config: &str, payloads: &mut dyn Iterator<Item = &[u8]>) -> Trial {
        let mut trial = Trial::default();
        let mut config = match Config::parse(config) {
            Ok(config) => config,
            Err(error) => {
                trial.refused = Some(error.to_string());
                return trial;
            }
        };
        trial.is_of_windows = config.mode == Mode::Window;
        config.series.windows = Windows::All;
        config.record.only_anomalies = true;
        let mut scorer = Scorer::with(config);
        let mut events = Vec::new();
        for payload in payloads {
            // What is left of a payload of hundreds of thousands of records would say nothing more.
            trial.counts += scorer.transform_until(payload, None, None, &mut None, &mut events, EVENTS);
            trial.take(&mut events);
            if trial.counts.records() >= RECORDS {
                break;
            }
        }
        while scorer.finish_until(&mut events, EVENTS) {
            trial.take(&mut events);
        }
        trial.take(&mut events);
        trial
    }

    /// Whether the series make sense, where there are some: not all records in `-`, and not each in another.
    pub(super) fn has_series(&self) -> bool {
        if !self.is_of_windows {
            return true;
        }
        let named = self.series.iter().filter(|series| *series != "-").count() as u64;
        named > 0 && self.missing.is_empty() && (self.counts.ok < 20 || named * 2 <= self.counts.ok)
    }

    /// Writes what it came to: records, and the first series.
    pub(super) fn write(&self, writer: &mut Writer<'_>) {
        const SHOWN: usize = 10;
        let Counts { ok, dropped, failed } = self.counts;
        writer.open(b'{');
        for (name, count) in [("records", self.counts.records()), ("ok", ok), ("dropped", dropped), ("failed", failed)]
        {
            writer.key(name).whole(count);
        }
        writer.key("series").texts(self.series.get(..SHOWN).unwrap_or(&self.series));
        writer.close(b'}');
    }

    fn take(&mut self, events: &mut Vec<u8>) {
        for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Ok(event) = Value::parse(line) else { continue };
            let text = |name: &str| match event.get(name) {
                Some(Value::String(text)) => text.as_str(),
                _ => "",
            };
            match (text("type"), text("kind")) {
                ("window", _) => {
                    let series = text("series");
                    if series != "total"
                        && self.series.len() < SERIES
                        && !self.series.iter().any(|known| known == series)
                    {
                        self.series.push(series.to_owned());
                    }
                }
                ("notice", "missing_field") => self.missing.push(text("message").to_owned()),
                ("failed", _) if self.refused.is_none() => self.refused = Some(text("reason").to_owned()),
                _ => {}
            }
        }
        events.clear();
    }
}
