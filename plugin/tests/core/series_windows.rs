//! Window mode as a whole: records in, events out.

use crate::series_traffic::*;
use flowscore::series::{Settings, Status, Windows};
use serde_json::Value;

/// Every window told, no totals in the way.
fn told() -> Settings {
    Settings { windows: Windows::All, total: false, ..Settings::default() }
}

#[test]
fn sums_of_windows_are_those_of_records_however_they_straddle() {
    let mut stream = Stream::new(&Settings { total: true, ..told() });
    let (mut bytes, mut packets) = (0, 0);
    for i in 0..500u64 {
        let start = T0 + i as i64 * 7;
        let record = Record::new("eni-1", start, start + (i * 13 % 61) as i64, 1_000_003 * i + 17);
        bytes += record.bytes;
        packets += record.packets;
        stream.observe(&record);
    }
    stream.finish();
    for series in ["eni-1", "total"] {
        let windows: Vec<_> = stream.of("window").filter(|event| event["series"] == series).collect();
        let sum = |name: &str| windows.iter().map(|event| event[name].as_u64().unwrap()).sum::<u64>();
        assert_eq!((sum("bytes"), sum("packets"), sum("flows")), (bytes, packets, 500), "{series}");
        assert!(windows.iter().all(|event| event["start"].as_str().unwrap().ends_with(":00.000Z")));
    }
}

#[test]
fn no_data_and_absence_are_zero_and_skip_data_is_unknown() {
    let mut stream = Stream::new(&told());
    for minute in 0..20 {
        stream.observe(&Record::minute("eni-1", minute, 100));
        if minute != 7 {
            stream.observe(&Record::minute("eni-2", minute, 100).status(match minute {
                5 => Status::NoData,
                6 => Status::SkipData,
                _ => Status::Ok,
            }));
        }
    }
    stream.finish();
    let windows: Vec<_> = stream.of("window").filter(|event| event["series"] == "eni-2").collect();
    let seen =
        |minute: usize| (windows[minute]["bytes"].as_u64().unwrap(), windows[minute]["unknown"].as_bool().unwrap());
    assert_eq!([4, 5, 6, 7, 8].map(seen), [(100, false), (0, false), (0, true), (0, false), (100, false)]);
}

#[test]
fn an_interface_that_vanishes_among_others_is_a_drop_and_one_that_is_skipped_is_not() {
    for (status, drops) in [(None, 1), (Some(Status::NoData), 1), (Some(Status::SkipData), 0)] {
        let mut stream = Stream::new(&Settings::default());
        for minute in 0..200 {
            for interface in 0..10 {
                let record =
                    Record::minute(&format!("eni-{interface}"), minute, 10_000 + noise(minute, interface) % 1_000);
                match status {
                    _ if interface != 3 || !(150..170).contains(&minute) => stream.observe(&record),
                    Some(status) => stream.observe(&record.status(status)),
                    None => {}
                }
            }
        }
        stream.finish();
        let opened = stream.opened();
        assert_eq!(opened.len(), drops, "{status:?}: {opened:?}");
        for incident in opened {
            assert_eq!((incident["series"].as_str(), incident["direction"].as_str()), (Some("eni-3"), Some("drop")));
            assert_eq!(incident["start"], time(150 * 60));
            assert_eq!(incident["observed"], 0);
        }
    }
}

#[test]
fn all_silent_together_is_one_notice_and_no_drop() {
    let mut stream = Stream::new(&Settings::default());
    for minute in (0..100).chain(130..200) {
        for interface in 0..10 {
            stream.observe(&Record::minute(
                &format!("eni-{interface}"),
                minute,
                10_000 + noise(minute, interface) % 1_000,
            ));
        }
    }
    stream.finish();
    assert_eq!(stream.opened().len(), 0, "{:?}", stream.opened());
    let notices: Vec<_> = stream.of("notice").map(|event| (event["kind"].clone(), event["time"].clone())).collect();
    assert_eq!(notices, [("source_silent".into(), time(102 * 60)), ("source_recovered".into(), time(130 * 60))]);
}

/// Minutes of interfaces that report in turn, each at its second of the minute, and whose records of the minutes `gone` don't
/// come: a source failure, as the edges of windows see it.
fn staggered(interfaces: i64, minutes: i64, gone: std::ops::Range<i64>, records: i64) -> Vec<Record> {
    let mut all = Vec::new();
    for minute in 0..minutes {
        for interface in (0..interfaces).filter(|_| !gone.contains(&minute)) {
            for record in 0..records {
                let start = T0 + minute * 60 + interface * 60 / interfaces;
                let bytes = 10_000 + noise(minute * 7 + record, interface) % 1_000;
                all.push(Record::new(&format!("eni-{interface}"), start, start + 60, bytes));
            }
        }
    }
    all.sort_by_key(|record| record.end);
    all
}

