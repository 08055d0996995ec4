//! One series in one window: the verdict, what it does to the incident, and what is learned.

use super::absence::Meaning;
use super::cell::{Cell, Sums};
use super::close::Window;
use super::engine::Engine;
use super::notice::write_window;
use super::registry::{Newborn, TOTAL};
use super::scratch::{Closed, Scratch};
use super::settings::Settings;
use super::talker::Alike;
use super::top_talkers;
use super::track::Track;
use crate::detect::{Direction, Verdict};
use crate::incident::{Change, Explanation, Incident, Judged, Member, Members};
use crate::order;

/// The name of the total in events.
const TOTAL_NAME: &[u8] = b"total";
/// Members named in a total's incident.
const MOST_MEMBERS: usize = 5;
/// A member that made less of the change isn't named.
const WORTH: f64 = 0.01;

/// Zeros that a new detector is told of: a day of minutes.
const MOST_ZEROS: i64 = 1_440;

/// A verdict on nothing.
const NO_VERDICT: Verdict = Verdict {
    score: 0.0,
    alert: false,
    direction: None,
    expected: 0.0,
    expected_low: 0.0,
    expected_high: 0.0,
    p: 1.0,
    deviating: false,
    normal: None,
    ready: false,
};

impl Engine {
    /// Takes the window of a series out and judges it: its sums, its value, and the verdict. `None` if the series hasn't
    /// begun.
    pub(super) fn judge(
        &mut self,
        slot: u32,
        total: bool,
        window: &Window,
    ) -> Option<(Option<Cell>, Option<f64>, Verdict)> {
        let maintained = self.is_maintained(&self.registry.slot(slot).key, total, window);
        let settings = &self.settings;
        let place = self.registry.slot_mut(slot);
        let cell = place.cells.take(window.index);
        if let Some(cell) = &cell {
            self.ahead = self.ahead.saturating_sub(u32::from(cell.ahead));
        }
        let unknown = maintained || window.partial || cell.as_ref().map_or(window.cut, |cell| cell.skipped);
        let sums = cell.as_ref().map_or(Sums::default(), |cell| cell.sums);
        let mut value = (!unknown).then(|| sums.value(settings.value) as f64);
        if place.track.is_none() {
            match (&cell, place.newborn.take()) {
                (None, None) => return None,
                (None, Some(mut newborn)) => {
                    newborn.zeros = newborn.zeros.saturating_add(u32::from(value.is_some()));
                    place.newborn = Some(newborn);
                    return Some((None, value, NO_VERDICT));
                }
                (Some(_), None) => {
                    place.active = window.index;
                    place.newborn = Some(Newborn { window: window.index, value, zeros: 0 });
                    return Some((cell, value, NO_VERDICT));
                }
                (Some(_), Some(newborn)) => place.track = Some(Box::new(grow_up(&newborn, window.index, settings))),
            }
        }
        if sums.is_active() {
            place.active = window.index;
        }
        let track = place.track.as_mut()?;
        if let Some(cell) = &cell {
            track.arrival.learn(cell.grew);
        }
        // After a gap the detector may expect anything again, so what was ordinary before counts, too.
        let low = track.usual_low(settings.value);
        let before = window.edge.then(|| (track.detector.clone(), track.absence));
        let mut verdict = observe(track, settings, window, cell.is_some(), &mut value);
        if let (Some(before), true) = (before, value.is_some_and(|value| value < verdict.expected_low.max(low))) {
            (track.detector, track.absence) = before;
            value = None;
            verdict = observe(track, settings, window, cell.is_some(), &mut value);
        }
        Some((cell, value, verdict))
    }

    /// Whether the series is in maintenance, or any series if it is a total.
    pub(super) fn is_maintained(&self, key: &[u8], total: bool, window: &Window) -> bool {
        self.scratch.maintenance.iter().any(|&(from, to, index)| {
            from < window.end && window.start < to && (total || self.settings.maintenance[index].covers(key))
        })
    }

    /// Lets the verdict work on incident and habits, and gives back what became of the incident. What the series' incidents
    /// mean for totals that it counts in is noted.
    pub(super) fn settle(
        &mut self,
        closed: &mut Closed,
        cell: Option<&Cell>,
        verdict: &Verdict,
        window: &Window,
        (explained, members): (Members, &[&Closed]),
        out: &mut Vec<u8>,
    ) {
        let value = closed.value;
        let none = Cell::default();
        let has_record = cell.is_some();
        let cell = cell.unwrap_or(&none);
        if self.settings.windows.tells(has_record) {
            let key = self.name(closed.slot);
            write_window(key, (window.start, window.end), &cell.sums, value.is_none(), verdict, out);
        }
        // Out of its slot for a while, as explaining it looks at other slots.
        let Some(mut track) = self.registry.slot_mut(closed.slot).track.take() else { return };
        let whole = self.whole((closed.slot == TOTAL).then_some(&track));
        let accepted = track.accept(value, window, verdict);
        let judged = Judged { start: window.start, end: window.end, value, whole, verdict: &accepted };
        let step = track.lifecycle.step(self.name(closed.slot), &judged, explained);
        track.adopt_early();
        track.range = if verdict.ready { (verdict.expected_low, verdict.expected_high) } else { (0.0, 0.0) };
        if step.peak
            && let Some(direction) = track.lifecycle.direction()
        {
            let explanation = self.explain(&track, closed, cell, direction, members);
            track.lifecycle.explain(explanation);
        }
        let bears = track.lifecycle.bears(window.start, window.end);
        // What people expect of a series explains totals, too.
        let is_expected = verdict.alert != accepted.alert || verdict.deviating != accepted.deviating;
        let bears = if is_expected { bears.or(verdict.direction) } else { bears };
        if value.is_some() && !verdict.deviating && !verdict.alert {
            let Scratch { tally, means, .. } = &mut self.scratch;
            if self.settings.top_talkers > 0 {
                tally.count(&track.talkers, cell.sample.counted(self.settings.talker_sample as usize));
            }
            track.learn(&cell.sums, tally, means);
            // Who is not in the habit goes with the sample.
            tally.fresh.clear();
        }
        closed.early = track.early.is_some();
        self.registry.slot_mut(closed.slot).track = Some(track);
        closed.step = step;
        closed.incident = bears;
    }

