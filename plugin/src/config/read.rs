//! Reads a configuration.

use super::error::ConfigError;
use super::flow_format::FlowFormat;
use super::setting::{Items, Slot, truth};
use super::suggestion::nearest;
use super::table::SETTINGS;
use super::{Config, check};
use crate::column::finite;
use crate::json::Value;

impl Config {
    /// Reads and checks a configuration; the empty text means the defaults.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let mut config = Config::default();
        if text.trim_ascii().is_empty() {
            return Ok(config);
        }
        let document = Value::parse(text.as_bytes()).map_err(|failure| {
            let before = text.as_bytes().get(..failure.offset).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
            not_json(&format!("{} at line {line} column {column}", failure.reason))
        })?;
        match &document {
            Value::Object(members) => section(&mut config, members, "")?,
            _ => return Err(not_json("this is none")),
        }
        check::check(&config)?;
        Ok(config)
    }
}

fn not_json(why: &str) -> ConfigError {
    ConfigError { path: String::new(), value: String::new(), allowed: format!("it must be one JSON object, and {why}") }
}

fn wrong(path: &str, value: &Value, allowed: String) -> ConfigError {
    ConfigError { path: path.to_owned(), value: value.to_string(), allowed }
}

/// Refuses a key that is among those before it.
fn once<T>(before: &[(String, T)], name: &str, value: &Value, path: &str) -> Result<(), ConfigError> {
    match before.iter().any(|(other, _)| other == name) {
        true => Err(wrong(path, value, "removed here or there: the key is given twice".into())),
        false => Ok(()),
    }
}

/// Reads the members of the section whose path is `prefix`, which ends with a dot unless it is empty.
fn section(config: &mut Config, members: &[(String, Value)], prefix: &str) -> Result<(), ConfigError> {
    for (index, (name, value)) in members.iter().enumerate() {
        let path = format!("{prefix}{name}");
        once(&members[..index], name, value, &path)?;
        // For editors, which find the schema by it.
        if path == "$schema" && matches!(value, Value::String(_)) {
            continue;
        }
        // A name with a dot would pass for a path.
        let is_name = !name.contains('.');
        if let Some(setting) = SETTINGS.iter().find(|setting| is_name && setting.path == path) {
            (setting.slot)(config).read(value, &path)?;
            continue;
        }
        let below = format!("{path}.");
        let is_section = is_name && SETTINGS.iter().any(|setting| setting.path.starts_with(&below));
        match value {
            Value::Object(members) if is_section => section(config, members, &below)?,
            _ if is_section => return Err(wrong(&path, value, "an object".into())),
            _ => return Err(unknown(&path, value, name, &names(prefix))),
        }
    }
    Ok(())
}

/// The names that are known in a section.
fn names(prefix: &str) -> Vec<&'static str> {
    let mut names = Vec::new();
    for setting in SETTINGS {
        if let Some(rest) = setting.path.strip_prefix(prefix) {
            let name = rest.split_once('.').map_or(rest, |(name, _)| name);
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
    }
    names
}

fn unknown(path: &str, value: &Value, name: &str, known: &[&str]) -> ConfigError {
    let suggestion = nearest(name, known).map(|name| format!(" (did you mean {name}?)")).unwrap_or_default();
    let known = known.join(", ");
    wrong(path, value, format!("removed: there is no such key{suggestion}; known here are {known}"))
}

