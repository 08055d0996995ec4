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

mod header;
mod lines;

pub(crate) use self::header::is_flow_log_header;
use self::header::{is_header, may_be_header};
use self::lines::Lines;

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
    /// The number of its last line.
    pub last_line: u64,
}

impl Payload {
    /// Its name in `failed` events, by that of the input: `flows.log.gz:1-2301`.
    pub fn id(&self, input: &str) -> String {
        match (self.line, self.last_line) {
            (0, _) => input.to_owned(),
            (line, last) if line == last => format!("{input}:{line}"),
            (line, last) => format!("{input}:{line}-{last}"),
        }
    }
}

/// Cuts an input into payloads.
pub struct Payloads<R> {
    lines: Lines<R>,
    shape: Shape,
    /// Goes before each line or block.
    header: Vec<u8>,
    /// Whether the current line was read only to know what to do with those before it.
    is_waiting: bool,
    /// Why there is nothing more to read, once what came before was handed out.
    error: Option<io::Error>,
    /// Bytes up to which lines of text are joined; 0: each is a payload.
    block: usize,
}

#[derive(Clone, Copy)]
enum Shape {
    Unknown,
    Lines,
    Done,
}

impl<R: BufRead + Buffered> Payloads<R> {
    /// Payloads of this input.
    pub fn new(input: R) -> Self {
        Payloads::in_blocks(input, 0)
    }

    /// The same, but of lines of text as many in one payload as come to so many bytes: a header goes before them once instead of
    /// before each, which is twenty times as fast. JSON and base64 stay a payload for each line.
    pub fn in_blocks(input: R, block: usize) -> Self {
        let lines = Lines::new(input);
        Payloads { lines, shape: Shape::Unknown, header: Vec::new(), is_waiting: false, error: None, block }
    }

    /// Whether the next payload may have to wait for the other end of a pipe. A good moment to hand on what was read.
    pub fn would_wait(&self) -> bool {
        !self.is_waiting && self.lines.would_wait()
    }

    /// The next payload, or none at the end of the input.
    ///
    /// # Errors
    ///
    /// The input cannot be read, or is one payload of more than [`MAX_PAYLOAD`].
    pub fn next_payload(&mut self) -> io::Result<Option<Payload>> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        match self.shape {
            Shape::Unknown => self.first(),
            Shape::Lines => self.next_lines(),
            Shape::Done => Ok(None),
        }
    }

    /// Goes on to the next line; false at the end.
    fn advance(&mut self) -> io::Result<bool> {
        let has_line = std::mem::take(&mut self.is_waiting) || self.lines.advance()?;
        if !has_line {
            self.shape = Shape::Done;
        }
        Ok(has_line)
    }

    /// Finds out the shape, and gives the first payload.
    fn first(&mut self) -> io::Result<Option<Payload>> {
        if !is_text(self.lines.beginning()?) {
            return self.rest().map(Some);
        }
        if !self.advance()? {
            return Ok(None);
        }
        if opens_json(&self.lines.current) {
            return self.rest().map(Some);
        }
        self.shape = Shape::Lines;
        if may_be_header(&self.lines.current) {
            let line = self.lines.number;
            let first = self.lines.current.clone();
            self.is_waiting = self.advance()?;
            let second = &self.lines.current;
            if !self.is_waiting || !(is_header(&first, second) || is_flow_log_header(second)) {
                return Ok(Some(Payload { data: first, line, last_line: line }));
            }
            self.header = [&first, &b"\n"[..]].concat();
        } else {
            self.is_waiting = true;
        }
        self.next_lines()
    }

    /// A payload of lines.
    fn next_lines(&mut self) -> io::Result<Option<Payload>> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            if !is_flow_log_header(&self.lines.current) {
                break;
            }
            self.header = [&self.lines.current, &b"\n"[..]].concat();
        }
        let line = self.lines.number;
        let mut data = [&self.header[..], &self.lines.current].concat();
        let mut last_line = line;
        if self.block > 0 && self.joins() {
            data.reserve(self.block);
            let mut quotes = quotes(&self.lines.current);
            // A quoted field of CSV may go over several lines.
            while data.len() < self.block || (!quotes.is_multiple_of(2) && data.len() < 2 * self.block) {
                if self.would_wait() {
                    break;
                }
                match self.advance() {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => {
                        self.error = Some(error);
                        break;
                    }
                }
                if !self.joins() || is_flow_log_header(&self.lines.current) {
                    self.is_waiting = true;
                    break;
                }
                data.push(b'\n');
                data.extend_from_slice(&self.lines.current);
                quotes += self::quotes(&self.lines.current);
                last_line = self.lines.number;
            }
        }
        Ok(Some(Payload { data, line, last_line }))
    }

    /// Whether the current line is text that may stand in a payload with others: no JSON document, no base64.
    fn joins(&self) -> bool {
        let line = &self.lines.current;
        let is_document = matches!(line.trim_ascii_start().first(), Some(b'{' | b'[')) || line.first() == Some(&b'"');
        !self.header.is_empty() || (!is_document && memchr::memchr3(b' ', b',', b'\t', line).is_some())
    }

    fn rest(&mut self) -> io::Result<Payload> {
        self.shape = Shape::Done;
        Ok(Payload { data: self.lines.rest()?, line: 0, last_line: 0 })
    }
}

