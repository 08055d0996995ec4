//! Which slot holds a key: open addressing with linear probing, of fixed size and with a bound on the probes.
//!
//! The table is never more than a quarter full, so [`PROBES`] buckets in a row are taken only if someone makes keys that
//! collide; such a key then takes the place of another in those buckets rather than make every lookup slower.

use super::registry::make_room;
use crate::state::state;

/// Buckets looked at for one key, at most: a few cache lines. At a load of ¼ a run of so many doesn't come by chance.
const PROBES: usize = 64;

/// Where a slot's key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    hash: u64,
    /// `u32::MAX`: nowhere.
    bucket: u32,
}

state!(Entry { hash, bucket });

const NOWHERE: u32 = u32::MAX;

/// Keys are outside; the table knows their hashes.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// By slot.
    entries: Vec<Entry>,
    /// Slot + 1, or 0. Made anew from the entries after a restore.
    buckets: Vec<u32>,
}

state!(Table { entries } default { buckets });

/// The bucket for a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// A free bucket.
    Free(u32),
    /// All are taken; these slots are in the way.
    Crowded,
}

impl Table {
    pub(crate) fn new(capacity: usize) -> Self {
        Table { entries: Vec::new(), buckets: vec![0; Self::size(capacity)] }
    }

    fn size(capacity: usize) -> usize {
        (4 * capacity).next_power_of_two().max(2 * PROBES)
    }

