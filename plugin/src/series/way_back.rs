//! The way back from a frontier that few series, or one, have moved too far.

use crate::state::state;

/// Records on one time that one on another outweighs.
pub(crate) const OBJECTION: u32 = 3;
/// A window's worth of records is never thought to be fewer, nor more.
const WINDOW: core::ops::RangeInclusive<usize> = 20..=10_000;
/// Series remembered.
const MOST: usize = 16;

/// Records behind the frontier that agree with each other: as many more than those that don't as `count` says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Behind {
    count: u32,
    newest: i64,
    /// Hashes of their series.
    series: Vec<u64>,
}

state!(Behind { count, newest, series });

impl Behind {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A record that is on time by the frontier.
    #[inline]
    pub(crate) fn object(&mut self) {
        self.lose(OBJECTION);
    }

    fn lose(&mut self, records: u32) {
        self.count = self.count.saturating_sub(records);
        if self.count == 0 {
            self.series.clear();
        }
    }

    /// A record that ends behind the frontier. The time to go back to, once a window's worth of records and a quorum of
    /// series agree on it within a step.
    pub(crate) fn hear(&mut self, series: u64, end: i64, step: i64, (quorum, ordinary): (usize, usize)) -> Option<i64> {
        if self.count > 0 && (end - self.newest).abs() > step {
            self.lose(1);
            return None;
        }
        self.newest = if self.count == 0 { end } else { self.newest.max(end) };
        self.count = (self.count + 1).min(*WINDOW.end() as u32);
        if self.series.len() < MOST && !self.series.contains(&series) {
            self.series.push(series);
        }
        let window = ordinary.clamp(*WINDOW.start(), *WINDOW.end());
        (self.count as usize >= window && self.series.len() >= quorum.min(MOST)).then_some(self.newest)
    }

    pub(crate) fn is_valid(&self, times: &core::ops::RangeInclusive<i64>) -> bool {
        times.contains(&self.newest) && self.series.len() <= MOST && self.count as usize <= *WINDOW.end()
    }
}
