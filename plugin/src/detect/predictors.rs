//! A bank of causal predictors; the one with the smallest recent error speaks.

use super::clock::part_of_day;
use crate::state::state;

/// The predictors, in the order of [`Bank::predict`].
pub(super) const PREDICTORS: usize = 4;
/// Rate of the fast mean: about the last ten points.
const FAST: f64 = 0.2;
/// Rate of the slow mean: about the last four hundred.
const SLOW: f64 = 0.005;
/// Bins of the daily profile: half an hour each.
const BINS: usize = 48;
/// Rate of a bin in its first visits, and after; a bin is visited thirty times a day at one minute.
const PROFILE_EARLY: f64 = 0.3;
const PROFILE: f64 = 0.05;
const PROFILE_EARLY_VISITS: u32 = 20;
/// Rate of the errors: about the last 2000 points.
pub(super) const ERROR_RATE: f64 = 0.0005;
/// Errors, and what the means learn, are cut at so many times the mean error, so that an incident is not learnt whole.
pub(super) const CUT: f64 = 5.0;
/// Points before anything is cut.
const CUT_FROM: u64 = 100;

/// Last value, fast mean, slow mean and daily profile, each with its mean absolute error.
#[derive(Clone, Debug, Default)]
pub(super) struct Bank {
    points: u64,
    last: f64,
    fast: f64,
    slow: f64,
    profile: Vec<(f64, u32)>,
    errors: [f64; PREDICTORS],
}

state!(Bank { points, last, fast, slow, profile, errors });

/// What is expected of the next value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Forecast {
    /// All predictions: last value, fast mean, slow mean, daily profile.
    pub all: [f64; PREDICTORS],
    /// The prediction with the smallest recent error.
    pub best: f64,
    /// That error: the mean absolute one.
    pub error: f64,
}

impl Bank {
    pub(super) fn predict(&self, time_s: i64) -> Forecast {
        let bin = self.profile.get(part_of_day(time_s, BINS));
        let profile = match bin {
            Some((mean, visits)) if *visits > 0 => *mean,
            _ => self.slow,
        };
        let all = [self.last, self.fast, self.slow, profile];
        let mut forecast = Forecast { all, best: self.last, error: f64::INFINITY };
        for (prediction, error) in all.iter().zip(&self.errors) {
            if *error < forecast.error {
                forecast.best = *prediction;
                forecast.error = *error;
            }
        }
        forecast
    }

    /// Learns the value x that came instead of `forecast`.
    pub(super) fn learn(&mut self, time_s: i64, x: f64, forecast: &Forecast) {
        let rate = (1.0 / (self.points as f64 + 2.0)).max(ERROR_RATE);
        let cutting = self.points >= CUT_FROM;
        for (error, prediction) in self.errors.iter_mut().zip(forecast.all) {
            let miss = (x - prediction).abs();
            let miss = if cutting { miss.min(CUT * *error) } else { miss };
            *error += rate * (miss - *error);
        }
        let [_, fast_error, slow_error, profile_error] = self.errors;
        let cut = |innovation: f64, error: f64| {
            if cutting { innovation.max(-CUT * error).min(CUT * error) } else { innovation }
        };
        self.last = x;
        self.fast += FAST * cut(x - self.fast, fast_error);
        let slow_rate = (1.0 / (self.points as f64 + 1.0)).max(SLOW);
        self.slow += slow_rate * cut(x - self.slow, slow_error);
        if self.profile.len() != BINS {
            self.profile = vec![(0.0, 0); BINS];
        }
        if let Some((mean, visits)) = self.profile.get_mut(part_of_day(time_s, BINS)) {
            let rate = match *visits {
                0 => 1.0,
                visits if visits < PROFILE_EARLY_VISITS => PROFILE_EARLY,
                _ => PROFILE,
            };
            *mean += rate * if *visits == 0 { x - *mean } else { cut(x - *mean, profile_error) };
            *visits = visits.saturating_add(1);
        }
        self.points = self.points.saturating_add(1);
    }

    /// Starts the short memories anew at x: at the first value, and after a gap.
    pub(super) fn resume(&mut self, x: f64) {
        self.last = x;
        self.fast = x;
        if self.points == 0 {
            self.slow = x;
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        [self.last, self.fast, self.slow].iter().all(|x| x.is_finite())
            && self.errors.iter().all(|e| e.is_finite() && *e >= 0.0)
            && (self.profile.len() == BINS || (self.profile.is_empty() && self.points == 0))
            && self.profile.iter().all(|(mean, _)| mean.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_speaks_when_the_day_repeats_in_steps() {
        let mut bank = Bank::default();
        let value = |bin: i64| (bin % 48 * 29 % 48) as f64;
        for bin in 0..48 * 20 {
            let forecast = bank.predict(bin * 1800);
            bank.learn(bin * 1800, value(bin), &forecast);
        }
        let forecast = bank.predict(48 * 20 * 1800 + 7 * 1800);
        assert!((forecast.best - value(7)).abs() < 1e-6, "{forecast:?}");
    }

    #[test]
    fn the_last_value_speaks_for_a_random_walk() {
        let mut bank = Bank::default();
        let mut x = 0.0;
        for i in 0..2000i64 {
            let forecast = bank.predict(i * 60);
            x += [3.0, -2.0, -3.0, 2.5, 1.0, -1.5][(i * i % 31 % 6) as usize];
            bank.learn(i * 60, x, &forecast);
        }
        assert_eq!(bank.predict(2000 * 60).best, x);
    }
}
