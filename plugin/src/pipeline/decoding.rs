//! Payloads in, decoded records out.

use super::Counts;
use super::event;
use super::reader::{Read, Reader};
use crate::config::Config;
use crate::decode::{Context, Decoder, Leaf, Sink};
use crate::discover::{Limits, Sampler};
use crate::failure::Failure;
use crate::flow::Page;
use crate::row::Columns;

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
pub struct Decoding {
    decoder: Decoder,
    reader: Reader,
    page: Page,
}

impl Decoding {
    /// A decoder by the section `input` of a configuration.
    pub fn new(config: &Config) -> Self {
        Decoding {
            decoder: Decoder::new(config.input.limits),
            reader: Reader::new(&config.input, &Columns::default()),
            page: Page::default(),
        }
    }

    /// Decodes one payload; `id` is its name in `failed` lines.
    pub fn decode(&mut self, payload: &[u8], id: Option<&str>) -> Outcome {
        self.reader.reset();
        let mut lines = Lines {
            reader: &mut self.reader,
            page: &mut self.page,
            id,
            // Records take about three times the bytes of their compressed payload twice over; a guess that is wrong
            // costs a copy.
            out: Vec::with_capacity(payload.len() * 4),
            counts: Counts::default(),
            dropped: None,
            failure: None,
        };
        self.decoder.decode::<dyn Sink>(payload, &mut lines);
        lines.page.turn(&mut lines.out);
        match lines {
            Lines { failure: Some(failure), counts: Counts { ok: 0, .. }, .. } => Outcome::Failed(failure),
            Lines { counts: Counts { ok: 0, .. }, dropped, .. } => {
                Outcome::Dropped(dropped.unwrap_or_else(|| "there are only header lines in the payload".into()))
            }
            Lines { out, counts, .. } => Outcome::Ok(out, counts),
        }
    }
}

struct Lines<'a> {
    reader: &'a mut Reader,
    /// Records at the end of `out` that are not there yet.
    page: &'a mut Page,
    id: Option<&'a str>,
    out: Vec<u8>,
    counts: Counts,
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
        event::failed(&mut self.out, self.id, failure, raw, context);
        self.counts.failed += 1;
        self.failure.get_or_insert_with(|| failure.clone());
    }
}

/// What a sample of payloads holds, as JSON text.
pub fn discover_schema<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> String {
    let mut sample = Sample(Sampler::new(Limits::default()));
    let mut decoder = Decoder::new(crate::decode::Limits::default());
    for payload in payloads {
        sample.0.payload(payload);
        decoder.decode::<dyn Sink>(payload, &mut sample);
    }
    sample.0.finish().to_json()
}

struct Sample(Sampler);

impl Sink for Sample {
    fn leaf(&mut self, leaf: Leaf<'_>, _: &Context<'_>) {
        match leaf {
            Leaf::Line(line) => self.0.line(line),
            Leaf::Event { message, extracted_fields } => self.0.event(message, extracted_fields),
            Leaf::Object(object) => self.0.object(object),
        }
    }

    fn dropped(&mut self, _: &str, _: &Context<'_>) {}

    fn failed(&mut self, _: &Failure, _: &[u8], _: &Context<'_>) {}
}
