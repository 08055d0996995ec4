//! The seeded generator behind every random choice: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
//! number generators", OOPSLA 2014). One 64-bit word of state, so that a snapshot is one word, too.

use crate::state::state;

/// A reproducible stream of random numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Random(u64);

state!(Random { 0 });

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in the open interval (0, 1), so that its logarithm is finite: the centres of 2^52 equal parts.
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.next_u64() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// Exponential with mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -libm::log(self.uniform())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_never_reaches_its_ends() {
        let mut random = Random::new(7);
        let mean = (0..10_000).map(|_| random.uniform()).inspect(|u| assert!(*u > 0.0 && *u < 1.0)).sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
    }
}
