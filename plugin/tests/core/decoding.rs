//! Decoder from payloads to lines of JSON: what each record becomes, and that every record is accounted for.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flowscore::column::{FIELDS, Kind};
use flowscore::config::Config;
use flowscore::discover_schema;
use flowscore::flow::{Format, Formats, Parser};
use flowscore::pipeline::{Counts, Decoder, Outcome, Scorer};
use proptest::prelude::*;
use serde_json::{Value, json};

const LINE: &str = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
const HEADER: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status";

fn decoding(config: &str) -> Decoder {
    Decoder::new(&Config::parse(config).unwrap())
}

/// The lines of JSON, and the accounts; a payload without a good record has no lines.
fn decode(config: &str, payload: &[u8]) -> (String, Counts) {
    match decoding(config).decode(payload, None) {
        Outcome::Ok(lines, counts) => (String::from_utf8(lines).unwrap(), counts),
        Outcome::Dropped(_) => (String::new(), Counts { dropped: 1, ..Counts::default() }),
        Outcome::Failed(_) => (String::new(), Counts { failed: 1, ..Counts::default() }),
    }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// The general way of a line: parsed, then written.
fn written(format: &Format, line: &str) -> Option<String> {
    let mut parser = Parser::new(Formats::new(vec![format.clone()]));
    let record = parser.line(line.as_bytes()).ok()?.record()?;
    let mut out = b"{".to_vec();
    record.write_members(&mut out);
    Some(String::from_utf8(out).unwrap() + "}\n")
}

#[test]
fn what_is_unusual_in_a_line_comes_out_as_it_should() {
    let fields = "${version} ${account-id} ${srcport} ${bytes} ${start} ${action} ${log-status}";
    let config = json!({ "input": { "format": fields } }).to_string();
    for (line, expected) in [
        (
            "2 012345678901 0 0 0 ACCEPT OK",
            r#""012345678901","srcport":0,"bytes":0,"start":0,"action":"ACCEPT","log_status":"OK""#,
        ),
        (
            "2 unknown 007 00 01418530010 REJECT OK",
            r#""unknown","srcport":7,"bytes":0,"start":1418530010,"action":"REJECT","log_status":"OK""#,
        ),
        (
            "2 - - - 1418530010 - NODATA",
            r#"null,"srcport":null,"bytes":null,"start":1418530010,"action":null,"log_status":"NODATA""#,
        ),
        (
            "2 1 - - - - SKIPDATA",
            r#""1","srcport":null,"bytes":null,"start":null,"action":null,"log_status":"SKIPDATA""#,
        ),
        ("2 1 1 1 1 - -", r#""1","srcport":1,"bytes":1,"start":1,"action":null,"log_status":null"#),
        (
            "2  1\t65535  12345678 12345678   ACCEPT OK \r",
            r#""1","srcport":65535,"bytes":12345678,"start":12345678,"action":"ACCEPT","log_status":"OK""#,
        ),
        (
            "2 a\"\\b 1 9223372036854775807 253402300799 REJECT NODATA",
            r#""a\"\\b","srcport":1,"bytes":9223372036854775807,"start":253402300799,"action":"REJECT","log_status":"NODATA""#,
        ),
        (
            "2 é日 1 123456789012345 1 ACCEPT OK",
            r#""é日","srcport":1,"bytes":123456789012345,"start":1,"action":"ACCEPT","log_status":"OK""#,
        ),
        (
            "2 1 1 1234567890123456 1 ACCEPT SKIPDATA",
            r#""1","srcport":1,"bytes":1234567890123456,"start":1,"action":"ACCEPT","log_status":"SKIPDATA""#,
        ),
    ] {
        let (lines, counts) = decode(&config, line.as_bytes());
        assert_eq!(lines, format!("{{\"version\":2,\"account_id\":{expected}}}\n"), "{line}");
        assert_eq!(counts, Counts { ok: 1, ..Counts::default() });
    }
    for (line, reason) in [
        ("2 1 65536 1 1 ACCEPT OK", "srcport `65536` is not a whole number from 0 to 65535"),
        ("2 1 1 9223372036854775808 1 ACCEPT OK", "bytes `9223372036854775808` is too large"),
        ("2 1 1 1 418530010000 ACCEPT OK", "start `418530010000` is not a whole number"),
        ("2 1 1 -1 1 ACCEPT OK", "bytes `-1` is not a whole number"),
        ("2 1 1 1.5 1 ACCEPT OK", "bytes `1.5` is not a whole number"),
        ("2 1 1 1 1 ACCEPTED OK", "action `ACCEPTED` is not one of"),
        ("2 1 1 1 1 accept OK", "action `accept` is not one of"),
        ("2 1 1 1 1 ACCEPT OKAY", "log-status `OKAY` is not one of"),
        ("2 1 1 1 1 ACCEPT", "6 fields, but the formats have 7"),
        ("2 1 1 1 1 ACCEPT OK 8", "8 fields, but the formats have 7"),
        ("2 1\u{1} 1 1 1 ACCEPT OK", "control character 0x01"),
    ] {
        match decoding(&config).decode(line.as_bytes(), None) {
            Outcome::Failed(failure) => assert!(failure.reason.contains(reason), "{line}: {failure}"),
            other => panic!("{line}: {other:?}"),
        }
    }
}

/// Each way of bringing two records and one that fails: what comes out is the same, and all three are accounted for.
#[test]
fn every_record_is_accounted_for_in_every_envelope() {
    let bad = LINE.replace(" 22 ", " 99999 ");
    let lines = [LINE, &bad, LINE].join("\n");
    let events: Vec<_> =
        [LINE, &bad, LINE].iter().map(|line| json!({ "id": "1", "timestamp": 1, "message": line })).collect();
    let document = json!({
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": events,
    });
    let (document, records) = (document.to_string().into_bytes(), [LINE, &bad, LINE].map(|line| STANDARD.encode(line)));
    let record = |data: &str| json!({ "data": data, "recordId": "r", "kinesis": { "data": data }, "Data": data });
    let records: Vec<_> = records.iter().map(|data| record(data)).collect();
    for (name, payload) in [
        ("lines", lines.clone().into_bytes()),
        ("CRLF", lines.replace('\n', "\r\n").into_bytes()),
        ("header line", format!("{HEADER}\n{lines}").into_bytes()),
        ("CloudWatch", document.clone()),
        ("gzip", gzip(&document)),
        ("base64", STANDARD.encode(gzip(&document)).into_bytes()),
        ("GetRecords", json!({ "Records": records }).to_string().into_bytes()),
        (
            "analytics",
            json!({ "applicationArn": "a", "invocationId": "i", "records": records }).to_string().into_bytes(),
        ),
        ("messages", [LINE, &bad, LINE].map(|line| json!({ "message": line }).to_string()).concat().into_bytes()),
    ] {
        let (out, counts) = decode("", &payload);
        assert_eq!(counts, Counts { ok: 2, failed: 1, dropped: 0 }, "{name}");
        let out: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(out.len(), 3, "{name}");
        assert_eq!((&out[0], &out[1]["type"]), (&out[2], &json!("failed")), "{name}");
        assert_eq!(out[0]["bytes"], 4249, "{name}");
        for config in [r#"{"mode":"record"}"#, ""] {
            let scored = Scorer::new(config).unwrap().transform(&payload, None, &mut Vec::new());
            assert_eq!(scored, counts, "{name}, {config}");
        }
    }
}

#[test]
fn a_payload_of_header_lines_alone_is_dropped_and_accounted_for() {
    let Outcome::Dropped(reason) = decoding("").decode(HEADER.as_bytes(), None) else { panic!() };
    assert!(reason.contains("header"), "{reason}");
    let mut scorer = Scorer::new("").unwrap();
    let counts = scorer.transform(HEADER.as_bytes(), None, &mut Vec::new());
    assert_eq!(counts, Counts { dropped: 1, ..Counts::default() });
    assert_eq!(scorer.totals().counts, counts);
}

/// Events of record mode and the accounts, payload by payload.
fn record_mode(config: &str, payloads: &[&str]) -> (Vec<Value>, Counts) {
    let mut scorer = Scorer::new(config).unwrap();
    let mut out = Vec::new();
    for payload in payloads {
        scorer.transform(payload.as_bytes(), None, &mut out);
    }
    let events = String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (events, scorer.totals().counts)
}

#[test]
fn a_csv_header_names_what_record_mode_scores_and_what_it_refuses() {
    let told = r#"{"mode":"record","input":{"csv":{"header":true}}}"#;
    for config in [r#"{"mode":"record"}"#, told] {
        for payloads in [&["a,b\n1,NaN\n2,3\n"][..], &["a,b\n1,NaN", "a,b\n2,3"]] {
            let (events, counts) = record_mode(config, payloads);
            assert_eq!(counts, Counts { ok: 1, dropped: 0, failed: 1 }, "{config} {payloads:?}");
            let [chosen, failed, scored] = &events[..] else { panic!("{events:?}") };
            assert!(chosen["message"].as_str().unwrap().ends_with("scored: a, b"), "{chosen}");
            let reason = failed["reason"].as_str().unwrap();
            assert!(reason.contains("column `b` is `NaN`") && reason.contains("finite number such as 12"), "{reason}");
            assert_eq!((&scored["record"]["a"], &scored["record"]["b"]), (&json!(2), &json!(3)));
        }
    }
    let (events, counts) = record_mode(r#"{"mode":"record","record":{"columns":["b"]}}"#, &["a,b\nx,1\n", "y,2\n"]);
    assert_eq!(counts, Counts { ok: 1, dropped: 0, failed: 1 });
    assert!(events[1]["reason"].as_str().unwrap().contains("column `b` is missing"), "{}", events[1]);
}

#[test]
fn damaged_base64_is_called_by_its_name() {
    let whole = STANDARD.encode(gzip(LINE.as_bytes()));
    let early = format!("{}!{}", &whole[..9], &whole[10..]);
    let late = format!("{}*{}", &whole[..80], &whole[81..]);
    let long = "0123456789abcdef".repeat(5) + "~";
    for (payload, layer, offset, reason) in [
        ("!!!!notbase64==", "base64", 0, "a character outside the base64 alphabets"),
        ("  bm90*mdsb3c=", "base64", 6, "a character outside the base64 alphabets"),
        ("bm9=ZmxvdzE=", "base64", 4, "text after the padding"),
        ("AAECAwQFBgcICQ==", "base64", 0, "it decodes to no known format"),
        (&early, "base64", 9, "a character outside the base64 alphabets"),
        (&late, "base64", 80, "a character outside the base64 alphabets"),
        (&long, "base64", 80, "a character outside the base64 alphabets"),
        (&whole[..41], "base64", 41, "cut off"),
        (&whole[..40], "gzip", 30, "cut off"),
        ("broken", "flow_record", 6, "1 field, but the formats have"),
        ("/usr/bin/a=b", "flow_record", 12, "1 field, but the formats have"),
        ("=============", "flow_record", 13, "1 field, but the formats have"),
    ] {
        let Outcome::Failed(failure) = decoding("").decode(payload.as_bytes(), None) else { panic!("{payload}") };
        assert_eq!((failure.layer.name(), failure.offset), (layer, offset), "{payload}: {failure}");
        assert!(failure.reason.contains(reason), "{payload}: {failure}");
    }
}

#[test]
fn header_lines_are_bounded() {
    let (_, counts) = decode("", "bytes\n7\n".repeat(1_100).as_bytes());
    assert_eq!(counts, Counts { ok: 1_100, dropped: 0, failed: 100 });
}

#[test]
fn a_field_name_that_is_not_known_is_told_once() {
    let config = r#"{"mode":"record","input":{"format":"${bytes} ${next-year}"}}"#;
    let mut scorer = Scorer::new(config).unwrap();
    let mut events = Vec::new();
    scorer.transform(b"7 x", None, &mut events);
    scorer.transform(b"8 y", None, &mut events);
    let events = String::from_utf8(events).unwrap();
    let notices: Vec<_> = events.lines().filter(|line| line.contains("\"notice\"")).collect();
    assert_eq!(
        notices,
        [
            r#"{"type":"notice","kind":"unknown_field","message":"`next-year` is not a known flow log field; it is kept as text"}"#
        ]
    );
    assert!(events.contains(r#""next_year":"x""#), "{events}");
}

/// RFC 4180 section 2: line ends inside quotes belong to the field, a doubled quote is one.
#[test]
fn csv_rows_are_told_by_their_quotes() {
    let config = r#"{"input":{"records":"csv","csv":{"header":true}}}"#;
    let text = "a,b\r\n1,\"two\nlines, \"\"quoted\"\"\"\r\n2,plain\r\n3,\"never closed\r\n4,last\r\n";
    let (lines, counts) = decode(config, text.as_bytes());
    assert_eq!(counts, Counts { ok: 3, dropped: 0, failed: 1 });
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0], json!({ "a": "1", "b": "two\nlines, \"quoted\"" }));
    assert_eq!(lines[1], json!({ "a": "2", "b": "plain" }));
    assert!(lines[2]["reason"].as_str().unwrap().contains("a quoted field is not closed"), "{}", lines[2]);
    assert_eq!(lines[3], json!({ "a": "4", "b": "last" }));
}

/// The configuration that discovery gives is taken as it is and reads the sample to its last record.
#[test]
fn a_discovered_configuration_reads_its_sample() {
    let csv = |delimiter: &str, header: &str| {
        (0..30).fold(header.to_owned(), |text, i| format!("{text}x{delimiter}{}{delimiter}y\n", i * i % 17))
    };
    let custom = (0..40).fold(String::new(), |text, i| {
        format!(
            "{text}eni-{} 10.0.0.{i} 10.0.0.2 ACCEPT {} {} {}\n",
            i % 3,
            1 + i % 7,
            (1 + i % 7) * 12_000 + i,
            1_723_542_839 + i
        )
    });
    for (name, text) in [
        ("default format", format!("{LINE}\n").repeat(20)),
        ("custom format", custom),
        ("CSV", csv(",", "name,value,other\n")),
        ("CSV without header", csv(",", "")),
        ("semicolons", csv(";", "name;value;other\n")),
        ("tabs", csv("\t", "")),
        ("JSON", (0..30).map(|i| json!({ "a": { "b": i * i % 17 } }).to_string() + "\n").collect()),
    ] {
        let report: Value = serde_json::from_str(&discover_schema([text.as_bytes()].into_iter())).unwrap();
        let config = report["configuration"].to_string();
        let (_, counts) = decode(&config, text.as_bytes());
        let header = u64::from(text.starts_with("name"));
        assert_eq!(
            counts,
            Counts { ok: text.lines().count() as u64 - header, ..Counts::default() },
            "{name}: {config} {}",
            report["notes"]
        );
        let mut scorer = Scorer::new(&config).unwrap();
        let scored = scorer.transform(text.as_bytes(), None, &mut Vec::new());
        assert_eq!(scored, counts, "{name}: {config}");
    }
}

/// Kinesis Data Analytics for SQL developer guide, "Preprocessing data using a Lambda function", and Firehose developer
/// guide, "Transform source data": each id exactly once, with a result and base64 data.
#[test]
fn a_request_is_answered_in_its_contract() {
    let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE"}]}"#;
    let data = [
        STANDARD.encode(LINE),
        STANDARD.encode(control),
        STANDARD.encode("no flow log"),
        STANDARD.encode(gzip(format!("{LINE}\n{LINE}").as_bytes())),
    ];
    let records: Vec<_> =
        data.iter().enumerate().map(|(i, data)| json!({ "recordId": format!("r{i}"), "data": data })).collect();
    let (expected, _) = decode("", LINE.as_bytes());
    for arn in ["applicationArn", "deliveryStreamArn"] {
        let request = json!({ "invocationId": "i", arn: "arn", "streamArn": "arn", "records": records }).to_string();
        let answer: Value = serde_json::from_str(&decoding("").answer(request.as_bytes()).unwrap()).unwrap();
        assert_eq!(
            answer,
            json!({ "records": [
                { "recordId": "r0", "result": "Ok", "data": STANDARD.encode(&expected) },
                { "recordId": "r1", "result": "Dropped", "data": "" },
                { "recordId": "r2", "result": "ProcessingFailed", "data": data[2] },
                { "recordId": "r3", "result": "Ok", "data": STANDARD.encode(expected.repeat(2)) },
            ]})
        );
    }
    assert_eq!(decoding("").answer(LINE.as_bytes()), None, "a line asks for no answer");
}

#[test]
fn discovery_tells_the_layers() {
    let document = json!({
        "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s",
        "logEvents": [{ "id": "1", "timestamp": 1, "message": LINE }],
    });
    let payload = STANDARD.encode(gzip(document.to_string().as_bytes()));
    let report: Value =
        serde_json::from_str(&discover_schema([payload.as_bytes(), LINE.as_bytes()].into_iter())).unwrap();
    assert_eq!(report["layers"], json!(["base64 > gzip > cloudwatch_logs_subscription"]));
    assert_eq!(report["format"], "vpc_flow_log");
}

/// Some fields in some order, and lines of tokens that mostly fit. A first column that can be no other layer, no JSON and
/// no header line.
fn lines() -> impl Strategy<Value = (Format, Vec<String>)> {
    let names: Vec<_> = FIELDS.iter().map(|info| info.name).filter(|name| *name != "az-id").collect();
    proptest::sample::subsequence(names, 1..20).prop_shuffle().prop_flat_map(|names| {
        let token = |name: &&str| {
            let kind = flowscore::column::Field::by_name(name.as_bytes()).unwrap().info().kind;
            let right = match kind {
                Kind::Integer { max } => (0..=max).prop_map(|number| number.to_string()).boxed(),
                Kind::Action => Just("ACCEPT".to_owned()).boxed(),
                Kind::Status => prop_oneof![Just("OK".to_owned()), Just("SKIPDATA".to_owned())].boxed(),
                _ => "[!-~]{1,40}".boxed(),
            };
            let other = "(-|[0-9]{1,20}|[A-Z]{1,9}|[!-~]{1,9}|é| )";
            prop_oneof![20 => right, 1 => other]
        };
        let line: Vec<_> = names.iter().map(token).collect();
        let lines = proptest::collection::vec(line.prop_map(|tokens| format!("0.0 {}", tokens.join(" "))), 1..6);
        (Just(Format::parse(&format!("az-id {}", names.join(" "))).unwrap()), lines)
    })
}

proptest! {
    #[test]
    fn a_line_is_written_in_the_quick_way_as_in_the_general_one((format, lines) in lines()) {
        let config = json!({ "input": { "format": format.to_string(), "records": "flow" } }).to_string();
        let mut decoding = decoding(&config);
        for line in lines {
            match (decoding.decode(line.as_bytes(), None), written(&format, &line)) {
                (Outcome::Ok(ours, counts), Some(theirs)) => {
                    prop_assert_eq!(String::from_utf8(ours).unwrap(), theirs);
                    prop_assert_eq!(counts.records(), 1);
                }
                (Outcome::Failed(_), None) => {}
                (ours, theirs) => prop_assert!(false, "{}: {:?}, {:?}", line, ours, theirs),
            }
        }
    }

    #[test]
    fn payloads_of_many_lines_give_what_their_lines_give((format, lines) in lines(), repeat in 1..300usize) {
        let config = json!({ "input": { "format": format.to_string(), "records": "flow" } }).to_string();
        let good: Vec<_> = lines.iter().filter(|line| written(&format, line).is_some()).collect();
        prop_assume!(!good.is_empty());
        let apart: String = good.iter().map(|line| decode(&config, line.as_bytes()).0).collect();
        let text = format!("{}\n", good.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n"));
        let (together, counts) = decode(&config, text.repeat(repeat).as_bytes());
        prop_assert_eq!(together, apart.repeat(repeat));
        prop_assert_eq!(counts, Counts { ok: (good.len() * repeat) as u64, ..Counts::default() });
    }
}

/// What decoding counts in payloads of every kind, scoring counts, too.
#[test]
fn decoding_and_scoring_count_records_by_one_rule() {
    let event = |message: &str| format!(r#"{{"id":"1","timestamp":1723542871000,"message":"{message}"}}"#);
    let subscription = |messages: &[&str]| {
        let events = messages.iter().map(|message| event(message)).collect::<Vec<_>>().join(",");
        format!(r#"{{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[{events}]}}"#)
    };
    let control = subscription(&[]).replace("DATA_MESSAGE", "CONTROL_MESSAGE");
    for (payload, ok, dropped, failed) in [
        (subscription(&["2 eni-1 10.0.0.1 10.0.0.2", "2 eni-1 10.0.0.3 10.0.0.4"]), 0, 0, 2),
        (subscription(&["2 eni-1 10.0.0.1 10.0.0.2"]), 0, 0, 1),
        (subscription(&[LINE, "x"]), 1, 0, 1),
        (subscription(&[HEADER, LINE, LINE]), 2, 0, 0),
        (subscription(&[HEADER]), 0, 1, 0),
        (format!("{HEADER}\n{HEADER}\n{LINE}"), 1, 0, 0),
        (format!("{HEADER}\n{HEADER}"), 0, 1, 0),
        (format!("x\n{HEADER}\ny\nz"), 0, 0, 3),
        (control.clone(), 0, 1, 0),
        (format!("{control}\n{control}\n{control}"), 0, 3, 0),
        (format!("{control}\nx"), 0, 1, 1),
        ("interface_id,start,bytes\neni-1,1,2\neni-1,1".to_owned(), 1, 0, 1),
        ("\u{1}".to_owned(), 0, 0, 1),
        (String::new(), 0, 0, 1),
    ] {
        let expected = Counts { ok, dropped, failed };
        for payload in [payload.clone().into_bytes(), gzip(payload.as_bytes())] {
            let mut decoded = Counts::default();
            let failures = match decoding("").decode(&payload, None) {
                Outcome::Ok(lines, counts) => {
                    decoded += counts;
                    lines.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{\"type\":\"failed\"")).count()
                }
                Outcome::Dropped(_) => {
                    decoded.dropped += 1;
                    0
                }
                Outcome::Failed(_) => {
                    decoded.failed += 1;
                    1
                }
            };
            let scored = Scorer::new("").unwrap().transform(&payload, None, &mut Vec::new());
            let text = String::from_utf8_lossy(&payload);
            assert_eq!((decoded, scored, failures as u64), (expected, expected, failed), "{text}");
        }
    }
}

/// A first row of names is a header to decoding where it is one to scoring, so that both count the same records. Found by fuzzing.
#[test]
fn a_header_of_rows_is_the_same_to_decoding_and_to_scoring() {
    let record = |columns: &str| format!(r#"{{"mode":"record","record":{{"columns":{columns}}}}}"#);
    for config in [
        "{}".to_owned(),
        record("[]"),
        record(r#"["l"]"#),
        record(r#"["other"]"#),
        r#"{"input":{"where":{"l":"1"}}}"#.into(),
    ] {
        for text in [
            "l\naz,l\n\n,l\n'z\u{e}z\nl\naz,l\n,",
            " qz,l\naz,l\n'",
            "az,l\n1,2\n3,4\n",
            "time,value\n1,2\n",
            "bytes,x\n1,2\n",
        ] {
            let scored =
                flowscore::pipeline::Scorer::new(&config).unwrap().transform(text.as_bytes(), None, &mut Vec::new());
            let decoded = match Decoder::new(&Config::parse(&config).unwrap()).decode(text.as_bytes(), None) {
                Outcome::Ok(_, counts) => counts.records(),
                _ => 1,
            };
            assert_eq!(decoded, scored.records(), "{config} {text:?}");
        }
    }
}
