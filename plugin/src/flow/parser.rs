//! From text to [`FlowRecord`]: lines, CloudWatch events and JSON objects.

use super::extracted::{self, Members};
use super::format::{Format, MAX_COLUMNS};
use super::formats::Formats;
use super::one_pass::{Keep, scan};
use super::page::Page;
use super::record::{FlowRecord, Source, Values, refusal};
use super::tokens::{Span, Unsplit, split};
use crate::column::Names;
use crate::failure::{Failure, Layer};

/// The most header lines of a payload. Compiling one costs as much as reading hundreds of records.
const MAX_HEADERS: usize = 1_000;

/// The most words before a record in a line.
const MAX_PREFIX: usize = 8;

/// What a line is.
#[derive(Clone, Copy, Debug)]
pub enum Parsed<'a> {
    /// A record.
    Record(FlowRecord<'a>),
    /// The header line of a text file in S3: the lines that follow have this format.
    Header(&'a Format),
}

impl<'a> Parsed<'a> {
    /// The record, if it is one.
    pub fn record(self) -> Option<FlowRecord<'a>> {
        match self {
            Parsed::Record(record) => Some(record),
            Parsed::Header(_) => None,
        }
    }
}

/// Parses the records of one stream, without allocating for each.
///
/// It holds the candidate formats, a buffer for token positions and, within one payload, the format that a header line
/// announced. Apart from that header, what a record becomes depends on its own text alone.
#[derive(Debug)]
pub struct Parser {
    formats: Formats,
    names: Names,
    header: Option<Formats>,
    /// Header lines in this payload.
    headers: usize,
    spans: Box<[Span; MAX_COLUMNS]>,
    values: Values,
    members: Members,
    /// The format made for the last JSON object whose fields no candidate holds exactly, and those fields.
    partial: Option<(u128, Format)>,
    /// Nobody is told why a line of the present payload is no record.
    leaves_reasons: bool,
    /// The candidate of the last line scanned, which is tried first for the next. The result does not depend on it.
    guess: usize,
}

/// A line that was scanned; [`Parser::scanned`] gives its record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanned {
    candidate: usize,
}

impl Parser {
    /// A parser for records of these formats.
    pub fn new(formats: Formats) -> Parser {
        Parser::named(formats, Names::default())
    }

    /// A parser for records some of whose fields have other names.
    pub fn named(formats: Formats, names: Names) -> Parser {
        let spans = Box::new([Span::default(); MAX_COLUMNS]);
        let values = Values::default();
        Parser {
            formats,
            names,
            header: None,
            headers: 0,
            spans,
            values,
            members: Members::default(),
            partial: None,
            leaves_reasons: false,
            guess: 0,
        }
    }

    /// The configured candidates.
    pub fn formats(&self) -> &Formats {
        &self.formats
    }

    /// Whether a header line was read in the present payload.
    pub(crate) const fn has_header(&self) -> bool {
        self.header.is_some()
    }

    /// Begins a new payload: a header line holds for its own payload only.
    pub fn reset(&mut self) {
        self.header = None;
        self.headers = 0;
        self.leaves_reasons = false;
    }

    /// Whether a record since the last call had times in milliseconds or finer, which were taken as such.
    pub(crate) fn take_fine_time(&mut self) -> bool {
        std::mem::take(&mut self.values.had_fine_time)
    }

    /// Parses one line of text: a record, or a header line, which from now until [`reset`](Parser::reset) is the only
    /// format expected.
    pub fn line<'a>(&'a mut self, line: &'a [u8]) -> Result<Parsed<'a>, Failure> {
        if let Some(scanned) = self.scan(line) {
            return Ok(Parsed::Record(self.scanned(line, scanned)));
        }
        if let Some(header) = Format::named_header(line, &self.names) {
            self.headers += 1;
            if self.headers > MAX_HEADERS {
                let reason = format!("more than {MAX_HEADERS} header lines in a payload");
                return Err(Failure::new(Layer::FlowRecord, 0, reason));
            }
            let format = header.map_err(|error| {
                let reason = format!("the header line is not a format: {}", error.reason);
                Failure::new(Layer::FlowRecord, error.offset, reason)
            })?;
            let header = self.header.insert(Formats::new(vec![format]));
            return Ok(Parsed::Header(&header.candidates()[0]));
        }
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        match record(formats, &mut *self.spans, &mut self.values, line) {
            Ok(candidate) => Ok(Parsed::Record(self.scanned(line, Scanned { candidate }))),
            Err(_) => match self.behind_prefix(line) {
                Some((line, scanned)) => Ok(Parsed::Record(self.scanned(line, scanned))),
                None => Err(self.failure(line)),
            },
        }
    }

    /// Whether it is to say why a line is no record; a new payload begins with reasons. One costs more than to find that the line
    /// is none.
    pub(crate) fn set_reasons(&mut self, has_reasons: bool) {
        self.leaves_reasons = !has_reasons;
    }

