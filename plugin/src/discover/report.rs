//! The report on a sample.

use serde_json::{Value, json};

use super::column::Profile;
use super::sample::{EXAMPLES, Kept};
use super::{Format, configuration, csv_shape, flow_shape};
use crate::flow::{Formats, Parser};
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
    fn object(&mut self, value: &Value, path: &str, depth: usize) {
        let members: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(key, value)| (escaped(key), value)).collect(),
            Value::Array(elements) => {
                elements.iter().take(ELEMENTS).enumerate().map(|(i, value)| (i.to_string(), value)).collect()
            }
            _ => return,
        };
        for (key, value) in members {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Object(_) | Value::Array(_) if depth < DEPTH => self.object(value, &path, depth + 1),
                Value::Object(_) | Value::Array(_) => {}
                _ => {
                    let Some(profile) = self.profile(&key, &path) else { continue };
                    match value {
                        Value::Null => profile.add(None, false),
                        Value::String(text) => profile.add(Some(text), true),
                        other => profile.add(Some(&other.to_string()), false),
                    }
                }
            }
        }
    }
}

/// A dot in a key is written `\.` in a path.
fn escaped(key: &str) -> String {
    key.replace('\\', "\\\\").replace('.', "\\.")
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Report {
    format: Format,
    document: Value,
}

impl Report {
    /// What the records are.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The report as JSON text: `format`, `flow_format` (flow logs), `layers`, `columns`, `score`, `configuration`,
    /// `views`, `records` (how many were seen, looked at, too long) and `notes`.
    pub fn to_json(&self) -> String {
        format!("{:#}", self.document)
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
        let count = analysis.records;
        let columns: Vec<_> = analysis.columns.profiles.iter().map(|profile| profile.to_json(count)).collect();
        let processed: Vec<_> = records.iter().take(EXAMPLES).map(|record| shown(&record.text)).collect();
        let mut document = json!({
            "format": analysis.format.name(),
            "layers": layers,
            "columns": columns,
            "score": analysis.score.iter().map(|(path, reason)| json!({"column": path, "reason": reason})).collect::<Vec<_>>(),
            "configuration": analysis.configuration,
            "views": { "raw": raw, "processed": processed, "parsed": analysis.parsed },
            "records": { "seen": seen, "sampled": records.len(), "too_long": too_long },
            "notes": analysis.notes,
        });
        if let Some(found) = &analysis.flow {
            document["flow_format"] = json!({
                "format": found.format.to_string(),
                "source": found.source,
                "fits": found.fits,
            });
        }
        Report { format: analysis.format, document }
    }
}

struct Analysis {
    format: Format,
    columns: Columns,
    /// Of how many records the columns were taken.
    records: usize,
    flow: Option<flow_shape::Found>,
    score: Vec<(String, String)>,
    configuration: Value,
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
            score: Vec::new(),
            configuration: json!({}),
            parsed: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The column that varies most for its size; of equals the first.
    fn suggest(&mut self, dialect: Option<&Dialect>) {
        let mut best: Option<(f64, &Profile)> = None;
        for profile in &self.columns.profiles {
            if let Some(spread) = profile.spread()
                && best.is_none_or(|(most, _)| spread > most)
            {
                best = Some((spread, profile));
            }
        }
        match best {
            Some((_, profile)) => {
                let reason = "of the columns that are counts or amounts (not negative, no id, port, status or time) it varies most for its size";
                self.configuration = configuration::for_rows(self.format, &[&profile.path], dialect);
                self.score = vec![(profile.path.clone(), reason.to_owned())];
            }
            None => self.notes.push("no column holds numbers that vary: there is nothing to score".to_owned()),
        }
    }
}

fn of_objects(records: &[Kept]) -> Analysis {
    let objects: Vec<&[u8]> = records.iter().filter(|record| record.is_object).map(|record| &record.text[..]).collect();
    let mut parser = Parser::new(Formats::default());
    // As flow log fields only with the fields that are scored, or any JSON with a member `type` would be one.
    let is_flow = |object: &&[u8]| parser.object(object).is_ok_and(|record| record.format().columns().len() >= 4);
    let flow = objects.iter().copied().filter(is_flow).count();
    let mut analysis = Analysis::new(if flow * 10 >= objects.len() * 9 { Format::VpcFlowLog } else { Format::Json });
    let mut broken = 0;
    for object in &objects {
        match serde_json::from_slice::<Value>(object) {
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
        analysis.configuration = configuration::for_flow_logs(None);
        score_flow_logs(&mut analysis);
    } else {
        analysis.suggest(None);
    }
    analysis
}

fn of_lines(records: &[Kept], lines: &[&[u8]]) -> Analysis {
    if let Some(found) = flow_shape::recognise(lines) {
        return of_flow_logs(found, lines);
    }
    if records.iter().any(|record| record.extracted.is_some()) {
        let mut parser = Parser::new(Formats::default());
        let record = records.iter().find_map(|record| record.extracted.as_deref());
        if let Some(Ok(record)) = record.map(|json| parser.object(json)) {
            let found = flow_shape::Found {
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
        return of_csv(&dialect, lines);
    }
    let mut analysis = Analysis::new(Format::Text);
    analysis.parsed = lines.iter().take(EXAMPLES).map(|line| json!({ "line": shown(line) })).collect();
    analysis.notes.push("neither flow log lines, nor JSON, nor delimited text: there is nothing to score".to_owned());
    analysis
}

fn of_flow_logs(found: flow_shape::Found, lines: &[&[u8]]) -> Analysis {
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
                let Ok(value) = serde_json::from_slice::<Value>(&object) else { continue };
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
    analysis.configuration = configuration::for_flow_logs(Some(&found));
    analysis.flow = Some(found);
    score_flow_logs(&mut analysis);
    analysis
}

/// Bytes as a rule; packets or nothing where the format lacks them.
fn score_flow_logs(analysis: &mut Analysis) {
    for (name, reason) in [
        ("bytes", "the bytes of a flow log are what rises in a flood and falls in an outage"),
        ("packets", "the format has no bytes; packets rise and fall with them"),
    ] {
        if analysis.columns.profiles.iter().any(|profile| profile.path == name && profile.has_values()) {
            analysis.score = vec![(name.to_owned(), reason.to_owned())];
            return;
        }
    }
    analysis
        .notes
        .push("neither bytes nor packets are in the sample: only the number of flows can be scored".to_owned());
}

fn of_csv(dialect: &Dialect, lines: &[&[u8]]) -> Analysis {
    let mut analysis = Analysis::new(Format::Csv);
    let is_header = usize::from(dialect.header == crate::row::Header::First);
    for line in lines.iter().skip(is_header) {
        let Some(fields) = csv_shape::fields(line, dialect.delimiter) else { continue };
        if fields.len() != dialect.names.len() || (is_header == 1 && fields == dialect.names) {
            continue;
        }
        for (name, field) in dialect.names.iter().zip(&fields) {
            if let Some(profile) = analysis.columns.profile(name, name) {
                profile.add((!field.trim().is_empty()).then_some(field.trim()), true);
            }
        }
        if analysis.parsed.len() < EXAMPLES {
            analysis.parsed.push(json!(fields));
        }
        analysis.records += 1;
    }
    analysis.suggest(Some(dialect));
    analysis
}

/// The start of a text for people to look at; of bytes that are no text, base64.
pub(super) fn shown(bytes: &[u8]) -> String {
    use base64::Engine;
    const LENGTH: usize = 1000;
    match std::str::from_utf8(bytes) {
        Ok(text) => text.chars().take(LENGTH).collect(),
        Err(_) => base64::engine::general_purpose::STANDARD.encode(bytes.get(..LENGTH).unwrap_or(bytes)),
    }
}
