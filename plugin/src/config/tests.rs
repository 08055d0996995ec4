//! The table as a specification: each option is tried at its limits and beyond.

use super::*;
use crate::detect::Sensitivity;
use crate::json::Value;
use setting::{Setting, Slot, truth};
use table::{SECTIONS, SETTINGS};

/// A document in which only the option at `path` stands, with this value.
fn only(path: &str, value: &str) -> String {
    path.rsplit('.').fold(value.to_owned(), |inner, name| format!("{{\"{name}\":{inner}}}"))
}

fn refused(path: &str, value: &str) -> ConfigError {
    match Config::parse(&only(path, value)) {
        Ok(_) => panic!("{path} = {value} is accepted"),
        Err(error) => error,
    }
}

/// The value at a path of a JSON text.
fn at(text: &str, path: &str) -> String {
    let document = Value::parse(text.as_bytes()).unwrap();
    path.split('.').fold(&document, |at, name| at.get(name).unwrap_or_else(|| panic!("no {path}"))).to_string()
}

#[test]
fn no_text_means_the_defaults() {
    for text in ["", " \n", "{}"] {
        assert_eq!(Config::parse(text).unwrap(), Config::default());
    }
}

#[test]
fn the_configuration_in_force_reads_back_as_itself() {
    let text = r#"{"mode":"record","input":{"format":"${bytes} ${start}","csv":{"delimiter":";","names":["a","b"]}},
        "series":{"by":["a"],"maintenance":[{"from":"2026-01-01T00:00:00Z","to":"2026-01-01T03:00:00.5+01:00"}]},
        "detect":{"sensitivity":"high","ignore_near_expected":{"above_ratio":0.1}},"forest":{"seed":18446744073709551615}}"#;
    for text in [text, ""] {
        let config = Config::parse(text).unwrap();
        assert_eq!(Config::parse(&config.to_json()).unwrap(), config);
    }
    let config = Config::parse(text).unwrap();
    assert_eq!((config.forest.seed, config.detect.sensitivity), (u64::MAX, Sensitivity::High));
    assert_eq!(config.input.format, FlowFormat::One("${bytes} ${start}".into()));
    assert_eq!((config.series.maintenance.len(), &config.series.maintenance[0].series), (1, &None));
}

#[test]
fn every_option_has_one_entry_under_a_section_that_is_explained() {
    for (index, setting) in SETTINGS.iter().enumerate() {
        assert!(SETTINGS[..index].iter().all(|earlier| earlier.path != setting.path), "{}", setting.path);
        assert!(setting.meaning.ends_with('.'), "{}", setting.path);
        if let Some((section, _)) = setting.path.rsplit_once('.') {
            assert!(SECTIONS.iter().any(|(name, _)| *name == section), "{section}");
        }
    }
}

#[test]
fn every_default_is_told_and_accepted() {
    let defaults = Config::default().to_json();
    for Setting { path, .. } in SETTINGS {
        let config = Config::parse(&only(path, &at(&defaults, path)));
        assert_eq!(config.unwrap_or_else(|error| panic!("{error}")), Config::default(), "{path}");
    }
}

#[test]
fn every_range_is_kept_at_both_ends() {
    for Setting { path, slot, .. } in SETTINGS {
        let mut config = Config::default();
        let wrong: Vec<String> = match slot(&mut config) {
            Slot::Whole { least, most, .. } => {
                for value in [least, most] {
                    // Both ends are in the range; what depends on other options may still refuse them.
                    if let Err(error) = Config::parse(&only(path, &value.to_string())) {
                        assert!(!error.allowed.starts_with("a whole number from"), "{error}");
                    }
                }
                let below = i128::from(least) - 1;
                let above = i128::from(most) + 1;
                vec![below.to_string(), above.to_string(), "1.5".into(), "1e2".into(), "-1".into()]
            }
            Slot::Number(_) => vec!["-0.5".into(), "-1e9".into(), "1e999".into()],
            Slot::Choice(choice) => {
                for word in choice.words() {
                    let value = if truth(word).is_some() { (*word).to_owned() } else { format!("\"{word}\"") };
                    let config = Config::parse(&only(path, &value)).unwrap();
                    assert_eq!(at(&config.to_json(), path), value);
                }
                vec!["\"\"".into(), "\"other\"".into()]
            }
            Slot::Text { .. } => vec!["\"\"".into(), "\"no such thing\"".into()],
            Slot::Texts { least, most, .. } => {
                let list = |count: usize| format!("[{}]", vec!["\"a\""; count].join(","));
                least.checked_sub(1).into_iter().chain([most + 1]).map(list).collect()
            }
            Slot::Items { most, .. } => vec![format!("[{}]", vec!["{}"; most + 1].join(","))],
            Slot::Flag(_) | Slot::Optional(_) | Slot::Formats(_) | Slot::Map { .. } | Slot::Values { .. } => vec![],
        };
        let allowed = slot(&mut config).allowed();
        for value in wrong {
            let error = refused(path, &value);
            assert_eq!((error.path.as_str(), error.value, &error.allowed), (*path, value, &allowed));
        }
    }
}

