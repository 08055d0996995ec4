//! The stream of records: into windows, and windows closed as time goes on.

use super::cell::Cell;
use super::close::Scratch;
use super::frontier::{Frontier, Progress};
use super::notice::{Kind, Notices, source_recovered, source_silent};
use super::prorate::{Share, Shares};
use super::registry::{Found, Registry, Slot, TOTAL, key_hash};
use super::sample::Sample;
use super::settings::{MAX_SPAN, Settings};
use super::silence::{Empty, Silence};
use super::talker::{TalkerKey, record_hash};
use super::{Observation, Status};
use crate::incident::time::LAST_SECOND;
use crate::incident::{Change, Ending};
use crate::snapshot::state;

/// Windows that wait too far ahead of the frontier, of all series together: wrong timestamps without end must not fill the
/// memory. They take 8 MB at most; a stream that crosses a gap needs a handful.
const MOST_AHEAD: u32 = 1 << 16;
/// At the end of the stream, windows after a gap of at most so many seconds still count although nothing confirms them.
const LAST_GAP: i64 = 86_400;
/// Samples kept for reuse: one for each series of a large account, 16 MB at most.
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

/// Window mode over one stream.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) settings: Settings,
    /// Settings that the state depends on: window, sample, and what is detected on.
    shape: (u32, u32, String),
    pub(super) registry: Registry,
    frontier: Frontier,
    silence: Silence,
    pub(super) notices: Notices,
    pub(super) totals: Totals,
    /// The window that is closed next; `None` before the first.
    next: Option<i64>,
    /// Windows that wait ahead of the frontier.
    pub(super) ahead: u32,
    pub(super) scratch: Scratch,
}

state!(Engine { shape, registry, frontier, silence, notices, totals, next, ahead } default { settings, scratch });

