//! Which incidents have one cause: those that begin together, in one direction, more of them than chance would have it.
//!
//! Incidents of n series that have nothing to do with each other begin at a rate λ a series and window, which is learnt for
//! each direction; of them so many begin within a span of w windows as a Poisson distribution of mean λ·n·w says. Three or
//! more are a group where that is less likely than [`IMPROBABLE`]. A group counts as one beginning in λ, or a fleet that
//! fails often would never fail together.
//!
//! | | |
//! |---|---|
//! | span | the lateness, two windows or more, a quarter of an hour or less |
//! | a later incident joins an open group | if it begins within two spans of the group's beginning |
//! | a member comes back after its incident was closed | its group goes on, as the incident does |
//!
//! Weak incidents that would not be told by themselves (see `budget`) are told as members.
//!
//! Totals are no members: their incidents are not told where members explain them.

use super::close::Window;
use super::engine::Engine;
use super::scratch::Closed;
use super::settings::Settings;
use super::talker::Alike;
use super::top_talkers;
use crate::detect::Direction;
use crate::incident::{Affected, Ending, Group, GroupMember, Incident, REOPEN, TopTalker};
use crate::order;
use crate::state::state;

/// Fewer incidents are told one by one.
pub(super) const FEWEST: usize = 3;
/// A chance of this size comes about once in some months of minutes.
const IMPROBABLE: f64 = 1e-5;
/// Incidents a series and day in each direction, as long as nothing is known: many.
const USUAL: f64 = 0.1;
/// Seconds for which that counts as learnt, and seconds that the mean looks back.
const BELIEVED: f64 = 86_400.0;
const MEMORY: f64 = 7.0 * 86_400.0;
/// The longest span in seconds.
const LONGEST_SPAN: i64 = 900;
/// Groups that are open or may go on. Beyond, the oldest that is over is forgotten; where none is, what begins is told one by one.
const MOST_GROUPS: usize = 64;
/// Members whose talkers are looked at, those with the largest change.
const MOST_EXPLAINED: usize = 256;

pub(super) const DIRECTIONS: [Direction; 2] = [Direction::Spike, Direction::Drop];

/// The groups of a stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Groups {
    /// In the order in which they began.
    groups: Vec<Group>,
    /// Beginnings a series and second, in each direction.
    usual: [f64; DIRECTIONS.len()],
    /// Seconds in which that was learnt, at most what it remembers.
    seconds: f64,
}

state!(Groups { groups, usual, seconds });

impl Default for Groups {
    fn default() -> Self {
        Groups { groups: Vec::new(), usual: [USUAL / 86_400.0; DIRECTIONS.len()], seconds: BELIEVED }
    }
}

impl Groups {
    /// The incident of a member is over.
    pub(crate) fn leave(&mut self, id: Option<u64>, ending: Ending) {
        if let Some(group) = self.of(id) {
            group.leave(ending);
        }
    }

    fn of(&mut self, id: Option<u64>) -> Option<&mut Group> {
        self.groups.iter_mut().find(|group| Some(group.id) == id)
    }

    /// Whether nothing is to be looked at in a window in which no incident begins.
    fn is_idle(&self) -> bool {
        self.groups.iter().all(|group| group.closed.is_some())
    }

    /// A window of so many seconds, in which of `known` series so many incidents began that have nothing to do with each other.
    fn learn(&mut self, window: f64, known: usize, begun: [usize; DIRECTIONS.len()]) {
        self.seconds = (self.seconds + window).min(MEMORY);
        let rate = (window / self.seconds).min(1.0);
        for (usual, begun) in self.usual.iter_mut().zip(begun) {
            *usual += rate * (begun as f64 / (known.max(1) as f64 * window) - *usual);
        }
    }

    /// How likely it is that so many of `known` series have one in so many seconds by chance.
    fn chance(&self, direction: Direction, count: usize, known: usize, seconds: i64) -> f64 {
        chance(count as f64, self.usual[direction as usize] * known as f64 * seconds as f64)
    }

    /// The group that an incident joins which begins at `start`.
    pub(super) fn fitting(&self, direction: Direction, start: i64, settings: &Settings) -> Option<u64> {
        let span = span(settings);
        let fits = |group: &&Group| {
            group.closed.is_none()
                && group.direction == direction
                && (group.start - span..=group.start + 2 * span).contains(&start)
        };
        self.groups.iter().rev().find(fits).map(|group| group.id)
    }

    /// Whether there was room for it.
    fn push(&mut self, group: Group) -> bool {
        if self.groups.len() >= MOST_GROUPS {
            let Some(oldest) = self.groups.iter().position(|group| group.closed.is_some()) else { return false };
            self.groups.remove(oldest);
        }
        self.groups.push(group);
        true
    }

    pub(crate) fn is_valid(&self) -> bool {
        self.groups.len() <= MOST_GROUPS
            && self.groups.iter().all(Group::is_valid)
            && self.usual.iter().all(|usual| usual.is_finite() && *usual >= 0.0)
            && (BELIEVED..=MEMORY).contains(&self.seconds)
    }
}

