//! The records of a payload as lines of JSON, and what became of each.

use super::Counts;
use super::event::Failures;
use super::filter::LEFT_OUT;
use super::reader::{Read, Reader};
use crate::decode::{Context, Leaf, Sink};
use crate::failure::Failure;
use crate::flow::Page;

/// What became of one payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Records as newline-delimited JSON, those that could not be decoded as `failed` lines in their place, and what became
    /// of each.
    Ok(Vec<u8>, Counts),
    /// One record, or none at all, left out on purpose, and why.
    Dropped(String),
    /// One record that could not be decoded.
    Failed(Failure),
}

impl<'a> Lines<'a> {
    /// The lines of a payload of so many bytes.
    pub(super) fn new(reader: &'a mut Reader, page: &'a mut Page, id: Option<&'a str>, payload: usize) -> Self {
        Lines {
            reader,
            page,
            id,
            // Records take about three times the bytes of their compressed payload twice over; a guess that is wrong
            // costs a copy.
            out: Vec::with_capacity((payload * 4).min(LARGE)),
            full: usize::MAX,
            failures: Failures::default(),
            counts: Counts::default(),
            dropped: None,
            failure: None,
        }
    }

    /// Brings all there is into `out`, at the end of a payload, or of a record that is answered by itself.
    pub(super) fn turn(&mut self) {
        self.page.turn(&mut self.out);
        std::mem::take(&mut self.failures).finish(&mut self.out, self.id);
        self.reader.set_reasons(true);
    }

    pub(super) fn finish(self) -> Outcome {
        match (self.counts, self.failure) {
            (Counts { ok: 0, dropped: 0, failed: 1 }, Some(failure)) => Outcome::Failed(failure),
            (Counts { ok: 0, dropped: 0 | 1, failed: 0 }, _) => {
                Outcome::Dropped(self.dropped.unwrap_or_else(|| HEADER.into()))
            }
            (counts, _) => Outcome::Ok(self.out, counts),
        }
    }
}

/// Why a payload is dropped in which only header lines are. They are no records.
const HEADER: &str = "there are only header lines in the payload, which name the columns of the lines after them";

/// Bytes of lines for which there is room at once.
const LARGE: usize = 1 << 20;

pub(super) struct Lines<'a> {
    reader: &'a mut Reader,
    /// Records at the end of `out` that are not there yet.
    pub(super) page: &'a mut Page,
    pub(super) id: Option<&'a str>,
    pub(super) out: Vec<u8>,
    /// Bytes of `out` from which on it is full.
    pub(super) full: usize,
    pub(super) failures: Failures,
    pub(super) counts: Counts,
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
            Ok(Read::LeftOut) => self.dropped(LEFT_OUT, context),
            Err(failure) => self.failed(&failure, leaf.bytes(), context),
        }
    }

    fn opens(&mut self, text: &[u8]) -> bool {
        self.reader.opens(text)
    }

    fn dropped(&mut self, reason: &str, _: &Context<'_>) {
        self.counts.dropped += 1;
        self.dropped.get_or_insert_with(|| reason.to_owned());
    }

    fn failed(&mut self, failure: &Failure, raw: &[u8], context: &Context<'_>) {
        self.page.turn(&mut self.out);
        self.failures.tell(&mut self.out, self.id, failure, raw, context);
        self.counts.failed += 1;
        self.reader.set_reasons(!self.failures.is_counting());
        self.failure.get_or_insert_with(|| failure.clone());
    }

    fn given(&mut self, leaf: Leaf<'_>) {
        // A header names the columns of the lines after it.
        let _ = self.reader.read(leaf);
    }

    fn is_full(&self) -> bool {
        self.out.len() >= self.full
    }
}
