//! From payloads to a sample, and from the sample to the report.

use super::flow_shape;
use super::kept::Form;
use super::report::report;
use super::sample::{Limits, Sampler, Source};
use super::trial::Trial;
use crate::column::Columns;
use crate::config::Input;
use crate::decode::{self, Context, Layers, Leaf, Sink};
use crate::failure::Failure;
use crate::pipeline::{Read, Reader, Record};

/// Payload bytes after which a sample is large enough.
const SAMPLE: usize = 64 << 20;

/// What a sample of payloads holds, as JSON text. Payloads beyond the first 64 MiB are not looked at.
pub fn discover_schema<'a>(payloads: impl Iterator<Item = &'a [u8]> + Clone) -> String {
    let mut collector = Collector {
        sampler: Sampler::new(Limits::default()),
        reader: Reader::new(&Input::default(), &Columns::default()),
        layers: Layers::default(),
        object: Vec::new(),
    };
    let mut decoder = decode::Decoder::new(decode::Limits::default());
    let mut bytes = 0;
    let payloads = payloads.take_while(move |payload| {
        let is_within = bytes < SAMPLE;
        bytes += payload.len();
        is_within
    });
    for payload in payloads.clone() {
        collector.sampler.payload(payload);
        collector.reader.reset();
        decoder.decode::<dyn Sink>(payload, &mut collector);
    }
    let sample = collector.sampler.finish();
    report(&sample, &mut |config| Trial::run(config, &mut payloads.clone()))
}

struct Collector {
    sampler: Sampler,
    /// Reads as a scorer without configuration does.
    reader: Reader,
    layers: Layers,
    object: Vec<u8>,
}

impl Sink for Collector {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        let Collector { sampler, reader, layers, object } = self;
        // Nearly every record came the same way as the last.
        if *layers != context.layers {
            *layers = context.layers;
            sampler.layers(&layers.names());
        }
        let text = leaf.bytes().trim_ascii_end();
        if text.trim_ascii_start().first() == Some(&b'{')
            && !matches!(leaf, Leaf::Event { extracted_fields: Some(_), .. })
        {
            return sampler.keep(text, Form::Object);
        }
        let (has_header, has_csv_header) = (reader.has_flow_header(), reader.has_csv_header());
        let form = match reader.read(leaf) {
            Ok(Read::Header) => return sampler.header(text),
            Ok(Read::Record(record)) => {
                object.clear();
                object.push(b'{');
                record.write_members(object);
                object.push(b'}');
                match record {
                    Record::Flow(record) => {
                        let source = match leaf {
                            Leaf::Event { extracted_fields: Some(_), .. } if record.is_of_json() => {
                                Source::ExtractedFields
                            }
                            _ if has_header => Source::Header,
                            _ => Source::Known,
                        };
                        Form::Flow(sampler.format(record.format(), source), object.clone())
                    }
                    Record::Row(_) if has_csv_header => Form::Row(object.clone()),
                    Record::Row(_) => Form::Line,
                }
            }
            Err(_) => Form::Line,
        };
        sampler.keep(text, form);
    }

    fn opens(&mut self, text: &[u8]) -> bool {
        self.reader.opens(text) || flow_shape::looks_like_a_line(text)
    }

    fn dropped(&mut self, _: &str, _: &Context<'_>) {}

    fn failed(&mut self, failure: &Failure, _: &[u8], _: &Context<'_>) {
        self.sampler.failed(failure);
    }
}