    /// Whether it says why a line is no record.
    pub(crate) const fn has_reasons(&self) -> bool {
        !self.leaves_reasons
    }

    /// Why a line is no record.
    #[cold]
    fn failure(&mut self, line: &[u8]) -> Failure {
        if self.leaves_reasons {
            return Failure::new(Layer::FlowRecord, 0, "");
        }
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        match record(formats, &mut *self.spans, &mut self.values, line) {
            Err(wrong) => wrong.failure(formats, self.header.is_some(), &*self.spans, line),
            Ok(_) => Failure::new(Layer::FlowRecord, 0, "no flow log line"),
        }
    }

    /// Whether a text is a header line, or a record that is one by its look and not by its number of words alone.
    pub(crate) fn opens(&mut self, text: &[u8]) -> bool {
        if Format::named_header(text, &self.names).is_some() {
            return true;
        }
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        match record(formats, &mut *self.spans, &mut self.values, text) {
            Ok(candidate) => formats.evidence(candidate, text, &*self.spans) > 1,
            Err(_) => self.behind_prefix(text).is_some(),
        }
    }

    /// The record behind the words that a collector or export has put before it: a time, a stream's name (`aws logs tail`,
    /// exports to S3, syslog).
    #[cold]
    fn behind_prefix<'a>(&mut self, line: &'a [u8]) -> Option<(&'a [u8], Scanned)> {
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        let has_time = matches!(line, [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', ..]);
        let mut rest = line;
        for _ in 0..MAX_PREFIX {
            let blank = rest.iter().position(|byte| matches!(byte, b' ' | b'\t'))?;
            rest = rest.get(blank..)?.trim_ascii_start();
            if let Ok(candidate) = record(formats, &mut *self.spans, &mut self.values, rest) {
                let evidence = formats.evidence(candidate, rest, &*self.spans);
                return (evidence >= if has_time { 2 } else { 6 }).then_some((rest, Scanned { candidate }));
            }
        }
        None
    }

    /// Scans a line in the quick way, which finds most records but neither headers nor failures.
    /// [`line`](Parser::line) does so too.
    #[inline]
    pub(crate) fn scan(&mut self, line: &[u8]) -> Option<Scanned> {
        let Parser { spans, values, names, .. } = self;
        let scan = |format: &_| scan(line, format, &mut Keep { spans: &mut **spans, values, column: 0 });
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        quick(formats, names, &mut self.guess, line, scan).map(|candidate| Scanned { candidate })
    }

    /// Writes the record of a line in the quick way; false, with nothing written, if it is none of those that
    /// [`scan`](Parser::scan) finds.
    #[inline]
    pub(crate) fn write(&mut self, line: &[u8], page: &mut Page, out: &mut Vec<u8>) -> bool {
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        quick(formats, &self.names, &mut self.guess, line, |format| page.write(line, format, out)).is_some()
    }

    /// The record of the line scanned last.
    #[inline]
    pub(crate) fn scanned<'a>(&'a self, line: &'a [u8], Scanned { candidate }: Scanned) -> FlowRecord<'a> {
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        let format = &formats.candidates()[candidate];
        let spans = &self.spans[..format.columns().len()];
        FlowRecord { text: line, spans, format, values: &self.values, source: Source::Line }
    }

    /// Parses a CloudWatch Logs event: its message, and the `extractedFields` object (raw JSON) if there is one.
    ///
    /// `extractedFields` is there when the subscription's filter pattern names the positions; the names are the
    /// operator's own. When they are flow log field names, with hyphens or underscores, and hold all columns of a
    /// format, they are preferred, for then the operator has said what each token is. Otherwise the message is parsed.
    /// Failing that, for example because no format of that length is configured, the fields known are taken as they
    /// are. A string with an escape sequence in `extractedFields` also leads to the message.
    pub fn event<'a>(&'a mut self, message: &'a [u8], extracted: Option<&'a [u8]>) -> Result<Parsed<'a>, Failure> {
        let found = extracted.and_then(|json| extracted::scan(json, &mut self.members, &self.names).ok());
        let Some(found) = found.filter(|found| found.fields != 0) else {
            return match message.trim_ascii_start().first() {
                Some(b'{') => self.object(message).map(Parsed::Record),
                _ => self.line(message),
            };
        };
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        if !formats.covered_by(found.fields) {
            // Checked once for the answer and once more to return it: a record borrows the buffers, and such events
            // are rare (a filter pattern that names only part of the columns).
            let record = record(formats, &mut *self.spans, &mut self.values, message);
            if Format::named_header(message, &self.names).is_some() || record.is_ok() {
                return self.line(message);
            }
        }
        self.found(found).map(Parsed::Record)
    }

    /// Takes a record from a flat JSON object whose keys are field names, with hyphens or underscores, and whose values
    /// are strings, numbers or null: `extractedFields`, or what Vector's `parse_aws_vpc_flow_log` returns.
    ///
    /// The record's columns are those of the candidate with exactly these fields, else the fields in table order. Keys
    /// that are not flow log fields are left out.
    pub fn object<'a>(&'a mut self, json: &'a [u8]) -> Result<FlowRecord<'a>, Failure> {
        let found = extracted::scan(json, &mut self.members, &self.names)?;
        if found.fields == 0 {
            let reason = "no member of the JSON object is a flow log field, such as `interface_id` or `bytes`";
            return Err(Failure::new(Layer::FlowRecord, 0, reason));
        }
        self.found(found)
    }

    fn found<'a>(&'a mut self, found: extracted::KnownFields<'a>) -> Result<FlowRecord<'a>, Failure> {
        let formats = self.header.as_ref().unwrap_or(&self.formats);
        let format = match formats.holding(found.fields) {
            Some(format) => format,
            None => {
                let is_same = self.partial.as_ref().is_some_and(|(fields, _)| *fields == found.fields);
                if !is_same {
                    self.partial = Some((found.fields, extracted::format_of(found.fields)));
                }
                match &self.partial {
                    Some((_, format)) => format,
                    None => return Err(Failure::new(Layer::FlowRecord, 0, "no flow log field")),
                }
            }
        };
        let spans = &mut self.spans[..format.columns().len()];
        for (span, column) in spans.iter_mut().zip(format.columns()) {
            *span = column.field.map(|field| self.members.value(field)).unwrap_or_default();
        }
        self.values.check(found.text, spans, format).map_err(|index| refusal(found.text, spans, format, index))?;
        Ok(FlowRecord { text: found.text, spans, format, values: &self.values, source: Source::Json })
    }
}

