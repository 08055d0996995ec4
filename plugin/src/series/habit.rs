//! What a series' talkers do in ordinary windows: the baseline that the talkers of an alert are compared with.
//!
//! Misra-Gries counters with decay: each ordinary window moves every talker's mean towards the window's bytes; when more
//! than [`CAPACITY`] talkers are left, the largest of those that don't fit is taken off everyone, and who has nothing left
//! goes. So a talker's mean is never too high, and too low by at most M/(CAPACITY + 1), where M is the series' own decayed
//! mean (Agarwal et al., "Mergeable summaries", PODS 2012, lemma 1; decay scales both sides of it).

use core::cmp::Reverse;

use super::talker::TalkerKey;
use super::tally::Tally;
use crate::state::{Reader, State};

/// Talkers kept: the error is 1.5 % of the series' traffic, and the memory 21 × 64 bytes = 1.3 KB a series. Also the number of bits of those
/// who are present.
pub(crate) const CAPACITY: usize = 64;

/// Windows that the baseline looks back: an hour of one-minute windows, short against a day's rhythm.
pub(crate) const MEMORY: f64 = 60.0;

/// Talkers for which room is made at first; then for twice as many.
const FEWEST: usize = 8;

/// Mean bytes a window for each of the heaviest talkers, in an order that means nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Habit {
    /// The uppermost byte of the mark of each: who is in a window is looked for by it.
    tags: [u8; CAPACITY],
    means: Vec<f64>,
    talkers: Vec<TalkerKey>,
}

impl Default for Habit {
    fn default() -> Self {
        Habit { tags: [0; CAPACITY], means: Vec::new(), talkers: Vec::new() }
    }
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
        let (talkers, means): (Vec<TalkerKey>, Vec<f64>) = entries.into_iter().unzip();
        let mut tags = [0; CAPACITY];
        tags.iter_mut().zip(&talkers).for_each(|(tag, talker)| *tag = tag_of(talker.mark()));
        Habit { tags, means, talkers }
    }
}

impl Habit {
    /// Learns the `n`th ordinary window, counted from 1.
    pub(crate) fn learn(&mut self, n: u64, tally: &Tally, scratch: &mut Vec<f64>) {
        let rate = rate(n);
        let towards = |mean: f64, bytes: u64| mean + rate * (bytes as f64 - mean);
        // Most are not in the window. All go the way of those at once, and the others then get what they have.
        let counted = self.means.len().min(tally.known.len());
        scratch.clear();
        let present = places(tally.present).map(|place| towards(self.means[place], tally.known[place]));
        scratch.extend(present);
        self.means[..counted].iter_mut().for_each(|mean| *mean = towards(*mean, 0));
        places(tally.present).zip(scratch.iter()).for_each(|(place, mean)| self.means[place] = *mean);
        let mut taken_off = 0.0;
        if self.means.len() + tally.fresh.len() > CAPACITY {
            scratch.clear();
            scratch.extend_from_slice(&self.means);
            scratch.extend(tally.fresh.iter().map(|entry| towards(0.0, entry.1)));
            taken_off = nth_largest(scratch, CAPACITY);
        }
        // Less than a byte in a thousand windows is nobody.
        let alive = |mean: f64| mean > 1e-3;
        let fresh = tally.fresh.iter().map(|(talker, bytes)| (talker, towards(0.0, *bytes) - taken_off));
        let mut fresh = fresh.filter(|(_, mean)| alive(*mean));
        let mut gone = 0_u64;
        for (place, mean) in self.means.iter_mut().enumerate() {
            *mean -= taken_off;
            gone |= u64::from(!alive(*mean)) << place;
        }
        // Who goes leaves the place to a newcomer, so that the others stay where they are, or to the last.
        while gone != 0 {
            let place = gone.trailing_zeros() as usize;
            if let Some((talker, mean)) = fresh.next() {
                self.put(place, talker, mean);
                gone &= gone - 1;
                continue;
            }
            self.means.swap_remove(place);
            self.talkers.swap_remove(place);
            let last = self.means.len();
            self.tags[place] = self.tags[last];
            gone = gone & !(1 << place) | (gone >> last & 1) << place;
            gone &= !(1 << last);
        }
        for (talker, mean) in fresh {
            let place = self.means.len();
            if place == self.means.capacity() {
                let more = place.clamp(FEWEST, CAPACITY);
                self.means.reserve_exact(more);
                self.talkers.reserve_exact(more);
            }
            self.means.push(mean);
            self.talkers.push(talker.clone());
            self.tags[place] = tag_of(talker.mark());
        }
    }

    fn put(&mut self, at: usize, talker: &TalkerKey, mean: f64) {
        self.means[at] = mean;
        self.talkers[at] = talker.clone();
        self.tags[at] = tag_of(talker.mark());
    }

    pub(crate) fn len(&self) -> usize {
        self.means.len()
    }

    /// The lists that each window looks at.
    pub(crate) fn means(&self) -> &[f64] {
        &self.means
    }

