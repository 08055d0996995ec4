//! The series that are known, by key, at most `max_series` of them.

use core::ops::RangeInclusive;

use super::cell::Cells;
use super::recency::Recency;
use super::table::{Bucket, Table};
use super::track::Track;
use crate::hash::{MULTIPLIER, hash, is_same};
use crate::incident::{Incident, Origin};
use crate::order;
use crate::state::state;

/// A series after its first window, before its second with any record: too little to spend a detector on, and all that a
/// spoofed key ever is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Newborn {
    pub(crate) window: i64,
    /// `None`: unknown.
    pub(crate) value: Option<f64>,
    /// Windows since that were closed with the series at zero.
    pub(crate) zeros: u32,
}

state!(Newborn { window, value, zeros });

/// What a key stands for. A value can end in `/`, so the key doesn't tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Keyed {
    /// A series of records.
    #[default]
    Series,
    /// The total of all series whose keys begin like that.
    Prefix,
}

state!(
    enum Keyed {
        Series,
        Prefix,
    }
);

/// A series.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slot {
    pub(crate) key: Vec<u8>,
    hash: u64,
    taken: bool,
    pub(crate) kind: Keyed,
    /// The newest window with a record.
    pub(crate) touched: i64,
    /// The newest closed window with traffic, or the first closed one; nothing before that.
    pub(crate) active: i64,
    pub(crate) cells: Cells,
    pub(crate) newborn: Option<Newborn>,
    pub(crate) track: Option<Box<Track>>,
    /// Where it is.
    pub(crate) origin: Option<Box<Origin>>,
}

state!(Slot { key, hash, taken, kind, touched, active, cells, newborn, track, origin since 9 });

impl Slot {
    /// Event time goes back to the beginning of a window, at `second`. Gives back an open incident that began later.
    pub(crate) fn go_back(&mut self, window: i64, second: i64) -> Option<Box<Incident>> {
        self.touched = self.touched.min(window);
        self.active = self.active.min(window);
        if let Some(newborn) = &mut self.newborn {
            newborn.window = newborn.window.min(window - 1);
        }
        self.track.as_mut()?.lifecycle.go_back(second)
    }
}

/// The seed of the keys' hash. Fixed, as the same input must give the same output everywhere.
const SEED: u64 = 0x666C_6F77_7363_6F72;

/// The hash by which a key is found.
#[inline]
pub(crate) fn key_hash(key: &[u8], kind: Keyed) -> u64 {
    hash(SEED ^ kind as u64, key)
}

/// Slots, found by key and replaced by recency. Slot 0 is the total: always there, under no key.
#[derive(Clone, Debug)]
pub(crate) struct Registry {
    capacity: u32,
    slots: Vec<Slot>,
    table: Table,
    recency: Recency,
    free: Vec<u32>,
    /// Hashes of series with a history that are gone, each at the place its low bits say.
    gone: Vec<u64>,
    /// Slots found lately, by the ends of their keys: payloads hold one interface each or come in turn from a few. What
    /// is found does not depend on it.
    recent: Recent,
}

state!(Registry { capacity, slots, table, recency, free, gone } default { recent });

/// Slots found lately, each at the place that [`end_of`] gives for its key. The total's is none.
#[derive(Clone, Debug)]
struct Recent([u32; RECENT]);

/// A power of two; in a stream of more series than that, most are looked up.
const RECENT: usize = 1 << RECENT_BITS;
const RECENT_BITS: u32 = 8;

impl Default for Recent {
    fn default() -> Self {
        Recent([TOTAL; RECENT])
    }
}

/// Where a key is remembered: its end tells interfaces apart.
#[inline]
fn end_of(key: &[u8]) -> usize {
    let word = key.last_chunk().map_or(0, |word| u64::from_le_bytes(*word));
    (word.wrapping_mul(MULTIPLIER) >> (u64::BITS - RECENT_BITS)) as usize % RECENT
}

/// Series that can be asked for.
const MOST_SERIES: u32 = 1_000_000;

/// The slot of the total.
pub(crate) const TOTAL: u32 = 0;

/// Places for hashes of series that are gone, at most.
const MOST_GONE: usize = 1 << 16;

/// Makes room in a list of as many as there are series for so many: an eighth more at a time, as to have twice as many as are needed
/// costs more memory than to move them costs time.
#[inline]
pub(crate) fn make_room<T>(list: &mut Vec<T>, count: usize) {
    if count > list.capacity() {
        list.reserve_exact(count + count / 8 - list.len());
    }
}

/// How a key was found.
pub(crate) enum Lookup {
    /// It was known.
    Known(u32),
    /// It wasn't; another series may have had to go, which was moved out.
    New { slot: u32, returned: bool, evicted: Option<Box<Slot>> },
}