#[test]
fn a_source_that_fails_in_the_middle_of_windows_raises_no_drop_however_thin_it_is() {
    for (interfaces, records) in [(2, 1), (4, 1), (4, 3), (12, 2), (40, 5)] {
        for gone in [150..163, 150..154, 151..190] {
            let mut stream = Stream::new(&Settings::default());
            staggered(interfaces, 260, gone.clone(), records).iter().for_each(|record| stream.observe(record));
            stream.finish();
            assert_eq!(stream.opened(), [] as [&Value; 0], "{interfaces} interfaces, {gone:?}");
            let kinds: Vec<_> = stream.of("notice").map(|event| event["kind"].as_str().unwrap()).collect();
            // Four minutes are not enough where there are two lines a minute.
            if interfaces * records > 2 || gone.end - gone.start > 6 {
                assert_eq!(kinds, ["source_silent", "source_recovered"], "{interfaces} interfaces, {gone:?}");
            }
        }
    }
}

#[test]
fn a_spike_just_before_the_source_fails_is_told_and_one_interface_that_stays_away_after_it_is_a_drop() {
    let mut stream = Stream::new(&Settings::default());
    for mut record in staggered(6, 260, 150..153, 3) {
        let minute = (record.start - T0) / 60;
        if record.key == "eni-2" && minute >= 153 {
            continue;
        }
        if record.key == "eni-1" && (146..150).contains(&minute) {
            record.bytes *= 30;
        }
        stream.observe(&record);
    }
    stream.finish();
    let opened: Vec<_> = stream.opened().iter().map(|event| [&event["series"], &event["direction"]]).collect();
    assert_eq!(opened, [[&Value::from("eni-1"), &"spike".into()], [&"eni-2".into(), &"drop".into()]]);
}

#[test]
fn the_clock_closes_windows_before_a_silence_once_it_is_clear_that_it_is_one() {
    let mut stream = Stream::new(&told());
    staggered(4, 30, 0..0, 3).iter().for_each(|record| stream.observe(record));
    for minute in 30..60 {
        stream.tick((T0 + minute * 60) * 1000);
    }
    assert_eq!(stream.of("window").count(), 4 * 31, "{:?}", stream.of("window").last());
    assert_eq!(stream.of("notice").count(), 1);
}

#[test]
fn silence_of_a_living_source_that_says_no_data_is_a_drop_even_of_all() {
    let mut stream = Stream::new(&Settings::default());
    for minute in 0..200 {
        let record = Record::minute("eni-1", minute, 10_000 + noise(minute, 1) % 1_000);
        stream.observe(&if (150..170).contains(&minute) { record.status(Status::NoData) } else { record });
    }
    stream.finish();
    let opened = stream.opened();
    assert_eq!(opened.len(), 1);
    assert_eq!((&opened[0]["series"], &opened[0]["direction"]), (&"eni-1".into(), &"drop".into()));
    assert_eq!(stream.of("notice").count(), 0);
}

#[test]
fn late_records_are_counted_and_told_once_an_hour() {
    let mut stream = Stream::new(&told());
    for minute in 0..90 {
        stream.observe(&Record::minute("eni-1", minute, 100));
        stream.observe(&Record::minute("eni-2", minute, 100));
        if minute >= 20 {
            stream.observe(&Record::minute("eni-3", minute - 15, 100));
        }
    }
    stream.finish();
    assert_eq!(stream.engine.totals().late, 70);
    assert!(stream.of("window").all(|event| event["series"] != "eni-3"));
    let late: Vec<_> = stream.of("notice").filter(|event| event["kind"] == "late_records").collect();
    assert_eq!(late.len(), 3);
    assert_eq!(late.iter().map(|event| event["count"].as_u64().unwrap()).sum::<u64>(), 70);
}

#[test]
fn a_record_that_is_partly_late_counts_where_it_can() {
    let mut stream = Stream::new(&told());
    for minute in 0..20 {
        stream.observe(&Record::minute("eni-1", minute, 100));
        stream.observe(&Record::minute("eni-2", minute, 100));
    }
    // Windows up to 13 are closed: the watermark is 1200 − 300 − 60.
    stream.observe(&Record::new("eni-3", T0 + 12 * 60, T0 + 16 * 60, 400));
    stream.finish();
    let counted: Vec<_> = stream.of("window").filter(|event| event["series"] == "eni-3").collect();
    assert_eq!(counted.iter().map(|event| event["bytes"].as_u64().unwrap()).sum::<u64>(), 200);
    assert_eq!(stream.engine.totals().late, 1);
}

