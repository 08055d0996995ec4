//! Incidents told before their windows are closed.
//!
//! A window is closed when no record can come for it any more: the lateness after its end, and the longest record. Most of its records
//! are there long before. So whenever event time has passed the end of a window, the open ones are looked at as if they were
//! closed now, on a copy of the series:
//!
//! - A **spike** can only grow: more records do not take it back. It is told with the first window that has ended.
//! - A **drop** is one only if the records are in. Each series' own delay is learnt: how many windows after its end a window still
//!   grew, the most of late. One window more has to pass.
//!
//! Only what would be told in any case is told early: of high or critical severity. It is `provisional` until its window is
//! closed; then it goes on as an `update`, or ends with the reason `unconfirmed`. Of several series that begin together the
//! severest is told alone, as the group will tell the rest, and none that will join a group which is told already; and where half of the
//! series drop, nothing is: then the records are late.

use super::cell::{Cell, Sums};
use super::close::Window;
use super::engine::Engine;
use super::groups::{DIRECTIONS, FEWEST};
use super::judge::observe;
use super::registry::Keyed;
use super::scratch::Closed;
use crate::detect::Direction;
use crate::incident::{Change, Ending, Incident, Judged, Members, Telling};
use crate::state::state;

/// Windows without growth by which a delay falls by one: what comes about once in a thousand windows is waited for. So long nothing is
/// told early of a series, too, after something was that was not so.
const PATIENCE: u16 = 1_000;
/// Open windows that are looked at, at most: of an hour and more of lateness nothing early can be said.
const MOST_WINDOWS: i64 = 64;

/// How late the records of a series come.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Arrival {
    /// Windows after its end in which a window still grew: the most of late.
    delay: f32,
    /// Windows for which nothing is told early.
    rest: u16,
}

state!(Arrival { delay, rest });

impl Arrival {
    /// A window was closed that grew last so many windows after its end.
    pub(crate) fn learn(&mut self, grew: u16) {
        self.delay = f32::from(grew).max(self.delay - 1.0 / f32::from(PATIENCE));
        self.rest = self.rest.saturating_sub(1);
    }

    /// Whether nothing more is to be expected of a window that ended so many windows ago.
    fn is_in(self, ago: i64) -> bool {
        ago as f32 > self.delay
    }

    pub(crate) fn is_valid(self) -> bool {
        (0.0..=f32::from(u16::MAX)).contains(&self.delay)
    }
}

impl Cell {
    /// Sees whether the window, which ended so many windows ago, has grown since it was last looked at.
    fn look(&mut self, ago: i64) {
        if self.sums.lines as u32 != self.seen {
            self.seen = self.sums.lines as u32;
            self.grew = u16::try_from(ago).unwrap_or(u16::MAX);
        }
    }
}

/// An incident that would open now.
struct Candidate {
    slot: u32,
    incident: Box<Incident>,
}

impl Engine {
    /// Looks at the open windows that have ended, once for each end of a window that event time passes.
    pub(super) fn look(&mut self, out: &mut Vec<u8>) {
        let length = i64::from(self.settings.window);
        let (Some(newest), Some(next)) = (self.frontier.newest(), self.next) else { return };
        let ended = newest / length;
        // What was there before anybody looked did not grow.
        let is_first = core::mem::replace(&mut self.looked, (ended + 1) * length) == 0;
        if ended - next > MOST_WINDOWS {
            return;
        }
        self.sort();
        let order = core::mem::take(&mut self.scratch.order);
        let (mut candidates, mut active, mut told) = (Vec::new(), 0, [0; DIRECTIONS.len()]);
        // Lines of all series in each window.
        let mut lines = vec![0; (ended - next).clamp(0, MOST_WINDOWS) as usize];
        for &slot in &order {
            let place = self.registry.slot_mut(slot);
            if place.kind == Keyed::Prefix {
                continue;
            }
            for cell in place.cells.iter_mut().take_while(|cell| cell.window < ended) {
                cell.look(if is_first { 0 } else { ended - 1 - cell.window });
                if let Some(lines) = usize::try_from(cell.window - next).ok().and_then(|place| lines.get_mut(place)) {
                    *lines += cell.sums.lines;
                }
            }
            if let Some(track) = &place.track {
                active += 1;
                if let Some(early) = &track.early {
                    told[early.direction as usize] += 1;
                }
            }
            if self.is_suspect(slot, next, ended) {
                candidates.extend(self.suspect(slot, next, ended));
            }
        }
        self.scratch.order = order;
        // Where a source fails or comes back, series lack records that are no drop of theirs.
        let is_whole = |candidate: &Candidate| {
            let place = lines.len().min((candidate.incident.end / length - next).max(0) as usize);
            // The last window has ended just now, with the first record of the next.
            self.silence.is_whole(&lines[..place], &lines[place..lines.len().saturating_sub(1).max(place)])
        };
        candidates.retain(|candidate| candidate.incident.direction == Direction::Spike || is_whole(candidate));
        // A group that is told tells of those that are still to join it.
        candidates.retain(|Candidate { incident, .. }| {
            self.groups.fitting(incident.direction, incident.start, &self.settings).is_none()
        });
        for direction in DIRECTIONS {
            let same: Vec<&Candidate> =
                candidates.iter().filter(|candidate| candidate.incident.direction == direction).collect();
            let worst = same.iter().copied().reduce(|worst, other| {
                let rank = |candidate: &Candidate| (candidate.incident.severity, candidate.incident.score);
                if rank(other) > rank(worst) { other } else { worst }
            });
            match worst {
                Some(_) if direction == Direction::Drop && 2 * same.len() > active.max(2) => {}
                Some(worst) if told[direction as usize] + same.len() >= FEWEST => {
                    if told[direction as usize] == 0 {
                        self.tell_early(worst, out);
                    }
                }
                _ => same.into_iter().for_each(|candidate| self.tell_early(candidate, out)),
            }
        }
    }