impl Engine {
    /// An engine that has seen nothing. The settings have been [checked](Settings::check).
    pub fn new(settings: &Settings) -> Self {
        let mut engine = Engine {
            settings: settings.clone(),
            shape: shape(settings),
            registry: Registry::new(settings.max_series),
            frontier: Frontier::new(settings.window.into(), settings.allowed_lateness.into()),
            silence: Silence::default(),
            notices: Notices::default(),
            totals: Totals::default(),
            next: None,
            ahead: 0,
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
            && self.shape == shape(settings)
            && self.next.is_none_or(|next| (0..=last).contains(&next))
            && self.frontier.is_valid(window, settings.allowed_lateness.into())
            && self.silence.is_valid()
            && self.registry.revive(settings.max_series, self.next.unwrap_or(0)..=last, settings.talker_sample as usize)
    }

    /// Counts since the start of the stream.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Series known now, without totals over all.
    pub fn series(&self) -> usize {
        self.registry.len()
    }

    /// Takes a record in; events that it leads to are appended to `out`, one a line.
    pub fn observe(&mut self, record: &Observation<'_>, out: &mut Vec<u8>) {
        let (start, end) = (record.start, record.end);
        if start < 0 || end > LAST_SECOND || end < start || end - start > MAX_SPAN {
            self.totals.implausible += 1;
            self.notices.add(Kind::Implausible, 1);
            return;
        }
        let window = i64::from(self.settings.window);
        let first = self.window_of(start);
        let late = self.next.is_some_and(|next| first < next);
        let last = if end > start { self.window_of(end - 1) } else { first };
        if late {
            self.late(1);
            if self.next.is_some_and(|next| last < next) {
                return;
            }
        }
        let ahead = self.frontier.is_ahead(end);
        // Where windows that nobody confirms are full, the record is too late to be early.
        if ahead && self.ahead >= MOST_AHEAD {
            self.late(1);
            return;
        }
        let hash = key_hash(record.key);
        let whole = match record.status {
            Status::Ok => Share { bytes: record.bytes, packets: record.packets, flows: 1 },
            Status::NoData | Status::SkipData => Share::default(),
        };
        // The hash that ranks the record in the samples of its windows.
        let rank = match &record.talker {
            Some(talker) if whole.bytes > 0 && self.settings.top_talkers > 0 => {
                Some(record_hash(talker, start, end, record.bytes, record.packets))
            }
            _ => None,
        };
        // An unconfirmed time must not make the series look active.
        let touched = if ahead { i64::MIN } else { last };
        let slot = self.slot(record.key, hash, touched, out);
        let mut key = None;
        for (index, share) in Shares::new((start, end), window, (first, last), whole) {
            if self.next.is_some_and(|next| index < next) {
                continue;
            }
            // The total first: a window that it doesn't have, nobody has.
            if !self.add(TOTAL, index, share, record, ahead) {
                continue;
            }
            self.add(slot, index, share, record, ahead);
            if let (Some(rank), Some(talker), true) = (rank, &record.talker, share.bytes > 0) {
                self.sample(slot, index, rank, share.bytes, || *key.get_or_insert_with(|| TalkerKey::new(talker)));
            }
        }
        if self.settings.prefix_totals {
            for (at, _) in record.key.iter().enumerate().filter(|(_, byte)| **byte == b'/') {
                let prefix = &record.key[..=at];
                let slot = self.slot(prefix, key_hash(prefix), touched, out);
                for (index, share) in Shares::new((start, end), window, (first, last), whole) {
                    if self.registry.slot(TOTAL).cells.place(index).is_ok() {
                        self.add(slot, index, share, record, ahead);
                    }
                }
            }
        }
        if self.frontier.record(hash, start, end) == Progress::Moved {
            self.advance(out);
        }
    }

    /// The host's clock, in milliseconds since the epoch: closes windows of an idle stream.
    pub fn tick(&mut self, now_ms: i64, out: &mut Vec<u8>) {
        if self.frontier.tick(now_ms) == Progress::Moved {
            self.advance(out);
        }
    }

    /// The end of the stream: closes all windows. In those that the watermark had not passed a series without records is
    /// unknown rather than zero, and in the last one, if the data doesn't reach its end, all are.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let window = i64::from(self.settings.window);
        let total = self.registry.slot(TOTAL);
        let mut last = self.frontier.newest().map(|newest| (newest - 1).max(0) / window);
        for cell in total.cells.iter() {
            if last.is_none_or(|last| (cell.window - last) * window <= LAST_GAP) {
                last = Some(last.unwrap_or(0).max(cell.window));
            }
        }
        let Some(last) = last else { return };
        let unconfirmed: u64 = {
            let gone = self.registry.slot_mut(TOTAL).cells.truncate_after(last);
            gone.map(|cell| cell.sums.flows).sum()
        };
        if unconfirmed > 0 {
            self.late(unconfirmed);
            for slot in self.registry.taken().collect::<Vec<_>>() {
                self.registry.slot_mut(slot).cells.truncate_after(last).for_each(drop);
            }
        }
        self.ahead = 0;
        // A window is complete when a record has reached its end.
        let complete = self.frontier.newest().map_or(0, |newest| newest / window);
        if let Some(end) = last.checked_add(1) {
            self.close_until(end.min(complete), true, false, out);
            self.close_until(end, true, true, out);
            self.frontier.finish((end * window).min(LAST_SECOND));
            self.notices.tell((end * window).min(LAST_SECOND), true, out);
        }
    }

    fn late(&mut self, records: u64) {
        self.totals.late += records;
        self.notices.add(Kind::Late, records);
    }

