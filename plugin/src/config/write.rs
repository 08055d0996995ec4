//! Writes the configuration in force, and the JSON Schema.

use super::flow_format::FlowFormat;
use super::setting::{Learned, Setting, Slot, truth};
use super::table::{SECTIONS, SETTINGS};
use super::{Config, Mode};
use crate::json::Writer;

impl Config {
    /// The configuration in force, defaults included, as JSON text. The order of the keys is that of the table.
    pub fn to_json(&self) -> String {
        Writer::document(|writer| section(writer, &mut self.clone(), "", false))
    }
}

impl Config {
    /// The options that shape what is learned in this mode, with their values as JSON text.
    pub(crate) fn shape(&self) -> Vec<(&'static str, String)> {
        let learned = match self.mode {
            Mode::Window => &[Learned::Series][..],
            Mode::Record if self.scores_windows() => &[Learned::Series, Learned::Forest],
            Mode::Record => &[Learned::Forest],
        };
        let mut config = self.clone();
        let shaping = SETTINGS.iter().filter(|setting| {
            setting.shapes.is_some_and(|shapes| learned.contains(&shapes) || shapes == Learned::Anything)
        });
        shaping
            .map(|setting| {
                let mut slot = (setting.slot)(&mut config);
                (setting.path, Writer::document(|writer| slot.write(writer)))
            })
            .collect()
    }
}

/// JSON Schema (draft 2020-12) of the configuration.
pub fn schema() -> String {
    Writer::document(|writer| section(writer, &mut Config::default(), "", true))
}

/// Writes the section whose path is `prefix`, which ends with a dot unless it is empty: its values or its schema.
fn section(writer: &mut Writer<'_>, config: &mut Config, prefix: &str, is_schema: bool) {
    writer.open(b'{');
    if is_schema {
        if prefix.is_empty() {
            for (key, text) in [
                ("$schema", "https://json-schema.org/draft/2020-12/schema"),
                ("title", "flowscore"),
                ("description", "The configuration of flowscore. Every key is optional."),
            ] {
                member(writer, key, text);
            }
        }
        for (path, meaning) in &SECTIONS {
            if prefix.strip_suffix('.') == Some(path) {
                member(writer, "description", meaning);
            }
        }
        open_object_schema(writer);
        if prefix.is_empty() {
            writer.key("$schema").open(b'{');
            member(writer, "description", "Where this schema is, for editors. It changes nothing.");
            member(writer, "type", "string");
            writer.close(b'}');
        }
    }
    let mut written = "";
    for setting in SETTINGS {
        let Some(rest) = setting.path.strip_prefix(prefix) else { continue };
        match rest.split_once('.') {
            None => {
                writer.key(rest);
                if is_schema { setting.write_schema(writer, config) } else { (setting.slot)(config).write(writer) }
            }
            Some((name, _)) if name == written => {}
            Some((name, _)) => {
                written = name;
                writer.key(name);
                section(writer, config, &setting.path[..prefix.len() + name.len() + 1], is_schema);
            }
        }
    }
    if is_schema {
        writer.close(b'}');
    }
    writer.close(b'}');
}

fn member(writer: &mut Writer<'_>, key: &str, text: &str) {
    writer.key(key).text(text);
}

fn number(writer: &mut Writer<'_>, key: &str, value: u64) {
    writer.key(key).whole(value);
}

/// The keywords of an object with the properties that follow and no others; leaves `properties` open.
fn open_object_schema(writer: &mut Writer<'_>) {
    member(writer, "type", "object");
    writer.key("additionalProperties").literal("false");
    writer.key("properties").open(b'{');
}

impl Setting {
    fn write_schema(&self, writer: &mut Writer<'_>, config: &mut Config) {
        let mut slot = (self.slot)(config);
        writer.open(b'{');
        member(writer, "description", self.meaning);
        slot.write_type(writer);
        writer.key("default");
        slot.write(writer);
        writer.close(b'}');
    }
}

/// A word of a choice: a text, or true or false.
fn word(writer: &mut Writer<'_>, text: &str) {
    match truth(text) {
        Some(truth) => writer.truth(truth),
        None => writer.text(text),
    }
}

