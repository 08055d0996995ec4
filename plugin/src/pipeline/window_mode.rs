//! Window mode: what a record says to the series it belongs to.

use std::borrow::Cow;

use crate::column::{Column, Columns, Field, Names, Numeric};
use crate::config::Config;
use crate::decode::Context;
use crate::failure::{Failure, Layer};
use crate::flow::{Action, FlowRecord, LogStatus};
use crate::row::Row;
use crate::series::{Engine, JoinedKey, Observation, Place, Settings, Status, Talker, Value};
use crate::time::{in_seconds, parse_loose};

use super::missing::Missing;
use super::reader::Record;
use super::record_score::OpenIncidents;
use super::sums::Sums;

/// What is taken from generic rows besides the key, under the names that flow log fields have.
const ROW_FIELDS: [&str; 15] = [
    "start",
    "end",
    "bytes",
    "packets",
    "action",
    "log_status",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    // When CloudWatch took the record in, as exports of Logs Insights have it: stands for times that a row does not have.
    "@timestamp",
    "account_id",
    "region",
    "vpc_id",
];

/// Stands for a part of the key that a record does not have.
pub(crate) const ABSENT: &[u8] = b"-";

/// What stands for the interface where a record has none: transit gateway records have an attachment, or the interfaces of
/// both, and those of a regional NAT gateway the gateway.
const STAND_INS: [Field; 4] = [Field::TgwAttachmentId, Field::TgwSrcEni, Field::TgwDstEni, Field::ResourceId];

/// The columns that window mode takes from records.
#[derive(Clone, Debug)]
pub(crate) struct WindowColumns {
    /// The fields of the key, then those of [`ROW_FIELDS`] that are not among them.
    pub(crate) all: Columns,
    /// Number of fields of the key.
    pub(crate) key_parts: usize,
    /// Where each of [`ROW_FIELDS`] is among all.
    pub(crate) of_fields: [usize; ROW_FIELDS.len()],
    /// Where among all is what stands for an interface that a record does not have; empty if the key has no interface.
    stand_ins: Vec<usize>,
    /// The number that is detected on, if it is in a field that records then need.
    needed: Option<Field>,
}

impl WindowColumns {
    pub(super) fn new(settings: &Settings, in_data: &Names) -> WindowColumns {
        let mut names = settings.by.clone();
        let mut place = |name: &str| {
            let field = Field::by_name(name.as_bytes());
            let is_same = |known: &String| known == name || Field::by_name(known.as_bytes()) == field;
            names.iter().position(is_same).unwrap_or_else(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        };
        let of_fields = ROW_FIELDS.map(&mut place);
        let is_interface = |name: &String| Field::by_name(name.as_bytes()) == Some(Field::InterfaceId);
        let stand_ins = match settings.by.iter().any(is_interface) {
            true => STAND_INS.iter().map(|field| place(&field.snake_name())).collect(),
            false => Vec::new(),
        };
        let needed = match settings.value {
            Value::Bytes => Some(Field::Bytes),
            Value::Packets => Some(Field::Packets),
            Value::Flows | Value::Rejects => None,
        };
        // The names were checked with the configuration.
        let all = Columns::named(&names, in_data).unwrap_or_default();
        WindowColumns { all, key_parts: settings.by.len(), of_fields, stand_ins, needed }
    }

    /// The columns of the key.
    pub(crate) fn key(&self) -> &[Column] {
        self.all.as_slice().get(..self.key_parts).unwrap_or_default()
    }

    /// Whether a record without a value in this column may have another in its place.
    pub(crate) fn has_stand_ins(&self, column: &Column) -> bool {
        !self.stand_ins.is_empty() && column.field() == Some(Field::InterfaceId)
    }

    /// The columns that stand for this one where a record does not have it.
    pub(crate) fn stand_ins(&self, column: &Column) -> impl Iterator<Item = &Column> {
        let places = if self.has_stand_ins(column) { &self.stand_ins[..] } else { &[] };
        places.iter().filter_map(|place| self.all.as_slice().get(*place))
    }

    /// Whether a record has a column or what stands for it.
    pub(super) fn are_in(&self, record: &Record<'_>, column: &Column) -> bool {
        record.has(column) || self.stand_ins(column).any(|column| record.has(column))
    }

    /// What a record has in the place of a column.
    #[cold]
    fn stand_in<'a>(&self, record: &'a Record<'_>, column: &Column) -> Option<Cow<'a, str>> {
        self.stand_ins(column).find_map(|column| record.text(column))
    }

    /// The field that a record needs to have a number, if it is the number detected on.
    pub(crate) fn needs(&self, field: Field) -> bool {
        self.needed == Some(field)
    }
}

pub(super) struct WindowMode {
    settings: Settings,
    pub(super) engine: Engine,
    columns: WindowColumns,
    key: JoinedKey,
    /// The fields of the key, and those that have names of their own in the data, which no record had so far.
    missing: Option<Box<Missing>>,
    /// For hosts that mark records.
    pub(super) open_incidents: OpenIncidents,
    /// In record mode over windows.
    pub(super) sums: Option<Box<Sums>>,
}

impl WindowMode {
    pub(super) fn new(config: &Config) -> Self {
        let settings = Settings { detect: config.detect.clone(), ..config.series.clone() };
        let sums = Sums::new(config);
        let settings = if sums.is_some() { Sums::settings(settings) } else { settings };
        let in_data = config.input.names();
        let columns = WindowColumns::new(&settings, &in_data);
        let is_mapped = |column: &Column| column.field().is_some_and(|field| in_data.of(field).is_some());
        let all = columns.all.as_slice().iter();
        let watched = all.filter(|column| column.index() < columns.key_parts || is_mapped(column));
        WindowMode {
            missing: Missing::new(watched.map(Column::index).collect()),
            engine: Engine::new(&settings),
            columns,
            settings,
            key: JoinedKey::default(),
            open_incidents: OpenIncidents::default(),
            sums,
        }
    }

