//! The talkers of one series in one window: a priority sample of its records.
//!
//! Priority sampling (Duffield, Lund and Thorup, "Priority sampling for estimation of arbitrary subset sums", J. ACM 54(6),
//! 2007): a record of w bytes gets the priority w / u, with u uniform in (0, 1) from a hash of what the record says; the k
//! records of the highest priority are kept, and τ is the highest priority among the others. A kept record counts
//! max(w, τ) bytes. Then
//!
//! - up to k records, every sum is exact;
//! - beyond, a record of at least τ bytes is kept for sure and exactly; the estimate of **any** group of records (a
//!   talker, a destination, a source) is unbiased, and the standard error of a group with the share s of the window's
//!   bytes W is at most W·√(s/(k−1)) (Szegedy, "The DLT priority sampling is essentially optimal", STOC 2006); the
//!   chance that a talker of share s isn't seen at all is about e^(−s·k).
//!
//! Counter sketches such as Space-Saving (Metwally et al., ICDT 2005) bound the error for certain, W/k, but what they hold
//! depends on the order of arrival, and one sketch answers for one grouping only. This sample depends on nothing but the
//! set of records, and the same few records tell of one heavy client, of a flood from a thousand addresses to one port, and
//! of one host scanning a thousand others.

use super::talker::{ShortAddresses, SpareAddresses, Talker, TalkerKey, record_hash};
use crate::state::{Reader, State, Word};

/// A number of 64 bits that takes no more room than those of 32 beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Halves([u32; 2]);

impl Halves {
    #[inline(always)]
    fn new(number: u64) -> Self {
        Halves([number as u32, (number >> 32) as u32])
    }

    #[inline(always)]
    fn whole(self) -> u64 {
        u64::from(self.0[1]) << 32 | u64::from(self.0[0])
    }
}

/// A record of the sample: 28 bytes in WebAssembly.
#[derive(Clone, Debug, PartialEq)]
struct Sampled {
    /// Tells records of equal priority apart.
    record: Halves,
    bytes: Halves,
    talker: TalkerKey,
}

impl Sampled {
    fn priority(&self) -> f64 {
        Rank::new(self.record.whole()).priority(self.bytes.whole())
    }
}

impl State for Sampled {
    fn save(&self, out: &mut Vec<u8>) {
        Word(self.record.whole()).save(out);
        self.bytes.whole().save(out);
        self.talker.save(out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        let Word(record) = State::load(reader);
        let bytes = Halves::new(State::load(reader));
        Sampled { record: Halves::new(record), bytes, talker: State::load(reader) }
    }
}

/// What records are compared by: 16 bytes, which are moved about instead of them.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Ranked {
    priority: f64,
    /// Of the record among those kept.
    place: u32,
}

/// What decides the priority of a record's shares: a hash of what it says, and 1 / u.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rank {
    record: u64,
    inverse: f64,
}

impl Rank {
    #[inline]
    pub(crate) fn new(record: u64) -> Self {
        // u is the centre of one of 2^53 equal parts: never 0, never 1.
        let uniform = ((record >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64);
        Rank { record, inverse: 1.0 / uniform }
    }

    #[inline]
    fn priority(self, bytes: u64) -> f64 {
        bytes as f64 * self.inverse
    }
}

/// A record whose shares are offered to samples.
pub(crate) struct Candidate<'a> {
    pub(crate) rank: Rank,
    talker: &'a Talker<'a>,
    short: ShortAddresses,
    /// Made when the first sample takes the record, as most of a busy series' are taken by none.
    key: Option<TalkerKey>,
}

impl<'a> Candidate<'a> {
    /// A record by what it says: who talks, from when to when, and how much.
    #[inline]
    pub(crate) fn new(talker: &'a Talker<'a>, times: (i64, i64), bytes: u64, packets: u64) -> Self {
        let short = ShortAddresses::of(talker);
        let rank = Rank::new(record_hash(talker, &short, times, bytes, packets));
        Candidate { rank, talker, short, key: None }
    }
}

