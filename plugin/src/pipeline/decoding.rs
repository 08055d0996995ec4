//! Payloads in, decoded records out.

use super::Counts;
use super::answer::Answer;
use super::event::Failures;
use super::reader::{Read, Reader};
use super::rest::Rest;
use crate::column::Columns;
use crate::config::{Config, Records};
use crate::decode::{self, Context, Layers, Leaf, Sink};
use crate::discover::{Limits, Sampler};
use crate::failure::Failure;
use crate::flow::Page;

/// What became of one payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// At least one record was decoded: newline-delimited JSON, and what became of each record.
    Ok(Vec<u8>, Counts),
    /// Left out on purpose, and why.
    Dropped(String),
    /// No record could be decoded: the first failure.
    Failed(Failure),
}

/// Decodes payloads by one configuration. Every payload is decoded by itself.
pub struct Decoder {
    decoder: decode::Decoder,
    reader: Reader,
    page: Page,
}

impl Decoder {
    /// A decoder by the section `input` of a configuration.
    pub fn new(config: &Config) -> Self {
        Decoder {
            decoder: decode::Decoder::new(config.input.limits).with_quotes(config.input.records == Records::Csv),
            reader: Reader::new(&config.input, &Columns::default()),
            page: Page::default(),
        }
    }

    /// Decodes one payload; `id` is its name in `failed` lines.
    pub fn decode(&mut self, payload: &[u8], id: Option<&str>) -> Outcome {
        self.decode_until(payload, id, &mut None, usize::MAX)
    }

    /// Decodes one payload, or the `rest` of it, until the lines have `full` bytes or somewhat more. Then `rest` is some.
    pub fn decode_until(&mut self, payload: &[u8], id: Option<&str>, rest: &mut Option<Rest>, full: usize) -> Outcome {
        let Rest { given, counts: before, failures } = rest.take().unwrap_or_default();
        let (decoder, mut lines) = self.begin(payload, id);
        (lines.full, lines.failures) = (full, failures);
        let stopped = decoder.decode_from::<dyn Sink>(payload, given, &mut lines);
        if let Some(given) = stopped {
            lines.page.turn(&mut lines.out);
            let mut counts = before;
            counts += lines.counts;
            *rest = Some(Rest { given, counts, failures: std::mem::take(&mut lines.failures) });
        } else {
            lines.turn();
            if given == 0 {
                return lines.finish();
            }
        }
        Outcome::Ok(lines.out, lines.counts)
    }

    /// Answers a request of the Kinesis Analytics preprocessing or the Firehose transformation contract: for each record
    /// its id, `Ok` with the decoded records as lines of JSON, `Dropped`, or `ProcessingFailed` with the data as it came.
    /// A record that holds several is `Ok` if one of them is. None if the payload is no such request.
    pub fn answer(&mut self, request: &[u8]) -> Option<String> {
        let (decoder, lines) = self.begin(request, None);
        let mut answer = Answer::new(lines);
        decoder.decode::<dyn Sink>(request, &mut answer);
        answer.finish()
    }

    fn begin<'a>(&'a mut self, payload: &[u8], id: Option<&'a str>) -> (&'a mut decode::Decoder, Lines<'a>) {
        self.reader.reset();
        let lines = Lines {
            reader: &mut self.reader,
            page: &mut self.page,
            id,
            // Records take about three times the bytes of their compressed payload twice over; a guess that is wrong
            // costs a copy.
            out: Vec::with_capacity((payload.len() * 4).min(LARGE)),
            full: usize::MAX,
            failures: Failures::default(),
            counts: Counts::default(),
            dropped: None,
            failure: None,
        };
        (&mut self.decoder, lines)
    }
}

