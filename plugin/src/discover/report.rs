//! The report on a sample.

use super::column::Profile;
use super::kept::{EXAMPLES, Kept, excerpt};
use super::{Format, configuration, csv_shape, flow_shape};
use crate::column::escaped;
use crate::flow::{Formats, Parser};
use crate::json::{Value, Writer};
use crate::row::Dialect;

/// The most columns reported.
const COLUMNS: usize = 256;

/// How deep nested objects are followed.
const DEPTH: usize = 8;

/// How many elements of an array become columns.
const ELEMENTS: usize = 4;

/// The columns found, in the order in which they came first.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    profiles: Vec<Profile>,
    left_out: bool,
}

impl Columns {
    #[inline(never)]
    fn profile(&mut self, name: &str, path: &str) -> Option<&mut Profile> {
        let position = self.profiles.iter().position(|profile| profile.path == path);
        if position.is_none() && self.profiles.len() == COLUMNS {
            self.left_out = true;
            return None;
        }
        let position = position.unwrap_or_else(|| {
            self.profiles.push(Profile::new(name, path));
            self.profiles.len() - 1
        });
        self.profiles.get_mut(position)
    }

    /// Takes in an object, nested ones as paths.
    #[inline(never)]
    fn object(&mut self, value: &Value, path: &str, depth: usize) {
        for (key, value) in value.members() {
            self.member(&escaped(key), value, path, depth);
        }
        for (place, value) in value.elements().iter().take(ELEMENTS).enumerate() {
            self.member(&place.to_string(), value, path, depth);
        }
    }

