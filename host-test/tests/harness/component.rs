//! The built component, through the harness: what it imports, decodes, scores and refuses.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use flowscore_generate::{Scenario, Wrapping};
use host_test::artifact::Artifact;
use host_test::plugin::{BUILT_IN, Limits, Outcome, Payload, Place, Plugin, PluginError, RestoreError, SeriesMode};
use serde_json::{Value, json};

fn plugin() -> Plugin {
    Plugin::built_in(Limits::default()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A CloudWatch Logs subscription document of these lines, as Kinesis' JSON interfaces show it: gzip in base64.
fn subscription(lines: &[&str]) -> Vec<u8> {
    let events: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(i, line)| json!({ "id": format!("{i:056}"), "timestamp": 1_418_530_010_000u64, "message": line }))
        .collect();
    let document = json!({
        "messageType": "DATA_MESSAGE",
        "owner": "123456789010",
        "logGroup": "VPCFlowLogs",
        "logStream": "eni-1235b8ca123456789-all",
        "subscriptionFilters": ["VPCFlowLogsAllFilter"],
        "logEvents": events,
    });
    STANDARD.encode(gzip(document.to_string().as_bytes())).into_bytes()
}

fn payload(data: &[u8]) -> Payload<'_> {
    Payload { data, id: Some("test") }
}

fn decode(config: &str, data: &[u8]) -> Vec<Value> {
    let outcome = plugin().decoder(config).unwrap().decode(&[payload(data)]).unwrap().remove(0);
    match outcome {
        Outcome::Ok(decoded) => lines(&decoded.records),
        other => panic!("{other:?}"),
    }
}

fn lines(ndjson: &[u8]) -> Vec<Value> {
    ndjson.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

#[test]
fn no_input_traps() {
    let whole =
        subscription(&["2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK"; 3]);
    let mut state = 1u64;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let plugin = plugin();
    let (mut decoder, mut scorer) = (plugin.decoder("").unwrap(), plugin.scorer("").unwrap());
    for round in 0..500 {
        let mut bytes = match round % 3 {
            0 => whole.clone(),
            1 => STANDARD.decode(&whole).unwrap(),
            _ => (0..random(300)).map(|_| random(256) as u8).collect(),
        };
        bytes.truncate(random(bytes.len() + 1) + 40);
        for _ in 0..random(4) {
            let at = random(bytes.len().max(1));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random(256) as u8;
            }
        }
        assert_eq!(decoder.decode(&[payload(&bytes)]).unwrap().len(), 1);
        assert!(scorer.transform(&[payload(&bytes)]).unwrap().counts.records > 0);
        plugin.discover_schema(&[payload(&bytes)]).unwrap();
    }
}

#[test]
fn imports_nothing() {
    let artifact = Artifact::read(BUILT_IN).unwrap();
    assert!(artifact.component);
    assert_eq!(artifact.imports, Vec::<String>::new());
    let exports: Vec<&str> = artifact.exports.iter().map(|name| name.split('@').next().unwrap()).collect();
    for name in ["description", "decoding", "answering", "scoring"] {
        assert!(exports.contains(&format!("flowscore:transform/{name}").as_str()), "{exports:?}");
    }
}

#[test]
fn is_small() {
    assert!(BUILT_IN.len() < 900_000, "the component takes {} bytes", BUILT_IN.len());
    let path = |part: &[u8]| BUILT_IN.windows(part.len()).any(|window| window == part);
    assert!(!path(b"/.cargo/") && !path(env!("CARGO_MANIFEST_DIR").as_bytes()), "paths of the machine are in it");
}

