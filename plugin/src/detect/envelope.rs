//! Daily envelope: what this time of day has brought on several of the last days, and yesterday's job.

use super::clock::{DAY, part_of_day};
use crate::state::state;

/// Bins of half an hour: short enough to separate a backup from the hour after it.
const BINS: usize = 48;
/// Days looked back at, so that a job of each weekday is among them.
const DAYS: usize = 7;
/// Rows of the ring: the days looked back at, and the present one.
const ROWS: usize = DAYS + 1;
/// The days that must have reached a level for it to be usual, by the days known: one or two incidents at the
/// same time of day don't make a habit, but a first night's job is no surprise in the second.
fn habit(days: usize) -> usize {
    match days {
        0 | 1 => 1,
        2..=4 => 2,
        _ => MOST,
    }
}
/// The largest of them.
const MOST: usize = 3;
/// A habit that is off the forecast may be off by this part more: jobs vary with their size.
const VARIES: f64 = 0.2;
/// A daily job that starts this many seconds earlier or later is the same job.
const SHIFT: i64 = 600;

/// A job is looked for in this half hour of yesterday and its neighbours,
const JOB_SHIFT: i64 = 1800;
/// against those two hours away;
const JOB_APART: i64 = 7200;
/// the mean of a half hour must have come so far up.
const JOB_LASTED: f64 = 0.5;

/// The lowest, highest and mean value of each half hour on each of the last days.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    low: Vec<f32>,
    high: Vec<f32>,
    mean: Vec<f32>,
    day: Option<i64>,
    /// The half hour that is being learnt, and its values so far.
    present: usize,
    values: u32,
}

state!(Envelope { low, high, mean, day, present, values });

impl Default for Envelope {
    fn default() -> Self {
        let all = |x| vec![x; ROWS * BINS];
        let (low, high) = (all(f32::INFINITY), all(f32::NEG_INFINITY));
        Self { low, high, mean: all(0.0), day: None, present: 0, values: 0 }
    }
}

impl Envelope {
    /// The range that enough of the last seven days reached around this time of day.
    pub(super) fn range(&self, time_s: i64) -> Option<(f64, f64)> {
        self.day?;
        let mut lows = [f32::INFINITY; MOST];
        let mut highs = [f32::NEG_INFINITY; MOST];
        let mut days = 0;
        for back in 1..=DAYS as i64 {
            let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
            for shift in [-SHIFT, SHIFT] {
                let time = time_s.saturating_add(shift);
                let Some(cell) = self.cell_of(time.div_euclid(DAY).saturating_sub(back), time) else { continue };
                low = low.min(self.low.get(cell).copied().unwrap_or(f32::INFINITY));
                high = high.max(self.high.get(cell).copied().unwrap_or(f32::NEG_INFINITY));
            }
            if low <= high {
                days += 1;
                insert(&mut lows, low, |new, old| new < old);
                insert(&mut highs, high, |new, old| new > old);
            }
        }
        let rank = habit(days) - 1;
        let (low, high) = (f64::from(*lows.get(rank)?), f64::from(*highs.get(rank)?));
        (days > 0).then_some((low, high))
    }

    /// The level that yesterday's job reached around this time: something that lasted, so that some half hour of it was
    /// mostly as high as its highest value, measured from what it was two hours before and after.
    fn job(&self, time_s: i64) -> Option<f64> {
        let at = |shift: i64| {
            let time = time_s.saturating_add(shift);
            let cell = self.cell_of(time.div_euclid(DAY).saturating_sub(1), time)?;
            Some((f64::from(*self.mean.get(cell)?), f64::from(*self.high.get(cell)?)))
        };
        let base = [-JOB_APART, JOB_APART].into_iter().filter_map(at).map(|cell| cell.0).fold(f64::INFINITY, f64::min);
        let near = || [-JOB_SHIFT, 0, JOB_SHIFT].into_iter().filter_map(at);
        let mean = near().map(|cell| cell.0).fold(f64::NEG_INFINITY, f64::max);
        let high = near().map(|cell| cell.1).fold(f64::NEG_INFINITY, f64::max);
        (base < high && mean - base > JOB_LASTED * (high - base)).then_some(high + VARIES * (high - base))
    }

    /// The range, widened where it is off the forecast. A job of yesterday counts at once: its first night is news, the
    /// second isn't. Short spikes and drops must come back more often to be usual.
    pub(super) fn usual(&self, time_s: i64, forecast: f64) -> Option<(f64, f64)> {
        let (low, high) = self.range(time_s)?;
        let high = self.job(time_s).map_or(high, |job| job.max(high));
        let below = VARIES * (forecast - low).max(0.0);
        let above = VARIES * (high - forecast).max(0.0);
        Some((low - below, high + above))
    }

