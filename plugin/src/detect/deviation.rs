//! Whether a series is still away from normal after an alert.

use super::transform::Transform;
use crate::state::state;

/// The value has returned when it is within this part of the deviation of the event's first alert, both of x and of the value: of
/// traffic that was all gone half is back.
const RETURNED: f64 = 0.5;
/// In windows of a minute two in a row must be, as one is by chance now and then while the event goes on; unless it is within this part.
const RETURNED_FOR_SURE: f64 = 1.0 / 3.0;
/// The event has worsened when the value is off by this many times the alert's deviation.
const WORSE: f64 = 2.0;
/// Windows after which a lasting deviation is the new normal: three hours of minutes.
const NEW_NORMAL: f64 = 180.0;
/// Where nothing is left so many windows count as one: a day of minutes. Of zero there is nothing to learn that would help to tell the
/// next event.
const LOST: f64 = 8.0;
/// Nothing is left below this part of what was expected: a hundredth of the value, as x is its cube root.
const NOTHING: f64 = 0.2;
/// From one window to the next the season may move what is expected by this factor at most; a jump of it is no season.
const SEASON_STEP: f64 = 2.0;

/// An event that is not over: what is expected without it, and by how much the value was off when it was told.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Deviation {
    /// What was expected when it opened, moved with the season since; stabilised.
    pub expected: f64,
    /// Signed deviation at the last alert, moved likewise.
    size: f64,
    /// What the season said of the last window of which it was known.
    season: f64,
    left: f64,
    /// The event is of no interest to the user; only its end must not surprise.
    pub ignored: bool,
    /// The deviation at the first alert, moved likewise: what it was then is not over because it was worse in between.
    first: f64,
    /// The last window was as if it had returned.
    near: bool,
    /// Whether the season is known, and what is expected moves with it: on the first day it is not, once an event lasts into the next
    /// half hour.
    moves: bool,
}

state!(Deviation { expected, size, season, left, ignored, first since 10, near since 13, moves since 14 });

/// How an event goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Still away from what was expected.
    Away,
    /// Away much farther than at the alert.
    Worse,
    /// Back at what was expected.
    Returned,
    /// Gone on for so long that it is the new normal.
    Stayed,
    /// Turned to the other side.
    Turned,
}

impl Deviation {
    /// `season`: what it says of the window, if it is known.
    pub(super) fn open(x: f64, expected: f64, season: Option<f64>, ignored: bool) -> Self {
        let (size, moves) = (x - expected, season.is_some());
        let season = season.unwrap_or(expected);
        Self { expected, size, season, left: NEW_NORMAL, ignored, first: size, near: false, moves }
    }

    /// Whether it is a fall from half or less of what the season expects: what went before was too slow to be told.
    pub(super) fn is_part_of_fall(&self, season: f64, transform: Transform) -> bool {
        self.size < 0.0 && transform.restore(season) > WORSE * transform.restore(self.expected)
    }

    /// It has worsened, and was told again.
    pub(super) fn worsened(self, x: f64, expected: f64, season: Option<f64>, ignored: bool) -> Self {
        Self { first: self.first, ..Self::open(x, expected, season, ignored) }
    }

    /// Where the value x is, `windows` later, when the season says `season`, if it is known; `transform`: what x is of the value. In
    /// `coarse` windows, of some minutes, x alone counts: there novelty tells the rest of an event whose first half is over.
    pub(super) fn follow(
        &mut self,
        x: f64,
        season: Option<f64>,
        windows: f64,
        coarse: bool,
        transform: Transform,
    ) -> Course {
        if self.first == 0.0 {
            self.first = self.size; // a state from before version 10
        }
        let is_lost = self.expected > 0.0 && x.abs() < NOTHING * self.expected;
        self.left -= if is_lost { windows / LOST } else { windows };
        if let Some(season) = season {
            self.move_with(season);
        }
        let off = x - self.expected;
        let transform = if coarse { Transform::None } else { transform };
        let [now, first] =
            [x, self.expected + self.first].map(|x| transform.restore(x) - transform.restore(self.expected));
        let is_within = |part: f64| off.abs() < part * self.first.abs() && now.abs() < part * first.abs();
        let is_near = is_within(RETURNED);
        let was_near = core::mem::replace(&mut self.near, is_near);
        if self.left <= 0.0 {
            Course::Stayed
        } else if is_near && !was_near && !coarse && !is_within(RETURNED_FOR_SURE) {
            Course::Away
        } else if is_near {
            Course::Returned
        } else if off * self.size > 0.0 {
            if off.abs() > WORSE * self.size.abs() { Course::Worse } else { Course::Away }
        } else {
            Course::Turned
        }
    }

