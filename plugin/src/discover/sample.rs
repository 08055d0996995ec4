//! Which records of a stream are looked at.

use super::kept::{EXAMPLES, Kept, excerpt};
use super::report::Report;

/// Bounds of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most records kept.
    pub records: usize,
    /// The most bytes of records kept.
    pub bytes: usize,
    /// Longer records are counted but not looked at.
    pub record_bytes: usize,
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
pub struct Sampler {
    limits: Limits,
    seen: u64,
    too_long: u64,
    first: Vec<Kept>,
    first_bytes: usize,
    first_is_full: bool,
    spread: Vec<Kept>,
    spread_bytes: usize,
    step: u64,
    raw: Vec<String>,
    layers: Vec<String>,
}

impl Sampler {
    /// An empty sample with these bounds.
    pub fn new(limits: Limits) -> Sampler {
        Sampler {
            limits,
            seen: 0,
            too_long: 0,
            first: Vec::new(),
            first_bytes: 0,
            first_is_full: false,
            spread: Vec::new(),
            spread_bytes: 0,
            step: 1,
            raw: Vec::new(),
            layers: Vec::new(),
        }
    }

    /// A payload as it was read, before any layer is undone: for the raw view. Only the first few are kept.
    pub fn payload(&mut self, payload: &[u8]) {
        if self.raw.len() < EXAMPLES {
            self.raw.push(excerpt(payload));
        }
    }

    /// The layers that were undone, outermost first, for example `gzip` and `cloudwatch`.
    pub fn layers(&mut self, layers: &[&str]) {
        let layers = layers.join(" > ");
        if !layers.is_empty() && self.layers.len() < 8 && !self.layers.contains(&layers) {
            self.layers.push(layers);
        }
    }

    /// A line of text.
    pub fn line(&mut self, line: &[u8]) {
        let line = line.trim_ascii_end();
        if !line.is_empty() {
            self.keep(line.first() == Some(&b'{'), line, None);
        }
    }

    /// A CloudWatch Logs event: its message, and the raw JSON of `extractedFields` if there is one.
    pub fn event(&mut self, message: &[u8], extracted: Option<&[u8]>) {
        let message = message.trim_ascii_end();
        self.keep(message.first() == Some(&b'{'), message, extracted);
    }

    /// A JSON object.
    pub fn object(&mut self, object: &[u8]) {
        self.keep(true, object.trim_ascii(), None);
    }

    fn keep(&mut self, is_object: bool, text: &[u8], extracted: Option<&[u8]>) {
        let place = self.seen;
        self.seen += 1;
        let size = text.len() + extracted.map_or(0, <[u8]>::len);
        if size > self.limits.record_bytes {
            self.too_long += 1;
            return;
        }
        if self.first_is_full && !place.is_multiple_of(self.step) {
            return;
        }
        let kept = Kept { place, is_object, text: text.to_vec(), extracted: extracted.map(<[u8]>::to_vec) };
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

    /// Looks at the sample.
    pub fn finish(self) -> Report {
        let mut records = self.first;
        records.extend(self.spread);
        Report::new(&records, self.raw, self.layers, self.seen, self.too_long)
    }
}
