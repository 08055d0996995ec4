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
    /// A job at the same time each day.
    job: Option<Job>,
}

#[derive(Clone, Copy, Debug)]
struct Job {
    /// Epoch second of the first run.
    first: i64,
    /// Seconds.
    duration: i64,
    /// Traffic during the job relative to the ordinary level.
    factor: f64,
}

impl Rhythm {
    pub(super) fn new(scenario: &Scenario, role: Role, random: &mut Random) -> Self {
        let Profile { bytes, daily, weekend, .. } = role.profile();
        let level = bytes * random.log_normal(0.5);
        // Most of a fleet serves one region; peaks differ by an hour or two.
        let offset = f64::from(scenario.utc_offset) * HOUR + random.between(-1.5, 1.5) * HOUR;
        let daily = daily * random.between(0.8, 1.2);
        let job = (role == Role::Batch).then(|| Job::new(scenario, random));
        Self { level, daily, weekend: *weekend, offset, job }
    }

    /// The expected volume in bytes of the minute that begins at epoch second `time`.
    pub(super) fn expected(&self, time: i64) -> f64 {
        let local = time as f64 + self.offset;
        let phase = TAU * (local / HOUR - 14.0) / 24.0;
        let shape = libm::cos(phase) + 0.2 * libm::cos(2.0 * phase);
        let job = self.job.map_or(1.0, |job| job.factor_at(time));
        self.level * job * libm::exp(self.daily * shape + libm::log(self.weekend) * weekend_weight(local))
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

impl Job {
    /// The first run lies in the warm-up, so that a detector has seen one when the next one comes a day later.
    fn new(scenario: &Scenario, random: &mut Random) -> Self {
        let duration = random.integer(40, 60) * 60;
        let latest = i64::from(scenario.warm_up).min(DAY) - duration - 600;
        let first = scenario.start + random.integer(10, (latest / 60).max(10)) * 60;
        Self { first, duration, factor: random.between(12.0, 20.0) }
    }

    /// The factor of a minute; five minutes of rise and fall, and a start that wanders by a few minutes from day to
    /// day.
    fn factor_at(self, time: i64) -> f64 {
        let since = (time - self.first).rem_euclid(DAY);
        let day = (time - self.first).div_euclid(DAY);
        let wander = (day * 7).rem_euclid(5) * 60;
        let into = since - wander;
        let edge = into.min(self.duration - into).clamp(0, 300) as f64 / 300.0;
        libm::exp(libm::log(self.factor) * edge)
    }
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

    #[test]
    fn a_job_runs_in_the_warm_up_and_again_each_day() {
        let (scenario, rhythm) = rhythm(Role::Batch);
        let busy_minutes = |day: i64| {
            let minutes = (0..1440).map(|minute| rhythm.expected(scenario.start + day * DAY + minute * 60));
            minutes.filter(|bytes| *bytes > 6.0 * rhythm.level).count()
        };
        for day in 0..7 {
            assert!((25..=65).contains(&busy_minutes(day)), "day {day}: {}", busy_minutes(day));
        }
    }
}
