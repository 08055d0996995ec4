//! Payloads in, events out, and what was learned on the way.

use super::event::{self, Failures};
use super::missing;
use super::reader::{Read, Reader, Record};
use super::record_mode::RecordMode;
use super::record_score::RecordScore;
use super::rest::Rest;
use super::window_mode::{WindowColumns, WindowMode};
use super::{Counts, GivenUp, Totals};
use crate::column::Columns;
use crate::config::{Config, ConfigError, Records};
use crate::decode::{Context, Decoder, Leaf, Sink, Unwrapped};
use crate::failure::Failure;
use crate::flow::Formats;
use crate::series::{self, Engine, Judgement, Observation};
use crate::snapshot;
use crate::state::State;

pub use crate::snapshot::RestoreError;

/// Records after which a call whose result is bounded ends, too: some seconds of work, far from the time that hosts allow.
pub const RECORDS: u64 = 1 << 18;

/// Decodes and scores by one configuration.
pub struct Scorer {
    config: Config,
    decoder: Decoder,
    reader: Reader,
    mode: Mode,
    payloads: u64,
    counts: Counts,
    /// The notice of times that are no seconds was given.
    told_fine_time: bool,
}

/// How records are scored, with what was learned.
enum Mode {
    Window(Box<WindowMode>),
    Record(Box<RecordMode>),
}

impl Mode {
    fn columns(&self) -> &Columns {
        match self {
            Mode::Window(mode) => &mode.columns().all,
            Mode::Record(mode) => mode.columns(),
        }
    }
}

impl Scorer {
    /// A scorer by the text of a configuration.
    pub fn new(config: &str) -> Result<Self, ConfigError> {
        Ok(Scorer::with(Config::parse(config)?))
    }

