//! Provisional detector: a moving median with a median-absolute-deviation scale.
//!
//! It keeps the interface of the detector that scores each series, so that windows and incidents can be built and
//! tested on it, and is to be replaced as a whole.

use serde::{Deserialize, Serialize};

/// How readily to alert.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Only gross changes.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Smaller changes too.
    High,
}

/// Which changes to alert on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// Spikes and drops.
    #[default]
    Both,
    /// Spikes only.
    Spike,
    /// Drops only.
    Drop,
}

/// How near to the expected value nothing is alerted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IgnoreNearExpected {
    /// In the unit of the value.
    pub absolute: f64,
    /// As a share of the expected value.
    pub ratio: f64,
}

/// What the detector is asked to alert on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How readily to alert.
    pub sensitivity: Sensitivity,
    /// Which changes to alert on.
    pub direction: Watch,
    /// Values below this, where so much is not expected either, never alert.
    pub min_value: f64,
    /// How near to the expected value nothing is alerted.
    pub ignore_near_expected: IgnoreNearExpected,
}

/// Which way a value left the range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Above what was expected.
    Spike,
    /// Below what was expected.
    Drop,
}

/// What the detector says of one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// How unusual; 1 is the threshold of an alert.
    pub score: f64,
    /// Whether an alert is due.
    pub alert: bool,
    /// Which way, if unusual.
    pub direction: Option<Direction>,
    /// The expected value.
    pub expected: f64,
    /// The lower end of the ordinary range.
    pub expected_low: f64,
    /// The upper end of the ordinary range.
    pub expected_high: f64,
    /// How rare the score is in the series' own history.
    pub p: f64,
    /// Whether the value is outside the ordinary range right now.
    pub deviating: bool,
    /// Whether enough was learned to alert.
    pub ready: bool,
}

/// Values the median is taken over.
const MEMORY: usize = 60;
/// Values needed before the first alert.
const WARM_UP: usize = 30;

/// The state of one series.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detector {
    recent: Vec<f64>,
    next: u32,
    alerts: u32,
    seen: u32,
}

impl Detector {
    /// A detector that knows nothing.
    pub fn new(_interval_s: Option<f64>) -> Self {
        Detector { recent: Vec::new(), next: 0, alerts: 0, seen: 0 }
    }

    /// Judges a value by those before it, then learns it.
    pub fn observe(&mut self, settings: &Settings, _time_s: i64, value: Option<f64>) -> Verdict {
        let mut sorted = self.recent.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        let mut apart: Vec<f64> = sorted.iter().map(|x| (x - median).abs()).collect();
        apart.sort_by(f64::total_cmp);
        let scale = (1.5 * apart.get(apart.len() / 2).copied().unwrap_or(0.0)).max(median / 100.0).max(1e-9);
        let reach = match settings.sensitivity {
            Sensitivity::Low => 12.0,
            Sensitivity::Medium => 8.0,
            Sensitivity::High => 5.0,
        } * scale;
        let ready = sorted.len() >= WARM_UP;
        let mut verdict = Verdict {
            score: 0.0,
            alert: false,
            direction: None,
            expected: median,
            expected_low: median - reach,
            expected_high: median + reach,
            p: 1.0,
            deviating: false,
            ready,
        };
        let Some(value) = value else { return verdict };
        let near = settings.ignore_near_expected;
        let difference = value - median;
        if ready && difference.abs() > near.absolute + near.ratio * median && value.max(median) >= settings.min_value {
            verdict.score = difference.abs() / reach;
            verdict.deviating = verdict.score >= 1.0;
            verdict.direction = Some(if difference > 0.0 { Direction::Spike } else { Direction::Drop });
            verdict.alert = verdict.deviating
                && match settings.direction {
                    Watch::Both => true,
                    Watch::Spike => difference > 0.0,
                    Watch::Drop => difference < 0.0,
                };
            verdict.p = f64::from(self.alerts + 1) / f64::from(self.seen + 2);
        }
        self.alerts += u32::from(verdict.deviating);
        self.seen = self.seen.saturating_add(1);
        if self.recent.len() < MEMORY {
            self.recent.push(value);
        } else if let Some(place) = self.recent.get_mut(self.next as usize % MEMORY) {
            *place = value;
        }
        self.next = (self.next + 1) % MEMORY as u32;
        verdict
    }

    /// Whether a deserialised state can be one of this detector's.
    pub fn is_valid(&self) -> bool {
        self.recent.len() <= MEMORY && self.recent.iter().all(|x| x.is_finite()) && self.alerts <= self.seen
    }
}
