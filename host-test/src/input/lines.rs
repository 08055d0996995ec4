//! Lines of an input, none larger than a payload may be.

use std::io::{self, BufRead, Read};

use super::{Buffered, MAX_PAYLOAD};

/// A line that is longer and consists of JSON documents one behind another is cut between two of them. Firehose writes such:
/// the documents of CloudWatch Logs, without line ends, up to 128 MB in one object.
const CUT: usize = 4 << 20;

/// Reads lines into one buffer.
pub(super) struct Lines<R> {
    input: R,
    /// The number of the current line, from 1.
    pub(super) number: u64,
    /// The current line, without its end.
    pub(super) current: Vec<u8>,
    /// What follows in the same line behind a cut.
    left: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Lines { input, number: 0, current: Vec::new(), left: Vec::new() }
    }

    /// The bytes that come next, before anything was read.
    pub(super) fn beginning(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    /// Whether the next line may have to wait for the other end of a pipe.
    pub(super) fn would_wait(&self) -> bool
    where
        R: Buffered,
    {
        self.left.is_empty() && !self.input.has_buffered()
    }

    /// Reads the next line that is not blank; false at the end. Of one that is longer than a payload may be, the rest is left
    /// out.
    pub(super) fn advance(&mut self) -> io::Result<bool> {
        loop {
            self.current.clear();
            std::mem::swap(&mut self.current, &mut self.left);
            if self.current.is_empty() {
                self.number += 1;
            }
            self.read_on()?;
            if self.current.is_empty() {
                return Ok(false);
            }
            while self.current.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                self.current.pop();
            }
            if !self.current.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    /// Reads up to the end of the line, or of the last document in a long one.
    fn read_on(&mut self) -> io::Result<()> {
        let mut documents = Documents::default();
        while self.current.len() < MAX_PAYLOAD {
            let most = CUT.min(MAX_PAYLOAD - self.current.len());
            let read = self.input.by_ref().take(most as u64).read_until(b'\n', &mut self.current)?;
            if read < most || self.current.last() == Some(&b'\n') {
                return Ok(());
            }
            if let Some(end) = documents.end(&self.current) {
                self.left = self.current.split_off(end);
                return Ok(());
            }
        }
        let left_out = self.input.skip_until(b'\n')?;
        if left_out > 0 {
            let (line, longest) = (self.number, MAX_PAYLOAD >> 20);
            tracing::warn!("line {line} is longer than {longest} MiB: its last {left_out} bytes are left out");
        }
        Ok(())
    }

    /// The current line and all that comes after it.
    pub(super) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut data = std::mem::take(&mut self.current);
        if !data.is_empty() {
            data.push(b'\n');
        }
        let limit = MAX_PAYLOAD.saturating_sub(data.len()) as u64;
        if self.input.by_ref().take(limit).read_to_end(&mut data)? as u64 == limit && !self.input.fill_buf()?.is_empty()
        {
            let longest = MAX_PAYLOAD >> 20;
            let message = format!(
                "it is one payload of more than {longest} MiB; unpack it first, so that it is read line by line \
                 (flowscore run FILE unpacks gzip, zstd and Parquet), or split it"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(data)
    }
}

/// Finds where JSON documents end in a line that is read piece by piece.
#[derive(Default)]
struct Documents {
    at: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Documents {
    /// Where the last document ends that is whole, if the line begins with one.
    fn end(&mut self, line: &[u8]) -> Option<usize> {
        if line.trim_ascii_start().first() != Some(&b'{') {
            return None;
        }
        let mut end = None;
        for &byte in &line[self.at..] {
            self.at += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' => self.in_string = !self.in_string,
                b'{' if !self.in_string => self.depth += 1,
                b'}' if !self.in_string => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        end = Some(self.at);
                    }
                }
                _ => {}
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_of_documents_is_cut_between_two_of_them() {
        let document = format!(r#"{{"a":"}}\"{{","b":{{"c":"{}"}}}}"#, "x".repeat(1 << 20));
        let line = document.repeat(10);
        let mut lines = Lines::new(io::BufReader::new(line.as_bytes()).chain(&b"\nnext"[..]));
        let (mut whole, mut pieces) = (Vec::new(), Vec::new());
        while lines.advance().unwrap() {
            pieces.push((lines.number, lines.current.len()));
            whole.extend_from_slice(&lines.current);
        }
        assert!(whole == format!("{line}next").as_bytes());
        assert!(pieces.iter().rev().skip(1).all(|(number, length)| (*number, length % document.len()) == (1, 0)));
        assert!(pieces.len() > 2 && pieces.last() == Some(&(2, 4)), "{pieces:?}");
    }
}
