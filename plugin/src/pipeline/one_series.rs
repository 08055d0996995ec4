//! Scoring one series of plain values, outside any flow log: what `flowscore series` and other pipelines build on.

use crate::config::{Config, ConfigError};
use crate::detect::{self, Detector};
use crate::forest::{Attribution, Forest};

pub use crate::detect::Direction;

/// How a series is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesMode {
    /// The detector of window mode.
    Detect,
    /// The random cut forest of record mode.
    Rcf,
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

impl Verdict {
    const UNKNOWN: Verdict = Verdict { anomaly_score: 0.0, alert: false, direction: None, expected: None };
}

/// The scorer of one series.
pub struct OneSeries(Scorer);

enum Scorer {
    Detect { settings: detect::Settings, detector: Box<Detector> },
    Rcf { forest: Box<Forest>, threshold: f64, attribution: Attribution },
}

impl OneSeries {
    /// A scorer by the sections `detect`, or `forest` and `record`, of a configuration.
    pub fn new(mode: SeriesMode, config: &Config) -> Result<Self, ConfigError> {
        Ok(OneSeries(match mode {
            SeriesMode::Detect => {
                Scorer::Detect { settings: config.detect.clone(), detector: Box::new(Detector::new(None)) }
            }
            SeriesMode::Rcf => {
                let forest = Forest::new(&config.forest, 1);
                let error = |allowed| ConfigError { path: "forest".into(), value: String::new(), allowed };
                Scorer::Rcf {
                    forest: Box::new(forest.map_err(error)?),
                    threshold: config.record.threshold,
                    attribution: Attribution::default(),
                }
            }
        }))
    }

    /// Scores a value at a time (milliseconds since the Unix epoch) and learns it; None is an unknown value.
    pub fn observe(&mut self, time: i64, value: Option<f64>) -> Verdict {
        let value = value.filter(|value| value.is_finite());
        match &mut self.0 {
            Scorer::Detect { settings, detector } => {
                let verdict = detector.observe(settings, time.div_euclid(1000), value);
                Verdict {
                    anomaly_score: verdict.score,
                    alert: verdict.alert,
                    direction: verdict.direction,
                    expected: verdict.ready.then_some(verdict.expected),
                }
            }
            Scorer::Rcf { forest, threshold, attribution } => {
                let Some(value) = value else { return Verdict::UNKNOWN };
                let ready = forest.is_ready();
                forest.attribute(&[value], attribution);
                forest.update(&[value]);
                let (high, low) = (attribution.high[0], attribution.low[0]);
                let anomaly_score = high + low;
                Verdict {
                    anomaly_score,
                    alert: ready && anomaly_score >= *threshold,
                    direction: ready.then_some(if high > low { Direction::Spike } else { Direction::Drop }),
                    expected: None,
                }
            }
        }
    }
}
