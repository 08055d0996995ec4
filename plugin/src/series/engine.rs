//! The stream of records: into windows, and windows closed as time goes on.

use super::budget::Budget;
use super::cell::Cell;
use super::frontier::{Frontier, Progress};
use super::groups::Groups;
use super::notice::{Kind, Notices, source_recovered, source_silent};
use super::prorate::{Share, Shares};
use super::registry::{Keyed, Lookup, Registry, Slot, TOTAL, key_hash};
use super::sample::{Candidate, Sample};
use super::scratch::Scratch;
use super::settings::{MAX_SPAN, Settings};
use super::silence::{Empty, Silence};
use super::span::SHORTEST;
use super::{Observation, Status};
use crate::incident::{Change, Ending, Incident, Telling};
use crate::state::state;
use crate::time::LAST_SECOND;

/// Windows that wait too far ahead of the frontier, of all series together: wrong timestamps without end must not fill the
/// memory. They take 8 MB at most.
const MOST_AHEAD: u32 = 1 << 16;
/// Different windows among them: each costs a judgement of every series when time has come to it.
const MOST_TIMES_AHEAD: i64 = 256;
/// At the end of the stream, windows after a gap of at most so many seconds still count although nothing confirms them.
const LAST_GAP: i64 = 86_400;
/// Samples kept for reuse: one for each series of a large account, 22 MB at most.
const MOST_SPARE: usize = 4_096;

/// Counts since the start of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Records that came after a window of theirs was closed, or that were too far ahead of all others to the end.
    pub late: u64,
    /// Records with impossible times.
    pub implausible: u64,
    /// Windows closed in which a record was seen, over all series, without totals.
    pub windows: u64,
    /// Series that had to make room.
    pub evicted: u64,
    /// Incidents opened.
    pub anomalies: u64,
}

state!(Totals { late, implausible, windows, evicted, anomalies });

/// How far windows can be closed, and what that means for them.
pub(super) struct Horizon {
    /// Windows before it are closed.
    end: i64,
    /// The stream ended before the watermark.
    pub(super) cut: bool,
    /// And within the window.
    pub(super) partial: bool,
    /// The stream has ended: nothing will be known later.
    over: bool,
}

/// What a record adds to the windows that it touches.
#[derive(Clone, Copy)]
struct Addition {
    /// Start and end.
    times: (i64, i64),
    /// The first and the last window.
    windows: (i64, i64),
    whole: Share,
    rejected: bool,
    skipped: bool,
    ahead: bool,
}

/// Window mode over one stream.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) settings: Settings,
    /// Settings that the state depends on: window, sample, and what is detected on.
    shape: (u32, u32, String),
    pub(super) registry: Registry,
    pub(super) frontier: Frontier,
    pub(super) silence: Silence,
    pub(super) groups: Groups,
    pub(super) budget: Budget,
    pub(super) notices: Notices,
    pub(super) totals: Totals,
    /// The window that is closed next; `None` before the first.
    pub(super) next: Option<i64>,
    /// Windows before it are closed for the second time, as event time went back.
    pub(super) again: i64,
    /// Windows that wait ahead of the frontier.
    pub(super) ahead: u32,
    /// The event time from which open windows are looked at again.
    pub(super) looked: i64,
    pub(super) scratch: Scratch,
}

state!(Engine { shape, registry, frontier, silence, groups since 7, budget since 7, notices, totals, next, again, ahead, looked since 9 } default { settings, scratch });

impl Engine {
    /// An engine that has seen nothing. The settings have been [checked](Settings::check).
    pub fn new(settings: &Settings) -> Self {
        let mut engine = Engine {
            settings: settings.clone(),
            shape: shape(settings),
            registry: Registry::new(settings.max_series),
            frontier: Frontier::new(settings.window.into(), settings.allowed_lateness.into()),
            silence: Silence::default(),
            groups: Groups::default(),
            budget: Budget::default(),
            notices: Notices::default(),
            totals: Totals::default(),
            next: None,
            again: 0,
            ahead: 0,
            looked: 0,
            scratch: Scratch::default(),
        };
        engine.scratch.prepare(settings);
        engine
    }

