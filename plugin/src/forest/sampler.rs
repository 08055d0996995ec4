//! Which points of the stream a tree holds: a weighted reservoir that forgets exponentially.
//!
//! Efraimidis and Spirakis, "Weighted random sampling with a reservoir" (2006), in logarithmic form: the point at
//! position t gets the key `ln(E) − λ·t`, E exponential with mean 1, and the `capacity` smallest keys stay. A point of
//! age a so weighs e^(−λ·a); λ = 1 / `time_decay`.
//!
//! Drawing a key for each point and each tree would cost two logarithms a hundred times a record. Once the reservoir is
//! full the sampler draws how many points to *skip* instead (the same paper's "exponential jumps"), which gives the same
//! distribution: with T the largest key held, point t is accepted with hazard e^(T + λ·t), so the number of skipped
//! points follows from one exponential variate and a geometric sum, and the accepted key is an exponential variate cut
//! off at that hazard.

use super::points::PointId;
use super::random::Random;
use crate::state::state;

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: f64,
    point: PointId,
}

state!(Entry { key, point });

/// The reservoir of one tree: a binary heap, largest key first.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
    heap: Vec<Entry>,
    capacity: u16,
    /// Position of the next point that is accepted, once the reservoir is full.
    next: u64,
    random: Random,
}

state!(Sampler { heap, capacity, next, random });

impl Sampler {
    pub(crate) fn new(capacity: u16, seed: u64) -> Self {
        Sampler { heap: Vec::with_capacity(usize::from(capacity)), capacity, next: 0, random: Random::new(seed) }
    }

    fn is_full(&self) -> bool {
        self.heap.len() == usize::from(self.capacity)
    }

    /// The first position, counted from 0, at which the reservoir takes a point.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// The point that makes room when the point at `position` is taken.
    pub(crate) fn evicted(&self) -> Option<PointId> {
        if self.is_full() { self.heap.first().map(|entry| entry.point) } else { None }
    }

    /// Takes the point at `position`, which must be [`Sampler::next`], in the place of [`Sampler::evicted`].
    pub(crate) fn accept(&mut self, position: u64, point: PointId, decay: f64) {
        let age = decay * position as f64;
        if self.is_full() {
            let hazard = libm::exp(self.heap[0].key + age);
            // E | E < hazard, by inversion. The product is within (−1, 0), so the logarithm's argument is positive; it
            // can underflow to −0 when the hazard does, and the key is then the smallest there is.
            let e = -libm::log1p(self.random.uniform() * libm::expm1(-hazard));
            self.heap[0] = Entry { key: (libm::log(e) - age).max(f64::MIN), point };
            self.sift_down();
        } else {
            let key = libm::log(self.random.exponential()) - age;
            self.heap.push(Entry { key, point });
            self.sift_up();
        }
        self.next = if self.is_full() { self.draw_next(position, decay) } else { position + 1 };
    }

    fn draw_next(&mut self, position: u64, decay: f64) -> u64 {
        let first = libm::exp(self.heap[0].key + decay * (position + 1) as f64);
        let skip = libm::log1p(self.random.exponential() * libm::expm1(decay) / first) / decay;
        // `as` saturates: an infinite skip means never.
        position.saturating_add((skip.ceil() as u64).max(1))
    }

    fn sift_up(&mut self) {
        let mut at = self.heap.len() - 1;
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent].key >= self.heap[at].key {
                break;
            }
            self.heap.swap(parent, at);
            at = parent;
        }
    }

    fn sift_down(&mut self) {
        let mut at = 0;
        loop {
            let mut largest = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.heap.len() && self.heap[child].key > self.heap[largest].key {
                    largest = child;
                }
            }
            if largest == at {
                return;
            }
            self.heap.swap(at, largest);
            at = largest;
        }
    }

    /// Every point held, once for each time it is held.
    pub(crate) fn points(&self) -> impl Iterator<Item = PointId> {
        self.heap.iter().map(|entry| entry.point)
    }

    pub(crate) fn is_valid(&self, capacity: u16, position: u64) -> bool {
        let due = if self.is_full() { self.next >= position } else { self.next == position };
        self.capacity == capacity
            && self.heap.len() <= usize::from(capacity)
            && due
            && self.heap.iter().all(|entry| !entry.key.is_nan())
            && (1..self.heap.len()).all(|at| self.heap[(at - 1) / 2].key >= self.heap[at].key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a reservoir over `length` positions and returns the positions held at the end.
    fn run(capacity: u16, decay: f64, length: u64, seed: u64) -> Vec<u64> {
        let mut sampler = Sampler::new(capacity, seed);
        for position in 0..length {
            if sampler.next() == position {
                sampler.accept(position, position as PointId, decay);
                assert!(sampler.is_valid(capacity, position + 1));
            }
        }
        sampler.points().map(u64::from).collect()
    }

    #[test]
    fn without_noticeable_decay_every_position_is_equally_likely() {
        let (mut early, mut held) = (0, 0);
        for seed in 0..400 {
            let positions = run(16, 1e-9, 1_000, seed);
            held += positions.len();
            early += positions.iter().filter(|p| **p < 500).count();
        }
        let share = early as f64 / held as f64;
        assert!((share - 0.5).abs() < 0.03, "{share} of the sample is from the first half");
    }

    #[test]
    fn the_skips_give_the_distribution_of_a_key_for_each_point() {
        // A plain reservoir, one key for each point, for comparison: the mean age of what is held must agree.
        let (decay, length, capacity) = (0.005, 2_000u64, 32usize);
        let mut plain = Random::new(99);
        let (mut age_plain, mut age_skips) = (0.0, 0.0);
        let runs = 200;
        for seed in 0..runs {
            let mut keys: Vec<(f64, u64)> =
                (0..length).map(|t| (libm::log(plain.exponential()) - decay * t as f64, t)).collect();
            keys.sort_by(|a, b| a.0.total_cmp(&b.0));
            age_plain += keys[..capacity].iter().map(|k| (length - k.1) as f64).sum::<f64>();
            age_skips += run(capacity as u16, decay, length, seed).iter().map(|t| (length - t) as f64).sum::<f64>();
        }
        let ratio = age_skips / age_plain;
        assert!((ratio - 1.0).abs() < 0.05, "mean ages differ by the factor {ratio}");
    }
}
