//! What decoding gives: leaf records, dropped ones and failures, each with where it comes from.

use crate::failure::{Failure, Layer};

/// The innermost envelope that a record was taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Envelope {
    /// None: a line or JSON object as it arrived.
    #[default]
    None,
    /// A CloudWatch Logs subscription document ("Real-time processing of log data with subscriptions").
    CloudWatch,
    /// `{"awslogs":{"data":…}}`, the Lambda event of a CloudWatch Logs subscription.
    AwsLogs,
    /// `{"message": line}`, flow logs published directly to Firehose.
    FlowLogMessage,
    /// The answer of the Kinesis API's `GetRecords`, or one of its records.
    KinesisGetRecords,
    /// The Lambda event of a Kinesis event source mapping.
    LambdaKinesis,
    /// The request of a Firehose data transformation.
    FirehoseTransformation,
    /// The request of a Firehose delivery to an HTTP endpoint.
    FirehoseDelivery,
    /// The request of a Kinesis Analytics preprocessing Lambda.
    KinesisAnalytics,
    /// A record, or a `processRecords` message, of the KCL MultiLangDaemon.
    MultiLang,
    /// An aggregated record of the Kinesis Producer Library.
    Kpl,
}

impl Envelope {
    /// The name in reports; the empty text for none.
    pub const fn name(self) -> &'static str {
        match self {
            Envelope::None => "",
            Envelope::CloudWatch => "cloudwatch_logs_subscription",
            Envelope::AwsLogs => "lambda_awslogs",
            Envelope::FlowLogMessage => "firehose_flow_logs",
            Envelope::KinesisGetRecords => "kinesis_get_records",
            Envelope::LambdaKinesis => "lambda_kinesis",
            Envelope::FirehoseTransformation => "firehose_transformation",
            Envelope::FirehoseDelivery => "firehose_delivery",
            Envelope::KinesisAnalytics => "kinesis_analytics_preprocessing",
            Envelope::MultiLang => "kcl_multilang",
            Envelope::Kpl => "kpl_aggregate",
        }
    }
}

/// The layers and envelopes that were undone on the way to a record, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layers {
    /// Places in [`Layers::NAMES`].
    places: [u8; Layers::MOST],
    count: u8,
}

impl Layers {
    /// The most that are remembered; the deepest real path, Firehose over Lambda, has 5.
    const MOST: usize = 8;

    const NAMES: [&str; 15] = [
        Layer::Base64.name(),
        Layer::Gzip.name(),
        Layer::Zlib.name(),
        Layer::Deflate.name(),
        Layer::Zstd.name(),
        Envelope::CloudWatch.name(),
        Envelope::AwsLogs.name(),
        Envelope::FlowLogMessage.name(),
        Envelope::KinesisGetRecords.name(),
        Envelope::LambdaKinesis.name(),
        Envelope::FirehoseTransformation.name(),
        Envelope::FirehoseDelivery.name(),
        Envelope::KinesisAnalytics.name(),
        Envelope::MultiLang.name(),
        Envelope::Kpl.name(),
    ];

    /// Their names.
    pub fn names(&self) -> Vec<&'static str> {
        let places = self.places.iter().take(usize::from(self.count));
        places.filter_map(|&place| Layers::NAMES.get(usize::from(place)).copied()).collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        usize::from(self.count)
    }

    /// These and one more.
    pub(crate) fn and(mut self, name: &str) -> Self {
        let found = Layers::NAMES.iter().position(|known| *known == name);
        if let (Some(found), Some(place)) = (found, self.places.get_mut(usize::from(self.count))) {
            *place = found as u8;
            self.count += 1;
        }
        self
    }
}

