//! Transforms in the manner of `vector-lib`, and the plugin as one.
//!
//! Vector knows function transforms (one event in, some out, no memory of the stream's end) and task transforms (a
//! stream in, a stream out). Both traits are here with the shapes that pipelines written against `vector-lib` use, and
//! [`WasmTransform`] implements both, so that such a pipeline hosts the component with a few lines.

use std::fmt::Display;
use std::io::Write;
use std::pin::Pin;

use futures_util::stream::{Stream, StreamExt};
use serde_json::Value;

use crate::batch::Scoring;
use crate::plugin::{Counts, Payload, Plugin, PluginError, Totals};

/// What flows through a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A payload as a source delivers it.
    Payload {
        /// The bytes as they arrived.
        data: Vec<u8>,
        /// The source's name for it, for example shard and sequence number.
        id: Option<String>,
    },
    /// A log event: one JSON object as text.
    Log(String),
}

impl Event {
    /// A payload without a name.
    pub fn payload(data: impl Into<Vec<u8>>) -> Self {
        Event::Payload { data: data.into(), id: None }
    }

    /// The event as JSON; none for a payload or for text that is no JSON.
    pub fn as_json(&self) -> Option<Value> {
        match self {
            Event::Payload { .. } => None,
            Event::Log(text) => serde_json::from_str(text).ok(),
        }
    }
}

/// Where a transform puts its events.
#[derive(Debug, Default)]
pub struct OutputBuffer(Vec<Event>);

impl OutputBuffer {
    /// Appends an event.
    pub fn push(&mut self, event: Event) {
        self.0.push(event);
    }

    /// How many events there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes all events out.
    pub fn drain(&mut self) -> impl Iterator<Item = Event> + '_ {
        self.0.drain(..)
    }
}

/// A transform of one event into some.
pub trait FunctionTransform: Send {
    /// Transforms one event.
    fn transform(&mut self, output: &mut OutputBuffer, event: Event);
}

/// A stream of events.
pub type EventStream = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// A transform of a whole stream, which so learns of its end.
pub trait TaskTransform: Send + 'static {
    /// Transforms the stream.
    fn transform(self: Box<Self>, task: EventStream) -> EventStream;
}

/// Payloads of a stream that are handed to the component at once, if they are at hand.
const BATCH: usize = 256;

/// The plugin as a transform: payloads in, events out; a log event is scored as a record that was decoded elsewhere.
///
/// As a function transform, one event at a time:
///
/// ```
/// use host_test::plugin::{Limits, Plugin};
/// use host_test::transform::{Event, FunctionTransform, OutputBuffer, WasmTransform};
///
/// let plugin = Plugin::built_in(Limits::default())?;
/// let mut transform = WasmTransform::new(&plugin, r#"{"mode":"record"}"#)?;
/// let mut output = OutputBuffer::default();
/// let line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
/// FunctionTransform::transform(&mut transform, &mut output, Event::payload(line));
/// let event = output.drain().next().and_then(|event| event.as_json()).unwrap();
/// assert_eq!(event["type"], "score");
/// assert_eq!(event["record"]["bytes"], 4249);
/// # Ok::<(), host_test::plugin::PluginError>(())
/// ```
///
/// As a task transform, over a stream, at whose end it closes what is open:
///
/// ```
/// use futures_util::{StreamExt, stream};
/// use host_test::plugin::{Limits, Plugin};
/// use host_test::transform::{Event, TaskTransform, WasmTransform};
///
/// let plugin = Plugin::built_in(Limits::default())?;
/// let transform = WasmTransform::new(&plugin, r#"{"mode":"record"}"#)?;
/// let line = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
/// let events = TaskTransform::transform(Box::new(transform), stream::iter([Event::payload(line)]).boxed());
/// # let runtime = futures_util::future::ready(());
/// assert_eq!(futures_util::future::FutureExt::now_or_never(events.count()), Some(1));
/// # Ok::<(), host_test::plugin::PluginError>(())
/// ```
pub struct WasmTransform(Scoring);

impl WasmTransform {
    /// The plugin by the text of a configuration; the empty text means the defaults.
    pub fn new(plugin: &Plugin, config: &str) -> Result<Self, PluginError> {
        Ok(WasmTransform(Scoring::new(plugin, config)?))
    }

    /// Transforms payloads; `events` gets lines of JSON.
    ///
    /// A payload that costs the instance comes out as a `failed` event; the stream goes on, see [`batch`](crate::batch).
    pub fn transform_batch(&mut self, batch: &[Payload<'_>], events: &mut dyn Write) -> anyhow::Result<Counts> {
        self.0.transform(batch, events)
    }

    /// Closes what is open at the end of the input.
    pub fn finish(&mut self, events: &mut dyn Write) -> anyhow::Result<()> {
        self.0.finish(events)
    }

    /// Totals so far.
    pub fn totals(&mut self) -> Result<Totals, PluginError> {
        self.0.totals()
    }

    fn push(&mut self, batch: &[Event], output: &mut OutputBuffer) {
        let mut lines = Vec::new();
        let mut at = 0;
        while at < batch.len() {
            let result = if let Event::Log(record) = &batch[at] {
                at += 1;
                self.0.score(record.as_bytes(), &mut lines).map(|_| ())
            } else {
                let payloads: Vec<Payload<'_>> = batch[at..].iter().map_while(as_payload).collect();
                at += payloads.len();
                self.0.transform(&payloads, &mut lines).map(|_| ())
            };
            if let Err(error) = result {
                notice(&error, GIVEN_UP, &mut lines);
            }
        }
        push_lines(&lines, output);
    }
}

fn as_payload(event: &Event) -> Option<Payload<'_>> {
    match event {
        Event::Payload { data, id } => Some(Payload { data, id: id.as_deref() }),
        Event::Log(_) => None,
    }
}

fn push_lines(lines: &[u8], output: &mut OutputBuffer) {
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        output.push(Event::Log(String::from_utf8_lossy(line).into_owned()));
    }
}

/// An event of this type as a line of JSON with its end, `type` first.
pub fn typed(kind: &str, members: &Value) -> String {
    format!("{{\"type\":\"{kind}\",{}\n", members.to_string().trim_start_matches('{'))
}

/// How it goes on where no instance can be made any more.
const GIVEN_UP: &str = "nothing more is scored";

/// Appends the notice that an instance was lost and how it goes on.
pub fn notice(error: &dyn Display, goes_on: &str, events: &mut Vec<u8>) {
    let message = format!("{error}; {goes_on}");
    let event = serde_json::json!({ "kind": "plugin_restarted", "message": message });
    events.extend_from_slice(typed("notice", &event).as_bytes());
}

impl FunctionTransform for WasmTransform {
    fn transform(&mut self, output: &mut OutputBuffer, event: Event) {
        self.push(&[event], output);
    }
}

impl TaskTransform for WasmTransform {
    fn transform(mut self: Box<Self>, task: EventStream) -> EventStream {
        // The end of the input is one more item, after which what is open is closed.
        let batches = task.ready_chunks(BATCH).map(Some).chain(futures_util::stream::iter([None]));
        let outputs = batches.map(move |batch| {
            let mut output = OutputBuffer::default();
            match batch {
                Some(batch) => self.push(&batch, &mut output),
                None => {
                    let mut lines = Vec::new();
                    if let Err(error) = self.finish(&mut lines) {
                        notice(&error, GIVEN_UP, &mut lines);
                    }
                    push_lines(&lines, &mut output);
                }
            }
            futures_util::stream::iter(output.0)
        });
        Box::pin(outputs.flatten())
    }
}
