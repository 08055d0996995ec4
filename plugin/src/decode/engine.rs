//! The recursion through the layers of one payload, and the accounts that bound it.

use super::arena::Arena;
use super::base64;
use super::compressed::{self, Compression, Damage};
use super::inflate::Inflater;
use super::layer::{self, Content};
use super::limits::Limits;
use super::outcome::{Context, Leaf, Sink};
use super::unwrapped::Unwrapped;
use crate::failure::{Failure, Layer};
use crate::json::Text;

/// Arenas kept between payloads: as many as a usual payload has layers.
const KEPT_ARENAS: usize = 4;
/// Bytes of unescaped text kept between payloads.
const KEPT_TEXT: usize = 1 << 20;

/// Bytes of a payload that may be read a second time, since they lie behind a document that was torn off: many times what a
/// writer that is cut short leaves, and far from what would be felt.
const AGAIN: usize = 16 << 20;

/// What a decoder keeps from one payload to the next.
#[derive(Default)]
pub(super) struct Memory {
    inflater: Inflater,
    arenas: Vec<Arena>,
    text: Vec<u8>,
}

/// The part of a text that is being read: what a failure of its JSON costs, the parts before having had their outcome.
pub(super) struct Part {
    pub(super) start: usize,
}

/// The decoding of one payload.
pub(super) struct Engine<'e, S: Sink + ?Sized> {
    pub(super) limits: &'e Limits,
    /// Whether line ends inside double quotes belong to the line.
    pub(super) quotes: bool,
    memory: &'e mut Memory,
    sink: &'e mut S,
    payload: &'e [u8],
    /// Decoded bytes so far, over all layers.
    spent: usize,
    /// What `spent` may reach within the present record (expansion ratio).
    record_end: usize,
    /// Encoded size of the present record.
    record_size: usize,
    /// Bytes behind torn documents that may still be read a second time.
    again: usize,
    outcomes: usize,
    /// Outcomes that an earlier call gave.
    given: usize,
    /// Nothing more is decoded: the limit of records is reached, or the sink is full.
    stopped: bool,
}

impl<'e, S: Sink + ?Sized> Engine<'e, S> {
    pub(super) fn new(
        limits: &'e Limits,
        quotes: bool,
        memory: &'e mut Memory,
        sink: &'e mut S,
        payload: &'e [u8],
        given: usize,
    ) -> Self {
        let (spent, record_end, record_size, outcomes, stopped) = (0, 0, 0, 0, false);
        let again = AGAIN;
        Engine {
            limits,
            quotes,
            memory,
            sink,
            payload,
            spent,
            record_end,
            record_size,
            again,
            outcomes,
            given,
            stopped,
        }
    }

    /// Decodes the payload, from what is inside its outer layers if that is known. Some: the sink was full after so many
    /// outcomes.
    pub(super) fn run(mut self, unwrapped: Option<Unwrapped<'_>>) -> Option<usize> {
        self.account(self.payload.len());
        let mut context = Context::default();
        match unwrapped {
            None => self.unit(self.payload, &context, 0),
            Some(Unwrapped { data, layers, spent }) => {
                (context.layers, self.spent) = (layers, spent);
                self.unit(data, &context, layers.count());
            }
        }
        if self.outcomes == 0 {
            self.failed(Failure::new(Layer::Payload, 0, EMPTY), self.payload, &Context::default());
        }
        self.sink.is_full().then_some(self.outcomes)
    }

    /// Whether the limit of records is reached or the sink is full: whatever is decoded now would be ignored.
    #[inline]
    pub(super) fn stopped(&self) -> bool {
        self.stopped
    }

    /// Counts one outcome; false if it is one too many, or was given before.
    #[inline]
    fn admit(&mut self) -> bool {
        if self.outcomes < self.limits.records && !self.stopped {
            self.outcomes += 1;
            return self.outcomes > self.given;
        }
        self.refuse();
        false
    }

    #[cold]
    fn refuse(&mut self) {
        if !self.stopped {
            self.stopped = true;
            self.outcomes += 1;
            if self.outcomes <= self.given {
                return;
            }
            let limit = self.limits.records;
            let reason = format!(
                "the payload holds more than {limit} records (limit records = {limit}); those after it are not decoded; \
                 raise the limit or send smaller payloads"
            );
            self.sink.failed(&Failure::new(Layer::Payload, 0, reason), self.payload, &Context::default());
        }
    }

    /// Passes on a record. `offset` is where it stands in its layer.
    #[inline]
    pub(super) fn leaf(&mut self, leaf: Leaf<'_>, offset: usize, context: &Context<'_>) {
        let (Leaf::Line(bytes) | Leaf::Event { message: bytes, .. } | Leaf::Object(bytes)) = leaf;
        if bytes.len() > self.limits.line_bytes {
            return self.too_long(bytes, offset, context);
        }
        if self.admit() {
            self.sink.leaf(leaf, context);
            self.stopped = self.sink.is_full();
        } else if !self.stopped {
            self.sink.given(leaf);
        }
    }

