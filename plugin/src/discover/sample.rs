//! Which records of a stream are looked at.

use super::kept::{EXAMPLES, Form, Kept, excerpt};
use crate::failure::Failure;
use crate::flow::Format;

/// Bounds of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// The most records kept.
    pub(super) records: usize,
    /// The most bytes of records kept.
    pub(super) bytes: usize,
    /// Longer records are counted but not looked at.
    pub(super) record_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { records: 2000, bytes: 4 << 20, record_bytes: 64 << 10 }
    }
}

/// Collects a sample: the first records, and of the rest those whose number is a multiple of a step.
///
/// The first half of the room goes to the first records. In the other half the step begins at 1 and doubles whenever the
/// room is full, and the records that the new step leaves out are dropped. So the sample covers the whole stream evenly,
/// depends on nothing but the records and their order, and needs no random number.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    limits: Limits,
    first: Vec<Kept>,
    first_bytes: usize,
    first_is_full: bool,
    spread: Vec<Kept>,
    spread_bytes: usize,
    step: u64,
    about: About,
}

/// How a format of flow log records is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// It is one of the two that need no configuration.
    Known,
    /// A header line says it.
    Header,
    /// `extractedFields` of CloudWatch name the fields.
    ExtractedFields,
}

/// More formats than this are one.
const FORMATS: usize = 16;

/// What is known of a sample besides its records.
#[derive(Clone, Debug, Default)]
pub(super) struct About {
    /// The first payloads.
    pub(super) raw: Vec<String>,
    pub(super) layers: Vec<String>,
    /// The first header lines.
    pub(super) headers: Vec<String>,
    /// The formats of flow log records that were read.
    pub(super) formats: Vec<(Format, Source)>,
    /// Records, kept or not, and those of them that were too long.
    pub(super) seen: u64,
    pub(super) too_long: u64,
    /// What could not be opened, and why the first of it could not.
    pub(super) failed: u64,
    pub(super) failure: Option<String>,
}

/// A sample of the records of a stream.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    pub(super) records: Vec<Kept>,
    pub(super) about: About,
}

impl Sampler {
    /// An empty sample with these bounds.
    pub(super) fn new(limits: Limits) -> Sampler {
        Sampler {
            limits,
            first: Vec::new(),
            first_bytes: 0,
            first_is_full: false,
            spread: Vec::new(),
            spread_bytes: 0,
            step: 1,
            about: About::default(),
        }
    }

    /// A payload as it was read, before any layer is undone: for the raw view. Only the first few are kept.
    pub(super) fn payload(&mut self, payload: &[u8]) {
        if self.about.raw.len() < EXAMPLES {
            self.about.raw.push(excerpt(payload));
        }
    }

    /// The layers that were undone, outermost first, for example `gzip` and `cloudwatch`.
    pub(super) fn layers(&mut self, layers: &[&str]) {
        add(&mut self.about.layers, layers.join(" > "));
    }

    /// A header line, which is no record.
    pub(super) fn header(&mut self, line: &[u8]) {
        add(&mut self.about.headers, excerpt(line));
    }

    /// The place of a format among those of the sample.
    pub(super) fn format(&mut self, format: &Format, source: Source) -> usize {
        let is_same = |(known, known_source): &(Format, Source)| {
            *known_source == source
                && known.columns().len() == format.columns().len()
                && known.columns().iter().zip(format.columns()).all(|(a, b)| a.name == b.name)
        };
        let formats = &mut self.about.formats;
        formats.iter().position(is_same).unwrap_or_else(|| {
            if formats.len() < FORMATS {
                formats.push((format.clone(), source));
            }
            formats.len() - 1
        })
    }

    /// Something that could not be opened.
    pub(super) fn failed(&mut self, failure: &Failure) {
        self.about.failed += 1;
        self.about.failure.get_or_insert_with(|| failure.to_string());
    }

    /// A record, and what a reader made of it.
    pub(super) fn keep(&mut self, text: &[u8], form: Form) {
        let place = self.about.seen;
        self.about.seen += 1;
        let kept = Kept { place, text: text.to_vec(), form };
        let size = kept.size();
        if text.len() > self.limits.record_bytes {
            self.about.too_long += 1;
            return;
        }
        if self.first_is_full && !place.is_multiple_of(self.step) {
            return;
        }
        let (records, bytes) = (self.limits.records / 2, self.limits.bytes / 2);
        if !self.first_is_full && self.first.len() < records && self.first_bytes + size <= bytes {
            self.first_bytes += size;
            self.first.push(kept);
            return;
        }
        self.first_is_full = true;
        self.spread_bytes += size;
        self.spread.push(kept);
        while self.spread.len() > records || self.spread_bytes > bytes {
            self.step = self.step.saturating_mul(2);
            let step = self.step;
            self.spread.retain(|kept| kept.place.is_multiple_of(step));
            self.spread_bytes = self.spread.iter().map(Kept::size).sum();
            if self.step == u64::MAX {
                return;
            }
        }
    }

    /// The sample.
    pub(super) fn finish(self) -> Sample {
        let mut records = self.first;
        records.extend(self.spread);
        Sample { records, about: self.about }
    }
}

/// Adds a text to a short list of different ones.
fn add(list: &mut Vec<String>, text: String) {
    const MOST: usize = 8;
    if !text.is_empty() && list.len() < MOST && !list.contains(&text) {
        list.push(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_without_end_costs_no_more_than_the_limits_and_gives_one_sample() {
        let run = || {
            let mut sampler = Sampler::new(Limits { records: 100, bytes: 1 << 20, record_bytes: 1000 });
            for i in 0..100_000 {
                sampler.keep(format!("line {i}").as_bytes(), Form::Line);
                if i % 10_000 == 0 {
                    sampler.keep(&[b'x'; 2000], Form::Line);
                }
            }
            sampler.finish()
        };
        let sample = run();
        assert_eq!((sample.about.seen, sample.about.too_long), (100_010, 10));
        assert!((75..=100).contains(&sample.records.len()), "{}", sample.records.len());
        let places = |sample: &Sample| sample.records.iter().map(|record| record.place).collect::<Vec<_>>();
        assert_eq!(places(&sample), places(&run()));
        // Records from the whole stream, not only its beginning.
        assert!(places(&sample).iter().any(|place| *place >= 90_000), "{:?}", places(&sample));
    }

    #[test]
    fn bytes_are_bounded_like_records() {
        let mut sampler = Sampler::new(Limits { records: 1000, bytes: 300, record_bytes: 100 });
        (0..1000).for_each(|i| sampler.keep(format!("{i:050}").as_bytes(), Form::Row(vec![b'x'; 10])));
        let size: usize = sampler.finish().records.iter().map(Kept::size).sum();
        assert!(size <= 300, "{size}");
    }
}