#[test]
fn every_option_refuses_values_of_other_types() {
    for Setting { path, slot, .. } in SETTINGS {
        let mut config = Config::default();
        let slot = slot(&mut config);
        let fits = |value: &str| match slot {
            Slot::Whole { .. } | Slot::Number(_) => value == "7",
            Slot::Flag(_) => value == "true",
            Slot::Choice(ref choice) => truth(value).is_some() && choice.place(value).is_some(),
            Slot::Text { .. } => false,
            Slot::Optional(_) => matches!(value, "null" | "\"x y\""),
            Slot::Texts { least, .. } => value == "[]" && least == 0,
            Slot::Items { .. } => value == "[]",
            Slot::Map { .. } | Slot::Values { .. } => value == "{}",
            Slot::Formats(_) => matches!(value, "[]" | "\"x y\""),
        };
        for value in ["null", "true", "7", "\"x y\"", "[]", "{}"].into_iter().filter(|value| !fits(value)) {
            let error = refused(path, value);
            assert_eq!((error.path.as_str(), error.value.as_str()), (*path, value));
            assert_eq!(error.allowed, slot.allowed(), "{path}");
        }
    }
    for (section, _) in SECTIONS {
        let error = refused(section, "[]");
        assert_eq!((error.path.as_str(), error.allowed.as_str()), (section, "an object"));
    }
}

#[test]
fn every_section_refuses_unknown_keys_and_names_the_known_ones() {
    for Setting { path, .. } in SETTINGS {
        let misspelt = format!("{path}x");
        let error = refused(&misspelt, "1");
        let name = path.rsplit('.').next().unwrap();
        assert_eq!(error.path, misspelt);
        assert!(error.allowed.contains(&format!("did you mean {name}?")), "{error}");
        assert!(error.allowed.contains("known here are "), "{error}");
    }
    // A dot in a key does not pass for a path.
    assert_eq!(Config::parse(r#"{"forest.seed":1}"#).unwrap_err().path, "forest.seed");
}

#[test]
fn an_error_names_the_path_the_value_and_what_is_allowed() {
    for (text, path, value, allowed) in [
        (r#"{"forest":{"number_of_trees":0}}"#, "forest.number_of_trees", "0", "a whole number from 1 to 1000"),
        (r#"{"forest":{"number_of_trees":"many"}}"#, "forest.number_of_trees", "\"many\"", "a whole number"),
        (r#"{"forest":{"number_of_tree":7}}"#, "forest.number_of_tree", "7", "did you mean number_of_trees?"),
        (r#"{"mod":"record"}"#, "mod", "\"record\"", "did you mean mode?"),
        (r#"{"mode":"recrd"}"#, "mode", "\"recrd\"", "one of \"window\", \"record\""),
        (r#"{"record":{"threshold":-1}}"#, "record.threshold", "-1", "0 or more"),
        (r#"{"forest":{"sub_sample_size":500,"time_decay":400}}"#, "forest.time_decay", "400", "above sub_sample_size"),
        (r#"{"input":{"format":["default","a a"]}}"#, "input.format[1]", "\"a a\"", "there twice"),
        (r#"{"input":{"format":"a a"}}"#, "input.format", "\"a a\"", "there twice"),
        (r#"{"input":{"format":["default",7]}}"#, "input.format[1]", "7", "text"),
        (r#"{"record":{"columns":["a","b..c"]}}"#, "record.columns[1]", "\"b..c\"", "empty step"),
        (
            r#"{"series":{"max_series":150000}}"#,
            "series.max_series",
            "150000",
            "at most 67000: 150000 series may need 8.6 GiB",
        ),
        (r#"{"mode":"record","mode":"window"}"#, "mode", "\"window\"", "given twice"),
        (r#"{"series":{"by":["a",{}]}}"#, "series.by[1]", "{}", "text"),
        (r#"{"series":{"window":1,"allowed_lateness":401}}"#, "series.allowed_lateness", "401", "at most 400 with"),
        (
            r#"{"series":{"maintenance":[{"from":"soon"}]}}"#,
            "series.maintenance[0].from",
            "\"soon\"",
            "an RFC 3339 timestamp",
        ),
        (
            r#"{"series":{"maintenance":[{"from":"2026-01-01T00:00:00Z"}]}}"#,
            "series.maintenance[0].to",
            "\"\"",
            "an RFC 3339 timestamp",
        ),
        (r#"{"series":{"maintenance":[{"form":""}]}}"#, "series.maintenance[0].form", "\"\"", "did you mean from?"),
        (r#"{"series":{"maintenance":[7]}}"#, "series.maintenance[0]", "7", "an object"),
        ("[1,", "", "", "one JSON object"),
        ("7", "", "", "one JSON object"),
        ("{\n  \"mode\" \"window\"}", "", "", "at line 2 column 10"),
    ] {
        let error = Config::parse(text).unwrap_err();
        assert_eq!((error.path.as_str(), error.value.as_str()), (path, value), "{text}");
        assert!(error.allowed.contains(allowed), "{text}: {error}");
    }
}

#[test]
fn the_schema_describes_every_option() {
    let schema = schema();
    let document: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(document["$schema"], "https://json-schema.org/draft/2020-12/schema");
    for Setting { path, meaning, .. } in SETTINGS {
        let option = path.split('.').fold(&document, |at, name| {
            assert_eq!(at["additionalProperties"], false, "{path}");
            &at["properties"][name]
        });
        assert_eq!(option["description"], *meaning, "{path}");
        assert!(option.get("type").or(option.get("enum")).is_some(), "{path}");
    }
    let forest = &document["properties"]["forest"]["properties"];
    assert_eq!((&forest["shingle_size"]["maximum"], &forest["shingle_size"]["default"]), (&30.into(), &1.into()));
    let maintenance = &document["properties"]["series"]["properties"]["maintenance"];
    assert_eq!(maintenance["items"]["properties"]["from"]["type"], "string");
}

/// To write the page anew: `UPDATE_DOCS=1 cargo test -p flowscore --lib config`.
#[test]
fn the_configuration_reference_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, markdown()).unwrap();
    }
    let page = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        page == markdown(),
        "docs/configuration.md is not what the table says: UPDATE_DOCS=1 cargo test -p flowscore --lib config"
    );
}