    /// Makes a deserialised engine usable; `false` if it is not one that [`Engine::new`] with these settings and
    /// records could have made.
    pub fn revive(&mut self, settings: &Settings) -> bool {
        self.settings = settings.clone();
        self.scratch = Scratch::default();
        self.scratch.prepare(settings);
        let window = i64::from(settings.window);
        // Times are bounded, so that no arithmetic on them can overflow.
        let last = LAST_SECOND / window + 1;
        settings.check().is_ok()
            && (self.shape.0, &self.shape.2) == (shape(settings).0, &shape(settings).2)
            && (8..=4096).contains(&self.shape.1)
            && self.registry.len() <= settings.max_series as usize
            && self.next.is_none_or(|next| (0..=last).contains(&next))
            && (0..=last).contains(&self.again)
            && (0..=LAST_SECOND + 2 * window).contains(&self.looked)
            && self.frontier.revive(window, settings.allowed_lateness.into())
            && self.silence.is_valid()
            && self.groups.is_valid()
            && self.budget.is_valid()
            && self.registry.revive(self.next.unwrap_or(0)..=last, self.shape.1 as usize)
            && self.take_up(settings)
    }

    /// What is not a question of shape follows the settings: room for series, and the size of samples.
    fn take_up(&mut self, settings: &Settings) -> bool {
        self.registry.resize(settings.max_series);
        if self.shape.1 != settings.talker_sample {
            // Talkers of the windows that are open now are told from what comes from here on.
            self.registry.drop_samples();
            self.shape = shape(settings);
        }
        true
    }

    /// Counts since the start of the stream.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// The newest trusted end of a record, in epoch seconds.
    pub fn newest(&self) -> Option<i64> {
        self.frontier.newest()
    }

    /// Series known now, without totals over all.
    pub fn series(&self) -> usize {
        self.registry.len()
    }

    /// Takes a record in; events that it leads to are appended to `out`, one a line.
    #[inline]
    pub fn observe(&mut self, record: &Observation<'_>, out: &mut Vec<u8>) {
        let (start, end) = (record.start, record.end);
        // Unsigned, what is negative is large.
        let span = end.wrapping_sub(start) as u64;
        if start as u64 > LAST_SECOND as u64 || end as u64 > LAST_SECOND as u64 || span > MAX_SPAN as u64 {
            return self.implausible((start, end), out);
        }
        let first = self.window_of(start);
        let last = if span > 0 { self.window_of(end - 1) } else { first };
        let next = self.next.unwrap_or(i64::MIN);
        if first < next {
            self.late(1);
            if last < next {
                return self.behind(record, out);
            }
        }
        let ahead = self.frontier.is_ahead(end);
        let whole = match record.status {
            Status::Ok => Share { bytes: record.bytes, packets: record.packets, flows: 1 },
            Status::NoData | Status::SkipData => Share::default(),
        };
        let addition = Addition {
            times: (start, end),
            windows: (first, last),
            whole,
            rejected: record.rejected,
            skipped: record.status == Status::SkipData,
            ahead,
        };
        // For the samples of its windows.
        let mut candidate = match &record.talker {
            Some(talker) if whole.bytes > 0 && self.settings.top_talkers > 0 => {
                Some(Candidate::new(talker, (start, end), record.bytes, record.packets))
            }
            _ => None,
        };
        if ahead {
            self.make_room_ahead(last);
        }
        // An unconfirmed time must not make the series look active.
        let slot = self.slot(record.key, Keyed::Series, if ahead { i64::MIN } else { last }, out);
        if record.place.is_some() && self.registry.slot(slot).origin.is_none() {
            self.registry.slot_mut(slot).origin = record.place.to_origin();
        }
        if first == last {
            self.add(slot, first, whole, &addition, &mut candidate);
        } else {
            self.add_shares(slot, addition, &mut candidate);
        }
        if self.settings.prefix_totals {
            self.add_to_prefixes(record, addition, out);
        }
        if self.frontier.record(slot.into(), (start, end)) == Progress::Moved {
            self.advance(out);
        }
    }

