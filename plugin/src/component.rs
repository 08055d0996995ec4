//! The shell for component hosts: the exports of `wit/`, each a call into the pure core.

#![allow(missing_docs, reason = "documented in wit/")]

use std::cell::RefCell;

use crate::config::ConfigError;
use crate::one_series;

mod bindings {
    #![allow(warnings, clippy::all, reason = "generated")]
    wit_bindgen::generate!({ path: "../wit", world: "plugin" });
    use super::Plugin;
    export!(Plugin);
}

use bindings::exports::flowscore::transform::{description, scoring};
use bindings::exports::flowscore::transform::scoring as wit;
use bindings::flowscore::transform::types;

struct Plugin;

impl From<ConfigError> for types::ConfigError {
    fn from(error: ConfigError) -> Self {
        types::ConfigError { path: error.path, value: error.value, allowed: error.allowed }
    }
}

impl description::Guest for Plugin {
    fn describe() -> description::Info {
        description::Info {
            name: "flowscore".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            formats: vec![],
            config_schema: String::new(),
        }
    }

    fn check_config(config: String) -> Result<String, types::ConfigError> {
        Ok(crate::config::Config::parse(&config)?.to_json())
    }
}

impl scoring::Guest for Plugin {
    type Scorer = Scorer;
    type Series = Series;
}

struct Scorer;

impl wit::GuestScorer for Scorer {
    fn create(config: String) -> Result<wit::Scorer, types::ConfigError> {
        todo!()
    }
    fn restore(config: String, snapshot: Vec<u8>) -> Result<wit::Scorer, wit::RestoreError> {
        todo!()
    }
    fn transform(&self, batch: Vec<types::Payload>) -> wit::Scored {
        todo!()
    }
    fn score(&self, records: Vec<u8>) -> wit::Scored {
        todo!()
    }
    fn tick(&self, now: i64) -> wit::Scored {
        todo!()
    }
    fn finish(&self) -> wit::Scored {
        todo!()
    }
    fn snapshot(&self) -> Vec<u8> {
        todo!()
    }
    fn totals(&self) -> wit::Totals {
        todo!()
    }
}

struct Series(RefCell<one_series::OneSeries>);

impl wit::GuestSeries for Series {
    fn create(mode: wit::SeriesMode, config: String) -> Result<wit::Series, types::ConfigError> {
        let mode = match mode {
            wit::SeriesMode::Detect => one_series::SeriesMode::Detect,
            wit::SeriesMode::Rcf => one_series::SeriesMode::Rcf,
        };
        let series = one_series::OneSeries::new(mode, &crate::config::Config::parse(&config)?)?;
        Ok(wit::Series::new(Series(RefCell::new(series))))
    }

    fn observe(&self, points: Vec<wit::Point>) -> Vec<wit::Verdict> {
        let mut series = self.0.borrow_mut();
        points
            .iter()
            .map(|point| {
                let verdict = series.observe(point.time, point.value);
                wit::Verdict {
                    anomaly_score: verdict.anomaly_score,
                    alert: verdict.alert,
                    direction: verdict.direction.map(|direction| match direction {
                        one_series::Direction::Spike => wit::Direction::Spike,
                        one_series::Direction::Drop => wit::Direction::Drop,
                    }),
                    expected: verdict.expected,
                }
            })
            .collect()
    }
}

impl bindings::exports::flowscore::transform::decoding::Guest for Plugin {
    type Decoder = Decoder;
    fn discover_schema(sample: Vec<types::Payload>) -> String {
        todo!()
    }
}
struct Decoder;
impl bindings::exports::flowscore::transform::decoding::GuestDecoder for Decoder {
    fn create(config: String) -> Result<bindings::exports::flowscore::transform::decoding::Decoder, types::ConfigError> { todo!() }
    fn decode(&self, batch: Vec<types::Payload>) -> Vec<bindings::exports::flowscore::transform::decoding::Outcome> { todo!() }
}
