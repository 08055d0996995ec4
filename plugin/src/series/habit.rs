//! What a series' talkers do in ordinary windows: the baseline that the talkers of an alert are compared with.
//!
//! Misra-Gries counters with decay: each ordinary window moves every talker's mean towards the window's bytes; when more
//! than [`CAPACITY`] talkers are left, the largest of those that don't fit is taken off everyone, and who has nothing left
//! goes. So a talker's mean is never too high, and too low by at most M/(CAPACITY + 1), where M is the series' own decayed
//! mean (Agarwal et al., "Mergeable summaries", PODS 2012, lemma 1; decay scales both sides of it).

use core::cmp::Reverse;

use super::talker::{Ends, TalkerKey};
use super::tally::Tally;
use crate::state::{Reader, State};

/// Talkers kept: the error is 1.5 % of the series' traffic, and the memory 32 × 64 bytes = 2 KB a series.
pub(crate) const CAPACITY: usize = 64;

/// Windows that the baseline looks back: an hour of one-minute windows, short against a day's rhythm.
pub(crate) const MEMORY: f64 = 60.0;

/// Talkers for which room is made at once.
const STEP: usize = 8;

/// Mean bytes a window for each of the heaviest talkers, in an order that means nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Habit {
    /// The hash of each, and its mean: what each window looks at.
    means: Vec<(u64, f64)>,
    /// The rest of what is known of them.
    ends: Vec<Ends>,
}

/// A list of talkers and means.
impl State for Habit {
    fn save(&self, out: &mut Vec<u8>) {
        self.means.len().save(out);
        self.entries().for_each(|entry| entry.save(out));
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        Vec::load(reader).into_iter().collect()
    }
}

impl FromIterator<(TalkerKey, f64)> for Habit {
    fn from_iter<T: IntoIterator<Item = (TalkerKey, f64)>>(entries: T) -> Self {
        let (means, ends) = entries.into_iter().map(|(talker, mean)| ((talker.id, mean), talker.ends)).unzip();
        Habit { means, ends }
    }
}

impl Habit {
    /// Learns the `n`th ordinary window, counted from 1.
    pub(crate) fn learn(&mut self, n: u64, tally: &Tally, means: &mut Vec<f64>) {
        let rate = rate(n);
        let towards = |mean: f64, bytes: u64| mean + rate * (bytes as f64 - mean);
        for (entry, &bytes) in self.means.iter_mut().zip(&tally.known) {
            entry.1 = towards(entry.1, bytes);
        }
        let mut taken_off = 0.0;
        if self.means.len() + tally.fresh.len() > CAPACITY {
            means.clear();
            means.extend(self.means.iter().map(|entry| entry.1));
            means.extend(tally.fresh.iter().map(|entry| towards(0.0, entry.1)));
            // Bits of numbers that are not below 0 are in their order.
            taken_off = *means.select_nth_unstable_by_key(CAPACITY, |mean| Reverse(mean.to_bits())).1;
        }
        // Less than a byte in a thousand windows is nobody.
        let alive = |mean: f64| mean > 1e-3;
        let fresh = tally.fresh.iter().map(|(talker, bytes)| (talker, towards(0.0, *bytes) - taken_off));
        let mut fresh = fresh.filter(|(_, mean)| alive(*mean));
        // Who goes leaves the place to a newcomer, so that the others stay where they are.
        let mut at = 0;
        while at < self.means.len() {
            self.means[at].1 -= taken_off;
            if !alive(self.means[at].1) {
                let Some((talker, mean)) = fresh.next() else {
                    self.means.swap_remove(at);
                    self.ends.swap_remove(at);
                    continue;
                };
                self.means[at] = (talker.id, mean);
                self.ends[at] = talker.ends.clone();
            }
            at += 1;
        }
        for (talker, mean) in fresh {
            if self.means.len() == self.means.capacity() {
                self.means.reserve_exact(STEP);
                self.ends.reserve_exact(STEP);
            }
            self.means.push((talker.id, mean));
            self.ends.push(talker.ends.clone());
        }
    }

    /// The hashes of the talkers, and their mean bytes a window; each talker once.
    pub(crate) fn means(&self) -> &[(u64, f64)] {
        &self.means
    }

    /// Whether a talker is the one at a place.
    pub(crate) fn is_at(&self, place: usize, talker: &TalkerKey) -> bool {
        self.means.get(place).is_some_and(|(id, _)| *id == talker.id) && self.ends.get(place) == Some(&talker.ends)
    }

    /// Talkers and their mean bytes a window, each talker once.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (TalkerKey, f64)> + '_ {
        let talkers = self.means.iter().zip(&self.ends);
        talkers.map(|(&(id, mean), ends)| (TalkerKey { id, ends: ends.clone() }, mean))
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.means.len() <= CAPACITY && self.means.iter().all(|entry| entry.1.is_finite() && entry.1 > 0.0)
    }
}

/// The weight of the `n`th of a series of values in their mean: all alike at first, then decaying.
pub(crate) fn rate(n: u64) -> f64 {
    (1.0 / n.max(1) as f64).max(1.0 / MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn means_are_never_too_high_and_too_low_by_at_most_the_bound(
            windows in prop::collection::vec(prop::collection::btree_map(0u16..300, 1u64..1_000_000, 0..120), 1..40),
        ) {
            let (mut habit, mut tally, mut means) = (Habit::default(), Tally::default(), Vec::new());
            let (mut exact, mut all) = (std::collections::BTreeMap::<u16, f64>::new(), 0.0);
            for (n, window) in (1..).zip(&windows) {
                let talkers: Vec<_> = window.iter().map(|(&port, &bytes)| (TalkerKey::to_port(port), bytes)).collect();
                tally.count(&habit, talkers.iter().map(|(talker, bytes)| (talker, *bytes)));
                habit.learn(n, &tally, &mut means);
                exact.values_mut().for_each(|mean| *mean *= 1.0 - rate(n));
                for (&port, &bytes) in window {
                    *exact.entry(port).or_default() += rate(n) * bytes as f64;
                }
                all += rate(n) * (window.values().sum::<u64>() as f64 - all);
                prop_assert!(habit.is_valid());
            }
            for (&port, &mean) in &exact {
                let held = habit.entries().find(|entry| entry.0 == TalkerKey::to_port(port)).map_or(0.0, |entry| entry.1);
                prop_assert!(held <= mean * (1.0 + 1e-9) && held >= mean - all / (CAPACITY + 1) as f64 - 0.1, "{held} for {mean} of {all}");
            }
        }
    }
}
