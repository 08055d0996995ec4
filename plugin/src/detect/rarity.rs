//! How rare a score is in the series' own history.

use crate::state::{Reader, State};

/// Bins of the sketch; each is a factor of √2 wide, from 1/1024 up.
const BINS: usize = 28;
/// Lower edge of the first bin but one.
const LEAST: f64 = 1.0 / 1024.0;

/// Counts of past scores in bins of equal ratio.
#[derive(Clone, Debug, Default)]
pub(super) struct Rarity {
    counts: [u32; BINS],
}

/// A list of all counts, or of none.
impl State for Rarity {
    fn save(&self, out: &mut Vec<u8>) {
        self.counts.to_vec().save(out);
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        let counts: Vec<u32> = State::load(reader);
        let none = counts.is_empty();
        let counts = counts.try_into().unwrap_or_else(|_| {
            if !none {
                reader.fail();
            }
            [0; BINS]
        });
        Rarity { counts }
    }
}

impl Rarity {
    /// The share of scores so far that were as high, to the width of a bin: (1 + higher or equal) / (1 + all), in (0, 1].
    pub(super) fn observe(&mut self, score: f64) -> f64 {
        let (mut bin, mut edge) = (0, LEAST);
        while bin + 1 < BINS && score >= edge {
            bin += 1;
            edge *= core::f64::consts::SQRT_2;
        }
        let all: u64 = self.counts.iter().map(|count| u64::from(*count)).sum();
        let higher: u64 = self.counts.iter().skip(bin).map(|count| u64::from(*count)).sum();
        if let Some(count) = self.counts.get_mut(bin) {
            *count = count.saturating_add(1);
        }
        (1 + higher) as f64 / (1 + all) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_thousand_is_rare_and_the_usual_is_not() {
        let mut rarity = Rarity::default();
        for _ in 0..999 {
            rarity.observe(0.1);
        }
        assert_eq!(rarity.observe(1.5), 1.0 / 1000.0);
        assert_eq!(rarity.observe(0.1), 1.0);
        assert!(rarity.observe(f64::INFINITY) > 0.0);
    }
}
