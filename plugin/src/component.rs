//! The shell for component hosts: the exports of `wit/`, each a call into the pure core.

use std::cell::RefCell;

use crate::config::{Config, ConfigError};
use crate::decode::{Layers, Unwrapped};
use crate::failure::{Failure, Layer};
use crate::pipeline::one_series::{self, OneSeries};
use crate::pipeline::{self, Counts, Rest, RestoreError};

// What `wit/` says, as Rust: generated, and kept current by the test `bindings`.
#[rustfmt::skip]
#[allow(missing_docs, unreachable_pub, unsafe_op_in_unsafe_fn, clippy::all, reason = "generated")]
mod bindings;

mod routes;

bindings::export!(Plugin with_types_in bindings);

use bindings::exports::flowscore::transform::{answering, decoding, description, scoring, types};

struct Plugin;

impl description::Guest for Plugin {
    fn describe() -> description::Info {
        description::Info {
            name: "flowscore".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            formats: crate::FORMATS.map(str::to_owned).into(),
            config_schema: crate::config::schema(),
            event_schema: pipeline::event_reference::schema(),
        }
    }

    fn check_config(config: String) -> Result<String, types::ConfigError> {
        Ok(Config::parse(&config)?.to_json())
    }
}

impl decoding::Guest for Plugin {
    type Decoder = Decoder;

    fn discover_schema(sample: Vec<types::Payload>) -> String {
        crate::discover::discover_schema(sample.iter().map(|payload| &payload.data[..]))
    }
}

/// Bytes of events or records after which a call ends and says that there is more.
const PIECE: usize = 16 << 20;

struct Decoder(RefCell<DecoderState>);

struct DecoderState {
    decoding: pipeline::Decoder,
    /// A payload of which there is more.
    pending: Option<(types::Payload, Rest)>,
}

impl decoding::GuestDecoder for Decoder {
    fn create(config: String) -> Result<decoding::Decoder, types::ConfigError> {
        let decoding = pipeline::Decoder::new(&Config::parse(&config)?);
        Ok(decoding::Decoder::new(Decoder(RefCell::new(DecoderState { decoding, pending: None }))))
    }

    fn decode(&self, batch: Vec<types::Payload>) -> Vec<decoding::Outcome> {
        let DecoderState { decoding, pending } = &mut *self.0.borrow_mut();
        let mut room = PIECE;
        let mut outcomes = Vec::with_capacity(batch.len());
        for payload in batch {
            let mut rest = None;
            let outcome = decoding.decode_until(&payload.data, payload.id.as_deref(), &mut rest, room);
            let is_full = rest.is_some();
            outcomes.push(match outcome {
                pipeline::Outcome::Ok(records, counts) => {
                    room = room.saturating_sub(records.len());
                    decoding::Outcome::Ok(decoding::Decoded { records, counts: counts.into(), more: is_full })
                }
                pipeline::Outcome::Dropped(reason) => decoding::Outcome::Dropped(reason),
                pipeline::Outcome::Failed(failure) => decoding::Outcome::Failed(failure.into()),
            });
            *pending = rest.map(|rest| (payload, rest));
            if is_full || room == 0 {
                break;
            }
        }
        outcomes
    }

    fn proceed(&self) -> decoding::Decoded {
        let DecoderState { decoding, pending } = &mut *self.0.borrow_mut();
        let (mut records, mut counts) = (Vec::new(), Counts::default());
        if let Some((payload, rest)) = pending.take() {
            let mut rest = Some(rest);
            let outcome = decoding.decode_until(&payload.data, payload.id.as_deref(), &mut rest, PIECE);
            if let pipeline::Outcome::Ok(more, those) = outcome {
                (records, counts) = (more, those);
            }
            *pending = rest.map(|rest| (payload, rest));
        }
        decoding::Decoded { records, counts: counts.into(), more: pending.is_some() }
    }

    fn unwrap(&self, batch: Vec<types::Payload>) -> Vec<Option<types::Unwrapped>> {
        let decoding = &mut self.0.borrow_mut().decoding;
        let mut room = PIECE;
        let unwrap = |payload: types::Payload| {
            let mut data = Vec::new();
            let Unwrapped { layers, spent, .. } = decoding.unwrap(&payload.data, &mut data, UNWRAPPED.min(room))?;
            room -= data.len();
            let layers =
                layers.names().into_iter().filter_map(|name| LAYERS.iter().find(|(layer, _)| layer.name() == name));
            Some(types::Unwrapped { data, layers: layers.map(|(_, layer)| *layer).collect(), spent: spent as u64 })
        };
        batch.into_iter().map(unwrap).collect()
    }
}

/// Bytes of all layers of a payload that are undone for another instance. The largest document of CloudWatch Logs has a megabyte.
const UNWRAPPED: usize = 2 << 20;

/// The layers that are undone ahead.
const LAYERS: [(Layer, types::Layer); 5] = [
    (Layer::Base64, types::Layer::Base64),
    (Layer::Gzip, types::Layer::Gzip),
    (Layer::Zlib, types::Layer::Zlib),
    (Layer::Deflate, types::Layer::Deflate),
    (Layer::Zstd, types::Layer::Zstd),
];

