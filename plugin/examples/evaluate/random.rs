//! The Mersenne Twister as Python's `random` seeds and reads it, so that injections are those of the reference scorer.

const WORDS: usize = 624;

/// MT19937 (Matsumoto and Nishimura, 1998).
pub(crate) struct Random {
    state: [u32; WORDS],
    next: usize,
}

impl Random {
    /// As `random.Random(seed)`.
    pub(crate) fn new(seed: u32) -> Self {
        let mut state = [0u32; WORDS];
        state[0] = 19_650_218;
        for i in 1..WORDS {
            state[i] = 1_812_433_253u32.wrapping_mul(state[i - 1] ^ (state[i - 1] >> 30)).wrapping_add(i as u32);
        }
        let mut i = 1;
        let mut step = |state: &mut [u32; WORDS], factor: u32, add: &dyn Fn(usize) -> u32| {
            let mixed = (state[i - 1] ^ (state[i - 1] >> 30)).wrapping_mul(factor);
            state[i] = (state[i] ^ mixed).wrapping_add(add(i));
            i += 1;
            if i == WORDS {
                state[0] = state[WORDS - 1];
                i = 1;
            }
        };
        for _ in 0..WORDS {
            step(&mut state, 1_664_525, &|_| seed);
        }
        for _ in 1..WORDS {
            step(&mut state, 1_566_083_941, &|i| (i as u32).wrapping_neg());
        }
        state[0] = 1 << 31;
        Random { state, next: WORDS }
    }

    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            for i in 0..WORDS {
                let y = (self.state[i] & 1 << 31) | (self.state[(i + 1) % WORDS] & 0x7fff_ffff);
                let odd = if y & 1 == 1 { 0x9908_b0df } else { 0 };
                self.state[i] = self.state[(i + 397) % WORDS] ^ (y >> 1) ^ odd;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// As `randrange(below)`.
    pub(crate) fn below(&mut self, below: u32) -> u32 {
        let bits = u32::BITS - below.leading_zeros();
        loop {
            let drawn = self.word() >> (u32::BITS - bits);
            if drawn < below {
                return drawn;
            }
        }
    }

    /// Uniform in 0…1.
    pub(crate) fn uniform(&mut self) -> f64 {
        f64::from(self.word()) / f64::from(u32::MAX)
    }

    /// Standard normal (Box and Muller, 1958), with the tails that a sum of uniforms lacks.
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.uniform().max(1e-10).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }
}
