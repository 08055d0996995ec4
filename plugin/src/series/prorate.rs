//! A record's share of each window it spans, by seconds, in whole numbers that add up to the record's.
//!
//! A record covers the seconds `start ≤ t < end`; one with `start == end` lies in the window of that second. The share of
//! a window is the difference of two cumulative shares, each rounded down, so that nothing is lost or made whatever the
//! numbers are: the last window's cumulative share is the whole.

/// The whole-number share of `value` after `elapsed` of `span` seconds. `span` is above 0 and `elapsed` at most `span`.
#[inline]
pub(crate) fn cumulative(value: u64, elapsed: u64, span: u64) -> u64 {
    // Records are at most an hour long, so the product fits into 64 bits below 2^51 bytes. The comparison rather than an
    // overflow check: WebAssembly has no multiplication that tells.
    if value < 1 << 51 && elapsed < 1 << 12 { value * elapsed / span } else { wide(value, elapsed, span) }
}

#[cold]
#[inline(never)]
fn wide(value: u64, elapsed: u64, span: u64) -> u64 {
    (u128::from(value) * u128::from(elapsed) / u128::from(span)) as u64
}

/// What of a record falls in one window. The record itself, in `flows`, is in its last one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) bytes: u64,
    pub(crate) packets: u64,
    pub(crate) flows: u64,
}

/// The shares of a record over its windows, in order of time.
pub(crate) struct Shares {
    start: i64,
    span: u64,
    window: i64,
    /// The window that comes next, by its index, and the last one.
    index: i64,
    last: i64,
    whole: Share,
    given: Share,
}

impl Shares {
    /// `start ≤ end`, both between 0 and the last second of RFC 3339; `window` above 0; and the windows of the first and
    /// the last second.
    pub(crate) fn new((start, end): (i64, i64), window: i64, (first, last): (i64, i64), whole: Share) -> Self {
        Shares { start, span: (end - start).max(1) as u64, window, index: first, last, whole, given: Share::default() }
    }
}

impl Iterator for Shares {
    /// The window's index (its start divided by its length) and the share.
    type Item = (i64, Share);

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.index > self.last {
            return None;
        }
        let index = self.index;
        self.index += 1;
        let until = if index == self.last {
            self.whole
        } else {
            let elapsed = ((index + 1) * self.window - self.start) as u64;
            Share {
                bytes: cumulative(self.whole.bytes, elapsed, self.span),
                packets: cumulative(self.whole.packets, elapsed, self.span),
                flows: 0,
            }
        };
        let share = Share {
            bytes: until.bytes - self.given.bytes,
            packets: until.packets - self.given.packets,
            flows: until.flows - self.given.flows,
        };
        self.given = until;
        Some((index, share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shares(start: i64, end: i64, window: i64, bytes: u64) -> Vec<(i64, u64)> {
        let whole = Share { bytes, packets: 7, flows: 1 };
        Shares::new((start, end), window, (start / window, (end - 1).max(start) / window), whole)
            .map(|(index, share)| (index, share.bytes))
            .collect()
    }

    #[test]
    fn a_record_is_split_by_seconds() {
        assert_eq!(shares(30, 90, 60, 600), [(0, 300), (1, 300)]);
        assert_eq!(shares(0, 60, 60, 600), [(0, 600)]);
        assert_eq!(shares(59, 61, 60, 3), [(0, 1), (1, 2)]);
        assert_eq!(shares(60, 60, 60, 5), [(1, 5)]);
        assert_eq!(shares(0, 600, 60, 10).iter().map(|s| s.1).collect::<Vec<_>>(), [1; 10]);
    }

    proptest! {
        #[test]
        fn shares_add_up_exactly(start in 0i64..1_000_000, span in 0i64..3_600, window in 1i64..4_000, bytes: u64) {
            let shares = shares(start, start + span, window, bytes);
            prop_assert_eq!(shares.iter().map(|s| u128::from(s.1)).sum::<u128>(), u128::from(bytes));
            prop_assert!(shares.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0));
            prop_assert!(shares[0].0 == start / window);
        }
    }
}
