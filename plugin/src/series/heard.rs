//! How many series are heard, and how many of them have to agree on the time.

use crate::state::state;

/// Windows that the mean looks back.
const MEMORY: f64 = 60.0;
/// Below so many a window there is nobody to ask.
const SEVERAL: f64 = 1.5;

/// Series with a record in a window, on average of late.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Heard {
    mean: f64,
    windows: u32,
}

state!(Heard { mean, windows });

impl Heard {
    /// As after one window with so many series.
    pub(crate) fn exactly(series: usize) -> Self {
        Heard { mean: series as f64, windows: 1 }
    }

    pub(crate) fn learn(&mut self, series: usize) {
        self.windows = self.windows.saturating_add(1);
        self.mean += (1.0 / f64::from(self.windows)).max(1.0 / MEMORY) * (series as f64 - self.mean);
    }

    /// Whether records come from one series at a time, as far as is known.
    pub(crate) fn is_thin(&self) -> bool {
        self.windows == 0 || self.mean < SEVERAL
    }

    /// Series besides some, at least one; 2 as long as nobody knows.
    pub(crate) fn others(&self, than: usize) -> usize {
        if self.windows == 0 { 2 } else { self.missing(than).max(1) }
    }

    /// Series that are not heard where so many are, as far as is known.
    pub(crate) fn missing(&self, where_are: usize) -> usize {
        (libm::round(self.mean) as usize).saturating_sub(where_are)
    }

    /// Series that move the frontier by a step: a quarter.
    pub(crate) fn quorum(&self) -> usize {
        if self.windows > 0 && self.mean < SEVERAL { 1 } else { (self.mean / 4.0).clamp(2.0, 16.0) as usize }
    }

    /// Series that move it farther: half.
    pub(crate) fn quorum_to_jump(&self) -> usize {
        (self.mean / 2.0).clamp(2.0, 32.0) as usize
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.mean.is_finite() && self.mean >= 0.0
    }
}