    /// Takes the value x of the present.
    pub(super) fn learn(&mut self, time_s: i64, x: f64) {
        let day = time_s.div_euclid(DAY);
        let newest = *self.day.get_or_insert(day);
        if day <= newest.saturating_sub(ROWS as i64) {
            return; // older than anything that is kept
        }
        if day > newest {
            let cleared = day.saturating_sub(newest).min(ROWS as i64);
            for step in 0..cleared {
                let row = (day - step).rem_euclid(ROWS as i64) as usize * BINS;
                for cell in row..row + BINS {
                    if let (Some(low), Some(high)) = (self.low.get_mut(cell), self.high.get_mut(cell)) {
                        *low = f32::INFINITY;
                        *high = f32::NEG_INFINITY;
                    }
                }
            }
            self.day = Some(day);
        }
        let cell = cell(day, time_s);
        if let (Some(low), Some(high)) = (self.low.get_mut(cell), self.high.get_mut(cell)) {
            *low = low.min(x as f32);
            *high = high.max(x as f32);
        }
        self.values = if self.present == cell { self.values.saturating_add(1) } else { 1 };
        self.present = cell;
        if let Some(mean) = self.mean.get_mut(cell) {
            *mean += (x as f32 - *mean) / self.values as f32;
        }
    }

    /// Where a half hour is kept, unless it is older than anything that is kept, yet to come, or without a value.
    fn cell_of(&self, day: i64, time_s: i64) -> Option<usize> {
        let newest = self.day?;
        let cell = cell(day, time_s);
        let kept = day <= newest && day > newest.saturating_sub(ROWS as i64);
        (kept && self.low.get(cell).is_some_and(|low| *low < f32::INFINITY)).then_some(cell)
    }

    pub(super) fn is_valid(&self) -> bool {
        self.low.len() == ROWS * BINS
            && self.high.len() == ROWS * BINS
            && self.mean.len() == ROWS * BINS
            && !self.low.iter().chain(&self.high).chain(&self.mean).any(|x| x.is_nan())
    }
}

fn cell(day: i64, time_s: i64) -> usize {
    day.rem_euclid(ROWS as i64) as usize * BINS + part_of_day(time_s, BINS)
}

/// Keeps the foremost values of a sequence in order.
fn insert(kept: &mut [f32; MOST], value: f32, before: impl Fn(f32, f32) -> bool) {
    let mut value = value;
    for place in kept {
        if before(value, *place) {
            core::mem::swap(place, &mut value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One value a minute; a job of ten minutes at 03:00 on each day in `nights`.
    fn learnt(days: i64, nights: impl Fn(i64) -> bool) -> Envelope {
        let mut envelope = Envelope::default();
        for minute in 0..days * 1440 {
            let job = nights(minute / 1440) && (180..190).contains(&(minute % 1440));
            envelope.learn(minute * 60, if job { 50.0 } else { 1.0 });
        }
        envelope
    }

    #[test]
    fn what_came_on_three_nights_is_usual_at_that_time_only() {
        let envelope = learnt(3, |_| true);
        assert_eq!(envelope.range(3 * DAY + 183 * 60), Some((1.0, 50.0)));
        assert_eq!(envelope.range(3 * DAY + 600 * 60), Some((1.0, 1.0)));
    }

    #[test]
    fn a_job_of_yesterday_is_usual_tonight_and_a_short_spike_is_not() {
        for (minutes, is_job) in [(45, true), (10, false)] {
            let mut envelope = Envelope::default();
            for minute in 0..6 * 1440 {
                let runs = minute / 1440 == 5 && (185..185 + minutes).contains(&(minute % 1440));
                envelope.learn(minute * 60, if runs { 50.0 } else { 1.0 });
            }
            let (_, high) = envelope.usual(6 * DAY + 187 * 60, 1.0).unwrap();
            assert_eq!(high > 50.0, is_job, "{minutes} minutes: {high}");
            assert!(envelope.usual(6 * DAY + 600 * 60, 1.0).unwrap().1 < 2.0);
        }
    }

    #[test]
    fn two_incidents_are_no_habit() {
        let envelope = learnt(7, |day| day < 2);
        assert_eq!(envelope.range(7 * DAY + 183 * 60), Some((1.0, 1.0)));
    }

    #[test]
    fn the_first_night_is_expected_in_the_second_and_a_long_silence_forgets() {
        assert_eq!(Envelope::default().range(0), None);
        assert_eq!(learnt(1, |_| true).range(DAY + 183 * 60), Some((1.0, 50.0)));
        assert_eq!(learnt(2, |day| day == 0).range(2 * DAY + 183 * 60), Some((1.0, 1.0)));
        let mut envelope = learnt(5, |_| true);
        envelope.learn(400 * DAY, 1.0);
        assert_eq!(envelope.range(401 * DAY + 183 * 60), None);
        envelope.learn(3 * DAY, 9.0); // far too late: ignored
        assert!(envelope.is_valid());
    }
}
