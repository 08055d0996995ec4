//! A flow log record: tokens borrowed from the text, and the numbers that scoring needs.

use super::format::{Column, Format, shortened};
use super::step::{CORE, slot};
use super::tokens::Span;
use crate::column::{Column as NamedColumn, Field, FieldType, Kind, Numeric, finite};
use crate::failure::{Failure, Layer};
use crate::text::digits::natural;
use crate::time::in_seconds;

/// What the security groups and network ACLs decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The traffic was let through.
    Accept,
    /// The traffic was denied, or came after the connection was closed.
    Reject,
}

/// Whether the record stands for traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStatus {
    /// Traffic was logged.
    Ok,
    /// There was none in the interval: a zero.
    NoData,
    /// Records were lost inside AWS: the traffic is *unknown*, not zero.
    SkipData,
}

/// The least time that is taken to count milliseconds: in 2001, long before there were flow logs.
const MILLISECONDS: i64 = 1_000_000_000_000;

/// What is read while parsing, so that scoring does not have to. What belongs to columns that the record's format does
/// not have is left from earlier records.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    /// By slot; -1 is absent. The last slot takes what scoring never asks for.
    pub(super) numbers: [i64; CORE.len() + 1],
    pub(super) action: Option<Action>,
    pub(super) log_status: Option<LogStatus>,
    /// There was a time in milliseconds or finer.
    pub(super) had_fine_time: bool,
}

impl Default for Values {
    fn default() -> Self {
        Values { numbers: [-1; CORE.len() + 1], action: None, log_status: None, had_fine_time: false }
    }
}

/// One flow: source, destination, ports and protocol on one interface in one aggregation interval.
#[derive(Clone, Copy, Debug)]
pub struct FlowRecord<'a> {
    /// UTF-8: the line, or the JSON object its tokens lie in.
    pub(super) text: &'a [u8],
    pub(super) spans: &'a [Span],
    pub(super) format: &'a Format,
    pub(super) values: &'a Values,
    pub(super) source: Source,
}

/// What a record was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A line.
    Line,
    /// The strings of a JSON object, which have no escapes: output needs none either.
    Json,
}

impl Values {
    #[inline(always)]
    pub(super) fn set(&mut self, slot: u8, value: i64) {
        if let Some(place) = self.numbers.get_mut(usize::from(slot)) {
            *place = value;
        }
    }

    /// Checks the tokens against the columns: `spans` holds one token of `text` for each. An empty one is absent, as is
    /// `-`; only a JSON null makes it. The first column whose token is wrong is the error; [`refusal`] says why.
    pub(super) fn check(&mut self, text: &[u8], spans: &[Span], format: &Format) -> Result<(), usize> {
        for (index, (column, span)) in format.columns().iter().zip(spans).enumerate() {
            let token = span.of(text);
            match (column.kind, token) {
                (Kind::Integer { .. }, b"-" | b"") => self.set(column.slot, -1),
                (Kind::Action, b"-" | b"") => self.action = None,
                (Kind::Status, b"-" | b"") => self.log_status = None,
                (Kind::Integer { max }, _) => match natural(token) {
                    Some(value) if value <= max => self.set(column.slot, value),
                    Some(time) if time >= MILLISECONDS && matches!(column.field, Some(Field::Start | Field::End)) => {
                        self.set(column.slot, in_seconds(time as f64));
                        self.had_fine_time = true;
                    }
                    _ => return Err(index),
                },
                (Kind::Action, b"ACCEPT") => self.action = Some(Action::Accept),
                (Kind::Action, b"REJECT") => self.action = Some(Action::Reject),
                (Kind::Status, b"OK") => self.log_status = Some(LogStatus::Ok),
                (Kind::Status, b"NODATA") => self.log_status = Some(LogStatus::NoData),
                (Kind::Status, b"SKIPDATA") => self.log_status = Some(LogStatus::SkipData),
                (Kind::Action | Kind::Status, _) => return Err(index),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Why the token of a column was refused.
#[cold]
pub(super) fn refusal(text: &[u8], spans: &[Span], format: &Format, index: usize) -> Failure {
    let (Some(column), Some(span)) = (format.columns().get(index), spans.get(index)) else {
        return Failure::new(Layer::FlowRecord, 0, "no such column");
    };
    let (token, offset) = (span.text(text), span.start as usize);
    match column.kind {
        Kind::Integer { max } => refuse(column, max, token, offset),
        Kind::Action => refuse_word(column, token, offset, "ACCEPT, REJECT or -"),
        _ => refuse_word(column, token, offset, "OK, NODATA, SKIPDATA or -"),
    }
}

impl<'a> FlowRecord<'a> {
    /// The format the record has.
    pub fn format(&self) -> &'a Format {
        self.format
    }

    /// Whether it was read from the members of a JSON object.
    pub(crate) fn is_of_json(&self) -> bool {
        self.source == Source::Json
    }

    /// The token of a column, as it stands in the line. None: `-`, or there is no such column.
    pub fn token(&self, column: usize) -> Option<&'a str> {
        self.spans.get(column).map(|span| span.text(self.text)).filter(|&token| token != "-" && !token.is_empty())
    }

    /// The token of a field, as it stands in the line. None: `-`, or the format does not have the field.
    pub fn text(&self, field: Field) -> Option<&'a str> {
        self.token(self.format.column_of(field)?)
    }

    /// The token of a field as bytes, which spares looking whether they are text.
    #[inline]
    pub(crate) fn raw(&self, field: Field) -> Option<&'a [u8]> {
        let token = self.spans.get(self.format.column_of(field)?)?.of(self.text);
        (!matches!(token, b"-" | b"")).then_some(token)
    }

