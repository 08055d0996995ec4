//! Payloads in, events out, and what was learned on the way.

use serde::{Deserialize, Serialize};

use super::event;
use super::reader::{Read, Reader, Record};
use super::record_mode::{self, RecordMode};
use super::{Counts, Totals};
use crate::config::{Config, ConfigError};
use crate::decode::{Context, Decoder, Leaf, Sink};
use crate::failure::Failure;
use crate::snapshot;

pub use crate::snapshot::RestoreError;

/// Decodes and scores by one configuration.
pub struct Scorer {
    config: Config,
    decoder: Decoder,
    reader: Reader,
    records: RecordMode,
    payloads: u64,
    counts: Counts,
}

/// Everything learned, as it stands in a snapshot.
#[derive(Serialize, Deserialize)]
struct State<Records> {
    payloads: u64,
    counts: Counts,
    anomalies: u64,
    records: Records,
}

impl Scorer {
    /// A scorer by the text of a configuration.
    pub fn new(config: &str) -> Result<Self, ConfigError> {
        Ok(Scorer::with(Config::parse(config)?))
    }

    fn with(config: Config) -> Self {
        let records = RecordMode::new(&config);
        Scorer {
            decoder: Decoder::new(config.input.limits),
            reader: Reader::new(&config.input, records.columns()),
            records,
            config,
            payloads: 0,
            counts: Counts::default(),
        }
    }

    /// Decodes and scores one payload; its events are appended to `out`, its records counted in the result.
    pub fn transform(&mut self, payload: &[u8], id: Option<&str>, out: &mut Vec<u8>) -> Counts {
        self.payloads += 1;
        self.reader.reset();
        let mut events = Events {
            reader: &mut self.reader,
            records: &mut self.records,
            config: &self.config,
            id,
            out,
            counts: Counts::default(),
        };
        self.decoder.decode::<dyn Sink>(payload, &mut events);
        let counts = events.counts;
        self.counts += counts;
        counts
    }

    /// Scores records decoded elsewhere: newline-delimited JSON objects.
    pub fn score(&mut self, records: &[u8], out: &mut Vec<u8>) -> Counts {
        self.payloads += 1;
        let mut events = Events {
            reader: &mut self.reader,
            records: &mut self.records,
            config: &self.config,
            id: None,
            out,
            counts: Counts::default(),
        };
        for line in records.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()) {
            events.leaf(Leaf::Object(line), &Context::default());
        }
        let counts = events.counts;
        self.counts += counts;
        counts
    }

    /// Tells the time, in milliseconds since the Unix epoch. Record mode has no use for it.
    pub fn tick(&mut self, now: i64, out: &mut Vec<u8>) {
        let _ = (now, out);
    }

    /// Closes what is open at the end of a finite input.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// Totals so far.
    pub fn totals(&self) -> Totals {
        Totals { payloads: self.payloads, counts: self.counts, anomalies: self.records.anomalies, ..Totals::default() }
    }

    /// Everything learned so far.
    pub fn snapshot(&self) -> Vec<u8> {
        let state = State {
            payloads: self.payloads,
            counts: self.counts,
            anomalies: self.records.anomalies,
            records: self.records.state(),
        };
        snapshot::write(&self.config, &state)
    }

    /// A scorer that goes on from a snapshot.
    pub fn restore(config: &str, bytes: &[u8]) -> Result<Self, RestoreError> {
        let config = Config::parse(config).map_err(RestoreError::Config)?;
        let state: State<record_mode::State> = snapshot::read(&config, bytes)?;
        let mut scorer = Scorer::with(config);
        if !scorer.records.restore(state.records) {
            return Err(snapshot::impossible("the forest"));
        }
        scorer.reader = Reader::new(&scorer.config.input, scorer.records.columns());
        scorer.records.anomalies = state.anomalies;
        scorer.payloads = state.payloads;
        scorer.counts = state.counts;
        Ok(scorer)
    }
}

/// Turns what a payload holds into events.
struct Events<'a> {
    reader: &'a mut Reader,
    records: &'a mut RecordMode,
    config: &'a Config,
    id: Option<&'a str>,
    out: &'a mut Vec<u8>,
    counts: Counts,
}

impl Events<'_> {
    fn read_and_score(&mut self, leaf: Leaf<'_>) -> Result<bool, Failure> {
        let Read::Record(record) = self.reader.read(leaf)? else { return Ok(false) };
        if self.records.is_undecided() {
            self.records.decide(&record, self.out)?;
            if matches!(record, Record::Row(_)) {
                // The reader did not know the columns when it read the row.
                *self.reader = Reader::new(&self.config.input, self.records.columns());
                return self.read_and_score(leaf);
            }
        }
        self.records.score(&record, self.out)?;
        Ok(true)
    }
}

impl Sink for Events<'_> {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        match self.read_and_score(leaf) {
            Ok(is_record) => self.counts.ok += u64::from(is_record),
            Err(failure) => self.failed(&failure, leaf.bytes(), context),
        }
    }

    fn dropped(&mut self, _: &str, _: &Context<'_>) {
        self.counts.dropped += 1;
    }

    fn failed(&mut self, failure: &Failure, raw: &[u8], context: &Context<'_>) {
        event::failed(self.out, self.id, failure, raw, context);
        self.counts.failed += 1;
    }
}
