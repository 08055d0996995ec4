//! The report on a sample.

use super::analysis::{Run, analyse};
use super::columns::COLUMNS;
use super::kept::{EXAMPLES, excerpt};
use super::sample::Sample;
use crate::json::{Value, Writer};

/// The report as JSON text: `format`, `flow_format` (flow logs, and `flow_formats` if there are several), `layers`, `columns`,
/// `score`, `configuration` and what the sample came to by it (`trial`), `views`, `records` (how many were seen, looked at, too
/// long) and `notes`.
pub(super) fn report(sample: &Sample, run: Run<'_>) -> String {
    let mut analysis = analyse(sample, run);
    let about = &sample.about;
    if about.too_long > 0 {
        analysis.notes.push(format!("{} records were too long to be looked at", about.too_long));
    }
    if let Some(failure) = &about.failure {
        analysis.notes.push(format!("{} could not be opened, the first since: {failure}", about.failed));
    }
    if analysis.columns.left_out {
        analysis.notes.push(format!("there are more than {COLUMNS} columns; the first are reported"));
    }
    let raw: Vec<_> = about.raw.iter().cloned().map(Value::String).collect();
    let processed: Vec<_> =
        sample.records.iter().take(EXAMPLES).map(|record| Value::String(excerpt(&record.text))).collect();
    let sampled = sample.records.len();
    Writer::document(|writer| {
        writer.open(b'{');
        writer.key("format").text(analysis.format.name());
        let each = |writer: &mut Writer<'_>, (format, source, count): &(crate::flow::Format, &'static str, usize)| {
            writer.open(b'{');
            writer.key("format").text(&format.to_string());
            writer.key("source").text(source);
            writer.key("fits").number(*count as f64 / sampled as f64);
            writer.close(b'}');
        };
        if let Some(first) = analysis.formats.first() {
            writer.key("flow_format");
            each(writer, first);
        }
        if analysis.formats.len() > 1 {
            writer.key("flow_formats").open(b'[');
            analysis.formats.iter().for_each(|format| each(writer, format));
            writer.close(b']');
        }
        writer.key("layers").texts(&about.layers);
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
        let suggestion = analysis.suggestion.as_ref();
        let config = suggestion.and_then(|(config, _)| Value::parse(config.as_bytes()).ok());
        config.unwrap_or(Value::Object(Vec::new())).write(writer.key("configuration"));
        writer.key("trial");
        match suggestion {
            None => writer.literal("null"),
            Some((_, trial)) => trial.write(writer),
        }
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
        for (name, count) in [("seen", about.seen), ("sampled", sampled as u64), ("too_long", about.too_long)] {
            writer.key(name).whole(count);
        }
        writer.close(b'}');
        writer.key("headers").texts(&about.headers);
        writer.key("notes").texts(&analysis.notes);
        writer.close(b'}');
    })
}