impl Engine {
    /// Finds what belongs together in a window that was judged, and tells groups that are new or worse.
    pub(super) fn group(&mut self, closed: &mut [Closed], window: &Window, out: &mut Vec<u8>) {
        let known = closed.iter().filter(|closed| !closed.total && closed.value.is_some()).count();
        let mut begun = [0; DIRECTIONS.len()];
        let moves = |closed: &&Closed| !closed.total && (closed.step.begun || closed.step.continued);
        for (incident, ending) in closed.iter().filter_map(|closed| closed.step.closed.as_ref()) {
            self.groups.leave(incident.group, *ending);
        }
        if closed.iter().any(|closed| moves(&closed)) {
            closed.iter().filter(moves).filter(|closed| closed.step.continued).for_each(|closed| self.go_on(closed));
            for direction in DIRECTIONS {
                begun[direction as usize] = self.begin(closed, direction, known);
            }
        }
        self.groups.learn(self.settings.window.into(), known, begun);
        if self.groups.is_idle() {
            return;
        }
        let mut groups = core::mem::take(&mut self.groups.groups);
        for group in groups.iter_mut().filter(|group| group.closed.is_none()) {
            let before = group.severity();
            let now = self.affected(group.id, closed, window);
            let is_peak = group.step(window.start, &now);
            let change = group.tell(before);
            if is_peak && change.is_some() {
                let talkers = self.explain_group(group, closed);
                group.explain(talkers);
            }
            if let Some(change) = change {
                group.write(&self.telling(change), out);
            }
        }
        self.groups.groups = groups;
    }

    /// Tells groups that are over with a window, after the last of their members.
    pub(super) fn end_groups(&mut self, window: &Window, out: &mut Vec<u8>) {
        let mut groups = core::mem::take(&mut self.groups.groups);
        for group in &mut groups {
            if let Some(change) = group.end(window.start) {
                group.write(&self.telling(change), out);
            }
        }
        self.groups.groups = groups;
        // As long as an incident of a member can go on.
        let remembered = REOPEN * i64::from(self.settings.window);
        self.groups.groups.retain(|group| group.closed.is_none_or(|closed| window.start - closed <= remembered));
    }

    /// An incident goes on after it was closed, and its group with it; without that it stands for itself.
    fn go_on(&mut self, closed: &Closed) {
        let id = self.open_incident(closed.slot).and_then(|incident| incident.group);
        let Some(group) = self.groups.of(id) else {
            self.join(closed.slot, None);
            return;
        };
        group.reopen();
        if let Some(ending) = closed.step.resumed {
            group.return_from(ending);
        }
    }

    /// Lets incidents that begin with this window join a group, or make one. How many have nothing to do with each other.
    fn begin(&mut self, closed: &mut [Closed], direction: Direction, known: usize) -> usize {
        let span = span(&self.settings);
        let mut latest = None;
        let mut apart = 0;
        for (place, start) in self.open_in(closed, direction) {
            if !closed[place].step.begun {
                continue;
            }
            match self.groups.fitting(direction, start, &self.settings) {
                Some(id) => self.add_member(&mut closed[place], id),
                None => {
                    apart += 1;
                    latest = latest.max(Some(start));
                }
            }
        }
        let Some(latest) = latest else { return apart };
        let near = |start: i64| (start - latest).abs() <= span;
        let together: Vec<_> = self.open_in(closed, direction).into_iter().filter(|(_, start)| near(*start)).collect();
        let p = self.groups.chance(direction, together.len(), known, span + i64::from(self.settings.window));
        let first = together.iter().copied().min_by_key(|&(place, start)| (start, place));
        if let (Some((place, start)), true) = (first, together.len() >= FEWEST && p < IMPROBABLE)
            && let Some(incident) = self.current(closed[place].slot)
        {
            let group = Group::new(incident.id, direction, start, known as u32, p);
            let id = group.id;
            if !self.groups.push(group) {
                return apart;
            }
            together.iter().for_each(|&(place, _)| self.add_member(&mut closed[place], id));
            return 1;
        }
        apart
    }

    /// Incidents in one direction that are open, told or not, and in no group: the place of the series, and the beginning.
    fn open_in(&self, closed: &[Closed], direction: Direction) -> Vec<(usize, i64)> {
        let series = closed.iter().enumerate().filter(|(_, closed)| !closed.total);
        let open = series.filter_map(|(place, closed)| Some((place, self.current(closed.slot)?)));
        let apart = open.filter(|(_, incident)| incident.direction == direction && incident.group.is_none());
        apart.map(|(place, incident)| (place, incident.start)).collect()
    }

