//! Records in, records out: the filter without its rim.

use super::answer::{self, Events};
use super::flat_object::FlatObjects;
use super::line::PlainLines;
use super::record::{Frame, Payload, Reader, Record};
use crate::config::{Config, Output};
use crate::json::unescape;
use crate::pipeline::{Counts, RestoreError, Scorer, Totals};

/// Buffers larger than this are not kept from one record to the next.
const KEPT: usize = 1 << 20;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It goes on, as it was written.
    Goes,
    /// Nothing goes on: it told the time, or had nothing to tell and only events are wanted.
    Drops,
}

/// Scores records by one configuration.
pub struct Filter {
    scorer: Scorer,
    reader: Reader,
    mode: Output,
    is_window_mode: bool,
    tick_tag: Option<Vec<u8>>,
    plain_lines: Option<PlainLines>,
    flat_objects: Option<FlatObjects>,
    /// Lines of events of the present record.
    lines: Vec<u8>,
    events: Events,
}

impl Filter {
    /// A filter that has learned nothing yet.
    pub fn new(config: Config) -> Self {
        Filter::with(Scorer::with(config))
    }

    /// A filter that goes on from a snapshot, which was made some time ago.
    pub fn restore(config: Config, snapshot: &[u8]) -> Result<Self, RestoreError> {
        let mut scorer = Scorer::restore_with(config, snapshot)?;
        scorer.resume();
        scorer.mark_incidents();
        Ok(Filter::with(scorer))
    }

