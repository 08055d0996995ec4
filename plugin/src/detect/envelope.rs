//! Daily habits: how far values rise and fall at this time on several of the last days, and yesterday's job.
//!
//! Rises and falls are measured from the mean of the last half hour, not from the values themselves: a link that is
//! twice as busy on working days rises on Sunday evening no farther than on any other, and a doubling then is no habit.

use super::clock::{DAY, part_of_day};
use crate::state::state;

/// Bins of half an hour: short enough to separate a backup from the hour after it.
const BINS: usize = 48;
/// Seconds of the mean that rises and falls are measured from: shorter and a job of half an hour falls at its end, longer
/// and the day's own course becomes a rise.
const LOCAL: f64 = 1800.0;
/// Days looked back at, so that a job of each weekday is among them.
const DAYS: usize = 7;
/// Rows of the ring: the days looked back at, and the present one.
const ROWS: usize = DAYS + 1;
/// The days that must have risen so far for it to be usual, by the days known: one or two incidents at the
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
/// A job is looked for in this half hour of yesterday and its neighbours.
const JOB_SHIFT: i64 = 1800;
/// It lasted if in one of them the mean rise was so much of the highest.
const JOB_LASTED: f64 = 0.5;

/// The deepest fall, the highest and the mean rise in each half hour on each of the last days.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    fall: Vec<f32>,
    rise: Vec<f32>,
    mean: Vec<f32>,
    day: Option<i64>,
    /// The half hour that is being learnt, and its values so far.
    present: usize,
    values: u32,
    /// The mean of the last half hour.
    local: Option<f64>,
    /// That of the course that the values follow by themselves.
    course: f64,
}

state!(Envelope { fall, rise, mean, day, present, values, local, course since 10 });

impl Default for Envelope {
    fn default() -> Self {
        let all = |x| vec![x; ROWS * BINS];
        let (fall, rise) = (all(f32::INFINITY), all(f32::NEG_INFINITY));
        Self { fall, rise, mean: all(0.0), day: None, present: 0, values: 0, local: None, course: 0.0 }
    }
}

impl Envelope {
    /// How far down and up enough of the last seven days went around this time of day.
    fn range(&self, time_s: i64) -> Option<(f64, f64)> {
        self.day?;
        let mut falls = [f32::INFINITY; MOST];
        let mut rises = [f32::NEG_INFINITY; MOST];
        let mut days = 0;
        for back in 1..=DAYS as i64 {
            let (mut fall, mut rise) = (f32::INFINITY, f32::NEG_INFINITY);
            for shift in [-SHIFT, SHIFT] {
                let time = time_s.saturating_add(shift);
                let Some(cell) = self.cell_of(time.div_euclid(DAY).saturating_sub(back), time) else { continue };
                fall = fall.min(self.fall.get(cell).copied().unwrap_or(f32::INFINITY));
                rise = rise.max(self.rise.get(cell).copied().unwrap_or(f32::NEG_INFINITY));
            }
            if fall <= rise {
                days += 1;
                insert(&mut falls, fall, |new, old| new < old);
                insert(&mut rises, rise, |new, old| new > old);
            }
        }
        let rank = habit(days) - 1;
        let (fall, rise) = (f64::from(*falls.get(rank)?), f64::from(*rises.get(rank)?));
        (days > 0).then_some((fall, rise))
    }

    /// How far yesterday's job fell at its end and rose around this time.
    fn job(&self, time_s: i64) -> Option<(f64, f64)> {
        let near = [-JOB_SHIFT, 0, JOB_SHIFT].into_iter().filter_map(|shift| {
            let time = time_s.saturating_add(shift);
            let cell = self.cell_of(time.div_euclid(DAY).saturating_sub(1), time)?;
            Some((f64::from(*self.mean.get(cell)?), f64::from(*self.fall.get(cell)?), f64::from(*self.rise.get(cell)?)))
        });
        let (mut lasted, mut deepest, mut highest) = (false, 0.0_f64, 0.0_f64);
        for (mean, fall, rise) in near {
            lasted |= mean > JOB_LASTED * rise;
            deepest = deepest.min(fall);
            highest = highest.max(rise);
        }
        (lasted && highest > 0.0).then_some(((1.0 + VARIES) * deepest, (1.0 + VARIES) * highest))
    }

    /// The range that is usual now, widened where it is off the forecast. A job of yesterday counts at once: its first
    /// night is news, the second isn't. Short spikes and drops must come back more often to be usual. `course`: what the
    /// values follow by themselves, of which only the distance counts; a constant where rises and falls count whole.
    pub(super) fn usual(&self, time_s: i64, forecast: f64, course: f64) -> Option<(f64, f64)> {
        let local = self.local? + (course - self.course);
        let (fall, rise) = self.range(time_s)?;
        let (fall, rise) = self.job(time_s).map_or((fall, rise), |job| (job.0.min(fall), job.1.max(rise)));
        let below = (forecast - local - fall).max(0.0);
        let above = (local + rise - forecast).max(0.0);
        Some((local + fall - VARIES * below, local + rise + VARIES * above))
    }

