//! The close of a window: each series is judged, then the totals, in an order that doesn't depend on arrival.

use super::cell::Cell;
use super::engine::{Engine, Horizon};
use super::registry::{Keyed, TOTAL, make_room};
use super::scratch::Closed;
use crate::detect::Direction;
use crate::incident::Members;
use crate::order;

/// Members whose incidents explain so much of a total's change make its own superfluous.
const EXPLAINED: f64 = 0.5;
/// Seconds for which a series seen in one window only is remembered: a day, for what happens daily.
const NEWBORN: i64 = 86_400;

/// The window that is closed.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) index: i64,
    pub(super) start: i64,
    pub(super) end: i64,
    /// The stream ended before the watermark, or the window is closed again: who isn't there may only be late.
    pub(super) cut: bool,
    /// The stream ended within the window.
    pub(super) partial: bool,
    /// The source failed near the window: who has little may only have lost records.
    pub(super) edge: bool,
}

impl Engine {
    /// Judges all series in window `index`.
    pub(super) fn close(&mut self, index: i64, edge: bool, horizon: &Horizon, out: &mut Vec<u8>) {
        let length = i64::from(self.settings.window);
        let Horizon { partial, .. } = *horizon;
        let cut = horizon.cut || index < self.again;
        let window = Window { index, start: index * length, end: (index + 1) * length, cut, partial, edge };
        self.sort();
        let order = core::mem::take(&mut self.scratch.order);
        let mut closed = core::mem::take(&mut self.scratch.closed);
        let (prefixes, series): (Vec<u32>, Vec<u32>) =
            order.iter().partition(|&&slot| self.registry.slot(slot).kind == Keyed::Prefix);
        make_room(&mut closed, order.len() + 1);
        let mut is_to_forget = false;
        for (at, &slot) in series.iter().enumerate() {
            self.read_ahead(&series[at..], window.start);
            closed.extend(self.close_series(slot, &window, out));
            is_to_forget |= self.is_forgettable(slot, index);
        }
        // The longest prefix first: its incident can explain that of a shorter one, and the total's.
        for slot in prefixes.into_iter().rev() {
            if let Some(total) = self.close_total(slot, &window, &closed, out) {
                closed.push(total);
            }
            is_to_forget |= self.is_forgettable(slot, index);
        }
        if self.settings.total {
            let total = self.close_total(TOTAL, &window, &closed, out);
            closed.extend(total);
        } else {
            let cell = self.registry.slot_mut(TOTAL).cells.take(index);
            self.ahead = self.ahead.saturating_sub(u32::from(cell.is_some_and(|cell| cell.ahead)));
        }
        self.group(&mut closed, &window, out);
        self.spend_budget(&mut closed);
        closed.iter_mut().filter(|closed| closed.early).for_each(|closed| self.settle_early(closed, &window, out));
        closed.iter().for_each(|closed| self.tell(closed, out));
        self.end_groups(&window, out);
        let is_heard = |closed: &&Closed| !closed.total && closed.heard;
        self.frontier.learn(closed.iter().filter(is_heard).count());
        for cell in closed.drain(..).filter_map(|closed| closed.cell) {
            self.recycle(cell.sample);
        }
        self.scratch.closed = closed;
        if is_to_forget {
            self.forget(&order, index, out);
        }
        self.scratch.order = order;
    }

    /// Adds what a series has to the total, and lets it go if nobody will ask for it: while both are at hand, since with many series
    /// going through all of them once more means to fetch them from memory once more.
    fn add_up(&mut self, closed: &mut Closed, cell: Cell, window: i64) {
        closed.heard = cell.sums.flows > 0;
        if self.settings.total {
            let total = &mut self.registry.slot_mut(TOTAL).cells;
            if let Ok(at) = total.place(window) {
                let total = total.get_mut(at);
                total.merge(&cell);
                if self.settings.top_talkers > 0 {
                    let size = self.settings.talker_sample as usize;
                    total.sample.merge(size, &cell.sample, &mut self.scratch.spare_addresses);
                }
            }
        }
        // Prefixes and groups of incidents are explained by the samples of their members.
        let track = self.registry.slot(closed.slot).track.as_ref();
        let is_calm = track.is_none_or(|track| track.lifecycle.direction().is_none());
        if is_calm && !self.settings.prefix_totals {
            self.recycle(cell.sample);
        } else {
            closed.cell = Some(Box::new(cell));
        }
    }