    #[inline(never)]
    fn member(&mut self, key: &str, value: &Value, path: &str, depth: usize) {
        let path = if path.is_empty() { key.to_owned() } else { [path, key].join(".") };
        if let Value::Object(_) | Value::Array(_) = value {
            if depth < DEPTH {
                self.object(value, &path, depth + 1);
            }
            return;
        }
        let Some(profile) = self.profile(key, &path) else { return };
        match value {
            Value::Null => profile.add(None, false),
            Value::String(text) => profile.add(Some(text), true),
            other => profile.add(Some(&other.to_string()), false),
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    format: Format,
    document: String,
}

impl Report {
    /// What the records are.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The report as JSON text: `format`, `flow_format` (flow logs), `layers`, `columns`, `score`, `configuration`,
    /// `views`, `records` (how many were seen, looked at, too long) and `notes`.
    pub fn to_json(&self) -> String {
        self.document.clone()
    }

    pub(super) fn new(records: &[Kept], raw: Vec<String>, layers: Vec<String>, seen: u64, too_long: u64) -> Report {
        let objects = records.iter().filter(|record| record.is_object).count();
        let lines: Vec<&[u8]> =
            records.iter().filter(|record| !record.is_object).map(|record| &record.text[..]).collect();
        let mut analysis = if records.is_empty() {
            Analysis { notes: vec!["there are no records in the sample".to_owned()], ..Analysis::new(Format::Unknown) }
        } else if objects * 2 >= records.len() {
            of_objects(records)
        } else {
            of_lines(records, &lines)
        };
        if too_long > 0 {
            analysis.notes.push(format!("{too_long} records were too long to be looked at"));
        }
        if analysis.columns.left_out {
            analysis.notes.push(format!("there are more than {COLUMNS} columns; the first are reported"));
        }
        let raw: Vec<_> = raw.into_iter().map(Value::String).collect();
        let processed: Vec<_> =
            records.iter().take(EXAMPLES).map(|record| Value::String(excerpt(&record.text))).collect();
        let document = Writer::document(|writer| {
            writer.open(b'{');
            writer.key("format").text(analysis.format.name());
            if let Some(found) = &analysis.flow {
                writer.key("flow_format").open(b'{');
                writer.key("format").text(&found.format.to_string());
                writer.key("source").text(found.source);
                writer.key("fits").number(found.fits);
                writer.close(b'}');
            }
            writer.key("layers").texts(&layers);
            writer.key("columns").open(b'[');
            for profile in &analysis.columns.profiles {
                profile.write(writer, analysis.records);
            }
            writer.close(b']');
            writer.key("score").open(b'[');
            if let Some((path, reason)) = &analysis.score {
                writer.open(b'{');
                writer.key("column").text(path);
                writer.key("reason").text(reason);
                writer.close(b'}');
            }
            writer.close(b']');
            writer.key("configuration");
            analysis.write_configuration(writer);
            writer.key("views").open(b'{');
            for (name, view) in [("raw", &raw), ("processed", &processed), ("parsed", &analysis.parsed)] {
                writer.key(name).open(b'[');
                for value in view {
                    value.write(writer);
                }
                writer.close(b']');
            }
            writer.close(b'}');
            writer.key("records").open(b'{');
            for (name, count) in [("seen", seen), ("sampled", records.len() as u64), ("too_long", too_long)] {
                writer.key(name).whole(count);
            }
            writer.close(b'}');
            writer.key("notes").texts(&analysis.notes);
            writer.close(b'}');
        });
        Report { format: analysis.format, document }
    }
}

struct Analysis {
    format: Format,
    columns: Columns,
    /// Of how many records the columns were taken.
    records: usize,
    flow: Option<flow_shape::Recognised>,
    /// The column to score, and why.
    score: Option<(String, &'static str)>,
    /// How the CSV rows are written.
    dialect: Option<Dialect>,
    parsed: Vec<Value>,
    notes: Vec<String>,
}

impl Analysis {
    fn new(format: Format) -> Analysis {
        Analysis {
            format,
            columns: Columns::default(),
            records: 0,
            flow: None,
            score: None,
            dialect: None,
            parsed: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The column that varies most for its size; of equals the first.
    #[inline(never)]
    fn suggest(&mut self) {
        let mut most = 0.0;
        for profile in &self.columns.profiles {
            if let Some(spread) = profile.spread()
                && spread > most
            {
                most = spread;
                self.score = Some((profile.path.clone(), VARIES));
            }
        }
        if self.score.is_none() {
            self.notes.push("no column holds numbers that vary: there is nothing to score".to_owned());
        }
    }

    #[inline(never)]
    fn write_configuration(&self, writer: &mut Writer<'_>) {
        match (self.format, &self.score) {
            (Format::VpcFlowLog, _) => configuration::for_flow_logs(self.flow.as_ref(), writer),
            (Format::Json | Format::Csv, Some((column, _))) => {
                configuration::for_rows(self.format, column, self.dialect.as_ref(), writer);
            }
            _ => {
                writer.open(b'{');
                writer.close(b'}');
            }
        }
    }
}

/// Why a column of rows is suggested.
const VARIES: &str = "of the columns that are counts or amounts (not negative, no id, port, status or time) it varies \
                      most for its size";

#[inline(never)]
fn of_objects(records: &[Kept]) -> Analysis {
    let objects: Vec<&[u8]> = records.iter().filter(|record| record.is_object).map(|record| &record.text[..]).collect();
    let mut parser = Parser::new(Formats::default());
    // As flow log fields only with the fields that are scored, or any JSON with a member `type` would be one.
    let is_flow = |object: &&[u8]| parser.object(object).is_ok_and(|record| record.format().columns().len() >= 4);
    let flow = objects.iter().copied().filter(is_flow).count();
    let mut analysis = Analysis::new(if flow * 10 >= objects.len() * 9 { Format::VpcFlowLog } else { Format::Json });
    let mut broken = 0;
    for object in &objects {
        match Value::parse(object) {
            Ok(value @ Value::Object(_)) => {
                analysis.columns.object(&value, "", 1);
                if analysis.parsed.len() < EXAMPLES {
                    analysis.parsed.push(value);
                }
                analysis.records += 1;
            }
            _ => broken += 1,
        }
    }
    if broken > 0 {
        analysis.notes.push(format!("{broken} of {} sampled records are no JSON objects", objects.len()));
    }
    if analysis.format == Format::VpcFlowLog {
        score_flow_logs(&mut analysis);
    } else {
        analysis.suggest();
    }
    analysis
}

#[inline(never)]
fn of_lines(records: &[Kept], lines: &[&[u8]]) -> Analysis {
    if let Some(found) = flow_shape::recognise(lines) {
        return of_flow_logs(found, lines);
    }
    if records.iter().any(|record| record.extracted.is_some()) {
        let mut parser = Parser::new(Formats::default());
        let record = records.iter().find_map(|record| record.extracted.as_deref());
        if let Some(Ok(record)) = record.map(|json| parser.object(json)) {
            let found = flow_shape::Recognised {
                format: record.format().clone(),
                source: "extracted_fields",
                fits: 1.0,
                notes: vec!["the fields are named by extractedFields; their order in the line is not known".to_owned()],
            };
            let objects: Vec<&[u8]> = records.iter().filter_map(|record| record.extracted.as_deref()).collect();
            return of_flow_logs(found, &objects);
        }
    }
    if let Some(dialect) = csv_shape::recognise(lines) {
        return of_csv(dialect, lines);
    }
    let mut analysis = Analysis::new(Format::Text);
    analysis.parsed = lines
        .iter()
        .take(EXAMPLES)
        .map(|line| Value::Object(vec![("line".to_owned(), Value::String(excerpt(line)))]))
        .collect();
    analysis.notes.push("neither flow log lines, nor JSON, nor delimited text: there is nothing to score".to_owned());
    analysis
}

#[inline(never)]
fn of_flow_logs(found: flow_shape::Recognised, lines: &[&[u8]]) -> Analysis {
    let mut analysis = Analysis::new(Format::VpcFlowLog);
    for column in found.format.columns() {
        // All columns are there, also those that are `-` in the whole sample.
        let profile = analysis.columns.profile(&column.snake_name, &column.snake_name);
        if let (Some(profile), Some(field)) = (profile, column.field) {
            profile.declare(field);
        }
    }
    let mut parser = Parser::new(Formats::new(vec![found.format.clone()]));
    let mut broken = 0;
    for line in lines {
        match parser.event(line, None) {
            Err(_) => broken += 1,
            Ok(parsed) => {
                let Some(record) = parsed.record() else { continue };
                let mut object = b"{".to_vec();
                record.write_members(&mut object);
                object.push(b'}');
                let Ok(value) = Value::parse(&object) else { continue };
                analysis.columns.object(&value, "", 1);
                if analysis.parsed.len() < EXAMPLES {
                    analysis.parsed.push(value);
                }
                analysis.records += 1;
            }
        }
    }
    if broken > 0 {
        analysis.notes.push(format!("{broken} of {} sampled lines do not have this format", lines.len()));
    }
    analysis.notes.extend(found.notes.iter().cloned());
    analysis.flow = Some(found);
    score_flow_logs(&mut analysis);
    analysis
}

/// Bytes as a rule; packets or nothing where the format lacks them.
#[inline(never)]
fn score_flow_logs(analysis: &mut Analysis) {
    for (name, reason) in [
        ("bytes", "the bytes of a flow log are what rises in a flood and falls in an outage"),
        ("packets", "the format has no bytes; packets rise and fall with them"),
    ] {
        if analysis.columns.profiles.iter().any(|profile| profile.path == name && profile.has_values()) {
            analysis.score = Some((name.to_owned(), reason));
            return;
        }
    }
    analysis
        .notes
        .push("neither bytes nor packets are in the sample: only the number of flows can be scored".to_owned());
}

#[inline(never)]
fn of_csv(dialect: Dialect, lines: &[&[u8]]) -> Analysis {
    let mut analysis = Analysis::new(Format::Csv);
    let is_header = usize::from(dialect.header == crate::row::Header::First);
    for line in lines.iter().skip(is_header) {
        let Some(fields) = csv_shape::fields(line, dialect.delimiter) else { continue };
        if fields.len() != dialect.names.len() || (is_header == 1 && fields == dialect.names) {
            continue;
        }
        for (name, field) in dialect.names.iter().zip(&fields) {
            if let Some(profile) = analysis.columns.profile(name, name) {
                let field = field.trim_ascii();
                profile.add((!field.is_empty()).then_some(field), true);
            }
        }
        if analysis.parsed.len() < EXAMPLES {
            analysis.parsed.push(Value::Array(fields.into_iter().map(Value::String).collect()));
        }
        analysis.records += 1;
    }
    analysis.dialect = Some(dialect);
    analysis.suggest();
    analysis
}