impl types::Unwrapped {
    fn layers(&self) -> Layers {
        let names = self.layers.iter().filter_map(|given| LAYERS.iter().find(|(_, layer)| layer == given));
        names.fold(Layers::default(), |layers, (layer, _)| layers.and(layer.name()))
    }
}

struct Answerer(RefCell<pipeline::Decoder>);

impl answering::Guest for Plugin {
    type Answerer = Answerer;
}

impl answering::GuestAnswerer for Answerer {
    fn create(config: String) -> Result<answering::Answerer, types::ConfigError> {
        Ok(answering::Answerer::new(Answerer(RefCell::new(pipeline::Decoder::new(&Config::parse(&config)?)))))
    }

    fn answer(&self, request: Vec<u8>) -> Option<String> {
        self.0.borrow_mut().answer(&request)
    }
}

impl scoring::Guest for Plugin {
    type Snapshot = Snapshot;
    type Scorer = Scorer;
    type Series = Series;
}

struct Snapshot(RefCell<Vec<u8>>);

impl scoring::GuestSnapshot for Snapshot {
    fn new() -> Self {
        Snapshot(RefCell::default())
    }

    fn size(&self) -> u64 {
        self.0.borrow().len() as u64
    }

    fn read(&self, offset: u64, most: u32) -> Vec<u8> {
        let bytes = self.0.borrow();
        let rest = usize::try_from(offset).ok().and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        rest[..rest.len().min(most as usize).min(PIECE)].to_vec()
    }

    fn write(&self, piece: Vec<u8>) {
        self.0.borrow_mut().extend_from_slice(&piece);
    }
}

struct Scorer(RefCell<ScorerState>);

struct ScorerState {
    scorer: pipeline::Scorer,
    pending: Option<Pending>,
}

/// What was handed over and is not done: not begun, where there is no rest.
enum Pending {
    Payload(types::Payload, Option<types::Unwrapped>, Option<Rest>),
    Records(Vec<u8>, Option<Rest>),
    Tick(i64),
    Finish,
}

impl ScorerState {
    /// Begins with something.
    fn begin(&mut self, pending: Pending, events: &mut Vec<u8>) -> Counts {
        self.pending = Some(pending);
        self.proceed(events)
    }

    /// Goes on with what is pending.
    fn proceed(&mut self, events: &mut Vec<u8>) -> Counts {
        let scorer = &mut self.scorer;
        match self.pending.take() {
            None => Counts::default(),
            Some(Pending::Payload(payload, inside, mut rest)) => {
                let unwrapped = inside.as_ref().map(|inside| Unwrapped {
                    data: &inside.data,
                    layers: inside.layers(),
                    spent: inside.spent as usize,
                });
                let counts =
                    scorer.transform_until(&payload.data, unwrapped, payload.id.as_deref(), &mut rest, events, PIECE);
                self.pending = rest.is_some().then_some(Pending::Payload(payload, inside, rest));
                counts
            }
            Some(Pending::Records(records, mut rest)) => {
                let counts = scorer.score_until(&records, &mut rest, events, PIECE);
                self.pending = rest.is_some().then_some(Pending::Records(records, rest));
                counts
            }
            Some(Pending::Tick(now)) => {
                self.pending = scorer.tick_until(now, events, PIECE).then_some(Pending::Tick(now));
                Counts::default()
            }
            Some(Pending::Finish) => {
                self.pending = scorer.finish_until(events, PIECE).then_some(Pending::Finish);
                Counts::default()
            }
        }
    }
}

impl Scorer {
    fn resource(scorer: pipeline::Scorer) -> scoring::Scorer {
        scoring::Scorer::new(Scorer(RefCell::new(ScorerState { scorer, pending: None })))
    }

    /// A call that takes something, unless something else is pending: then that goes on in its place.
    fn scored(&self, call: impl FnOnce(&mut ScorerState, &mut Vec<u8>) -> (Counts, u32)) -> scoring::Scored {
        let state = &mut *self.0.borrow_mut();
        let mut events = Vec::new();
        let (counts, taken) = match state.pending {
            None => call(state, &mut events),
            Some(_) => (state.proceed(&mut events), 0),
        };
        let (alerts, failures) = routes::of(&events);
        scoring::Scored { events, alerts, failures, counts: counts.into(), taken, more: state.pending.is_some() }
    }
}

impl scoring::GuestScorer for Scorer {
    fn create(config: String) -> Result<scoring::Scorer, types::ConfigError> {
        Ok(Scorer::resource(pipeline::Scorer::new(&config)?))
    }

    fn restore(config: String, snapshot: scoring::Snapshot) -> Result<scoring::Scorer, scoring::RestoreError> {
        let snapshot: Snapshot = snapshot.into_inner();
        let bytes = snapshot.0.into_inner();
        Ok(Scorer::resource(pipeline::Scorer::restore(&config, &bytes)?))
    }

