//! The bytes of each talker in one window, beside those of the habit.
//!
//! Talkers are told apart by a small hash table, made anew for each series and window, that holds who is in the sample; each of
//! them is looked up in the habit once. Whoever makes marks that collide makes it as slow as a search through the list, which is
//! short.

use super::habit::{CAPACITY, Habit};
use super::talker::TalkerKey;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Bytes of those who are in the habit, in its order.
    pub(crate) known: Vec<u64>,
    /// Who of them is in the window: a bit for each.
    pub(crate) present: u64,
    /// The others and their bytes.
    pub(crate) fresh: Vec<(TalkerKey, u64)>,
    /// Open addressing by bits of the mark: a place in `known`, counted from 1, or one in `fresh`, counted from [`FRESH`]; 0 is free.
    table: Vec<u16>,
}

/// The first number in the table that stands for one of `fresh`.
const FRESH: usize = CAPACITY + 1;

impl Tally {
    /// Counts the records of a window: the talker of each, and its bytes.
    pub(crate) fn count<'a>(&mut self, habit: &Habit, records: impl ExactSizeIterator<Item = (&'a TalkerKey, u64)>) {
        let Tally { known, present, fresh, table } = self;
        known.clear();
        known.resize(habit.len(), 0);
        *present = 0;
        fresh.clear();
        table.clear();
        // Most of it stays free, so that who isn't there is seldom taken for another. A sample has at most 4,096 records, so
        // places fit into 16 bits.
        table.resize((8 * records.len()).next_power_of_two(), 0);
        let mask = table.len() - 1;
        let places = habit.places();
        for (talker, bytes) in records {
            let mark = talker.mark();
            let mut at = mark as usize & mask;
            loop {
                let held = match usize::from(table[at]) {
                    0 => {
                        table[at] = match habit.place(&places, talker, mark) {
                            Some(place) => {
                                known[place] = bytes;
                                *present |= 1 << place;
                                place + 1
                            }
                            None => {
                                fresh.push((talker.clone(), bytes));
                                CAPACITY + fresh.len()
                            }
                        } as u16;
                        break;
                    }
                    FRESH.. => {
                        let (held, sum) = &mut fresh[usize::from(table[at]) - FRESH];
                        (held == talker).then_some(sum)
                    }
                    place => habit.is_at(place - 1, talker).then(|| &mut known[place - 1]),
                };
                if let Some(sum) = held {
                    *sum = sum.saturating_add(bytes);
                    break;
                }
                at = (at + 1) & mask;
            }
        }
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