#[test]
fn timestamps_years_ahead_neither_close_windows_nor_count() {
    let clean = |poison: bool| {
        let mut stream = Stream::new(&told());
        for minute in 0..100 {
            if poison && minute % 10 == 0 {
                stream.observe(&Record::new("eni-1", T0 + 1_000_000_000, T0 + 1_000_000_060, 5));
                stream.observe(&Record::new("eni-2", T0 + 200_000, T0 + 200_060, 5));
            }
            for series in ["eni-1", "eni-2", "eni-3"] {
                stream.observe(&Record::minute(series, minute, 100));
            }
        }
        stream.finish();
        stream
    };
    let (clean, poisoned) = (clean(false), clean(true));
    let windows = |stream: &Stream| stream.of("window").cloned().collect::<Vec<_>>();
    assert!(windows(&clean) == windows(&poisoned));
    assert_eq!(poisoned.engine.totals().late, 20);
    let kinds: Vec<_> = poisoned.of("notice").map(|event| event["kind"].clone()).collect();
    assert!(kinds.contains(&"records_ahead".into()) && kinds.contains(&"late_records".into()), "{kinds:?}");
}

#[test]
fn a_stream_that_goes_on_after_a_month_closes_nothing_between_and_loses_nothing() {
    for gap in [3_600, 86_400, 30 * 86_400, 10 * 365 * 86_400] {
        let mut stream = Stream::new(&told());
        let mut sent = 0;
        for minute in 0..120 {
            let gap = if minute < 60 { 0 } else { gap };
            for interface in 0..50 {
                let mut record = Record::minute(&format!("eni-{interface}"), minute, 100);
                record.start += gap;
                record.end += gap;
                sent += record.bytes;
                stream.observe(&record);
            }
        }
        stream.finish();
        let windows: Vec<_> = stream.of("window").collect();
        assert_eq!(windows.len(), 50 * 120, "{gap}");
        assert_eq!(windows.iter().map(|window| window["bytes"].as_u64().unwrap()).sum::<u64>(), sent, "{gap}");
        assert_eq!(stream.engine.totals().late, 0, "{gap}");
    }
}

#[test]
fn a_thin_stream_that_jumps_by_years_judges_hours_of_zeros_and_no_more() {
    let mut stream = Stream::new(&told());
    // One line in a hundred minutes: silence is ordinary.
    for i in 0..100 {
        stream.observe(&Record::minute("eni-1", i * 100, 1_000));
    }
    let before = stream.of("window").count();
    for i in 0..30 {
        stream.observe(&Record::new("eni-1", T0 + 1_000_000_000 + i * 6_000, T0 + 1_000_000_060 + i * 6_000, 1_000));
    }
    let after = stream.of("window").count();
    assert!(after - before < 600 + 31 * 100, "{}", after - before);
}

#[test]
fn a_few_interfaces_with_a_broken_clock_do_not_take_the_stream_along() {
    let mut stream = Stream::new(&told());
    for minute in 0..200 {
        for interface in 0..40 {
            // Two of forty speak one after the other, many times in a row, from the year 2030.
            let ahead = if minute > 20 && interface < 2 { 200_000_000 } else { 0 };
            for _ in 0..25 {
                let mut record = Record::minute(&format!("eni-{interface}"), minute, 100);
                record.start += ahead;
                record.end += ahead;
                stream.observe(&record);
            }
        }
    }
    stream.finish();
    let last = stream.of("window").last().unwrap();
    assert_eq!(last["start"], time(199 * 60));
    // Nobody else is late, and the two are counted.
    assert_eq!(stream.engine.totals().late, 2 * 25 * 179);
}

#[test]
fn wrong_times_without_end_neither_fill_the_memory_nor_stop_the_stream() {
    let mut stream = Stream::new(&told());
    let mut wrong = 0;
    for minute in 0..60 {
        for interface in 0..30 {
            stream.observe(&Record::minute(&format!("eni-{interface}"), minute, 100));
            for _ in 0..2 {
                wrong += 1;
                stream.observe(&Record::new("eni-0", T0 + 1_000_000 + wrong * 977, T0 + 1_000_060 + wrong * 977, 1));
            }
        }
    }
    // And then a gap.
    for minute in 200..260 {
        for interface in 0..30 {
            stream.observe(&Record::minute(&format!("eni-{interface}"), minute, 100));
        }
    }
    stream.finish();
    let windows = stream.of("window").filter(|event| event["series"] == "eni-7" && event["bytes"] == 100).count();
    assert_eq!(windows, 120);
    assert_eq!(stream.engine.totals().late as i64, wrong);
}