impl Lines<'_> {
    /// Brings all there is into `out`, at the end of a payload, or of a record that is answered by itself.
    pub(super) fn turn(&mut self) {
        self.page.turn(&mut self.out);
        std::mem::take(&mut self.failures).finish(&mut self.out, self.id);
    }

    fn finish(self) -> Outcome {
        match self {
            Lines { failure: Some(failure), counts: Counts { ok: 0, .. }, .. } => Outcome::Failed(failure),
            Lines { counts: Counts { ok: 0, .. }, dropped, .. } => {
                Outcome::Dropped(dropped.unwrap_or_else(|| HEADER.into()))
            }
            Lines { out, counts, .. } => Outcome::Ok(out, counts),
        }
    }
}

/// Why a payload is dropped in which only header lines are. They are no records.
const HEADER: &str = "there are only header lines in the payload, which name the columns of the lines after them";

/// Bytes of lines for which there is room at once.
const LARGE: usize = 1 << 20;

pub(super) struct Lines<'a> {
    reader: &'a mut Reader,
    /// Records at the end of `out` that are not there yet.
    pub(super) page: &'a mut Page,
    id: Option<&'a str>,
    pub(super) out: Vec<u8>,
    /// Bytes of `out` from which on it is full.
    full: usize,
    failures: Failures,
    pub(super) counts: Counts,
    dropped: Option<String>,
    failure: Option<Failure>,
}

impl Sink for Lines<'_> {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        if self.reader.write(leaf, self.page, &mut self.out) {
            self.counts.ok += 1;
            return;
        }
        match self.reader.read(leaf) {
            Ok(Read::Record(record)) => {
                self.page.turn(&mut self.out);
                self.out.push(b'{');
                record.write_members(&mut self.out);
                self.out.extend_from_slice(b"}\n");
                self.counts.ok += 1;
            }
            Ok(Read::Header) => {}
            Err(failure) => self.failed(&failure, leaf.bytes(), context),
        }
    }

    fn dropped(&mut self, reason: &str, _: &Context<'_>) {
        self.counts.dropped += 1;
        self.dropped.get_or_insert_with(|| reason.to_owned());
    }

    fn failed(&mut self, failure: &Failure, raw: &[u8], context: &Context<'_>) {
        self.page.turn(&mut self.out);
        self.failures.tell(&mut self.out, self.id, failure, raw, context);
        self.counts.failed += 1;
        self.failure.get_or_insert_with(|| failure.clone());
    }

    fn given(&mut self, leaf: Leaf<'_>) {
        // A header names the columns of the lines after it.
        let _ = self.reader.read(leaf);
    }

    fn is_full(&self) -> bool {
        self.out.len() >= self.full
    }
}

/// Payload bytes after which a sample is large enough.
const SAMPLE: usize = 64 << 20;

/// What a sample of payloads holds, as JSON text. Payloads beyond the first 64 MiB are not looked at.
pub fn discover_schema<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> String {
    let mut sample = Sample { sampler: Sampler::new(Limits::default()), layers: Layers::default() };
    let mut decoder = decode::Decoder::new(decode::Limits::default());
    let mut bytes = 0;
    for payload in payloads.take_while(|payload| {
        let is_within = bytes < SAMPLE;
        bytes += payload.len();
        is_within
    }) {
        sample.sampler.payload(payload);
        decoder.decode::<dyn Sink>(payload, &mut sample);
    }
    sample.sampler.finish().to_json()
}

struct Sample {
    sampler: Sampler,
    layers: Layers,
}

impl Sink for Sample {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        let Sample { sampler, layers } = self;
        // Nearly every record came the same way as the last.
        if *layers != context.layers {
            *layers = context.layers;
            sampler.layers(&layers.names());
        }
        match leaf {
            Leaf::Line(line) => sampler.line(line),
            Leaf::Event { message, extracted_fields } => sampler.event(message, extracted_fields),
            Leaf::Object(object) => sampler.object(object),
        }
    }

    fn dropped(&mut self, _: &str, _: &Context<'_>) {}

    fn failed(&mut self, _: &Failure, _: &[u8], _: &Context<'_>) {}
}
