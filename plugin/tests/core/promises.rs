//! What the documentation promises in a sentence, each as a test of that name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flowscore::{Config, Counts, Decoder, Outcome, Scorer};
use proptest::prelude::*;
use serde_json::{Value, json};

const START: i64 = 1_700_000_000;

fn line(interface: u8, start: i64, bytes: u32) -> String {
    format!("2 123456789010 eni-{interface} 10.0.0.1 10.0.0.2 20641 443 6 20 {bytes} {start} {} ACCEPT OK", start + 59)
}

/// What a decoder makes of a payload: its lines, and what became of its records.
fn decode(payload: &[u8]) -> (Vec<Value>, Counts) {
    match Decoder::new(&Config::default()).decode(payload, None) {
        Outcome::Ok(records, counts) => {
            let lines = records.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), counts)
        }
        Outcome::Dropped(_) => (Vec::new(), Counts { dropped: 1, ..Counts::default() }),
        Outcome::Failed(_) => (Vec::new(), Counts { failed: 1, ..Counts::default() }),
    }
}

/// Windows closed by an hour of two interfaces, with one more record, if any, in the middle.
fn windows(more: Option<&str>) -> u64 {
    let mut scorer = Scorer::with(Config::default());
    let mut events = Vec::new();
    for minute in 0..60 {
        for interface in [1, 2] {
            scorer.transform(line(interface, START + minute * 60, 4_000).as_bytes(), None, &mut events);
        }
        if let Some(more) = more.filter(|_| minute == 30) {
            scorer.transform(more.as_bytes(), None, &mut events);
        }
    }
    assert_eq!(scorer.totals().counts.failed, 0);
    scorer.totals().windows
}

/// A record as a Firehose transformation may carry it: base64 of good or bad lines, or no base64 at all.
fn record_data() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => (1u8..9, 0i64..9_999, 1u32..99_999).prop_map(|(interface, at, bytes)| STANDARD.encode(line(interface, START + at, bytes))),
        2 => "[ -~]{0,40}".prop_map(|text| STANDARD.encode(text)),
        1 => "\\PC{0,20}",
        1 => Just(STANDARD.encode(r#"{"messageType":"CONTROL_MESSAGE","owner":"o","logGroup":"","logStream":"","logEvents":[]}"#)),
        1 => Just(STANDARD.encode(r#"{"records":[{"recordId":"inner","data":"eA=="}]}"#)),
    ]
}

proptest! {
    #[test]
    fn one_wrong_timestamp_cannot_move_the_watermark(time in prop_oneof![0i64..START - 86_400, START + 86_400..253_402_300_000], interface in 1u8..4) {
        prop_assert_eq!(windows(Some(&line(interface, time, 4_000))), windows(None));
    }

    #[test]
    fn a_record_that_fails_does_not_affect_its_neighbours(
        times in prop::collection::vec(0i64..100_000, 1..12),
        at: prop::sample::Index,
        damage in "[a-zA-Z0-9 \"{}\\[\\]:.-]{0,40}",
    ) {
        let mut lines: Vec<String> = times.iter().map(|time| line(1, START + time, 7)).collect();
        let (good, counts) = decode(lines.join("\n").as_bytes());
        prop_assert_eq!(counts, Counts { ok: lines.len() as u64, ..Counts::default() });
        // It begins as a record, so that it is one line whatever follows; a comma would make a CSV row of it.
        lines.insert(at.index(lines.len() + 1), format!("2 123456789010 eni-1 damaged {damage}"));
        let (records, counts) = decode(lines.join("\n").as_bytes());
        prop_assert_eq!(counts, Counts { ok: good.len() as u64, failed: 1, dropped: 0 });
        let ok: Vec<_> = records.into_iter().filter(|record| record["type"] != "failed").collect();
        prop_assert_eq!(ok, good);
    }

    #[test]
    fn each_record_id_is_answered_exactly_once_and_in_order(data in prop::collection::vec(record_data(), 1..8)) {
        let ids: Vec<String> = (0..data.len()).map(|number| format!("id \"{number}\"\n")).collect();
        let records: Vec<Value> =
            ids.iter().zip(&data).map(|(id, data)| json!({ "recordId": id, "approximateArrivalTimestamp": 1, "data": data })).collect();
        let request = json!({ "invocationId": "i", "deliveryStreamArn": "a", "region": "r", "records": records }).to_string();
        let answer = Decoder::new(&Config::default()).answer(request.as_bytes()).unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let answered: Vec<&str> =
            answer["records"].as_array().unwrap().iter().map(|record| record["recordId"].as_str().unwrap()).collect();
        prop_assert_eq!(answered, ids);
        for record in answer["records"].as_array().unwrap() {
            prop_assert!(["Ok", "Dropped", "ProcessingFailed"].contains(&record["result"].as_str().unwrap()));
            prop_assert!(record["data"].is_string());
        }
    }
}
