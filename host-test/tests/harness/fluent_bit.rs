//! The built module for Fluent Bit, driven as Fluent Bit drives it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use flowscore::config::Config;
use flowscore::fluent_bit::{Fate, Filter};
use flowscore_generate::{Scenario, Wrapping};
use host_test::artifact::Artifact;
use host_test::fluent_bit::{BUILT_IN, Directory, FluentBit, Instance};
use host_test::plugin::{Limits, Payload, Plugin};
use serde_json::{Value, json};

/// Memory of an instance: enough for everything here, and far less than the machine's.
const MEMORY: usize = 256 << 20;

/// A directory of its own for each test, removed at its end.
struct Home(PathBuf);

impl Home {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("flowscore-fluent-bit-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Home(path)
    }

    fn with(test: &str, configuration: &str) -> Self {
        let home = Home::new(test);
        home.write("flowscore.json", configuration.as_bytes());
        home
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(name)).ok()
    }

    fn start(&self) -> Instance {
        start(&[&self.0])
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn start(directories: &[&Path]) -> Instance {
    static MODULE: OnceLock<FluentBit> = OnceLock::new();
    let directories: Vec<Directory> = directories.iter().map(|path| Directory::from(*path)).collect();
    MODULE.get_or_init(|| FluentBit::built_in().unwrap()).instance(&directories, MEMORY).unwrap()
}

fn answer(instance: &mut Instance, record: &[u8]) -> Option<Value> {
    let text = instance.filter("vpc.flows", 1_700_000_000, record).unwrap()?;
    let value: Value = serde_json::from_slice(&text)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text[..text.len().min(500)])));
    assert!(value.is_object());
    Some(value)
}

fn line(interface: &str, start: i64, bytes: i64) -> String {
    format!("2 123456789010 {interface} 10.0.0.1 10.0.0.2 40000 443 6 20 {bytes} {start} {} ACCEPT OK", start + 59)
}