/// The candidate for which `scan` succeeds; none if its length alone does not tell it, or if the line is a header.
#[inline(always)]
fn quick(
    formats: &Formats,
    names: &Names,
    guess: &mut usize,
    line: &[u8],
    mut scan: impl FnMut(&Format) -> bool,
) -> Option<usize> {
    // A header line can be a record of a format without numbers.
    let may_be_header = line.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'$');
    if may_be_header && Format::named_header(line, names).is_some() {
        return None;
    }
    let mut scan = |candidate: &usize| formats.told_by_length(*candidate).is_some_and(&mut scan);
    if !scan(guess) {
        *guess = (0..formats.candidates().len()).find(scan)?;
    }
    Some(*guess)
}

/// Why a line is no record of the formats.
enum Wrong {
    Unsplit(Unsplit),
    /// Where it is not UTF-8.
    NotUtf8(usize),
    /// It has so many fields.
    Count(usize),
    /// A candidate, and the column of it whose token is wrong.
    Column(usize, usize),
}

impl Wrong {
    /// In words, of a line whose tokens are in `spans`.
    fn failure(&self, formats: &Formats, from_header: bool, spans: &[Span], line: &[u8]) -> Failure {
        match *self {
            Wrong::Unsplit(Unsplit::TooLong) => Failure::new(Layer::FlowRecord, 0, "the line is longer than 4 GiB"),
            Wrong::Unsplit(Unsplit::Control(control, at)) => {
                let reason =
                    format!("control character 0x{control:02x} in a flow log line: only spaces separate its fields");
                Failure::new(Layer::FlowRecord, at, reason)
            }
            Wrong::NotUtf8(offset) => not_utf8(line, offset),
            Wrong::Count(count) => wrong_count(formats, from_header, count, line),
            Wrong::Column(candidate, column) => refusal(line, spans, &formats.candidates()[candidate], column),
        }
    }
}

/// Reads a line in the general way: the place of its format among the candidates.
fn record(formats: &Formats, spans: &mut [Span], values: &mut Values, line: &[u8]) -> Result<usize, Wrong> {
    let count = split(line, spans).map_err(Wrong::Unsplit)?;
    if let Err(error) = std::str::from_utf8(line) {
        return Err(Wrong::NotUtf8(error.valid_up_to()));
    }
    let candidate = formats.choose(line, spans, count).ok_or(Wrong::Count(count))?;
    let checked = values.check(line, spans, &formats.candidates()[candidate]);
    checked.map(|()| candidate).map_err(|column| Wrong::Column(candidate, column))
}

fn not_utf8(line: &[u8], offset: usize) -> Failure {
    let byte = line.get(offset).copied().unwrap_or_default();
    let reason = format!("byte 0x{byte:02x} is not UTF-8: a flow log line is text");
    Failure::new(Layer::FlowRecord, offset, reason)
}

fn wrong_count(formats: &Formats, from_header: bool, count: usize, line: &[u8]) -> Failure {
    let fields = if count == 1 { "1 field" } else { &format!("{count} fields") };
    let reason = if count == 0 {
        "the line is empty".to_owned()
    } else if from_header {
        format!("{fields}, but the header line of this payload has {}", formats.summary())
    } else {
        format!(
            "{fields}, but the formats have {}: set input.format to the flow log's LogFormat \
             (aws ec2 describe-flow-logs)",
            formats.summary()
        )
    };
    Failure::new(Layer::FlowRecord, line.trim_ascii_end().len(), reason)
}
