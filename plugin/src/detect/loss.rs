//! Nothing left where the season expects traffic: what faded away so slowly that no window and no level was sudden.
//!
//! Counted is how many windows in a row are below a twentieth of what the season says, while that is busy:
//!
//! ```text
//! y = run / max(least, 2 F)
//! ```
//!
//! F is the run that the series exceeds in one window of a thousand, known faults among them: what is at rest now and then
//! has nothing to lose.

use super::calibrate::{CEILING, track_far};
use crate::state::state;

/// Below this part of what the season says nothing is left.
const LEFT: f64 = 0.05;
/// The season is busy from this part of the mean value on; and to this many times it, beyond which it tells of bursts, which need not
/// come.
const BUSY: f64 = 0.5;
const BURST: f64 = 3.0;
/// Windows in a row: half an hour of minutes, an hour of windows of five.
const LEAST: f64 = 30.0;
const LEAST_COARSE: f64 = 12.0;
/// …and so many times F, whose tracker has this step.
const FAR: f64 = 2.0;
const FAR_STEP: f64 = 0.03;
/// After this part of the least run the season stops to follow.
const DOUBTFUL: f64 = 0.1;

/// The run and F.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loss {
    run: f64,
    far: f64,
}

state!(Loss { run, far });

impl Default for Loss {
    fn default() -> Self {
        Self { run: 0.0, far: 1.0 }
    }
}

impl Loss {
    /// Takes in a value, of which the season expects `season`, and gives its score. `level`: the mean value.
    pub(super) fn observe(&mut self, value: f64, season: f64, level: f64, coarse: bool) -> f64 {
        let is_busy = season > BUSY * level && season < BURST * level;
        let is_lost = is_busy && value.abs() < LEFT * season;
        self.run = if is_lost { self.run + 1.0 } else { 0.0 };
        let score = (self.run / least(coarse).max(FAR * self.far)).min(CEILING);
        self.far = track_far(self.far, self.run, FAR_STEP);
        score
    }

    /// Whether nothing is left, but not yet for long enough, on a series that does not rest: half an hour would be learnt by then.
    pub(super) fn is_doubtful(&self, coarse: bool) -> bool {
        let least = least(coarse);
        self.run > DOUBTFUL * least && self.run < least && FAR * self.far <= least
    }

    pub(super) fn is_valid(&self) -> bool {
        self.run.is_finite() && self.run >= 0.0 && self.far.is_finite() && self.far >= 1.0
    }
}

fn least(coarse: bool) -> f64 {
    if coarse { LEAST_COARSE } else { LEAST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_hour_of_nothing_on_a_busy_series_is_told() {
        let mut loss = Loss::default();
        assert!((0..5000).all(|_| loss.observe(60.0, 1000.0, 800.0, false) == 0.0), "something is left");
        assert_eq!((1..=60).find(|_| loss.observe(40.0, 1000.0, 800.0, false) >= 1.0), Some(30));
        let mut coarse = Loss::default();
        assert_eq!((1..=60).find(|_| coarse.observe(0.0, 1000.0, 800.0, true) >= 1.0), Some(12));
    }

    #[test]
    fn a_quiet_hour_of_the_day_has_nothing_to_lose_and_a_burst_need_not_come() {
        for season in [50.0, 8000.0] {
            let mut loss = Loss::default();
            assert!((0..600).all(|_| loss.observe(0.0, season, 800.0, false) == 0.0), "{season}");
        }
    }

    #[test]
    fn a_series_that_rests_for_hours_now_and_then_has_nothing_to_lose() {
        let mut loss = Loss::default();
        for window in 0..20_000 {
            loss.observe(if window % 1000 < 240 { 0.0 } else { 900.0 }, 700.0, 600.0, false);
        }
        assert!((0..300).all(|_| loss.observe(0.0, 700.0, 600.0, false) < 1.0), "{loss:?}");
    }
}
