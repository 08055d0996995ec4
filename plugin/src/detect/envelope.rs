//! Daily habits: how far values rise and fall at this time on several of the last days, and yesterday's job.
//!
//! Rises and falls are measured from the mean of the last half hour, not from the values themselves: a link that is
//! twice as busy on working days rises on Sunday evening no farther than on any other, and a doubling then is no habit.

use super::clock::{DAY, part_of_day};
use super::half_hours::{HALF_HOUR, HALF_HOURS};
use crate::state::{Reader, State};

/// Bins of half an hour: short enough to separate a backup from the hour after it.
const BINS: usize = HALF_HOURS;
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
/// Means are compared with what begins within this time at most.
const MOST_AHEAD: i64 = DAY / 2;
/// A job is looked for in this half hour of yesterday and its neighbours.
const JOB_SHIFT: i64 = 1800;
/// It lasted if in one of them the mean rise was so much of the highest.
const JOB_LASTED: f64 = 0.5;

/// The deepest fall and the highest rise.
type Extent = (f32, f32);
/// Where nothing was seen.
const NOTHING: Extent = (f32::INFINITY, f32::NEG_INFINITY);

/// What is usual: the lowest and the highest.
pub(super) type Usual = (f64, f64);

/// The extents of a half hour: of single values, and of the means of several in a row, which noise moves less and a job as
/// much. Each number is the upper half of one of single precision.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cell {
    single: (u16, u16),
    mean: (u16, u16),
}

/// Of a half hour in which nothing was seen.
const UNSEEN: Cell = Cell { single: (0x7f80, 0xff80), mean: (0x7f80, 0xff80) };

impl Cell {
    fn new(single: Extent, mean: Extent) -> Self {
        let packed = |(fall, rise)| (packed(fall), packed(rise));
        Self { single: packed(single), mean: packed(mean) }
    }

    fn single(self) -> Extent {
        (unpacked(self.single.0), unpacked(self.single.1))
    }

    fn mean(self) -> Extent {
        (unpacked(self.mean.0), unpacked(self.mean.1))
    }

    /// Whether it holds numbers, or infinity for nothing.
    fn is_valid(self) -> bool {
        [self.single.0, self.single.1, self.mean.0, self.mean.1].iter().all(|x| x & 0x7fff <= 0x7f80)
    }
}

impl State for Cell {
    fn save(&self, out: &mut Vec<u8>) {
        for number in [self.single.0, self.single.1, self.mean.0, self.mean.1] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        let mut number = || u16::from_le_bytes(State::load(reader));
        Self { single: (number(), number()), mean: (number(), number()) }
    }
}

/// The upper half, rounded away from zero, so that what was seen lies within; by less than a hundredth.
fn packed(x: f32) -> u16 {
    if x.is_finite() { (x.to_bits().wrapping_add(0xffff) >> 16) as u16 } else { (x.to_bits() >> 16) as u16 }
}

fn unpacked(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

/// The deepest fall and the highest rise in each half hour on each of the last days, and whether the rise lasted.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    /// The days of one half hour lie side by side, as they are looked at together. There is room for those that were seen.
    cells: Vec<Cell>,
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
    /// That of the course that the values follow by themselves.
    course: f64,
}

impl Default for Envelope {
    fn default() -> Self {
        let lasted = [0; BINS];
        Self {
            cells: Vec::new(),
            first: 0,
            lasted,
            day: None,
            present: 0,
            values: 0,
            mean: 0.0,
            local: None,
            course: 0.0,
        }
    }
}

impl State for Envelope {
    fn save(&self, out: &mut Vec<u8>) {
        self.cells.save(out);
        self.first.save(out);
        self.lasted.save(out);
        self.day.save(out);
        (self.present, self.values, self.mean).save(out);
        self.local.save(out);
        self.course.save(out);
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        if reader.is_before(10) {
            return Self::load_rows(reader);
        }
        let (cells, first) = (State::load(reader), State::load(reader));
        let (lasted, day) = (State::load(reader), State::load(reader));
        let (present, values, mean) = State::load(reader);
        let (local, course) = State::load(reader);
        Self { cells, first, lasted, day, present, values, mean, local, course }
    }
}

