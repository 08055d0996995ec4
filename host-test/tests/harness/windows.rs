//! Window mode through the built component: what issues of a network operator's day it must get right.

use std::fmt::Write;

use flowscore_generate::{Delivery, EventCounts, Kind, Scenario, Wrapping};
use host_test::plugin::{Limits, Payload, Plugin, PluginError, Scorer};
use serde_json::{Value, json};

/// 2023-11-15T00:00:00Z.
const T0: i64 = 1_700_006_400;

fn plugin() -> Plugin {
    Plugin::built_in(Limits::default()).unwrap()
}

fn payload(data: &[u8]) -> Payload<'_> {
    Payload { data, id: None }
}

fn events(ndjson: &[u8]) -> Vec<Value> {
    ndjson.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|l| serde_json::from_slice(l).unwrap()).collect()
}

fn transform(scorer: &mut Scorer, data: &[u8]) -> Vec<Value> {
    events(&scorer.transform(&[payload(data)]).unwrap().events)
}

fn of<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["type"] == kind).collect()
}

/// A line of the default format.
fn line(out: &mut String, interface: &str, minute: i64, bytes: u64) {
    let (start, end) = (T0 + minute * 60, T0 + minute * 60 + 60);
    writeln!(out, "2 123456789012 {interface} 10.0.0.1 10.0.0.2 40000 443 6 10 {bytes} {start} {end} ACCEPT OK")
        .unwrap();
}

/// A line without numbers: NODATA or SKIPDATA.
fn remark(out: &mut String, interface: &str, minute: i64, status: &str) {
    let (start, end) = (T0 + minute * 60, T0 + minute * 60 + 60);
    writeln!(out, "2 123456789012 {interface} - - - - - - - {start} {end} - {status}").unwrap();
}

/// All series, thin as they are, fall silent within a window, and come back within one.
#[test]
fn a_source_that_fails_is_one_notice_and_one_when_it_is_back_and_no_drop() {
    for seed in 1..=12 {
        let scenario = Scenario {
            duration: 21_600,
            warm_up: 7_200,
            interfaces: 2 + (seed % 4) as u32,
            records_per_minute: 3.0,
            events: EventCounts { source_silences: 1, ..EventCounts::default() },
            wrapping: Wrapping::Lines,
            ..Scenario::day(seed)
        };
        let mut traffic = scenario.traffic().unwrap();
        let truth: Vec<_> = traffic.truth().iter().filter(|truth| truth.kind == Kind::SourceSilence).cloned().collect();
        let mut scorer = plugin().scorer("").unwrap();
        let data: Vec<Vec<u8>> = traffic.by_ref().map(|payload| payload.data).collect();
        let batch: Vec<Payload<'_>> = data.iter().map(|data| payload(data)).collect();
        let mut told = events(&scorer.transform(&batch).unwrap().events);
        told.extend(events(&scorer.finish().unwrap().events));
        assert_eq!(truth.len(), 1, "seed {seed}");
        let kinds: Vec<_> =
            of(&told, "notice").iter().map(|notice| notice["kind"].as_str().unwrap().to_owned()).collect();
        let of_source: Vec<_> = kinds.iter().filter(|kind| kind.starts_with("source_")).collect();
        assert_eq!(of_source, ["source_silent", "source_recovered"], "seed {seed}");
        // The rest of the six hours is the detector's own.
        let near = |event: &Value| {
            let start: jiff::Timestamp = event["start"].as_str().unwrap().parse().unwrap();
            (truth[0].start - 900..truth[0].end + 900).contains(&start.as_second())
        };
        let drops: Vec<_> = of(&told, "anomaly")
            .into_iter()
            .filter(|event| event["state"] == "open" && event["direction"] == "drop" && near(event))
            .collect();
        assert_eq!(drops, [] as [&Value; 0], "seed {seed}");
    }
}

