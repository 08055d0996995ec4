//! The `notice` and `window` events.

use super::cell::Sums;
use crate::detect::Verdict;
use crate::json::Writer;
use crate::state::{Reader, State, state};
use crate::time::DAY;

/// Notices of one kind are told at most once in so many seconds of event time; what happened meanwhile is counted.
const APART: i64 = 3_600;

/// What is counted and told from time to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Records behind the watermark.
    Late,
    /// Records far ahead of all others.
    Ahead,
    /// Records with times that no record can have.
    Implausible,
    /// Series that had to make room.
    Evicted,
    /// Series with a history that was evicted.
    Returned,
    /// Times that event time went back.
    WentBack,
    /// Series that fell silent together, while few go on.
    Missing,
    /// Weak incidents that were not told.
    Withheld,
}

impl Kind {
    const fn apart(self) -> i64 {
        if matches!(self, Kind::Withheld) { DAY } else { APART }
    }
}

/// Kind, name in events, and message after the count.
const KINDS: [(Kind, &str, &str); 8] = [
    (Kind::Late, "late_records", "records came after their window was closed and are not counted in it"),
    (
        Kind::Ahead,
        "records_ahead",
        "records are far ahead of all others; they wait in their windows until others confirm the time",
    ),
    (
        Kind::Implausible,
        "implausible_times",
        "records end before they start, or are longer than an hour, or outside 1970 to 9999; they are left out",
    ),
    (
        Kind::Evicted,
        "series_evicted",
        "series were evicted because max_series was reached, the least recently active first",
    ),
    (Kind::Returned, "series_returned", "series that had been evicted are back and start afresh"),
    (
        Kind::WentBack,
        "time_went_back",
        "times that event time had come to were wrong, as a window's worth of records shows: windows are closed again from here",
    ),
    (Kind::Missing, "series_missing", "series fell silent together; the few that go on tell the time from here"),
    (
        Kind::Withheld,
        "alerts_withheld",
        "short incidents of low or medium severity were not told, to keep to detect.alerts_per_day",
    ),
];

#[derive(Clone, Debug, Default, PartialEq)]
struct Count {
    since: u64,
    told: Option<i64>,
    /// The first series by name, if the kind is of series.
    example: Option<Vec<u8>>,
}

state!(Count { since, told, example });

/// Counts that wait to be told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notices([Count; KINDS.len()]);

/// Kinds that version 6 of the state had.
const KINDS_BEFORE: usize = 7;

impl State for Notices {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        Notices(std::array::from_fn(|kind| if kind < KINDS_BEFORE { Count::load(reader) } else { reader.since(7) }))
    }
}

impl Notices {
    pub(crate) fn add(&mut self, kind: Kind, count: u64) {
        let place = &mut self.0[kind as usize];
        place.since = place.since.saturating_add(count);
    }

    /// Counts one more; of the series, the first by name is told.
    pub(crate) fn series(&mut self, kind: Kind, key: &[u8]) {
        self.add(kind, 1);
        let example = &mut self.0[kind as usize].example;
        if example.as_ref().is_none_or(|example| key < &example[..]) {
            *example = Some(key.to_vec());
        }
    }

    /// Writes what has been told before and counted since, at the time of that.
    pub(crate) fn tell_rest(&mut self, out: &mut Vec<u8>) {
        if let Some(told) = self.0.iter().filter_map(|count| count.told).max() {
            self.tell(told, true, out);
        }
    }

    /// Writes what is due at `time`; all of it at the end of the stream.
    pub(crate) fn tell(&mut self, time: i64, all: bool, out: &mut Vec<u8>) {
        for ((kind, name, message), count) in KINDS.iter().zip(&mut self.0) {
            if count.since == 0 || !(all || count.told.is_none_or(|told| (time - told).abs() >= kind.apart())) {
                continue;
            }
            let since = core::mem::take(&mut count.since);
            let mut event = Writer::event("notice", out);
            event.key("time").time(time);
            event.key("kind").text(name);
            event.key("message").text(&format!("{since} {message}"));
            event.key("count").whole(since);
            if let Some(example) = count.example.take() {
                event.key("series").bytes(&example);
            }
            event.end_event();
            count.told = Some(time);
        }
    }
}

/// All series fell silent, `windows` windows ago.
pub(crate) fn source_silent(time: i64, windows: i64, out: &mut Vec<u8>) {
    source(
        time,
        "source_silent",
        windows,
        "no series sent a record: the source has failed, not the network; nothing is alerted until it is back",
        out,
    );
}

/// Records come again.
pub(crate) fn source_recovered(time: i64, windows: i64, out: &mut Vec<u8>) {
    source(time, "source_recovered", windows, "records come again after windows without any", out);
}

fn source(time: i64, kind: &str, windows: i64, message: &str, out: &mut Vec<u8>) {
    let mut event = Writer::event("notice", out);
    event.key("time").time(time);
    event.key("kind").text(kind);
    event.key("message").text(message);
    event.key("windows").whole(windows.max(0) as u64);
    event.end_event();
}

/// A window of a series.
pub(crate) fn write_window(
    key: &[u8],
    (start, end): (i64, i64),
    sums: &Sums,
    unknown: bool,
    verdict: &Verdict,
    out: &mut Vec<u8>,
) {
    let mut event = Writer::event("window", out);
    event.key("series").bytes(key);
    event.key("start").time(start);
    event.key("end").time(end);
    event.key("bytes").whole(sums.bytes);
    event.key("packets").whole(sums.packets);
    event.key("flows").whole(sums.flows);
    event.key("rejects").whole(sums.rejects);
    event.key("unknown").truth(unknown);
    event.key("expected").rounded(verdict.expected);
    event.key("expected_low").rounded(verdict.expected_low);
    event.key("expected_high").rounded(verdict.expected_high);
    event.key("anomaly_score").rounded(verdict.score);
    event.key("alert").truth(verdict.alert);
    event.end_event();
}
