//! Daily habits: how far values rise and fall at this time on several of the last days, and yesterday's job.
//!
//! Rises and falls are measured from the mean of the last half hour, not from the values themselves: a link that is
//! twice as busy on working days rises on Sunday evening no farther than on any other, and a doubling then is no habit.

use super::clock::{DAY, part_of_day};
use crate::state::{Reader, State};

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

/// The deepest fall and the highest rise of a half hour.
type Extent = (f32, f32);
/// Of a half hour in which nothing was seen.
const NOTHING: Extent = (f32::INFINITY, f32::NEG_INFINITY);

/// The deepest fall and the highest rise in each half hour on each of the last days, and whether the rise lasted.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    /// The days of one half hour lie side by side, as they are looked at together. There is room for those that were seen.
    extents: Vec<Extent>,
    /// The row of the ring that comes first there.
    first: usize,
    /// For each half hour a bit for each row of the ring.
    lasted: [u8; BINS],
    day: Option<i64>,
    /// The half hour that is being learnt, its values so far, and the mean of their rises.
    present: usize,
    values: u32,
    mean: f32,
    /// The mean of the last half hour.
    local: Option<f64>,
}

impl Default for Envelope {
    fn default() -> Self {
        let lasted = [0; BINS];
        Self { extents: Vec::new(), first: 0, lasted, day: None, present: 0, values: 0, mean: 0.0, local: None }
    }
}

impl State for Envelope {
    fn save(&self, out: &mut Vec<u8>) {
        self.extents.save(out);
        self.first.save(out);
        self.lasted.save(out);
        self.day.save(out);
        (self.present, self.values, self.mean).save(out);
        self.local.save(out);
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        if reader.is_before(10) {
            return Self::load_rows(reader);
        }
        let (extents, first) = (State::load(reader), State::load(reader));
        let (lasted, day) = (State::load(reader), State::load(reader));
        let (present, values, mean) = State::load(reader);
        Self { extents, first, lasted, day, present, values, mean, local: State::load(reader) }
    }
}

impl Envelope {
    /// A state from before version 10: of all rows of the ring the falls, the rises, and the mean rises.
    fn load_rows(reader: &mut Reader<'_>) -> Self {
        let [falls, rises, means]: [Vec<f32>; 3] = State::load(reader);
        let (day, (present, values)) = (State::load(reader), State::load(reader));
        let mut envelope = Self { day, present, values, local: State::load(reader), ..Self::default() };
        if [&falls, &rises, &means].iter().any(|rows| rows.len() != ROWS * BINS) {
            reader.fail();
            return envelope;
        }
        envelope.mean = means.get(present).copied().unwrap_or_default();
        envelope.make_room(ROWS);
        for (cell, extent) in falls.into_iter().zip(rises).enumerate() {
            envelope.set(cell / BINS, cell % BINS, extent, means[cell]);
        }
        envelope
    }

    /// Days of each half hour for which there is room.
    fn days(&self) -> usize {
        self.extents.len() / BINS
    }

    /// Where a half hour of a row of the ring is kept, if there is room for that day.
    fn place(&self, row: usize, bin: usize) -> Option<usize> {
        let (day, days) = ((row + ROWS - self.first) % ROWS, self.days());
        (day < days).then_some(bin * days + day)
    }

    /// A half hour, unless it is older than anything that is kept, yet to come, or without a value.
    fn get(&self, day: i64, bin: usize) -> Option<Extent> {
        let newest = self.day?;
        let is_kept = day <= newest && day > newest.saturating_sub(ROWS as i64);
        let extent = self.extents.get(self.place(row(day), bin)?).filter(|extent| extent.0 < f32::INFINITY);
        extent.filter(|_| is_kept).copied()
    }