    /// Forgets series that have been gone for long.
    #[cold]
    fn forget(&mut self, order: &[u32], window: i64, out: &mut Vec<u8>) {
        for &slot in order.iter().filter(|&&slot| self.is_forgettable(slot, window)).collect::<Vec<_>>() {
            let gone = self.registry.forget(slot);
            self.release(*gone, out);
            self.scratch.order_changed = true;
        }
    }

    /// Series by key.
    pub(super) fn sort(&mut self) {
        if !core::mem::take(&mut self.scratch.order_changed) {
            return;
        }
        let mut order = core::mem::take(&mut self.scratch.order);
        order.clear();
        order.extend(self.registry.taken());
        order::sort_by(&mut order, |&a, &b| self.registry.slot(a).key.cmp(&self.registry.slot(b).key));
        self.scratch.order = order;
    }

    fn is_forgettable(&self, slot: u32, window: i64) -> bool {
        let slot = self.registry.slot(slot);
        let seconds = match (&slot.track, &slot.newborn) {
            (Some(_), _) => i64::from(self.settings.forget_after_days) * 86_400,
            (None, Some(_)) => NEWBORN,
            (None, None) => return false,
        };
        slot.cells.len() == 0 && (window - slot.active) * i64::from(self.settings.window) >= seconds
    }

    fn close_series(&mut self, slot: u32, window: &Window, out: &mut Vec<u8>) -> Option<Closed> {
        let (cell, value, verdict) = self.judge(slot, false, window)?;
        let mut closed = Closed::new(slot, value, &verdict);
        self.settle(&mut closed, cell.as_ref(), &verdict, window, (Members::None, &[]), out);
        self.totals.windows += u64::from(cell.is_some());
        if let Some(cell) = cell {
            self.add_up(&mut closed, cell, window.index);
        }
        Some(closed)
    }

    /// The total of a prefix, or of all: after all that count in it.
    fn close_total(&mut self, slot: u32, window: &Window, closed: &[Closed], out: &mut Vec<u8>) -> Option<Closed> {
        let (mut cell, value, verdict) = self.judge(slot, true, window)?;
        // Closed series are sorted by key, then come prefixes.
        let key = &self.registry.slot(slot).key;
        let is_member = |closed: &&Closed| self.registry.slot(closed.slot).key.starts_with(key);
        let members: Vec<&Closed> = closed.iter().filter(is_member).collect();
        // Of the total that is done already.
        if let (Some(cell), true) = (&mut cell, slot != TOTAL && self.settings.top_talkers > 0) {
            for member in members.iter().filter(|member| !member.total).filter_map(|member| member.cell.as_ref()) {
                let size = self.settings.talker_sample as usize;
                cell.sample.merge(size, &member.sample, &mut self.scratch.spare_addresses);
            }
        }
        let mut total = Closed { total: true, ..Closed::new(slot, value, &verdict) };
        let explained = explain(total.change, &members);
        self.settle(&mut total, cell.as_ref(), &verdict, window, (explained, &members), out);
        if let Some(cell) = cell {
            self.recycle(cell.sample);
        }
        Some(total)
    }
}

/// Whether incidents of members explain what happens to a total.
fn explain(change: f64, members: &[&Closed]) -> Members {
    let direction = if change < 0.0 { Direction::Drop } else { Direction::Spike };
    let with = |way| members.iter().filter(move |member| member.incident == Some(way));
    // Where a prefix and its members both have an incident, one of them explains the other.
    let of = |total| with(direction).filter(|member| member.total == total).map(|member| member.change).sum::<f64>();
    let part = (of(false) / change).max(of(true) / change);
    let other_way = if direction == Direction::Drop { Direction::Spike } else { Direction::Drop };
    // When a member comes back from its incident, so does the total.
    if part >= EXPLAINED || with(other_way).next().is_some() { Members::Explain } else { Members::Quiet }
}
