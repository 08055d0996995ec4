//! The bytes of each talker in one window, beside those of the habit.
//!
//! Talkers are told apart by a small hash table, made anew for each series and window, that holds who is in the sample; then each
//! of the habit is looked up in it: one step for each of them instead of sorting both and going through them together. Whoever
//! makes ids that collide makes it as slow as a search through the list, which is short.

use super::habit::Habit;
use super::talker::TalkerKey;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Bytes of those who are in the habit, in its order.
    pub(crate) known: Vec<u64>,
    /// The others and their bytes.
    pub(crate) fresh: Vec<(TalkerKey, u64)>,
    /// Open addressing by the lowest bits of the id: a place in `fresh`, counted from 1; 0 is free.
    table: Vec<u16>,
    /// Who of `fresh` turned out to be known.
    found: Vec<bool>,
}

impl Tally {
    /// Counts the records of a window: the talker of each, and its bytes.
    pub(crate) fn count<'a>(&mut self, habit: &Habit, records: impl ExactSizeIterator<Item = (&'a TalkerKey, u64)>) {
        let Tally { known, fresh, table, found } = self;
        fresh.clear();
        table.clear();
        // Most of it stays free, so that who isn't there is seldom taken for another. A sample has at most 4,096 records, so
        // places fit into 16 bits.
        table.resize((8 * records.len()).next_power_of_two(), 0);
        let mask = table.len() - 1;
        for (talker, bytes) in records {
            let mut at = talker.id as usize & mask;
            loop {
                match usize::from(table[at]).checked_sub(1).map(|place| &mut fresh[place]) {
                    None => {
                        fresh.push((talker.clone(), bytes));
                        table[at] = fresh.len() as u16;
                        break;
                    }
                    Some((held, sum)) if held == talker => {
                        *sum = sum.saturating_add(bytes);
                        break;
                    }
                    Some(_) => at = (at + 1) & mask,
                }
            }
        }
        known.clear();
        found.clear();
        found.resize(fresh.len(), false);
        known.extend(habit.means().iter().enumerate().map(|(place, (id, _))| {
            let mut at = *id as usize & mask;
            while let Some(in_sample) = usize::from(table[at]).checked_sub(1) {
                let (talker, bytes) = &fresh[in_sample];
                if habit.is_at(place, talker) {
                    found[in_sample] = true;
                    return *bytes;
                }
                at = (at + 1) & mask;
            }
            0
        }));
        let mut found = found.iter();
        fresh.retain(|_| found.next() == Some(&false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn every_record_counts_for_its_talker_and_no_other(
            habit in prop::collection::btree_set(0u16..200, 0..=64),
            records in prop::collection::vec((0u16..200, 1u64..1_000), 0..150),
        ) {
            let habit: Habit = habit.iter().map(|&port| (TalkerKey::to_port(port), 1.0)).collect();
            let records: Vec<_> = records.iter().map(|&(port, bytes)| (TalkerKey::to_port(port), bytes)).collect();
            let mut tally = Tally::default();
            // What the same tally counted before leaves no trace.
            for _ in 0..2 {
                tally.count(&habit, records.iter().map(|(talker, bytes)| (talker, *bytes)));
            }
            let mut wanted: BTreeMap<_, u64> = habit.entries().map(|entry| (entry.0, 0)).collect();
            records.iter().for_each(|(talker, bytes)| *wanted.entry(talker.clone()).or_default() += bytes);
            let known = habit.entries().map(|entry| entry.0).zip(tally.known.iter().copied());
            let counted: Vec<_> = known.chain(tally.fresh.iter().cloned()).collect();
            prop_assert_eq!(counted.len(), wanted.len());
            prop_assert_eq!(counted.into_iter().collect::<BTreeMap<_, _>>(), wanted);
        }
    }
}