#[test]
fn a_tick_years_ahead_makes_the_data_late_for_an_hour_and_not_for_ever() {
    let mut stream = Stream::new(&told());
    for minute in 0..300 {
        for interface in 0..3 {
            stream.observe(&Record::minute(&format!("eni-{interface}"), minute, 100));
        }
        if minute == 30 {
            stream.tick((T0 + minute * 60) * 1000);
            stream.tick((T0 + 1_000_000_000) * 1000);
            stream.tick((T0 + minute * 60) * 1000);
        }
    }
    stream.finish();
    assert!((150..200).contains(&stream.engine.totals().late), "{}", stream.engine.totals().late);
}

#[test]
fn impossible_times_are_counted_and_left_out() {
    let mut stream = Stream::new(&told());
    for (start, end) in [(T0 + 60, T0), (i64::MIN, i64::MAX), (-5, 5), (T0, i64::MAX), (T0, T0 + 7_200)] {
        stream.observe(&Record::new("eni-1", start, end, 100));
    }
    stream.finish();
    assert_eq!(stream.engine.totals().implausible, 5);
    assert_eq!(stream.of("window").count(), 0);
}

#[test]
fn an_idle_stream_is_closed_by_the_clock() {
    let mut stream = Stream::new(&told());
    for minute in 0..10 {
        stream.observe(&Record::minute("eni-1", minute, 100));
        stream.observe(&Record::minute("eni-2", minute, 100));
    }
    let closed = stream.of("window").count();
    for minute in 10..40 {
        stream.tick((T0 + minute * 60) * 1000);
    }
    assert!(closed < 10 && stream.of("window").count() == 20);
    assert_eq!(stream.of("notice").map(|event| event["kind"].clone()).collect::<Vec<_>>(), ["source_silent"]);
}

#[test]
fn a_ten_minute_aggregation_interval_fills_its_windows() {
    let mut stream = Stream::new(&Settings { total: false, ..told() });
    for interval in 0..30 {
        let start = T0 + interval * 600;
        stream.observe(&Record::new("eni-1", start, start + 600, 6_000));
    }
    stream.finish();
    let bytes: Vec<_> = stream.of("window").map(|event| event["bytes"].as_u64().unwrap()).collect();
    assert_eq!(bytes, vec![600; 300]);
    assert_eq!(stream.engine.totals().late, 0);
}

#[test]
fn prefixes_are_totals_of_their_own() {
    let mut stream = Stream::new(&Settings { prefix_totals: true, windows: Windows::All, ..Settings::default() });
    for minute in 0..5 {
        for series in ["a/x/1", "a/x/2", "a/y/1", "b/x/1"] {
            stream.observe(&Record::minute(series, minute, 100));
        }
    }
    stream.finish();
    let first: Vec<_> = stream
        .of("window")
        .filter(|event| event["start"] == time(60))
        .map(|event| (event["series"].as_str().unwrap().to_owned(), event["bytes"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("a/x/1", 100),
        ("a/x/2", 100),
        ("a/y/1", 100),
        ("b/x/1", 100),
        ("b/x/", 100),
        ("b/", 100),
        ("a/y/", 100),
        ("a/x/", 200),
        ("a/", 300),
        ("total", 400),
    ];
    assert_eq!(first, expected.map(|(series, bytes)| (series.to_owned(), bytes)));
}

#[test]
fn a_slash_within_a_value_makes_no_prefix() {
    let mut stream = Stream::new(&Settings { prefix_totals: true, windows: Windows::All, ..Settings::default() });
    for minute in 0..5 {
        // An ARN and an interface; and a value that ends as the name of a prefix does.
        for (value, interface) in [("arn:ecs:cluster/blue", "eni-1"), ("arn:ecs:cluster/green", "eni-2"), ("a", "b/")] {
            let mut record = Record::minute(&format!("{value}/{interface}"), minute, 100);
            record.joints = vec![value.len() as u32];
            stream.observe(&record);
        }
    }
    stream.finish();
    let first: Vec<_> = stream
        .of("window")
        .filter(|event| event["start"] == time(60))
        .map(|event| (event["series"].as_str().unwrap(), event["bytes"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("a/b/", 100),
        ("arn:ecs:cluster/blue/eni-1", 100),
        ("arn:ecs:cluster/green/eni-2", 100),
        ("arn:ecs:cluster/green/", 100),
        ("arn:ecs:cluster/blue/", 100),
        ("a/", 100),
        ("total", 300),
    ];
    assert_eq!(first, expected);
}
