//! Records inside JSON envelopes: Kinesis `GetRecords`, Lambda's Kinesis event, Firehose delivery and transformation,
//! Kinesis Analytics preprocessing, and the KCL MultiLangDaemon.
//!
//! They differ in the spelling of the same few keys, so that one table of keys serves all. Sources: Kinesis API
//! reference 2013-12-02 (`Record`); Lambda developer guide, "Using Lambda with Kinesis Data Streams"; Firehose developer
//! guide, "HTTP endpoint delivery request and response specifications" and "Transform source data"; Kinesis Data
//! Analytics developer guide, "Lambda preprocessor"; `JsonFriendlyRecord` of awslabs/amazon-kinesis-client.

use super::engine::{Engine, Part};
use super::outcome::{Context, Envelope, Leaf, Sink};
use crate::failure::{Failure, Layer};
use crate::json::{Malformed, Scanner, Text};
use crate::text::{decimal, digits};
use crate::time::parse_time_ms;

/// What an envelope says about all its records.
#[derive(Default)]
pub(super) struct Request<'a> {
    invocation_id: Option<Text<'a>>,
    request_id: Option<Text<'a>>,
    delivery_stream_arn: Option<Text<'a>>,
    application_arn: Option<Text<'a>>,
    stream_arn: Option<Text<'a>>,
    action: Option<Text<'a>>,
    /// The key was `Records`, as Kinesis and Lambda spell it.
    shard_id: Option<Text<'a>>,
}

impl<'a> Request<'a> {
    /// Reads the value of `key` if it is one of the request's; otherwise returns false with the value still to read.
    pub(super) fn read(&mut self, key: Text<'a>, scanner: &mut Scanner<'a>) -> Result<bool, Malformed> {
        let place = match key.raw {
            b"invocationId" => &mut self.invocation_id,
            b"requestId" => &mut self.request_id,
            b"deliveryStreamArn" => &mut self.delivery_stream_arn,
            b"applicationArn" => &mut self.application_arn,
            b"streamArn" => &mut self.stream_arn,
            b"action" => &mut self.action,
            b"shardId" => &mut self.shard_id,
            _ => return Ok(false),
        };
        *place = scanner.string_value()?;
        Ok(true)
    }

    /// Whether the records can be passed on: no key to come says more about them.
    pub(super) const fn is_complete(&self, key: &[u8]) -> bool {
        let Request { invocation_id, request_id, delivery_stream_arn, application_arn, stream_arn, action, .. } = self;
        matches!(key, b"Records")
            || request_id.is_some()
            || action.is_some()
            || (invocation_id.is_some() && delivery_stream_arn.is_some())
            || (invocation_id.is_some() && application_arn.is_some() && stream_arn.is_some())
    }

    /// The envelope of `record` in this request.
    fn envelope(&self, record: &Record<'_>) -> Envelope {
        if self.application_arn.is_some() {
            Envelope::KinesisAnalytics
        } else if self.delivery_stream_arn.is_some() || record.record_id.is_some() {
            Envelope::FirehoseTransformation
        } else if self.action.is_some() || record.camel_case_sequence {
            Envelope::MultiLang
        } else if record.lambda {
            Envelope::LambdaKinesis
        } else if record.capitalised {
            Envelope::KinesisGetRecords
        } else {
            Envelope::FirehoseDelivery
        }
    }
}

/// One record of an envelope.
#[derive(Default)]
pub(super) struct Record<'a> {
    data: Data<'a>,
    record_id: Option<Text<'a>>,
    sequence_number: Option<Text<'a>>,
    sub_sequence_number: Option<i64>,
    partition_key: Option<Text<'a>>,
    arrival_ms: Option<i64>,
    shard_id: Option<Text<'a>>,
    event_id: Option<Text<'a>>,
    stream_arn: Option<Text<'a>>,
    /// Keys are spelled as in the Kinesis API (`Data`).
    capitalised: bool,
    /// The fields were inside `kinesis`, as in Lambda's event.
    lambda: bool,
    /// `data` and `sequenceNumber` stand side by side, as the MultiLangDaemon writes them.
    camel_case_sequence: bool,
}

