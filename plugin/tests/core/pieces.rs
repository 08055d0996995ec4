//! Results that are bounded: however small the pieces, together they are what one call without a bound gives.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use flowscore::config::Config;
use flowscore::pipeline::{Counts, Decoder, Outcome, Scorer};

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Lines of some interfaces, one a minute, with a spike, a gap and lines that are none.
fn lines(interfaces: usize, minutes: usize) -> String {
    let mut text = String::new();
    for minute in 0..minutes {
        let start = 1_700_000_000 / 60 * 60 + minute * 60 + if minute > minutes / 2 { 7_200 } else { 0 };
        for interface in 0..interfaces {
            let bytes =
                1_000 + (minute * 7_919 + interface * 104_729) % 211 + if minute % 97 == 90 { 50_000 } else { 0 };
            let end = start + 59;
            writeln!(text, "2 1 eni-{interface} 10.0.0.1 10.0.0.2 443 9 6 3 {bytes} {start} {end} ACCEPT OK").unwrap();
        }
        if minute % 40 == 3 {
            text.push_str("no flow log line\n");
        }
    }
    text
}

fn payloads() -> Vec<Vec<u8>> {
    let header = "interface-id bytes start end\n";
    let custom: String =
        (0..200).map(|i| format!("eni-h {} {} {}\n", 10 + i, 1_700_000_000 + i, 1_700_000_001 + i)).collect();
    vec![
        gzip(&lines(7, 120)),
        gzip(&format!("{header}{custom}")),
        b"\x1f\x8b\x08\x00damaged".to_vec(),
        "a\n".repeat(300).into_bytes(),
        header.as_bytes().to_vec(),
        gzip(&lines(3, 300)),
    ]
}

/// Events, counts and snapshot, with calls that end after `full` bytes. Where there is such a bound, another instance has
/// undone the layers ahead.
fn scored(config: &str, full: usize) -> (Vec<u8>, Counts, Vec<u8>, usize) {
    let mut scorer = Scorer::new(config).unwrap();
    let (mut events, mut counts, mut calls) = (Vec::new(), Counts::default(), 0);
    let mut ahead = Decoder::new(&Config::parse(config).unwrap());
    for payload in payloads() {
        let (mut rest, mut inside) = (None, Vec::new());
        let unwrapped = ahead.unwrap(&payload, &mut inside, full).filter(|_| full < usize::MAX);
        loop {
            let mut piece = Vec::new();
            counts += scorer.transform_until(&payload, unwrapped, Some("p"), &mut rest, &mut piece, full);
            calls += 1;
            events.extend_from_slice(&piece);
            if rest.is_none() {
                break;
            }
        }
    }
    let now = 1_700_100_000_000;
    while {
        let mut piece = Vec::new();
        let more = scorer.tick_until(now, &mut piece, full);
        events.extend_from_slice(&piece);
        more
    } {}
    while {
        let mut piece = Vec::new();
        let more = scorer.finish_until(&mut piece, full);
        events.extend_from_slice(&piece);
        more
    } {}
    (events, counts, scorer.snapshot(), calls)
}

#[test]
fn a_payload_in_pieces_gives_the_same_events_and_the_same_model() {
    for config in [r#"{"series":{"windows":true}}"#, r#"{"mode":"record","forest":{"number_of_trees":10}}"#] {
        let (events, counts, snapshot, _) = scored(config, usize::MAX);
        assert!(events.len() > 100_000, "there is something to cut");
        for full in [1, 5_000, 60_000] {
            let (pieces, same, model, calls) = scored(config, full);
            assert!(pieces == events, "{config}, pieces of {full} bytes");
            assert_eq!(same, counts);
            assert!(model == snapshot, "{config}, pieces of {full} bytes");
            assert!(calls > payloads().len());
        }
    }
}

#[test]
fn decoded_records_in_pieces_are_the_same_records() {
    let config = Config::parse("{}").unwrap();
    for payload in payloads() {
        let whole = Decoder::new(&config).decode(&payload, None);
        for full in [1, 3_000, 40_000] {
            let mut decoding = Decoder::new(&config);
            let (mut records, mut counts, mut rest) = (Vec::new(), Counts::default(), None);
            let outcome = loop {
                match decoding.decode_until(&payload, None, &mut rest, full) {
                    Outcome::Ok(piece, those) => {
                        records.extend_from_slice(&piece);
                        counts += those;
                    }
                    other => break other,
                }
                if rest.is_none() {
                    break Outcome::Ok(std::mem::take(&mut records), counts);
                }
            };
            match (&outcome, &whole) {
                // Cut before it was known that nothing follows that can be used.
                (Outcome::Ok(_, counts), Outcome::Failed(_)) => assert_eq!(counts.ok, 0),
                _ => assert!(outcome == whole, "pieces of {full} bytes"),
            }
        }
    }
}
