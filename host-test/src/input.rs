//! Payloads from a file or a pipe, cut out by content.
//!
//! | the input | payloads |
//! |---|---|
//! | starts with bytes that are no text (gzip, zlib, a KPL aggregate) | one: the whole input |
//! | starts with a JSON document that goes over several lines | one: the whole input |
//! | lines | one a line: a JSON document, base64 text, or a log line |
//! | lines, the first one a header of field names | one a line, the header repeated before each |

use std::io::{self, BufRead, Read};

/// The longest line, and the largest binary input, that is read as one payload: far above the 10 MiB (13.4 MiB in
/// base64) of the largest Kinesis record.
pub const MAX_PAYLOAD: usize = 64 << 20;

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
    Lines { header: Vec<u8> },
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
        !self.input.has_buffered()
    }

    /// The next payload, or none at the end of the input.
    pub fn next_payload(&mut self) -> io::Result<Option<Payload>> {
        match &self.shape {
            Shape::Unknown => {
                let start = self.input.fill_buf()?;
                if start.is_empty() {
                    self.shape = Shape::Done;
                    return Ok(None);
                }
                if !is_text(start) {
                    return self.rest(Vec::new()).map(Some);
                }
                let Some(first) = self.next_line()? else { return Ok(None) };
                if opens_json(&first) {
                    return self.rest(first).map(Some);
                }
                if is_header(&first) {
                    self.shape = Shape::Lines { header: [&first, &b"\n"[..]].concat() };
                    return self.next_payload();
                }
                self.shape = Shape::Lines { header: Vec::new() };
                Ok(Some(Payload { data: first, line: self.line }))
            }
            Shape::Lines { header } => {
                let header = header.clone();
                let Some(line) = self.next_line()? else { return Ok(None) };
                let data = if header.is_empty() { line } else { [header, line].concat() };
                Ok(Some(Payload { data, line: self.line }))
            }
            Shape::Done => Ok(None),
        }
    }

    /// The next line that is not blank, without its end.
    fn next_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let mut line = Vec::new();
            if self.input.by_ref().take(MAX_PAYLOAD as u64).read_until(b'\n', &mut line)? == 0 {
                self.shape = Shape::Done;
                return Ok(None);
            }
            self.line += 1;
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
        self.input.by_ref().take(MAX_PAYLOAD as u64).read_to_end(&mut data)?;
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

/// Whether the line is a header of field names, such as S3 files of flow logs and CSV files start with: words of letters,
/// digits, hyphens and underscores that start with a letter, several of them, and no other.
fn is_header(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let separator = if line.contains(',') { ',' } else { ' ' };
    let unquoted = |name| str::trim_matches(str::trim(name), '"');
    let names: Vec<&str> = line.trim().split(separator).map(unquoted).filter(|name| !name.is_empty()).collect();
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    names.len() > 1 && names.iter().all(is_name)
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
            ("gzip", b"\x1f\x8b\x08\x00\n\n", vec![(0, b"\x1f\x8b\x08\x00\n\n".to_vec())]),
            ("zlib", b"\x78\x9c\n\n", vec![(0, b"\x78\x9c\n\n".to_vec())]),
        ] {
            assert_eq!(cut(input), expected, "{name}");
        }
    }
}