    #[cold]
    fn implausible(&mut self, (start, end): (i64, i64), out: &mut Vec<u8>) {
        self.totals.implausible += 1;
        self.notices.add(Kind::Implausible, 1);
        match self.frontier.newest() {
            Some(newest) => self.notices.tell(newest, false, out),
            // There is no event time that could limit the rate: the first is told, the tenth, the hundredth.
            None if is_power_of_ten(self.totals.implausible) => {
                self.notices.tell(start.min(end).clamp(0, LAST_SECOND), true, out);
            }
            None => {}
        }
    }

    /// A record all windows of which are closed.
    #[cold]
    fn behind(&mut self, record: &Observation<'_>, out: &mut Vec<u8>) {
        if self.frontier.is_in_doubt(record.end) {
            let series = key_hash(record.key, Keyed::Series);
            if let Some(time) = self.frontier.late(series, record.end, self.silence.ordinary()) {
                self.go_back(time, out);
            }
        }
    }

    /// Event time was wrong, and goes back: windows from there on are closed again. Records that came for them are lost, so
    /// who has little in the first of them is unknown, and who has nothing in those that were closed lately, too.
    fn go_back(&mut self, time: i64, out: &mut Vec<u8>) {
        let window = i64::from(self.settings.window);
        let next = time / window + 1;
        self.give_up_after(self.frontier.limit().unwrap_or(time) / window);
        let closed = self.next.replace(next).unwrap_or(next);
        self.again = if (closed - next) * window <= LAST_GAP { closed } else { next };
        self.silence.go_back(next + self.reach() - 1);
        self.looked = 0;
        for slot in core::iter::once(TOTAL).chain(self.registry.taken()).collect::<Vec<_>>() {
            let place = self.registry.slot_mut(slot);
            let early = place.track.as_mut().and_then(|track| track.early.take());
            let open = place.go_back(next, next * window);
            for incident in early.into_iter().chain(open) {
                self.groups.leave(incident.group, Ending::TimeWithdrawn);
                self.write(slot, &incident, Change::Closed(Ending::TimeWithdrawn), out);
            }
        }
        self.notices.add(Kind::WentBack, 1);
        self.notices.tell(time, false, out);
    }

    /// Adds a record that spans windows to those that are open.
    #[cfg_attr(feature = "fluent-bit", inline(always))]
    #[cfg_attr(not(feature = "fluent-bit"), inline(never))]
    fn add_shares(&mut self, slot: u32, addition: Addition, candidate: &mut Option<Candidate<'_>>) {
        let window = i64::from(self.settings.window);
        let next = self.next.unwrap_or(i64::MIN);
        for (index, share) in Shares::new(addition.times, window, addition.windows, addition.whole) {
            if index >= next {
                self.add(slot, index, share, &addition, candidate);
            }
        }
    }

    /// Adds what of a record falls in one window to its series.
    #[inline(always)]
    fn add(
        &mut self,
        slot: u32,
        window: i64,
        share: Share,
        addition: &Addition,
        candidate: &mut Option<Candidate<'_>>,
    ) {
        let cells = &mut self.registry.slot_mut(slot).cells;
        let at = match cells.place(window) {
            Ok(at) => at,
            Err(at) => self.open(slot, at, window, addition.ahead),
        };
        let cell = self.registry.slot_mut(slot).cells.get_mut(at);
        cell.sums.add(share, addition.rejected);
        cell.skipped |= addition.skipped;
        if let (Some(candidate), true) = (candidate, share.bytes > 0) {
            let size = self.settings.talker_sample as usize;
            if cell.sample.admits(size, candidate.rank, share.bytes) {
                cell.sample.take(size, candidate, share.bytes, &mut self.scratch.spare_addresses);
            }
        }
    }

    /// Opens a window of a series, and of the total if it is the first.
    #[inline(never)]
    fn open(&mut self, slot: u32, at: usize, window: i64, ahead: bool) -> usize {
        let total = &mut self.registry.slot_mut(TOTAL).cells;
        if let Err(at) = total.place(window) {
            total.insert(at, Cell { window, ahead, ..Cell::default() });
            self.ahead += u32::from(ahead);
        }
        // One as large as the series is likely to need, so that they do not all become as large as the largest was.
        let cells = &mut self.registry.slot_mut(slot).cells;
        let records = cells.first().map_or(0, |cell| cell.sample.len());
        let spare = self.scratch.spare.pop().filter(|spare| !spare.is_too_large_for(records));
        let sample = spare.unwrap_or_else(|| Sample::with_room(records));
        cells.insert(at, Cell { window, ahead, sample, ..Cell::default() });
        self.ahead += u32::from(ahead);
        at
    }

