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

use super::talker::{Talker, TalkerKey};
use crate::snapshot::state;

/// A record of the sample. 88 bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampled {
    priority: f64,
    /// Tells records of equal priority apart.
    record: u64,
    bytes: u64,
    talker: TalkerKey,
}

state!(Sampled { priority, record, bytes, talker });

impl Sampled {
    fn is_below(&self, other: &Sampled) -> bool {
        self.priority < other.priority || (self.priority == other.priority && self.record < other.record)
    }
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
    /// Made when the first sample takes the record, as most of a busy series' are taken by none.
    key: Option<TalkerKey>,
}

impl<'a> Candidate<'a> {
    #[inline]
    pub(crate) fn new(rank: Rank, talker: &'a Talker<'a>) -> Self {
        Candidate { rank, talker, key: None }
    }
}

/// The highest priorities so far: k records and the one that gives τ. Once there are so many they are a binary heap with
/// the lowest on top; before, in the order they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Sample(Vec<Sampled>);

state!(Sample { 0 });

impl Sample {
    /// Whether a record of `bytes` above 0 is among the highest so far.
    #[inline]
    pub(crate) fn admits(&self, size: usize, rank: Rank, bytes: u64) -> bool {
        let Some(lowest) = self.0.get(size).and(self.0.first()) else { return true };
        let priority = rank.priority(bytes);
        priority > lowest.priority || (priority == lowest.priority && rank.record > lowest.record)
    }

    /// Takes in a share of a record that is [admitted](Sample::admits).
    #[inline(never)]
    pub(crate) fn take(&mut self, size: usize, record: &mut Candidate<'_>, bytes: u64) {
        let rank = record.rank;
        let talker = *record.key.get_or_insert_with(|| TalkerKey::new(record.talker));
        self.insert(size, Sampled { priority: rank.priority(bytes), record: rank.record, bytes, talker });
    }

    /// Takes in another sample: the result is the sample of both sets of records.
    pub(crate) fn merge(&mut self, size: usize, other: &Sample) {
        for &sampled in &other.0 {
            match self.0.first() {
                Some(lowest) if self.0.len() > size && !lowest.is_below(&sampled) => {}
                _ => self.insert(size, sampled),
            }
        }
    }

    fn insert(&mut self, size: usize, sampled: Sampled) {
        if self.0.len() <= size {
            if self.0.len() == self.0.capacity() {
                // Twice as many each time, but no room for more than there can be.
                self.0.reserve_exact(self.0.len().max(8).min(size + 1 - self.0.len()));
            }
            self.0.push(sampled);
            if self.0.len() > size {
                (0..self.0.len() / 2).rev().for_each(|at| self.sink(at));
            }
        } else {
            self.0[0] = sampled;
            self.sink(0);
        }
    }

    /// Moves an entry down to where those below it are not lower.
    fn sink(&mut self, mut at: usize) {
        let heap = &mut self.0[..];
        let sinking = heap[at];
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let least = if right < heap.len() && heap[right].is_below(&heap[left]) { right } else { left };
            if least >= heap.len() || !heap[least].is_below(&sinking) {
                break;
            }
            heap[at] = heap[least];
            at = least;
        }
        heap[at] = sinking;
    }

    /// Whether there is memory worth keeping.
    pub(crate) fn has_room(&self) -> bool {
        self.0.capacity() > 0
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The talkers of its records, each with the bytes that the record counts.
    pub(crate) fn counted(&self, size: usize) -> impl ExactSizeIterator<Item = (&TalkerKey, u64)> {
        // The lowest of k + 1 gives τ and is itself not counted.
        let (least, counted) = match self.0.split_first() {
            Some((lowest, counted)) if self.0.len() > size => (lowest.priority as u64, counted),
            _ => (0, &self.0[..]),
        };
        counted.iter().map(move |sampled| (&sampled.talker, sampled.bytes.max(least)))
    }

    /// Whether this can be a sample of `size` records.
    pub(crate) fn is_valid(&self, size: usize) -> bool {
        self.0.len() <= size + 1
            && self.0.iter().all(|sampled| sampled.priority.is_finite() && sampled.priority >= 0.0)
            && (self.0.len() <= size || (1..self.0.len()).all(|at| !self.0[at].is_below(&self.0[(at - 1) / 2])))
    }
}

#[cfg(test)]
mod tests {
    use super::super::hash::Hash;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn with_talker<T>(source: u64, with: impl FnOnce(&Talker<'_>) -> T) -> T {
        let source = format!("10.{}.{}.{}", source >> 16 & 255, source >> 8 & 255, source & 255);
        with(&Talker { srcaddr: source.as_bytes(), dstaddr: b"10.9.9.9", srcport: 0, dstport: 443, protocol: 6 })
    }

    fn talker(source: u64) -> TalkerKey {
        with_talker(source, TalkerKey::new)
    }

    fn offer(sample: &mut Sample, size: usize, record: u64, bytes: u64, source: u64) {
        let rank = Rank::new(record);
        if sample.admits(size, rank, bytes) {
            with_talker(source, |talker| sample.take(size, &mut Candidate::new(rank, talker), bytes));
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
        sample.counted(size).for_each(|(talker, bytes)| *totals.entry(*talker).or_default() += bytes);
        totals.into_iter().collect()
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
            merged.merge(size, &fill(&mut records[cut..].iter()));
            prop_assert!(forward.is_valid(size));
            prop_assert_eq!(totals(size, &forward), totals(size, &backward));
            prop_assert_eq!(totals(size, &forward), totals(size, &merged));
        }
    }
}
