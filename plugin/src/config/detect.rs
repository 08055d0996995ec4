//! What alerts.

use super::setting::choices;

/// What alerts. The detector learns by itself; these say what is of interest. Meanings: [`table`](super::table).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Detect {
    /// How eager the detector is.
    pub sensitivity: Sensitivity,
    /// The deviations that count.
    pub direction: Watch,
    /// Windows whose value and expected value both stay below it never alert.
    pub min_value: f64,
    /// Deviations so near the expected value that they never alert.
    pub ignore_near_expected: IgnoreNearExpected,
}

/// How eager the detector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Alerts at a score of 1.5.
    Low,
    /// Alerts at a score of 1.
    #[default]
    Medium,
    /// Alerts at a score of 0.75.
    High,
}

choices!(Sensitivity { Low = "low", Medium = "medium", High = "high" });

/// The deviations that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// Both.
    #[default]
    Both,
    /// Those above the expected value.
    Spike,
    /// Those below the expected value.
    Drop,
}

choices!(Watch { Both = "both", Spike = "spike", Drop = "drop" });

/// Deviations so near the expected value that they never alert.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IgnoreNearExpected {
    /// Above the expected value by at most so much, in units of the value.
    pub above: f64,
    /// Below it by at most so much.
    pub below: f64,
    /// Above it by at most this part of it.
    pub above_ratio: f64,
    /// Below it by at most this part of it.
    pub below_ratio: f64,
}
