//! Configuration files: JSON (comments allowed), YAML or TOML, with variables of the environment, as the JSON text that the plugin
//! takes.
//!
//! `${NAME}` is the variable `NAME`, and `${NAME:-text}` has a text for when it is not set. A name is of capital letters, digits and
//! `_`, so that the `${interface-id}` of a flow log format stays what it is; so does `$${NAME}`, without its first `$`.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::usage::Usage;

/// How a configuration is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// JSON, with `//` and `/* */` comments.
    Json,
    /// YAML 1.2.
    Yaml,
    /// TOML 1.0.
    Toml,
}

impl Form {
    /// By the name of a file; without a telling one it is JSON, if it begins as that does, or else YAML.
    fn of(path: &Path, text: &str) -> Form {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("yaml" | "yml") => Form::Yaml,
            Some("toml") => Form::Toml,
            Some("json" | "jsonc") => Form::Json,
            _ if text.trim_start().starts_with(['{', '/']) || text.trim_start().is_empty() => Form::Json,
            _ => Form::Yaml,
        }
    }
}

/// The JSON text of a configuration file; `-` is standard input.
///
/// # Errors
///
/// The file cannot be read, a variable is not set, or the text is not of the form that its name says.
pub fn read(path: &Path) -> Result<String, Usage> {
    let (shown, text) = if path == Path::new("-") {
        ("standard input".into(), io::read_to_string(io::stdin()))
    } else {
        (path.display().to_string(), std::fs::read_to_string(path))
    };
    let text = text.map_err(|error| Usage(format!("cannot read the configuration {shown}: {error}")))?;
    let variable = |name: &str| std::env::var(name).ok();
    to_json(&text, Form::of(path, &text), variable)
        .map_err(|reason| Usage(format!("the configuration {shown}: {reason}")))
}

/// The JSON text of a configuration that is written in some form, or what is wrong with it.
pub fn to_json(text: &str, form: Form, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let text = with_variables(text, variable)?;
    let value: Value = match form {
        Form::Json => return Ok(without_comments(&text).into_owned()),
        Form::Yaml => serde_saphyr::from_str(&text)
            .map_err(|error| format!("this is no YAML: {}", one_line(&error.to_string())))?,
        Form::Toml => {
            let table: toml::Table =
                toml::from_str(&text).map_err(|error| format!("this is no TOML: {}", one_line(&error.to_string())))?;
            of_toml(toml::Value::Table(table))
        }
    };
    Ok(if value.is_null() { String::new() } else { value.to_string() })
}

/// Times, of which JSON has none, become text.
fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::Table(table) => table.into_iter().map(|(name, value)| (name, of_toml(value))).collect(),
        toml::Value::Array(elements) => elements.into_iter().map(of_toml).collect(),
        toml::Value::Datetime(time) => time.to_string().into(),
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(is_true) => is_true.into(),
    }
}