    #[cold]
    pub(super) fn too_long(&mut self, bytes: &[u8], offset: usize, context: &Context<'_>) {
        let (length, limit) = (bytes.len(), self.limits.line_bytes);
        let reason = format!("a line, message or object has {length} bytes (limit line_bytes = {limit})");
        self.failed(Failure::new(Layer::Payload, offset, reason), bytes, context);
    }

    pub(super) fn dropped(&mut self, reason: &str, context: &Context<'_>) {
        if self.admit() {
            self.sink.dropped(reason, context);
            self.stopped = self.sink.is_full();
        }
    }

    pub(super) fn failed(&mut self, failure: Failure, raw: &[u8], context: &Context<'_>) {
        if self.admit() {
            self.sink.failed(&failure, raw, context);
            self.stopped = self.sink.is_full();
        }
    }

    /// Whether the sink takes a text for a record.
    pub(super) fn opens(&mut self, text: &[u8]) -> bool {
        self.sink.opens(text)
    }

    /// Whether the sink takes what is inside the layers as it is.
    pub(super) fn unwrapped(&mut self, bytes: &[u8], context: &Context<'_>, depth: usize) -> bool {
        let is_taken = self.sink.unwrapped(bytes, context.layers, depth, self.spent);
        self.outcomes += usize::from(is_taken);
        is_taken
    }

    /// Begins the account of a record with `size` encoded bytes.
    fn account(&mut self, size: usize) {
        let allowed = size.saturating_mul(self.limits.expansion_ratio).max(Limits::EXPANSION_FLOOR);
        self.record_size = size;
        self.record_end = self.spent.saturating_add(allowed);
    }

    /// How many bytes the next layer may have.
    fn allowance(&self) -> usize {
        self.record_end.min(self.limits.decoded_bytes).saturating_sub(self.spent)
    }

    /// The failure of a layer that would exceed [`Engine::allowance`].
    fn over(&self, layer: Layer, offset: usize) -> Failure {
        let Limits { decoded_bytes, expansion_ratio, .. } = self.limits;
        let reason = if *decoded_bytes <= self.record_end {
            format!(
                "decoding gives more than {decoded_bytes} bytes (limit decoded_bytes = {decoded_bytes}); raise it if the \
                 data is genuine"
            )
        } else {
            let size = self.record_size;
            format!(
                "decoding {size} bytes gives more than {expansion_ratio} times as much and more than {} bytes (limit \
                 expansion_ratio = {expansion_ratio}); raise it if the data is genuine",
                Limits::EXPANSION_FLOOR
            )
        };
        Failure::new(layer, offset, reason)
    }

    /// Whether so many bytes may be read a second time.
    pub(super) fn reads_again(&mut self, bytes: usize) -> bool {
        let is_within = bytes <= self.again;
        self.again = self.again.saturating_sub(bytes);
        is_within
    }

    /// Lends an empty arena.
    pub(super) fn lend_arena(&mut self) -> Arena {
        self.memory.arenas.pop().unwrap_or_default()
    }

    pub(super) fn return_arena(&mut self, mut arena: Arena) {
        if self.memory.arenas.len() < KEPT_ARENAS {
            arena.recycle();
            self.memory.arenas.push(arena);
        }
    }