    /// The columns that a reader of generic rows should find.
    pub(super) fn columns(&self) -> &WindowColumns {
        &self.columns
    }

    /// Goes on from a deserialised state; false if it is not one that this configuration could have led to.
    pub(super) fn restore(&mut self, mut engine: Engine) -> bool {
        let is_valid = engine.revive(&self.settings);
        if is_valid {
            self.engine = engine;
            // The records before the snapshot have told.
            self.missing = None;
        }
        is_valid
    }

    /// Whether each field that is configured was seen in a record, or was told to be missing.
    pub(super) fn knows_its_fields(&self) -> bool {
        self.missing.is_none()
    }

    /// Tells at the end of the input which fields no record had.
    pub(super) fn tell_missing(&mut self, out: &mut Vec<u8>) {
        if let Some(missing) = self.missing.take() {
            missing.tell(&self.columns, out);
        }
    }

    /// Adds a record to its windows.
    #[inline]
    pub(super) fn observe(
        &mut self,
        record: &Record<'_>,
        context: &Context<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        if let Some(missing) = &mut self.missing
            && missing.look(record, &self.columns, out)
        {
            self.missing = None;
        }
        // The one field of the default key is taken as it stands; only longer keys have to be put together.
        let raw = match (record, self.columns.key()) {
            (Record::Flow(record), [column]) => match column.field() {
                Some(field) => record.raw(field),
                None => record.named(column).map(str::as_bytes),
            },
            _ => None,
        };
        let (key, joints): (&[u8], &[u32]) = match raw {
            Some(raw) => (raw, &[]),
            None => {
                self.key.clear();
                for column in self.columns.key() {
                    match record.text(column).or_else(|| self.columns.stand_in(record, column)) {
                        Some(text) => self.key.push(text.as_bytes()),
                        None => self.key.push(ABSENT),
                    }
                }
                (self.key.text(), self.key.joints())
            }
        };
        // The texts of a row may have to be unescaped, and then are its own.
        let (srcaddr, dstaddr, place);
        let observation = match record {
            Record::Flow(record) => of_flow(record, &self.columns, (key, joints), context)?,
            Record::Row(row) => {
                let column = |field: usize| &self.columns.all.as_slice()[self.columns.of_fields[field]];
                let text = |field: usize| row.text(column(field));
                (srcaddr, dstaddr) = (text(6), text(7));
                place = [text(12), text(13), text(14)];
                let talker = match (&srcaddr, &dstaddr) {
                    (Some(srcaddr), Some(dstaddr)) => Some(Talker {
                        srcaddr: srcaddr.as_bytes(),
                        dstaddr: dstaddr.as_bytes(),
                        srcport: count(row, column(8))?.unwrap_or(0) as u16,
                        dstport: count(row, column(9))?.unwrap_or(0) as u16,
                        protocol: count(row, column(10))?.unwrap_or(0) as u8,
                    }),
                    _ => None,
                };
                let (mut start, end) = (seconds(row, column(0))?, seconds(row, column(1))?);
                if start.is_none() && end.is_none() {
                    start = seconds(row, column(11))?;
                }
                let (start, end) = times(start, end, context).map_err(|_| missing_in_row("start", row))?;
                let status = match text(5).as_deref() {
                    Some("NODATA") => Status::NoData,
                    Some("SKIPDATA") => Status::SkipData,
                    _ => Status::Ok,
                };
                let (bytes, packets) = (count(row, column(2))?, count(row, column(3))?);
                for (field, number) in [(Field::Bytes, bytes), (Field::Packets, packets)] {
                    if status == Status::Ok && number.is_none() && self.columns.needs(field) {
                        return Err(missing_in_row(field.name(), row));
                    }
                }
                Observation {
                    key,
                    joints,
                    start,
                    end,
                    bytes: bytes.unwrap_or(0),
                    packets: packets.unwrap_or(0),
                    rejected: text(4).as_deref() == Some("REJECT"),
                    talker,
                    status,
                    place: {
                        let [account_id, region, vpc_id] =
                            place.each_ref().map(|text| text.as_deref().unwrap_or_default().as_bytes());
                        Place { account_id, region, vpc_id }
                    },
                }
            }
        };
        match &mut self.sums {
            None => add(&mut self.open_incidents, &mut self.engine, &observation, out),
            Some(sums) => {
                self.engine.observe(&observation, &mut sums.lines);
                sums.score(out);
            }
        }
        Ok(())
    }

