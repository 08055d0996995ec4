//! How bad an incident is: how certain, how large against what was expected and against the whole, and how long.

use super::LASTING;
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

/// Scores (1 is the threshold of an alert) from which an incident is medium, high, critical as far as certainty goes.
const SCORES: [f64; 3] = [1.5, 2.5, CERTAIN];
/// A score that leaves no doubt.
const CERTAIN: f64 = 4.0;
/// Spikes of so many times the expected value, and drops by such a share of it: the same classes as far as size goes.
const RISES: [f64; 3] = [2.0, 4.0, 10.0];
const FALLS: [f64; 3] = [0.4, 0.7, 0.95];
/// A spike is high at most below such a part of the whole, medium at most below the other: one backup is no attack.
const HIGH_PART: f64 = 0.5;
const MEDIUM_PART: f64 = 0.1;
/// A loss of less than this part of the whole is of a series that nobody misses.
const BUSY_PART: f64 = 0.005;

/// What the severity of an incident depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub direction: Direction,
    /// Highest score: how certain it is.
    pub score: f64,
    /// Value and expected value at the worst window.
    pub observed: f64,
    /// See `observed`.
    pub expected: f64,
    /// Seconds so far.
    pub lasted: i64,
    /// What all series have in a window; `None` if there is no total.
    pub whole: Option<f64>,
}

impl Severity {
    /// The class halfway between certainty and size, rounded down: a tiny change in a very steady series and an ordinary
    /// wobble of a wild one are both low. A total loss of a busy series is at least high; a loss of most of it gets worse while
    /// it lasts; a spike is limited by its part of the whole.
    pub(crate) fn of(facts: Facts) -> Severity {
        let Facts { direction, score, observed, expected, lasted, whole } = facts;
        let class = |limits: [f64; 3], value: f64| limits.iter().filter(|&&limit| value >= limit).count();
        // Where nothing was expected, anything is infinitely more.
        let size = match direction {
            Direction::Spike if expected <= 0.0 => 3,
            Direction::Spike => class(RISES, observed / expected),
            Direction::Drop if expected <= 0.0 => 0,
            Direction::Drop => class(FALLS, 1.0 - observed / expected),
        };
        let part = whole.filter(|whole| *whole > 0.0).map(|whole| (observed - expected).abs() / whole);
        let mut rank = (class(SCORES, score) + size) / 2;
        match direction {
            Direction::Drop => {
                let busy = part.is_none_or(|part| part >= BUSY_PART);
                if size == 3 && busy {
                    rank = rank.max(2);
                }
                rank += usize::from(size >= 2 && busy && lasted >= LASTING); // by then it is no restart
            }
            Direction::Spike => match part {
                Some(part) if part < MEDIUM_PART => rank = rank.min(1),
                Some(part) if part < HIGH_PART => rank = rank.min(2),
                _ => {}
            },
        }
        match rank {
            0 => Severity::Low,
            1 => Severity::Medium,
            2 => Severity::High,
            _ => Severity::Critical,
        }
    }

    /// The class of several series together, of which one for itself is `worst`: that they begin together leaves no doubt. A loss
    /// of what nobody misses is no worse for being of many.
    pub(crate) fn of_group(facts: Facts, worst: Severity) -> Severity {
        let size = (facts.observed - facts.expected).abs();
        if facts.whole.is_some_and(|whole| size < BUSY_PART * whole) {
            return worst;
        }
        Severity::of(Facts { score: CERTAIN, ..facts }).max(worst)
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

    fn facts(direction: Direction, score: f64, observed: f64, expected: f64) -> Facts {
        Facts { direction, score, observed, expected, lasted: 60, whole: None }
    }

    #[test]
    fn severity_needs_both_certainty_and_size() {
        let of = |direction, score, observed, expected| Severity::of(facts(direction, score, observed, expected));
        assert_eq!(of(Direction::Spike, 1.0, 110.0, 100.0), Severity::Low);
        assert_eq!(of(Direction::Spike, 9.0, 110.0, 100.0), Severity::Medium);
        assert_eq!(of(Direction::Spike, 9.0, 1_500.0, 100.0), Severity::Critical);
        assert_eq!(of(Direction::Drop, 4.0, 0.0, 100.0), Severity::Critical);
        assert_eq!(of(Direction::Drop, 1.0, 30.0, 100.0), Severity::Medium);
        assert_eq!(of(Direction::Spike, 2.0, 5.0, 0.0), Severity::High);
    }

    #[test]
    fn a_total_loss_of_a_busy_series_is_high_and_critical_when_it_lasts() {
        let loss = facts(Direction::Drop, 1.0, 0.0, 100.0);
        assert_eq!(Severity::of(loss), Severity::High);
        assert_eq!(Severity::of(Facts { lasted: LASTING, ..loss }), Severity::Critical);
        assert_eq!(Severity::of(Facts { whole: Some(1e6), lasted: LASTING, ..loss }), Severity::Medium);
    }

    #[test]
    fn a_spike_is_limited_by_its_part_of_the_whole() {
        let backup = facts(Direction::Spike, 6.0, 1_000.0, 50.0);
        assert_eq!(Severity::of(Facts { whole: Some(20_000.0), ..backup }), Severity::Medium);
        assert_eq!(Severity::of(Facts { whole: Some(5_000.0), ..backup }), Severity::High);
        assert_eq!(Severity::of(Facts { whole: Some(500.0), ..backup }), Severity::Critical);
    }
}
