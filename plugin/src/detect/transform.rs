//! The scale on which noise is about the same at each level.

use crate::state::state;

/// How values are measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Transform {
    /// x = ∛v. Between the square root, which steadies counts, and the logarithm, which steadies what varies by a share
    /// of itself but makes too much of zeros; it also halves the heaviest tails of sums of a few flows.
    #[default]
    CubeRoot,
    /// x = v, for series with values below zero. There a root is steepest where nothing happens: at zero.
    None,
}

state!(
    enum Transform {
        CubeRoot,
        None,
    }
);

impl Transform {
    pub(super) fn apply(self, value: f64) -> f64 {
        match self {
            Self::CubeRoot => libm::cbrt(value),
            Self::None => value,
        }
    }

    /// The part of x that is this part of the value; `None` where parts mean nothing.
    pub(super) fn part(self, part: f64) -> Option<f64> {
        match self {
            Self::CubeRoot => Some(libm::cbrt(part)),
            Self::None => None,
        }
    }

    /// The value of x.
    pub(super) fn restore(self, x: f64) -> f64 {
        match self {
            Self::CubeRoot => x * x * x,
            Self::None => x,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restoring_gives_the_value_back() {
        for transform in [Transform::CubeRoot, Transform::None] {
            for value in [0.0, 7.0, 1e12, -3.0] {
                let back = transform.restore(transform.apply(value));
                assert!((back - value).abs() <= 1e-12 * f64::abs(value), "{transform:?} {value} {back}");
            }
        }
    }
}
