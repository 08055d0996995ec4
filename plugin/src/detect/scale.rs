//! Robust scale of residuals: mean absolute size, learnt only from points that moved.

use super::half_hours::HalfHours;
use super::predictors::{CUT, ERROR_RATE};
use crate::state::{are_finite, state};

/// A residual below this part of the scale didn't move: a series that is 99 % zeros keeps the scale
/// of its other values.
const MOVED: f64 = 0.05;
/// Updates before residuals are cut.
const CUT_FROM: u32 = 20;

/// S: exponentially weighted mean of |r| over the points that moved, with |r| cut at 5 S.
#[derive(Clone, Debug, Default)]
pub(super) struct MovedScale {
    scale: f64,
    updates: u32,
}

state!(MovedScale { scale, updates });

impl MovedScale {
    /// Learns |r|; `moved` says that the value differs from the one before.
    pub(super) fn learn(&mut self, size: f64, moved: bool) {
        if !moved || size <= MOVED * self.scale {
            return;
        }
        let cut = if self.updates >= CUT_FROM { size.min(CUT * self.scale) } else { size };
        let rate = (1.0 / (f64::from(self.updates) + 2.0)).max(ERROR_RATE);
        self.scale += rate * (cut - self.scale);
        self.updates = self.updates.saturating_add(1);
    }

    pub(super) fn scale(&self) -> f64 {
        self.scale
    }

    pub(super) fn updates(&self) -> u32 {
        self.updates
    }

    #[inline(never)]
    pub(super) fn is_valid(&self) -> bool {
        self.scale.is_finite() && self.scale >= 0.0
    }
}

/// Slowest rate of a bin's scale: the last three days at one minute.
const BIN_RATE: f64 = 0.01;
/// Updates before a bin's scale is used.
const BIN_READY: u8 = 30;
/// Rate at which the two scales are compared.
const CONTEST_RATE: f64 = 0.002;
/// The hour's scale never falls below this part of the overall one.
const LEAST_PART: f64 = 0.3;

/// The overall scale and one for each half hour, of which the likelier explains the residuals.
///
/// The two compete by Laplace's negative log-likelihood, ln S + |r| / S, averaged over the last 500 points.
#[derive(Clone, Debug, Default)]
pub(super) struct DailyScale {
    overall: MovedScale,
    bins: HalfHours,
    /// Loss of the hour's scale less that of the overall one.
    contest: f64,
}

state!(DailyScale { overall, bins, contest });

impl DailyScale {
    pub(super) fn scale(&self, time_s: i64) -> f64 {
        let overall = self.overall.scale;
        if self.contest < 0.0 { self.bin(time_s).max(LEAST_PART * overall) } else { overall }
    }

    pub(super) fn updates(&self) -> u32 {
        self.overall.updates
    }

    pub(super) fn learn(&mut self, time_s: i64, size: f64, moved: bool) {
        let overall = self.overall.scale;
        if !moved || size <= MOVED * overall {
            return;
        }
        let own = self.bin(time_s).max(MOVED * overall);
        if overall > 0.0 && self.overall.updates > CUT_FROM {
            let loss = |scale: f64| libm::log(scale / overall) + (size / scale).min(CUT);
            self.contest += CONTEST_RATE * (loss(own) - loss(overall) - self.contest);
        }
        let is_cut = self.overall.updates >= CUT_FROM;
        self.bins.learn(time_s, |scale, updates| {
            let reference = if updates > BIN_READY { scale.max(0.2 * overall) } else { overall };
            let cut = if is_cut { size.min(CUT * reference) } else { size };
            scale + (1.0 / (f64::from(updates) + 1.0)).max(BIN_RATE) * (cut - scale)
        });
        self.overall.learn(size, moved);
    }

    fn bin(&self, time_s: i64) -> f64 {
        match self.bins.get(time_s) {
            Some((scale, updates)) if updates >= BIN_READY => scale,
            _ => self.overall.scale,
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.overall.is_valid()
            && self.contest.is_finite()
            && are_finite(self.bins.values())
            && self.bins.values().iter().all(|scale| *scale >= 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_does_not_shrink_the_scale() {
        let mut scale = MovedScale::default();
        for i in 0..10_000 {
            scale.learn(if i % 100 == 0 { 10.0 } else { 0.0 }, i % 100 == 0);
        }
        assert!((scale.scale() - 10.0).abs() < 0.5, "{}", scale.scale());
    }

    #[test]
    fn the_hour_has_its_own_scale_where_noise_depends_on_it() {
        let mut scale = DailyScale::default();
        for minute in 0..10 * 1440i64 {
            let noisy = minute % 1440 < 360;
            scale.learn(minute * 60, if noisy { 10.0 } else { 2.0 }, true);
        }
        assert!(scale.scale(600) > 3.0 * scale.scale(43_200));
    }
}
