//! The bytes of each talker in one window, beside those of the habit.
//!
//! Talkers are told apart by a small hash table, made anew for each series and window, that holds who is in the habit and
//! who is in the sample: one step for each of them instead of sorting both and going through them together. Whoever
//! makes ids that collide makes it as slow as a search through the list, which is short.

use super::talker::TalkerKey;

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Bytes of those who are in the habit, in its order.
    pub(crate) known: Vec<u64>,
    /// The others and their bytes.
    pub(crate) fresh: Vec<(TalkerKey, u64)>,
    /// Open addressing by the lowest bits of the id: a place in `known`, then in `fresh`, counted from 1; 0 is free.
    table: Vec<u16>,
}

impl Tally {
    /// Counts the records of a window: the talker of each, and its bytes.
    pub(crate) fn count<'a>(
        &mut self,
        habit: &[(TalkerKey, f64)],
        records: impl ExactSizeIterator<Item = (&'a TalkerKey, u64)>,
    ) {
        let Tally { known, fresh, table } = self;
        known.clear();
        known.resize(habit.len(), 0);
        fresh.clear();
        table.clear();
        // At least half of it stays free. A sample has at most 4,096 records, so places fit into 16 bits.
        table.resize((2 * (habit.len() + records.len())).next_power_of_two(), 0);
        let mask = table.len() - 1;
        for (place, entry) in (1..).zip(habit) {
            let mut at = entry.0.id() as usize & mask;
            while table[at] > 0 {
                at = (at + 1) & mask;
            }
            table[at] = place;
        }
        for (talker, bytes) in records {
            let mut at = talker.id() as usize & mask;
            loop {
                let place = usize::from(table[at]);
                if place == 0 {
                    fresh.push((*talker, bytes));
                    table[at] = (known.len() + fresh.len()) as u16;
                    break;
                }
                let (held, sum) = match known.get_mut(place - 1) {
                    Some(sum) => (&habit[place - 1].0, sum),
                    None => {
                        let entry = &mut fresh[place - 1 - habit.len()];
                        (&entry.0, &mut entry.1)
                    }
                };
                if held == talker {
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
            let habit: Vec<_> = habit.iter().map(|&port| (TalkerKey::to_port(port), 1.0)).collect();
            let records: Vec<_> = records.iter().map(|&(port, bytes)| (TalkerKey::to_port(port), bytes)).collect();
            let mut tally = Tally::default();
            // What the same tally counted before leaves no trace.
            for _ in 0..2 {
                tally.count(&habit, records.iter().map(|(talker, bytes)| (talker, *bytes)));
            }
            let mut wanted: BTreeMap<_, u64> = habit.iter().map(|entry| (entry.0, 0)).collect();
            records.iter().for_each(|&(talker, bytes)| *wanted.entry(talker).or_default() += bytes);
            let known = habit.iter().map(|entry| entry.0).zip(tally.known.iter().copied());
            let counted: Vec<_> = known.chain(tally.fresh.iter().copied()).collect();
            prop_assert_eq!(counted.len(), wanted.len());
            prop_assert_eq!(counted.into_iter().collect::<BTreeMap<_, _>>(), wanted);
        }
    }
}
