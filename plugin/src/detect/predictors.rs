//! A bank of causal predictors; the one with the smallest recent error speaks.

use super::profile::Profile;
use super::residual::WARM_UP;
use crate::state::state;

/// The predictors, in the order of [`Forecast::all`].
pub(super) const PREDICTORS: usize = 5;
/// Rate of the fast means: about the last ten points.
const FAST: f64 = 0.2;
/// Rate of the slow mean: about the last four hundred.
const SLOW: f64 = 0.005;
/// Rate of the slow distance from the season: about the last sixty, an hour of minutes, so that a quiet or a busy day is
/// known for one.
const OFF: f64 = 0.03;
/// Rate of the errors: about the last 2000 points.
pub(super) const ERROR_RATE: f64 = 0.0005;
/// Errors, and what the means learn, are cut at so many times the mean error, so that an incident is not learnt whole.
pub(super) const CUT: f64 = 5.0;
/// Points before errors and means are cut; what the season learns is cut from the first point on that can alert.
const CUT_FROM: u64 = 100;

/// Last value, fast and slow mean, and the season with its fast and slow distance, each with its mean absolute error.
#[derive(Clone, Debug, Default)]
pub(super) struct Bank {
    points: u64,
    last: f64,
    fast: f64,
    slow: f64,
    /// Fast and slow mean of the distance from the season.
    off: [f64; 2],
    /// What the season said of the last point.
    season: f64,
    profile: Profile,
    errors: [f64; PREDICTORS],
}

state!(Bank { points, last, fast, slow, off, season, profile, errors });

/// What is expected of the next value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Forecast {
    /// All predictions: last value, fast mean, slow mean, season with its fast and with its slow distance.
    pub all: [f64; PREDICTORS],
    /// The prediction with the smallest recent error.
    pub best: f64,
    /// That error: the mean absolute one.
    pub error: f64,
    /// That of the [steadiest](Forecast::steadiest) one.
    pub steadiest_error: f64,
    /// What the season says of this time; the slow mean until it is known.
    pub season: f64,
    /// Whether it is known.
    pub is_season_known: bool,
    /// The best one follows the season.
    pub seasonal: bool,
}

impl Forecast {
    /// What the season says, if it is known.
    pub(super) fn known_season(&self) -> Option<f64> {
        self.is_season_known.then_some(self.season)
    }

    /// The season at its distance of the last hour: of all predictions that know the time of day the one that follows the last values least.
    pub(super) fn steadiest(&self) -> f64 {
        let [.., season_with_slow_distance] = self.all;
        season_with_slow_distance
    }
}

impl Bank {
    pub(super) fn read_ahead(&self, time_s: i64) -> u64 {
        self.profile.read_ahead(time_s)
    }

    pub(super) fn predict(&self, time_s: i64) -> Forecast {
        let profile = self.profile.at(time_s);
        let season = profile.unwrap_or(self.slow);
        let [off_fast, off_slow] = self.off;
        let all = [self.last, self.fast, self.slow, season + off_fast, season + off_slow];
        let [.., steadiest_error] = self.errors;
        let mut forecast = Forecast {
            all,
            best: self.last,
            error: f64::INFINITY,
            steadiest_error,
            season,
            is_season_known: profile.is_some(),
            seasonal: false,
        };
        for (rank, (prediction, error)) in all.iter().zip(&self.errors).enumerate() {
            if *error < forecast.error {
                forecast.best = *prediction;
                forecast.error = *error;
                forecast.seasonal = rank >= 3;
            }
        }
        forecast
    }

