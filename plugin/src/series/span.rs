//! How long records are of late.

use core::ops::RangeInclusive;

use crate::state::state;

/// The shortest aggregation interval of VPC Flow Logs: records are at least thought to be so long.
pub(crate) const SHORTEST: i64 = 60;
/// Records of the longest interval count, not longer ones.
const LONGEST: i64 = 600;
/// Seconds of event time in which one of the longest has to be seen again.
const MEMORY: i64 = 3_600;

/// The longest record of this hour of event time and the one before: one long record among short ones holds the watermark
/// back for two hours at most, not for ever.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    now: i64,
    before: i64,
    /// When this hour began.
    since: i64,
}

state!(Span { now, before, since });

impl Span {
    pub(crate) fn new() -> Self {
        Span { now: SHORTEST, before: SHORTEST, since: 0 }
    }

    #[inline]
    pub(crate) fn longest(&self) -> i64 {
        self.now.max(self.before)
    }

    /// A record of so many seconds; whether it is longer than any in memory.
    #[inline]
    pub(crate) fn learn(&mut self, seconds: i64) -> bool {
        if seconds <= self.now {
            return false;
        }
        let longest = self.longest();
        self.now = seconds.min(LONGEST);
        self.longest() > longest
    }

    /// Event time has come to `time`.
    #[inline]
    pub(crate) fn pass(&mut self, time: i64) {
        if !(0..MEMORY).contains(&(time - self.since)) {
            self.before = core::mem::replace(&mut self.now, SHORTEST);
            self.since = time;
        }
    }

    pub(crate) fn is_valid(&self, times: &RangeInclusive<i64>) -> bool {
        let spans = SHORTEST..=LONGEST;
        spans.contains(&self.now) && spans.contains(&self.before) && times.contains(&self.since)
    }
}
