//! Record mode: each record's numbers are scored with the forest, as the retired service did.

use super::event;
use super::reader::Record;
use super::record_score::RecordScore;
use crate::column::{Column, Columns, Names, Numeric, finite};
use crate::config::{self, Config, Explanation};
use crate::detect::Direction;
use crate::failure::{Failure, Layer};
use crate::forest::{Attribution, Forest, MAX_COLUMNS, Parameters, write_explanation};
use crate::json::{Value, Writer};
use crate::state::state;
use crate::text::decimal;

/// The column scored when none is configured and the records are flow logs.
const FLOW_COLUMN: &str = "bytes";

/// What has been learned: which columns, and the forest over them. None before the first record.
#[derive(Clone, Debug)]
struct Learned {
    columns: Vec<String>,
    forest: Forest,
}

state!(Learned { columns, forest });

/// The state of record mode.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    learned: Option<Learned>,
    /// Records at or above the threshold.
    anomalies: u64,
}

state!(State { learned, anomalies });

pub(super) struct RecordMode {
    settings: config::Record,
    parameters: Parameters,
    names_in_data: Names,
    state: State,
    /// The columns of `state`, compiled.
    columns: Columns,
    /// Their names as JSON strings.
    names: Vec<String>,
    point: Vec<f64>,
    attribution: Attribution,
    /// Of the records since a host last asked.
    pub(super) worst: RecordScore,
}

impl RecordMode {
    pub(super) fn new(config: &Config) -> Self {
        let mut mode = RecordMode {
            settings: config.record.clone(),
            parameters: config.forest.clone(),
            names_in_data: config.input.names(),
            state: State::default(),
            columns: Columns::default(),
            names: Vec::new(),
            point: Vec::new(),
            attribution: Attribution::default(),
            worst: RecordScore::default(),
        };
        if !config.record.columns.is_empty() {
            mode.choose(config.record.columns.clone());
        }
        mode
    }

    /// The columns that a reader of generic rows should find.
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Records at or above the threshold so far.
    pub(super) fn anomalies(&self) -> u64 {
        self.state.anomalies
    }

