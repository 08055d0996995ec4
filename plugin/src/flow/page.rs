//! Flow log lines to lines of JSON, in the same pass that checks them.

use super::format::Format;
use super::one_pass::{Take, scan};
use super::record::{Action, LogStatus};
use super::step::{Key, Step};

/// Output in memory that stays initialised, so that it can be written in blocks whose surplus is written over by what
/// follows: a copy of constant size is an instruction or two, one of variable size is a call, in WebAssembly into the
/// host. Small enough for the processor's nearest cache.
pub(crate) struct Page {
    bytes: Box<Bytes>,
    filled: usize,
}

type Bytes = [u8; SIZE + SURPLUS];

/// Bytes of a page; a power of two, so that a place in it is masked instead of checked.
const SIZE: usize = 16 << 10;
/// Bytes behind a page for the surplus of blocks.
const SURPLUS: usize = 64;

impl Default for Page {
    fn default() -> Self {
        Page { bytes: Box::new([0; SIZE + SURPLUS]), filled: 0 }
    }
}

impl Page {
    /// Moves what is on the page to the end of `out`.
    pub(crate) fn turn(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.bytes.get(..self.filled).unwrap_or_default());
        self.filled = 0;
    }

    /// Writes the record of a line as [`write_members`](super::FlowRecord::write_members) does, in braces and with a line
    /// end; false, with nothing written, if the line is not one of this format or needs the general way. A full page is
    /// turned.
    pub(super) fn write(&mut self, line: &[u8], format: &Format, out: &mut Vec<u8>) -> bool {
        let room = format.room() + line.len();
        if room > SIZE || !format.is_quick() {
            return false;
        }
        if self.filled + room > SIZE {
            self.turn(out);
        }
        let mut writer = Writer { page: &mut self.bytes, at: self.filled, line };
        writer.put(0, b"{");
        writer.at += 1;
        if !scan(line, format, &mut writer) {
            return false;
        }
        writer.put(0, b"}\n");
        self.filled = writer.at + 2;
        true
    }
}

/// Writes tokens as the values of keys.
struct Writer<'a> {
    page: &'a mut Bytes,
    at: usize,
    line: &'a [u8],
}

impl Writer<'_> {
    #[inline(always)]
    fn put<const N: usize>(&mut self, offset: usize, block: &[u8; N]) {
        // The mask changes nothing, for there is room; it tells the compiler so.
        if let Some(place) = self.page[(self.at + offset) & (SIZE - 1)..].first_chunk_mut::<N>() {
            *place = *block;
        }
    }

    #[inline(always)]
    fn end_text(&mut self, length: usize) {
        self.put(length, b"\"");
        self.at += length + 1;
    }
}

impl Take for Writer<'_> {
    const PLAIN: bool = true;

    #[inline(always)]
    fn begin(&mut self, _: usize, key: &Key) {
        self.put(0, &key.block);
        self.at += key.length;
    }

    #[inline(always)]
    fn bytes<const N: usize>(&mut self, offset: usize, bytes: &[u8; N]) {
        self.put(offset, bytes);
    }

    #[inline(always)]
    fn text(&mut self, _: usize, length: usize) {
        self.end_text(length);
    }

    #[inline(always)]
    fn integer(&mut self, start: usize, length: usize, _: u8, _: i64) {
        match self.line.get(start..start + length) {
            Some(token @ [b'0', _, ..]) => self.at = without_zeros(self.page, self.at, token),
            _ => self.at += length,
        }
    }

    #[inline(always)]
    fn action(&mut self, _: usize, length: usize, _: Action) {
        self.end_text(length);
    }

    #[inline(always)]
    fn status(&mut self, _: usize, length: usize, _: LogStatus) {
        self.end_text(length);
    }

    #[inline(always)]
    fn absent(&mut self, _: usize, step: &Step) {
        // A null has no quotes.
        self.at -= usize::from(step.key.is_quoted);
        self.put(0, b"null");
        self.at += 4;
    }
}

/// `007` is a number in a flow log but not in JSON: writes over it. Gives the place behind the number.
#[cold]
fn without_zeros(page: &mut Bytes, at: usize, token: &[u8]) -> usize {
    let digits = super::json::without_zeros(token);
    for (place, digit) in page.iter_mut().skip(at).zip(digits) {
        *place = *digit;
    }
    at + digits.len()
}
