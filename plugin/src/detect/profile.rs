//! The season: the course of a day, or of a week where weekdays differ.
//!
//! A mean for each half hour of the day, learnt within days, and one for each half hour of the week, which needs two
//! weeks. The two compete: the week speaks once it has been nearer the values than the day. Where the week has not been
//! seen yet, the day stands in for it.

use super::clock::{DAY, part_of_day};
use super::half_hours::{HALF_HOURS, HalfHours};
use crate::state::{Reader, State, state};

/// Days of a week.
const WEEKDAYS: usize = 7;
/// Rate of a bin of the day in its first visits, and after; a bin is visited thirty times a day at one minute.
const EARLY: f64 = 0.3;
const LATER: f64 = 0.05;
const EARLY_VISITS: u8 = 20;
/// Rate of a bin of the week, in half hours: a visit counts as much as all before it.
const WEEKLY: f64 = 0.5;
/// Seconds that the contest between day and week looks back: two weeks.
const CONTEST: f64 = 1_209_600.0;
/// How much nearer, as a part of both distances, the week must be: it is the noisier one, and the day is simpler.
const HANDICAP: f64 = 0.05;

/// The means of the half hours of a weekday, and how often they were learnt: up to a number beyond which no rate depends on it.
#[derive(Clone, Debug)]
struct Weekday {
    means: [f32; HALF_HOURS],
    visits: [u16; HALF_HOURS],
}

state!(Weekday { means, visits });

/// The weekdays that were seen, from the one of 1970-01-01 on.
#[derive(Clone, Debug, Default)]
struct Week([Option<Box<Weekday>>; WEEKDAYS]);

impl State for Week {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        if !reader.is_before(10) {
            return Week(State::load(reader));
        }
        // All half hours of the week, or none.
        let all: Vec<(f32, u32)> = State::load(reader);
        if ![0, WEEKDAYS * HALF_HOURS].contains(&all.len()) {
            reader.fail();
        }
        let mut week = Week::default();
        for (place, (mean, visits)) in all.into_iter().enumerate().filter(|(_, (_, visits))| *visits > 0) {
            let visits = u16::try_from(visits).unwrap_or(u16::MAX);
            week.set((place / HALF_HOURS, place % HALF_HOURS), mean, visits);
        }
        week
    }
}

impl Week {
    /// The mean of a weekday's half hour, and how often it was learnt.
    fn get(&self, (weekday, half_hour): (usize, usize)) -> Option<(f32, u16)> {
        let weekday = self.0.get(weekday)?.as_ref()?;
        Some((*weekday.means.get(half_hour)?, *weekday.visits.get(half_hour)?)).filter(|(_, visits)| *visits > 0)
    }

    fn set(&mut self, (weekday, half_hour): (usize, usize), mean: f32, visits: u16) {
        let empty = || Box::new(Weekday { means: [0.0; HALF_HOURS], visits: [0; HALF_HOURS] });
        let Some(weekday) = self.0.get_mut(weekday) else { return };
        let weekday = weekday.get_or_insert_with(empty);
        if let (Some(place), Some(count)) = (weekday.means.get_mut(half_hour), weekday.visits.get_mut(half_hour)) {
            (*place, *count) = (mean, visits);
        }
    }
}

/// The mean of each half hour.
#[derive(Clone, Debug, Default)]
pub(super) struct Profile {
    day: HalfHours,
    week: Week,
    /// Mean distance of the week from the values less that of the day, as a part of both; the week speaks below zero.
    contest: f64,
}

state!(Profile { day, week, contest });

impl Profile {
    /// What is usual at this time: between the middles of two half hours. `None` if neither was seen.
    pub(super) fn at(&self, time_s: i64) -> Option<f64> {
        let half = DAY / HALF_HOURS as i64;
        let shifted = time_s.saturating_sub(half / 2);
        let part = shifted.rem_euclid(half) as f64 / half as f64;
        match (self.bin(shifted), self.bin(shifted.saturating_add(half))) {
            (Some(a), Some(b)) => Some(a + part * (b - a)),
            (a, b) => a.or(b),
        }
    }