impl Slot<'_> {
    /// Takes a value over.
    fn read(&mut self, value: &Value, path: &str) -> Result<(), ConfigError> {
        if self.take(value, path)? { Ok(()) } else { Err(wrong(path, value, self.allowed())) }
    }

    /// Takes a value over; false if it is not one that is allowed.
    fn take(&mut self, value: &Value, path: &str) -> Result<bool, ConfigError> {
        match (self, value) {
            (Slot::Whole { place, least, most }, Value::Number(text)) => match text.parse::<u64>() {
                Ok(number) if (*least..=*most).contains(&number) => place.set(number),
                _ => return Ok(false),
            },
            (Slot::Number(place), Value::Number(text)) => match finite(text) {
                Some(number) if number >= 0.0 => **place = number,
                _ => return Ok(false),
            },
            (Slot::Flag(place), Value::Bool(flag)) => **place = *flag,
            (Slot::Choice(choice), Value::String(text)) if truth(text).is_none() => match choice.place(text) {
                Some(index) => choice.choose(index),
                None => return Ok(false),
            },
            (Slot::Choice(choice), Value::Bool(flag)) => match choice.place(if *flag { "true" } else { "false" }) {
                Some(index) => choice.choose(index),
                None => return Ok(false),
            },
            (Slot::Text { place, is_allowed, .. }, Value::String(text)) if is_allowed(text) => {
                place.clone_from(text);
            }
            (Slot::Optional(place), Value::String(text)) => **place = Some(text.clone()),
            (Slot::Optional(place), Value::Null) => **place = None,
            (Slot::Texts { place, least, most }, Value::Array(elements))
                if (*least..=*most).contains(&elements.len()) =>
            {
                **place = list_of_texts(elements, path)?;
            }
            (Slot::Map { place, most }, Value::Object(members)) if members.len() <= *most => {
                **place = map_of_texts(members, path)?;
            }
            (Slot::Values { place, most }, Value::Object(members)) if members.len() <= *most => {
                **place = lists_of_values(members, path)?;
            }
            (Slot::Formats(place), Value::String(text)) => **place = FlowFormat::One(text.clone()),
            (Slot::Formats(place), Value::Array(elements)) => {
                **place = FlowFormat::Several(list_of_texts(elements, path)?);
            }
            (Slot::Items { place, most }, Value::Array(elements)) if elements.len() <= *most => {
                items(&mut **place, elements, path)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn list_of_texts(elements: &[Value], path: &str) -> Result<Vec<String>, ConfigError> {
    let mut texts = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        match element {
            Value::String(text) => texts.push(text.clone()),
            _ => return Err(wrong(&format!("{path}[{index}]"), element, "text".into())),
        }
    }
    Ok(texts)
}

fn map_of_texts(members: &[(String, Value)], path: &str) -> Result<Vec<(String, String)>, ConfigError> {
    let mut texts: Vec<(String, String)> = Vec::new();
    for (name, value) in members {
        let path = format!("{path}.{name}");
        once(&texts, name, value, &path)?;
        match value {
            Value::String(text) => texts.push((name.clone(), text.clone())),
            _ => return Err(wrong(&path, value, "text".into())),
        }
    }
    Ok(texts)
}

fn lists_of_values(members: &[(String, Value)], path: &str) -> Result<Vec<(String, Vec<String>)>, ConfigError> {
    let mut lists: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in members {
        let path = format!("{path}.{name}");
        once(&lists, name, value, &path)?;
        let elements = match value {
            Value::Array(elements) if !elements.is_empty() => elements,
            Value::Array(_) => return Err(wrong(&path, value, "a value, or a list of at least one".into())),
            one => std::slice::from_ref(one),
        };
        let values = elements.iter().map(|value| match value {
            Value::String(text) | Value::Number(text) => Ok(text.clone()),
            _ => Err(wrong(&path, value, "a text or a number, or a list of such".into())),
        });
        lists.push((name.clone(), values.collect::<Result<_, _>>()?));
    }
    Ok(lists)
}

fn items(items: &mut dyn Items, elements: &[Value], path: &str) -> Result<(), ConfigError> {
    items.resize(0);
    items.resize(elements.len());
    let known: Vec<_> = items.members().iter().map(|(name, _)| *name).collect();
    for (index, element) in elements.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Value::Object(members) = element else { return Err(wrong(&path, element, "an object".into())) };
        for (name, value) in members {
            let path = format!("{path}.{name}");
            match items.slot(index, name) {
                Some(mut slot) => slot.read(value, &path)?,
                None => return Err(unknown(&path, value, name, &known)),
            }
        }
    }
    Ok(())
}