#[test]
fn says_what_it_is_and_how_it_is_configured() {
    let info = plugin().describe().unwrap();
    assert_eq!(info.name, "flowscore");
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    let schema: Value = serde_json::from_str(&info.config_schema).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

/// Amazon VPC User Guide, "Flow log record examples", default format.
#[test]
fn the_documentations_examples_come_out_field_by_field() {
    let records = decode(
        "",
        &subscription(&[
            "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK",
            "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 1418530010 1418530070 REJECT OK",
            "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
            "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA",
            "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK",
        ]),
    );
    let missing = |interface: &str, status: &str| {
        json!({
            "version": 2, "account_id": "123456789010", "interface_id": interface, "srcaddr": null, "dstaddr": null,
            "srcport": null, "dstport": null, "protocol": null, "packets": null, "bytes": null, "start": 1431280876,
            "end": 1431280934, "action": null, "log_status": status,
        })
    };
    let expected = [
        json!({
            "version": 2, "account_id": "123456789010", "interface_id": "eni-1235b8ca123456789",
            "srcaddr": "172.31.16.139", "dstaddr": "172.31.16.21", "srcport": 20641, "dstport": 22, "protocol": 6,
            "packets": 20, "bytes": 4249, "start": 1418530010, "end": 1418530070, "action": "ACCEPT", "log_status": "OK",
        }),
        json!({
            "version": 2, "account_id": "123456789010", "interface_id": "eni-1235b8ca123456789",
            "srcaddr": "172.31.9.69", "dstaddr": "172.31.9.12", "srcport": 49761, "dstport": 3389, "protocol": 6,
            "packets": 20, "bytes": 4249, "start": 1418530010, "end": 1418530070, "action": "REJECT", "log_status": "OK",
        }),
        missing("eni-1235b8ca123456789", "NODATA"),
        missing("eni-11111111aaaaaaaaa", "SKIPDATA"),
        json!({
            "version": 2, "account_id": "123456789010", "interface_id": "eni-1235b8ca123456789",
            "srcaddr": "2001:db8:1234:a100:8d6e:3477:df66:f105", "dstaddr": "2001:db8:1234:a102:3304:8879:34cf:4071",
            "srcport": 34892, "dstport": 22, "protocol": 6, "packets": 54, "bytes": 8855, "start": 1477913708,
            "end": 1477913820, "action": "ACCEPT", "log_status": "OK",
        }),
    ];
    assert_eq!(records, expected);
}

#[test]
fn a_custom_format_is_taken_from_the_configuration() {
    let config = r#"{"input":{"format":"${interface-id} ${bytes} ${flow-direction}"}}"#;
    let record = &decode(config, b"eni-1 77 egress")[0];
    assert_eq!(*record, json!({ "interface_id": "eni-1", "bytes": 77, "flow_direction": "egress" }));
}

#[test]
fn a_preprocessing_request_is_answered_in_its_contract() {
    let line = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    let (good, bad) = (STANDARD.encode(line), STANDARD.encode("no flow log"));
    let request = json!({
        "invocationId": "i", "applicationArn": "a", "streamArn": "s",
        "records": [{ "recordId": "r1", "data": good }, { "recordId": "r2", "data": bad }],
    });
    let mut answerer = plugin().answerer("").unwrap();
    let answer = answerer.answer(request.to_string().as_bytes()).unwrap().unwrap();
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["records"][1], json!({ "recordId": "r2", "result": "ProcessingFailed", "data": bad }));
    assert_eq!((&answer["records"][0]["recordId"], &answer["records"][0]["result"]), (&json!("r1"), &json!("Ok")));
    let data = STANDARD.decode(answer["records"][0]["data"].as_str().unwrap()).unwrap();
    assert_eq!(lines(&data), decode("", line.as_bytes()));
    assert_eq!(answerer.answer(line.as_bytes()).unwrap(), None);
}

/// Decoder alone, with lines of every length and kind in each payload, so that pages are turned at every place.
#[test]
fn native_and_webassembly_decode_to_the_same_bytes() {
    let config = flowscore::config::Config::default();
    let mut native = flowscore::pipeline::Decoder::new(&config);
    let mut decoder = plugin().decoder("").unwrap();
    let odd = ["2  1 eni-1 - - 007 0 6 1 1 1 1 - NODATA", "version bytes", "{\"a\":1}", "a,b", "\u{e9} \"x\""];
    let payloads: Vec<Vec<u8>> = traffic()
        .chunks(40)
        .map(|chunk| {
            let mut text = b"[".to_vec();
            for payload in chunk {
                text.extend([b"\"", &payload[..], b"\","].concat());
            }
            text.extend(json!(odd).to_string().as_bytes().iter().skip(1));
            text
        })
        .collect();
    let batch: Vec<Payload<'_>> = payloads.iter().map(|data| payload(data)).collect();
    let mut bytes = 0;
    for (outcome, data) in decoder.decode(&batch).unwrap().into_iter().zip(&payloads) {
        let Outcome::Ok(decoded) = outcome else { panic!("{outcome:?}") };
        let flowscore::pipeline::Outcome::Ok(expected, counts) = native.decode(data, Some("test")) else { panic!() };
        assert!(decoded.records == expected);
        assert_eq!((decoded.counts.ok, decoded.counts.failed), (counts.ok, counts.failed));
        bytes += expected.len();
    }
    assert!(bytes > 1_000_000, "{bytes} bytes");
}