    /// The token of a column by its name, which need not be in the table of fields.
    pub fn named(&self, column: &NamedColumn) -> Option<&'a str> {
        match column.field() {
            Some(field) => self.text(field),
            None => self.token(self.position(column)?),
        }
    }

    /// Whether the format has a column of this name.
    pub fn has_column(&self, column: &NamedColumn) -> bool {
        match column.field() {
            Some(field) => self.format.column_of(field).is_some(),
            None => self.position(column).is_some(),
        }
    }

    fn position(&self, column: &NamedColumn) -> Option<usize> {
        self.format.columns().iter().position(|known| known.snake_name == column.snake_name())
    }

    /// The value of an integer field. None: `-`, no such field in the format, or the field is text.
    pub fn integer(&self, field: Field) -> Option<i64> {
        let slot = usize::from(slot(Some(field)));
        if slot < CORE.len() {
            return self.core(slot);
        }
        if field.info().field_type == FieldType::String {
            return None;
        }
        let span = self.spans.get(self.format.column_of(field)?)?;
        natural(span.of(self.text))
    }

    #[inline]
    fn core(&self, slot: usize) -> Option<i64> {
        self.format.column_of(*CORE.get(slot)?)?;
        self.values.numbers.get(slot).copied().filter(|&value| value >= 0)
    }

    /// Record version: the highest version number among the format's fields.
    pub fn version(&self) -> Option<i64> {
        self.core(0)
    }

    /// Source port, 0–65535.
    pub fn srcport(&self) -> Option<u16> {
        self.core(1).and_then(|port| u16::try_from(port).ok())
    }

    /// Destination port, 0–65535.
    pub fn dstport(&self) -> Option<u16> {
        self.core(2).and_then(|port| u16::try_from(port).ok())
    }

    /// IANA protocol number.
    pub fn protocol(&self) -> Option<u8> {
        self.core(3).and_then(|protocol| u8::try_from(protocol).ok())
    }

    /// Packets in the aggregation interval.
    pub fn packets(&self) -> Option<u64> {
        self.core(4).map(i64::unsigned_abs)
    }

    /// Bytes in the aggregation interval.
    pub fn bytes(&self) -> Option<u64> {
        self.core(5).map(i64::unsigned_abs)
    }

    /// First packet seen, Unix seconds.
    pub fn start(&self) -> Option<i64> {
        self.core(6)
    }

    /// Last packet seen, Unix seconds.
    pub fn end(&self) -> Option<i64> {
        self.core(7)
    }

    /// TCP flags seen, OR-ed.
    pub fn tcp_flags(&self) -> Option<u32> {
        self.core(8).and_then(|flags| u32::try_from(flags).ok())
    }

    /// Accepted or rejected; none in NODATA and SKIPDATA records.
    pub fn action(&self) -> Option<Action> {
        self.format.column_of(Field::Action).and(self.values.action)
    }

    /// Whether the record stands for traffic; none if the format does not have the field.
    pub fn log_status(&self) -> Option<LogStatus> {
        self.format.column_of(Field::LogStatus).and(self.values.log_status)
    }

    /// First and last second of the record, in that order; one alone stands for both.
    ///
    /// A `start` after `end` is no failure: each stamp may be off by up to 60 s ("Flow log records"), while the bytes
    /// are real, and refusing them would look like a drop. The two are put in order instead.
    pub fn interval(&self) -> Option<(i64, i64)> {
        match (self.start(), self.end()) {
            (Some(start), Some(end)) => Some((start.min(end), start.max(end))),
            (one, other) => one.or(other).map(|second| (second, second)),
        }
    }
}

impl Numeric for FlowRecord<'_> {
    fn number(&self, column: &NamedColumn) -> Result<Option<f64>, Failure> {
        let Some(field) = column.field() else {
            return unknown_column_number(self, column);
        };
        if field.info().field_type == FieldType::String {
            return match self.text(field) {
                None => Ok(None),
                Some(token) => Err(column.not_a_number(token, 0)),
            };
        }
        Ok(self.integer(field).map(|value| value as f64))
    }
}

/// A column whose name is not in the table may still hold numbers.
#[cold]
fn unknown_column_number(record: &FlowRecord<'_>, column: &NamedColumn) -> Result<Option<f64>, Failure> {
    let Some(token) = record.position(column).and_then(|position| record.token(position)) else { return Ok(None) };
    finite(token).map(Some).ok_or_else(|| column.not_a_number(token, 0))
}

fn refuse(column: &Column, max: i64, token: &str, offset: usize) -> Failure {
    let name = &column.name;
    let shown = shortened(token);
    let mut reason = format!("{name} `{shown}` is not a whole number from 0 to {max}");
    if column.kind == (Kind::Integer { max: i64::MAX }) && token.bytes().all(|byte| byte.is_ascii_digit()) {
        reason = format!("{name} `{shown}` is too large: 64-bit values end at {max}");
    }
    reason.push_str(ORDER_HINT);
    Failure::new(Layer::FlowRecord, offset, reason)
}

fn refuse_word(column: &Column, token: &str, offset: usize, right: &str) -> Failure {
    let reason = format!("{} `{}` is not one of {right}{ORDER_HINT}", column.name, shortened(token));
    Failure::new(Layer::FlowRecord, offset, reason)
}

/// The usual cause of a token of the wrong type.
const ORDER_HINT: &str = "; if this is another field's value, set input.format to the flow log's LogFormat";