impl Envelope {
    /// A state from before version 10: of all rows of the ring the falls, the rises, and the mean rises. Means rose
    /// no farther than single values.
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
            envelope.set(cell / BINS, cell % BINS, Cell::new(extent, extent), means[cell]);
        }
        envelope
    }

    /// The days of this half hour, which share a line with those of its neighbours or follow them.
    pub(super) fn read_ahead(&self, time_s: i64) -> u64 {
        let first = part_of_day(time_s, BINS) * self.days();
        self.cells.get(first).map_or(0, |cell| u64::from(cell.single.0))
    }

    /// Days of each half hour for which there is room.
    fn days(&self) -> usize {
        self.cells.len() / BINS
    }

    /// Where a half hour of a row of the ring is kept, if there is room for that day.
    fn place(&self, row: usize, bin: usize) -> Option<usize> {
        let (day, days) = ((row + ROWS - self.first) % ROWS, self.days());
        (day < days).then_some(bin * days + day)
    }

    /// A half hour, unless it is older than anything that is kept, yet to come, or without a value.
    fn get(&self, day: i64, bin: usize) -> Option<Cell> {
        let newest = self.day?;
        let is_kept = day <= newest && day > newest.saturating_sub(ROWS as i64);
        let cell = self.cells.get(self.place(row(day), bin)?).filter(|cell| **cell != UNSEEN);
        cell.filter(|_| is_kept).copied()
    }

    /// Keeps a half hour, and whether its mean rise was so much of the highest.
    #[inline(never)]
    fn set(&mut self, row: usize, bin: usize, cell: Cell, mean: f32) {
        if self.cells.is_empty() {
            self.first = row;
        }
        if self.place(row, bin).is_none() {
            self.make_room((row + ROWS - self.first) % ROWS + 1);
        }
        if let Some(place) = self.place(row, bin) {
            self.cells[place] = cell;
            let has_lasted = f64::from(mean) > JOB_LASTED * f64::from(cell.single().1);
            self.lasted[bin] = self.lasted[bin] & !(1 << row) | u8::from(has_lasted) << row;
        }
    }

    /// Makes room for so many days, more than there are.
    #[cold]
    #[inline(never)]
    fn make_room(&mut self, days: usize) {
        let mut cells = vec![UNSEEN; BINS * days];
        let old = self.days();
        for (to, from) in cells.chunks_exact_mut(days).zip(self.cells.chunks_exact(old.max(1))) {
            to[..old].copy_from_slice(from);
        }
        self.cells = cells;
    }

    /// How far down and up enough of the last seven days went: single values around this time of day, and means, if they were
    /// seen, from then until `ahead` seconds later.
    fn range(&self, time_s: i64, ahead: i64) -> Option<(Usual, Option<Usual>)> {
        self.day?;
        let around = |shift: i64| time_s.saturating_add(shift).div_euclid(HALF_HOUR);
        let (first, last, last_ahead) = (around(-SHIFT), around(SHIFT), around(ahead.saturating_add(SHIFT)));
        let (mut singles, mut means) = (Foremost::default(), Foremost::default());
        let mut days = 0;
        for back in 1..=DAYS as i64 {
            let (mut single, mut mean) = (NOTHING, NOTHING);
            for number in first..=last_ahead {
                let (day, bin) = half_hour(number.saturating_mul(HALF_HOUR));
                let Some(cell) = self.get(day.saturating_sub(back), bin) else { continue };
                if number <= last {
                    single = joined(single, cell.single());
                }
                mean = joined(mean, cell.mean());
            }
            if single.0 <= single.1 {
                days += 1;
                singles.insert(single);
                means.insert(mean);
            }
        }
        let rank = habit(days) - 1;
        Some((singles.usual(rank)?, means.usual(rank)))
    }

    /// How far yesterday's job fell at its end and rose around this time.
    fn job(&self, time_s: i64) -> Option<(f64, f64)> {
        let (mut lasted, mut deepest, mut highest) = (false, 0.0_f64, 0.0_f64);
        for shift in [-JOB_SHIFT, 0, JOB_SHIFT] {
            let (day, bin) = half_hour(time_s.saturating_add(shift));
            let yesterday = day.saturating_sub(1);
            let Some((fall, rise)) = self.get(yesterday, bin).map(Cell::single) else { continue };
            lasted |= self.lasted.get(bin).is_some_and(|lasted| lasted >> row(yesterday) & 1 == 1);
            deepest = deepest.min(f64::from(fall));
            highest = highest.max(f64::from(rise));
        }
        (lasted && highest > 0.0).then_some(((1.0 + VARIES) * deepest, (1.0 + VARIES) * highest))
    }

    /// The ranges that are usual, widened where they are off the forecast: now for a single value, and from now until `ahead`
    /// seconds later for means, as a mean that begins now is to be compared with what begins within it. A job of yesterday
    /// counts at once: its first night is news, the second isn't. Short spikes and drops must come back more often to be usual.
    /// `course`: what the values follow by themselves, of which only the distance counts; a constant where rises and falls count
    /// whole.
    pub(super) fn usual(&self, time_s: i64, ahead: i64, forecast: f64, course: f64) -> Option<(Usual, Usual)> {
        let local = self.local? + (course - self.course);
        let ahead = ahead.min(MOST_AHEAD);
        let (single, mean) = self.range(time_s, ahead)?;
        let widened = |(fall, rise): Usual, job: Usual| {
            let (fall, rise) = (job.0.min(fall), job.1.max(rise));
            let below = (forecast - local - fall).max(0.0);
            let above = (local + rise - forecast).max(0.0);
            (local + fall - VARIES * below, local + rise + VARIES * above)
        };
        let no_job = (f64::INFINITY, f64::NEG_INFINITY);
        let job = self.job(time_s).unwrap_or(no_job);
        let later = if ahead > 0 { self.job(time_s.saturating_add(ahead)).unwrap_or(no_job) } else { no_job };
        let jobs = (job.0.min(later.0), job.1.max(later.1));
        Some((widened(single, job), widened(mean.unwrap_or(single), jobs)))
    }

    /// Takes the value x of the present, `seconds` after the one before, and the mean of the last ones if there are enough.
    pub(super) fn learn(&mut self, time_s: i64, x: f64, mean: Option<f64>, course: f64, seconds: f64) {
        if self.local.is_none() {
            self.resume(x, course);
        }
        let rate = seconds / (seconds + LOCAL);
        let before = self.local.unwrap_or(x);
        let local = before + (course - self.course);
        self.local = Some(before + rate * (x - before));
        self.course += rate * (course - self.course);
        let off = (x - local) as f32;
        let mean_off = mean.map(|mean| (mean - local) as f32);
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
        let cell = self.get(day, bin).unwrap_or(UNSEEN);
        let single = joined(cell.single(), (off, off));
        let mean = mean_off.map_or(cell.mean(), |off| joined(cell.mean(), (off, off)));
        self.set(row, bin, Cell::new(single, mean), self.mean);
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
                    self.cells[place] = UNSEEN;
                }
            }
        }
    }

    /// The mean of the last half hour begins anew: after an incident it is no measure.
    pub(super) fn resume(&mut self, x: f64, course: f64) {
        self.local = Some(x);
        self.course = course;
    }

    pub(super) fn is_valid(&self) -> bool {
        self.cells.len().is_multiple_of(BINS)
            && self.days() <= ROWS
            && self.first < ROWS
            && !self.mean.is_nan()
            && self.local.is_none_or(f64::is_finite)
            && self.course.is_finite()
            && self.cells.iter().all(|cell| cell.is_valid())
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

/// The extent of both.
fn joined(a: Extent, b: Extent) -> Extent {
    (a.0.min(b.0), a.1.max(b.1))
}

/// The deepest falls and the highest rises of some days, each in order.
#[derive(Clone, Copy)]
struct Foremost {
    falls: [f32; MOST],
    rises: [f32; MOST],
}

impl Default for Foremost {
    fn default() -> Self {
        Self { falls: [NOTHING.0; MOST], rises: [NOTHING.1; MOST] }
    }
}

impl Foremost {
    fn insert(&mut self, (mut fall, mut rise): Extent) {
        for (deepest, highest) in self.falls.iter_mut().zip(&mut self.rises) {
            if fall < *deepest {
                core::mem::swap(&mut fall, deepest);
            }
            if rise > *highest {
                core::mem::swap(&mut rise, highest);
            }
        }
    }

    /// What so many days and one reached, if so many were seen.
    fn usual(&self, rank: usize) -> Option<Usual> {
        let (fall, rise) = (*self.falls.get(rank)?, *self.rises.get(rank)?);
        (fall < f32::INFINITY).then_some((f64::from(fall), f64::from(rise)))
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
            envelope.learn(minute * 60, if job { 50.0 } else { 1.0 }, None, 0.0, 60.0);
        }
        envelope
    }

    #[test]
    fn what_came_on_three_nights_is_usual_at_that_time_only() {
        let envelope = learnt(3, 10, |_| true);
        assert!(envelope.usual(3 * DAY + 183 * 60, 0, 1.0, 0.0).unwrap().0.1 >= 50.0);
        assert!(envelope.usual(3 * DAY + 600 * 60, 0, 1.0, 0.0).unwrap().0.1 < 2.0);
    }

    #[test]
    fn a_job_of_yesterday_is_usual_tonight_and_a_short_spike_is_not() {
        for (minutes, is_job) in [(45, true), (10, false)] {
            let envelope = learnt(6, minutes, |day| day == 5);
            let ((_, high), _) = envelope.usual(6 * DAY + 187 * 60, 0, 1.0, 0.0).unwrap();
            assert_eq!(high > 50.0, is_job, "{minutes} minutes: {high}");
            assert!(envelope.usual(6 * DAY + 600 * 60, 0, 1.0, 0.0).unwrap().0.1 < 2.0);
        }
    }

    #[test]
    fn what_is_kept_is_wider_than_what_was_seen_by_less_than_a_hundredth() {
        for x in [0.0, 1.0, 1.003, -7.77, 1e-20, 1e10, -1e30, f32::MIN_POSITIVE] {
            let kept = unpacked(packed(x));
            assert!(kept.abs() >= x.abs() && kept.abs() <= 1.01 * x.abs() && kept * x >= 0.0, "{x}: {kept}");
        }
        assert_eq!((UNSEEN.single(), UNSEEN.mean()), (NOTHING, NOTHING));
        assert!(UNSEEN.is_valid() && !Cell::new((f32::NAN, 0.0), NOTHING).is_valid());
    }

    #[test]
    fn means_reach_less_far_than_single_values_where_they_are_noise() {
        let mut envelope = Envelope::default();
        for minute in 0..3 * 1440_i64 {
            let mean = if minute < 8 { None } else { Some(1.0) };
            envelope.learn(minute * 60, 1.0 + (minute % 2) as f64, mean, 0.0, 60.0);
        }
        let (single, mean) = envelope.usual(3 * DAY + 600 * 60, 0, 1.5, 0.0).unwrap();
        assert!(single.1 - single.0 > 0.9 && mean.1 < single.1, "{single:?} {mean:?}");
    }

    #[test]
    fn a_mean_that_begins_before_a_nightly_job_reaches_what_the_job_does() {
        let mut envelope = Envelope::default();
        for minute in 0..5 * 1440_i64 {
            let job = |minute: i64| if (180..185).contains(&(minute % 1440)) { 50.0 } else { 1.0 };
            let mean = (minute - 7..=minute).map(job).sum::<f64>() / 8.0;
            envelope.learn(minute * 60, job(minute), Some(mean), 0.0, 60.0);
        }
        let high = |ahead| envelope.usual(5 * DAY + 165 * 60, ahead, 1.0, 0.0).unwrap().1.1;
        assert!(high(20 * 60) > 25.0 && high(0) < 2.0, "{} {}", high(20 * 60), high(0));
    }

    #[test]
    fn two_incidents_are_no_habit() {
        let envelope = learnt(7, 10, |day| day < 2);
        assert!(envelope.usual(7 * DAY + 183 * 60, 0, 1.0, 0.0).unwrap().0.1 < 2.0);
    }

    #[test]
    fn the_first_night_is_expected_in_the_second_and_a_long_silence_forgets() {
        assert_eq!(Envelope::default().usual(0, 0, 1.0, 0.0), None);
        assert!(learnt(1, 10, |_| true).usual(DAY + 183 * 60, 0, 1.0, 0.0).unwrap().0.1 >= 50.0);
        let mut envelope = learnt(5, 10, |_| true);
        envelope.learn(400 * DAY, 1.0, None, 0.0, 60.0);
        assert_eq!(envelope.usual(401 * DAY + 183 * 60, 0, 1.0, 0.0), None);
        assert!(envelope.is_valid());
    }

    #[test]
    fn days_of_a_wrong_clock_are_dropped_when_it_is_set_right() {
        for ahead in [2, 30_000] {
            let mut envelope = learnt(3, 10, |_| true);
            for minute in 0..300 {
                envelope.learn((3 + ahead) * DAY + minute * 60, 900.0, None, 0.0, 60.0);
            }
            for minute in 0..3 * 1440 {
                let job = (180..190).contains(&(minute % 1440));
                envelope.learn(3 * DAY + minute * 60, if job { 50.0 } else { 1.0 }, None, 0.0, 60.0);
            }
            let high = |minute: i64| envelope.usual(6 * DAY + minute * 60, 0, 1.0, 0.0).unwrap().0.1;
            assert!((50.0..100.0).contains(&high(183)) && high(600) < 2.0, "{ahead}: {} {}", high(183), high(600));
        }
    }
}
