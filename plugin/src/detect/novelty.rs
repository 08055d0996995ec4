//! The novelty half: is anything about this window unlike all of the past?
//!
//! Four streams look at the values of windows of some minutes, called blocks here: the distance from the hour's mean, from the nearest value, from
//! the nearest shapes, and from the nearest distribution. Each is measured against its own extreme
//! ([`Extreme`]), so that no unit or distribution is assumed, and they are averaged:
//!
//! ```text
//! x = ∛v² with the sign of v
//! s = (R_season + R_shape + 0.6 R_distribution + R_value) / 3.6 / 0.5
//! ```

use super::calibrate::Extreme;
use super::clock::part_of_day;
use super::shapes::Course;
use super::values::ValueWindow;
use crate::state::{Reader, State, state};

/// Hours of the day, each with its mean.
const HOURS: usize = 24;
/// Slowest rate of an hour's mean: it follows about the last ten visits.
const HOUR_RATE: f64 = 0.1;
/// While an event goes on, the mean of an hour learns from at most so many spreads away: enough for what has come to stay, and too
/// little for the next day to be unlike.
const EVENT_CUT: f64 = 2.0;
/// Slowest rate of the spread and the mean of all: about a week of five-minute blocks.
const SLOW_RATE: f64 = 0.0005;
/// Residuals averaged for the seasonal stream; a lasting departure counts, one noisy block doesn't.
const SMOOTHED: usize = 5;
/// Blocks before value novelty means anything.
const VALUE_WARM_UP: u64 = 50;
/// Weight of the distribution, which overlaps the other streams.
const DISTRIBUTION_WEIGHT: f64 = 0.6;
/// The mean ratio that opens an alert, when the streams together reach half of their extremes.
const HALF_EXTREME: f64 = 0.5;
/// Blocks before the first score: the extremes have seen a hundred and the shapes have a past.
const WARM_UP_BLOCKS: u64 = 200;
/// Seconds before the first score: a day, without which the daily rise would be news.
const WARM_UP_SECONDS: i64 = 86_400;

/// State of the novelty half; nothing before the first block, so that series in shorter windows don't pay for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Novelty(Option<Box<Blocks>>);

/// As if nothing had been learnt, where nothing was.
impl State for Novelty {
    fn save(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Some(blocks) => blocks.save(out),
            None => Blocks::default().save(out),
        }
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        let blocks = Blocks::load(reader);
        // Before version 13 they were of the values themselves.
        Novelty((blocks.blocks > 0 && !reader.is_before(13)).then(|| Box::new(blocks)))
    }
}

impl Novelty {
    /// Learns the value of a block and returns its score, 0 while warming up; 1 is an alert. `away`: an event goes on.
    pub(super) fn observe(&mut self, time_s: i64, value: f64, away: bool) -> f64 {
        self.0.get_or_insert_default().observe(time_s, value, away)
    }

    pub(super) fn is_valid(&self) -> bool {
        self.0.as_ref().is_none_or(|blocks| blocks.is_valid())
    }
}

/// The blocks so far.
#[derive(Clone, Debug, Default)]
struct Blocks {
    blocks: u64,
    since: i64,
    /// The first value; all is measured from it, which keeps single precision precise.
    origin: f64,
    spread: f64,
    mean: f64,
    hours: Vec<(f64, u32)>,
    residuals: [f64; SMOOTHED],
    values: ValueWindow,
    course: Course,
    extremes: [Extreme; 4],
}

state!(Blocks { blocks, since, origin, spread, mean, hours, residuals, values, course, extremes });

impl Blocks {
    fn observe(&mut self, time_s: i64, value: f64, away: bool) -> f64 {
        let value = steadied(value);
        if self.blocks == 0 {
            self.origin = value;
            self.since = time_s;
            self.hours = vec![(0.0, 0); HOURS];
        }
        self.since = self.since.min(time_s); // a clock that was ahead
        let x = value - self.origin;
        let rate = (1.0 / (self.blocks as f64 + 1.0)).max(SLOW_RATE);
        self.spread += rate * ((x - self.mean).abs() - self.spread);
        self.mean += rate * (x - self.mean);

        let season = self.season(time_s, x, away);
        let value_distance =
            if self.blocks >= VALUE_WARM_UP { self.values.distance(x as f32).unwrap_or(0.0) } else { 0.0 };
        self.values.learn(x as f32);
        let unlike = self.course.observe(x);
        self.blocks += 1;

        let streams = [season, unlike.shape, unlike.distribution, value_distance];
        let weights = [1.0, 1.0, DISTRIBUTION_WEIGHT, 1.0];
        let (mut sum, mut total) = (0.0, 0.0);
        for ((extreme, stream), weight) in self.extremes.iter_mut().zip(streams).zip(weights) {
            sum += weight * extreme.ratio(stream, self.spread);
            total += weight;
        }
        if self.blocks < WARM_UP_BLOCKS || time_s.saturating_sub(self.since) < WARM_UP_SECONDS {
            return 0.0;
        }
        sum / total / HALF_EXTREME
    }

    /// |mean of the last residuals from the hour's mean|.
    fn season(&mut self, time_s: i64, x: f64, away: bool) -> f64 {
        let mut residual = x - self.mean;
        if let Some((mean, visits)) = self.hours.get_mut(part_of_day(time_s, HOURS)) {
            if *visits > 0 {
                residual = x - *mean;
            }
            *visits = visits.saturating_add(1);
            let most = if away { EVENT_CUT * self.spread } else { f64::INFINITY };
            *mean += (1.0 / f64::from(*visits)).max(HOUR_RATE) * (x - *mean).max(-most).min(most);
        }
        self.residuals.rotate_left(1);
        if let Some(newest) = self.residuals.last_mut() {
            *newest = residual;
        }
        let known = (self.blocks + 1).min(SMOOTHED as u64) as f64;
        (self.residuals.iter().sum::<f64>() / known).abs()
    }

    fn is_valid(&self) -> bool {
        let finite = [self.origin, self.spread, self.mean];
        finite.iter().chain(&self.residuals).all(|x| x.is_finite())
            && self.spread >= 0.0
            && self.blocks < u64::MAX / 2
            && (self.hours.len() == HOURS || (self.blocks == 0 && self.hours.is_empty()))
            && self.hours.iter().all(|(mean, _)| mean.is_finite())
            && self.values.is_valid()
            && self.course.is_valid()
            && self.extremes.iter().all(Extreme::is_valid)
    }
}

/// What grows grows in all, noise too: without this the busiest hour of a growing day is always new. The residual half takes the cube root; here
/// as much would hide values never seen.
fn steadied(value: f64) -> f64 {
    let root = libm::cbrt(value);
    root * root.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_series_has_no_novelty() {
        let mut novelty = Novelty::default();
        for block in 0..1000 {
            assert_eq!(novelty.observe(block * 300, 7.0, false), 0.0);
        }
    }

    #[test]
    fn a_value_never_seen_is_novel() {
        let mut novelty = Novelty::default();
        for block in 0..1000i64 {
            novelty.observe(block * 300, (block * 7 % 13) as f64, false);
        }
        let mut highest: f64 = 0.0;
        for block in 1000..1005i64 {
            highest = highest.max(novelty.observe(block * 300, 80.0, false));
        }
        assert!(highest > 1.0, "{highest}");
        assert!(novelty.is_valid());
    }
}