    fn with(mut scorer: Scorer) -> Self {
        scorer.tell_only_anomalies();
        let plain_lines = PlainLines::of(&scorer);
        let flat_objects = scorer.window_columns().and_then(FlatObjects::new);
        let settings = &scorer.config().fluent_bit;
        Filter {
            reader: Reader::new(settings.fields.clone(), flat_objects.as_ref().map(FlatObjects::names)),
            mode: settings.mode,
            is_window_mode: scorer.config().makes_windows(),
            tick_tag: settings.tick_tag.as_ref().map(|tag| tag.as_bytes().to_vec()),
            plain_lines,
            flat_objects,
            lines: Vec::new(),
            events: Events::default(),
            scorer,
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        self.scorer.config()
    }

    /// Everything learned so far.
    pub fn snapshot(&self) -> Vec<u8> {
        self.scorer.snapshot()
    }

    /// Totals so far.
    pub fn totals(&self) -> Totals {
        self.scorer.totals()
    }

    /// The newest trusted event time in epoch seconds; record mode has none.
    #[inline]
    pub fn newest(&self) -> Option<i64> {
        self.scorer.newest()
    }

    /// Scores one record, a JSON object with the time in epoch milliseconds that Fluent Bit has for it, and appends what
    /// goes on to `out`.
    #[inline]
    pub fn filter(&mut self, tag: &[u8], time_ms: i64, record: &[u8], out: &mut Vec<u8>) -> Fate {
        self.lines.clear();
        let is_tick = self.tick_tag.as_deref() == Some(tag);
        if !is_tick
            && let Some((line, frame)) = self.reader.last_text(record)
            && begins_as_line(line)
            && let Some(counts) = self.plain_line(line)
        {
            return self.answer(record, &frame, counts, out);
        }
        let Record { payload, frame } = match self.reader.read(record) {
            Ok(found) => found,
            Err(malformed) => {
                answer::malformed(record, malformed, out);
                return Fate::Goes;
            }
        };
        if is_tick {
            self.scorer.tick(time_ms, &mut self.lines);
            return self.answer_with_events(record, &frame, Counts::default(), true, out);
        }
        let counts = self.score(payload);
        self.answer(record, &frame, counts, out)
    }

    /// Answers a record that was scored.
    #[inline]
    fn answer(&mut self, record: &[u8], frame: &Frame, counts: Counts, out: &mut Vec<u8>) -> Fate {
        if !self.lines.is_empty() || !self.is_window_mode || counts.ok == 0 {
            return self.answer_with_events(record, frame, counts, false, out);
        }
        let score = self.scorer.take_worst();
        if self.mode == Output::Events {
            return Fate::Drops;
        }
        if score.direction.is_none() {
            answer::without_events(record, frame, out);
        } else {
            self.events.sort(b"");
            answer::with_events(record, frame, Some(score), &self.events, out);
        }
        Fate::Goes
    }

    /// Scores a line without a layer around it, if it is as plain as nearly all are.
    #[inline]
    fn plain_line(&mut self, line: &[u8]) -> Option<Counts> {
        let limit = self.scorer.config().input.limits.line_bytes;
        let lines = self.plain_lines.as_mut().filter(|_| line.len() <= limit)?;
        self.scorer.observe(&lines.read(line)?, &mut self.lines)
    }

    #[inline]
    fn score(&mut self, payload: Payload<'_>) -> Counts {
        let (scorer, lines) = (&mut self.scorer, &mut self.lines);
        match payload {
            Payload::Ascii(text) if is_plain_line(text, scorer.config().input.limits.line_bytes) => {
                scorer.line(text, lines)
            }
            Payload::Ascii(payload) | Payload::Text(payload) | Payload::Json(payload) => {
                scorer.transform(payload, None, lines)
            }
            Payload::Flat(object) => {
                let limit = scorer.config().input.limits.line_bytes;
                let flat = self.flat_objects.as_mut().filter(|_| object.len() <= limit);
                let observation = flat.and_then(|flat| flat.read(object, self.reader.places()));
                match observation.and_then(|observation| scorer.observe(&observation, lines)) {
                    Some(counts) => counts,
                    None => scorer.transform(object, None, lines),
                }
            }
            Payload::Escaped(text) => match std::str::from_utf8(text) {
                Ok(text) => scorer.transform(unescape(text).as_bytes(), None, lines),
                Err(_) => scorer.transform(text, None, lines),
            },
        }
    }

    /// Answers with the events there are.
    #[inline(never)]
    fn answer_with_events(
        &mut self,
        record: &[u8],
        frame: &Frame,
        counts: Counts,
        is_tick: bool,
        out: &mut Vec<u8>,
    ) -> Fate {
        let score = self.scorer.take_worst();
        self.events.sort(&self.lines);
        if self.events.has_incidents {
            self.scorer.mark_incidents();
        }
        let has_events = !self.events.is_empty();
        if has_events || (self.mode == Output::Records && !is_tick) {
            answer::with_events(record, frame, (counts.ok > 0).then_some(score), &self.events, out);
        }
        for buffer in [&mut self.lines, &mut self.events.alerts, &mut self.events.failed] {
            if buffer.capacity() > KEPT {
                *buffer = Vec::new();
            }
        }
        if has_events || (self.mode == Output::Records && !is_tick) { Fate::Goes } else { Fate::Drops }
    }
}

/// Whether ASCII text, which has neither escape sequences nor control characters, is a line without a layer around it, as the
/// search for layers would find, too: it begins as one and has a blank.
#[inline]
fn is_plain_line(text: &[u8], limit: usize) -> bool {
    const NEAR: usize = 20;
    begins_as_line(text)
        && text.last() != Some(&b' ')
        && text.len() <= limit
        && text.iter().take(NEAR).any(|byte| *byte == b' ')
}

/// Whether ASCII text with a blank in it begins with a digit and as no layer does.
///
/// A blank is in no base64 text but one that is broken up, and such is only taken for base64 if it begins as a layer does.
/// Of those that begin with a digit that is only a KPL aggregate: `84ma…`.
#[inline]
fn begins_as_line(text: &[u8]) -> bool {
    match text.first() {
        Some(b'8') => matches!(text.get(1..3), Some([b' ', digit]) if digit.is_ascii_digit() && *digit != b'4'),
        first => first.is_some_and(u8::is_ascii_digit),
    }
}