fn logged(text: &str) -> Vec<u8> {
    json!({ "log": text }).to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Some hours of two interfaces, a record a minute each; the last minutes of one of them have `bytes`.
fn hours(minutes: i64, last: i64, bytes: i64) -> Vec<String> {
    let mut lines = Vec::new();
    for minute in 0..minutes {
        let start = 1_700_000_040 + minute * 60;
        let usual = 4_000_000 + minute * 37 % 1000;
        lines.push(line("eni-a", start, if minute >= minutes - last { bytes } else { usual }));
        lines.push(line("eni-b", start, usual / 2));
    }
    lines
}

#[test]
fn the_artifact_needs_nothing_that_fluent_bit_lacks() {
    let artifact = Artifact::read(BUILT_IN).unwrap();
    assert!(!artifact.component);
    assert!(artifact.imports.iter().all(|name| name.starts_with("wasi_snapshot_preview1/")), "{:?}", artifact.imports);
    let functions = ["_initialize", "flowscore_filter", "free", "malloc"].map(|name| format!("{name} (func)"));
    let mut exports = artifact.exports.clone();
    exports.sort();
    assert_eq!(exports, [&functions[..], &["memory (memory)".to_owned()]].concat());
    assert!(artifact.descriptions.iter().any(|(name, _)| name == "version"));
    // Neither SIMD nor tail calls: the engine that loads it has them switched off.
    start(&[]);
}

#[test]
fn every_kind_that_people_have_goes_on_without_a_failure() {
    let mut instance = start(&[]);
    let mut native = Filter::new(Config::default());
    for kind in crate::kinds::kinds() {
        for text in [kind.text.clone(), STANDARD.encode(gzip(kind.text.as_bytes()))] {
            let record = logged(&text);
            let answer = answer(&mut instance, &record).unwrap();
            assert!(answer["flowscore"]["failed"].is_null(), "{}: {answer}", kind.name);
            let mut expected = Vec::new();
            assert_eq!(native.filter(b"vpc.flows", 1_700_000_000_000, &record, &mut expected), Fate::Goes);
            assert_eq!(answer, serde_json::from_slice::<Value>(&expected).unwrap(), "{}", kind.name);
        }
    }
}

#[test]
fn a_flow_log_line_goes_on_scored() {
    let mut instance = start(&[]);
    let line = line("eni-a", 1_700_000_000, 7);
    for _ in 0..3 {
        let answer = answer(&mut instance, &logged(&line)).unwrap();
        assert_eq!(answer, json!({ "log": line, "flowscore": { "score": 0, "direction": null, "alerts": [] } }));
    }
    assert_eq!(instance.errors(), "");
}

#[test]
fn payloads_of_every_kind_are_found_in_a_record() {
    let lines: Vec<Value> = hours(3, 0, 0)
        .iter()
        .map(|line| json!({ "id": "0", "timestamp": 1_700_000_000_000u64, "message": line }))
        .collect();
    let document = json!({
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "subscriptionFilters": ["f"],
        "logEvents": lines,
    });
    let fields = json!({ "interface_id": "eni-a", "bytes": 5, "start": 1_700_000_000, "end": 1_700_000_059 });
    let mut instance = start(&[]);
    for record in [
        json!({ "message": document.to_string() }),
        json!({ "data": STANDARD.encode(gzip(document.to_string().as_bytes())) }),
        json!({ "log": document }),
        document.clone(),
        json!({ "Data": STANDARD.encode(gzip(document.to_string().as_bytes())), "SequenceNumber": "1" }),
        fields.clone(),
        json!({ "log": fields.to_string() }),
        json!({ "messageType": "CONTROL_MESSAGE", "logEvents": [], "owner": "", "logGroup": "", "logStream": "" }),
    ] {
        let mut answer = answer(&mut instance, record.to_string().as_bytes()).unwrap();
        let own = answer.as_object_mut().unwrap().remove("flowscore").unwrap();
        assert_eq!(answer, record);
        assert_eq!(own.get("failed"), None, "{own}");
        assert_eq!(own["score"].is_null(), record["messageType"] == "CONTROL_MESSAGE", "{own}");
    }
}

/// Three hours of an account with injected events, wrapped in one way or another.
fn traffic(wrapping: Wrapping) -> Vec<Vec<u8>> {
    let scenario = Scenario { duration: 3 * 3600, wrapping, ..Scenario::day(3) };
    scenario.traffic().unwrap().map(|payload| payload.data).collect()
}

/// The lines among them, each by itself.
fn lines() -> Vec<Vec<u8>> {
    let payloads = traffic(Wrapping::Lines);
    let lines = payloads.iter().flat_map(|payload| payload.split(|byte| *byte == b'\n'));
    lines.filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect()
}

/// The events that the component tells, without the payloads of failures: in Fluent Bit the record itself goes on.
fn component(config: &str, payloads: &[Vec<u8>]) -> Vec<Value> {
    let mut scorer = Plugin::built_in(Limits::default()).unwrap().scorer(config).unwrap();
    let mut events = Vec::new();
    for payload in payloads {
        let scored = scorer.transform(&[Payload { data: payload, id: None }]).unwrap();
        let lines = scored.events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        events.extend(lines.map(|line| serde_json::from_slice::<Value>(line).unwrap()));
    }
    for event in events.iter_mut().filter(|event| event["type"] == "failed") {
        event.as_object_mut().unwrap().remove("payload");
    }
    events
}

#[test]
fn the_component_the_module_and_native_code_tell_the_same() {
    let window = r#"{"series":{"windows":true}}"#;
    let record = r#"{"mode":"record","record":{"only_anomalies":true},"forest":{"number_of_trees":20}}"#;
    let objects: Vec<Vec<u8>> = lines()
        .iter()
        .filter(|line| line.ends_with(b" OK"))
        .map(|line| {
            let text = String::from_utf8(line.clone()).unwrap();
            let tokens: Vec<&str> = text.split(' ').collect();
            let names = ["interface_id", "srcaddr", "dstaddr", "srcport", "dstport", "protocol", "packets", "bytes"];
            let mut object = serde_json::Map::new();
            for (name, token) in names.iter().zip(&tokens[2..]) {
                object
                    .insert((*name).into(), token.parse::<u64>().map_or_else(|_| json!(token), |number| json!(number)));
            }
            object.insert("start".into(), json!(tokens[10].parse::<u64>().unwrap()));
            object.insert("end".into(), json!(tokens[11].parse::<u64>().unwrap()));
            Value::Object(object).to_string().into_bytes()
        })
        .collect();
    let cases: [(&str, &str, Vec<Vec<u8>>, bool); 5] = [
        ("lines", window, lines(), true),
        ("base64", window, traffic(Wrapping::Base64), true),
        ("objects", window, objects, false),
        ("record", record, lines()[..2000].to_vec(), true),
        ("bad", window, (0..50).map(|i| format!("2 bad {i}").into_bytes()).collect(), true),
    ];
    for (name, config, payloads, is_text) in cases {
        let home = Home::with(name, config);
        let mut instance = home.start();
        let mut native = Filter::new(Config::parse(config).unwrap());
        let mut told = Vec::new();
        for payload in &payloads {
            let wrapped = json!({ "log": String::from_utf8_lossy(payload) }).to_string().into_bytes();
            let record = if is_text { &wrapped } else { payload };
            let text = instance.filter("vpc", 1_700_000_000, record).unwrap().unwrap();
            let mut expected = Vec::new();
            assert_eq!(native.filter(b"vpc", 1_700_000_000_000, record, &mut expected), Fate::Goes);
            assert!(text == expected, "{name}: {}", String::from_utf8_lossy(record));
            let answer: Value = serde_json::from_slice(&text).unwrap();
            told.extend(answer["flowscore"]["alerts"].as_array().unwrap().clone());
            told.extend(answer["flowscore"].get("failed").and_then(Value::as_array).cloned().unwrap_or_default());
        }
        assert!(!told.is_empty(), "{name}");
        assert!(told == component(config, &payloads), "{name}");
    }
}

#[test]
fn no_input_traps_and_nothing_is_lost_whatever_comes() {
    let mut instance = start(&[]);
    let good = logged(&line("eni-a", 1_700_000_000, 7));
    let mebibyte = "x".repeat(1 << 20);
    let mut fuzz = 1u64;
    let garbage: Vec<u8> = (0..5000)
        .map(|_| {
            fuzz = fuzz.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (fuzz >> 56) as u8
        })
        .collect();
    let odd: Vec<Vec<u8>> = vec![
        b"".to_vec(),
        b"{".to_vec(),
        b"{}".to_vec(),
        b"null".to_vec(),
        b"{\"log\":\"".to_vec(),
        b"{\"log\":\"\xff\xfe\"}".to_vec(),
        b"{\"log\":nan}".to_vec(),
        b"\0\0\0".to_vec(),
        garbage,
        logged(&mebibyte),
        logged(&format!("2 {mebibyte}")),
        logged(&mebibyte.replace('x', "\"\\")),
        json!({ "data": STANDARD.encode(gzip(mebibyte.as_bytes())) }).to_string().into_bytes(),
        json!({ "big": [mebibyte], "log": line("eni-a", 1_700_000_000, 7) }).to_string().into_bytes(),
        ("{\"a\":".repeat(5000) + "1" + &"}".repeat(5000)).into_bytes(),
        ("[".repeat(100_000)).into_bytes(),
    ];
    for record in &odd {
        let told = answer(&mut instance, record).unwrap();
        assert!(told.get("flowscore").is_some());
        if let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(record) {
            assert!(members.iter().all(|(name, value)| told[name] == *value));
        }
        assert_eq!(answer(&mut instance, &good).unwrap()["flowscore"].get("failed"), None);
    }
    for index in 0..3000 {
        let told = answer(&mut instance, &logged(&format!("bad {index}"))).unwrap();
        assert_eq!(told["flowscore"]["failed"][0]["type"], "failed");
    }
    assert_eq!(answer(&mut instance, &good).unwrap()["flowscore"].get("failed"), None);
    assert_eq!(instance.errors(), "");
}

#[test]
fn a_call_without_the_record_answers_and_harms_nothing() {
    let mut instance = start(&[]);
    // What Fluent Bit does when it got no memory for the record; and addresses that no host should pass.
    for (address, length) in [(0, 5_000_000), (0, 0), (u32::MAX, 10), (16, u32::MAX)] {
        let text = instance.call((0, 3, 1, 1, address, length)).unwrap().unwrap();
        let told: Value = serde_json::from_slice(&text).unwrap();
        assert!(told["flowscore_error"].as_str().unwrap().contains("no memory"), "{told}");
    }
    assert!(answer(&mut instance, &logged(&line("eni-a", 1_700_000_000, 7))).is_some());
}

#[test]
fn memory_does_not_grow_with_the_number_of_records() {
    let home = Home::with("memory", r#"{"fluent_bit":{"snapshot":null}}"#);
    let mut instance = home.start();
    let mut feed = |from: i64| {
        for second in from..from + 20_000 {
            let record =
                logged(&line(&format!("eni-{}", second % 20), 1_700_000_000 + second / 10, 1000 + second % 97));
            instance.filter("vpc", 1, &record).unwrap();
        }
        instance.memory()
    };
    let before = feed(0);
    let after = feed(20_000);
    assert!(after <= before + (1 << 20), "{before} {after}");
}

#[test]
fn a_wrong_configuration_is_told_once_and_records_pass_untouched() {
    let home = Home::with("wrong", r#"{"detect":{"min_value":-1}}"#);
    let mut instance = home.start();
    let record = json!({ "log": line("eni-a", 1_700_000_000, 7), "n": 1 });
    for _ in 0..3 {
        let mut told = answer(&mut instance, record.to_string().as_bytes()).unwrap();
        let reason = told.as_object_mut().unwrap().remove("flowscore_error").unwrap();
        assert_eq!(told, record);
        assert!(reason.as_str().unwrap().contains("detect.min_value is -1"), "{reason}");
    }
    let errors = instance.errors();
    assert_eq!(errors.matches("detect.min_value").count(), 1, "{errors}");
    assert!(errors.contains("flowscore.json"), "{errors}");
    assert!(answer(&mut instance, b"{bad").unwrap().get("flowscore").is_some());
}

#[test]
fn the_configuration_is_that_of_the_first_directory_that_has_one() {
    let (none, first, second) = (
        Home::new("none"),
        Home::with("first", r#"{"fluent_bit":{"fields":["first"]}}"#),
        Home::with("second", r#"{"fluent_bit":{"fields":["second"]}}"#),
    );
    let mut instance = start(&[&none.0, &first.0, &second.0]);
    let record = json!({ "first": line("eni-a", 1_700_000_000, 7), "second": "bad" }).to_string();
    assert_eq!(answer(&mut instance, record.as_bytes()).unwrap()["flowscore"].get("failed"), None);
}

#[test]
fn in_mode_events_records_without_events_are_dropped() {
    let home = Home::with("events", r#"{"fluent_bit":{"mode":"events"}}"#);
    let mut instance = home.start();
    let told: Vec<Value> =
        hours(400, 20, 90_000_000).iter().filter_map(|line| answer(&mut instance, &logged(line))).collect();
    assert!((1..10).contains(&told.len()), "{told:?}");
    let alerts: Vec<&Value> = told.iter().flat_map(|told| told["flowscore"]["alerts"].as_array().unwrap()).collect();
    assert!(alerts.iter().any(|alert| alert["state"] == "open" && alert["direction"] == "spike"), "{alerts:?}");
}

#[test]
fn a_restart_keeps_what_was_learned() {
    let home = Home::with("restart", r#"{"fluent_bit":{"snapshot_records":100}}"#);
    let lines = hours(400, 20, 40_000);
    let (before, after) = lines.split_at(700);
    let mut instance = home.start();
    for line in before {
        answer(&mut instance, &logged(line));
    }
    drop(instance);
    assert!(home.read("flowscore.snapshot").is_some());
    assert!(home.read("flowscore.snapshot.new").is_none());
    let mut instance = home.start();
    let told: Vec<Value> = after.iter().filter_map(|line| answer(&mut instance, &logged(line))).collect();
    let alerts: Vec<&Value> = told.iter().flat_map(|told| told["flowscore"]["alerts"].as_array().unwrap()).collect();
    assert!(alerts.iter().any(|alert| alert["direction"] == "drop" && alert["series"] == "eni-a"), "{alerts:?}");
    assert_eq!(instance.errors(), "");

    // Without the snapshot the same minutes are too few to know what is usual.
    std::fs::remove_file(home.0.join("flowscore.snapshot")).unwrap();
    let mut instance = home.start();
    let told: Vec<Value> = after.iter().filter_map(|line| answer(&mut instance, &logged(line))).collect();
    assert!(told.iter().all(|told| told["flowscore"]["alerts"] == json!([])), "{told:?}");
}

#[test]
fn a_snapshot_is_written_by_event_time_too() {
    let home = Home::with("event-time", r#"{"fluent_bit":{"snapshot_seconds":600}}"#);
    let mut instance = home.start();
    for line in hours(60, 0, 0) {
        answer(&mut instance, &logged(&line));
    }
    assert!(home.read("flowscore.snapshot").is_some());
}

#[test]
fn a_first_backlog_has_its_snapshots_by_its_own_time() {
    let home = Home::with("backlog", r#"{"fluent_bit":{"snapshot_seconds":600}}"#);
    let mut instance = home.start();
    // Years after the records, and no time at all while they are read.
    let now = 1_790_000_000;
    for line in hours(60, 0, 0) {
        instance.filter("vpc.flows", now, &logged(&line)).unwrap();
    }
    assert!(home.read("flowscore.snapshot").is_some());
}

#[test]
fn a_snapshot_that_cannot_be_used_is_told_and_set_aside() {
    let other = Home::with("other", r#"{"series":{"window":300},"fluent_bit":{"snapshot_records":1}}"#);
    answer(&mut other.start(), &logged(&line("eni-a", 1_700_000_000, 7)));
    let foreign = other.read("flowscore.snapshot").unwrap();
    for (name, bytes, reason) in [
        ("garbage", b"garbage".to_vec(), "does not begin"),
        ("cut", foreign[..foreign.len() / 2].to_vec(), "checksum"),
        ("foreign", foreign, "series.window"),
    ] {
        let home = Home::with(name, r#"{"fluent_bit":{"snapshot_records":1}}"#);
        home.write("flowscore.snapshot", &bytes);
        let mut instance = home.start();
        let errors = instance.errors();
        assert!(errors.contains(reason) && errors.contains("starting anew"), "{errors}");
        assert_eq!(home.read("flowscore.snapshot.rejected").unwrap(), bytes);
        assert_eq!(home.read("flowscore.snapshot"), None);
        assert!(answer(&mut instance, &logged(&line("eni-a", 1_700_000_000, 7))).is_some());
        assert!(home.read("flowscore.snapshot").is_some());
    }
}

#[test]
fn a_snapshot_that_cannot_be_written_is_told_once() {
    let home = Home::with("unwritable", r#"{"fluent_bit":{"snapshot":"no/such/file","snapshot_records":1}}"#);
    let mut instance = home.start();
    for second in 0..5 {
        answer(&mut instance, &logged(&line("eni-a", 1_700_000_000 + second, 7))).unwrap();
    }
    assert_eq!(instance.errors().matches("cannot be written").count(), 1, "{}", instance.errors());
}