fn quotes(line: &[u8]) -> usize {
    memchr::memchr_iter(b'"', line).count()
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

impl Buffered for &[u8] {
    fn has_buffered(&self) -> bool {
        !self.is_empty()
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
    fn lines_of_text_come_in_blocks_below_their_header_and_others_one_by_one() {
        let line = "2 1 eni-1 10.0.0.1";
        let header = "version account-id interface-id srcaddr";
        let lines = |count: usize| vec![line; count].join("\n");
        let block = |first: u64, last: u64, text: String| (first, last, text);
        for (name, input, expected) in [
            ("lines", lines(7), vec![block(1, 4, lines(4)), block(5, 7, lines(3))]),
            (
                "with a header, and another",
                format!("{header}\n{}\nversion bytes\n2 1\n", lines(3)),
                vec![
                    block(2, 3, format!("{header}\n{}", lines(2))),
                    block(4, 4, format!("{header}\n{line}")),
                    block(6, 6, "version bytes\n2 1".into()),
                ],
            ),
            (
                "JSON and base64",
                "{\"a\": 1}\n{\"a\": 2}\nH4sIAAAA\nH4sIAAAB".into(),
                vec![
                    block(1, 1, "{\"a\": 1}".into()),
                    block(2, 2, "{\"a\": 2}".into()),
                    block(3, 3, "H4sIAAAA".into()),
                    block(4, 4, "H4sIAAAB".into()),
                ],
            ),
            (
                "a quoted field over lines",
                format!("a,b\n1,\"{}\n\n{}\"\n2,x\n", "x".repeat(70), "y".repeat(20)),
                vec![
                    block(2, 4, format!("a,b\n1,\"{}\n{}\"", "x".repeat(70), "y".repeat(20))),
                    block(5, 5, "a,b\n2,x".into()),
                ],
            ),
        ] {
            let mut payloads = Payloads::in_blocks(input.as_bytes(), 70);
            let cut = std::iter::from_fn(|| payloads.next_payload().unwrap());
            let cut = cut.map(|p| (p.line, p.last_line, String::from_utf8(p.data).unwrap())).collect::<Vec<_>>();
            assert_eq!(cut, expected, "{name}");
        }
    }

    #[test]
    fn what_is_longer_than_a_payload_is_told_and_does_not_become_another_payload() {
        let of = |byte: u8, length: usize| io::BufReader::new(io::repeat(byte).take(length as u64));
        let mut binary = Payloads::new(of(0x1f, MAX_PAYLOAD));
        assert_eq!(binary.next_payload().unwrap().unwrap().data.len(), MAX_PAYLOAD);
        let error = Payloads::new(of(0x1f, MAX_PAYLOAD + 1)).next_payload().unwrap_err();
        assert!(error.to_string().contains("more than 64 MiB"), "{error}");

        let long = of(b'x', MAX_PAYLOAD + 9).chain(&b"\nnext"[..]);
        let mut lines = Payloads::new(io::BufReader::new(long));
        let long = lines.next_payload().unwrap().unwrap();
        assert_eq!((long.data.len(), long.line), (MAX_PAYLOAD, 1));
        assert_eq!(lines.next_payload().unwrap(), Some(Payload { data: b"next".to_vec(), line: 2, last_line: 2 }));
        assert_eq!(lines.next_payload().unwrap(), None);
    }
}
