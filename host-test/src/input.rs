//! Payloads from a file or a pipe, cut out by content.
//!
//! | the input | payloads |
//! |---|---|
//! | starts with bytes that are no text (gzip, zlib, a KPL aggregate) | one: the whole input |
//! | starts with a JSON document that goes over several lines | one: the whole input |
//! | lines | one a line: a JSON document, base64 text, or a log line |
//! | lines, the first one a header of field names | one a line, the header repeated before each |
//! | a header of flow log fields further down | it goes before the lines from there on |
//!
//! A header is one by the line after it: as many words, and not only names (`is_header`). So a program's own first line,
//! such as `INFO starting up`, does not decide over what it writes later.

use std::io::{self, BufRead, Read};

/// The longest line, and the largest binary input, that is read as one payload: far above the 10 MiB (13.4 MiB in
/// base64) of the largest Kinesis record.
pub const MAX_PAYLOAD: usize = 64 << 20;

/// Bytes of the longest header: enough for some thousand columns. A copy of it goes before each line.
pub const MAX_HEADER: usize = 64 << 10;

/// A payload with its place in the input.
#[derive(Debug, PartialEq, Eq)]
pub struct Payload {
    /// The bytes of the payload.
    pub data: Vec<u8>,
    /// The number of its line, from 1; 0 for a payload that is the whole input.
    pub line: u64,
}

/// Cuts an input into payloads.
pub struct Payloads<R> {
    input: R,
    line: u64,
    shape: Shape,
}

enum Shape {
    Unknown,
    Lines {
        /// Goes before each line.
        header: Vec<u8>,
        /// The second line, which was read to know what the first one is.
        next: Option<Vec<u8>>,
    },
    Done,
}

impl<R: BufRead> Payloads<R> {
    /// Payloads of this input.
    pub fn new(input: R) -> Self {
        Payloads { input, line: 0, shape: Shape::Unknown }
    }

    /// Whether the next payload may have to wait for the other end of a pipe. A good moment to hand on what was read.
    pub fn would_wait(&mut self) -> bool
    where
        R: Buffered,
    {
        !matches!(self.shape, Shape::Lines { next: Some(_), .. }) && !self.input.has_buffered()
    }

    /// The next payload, or none at the end of the input.
    ///
    /// # Errors
    ///
    /// The input cannot be read, or is one payload of more than [`MAX_PAYLOAD`].
    pub fn next_payload(&mut self) -> io::Result<Option<Payload>> {
        match &mut self.shape {
            Shape::Unknown => self.first(),
            Shape::Lines { header, next } => {
                let (mut header, mut next) = (std::mem::take(header), next.take());
                let line = loop {
                    let Some(line) = next.take().map_or_else(|| self.next_line(), |line| Ok(Some(line)))? else {
                        return Ok(None);
                    };
                    if !is_flow_log_header(&line) {
                        break line;
                    }
                    header = [&line, &b"\n"[..]].concat();
                };
                if let Shape::Lines { header: place, .. } = &mut self.shape {
                    place.clone_from(&header);
                }
                let data = if header.is_empty() { line } else { [header, line].concat() };
                Ok(Some(Payload { data, line: self.line }))
            }
            Shape::Done => Ok(None),
        }
    }

    /// Finds out the shape, and gives the first payload.
    fn first(&mut self) -> io::Result<Option<Payload>> {
        if !is_text(self.input.fill_buf()?) {
            return self.rest(Vec::new()).map(Some);
        }
        let Some(first) = self.next_line()? else { return Ok(None) };
        if opens_json(&first) {
            return self.rest(first).map(Some);
        }
        let line = self.line;
        let mut header = Vec::new();
        let mut next = None;
        if may_be_header(&first) {
            next = self.next_line()?;
            if next.as_deref().is_some_and(|second| is_header(&first, second) || is_flow_log_header(second)) {
                header = [&first, &b"\n"[..]].concat();
            }
        }
        let is_header = !header.is_empty();
        self.shape = Shape::Lines { header, next };
        if is_header { self.next_payload() } else { Ok(Some(Payload { data: first, line })) }
    }