/// The ranks of a sample, apart from it, as most never have any.
#[derive(Clone, Debug, Default, PartialEq)]
struct Ranks(Vec<Ranked>);

/// Records for which there is room where there are so many: 4, 6, 8, 12, 16, 24…
fn room_for(records: usize) -> usize {
    let whole = records.max(4).next_power_of_two();
    if records <= whole / 4 * 3 && whole > 4 { whole / 4 * 3 } else { whole }
}

/// The highest priorities so far: k records and the one that gives τ.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample {
    /// Once there are so many, a binary heap with the lowest on top. Before, nobody asks for ranks.
    ranked: Option<Box<Ranks>>,
    /// In the order in which they came, one in the place of another.
    kept: Vec<Sampled>,
}

/// The records by rank, if they have one; priorities and places follow from them.
impl State for Sample {
    fn save(&self, out: &mut Vec<u8>) {
        self.kept.len().save(out);
        (0..self.kept.len()).for_each(|at| self.at(at).save(out));
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        // How many there can be is not known here: if there are fewer, ranks are made anew when there are as many.
        let mut sample = Sample { ranked: None, kept: State::load(reader) };
        sample.rank();
        sample
    }
}

impl Sample {
    /// All records that are kept, for those who [read ahead](super::fetch).
    pub(super) fn records(&self) -> &[impl Sized + use<>] {
        &self.kept
    }

    /// One that is likely to get so many records; 0 if that is not known.
    #[inline(never)]
    pub(crate) fn with_room(records: usize) -> Self {
        let kept = if records > 0 { Vec::with_capacity(room_for(records)) } else { Vec::new() };
        Sample { ranked: None, kept }
    }

    #[inline(always)]
    fn ranked(&self) -> &[Ranked] {
        self.ranked.as_ref().map_or(&[], |ranks| &ranks.0)
    }

    /// Records that are kept.
    pub(crate) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether it has more room than one of so many records takes.
    pub(crate) fn is_too_large_for(&self, records: usize) -> bool {
        self.kept.capacity() > room_for(records)
    }

    /// Whether a record of `bytes` above 0 is among the highest so far.
    #[inline]
    pub(crate) fn admits(&self, size: usize, rank: Rank, bytes: u64) -> bool {
        self.has_place_for(size, rank.priority(bytes), rank.record)
    }

    #[inline(always)]
    fn has_place_for(&self, size: usize, priority: f64, record: u64) -> bool {
        let Some(lowest) = self.ranked().get(size).and(self.ranked().first()) else { return true };
        self.exceeds(priority, record, lowest)
    }

    /// Whether a record ranks above one that is kept.
    #[inline]
    fn exceeds(&self, priority: f64, record: u64, kept: &Ranked) -> bool {
        priority > kept.priority || (priority == kept.priority && record > self.record(kept))
    }

    #[inline(never)]
    fn record(&self, kept: &Ranked) -> u64 {
        self.kept.get(kept.place as usize).map_or(0, |sampled| sampled.record.whole())
    }

    /// Takes in a share of a record that is [admitted](Sample::admits).
    #[cfg_attr(feature = "fluent-bit", inline(always))]
    #[cfg_attr(not(feature = "fluent-bit"), inline(never))]
    pub(crate) fn take(&mut self, size: usize, record: &mut Candidate<'_>, bytes: u64, spare: &mut SpareAddresses) {
        let priority = record.rank.priority(bytes);
        let talker = record.key.get_or_insert_with(|| TalkerKey::new(record.talker, &record.short, spare));
        self.insert(size, priority, record.rank.record, bytes, talker, spare);
    }