    /// The totals of the record's prefixes.
    #[inline(never)]
    fn add_to_prefixes(&mut self, record: &Observation<'_>, addition: Addition, out: &mut Vec<u8>) {
        for prefix in record.joints.iter().filter_map(|&joint| record.key.get(..=joint as usize)) {
            let touched = if addition.ahead { i64::MIN } else { addition.windows.1 };
            let slot = self.slot(prefix, Keyed::Prefix, touched, out);
            self.add_shares(slot, addition, &mut None);
        }
    }

    /// Makes room for a record whose time nobody confirms yet: if too many wait, those that wait give up.
    #[cold]
    fn make_room_ahead(&mut self, last: i64) {
        let Some(limit) = self.frontier.limit() else { return };
        let window = i64::from(self.settings.window);
        let limit = limit / window;
        let total = &self.registry.slot(TOTAL).cells;
        let times = total.iter().rev().take_while(|cell| cell.window > limit).count() as i64;
        // A record of the longest kind, or two, always has room.
        let most = MOST_TIMES_AHEAD.max(2 * MAX_SPAN / window);
        if self.ahead >= MOST_AHEAD || (times >= most && total.place(last).is_err()) {
            self.give_up_after(limit);
        }
    }

    /// From now on no further window is closed in a call once its output has so many bytes: the next call goes on.
    pub fn stop_at(&mut self, bytes: usize) {
        self.scratch.full = Some(bytes);
    }

    /// Closes what an earlier call had no room for.
    pub fn close_rest(&mut self, out: &mut Vec<u8>) {
        self.advance(out);
    }

    /// The host's clock, in milliseconds since the epoch: closes windows of an idle stream.
    pub fn tick(&mut self, now_ms: i64, out: &mut Vec<u8>) {
        self.frontier.tick(now_ms);
        self.advance(out);
    }