/// Comments become spaces, so that places in the text stay what they are. Text that is no JSON at all stays as it is: the plugin says
/// what is wrong with it.
fn without_comments(text: &str) -> Cow<'_, str> {
    let options =
        jsonc_parser::CollectOptions { comments: jsonc_parser::CommentCollectionStrategy::Separate, tokens: false };
    let Ok(parsed) = jsonc_parser::parse_to_ast(text, &options, &jsonc_parser::ParseOptions::default()) else {
        return text.into();
    };
    let comments = parsed.comments.unwrap_or_default();
    if comments.is_empty() {
        return text.into();
    }
    let mut bytes = text.as_bytes().to_vec();
    for comment in comments.values().flat_map(|comments| comments.iter()) {
        use jsonc_parser::common::Ranged;
        let range = comment.range();
        // A comment that stands before one thing and after another is told twice.
        for byte in bytes[range.start..range.end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    String::from_utf8(bytes).map_or(text.into(), Cow::Owned)
}

/// Text with variables of the environment (`${NAME}`, `${NAME:-default}`) replaced by their values.
///
/// # Errors
///
/// A variable is not set and has no default.
pub fn with_environment(text: &str) -> Result<String, String> {
    with_variables(text, |name| std::env::var(name).ok())
}

fn with_variables(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, after) = rest.split_at(at);
        let Some((name, default, after)) = reference(&after[2..]) else {
            out.push_str(&rest[..at + 2]);
            rest = &after[2..];
            continue;
        };
        let whole = &rest[at..rest.len() - after.len()];
        if let Some(before) = before.strip_suffix('$') {
            out.push_str(before);
            out.push_str(whole);
        } else {
            out.push_str(before);
            match (variable(name), default) {
                (Some(value), _) => out.push_str(&value),
                (None, Some(default)) => out.push_str(default),
                (None, None) => {
                    let line = text[..text.len() - rest.len() + at].matches('\n').count() + 1;
                    return Err(format!(
                        "the variable {name} in line {line} is not set in the environment; ${{{name}:-…}} gives a default, and \
                         $${{{name}}} is left as it is"
                    ));
                }
            }
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// The name of a variable, its default and what follows; none if it is something else in braces.
fn reference(text: &str) -> Option<(&str, Option<&str>, &str)> {
    let (inside, after) = text.split_once('}')?;
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let is_name = name.starts_with(|first: char| first.is_ascii_uppercase() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    is_name.then_some((name, default, after))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, form: Form) -> Result<String, String> {
        to_json(text, form, |name| match name {
            "WINDOW" => Some("300".into()),
            "WORD" => Some("high".into()),
            _ => None,
        })
    }

    #[test]
    fn one_configuration_in_three_forms() {
        let expected: Value = serde_json::json!({
            "mode": "window",
            "input": { "format": "${version} ${interface-id}" },
            "series": { "window": 300, "by": ["interface_id", "action"],
                "maintenance": [{ "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T01:00:00Z" }] },
            "detect": { "sensitivity": "high", "min_value": 1.5 },
            "fluent_bit": { "snapshot": null },
        });
        let as_json = "{ // one\n \"mode\": \"window\", /* two\n lines */ \"input\": {\"format\": \"${version} ${interface-id}\"},\n\
             \"series\": {\"window\": ${WINDOW}, \"by\": [\"interface_id\", \"action\"], \"maintenance\":\
             [{\"from\": \"2026-01-01T00:00:00Z\", \"to\": \"2026-01-01T01:00:00Z\"}]},\n\
             \"detect\": {\"sensitivity\": \"${WORD}\", \"min_value\": ${MIN:-1.5}}, \"fluent_bit\": {\"snapshot\": null}} // end";
        let as_yaml = "# one\nmode: window\ninput:\n  format: ${version} ${interface-id}\nseries:\n  window: ${WINDOW} # five minutes\n  \
             by: [interface_id, action]\n  maintenance:\n    - from: 2026-01-01T00:00:00Z\n      to: \"2026-01-01T01:00:00Z\"\n\
             detect:\n  sensitivity: ${WORD}\n  min_value: ${MIN:-1.5}\nfluent_bit:\n  snapshot: null\n";
        for (text, form) in [(as_json, Form::Json), (as_yaml, Form::Yaml)] {
            let json = json(text, form).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected, "{json}");
        }
        let as_toml = "# one\nmode = \"window\"\n[input]\nformat = \"${version} ${interface-id}\"\n[series]\nwindow = ${WINDOW}\n\
             by = [\"interface_id\", \"action\"]\nmaintenance = [{ from = 2026-01-01T00:00:00Z, to = \"2026-01-01T01:00:00Z\" }]\n\
             [detect]\nsensitivity = \"${WORD}\"\nmin_value = ${MIN:-1.5}\n";
        let mut without_null = expected;
        without_null.as_object_mut().unwrap().remove("fluent_bit");
        assert_eq!(serde_json::from_str::<Value>(&json(as_toml, Form::Toml).unwrap()).unwrap(), without_null);
    }

    #[test]
    fn places_in_json_stay_and_what_is_no_json_is_left_to_the_plugin() {
        let text = "{\n/* ä */ \"mode\": 7 // not a word\n}";
        let json = json(text, Form::Json).unwrap();
        assert_eq!((json.len(), json.find('7')), (text.len(), text.find('7')));
        assert_eq!(json.lines().count(), 3);
        for text in ["{\"mode\":", "[1,", "{\"a\":1,\"a\":2}", "{\"a\":\"// no comment\"}", ""] {
            assert_eq!(to_json(text, Form::Json, |_| None).as_deref(), Ok(text));
        }
    }

    #[test]
    fn variables() {
        for (text, expected) in [
            ("a ${WORD} b ${WORD}", Ok("a high b high")),
            ("${word} ${interface-id} ${} ${ $ {WORD}", Ok("${word} ${interface-id} ${} ${ $ {WORD}")),
            ("$${WORD} ${NONE:-} ${NONE:-a b}|", Ok("${WORD}  a b|")),
            ("a\n${NONE}", Err("the variable NONE in line 2 is not set")),
            ("${WORD", Ok("${WORD")),
        ] {
            match (json(text, Form::Json), expected) {
                (Ok(json), Ok(expected)) => assert_eq!(json, expected),
                (Err(reason), Err(named)) => assert!(reason.contains(named), "{reason}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn errors_say_where() {
        for (text, form, named) in [
            ("mode: [window", Form::Yaml, "line"),
            ("mode: window\nmode: record", Form::Yaml, "duplicate"),
            ("mode = ", Form::Toml, "line 1"),
        ] {
            let reason = json(text, form).unwrap_err();
            assert!(reason.to_lowercase().contains(named) && !reason.contains('\n'), "{reason}");
        }
        assert_eq!(json("# nothing\n", Form::Yaml).as_deref(), Ok(""));
    }

    #[test]
    fn the_name_of_a_file_says_its_form() {
        for (path, text, form) in [
            ("a.yml", "{}", Form::Yaml),
            ("a.toml", "", Form::Toml),
            ("a.json", "mode: x", Form::Json),
            ("-", " {}", Form::Json),
            ("-", "mode: record", Form::Yaml),
            ("flowscore.conf", "// c\n{}", Form::Json),
        ] {
            assert_eq!(Form::of(Path::new(path), text), form, "{path}");
        }
    }
}
