//! Novelty of the recent course: its shape and its distribution, each against those of before.

use crate::state::{are_finite, are_finite_f32, state};

/// Points in one mean of a shape.
const STRIDE: usize = 9;
/// Means in a shape: 72 points, six hours of five-minute blocks.
const SHAPE: usize = 8;
/// Points that a distribution summarises.
const SPAN: usize = 60;
/// A distribution is stored every so many points.
const SPAN_STEP: u64 = 10;
/// Neighbours searched: the newest so many.
const NEIGHBOURS: u64 = 256;
/// Points kept.
const RECENT: usize = STRIDE * SHAPE;

/// Vectors for which room is made at once.
const STEP: usize = 24;

/// Vectors of the past in a ring, of which the `lag` newest overlap the present and are left out.
#[derive(Clone, Debug, Default)]
struct Gallery<const N: usize> {
    /// One vector after the other.
    stored: Vec<f32>,
    count: u64,
}

state!(Gallery<const N> { stored, count });

impl<const N: usize> Gallery<N> {
    /// L1 distances to the two nearest vectors that are at least `lag` old.
    fn nearest(&self, vector: &[f32; N], lag: u64) -> Option<(f32, f32)> {
        let end = self.count.checked_sub(lag).filter(|end| *end > 0)?;
        let (mut first, mut second) = (f32::INFINITY, f32::INFINITY);
        let start = end.saturating_sub(NEIGHBOURS);
        let (from, to) = (start % Self::capacity(), (end - 1) % Self::capacity() + 1);
        // The ring may wrap between the two.
        let parts = if from < to { [from..to, 0..0] } else { [from..Self::capacity(), 0..to] };
        for part in parts {
            let place = part.start as usize * N..part.end as usize * N;
            for other in self.stored.get(place).unwrap_or_default().chunks_exact(N) {
                let mut distance = 0.0;
                for (a, b) in vector.iter().zip(other) {
                    distance += (a - b).abs();
                }
                second = second.min(distance.max(first));
                first = first.min(distance);
            }
        }
        first.is_finite().then(|| (first, if second.is_finite() { second } else { first }))
    }

    fn store(&mut self, vector: [f32; N]) {
        let place = (self.count % Self::capacity()) as usize * N;
        match self.stored.get_mut(place..place + N) {
            Some(old) => old.copy_from_slice(&vector),
            None => {
                if self.stored.len() == self.stored.capacity() {
                    self.stored.reserve_exact(STEP * N);
                }
                self.stored.extend(vector);
            }
        }
        self.count += 1;
    }

    /// Room for the neighbours and those too new to count.
    const fn capacity() -> u64 {
        NEIGHBOURS + SHAPE as u64
    }

    fn is_valid(&self) -> bool {
        self.stored.len() as u64 == self.count.min(Self::capacity()) * N as u64
            && self.count < u64::MAX / 2
            && are_finite_f32(&self.stored)
    }
}

/// How unlike the past the recent course is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Unlike {
    /// Mean distance a mean to the two nearest shapes.
    pub shape: f64,
    /// Distance to the nearest distribution (mean, spread, extremes).
    pub distribution: f64,
}

/// The recent points and the shapes and distributions of before.
#[derive(Clone, Debug, Default)]
pub(super) struct Course {
    recent: Vec<f64>,
    oldest: usize,
    count: u64,
    shapes: Gallery<SHAPE>,
    distributions: Gallery<4>,
}

state!(Course { recent, oldest, count, shapes, distributions });

impl Course {
    pub(super) fn observe(&mut self, value: f64) -> Unlike {
        if self.recent.len() < RECENT {
            self.recent.push(value);
        } else if let Some(place) = self.recent.get_mut(self.oldest) {
            *place = value;
            self.oldest = (self.oldest + 1) % RECENT;
        }
        self.count += 1;
        let mut unlike = Unlike::default();
        if self.recent.len() == RECENT {
            let shape = self.shape();
            if let Some((first, second)) = self.shapes.nearest(&shape, SHAPE as u64) {
                unlike.shape = f64::from(first + second) / (2 * SHAPE) as f64;
            }
            if self.count.is_multiple_of(STRIDE as u64) {
                self.shapes.store(shape);
            }
        }
        if self.recent.len() >= SPAN {
            let distribution = self.distribution();
            if let Some((first, _)) = self.distributions.nearest(&distribution, SPAN as u64 / SPAN_STEP) {
                unlike.distribution = f64::from(first) / 4.0;
            }
            if self.count.is_multiple_of(SPAN_STEP) {
                self.distributions.store(distribution);
            }
        }
        unlike
    }

    /// Newest so many points, oldest first.
    fn newest(&self, points: usize) -> impl Iterator<Item = f64> + '_ {
        let (late, early) = self.recent.split_at(self.oldest.min(self.recent.len()));
        let skip = self.recent.len().saturating_sub(points);
        early.iter().chain(late).skip(skip).copied()
    }

    fn shape(&self) -> [f32; SHAPE] {
        let mut sums = [0.0; SHAPE];
        for (i, value) in self.newest(RECENT).enumerate() {
            if let Some(sum) = sums.get_mut(i / STRIDE) {
                *sum += value;
            }
        }
        sums.map(|sum: f64| (sum / STRIDE as f64) as f32)
    }

    /// Mean, 1.5 standard deviations, half the least and half the greatest.
    fn distribution(&self) -> [f32; 4] {
        let (mut sum, mut low, mut high) = (0.0, f64::INFINITY, f64::NEG_INFINITY);
        for value in self.newest(SPAN) {
            sum += value;
            low = low.min(value);
            high = high.max(value);
        }
        let mean = sum / SPAN as f64;
        let mut squares = 0.0;
        for value in self.newest(SPAN) {
            squares += (value - mean) * (value - mean);
        }
        let deviation = (squares / SPAN as f64).sqrt();
        [mean, 1.5 * deviation, 0.5 * low, 0.5 * high].map(|x| x as f32)
    }

    pub(super) fn is_valid(&self) -> bool {
        self.recent.len() <= RECENT
            && self.recent.len() as u64 <= self.count
            && self.count < u64::MAX / 2
            && self.oldest < RECENT
            && (self.oldest == 0 || self.recent.len() == RECENT)
            && are_finite(&self.recent)
            && self.shapes.is_valid()
            && self.distributions.is_valid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(i: usize) -> f64 {
        ((i % 144) as f64 - 72.0).abs()
    }

    #[test]
    fn a_repeated_course_is_like_the_past_and_a_missing_peak_is_not() {
        let mut course = Course::default();
        let mut usual: f64 = 0.0;
        for i in 0..1440 {
            let unlike = course.observe(wave(i));
            if i > 700 {
                usual = usual.max(unlike.shape);
            }
        }
        let mut missing: f64 = 0.0;
        for _ in 1440..1512 {
            missing = missing.max(course.observe(0.0).shape);
        }
        assert!(missing > 4.0 * usual, "{missing} against {usual}");
        assert!(course.is_valid());
    }

    #[test]
    fn a_wider_spread_is_a_new_distribution() {
        let mut course = Course::default();
        for i in 0..600 {
            course.observe((i % 2) as f64);
        }
        let calm = course.observe(0.0).distribution;
        let mut wild: f64 = 0.0;
        for i in 0..60 {
            wild = wild.max(course.observe(if i % 2 == 0 { -5.0 } else { 6.0 }).distribution);
        }
        assert!(calm < 0.1 && wild > 1.0, "{calm} {wild}");
    }
}
