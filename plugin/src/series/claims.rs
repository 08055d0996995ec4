//! Series that report a time beyond the frontier.

use crate::state::state;

/// Claims held at a time; a new one then takes the place of the oldest that the frontier has gone on without.
const MOST: usize = 48;

/// What one series says of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) series: u64,
    /// The end of a record with which its present run began, and whether one step of the frontier reaches it.
    first: i64,
    pub(crate) is_near: bool,
    /// The newest end.
    pub(crate) newest: i64,
    /// Records of the run.
    pub(crate) records: u32,
    /// Where the frontier was, and how often others had objected. Once either changes, the run begins again.
    pub(crate) frontier: i64,
    objections: u32,
}

state!(Claim { series, first, is_near, newest, records, frontier, objections });

impl Claim {
    /// Seconds that the run has gone on for.
    pub(crate) fn progress(&self) -> i64 {
        self.newest - self.first
    }
}

/// How things stand when a record makes a claim.
#[derive(Clone, Copy)]
pub(crate) struct Situation {
    pub(crate) frontier: i64,
    /// The end that one step of the frontier reaches.
    pub(crate) limit: i64,
    /// Records of one series that are apart no more than that belong together.
    pub(crate) step: i64,
    /// Whether the series is the one that moved the frontier, and the only one: its records belong together however far
    /// apart, as those of a thin stream are.
    pub(crate) is_alone: bool,
}

/// Claims of different series, in the order in which they were first made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    claims: Vec<Claim>,
    /// The series that last objected, and how often one did that was not the one before.
    objector: u64,
    objections: u32,
}

state!(Claims { claims, objector, objections });

impl Claims {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// A series has a record on time while others claim a later one. One whose clock stands still says so only once.
    #[inline]
    pub(crate) fn object(&mut self, series: u64) {
        if series != self.objector {
            self.objector = series;
            self.objections = self.objections.wrapping_add(1);
        }
    }

    /// A record of a series ends beyond the frontier. `None`: the series has said so before.
    #[inline]
    pub(crate) fn hear(&mut self, series: u64, end: i64, now: Situation) -> Option<Claim> {
        let known = self.claims.iter_mut().find(|claim| claim.series == series);
        match known {
            Some(claim) if claim.newest == end && claim.frontier == now.frontier => {
                claim.records = claim.records.saturating_add(1);
                None
            }
            _ => Some(self.add(series, end, now)),
        }
    }

    fn add(&mut self, series: u64, end: i64, now: Situation) -> Claim {
        let objections = self.objections;
        let fresh = Claim {
            series,
            first: end,
            is_near: end <= now.limit,
            newest: end,
            records: 1,
            frontier: now.frontier,
            objections,
        };
        let Some(claim) = self.claims.iter_mut().find(|claim| claim.series == series) else {
            if self.claims.len() >= MOST {
                let stale = self.claims.iter().position(|claim| claim.frontier != now.frontier);
                self.claims.remove(stale.unwrap_or(0));
            }
            self.claims.push(fresh);
            return fresh;
        };
        let is_close = (end - claim.newest).abs() <= now.step;
        // A leap from where a step reaches would be believed as if it were none.
        let goes_on = is_close || (now.is_alone && !claim.is_near && end > claim.newest);
        let newest = if is_close { claim.newest.max(end) } else { end };
        *claim = if goes_on && claim.frontier == now.frontier && claim.objections == objections {
            Claim { newest, records: claim.records.saturating_add(1), ..*claim }
        } else {
            Claim { newest, ..fresh }
        };
        *claim
    }

    /// The frontier has come to `newest`.
    pub(crate) fn drop_until(&mut self, newest: i64) {
        self.claims.retain(|claim| claim.newest > newest);
    }

    pub(crate) fn clear(&mut self) {
        self.claims.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Claim> {
        self.claims.iter()
    }

    /// The latest time that `quorum` series have come to, of those that a step reaches.
    pub(crate) fn near(&self, limit: i64, quorum: usize) -> Option<i64> {
        let is_near = |claim: &Claim| claim.newest <= limit;
        // Few claims of many come to a quorum.
        if self.claims.iter().filter(|claim| is_near(claim)).count() < quorum {
            return None;
        }
        let (ends, count) = self.ends(is_near);
        let place = count.checked_sub(quorum)?;
        ends.get(..count)?.get(place).copied()
    }

    /// The earliest of `quorum` series that agree, within so many seconds, on a time beyond the limit, and have said so since
    /// the frontier moved.
    pub(crate) fn far(&self, now: Situation, quorum: usize, seconds: i64) -> Option<i64> {
        let (ends, count) = self.ends(|claim| claim.newest > now.limit && claim.frontier == now.frontier);
        if count < quorum {
            return None;
        }
        let ends = ends.get(..count)?;
        ends.windows(quorum).find(|ends| ends[quorum - 1] - ends[0] <= seconds).map(|ends| ends[0])
    }

    /// The times that some have come to, in ascending order, and how many they are.
    fn ends(&self, counts: impl Fn(&Claim) -> bool) -> ([i64; MOST], usize) {
        let mut ends = [0; MOST];
        let mut count = 0;
        for claim in self.claims.iter().filter(|claim| counts(claim)).take(MOST) {
            let at = ends[..count].partition_point(|end| *end <= claim.newest);
            ends.copy_within(at..count, at + 1);
            ends[at] = claim.newest;
            count += 1;
        }
        (ends, count)
    }

    pub(crate) fn is_valid(&self, times: &core::ops::RangeInclusive<i64>) -> bool {
        self.claims.len() <= MOST
            && self.claims.iter().all(|claim| times.contains(&claim.first) && times.contains(&claim.newest))
    }
}