/// Keys are spoofed: each of a million interfaces is seen once.
#[test]
fn a_flood_of_a_million_keys_stays_within_memory_and_is_counted() {
    let plugin = Plugin::built_in(Limits { memory: 96 << 20, ..Limits::default() }).unwrap();
    let mut scorer = plugin.scorer("").unwrap();
    let mut told = Vec::new();
    let mut keys = 0;
    for minute in 0..40 {
        let mut lines = String::new();
        for interface in 0..20 {
            line(&mut lines, &format!("eni-{interface}"), minute, 100_000);
        }
        for _ in 0..if minute >= 20 { 50_000 } else { 0 } {
            line(&mut lines, &format!("eni-{keys:017x}"), minute, 40);
            keys += 1;
        }
        told.extend(transform(&mut scorer, lines.as_bytes()));
    }
    told.extend(events(&scorer.finish().unwrap().events));
    let totals = scorer.totals().unwrap();
    assert_eq!((totals.records, totals.ok, totals.series), (1_000_800, 1_000_800, 10_000));
    assert_eq!(totals.evicted, 1_000_020 - 10_000);
    let evicted = of(&told, "notice").iter().filter(|notice| notice["kind"] == "series_evicted").count();
    assert!((1..=2).contains(&evicted), "{evicted}");
    // None of the twenty with a history had to go.
    assert!(of(&told, "notice").iter().all(|notice| notice["kind"] != "series_returned"));
}

