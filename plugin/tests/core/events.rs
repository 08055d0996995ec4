//! Events are as their reference says: every member is in the table, those that are always there are, and no key comes twice.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use flowscore::pipeline::{Scorer, event_reference};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

/// An object's members in their order, doubles included.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

fn is_of(kind: &Value, value: &Value) -> bool {
    let is = |kind: &str| match kind {
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        other => panic!("{other}"),
    };
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| is(kind.as_str().unwrap())),
        kind => is(kind.as_str().unwrap()),
    }
}

/// Checks an object against its schema.
fn check(schema: &Value, members: &[(String, Value)], line: &str) {
    let names: BTreeSet<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), members.len(), "a key twice in {line}");
    for required in schema["required"].as_array().unwrap() {
        assert!(names.contains(required.as_str().unwrap()), "{required} is not in {line}");
    }
    for (name, value) in members.iter().filter(|(name, _)| name != "type") {
        let known = schema["properties"].get(name).unwrap_or_else(|| panic!("{name} is not in the table: {line}"));
        assert!(is_of(&known["type"], value), "{name} = {value} in {line}");
        if let Some(words) = known["enum"].as_array() {
            assert!(words.contains(value), "{name} = {value} in {line}");
        }
        for element in value.as_array().filter(|_| known.get("items").is_some()).into_iter().flatten() {
            let members: Vec<(String, Value)> = element.as_object().unwrap().clone().into_iter().collect();
            check(&known["items"], &members, line);
        }
    }
}

fn check_all(events: &[u8], seen: &mut BTreeSet<String>) {
    let schema: Value = serde_json::from_str(&event_reference::schema()).unwrap();
    for line in String::from_utf8(events.to_vec()).unwrap().lines() {
        let Members(members) = serde_json::from_str(line).unwrap();
        let (first, kind) = &members[0];
        assert_eq!(first, "type", "{line}");
        let kinds = schema["oneOf"].as_array().unwrap();
        let of = kinds.iter().find(|of| of["properties"]["type"]["const"] == *kind).unwrap_or_else(|| panic!("{line}"));
        check(of, &members, line);
        seen.insert(kind.as_str().unwrap().to_owned());
        if let Some((_, state)) = members.iter().find(|(name, _)| name == "state") {
            seen.insert(state.as_str().unwrap().to_owned());
        }
    }
}

/// Two days of four interfaces in a zone each, with a spike, and an outage of three.
fn traffic() -> String {
    let mut text =
        String::from("az-id interface-id srcaddr dstaddr dstport protocol bytes start end action log-status\n");
    for minute in 0..2_880_i64 {
        let start = 1_767_225_600 + minute * 60;
        for interface in 0..4 {
            let usual = 1_000_000 + (minute * 7_919 + interface * 104_729) % 9_973;
            let bytes = match minute {
                2_000..2_010 if interface == 0 => usual * 3,
                2_010..2_030 if interface == 0 => usual * 90,
                2_400..2_430 if interface < 3 => continue,
                _ => usual,
            };
            let end = start + 59;
            writeln!(
                text,
                "z{interface} eni-{interface} 10.0.0.{interface} 10.0.1.1 443 6 {bytes} {start} {end} ACCEPT OK"
            )
            .unwrap();
        }
    }
    text
}

#[test]
fn every_event_is_as_the_reference_says() {
    let mut seen = BTreeSet::new();
    let mut events = Vec::new();
    let config = r#"{"series":{"by":["az_id","interface_id"],"prefix_totals":true,"windows":true}}"#;
    let mut scorer = Scorer::new(config).unwrap();
    scorer.transform(traffic().as_bytes(), Some("day"), &mut events);
    scorer.finish(&mut events);
    check_all(&events, &mut seen);

    // With a field `type`, as in version 3; without a value; rows; what fails.
    let record = r#"{"mode":"record","forest":{"number_of_trees":5},"input":{"format":["${version} ${interface-id} ${type} ${bytes}","default"]}}"#;
    let long = format!("2 {}", "x".repeat(10_000));
    let many = "a\n".repeat(300);
    for (config, payloads) in [
        (record, &["5 eni-1 IPv4 77", "5 eni-1 IPv4 -", "\x1f", &long, &many][..]),
        (r#"{"mode":"record"}"#, &["{\"type\":\"mine\",\"a\":1,\"b\":{\"c\":2}}", "{\"a\":\"x\"}"]),
        (r#"{"mode":"record","forest":{"with_directionality":false}}"#, &["a,b\n1,2\n3,4\n"]),
    ] {
        let (mut scorer, mut events) = (Scorer::new(config).unwrap(), Vec::new());
        for payload in payloads {
            scorer.transform(payload.as_bytes(), Some("p"), &mut events);
        }
        check_all(&events, &mut seen);
    }
    let expected = ["anomaly", "closed", "failed", "group", "notice", "open", "score", "update", "window"];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

/// To write the page anew: `UPDATE_DOCS=1 cargo test -p flowscore --test core events`.
#[test]
fn the_reference_of_events_is_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/events.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, event_reference::markdown()).unwrap();
    }
    assert!(
        std::fs::read_to_string(path).unwrap_or_default() == event_reference::markdown(),
        "docs/events.md is not what the table says: UPDATE_DOCS=1 cargo test -p flowscore --test core events"
    );
}
