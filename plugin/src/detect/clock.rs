//! Event time of one series: the length of its windows, and gaps.

use crate::order;
use crate::state::state;

pub(super) use crate::time::DAY;

/// Differences looked at before the interval of a series is taken as known; their median stands
/// one gap or one duplicate among them.
const INTERVALS_LEARNT_FROM: usize = 9;

/// From so many seconds on a window averages out enough noise for the novelty half: five minutes, or nearer
/// to them than to one. In windows of a minute novelty is mostly noise, and an incident of minutes is over
/// before a course of hours shows it.
const COARSE: f64 = 150.0;

/// Whether windows of so many seconds are long enough for the novelty half.
pub(crate) fn is_coarse(seconds: f64) -> bool {
    seconds >= COARSE
}

/// What one row means in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tick {
    /// Windows since the previous known value, at least 1.
    pub windows: f64,
    /// Windows are long enough for the novelty half; false while the interval is unknown.
    pub coarse: bool,
}

/// Learns the interval of a series (unless it is given) and measures time in windows.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    interval: Option<f64>,
    differences: Vec<i64>,
    previous: Option<i64>,
    known: Option<i64>,
}

state!(Clock { interval, differences, previous, known });

impl Clock {
    /// `interval`: seconds between rows, or `None` to learn it from the first timestamps.
    pub(super) fn new(interval: Option<f64>) -> Self {
        let interval = interval.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
        Self { interval, differences: Vec::new(), previous: None, known: None }
    }

    /// Takes the time of the next row; `known` says that the row has a value.
    pub(super) fn tick(&mut self, time_s: i64, known: bool) -> Tick {
        if let (None, Some(previous)) = (self.interval, self.previous) {
            let difference = time_s.saturating_sub(previous);
            if difference > 0 {
                self.differences.push(difference);
            }
            if self.differences.len() >= INTERVALS_LEARNT_FROM {
                order::sort(&mut self.differences);
                let middle = self.differences.get(INTERVALS_LEARNT_FROM / 2);
                self.interval = middle.map(|seconds| *seconds as f64);
                self.differences = Vec::new();
            }
        }
        self.previous = Some(time_s);
        let elapsed = self.known.map(|then| time_s.saturating_sub(then) as f64);
        if known {
            self.known = Some(time_s);
        }
        let Some(interval) = self.interval else { return Tick { windows: 1.0, coarse: false } };
        Tick {
            windows: elapsed.map_or(1.0, |seconds| (seconds / interval + 0.5).floor().max(1.0)),
            coarse: is_coarse(interval),
        }
    }

    pub(super) fn is_valid(&self) -> bool {
        self.interval.is_none_or(|s| s.is_finite() && s > 0.0) && self.differences.len() < INTERVALS_LEARNT_FROM
    }
}

/// The part of the day that `time_s` lies in, of `parts` equal ones, from 0.
pub(super) fn part_of_day(time_s: i64, parts: usize) -> usize {
    let second = time_s.rem_euclid(DAY) as usize;
    (second * parts / DAY as usize).min(parts.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_the_interval_from_the_first_rows_despite_a_gap() {
        let mut clock = Clock::new(None);
        let mut time = 0;
        for row in 0..12 {
            time += if row == 4 { 3600 } else { 60 };
            clock.tick(time, true);
        }
        assert_eq!(clock.interval, Some(60.0));
        assert_eq!(clock.tick(time + 600, true).windows, 10.0);
    }

    #[test]
    fn counts_windows_from_the_last_known_value() {
        let mut clock = Clock::new(Some(60.0));
        clock.tick(0, true);
        assert_eq!(clock.tick(60, false).windows, 1.0);
        assert_eq!(clock.tick(120, true).windows, 2.0);
        assert_eq!(clock.tick(120, true).windows, 1.0, "a repeated time");
    }

    #[test]
    fn five_minutes_are_coarse_and_one_is_not() {
        assert!(Clock::new(Some(300.0)).tick(0, true).coarse);
        assert!(!Clock::new(Some(60.0)).tick(0, true).coarse);
        assert!(!Clock::new(None).tick(0, true).coarse, "not known yet");
    }
}
