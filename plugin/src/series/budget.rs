//! How many weak alerts there may be: a budget over all series.
//!
//! Severe incidents, those that last, and groups are always told. The others (low and medium, short) spend the budget of
//! `detect.alerts_per_day`: each that is told adds one, and as many as may be told in a day go off in a day. As long as at most
//! [`SAVED`] days are spent, all are told; then the least significant wait first. With `spent` alerts one has to score
//!
//! ```text
//! spent / (SAVED · alerts_per_day),  as a multiple of 1 or of the highest weak score of its own series of late
//! ```
//!
//! so that of a series that always does the same only what is new is told, and the rate of a fleet comes down to the budget.
//! Of several in one window the most significant comes first. What people have called real spends nothing.

use super::engine::Engine;
use super::notice::Kind;
use super::scratch::Closed;
use crate::incident::{Change, Severity};
use crate::order;
use crate::state::state;

/// Days of the budget that may be spent in advance: some real events on one day are no reason to demand more.
const SAVED: f64 = 7.0;
/// The most that is demanded: no budget is overdrawn for more than three weeks.
const MOST: f64 = 4.0;

/// What is spent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Budget {
    /// Weak alerts that were told, less those that the time since allowed.
    spent: f64,
}

state!(Budget { spent });

impl Budget {
    /// Lets so many seconds pass.
    fn pass(&mut self, seconds: f64, per_day: f64) {
        // Beyond, nothing is demanded that could come about.
        let most = MOST * SAVED * per_day;
        self.spent = (self.spent - per_day * seconds / 86_400.0).max(0.0).min(most);
    }

    fn spend(&mut self) {
        self.spent += 1.0;
    }

    /// Whether a weak incident is told that is so significant.
    fn allows(&self, significance: f64, per_day: f64) -> bool {
        let saved = SAVED * per_day;
        self.spent < saved || (saved > 0.0 && significance >= self.spent / saved)
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.spent.is_finite() && self.spent >= 0.0
    }
}

impl Engine {
    /// Decides which of the weak incidents of a window that wait are told.
    pub(super) fn spend_budget(&mut self, closed: &mut [Closed]) {
        let per_day = self.settings.alerts_per_day;
        self.budget.pass(self.settings.window.into(), per_day);
        let mut waiting: Vec<(f64, usize)> = Vec::new();
        for (place, closed) in closed.iter().enumerate().filter(|(_, closed)| !closed.total) {
            if let Some(significance) = closed.step.waiting.filter(|_| closed.step.active.is_none()) {
                // What people have called real is worth any budget.
                waiting.push((if self.is_real(closed.slot) { f64::INFINITY } else { significance }, place));
            }
            let is_weak = closed.step.active == Some(Change::Opened)
                && self
                    .open_incident(closed.slot)
                    .is_some_and(|incident| incident.group.is_none() && incident.severity < Severity::High);
            if is_weak {
                // It is told since it lasts.
                self.budget.spend();
            }
            if closed.step.withheld {
                self.notices.add(Kind::Withheld, 1);
            }
        }
        order::sort_by(&mut waiting, |a, b| b.0.total_cmp(&a.0));
        for (significance, place) in waiting {
            if significance == f64::INFINITY {
                self.announce(&mut closed[place]);
            } else if self.budget.allows(significance, per_day) {
                self.budget.spend();
                self.announce(&mut closed[place]);
            }
        }
    }

    /// Whether people have called such incidents of the series real as the one that is open.
    fn is_real(&self, slot: u32) -> bool {
        self.registry.slot(slot).track.as_ref().is_some_and(|track| {
            track.lifecycle.current().is_some_and(|incident| track.feedback.is_real(incident.direction))
        })
    }

    /// Tells of the incident of a series, if it was not told.
    pub(super) fn announce(&mut self, closed: &mut Closed) {
        if let Some(track) = &mut self.registry.slot_mut(closed.slot).track
            && let Some(change) = track.lifecycle.announce()
        {
            closed.step.active = Some(change);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_weak_alerts_comes_down_to_the_budget_and_the_most_significant_are_told() {
        // Ten candidates a day for a year, with scores of a tail of power 3.5: s with a chance of s^−3.5.
        let (mut budget, mut told, mut lowest) = (Budget::default(), 0, f64::INFINITY);
        let candidates = 3_650;
        for index in 0..candidates {
            budget.pass(8_640.0, 1.0);
            let chance = (f64::from(index * 7_919 % candidates) + 0.5) / f64::from(candidates);
            let score = libm::pow(chance, -1.0 / 3.5);
            if budget.allows(score, 1.0) {
                budget.spend();
                told += 1;
                if index > 200 {
                    lowest = f64::min(lowest, score);
                }
            }
        }
        assert!((350..400).contains(&told), "{told}");
        assert!(lowest > 1.5, "{lowest}");
    }

    #[test]
    fn few_are_all_told_and_with_no_budget_none() {
        let mut budget = Budget::default();
        for _ in 0..100 {
            budget.pass(2.0 * 86_400.0, 1.0);
            assert!(budget.allows(0.75, 1.0));
            budget.spend();
        }
        budget.pass(60.0, 0.0);
        assert!(!budget.allows(100.0, 0.0));
    }
}