    /// Learns the value x that came instead of `forecast`, `seconds` after the one before. `away`: an event goes on, and
    /// only the short memories follow it, so that what is expected after it is what was expected before. `doubtful`: it may turn out
    /// to be one, and the season does not follow.
    pub(super) fn learn(&mut self, time_s: i64, x: f64, forecast: &Forecast, seconds: f64, away: bool, doubtful: bool) {
        let cutting = self.points >= CUT_FROM;
        self.last = x;
        self.season = forecast.season;
        if away {
            self.fast += FAST * (x - self.fast);
            return;
        }
        let rate = (1.0 / (self.points as f64 + 2.0)).max(ERROR_RATE);
        for (error, prediction) in self.errors.iter_mut().zip(forecast.all) {
            let miss = (x - prediction).abs();
            let miss = if cutting { miss.min(CUT * *error) } else { miss };
            *error += rate * (miss - *error);
        }
        let [_, fast_error, slow_error, off_fast_error, off_slow_error] = self.errors;
        let cut = |innovation: f64, error: f64| {
            if cutting { innovation.max(-CUT * error).min(CUT * error) } else { innovation }
        };
        self.fast += FAST * cut(x - self.fast, fast_error);
        let slow_rate = (1.0 / (self.points as f64 + 1.0)).max(SLOW);
        self.slow += slow_rate * cut(x - self.slow, slow_error);
        let [off_fast, off_slow] = &mut self.off;
        *off_fast += FAST * cut(x - forecast.season - *off_fast, off_fast_error);
        *off_slow += OFF * cut(x - forecast.season - *off_slow, off_slow_error);
        let most = if self.points >= WARM_UP { CUT * slow_error } else { f64::INFINITY };
        if !doubtful {
            self.profile.learn(time_s, x, forecast, most, seconds);
        }
        self.points = self.points.saturating_add(1);
    }

    /// Starts the short memories anew at x: at the first value, and after a gap.
    pub(super) fn resume(&mut self, time_s: i64, x: f64) {
        self.last = x;
        self.fast = x;
        if self.points == 0 {
            self.slow = x;
        }
        self.season = self.profile.at(time_s).unwrap_or(self.slow);
        self.off = [x - self.season; 2];
    }

    /// What an event has brought is normal from now on.
    pub(super) fn accept(&mut self) {
        self.slow = self.fast;
        self.off = [self.fast - self.season; 2];
    }

    pub(super) fn is_valid(&self) -> bool {
        let [off_fast, off_slow] = self.off;
        [self.last, self.fast, self.slow, off_fast, off_slow, self.season].iter().all(|x| x.is_finite())
            && self.errors.iter().all(|e| e.is_finite() && *e >= 0.0)
            && self.profile.is_valid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_season_speaks_where_the_day_repeats() {
        let mut bank = Bank::default();
        // Up and down within eight hours, the same each day, with noise.
        let value = |slot: i64| ((slot % 96) - 48).abs() as f64 + (slot * 7919 % 31) as f64 / 5.0;
        for slot in 0..288 * 20 {
            let forecast = bank.predict(slot * 300);
            bank.learn(slot * 300, value(slot), &forecast, 300.0, false, false);
        }
        let forecast = bank.predict(288 * 20 * 300);
        assert!(forecast.seasonal, "{forecast:?}");
    }

    #[test]
    fn the_last_value_speaks_for_a_random_walk() {
        let mut bank = Bank::default();
        let mut x = 0.0;
        for i in 0..2000i64 {
            let forecast = bank.predict(i * 60);
            x += [3.0, -2.0, -3.0, 2.5, 1.0, -1.5][(i * i % 31 % 6) as usize];
            bank.learn(i * 60, x, &forecast, 60.0, false, false);
        }
        assert_eq!(bank.predict(2000 * 60).best, x);
    }

    #[test]
    fn what_is_expected_after_an_event_is_what_was_expected_before() {
        let mut bank = Bank::default();
        for i in 0..3000i64 {
            let forecast = bank.predict(i * 60);
            bank.learn(i * 60, 10.0 + (i % 3) as f64, &forecast, 60.0, false, false);
        }
        let before = bank.predict(3000 * 60);
        for i in 3000..3060i64 {
            let forecast = bank.predict(i * 60);
            bank.learn(i * 60, 50.0, &forecast, 60.0, true, false);
        }
        let after = bank.predict(3060 * 60);
        assert!((after.all[2] - before.all[2]).abs() < 0.1 && (after.season - before.season).abs() < 0.1);
        bank.accept();
        assert!(bank.predict(3060 * 60).all.iter().all(|x| (x - 50.0).abs() < 1.0));
    }
}