    fn move_with(&mut self, season: f64) {
        let before = core::mem::replace(&mut self.season, season);
        if !core::mem::replace(&mut self.moves, true) {
            return;
        }
        if before > 0.0 && season > 0.0 && self.expected >= 0.0 {
            let grown = (season / before).clamp(1.0 / SEASON_STEP, SEASON_STEP);
            self.expected *= grown;
            self.size *= grown;
            self.first *= grown;
        } else {
            self.expected += season - before;
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        [self.expected, self.size, self.season, self.left, self.first].iter().all(|x| x.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_when_the_value_returns_or_becomes_the_new_normal() {
        let mut spike = Deviation::open(30.0, 10.0, Some(10.0), false);
        assert_eq!(spike.follow(25.0, Some(10.0), 1.0, false, Transform::None), Course::Away);
        assert_eq!(spike.follow(45.0, Some(10.0), 1.0, false, Transform::None), Course::Away);
        assert_eq!(spike.follow(55.0, Some(10.0), 1.0, false, Transform::None), Course::Worse);
        assert_eq!(
            spike.follow(18.0, Some(10.0), 1.0, false, Transform::None),
            Course::Away,
            "one such window may be chance"
        );
        assert_eq!(spike.follow(25.0, Some(10.0), 1.0, false, Transform::None), Course::Away);
        assert_eq!(spike.follow(18.0, Some(10.0), 1.0, false, Transform::None), Course::Away, "the first again");
        assert_eq!(spike.follow(18.0, Some(10.0), 1.0, false, Transform::None), Course::Returned);
        let mut back = spike;
        assert_eq!(back.follow(25.0, Some(10.0), 1.0, false, Transform::None), Course::Away);
        assert_eq!(
            back.follow(12.0, Some(10.0), 1.0, false, Transform::None),
            Course::Returned,
            "at once, as it is all but back"
        );
        assert_eq!(spike.follow(-30.0, Some(10.0), 1.0, false, Transform::None), Course::Turned);
        let mut worse = spike.worsened(60.0, 10.0, Some(10.0), false);
        assert_eq!(
            worse.follow(30.0, Some(10.0), 1.0, false, Transform::None),
            Course::Away,
            "where it was told first"
        );
        let mut shift = Deviation::open(30.0, 10.0, Some(10.0), false);
        assert!((0..179).all(|_| shift.follow(30.0, Some(10.0), 1.0, false, Transform::None) == Course::Away));
        assert_eq!(shift.follow(30.0, Some(10.0), 1.0, false, Transform::None), Course::Stayed);
    }

    #[test]
    fn a_third_of_a_rising_day_is_not_back_to_normal() {
        let mut drop = Deviation::open(3.0, 9.0, Some(9.0), false);
        for step in 1..100 {
            let season = 9.0 + 0.09 * f64::from(step);
            assert_eq!(drop.follow(season / 3.0, Some(season), 1.0, false, Transform::None), Course::Away, "{step}");
        }
        assert_eq!(drop.follow(17.0, Some(18.0), 1.0, false, Transform::None), Course::Returned);
        let mut signed = Deviation::open(80.0, -20.0, Some(-20.0), false);
        assert_eq!(signed.follow(10.0, Some(15.0), 1.0, false, Transform::None), Course::Returned);
    }

    #[test]
    fn what_is_expected_stays_where_the_season_is_not_known() {
        let mut drop = Deviation::open(3.0, 9.0, None, false);
        assert_eq!(drop.follow(3.0, None, 1.0, false, Transform::None), Course::Away);
        assert_eq!(drop.follow(3.0, Some(5.0), 1.0, false, Transform::None), Course::Away);
        assert_eq!(drop.expected, 9.0, "the season of now says nothing of then");
        assert_eq!(drop.follow(3.0, Some(10.0), 1.0, false, Transform::None), Course::Away);
        assert_eq!(drop.expected, 18.0, "from then on it moves");
    }
}