impl Slot<'_> {
    /// Writes the value.
    pub(super) fn write(&mut self, writer: &mut Writer<'_>) {
        match self {
            Slot::Whole { place, .. } => writer.whole(place.get()),
            Slot::Number(place) => writer.number(**place),
            Slot::Flag(place) => writer.truth(**place),
            Slot::Choice(choice) => word(writer, choice.words().get(choice.chosen()).copied().unwrap_or_default()),
            Slot::Text { place, .. } => writer.text(place),
            Slot::Optional(Some(text)) => writer.text(text),
            Slot::Optional(None) => writer.literal("null"),
            Slot::Texts { place, .. } => writer.texts(place),
            Slot::Map { place, .. } => {
                writer.open(b'{');
                for (name, text) in place.iter() {
                    writer.key(name).text(text);
                }
                writer.close(b'}');
            }
            Slot::Values { place, .. } => {
                writer.open(b'{');
                for (name, values) in place.iter() {
                    writer.key(name).texts(values);
                }
                writer.close(b'}');
            }
            Slot::Formats(FlowFormat::One(text)) => writer.text(text),
            Slot::Formats(FlowFormat::Several(texts)) => writer.texts(texts),
            Slot::Items { place, .. } => {
                writer.open(b'[');
                for index in 0..place.count() {
                    writer.open(b'{');
                    for (name, _) in place.members() {
                        if let Some(mut slot) = place.slot(index, name) {
                            writer.key(name);
                            slot.write(writer);
                        }
                    }
                    writer.close(b'}');
                }
                writer.close(b']');
            }
        }
    }

    /// Writes the keywords that say what is allowed.
    fn write_type(&mut self, writer: &mut Writer<'_>) {
        match self {
            Slot::Whole { least, most, .. } => {
                member(writer, "type", "integer");
                number(writer, "minimum", *least);
                number(writer, "maximum", *most);
            }
            Slot::Number(_) => {
                member(writer, "type", "number");
                number(writer, "minimum", 0);
            }
            Slot::Flag(_) => member(writer, "type", "boolean"),
            Slot::Choice(choice) => {
                writer.key("enum").open(b'[');
                choice.words().iter().for_each(|text| word(writer, text));
                writer.close(b']');
            }
            Slot::Text { allowed, .. } => {
                member(writer, "type", "string");
                member(writer, "$comment", allowed);
            }
            Slot::Optional(_) => {
                writer.key("type").literal("[\"string\", \"null\"]");
            }
            Slot::Texts { least, most, .. } => {
                member(writer, "type", "array");
                number(writer, "minItems", *least as u64);
                number(writer, "maxItems", *most as u64);
                writer.key("items").literal("{ \"type\": \"string\" }");
            }
            Slot::Map { most, .. } => {
                member(writer, "type", "object");
                number(writer, "maxProperties", *most as u64);
                writer.key("additionalProperties").literal("{ \"type\": \"string\" }");
            }
            Slot::Values { most, .. } => {
                member(writer, "type", "object");
                number(writer, "maxProperties", *most as u64);
                writer.key("additionalProperties").literal(
                    "{ \"type\": [\"string\", \"number\", \"array\"], \"items\": { \"type\": [\"string\", \"number\"] } }",
                );
            }
            Slot::Formats(_) => {
                writer.key("type").literal("[\"string\", \"array\"]");
                writer.key("items").literal("{ \"type\": \"string\" }");
            }
            Slot::Items { place, most } => {
                member(writer, "type", "array");
                number(writer, "maxItems", *most as u64);
                writer.key("items").open(b'{');
                open_object_schema(writer);
                let count = place.count();
                place.resize(count + 1);
                for (name, meaning) in place.members() {
                    if let Some(mut slot) = place.slot(count, name) {
                        writer.key(name).open(b'{');
                        member(writer, "description", meaning);
                        slot.write_type(writer);
                        writer.close(b'}');
                    }
                }
                place.resize(count);
                writer.close(b'}');
                writer.close(b'}');
            }
        }
    }
}