#[test]
fn one_bad_line_costs_no_other() {
    let good = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    let bad = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 99999 6 20 4249 1418530010 1418530070 ACCEPT OK";
    let data = subscription(&[good, bad, "too short", good]);
    let outcome = plugin().decoder("").unwrap().decode(&[payload(&data)]).unwrap().remove(0);
    let Outcome::Ok(decoded) = outcome else { panic!("{outcome:?}") };
    let counts = decoded.counts;
    assert_eq!((counts.records, counts.ok, counts.dropped, counts.failed), (4, 2, 0, 2));
    let records = lines(&decoded.records);
    assert_eq!(records[1]["type"], "failed");
    assert_eq!(records[1]["layer"], "flow_record");
    let reason = records[1]["reason"].as_str().unwrap();
    assert!(reason.contains("dstport") && reason.contains("99999") && reason.contains("65535"), "{reason}");
    assert_eq!(STANDARD.decode(records[1]["payload"].as_str().unwrap()).unwrap(), bad.as_bytes());
    assert!(records[2]["reason"].as_str().unwrap().contains("14"), "{}", records[2]["reason"]);
}

#[test]
fn bad_payloads_name_the_layer_and_the_others_of_the_batch_come_out() {
    let line = "2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
    let mut cut = gzip(line.as_bytes());
    cut.truncate(cut.len() - 12);
    let wrong_base64 = [&subscription(&[line])[..40], &b"!!"[..]].concat();
    let control = br#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1,"message":"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream."}]}"#;
    let batch = [&cut[..], line.as_bytes(), &wrong_base64, control, b"", line.as_bytes()];
    let batch: Vec<Payload<'_>> = batch.iter().map(|data| payload(data)).collect();

    let outcomes = plugin().decoder("").unwrap().decode(&batch).unwrap();
    let told: Vec<&str> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Outcome::Ok(_) => "ok",
            Outcome::Dropped(reason) => reason,
            Outcome::Failed(failure) => &failure.layer,
        })
        .collect();
    assert_eq!((told[0], told[1], told[4], told[5]), ("gzip", "ok", "payload", "ok"), "{told:?}");
    assert!(matches!(outcomes[2], Outcome::Failed(_)), "{told:?}");
    assert!(told[3].contains("control message"), "{told:?}");

    let mut scorer = plugin().scorer(r#"{"mode":"record"}"#).unwrap();
    let scored = scorer.transform(&batch).unwrap();
    let counts = scored.counts;
    assert_eq!((counts.records, counts.ok, counts.dropped, counts.failed), (6, 2, 1, 3));
    let totals = scorer.totals().unwrap();
    assert_eq!((totals.payloads, totals.records, totals.ok, totals.dropped, totals.failed), (6, 6, 2, 1, 3));
}

