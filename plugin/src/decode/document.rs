//! Which envelope a JSON object is, told by its keys.
//!
//! The keys may come in any order, and what tells two envelopes apart may stand behind the records. Where all that
//! matters is known by then, the records are passed on as they are read; otherwise the array is passed over and read
//! again at the object's end.

use super::cloudwatch::Header;
use super::engine::{Engine, Part};
use super::outcome::{Context, Envelope, Leaf, Sink};
use super::record::{Record, Request};
use crate::json::{Malformed, Scanner, Text};

/// What an object holds that may make it an envelope.
#[derive(Default)]
struct Keys<'a> {
    count: usize,
    header: Header<'a>,
    request: Request<'a>,
    /// The object itself may be a record of an envelope.
    record: Record<'a>,
    /// The data of `{"awslogs":{"data":…}}`.
    aws_logs: Option<Text<'a>>,
    message: Option<Text<'a>>,
    /// There are texts that may be records themselves.
    may_wrap: bool,
    /// Records were found and passed on.
    done: bool,
    /// Arrays passed over, to be read at the end.
    log_events: Option<usize>,
    records: Option<usize>,
    results: Option<usize>,
}

/// Decodes the object at the scanner's position, which lies under `depth` layers.
pub(super) fn document<S: Sink + ?Sized>(
    engine: &mut Engine<'_, S>,
    scanner: &mut Scanner<'_>,
    part: &mut Part,
    context: &Context<'_>,
    depth: usize,
) -> Result<(), Malformed> {
    let start = scanner.at;
    let mut keys = Keys::default();
    let read = read(engine, scanner, part, &mut keys, context, depth);
    if read.is_err() && keys.log_events.is_none() && keys.records.is_none() {
        return read; // nothing to keep from what came before the error
    }
    if engine.stopped() {
        return read;
    }
    let mut again = scanner.clone();
    if let Some(at) = keys.log_events {
        again.at = at;
        engine.log_events(&mut again, part, &keys.header, context)?;
        part.start = again.at;
    } else if let Some(at) = keys.records {
        again.at = at;
        engine.request_records(&mut again, part, &keys.request, context, depth)?;
        part.start = again.at;
    } else if let Some(data) = keys.aws_logs {
        let (envelope, layers) = context.inside(Envelope::AwsLogs);
        engine.inner_base64(data, &Context { envelope, layers, ..*context }, depth + 1);
    } else if !keys.done && keys.record.is_alone() {
        engine.record(&keys.record, &keys.request, scanner.since(start), start, context, depth);
    } else if let (Some(message), 1) = (keys.message, keys.count) {
        let (envelope, layers) = context.inside(Envelope::FlowLogMessage);
        let context = Context { envelope, layers, ..*context };
        if message.raw.len() > engine.limits.line_bytes {
            engine.too_long(message.raw, start, &context);
        } else {
            let mut unescaped = engine.lend_text();
            message.unescape(&mut unescaped);
            engine.leaf(Leaf::Line(unescaped.trim_ascii_end()), start, &context);
            engine.return_text(unescaped);
        }
    } else if !(keys.done
        || keys.may_wrap && engine.wrapped(scanner.since(start), context, depth)
        || keys.results.is_some_and(|at| engine.query_results(scanner.since(start), at - start, start, context)))
    {
        engine.leaf(Leaf::Object(scanner.since(start)), start, context);
    }
    read
}

fn read<'a, S: Sink + ?Sized>(
    engine: &mut Engine<'_, S>,
    scanner: &mut Scanner<'a>,
    part: &mut Part,
    keys: &mut Keys<'a>,
    context: &Context<'_>,
    depth: usize,
) -> Result<(), Malformed> {
    let mut first = true;
    scanner.open(b'{')?;
    while let Some(key) = scanner.key(&mut first)? {
        keys.count += 1;
        let value = scanner.peek();
        match (key.raw, value) {
            (b"messageType", Some(b'"')) => keys.header.message_type = scanner.string_value()?,
            (b"owner", Some(b'"')) => keys.header.owner = scanner.string_value()?,
            (b"logGroup", Some(b'"')) => keys.header.log_group = scanner.string_value()?,
            (b"logStream", Some(b'"')) => keys.header.log_stream = scanner.string_value()?,
            (b"message", Some(b'"')) => {
                keys.message = scanner.string_value()?;
                keys.may_wrap = true;
            }
            (b"logEvents", Some(b'[')) if keys.header.is_complete() => {
                engine.log_events(scanner, part, &keys.header, context)?;
                keys.done = true;
            }
            (b"logEvents", Some(b'[')) => {
                keys.log_events = Some(scanner.at);
                scanner.skip()?;
            }
            (b"Records" | b"records", Some(b'[')) if keys.request.is_complete(key.raw) => {
                engine.request_records(scanner, part, &keys.request, context, depth)?;
                keys.done = true;
            }
            (b"Records" | b"records", Some(b'[')) => {
                keys.may_wrap = true;
                keys.records = Some(scanner.at);
                scanner.skip()?;
            }
            (b"results", Some(b'[')) => {
                keys.may_wrap = true;
                keys.results = Some(scanner.at);
                scanner.skip()?;
            }
            (b"awslogs", Some(b'{')) => keys.aws_logs = aws_logs(scanner)?,
            _ => {
                if !keys.request.read(key, scanner)? && !keys.record.read(key, scanner)? {
                    let raw = scanner.skip()?;
                    keys.may_wrap |= raw.len() > 24 && matches!(raw.first(), Some(b'"' | b'{' | b'['));
                }
            }
        }
        if engine.stopped() {
            return Ok(());
        }
    }
    Ok(())
}

/// The `data` of the object at the scanner's position.
fn aws_logs<'a>(scanner: &mut Scanner<'a>) -> Result<Option<Text<'a>>, Malformed> {
    let mut data = None;
    let mut first = true;
    scanner.open(b'{')?;
    while let Some(key) = scanner.key(&mut first)? {
        match key.raw {
            b"data" => data = scanner.string_value()?,
            _ => drop(scanner.skip()?),
        }
    }
    Ok(data)
}
