//! What a series' talkers do in ordinary windows: the baseline that the talkers of an alert are compared with.
//!
//! Misra-Gries counters with decay: each ordinary window moves every talker's mean towards the window's bytes; when more
//! than [`CAPACITY`] talkers are left, the largest of those that don't fit is taken off everyone, and who has nothing left
//! goes. So a talker's mean is never too high, and too low by at most M/(CAPACITY + 1), where M is the series' own decayed
//! mean (Agarwal et al., "Mergeable summaries", PODS 2012, lemma 1; decay scales both sides of it).

use super::talker::TalkerKey;
use crate::order;
use crate::snapshot::state;

/// Talkers kept: the error is 1.5 % of the series' traffic, and the memory 48 × 64 bytes = 3 KB a series.
pub(crate) const CAPACITY: usize = 64;

/// Windows that the baseline looks back: an hour of one-minute windows, short against a day's rhythm.
pub(crate) const MEMORY: f64 = 60.0;

/// Mean bytes a window for each of the heaviest talkers, sorted by talker.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Habit(Vec<(TalkerKey, f64)>);

state!(Habit { 0 });

impl Habit {
    /// Learns the `totals` (sorted by talker) of the `n`th ordinary window, counted from 1.
    pub(crate) fn learn(&mut self, n: u64, totals: &[(TalkerKey, u64)], merged: &mut Vec<(TalkerKey, f64)>) {
        let rate = rate(n);
        merged.clear();
        let (mut old, mut new) = (self.0.iter().peekable(), totals.iter().peekable());
        while let (Some(key), _) | (None, Some(key)) =
            (old.peek().map(|entry| entry.0), new.peek().map(|entry| entry.0))
        {
            // The smaller of the two heads; both at once if they are the same talker.
            let key = new.peek().map_or(key, |entry| entry.0.min(key));
            let mean = old.next_if(|entry| entry.0 == key).map_or(0.0, |entry| entry.1);
            let bytes = new.next_if(|entry| entry.0 == key).map_or(0.0, |entry| entry.1 as f64);
            merged.push((key, mean + rate * (bytes - mean)));
        }
        let mut taken_off = 0.0;
        if merged.len() > CAPACITY {
            let mut means: Vec<f64> = merged.iter().map(|entry| entry.1).collect();
            taken_off = order::nth(&mut means, CAPACITY, |a, b| b < a).unwrap_or(0.0);
        }
        self.0.clear();
        // Less than a byte in a thousand windows is nobody.
        let alive = |mean: &f64| *mean > 1e-3;
        self.0.extend(merged.iter().map(|entry| (entry.0, entry.1 - taken_off)).filter(|entry| alive(&entry.1)));
    }

    /// Talkers and their mean bytes a window, sorted by talker.
    pub(crate) fn means(&self) -> &[(TalkerKey, f64)] {
        &self.0
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.0.len() <= CAPACITY
            && self.0.windows(2).all(|pair| pair[0].0 < pair[1].0)
            && self.0.iter().all(|entry| entry.1.is_finite() && entry.1 > 0.0)
    }
}

/// The weight of the `n`th of a series of values in their mean: all alike at first, then decaying.
pub(crate) fn rate(n: u64) -> f64 {
    (1.0 / n.max(1) as f64).max(1.0 / MEMORY)
}

#[cfg(test)]
mod tests {
    use super::super::talker::Talker;
    use super::*;
    use proptest::prelude::*;

    fn key(port: u16) -> TalkerKey {
        TalkerKey::new(&Talker { srcaddr: b"10.0.0.1", dstaddr: b"10.0.0.2", srcport: 0, dstport: port, protocol: 6 })
    }

    proptest! {
        #[test]
        fn means_are_never_too_high_and_too_low_by_at_most_the_bound(
            windows in prop::collection::vec(prop::collection::btree_map(0u16..300, 1u64..1_000_000, 0..120), 1..40),
        ) {
            let (mut habit, mut merged) = (Habit::default(), Vec::new());
            let (mut exact, mut all) = (std::collections::BTreeMap::<u16, f64>::new(), 0.0);
            for (n, window) in (1..).zip(&windows) {
                let mut totals: Vec<_> = window.iter().map(|(&port, &bytes)| (key(port), bytes)).collect();
                totals.sort_unstable();
                habit.learn(n, &totals, &mut merged);
                exact.values_mut().for_each(|mean| *mean *= 1.0 - rate(n));
                for (&port, &bytes) in window {
                    *exact.entry(port).or_default() += rate(n) * bytes as f64;
                }
                all += rate(n) * (window.values().sum::<u64>() as f64 - all);
                prop_assert!(habit.is_valid());
            }
            for (&port, &mean) in &exact {
                let held = habit.means().iter().find(|entry| entry.0 == key(port)).map_or(0.0, |entry| entry.1);
                prop_assert!(held <= mean * (1.0 + 1e-9) && held >= mean - all / (CAPACITY + 1) as f64 - 0.1, "{held} for {mean} of {all}");
            }
        }
    }
}