/// The `data` of a record.
#[derive(Clone, Copy, Default)]
enum Data<'a> {
    /// The record has no such key.
    #[default]
    Absent,
    /// `null`: the record is empty.
    Null,
    /// Base64, by the contract of all these envelopes.
    Base64(Text<'a>),
    /// Something else, as it stands; the guide's example of a Firehose delivery shows an object.
    Other(&'a [u8]),
}

impl<'a> Record<'a> {
    /// Reads the value of `key` if it is one of a record's; otherwise returns false with the value still to read.
    pub(super) fn read(&mut self, key: Text<'a>, scanner: &mut Scanner<'a>) -> Result<bool, Malformed> {
        match key.raw {
            b"Data" | b"data" => {
                self.capitalised |= key.raw == b"Data";
                self.data = match scanner.peek() {
                    Some(b'"') => Data::Base64(scanner.string()?),
                    _ => match scanner.skip()? {
                        b"null" => Data::Null,
                        other => Data::Other(other),
                    },
                };
            }
            b"recordId" => self.record_id = scanner.string_value()?,
            b"SequenceNumber" | b"sequenceNumber" => {
                self.camel_case_sequence = key.raw == b"sequenceNumber";
                self.sequence_number = scanner.string_value()?;
            }
            b"PartitionKey" | b"partitionKey" => self.partition_key = scanner.string_value()?,
            b"ApproximateArrivalTimestamp" | b"approximateArrivalTimestamp" => {
                self.arrival_ms = moment(scanner.skip()?).or(self.arrival_ms);
            }
            b"subSequenceNumber" | b"subsequenceNumber" => {
                let value = scanner.skip()?;
                let digits = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
                self.sub_sequence_number = digits::integer(digits);
            }
            b"shardId" => self.shard_id = scanner.string_value()?,
            b"eventID" => self.event_id = scanner.string_value()?,
            b"eventSourceARN" => self.stream_arn = scanner.string_value()?,
            b"kinesis"
            | b"kinesisRecordMetadata"
            | b"kinesisStreamRecordMetadata"
            | b"kinesisFirehoseRecordMetadata"
                if scanner.peek() == Some(b'{') =>
            {
                let mut first = true;
                scanner.open(b'{')?;
                while let Some(inner) = scanner.key(&mut first)? {
                    // These objects have none of their own kind inside, so that this recursion ends here.
                    let nested = inner.raw.starts_with(b"kinesis") && scanner.peek() == Some(b'{');
                    if nested || !self.read(inner, scanner)? {
                        scanner.skip()?;
                    }
                }
                self.lambda |= key.raw == b"kinesis";
                self.camel_case_sequence = false;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Whether an object with these fields is a record by itself: it has data and says which record it is.
    pub(super) const fn is_alone(&self) -> bool {
        matches!(self.data, Data::Base64(_) | Data::Null)
            && (self.sequence_number.is_some() || self.record_id.is_some() || self.lambda)
    }
}

impl<S: Sink + ?Sized> Engine<'_, S> {
    /// Passes on the records of the array at the scanner's position.
    pub(super) fn request_records(
        &mut self,
        scanner: &mut Scanner<'_>,
        part: &mut Part,
        request: &Request<'_>,
        context: &Context<'_>,
        depth: usize,
    ) -> Result<(), Malformed> {
        scanner.open(b'[')?;
        let mut first = true;
        let mut count = 0_usize;
        while scanner.element(&mut first, b']')? && !self.stopped() {
            count += 1;
            let found = scanner.peek();
            part.start = scanner.at;
            if found != Some(b'{') {
                let raw = scanner.skip()?;
                let reason = "an element of the records is not an object";
                self.failed(Failure::new(Layer::Envelope, part.start, reason), raw, context);
                continue;
            }
            let mut record = Record::default();
            let mut first = true;
            scanner.open(b'{')?;
            while let Some(key) = scanner.key(&mut first)? {
                if !record.read(key, scanner)? {
                    scanner.skip()?;
                }
            }
            self.record(&record, request, scanner.since(part.start), part.start, context, depth);
        }
        part.start = scanner.at;
        if count == 0 {
            self.dropped("the envelope holds no records", context);
        }
        Ok(())
    }

    /// Decodes one record, which stands as `raw` at `offset`.
    pub(super) fn record(
        &mut self,
        record: &Record<'_>,
        request: &Request<'_>,
        raw: &[u8],
        offset: usize,
        context: &Context<'_>,
        depth: usize,
    ) {
        let text = |text: Option<Text<'_>>| text.map(|text| text.to_str().into_owned());
        let record_id = text(record.record_id);
        let sequence_number = text(record.sequence_number);
        let partition_key = text(record.partition_key);
        // Lambda's eventID is the shard and the sequence number, `shardId-000000000006:4959…`.
        let shard_id = text(record.shard_id.or(request.shard_id))
            .or_else(|| text(record.event_id)?.split_once(':').map(|(shard, _)| shard.to_owned()));
        let stream_arn = text(record.stream_arn.or(request.delivery_stream_arn).or(request.stream_arn));
        let request_id = text(request.invocation_id.or(request.request_id));
        let (envelope, layers) = context.inside(request.envelope(record));
        let inner = Context {
            envelope,
            layers,
            record_id: record_id.as_deref().or(context.record_id),
            sequence_number: sequence_number.as_deref().or(context.sequence_number),
            sub_sequence_number: record.sub_sequence_number.and_then(|n| n.try_into().ok()),
            partition_key: partition_key.as_deref().or(context.partition_key),
            arrival_ms: record.arrival_ms.or(context.arrival_ms),
            shard_id: shard_id.as_deref().or(context.shard_id),
            stream_arn: stream_arn.as_deref().or(context.stream_arn),
            request_id: request_id.as_deref().or(context.request_id),
            ..*context
        };
        match record.data {
            Data::Base64(data) => self.inner_base64(data, &inner, depth + 1),
            Data::Null => {
                self.within_record(b"", 0, &inner, |engine| engine.dropped("the record holds no data", &inner));
            }
            Data::Other(data) => self.inner(data, data.len(), &inner, depth + 1),
            // `Records` is a usual name: S3 notifications and CloudTrail files have it. They are rows, not envelopes.
            Data::Absent => self.within_record(b"", raw.len(), &inner, |engine| {
                if inner.record_id.is_some() {
                    let reason = "the record has no data; expected a base64 text under \"data\"";
                    engine.failed(Failure::new(Layer::Envelope, offset, reason), raw, &inner);
                } else if !engine.wrapped(raw, context, depth) {
                    engine.leaf(Leaf::Object(raw), offset, context);
                }
            }),
        }
    }
}

/// Milliseconds since the epoch of an arrival time: seconds with a fraction (Kinesis, Lambda, Kinesis Analytics),
/// milliseconds (Firehose, MultiLangDaemon) or RFC 3339 text (an older sample of the Lambda guide).
///
/// Seconds reach 10¹¹ in the year 5138, and milliseconds did in March 1973, long before Kinesis.
fn moment(value: &[u8]) -> Option<i64> {
    let text = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    if text.get(4) == Some(&b'-') {
        return parse_time_ms(text);
    }
    let number = decimal::parse(text)?;
    let milliseconds = if number.abs() < 1e11 { number * 1e3 } else { number };
    (milliseconds.abs() < 9e15).then_some(libm::round(milliseconds) as i64)
}
