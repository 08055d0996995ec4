//! Natural numbers of any size, with the little arithmetic that reading a decimal takes.

/// A natural number, 32 bits a limb, the lowest first, without zeros at the end.
pub(super) struct Natural(Vec<u32>);

impl From<u64> for Natural {
    fn from(number: u64) -> Self {
        let mut natural = Natural(vec![number as u32, (number >> 32) as u32]);
        natural.trim();
        natural
    }
}

impl Natural {
    fn trim(&mut self) {
        while self.0.last() == Some(&0) {
            self.0.pop();
        }
    }

    /// Bits up to the highest that is set.
    pub(super) fn bits(&self) -> usize {
        self.0.last().map_or(0, |limb| self.0.len() * 32 - limb.leading_zeros() as usize)
    }

    /// Multiplies by `factor`, then adds `summand`.
    pub(super) fn multiply(&mut self, factor: u32, summand: u32) {
        let mut carry = u64::from(summand);
        for limb in &mut self.0 {
            carry += u64::from(*limb) * u64::from(factor);
            *limb = carry as u32;
            carry >>= 32;
        }
        if carry > 0 {
            self.0.push(carry as u32);
        }
    }

    /// Multiplies by 2^`bits`.
    pub(super) fn shift(&mut self, bits: usize) {
        self.multiply(1 << (bits % 32), 0);
        self.0.splice(0..0, std::iter::repeat_n(0, bits / 32));
        self.trim();
    }

    fn is_at_least(&self, other: &Natural) -> bool {
        self.0.len() > other.0.len() || self.0.len() == other.0.len() && self.0.iter().rev().ge(other.0.iter().rev())
    }

    /// Subtracts a number that is not larger.
    fn subtract(&mut self, other: &Natural) {
        let mut borrow = false;
        for (index, limb) in self.0.iter_mut().enumerate() {
            let (difference, first) = limb.overflowing_sub(other.0.get(index).copied().unwrap_or(0));
            let (difference, second) = difference.overflowing_sub(u32::from(borrow));
            (*limb, borrow) = (difference, first || second);
        }
        self.trim();
    }

    /// The quotient, which must fit 64 bits, and whether nothing is left over.
    pub(super) fn divide(mut self, mut divisor: Natural) -> (u64, bool) {
        let mut quotient = 0;
        divisor.shift(63);
        for bit in (0..64).rev() {
            if self.is_at_least(&divisor) {
                self.subtract(&divisor);
                quotient |= 1 << bit;
            }
            self.multiply(2, 0);
        }
        (quotient, self.0.is_empty())
    }
}