    /// Until how many bytes of output windows are closed. Those that are scored are all closed: one call has at most what is open.
    pub(super) fn stop_at(&mut self, full: usize) {
        self.engine.stop_at(if self.sums.is_some() { usize::MAX } else { full });
    }

    /// Lets the engine close windows.
    pub(super) fn close<R>(&mut self, work: impl FnOnce(&mut Engine, &mut Vec<u8>) -> R, out: &mut Vec<u8>) -> R {
        match &mut self.sums {
            None => work(&mut self.engine, out),
            Some(sums) => {
                let result = work(&mut self.engine, &mut sums.lines);
                sums.score(out);
                result
            }
        }
    }

    /// Adds an observation to its windows.
    #[inline]
    pub(super) fn add(&mut self, observation: &Observation<'_>, out: &mut Vec<u8>) {
        add(&mut self.open_incidents, &mut self.engine, observation, out);
    }
}

#[inline]
fn add(open_incidents: &mut OpenIncidents, engine: &mut Engine, observation: &Observation<'_>, out: &mut Vec<u8>) {
    open_incidents.see(observation, engine);
    engine.observe(observation, out);
}

#[inline]
fn of_flow<'a>(
    record: &FlowRecord<'a>,
    columns: &WindowColumns,
    (key, joints): (&'a [u8], &'a [u32]),
    context: &Context<'_>,
) -> Result<Observation<'a>, Failure> {
    let (start, end) = match record.interval() {
        Some(interval) => interval,
        None => times(None, None, context)?,
    };
    let status = match record.log_status() {
        Some(LogStatus::NoData) => Status::NoData,
        Some(LogStatus::SkipData) => Status::SkipData,
        Some(LogStatus::Ok) | None => Status::Ok,
    };
    for field in [Field::Bytes, Field::Packets] {
        if status == Status::Ok && record.format().column_of(field).is_none() && columns.needs(field) {
            return Err(missing(field.name()));
        }
    }
    let talker = match (record.raw(Field::SrcAddr), record.raw(Field::DstAddr)) {
        (Some(srcaddr), Some(dstaddr)) => Some(Talker {
            srcaddr,
            dstaddr,
            srcport: record.srcport().unwrap_or(0),
            dstport: record.dstport().unwrap_or(0),
            protocol: record.protocol().unwrap_or(0),
        }),
        _ => None,
    };
    Ok(Observation {
        key,
        joints,
        start,
        end,
        bytes: record.bytes().unwrap_or(0),
        packets: record.packets().unwrap_or(0),
        rejected: record.action() == Some(Action::Reject),
        talker,
        status,
        place: Place {
            account_id: record.raw(Field::AccountId).unwrap_or_default(),
            region: record.raw(Field::Region).unwrap_or_default(),
            vpc_id: record.raw(Field::VpcId).unwrap_or_default(),
        },
    })
}

/// Start and end in order; one alone stands for both, and without either the time of the CloudWatch event, which is the
/// record's start.
fn times(start: Option<i64>, end: Option<i64>, context: &Context<'_>) -> Result<(i64, i64), Failure> {
    match (start, end) {
        (Some(start), Some(end)) => Ok((start.min(end), start.max(end))),
        (Some(second), None) | (None, Some(second)) => Ok((second, second)),
        (None, None) => {
            let second = context.timestamp_ms.map(|time| time.div_euclid(1000)).ok_or_else(|| missing("start"))?;
            Ok((second, second))
        }
    }
}

/// A time in Unix seconds: of a number, which may also be in milliseconds or finer, or of a text with date and time.
fn seconds(row: &Row<'_>, column: &Column) -> Result<Option<i64>, Failure> {
    if let Some(time) = row.text(column).and_then(|text| parse_loose(&text)) {
        return Ok(Some(time));
    }
    Ok(row.number(column)?.map(in_seconds))
}

/// A count, rounded; what is negative counts as nothing.
fn count(row: &Row<'_>, column: &Column) -> Result<Option<u64>, Failure> {
    Ok(row.number(column)?.map(|number| libm::round(number) as u64))
}

fn missing(name: &str) -> Failure {
    let reason = format!(
        "the record has no `{name}`, which window mode needs; add the field to the flow log's format, or set mode to record"
    );
    Failure::new(Layer::Score, 0, reason)
}

/// Members of a row that a failure names.
const SHOWN: usize = 12;

#[cold]
fn missing_in_row(name: &str, row: &Row<'_>) -> Failure {
    let names = row.names(SHOWN).into_iter().map(|name| name.chars().take(40).collect::<String>());
    let names = names.collect::<Vec<_>>().join(", ");
    let reason = format!(
        "the record has no `{name}`, which window mode needs; it has {names}: say in input.fields which of them it is, or if one \
         of them holds a flow log line, set input.format to its LogFormat"
    );
    Failure::new(Layer::Score, 0, reason)
}