    fn bin(&self, time_s: i64) -> Option<f64> {
        let week = if self.contest < 0.0 { self.of_week(time_s) } else { None };
        week.or_else(|| self.of_day(time_s))
    }

    fn of_day(&self, time_s: i64) -> Option<f64> {
        self.day.get(time_s).map(|(mean, _)| mean)
    }

    fn of_week(&self, time_s: i64) -> Option<f64> {
        self.week.get(part_of_week(time_s)).map(|(mean, _)| f64::from(mean))
    }

    /// Learns x, of which `forecast` was expected, `seconds` after the value before it; from at most `cut` away.
    pub(super) fn learn(&mut self, time_s: i64, x: f64, forecast: f64, cut: f64, seconds: f64) {
        // An incident may be the first that a half hour brings.
        let first = forecast + (x - forecast).max(-cut).min(cut);
        if let (Some(week), Some(day)) = (self.of_week(time_s), self.of_day(time_s)) {
            let (week, day) = ((x - week).abs(), (x - day).abs());
            if week + day > 0.0 {
                let rate = (seconds / CONTEST).min(EARLY);
                self.contest += rate * ((week - day) / (week + day) + HANDICAP - self.contest);
            }
        }
        self.day.learn(time_s, |mean, visits| match visits {
            0 => mean + (first - mean),
            visits => {
                let rate = if visits < EARLY_VISITS { EARLY } else { LATER };
                mean + rate * (x - mean).max(-cut).min(cut)
            }
        });
        let place = part_of_week(time_s);
        let (mean, visits) = self.week.get(place).unwrap_or_default();
        let half_hours = seconds * HALF_HOURS as f64 / DAY as f64;
        let rate = (1.0 / (f64::from(visits) + 1.0)).max((WEEKLY * half_hours).min(EARLY));
        let known = f64::from(mean);
        let innovation = if visits == 0 { first - known } else { (x - known).max(-cut).min(cut) };
        self.week.set(place, (known + rate * innovation) as f32, visits.saturating_add(1));
    }

    pub(super) fn is_valid(&self) -> bool {
        let weekdays = self.week.0.iter().flatten();
        self.day.all(f64::is_finite)
            && weekdays.flat_map(|weekday| &weekday.means).all(|mean| mean.is_finite())
            && self.contest.is_finite()
    }
}

/// The weekday and the half hour.
fn part_of_week(time_s: i64) -> (usize, usize) {
    (time_s.div_euclid(DAY).rem_euclid(WEEKDAYS as i64) as usize, part_of_day(time_s, HALF_HOURS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(days: i64, value: impl Fn(i64, i64) -> f64) -> Profile {
        let mut profile = Profile::default();
        for slot in 0..days * 288 {
            let x = value(slot / 288, slot % 288);
            profile.learn(slot * 300, x, x, 5.0, 300.0);
        }
        profile
    }

    #[test]
    fn a_day_is_known_after_one_and_lies_between_the_half_hours() {
        let profile = learnt(2, |_, slot| (slot / 6) as f64);
        assert_eq!(profile.at(2 * DAY + 10 * 1800 + 900), Some(10.0));
        assert_eq!(profile.at(2 * DAY + 11 * 1800), Some(10.5));
        assert_eq!(Profile::default().at(0), None);
    }

    #[test]
    fn quiet_days_of_the_week_are_expected_quiet_in_the_third_week() {
        let busy = |day: i64, _| if day % 7 < 5 { 20.0 } else { 5.0 };
        let profile = learnt(15, busy);
        for day in 15..21 {
            let expected = profile.at(day * DAY + DAY / 2).unwrap();
            assert!((expected - busy(day, 0)).abs() < 3.0, "day {day}: {expected}");
        }
    }

    #[test]
    fn where_all_days_are_alike_the_day_speaks() {
        let profile = learnt(30, |day, slot| (slot / 6) as f64 + ((day * 7919 + slot * 104_729) % 5) as f64);
        assert!(profile.contest > 0.0, "{}", profile.contest);
        assert!(profile.is_valid());
    }
}
