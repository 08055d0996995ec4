//! `input.where`: which records count, whatever their form.

use std::fmt::Write as _;

use flowscore::config::Config;
use flowscore::pipeline::{Counts, Decoder, Outcome, Scorer};
use serde_json::{Value, json};

const RECORDS: [(&str, &str, u16, u32, &str); 5] = [
    ("eni-1", "10.0.0.1", 443, 4_000, "ACCEPT"),
    ("eni-1", "10.7.0.1", 22, 40, "REJECT"),
    ("eni-2", "192.0.2.1", 8_080, 900, "ACCEPT"),
    ("eni-2", "2001:db8::1", 443, 1_500, "ACCEPT"),
    ("eni-3", "10.0.9.9", 53, 80, "REJECT"),
];

/// The records as flow log lines, JSON objects, CSV with a header, and the message of CloudWatch documents.
fn forms() -> Vec<(&'static str, String)> {
    let (mut lines, mut objects, mut csv) =
        (String::new(), String::new(), String::from("interface-id,srcaddr,dstport,bytes,action,start,end\n"));
    let mut events = Vec::new();
    for (interface, srcaddr, dstport, bytes, action) in RECORDS {
        let line =
            format!("2 1 {interface} {srcaddr} 10.0.1.1 40000 {dstport} 6 3 {bytes} 1767225600 1767225659 {action} OK");
        events.push(json!({ "id": "1", "timestamp": 1, "message": line }));
        writeln!(lines, "{line}").unwrap();
        let object = json!({ "interfaceId": interface, "srcAddr": srcaddr, "dstPort": dstport, "bytes": bytes, "action": action,
            "start": 1_767_225_600, "end": 1_767_225_659 });
        writeln!(objects, "{object}").unwrap();
        writeln!(csv, "{interface},{srcaddr},{dstport},{bytes},{action},1767225600,1767225659").unwrap();
    }
    let document =
        json!({ "messageType": "DATA_MESSAGE", "owner": "1", "logGroup": "g", "logStream": "s", "logEvents": events });
    vec![("lines", lines), ("objects", objects), ("csv", csv), ("document", document.to_string())]
}

fn counts(ok: u64) -> Counts {
    Counts { ok, dropped: RECORDS.len() as u64 - ok, failed: 0 }
}