#[test]
fn a_wrong_configuration_is_refused_with_path_value_and_remedy() {
    for (config, path) in [
        (r#"{"forest":{"number_of_tree":7}}"#, "forest.number_of_tree"),
        (r#"{"forest":{"number_of_trees":0}}"#, "forest.number_of_trees"),
        (r#"{"series":{"window":0}}"#, "series.window"),
        (r#"{"input":{"format":"${bytes} ${bytes}"}}"#, "input.format"),
        ("nonsense", ""),
    ] {
        match plugin().scorer(config) {
            Err(PluginError::Config(error)) => assert_eq!(error.path, path, "{config}"),
            Err(other) => panic!("{config}: {other}"),
            Ok(_) => panic!("{config} was accepted"),
        }
    }
}

/// Three hours of generated traffic: payloads of every kind that `generate` makes.
fn traffic() -> Vec<Vec<u8>> {
    let scenario = Scenario { duration: 3 * 3600, wrapping: Wrapping::Base64, ..Scenario::day(3) };
    scenario.traffic().unwrap().map(|payload| payload.data).collect()
}

const RECORD: &str = r#"{"mode":"record"}"#;
const WINDOW: &str = r#"{"series":{"windows":true}}"#;

#[test]
fn native_and_webassembly_give_the_same_bytes() {
    let traffic = traffic();
    for config in [RECORD, WINDOW] {
        let mut native = flowscore::pipeline::Scorer::new(config).unwrap();
        let mut scorer = plugin().scorer(config).unwrap();
        let (mut expected, mut events) = (Vec::new(), Vec::new());
        for batch in traffic.chunks(97) {
            for data in batch {
                native.transform(data, Some("test"), &mut expected);
            }
            let batch: Vec<Payload<'_>> = batch.iter().map(|data| payload(data)).collect();
            events.extend(scorer.transform(&batch).unwrap().events);
        }
        native.finish(&mut expected);
        events.extend(scorer.finish().unwrap().events);
        assert!(expected.len() > 100_000, "{} bytes of events", expected.len());
        assert!(expected == events, "{config}");
        assert!(native.snapshot() == scorer.snapshot().unwrap(), "{config}");
    }
}

/// What the events of a call say of alerts and failures is said once more without JSON.
#[test]
fn alerts_and_failures_are_told_typed_as_well() {
    let mut scorer = plugin().scorer(WINDOW).unwrap();
    let mut results = Vec::new();
    // Four hours of one interface: ten minutes of twenty times as much, and ten of silence.
    for minute in 0..240 {
        let bytes = match minute {
            100..110 => 200_000,
            170..180 => 0,
            _ => 10_000 + minute * 7_919 % 997,
        };
        let start = 1_700_000_040 + minute * 60;
        let line = format!("2 1 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 {bytes} {start} {} ACCEPT OK", start + 59);
        let bad = Payload { data: b"no flow log", id: None };
        results.push(scorer.transform(&[payload(line.as_bytes()), bad]).unwrap());
    }
    // One that is cut, and many of which most are told together.
    let (long, many) = ("2 ".repeat(5_000), "no flow log\n".repeat(250));
    results.push(scorer.transform(&[payload(long.as_bytes()), payload(many.as_bytes())]).unwrap());
    results.push(scorer.finish().unwrap());
    let (mut alerts, mut failures) = (0, 0);
    for result in &results {
        let line = |place: &Place| &result.events[place.offset as usize..(place.offset + place.length) as usize];
        let events = lines(&result.events);
        let of = |kind: &str| -> Vec<&Value> { events.iter().filter(|event| event["type"] == kind).collect() };
        let (told, failed) = (of("anomaly"), of("failed"));
        assert_eq!((result.alerts.len(), result.failures.len()), (told.len(), failed.len()));
        for (alert, event) in result.alerts.iter().zip(told) {
            assert_eq!(serde_json::from_slice::<Value>(line(&alert.line)).unwrap(), *event);
            let named = |value: &dyn std::fmt::Debug| format!("{value:?}").rsplit("::").next().unwrap().to_lowercase();
            assert_eq!(alert.id, event["id"]);
            assert_eq!(alert.series, event["series"]);
            assert_eq!(named(&alert.state), event["state"]);
            assert_eq!(named(&alert.direction), event["direction"]);
            assert_eq!(named(&alert.severity), event["severity"]);
            assert_eq!(alert.reason.as_deref(), event["reason"].as_str());
            assert_eq!(alert.end - alert.start, event["duration_s"].as_i64().unwrap() * 1000);
            let start = jiff::Timestamp::from_millisecond(alert.start).unwrap();
            assert_eq!(Some(start), event["start"].as_str().unwrap().parse().ok());
            alerts += 1;
        }
        for (failed, event) in result.failures.iter().zip(failed) {
            assert_eq!(serde_json::from_slice::<Value>(line(&failed.line)).unwrap(), *event);
            assert_eq!(failed.id.as_deref(), event["id"].as_str());
            assert_eq!(failed.failure.layer, event["layer"]);
            assert_eq!(failed.failure.reason, event["reason"]);
            assert_eq!(failed.failure.offset, event["offset"]);
            assert_eq!(failed.records, event["records"].as_u64().unwrap_or(1));
            assert_eq!(failed.is_cut, event.get("payload_bytes").is_some());
            failures += 1;
        }
    }
    let last = &results[results.len() - 2].failures;
    assert!(last[0].is_cut && last[101].records == 150, "{last:?}");
    assert!(alerts >= 4 && failures == 240 + 102, "{alerts} alerts, {failures} failures");
}

#[test]
fn the_size_of_batches_changes_nothing() {
    let traffic = traffic();
    for config in [RECORD, WINDOW] {
        let run = |size: usize| {
            let mut scorer = plugin().scorer(config).unwrap();
            let mut events = Vec::new();
            for batch in traffic.chunks(size) {
                let batch: Vec<Payload<'_>> = batch.iter().map(|data| payload(data)).collect();
                events.extend(scorer.transform(&batch).unwrap().events);
            }
            events.extend(scorer.finish().unwrap().events);
            events
        };
        assert!(run(1) == run(1000), "{config}");
    }
}

#[test]
fn a_restored_scorer_goes_on_with_the_same_bytes() {
    let traffic = traffic();
    for config in [RECORD, WINDOW] {
        for cut in [1, traffic.len() / 3, traffic.len() / 2 + 1] {
            let feed = |scorer: &mut host_test::plugin::Scorer, part: &[Vec<u8>]| {
                let batch: Vec<Payload<'_>> = part.iter().map(|data| payload(data)).collect();
                scorer.transform(&batch).unwrap().events
            };
            let mut scorer = plugin().scorer(config).unwrap();
            feed(&mut scorer, &traffic[..cut]);
            let mut restored = plugin().restore(config, &scorer.snapshot().unwrap()).unwrap();
            assert!(feed(&mut scorer, &traffic[cut..]) == feed(&mut restored, &traffic[cut..]), "{config}, {cut}");
            assert!(scorer.finish().unwrap().events == restored.finish().unwrap().events, "{config}, {cut}");
            assert_eq!(scorer.totals().unwrap().records, restored.totals().unwrap().records);
        }
    }
}

#[test]
fn a_snapshot_that_cannot_be_continued_is_refused() {
    let mut scorer = plugin().scorer(RECORD).unwrap();
    scorer.transform(&traffic()[..200].iter().map(|data| payload(data)).collect::<Vec<_>>()).unwrap();
    let snapshot = scorer.snapshot().unwrap();
    let refused = |config: &str, bytes: &[u8]| match plugin().restore(config, bytes) {
        Err(PluginError::Restore(error)) => error,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted"),
    };
    let mut damaged = snapshot.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert!(matches!(refused(RECORD, &damaged), RestoreError::Corrupt(_)));
    assert!(matches!(refused(RECORD, &snapshot[..snapshot.len() - 1]), RestoreError::Corrupt(_)));
    assert!(matches!(refused(RECORD, b""), RestoreError::Corrupt(_)));
    let mut future = snapshot.clone();
    future[8] = 0xff;
    assert!(matches!(refused(RECORD, &future), RestoreError::Version(_)));
    let other = r#"{"mode":"record","forest":{"number_of_trees":50}}"#;
    match refused(other, &snapshot) {
        RestoreError::Mismatch(reason) => assert!(reason.contains("forest.number_of_trees"), "{reason}"),
        error => panic!("{error:?}"),
    }
}

#[test]
fn one_series_scored_alone_gives_the_same_as_native() {
    let points: Vec<host_test::plugin::Point> = (0..2_000)
        .map(|i| {
            let value = if i == 1_700 { 900.0 } else { f64::from((i * 37) % 101) };
            host_test::plugin::Point { time: i64::from(i) * 60_000, value: (i % 400 != 13).then_some(value) }
        })
        .collect();
    for (mode, native) in [
        (SeriesMode::Rcf, flowscore::pipeline::one_series::SeriesMode::Rcf),
        (SeriesMode::Detect, flowscore::pipeline::one_series::SeriesMode::Detect),
    ] {
        let verdicts = plugin().series(mode, "").unwrap().observe(&points).unwrap();
        let config = flowscore::config::Config::default();
        let mut series = flowscore::pipeline::one_series::OneSeries::new(native, &config).unwrap();
        for (point, verdict) in points.iter().zip(&verdicts) {
            let expected = series.observe(point.time, point.value);
            assert_eq!(verdict.anomaly_score.to_bits(), expected.anomaly_score.to_bits());
            assert_eq!(verdict.expected.map(f64::to_bits), expected.expected.map(f64::to_bits));
        }
        let largest =
            verdicts.iter().enumerate().max_by(|a, b| a.1.anomaly_score.total_cmp(&b.1.anomaly_score)).unwrap();
        assert_eq!(largest.0, 1_700);
    }
}

#[test]
fn an_instance_that_wants_too_much_memory_fails_alone() {
    let small = Plugin::built_in(Limits { memory: 4 << 20, ..Limits::default() }).unwrap();
    let line = vec![b'x'; 8 << 20];
    assert!(matches!(small.decoder("").unwrap().decode(&[payload(&line)]), Err(PluginError::Trap(_))));
    assert_eq!(small.describe().unwrap().name, "flowscore");
}