    /// The slot of the key with this hash for which `is_key` says so.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_key: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.buckets.len() - 1;
        let home = hash as usize & mask;
        for probe in 0..PROBES {
            match self.buckets[(home + probe) & mask] {
                0 => return None,
                taken if self.entries[taken as usize - 1].hash == hash && is_key(taken - 1) => return Some(taken - 1),
                _ => {}
            }
        }
        None
    }

    /// Where a key that isn't in the table would go.
    pub(crate) fn place(&self, hash: u64) -> Bucket {
        let mask = self.buckets.len() - 1;
        let home = hash as usize & mask;
        (0..PROBES)
            .map(|probe| (home + probe) & mask)
            .find(|&bucket| self.buckets[bucket] == 0)
            .map_or(Bucket::Crowded, |bucket| Bucket::Free(bucket as u32))
    }

    /// The slots around the home of a hash.
    pub(crate) fn neighbours(&self, hash: u64) -> impl Iterator<Item = u32> {
        let mask = self.buckets.len() - 1;
        let home = hash as usize & mask;
        (0..PROBES).filter_map(move |probe| self.buckets[(home + probe) & mask].checked_sub(1))
    }

    /// Puts a slot into a bucket that [`Table::place`] gave, or into the one that another slot has just lost.
    pub(crate) fn insert(&mut self, slot: u32, hash: u64, bucket: u32) {
        let index = slot as usize;
        if self.entries.len() <= index {
            make_room(&mut self.entries, index + 1);
            self.entries.resize(index + 1, Entry { hash: 0, bucket: NOWHERE });
        }
        self.entries[index] = Entry { hash, bucket };
        self.buckets[bucket as usize] = slot + 1;
    }

    /// Takes a slot out and leaves its bucket to another that is put there at once.
    pub(crate) fn replace(&mut self, slot: u32) -> u32 {
        core::mem::replace(&mut self.entries[slot as usize].bucket, NOWHERE)
    }

    /// Takes a slot out and closes the gap: those behind it move up as far as their homes allow.
    pub(crate) fn remove(&mut self, slot: u32) {
        let mask = self.buckets.len() - 1;
        let mut gap = self.replace(slot) as usize;
        let mut at = gap;
        loop {
            at = (at + 1) & mask;
            let taken = self.buckets[at];
            if taken == 0 {
                break;
            }
            let entry = &mut self.entries[taken as usize - 1];
            let home = entry.hash as usize & mask;
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(gap) & mask) {
                entry.bucket = gap as u32;
                self.buckets[gap] = taken;
                gap = at;
            }
        }
        self.buckets[gap] = 0;
    }

    /// Makes the table one for another number of keys. Gives back the slots, of those that are taken, for which it has no
    /// bucket: only keys made to collide come to that.
    pub(crate) fn resize(&mut self, capacity: usize, is_taken: impl Fn(u32) -> bool) -> Vec<u32> {
        self.buckets = vec![0; Self::size(capacity)];
        let mut without = Vec::new();
        for slot in 0..self.entries.len() as u32 {
            let hash = self.entries[slot as usize].hash;
            self.entries[slot as usize].bucket = NOWHERE;
            match self.place(hash) {
                _ if !is_taken(slot) => {}
                Bucket::Free(bucket) => self.insert(slot, hash, bucket),
                Bucket::Crowded => without.push(slot),
            }
        }
        without
    }

    /// Makes a deserialised table usable; `false` if the slots for which `is_taken` says so, and only those, aren't each
    /// found where they should be.
    pub(crate) fn revive(&mut self, capacity: usize, hashes: &[Option<u64>]) -> bool {
        self.buckets = vec![0; Self::size(capacity)];
        // Slots beyond the last that was ever taken have no entry.
        if self.entries.len() > hashes.len() || hashes[self.entries.len()..].iter().any(Option::is_some) {
            return false;
        }
        for (slot, (entry, hash)) in self.entries.iter().zip(hashes).enumerate() {
            match hash {
                None if entry.bucket == NOWHERE => {}
                Some(hash) if *hash == entry.hash => match self.buckets.get_mut(entry.bucket as usize) {
                    Some(bucket) if *bucket == 0 => *bucket = slot as u32 + 1,
                    _ => return false,
                },
                _ => return false,
            }
        }
        (0..).zip(hashes).all(|(slot, hash)| hash.is_none_or(|hash| self.find(hash, |found| found == slot).is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Hashes are the keys here; few distinct homes, so that runs form, wrap around and get crowded.
        #[test]
        fn keys_are_found_exactly_while_they_are_in(steps in prop::collection::vec((0u64..200, any::<bool>()), 0..400)) {
            let mut table = Table::new(40);
            let mut held: Vec<Option<u64>> = vec![None; 40];
            for (key, insert) in steps {
                // 8 homes at the end of the 256 buckets.
                let hash = key << 32 | (250 + key % 8);
                let slot = held.iter().position(|held| *held == Some(hash));
                prop_assert_eq!(table.find(hash, |found| held[found as usize] == Some(hash)), slot.map(|slot| slot as u32));
                match (slot, held.iter().position(Option::is_none)) {
                    (None, Some(free)) if insert => {
                        if let Bucket::Free(bucket) = table.place(hash) {
                            table.insert(free as u32, hash, bucket);
                            held[free] = Some(hash);
                        }
                    }
                    (Some(slot), _) if !insert => {
                        table.remove(slot as u32);
                        held[slot] = None;
                    }
                    _ => {}
                }
                let mut revived = table.clone();
                revived.buckets.clear();
                prop_assert!(revived.revive(40, &held));
                prop_assert_eq!(&revived.buckets, &table.buckets);
            }
        }
    }

    #[test]
    fn colliding_keys_crowd_each_other_out_and_nobody_else() {
        let mut table = Table::new(1000);
        for slot in 0..64 {
            let Bucket::Free(bucket) = table.place(7) else { panic!("{slot} buckets taken") };
            table.insert(slot, 7, bucket);
        }
        assert_eq!(table.place(7), Bucket::Crowded);
        assert_eq!(table.neighbours(7).count(), 64);
        assert!(matches!(table.place(1000), Bucket::Free(_)));
        let bucket = table.replace(5);
        table.insert(64, 7, bucket);
        assert_eq!(table.find(7, |slot| slot == 64), Some(64));
        assert_eq!(table.find(7, |slot| slot == 5), None);
    }
}
