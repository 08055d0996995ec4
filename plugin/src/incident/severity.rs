//! How bad an incident is: how unusual, and how large against what was expected.

use crate::detect::Direction;
use crate::state::state;

/// Four classes, as pagers and ticket systems have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth a line in a report.
    Low,
    /// Worth a look today.
    Medium,
    /// Worth a look now.
    High,
    /// Worth waking up for.
    Critical,
}

state!(
    enum Severity {
        Low,
        Medium,
        High,
        Critical,
    }
);

/// Scores (1 is the threshold of an alert) from which an incident is medium, high, critical as far as rarity goes.
const SCORES: [f64; 3] = [1.5, 2.5, 4.0];
/// Spikes of so many times the expected value, and drops by such a share of it: the same classes as far as size goes.
const RISES: [f64; 3] = [2.0, 4.0, 10.0];
const FALLS: [f64; 3] = [0.4, 0.7, 0.95];

impl Severity {
    /// The class halfway between rarity and size, rounded down: a tiny change in a very steady series and an ordinary
    /// wobble of a wild one are both low.
    pub fn of(direction: Direction, score: f64, observed: f64, expected: f64) -> Severity {
        let class = |limits: [f64; 3], value: f64| limits.iter().filter(|&&limit| value >= limit).count();
        // Where nothing was expected, anything is infinitely more.
        let size = match direction {
            Direction::Spike if expected <= 0.0 => 3,
            Direction::Spike => class(RISES, observed / expected),
            Direction::Drop if expected <= 0.0 => 0,
            Direction::Drop => class(FALLS, 1.0 - observed / expected),
        };
        match (class(SCORES, score) + size) / 2 {
            0 => Severity::Low,
            1 => Severity::Medium,
            2 => Severity::High,
            _ => Severity::Critical,
        }
    }

    /// The name in events.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

/// A score on the scale 0 to 1: ½ at the threshold of an alert, towards 1 the more unusual.
pub(crate) fn grade(score: f64) -> f64 {
    if score > 0.0 { score / (1.0 + score) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_needs_both_rarity_and_size() {
        let of = Severity::of;
        assert_eq!(of(Direction::Spike, 1.0, 110.0, 100.0), Severity::Low);
        assert_eq!(of(Direction::Spike, 9.0, 110.0, 100.0), Severity::Medium);
        assert_eq!(of(Direction::Spike, 9.0, 1_500.0, 100.0), Severity::Critical);
        assert_eq!(of(Direction::Drop, 4.0, 0.0, 100.0), Severity::Critical);
        assert_eq!(of(Direction::Drop, 1.0, 0.0, 100.0), Severity::Medium);
        assert_eq!(of(Direction::Spike, 2.0, 5.0, 0.0), Severity::High);
    }
}