    /// The next line that is not blank, without its end. Of one that is longer than a payload may be, the rest is left out.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let mut line = Vec::new();
            if self.input.by_ref().take(MAX_PAYLOAD as u64).read_until(b'\n', &mut line)? == 0 {
                self.shape = Shape::Done;
                return Ok(None);
            }
            self.line += 1;
            if line.len() == MAX_PAYLOAD && line.last() != Some(&b'\n') {
                let left_out = self.input.skip_until(b'\n')?;
                if left_out > 0 {
                    let (line, longest) = (self.line, MAX_PAYLOAD >> 20);
                    tracing::warn!("line {line} is longer than {longest} MiB: its last {left_out} bytes are left out");
                }
            }
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            if !line.trim_ascii().is_empty() {
                return Ok(Some(line));
            }
        }
    }

    fn rest(&mut self, mut data: Vec<u8>) -> io::Result<Payload> {
        self.shape = Shape::Done;
        if !data.is_empty() {
            data.push(b'\n');
        }
        let limit = MAX_PAYLOAD.saturating_sub(data.len()) as u64;
        if self.input.by_ref().take(limit).read_to_end(&mut data)? as u64 == limit && !self.input.fill_buf()?.is_empty()
        {
            let longest = MAX_PAYLOAD >> 20;
            let message = format!(
                "it is one payload of more than {longest} MiB; unpack it first, so that it is read line by line \
                 (zcat FILE | flowscore run), or split it"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(Payload { data, line: 0 })
    }
}

/// Readers that can say whether bytes are at hand without waiting.
pub trait Buffered {
    /// Whether the next read is served from memory.
    fn has_buffered(&self) -> bool;
}

impl<R: Read> Buffered for io::BufReader<R> {
    fn has_buffered(&self) -> bool {
        !self.buffer().is_empty()
    }
}

/// Whether the bytes are text: no control characters but white space, and a compressed stream's first bytes are some.
fn is_text(start: &[u8]) -> bool {
    let start = &start[..start.len().min(256)];
    let readable = |byte: &u8| *byte >= b' ' || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    let zlib = start.len() > 2 && start[0] == 0x78 && u16::from_be_bytes([start[0], start[1]]).is_multiple_of(31);
    let utf8 = std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    start.iter().all(readable) && utf8 && !zlib
}

/// Whether the line is the beginning of a JSON document that goes on in the next one.
fn opens_json(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    matches!(line.first(), Some(b'{' | b'['))
        && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

/// Whether the line may be a header of field names, such as S3 files of flow logs and CSV files start with: several names.
/// [`is_header`] knows by the line after it.
fn may_be_header(line: &[u8]) -> bool {
    line.len() <= MAX_HEADER
        && std::str::from_utf8(line).is_ok_and(|line| {
            let mut names = fields(line, separator(line)).map(unquoted).filter(|name| !name.is_empty());
            let mut count = 0;
            let is_name = if separator(line) == ' ' { is_name } else { is_title };
            names.all(|name| {
                count += 1;
                is_name(name)
            }) && count > 1
        })
}

/// Whether several names are a header of this line after them: one that has the same separator and, with spaces, as many
/// words, of which not all are names. (A first row of CSV may have fewer or more fields; that is for the plugin to tell.)
fn is_header(names: &[u8], line: &[u8]) -> bool {
    let (Ok(names), Ok(line)) = (std::str::from_utf8(names), std::str::from_utf8(line)) else { return false };
    match separator(names) {
        separator @ (',' | '\t') => line.contains(separator),
        space => fields(names, space).count() == fields(line, space).count() && !fields(line, space).all(is_name),
    }
}

fn separator(line: &str) -> char {
    [',', '\t'].into_iter().find(|separator| line.contains(*separator)).unwrap_or(' ')
}

/// The fields of a line; between words one space is as good as several.
fn fields(line: &str, separator: char) -> impl Iterator<Item = &str> {
    line.trim().split(separator).filter(move |field| separator != ' ' || !field.is_empty())
}

fn unquoted(field: &str) -> &str {
    field.trim().trim_matches('"')
}

/// Letters, digits, hyphens and underscores that start with a letter.
fn is_name(field: &str) -> bool {
    field.starts_with(|c: char| c.is_ascii_alphabetic())
        && field.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// The same, or several words, as columns of exports are called: `@timestamp`, `Interface ID`.
fn is_title(field: &str) -> bool {
    field.starts_with(|c: char| c.is_ascii_alphabetic() || c == '@')
        && field.chars().all(|c| c.is_ascii_alphanumeric() || "-_@.: ()/".contains(c))
}

/// Fields that most flow logs have, without what their spellings differ in.
const FIELDS: [&str; 14] = [
    "version",
    "accountid",
    "interfaceid",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "logstatus",
];

/// Whether a line, wherever it stands, is a header by its own words: names, most of them [`FIELDS`] that no record has for
/// values. Files of flow logs written one after another (`zcat`) have one each.
fn is_flow_log_header(line: &[u8]) -> bool {
    let begins = line.first().is_some_and(|c| c.is_ascii_alphabetic() || *c == b'"');
    begins && may_be_header(line) && {
        let line = String::from_utf8_lossy(line);
        let names = || fields(&line, separator(&line)).map(unquoted);
        let folded = |name: &str| name.replace(['-', '_', ' '], "").to_ascii_lowercase();
        let known = names().filter(|name| FIELDS.contains(&folded(name).as_str())).count();
        known > 1 && known * 3 >= names().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(input: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut payloads = Payloads::new(input);
        std::iter::from_fn(|| payloads.next_payload().unwrap()).map(|payload| (payload.line, payload.data)).collect()
    }

    #[test]
    fn the_content_decides_what_a_payload_is() {
        let text = |line: u64, text: &str| (line, text.as_bytes().to_vec());
        for (name, input, expected) in [
            ("nothing", &b""[..], vec![]),
            ("lines, blank ones left out", b"2 1 eni\r\n\n2 2 eni", vec![text(1, "2 1 eni"), text(3, "2 2 eni")]),
            ("base64 a line", b"H4sIAAAA\nH4sIAAAB\n", vec![text(1, "H4sIAAAA"), text(2, "H4sIAAAB")]),
            ("JSON a line", b"{\"a\":1}\n{\"a\":2}\n", vec![text(1, "{\"a\":1}"), text(2, "{\"a\":2}")]),
            ("JSON over lines", b"{\n\"a\":1}\n", vec![text(0, "{\n\"a\":1}\n")]),
            (
                "a header",
                b"version srcaddr\n2 ::1\n2 ::2\n",
                vec![text(2, "version srcaddr\n2 ::1"), text(3, "version srcaddr\n2 ::2")],
            ),
            (
                "two headers",
                b"version srcaddr\n2 ::1\nSrcAddr Version\n::2 2\n",
                vec![text(2, "version srcaddr\n2 ::1"), text(4, "SrcAddr Version\n::2 2")],
            ),
            (
                "a header behind lines without one, one at the end, and one before each line",
                b"2 1 eni\n\nversion srcaddr\n2 ::1\nversion srcaddr\n2 ::2\nversion srcaddr\n",
                vec![text(1, "2 1 eni"), text(4, "version srcaddr\n2 ::1"), text(6, "version srcaddr\n2 ::2")],
            ),
            ("titles of an export", b"@timestamp,@message\n1,x\n", vec![text(2, "@timestamp,@message\n1,x")]),
            ("TSV", b"start\tbytes\n1\t2\n", vec![text(2, "start\tbytes\n1\t2")]),
            ("gzip", b"\x1f\x8b\x08\x00\n\n", vec![(0, b"\x1f\x8b\x08\x00\n\n".to_vec())]),
            ("zlib", b"\x78\x9c\n\n", vec![(0, b"\x78\x9c\n\n".to_vec())]),
            (
                "CSV with quoted names, and a first row that lacks a field",
                b"\"a\",b,\n1,2\n3,4,x\n",
                vec![text(2, "\"a\",b,\n1,2"), text(3, "\"a\",b,\n3,4,x")],
            ),
        ] {
            assert_eq!(cut(input), expected, "{name}");
        }
    }

    #[test]
    fn a_line_of_names_is_a_header_only_if_the_line_after_it_has_their_values() {
        let lines = |first: &str| format!("{first}\n\n2 1 eni-1\n2 2 eni-1\n");
        let long = "name ".repeat(MAX_HEADER / 5 + 1) + "name";
        for (first, has_values) in [
            ("version account-id interface-id", true),
            ("INFO starting up", true),
            ("starting up", false),
            ("INFO starting up now", false),
            ("INFO starting, up", false),
            (&long, false),
        ] {
            let expected = |header: &str| {
                let lines = [(3, "2 1 eni-1"), (4, "2 2 eni-1")];
                lines.map(|(number, line)| (number, format!("{header}{line}").into_bytes())).to_vec()
            };
            let whole = [vec![(1, first.as_bytes().to_vec())], expected("")].concat();
            let expected = if has_values { expected(&format!("{first}\n")) } else { whole };
            assert_eq!(cut(lines(first).as_bytes()), expected, "{first}");
        }
        for alone in ["starting up", "version account-id\n", "hello world\nhow are"] {
            let lines: Vec<_> = (1..).zip(alone.lines().map(|line| line.as_bytes().to_vec())).collect();
            assert_eq!(cut(alone.as_bytes()), lines, "{alone}: nothing is swallowed");
        }
    }

    #[test]
    fn what_is_longer_than_a_payload_is_told_and_does_not_become_another_payload() {
        let of = |byte: u8, length: usize| io::BufReader::new(io::repeat(byte).take(length as u64));
        let mut binary = Payloads::new(of(0x1f, MAX_PAYLOAD));
        assert_eq!(binary.next_payload().unwrap().unwrap().data.len(), MAX_PAYLOAD);
        let error = Payloads::new(of(0x1f, MAX_PAYLOAD + 1)).next_payload().unwrap_err();
        assert!(error.to_string().contains("more than 64 MiB"), "{error}");

        let mut lines = Payloads::new(of(b'x', MAX_PAYLOAD + 9).chain(&b"\nnext"[..]));
        let long = lines.next_payload().unwrap().unwrap();
        assert_eq!((long.data.len(), long.line), (MAX_PAYLOAD, 1));
        assert_eq!(lines.next_payload().unwrap(), Some(Payload { data: b"next".to_vec(), line: 2 }));
        assert_eq!(lines.next_payload().unwrap(), None);
    }
}
