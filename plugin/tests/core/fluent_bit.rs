//! The Fluent Bit filter without its rim: what it takes for what, and what it writes.

use flowscore::config::Config;
use flowscore::fluent_bit::{Fate, Filter};
use flowscore::pipeline::Scorer;
use proptest::prelude::*;
use serde_json::{Value, json};

const LINE: &str = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

fn filter(config: &str) -> Filter {
    Filter::new(Config::parse(config).unwrap())
}

/// The answer, which is a JSON object whenever there is one.
fn answer(filter: &mut Filter, record: &[u8]) -> Option<Value> {
    let mut out = Vec::new();
    match filter.filter(b"vpc", 1_418_530_100_000, record, &mut out) {
        Fate::Drops => {
            assert_eq!(out, b"");
            None
        }
        Fate::Goes => {
            let value: Value = serde_json::from_slice(&out).unwrap_or_else(|error| {
                panic!("{error}: {} -> {}", String::from_utf8_lossy(record), String::from_utf8_lossy(&out))
            });
            assert!(value.is_object(), "{value}");
            Some(value)
        }
    }
}

fn of(record: &Value) -> Value {
    answer(&mut filter(""), record.to_string().as_bytes()).unwrap()
}

#[test]
fn a_record_goes_on_as_it_is_with_flowscore_added() {
    let calm = json!({ "score": 0, "direction": null, "alerts": [] });
    for record in [
        json!({ "log": LINE }),
        json!({ "source": "a\n\"b\"", "log": LINE, "n": 1.5 }),
        json!({ "message": LINE, "other": [1, { "a": null }] }),
        json!({ "exec": LINE }),
        json!({ "log": { "interface_id": "eni-1", "bytes": 1, "start": 1_418_530_010 } }),
        json!({ "interface_id": "eni-1", "bytes": "1", "start": 1_418_530_010, "é": "é" }),
        json!({ "log": json!({ "interface_id": "eni-1", "bytes": 1, "end": 1_418_530_010 }).to_string() }),
        json!({ "log": "", "message": LINE, "log": LINE }),
    ] {
        let mut expected = record.clone();
        expected["flowscore"] = calm.clone();
        assert_eq!(of(&record), expected);
    }
}

#[test]
fn what_cannot_be_scored_goes_on_with_the_reason_and_without_a_copy_of_itself() {
    let record = json!({ "log": "2 too short" });
    let answer = of(&record);
    assert_eq!(answer["log"], record["log"]);
    let told = &answer["flowscore"];
    assert_eq!((&told["score"], &told["alerts"]), (&Value::Null, &json!([])));
    let failed = &told["failed"][0];
    assert_eq!((&failed["type"], &failed["layer"]), (&json!("failed"), &json!("flow_record")));
    assert!(failed["reason"].as_str().unwrap().contains("14"), "{failed}");
    assert!(failed.get("payload").is_none());
    for record in [json!({}), json!({ "cpu": 0.5 }), json!({ "log": null })] {
        assert_eq!(of(&record)["flowscore"]["failed"][0]["type"], "failed", "{record}");
    }
}

#[test]
fn bytes_that_are_no_json_object_are_kept_in_the_event() {
    for bytes in [
        &b""[..],
        b"[1]",
        b"7",
        b"{\"log\":nan}",
        b"{\"log\":\"\xff\"}",
        b"\x00\x01",
        b"{\"a\":1}}",
        b"{\"a\":\"\n\"}",
        b"{\"a\":\"b\",\"\xff\":1}",
    ] {
        let mut filter = filter("");
        // What one record looks like is tried first on the next.
        for _ in 0..3 {
            let answer = answer(&mut filter, bytes).unwrap();
            let failed = &answer["flowscore"]["failed"][0];
            assert_eq!(failed["layer"], "json", "{answer}");
            use base64::Engine as _;
            let kept = base64::engine::general_purpose::STANDARD.decode(failed["payload"].as_str().unwrap()).unwrap();
            assert_eq!(kept, bytes);
        }
    }
}

#[test]
fn what_a_record_looks_like_that_is_no_json_does_not_excuse_the_next() {
    let mut filter = filter("");
    for record in [&b"{\"a\":\"b\",\"\xff\":17p"[..], b"{\"a\":\"b\",\"\xff\":17}"] {
        let answer = answer(&mut filter, record).unwrap();
        assert_eq!(answer["flowscore"]["failed"][0]["layer"], "json", "{answer}");
        assert_eq!(answer.as_object().unwrap().len(), 1, "{answer}");
    }
}