    /// A scorer by a configuration that was read.
    pub fn with(config: Config) -> Self {
        let mode = match config.makes_windows() {
            true => Mode::Window(Box::new(WindowMode::new(&config))),
            false => Mode::Record(Box::new(RecordMode::new(&config))),
        };
        Scorer {
            decoder: Decoder::new(config.input.limits).with_quotes(config.input.records == Records::Csv),
            reader: Reader::new(&config.input, mode.columns()),
            mode,
            config,
            payloads: 0,
            counts: Counts::default(),
            told_fine_time: false,
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Hands records to the mode through `feed` and counts what became of them. `feed` passes over the outcomes that were
    /// given before, and gives back how many there are now if it stopped since `out` has reached `full`.
    fn events(
        &mut self,
        id: Option<&str>,
        rest: &mut Option<Rest>,
        (out, full): (&mut Vec<u8>, usize),
        feed: impl FnOnce(&mut Decoder, usize, &mut dyn Sink) -> Option<usize>,
    ) -> Counts {
        let (given, before, failures) = match rest.take() {
            None => {
                if self.payloads == 0 {
                    for warning in self.reader.warnings().into_iter().chain(missing::misspelt(&self.config)) {
                        event::notice(out, "unknown_field", &warning);
                    }
                }
                self.payloads += 1;
                (0, 0, Failures::default())
            }
            Some(Rest { given, records, failures }) => {
                if let Mode::Window(mode) = &mut self.mode {
                    // What the last record let close may not have been told to its end.
                    mode.stop_at(full);
                    mode.close(Engine::close_rest, out);
                    if out.len() >= full {
                        *rest = Some(Rest { given, records, failures });
                        return Counts::default();
                    }
                }
                (given, records, failures)
            }
        };
        self.reader.reset();
        if let Mode::Window(mode) = &mut self.mode {
            mode.stop_at(full);
        }
        let (reader, mode) = (&mut self.reader, &mut self.mode);
        let mut events = Events { reader, mode, id, out, full, failures, counts: Counts::default() };
        let stopped = feed(&mut self.decoder, given, &mut events);
        let Events { mut counts, failures, .. } = events;
        match stopped {
            Some(given) => {
                *rest = Some(Rest { given, records: before + counts.records(), failures });
            }
            None => {
                failures.finish(out, id);
                if self.reader.take_fine_time() && !std::mem::replace(&mut self.told_fine_time, true) {
                    let message = "start and end are in milliseconds or finer; they are read as such, though flow logs of \
                                   AWS count Unix seconds";
                    event::notice(out, "milliseconds", message);
                }
                if before + counts.records() == 0 {
                    // Only header lines, which are no records: the payload itself is accounted for.
                    counts.dropped = 1;
                }
            }
        }
        self.counts += counts;
        counts
    }

    /// Decodes and scores one payload; its events are appended to `out`, its records counted in the result.
    pub fn transform(&mut self, payload: &[u8], id: Option<&str>, out: &mut Vec<u8>) -> Counts {
        self.transform_until(payload, None, id, &mut None, out, usize::MAX)
    }

    /// Decodes and scores one payload, or the `rest` of it, until `out` has `full` bytes or somewhat more. Then `rest` is some.
    /// What is inside its layers may be known from [`Decoder::unwrap`](super::Decoder::unwrap).
    pub fn transform_until(
        &mut self,
        payload: &[u8],
        unwrapped: Option<Unwrapped<'_>>,
        id: Option<&str>,
        rest: &mut Option<Rest>,
        out: &mut Vec<u8>,
        full: usize,
    ) -> Counts {
        self.events(id, rest, (out, full), |decoder, given, events| {
            decoder.decode_from(payload, unwrapped, given, events)
        })
    }

    /// Scores records decoded elsewhere: newline-delimited JSON objects.
    pub fn score(&mut self, records: &[u8], out: &mut Vec<u8>) -> Counts {
        self.score_until(records, &mut None, out, usize::MAX)
    }

    /// Scores records decoded elsewhere, or the `rest` of them, until `out` has `full` bytes or somewhat more. Then `rest` is
    /// some.
    pub fn score_until(&mut self, records: &[u8], rest: &mut Option<Rest>, out: &mut Vec<u8>, full: usize) -> Counts {
        self.events(None, rest, (out, full), |_, given, events| {
            let lines = records.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
            for (index, line) in lines.enumerate().skip(given) {
                events.leaf(Leaf::Object(line), &Context::default());
                if events.is_full() {
                    return Some(index + 1);
                }
            }
            None
        })
    }

    /// Counts a payload that could not be scored, for a reason outside of it, as one failed record, and tells it.
    pub fn give_up(&mut self, payload: &GivenUp<'_>, out: &mut Vec<u8>) -> Counts {
        event::given_up(out, payload);
        let counts = Counts { failed: 1, ..Counts::default() };
        self.payloads += 1;
        self.counts += counts;
        counts
    }

    /// Scores one line that has no layer around it. [`transform`](Scorer::transform) comes to the same, after it has looked
    /// for layers.
    #[inline]
    pub(crate) fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Counts {
        self.events(None, &mut None, (out, usize::MAX), |_, _, events| {
            events.leaf(Leaf::Line(line), &Context::default());
            None
        })
    }

    /// Adds to its windows what somebody else read from a payload of one record. None, with nothing added, in record mode
    /// and before the first payload, when there may be something to warn of.
    #[inline]
    pub(crate) fn observe(&mut self, observation: &Observation<'_>, out: &mut Vec<u8>) -> Option<Counts> {
        let (Mode::Window(mode), 1..) = (&mut self.mode, self.payloads) else { return None };
        if !mode.knows_its_fields() {
            return None;
        }
        mode.add(observation, out);
        Some(self.count_one())
    }

    /// Counts a payload of one record.
    #[inline]
    fn count_one(&mut self) -> Counts {
        let counts = Counts { ok: 1, ..Counts::default() };
        self.payloads += 1;
        self.counts.ok += 1;
        counts
    }

    /// The configured formats of flow log lines.
    pub(crate) fn formats(&self) -> &Formats {
        self.reader.formats()
    }

    /// What window mode takes from records, for readers beside the ordinary one; none in record mode, and where some records do
    /// not count, which is decided in the ordinary way.
    pub(crate) fn window_columns(&self) -> Option<&WindowColumns> {
        match &self.mode {
            Mode::Window(mode) if self.config.input.only.is_empty() && mode.sums.is_none() => Some(mode.columns()),
            Mode::Window(_) | Mode::Record(_) => None,
        }
    }

    /// From now on only anomalies are events of record mode, whatever the configuration tells the component to tell.
    pub(crate) fn tell_only_anomalies(&mut self) {
        match &mut self.mode {
            Mode::Record(mode) => mode.tell_only_anomalies(),
            Mode::Window(mode) => mode.sums.iter_mut().for_each(|sums| sums.scored.tell_only_anomalies()),
        }
    }

    /// The worst score of the records since the last time this was asked.
    #[inline]
    pub(crate) fn take_worst(&mut self) -> RecordScore {
        std::mem::take(match &mut self.mode {
            Mode::Window(mode) => &mut mode.open_incidents.worst,
            Mode::Record(mode) => &mut mode.worst,
        })
    }

    /// Looks up which series have an incident open, by which records are marked from now on.
    pub(crate) fn mark_incidents(&mut self) {
        if let Mode::Window(mode) = &mut self.mode {
            mode.open_incidents.look_up(&mode.engine);
        }
    }

    /// Records between the snapshot that this scorer comes from and now were seen by nobody: what is known in part only
    /// is unknown.
    pub(crate) fn resume(&mut self) {
        if let Mode::Window(mode) = &mut self.mode {
            mode.open_incidents.resumes = true;
        }
    }

    /// The newest trusted event time in epoch seconds; record mode has none.
    #[inline]
    pub(crate) fn newest(&self) -> Option<i64> {
        match &self.mode {
            Mode::Window(mode) => mode.engine.newest(),
            Mode::Record(_) => None,
        }
    }

    /// Tells the time, in milliseconds since the Unix epoch. Record mode has no use for it.
    pub fn tick(&mut self, now: i64, out: &mut Vec<u8>) {
        self.tick_until(now, out, usize::MAX);
    }

    /// Tells the time until `out` has `full` bytes or somewhat more: then the same time is to be told again, and it is true.
    pub fn tick_until(&mut self, now: i64, out: &mut Vec<u8>, full: usize) -> bool {
        if let Mode::Window(mode) = &mut self.mode {
            mode.stop_at(full);
            mode.close(|engine, out| engine.tick(now, out), out);
        }
        out.len() >= full
    }

    /// Takes up what a person says of an incident, or of all members of a group, by the id in its events. How many series took it up:
    /// none in record mode, or if the id is not known.
    pub fn feedback(&mut self, id: &str, judgement: Judgement) -> u32 {
        match (&mut self.mode, u64::from_str_radix(id, 16)) {
            (Mode::Window(mode), Ok(id)) => mode.engine.feedback(id, judgement),
            _ => 0,
        }
    }

    /// Closes what is open at the end of a finite input.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.finish_until(out, usize::MAX);
    }

    /// Closes what is open until `out` has `full` bytes or somewhat more: then it is to be called again, and it is true.
    pub fn finish_until(&mut self, out: &mut Vec<u8>, full: usize) -> bool {
        match &mut self.mode {
            Mode::Window(mode) => {
                mode.tell_missing(out);
                mode.stop_at(full);
                mode.close(Engine::finish, out)
            }
            Mode::Record(_) => false,
        }
    }

    /// Totals so far.
    pub fn totals(&self) -> Totals {
        let totals = Totals { payloads: self.payloads, counts: self.counts, ..Totals::default() };
        match &self.mode {
            Mode::Record(mode) => Totals { anomalies: mode.anomalies(), ..totals },
            Mode::Window(mode) => {
                let series::Totals { late, windows, evicted, anomalies, .. } = mode.engine.totals();
                let anomalies = mode.sums.as_ref().map_or(anomalies, |sums| sums.scored.anomalies());
                Totals { late, windows, series: mode.engine.series() as u64, evicted, anomalies, ..totals }
            }
        }
    }

    /// Everything learned so far.
    pub fn snapshot(&self) -> Vec<u8> {
        snapshot::write(&self.config, |out| {
            self.payloads.save(out);
            self.counts.save(out);
            match &self.mode {
                Mode::Window(mode) => {
                    mode.engine.save(out);
                    if let Some(sums) = &mode.sums {
                        sums.scored.state().save(out);
                    }
                }
                Mode::Record(mode) => mode.state().save(out),
            }
        })
    }

    /// A scorer that goes on from a snapshot.
    pub fn restore(config: &str, bytes: &[u8]) -> Result<Self, RestoreError> {
        Scorer::restore_with(Config::parse(config).map_err(RestoreError::Config)?, bytes)
    }

    /// A scorer by a configuration that was read, which goes on from a snapshot.
    pub fn restore_with(config: Config, bytes: &[u8]) -> Result<Self, RestoreError> {
        let mut scorer = Scorer::with(config);
        let mut state = snapshot::open(&scorer.config, bytes)?;
        scorer.payloads = State::load(&mut state);
        scorer.counts = State::load(&mut state);
        match &mut scorer.mode {
            Mode::Window(mode) => {
                let engine = Engine::load(&mut state);
                let scored = mode.sums.is_some().then(|| State::load(&mut state));
                snapshot::end(state)?;
                if let (Some(sums), Some(scored)) = (&mut mode.sums, scored)
                    && !sums.scored.restore(scored)
                {
                    return Err(snapshot::impossible("the forest"));
                }
                let (held, most) = (engine.series(), scorer.config.series.max_series);
                if held > most as usize {
                    return Err(RestoreError::Mismatch(format!(
                        "it holds {held} series, and the configuration says series.max_series = {most}"
                    )));
                }
                if !mode.restore(engine) {
                    return Err(snapshot::impossible("the state of the series"));
                }
            }
            Mode::Record(mode) => {
                if !mode.restore(snapshot::read(state)?) {
                    return Err(snapshot::impossible("the forest"));
                }
            }
        }
        scorer.reader = Reader::new(&scorer.config.input, scorer.mode.columns());
        Ok(scorer)
    }
}

/// Turns what a payload holds into events.
struct Events<'a> {
    reader: &'a mut Reader,
    mode: &'a mut Mode,
    id: Option<&'a str>,
    out: &'a mut Vec<u8>,
    /// Bytes of `out` from which on it is full.
    full: usize,
    failures: Failures,
    counts: Counts,
}

