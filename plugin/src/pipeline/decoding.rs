//! Payloads in, decoded records out.

use super::answer::Answer;
use super::lines::{Lines, Outcome};
use super::reader::Reader;
use super::rest::Rest;
use super::window_mode::WindowColumns;
use crate::column::Columns;
use crate::config::{Config, Records};
use crate::decode::{self, Sink, Unwrapped};
use crate::flow::Page;

/// The columns that scoring by this configuration finds in rows, as far as it names them.
fn wanted(config: &Config) -> Columns {
    match config.makes_windows() {
        true => WindowColumns::new(&config.series, &config.input.names()).all,
        false => Columns::named(&config.record.columns, &config.input.names()).unwrap_or_default(),
    }
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
            reader: Reader::decoding(&config.input, &wanted(config)),
            page: Page::default(),
        }
    }

    /// Decodes one payload; `id` is its name in `failed` lines.
    pub fn decode(&mut self, payload: &[u8], id: Option<&str>) -> Outcome {
        self.decode_until(payload, id, &mut None, usize::MAX)
    }

    /// Decodes one payload, or the `rest` of it, until the lines have `full` bytes or somewhat more. Then `rest` is some.
    pub fn decode_until(&mut self, payload: &[u8], id: Option<&str>, rest: &mut Option<Rest>, full: usize) -> Outcome {
        let Rest { given, records, failures } = rest.take().unwrap_or_default();
        let (decoder, mut lines) = self.begin(payload, id);
        (lines.full, lines.failures) = (full, failures);
        let stopped = decoder.decode_from::<dyn Sink>(payload, None, given, &mut lines);
        if let Some(given) = stopped {
            lines.page.turn(&mut lines.out);
            let (records, failures) = (records + lines.counts.records(), std::mem::take(&mut lines.failures));
            *rest = Some(Rest { given, records, failures });
        } else {
            lines.turn();
            if given == 0 {
                return lines.finish();
            }
        }
        Outcome::Ok(lines.out, lines.counts)
    }

    /// Undoes the layers around one payload for a scorer of the same configuration, which then has less to do. See
    /// [`decode::Decoder::unwrap`].
    pub fn unwrap<'a>(&mut self, payload: &[u8], data: &'a mut Vec<u8>, most: usize) -> Option<Unwrapped<'a>> {
        self.decoder.unwrap(payload, data, most)
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
        let lines = Lines::new(&mut self.reader, &mut self.page, id, payload.len());
        (&mut self.decoder, lines)
    }
}
