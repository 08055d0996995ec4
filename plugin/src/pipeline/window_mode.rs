//! Window mode: what a record says to the series it belongs to.

use crate::column::Field;
use crate::column::{Column, Columns, Numeric};
use crate::config::Config;
use crate::decode::Context;
use crate::failure::{Failure, Layer};
use crate::flow::{Action, FlowRecord, LogStatus};
use crate::row::Row;
use crate::series::{Engine, JoinedKey, Observation, Settings, Status, Talker};
use crate::time::{in_seconds, parse_loose};

use super::missing::Missing;
use super::reader::Record;
use super::record_score::OpenIncidents;

/// What is taken from generic rows besides the key, under the names that flow log fields have.
pub(crate) const ROW_FIELDS: [&str; 11] = [
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
];

/// Stands for a part of the key that a record does not have.
pub(crate) const ABSENT: &[u8] = b"-";

/// The columns that window mode takes from records.
#[derive(Clone, Debug)]
pub(crate) struct WindowColumns {
    /// The fields of the key, then those of [`ROW_FIELDS`] that are not among them.
    pub(crate) all: Columns,
    /// Number of fields of the key.
    pub(crate) key_parts: usize,
    /// Where each of [`ROW_FIELDS`] is among all.
    pub(crate) of_fields: [usize; ROW_FIELDS.len()],
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
}

impl WindowMode {
    pub(super) fn new(config: &Config) -> Self {
        let settings = Settings { detect: config.detect.clone(), ..config.series.clone() };
        let mut names = settings.by.clone();
        let of_fields = ROW_FIELDS.map(|field| {
            let is_same =
                |name: &String| name == field || Field::by_name(name.as_bytes()) == Field::by_name(field.as_bytes());
            names.iter().position(is_same).unwrap_or_else(|| {
                names.push(field.to_owned());
                names.len() - 1
            })
        });
        let in_data = config.input.names();
        // The names were checked with the configuration.
        let all = Columns::named(&names, &in_data).unwrap_or_default();
        let key_parts = settings.by.len();
        let is_mapped = |column: &Column| column.field().is_some_and(|field| in_data.of(field).is_some());
        let watched = all.as_slice().iter().filter(|column| column.index() < key_parts || is_mapped(column));
        WindowMode {
            missing: Missing::new(watched.map(Column::index).collect()),
            engine: Engine::new(&settings),
            columns: WindowColumns { all, key_parts, of_fields },
            settings,
            key: JoinedKey::default(),
            open_incidents: OpenIncidents::default(),
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
            missing.tell(self.columns.all.as_slice(), self.columns.key_parts, out);
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
            && missing.look(record, self.columns.all.as_slice(), self.columns.key_parts, out)
        {
            self.missing = None;
        }
        // The one field of the default key is taken as it stands; only longer keys have to be put together.
        let (key, joints): (&[u8], &[u32]) = match (record, &self.columns.all.as_slice()[..self.columns.key_parts]) {
            (Record::Flow(record), [column]) => match column.field() {
                Some(field) => (record.raw(field).unwrap_or(ABSENT), &[]),
                None => (record.named(column).map_or(ABSENT, str::as_bytes), &[]),
            },
            (_, parts) => {
                self.key.clear();
                for column in parts {
                    match record.text(column) {
                        Some(text) => self.key.push(text.as_bytes()),
                        None => self.key.push(ABSENT),
                    }
                }
                (self.key.text(), self.key.joints())
            }
        };
        // The texts of a row may have to be unescaped, and then are its own.
        let (srcaddr, dstaddr);
        let observation = match record {
            Record::Flow(record) => of_flow(record, (key, joints), context)?,
            Record::Row(row) => {
                let column = |field: usize| &self.columns.all.as_slice()[self.columns.of_fields[field]];
                let text = |field: usize| row.text(column(field));
                (srcaddr, dstaddr) = (text(6), text(7));
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
                let (start, end) = times(seconds(row, column(0))?, seconds(row, column(1))?, context)
                    .map_err(|_| missing_in_row("start", row))?;
                let status = match text(5).as_deref() {
                    Some("NODATA") => Status::NoData,
                    Some("SKIPDATA") => Status::SkipData,
                    _ => Status::Ok,
                };
                let bytes = count(row, column(2))?;
                if status == Status::Ok && bytes.is_none() {
                    return Err(missing_in_row("bytes", row));
                }
                Observation {
                    key,
                    joints,
                    start,
                    end,
                    bytes: bytes.unwrap_or(0),
                    packets: count(row, column(3))?.unwrap_or(0),
                    rejected: text(4).as_deref() == Some("REJECT"),
                    talker,
                    status,
                }
            }
        };
        add(&mut self.open_incidents, &mut self.engine, &observation, out);
        Ok(())
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
    let bytes = record.bytes();
    if status == Status::Ok && bytes.is_none() && record.format().column_of(Field::Bytes).is_none() {
        return Err(missing("bytes"));
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
        bytes: bytes.unwrap_or(0),
        packets: record.packets().unwrap_or(0),
        rejected: record.action() == Some(Action::Reject),
        talker,
        status,
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