    /// The slot of a key, at the price of another if there is no room.
    #[inline]
    fn slot(&mut self, key: &[u8], hash: u64, window: i64, out: &mut Vec<u8>) -> u32 {
        match self.registry.find(key, hash, window) {
            Found::Known(slot) => slot,
            Found::New { slot, returned, evicted } => {
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
        }
    }

    /// A series is gone, and its open incident with it.
    pub(super) fn release(&mut self, mut slot: Slot, out: &mut Vec<u8>) {
        for cell in slot.cells.drain() {
            self.ahead -= u32::from(cell.ahead).min(self.ahead);
            self.recycle(cell.sample);
        }
        if let Some(incident) = slot.track.and_then(|mut track| track.life.end()) {
            incident.write(Change::Closed(Ending::SeriesGone), &slot.key, self.settings.value.name(), out);
        }
    }

    pub(super) fn recycle(&mut self, mut sample: Sample) {
        if !sample.is_empty() && self.scratch.spare.len() < MOST_SPARE {
            sample.clear();
            self.scratch.spare.push(sample);
        }
    }

    #[inline]
    fn add(&mut self, slot: u32, window: i64, share: Share, record: &Observation<'_>, ahead: bool) -> bool {
        let cells = &mut self.registry.slot_mut(slot).cells;
        let at = match cells.place(window) {
            Ok(at) => at,
            Err(_) if ahead && slot == TOTAL && self.ahead >= MOST_AHEAD => return false,
            Err(at) => {
                cells.insert(at, Cell { window, ahead, ..Cell::default() });
                self.ahead += u32::from(ahead);
                at
            }
        };
        let cell = cells.get_mut(at);
        // A record that only ends in the window was sent for the one before: it doesn't show that the source lives.
        let length = i64::from(self.settings.window);
        let (start, end) = (window * length, (window + 1) * length);
        cell.sums.lines += u64::from(record.start >= start || record.end >= end);
        cell.skipped |= record.status == Status::SkipData;
        cell.sums.add(share, record.rejected);
        true
    }

    /// Offers the record to the sample of a window that [`Engine::add`] has just been to.
    #[inline]
    fn sample(&mut self, slot: u32, window: i64, rank: u64, bytes: u64, talker: impl FnOnce() -> TalkerKey) {
        let cells = &mut self.registry.slot_mut(slot).cells;
        if let Ok(at) = cells.place(window) {
            let sample = &mut cells.get_mut(at).sample;
            if sample.is_empty()
                && let Some(spare) = self.scratch.spare.pop()
            {
                *sample = spare;
            }
            sample.offer(self.settings.talker_sample as usize, rank, bytes, talker);
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
        if self.next.is_some_and(|next| end <= next) {
            return;
        }
        let strays = self.frontier.take_strays();
        self.notices.add(Kind::Ahead, strays);
        self.close_until(end, false, false, out);
    }

    /// Closes the windows before `end`. `cut`: the stream ended before the watermark; `partial`: and within the window.
    fn close_until(&mut self, end: i64, cut: bool, partial: bool, out: &mut Vec<u8>) {
        let window = i64::from(self.settings.window);
        loop {
            let heard = self.registry.slot(TOTAL).cells.first().map(|cell| (cell.window, cell.sums.lines));
            let next = match (self.next, heard) {
                (Some(next), _) => next,
                (None, Some((first, ..))) => first,
                (None, None) => return,
            };
            if next >= end {
                return;
            }
            match heard {
                Some((heard, 0)) if heard <= next => {
                    // Tails of records that began before.
                    let unknown = self.silence.empty() == Empty::Unknown;
                    self.close(next, cut, partial || unknown, out);
                    self.next = Some(next + 1);
                    if let Some((ago, windows)) = self.silence.failure() {
                        source_silent((next + 1 - ago) * window, windows, out);
                    }
                }
                Some((heard, lines)) if heard <= next => {
                    if let Some(windows) = self.silence.heard(lines) {
                        source_recovered(next * window, windows, out);
                    }
                    self.close(next, cut, partial, out);
                    self.next = Some(next + 1);
                }
                _ => {
                    let until = heard.map_or(end, |(heard, ..)| heard.min(end));
                    if self.silence.empty() == Empty::Zero && self.registry.len() > 0 {
                        self.close(next, cut, partial, out);
                        self.next = Some(next + 1);
                    } else {
                        self.silence.skip(until - next - 1);
                        if let Some((ago, windows)) = self.silence.failure() {
                            source_silent((until - ago) * window, windows, out);
                        }
                        self.next = Some(until);
                    }
                }
            }
            let now = self.next.unwrap_or(next) * window;
            self.notices.tell(now, false, out);
        }
    }
}

fn shape(settings: &Settings) -> (u32, u32, String) {
    (settings.window, settings.talker_sample, settings.value.name().to_owned())
}
