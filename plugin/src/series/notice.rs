//! The `notice` and `window` events.

use super::cell::Sums;
use crate::detect::Verdict;
use crate::incident::json::Object;
use crate::snapshot::state;

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
}

/// Kind, name in events, and message after the count.
const KINDS: [(Kind, &str, &str); 5] = [
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

state!(Notices { 0 });

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

    /// Writes what is due at `time`; all of it at the end of the stream.
    pub(crate) fn tell(&mut self, time: i64, all: bool, out: &mut Vec<u8>) {
        for ((_, name, message), count) in KINDS.iter().zip(&mut self.0) {
            if count.since == 0 || !(all || count.told.is_none_or(|told| time - told >= APART)) {
                continue;
            }
            let since = core::mem::take(&mut count.since);
            let mut event = Object::event("notice", out);
            event.time("time", time);
            event.text("kind", name.as_bytes());
            event.text("message", format!("{since} {message}").as_bytes());
            event.whole("count", since);
            if let Some(example) = count.example.take() {
                event.text("series", &example);
            }
            event.end_line();
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
    let mut event = Object::event("notice", out);
    event.time("time", time);
    event.text("kind", kind.as_bytes());
    event.text("message", message.as_bytes());
    event.whole("windows", windows.max(0) as u64);
    event.end_line();
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
    let mut event = Object::event("window", out);
    event.text("series", key);
    event.time("start", start);
    event.time("end", end);
    event.whole("bytes", sums.bytes);
    event.whole("packets", sums.packets);
    event.whole("flows", sums.flows);
    event.whole("rejects", sums.rejects);
    event.truth("unknown", unknown);
    event.rounded("expected", verdict.expected);
    event.rounded("expected_low", verdict.expected_low);
    event.rounded("expected_high", verdict.expected_high);
    event.rounded("anomaly_score", verdict.score);
    event.truth("alert", verdict.alert);
    event.end_line();
}