    pub(super) fn tell_only_anomalies(&mut self) {
        self.settings.only_anomalies = true;
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Goes on from a state; false if it is not one that this configuration could have led to.
    pub(super) fn restore(&mut self, state: State) -> bool {
        self.state.anomalies = state.anomalies;
        if let Some(mut learned) = state.learned {
            let configured = &self.settings.columns;
            if !(configured.is_empty() || *configured == learned.columns)
                || !learned.forest.revive(&self.parameters, learned.columns.len())
            {
                return false;
            }
            self.choose(learned.columns.clone());
            self.state.learned = Some(learned);
        }
        true
    }

    /// Decides on the columns. Checked before: the configuration's, or those of a record.
    fn choose(&mut self, columns: Vec<String>) {
        let (Ok(compiled), Ok(forest)) =
            (Columns::named(&columns, &self.names_in_data), Forest::new(&self.parameters, columns.len()))
        else {
            return;
        };
        self.columns = compiled;
        self.names = columns
            .iter()
            .map(|name| {
                let mut quoted = Vec::new();
                Writer::compact(&mut quoted).text(name);
                String::from_utf8(quoted).unwrap_or_default()
            })
            .collect();
        self.state.learned = Some(Learned { columns, forest });
    }

    /// Whether columns are still to be chosen by the first record.
    pub(super) fn is_undecided(&self) -> bool {
        self.state.learned.is_none()
    }

    /// Chooses the columns by the first record: `bytes` of flow records, or else all its numeric columns, as the service did.
    pub(super) fn decide(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        let columns = match record {
            Record::Flow(_) => vec![FLOW_COLUMN.to_owned()],
            Record::Row(row) if row.is_network_activity() => vec![FLOW_COLUMN.to_owned()],
            Record::Row(row) => row.numeric_columns(MAX_COLUMNS),
        };
        if columns.is_empty() {
            let reason = "the record has no numeric column to score; name columns in record.columns";
            return Err(Failure::new(Layer::Score, 0, reason));
        }
        if matches!(record, Record::Row(_)) {
            let message = format!(
                "record.columns is not configured; the numeric columns of the first row are scored: {}",
                columns.join(", ")
            );
            event::notice(out, "columns_chosen", &message);
        }
        self.parameters.check(columns.len()).map_err(|(name, allowed)| {
            Failure::new(
                Layer::Score,
                0,
                format!("forest.{name} must be {allowed}; or name fewer columns in record.columns"),
            )
        })?;
        self.choose(columns);
        Ok(())
    }

    /// Scores a record, learns it and appends its event.
    pub(super) fn score(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Failure> {
        if self.state.learned.is_none() {
            return Ok(());
        }
        self.point.clear();
        for column in self.columns.as_slice() {
            match record.number(column)? {
                Some(value) => self.point.push(value),
                None if is_told_absent(record, column) => break,
                None => {
                    let reason = format!("column `{}` is missing; record.columns names what is scored", column.name());
                    return Err(Failure::new(Layer::Score, 0, reason));
                }
            }
        }
        let known = self.point.len() == self.columns.as_slice().len();
        self.tell(known, |out| record.write_members(out), out);
        Ok(())
    }

    /// Scores a window, by its event and the part of that which is told, learns it and appends its event.
    pub(super) fn score_members(&mut self, members: &[u8], event: &Value, out: &mut Vec<u8>) {
        self.point.clear();
        let number = |column: &Column| match event.get(column.name()) {
            Some(Value::Number(text)) => finite(text),
            _ => None,
        };
        self.point.extend(self.columns.as_slice().iter().filter_map(number));
        self.tell(true, |out| out.extend_from_slice(members), out);
    }

    /// Scores the point, if all of it is known.
    fn tell(&mut self, known: bool, write_members: impl Fn(&mut Vec<u8>), out: &mut Vec<u8>) {
        let Some(Learned { forest, .. }) = &mut self.state.learned else { return };
        let config::Record { threshold, only_anomalies, explanation, .. } = self.settings;
        let explains_all = explanation == Explanation::All;
        let mut score = if known && !explains_all { forest.score(&self.point) } else { 0.0 };
        let explains = known && (explains_all || score >= threshold);
        if explains {
            forest.attribute(&self.point, &mut self.attribution);
        }
        if explains_all && known {
            score = self.attribution.total();
        }
        let is_anomaly = known && score >= threshold && forest.is_ready();
        if known {
            forest.update(&self.point);
        }
        self.state.anomalies += u64::from(is_anomaly);
        let sides = (self.attribution.high.iter().sum::<f64>(), self.attribution.low.iter().sum::<f64>());
        let direction = if sides.0 > sides.1 { Direction::Spike } else { Direction::Drop };
        self.worst.raise(RecordScore { score, direction: is_anomaly.then_some(direction) });
        if is_anomaly || !only_anomalies {
            // In an object of its own: flow logs of version 3 and newer have a field `type`.
            out.extend_from_slice(b"{\"type\":\"score\",\"record\":{");
            write_members(out);
            out.extend_from_slice(b"},");
            if known {
                out.extend_from_slice(b"\"anomaly_score\":");
                decimal::write(score, out);
                if explains && explanation != Explanation::None {
                    out.extend_from_slice(b",\"anomaly_explanation\":");
                    write_explanation(out, &self.names, &self.attribution, self.parameters.with_directionality);
                }
            } else {
                out.extend_from_slice(b"\"anomaly_score\":null");
                if explains_all {
                    out.extend_from_slice(b",\"anomaly_explanation\":null");
                }
            }
            out.extend_from_slice(b"}\n");
        }
    }
}

/// Whether a record says itself that it has no value there: `-` in a flow log line, as in NODATA records. Such a record
/// is neither scored nor learned.
fn is_told_absent(record: &Record<'_>, column: &Column) -> bool {
    matches!(record, Record::Flow(record) if record.has_column(column))
}