    /// Keeps the extent of a half hour, and whether its mean rise was so much of the highest.
    #[inline(never)]
    fn set(&mut self, row: usize, bin: usize, extent: Extent, mean: f32) {
        if self.extents.is_empty() {
            self.first = row;
        }
        if self.place(row, bin).is_none() {
            self.make_room((row + ROWS - self.first) % ROWS + 1);
        }
        if let Some(place) = self.place(row, bin) {
            self.extents[place] = extent;
            let has_lasted = f64::from(mean) > JOB_LASTED * f64::from(extent.1);
            self.lasted[bin] = self.lasted[bin] & !(1 << row) | u8::from(has_lasted) << row;
        }
    }

    /// Makes room for so many days, more than there are.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, days: usize) {
        let mut extents = vec![NOTHING; BINS * days];
        let old = self.days();
        for (to, from) in extents.chunks_exact_mut(days).zip(self.extents.chunks_exact(old.max(1))) {
            to[..old].copy_from_slice(from);
        }
        self.extents = extents;
    }

    /// How far down and up enough of the last seven days went around this time of day.
    fn range(&self, time_s: i64) -> Option<(f64, f64)> {
        self.day?;
        let around = [-SHIFT, SHIFT].map(|shift| half_hour(time_s.saturating_add(shift)));
        // Mostly both lie in one half hour.
        let around = if around[0] == around[1] { &around[..1] } else { &around[..] };
        let mut falls = [f32::INFINITY; MOST];
        let mut rises = [f32::NEG_INFINITY; MOST];
        let mut days = 0;
        for back in 1..=DAYS as i64 {
            let (mut fall, mut rise) = NOTHING;
            for &(day, bin) in around {
                let Some(extent) = self.get(day.saturating_sub(back), bin) else { continue };
                fall = fall.min(extent.0);
                rise = rise.max(extent.1);
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
        let (mut lasted, mut deepest, mut highest) = (false, 0.0_f64, 0.0_f64);
        for shift in [-JOB_SHIFT, 0, JOB_SHIFT] {
            let (day, bin) = half_hour(time_s.saturating_add(shift));
            let yesterday = day.saturating_sub(1);
            let Some((fall, rise)) = self.get(yesterday, bin) else { continue };
            lasted |= self.lasted.get(bin).is_some_and(|lasted| lasted >> row(yesterday) & 1 == 1);
            deepest = deepest.min(f64::from(fall));
            highest = highest.max(f64::from(rise));
        }
        (lasted && highest > 0.0).then_some(((1.0 + VARIES) * deepest, (1.0 + VARIES) * highest))
    }

    /// The range that is usual now, widened where it is off the forecast. A job of yesterday counts at once: its first
    /// night is news, the second isn't. Short spikes and drops must come back more often to be usual.
    pub(super) fn usual(&self, time_s: i64, forecast: f64) -> Option<(f64, f64)> {
        let local = self.local?;
        let (fall, rise) = self.range(time_s)?;
        let (fall, rise) = self.job(time_s).map_or((fall, rise), |job| (job.0.min(fall), job.1.max(rise)));
        let below = (forecast - local - fall).max(0.0);
        let above = (local + rise - forecast).max(0.0);
        Some((local + fall - VARIES * below, local + rise + VARIES * above))
    }

    /// Takes the value x of the present, `seconds` after the one before.
    pub(super) fn learn(&mut self, time_s: i64, x: f64, seconds: f64) {
        let local = *self.local.get_or_insert(x);
        self.local = Some(local + seconds / (seconds + LOCAL) * (x - local));
        let off = (x - local) as f32;
        let day = time_s.div_euclid(DAY);
        if let Some(newest) = self.day.filter(|newest| *newest != day) {
            self.forget_between(newest, day);
        }
        self.day = Some(day);
        let (row, bin) = (row(day), half_hour(time_s).1);
        let present = row * BINS + bin;
        if self.present == present {
            self.values = self.values.saturating_add(1);
            self.mean += (off - self.mean) / self.values as f32;
        } else {
            (self.present, self.values, self.mean) = (present, 1, off);
        }
        let (fall, rise) = self.get(day, bin).unwrap_or(NOTHING);
        self.set(row, bin, (fall.min(off), rise.max(off)), self.mean);
    }

    /// Another day has begun: forgets days passed over, or, when time went back, days that have not been: a wrong clock has made
    /// them.
    #[cold]
    #[inline(never)]
    fn forget_between(&mut self, newest: i64, day: i64) {
        let (first, last) =
            if day > newest { (newest.saturating_add(1), day) } else { (day.saturating_add(1), newest) };
        for step in 0..last.saturating_sub(first).saturating_add(1).clamp(0, ROWS as i64) {
            let row = row(last.saturating_sub(step));
            for bin in 0..BINS {
                if let Some(place) = self.place(row, bin) {
                    self.extents[place] = NOTHING;
                }
            }
        }
    }

    /// The mean of the last half hour begins anew: after an incident it is no measure.
    pub(super) fn resume(&mut self, x: f64) {
        self.local = Some(x);
    }

    pub(super) fn is_valid(&self) -> bool {
        self.extents.len().is_multiple_of(BINS)
            && self.days() <= ROWS
            && self.first < ROWS
            && !self.mean.is_nan()
            && self.local.is_none_or(f64::is_finite)
            && !self.extents.iter().any(|(fall, rise)| fall.is_nan() || rise.is_nan())
    }
}

/// The row of the ring for a day.
fn row(day: i64) -> usize {
    day.rem_euclid(ROWS as i64) as usize
}

/// Day and half hour of a time.
fn half_hour(time_s: i64) -> (i64, usize) {
    (time_s.div_euclid(DAY), part_of_day(time_s, BINS))
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
            envelope.learn(minute * 60, if job { 50.0 } else { 1.0 }, 60.0);
        }
        envelope
    }

    #[test]
    fn what_came_on_three_nights_is_usual_at_that_time_only() {
        let envelope = learnt(3, 10, |_| true);
        assert!(envelope.usual(3 * DAY + 183 * 60, 1.0).unwrap().1 >= 50.0);
        assert!(envelope.usual(3 * DAY + 600 * 60, 1.0).unwrap().1 < 2.0);
    }

    #[test]
    fn a_job_of_yesterday_is_usual_tonight_and_a_short_spike_is_not() {
        for (minutes, is_job) in [(45, true), (10, false)] {
            let envelope = learnt(6, minutes, |day| day == 5);
            let (_, high) = envelope.usual(6 * DAY + 187 * 60, 1.0).unwrap();
            assert_eq!(high > 50.0, is_job, "{minutes} minutes: {high}");
            assert!(envelope.usual(6 * DAY + 600 * 60, 1.0).unwrap().1 < 2.0);
        }
    }

    #[test]
    fn two_incidents_are_no_habit() {
        let envelope = learnt(7, 10, |day| day < 2);
        assert!(envelope.usual(7 * DAY + 183 * 60, 1.0).unwrap().1 < 2.0);
    }

    #[test]
    fn the_first_night_is_expected_in_the_second_and_a_long_silence_forgets() {
        assert_eq!(Envelope::default().usual(0, 1.0), None);
        assert!(learnt(1, 10, |_| true).usual(DAY + 183 * 60, 1.0).unwrap().1 >= 50.0);
        let mut envelope = learnt(5, 10, |_| true);
        envelope.learn(400 * DAY, 1.0, 60.0);
        assert_eq!(envelope.usual(401 * DAY + 183 * 60, 1.0), None);
        assert!(envelope.is_valid());
    }

    #[test]
    fn days_of_a_wrong_clock_are_dropped_when_it_is_set_right() {
        for ahead in [2, 30_000] {
            let mut envelope = learnt(3, 10, |_| true);
            for minute in 0..300 {
                envelope.learn((3 + ahead) * DAY + minute * 60, 900.0, 60.0);
            }
            for minute in 0..3 * 1440 {
                let job = (180..190).contains(&(minute % 1440));
                envelope.learn(3 * DAY + minute * 60, if job { 50.0 } else { 1.0 }, 60.0);
            }
            let high = |minute: i64| envelope.usual(6 * DAY + minute * 60, 1.0).unwrap().1;
            assert!((50.0..100.0).contains(&high(183)) && high(600) < 2.0, "{ahead}: {} {}", high(183), high(600));
        }
    }
}
