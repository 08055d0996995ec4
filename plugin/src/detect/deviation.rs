//! Whether a series is still away from normal after an alert.

use crate::state::state;

/// The value has returned when it is within this part of the alert's deviation.
const RETURNED: f64 = 0.5;
/// The event has worsened when the value is off by this many times the alert's deviation.
const WORSE: f64 = 1.5;
/// Windows after which a lasting deviation is the new normal: three hours of minutes.
const NEW_NORMAL: f64 = 180.0;

/// An event that is not over: what was expected when it opened, and by how much the value was off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Deviation {
    /// Expected then, stabilised.
    pub expected: f64,
    /// Signed deviation then.
    size: f64,
    left: f64,
    /// The event is of no interest to the user; only its end must not surprise.
    pub ignored: bool,
}

state!(Deviation { expected, size, left, ignored });

/// How an event goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// Still away from what was expected.
    Away,
    /// Away much farther than at the alert.
    Worse,
    /// Back at what was expected.
    Returned,
    /// Gone on for so long that it is the new normal, or turned to the other side.
    Over,
}

impl Deviation {
    pub(super) fn open(x: f64, expected: f64, ignored: bool) -> Self {
        Self { expected, size: x - expected, left: NEW_NORMAL, ignored }
    }

    /// Where the value x is, `windows` later.
    pub(super) fn follow(&mut self, x: f64, windows: f64) -> Course {
        self.left -= windows;
        let off = x - self.expected;
        if self.left <= 0.0 {
            Course::Over
        } else if off.abs() < RETURNED * self.size.abs() {
            Course::Returned
        } else if off * self.size > 0.0 {
            if off.abs() > WORSE * self.size.abs() { Course::Worse } else { Course::Away }
        } else {
            Course::Over
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        [self.expected, self.size, self.left].iter().all(|x| x.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_when_the_value_returns_or_becomes_the_new_normal() {
        let mut spike = Deviation::open(30.0, 10.0, false);
        assert_eq!(spike.follow(25.0, 1.0), Course::Away);
        assert_eq!(spike.follow(45.0, 1.0), Course::Worse);
        assert_eq!(spike.follow(15.0, 1.0), Course::Returned);
        assert_eq!(spike.follow(-30.0, 1.0), Course::Over, "the other side");
        let mut shift = Deviation::open(30.0, 10.0, false);
        assert!((0..179).all(|_| shift.follow(30.0, 1.0) == Course::Away));
        assert_eq!(shift.follow(30.0, 1.0), Course::Over);
    }
}
