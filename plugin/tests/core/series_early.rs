//! What is told before its window is closed: how early, and that it is so.

use crate::series_traffic::*;
use flowscore::series::Settings;
use serde_json::Value;

/// Minutes of `interfaces` with about 100 kB each; the records of a minute come `late` seconds of event time after its end. `bytes`
/// alters what an interface has in a minute; `None`: no record.
fn traffic(
    minutes: i64,
    interfaces: i64,
    late: impl Fn(i64, i64) -> i64,
    bytes: impl Fn(i64, i64, u64) -> Option<u64>,
) -> Stream {
    let mut records = Vec::new();
    for minute in 0..minutes {
        for interface in 0..interfaces {
            let usual = 100_000 + noise(minute, interface) % 8_000;
            if let Some(bytes) = bytes(minute, interface, usual) {
                let record = Record::minute(&format!("eni-{interface:02}"), minute, bytes);
                records.push((record.end + late(minute, interface), record));
            }
        }
    }
    records.sort_by_key(|(arrival, _)| *arrival);
    let mut stream = Stream::new(&Settings { provisional: true, ..Settings::default() });
    records.iter().for_each(|(_, record)| stream.observe(record));
    stream.finish();
    stream
}

/// What became of the incidents of a series: state, whether provisional, and seconds from the begin of the incident to the telling.
fn told(stream: &Stream, series: &str) -> Vec<(String, Option<bool>, i64)> {
    let second = |event: &Value, name: &str| {
        let text = event[name].as_str().unwrap();
        let part = |at: std::ops::Range<usize>| text[at].parse::<i64>().unwrap();
        part(8..10) * 86_400 + part(11..13) * 3_600 + part(14..16) * 60 + part(17..19)
    };
    let events = stream.of("anomaly").filter(|event| event["series"] == series);
    events
        .map(|event| {
            let end = event["reason"].as_str().or(event["state"].as_str()).unwrap().to_owned();
            (end, event["provisional"].as_bool(), second(event, "told_at") - second(event, "start"))
        })
        .collect()
}

const ONTIME: fn(i64, i64) -> i64 = |_, _| 0;

#[test]
fn a_spike_is_told_when_its_window_has_ended_and_goes_on_when_it_is_closed() {
    let stream = traffic(200, 4, ONTIME, |minute, interface, usual| {
        Some(if interface == 1 && (150..170).contains(&minute) { usual * 40 } else { usual })
    });
    let told = told(&stream, "eni-01");
    let spoken: Vec<_> = told.iter().map(|(state, provisional, _)| (state.as_str(), *provisional)).collect();
    assert_eq!(&spoken[..2], [("open", Some(true)), ("update", Some(false))], "{told:?}");
    assert_eq!(spoken.last(), Some(&("recovered", None)), "{told:?}");
    // A minute for the window, another until the next record says that it has ended; then the lateness and the longest record.
    assert!(told[0].2 <= 120 && told[1].2 >= 360, "{told:?}");
    let ids: Vec<_> = stream.of("anomaly").map(|event| &event["id"]).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(stream.engine.totals().anomalies, 1);
}

#[test]
fn a_drop_is_told_as_soon_as_records_of_the_series_are_usually_in() {
    for late in [0, 100, 200] {
        let stream = traffic(
            260,
            6,
            |_, interface| if interface == 2 { late } else { 0 },
            |minute, interface, usual| (interface != 2 || minute < 200).then_some(usual),
        );
        let told = told(&stream, "eni-02");
        assert_eq!((told[0].0.as_str(), told[0].1), ("open", Some(true)), "{late}: {told:?}");
        assert!((late + 60..=late + 240).contains(&told[0].2), "{late}: {told:?}");
        assert_eq!((told[1].0.as_str(), told[1].1), ("update", Some(false)), "{late}: {told:?}");
    }
}

#[test]
fn a_drop_that_late_records_undo_is_taken_back_and_the_series_is_left_alone_for_a_while() {
    // From minute 200 on the records of one come four minutes later than ever.
    let late = |minute: i64, interface| if interface == 2 && minute >= 200 { 230 } else { 0 };
    let stream = traffic(300, 6, late, |_, _, usual| Some(usual));
    let told = told(&stream, "eni-02");
    let spoken: Vec<_> = told.iter().map(|(state, provisional, _)| (state.as_str(), *provisional)).collect();
    assert_eq!(spoken, [("open", Some(true)), ("unconfirmed", None)], "{told:?}");
    assert_eq!(stream.of("anomaly").count(), 2);
}

#[test]
fn of_many_that_drop_together_one_is_told_early_and_of_most_none() {
    for (gone, early) in [(8, 1), (30, 0)] {
        let stream =
            traffic(260, 40, ONTIME, |minute, interface, usual| (interface >= gone || minute < 200).then_some(usual));
        let told = stream.of("anomaly").filter(|event| event["provisional"] == true).count();
        assert_eq!(told, early, "{gone}");
        let groups: Vec<_> = stream.of("group").collect();
        assert_eq!((&groups[0]["state"], &groups[0]["series_count"]), (&"open".into(), &gone.into()), "{gone}");
    }
}

#[test]
fn ordinary_traffic_is_never_told_early() {
    let stream =
        traffic(1_500, 10, |minute, interface| noise(minute, interface + 50) as i64 % 250, |_, _, usual| Some(usual));
    assert_eq!(stream.of("anomaly").count(), 0, "{:?}", stream.of("anomaly").next());
}

#[test]
fn what_the_end_of_the_input_leaves_open_is_not_taken_back_and_what_a_person_expects_is_accepted() {
    // The outage begins some minutes before the input ends, and its window is never closed by the watermark.
    let stream = traffic(204, 6, ONTIME, |minute, interface, usual| (interface != 2 || minute < 200).then_some(usual));
    let spoken: Vec<_> =
        told(&stream, "eni-02").into_iter().map(|(state, provisional, _)| (state, provisional)).collect();
    assert_eq!(spoken, [("open".to_owned(), Some(true))]);

    let mut stream = Stream::new(&Settings { provisional: true, ..Settings::default() });
    for minute in 0..260 {
        for interface in (0..6).filter(|interface| *interface != 2 || minute < 200) {
            let bytes = 100_000 + noise(minute, interface) % 8_000;
            stream.observe(&Record::minute(&format!("eni-{interface:02}"), minute, bytes));
        }
        if minute == 204 {
            let id = stream.opened()[0]["id"].as_str().unwrap().to_owned();
            let id = u64::from_str_radix(&id, 16).unwrap();
            assert_eq!(stream.engine.feedback(id, flowscore::series::Judgement::Fine), 1);
        }
    }
    let ends: Vec<_> = stream.of("anomaly").map(|event| event["reason"].as_str().unwrap_or("open")).collect();
    assert_eq!(ends, ["open", "accepted"]);
}