    /// Lends the buffer for strings without their escapes, empty. Who finds it lent out gets a new one.
    pub(super) fn lend_text(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.memory.text)
    }

    pub(super) fn return_text(&mut self, mut text: Vec<u8>) {
        text.clear();
        if text.capacity() <= KEPT_TEXT {
            self.memory.text = text;
        }
    }

    /// Decodes `bytes`, which lie under `depth` layers.
    pub(super) fn unit(&mut self, bytes: &[u8], context: &Context<'_>, depth: usize) {
        if self.stopped {
            return;
        }
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return self.failed(Failure::new(Layer::Payload, 0, EMPTY), bytes, context);
        }
        let limit = self.limits.nesting.min(Limits::MAX_NESTING);
        if depth > limit {
            let reason = format!(
                "more than {limit} layers inside each other (limit nesting = {limit}, at most {}); raise it if the data \
                 is genuine",
                Limits::MAX_NESTING
            );
            return self.failed(Failure::new(Layer::Payload, 0, reason), bytes, context);
        }
        let mut scratch = self.lend_arena();
        let found = layer::find(bytes, &mut self.memory.inflater, &mut scratch);
        self.return_arena(scratch);
        match found {
            Content::Compressed(compression) => self.compressed(compression, bytes, context, depth),
            Content::Kpl if self.unwrapped(bytes, context, depth) => {}
            Content::Kpl => self.aggregate(bytes, context, depth + 1),
            Content::Text => self.text(bytes, context, depth),
            Content::Unknown => {
                let begins = bytes.iter().take(8).map(|byte| format!(" {byte:02x}")).collect::<String>();
                let reason = format!(
                    "{} bytes that begin with{begins} are no known format; expected text, JSON, base64, gzip, zlib, deflate, \
                     zstd or a KPL aggregate",
                    bytes.len()
                );
                self.failed(Failure::new(Layer::Payload, 0, reason), bytes, context);
            }
        }
    }

    fn compressed(&mut self, compression: Compression, bytes: &[u8], context: &Context<'_>, depth: usize) {
        let mut arena = self.lend_arena();
        let allowance = self.allowance();
        let result = compressed::decompress(compression, bytes, &mut self.memory.inflater, &mut arena, allowance);
        let layer = compression.layer();
        let context = &Context { layers: context.layers.and(layer.name()), ..*context };
        match result {
            Ok(()) => {
                self.spent += arena.len();
                self.unit(arena.as_slice(), context, depth + 1);
            }
            Err(Damage { offset, reason, from }) => {
                let failure = match reason {
                    Some(reason) => Failure::new(layer, offset, reason),
                    None => {
                        let failure = self.over(layer, offset);
                        self.spent += allowance; // it has cost what was allowed, though nothing comes of it
                        failure
                    }
                };
                if arena.len() > 0 {
                    self.spent = self.spent.saturating_add(arena.len());
                    self.unit(arena.as_slice(), context, depth + 1);
                }
                self.failed(failure, bytes.get(from..).unwrap_or(bytes), context);
            }
        }
        self.return_arena(arena);
    }

    /// Decodes base64 `text`. `certain`: text that is no base64 is a failure; otherwise false is returned.
    pub(super) fn base64(&mut self, text: &[u8], certain: bool, context: &Context<'_>, depth: usize) -> bool {
        if base64::room(text) > self.allowance().saturating_add(4) {
            if certain {
                let failure = self.over(Layer::Base64, 0);
                self.failed(failure, text, context);
            }
            return certain;
        }
        let context = &Context { layers: context.layers.and(Layer::Base64.name()), ..*context };
        let mut arena = self.lend_arena();
        let mut scratch = self.lend_arena();
        let decoded = match base64::decode(text, &mut arena) {
            Err((offset, reason)) if certain => {
                let failure = Failure::new(Layer::Base64, offset, reason);
                self.failed(failure, text, context);
                true
            }
            Err(_) => false,
            Ok(()) => {
                let inflater = &mut self.memory.inflater;
                let plausible =
                    certain || (arena.len() > 0 && layer::is_plausible(arena.as_slice(), inflater, &mut scratch));
                if plausible {
                    self.spent += arena.len();
                    self.unit(arena.as_slice(), context, depth + 1);
                    true
                } else {
                    false
                }
            }
        };
        self.return_arena(scratch);
        self.return_arena(arena);
        decoded
    }

    /// Decodes the data of a record inside an envelope; `size` is what the record takes there.
    pub(super) fn inner(&mut self, data: &[u8], size: usize, context: &Context<'_>, depth: usize) {
        self.within_record(data, size, context, |engine| {
            if data.is_empty() {
                engine.dropped("the record holds no data", context);
            } else {
                engine.unit(data, context, depth);
            }
        });
    }

    /// Decodes the data of a record inside a JSON envelope, which is base64 by that envelope's contract.
    pub(super) fn inner_base64(&mut self, data: Text<'_>, context: &Context<'_>, depth: usize) {
        self.within_record(data.raw, data.raw.len(), context, |engine| {
            if data.raw.is_empty() {
                engine.dropped("the record holds no data", context);
            } else if data.escaped {
                let mut text = engine.lend_text();
                data.unescape(&mut text);
                engine.base64(&text, true, context, depth);
                engine.return_text(text);
            } else {
                engine.base64(data.raw, true, context, depth);
            }
        });
    }

    /// Runs `decode` with an account of its own, announced to the sink.
    pub(super) fn within_record(
        &mut self,
        data: &[u8],
        size: usize,
        context: &Context<'_>,
        decode: impl FnOnce(&mut Self),
    ) {
        if self.stopped {
            return;
        }
        let outer = (self.record_size, self.record_end);
        self.account(size);
        self.sink.record_begins(data, context);
        decode(self);
        self.sink.record_ends(context);
        (self.record_size, self.record_end) = outer;
    }
}

const EMPTY: &str = "the payload is empty (nothing, or white space only); expected text, JSON, base64, gzip, zlib, deflate, \
                     zstd or a KPL aggregate";
