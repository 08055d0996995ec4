//! What a series did in its last hour or two, while no day of it is known: that is usual, too, so that what went on in the warm-up,
//! or goes on each hour, is no news.

use super::envelope::Usual;
use crate::state::state;

/// Seconds of a part: this one and the one before are looked at.
const HOUR: i64 = 3_600;

/// The lowest and the highest value of this hour and of the one before; stabilised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Hours {
    hour: i64,
    present: Usual,
    before: Usual,
}

state!(Hours { hour, present, before });

impl Hours {
    pub(super) fn new(time_s: i64, x: f64) -> Self {
        Self { hour: time_s.div_euclid(HOUR), present: (x, x), before: (x, x) }
    }

    pub(super) fn learn(&mut self, time_s: i64, x: f64) {
        let hour = time_s.div_euclid(HOUR);
        if hour != self.hour {
            // After a gap, or when time went back, nothing was just before.
            self.before = if hour == self.hour.saturating_add(1) { self.present } else { (x, x) };
            (self.hour, self.present) = (hour, (x, x));
        }
        self.present = widened(self.present, (x, x));
    }

    /// Whether x lies between the lowest and the highest.
    pub(super) fn hold(&self, x: f64) -> bool {
        let (low, high) = widened(self.present, self.before);
        (low..=high).contains(&x)
    }

    pub(super) fn is_valid(&self) -> bool {
        let (present, before) = (self.present, self.before);
        [present.0, present.1, before.0, before.1].iter().all(|x| x.is_finite())
    }
}

fn widened(a: Usual, b: Usual) -> Usual {
    (a.0.min(b.0), a.1.max(b.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_remembered_until_the_next_one_is_over() {
        let mut hours = Hours::new(0, 5.0);
        hours.learn(1_800, 9.0);
        hours.learn(3_600, 5.0);
        assert!(hours.hold(9.0) && hours.hold(7.0) && !hours.hold(4.9));
        hours.learn(7_200, 5.0);
        assert!(!hours.hold(5.1));
        hours.learn(7_300, 6.0);
        hours.learn(7_200 + 86_400, 7.0);
        assert!(!hours.hold(6.0), "after a gap");
    }
}