impl Registry {
    pub(crate) fn new(capacity: u32) -> Self {
        // One more than series, for the total.
        Registry {
            capacity,
            slots: vec![Slot { taken: true, ..Slot::default() }],
            table: Table::new(capacity as usize + 1),
            recency: Recency::new(capacity),
            free: Vec::new(),
            gone: Vec::new(),
            recent: Recent::default(),
        }
    }

    #[inline]
    pub(crate) fn slot_mut(&mut self, slot: u32) -> &mut Slot {
        &mut self.slots[slot as usize]
    }

    pub(crate) fn slot(&self, slot: u32) -> &Slot {
        &self.slots[slot as usize]
    }

    /// Series known, without the total.
    pub(crate) fn len(&self) -> usize {
        // Of a registry that was read and not checked yet, anything can be.
        self.slots.len().saturating_sub(1 + self.free.len())
    }

    /// All slots that are taken but the total's.
    pub(crate) fn taken(&self) -> impl Iterator<Item = u32> {
        (1..self.slots.len() as u32).filter(|&slot| self.slots[slot as usize].taken)
    }

    /// The slot of a key; a new one is active in `window` first.
    #[inline]
    pub(crate) fn find(&mut self, key: &[u8], kind: Keyed, window: i64) -> Lookup {
        let place = end_of(key);
        let recent = self.recent.0[place];
        let slot = &self.slots[recent as usize];
        if slot.touched >= window && is_same(&slot.key, key) && slot.kind == kind && slot.taken && recent != TOTAL {
            return Lookup::Known(recent);
        }
        self.look_up(key, kind, window, place)
    }

    #[inline(never)]
    fn look_up(&mut self, key: &[u8], kind: Keyed, window: i64, place: usize) -> Lookup {
        let hash = key_hash(key, kind);
        let is_it = |slot: u32| {
            let slot = &self.slots[slot as usize];
            slot.kind == kind && is_same(&slot.key, key)
        };
        let Some(slot) = self.table.find(hash, is_it) else {
            return self.add(key, kind, hash, window);
        };
        self.recent.0[place] = slot;
        if self.slots[slot as usize].touched < window {
            self.slots[slot as usize].touched = window;
            self.recency.touch(slot);
        }
        Lookup::Known(slot)
    }

    #[cold]
    fn add(&mut self, key: &[u8], kind: Keyed, hash: u64, window: i64) -> Lookup {
        let returned = self.take_gone(hash);
        // One series goes at most: where the table is crowded it is one of those around, which makes room as well.
        let (bucket, evicted) = match self.table.place(hash) {
            Bucket::Crowded => {
                // The least recently active there, to the window.
                let neighbours = self.table.neighbours(hash);
                let oldest = neighbours.min_by_key(|&slot| (self.slots[slot as usize].touched, slot)).unwrap_or(TOTAL);
                (self.table.replace(oldest), Some(self.clear(oldest)))
            }
            Bucket::Free(bucket) if self.len() < self.capacity as usize => (bucket, None),
            Bucket::Free(bucket) => {
                let evicted = self.victim(returned).map(|victim| self.evict(victim));
                // Those behind a series that goes move up, so a nearer bucket can be free now, but none is taken.
                let nearest = self.table.place(hash);
                (if let Bucket::Free(nearest) = nearest { nearest } else { bucket }, evicted)
            }
        };
        let slot = self.free.pop().unwrap_or(self.slots.len() as u32);
        if slot as usize == self.slots.len() {
            make_room(&mut self.slots, slot as usize + 1);
            self.slots.push(Slot::default());
        }
        self.table.insert(slot, hash, bucket);
        self.recency.insert(slot);
        let place = &mut self.slots[slot as usize];
        place.key.extend_from_slice(key);
        place.hash = hash;
        place.taken = true;
        place.kind = kind;
        place.touched = window;
        if returned {
            self.recency.touch(slot);
        }
        Lookup::New { slot, returned, evicted }
    }

    /// The series to make room. One that returns shows that newcomers are not the ones to do without: then a series with a
    /// history goes, if it has been inactive for longer (as a hit in a ghost list has it in ARC: Megiddo and Modha,
    /// FAST 2003).
    fn victim(&self, returned: bool) -> Option<u32> {
        let [newcomer, settled] = self.recency.victims();
        let touched = |slot: u32| self.slots[slot as usize].touched;
        match (newcomer, settled) {
            (Some(newcomer), Some(settled)) if returned && touched(settled) < touched(newcomer) => Some(settled),
            (newcomer, settled) => newcomer.or(settled),
        }
    }

    /// Takes a series out and remembers it if it had a history.
    fn evict(&mut self, slot: u32) -> Box<Slot> {
        self.table.remove(slot);
        self.clear(slot)
    }

