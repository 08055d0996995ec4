//! Text: JSON documents one after another, base64, or lines.

use super::document;
use super::engine::{Engine, Part};
use super::layer::{self, Base64};
use super::outcome::{Context, Leaf, Sink};
use crate::failure::{Failure, Layer};
use crate::json::{Malformed, Scanner};

/// The byte order mark that some tools put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<S: Sink + ?Sized> Engine<'_, S> {
    /// Decodes text under `depth` layers: JSON documents (concatenated, or one a line), base64, or lines, also mixed.
    pub(super) fn text(&mut self, bytes: &[u8], context: &Context<'_>, depth: usize) {
        let start = if bytes.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        let begins = bytes.iter().skip(start).find(|c| !c.is_ascii_whitespace());
        if !matches!(begins, Some(b'{' | b'[' | b'"')) && self.whole_base64(bytes, start, context, depth) {
            return;
        }
        if self.unwrapped(bytes, context, depth) {
            return;
        }
        let mut at = start;
        while at < bytes.len() && !self.stopped() {
            let mut scanner = Scanner::lax(bytes, at);
            match scanner.peek() {
                None => return,
                Some(b'{') => at = self.document(bytes, scanner, context, depth),
                Some(b'[') if begins_array(&scanner) => at = self.array(bytes, scanner, context, depth),
                Some(_) => {
                    // Blank lines are passed over, but blanks at the start of a line may be empty CSV columns.
                    let skipped = bytes.get(at..scanner.at).unwrap_or_default();
                    at += memchr::memrchr(b'\n', skipped).map_or(0, |end| end + 1);
                    let rest = bytes.get(at..).unwrap_or_default();
                    let length = if self.quotes { quoted_length(rest) } else { memchr::memchr(b'\n', rest) };
                    let length = length.unwrap_or(rest.len());
                    self.line(rest.get(..length).unwrap_or_default(), at, context, depth);
                    at += length + 1;
                }
            }
        }
    }

    /// Decodes `bytes` from `start` if all of it is one base64 text; otherwise returns false.
    fn whole_base64(&mut self, bytes: &[u8], start: usize, context: &Context<'_>, depth: usize) -> bool {
        let text = bytes.get(start..).unwrap_or_default().trim_ascii();
        let mut scratch = self.lend_arena();
        let mut kind = layer::is_base64(text, &mut scratch);
        // Several base64 texts, one a line: the second line begins as a layer too.
        if kind == Base64::Certain {
            let second = memchr::memchr(b'\n', text).and_then(|end| text.get(end + 1..)).unwrap_or_default();
            if layer::is_base64(second.trim_ascii_start(), &mut scratch) == Base64::Certain {
                kind = Base64::No;
            }
        }
        self.return_arena(scratch);
        kind != Base64::No && self.base64(text, kind == Base64::Certain, context, depth)
    }

    #[inline]
    fn line(&mut self, line: &[u8], offset: usize, context: &Context<'_>, depth: usize) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.trim_ascii().is_empty() {
            return;
        }
        if may_be_base64(line) && self.base64_line(line, context, depth) {
            return;
        }
        if line.first() == Some(&b'"') && self.quoted_line(line, context, depth) {
            return;
        }
        self.leaf(Leaf::Line(line), offset, context);
    }

    /// Decodes a line that is one JSON string (`jq` without `-r`) of a record or a document with one.
    fn quoted_line(&mut self, line: &[u8], context: &Context<'_>, depth: usize) -> bool {
        let mut scanner = Scanner::lax(line, 0);
        let Ok(string) = scanner.string() else { return false };
        if !scanner.rest().trim_ascii().is_empty() {
            return false;
        }
        let mut text = self.lend_text();
        string.unescape(&mut text);
        let is_wrapped = self.is_wrapped(&text, 0);
        if is_wrapped {
            self.unit(&text, context, depth + 1);
        }
        self.return_text(text);
        is_wrapped
    }

    /// Decodes a line, or a JSON string that stands alone, if it is certainly base64.
    fn base64_line(&mut self, line: &[u8], context: &Context<'_>, depth: usize) -> bool {
        let text = line.trim_ascii();
        let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
        let mut scratch = self.lend_arena();
        let kind = layer::is_base64(text, &mut scratch);
        self.return_arena(scratch);
        if kind == Base64::Certain {
            self.within_record(text, text.len(), context, |engine| {
                engine.base64(text, true, context, depth);
            });
        }
        kind == Base64::Certain
    }

    /// Decodes the object at the scanner's position and returns where to go on.
    fn document(&mut self, text: &[u8], mut scanner: Scanner<'_>, context: &Context<'_>, depth: usize) -> usize {
        #[cfg(feature = "peer-serde-json")]
        if let Some(end) = super::peer_json::document(self, text, scanner.at, context) {
            return end;
        }
        let mut part = Part { start: scanner.at };
        let result = document::document(self, &mut scanner, &mut part, context, depth);
        self.finish(text, &scanner, result, &part, context)
    }

    /// Decodes the array of records at the scanner's position and returns where to go on.
    fn array(&mut self, text: &[u8], mut scanner: Scanner<'_>, context: &Context<'_>, depth: usize) -> usize {
        let mut part = Part { start: scanner.at };
        let result = self.elements(&mut scanner, &mut part, context, depth);
        self.finish(text, &scanner, result, &part, context)
    }

    fn elements(
        &mut self,
        scanner: &mut Scanner<'_>,
        part: &mut Part,
        context: &Context<'_>,
        depth: usize,
    ) -> Result<(), Malformed> {
        scanner.open(b'[')?;
        let mut first = true;
        let mut count = 0;
        while scanner.element(&mut first, b']')? {
            count += 1;
            match scanner.peek() {
                Some(b'{') => {
                    part.start = scanner.at;
                    document::document(self, scanner, part, context, depth)?;
                }
                Some(b'"') => {
                    part.start = scanner.at;
                    let string = scanner.string()?;
                    let mut text = self.lend_text();
                    string.unescape(&mut text);
                    self.inner(&text, string.raw.len(), context, depth + 1);
                    self.return_text(text);
                }
                _ => {
                    part.start = scanner.at;
                    let raw = scanner.skip()?;
                    let reason = "an element of an array of records is neither an object nor a string";
                    self.failed(Failure::new(Layer::Envelope, part.start, reason), raw, context);
                }
            }
        }
        if count == 0 {
            self.dropped("the JSON array holds no records", context);
        }
        Ok(())
    }

    /// Reports a malformed document and finds the next one.
    fn finish(
        &mut self,
        text: &[u8],
        scanner: &Scanner<'_>,
        result: Result<(), Malformed>,
        part: &Part,
        context: &Context<'_>,
    ) -> usize {
        let Err(Malformed { offset, reason }) = result else { return scanner.at };
        let mut next = next_document(text, offset);
        // What was torn off may end at the next line, however far it could be read as one document with what follows.
        let line = next_line(text, part.start);
        if line < next && self.reads_again(offset.saturating_sub(line)) {
            next = line;
        }
        let raw = text.get(part.start..next).unwrap_or_default();
        self.failed(Failure::new(Layer::Envelope, offset, format!("malformed JSON: {reason}")), raw, context);
        next
    }
}