/// Where a record comes from. A field is `None` if no envelope around the record says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context<'a> {
    /// The innermost envelope.
    pub envelope: Envelope,
    /// All layers and envelopes.
    pub layers: Layers,
    /// Account id of the log's owner (CloudWatch `owner`).
    pub owner: Option<&'a str>,
    /// CloudWatch log group.
    pub log_group: Option<&'a str>,
    /// CloudWatch log stream.
    pub log_stream: Option<&'a str>,
    /// CloudWatch event id: decimal digits beyond 64 bits, not checked to be so, for hardly any is ever looked at.
    pub event_id: Option<&'a [u8]>,
    /// CloudWatch event time, milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// When Kinesis or Firehose received the record, milliseconds since the epoch.
    pub arrival_ms: Option<i64>,
    /// `recordId` of a Firehose transformation or Kinesis Analytics request: the answer must name it.
    pub record_id: Option<&'a str>,
    /// Kinesis sequence number: grows within a shard, beyond 128 bits; compare by length, then as text.
    pub sequence_number: Option<&'a str>,
    /// Position inside an aggregated record, from 0.
    pub sub_sequence_number: Option<u64>,
    /// Kinesis partition key.
    pub partition_key: Option<&'a str>,
    /// Kinesis explicit hash key, decimal digits of 128 bits.
    pub explicit_hash_key: Option<&'a str>,
    /// Kinesis shard.
    pub shard_id: Option<&'a str>,
    /// ARN of the Kinesis or Firehose stream.
    pub stream_arn: Option<&'a str>,
    /// `invocationId` or `requestId` of the request that carried the record.
    pub request_id: Option<&'a str>,
}

impl Context<'_> {
    /// What stands inside an envelope: the envelope and all layers.
    pub(super) fn inside(&self, envelope: Envelope) -> (Envelope, Layers) {
        (envelope, self.layers.and(envelope.name()))
    }
}

/// A record without any further layer around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaf<'a> {
    /// A text line without its line end: a flow log line, a header line, a CSV row.
    Line(&'a [u8]),
    /// A CloudWatch log event.
    Event {
        /// The log line.
        message: &'a [u8],
        /// The raw JSON object of named tokens, if the subscription's filter pattern names them.
        extracted_fields: Option<&'a [u8]>,
    },
    /// A JSON object that is no known envelope, as it stands in the input.
    Object(&'a [u8]),
}

impl<'a> Leaf<'a> {
    /// The record's own bytes.
    pub fn bytes(&self) -> &'a [u8] {
        match self {
            Leaf::Line(bytes) | Leaf::Event { message: bytes, .. } | Leaf::Object(bytes) => bytes,
        }
    }
}

/// Receives the outcome of each record, in the order of the payload.
///
/// Each record gives exactly one call of `leaf`, `dropped` or `failed`; each payload gives at least one.
pub trait Sink {
    /// A record.
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>);

    /// A record that carries no data on purpose, and why.
    fn dropped(&mut self, reason: &str, context: &Context<'_>);

    /// A record that could not be decoded. `raw` is the smallest unit that failed, as it stood in the failing layer.
    fn failed(&mut self, failure: &Failure, raw: &[u8], context: &Context<'_>);

    /// A record that an earlier call gave, when the rest of its payload is decoded: for sinks to which lines say how those
    /// after them are read.
    fn given(&mut self, leaf: Leaf<'_>) {
        let _ = leaf;
    }

    /// Whether a text inside a document, under whatever name, is a record by itself, and so is to be decoded in place of the
    /// document.
    fn opens(&mut self, text: &[u8]) -> bool {
        let _ = text;
        false
    }

    /// Whether the sink takes bytes that no layer is around as they are, so that they are not decoded any further: a text or
    /// an aggregate `depth` layers deep, for which so many bytes were decoded over all layers.
    fn unwrapped(&mut self, bytes: &[u8], layers: Layers, depth: usize, spent: usize) -> bool {
        let _ = (bytes, layers, depth, spent);
        false
    }

    /// Whether the sink has room for nothing more at present. It is asked after each outcome.
    #[inline]
    fn is_full(&self) -> bool {
        false
    }

    /// The outcomes up to [`Sink::record_ends`] belong to one record of the envelope, named in `context`; `data` is its
    /// data as it stands there.
    fn record_begins(&mut self, data: &[u8], context: &Context<'_>) {
        let _ = (data, context);
    }

    /// The record announced last and not yet ended is complete.
    fn record_ends(&mut self, context: &Context<'_>) {
        let _ = context;
    }
}