    /// Takes in another sample: the result is the sample of both sets of records.
    pub(crate) fn merge(&mut self, size: usize, other: &Sample, spare: &mut SpareAddresses) {
        for sampled in (0..other.kept.len()).map(|at| other.at(at)) {
            let priority = sampled.priority();
            let record = sampled.record.whole();
            if self.has_place_for(size, priority, record) {
                self.insert(size, priority, record, sampled.bytes.whole(), &sampled.talker, spare);
            }
        }
    }

    #[inline(always)]
    fn insert(
        &mut self,
        size: usize,
        priority: f64,
        record: u64,
        bytes: u64,
        talker: &TalkerKey,
        spare: &mut SpareAddresses,
    ) {
        let sampled = Sampled { record: Halves::new(record), bytes: Halves::new(bytes), talker: talker.clone() };
        let count = self.kept.len();
        if count <= size {
            if count == self.kept.capacity() {
                self.kept.reserve_exact(room_for(count + 1).min(size + 1) - count);
            }
            self.kept.push(sampled);
            if count == size {
                self.rank();
                (0..self.kept.len() / 2).rev().for_each(|at| self.sink(at));
            }
        } else if let Some(lowest) = self.ranked.as_mut().and_then(|ranks| ranks.0.first_mut())
            && let Some(place) = self.kept.get_mut(lowest.place as usize)
        {
            lowest.priority = priority;
            spare.put(core::mem::replace(place, sampled).talker);
            self.sink(0);
        }
    }

    /// Ranks records in their order.
    #[cold]
    fn rank(&mut self) {
        let Ranks(ranks) = &mut **self.ranked.get_or_insert_default();
        ranks.clear();
        ranks.reserve_exact(self.kept.len());
        let ranked = self.kept.iter().zip(0..).map(|(sampled, place)| Ranked { priority: sampled.priority(), place });
        ranks.extend(ranked);
    }

    /// Moves an entry down to where those below it are not lower.
    #[inline(never)]
    fn sink(&mut self, mut at: usize) {
        let Sample { ranked: Some(ranked), kept } = self else { return };
        let heap = &mut ranked.0[..];
        let record = |entry: Ranked| kept.get(entry.place as usize).map_or(0, |sampled| sampled.record.whole());
        let is_below = |one: Ranked, other: Ranked| {
            one.priority < other.priority || (one.priority == other.priority && record(one) < record(other))
        };
        let sinking = heap[at];
        while let Some(&left) = heap.get(2 * at + 1) {
            let (mut place, mut least) = (2 * at + 1, left);
            if let Some(&right) = heap.get(place + 1)
                && is_below(right, left)
            {
                (place, least) = (place + 1, right);
            }
            if !is_below(least, sinking) {
                break;
            }
            heap[at] = least;
            at = place;
        }
        heap[at] = sinking;
    }

    /// Whether there is memory worth keeping.
    pub(crate) fn has_room(&self) -> bool {
        self.kept.capacity() > 0
    }

    pub(crate) fn clear(&mut self, spare: &mut SpareAddresses) {
        if let Some(ranks) = &mut self.ranked {
            ranks.0.clear();
        }
        self.kept.drain(..).for_each(|sampled| spare.put(sampled.talker));
    }

    /// The talkers of its records, each with the bytes that the record counts.
    pub(crate) fn counted(&self, size: usize) -> impl ExactSizeIterator<Item = (&TalkerKey, u64)> {
        // The lowest of k + 1 gives τ and is itself not counted.
        let is_full = self.ranked().len() > size;
        let least = self.ranked().first().filter(|_| is_full).map_or(0, |lowest| lowest.priority as u64);
        (usize::from(is_full)..self.kept.len()).map(move |at| {
            let Sampled { talker, bytes, .. } = self.at(at);
            (talker, bytes.whole().max(least))
        })
    }

    /// A record by its rank, or as it came where there are no ranks.
    #[inline]
    fn at(&self, at: usize) -> &Sampled {
        match self.ranked() {
            ranked if ranked.len() == self.kept.len() => &self.kept[ranked[at].place as usize],
            _ => &self.kept[at],
        }
    }

