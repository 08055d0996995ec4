//! Interfaces with wrong clocks, long records, and streams that get thin: what one interface says of the time moves nobody.

use crate::series_traffic::*;
use flowscore::series::{Settings, Windows};
use serde_json::Value;

/// Every window told, no totals in the way.
fn told() -> Settings {
    Settings { windows: Windows::All, total: false, ..Settings::default() }
}

/// A record of an interface over a minute.
fn record(interface: i64, minute: i64) -> Record {
    Record::minute(&format!("eni-{interface}"), minute, 10_000 + noise(minute, interface) % 1_000)
}

/// The same by a clock that is `off`.
fn shifted(interface: i64, minute: i64, off: i64) -> Record {
    let mut record = record(interface, minute);
    record.start += off;
    record.end += off;
    record
}

/// Windows of all interfaces but the first.
fn others(stream: &Stream) -> Vec<Value> {
    stream.of("window").filter(|event| event["series"] != "eni-0").cloned().collect()
}

/// From the 15th of November 2023 to the 1st of January 2099.
const TO_2099: i64 = 4_070_908_800 - T0;

#[test]
fn one_interface_with_a_wrong_clock_changes_nothing_for_the_others() {
    for interfaces in [3, 4, 10, 50] {
        for off in [TO_2099, -T0, -86_400, 86_400, 420, 300, 1_000_000_000] {
            let run = |is_wrong: bool| {
                let mut stream = Stream::new(&told());
                for minute in 0..240 {
                    for interface in 0..interfaces {
                        match interface {
                            0 if minute < 60 => stream.observe(&record(0, minute)),
                            // In one payload what others send in twenty minutes.
                            0 if is_wrong && minute % 20 == 0 => {
                                (0..20).for_each(|ago| stream.observe(&shifted(0, minute - 19 + ago, off)));
                            }
                            0 => {}
                            _ => stream.observe(&record(interface, minute)),
                        }
                    }
                }
                stream.finish();
                stream
            };
            let (without, with) = (run(false), run(true));
            // At the end of the stream, windows minutes ahead are told.
            let told = others(&without).len();
            assert!(others(&with)[..told] == others(&without)[..], "{interfaces} interfaces, {off} s");
            let late = with.engine.totals().late;
            let most = 180;
            assert!(late <= most && (off > 0 || late > 100), "{interfaces} interfaces, {off} s: {late} late");
        }
    }
}

#[test]
fn a_burst_dated_2099_blinds_neither_a_quiet_nor_a_busy_stream() {
    for (interfaces, each, burst) in [(4, 1, 20), (52, 4, 250)] {
        let run = |burst: i64| {
            let mut stream = Stream::new(&Settings::default());
            for minute in 0..300 {
                for interface in 0..interfaces {
                    for _ in 0..each {
                        // One that is down in the end.
                        if interface != 2 || minute < 260 {
                            stream.observe(&record(interface, minute));
                        }
                    }
                }
                if minute == 100 {
                    (0..burst).for_each(|_| stream.observe(&shifted(1, 0, TO_2099)));
                }
                if minute == 110 {
                    (0..burst.min(20)).for_each(|later| stream.observe(&shifted(1, later, TO_2099)));
                }
            }
            stream.finish();
            stream
        };
        let (without, with) = (run(0), run(burst));
        assert_eq!(with.engine.totals().late as i64, burst + burst.min(20));
        assert_eq!(without.opened().len(), 1, "{interfaces} interfaces");
        assert_eq!(with.opened(), without.opened(), "{interfaces} interfaces");
        assert!(with.of("notice").any(|event| event["kind"] == "records_ahead"));
    }
}

#[test]
fn one_ten_minute_record_delays_windows_for_two_hours_at_most() {
    let mut stream = Stream::new(&told());
    let mut delays = Vec::new();
    for minute in 0..300 {
        (0..5).for_each(|interface| stream.observe(&record(interface, minute)));
        if minute == 60 {
            stream.observe(&Record::new("eni-9", T0 + 51 * 60, T0 + 61 * 60, 1_000));
        }
        let closed = stream.of("window").filter(|event| event["series"] == "eni-1").count() as i64;
        delays.push(minute + 1 - closed);
    }
    assert_eq!([50, 70, 190, 299].map(|minute| delays[minute]), [6, 15, 6, 6]);
}