    /// Whether a window of a series is out of the range that the last closed one had, and nothing is told of it.
    fn is_suspect(&self, slot: u32, next: i64, ended: i64) -> bool {
        let slot = self.registry.slot(slot);
        let Some(track) = &slot.track else { return false };
        let (low, high) = track.range;
        if track.early.is_some() || track.arrival.rest > 0 || track.lifecycle.direction().is_some() || high <= 0.0 {
            return false;
        }
        let open = slot.cells.iter().filter(|cell| (next..ended).contains(&cell.window));
        let mut last = next - 1;
        for cell in open {
            let value = cell.sums.value(self.settings.value) as f64;
            let is_missing = last + 1 < cell.window && low > 0.0;
            if value > high || is_missing || (value < low && track.arrival.is_in(ended - 1 - cell.window)) {
                return true;
            }
            last = cell.window;
        }
        low > 0.0 && last + 1 < ended && track.arrival.is_in(ended - 2 - last)
    }

    /// Closes the open windows on a copy of the series, until an incident begins that can be told.
    fn suspect(&mut self, slot: u32, next: i64, ended: i64) -> Option<Candidate> {
        let length = i64::from(self.settings.window);
        let mut track = self.registry.slot(slot).track.clone()?;
        let whole = self.whole(None);
        for index in next..ended {
            let window = Window {
                index,
                start: index * length,
                end: (index + 1) * length,
                cut: false,
                partial: false,
                edge: false,
            };
            let cell = self.registry.slot(slot).cells.iter().find(|cell| cell.window == index);
            let is_unknown = self.silence.is_edge(index)
                || cell.is_some_and(|cell| cell.skipped || cell.ahead)
                || self.is_maintained(&self.registry.slot(slot).key, false, &window);
            let sums = cell.map_or(Sums::default(), |cell| cell.sums);
            let mut value = (!is_unknown).then(|| sums.value(self.settings.value) as f64);
            let cell = cell.cloned();
            let verdict = observe(&mut track, &self.settings, &window, cell.is_some(), &mut value);
            let accepted = track.accept(value, &window, &verdict);
            let judged = Judged { start: window.start, end: window.end, value, whole, verdict: &accepted };
            let step = track.lifecycle.step(&self.registry.slot(slot).key, &judged, Members::None);
            if !step.begun && !step.continued {
                continue;
            }
            let direction = track.lifecycle.direction()?;
            if step.continued || (direction == Direction::Drop && !track.arrival.is_in(ended - 1 - index)) {
                return None;
            }
            let closed = Closed::new(slot, value, &verdict);
            let explanation = self.explain(&track, &closed, &cell.unwrap_or_default(), direction, &[]);
            track.lifecycle.explain(explanation);
            let incident = track.lifecycle.take_current().filter(|incident| incident.is_pressing(length))?;
            return Some(Candidate { slot, incident });
        }
        None
    }

    fn tell_early(&mut self, candidate: &Candidate, out: &mut Vec<u8>) {
        let told_at = self.looked - i64::from(self.settings.window);
        let origin = self.registry.slot(candidate.slot).origin.as_deref();
        let telling = Telling { told_at, origin, ..self.telling(Change::Provisional) };
        candidate.incident.write(&telling, self.name(candidate.slot), out);
        self.totals.anomalies += 1;
        if let Some(track) = &mut self.registry.slot_mut(candidate.slot).track {
            track.early = Some(candidate.incident.clone());
        }
    }

    /// A window is closed: what was told early of the series goes on as the incident that [began](Track::adopt_early), or ends. An
    /// incident that began is told whatever its severity now.
    pub(super) fn settle_early(&mut self, closed: &mut Closed, window: &Window, out: &mut Vec<u8>) {
        let Some(track) = &mut self.registry.slot_mut(closed.slot).track else { return };
        let id = track.lifecycle.current().map(|incident| incident.id);
        let is_known = closed.value.is_some();
        if track.early.take_if(|early| Some(early.id) == id).is_some() {
            track.lifecycle.announce();
            closed.step.active = Some(Change::Confirmed);
        } else if let Some(early) = track.early.take_if(|early| early.end <= window.end && is_known) {
            // Where nothing is known of the window, as where the input ends, nothing is taken back either.
            let ending = if early.is_accepted() { Ending::Accepted } else { Ending::Unconfirmed };
            if ending == Ending::Unconfirmed {
                track.arrival.rest = PATIENCE;
            }
            self.write(closed.slot, &early, Change::Closed(ending), out);
        }
    }
}