    /// Whether this can be a sample of `size` records.
    pub(crate) fn is_valid(&self, size: usize) -> bool {
        let ranked = self.ranked();
        let is_above = |below: usize| {
            let (above, below) = (&ranked[(below - 1) / 2], &ranked[below]);
            !self.exceeds(above.priority, self.record(above), below)
        };
        self.kept.len() <= size + 1
            && ranked.iter().all(|ranked| ranked.priority.is_finite() && ranked.priority >= 0.0)
            && (ranked.len() <= size || (1..ranked.len()).all(is_above))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;
    use crate::state::{from_bytes, to_bytes};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn with_talker<T>(source: u64, with: impl FnOnce(&Talker<'_>) -> T) -> T {
        let source = format!("10.{}.{}.{}", source >> 16 & 255, source >> 8 & 255, source & 255);
        with(&Talker { srcaddr: source.as_bytes(), dstaddr: b"10.9.9.9", srcport: 0, dstport: 443, protocol: 6 })
    }

    fn talker(source: u64) -> TalkerKey {
        with_talker(source, |talker| {
            TalkerKey::new(talker, &ShortAddresses::of(talker), &mut SpareAddresses::default())
        })
    }

    fn offer(sample: &mut Sample, size: usize, record: u64, bytes: u64, source: u64) {
        let rank = Rank::new(record);
        if sample.admits(size, rank, bytes) {
            with_talker(source, |talker| {
                let mut candidate = Candidate::new(talker, (0, 0), bytes, 0);
                candidate.rank = rank;
                sample.take(size, &mut candidate, bytes, &mut SpareAddresses::default());
            });
        }
    }

    fn sample(size: usize, seed: u64, records: &[(u64, u64)]) -> Sample {
        let mut sample = Sample::default();
        for (i, &(source, bytes)) in records.iter().enumerate() {
            let mut hash = Hash::new(seed);
            hash.word(i as u64);
            offer(&mut sample, size, hash.finish(), bytes, source);
        }
        sample
    }

    fn totals(size: usize, sample: &Sample) -> Vec<(TalkerKey, u64)> {
        let mut totals = BTreeMap::new();
        sample.counted(size).for_each(|(talker, bytes)| *totals.entry(talker.clone()).or_default() += bytes);
        totals.into_iter().collect()
    }

    #[test]
    fn records_with_ipv6_addresses_take_memory_for_as_many_as_are_kept() {
        let (mut sample, mut spare) = (Sample::default(), SpareAddresses::default());
        for window in 1..4 {
            for record in 0..100u64 {
                let source = format!("2001:db8:1234:5678:9abc::{window}:{record:x}");
                let destination = b"2001:db8:1234:5678:9abc:def0::1";
                let talker =
                    Talker { srcaddr: source.as_bytes(), dstaddr: destination, srcport: 0, dstport: 443, protocol: 6 };
                let mut candidate = Candidate::new(&talker, (record as i64, 100), 1_000, 1);
                if sample.admits(8, candidate.rank, 1_000) {
                    sample.take(8, &mut candidate, 1_000, &mut spare);
                }
            }
            let sources: Vec<_> = sample.counted(8).filter_map(|(talker, _)| talker.ips()[0]).collect();
            assert_eq!(sources.len(), 8);
            let prefix = format!("2001:db8:1234:5678:9abc:0:{window}:");
            assert!(sources.iter().all(|source| source.to_string().starts_with(&prefix)), "{sources:?}");
            sample.clear(&mut spare);
            // Those of nine records, and of one that was about to take the place of another.
            assert_eq!(spare.len(), 10);
        }
    }

    #[test]
    fn up_to_its_size_a_sample_is_exact() {
        let records: Vec<_> = (0..64).map(|i| (i % 7, 100 + i)).collect();
        let totals = totals(64, &sample(64, 1, &records));
        assert_eq!(totals.len(), 7);
        assert_eq!(totals.iter().map(|t| t.1).sum::<u64>(), records.iter().map(|r| r.1).sum::<u64>());
        assert!(totals.contains(&(talker(0), (0..64).filter(|i| i % 7 == 0).map(|i| 100 + i).sum())));
    }

    #[test]
    fn estimates_are_unbiased_and_their_error_is_within_the_bound() {
        // 1000 records of 100 bytes, 3 in 10 of one source; k = 64. The bound on the standard error of the share is
        // √(0.3/63) = 0.069, and that of the mean of 400 samples a twentieth of it.
        let records: Vec<_> = (0..1000).map(|i| (if i % 10 < 3 { 1 } else { 1000 + i }, 100)).collect();
        let shares: Vec<f64> = (0..400)
            .map(|seed| {
                let totals = totals(64, &sample(64, seed, &records));
                totals.iter().find(|t| t.0 == talker(1)).map_or(0.0, |t| t.1 as f64) / 100_000.0
            })
            .collect();
        let mean = shares.iter().sum::<f64>() / 400.0;
        let deviation = (shares.iter().map(|s| (s - 0.3) * (s - 0.3)).sum::<f64>() / 400.0).sqrt();
        assert!((mean - 0.3).abs() < 3.0 * 0.069 / 20.0, "{mean}");
        assert!(deviation < 0.069, "{deviation}");
    }

    proptest! {
        #[test]
        fn heavy_records_are_kept_and_exact_whatever_surrounds_them(
            seed: u64, light in prop::collection::vec((100u64..10_000, 1u64..1_000), 0..500), heavy in 1_000_000u64..1_000_000_000,
        ) {
            let mut records = light;
            records.push((7, heavy));
            // W/k is an upper bound of τ only on average; a record of half of all bytes is far above it.
            let sum: u64 = records.iter().map(|r| r.1).sum();
            prop_assume!(heavy > sum / 2);
            let totals = totals(64, &sample(64, seed, &records));
            prop_assert!(totals.contains(&(talker(7), heavy)));
        }

        #[test]
        fn a_sample_comes_back_and_goes_on_as_if_nothing_had_been(
            records in prop::collection::vec((any::<u64>(), 1u64..1_000_000, 0u64..50), 0..200), cut in 0usize..200, size in 2usize..40,
        ) {
            let (mut sample, mut restored) = (Sample::default(), Sample::default());
            for (at, &(record, bytes, source)) in records.iter().enumerate() {
                if at == cut {
                    restored = from_bytes(&to_bytes(&sample)).unwrap();
                }
                offer(&mut sample, size, record, bytes, source);
                offer(&mut restored, size, record, bytes, source);
            }
            prop_assert!(cut >= records.len() || to_bytes(&sample) == to_bytes(&restored));
            prop_assert!(restored.is_valid(size));
        }

        #[test]
        fn the_order_of_arrival_and_merging_do_not_matter(
            records in prop::collection::vec((any::<u64>(), 1u64..1_000_000, 0u64..50), 0..200), cut in 0usize..200, size in 2usize..40,
        ) {
            let fill = |records: &mut dyn Iterator<Item = &(u64, u64, u64)>| {
                let mut sample = Sample::default();
                for &(record, bytes, source) in records {
                    offer(&mut sample, size, record, bytes, source);
                }
                sample
            };
            let forward = fill(&mut records.iter());
            let backward = fill(&mut records.iter().rev());
            let cut = cut.min(records.len());
            let mut merged = fill(&mut records[..cut].iter());
            merged.merge(size, &fill(&mut records[cut..].iter()), &mut SpareAddresses::default());
            prop_assert!(forward.is_valid(size));
            prop_assert_eq!(totals(size, &forward), totals(size, &backward));
            prop_assert_eq!(totals(size, &forward), totals(size, &merged));
        }
    }
}