    fn clear(&mut self, slot: u32) -> Box<Slot> {
        self.recency.remove(slot);
        self.free.push(slot);
        let out = Box::new(core::mem::take(&mut self.slots[slot as usize]));
        if out.track.is_some() {
            if self.gone.is_empty() {
                self.gone = vec![0; (self.capacity as usize).next_power_of_two().clamp(64, MOST_GONE)];
            }
            let mask = self.gone.len() - 1;
            self.gone[out.hash as usize & mask] = out.hash;
        }
        out
    }

    /// Forgets a series, as if it had never been.
    pub(crate) fn forget(&mut self, slot: u32) -> Box<Slot> {
        self.table.remove(slot);
        self.recency.remove(slot);
        self.free.push(slot);
        Box::new(core::mem::take(&mut self.slots[slot as usize]))
    }

    /// Whether the series with this hash had a history and was evicted; says so once.
    fn take_gone(&mut self, hash: u64) -> bool {
        let mask = self.gone.len().wrapping_sub(1);
        match self.gone.get_mut(hash as usize & mask) {
            Some(place) if *place == hash => {
                *place = 0;
                true
            }
            _ => false,
        }
    }

    /// Makes a deserialised registry usable; `false` if it can't be one.
    pub(crate) fn revive(&mut self, windows: RangeInclusive<i64>, sample: usize) -> bool {
        let taken: Vec<bool> = (0..).zip(&self.slots).map(|(slot, s): (u32, _)| s.taken && slot != TOTAL).collect();
        let hashes: Vec<Option<u64>> =
            self.slots.iter().zip(&taken).map(|(slot, taken)| taken.then_some(slot.hash)).collect();
        // Of the past, any window can be remembered.
        let windows_before = 0..=*windows.end();
        let mut free = self.free.clone();
        order::sort(&mut free);
        free.dedup();
        let capacity = self.capacity;
        (1..=MOST_SERIES).contains(&capacity)
            && self.slots.first().is_some_and(|total| total.taken && total.key.is_empty())
            && self.len() <= capacity as usize
            && free.len() == self.free.len()
            && free.len() == self.slots.iter().filter(|slot| !slot.taken).count()
            && free.iter().all(|&slot| self.slots.get(slot as usize).is_some_and(|slot| !slot.taken))
            && self.slots.iter().all(|slot| {
                (slot.taken || (slot.key.is_empty() && slot.track.is_none() && slot.cells.len() == 0))
                    && slot.cells.is_valid(&windows, sample)
                    && self.slots.first().is_some_and(|total| slot.cells.are_among(&total.cells))
                    && slot.track.as_ref().is_none_or(|track| track.is_valid())
                    && slot.newborn.is_none_or(|newborn| {
                        windows_before.contains(&newborn.window) && newborn.value.is_none_or(f64::is_finite)
                    })
                    && windows_before.contains(&slot.active)
            })
            && self.slots.iter().skip(1).all(|slot| !slot.taken || slot.hash == key_hash(&slot.key, slot.kind))
            && (self.gone.is_empty() || self.gone.len() == (capacity as usize).next_power_of_two().clamp(64, MOST_GONE))
            && self.recency.is_valid(capacity, &taken)
            && self.table.revive(capacity as usize + 1, &hashes)
    }

    /// Makes room for another number of series; not for fewer than there are.
    pub(crate) fn resize(&mut self, capacity: u32) {
        if capacity == self.capacity || self.len() > capacity as usize {
            return;
        }
        self.capacity = capacity;
        self.gone = Vec::new();
        self.recent = Recent::default();
        self.recency.resize(capacity);
        for slot in self.table.resize(capacity as usize + 1, |slot| self.slots[slot as usize].taken && slot != TOTAL) {
            self.recency.remove(slot);
            self.free.push(slot);
            self.slots[slot as usize] = Slot::default();
        }
    }

    /// Takes the samples of talkers of open windows out.
    pub(crate) fn drop_samples(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.cells.drop_samples());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_table_is_full_and_crowded_one_series_goes_and_is_handed_over() {
        const CAPACITY: u32 = 70;
        let mut registry = Registry::new(CAPACITY);
        // Six from anywhere, the least recently active, and as many as crowd the buckets behind one home.
        let keys = (0..).map(|number: u32| number.to_le_bytes());
        let home =
            |key: &[u8]| key_hash(key, Keyed::Series) as usize % (4 * (CAPACITY as usize + 1)).next_power_of_two();
        let elsewhere = keys.clone().filter(|key| home(key) > 200).take(6);
        let crowd = keys.filter(|key| home(key) == 100).take(65);
        let (mut added, mut evicted) = (0, 0);
        for (window, key) in (0..).zip(elsewhere.chain(crowd)) {
            let Lookup::New { evicted: gone, .. } = registry.find(&key, Keyed::Series, window) else {
                panic!("{key:?} is known")
            };
            added += 1;
            evicted += usize::from(gone.is_some());
        }
        assert_eq!((added, evicted, registry.len()), (71, 1, CAPACITY as usize));
    }
}
