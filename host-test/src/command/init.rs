//! `flowscore init`: a configuration to begin with, made from a sample of what there is.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde_json::Value;

use super::discover_schema::DiscoverSchemaArgs;
use super::stdout;
use host_test::usage::Usage;
use schema::Setting;

mod schema;

/// Columns that a comment fills.
const WIDTH: usize = 120;

/// Write a configuration to begin with: what a sample needs, and every other option in a comment
#[derive(Args)]
#[command(after_help = "\
Examples:
  flowscore init flows.log.gz
  flowscore init s3://bucket/AWSLogs/123456789012/vpcflowlogs/eu-west-1/2026/01/31/ --output - | less
  flowscore init --defaults

The sample is looked at as `discover-schema` does, and the configuration is checked. A file that is there is left alone.")]
pub(crate) struct InitArgs {
    #[command(flatten)]
    sample: DiscoverSchemaArgs,
    /// Without a sample: every option with its default, in comments
    #[arg(long)]
    defaults: bool,
    /// Where to: a file that is not there yet, or `-`
    #[arg(long, value_name = "FILE", default_value = "flowscore.yaml")]
    output: PathBuf,
}

impl InitArgs {
    /// Writes the file.
    pub(crate) fn run(&self) -> Result<()> {
        let plugin = self.sample.plugin.load()?;
        let schema = Setting::parse(&plugin.describe()?.config_schema).context("the schema of the configuration")?;
        let found: Value = match self.defaults {
            true => serde_json::json!({ "configuration": {} }),
            false => serde_json::from_str(&self.sample.discover(&plugin)?).context("what was found in the sample")?,
        };
        let configuration = &found["configuration"];
        let notes = found["notes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        for note in notes {
            eprintln!("hint: {note}");
        }
        if !self.defaults && found["format"] == "unknown" {
            let reason =
                "`flowscore discover-schema` shows what was found; `flowscore init --defaults` goes without a sample";
            return Err(Usage(format!("the sample says nothing of a configuration: {reason}")).into());
        }
        let text = commented(&schema, configuration);
        // Comments and all: what is written here is what will be read.
        let json = host_test::configuration::to_json(&text, host_test::configuration::Form::Yaml, |_| None);
        plugin.check_config(&json.map_err(Usage)?)?;
        if self.output == Path::new("-") {
            let mut out = stdout();
            out.write_all(text.as_bytes())?;
            return Ok(out.flush()?);
        }
        let shown = self.output.display();
        let mut file = OpenOptions::new().write(true).create_new(true).open(&self.output).map_err(|error| {
            Usage(match error.kind() {
                ErrorKind::AlreadyExists => format!("{shown} is there already; give another --output, or `-`"),
                _ => format!("cannot write {shown}: {error}"),
            })
        })?;
        file.write_all(text.as_bytes()).with_context(|| format!("cannot write {shown}"))?;
        eprintln!("{shown} is written; next: flowscore run --config {shown} INPUT");
        Ok(())
    }
}

/// The configuration as YAML, each option with its meaning before it; those that it has not stand in comments, with their defaults.
fn commented(schema: &Setting, configuration: &Value) -> String {
    let mut text = String::from(
        "# What is set here differs from the defaults, which the comments show. `flowscore check-config FILE` checks it.\n",
    );
    members(&mut text, schema, configuration, 0);
    text
}

fn members(text: &mut String, schema: &Setting, configuration: &Value, depth: usize) {
    let indent = "  ".repeat(depth);
    for (name, option) in &schema.properties {
        let set = &configuration[name];
        // For editors; what stands there is nothing to be decided on.
        if name.starts_with('$') {
            continue;
        }
        text.push('\n');
        comment(text, &indent, &option.description());
        // Writing to a String cannot fail, here and below.
        if option.properties.is_empty() {
            let (mark, value) = if set.is_null() { ("#", &option.default) } else { ("", set) };
            let _ = writeln!(text, "{indent}{mark}{name}: {value}");
        } else {
            let mark = if set.is_null() { "#" } else { "" };
            let _ = writeln!(text, "{indent}{mark}{name}:");
            members(text, option, set, depth + 1);
        }
    }
}

/// A paragraph of comments.
fn comment(text: &mut String, indent: &str, words: &str) {
    let mut column = usize::MAX;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if column.saturating_add(length + 1) > WIDTH {
            if column != usize::MAX {
                text.push('\n');
            }
            let _ = write!(text, "{indent}#");
            column = indent.len() + 1;
        }
        let _ = write!(text, " {word}");
        column += length + 1;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_test::configuration::{Form, to_json};
    use host_test::plugin::{Limits, Plugin};

    #[test]
    fn with_and_without_its_comment_marks_it_is_a_configuration() {
        let plugin = Plugin::built_in(Limits::default()).unwrap();
        let schema = Setting::parse(&plugin.describe().unwrap().config_schema).unwrap();
        let configuration =
            serde_json::json!({ "input": { "format": "${version} ${interface-id}" }, "series": { "window": 300 } });
        let text = commented(&schema, &configuration);
        let json = to_json(&text, Form::Yaml, |_| None).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), configuration);
        // Every option stands in it once: with its mark away, it is the default.
        let all: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("# "))
            .map(|line| line.replacen('#', "", 1) + "\n")
            .collect();
        let mut all: Value = serde_json::from_str(&to_json(&all, Form::Yaml, |_| None).unwrap()).unwrap();
        assert_eq!(
            plugin.check_config(&all.to_string()).unwrap(),
            plugin.check_config(&configuration.to_string()).unwrap()
        );
        (all["input"]["format"], all["series"]["window"]) = (serde_json::json!([]), 60.into());
        let defaults: Value = serde_json::from_str(&plugin.check_config("").unwrap()).unwrap();
        assert_eq!(all, defaults);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH + 80), "lines are short");
    }
}
