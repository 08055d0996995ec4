//! The season: the course of a day, or of a week where weekdays differ.
//!
//! A mean for each half hour of the day, learnt within days, and one for each half hour of the week, which needs two
//! weeks. The two compete: the week speaks once it has been nearer the values than the day. Where the week has not been
//! seen yet, the day stands in for it.

use super::clock::{DAY, part_of_day};
use super::half_hours::{HALF_HOUR, HALF_HOURS, HalfHours};
use super::predictors::Forecast;
use crate::state::{Reader, State, are_finite, are_finite_f32, state};

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

/// The means of the half hours of the week, and how often they were learnt: up to a number beyond which no rate depends on it. There is
/// room for the weekdays that were seen.
#[derive(Clone, Debug, Default)]
struct Week {
    /// The weekday that comes first.
    first: usize,
    means: Vec<f32>,
    visits: Vec<u16>,
}

impl State for Week {
    fn save(&self, out: &mut Vec<u8>) {
        self.first.save(out);
        self.means.save(out);
        self.visits.save(out);
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        if !reader.is_before(10) {
            return Week { first: State::load(reader), means: State::load(reader), visits: State::load(reader) };
        }
        // All half hours of the week, or none.
        let all: Vec<(f32, u32)> = State::load(reader);
        let (means, visits) =
            all.into_iter().map(|(mean, visits)| (mean, u16::try_from(visits).unwrap_or(u16::MAX))).unzip();
        Week { first: 0, means, visits }
    }
}

impl Week {
    /// The rank of the half hour of a weekday.
    fn place(&self, (weekday, half_hour): (usize, usize)) -> usize {
        (weekday + WEEKDAYS - self.first) % WEEKDAYS * HALF_HOURS + half_hour
    }

    /// The mean, and how often it was learnt.
    fn get(&self, at: (usize, usize)) -> Option<(f32, u16)> {
        let place = self.place(at);
        Some((*self.means.get(place)?, *self.visits.get(place)?)).filter(|(_, visits)| *visits > 0)
    }

    fn set(&mut self, at: (usize, usize), mean: f32, visits: u16) {
        if self.means.is_empty() {
            self.first = at.0;
        }
        let place = self.place(at);
        if place >= self.means.len() {
            self.make_room((place / HALF_HOURS + 1) * HALF_HOURS);
        }
        self.means[place] = mean;
        self.visits[place] = visits;
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, half_hours: usize) {
        let more = half_hours - self.means.len();
        self.means.reserve_exact(more);
        self.means.resize(half_hours, 0.0);
        self.visits.reserve_exact(more);
        self.visits.resize(half_hours, 0);
    }

    fn is_valid(&self) -> bool {
        self.first < WEEKDAYS
            && self.means.len() == self.visits.len()
            && self.means.len() <= WEEKDAYS * HALF_HOURS
            && self.means.len().is_multiple_of(HALF_HOURS)
            && are_finite_f32(&self.means)
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
    pub(super) fn read_ahead(&self, time_s: i64) -> u64 {
        let read = |known: Option<f64>| known.map_or(0, f64::to_bits);
        read(self.of_day(time_s)) ^ read(self.of_week(time_s))
    }

    /// What is usual at this time: between the middles of two half hours. `None` if neither was seen.
    pub(super) fn at(&self, time_s: i64) -> Option<f64> {
        let shifted = time_s.saturating_sub(HALF_HOUR / 2);
        let part = shifted.rem_euclid(HALF_HOUR) as f64 / HALF_HOUR as f64;
        match (self.bin(shifted), self.bin(shifted.saturating_add(HALF_HOUR))) {
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

    /// Learns x, of which `forecast` was expected, `seconds` after the value before it; from at most `cut` away, and the first of a half
    /// hour from as far as the forecast is usually off.
    pub(super) fn learn(&mut self, time_s: i64, x: f64, forecast: &Forecast, cut: f64, seconds: f64) {
        // An incident may be the first that a half hour brings.
        let error = forecast.error.min(cut);
        let first = forecast.best + (x - forecast.best).max(-error).min(error);
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
        are_finite(self.day.values()) && self.week.is_valid() && self.contest.is_finite()
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
            profile.learn(slot * 300, x, &Forecast { best: x, error: 5.0, ..Forecast::default() }, 5.0, 300.0);
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
