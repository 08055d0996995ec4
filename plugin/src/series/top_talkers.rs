//! Who made a change: the talkers of a window against their habit.
//!
//! A talker's change is the bytes of the window less the mean bytes of ordinary windows, and counts if it goes the way of
//! the incident. Where no single talker stands out, those that have something in common are taken together: a flood from
//! spoofed addresses is many sources to one destination and port, a scan one source to many destinations. Several series
//! together can have no more in common than the port: a flood at all interfaces.

use super::habit::Habit;
use super::talker::{Alike, TalkerKey};
use super::tally::Tally;
use crate::detect::Direction;
use crate::incident::TopTalker;
use crate::order;

/// A group is named instead of its members if the largest of them has less than this part of its change…
const STANDS_OUT: f64 = 0.5;
/// …and there are at least so many.
const MANY: u32 = 4;
/// Less than this part of the change isn't worth a line.
const WORTH: f64 = 0.01;
/// Members of a group that is named are only named besides if they have this part of the change.
const BESIDES: f64 = 0.1;

/// A talker in a window, and in ordinary ones.
#[derive(Clone)]
pub(crate) struct TalkerChange {
    talker: TalkerKey,
    bytes: f64,
    baseline: f64,
}

impl TalkerChange {
    fn change(&self, direction: Direction) -> f64 {
        match direction {
            Direction::Spike => self.bytes - self.baseline,
            Direction::Drop => self.baseline - self.bytes,
        }
    }
}

/// Several talkers taken together.
struct Group {
    /// What they have in common; the other address is not set.
    common: TalkerKey,
    alike: Alike,
    bytes: f64,
    baseline: f64,
    change: f64,
    largest: f64,
    pairs: u32,
}

impl Group {
    fn holds(&self, talker: &TalkerKey) -> bool {
        talker.common(self.alike) == self.common
    }
}

/// The change of a series or of several: at most `most` talkers, largest share first. `change` is that of the whole in bytes.
pub(crate) fn explain(
    mut all: Vec<TalkerChange>,
    alike: &[Alike],
    direction: Direction,
    change: f64,
    most: usize,
) -> Vec<TopTalker> {
    let groups: Vec<Group> = alike.iter().flat_map(|&alike| groups(&all, direction, alike)).collect();
    let mut best: Option<Group> = None;
    for group in groups {
        let larger = best.as_ref().is_none_or(|best| group.change > best.change);
        if larger && group.pairs >= MANY && group.largest < STANDS_OUT * group.change {
            best = Some(group);
        }
    }
    order::sort_by(&mut all, |a, b| {
        let by_change = b.change(direction).total_cmp(&a.change(direction));
        by_change.then_with(|| a.talker.id().cmp(&b.talker.id()))
    });
    let single = all.first().map_or(0.0, |first| first.change(direction));
    // A group that one talker outside of it outweighs isn't the cause.
    let best = best.filter(|group| STANDS_OUT * group.change > single);
    // What the sample holds can be more than the series' change, which is net of those who went the other way.
    let whole = change.abs().max(single).max(best.as_ref().map_or(0.0, |group| group.change)).max(1.0);

    let mut named = Vec::new();
    if let Some(group) = &best {
        named.push(top_talker(&group.common, group.bytes, group.baseline, group.change / whole, group.pairs));
    }
    for moved in &all {
        let share = moved.change(direction) / whole;
        let least = if best.as_ref().is_some_and(|group| group.holds(&moved.talker)) { BESIDES } else { WORTH };
        if share >= least {
            named.push(top_talker(&moved.talker, moved.bytes, moved.baseline, share, 1));
        }
    }
    named.truncate(most);
    named
}

fn top_talker(talker: &TalkerKey, bytes: f64, baseline: f64, share: f64, pairs: u32) -> TopTalker {
    let [srcaddr, dstaddr] = talker.ips();
    TopTalker {
        srcaddr,
        dstaddr,
        dstport: talker.port(),
        protocol: talker.protocol(),
        bytes,
        baseline_bytes: baseline,
        share,
        pairs,
    }
}

/// Everyone who is in the window, which was counted beside the habit, or in the habit.
pub(crate) fn changes<'a>(tally: &'a Tally, habit: &'a Habit) -> impl Iterator<Item = TalkerChange> + 'a {
    let known = habit.entries().zip(&tally.known).map(|((talker, mean), &bytes)| (talker, bytes, mean));
    let fresh = tally.fresh.iter().map(|(talker, bytes)| (talker.clone(), *bytes, 0.0));
    known.chain(fresh).map(|(talker, bytes, baseline)| TalkerChange { talker, bytes: bytes as f64, baseline })
}

/// Those that are alike, by what they have in common.
fn groups(all: &[TalkerChange], direction: Direction, alike: Alike) -> Vec<Group> {
    let mut all: Vec<((u64, u64), TalkerKey, &TalkerChange)> = all
        .iter()
        .map(|moved| {
            let common = moved.talker.common(alike);
            ((common.id(), moved.talker.id()), common, moved)
        })
        .collect();
    order::sort_by_key(&mut all, |member| member.0);
    let chunks = all.chunk_by(|a, b| a.1 == b.1);
    // The ports of clients are no service.
    chunks
        .filter(|members| alike != Alike::Service || members[0].2.talker.port() != 0)
        .map(|members| {
            let sum = |of: &dyn Fn(&TalkerChange) -> f64| members.iter().map(|member| of(member.2)).sum::<f64>();
            Group {
                common: members[0].1.clone(),
                alike,
                bytes: sum(&|moved| moved.bytes),
                baseline: sum(&|moved| moved.baseline),
                change: sum(&|moved| moved.change(direction)),
                largest: members.iter().map(|member| member.2.change(direction)).fold(0.0, f64::max),
                pairs: members.len() as u32,
            }
        })
        .collect()
}
