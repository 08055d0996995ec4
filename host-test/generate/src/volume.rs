//! How much an interface carries in an aggregation interval: rhythm × noise × effects.

use super::effect::{Effect, Shape, Surge};
use super::interface::Interface;
use super::random::{Purpose, Random};

/// The volume of one aggregation interval of one interface.
#[derive(Debug, Default)]
pub(super) struct Volume {
    /// Bytes of the ordinary traffic that is left.
    pub(super) ordinary: f64,
    /// Bytes that the rhythm alone would give: what the number of records scales with.
    pub(super) expected: f64,
    /// Additional traffic of spikes, bytes.
    pub(super) surges: Vec<(Surge, f64)>,
    /// The heaviest peer is gone.
    pub(super) without_first_peer: bool,
    /// The interface reports nothing, not even NODATA.
    pub(super) vanished: bool,
}

/// The noise of an interface, as it goes from minute to minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noise {
    /// Forgets within two minutes.
    fast: f64,
    /// Forgets within an hour.
    slow: f64,
}

const FAST: f64 = 0.5;
const SLOW: f64 = 0.985;

impl Noise {
    /// The next factor. Both parts are autoregressive of first order and have half of the variance; one innovation in
    /// five hundred is twice as wide, because real traffic has heavier tails than a log-normal.
    fn next(&mut self, sigma: f64, random: &mut Random) -> f64 {
        let half = sigma * core::f64::consts::FRAC_1_SQRT_2;
        let widened = if random.chance(0.002) { 2.0 } else { 1.0 };
        self.fast = FAST * self.fast + half * libm::sqrt(1.0 - FAST * FAST) * widened * random.normal();
        self.slow = SLOW * self.slow + half * libm::sqrt(1.0 - SLOW * SLOW) * random.normal();
        libm::exp(self.fast + self.slow)
    }
}

impl Volume {
    /// The volume of the minutes in `[start, end)`.
    pub(super) fn over(
        seed: u64,
        interface: &Interface,
        effects: &[Effect],
        noise: &mut Noise,
        start: i64,
        end: i64,
    ) -> Self {
        let mut volume = Self { vanished: true, ..Self::default() };
        let profile = interface.role.profile();
        for minute in (start..end).step_by(60) {
            let minute_number = minute.div_euclid(60) as u64;
            let random = &mut Random::substream(seed, Purpose::Noise, u64::from(interface.number), minute_number);
            let expected = interface.rhythm.expected(minute);
            // Drawn whether used or not: an event must not change the noise that follows it.
            let (mut factor, active) = (noise.next(profile.noise, random), random.chance(profile.active));
            let mut vanished = false;
            for effect in effects.iter().filter(|effect| effect.covers(minute)) {
                factor *= effect.factor(minute);
                match effect.shape {
                    Shape::Surge { factor, surge } => {
                        volume.surges.push((surge, (factor - 1.0) * expected * random.log_normal(0.08)));
                    }
                    Shape::Drop { .. } => volume.without_first_peer = true,
                    Shape::Vanish => vanished = true,
                    _ => (),
                }
            }
            volume.vanished &= vanished;
            volume.expected += expected;
            volume.ordinary += if active { expected * factor } else { 0.0 };
        }
        volume
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_spread_asked_for_and_remembers() {
        let mut noise = Noise::default();
        let mut random = Random::substream(1, Purpose::Noise, 0, 0);
        let logs: Vec<f64> = (0..200_000).map(|_| libm::log(noise.next(0.2, &mut random))).collect();
        let mean = logs.iter().sum::<f64>() / logs.len() as f64;
        let covariance = |lag: usize| {
            let pairs = logs.iter().zip(&logs[lag..]);
            pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>() / (logs.len() - lag) as f64
        };
        assert!((libm::sqrt(covariance(0)) - 0.2).abs() < 0.02);
        // (0.5 + 0.985)/2 after one minute; only the slow part is left after ten: 0.985¹⁰/2.
        assert!((covariance(1) / covariance(0) - 0.74).abs() < 0.03);
        assert!((covariance(10) / covariance(0) - 0.43).abs() < 0.06);
    }
}
