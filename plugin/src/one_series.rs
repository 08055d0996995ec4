//! Scoring one series of plain values, outside any flow log: what `flowscore series` and other pipelines build on.

use crate::config::{Config, ConfigError};
use crate::forest::{Attribution, Forest};

/// How a series is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesMode {
    /// The detector of window mode.
    Detect,
    /// The random cut forest of record mode.
    Rcf,
}

/// Which way a value deviates from what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Above.
    Spike,
    /// Below.
    Drop,
}

/// What a value of a series was worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// [`SeriesMode::Detect`]: 1 and above is an alert at default sensitivity. [`SeriesMode::Rcf`]: the scale of
    /// [`forest`](crate::forest).
    pub anomaly_score: f64,
    /// The detector's own decision.
    pub alert: bool,
    /// None while the series is still unknown.
    pub direction: Option<Direction>,
    /// None while the series is still unknown, and always for [`SeriesMode::Rcf`], which expects no particular value.
    pub expected: Option<f64>,
}

/// The scorer of one series.
pub struct OneSeries {
    forest: Forest,
    threshold: f64,
    attribution: Attribution,
}

impl OneSeries {
    /// A scorer by the sections `forest`, `record` and `detect` of a configuration.
    pub fn new(_mode: SeriesMode, config: &Config) -> Result<Self, ConfigError> {
        let forest = Forest::new(&config.forest, 1).map_err(|allowed| ConfigError {
            path: "forest".into(),
            value: String::new(),
            allowed,
        })?;
        Ok(OneSeries { forest, threshold: config.record.threshold, attribution: Attribution::default() })
    }

    /// Scores a value at a time (milliseconds since the Unix epoch) and learns it; None is an unknown value.
    pub fn observe(&mut self, _time: i64, value: Option<f64>) -> Verdict {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            return Verdict { anomaly_score: 0.0, alert: false, direction: None, expected: None };
        };
        self.forest.attribute(&[value], &mut self.attribution);
        let ready = self.forest.is_ready();
        self.forest.update(&[value]);
        let (high, low) = (self.attribution.high[0], self.attribution.low[0]);
        let anomaly_score = high + low;
        Verdict {
            anomaly_score,
            alert: ready && anomaly_score >= self.threshold,
            direction: ready.then_some(if high > low { Direction::Spike } else { Direction::Drop }),
            expected: None,
        }
    }
}