/// Where a line ends, line ends inside double quotes passed over (a doubled quote closes and opens again). A quote that is
/// never closed takes only its own line along.
fn quoted_length(text: &[u8]) -> Option<usize> {
    let mut open = false;
    for at in memchr::memchr2_iter(b'"', b'\n', text) {
        match text.get(at) {
            Some(b'"') => open = !open,
            _ if open => {}
            _ => return Some(at),
        }
    }
    if open { memchr::memchr(b'\n', text) } else { None }
}

/// Whether a line's first characters are those of base64 text that decodes to magic bytes or JSON.
#[inline]
fn may_be_base64(line: &[u8]) -> bool {
    // gzip, KPL and zstd magic; `"`; zlib at its four levels; `{"`, `{ ` and `{` with a line break.
    match line {
        [b'H', b'4', ..] | [b'8', b'4', b'm', ..] | [b'K', b'L', b'U', ..] | [b'"', ..] => true,
        [b'e', second, ..] => matches!(second, b'A' | b'F' | b'J' | b'N' | b'y' | b'w'),
        _ => false,
    }
}

/// Whether the `[` at the scanner's position begins an array of records and not, say, a log line `[ERROR] …`.
fn begins_array(scanner: &Scanner<'_>) -> bool {
    let inner = scanner.rest().iter().skip(1).find(|c| !c.is_ascii_whitespace());
    matches!(inner, Some(b'{' | b'"' | b']'))
}

/// The first line after `from` that does not look like one inside a JSON document over several lines: those begin with white
/// space, a quote, a closing bracket or a comma.
fn next_line(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(end) = text.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        at += end + 1;
        match text.get(at) {
            None | Some(b'"' | b'}' | b']' | b',') => {}
            Some(begin) if begin.is_ascii_whitespace() => {}
            Some(_) => return at,
        }
    }
    text.len()
}

/// Where a document begins at or after `from`: an opening brace at the start of a line, or directly behind a closing
/// one, which valid JSON never has inside a document.
fn next_document(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr(b'{', rest)) {
        at += found;
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let after = text.get(at + 1);
        if before == Some(&b'\n') || (before == Some(&b'}') && after == Some(&b'"')) {
            return at;
        }
        at += 1;
    }
    text.len()
}
