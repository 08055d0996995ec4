//! The record as it goes on: with `flowscore` added.

use super::record::Frame;
use crate::detect::Direction;
use crate::failure::{Failure, Layer};
use crate::json::{Malformed, Writer};
use crate::pipeline::{self, RecordScore};
use crate::text::decimal;

/// How nearly every record of window mode ends: nothing is wrong with its series.
const NOTHING: &[u8] = br#","flowscore":{"score":0,"direction":null,"alerts":[]}}"#;

/// Events of one record, by what they are.
#[derive(Debug, Default)]
pub(super) struct Events {
    /// Alerts and notices, separated by commas.
    pub(super) alerts: Vec<u8>,
    /// Failures likewise, without their payload: it is in the record that they go out with.
    pub(super) failed: Vec<u8>,
    /// Whether an incident opened, changed or closed.
    pub(super) has_incidents: bool,
}

impl Events {
    /// Sorts lines of events.
    pub(super) fn sort(&mut self, lines: &[u8]) {
        (self.has_incidents, _) = (false, self.alerts.clear());
        self.failed.clear();
        for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            self.has_incidents |= line.starts_with(br#"{"type":"anomaly""#);
            if !line.starts_with(br#"{"type":"failed""#) {
                append(&mut self.alerts, line);
                continue;
            }
            // It is the last member, and base64 text has no quotes.
            const PAYLOAD: &[u8] = br#","payload":""#;
            let start = line.strip_suffix(b"\"}").and_then(|rest| memchr::memrchr(b'"', rest)).map(|quote| quote + 1);
            match start.and_then(|start| line.get(..start)?.strip_suffix(PAYLOAD)) {
                Some(rest) => {
                    append(&mut self.failed, rest);
                    self.failed.push(b'}');
                }
                None => append(&mut self.failed, line),
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.failed.is_empty()
    }
}

fn append(list: &mut Vec<u8>, item: &[u8]) {
    if !list.is_empty() {
        list.push(b',');
    }
    list.extend_from_slice(item);
}

/// Appends the record up to where a member may follow.
fn begin(record: &[u8], frame: &Frame, out: &mut Vec<u8>) {
    let close = frame.close.min(record.len());
    match frame.own {
        None => out.extend_from_slice(&record[..close]),
        Some((start, end)) => {
            out.extend_from_slice(record.get(..start).unwrap_or_default());
            out.extend_from_slice(record.get(end..close).unwrap_or_default());
        }
    }
    if !frame.is_empty {
        out.push(b',');
    }
}

/// Appends the record with the member for "nothing to tell".
#[inline]
pub(super) fn without_events(record: &[u8], frame: &Frame, out: &mut Vec<u8>) {
    if frame.own.is_none() && !frame.is_empty {
        out.extend_from_slice(record.get(..frame.close).unwrap_or(record));
        out.extend_from_slice(NOTHING);
    } else {
        with_events(record, frame, Some(RecordScore::default()), &Events::default(), out);
    }
}

/// Appends the record with its score (none: nothing in it could be scored) and its events.
pub(super) fn with_events(
    record: &[u8],
    frame: &Frame,
    score: Option<RecordScore>,
    events: &Events,
    out: &mut Vec<u8>,
) {
    begin(record, frame, out);
    members(score, &events.alerts, &events.failed, out);
    out.push(b'}');
}

/// Appends the member `flowscore`.
fn members(score: Option<RecordScore>, alerts: &[u8], failed: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(br#""flowscore":{"score":"#);
    match score {
        // A score is always finite.
        Some(RecordScore { score, .. }) => decimal::write(score, out),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(match score.and_then(|score| score.direction) {
        Some(Direction::Spike) => br#","direction":"spike","alerts":["#.as_slice(),
        Some(Direction::Drop) => br#","direction":"drop","alerts":["#,
        None => br#","direction":null,"alerts":["#,
    });
    out.extend_from_slice(alerts);
    out.push(b']');
    if !failed.is_empty() {
        out.extend_from_slice(br#","failed":["#);
        out.extend_from_slice(failed);
        out.push(b']');
    }
    out.push(b'}');
}

/// Appends an object in place of bytes that are no JSON object, and so cannot go on: why, and the bytes in the event.
#[cold]
pub(super) fn malformed(record: &[u8], Malformed { offset, reason }: Malformed, out: &mut Vec<u8>) {
    let mut failed = Vec::new();
    pipeline::failed(&mut failed, &Failure::new(Layer::Json, offset, reason), record);
    out.push(b'{');
    members(None, b"", failed.trim_ascii_end(), out);
    out.push(b'}');
}

/// Appends the record with `flowscore_error`.
pub(super) fn refused(record: &[u8], frame: &Frame, reason: &str, out: &mut Vec<u8>) {
    // The filter's own member of an earlier filter is not replaced.
    begin(record, &Frame { own: None, is_empty: frame.is_empty && frame.own.is_none(), ..*frame }, out);
    error(reason, out);
}

/// Appends an object of nothing but `flowscore_error`.
pub(super) fn only_error(reason: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    error(reason, out);
}

fn error(reason: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(br#""flowscore_error":"#);
    Writer::compact(out).text(reason);
    out.push(b'}');
}
