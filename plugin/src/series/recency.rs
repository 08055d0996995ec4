//! Who is to go when there is no room: the least recently active, newcomers first.
//!
//! Segmented LRU (Karedla, Love and Wherry, "Caching strategies to improve disk system performance", IEEE Computer 27(3),
//! 1994): a new series is on probation; one that is active in a second window is protected. The series to go is the
//! least recently active one on probation, so that a flood of keys that are never seen again (spoofed addresses) pushes
//! out itself, and not the series with a history. At most seven eighths are protected; beyond, the least recently active
//! of them goes back on probation.

use super::registry::make_room;
use crate::state::state;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Segment {
    Out,
    Probation,
    Protected,
}

state!(
    enum Segment {
        Out,
        Probation,
        Protected,
    }
);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link {
    newer: u32,
    older: u32,
    segment: Segment,
}

state!(Link { newer, older, segment });

const OUT: Link = Link { newer: NONE, older: NONE, segment: Segment::Out };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct List {
    newest: u32,
    oldest: u32,
    count: u32,
}

state!(List { newest, oldest, count });

const EMPTY: List = List { newest: NONE, oldest: NONE, count: 0 };

/// Slots by how recently they were active.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Recency {
    links: Vec<Link>,
    probation: List,
    protected: List,
    most_protected: u32,
}

state!(Recency { links, probation, protected, most_protected });

impl Recency {
    pub(crate) fn new(capacity: u32) -> Self {
        Recency {
            links: Vec::new(),
            probation: EMPTY,
            protected: EMPTY,
            most_protected: capacity - capacity.div_ceil(8),
        }
    }

    fn list(&mut self, segment: Segment) -> &mut List {
        if segment == Segment::Protected { &mut self.protected } else { &mut self.probation }
    }

    fn attach(&mut self, slot: u32, segment: Segment) {
        let list = self.list(segment);
        let second = core::mem::replace(&mut list.newest, slot);
        list.count += 1;
        if second == NONE {
            list.oldest = slot;
        } else {
            self.links[second as usize].newer = slot;
        }
        self.links[slot as usize] = Link { newer: NONE, older: second, segment };
    }

    fn detach(&mut self, slot: u32) {
        let Link { newer, older, segment } = core::mem::replace(&mut self.links[slot as usize], OUT);
        if segment == Segment::Out {
            return;
        }
        if newer != NONE {
            self.links[newer as usize].older = older;
        }
        if older != NONE {
            self.links[older as usize].newer = newer;
        }
        let list = self.list(segment);
        list.count -= 1;
        if newer == NONE {
            list.newest = older;
        }
        if older == NONE {
            list.oldest = newer;
        }
    }

    /// A new series.
    pub(crate) fn insert(&mut self, slot: u32) {
        if self.links.len() <= slot as usize {
            make_room(&mut self.links, slot as usize + 1);
            self.links.resize(slot as usize + 1, OUT);
        }
        self.attach(slot, Segment::Probation);
    }

    /// A series is active in another window.
    pub(crate) fn touch(&mut self, slot: u32) {
        self.detach(slot);
        self.attach(slot, Segment::Protected);
        if self.protected.count > self.most_protected {
            let oldest = self.protected.oldest;
            self.detach(oldest);
            self.attach(oldest, Segment::Probation);
        }
    }

    pub(crate) fn remove(&mut self, slot: u32) {
        self.detach(slot);
    }

    /// The least recently active series on probation, and of those protected.
    pub(crate) fn victims(&self) -> [Option<u32>; 2] {
        [self.probation.oldest, self.protected.oldest].map(|slot| (slot != NONE).then_some(slot))
    }

    /// From now on so many slots count as all.
    pub(crate) fn resize(&mut self, capacity: u32) {
        self.most_protected = Recency::new(capacity).most_protected;
        while self.protected.count > self.most_protected {
            let oldest = self.protected.oldest;
            self.detach(oldest);
            self.attach(oldest, Segment::Probation);
        }
    }

    /// Whether the lists hold just the slots for which `is_in` says so.
    pub(crate) fn is_valid(&self, capacity: u32, is_in: &[bool]) -> bool {
        if self.links.len() > is_in.len() || self.most_protected != capacity - capacity.div_ceil(8) {
            return false;
        }
        let mut found = vec![false; is_in.len()];
        for (segment, list) in [(Segment::Probation, self.probation), (Segment::Protected, self.protected)] {
            let (mut newer, mut slot, mut count) = (NONE, list.newest, 0);
            while slot != NONE {
                let Some(link) = self.links.get(slot as usize) else { return false };
                if link.segment != segment || link.newer != newer || core::mem::replace(&mut found[slot as usize], true)
                {
                    return false;
                }
                count += 1;
                (newer, slot) = (slot, link.older);
            }
            if list.oldest != newer || list.count != count {
                return false;
            }
        }
        self.protected.count <= self.most_protected && found == is_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn newcomers_go_before_series_with_a_history() {
        let mut recency = Recency::new(8);
        for slot in 0..4 {
            recency.insert(slot);
            recency.touch(slot);
        }
        recency.insert(4);
        recency.insert(5);
        let mut gone = Vec::new();
        while let [Some(slot), _] | [None, Some(slot)] = recency.victims() {
            recency.remove(slot);
            gone.push(slot);
        }
        assert_eq!(gone, [4, 5, 0, 1, 2, 3]);
    }

    #[test]
    fn room_for_newcomers_is_kept() {
        let mut recency = Recency::new(8);
        for slot in 0..8 {
            recency.insert(slot);
            recency.touch(slot);
        }
        assert_eq!(recency.victims(), [Some(0), Some(1)]);
    }

    proptest! {
        #[test]
        fn lists_stay_consistent(capacity in 1u32..20, steps in prop::collection::vec((0u32..20, 0u8..3), 0..200)) {
            let mut recency = Recency::new(capacity);
            let mut is_in = [false; 20];
            for (slot, step) in steps {
                match (step, is_in[slot as usize]) {
                    (0, false) => recency.insert(slot),
                    (1, true) => recency.touch(slot),
                    (2, true) => recency.remove(slot),
                    _ => continue,
                }
                is_in[slot as usize] = step != 2;
                prop_assert!(recency.is_valid(capacity, &is_in));
            }
        }
    }
}