    fn transform(&self, batch: Vec<types::Payload>) -> scoring::Scored {
        self.transform_unwrapped(batch.into_iter().map(|payload| (payload, None)).collect())
    }

    fn transform_unwrapped(&self, batch: Vec<(types::Payload, Option<types::Unwrapped>)>) -> scoring::Scored {
        self.scored(|state, events| {
            let (mut counts, mut taken) = (Counts::default(), 0);
            for (payload, inside) in batch {
                counts += state.begin(Pending::Payload(payload, inside, None), events);
                taken += 1;
                if state.pending.is_some() || events.len() >= PIECE || counts.records() >= pipeline::RECORDS {
                    break;
                }
            }
            (counts, taken)
        })
    }

    fn proceed(&self) -> scoring::Scored {
        self.scored(|_, _| (Counts::default(), 0))
    }

    fn give_up(&self, payload: scoring::GivenUp) -> scoring::Scored {
        let scoring::GivenUp { id, layer, reason, beginning, size, sha256 } = &payload;
        let payload = pipeline::GivenUp { id: id.as_deref(), layer, reason, beginning, size: *size, sha256 };
        self.scored(|state, events| (state.scorer.give_up(&payload, events), 1))
    }

    fn score(&self, records: Vec<u8>) -> scoring::Scored {
        self.scored(|state, events| (state.begin(Pending::Records(records, None), events), 1))
    }

    fn feedback(&self, id: String, judgement: scoring::Judgement) -> u32 {
        let judgement = match judgement {
            scoring::Judgement::Fine => pipeline::Judgement::Fine,
            scoring::Judgement::Real => pipeline::Judgement::Real,
        };
        self.0.borrow_mut().scorer.feedback(&id, judgement)
    }

    fn tick(&self, now: i64) -> scoring::Scored {
        self.scored(|state, events| (state.begin(Pending::Tick(now), events), 1))
    }

    fn finish(&self) -> scoring::Scored {
        self.scored(|state, events| (state.begin(Pending::Finish, events), 1))
    }

    fn snapshot(&self) -> scoring::Snapshot {
        scoring::Snapshot::new(Snapshot(RefCell::new(self.0.borrow().scorer.snapshot())))
    }

    fn totals(&self) -> scoring::Totals {
        let totals = self.0.borrow().scorer.totals();
        scoring::Totals {
            payloads: totals.payloads,
            records: totals.counts.records(),
            ok: totals.counts.ok,
            dropped: totals.counts.dropped,
            failed: totals.counts.failed,
            late: totals.late,
            windows: totals.windows,
            series: totals.series,
            evicted: totals.evicted,
            anomalies: totals.anomalies,
        }
    }
}

struct Series(RefCell<OneSeries>);

impl scoring::GuestSeries for Series {
    fn create(mode: scoring::SeriesMode, config: String) -> Result<scoring::Series, types::ConfigError> {
        let mode = match mode {
            scoring::SeriesMode::Detect => one_series::SeriesMode::Detect,
            scoring::SeriesMode::Rcf => one_series::SeriesMode::Rcf,
        };
        let series = OneSeries::new(mode, &Config::parse(&config)?)?;
        Ok(scoring::Series::new(Series(RefCell::new(series))))
    }

    fn observe(&self, points: Vec<scoring::Point>) -> Vec<scoring::Verdict> {
        let mut series = self.0.borrow_mut();
        points.iter().map(|point| series.observe(point.time, point.value).into()).collect()
    }
}

impl From<one_series::Verdict> for scoring::Verdict {
    fn from(verdict: one_series::Verdict) -> Self {
        scoring::Verdict {
            anomaly_score: verdict.anomaly_score,
            alert: verdict.alert,
            direction: verdict.direction.map(|direction| match direction {
                one_series::Direction::Spike => scoring::Direction::Spike,
                one_series::Direction::Drop => scoring::Direction::Drop,
            }),
            expected: verdict.expected,
        }
    }
}

impl From<Counts> for types::Counts {
    fn from(counts: Counts) -> Self {
        types::Counts { records: counts.records(), ok: counts.ok, dropped: counts.dropped, failed: counts.failed }
    }
}

impl From<Failure> for types::Failure {
    fn from(failure: Failure) -> Self {
        types::Failure {
            layer: failure.layer.name().into(),
            offset: failure.offset as u64,
            reason: failure.reason.into_owned(),
        }
    }
}

impl From<ConfigError> for types::ConfigError {
    fn from(error: ConfigError) -> Self {
        types::ConfigError { path: error.path, value: error.value, allowed: error.allowed }
    }
}

impl From<RestoreError> for scoring::RestoreError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Config(error) => scoring::RestoreError::Config(error.into()),
            RestoreError::Version(reason) => scoring::RestoreError::Version(reason),
            RestoreError::Corrupt(reason) => scoring::RestoreError::Corrupt(reason),
            RestoreError::Mismatch(reason) => scoring::RestoreError::Mismatch(reason),
        }
    }
}
