//! What the records of a sample are, and which configuration suits them.

use super::Format;
use super::columns::Columns;
use super::configuration::{self, Windows};
use super::csv_shape;
use super::flow_shape::{self, Recognised, Tokens};
use super::guess::key;
use super::kept::{EXAMPLES, Form, Kept, excerpt};
use super::mapping;
use super::sample::{Sample, Source};
use super::trial::Trial;
use crate::column::Field;
use crate::flow::{self, Formats, Parser};
use crate::json::Value;
use crate::order;
use crate::row::{Dialect, Header};

/// Runs the sample by a configuration.
pub(super) type Run<'a> = &'a mut dyn FnMut(&str) -> Trial;

/// What was found.
pub(super) struct Analysis {
    pub(super) format: Format,
    pub(super) columns: Columns,
    /// Of how many records the columns were taken.
    pub(super) records: usize,
    /// The formats of flow log records, that of most records first, how each is known, and how many records have it.
    pub(super) formats: Vec<(flow::Format, &'static str, usize)>,
    /// The column to score, and why.
    pub(super) score: Option<(String, &'static str)>,
    pub(super) parsed: Vec<Value>,
    pub(super) notes: Vec<String>,
    /// The configuration suggested, and what the sample came to by it.
    pub(super) suggestion: Option<(String, Trial)>,
}

/// Looks at a sample.
pub(super) fn analyse(sample: &Sample, run: Run<'_>) -> Analysis {
    let records = &sample.records;
    let count = |is: fn(&Form) -> bool| records.iter().filter(|record| is(&record.form)).count();
    let flows = count(|form| matches!(form, Form::Flow(..)));
    let rows = count(|form| matches!(form, Form::Row(_)));
    let objects = count(|form| *form == Form::Object);
    let lines: Vec<&[u8]> =
        records.iter().filter(|record| record.form == Form::Line).map(|record| &record.text[..]).collect();
    let mut analysis = if records.is_empty() {
        let mut analysis = Analysis::new(Format::Unknown);
        analysis.notes.push("there are no records in the sample".to_owned());
        analysis
    } else if flows * 10 >= records.len() {
        of_flow_logs(sample, &lines, run)
    } else if objects >= rows && objects >= lines.len() {
        of_objects(records, run)
    } else if rows >= lines.len() {
        of_rows(records, run)
    } else {
        of_lines(sample, &lines, run)
    };
    analysis.tell_of_others(records.len());
    analysis
}

impl Analysis {
    fn new(format: Format) -> Analysis {
        Analysis {
            format,
            columns: Columns::default(),
            records: 0,
            formats: Vec::new(),
            score: None,
            parsed: Vec::new(),
            notes: Vec::new(),
            suggestion: None,
        }
    }

    /// Takes in a record as JSON text.
    fn add(&mut self, object: &[u8]) -> bool {
        let Ok(value @ Value::Object(_)) = Value::parse(object) else { return false };
        self.columns.object(&value);
        self.records += 1;
        if self.parsed.len() < EXAMPLES {
            self.parsed.push(value);
        }
        true
    }

    /// Suggests the first of these configurations that the sample runs by: as many records as `expected`, but for a tenth, are
    /// ok, and in series of their own names where there are series.
    fn suggest(&mut self, candidates: &[String], expected: usize, sampled: usize, run: Run<'_>) {
        let mut refused = None;
        for config in candidates {
            let trial = run(config);
            let (ok, all) = (trial.counts.ok as f64, trial.counts.records() as f64);
            let is_read = ok > 0.0 && ok / all >= 0.9 * expected as f64 / sampled as f64;
            if is_read && trial.has_series() {
                self.suggestion = Some((config.clone(), trial));
                return;
            }
            let reason = match (is_read, trial.missing.first(), trial.refused) {
                (false, _, Some(reason)) => reason,
                (_, Some(missing), _) => missing.clone(),
                _ => "its series would be none, or one for each record".to_owned(),
            };
            refused.get_or_insert(format!("{config} would not do: {reason}"));
        }
        if let Some(refused) = refused {
            self.notes.push(format!("no configuration is suggested: {refused}"));
        }
    }

    /// What a run will tell as failed.
    fn tell_of_others(&mut self, sampled: usize) {
        if let Some((_, trial)) = &self.suggestion {
            let (failed, all) = (trial.counts.failed, trial.counts.records());
            if failed > 0 {
                let reason = trial.refused.as_deref().unwrap_or_default();
                self.notes.push(format!(
                    "{failed} of {all} records are something else; `run` tells them as failed: {reason}"
                ));
            }
        } else if self.records < sampled && self.records > 0 {
            self.notes.push(format!("{} of {sampled} sampled records are something else", sampled - self.records));
        }
    }

    /// The column that varies most for its size; of equals the first.
    #[inline(never)]
    fn choose_column(&mut self) {
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

    /// Bytes as a rule; packets or nothing where the format lacks them. Some fields may have other names.
    #[inline(never)]
    fn score_flow_logs(&mut self, fields: &[(String, String)]) {
        for (field, reason) in [
            (Field::Bytes, "the bytes of a flow log are what rises in a flood and falls in an outage"),
            (Field::Packets, "the format has no bytes; packets rise and fall with them"),
        ] {
            let mapped = fields.iter().find(|(name, _)| *name == field.snake_name()).map(|(_, path)| path.as_str());
            let is_it = |path: &str| match mapped {
                Some(mapped) => path == mapped,
                None => Field::by_name(path.as_bytes()) == Some(field),
            };
            let found = self.columns.profiles.iter().find(|profile| is_it(&profile.path) && profile.has_values());
            if let Some(profile) = found {
                self.score = Some((profile.path.clone(), reason));
                return;
            }
        }
        self.notes
            .push("neither bytes nor packets are in the sample: only the number of flows can be scored".to_owned());
    }
}

/// Why a column of rows is suggested.
const VARIES: &str = "of the columns that are counts or amounts (not negative, no id, port, status or time) it varies \
                      most for its size";

/// Flow log records that need no configuration, and perhaps lines of other formats among them.
#[inline(never)]
fn of_flow_logs(sample: &Sample, lines: &[&[u8]], run: Run<'_>) -> Analysis {
    let mut analysis = Analysis::new(Format::VpcFlowLog);
    let mut counts = vec![0; sample.about.formats.len()];
    for record in &sample.records {
        if let Form::Flow(format, _) = &record.form {
            counts[*format] += 1;
        }
    }
    for ((format, source), count) in sample.about.formats.iter().zip(counts) {
        let source = match source {
            Source::Header => "header",
            Source::ExtractedFields => "extracted_fields",
            Source::Known if format.column_of(Field::TgwId).is_some() => "transit_gateway",
            Source::Known => "default",
        };
        analysis.formats.push((format.clone(), source, count));
    }
    let known = analysis.formats.iter().any(|(_, source, _)| matches!(*source, "default" | "transit_gateway"));
    let others = if lines.len() * 10 >= sample.records.len() { flow_shape::recognise(lines) } else { Vec::new() };
    flow_logs(analysis, sample, others, lines, known, run)
}

/// Lines that nothing is known of yet.
#[inline(never)]
fn of_lines(sample: &Sample, lines: &[&[u8]], run: Run<'_>) -> Analysis {
    let found = flow_shape::recognise(lines);
    if !found.is_empty() {
        return flow_logs(Analysis::new(Format::VpcFlowLog), sample, found, lines, false, run);
    }
    if let Some(dialect) = csv_shape::recognise(lines) {
        return of_csv(dialect, lines, sample.records.len(), run);
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

/// Flow log records of the formats found, with those of `others` among the lines.
fn flow_logs(
    mut analysis: Analysis,
    sample: &Sample,
    others: Vec<Recognised>,
    lines: &[&[u8]],
    known: bool,
    run: Run<'_>,
) -> Analysis {
    let unclear: Vec<_> = others.iter().flat_map(|found| found.unclear.clone()).collect();
    for found in &others {
        analysis.formats.push((found.format.clone(), found.source, found.lines));
        analysis.notes.extend(found.notes.iter().cloned());
    }
    order::sort_by_key(&mut analysis.formats, |(_, _, count)| std::cmp::Reverse(*count));
    for (format, _, _) in &analysis.formats {
        for column in format.columns() {
            // All columns are there, also those that are `-` in the whole sample.
            analysis.columns.declare(&column.snake_name, column.field);
        }
    }
    for record in &sample.records {
        if let Form::Flow(_, object) = &record.form {
            analysis.add(object);
        }
    }
    let mut windows = Windows::default();
    if !others.is_empty() {
        let formats = others.iter().map(|found| found.format.clone()).collect();
        let mut parser = Parser::new(Formats::new(formats));
        for line in lines {
            let Some(record) = parser.line(line).ok().and_then(flow::Parsed::record) else { continue };
            let mut object = b"{".to_vec();
            record.write_members(&mut object);
            object.push(b'}');
            analysis.add(&object);
        }
        // Formats that are named go in the place of those that need none.
        let is_named = |source: &str| match known {
            true => source != "header" && source != "extracted_fields",
            false => matches!(source, "published" | "guess"),
        };
        let named = analysis.formats.iter().filter(|(_, source, _)| is_named(source));
        let text = |(format, source, _): &(flow::Format, &'static str, usize)| match *source {
            "default" => "default".to_owned(),
            "transit_gateway" => "transit-gateway".to_owned(),
            _ => format.to_string(),
        };
        windows.formats = named.map(text).collect();
    }
    analysis.tell_of_mixture();
    if !unclear.is_empty() {
        analysis.notes.extend(unclear);
        analysis.notes.push(
            "no configuration is suggested: what matters cannot be told from the tokens; set input.format to the flow log's \
             LogFormat (aws ec2 describe-flow-logs)"
                .to_owned(),
        );
        return analysis;
    }
    analysis.score_flow_logs(&[]);
    let have = |field: Field| analysis.formats.iter().all(|(format, _, _)| format.column_of(field).is_some());
    let has_interface = |format: &flow::Format| {
        [Field::InterfaceId, Field::TgwAttachmentId].iter().any(|field| format.column_of(*field).is_some())
    };
    if !analysis.formats.iter().all(|(format, _, _)| has_interface(format)) {
        windows.by = key(have).map(Field::snake_name);
    }
    windows.value = match (have(Field::Bytes), have(Field::Packets)) {
        (true, _) => None,
        (false, true) => Some("packets"),
        (false, false) => Some("flows"),
    };
    let (expected, sampled) = (analysis.records, sample.records.len());
    analysis.suggest(&[windows.to_json()], expected, sampled, run);
    analysis
}

impl Analysis {
    /// Says of records of several formats how many have which.
    fn tell_of_mixture(&mut self) {
        if self.formats.len() < 2 {
            return;
        }
        let each = self.formats.iter().map(|(format, source, count)| {
            let name = match *source {
                "default" => "the default format of VPC flow logs",
                "transit_gateway" => "the format of transit gateway flow logs",
                "header" => "a format that a header line names",
                "extracted_fields" => "fields that CloudWatch extracted",
                _ => "another format",
            };
            format!("{count} in {name} ({} fields)", format.columns().len())
        });
        let each = each.collect::<Vec<_>>().join(", ");
        self.notes.push(format!("the records are a mixture: {each}"));
    }
}

#[inline(never)]
fn of_objects(records: &[Kept], run: Run<'_>) -> Analysis {
    let objects = || records.iter().filter(|record| record.form == Form::Object).map(|record| &record.text[..]);
    let mut parser = Parser::new(Formats::default());
    // As flow log fields only with the fields that are scored, or any JSON with a member `type` would be one.
    let is_flow = |object: &&[u8]| parser.object(object).is_ok_and(|record| record.format().columns().len() >= 4);
    let (all, flows) = (objects().count(), objects().filter(is_flow).count());
    let mut analysis = Analysis::new(if flows * 10 >= all * 9 { Format::VpcFlowLog } else { Format::Json });
    let broken = objects().filter(|object| !analysis.add(object)).count();
    if broken > 0 {
        analysis.notes.push(format!("{broken} of {all} sampled objects are no JSON"));
    }
    rows(analysis, records.len(), None, run)
}

/// CSV rows under a header that was found.
#[inline(never)]
fn of_rows(records: &[Kept], run: Run<'_>) -> Analysis {
    let mut analysis = Analysis::new(Format::Csv);
    for record in records {
        let Form::Row(object) = &record.form else { continue };
        let Ok(value) = Value::parse(object) else { continue };
        let fields = value.members().iter().map(|(name, field)| match field {
            Value::String(text) => (name.as_str(), text.as_str()),
            _ => (name.as_str(), ""),
        });
        analysis.columns.row(fields);
        analysis.records += 1;
        if analysis.parsed.len() < EXAMPLES {
            analysis.parsed.push(value);
        }
    }
    analysis.notes.push("a header row names the columns; `run` finds it by itself".to_owned());
    rows(analysis, records.len(), None, run)
}

/// Rows with names: windows, if they are flows under whatever names, or else the column that varies most.
fn rows(mut analysis: Analysis, sampled: usize, dialect: Option<&Dialect>, run: Run<'_>) -> Analysis {
    let expected = analysis.records;
    // A delimiter has to be said, but a header is found.
    let delimiter = dialect.filter(|dialect| dialect.delimiter != b',').map(|dialect| dialect.delimiter);
    // Where each row is a payload of its own, no header goes before it, so that the names have to be said.
    let named = dialect.map(|dialect| dialect.names.clone());
    let windows = |fields: &[(String, String)], by: Option<&String>| {
        let config = |names: Vec<String>| {
            Windows { fields: fields.to_vec(), by: by.cloned(), delimiter, names, ..Windows::default() }.to_json()
        };
        [Some(Vec::new()), named.clone()].into_iter().flatten().map(config).collect::<Vec<_>>()
    };
    let notes = analysis.notes.len();
    let (mut candidates, mut fields): (Vec<_>, _) = (windows(&[], None), Vec::new());
    let mapping = mapping::map(&analysis.columns);
    if let Some(mapping) = mapping.as_ref().filter(|mapping| mapping.unclear.is_empty()) {
        candidates.extend(windows(&mapping.fields, mapping.by.as_ref()));
    }
    analysis.suggest(&candidates, expected, sampled, run);
    // Why windows would not do is of no interest where they are not what the rows are for.
    analysis.notes.truncate(notes);
    match (&analysis.suggestion, mapping) {
        (Some((config, _)), mapping) => {
            if let Some(mapping) = mapping.filter(|_| config.contains("\"fields\"")) {
                fields = mapping.fields;
            }
            analysis.score_flow_logs(&fields);
            return analysis;
        }
        (None, Some(mapping)) if !mapping.unclear.is_empty() => {
            analysis.notes.extend(mapping.unclear);
            analysis.notes.push("no configuration is suggested: say which columns the fields are".to_owned());
            return analysis;
        }
        (None, _) => {}
    }
    analysis.choose_column();
    if let Some((column, _)) = &analysis.score {
        let mut candidates = vec![configuration::record(column, dialect, &[])];
        candidates.extend(dialect.map(|dialect| configuration::record(column, Some(dialect), &dialect.names)));
        analysis.suggest(&candidates, expected, sampled, run);
    }
    analysis
}

/// Delimited text of a dialect that was guessed.
#[inline(never)]
fn of_csv(dialect: Dialect, lines: &[&[u8]], sampled: usize, run: Run<'_>) -> Analysis {
    let mut analysis = Analysis::new(Format::Csv);
    let has_header = dialect.header == Header::First;
    let fields =
        |line: &&[u8]| csv_shape::fields(line, dialect.delimiter).filter(|fields| fields.len() == dialect.names.len());
    let all: Vec<Vec<String>> =
        lines.iter().filter_map(fields).filter(|fields| !has_header || *fields != dialect.names).collect();
    for fields in &all {
        analysis.columns.row(dialect.names.iter().map(String::as_str).zip(fields.iter().map(String::as_str)));
        analysis.records += 1;
        if analysis.parsed.len() < EXAMPLES {
            analysis.parsed.push(Value::Array(fields.iter().cloned().map(Value::String).collect()));
        }
    }
    if has_header {
        return rows(analysis, sampled, Some(&dialect), run);
    }
    let (expected, tokens) = (analysis.records, all.iter());
    let tokens: Vec<Tokens<'_>> =
        tokens.map(|fields| fields.iter().map(|field| field.trim_ascii().as_bytes()).collect()).collect();
    if let Some(found) = flow_shape::of_tokens(tokens).first() {
        // Flow log fields between delimiters, without a header.
        analysis.format = Format::VpcFlowLog;
        analysis.formats = vec![(found.format.clone(), found.source, found.lines)];
        analysis.notes.extend(found.notes.iter().chain(&found.unclear).cloned());
        if found.unclear.is_empty() {
            let names = found.format.columns().iter().map(|column| column.snake_name.clone()).collect();
            let windows = Windows { names, delimiter: Some(dialect.delimiter), ..Windows::default() };
            analysis.suggest(&[windows.to_json()], expected, sampled, run);
        }
        return analysis;
    }
    analysis.choose_column();
    let candidates: Vec<_> = analysis.columns.profiles.iter().filter(|profile| profile.spread().is_some()).collect();
    match (&candidates[..], &analysis.score) {
        ([_], Some((column, _))) => {
            let candidates = [configuration::record(column, Some(&dialect), &[])];
            analysis.suggest(&candidates, expected, sampled, run);
        }
        ([_, _, ..], _) => {
            let paths: Vec<_> = candidates.iter().map(|profile| format!("`{}`", profile.path)).collect();
            analysis.notes.push(format!(
                "no configuration is suggested: any of {} may be the number to score; name the columns in input.csv.names and that \
                 one in record.columns",
                paths.join(", ")
            ));
            analysis.score = None;
        }
        _ => {}
    }
    analysis
}