#[test]
fn the_first_of_the_configured_fields_is_the_payload() {
    let mut filter = filter(r#"{"fluent_bit":{"fields":["line","log"]}}"#);
    for record in [json!({ "log": "bad", "line": LINE }), json!({ "line": LINE, "log": "bad" }), json!({ "log": LINE })]
    {
        for _ in 0..2 {
            let answer = answer(&mut filter, record.to_string().as_bytes()).unwrap();
            assert_eq!(answer["flowscore"].get("failed"), None, "{answer}");
        }
    }
    assert_eq!(filter.totals().counts.ok, 6);
}

#[test]
fn an_earlier_filters_member_is_replaced() {
    for (record, expected) in [
        (r#"{"flowscore":1}"#, json!({})),
        (r#"{"flowscore":1,"a":2}"#, json!({ "a": 2 })),
        (r#"{"a":2,"flowscore":{"score":9}}"#, json!({ "a": 2 })),
        (r#"{"a":2 , "flowscore" : [1] , "b" : 3}"#, json!({ "a": 2, "b": 3 })),
    ] {
        let mut answer = answer(&mut filter(""), record.as_bytes()).unwrap();
        let own = answer.as_object_mut().unwrap().remove("flowscore").unwrap();
        assert!(own.is_object(), "{own}");
        assert_eq!(answer, expected);
    }
}

#[test]
fn in_record_mode_each_record_has_its_score_and_anomalies_are_alerts() {
    let mut filter = filter(r#"{"mode":"record","forest":{"number_of_trees":20,"sub_sample_size":32}}"#);
    let mut scorer = Scorer::new(r#"{"mode":"record","forest":{"number_of_trees":20,"sub_sample_size":32}}"#).unwrap();
    let mut alerts = 0;
    for i in 0..200 {
        let bytes = if i == 150 { 90_000_000 } else { 4_000 + i % 50 };
        let line = LINE.replace("4249", &bytes.to_string());
        let answer = answer(&mut filter, json!({ "log": line }).to_string().as_bytes()).unwrap();
        let mut event = Vec::new();
        scorer.transform(line.as_bytes(), None, &mut event);
        let event: Value = serde_json::from_slice(&event).unwrap();
        assert_eq!(answer["flowscore"]["score"], event["anomaly_score"]);
        if let [alert] = answer["flowscore"]["alerts"].as_array().unwrap().as_slice() {
            assert_eq!(*alert, event);
            assert_eq!(answer["flowscore"]["direction"], "spike");
            alerts += 1;
        } else {
            assert_eq!(answer["flowscore"]["direction"], Value::Null);
        }
    }
    assert_eq!(alerts, 1);
}

/// Minutes of one interface: `bytes` in each.
fn minutes(filter: &mut Filter, minutes: std::ops::Range<i64>, bytes: impl Fn(i64) -> i64) -> Vec<Value> {
    let mut answers = Vec::new();
    for minute in minutes {
        for interface in ["eni-a", "eni-b"] {
            let start = 1_700_000_040 + minute * 60;
            let bytes = if interface == "eni-a" { bytes(minute) } else { 5_000 + minute % 7 };
            let line = format!("2 1 {interface} 10.0.0.1 10.0.0.2 1 22 6 20 {bytes} {start} {} ACCEPT OK", start + 59);
            answers.extend(answer(filter, json!({ "log": line }).to_string().as_bytes()));
        }
    }
    answers
}

fn alerts(answers: &[Value]) -> Vec<Value> {
    answers.iter().flat_map(|answer| answer["flowscore"]["alerts"].as_array().unwrap().clone()).collect()
}

#[test]
fn while_an_incident_is_open_its_series_records_are_marked_with_it() {
    let mut filter = filter(r#"{"series":{"total":false}}"#);
    let spike = |minute: i64| if minute >= 300 { 900_000 } else { 4_000 + minute * 37 % 100 };
    let answers = minutes(&mut filter, 0..340, spike);
    let alerts = alerts(&answers);
    let opened: Vec<&Value> = alerts.iter().filter(|alert| alert["state"] == "open").collect();
    assert_eq!(opened.len(), 1, "{alerts:?}");
    assert_eq!((&opened[0]["series"], &opened[0]["direction"]), (&json!("eni-a"), &json!("spike")));
    let first =
        answers.iter().position(|answer| !answer["flowscore"]["alerts"].as_array().unwrap().is_empty()).unwrap();
    let marked = |answer: &&Value| answer["flowscore"]["direction"] == "spike";
    assert_eq!(answers[..=first].iter().filter(marked).count(), 0);
    for answer in &answers[first + 1..first + 5] {
        let is_a = answer["log"].as_str().unwrap().contains("eni-a");
        assert_eq!(answer["flowscore"]["direction"], if is_a { json!("spike") } else { Value::Null });
        assert_eq!(answer["flowscore"]["score"].as_f64().unwrap() > 1.0, is_a);
    }
}

#[test]
fn in_mode_events_only_records_with_something_to_tell_go_on() {
    let mut filter = filter(r#"{"fluent_bit":{"mode":"events"}}"#);
    assert_eq!(answer(&mut filter, json!({ "log": LINE }).to_string().as_bytes()), None);
    assert_eq!(answer(&mut filter, b"{\"log\":\"bad\"}").unwrap()["log"], "bad");
    let spike = |minute: i64| if minute >= 300 { 900_000 } else { 4_000 + minute * 37 % 100 };
    let answers = minutes(&mut filter, 0..340, spike);
    assert!((1..10).contains(&answers.len()), "{answers:?}");
    assert!(answers.iter().all(|answer| !answer["flowscore"]["alerts"].as_array().unwrap().is_empty()));
}

#[test]
fn a_record_under_the_tick_tag_tells_the_time_and_is_dropped_if_nothing_comes_of_it() {
    let mut filter = filter("");
    minutes(&mut filter, 0..300, |minute| 4_000 + minute * 37 % 100);
    let end = 1_700_000_040 + 300 * 60;
    let (mut out, mut told) = (Vec::new(), Vec::new());
    for minute in 0..60 {
        out.clear();
        let fate = filter.filter(b"flowscore.tick", (end + minute * 60) * 1000, b"{\"dummy\":1}", &mut out);
        if fate == Fate::Goes {
            told.push(serde_json::from_slice::<Value>(&out).unwrap());
        }
    }
    // All series fell silent at once: the source has failed, which is one notice.
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["flowscore"]["alerts"][0]["type"], "notice");
    assert_eq!(filter.totals().counts.records(), 600);
}

#[test]
fn what_a_restart_missed_is_unknown_and_no_drop() {
    let quiet = |minute: i64| 4_000_000 + minute * 37 % 100;
    let mut filter = filter("");
    minutes(&mut filter, 0..300, quiet);
    let snapshot = filter.snapshot();
    let mut restored = Filter::restore(Config::default(), &snapshot).unwrap();
    // Some minutes went by in which an old instance took records in that are in no snapshot.
    let told = alerts(&minutes(&mut restored, 303..340, quiet));
    assert!(told.iter().all(|alert| alert["type"] != "anomaly"), "{told:?}");
    // What was learned is known: a drop is told soon.
    let told = alerts(&minutes(&mut restored, 340..360, |_| 4_000));
    assert!(told.iter().any(|alert| alert["direction"] == "drop"), "{told:?}");
}

/// Text near flow log lines and near base64.
fn payload() -> impl Strategy<Value = String> {
    let field = prop_oneof![
        "[0-9]{1,12}",
        "eni-[0-9a-f]{4}",
        "10\\.0\\.0\\.[0-9]",
        "84ma[A-Za-z0-9]{0,8}",
        "-",
        "ACCEPT",
        "OK",
        "[A-Za-z0-9+/=_,-]{0,12}"
    ];
    let line = (
        prop::sample::select(vec!["2", "8", "84mawgAA", "12", "H4sIAAAA", "{\"a\"", "version", "3"]),
        prop::collection::vec(field, 0..15),
        prop::sample::select(vec![" ", "  ", ",", ""]),
    );
    let flow = (0..3u8, 0..5000u32, 1_700_000_000..1_700_009_000u32).prop_map(|(eni, bytes, start)| {
        format!("2 1 eni-{eni} 10.0.0.1 10.0.0.{eni} 1 22 6 20 {bytes} {start} {} ACCEPT OK", start + 60)
    });
    prop_oneof![
        3 => flow,
        2 => line.prop_map(|(first, fields, blank)| [vec![first.to_owned()], fields].concat().join(blank)),
        1 => "[ -~é\t\n]{0,40}",
        1 => "[A-Za-z0-9+/]{0,60}={0,2}",
    ]
}

fn member() -> impl Strategy<Value = (String, String)> {
    let key = prop::sample::select(vec![
        "interface_id",
        "start",
        "end",
        "bytes",
        "packets",
        "action",
        "log_status",
        "srcaddr",
        "dstaddr",
        "srcport",
        "dstport",
        "protocol",
        "version",
        "tcp_flags",
        "host",
        "data",
        "Data",
        "recordId",
        "message",
        "interface-id",
        "kinesis",
        "a\\u0062",
        "sequenceNumber",
        "owner",
    ]);
    let value = prop_oneof![
        6 => (0..200_000u64).prop_map(|n| n.to_string()),
        3 => (1_700_000_000..1_700_009_000u64).prop_map(|n| n.to_string()),
        2 => "[0-9]{1,20}".prop_map(|n| format!("\"{n}\"")),
        2 => prop::sample::select(vec![
            "null", "\"-\"", "\"\"", "true", "1.5", "-3", "1e3", "0", "\"a b\"", "\"\\u0041\"", "\"é\"", "[]", "{\"bytes\":1}",
            "\"REJECT\"", "\"NODATA\"", "\"SKIPDATA\"", "\"OK\"", "\" 7\"", "1700000000000", "99999999999999999999", "\"10.0.0.1\"",
            "{\"data\":\"eA==\",\"sequenceNumber\":\"1\"}",
        ]).prop_map(str::to_owned),
    ];
    (key.prop_map(str::to_owned), value)
}

/// A flow record as an object, with a few members put in its way.
fn object() -> impl Strategy<Value = String> {
    let base = (0..3u8, 0..5000u32, 1_700_000_000..1_700_009_000u32).prop_map(|(eni, bytes, start)| {
        let members = [
            ("interface_id", format!("\"eni-{eni}\"")),
            ("srcaddr", "\"10.0.0.1\"".into()),
            ("dstaddr", format!("\"10.0.0.{eni}\"")),
            ("srcport", "1".into()),
            ("dstport", "443".into()),
            ("protocol", "6".into()),
            ("packets", "3".into()),
            ("bytes", bytes.to_string()),
            ("start", start.to_string()),
            ("end", (start + 60).to_string()),
            ("action", "\"ACCEPT\"".into()),
            ("log_status", "\"OK\"".into()),
        ];
        members.map(|(key, value): (&str, String)| (key.to_owned(), value)).to_vec()
    });
    let edits = prop::collection::vec((any::<prop::sample::Index>(), member(), 0..3u8), 0..3);
    (base, edits, prop::sample::select(vec![("", ""), (" ", ""), ("", " "), ("\n", "\t")])).prop_map(
        |(mut members, edits, (a, b))| {
            for (index, member, what) in edits {
                let place = index.index(members.len().max(1));
                match what {
                    0 if place < members.len() => members[place] = member,
                    1 if place < members.len() => drop(members.remove(place)),
                    _ => members.insert(place, member),
                }
            }
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{a}\"{key}\"{b}:{a}{value}{b}")).collect();
            format!("{{{}}}", members.join(","))
        },
    )
}

/// Feeds the same payloads to the filter and to the pipeline that the component calls: the same is learned and told.
fn same(config: &str, payloads: &[(String, String)]) -> Result<(), TestCaseError> {
    let (mut filter, mut scorer) = (filter(config), Scorer::new(config).unwrap());
    for (record, payload) in payloads {
        let answer = answer(&mut filter, record.as_bytes());
        let mut events = Vec::new();
        scorer.transform(payload.as_bytes(), None, &mut events);
        let of_kind = |wanted: bool| -> Vec<Value> {
            let events = events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let mut events: Vec<Value> = events.map(|line| serde_json::from_slice(line).unwrap()).collect();
            events.retain(|event| (event["type"] == "failed") == wanted);
            events.iter_mut().for_each(|event| drop(event.as_object_mut().unwrap().remove("payload")));
            events
        };
        if let Some(answer) = answer {
            let told = &answer["flowscore"];
            prop_assert_eq!(told["alerts"].as_array().unwrap(), &of_kind(false), "{}", record);
            let failed = told.get("failed").and_then(Value::as_array).cloned().unwrap_or_default();
            prop_assert_eq!(failed, of_kind(true), "{}", record);
        }
        prop_assert_eq!(filter.totals(), scorer.totals(), "{}", record);
    }
    prop_assert_eq!(filter.snapshot(), scorer.snapshot());
    Ok(())
}

proptest! {
    #[test]
    fn text_is_scored_as_the_component_scores_it(payloads in prop::collection::vec(payload(), 1..12)) {
        let records: Vec<_> = payloads.into_iter().map(|payload| (json!({ "log": payload }).to_string(), payload)).collect();
        same("", &records)?;
    }

    #[test]
    fn objects_are_scored_as_the_component_scores_them(objects in prop::collection::vec(object(), 1..12)) {
        let config = r#"{"fluent_bit":{"fields":["log"]}}"#;
        let records: Vec<_> = objects.into_iter().map(|object| (object.clone(), object)).collect();
        same(config, &records)?;
    }

    #[test]
    fn whatever_the_bytes_are_the_answer_is_a_json_object(records in prop::collection::vec(
        prop_oneof![prop::collection::vec(any::<u8>(), 0..60), object().prop_map(String::into_bytes),
            (object(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(text, at, byte)| {
                let mut bytes = text.into_bytes();
                let at = at.index(bytes.len());
                // An exponent may make a number that is in JSON's grammar, but too large for the reader that checks here.
                bytes[at] = if byte.eq_ignore_ascii_case(&b'e') { b'x' } else { byte };
                bytes
            })], 1..8)) {
        let mut filter = filter("");
        for record in &records {
            let answer = answer(&mut filter, record).unwrap();
            if let Ok(Value::Object(members)) = serde_json::from_slice::<Value>(record) {
                for (name, value) in members {
                    prop_assert_eq!(&answer[&name], &value);
                }
            }
        }
    }
}
