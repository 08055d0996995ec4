//! The options of a configuration, in the order in which their schema tells them.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// An option, or a section of them, by its JSON Schema.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Setting {
    description: String,
    #[serde(rename = "enum")]
    words: Vec<Value>,
    minimum: Option<u64>,
    maximum: Option<u64>,
    pub(super) default: Value,
    /// The options of a section; none: it is an option.
    #[serde(deserialize_with = "in_order")]
    pub(super) properties: Vec<(String, Setting)>,
}

impl Setting {
    pub(super) fn parse(schema: &str) -> serde_json::Result<Self> {
        serde_json::from_str(schema)
    }

    /// What it means, and what is allowed.
    pub(super) fn description(&self) -> String {
        let allowed = match (self.words.is_empty(), self.minimum, self.maximum) {
            (false, ..) => {
                let word = |word: &Value| word.as_str().map_or_else(|| word.to_string(), str::to_owned);
                format!(" One of {}.", self.words.iter().map(word).collect::<Vec<_>>().join(", "))
            }
            (true, Some(least), Some(most)) => format!(" From {least} to {most}."),
            _ => String::new(),
        };
        format!("{}{allowed}", self.description)
    }
}

fn in_order<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Setting)>, D::Error> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(String, Setting)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }

    deserializer.deserialize_map(Members)
}