impl Events<'_> {
    /// Whether the leaf was a record that was scored.
    fn read_and_score(&mut self, leaf: Leaf<'_>, context: &Context<'_>) -> Result<bool, Failure> {
        let record = match self.reader.read(leaf)? {
            Read::Record(record) => record,
            Read::Header => return Ok(false),
            Read::LeftOut => {
                self.counts.dropped += 1;
                return Ok(false);
            }
        };
        match &mut self.mode {
            Mode::Window(mode) => mode.observe(&record, context, self.out)?,
            Mode::Record(mode) => {
                if mode.is_undecided() {
                    mode.decide(&record, self.out)?;
                    if matches!(record, Record::Row(_)) {
                        // The reader did not know the columns when it read the row.
                        self.reader.find(mode.columns());
                        return self.read_and_score(leaf, context);
                    }
                }
                mode.score(&record, self.out)?;
            }
        }
        Ok(true)
    }
}

impl Sink for Events<'_> {
    fn leaf(&mut self, leaf: Leaf<'_>, context: &Context<'_>) {
        match self.read_and_score(leaf, context) {
            Ok(is_record) => self.counts.ok += u64::from(is_record),
            Err(failure) => self.failed(&failure, leaf.bytes(), context),
        }
    }

    fn opens(&mut self, text: &[u8]) -> bool {
        self.reader.opens(text)
    }

    fn dropped(&mut self, _: &str, _: &Context<'_>) {
        self.counts.dropped += 1;
    }

    fn failed(&mut self, failure: &Failure, raw: &[u8], context: &Context<'_>) {
        self.failures.tell(self.out, self.id, failure, raw, context);
        self.counts.failed += 1;
        self.reader.set_reasons(!self.failures.is_counting());
    }

    fn given(&mut self, leaf: Leaf<'_>) {
        // A header names the columns of the lines after it; of what else it is nothing comes again.
        let _ = self.reader.read(leaf);
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.out.len() >= self.full || (self.full < usize::MAX && self.counts.records() >= RECORDS)
    }
}