    /// Takes the value x of the present, `seconds` after the one before.
    pub(super) fn learn(&mut self, time_s: i64, x: f64, course: f64, seconds: f64) {
        if self.local.is_none() {
            self.resume(x, course);
        }
        let rate = seconds / (seconds + LOCAL);
        let mean = self.local.unwrap_or(x);
        let local = mean + (course - self.course);
        self.local = Some(mean + rate * (x - mean));
        self.course += rate * (course - self.course);
        let off = (x - local) as f32;
        let day = time_s.div_euclid(DAY);
        let newest = *self.day.get_or_insert(day);
        // Days passed over, or, when time went back, days that have not been: a wrong clock has made them.
        let (first, last) =
            if day > newest { (newest.saturating_add(1), day) } else { (day.saturating_add(1), newest) };
        for step in 0..last.saturating_sub(first).saturating_add(1).clamp(0, ROWS as i64) {
            let row = last.saturating_sub(step).rem_euclid(ROWS as i64) as usize * BINS;
            for cell in row..row + BINS {
                if let (Some(fall), Some(rise)) = (self.fall.get_mut(cell), self.rise.get_mut(cell)) {
                    *fall = f32::INFINITY;
                    *rise = f32::NEG_INFINITY;
                }
            }
        }
        self.day = Some(day);
        let cell = cell(day, time_s);
        if let (Some(fall), Some(rise)) = (self.fall.get_mut(cell), self.rise.get_mut(cell)) {
            *fall = fall.min(off);
            *rise = rise.max(off);
        }
        self.values = if self.present == cell { self.values.saturating_add(1) } else { 1 };
        self.present = cell;
        if let Some(mean) = self.mean.get_mut(cell) {
            *mean += (off - *mean) / self.values as f32;
        }
    }

    /// The mean of the last half hour begins anew: after an incident it is no measure.
    pub(super) fn resume(&mut self, x: f64, course: f64) {
        self.local = Some(x);
        self.course = course;
    }

    /// Where a half hour is kept, unless it is older than anything that is kept, yet to come, or without a value.
    fn cell_of(&self, day: i64, time_s: i64) -> Option<usize> {
        let newest = self.day?;
        let cell = cell(day, time_s);
        let kept = day <= newest && day > newest.saturating_sub(ROWS as i64);
        (kept && self.fall.get(cell).is_some_and(|fall| *fall < f32::INFINITY)).then_some(cell)
    }

    pub(super) fn is_valid(&self) -> bool {
        self.fall.len() == ROWS * BINS
            && self.rise.len() == ROWS * BINS
            && self.mean.len() == ROWS * BINS
            && self.local.is_none_or(f64::is_finite)
            && self.course.is_finite()
            && !self.fall.iter().chain(&self.rise).chain(&self.mean).any(|x| x.is_nan())
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

    /// One value a minute; a job of `minutes` at 03:00 on each day in `nights`.
    fn learnt(days: i64, minutes: i64, nights: impl Fn(i64) -> bool) -> Envelope {
        let mut envelope = Envelope::default();
        for minute in 0..days * 1440 {
            let job = nights(minute / 1440) && (180..180 + minutes).contains(&(minute % 1440));
            envelope.learn(minute * 60, if job { 50.0 } else { 1.0 }, 0.0, 60.0);
        }
        envelope
    }

    #[test]
    fn what_came_on_three_nights_is_usual_at_that_time_only() {
        let envelope = learnt(3, 10, |_| true);
        assert!(envelope.usual(3 * DAY + 183 * 60, 1.0, 0.0).unwrap().1 >= 50.0);
        assert!(envelope.usual(3 * DAY + 600 * 60, 1.0, 0.0).unwrap().1 < 2.0);
    }

    #[test]
    fn a_job_of_yesterday_is_usual_tonight_and_a_short_spike_is_not() {
        for (minutes, is_job) in [(45, true), (10, false)] {
            let envelope = learnt(6, minutes, |day| day == 5);
            let (_, high) = envelope.usual(6 * DAY + 187 * 60, 1.0, 0.0).unwrap();
            assert_eq!(high > 50.0, is_job, "{minutes} minutes: {high}");
            assert!(envelope.usual(6 * DAY + 600 * 60, 1.0, 0.0).unwrap().1 < 2.0);
        }
    }

    #[test]
    fn two_incidents_are_no_habit() {
        let envelope = learnt(7, 10, |day| day < 2);
        assert!(envelope.usual(7 * DAY + 183 * 60, 1.0, 0.0).unwrap().1 < 2.0);
    }

    #[test]
    fn the_first_night_is_expected_in_the_second_and_a_long_silence_forgets() {
        assert_eq!(Envelope::default().usual(0, 1.0, 0.0), None);
        assert!(learnt(1, 10, |_| true).usual(DAY + 183 * 60, 1.0, 0.0).unwrap().1 >= 50.0);
        let mut envelope = learnt(5, 10, |_| true);
        envelope.learn(400 * DAY, 1.0, 0.0, 60.0);
        assert_eq!(envelope.usual(401 * DAY + 183 * 60, 1.0, 0.0), None);
        assert!(envelope.is_valid());
    }

    #[test]
    fn days_of_a_wrong_clock_are_dropped_when_it_is_set_right() {
        for ahead in [2, 30_000] {
            let mut envelope = learnt(3, 10, |_| true);
            for minute in 0..300 {
                envelope.learn((3 + ahead) * DAY + minute * 60, 900.0, 0.0, 60.0);
            }
            for minute in 0..3 * 1440 {
                let job = (180..190).contains(&(minute % 1440));
                envelope.learn(3 * DAY + minute * 60, if job { 50.0 } else { 1.0 }, 0.0, 60.0);
            }
            let high = |minute: i64| envelope.usual(6 * DAY + minute * 60, 1.0, 0.0).unwrap().1;
            assert!((50.0..100.0).contains(&high(183)) && high(600) < 2.0, "{ahead}: {} {}", high(183), high(600));
        }
    }
}
