//! CloudWatch Logs subscription documents ("Real-time processing of log data with subscriptions" and "Log group-level
//! subscription filters" in the CloudWatch Logs user guide).
//!
//! Unknown keys (`policyLevel`, `subscriptionFilters`, system fields) are passed over; keys may come in any order; an
//! event's `timestamp` may be a number or a numeric string.

use super::engine::{Engine, Part};
use super::outcome::{Context, Envelope, Leaf, Sink};
use crate::failure::{Failure, Layer};
use crate::json::{Malformed, Scanner, Text};
use crate::text::digits::{self, long_number};

const CONTROL: &str = "CloudWatch Logs control message (a test whether the destination is reachable, without data)";

/// The document's keys around its events.
#[derive(Default)]
pub(super) struct Header<'a> {
    pub(super) message_type: Option<Text<'a>>,
    pub(super) owner: Option<Text<'a>>,
    pub(super) log_group: Option<Text<'a>>,
    pub(super) log_stream: Option<Text<'a>>,
}

impl Header<'_> {
    /// Whether the events can be passed on: nothing more is to be known about them.
    pub(super) const fn is_complete(&self) -> bool {
        self.message_type.is_some() && self.owner.is_some() && self.log_group.is_some() && self.log_stream.is_some()
    }
}

/// One event's fields.
#[derive(Default)]
struct Event<'a> {
    id: Option<Text<'a>>,
    timestamp: Option<i64>,
    message: Option<Text<'a>>,
    extracted_fields: Option<&'a [u8]>,
}

impl<S: Sink + ?Sized> Engine<'_, S> {
    /// Passes on the events of the `logEvents` array at the scanner's position.
    pub(super) fn log_events(
        &mut self,
        scanner: &mut Scanner<'_>,
        part: &mut Part,
        header: &Header<'_>,
        context: &Context<'_>,
    ) -> Result<(), Malformed> {
        let text = |text: &Option<Text<'_>>| text.map(|text| text.to_str().into_owned());
        let message_type = text(&header.message_type);
        let (owner, log_group, log_stream) = (text(&header.owner), text(&header.log_group), text(&header.log_stream));
        let (envelope, layers) = context.inside(Envelope::CloudWatch);
        let context = Context {
            envelope,
            layers,
            owner: owner.as_deref(),
            log_group: log_group.as_deref(),
            log_stream: log_stream.as_deref(),
            ..*context
        };
        match message_type.as_deref() {
            None | Some("DATA_MESSAGE") => {
                let mut unescaped = self.lend_text();
                let result = self.data_events(scanner, part, &mut unescaped, &context);
                self.return_text(unescaped);
                result
            }
            Some("CONTROL_MESSAGE") => {
                scanner.skip()?;
                self.dropped(CONTROL, &context);
                Ok(())
            }
            Some(other) => {
                let start = scanner.at;
                let raw = scanner.skip()?;
                let shown = other.chars().take(40).collect::<String>();
                let reason = format!("messageType is \"{shown}\"; expected \"DATA_MESSAGE\" or \"CONTROL_MESSAGE\"");
                self.failed(Failure::new(Layer::Envelope, start, reason), raw, &context);
                Ok(())
            }
        }
    }

    fn data_events(
        &mut self,
        scanner: &mut Scanner<'_>,
        part: &mut Part,
        unescaped: &mut Vec<u8>,
        context: &Context<'_>,
    ) -> Result<(), Malformed> {
        scanner.open(b'[')?;
        let mut first = true;
        let mut count = 0_usize;
        while scanner.element(&mut first, b']')? {
            scanner.peek();
            part.start = scanner.at;
            count += 1;
            match usual_event(scanner)? {
                Some(event) => self.event(&event, scanner.since(part.start), part.start, unescaped, context),
                None if scanner.peek() == Some(b'{') => {
                    let event = any_event(scanner)?;
                    self.event(&event, scanner.since(part.start), part.start, unescaped, context);
                }
                None => {
                    let raw = scanner.skip()?;
                    let reason = "an element of logEvents is not an object";
                    self.failed(Failure::new(Layer::Envelope, part.start, reason), raw, context);
                }
            }
            if self.stopped() {
                return Ok(());
            }
        }
        part.start = scanner.at;
        if count == 0 {
            self.dropped("the CloudWatch Logs document holds no events", context);
        }
        Ok(())
    }

    fn event(&mut self, event: &Event<'_>, raw: &[u8], offset: usize, unescaped: &mut Vec<u8>, context: &Context<'_>) {
        let mut without_escapes = Vec::new();
        let id = match event.id {
            Some(id) if id.escaped => {
                id.unescape(&mut without_escapes);
                &*without_escapes
            }
            Some(id) => id.raw,
            None => &[],
        };
        let context = Context { event_id: (!id.is_empty()).then_some(id), timestamp_ms: event.timestamp, ..*context };
        let Some(text) = event.message else {
            let reason = "the log event has no message; expected {\"id\":…,\"timestamp\":…,\"message\":\"…\"}";
            return self.failed(Failure::new(Layer::Envelope, offset, reason), raw, &context);
        };
        if text.raw.len() > self.limits.line_bytes {
            return self.too_long(text.raw, offset, &context);
        }
        let message = if text.escaped {
            unescaped.clear();
            text.unescape(unescaped);
            unescaped
        } else {
            text.raw
        };
        if id.is_empty() && message.starts_with(b"CWL CONTROL MESSAGE") {
            return self.dropped(CONTROL, &context);
        }
        self.leaf(Leaf::Event { message, extracted_fields: event.extracted_fields }, offset, &context);
    }
}

/// Reads an event as CloudWatch Logs writes it: no white space, and the keys in this order. If it is written otherwise,
/// gives `None` and leaves the scanner where it was.
#[inline]
fn usual_event<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Event<'a>>, Malformed> {
    let start = scanner.at;
    if scanner.accept(b"{\"id\":\"") {
        let id = scanner.string_rest()?;
        if scanner.accept(b",\"timestamp\":")
            && let Some((timestamp, digits)) = long_number(scanner.rest())
        {
            scanner.at += digits;
            if scanner.accept(b",\"message\":\"") {
                let (timestamp, message) = (Some(timestamp), Some(scanner.string_rest()?));
                if scanner.accept(b"}") {
                    return Ok(Some(Event { id: Some(id), timestamp, message, extracted_fields: None }));
                }
            }
        }
    }
    scanner.at = start;
    Ok(None)
}

/// Reads an event with its keys in any order.
fn any_event<'a>(scanner: &mut Scanner<'a>) -> Result<Event<'a>, Malformed> {
    let mut event = Event::default();
    let mut first = true;
    scanner.open(b'{')?;
    while let Some(key) = scanner.key(&mut first)? {
        match key.raw {
            b"id" => event.id = scanner.string_value()?,
            b"message" => event.message = scanner.string_value()?,
            b"timestamp" => {
                let value = scanner.skip()?;
                let digits = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
                event.timestamp = digits::integer(digits);
            }
            b"extractedFields" if scanner.peek() == Some(b'{') => event.extracted_fields = Some(scanner.skip()?),
            _ => drop(scanner.skip()?),
        }
    }
    Ok(event)
}