    /// The end of the stream: closes all windows. In those that the watermark had not passed a series without records is
    /// unknown rather than zero, and in the last one, if the data doesn't reach its end, all are.
    ///
    /// True: `out` has become [full](Engine::stop_at), and there is more to close by another call.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        let window = i64::from(self.settings.window);
        let Some(last) = self.scratch.last.take().or_else(|| self.last_window()) else {
            // No record that could be used, so no time to tell it at but that of the first notice.
            self.notices.tell_rest(out);
            return false;
        };
        self.give_up_after(last);
        self.ahead = 0;
        // A window is complete when a record has reached its end.
        let complete = self.frontier.reached().map_or(0, |reached| reached / window);
        if let Some(end) = last.checked_add(1) {
            let passed = self.frontier.watermark().map_or(0, |watermark| watermark.div_euclid(window));
            for (until, cut, partial) in [(passed, false, false), (complete, true, false), (end, true, true)] {
                self.close_until(&Horizon { end: until.min(end), cut, partial, over: true }, out);
                if self.is_full(out) {
                    self.scratch.last = Some(last);
                    return true;
                }
            }
            self.frontier.finish((end * window).min(LAST_SECOND));
            self.notices.tell((end * window).min(LAST_SECOND), true, out);
        }
        false
    }

    /// The last window at the end of the stream; none if there was no record.
    fn last_window(&self) -> Option<i64> {
        let window = i64::from(self.settings.window);
        let mut last = self.frontier.newest().map(|newest| (newest - 1).max(0) / window);
        for cell in self.registry.slot(TOTAL).cells.iter() {
            if last.is_none_or(|last| (cell.window - last) * window <= LAST_GAP) {
                last = Some(last.unwrap_or(0).max(cell.window));
            }
        }
        last
    }

    /// How a change is told that the close of the next window brings. Its time does not depend on which record let it close.
    pub(super) fn telling(&self, change: Change) -> Telling<'static> {
        let Settings { window, allowed_lateness, value, .. } = &self.settings;
        let end = self.next.map_or(LAST_SECOND, |next| (next + 1) * i64::from(*window) + i64::from(*allowed_lateness));
        Telling { change, value: value.name(), told_at: self.frontier.newest().unwrap_or(0).min(end), origin: None }
    }

    /// Tells a change of an incident of a series.
    pub(super) fn write(&self, slot: u32, incident: &Incident, change: Change, out: &mut Vec<u8>) {
        let telling = Telling { origin: self.registry.slot(slot).origin.as_deref(), ..self.telling(change) };
        incident.write(&telling, self.name(slot), out);
    }

    fn is_full(&self, out: &[u8]) -> bool {
        self.scratch.full.is_some_and(|full| out.len() >= full)
    }

    /// Drops the windows after `last`: their records are late.
    fn give_up_after(&mut self, last: i64) {
        if self.registry.slot(TOTAL).cells.last().is_none_or(|cell| cell.window <= last) {
            return;
        }
        let mut records = 0;
        for slot in core::iter::once(TOTAL).chain(self.registry.taken()).collect::<Vec<_>>() {
            let is_prefix = self.registry.slot(slot).kind == Keyed::Prefix;
            for cell in self.registry.slot_mut(slot).cells.truncate_after(last) {
                self.ahead -= u32::from(cell.ahead).min(self.ahead);
                records += if is_prefix { 0 } else { cell.sums.flows };
            }
        }
        self.late(records);
    }

    #[cold]
    fn late(&mut self, records: u64) {
        self.totals.late += records;
        self.notices.add(Kind::Late, records);
    }

    /// The slot of a key, at the price of another if there is no room.
    #[inline]
    fn slot(&mut self, key: &[u8], kind: Keyed, window: i64, out: &mut Vec<u8>) -> u32 {
        match self.registry.find(key, kind, window) {
            Lookup::Known(slot) => slot,
            Lookup::New { slot, returned, evicted } => self.admit(slot, key, returned, evicted, out),
        }
    }

    /// A series is new.
    #[cold]
    fn admit(&mut self, slot: u32, key: &[u8], returned: bool, evicted: Option<Box<Slot>>, out: &mut Vec<u8>) -> u32 {
        self.scratch.order_changed = true;
        if returned {
            self.notices.series(Kind::Returned, key);
        }
        if let Some(evicted) = evicted {
            self.totals.evicted += 1;
            self.notices.add(Kind::Evicted, 1);
            self.release(*evicted, out);
        }
        slot
    }

    /// A series is gone, and its open incident with it. What it has in open windows goes on counting in the total.
    pub(super) fn release(&mut self, mut slot: Slot, out: &mut Vec<u8>) {
        let is_prefix = slot.kind == Keyed::Prefix;
        for cell in slot.cells.drain() {
            self.ahead -= u32::from(cell.ahead).min(self.ahead);
            let total = &mut self.registry.slot_mut(TOTAL).cells;
            if let (false, Ok(at)) = (is_prefix, total.place(cell.window)) {
                total.get_mut(at).merge(&cell);
            }
            self.recycle(cell.sample);
        }
        let Some(mut track) = slot.track else { return };
        for incident in track.early.take().into_iter().chain(track.lifecycle.end()) {
            self.groups.leave(incident.group, Ending::SeriesGone);
            let telling =
                Telling { origin: slot.origin.as_deref(), ..self.telling(Change::Closed(Ending::SeriesGone)) };
            incident.write(&telling, &slot.key, out);
        }
    }

    pub(super) fn recycle(&mut self, mut sample: Sample) {
        if sample.has_room() && self.scratch.spare.len() < MOST_SPARE {
            sample.clear(&mut self.scratch.spare_addresses);
            self.scratch.spare.push(sample);
        }
    }

    /// The window of a second: most are in the same as the one before, or next to it, and need no division.
    #[inline]
    fn window_of(&mut self, second: i64) -> i64 {
        let window = i64::from(self.settings.window);
        let (recent, start) = self.scratch.recent;
        match second - start {
            after if (0..window).contains(&after) => recent,
            after if (window..2 * window).contains(&after) => recent + 1,
            after if (-window..0).contains(&after) => recent - 1,
            _ => {
                let index = second / window;
                self.scratch.recent = (index, index * window);
                index
            }
        }
    }

    /// Closes what the watermark has passed.
    #[inline]
    fn advance(&mut self, out: &mut Vec<u8>) {
        let Some(watermark) = self.frontier.watermark() else { return };
        let end = watermark.div_euclid(self.settings.window.into());
        if self.next.is_none_or(|next| end > next) {
            self.pass(end, out);
        }
        let is_due = self.settings.provisional && self.frontier.newest().is_some_and(|newest| newest >= self.looked);
        if is_due && !self.is_full(out) {
            self.look(out);
        }
    }

    /// Closes the windows before `end`, which the watermark has come to.
    fn pass(&mut self, end: i64, out: &mut Vec<u8>) {
        let strays = self.frontier.take_strays();
        self.notices.add(Kind::Ahead, strays);
        let missing = self.frontier.take_missing();
        self.notices.add(Kind::Missing, missing);
        self.close_until(&Horizon { end, cut: false, partial: false, over: false }, out);
    }

    /// Closes the windows before the horizon.
    fn close_until(&mut self, horizon: &Horizon, out: &mut Vec<u8>) {
        let window = i64::from(self.settings.window);
        let reach = self.reach();
        loop {
            let heard = self.registry.slot(TOTAL).cells.first().map(|cell| cell.window);
            let Some(next) = self.next.or(heard) else { return };
            if next >= horizon.end || self.is_full(out) {
                return;
            }
            if heard.is_some_and(|heard| heard <= next) {
                let Some(edge) = self.is_edge(next, reach, horizon) else { return };
                if let Some(windows) = self.silence.heard(next, self.lines(next), reach) {
                    source_recovered(next * window, windows, out);
                }
                let edge = edge || self.silence.is_edge(next);
                self.close(next, edge, horizon, out);
                self.next = Some(next + 1);
            } else if self.silence.empty() == Empty::Zero && self.registry.len() > 0 {
                self.close(next, self.silence.is_edge(next), horizon, out);
                self.next = Some(next + 1);
            } else {
                let until = heard.map_or(horizon.end, |heard| heard.min(horizon.end));
                self.silence.skip(until - next - 1);
                if let Some((ago, windows)) = self.silence.failure() {
                    source_silent((until - ago) * window, windows, out);
                }
                self.next = Some(until);
            }
            let now = self.next.unwrap_or(next) * window;
            self.notices.tell(now, false, out);
        }
    }

    /// Windows on either side of a gap in which records can be missing: as far as records lie apart.
    fn reach(&self) -> i64 {
        let apart = i64::from(self.settings.allowed_lateness) + SHORTEST;
        (apart / i64::from(self.settings.window)).max(1)
    }

    /// Whether a gap begins near a window that is not empty; `None` if that will only be known later.
    ///
    /// What is known now can't change: a window with lines keeps them, and one that the watermark has passed stays empty.
    fn is_edge(&self, window: i64, reach: i64, horizon: &Horizon) -> Option<bool> {
        let Some(needed) = self.silence.gap(reach) else { return Some(false) };
        let is_passed = |window: i64| window < horizon.end || horizon.over;
        let mut last = window;
        for cell in self.registry.slot(TOTAL).cells.iter().filter(|cell| cell.window > window) {
            if last >= window + reach {
                return Some(false);
            }
            if cell.window - last > needed {
                return is_passed(last + needed).then_some(true);
            }
            last = cell.window;
        }
        // The end of a stream is no gap.
        match last >= window + reach || horizon.over {
            true => Some(false),
            false => is_passed(last + needed).then_some(true),
        }
    }

    /// Lines of all series in the window that is closed next.
    fn lines(&self, window: i64) -> u64 {
        core::iter::once(TOTAL)
            .chain(self.registry.taken())
            .map(|slot| self.registry.slot(slot))
            .filter(|slot| slot.kind == Keyed::Series)
            .filter_map(|slot| slot.cells.first().filter(|cell| cell.window == window))
            .map(|cell| cell.sums.lines)
            .sum()
    }
}

fn is_power_of_ten(mut count: u64) -> bool {
    while count > 1 && count.is_multiple_of(10) {
        count /= 10;
    }
    count == 1
}

fn shape(settings: &Settings) -> (u32, u32, String) {
    (settings.window, settings.talker_sample, settings.value.name().to_owned())
}