#[test]
fn the_same_records_count_in_every_form_and_in_decode_and_run_alike() {
    for (condition, kept) in [
        (r#"{"action":"ACCEPT"}"#, &[0, 2, 3][..]),
        (r#"{"action":"accept"}"#, &[0, 2, 3]),
        (r#"{"dstport":443}"#, &[0, 3]),
        (r#"{"dstport":[22,"1024.."]}"#, &[1, 2]),
        (r#"{"srcaddr":"10.0.0.0/8"}"#, &[0, 1, 4]),
        (r#"{"srcaddr":["10.0.0.0/8","!10.7.0.0/16"]}"#, &[0, 4]),
        (r#"{"srcaddr":"2001:db8::/32"}"#, &[3]),
        (r#"{"interface-id":["eni-1","eni-3"],"bytes":"..100"}"#, &[1, 4]),
        (r#"{"interface_id":"!eni-2"}"#, &[0, 1, 4]),
        (r#"{"srcaddr":"10.0.*","interface_id":"*-1"}"#, &[0]),
        (r#"{"no_such_field":"!*"}"#, &[0, 1, 2, 3, 4]),
        (r#"{"no_such_field":"x"}"#, &[]),
        (r#"{"no_such_field":"!x"}"#, &[0, 1, 2, 3, 4]),
    ] {
        for (form, text) in forms() {
            let config = format!(
                r#"{{"input":{{"where":{condition}}},"series":{{"windows":true,"allowed_lateness":0,"total":false}}}}"#
            );
            let mut scorer = Scorer::new(&config).unwrap();
            let mut events = Vec::new();
            assert_eq!(
                scorer.transform(text.as_bytes(), None, &mut events),
                counts(kept.len() as u64),
                "{form} {condition}"
            );
            scorer.finish(&mut events);
            let mut expected = [0; 3];
            for record in kept {
                let (interface, _, _, bytes, _) = RECORDS[*record];
                expected[interface.trim_start_matches("eni-").parse::<usize>().unwrap() - 1] += u64::from(bytes);
            }
            let mut found = [0; 3];
            for line in events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let event: Value = serde_json::from_slice(line).unwrap();
                if event["type"] == "window" {
                    let number = event["series"].as_str().unwrap().trim_start_matches("eni-").parse::<usize>().unwrap();
                    found[number - 1] += event["bytes"].as_u64().unwrap();
                }
            }
            assert_eq!(found, expected, "{form} {condition}");
            match Decoder::new(&Config::parse(&config).unwrap()).decode(text.as_bytes(), None) {
                Outcome::Ok(lines, of_decode) => {
                    assert_eq!(of_decode, counts(kept.len() as u64), "{form} {condition}");
                    assert_eq!(lines.split(|byte| *byte == b'\n').count() - 1, kept.len(), "{form} {condition}");
                }
                Outcome::Dropped(reason) => {
                    assert!(kept.is_empty() && reason.contains("input.where"), "{form} {condition}: {reason}");
                }
                Outcome::Failed(failure) => panic!("{form} {condition}: {failure}"),
            }
        }
    }
}

#[test]
fn record_mode_scores_what_counts_and_chooses_its_columns_from_it() {
    let config = r#"{"mode":"record","input":{"where":{"kind":"good","n.x":"1..9"}},"forest":{"number_of_trees":5,"sub_sample_size":16}}"#;
    let mut scorer = Scorer::new(config).unwrap();
    let text = "{\"kind\":\"bad\",\"a\":1,\"n\":{\"x\":1}}\n{\"kind\":\"good\",\"b\":2,\"n\":{\"x\":5}}\n{\"kind\":\"good\",\"b\":3,\"n\":{\"x\":70}}\n";
    let mut events = Vec::new();
    let counts = scorer.transform(text.as_bytes(), None, &mut events);
    assert_eq!(counts, Counts { ok: 1, dropped: 2, failed: 0 });
    let events = String::from_utf8(events).unwrap();
    assert!(events.contains("first row are scored: b\""), "{events}");
    assert_eq!(events.lines().filter(|line| line.starts_with("{\"type\":\"score\"")).count(), 1, "{events}");
}

#[test]
fn what_is_wrong_with_a_condition_is_told_by_its_path() {
    for (condition, path, named) in [
        (r#"{"bytes":"9..1"}"#, "input.where.bytes", "lower one first"),
        (r#"{"srcaddr":"10.0.0.0/40"}"#, "input.where.srcaddr", "0 to 32"),
        (r#"{"srcaddr":"10.0.%"}"#, "input.where.srcaddr", "10.0.0.0/16"),
        (r#"{"action":["ACCEPT","!= REJECT"]}"#, "input.where.action", "!22 for != 22"),
        (r#"{"bytes":[]}"#, "input.where.bytes", "at least one"),
        (r#"{"bytes":true}"#, "input.where.bytes", "a text or a number"),
        (r#"{"bytes":1,"bytes":2}"#, "input.where.bytes", "twice"),
        (r#"{"":1}"#, "input.where.", "empty step"),
        ("[]", "input.where", "an object"),
    ] {
        let error = Config::parse(&format!(r#"{{"input":{{"where":{condition}}}}}"#)).unwrap_err();
        assert_eq!(error.path, path, "{condition}");
        assert!(error.allowed.contains(named), "{}", error.allowed);
    }
    let mut events = Vec::new();
    Scorer::new(r#"{"input":{"where":{"interface_ids":"eni-1"}}}"#).unwrap().transform(b"x", None, &mut events);
    assert!(
        String::from_utf8(events).unwrap().contains("did you mean `interface_id`"),
        "a name that is nearly a field's"
    );
}
