//! A sink that writes down each outcome, so that a test reads as a list.

use flowscore::decode::{Context, Decoder, Layers, Leaf, Limits, Sink};
use flowscore::failure::Failure;

/// What became of one record, with the parts of its context that an envelope sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// `line`, `event`, `object`, `dropped` or `failed`, and the text of it.
    pub(crate) what: String,
    /// The context's fields that are set, `name=value`, in the order of its declaration.
    pub(crate) context: String,
    /// The raw bytes of a failure.
    pub(crate) raw: Vec<u8>,
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Recorder {
    pub(crate) outcomes: Vec<Outcome>,
    /// `record_begins` and `record_ends`, as `+id` and `-id`.
    pub(crate) brackets: Vec<String>,
    /// The layers around each record.
    layers: Vec<Layers>,
}

fn describe(context: &Context<'_>) -> String {
    let text = |name: &str, value: Option<&str>| value.map(|value| format!("{name}={value}"));
    let number = |name: &str, value: Option<i64>| value.map(|value| format!("{name}={value}"));
    [
        (context.envelope != Default::default()).then(|| format!("{:?}", context.envelope)),
        text("owner", context.owner),
        text("group", context.log_group),
        text("stream", context.log_stream),
        text("event", context.event_id.map(|id| std::str::from_utf8(id).unwrap())),
        number("time", context.timestamp_ms),
        number("arrival", context.arrival_ms),
        text("record", context.record_id),
        text("sequence", context.sequence_number),
        number("sub", context.sub_sequence_number.map(|n| n as i64)),
        text("key", context.partition_key),
        text("hash", context.explicit_hash_key),
        text("shard", context.shard_id),
        text("arn", context.stream_arn),
        text("request", context.request_id),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(" ")
}

impl Recorder {
    fn add(&mut self, what: String, raw: &[u8], context: &Context<'_>) {
        self.layers.push(context.layers);
        self.outcomes.push(Outcome { what, context: describe(context), raw: raw.to_vec() });
    }
}

impl Sink for Recorder {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let what = match leaf {
            Leaf::Line(line) => format!("line {}", text(line)),
            Leaf::Event { message, extracted_fields: None } => format!("event {}", text(message)),
            Leaf::Event { message, extracted_fields: Some(fields) } => {
                format!("event {} fields {}", text(message), text(fields))
            }
            Leaf::Object(object) => format!("object {}", text(object)),
        };
        self.add(what, &[], context);
    }

    fn dropped(&mut self, reason: &str, context: &Context<'_>) {
        self.add(format!("dropped {reason}"), &[], context);
    }

    fn failed(&mut self, failure: &Failure, raw: &[u8], context: &Context<'_>) {
        self.add(format!("failed {failure}"), raw, context);
    }

    fn record_begins(&mut self, _: &[u8], context: &Context<'_>) {
        self.brackets.push(format!("+{}", context.record_id.unwrap_or_default()));
    }

    fn record_ends(&mut self, context: &Context<'_>) {
        self.brackets.push(format!("-{}", context.record_id.unwrap_or_default()));
    }
}

/// Decodes `payload` under `limits`. It is the same if another decoder has undone the layers ahead.
pub(crate) fn decode_within(limits: Limits, payload: &[u8]) -> Recorder {
    let (mut recorder, mut ahead) = (Recorder::default(), Recorder::default());
    Decoder::new(limits).decode(payload, &mut recorder);
    let mut data = Vec::new();
    let unwrapped = Decoder::new(limits).unwrap(payload, &mut data, 1 << 20);
    Decoder::new(limits).decode_from(payload, unwrapped, 0, &mut ahead);
    assert_eq!(ahead, recorder, "unwrapped: {unwrapped:?}");
    recorder
}

/// Decodes `payload` and gives what became of each record, without contexts.
pub(crate) fn decode(payload: &[u8]) -> Vec<String> {
    decode_within(Limits::default(), payload).outcomes.into_iter().map(|outcome| outcome.what).collect()
}

/// Decodes `payload` and gives what became of each record, each followed by its context.
pub(crate) fn decode_with_context(payload: &[u8]) -> Vec<(String, String)> {
    let outcomes = decode_within(Limits::default(), payload).outcomes;
    outcomes.into_iter().map(|outcome| (outcome.what, outcome.context)).collect()
}
