//! Seeded random numbers: xoshiro256++ over substreams that are named, not drawn.
//!
//! Generators: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators" (2021), and SplitMix64 for
//! the state, as its authors recommend.

use core::f64::consts::TAU;

/// What a substream is used for, so that two uses of the same interface and minute never see the same numbers.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    /// Identity and habits of an interface.
    Interface = 1,
    /// Noise of a minute's volume.
    Noise = 2,
    /// Flows of an interval.
    Flows = 3,
    /// Delivery of an interval's payload.
    Delivery = 4,
    /// Where and when events are placed.
    Placement = 5,
    /// Control messages of the subscription.
    Control = 6,
    /// Ids of log events.
    Identity = 7,
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: [u64; 4],
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// The substream of `seed` for a purpose and two coordinates (interface and time, usually).
    pub(super) fn substream(seed: u64, purpose: Purpose, first: u64, second: u64) -> Self {
        let mut state = seed;
        for coordinate in [purpose as u64, first, second] {
            state = splitmix(&mut state) ^ coordinate.wrapping_mul(0xd605_bbb5_8c8a_bbf9);
        }
        Self { state: [splitmix(&mut state), splitmix(&mut state), splitmix(&mut state), splitmix(&mut state)] }
    }

    pub(super) fn next(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// Uniform in `[0, 1)`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..n`; 0 for an empty range. The bias of the multiply-shift is below 2⁻³² for the ranges used here.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// Uniform in `low..=high`.
    pub(super) fn integer(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).max(1) as u64) as i64
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Standard normal (Box and Muller).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(TAU * self.unit())
    }

    /// Log-normal with median 1.
    pub(super) fn log_normal(&mut self, sigma: f64) -> f64 {
        libm::exp(sigma * self.normal())
    }

    /// Pareto with minimum 1 and the given tail index, cut at `maximum`.
    pub(super) fn pareto(&mut self, tail: f64, maximum: f64) -> f64 {
        libm::pow(1.0 - self.unit(), -1.0 / tail).min(maximum)
    }

    /// Poisson; by a rounded normal above a mean of 30, where the two differ by less than the noise does.
    pub(super) fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 30.0 {
            return libm::round(mean + libm::sqrt(mean) * self.normal()).max(0.0) as u32;
        }
        let limit = libm::exp(-mean);
        let mut product = self.unit();
        let mut count = 0;
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// One item of a slice that is not empty; the first one otherwise has no meaning, so it is `None`.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len() as u64) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_gives_the_same_numbers_and_another_name_others() {
        let draw = |purpose, a, b| Random::substream(9, purpose, a, b).next();
        assert_eq!(draw(Purpose::Flows, 1, 2), draw(Purpose::Flows, 1, 2));
        assert_ne!(draw(Purpose::Flows, 1, 2), draw(Purpose::Flows, 2, 1));
        assert_ne!(draw(Purpose::Flows, 1, 2), draw(Purpose::Noise, 1, 2));
    }

    #[test]
    fn distributions_have_the_moments_they_should() {
        let mut random = Random::substream(1, Purpose::Noise, 0, 0);
        let n = 100_000;
        let mut mean =
            |draw: &mut dyn FnMut(&mut Random) -> f64| (0..n).map(|_| draw(&mut random)).sum::<f64>() / f64::from(n);
        assert!((mean(&mut |r| r.unit()) - 0.5).abs() < 0.01);
        assert!(mean(&mut |r| r.normal()).abs() < 0.02);
        assert!((mean(&mut |r| r.normal() * r.normal()).abs()) < 0.02);
        assert!((mean(&mut |r| f64::from(r.poisson(4.0))) - 4.0).abs() < 0.05);
        assert!((mean(&mut |r| f64::from(r.poisson(50.0))) - 50.0).abs() < 0.3);
        // Pareto with tail index 3 and minimum 1 has the mean 3/2.
        assert!((mean(&mut |r| r.pareto(3.0, 1e9)) - 1.5).abs() < 0.03);
    }

    #[test]
    fn integers_reach_both_ends_of_their_range() {
        let mut random = Random::substream(1, Purpose::Noise, 0, 0);
        let drawn: Vec<i64> = (0..1000).map(|_| random.integer(-2, 2)).collect();
        assert_eq!(drawn.iter().min(), Some(&-2));
        assert_eq!(drawn.iter().max(), Some(&2));
        assert!(random.pick::<u8>(&[]).is_none());
    }
}