    /// Where talkers are to be looked for.
    #[inline]
    pub(crate) fn places(&self) -> Places<'_> {
        Places::new(&self.tags, self.len())
    }

    /// The place of a talker with this mark.
    #[inline]
    pub(crate) fn place(&self, among: &Places<'_>, talker: &TalkerKey, mark: u32) -> Option<usize> {
        places(among.with(tag_of(mark))).find(|place| self.is_at(*place, talker))
    }

    /// Whether a talker is the one at a place.
    #[inline]
    pub(crate) fn is_at(&self, place: usize, talker: &TalkerKey) -> bool {
        self.talkers.get(place) == Some(talker)
    }

    /// Talkers and their mean bytes a window, each talker once.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (TalkerKey, f64)> + '_ {
        self.talkers.iter().cloned().zip(self.means.iter().copied())
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.means.len() <= CAPACITY && self.means.iter().all(|mean| mean.is_finite() && *mean > 0.0)
    }
}

fn tag_of(mark: u32) -> u8 {
    (mark >> 24) as u8
}

/// Where each tag is: all places are looked at for each.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) struct Places<'a>(&'a [u8; CAPACITY]);

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl<'a> Places<'a> {
    #[inline]
    fn new(tags: &'a [u8; CAPACITY], _: usize) -> Self {
        Places(tags)
    }

    /// A bit for each place that may have the tag.
    #[inline]
    fn with(&self, tag: u8) -> u64 {
        use core::arch::wasm32::{u8x16_bitmask, u8x16_eq, u8x16_splat};
        let (blocks, _) = self.0.as_chunks::<16>();
        blocks.iter().rev().fold(0, |places, block| {
            places << 16 | u64::from(u8x16_bitmask(u8x16_eq(crate::simd::wide(block), u8x16_splat(tag))))
        })
    }
}

/// Where each tag is, by as many bits of it as keep most places apart: without wide registers, to look at all places for each takes longer
/// than to note them once.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(crate) struct Places<'a>([u64; CAPACITY], core::marker::PhantomData<&'a ()>);

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl<'a> Places<'a> {
    #[inline]
    fn new(tags: &'a [u8; CAPACITY], count: usize) -> Self {
        let mut places = [0; CAPACITY];
        for (place, tag) in tags.iter().enumerate().take(count) {
            places[usize::from(*tag) % CAPACITY] |= 1 << place;
        }
        Places(places, core::marker::PhantomData)
    }

    /// A bit for each place that may have the tag.
    #[inline]
    fn with(&self, tag: u8) -> u64 {
        self.0[usize::from(tag) % CAPACITY]
    }
}

/// The places whose bits are set.
fn places(mut bits: u64) -> impl Iterator<Item = usize> {
    core::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(place)
    })
}

/// Numbers of which [`nth_largest`] compares all at once.
const MOST_AT_ONCE: usize = 128;
/// Numbers compared by one step.
const LANES: usize = 16;

/// The number that so many others are not below. None is below 0.
///
/// Quickselect guesses wrong at every other comparison. So first the upper 16 bits of the answer are found, bit by bit, by how many numbers
/// reach them, which takes no branches; few numbers share them.
fn nth_largest(numbers: &mut Vec<f64>, mut rank: usize) -> f64 {
    let count = numbers.len();
    // Without wide registers the detour is longer.
    if count <= MOST_AT_ONCE && !cfg!(feature = "fluent-bit") {
        let mut keys = [0_u16; MOST_AT_ONCE];
        keys.iter_mut().zip(numbers.iter()).for_each(|(key, number)| *key = upper(*number));
        let all = &keys[..count];
        let (set, common) = all.iter().fold((0, u16::MAX), |(set, common), key| (set | key, common & key));
        let (blocks, _) = keys[..count.next_multiple_of(LANES)].as_chunks::<LANES>();
        let mut highest = common;
        for bit in (0..16).rev().filter(|bit| (set ^ common) >> bit & 1 != 0) {
            let higher = highest | 1 << bit;
            if reaching(blocks, higher & u16::MAX << bit) > rank {
                highest = higher;
            }
        }
        rank -= reaching(blocks, highest + 1);
        let mut kept = 0;
        for (at, key) in all.iter().enumerate() {
            if *key == highest {
                numbers[kept] = numbers[at];
                kept += 1;
            }
        }
        numbers.truncate(kept);
    }
    // Bits of numbers that are not below 0 are in their order.
    *numbers.select_nth_unstable_by_key(rank, |number| Reverse(number.to_bits())).1
}

fn upper(number: f64) -> u16 {
    (number.to_bits() >> 48) as u16
}

/// How many keys are at least so high.
#[inline]
fn reaching(keys: &[[u16; LANES]], least: u16) -> usize {
    let mut counts = [0_u16; LANES];
    for block in keys {
        for (count, key) in counts.iter_mut().zip(block) {
            *count += u16::from(*key >= least);
        }
    }
    counts.iter().sum::<u16>().into()
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