    /// What all series have in an ordinary window, if a total is kept; its track may be out of its slot.
    pub(super) fn whole(&self, total: Option<&Track>) -> Option<f64> {
        let total = total.or(self.registry.slot(TOTAL).track.as_deref());
        total.map(|total| total.mean(self.settings.value))
    }

    /// Tells what became of the incident of a series.
    pub(super) fn tell(&mut self, closed: &Closed, out: &mut Vec<u8>) {
        if let Some((incident, ending)) = &closed.step.closed {
            self.write(closed.slot, incident, Change::Closed(*ending), out);
        }
        if let Some(change) = closed.step.active
            && let Some(incident) = self.open_incident(closed.slot)
        {
            self.write(closed.slot, incident, change, out);
            self.totals.anomalies += u64::from(change == Change::Opened);
        }
    }

    /// The incident of a series that is open and was told.
    pub(super) fn open_incident(&self, slot: u32) -> Option<&Incident> {
        self.registry.slot(slot).track.as_ref()?.lifecycle.open()
    }

    /// The series' name in events.
    pub(super) fn name(&self, slot: u32) -> &[u8] {
        if slot == TOTAL { TOTAL_NAME } else { &self.registry.slot(slot).key }
    }

    /// Why the incident, as the window tells.
    pub(super) fn explain(
        &mut self,
        track: &Track,
        closed: &Closed,
        cell: &Cell,
        direction: Direction,
        members: &[&Closed],
    ) -> Explanation {
        let most = self.settings.top_talkers as usize;
        let mut top_talkers = Vec::new();
        if most > 0 {
            let tally = &mut self.scratch.tally;
            tally.count(&track.talkers, cell.sample.counted(self.settings.talker_sample as usize));
            let change = cell.sums.bytes as f64 - track.mean_bytes();
            let all = top_talkers::changes(tally, &track.talkers).collect();
            top_talkers = top_talkers::explain(all, &[Alike::Destination, Alike::Source], direction, change, most);
        }
        let share = |member: &&Closed| member.change / closed.change;
        let mut largest: Vec<&Closed> =
            members.iter().copied().filter(|member| !member.total && share(member) >= WORTH).collect();
        // They come sorted by key, which settles ties.
        order::sort_by(&mut largest, |a, b| share(b).total_cmp(&share(a)));
        largest.truncate(MOST_MEMBERS);
        let members = largest
            .into_iter()
            .map(|member| Member { series: self.name(member.slot).to_vec(), share: share(&member) })
            .collect();
        Explanation { attribution: track.attribution(&cell.sums), top_talkers, members }
    }
}

/// Judges the value of a series in a window; it becomes unknown where it says nothing.
pub(super) fn observe(
    track: &mut Track,
    settings: &Settings,
    window: &Window,
    has_record: bool,
    value: &mut Option<f64>,
) -> Verdict {
    let meaning = value.map_or(Meaning::Ordinary, |_| track.absence.see(window.index, has_record));
    if meaning == Meaning::Ordinary || track.usual_low(settings.value) <= 0.0 {
        return track.detector.observe(&settings.detect, window.start, *value);
    }
    let verdict = track.detector.observe(&settings.detect, window.start, None);
    let is_missed = verdict.ready && verdict.expected_low > 0.0;
    if meaning == Meaning::Unknown || !is_missed || !settings.detect.watches(0.0, verdict.expected) {
        *value = None;
        return verdict;
    }
    track.absent(verdict)
}

/// A series seen in a second window gets a detector, which is told of the first and of the nothing between.
fn grow_up(newborn: &Newborn, window: i64, settings: &Settings) -> Track {
    let mut track = Track::new(settings.window);
    let mut observe = |index: i64, value| {
        track.detector.observe(&settings.detect, index * i64::from(settings.window), value);
    };
    observe(newborn.window, newborn.value);
    for between in (newborn.window + 1).max(window - i64::from(newborn.zeros).min(MOST_ZEROS))..window {
        observe(between, Some(0.0));
    }
    track
}
