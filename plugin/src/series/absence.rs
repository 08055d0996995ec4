//! Series that do not come back after a long gap.
//!
//! After more than ten unknown windows the detector learns anew what is ordinary, as much can have changed. That a series which
//! had traffic in every window now has no record at all, while others have, is no new level: it is gone, and told as a drop.

use crate::state::state;

/// Unknown windows after which the detector learns anew.
const GAP: i64 = 10;
/// Windows without a record until it is told: interfaces come back one after another.
const SETTLE: u32 = 3;
/// Windows after which nothing is how things are, as for the detector.
const LASTING: u32 = 180;

/// Whether a series is absent since a gap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Absence {
    /// The last window with a value that was judged; 0 before the first.
    seen: i64,
    /// Windows without a record since the source is back.
    windows: u32,
}

state!(Absence { seen, windows });

/// What a window without a record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Whatever the detector says.
    Ordinary,
    /// Nothing yet.
    Unknown,
    /// The series is gone.
    Gone,
}

impl Absence {
    /// The series has a value in the window `index`, with a record or without.
    pub(crate) fn see(&mut self, index: i64, has_record: bool) -> Meaning {
        let is_after_gap = self.windows > 0 || (self.seen > 0 && index - self.seen > GAP);
        if has_record || !is_after_gap || self.windows >= LASTING {
            *self = Absence { seen: index, windows: 0 };
            return Meaning::Ordinary;
        }
        self.windows += 1;
        if self.windows < SETTLE { Meaning::Unknown } else { Meaning::Gone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_after_a_gap_and_for_a_while_no_record_means_that_a_series_is_gone() {
        let mut absence = Absence { seen: 100, windows: 0 };
        assert_eq!(absence.see(110, false), Meaning::Ordinary);
        let meanings: Vec<_> = (121..126).map(|index| absence.see(index, index == 125)).collect();
        assert_eq!(meanings, [Meaning::Unknown, Meaning::Unknown, Meaning::Gone, Meaning::Gone, Meaning::Ordinary]);
        let gone = (200..600).filter(|index| absence.see(*index, false) == Meaning::Gone).count();
        assert_eq!(gone, (LASTING - SETTLE + 1) as usize);
    }
}