#[test]
fn of_fifty_interfaces_one_that_goes_on_after_a_gap_is_believed() {
    for gap in [0, 3, 8, 45, 600] {
        let mut stream = Stream::new(&Settings::default());
        // Each sends four records a minute, and the one that is left sends one.
        for minute in 0..180 {
            (0..200).for_each(|record_of| stream.observe(&record(record_of / 4, minute)));
        }
        for minute in 180 + gap..300 + gap {
            stream.observe(&record(7, minute));
        }
        // Time has come to the end of the stream, and the others were judged up to there.
        assert_eq!(stream.engine.newest(), Some(T0 + (300 + gap) * 60), "gap of {gap} minutes");
        let missing: Vec<_> = stream.of("notice").filter(|event| event["kind"] == "series_missing").collect();
        assert_eq!(missing.iter().map(|event| event["count"].as_u64().unwrap()).collect::<Vec<_>>(), [49], "{gap}");
        let opened = stream.opened().len();
        assert!(opened >= 45, "gap of {gap} minutes: {opened}");
        let groups: Vec<_> = stream.of("group").filter(|event| event["state"] == "open").collect();
        assert_eq!(groups.len(), 1, "gap of {gap} minutes");
        assert!(groups[0]["series_count"].as_u64() >= Some(45), "gap of {gap} minutes: {}", groups[0]);
        assert!(stream.opened().iter().all(|event| event["direction"] == "drop"));
        assert_eq!(stream.engine.totals().late, 0, "gap of {gap} minutes");
    }
}

#[test]
fn of_two_interfaces_the_one_with_the_wrong_clock_does_not_blind_the_other() {
    for off in [TO_2099, 86_400, 420, -86_400, -T0] {
        let mut stream = Stream::new(&told());
        for minute in 0..600 {
            if minute < 100 {
                stream.observe(&record(0, minute));
            } else if minute % 50 == 0 {
                (0..50).for_each(|ago| stream.observe(&shifted(0, minute - 49 + ago, off)));
            }
            stream.observe(&record(1, minute));
        }
        stream.finish();
        let windows = others(&stream).iter().filter(|event| event["bytes"].as_u64().unwrap() > 0).count();
        // Half an hour that one of two goes on for by itself is believed, and taken back after twenty records of the other.
        assert!(windows >= 380, "{off} s: {windows} of 600");
    }
}

#[test]
fn interfaces_that_speak_an_hour_apart_move_on() {
    let mut stream = Stream::new(&told());
    for hour in 0..100 {
        stream.observe(&record(hour % 3, hour * 60));
    }
    let newest = stream.engine.newest().unwrap();
    assert!(newest >= T0 + 97 * 3_600, "{}", (newest - T0) / 3_600);
    assert_eq!(stream.engine.totals().late, 0);
}

#[test]
fn a_stream_that_begins_with_a_wrong_clock_is_read_all_the_same() {
    for off in [TO_2099, 86_400, -86_400, -T0] {
        let mut stream = Stream::new(&told());
        (0..60).for_each(|minute| stream.observe(&shifted(0, minute, off)));
        for minute in 0..120 {
            (1..6).for_each(|interface| stream.observe(&record(interface, minute)));
            if minute % 10 == 0 {
                stream.observe(&shifted(0, 60 + minute, off));
            }
        }
        stream.finish();
        let windows = others(&stream).iter().filter(|event| event["bytes"].as_u64().unwrap() > 0).count();
        assert!(windows >= 5 * 105, "{off} s: {windows} of 600");
    }
}

#[test]
fn time_that_went_back_is_told_and_late_notices_go_on() {
    let mut stream = Stream::new(&Settings::default());
    (0..60).for_each(|minute| stream.observe(&shifted(0, minute, TO_2099)));
    for minute in 0..300 {
        (1..6).for_each(|interface| stream.observe(&record(interface, minute)));
        // One that is always half an hour late.
        stream.observe(&record(6, minute - 30));
    }
    stream.finish();
    let kinds: Vec<_> = stream.of("notice").map(|event| event["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"time_went_back"), "{kinds:?}");
    assert!(kinds.iter().filter(|kind| **kind == "late_records").count() >= 4, "{kinds:?}");
    // The one is gone, and the total is another.
    assert!(stream.opened().iter().all(|event| event["series"] == "eni-0" || event["series"] == "total"));
}

#[test]
fn records_of_more_than_an_hour_are_told_even_if_there_are_no_others() {
    let mut stream = Stream::new(&told());
    for record in 0..50 {
        stream.observe(&Record::new("eni-1", T0 + record * 60, T0 + record * 60 + 3_601, 100));
    }
    let at_once: Vec<_> = stream.of("notice").map(|event| event["count"].as_u64().unwrap()).collect();
    assert_eq!(at_once, [1, 9]);
    stream.finish();
    let notices: Vec<_> = stream.of("notice").collect();
    assert!(notices.iter().all(|event| event["kind"] == "implausible_times"));
    assert_eq!(notices.iter().map(|event| event["count"].as_u64().unwrap()).sum::<u64>(), 50);
    assert_eq!(stream.engine.totals().implausible, 50);
    // Among others, they are told once an hour.
    let mut stream = Stream::new(&told());
    for minute in 0..600 {
        (0..3).for_each(|interface| stream.observe(&record(interface, minute)));
        stream.observe(&Record::new("eni-9", T0 + minute * 60, T0 + minute * 60 + 3_601, 100));
    }
    stream.finish();
    let counts: Vec<_> = stream.of("notice").map(|event| event["count"].as_u64().unwrap()).collect();
    assert!((8..=12).contains(&counts.len()) && counts.iter().sum::<u64>() == 600, "{counts:?}");
}
