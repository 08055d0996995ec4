//! Window mode as a whole: records in, events out.

mod series_traffic;

use flowscore::series::{Settings, Status};
use series_traffic::*;

/// Every window told, no totals in the way.
fn told() -> Settings {
    Settings { windows: true, total: false, ..Settings::default() }
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
    let mut stream = Stream::new(&Settings { prefix_totals: true, windows: true, ..Settings::default() });
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
