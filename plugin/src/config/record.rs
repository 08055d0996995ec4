//! Record mode: which numbers of a record are scored.

use super::setting::choices;

/// Which scores are told with an explanation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Explanation {
    /// All of them, as `RANDOM_CUT_FOREST_WITH_EXPLANATION` did.
    All,
    /// Those at or above the threshold.
    Anomalies,
    /// None, as `RANDOM_CUT_FOREST` did.
    None,
}

choices!(Explanation { All = "all", Anomalies = "anomalies", None = "none" });

/// What is scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Records.
    Records,
    /// Windows of series.
    Windows,
}

choices!(Of { Records = "records", Windows = "windows" });

/// Record mode: which numbers of a record are scored, and what is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What is scored.
    pub of: Of,
    /// The numeric columns that make up a point. Empty: chosen by the first record.
    pub columns: Vec<String>,
    /// From which score on a record counts as an anomaly. 3.0 is what the examples of the retired service used.
    pub threshold: f64,
    /// Whether every record's score is told, or only those of anomalies.
    pub only_anomalies: bool,
    /// Which scores are told with an explanation.
    pub explanation: Explanation,
}

impl Default for Record {
    fn default() -> Self {
        Record {
            of: Of::Records,
            columns: Vec::new(),
            threshold: 3.0,
            only_anomalies: false,
            explanation: Explanation::All,
        }
    }
}