    fn add_member(&mut self, closed: &mut Closed, id: u64) {
        self.join(closed.slot, Some(id));
        self.announce(closed);
        let Some(incident) = self.open_incident(closed.slot).map(|incident| incident.id) else { return };
        let member = GroupMember { series: self.name(closed.slot).to_vec(), incident, change: closed.change };
        if let Some(group) = self.groups.of(Some(id)) {
            group.add(member);
        }
    }

    fn current(&self, slot: u32) -> Option<&Incident> {
        self.registry.slot(slot).track.as_ref()?.lifecycle.current()
    }

    fn join(&mut self, slot: u32, group: Option<u64>) {
        if let Some(track) = &mut self.registry.slot_mut(slot).track {
            track.lifecycle.join(group);
        }
    }

    /// What the members of a group have in the window.
    fn affected(&self, id: u64, closed: &[Closed], window: &Window) -> Affected {
        let mut now = Affected::default();
        for closed in closed.iter().filter(|closed| !closed.total) {
            let expected = closed.value.map_or(0.0, |value| value - closed.change);
            now.whole += expected.max(0.0);
            let Some(incident) = self.open_incident(closed.slot).filter(|incident| incident.group == Some(id)) else {
                continue;
            };
            now.open += 1;
            now.end = now.end.max(incident.end);
            now.worst = now.worst.max(Some(incident.severity));
            // Those that are calm are on their way back.
            if incident.end == window.end {
                now.observed += closed.value.unwrap_or(0.0);
                now.expected += expected;
            }
        }
        now
    }

    /// Who made the change of all members.
    fn explain_group(&mut self, group: &Group, closed: &[Closed]) -> Vec<TopTalker> {
        let most = self.settings.top_talkers as usize;
        if most == 0 {
            return Vec::new();
        }
        let is_member = |slot| self.open_incident(slot).is_some_and(|incident| incident.group == Some(group.id));
        let mut members: Vec<&Closed> =
            closed.iter().filter(|closed| !closed.total && is_member(closed.slot)).collect();
        // They come sorted by key, which settles ties.
        order::sort_by(&mut members, |a, b| b.change.abs().total_cmp(&a.change.abs()));
        members.truncate(MOST_EXPLAINED);
        let (mut all, mut change) = (Vec::new(), 0.0);
        for (slot, cell) in members.iter().map(|member| (member.slot, member.cell.as_deref())) {
            let Some(track) = &self.registry.slot(slot).track else { continue };
            let tally = &mut self.scratch.tally;
            let size = self.settings.talker_sample as usize;
            match cell {
                Some(cell) => tally.count(&track.talkers, cell.sample.counted(size)),
                None => tally.count(&track.talkers, core::iter::empty()),
            }
            all.extend(top_talkers::changes(tally, &track.talkers));
            change += cell.map_or(0.0, |cell| cell.sums.bytes as f64) - track.mean_bytes();
        }
        let alike = [Alike::Destination, Alike::Source, Alike::Service];
        top_talkers::explain(all, &alike, group.direction, change, most)
    }
}

/// Seconds within which incidents begin together.
fn span(settings: &Settings) -> i64 {
    let (lateness, window) = (i64::from(settings.allowed_lateness), i64::from(settings.window));
    lateness.min(LONGEST_SPAN).max(2 * window)
}

/// How likely `count` events or more are where `mean` are to be expected (Poisson), from above.
fn chance(count: f64, mean: f64) -> f64 {
    if mean <= 0.0 || count <= mean {
        return if count > mean { 0.0 } else { 1.0 };
    }
    // The terms from `count` on fall at least as fast as a geometric series.
    let first = libm::exp(count * libm::log(mean) - mean - libm::lgamma(count + 1.0));
    (first / (1.0 - mean / (count + 1.0))).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_that_of_a_poisson_distribution() {
        // 1 − Σ e^−μ μ^i / i! for i below the count, by hand.
        for (count, mean, p) in [(1.0, 0.1, 0.095_163), (3.0, 0.1, 1.547e-4), (3.0, 2.0, 0.323_324), (2.0, 3.0, 1.0)] {
            let ours = chance(count, mean);
            assert!(ours >= p * 0.999 && ours <= 1.6 * p, "{count} of {mean}: {ours} for {p}");
        }
    }

    #[test]
    fn what_is_improbable_depends_on_how_often_incidents_begin() {
        let mut groups = Groups::default();
        let chance = |groups: &Groups, count, known| groups.chance(Direction::Drop, count, known, 360);
        assert!(chance(&groups, 3, 50) < IMPROBABLE && chance(&groups, 3, 1_000) > IMPROBABLE);
        // A drop of one of fifty each ten minutes, for two days.
        for minute in 0..2_880 {
            groups.learn(60.0, 50, [0, usize::from(minute % 10 == 0)]);
        }
        assert!(chance(&groups, 3, 50) > IMPROBABLE && chance(&groups, 10, 50) < IMPROBABLE);
        assert!(groups.chance(Direction::Spike, 3, 50, 360) < IMPROBABLE);
    }
}
