//! The shell for component hosts: the exports of `wit/`, each a call into the pure core.

use std::cell::RefCell;

use crate::config::{Config, ConfigError};
use crate::failure::Failure;
use crate::pipeline::one_series::{self, OneSeries};
use crate::pipeline::{self, Counts, RestoreError};

// What `wit/` says, as Rust: generated, and kept current by the test `bindings`.
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unsafe_op_in_unsafe_fn, clippy::all, reason = "generated")]
mod bindings;

bindings::export!(Plugin with_types_in bindings);

use bindings::exports::flowscore::transform::{decoding, description, scoring, types};

struct Plugin;

impl description::Guest for Plugin {
    fn describe() -> description::Info {
        description::Info {
            name: "flowscore".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            formats: crate::FORMATS.map(str::to_owned).into(),
            config_schema: crate::config::schema(),
        }
    }

    fn check_config(config: String) -> Result<String, types::ConfigError> {
        Ok(Config::parse(&config)?.to_json())
    }
}

impl decoding::Guest for Plugin {
    type Decoder = Decoder;

    fn discover_schema(sample: Vec<types::Payload>) -> String {
        pipeline::discover_schema(sample.iter().map(|payload| &payload.data[..]))
    }
}

struct Decoder(RefCell<pipeline::Decoder>);

impl decoding::GuestDecoder for Decoder {
    fn create(config: String) -> Result<decoding::Decoder, types::ConfigError> {
        Ok(decoding::Decoder::new(Decoder(RefCell::new(pipeline::Decoder::new(&Config::parse(&config)?)))))
    }

    fn decode(&self, batch: Vec<types::Payload>) -> Vec<decoding::Outcome> {
        let mut decoding = self.0.borrow_mut();
        let outcome = |payload: types::Payload| match decoding.decode(&payload.data, payload.id.as_deref()) {
            pipeline::Outcome::Ok(records, counts) => {
                decoding::Outcome::Ok(decoding::Decoded { records, counts: counts.into() })
            }
            pipeline::Outcome::Dropped(reason) => decoding::Outcome::Dropped(reason),
            pipeline::Outcome::Failed(failure) => decoding::Outcome::Failed(failure.into()),
        };
        batch.into_iter().map(outcome).collect()
    }

    fn answer(&self, request: Vec<u8>) -> Option<String> {
        self.0.borrow_mut().answer(&request)
    }
}

impl scoring::Guest for Plugin {
    type Scorer = Scorer;
    type Series = Series;
}

struct Scorer(RefCell<pipeline::Scorer>);

impl Scorer {
    fn resource(scorer: pipeline::Scorer) -> scoring::Scorer {
        scoring::Scorer::new(Scorer(RefCell::new(scorer)))
    }

    fn scored(&self, call: impl FnOnce(&mut pipeline::Scorer, &mut Vec<u8>) -> Counts) -> scoring::Scored {
        let mut events = Vec::new();
        let counts = call(&mut self.0.borrow_mut(), &mut events);
        scoring::Scored { events, counts: counts.into() }
    }
}

impl scoring::GuestScorer for Scorer {
    fn create(config: String) -> Result<scoring::Scorer, types::ConfigError> {
        Ok(Scorer::resource(pipeline::Scorer::new(&config)?))
    }

    fn restore(config: String, snapshot: Vec<u8>) -> Result<scoring::Scorer, scoring::RestoreError> {
        Ok(Scorer::resource(pipeline::Scorer::restore(&config, &snapshot)?))
    }

    fn transform(&self, batch: Vec<types::Payload>) -> scoring::Scored {
        self.scored(|scorer, events| {
            let mut counts = Counts::default();
            for payload in &batch {
                counts += scorer.transform(&payload.data, payload.id.as_deref(), events);
            }
            counts
        })
    }

    fn score(&self, records: Vec<u8>) -> scoring::Scored {
        self.scored(|scorer, events| scorer.score(&records, events))
    }

    fn tick(&self, now: i64) -> scoring::Scored {
        self.scored(|scorer, events| {
            scorer.tick(now, events);
            Counts::default()
        })
    }

    fn finish(&self) -> scoring::Scored {
        self.scored(|scorer, events| {
            scorer.finish(events);
            Counts::default()
        })
    }

    fn snapshot(&self) -> Vec<u8> {
        self.0.borrow().snapshot()
    }

    fn totals(&self) -> scoring::Totals {
        let totals = self.0.borrow().totals();
        scoring::Totals {
            payloads: totals.payloads,
            records: totals.counts.records(),
            ok: totals.counts.ok,
            dropped: totals.counts.dropped,
            failed: totals.counts.failed,
            late: totals.late,
            windows: totals.windows,
            series: totals.series,
            evicted: totals.evicted,
            anomalies: totals.anomalies,
        }
    }
}

struct Series(RefCell<OneSeries>);

impl scoring::GuestSeries for Series {
    fn create(mode: scoring::SeriesMode, config: String) -> Result<scoring::Series, types::ConfigError> {
        let mode = match mode {
            scoring::SeriesMode::Detect => one_series::SeriesMode::Detect,
            scoring::SeriesMode::Rcf => one_series::SeriesMode::Rcf,
        };
        let series = OneSeries::new(mode, &Config::parse(&config)?)?;
        Ok(scoring::Series::new(Series(RefCell::new(series))))
    }

    fn observe(&self, points: Vec<scoring::Point>) -> Vec<scoring::Verdict> {
        let mut series = self.0.borrow_mut();
        points.iter().map(|point| series.observe(point.time, point.value).into()).collect()
    }
}

impl From<one_series::Verdict> for scoring::Verdict {
    fn from(verdict: one_series::Verdict) -> Self {
        scoring::Verdict {
            anomaly_score: verdict.anomaly_score,
            alert: verdict.alert,
            direction: verdict.direction.map(|direction| match direction {
                one_series::Direction::Spike => scoring::Direction::Spike,
                one_series::Direction::Drop => scoring::Direction::Drop,
            }),
            expected: verdict.expected,
        }
    }
}

impl From<Counts> for types::Counts {
    fn from(counts: Counts) -> Self {
        types::Counts { records: counts.records(), ok: counts.ok, dropped: counts.dropped, failed: counts.failed }
    }
}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        types::Failure {
            layer: failure.layer.name().into(),
            offset: failure.offset as u64,
            reason: failure.reason.into_owned(),
        }
    }
}

impl From<ConfigError> for types::ConfigError {
    fn from(error: ConfigError) -> Self {
        types::ConfigError { path: error.path, value: error.value, allowed: error.allowed }
    }
}

impl From<RestoreError> for scoring::RestoreError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Config(error) => scoring::RestoreError::Config(error.into()),
            RestoreError::Version(reason) => scoring::RestoreError::Version(reason),
            RestoreError::Corrupt(reason) => scoring::RestoreError::Corrupt(reason),
            RestoreError::Mismatch(reason) => scoring::RestoreError::Mismatch(reason),
        }
    }
}
