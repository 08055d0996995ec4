//! How much traffic an interface ordinarily has at a time of the day and the week.

use super::random::Random;
use super::role::{Profile, Role};
use super::scenario::Scenario;
use core::f64::consts::TAU;

const HOUR: f64 = 3600.0;
const DAY: i64 = 86_400;
const WEEK: f64 = 7.0 * 86_400.0;

/// The ordinary course of an interface's traffic.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    /// Bytes a minute.
    level: f64,
    daily: f64,
    weekend: f64,
    /// Seconds to add to UTC so that the busiest time is at 14:00.
    offset: f64,
}

impl Rhythm {
    pub(super) fn new(scenario: &Scenario, role: Role, random: &mut Random) -> Self {
        let Profile { bytes, daily, weekend, .. } = role.profile();
        let level = bytes * random.log_normal(0.5);
        // Most of a fleet serves one region; peaks differ by an hour or two.
        let offset = f64::from(scenario.utc_offset) * HOUR + random.between(-1.5, 1.5) * HOUR;
        let daily = daily * random.between(0.8, 1.2);
        Self { level, daily, weekend: *weekend, offset }
    }

    /// The expected volume in bytes of the minute that begins at epoch second `time`.
    pub(super) fn expected(&self, time: i64) -> f64 {
        let local = time as f64 + self.offset;
        let phase = TAU * (local / HOUR - 14.0) / 24.0;
        let shape = libm::cos(phase) + 0.2 * libm::cos(2.0 * phase);
        self.level * libm::exp(self.daily * shape + libm::log(self.weekend) * weekend_weight(local))
    }
}

/// 1 at the weekend, 0 on working days, with a transition of six hours around midnight.
fn weekend_weight(local: f64) -> f64 {
    // 1970-01-01 was a Thursday: the epoch lies three days into its week. The week is cut on Monday at 03:00, when the
    // weekend has faded out.
    let second = (local + 3.0 * DAY as f64 - 3.0 * HOUR) % WEEK;
    let fade_in = (second - (5.0 * DAY as f64 - 6.0 * HOUR)) / (6.0 * HOUR);
    let fade_out = (WEEK - second) / (6.0 * HOUR);
    fade_in.min(fade_out).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    fn rhythm(role: Role) -> (Scenario, Rhythm) {
        let scenario = Scenario::week(3);
        let mut random = Random::substream(3, Purpose::Interface, 0, 0);
        let rhythm = Rhythm::new(&scenario, role, &mut random);
        (scenario, rhythm)
    }

    #[test]
    fn a_web_server_is_busiest_by_day_and_quieter_at_the_weekend() {
        let (scenario, rhythm) = rhythm(Role::Web);
        let at = |day: i64, hour: i64| rhythm.expected(scenario.start + day * DAY + hour * 3600);
        assert!(at(1, 13) > 2.0 * at(1, 1));
        assert!(at(1, 13) > 1.3 * at(5, 13));
    }

    #[test]
    fn the_course_has_no_steps() {
        let (scenario, rhythm) = rhythm(Role::Web);
        for minute in 0..7 * 1440 {
            let time = scenario.start + minute * 60;
            let ratio = rhythm.expected(time + 60) / rhythm.expected(time);
            assert!((0.99..1.01).contains(&ratio), "minute {minute}: {ratio}");
        }
    }
}
