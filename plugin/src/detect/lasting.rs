//! A level that lasts: what is too small for any one window is told once enough windows in a row have been off.
//!
//! A sum for each side, as in Page's cumulative sums (Biometrika 41, 1954). It grows by how far a window lies beyond what is
//! usual for means, and shrinks where it does not. S is the size of noise, and at least the error of the prediction that the distance is from:
//!
//! ```text
//! C = max(0, C + clamp(distance / S, −3, 3) − 0.5)      y = C / max(15, 3.5 F)
//! ```
//!
//! A single window adds 2.5 at most, so that no outlier makes a level. F is the height that the series' own sums exceed in one
//! window of a thousand: where levels wander, it is high. It rises while a sum is above it, too, by 6 % a window, so that what grows
//! slowly is no step. What is expected follows the level by itself, within an hour of minutes,
//! so that a sum does not grow without end.

use super::calibrate::{CEILING, track_far};
use super::envelope::Usual;
use super::predictors::Forecast;
use crate::state::state;

/// Mean sizes that one window counts as at most, on either side: it takes six windows.
const MOST: f64 = 3.0;
/// What a window takes off: half of the step that is worth telling, which is one mean size.
const DRIFT: f64 = 0.5;
/// The sum that alerts: halving where minutes vary by a fifth reaches it within ten windows. Sums of normal noise are above s in about
/// exp(−2.3 s) of all windows, where the range of means ends 1.3 mean sizes away.
const LASTED: f64 = 15.0;
/// …and so many times the sum that the series reaches in one window of a thousand.
const FAR: f64 = 3.5;
/// Step of that quantile's tracker. A sum stays above it for many windows in a row: with a larger one F outruns the sum that is to be told.
const FAR_STEP: f64 = 0.06;

/// One side of what is expected.
#[derive(Clone, Copy, Debug)]
struct Side {
    sum: f64,
    /// What was expected when the sum began to grow, moved with the season since; stabilised.
    before: f64,
    /// F.
    far: f64,
}

state!(Side { sum, before, far });

/// The sums of both sides.
#[derive(Clone, Debug)]
pub(super) struct Lasting {
    below: Side,
    above: Side,
    /// What the season said of the last window.
    season: f64,
}

state!(Lasting { below, above, season });

impl Default for Lasting {
    fn default() -> Self {
        let side = Side { sum: 0.0, before: 0.0, far: 1.0 };
        Self { below: side, above: side, season: 0.0 }
    }
}

impl Lasting {
    /// Takes in x: its score, and what was expected before the level changed. `usual`: the range of means;
    /// `scale`: S.
    pub(super) fn observe(&mut self, x: f64, forecast: &Forecast, usual: Usual, scale: f64, ready: bool) -> (f64, f64) {
        let expected = forecast.steadiest();
        let moved = forecast.season - self.season;
        self.season = forecast.season;
        let (low, high) = usual;
        let mut told = (0.0, expected);
        if scale <= 0.0 {
            self.clear();
            return told;
        }
        let distances = [low.min(expected) - x, x - high.max(expected)];
        for (side, distance) in [&mut self.below, &mut self.above].into_iter().zip(distances) {
            let size = distance / scale.max(forecast.steadiest_error);
            side.before = if side.sum > 0.0 { side.before + moved } else { expected };
            side.sum = (side.sum + size.clamp(-MOST, MOST) - DRIFT).max(0.0);
            if !ready {
                continue;
            }
            let score = (side.sum / LASTED.max(FAR * side.far)).min(CEILING);
            // The window itself must still be off.
            if size > 0.0 && score > told.0 {
                told = (score, side.before);
            }
            side.far = track_far(side.far, side.sum, FAR_STEP);
        }
        told
    }

    /// Begins anew: an event goes on, or is over.
    pub(super) fn clear(&mut self) {
        self.below.sum = 0.0;
        self.above.sum = 0.0;
    }

    pub(super) fn is_valid(&self) -> bool {
        self.season.is_finite()
            && [&self.below, &self.above].iter().all(|side| {
                side.sum.is_finite()
                    && side.sum >= 0.0
                    && side.before.is_finite()
                    && side.far.is_finite()
                    && side.far >= 1.0
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Usual = (9.0, 11.0);
    const AT_TEN: Forecast = Forecast {
        all: [10.0; 5],
        best: 10.0,
        error: 1.0,
        steadiest_error: 1.0,
        season: 10.0,
        is_season_known: true,
        seasonal: true,
    };

    fn windows_until_told(lasting: &mut Lasting, x: f64) -> Option<usize> {
        (1..=60).find(|_| lasting.observe(x, &AT_TEN, USUAL, 1.0, true).0 >= 1.0)
    }

    #[test]
    fn a_step_takes_fewer_windows_the_larger_it_is_and_never_fewer_than_six() {
        for (x, windows) in [(100.0, Some(6)), (14.0, Some(6)), (13.0, Some(10)), (12.5, Some(15)), (11.8, None)] {
            assert_eq!(windows_until_told(&mut Lasting::default(), x), windows, "{x}");
            assert_eq!(windows_until_told(&mut Lasting::default(), 20.0 - x), windows, "{x} below");
        }
    }

    #[test]
    fn lone_outliers_never_add_up() {
        let mut lasting = Lasting::default();
        let told = |at: usize| if at.is_multiple_of(6) { 100.0 } else { 10.0 };
        assert!((0..1000).all(|at| lasting.observe(told(at), &AT_TEN, USUAL, 1.0, true).0 < 0.5));
    }

    #[test]
    fn a_series_whose_level_wanders_asks_for_more() {
        let mut lasting = Lasting::default();
        for window in 0..50_000 {
            lasting.observe(if window % 500 < 9 { 13.0 } else { 10.0 }, &AT_TEN, USUAL, 1.0, true);
        }
        assert_eq!(windows_until_told(&mut lasting, 13.0), None, "{lasting:?}");
    }

    #[test]
    fn what_was_expected_moves_with_the_season() {
        let mut lasting = Lasting::default();
        let mut told = (0.0, 0.0);
        for window in 0..12 {
            let season = 10.0 + f64::from(window) / 10.0;
            let forecast = Forecast { all: [season; 5], best: season, season, ..AT_TEN };
            told = lasting.observe(season + 4.0, &forecast, (season - 1.0, season + 1.0), 1.0, true);
        }
        assert!(told.0 > 1.0 && (told.1 - 11.1).abs() < 0.001, "{told:?}");
    }
}