#[test]
fn keys_are_made_of_any_fields_and_totalled_by_prefix() {
    let config = json!({
        "input": { "format": "${vpc-id} ${subnet-id} ${pkt-srcaddr} ${bytes} ${start} ${end}" },
        "series": { "by": ["vpc_id", "subnet-id", "pkt_srcaddr"], "prefix_totals": true, "windows": true },
    });
    let mut scorer = plugin().scorer(&config.to_string()).unwrap();
    let mut lines = String::new();
    for minute in 0..3 {
        let (start, end) = (T0 + minute * 60, T0 + minute * 60 + 60);
        for (vpc, subnet, address, bytes) in [
            ("vpc-1", "subnet-1", "10.0.0.1", 1),
            ("vpc-1", "subnet-2", "10.0.0.2", 20),
            ("vpc-2", "-", "10.0.0.3", 300),
        ] {
            writeln!(lines, "{vpc} {subnet} {address} {bytes} {start} {end}").unwrap();
        }
    }
    let mut told = transform(&mut scorer, lines.as_bytes());
    told.extend(events(&scorer.finish().unwrap().events));
    let second: Vec<_> = of(&told, "window")
        .iter()
        .filter(|window| window["start"] == "2023-11-15T00:01:00.000Z")
        .map(|window| (window["series"].as_str().unwrap().to_owned(), window["bytes"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("vpc-1/subnet-1/10.0.0.1", 1),
        ("vpc-1/subnet-2/10.0.0.2", 20),
        ("vpc-2/-/10.0.0.3", 300),
        ("vpc-2/-/", 300),
        ("vpc-2/", 300),
        ("vpc-1/subnet-2/", 20),
        ("vpc-1/subnet-1/", 1),
        ("vpc-1/", 21),
        ("total", 321),
    ];
    assert_eq!(second, expected.map(|(series, bytes)| (series.to_owned(), bytes)));
}

#[test]
fn rows_of_json_are_windowed_like_flow_logs() {
    let config = r#"{"series":{"by":["host.name"],"windows":true,"total":false}}"#;
    let mut scorer = plugin().scorer(config).unwrap();
    let mut rows = String::new();
    for minute in 0..3 {
        let start = T0 + minute * 60;
        writeln!(
            rows,
            r#"{{"host":{{"name":"a\u00e9"}},"start":{start},"end":{},"bytes":90,"packets":2}}"#,
            start + 90
        )
        .unwrap();
    }
    let mut told = events(&scorer.score(rows.as_bytes()).unwrap().events);
    told.extend(events(&scorer.finish().unwrap().events));
    let windows: Vec<_> =
        of(&told, "window").iter().map(|window| (&window["series"], window["bytes"].as_u64())).collect();
    let name = &json!("aé");
    // 60 of 90 bytes in the first minute, 30 in the next.
    assert_eq!(windows, [(name, Some(60)), (name, Some(90)), (name, Some(90)), (name, Some(30))]);
}

#[test]
fn no_data_is_zero_skip_data_is_unknown_and_late_is_counted() {
    let mut scorer = plugin().scorer(r#"{"series":{"windows":true,"total":false}}"#).unwrap();
    let mut told = Vec::new();
    for minute in 0..30 {
        let mut lines = String::new();
        line(&mut lines, "eni-1", minute, 500);
        match minute {
            10 => remark(&mut lines, "eni-2", minute, "NODATA"),
            11 => {
                line(&mut lines, "eni-2", minute, 7);
                remark(&mut lines, "eni-2", minute, "SKIPDATA");
            }
            12 => {}
            _ => line(&mut lines, "eni-2", minute, 500),
        }
        if minute == 25 {
            line(&mut lines, "eni-2", 15, 9);
        }
        told.extend(transform(&mut scorer, lines.as_bytes()));
    }
    told.extend(events(&scorer.finish().unwrap().events));
    let windows: Vec<_> = of(&told, "window").into_iter().filter(|window| window["series"] == "eni-2").collect();
    let seen = [9, 10, 11, 12, 13, 15]
        .map(|minute: usize| (windows[minute]["bytes"].as_u64(), windows[minute]["unknown"].as_bool()));
    let known = |bytes| (Some(bytes), Some(false));
    assert_eq!(seen, [known(500), known(0), (Some(7), Some(true)), known(0), known(500), known(500)]);
    assert_eq!(scorer.totals().unwrap().late, 1);
}

/// Three hours of a few interfaces, payload by payload in the order of delivery, with its time. No record is later than the
/// lateness: at the end of the stream the clock, which a replay doesn't have, decides whether it still counts.
fn traffic() -> Vec<(i64, Vec<u8>)> {
    let day = Scenario::day(5);
    let delivery = Delivery { late_share: 0.0, ..day.delivery };
    let scenario = Scenario { duration: 3_600 * 3, interfaces: 6, delivery, ..day };
    scenario.traffic().unwrap().map(|payload| (payload.delivered, payload.data)).collect()
}

const TOLD: &str = r#"{"series":{"windows":true,"prefix_totals":true,"by":["account_id","interface_id"]},"detect":{"sensitivity":"high"}}"#;

#[test]
fn a_replay_is_as_the_live_stream_was_with_its_ticks() {
    let traffic = traffic();
    let mut replay = plugin().scorer(TOLD).unwrap();
    let batch: Vec<Payload<'_>> = traffic.iter().map(|(_, data)| payload(data)).collect();
    let mut replayed = replay.transform(&batch).unwrap().events;
    replayed.extend(replay.finish().unwrap().events);

    let mut live = plugin().scorer(TOLD).unwrap();
    let (mut told, mut now) = (Vec::new(), traffic[0].0);
    for (delivered, data) in &traffic {
        // The host's clock ticks every twenty seconds.
        while now + 20 < *delivered {
            now += 20;
            told.extend(live.tick(now * 1000).unwrap().events);
        }
        told.extend(live.transform(&[payload(data)]).unwrap().events);
    }
    told.extend(live.finish().unwrap().events);
    assert!(told.len() > 100_000, "{}", told.len());
    let first = events(&told).into_iter().zip(events(&replayed)).find(|(told, replayed)| told != replayed);
    assert_eq!(first, None);
    assert!(told == replayed);
}

#[test]
fn a_scorer_restored_again_and_again_goes_on_with_the_same_bytes() {
    let traffic = traffic();
    let run = |every: usize| {
        let mut scorer = plugin().scorer(TOLD).unwrap();
        let mut told = Vec::new();
        for (index, (_, data)) in traffic.iter().enumerate() {
            if index % every == every - 1 {
                scorer = plugin().restore(TOLD, &scorer.snapshot().unwrap()).unwrap();
            }
            told.extend(scorer.transform(&[payload(data)]).unwrap().events);
        }
        told.extend(scorer.finish().unwrap().events);
        told
    };
    assert!(run(usize::MAX) == run(41));
}

#[test]
fn a_far_jump_of_event_time_is_answered_within_the_deadline() {
    let deadline = std::time::Duration::from_secs(10);
    let plugin = Plugin::built_in(Limits { deadline: Some(deadline), ..Limits::default() }).unwrap();
    let mut scorer = plugin.scorer("").unwrap();
    for (from, until) in [(0, 30), (43_200, 43_210), (5_000_000, 5_000_010)] {
        for minute in from..until {
            let mut lines = String::new();
            (0..500).for_each(|interface| line(&mut lines, &format!("eni-{interface}"), minute, 1_000));
            match scorer.transform(&[payload(lines.as_bytes())]) {
                Ok(_) => {}
                Err(PluginError::Deadline(_)) => panic!("minute {minute} took too long"),
                Err(error) => panic!("{error}"),
            }
        }
    }
    scorer.finish().unwrap();
    let totals = scorer.totals().unwrap();
    assert_eq!((totals.late, totals.windows), (0, 500 * 50));
}
