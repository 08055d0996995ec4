//! From verdicts to incidents, with what they say of their cause.

use crate::series_traffic::*;
use flowscore::series::{Judgement, Maintenance, Settings, Status, Windows};
use serde_json::Value;

/// Minutes of `interfaces` with about 100 kB each from four clients; `change` alters a minute's records of one.
fn traffic(settings: &Settings, minutes: i64, interfaces: i64, change: impl Fn(i64, i64, &mut Vec<Record>)) -> Stream {
    let mut stream = Stream::new(settings);
    for minute in 0..minutes {
        for interface in 0..interfaces {
            let mut records: Vec<_> = (0..4)
                .map(|client| {
                    let bytes = 24_000 + noise(minute, interface * 8 + client) % 2_000;
                    Record::minute(&format!("eni-{interface}"), minute, bytes).talker(
                        &format!("198.51.100.{client}"),
                        &format!("10.0.0.{interface}"),
                        443,
                    )
                })
                .collect();
            change(minute, interface, &mut records);
            records.iter().for_each(|record| stream.observe(record));
        }
    }
    stream.finish();
    stream
}

fn states(stream: &Stream) -> Vec<(&str, &str, &str)> {
    stream
        .of("anomaly")
        .map(|event| ["series", "state", "direction"].map(|name| event[name].as_str().unwrap()))
        .map(|[series, state, direction]| (series, state, direction))
        .collect()
}

fn talkers(event: &Value) -> &Vec<Value> {
    event["top_talkers"].as_array().unwrap()
}

#[test]
fn a_heavy_hitter_is_one_incident_of_its_interface_and_named() {
    let stream = traffic(&Settings::default(), 200, 10, |minute, interface, records| {
        if interface == 3 && (150..160).contains(&minute) {
            records.push(Record::minute("eni-3", minute, 900_000).talker("203.0.113.9", "10.0.0.3", 8443));
        }
    });
    assert_eq!(states(&stream), [("eni-3", "open", "spike"), ("eni-3", "closed", "spike")]);
    let events: Vec<_> = stream.of("anomaly").collect();
    let (open, closed) = (events[0], events[1]);
    assert_eq!(open["id"], closed["id"]);
    assert_eq!(open["start"], time(150 * 60));
    assert_eq!((&closed["end"], &closed["duration_s"]), (&time(160 * 60), &600.into()));
    assert_eq!(closed["reason"], "recovered");
    let first = &talkers(open)[0];
    assert_eq!(first["srcaddr"], "203.0.113.9");
    assert_eq!(
        (&first["dstaddr"], &first["dstport"], &first["protocol"]),
        (&"10.0.0.3".into(), &8443.into(), &6.into())
    );
    assert_eq!((&first["bytes"], &first["baseline_bytes"]), (&900_000.into(), &0.into()));
    assert!(first["share"].as_f64().unwrap() > 0.95);
    let attribution = |name: &str| open["attribution"][name].as_f64().unwrap();
    assert!((["bytes", "packets", "flows", "rejects"].map(attribution).iter().sum::<f64>() - 1.0).abs() < 0.01);
    assert!(attribution("bytes") > attribution("rejects"));
    assert!(closed["observed_total"].as_f64().unwrap() > 9.5 * 1_000_000.0);
    assert_eq!(stream.engine.totals().anomalies, 1);
}

#[test]
fn a_flood_from_spoofed_addresses_names_what_it_is_aimed_at() {
    let stream = traffic(&Settings::default(), 200, 4, |minute, interface, records| {
        if interface == 1 && (150..155).contains(&minute) {
            for source in 0..3_000 {
                let source = noise(minute, source);
                let address =
                    format!("{}.{}.{}.{}", 1 + source % 99, source >> 8 & 255, source >> 16 & 255, source >> 24 & 255);
                records.push(Record::minute("eni-1", minute, 400 + source % 100).talker(&address, "10.0.0.1", 53));
            }
        }
    });
    assert_eq!(states(&stream)[0], ("eni-1", "open", "spike"));
    let opened = stream.opened();
    assert_eq!(opened.len(), 1);
    let first = &talkers(opened[0])[0];
    assert_eq!(
        (&first["srcaddr"], &first["dstaddr"], &first["dstport"]),
        (&Value::Null, &"10.0.0.1".into(), &53.into())
    );
    // 64 of 3004 records were sampled: the standard error is below 13 %.
    assert!(first["pairs"].as_u64().unwrap() > 20 && first["share"].as_f64().unwrap() > 0.7, "{first}");
}

#[test]
fn a_scan_names_its_source() {
    let stream = traffic(&Settings::default(), 200, 2, |minute, interface, records| {
        if interface == 1 && (150..155).contains(&minute) {
            for host in 0..3_000 {
                let address = format!("10.9.{}.{}", host / 250, host % 250);
                records.push(Record::minute("eni-1", minute, 440).talker("10.0.0.1", &address, 22));
            }
        }
    });
    let first = &talkers(stream.opened()[0])[0];
    assert_eq!(
        (&first["srcaddr"], &first["dstaddr"], &first["dstport"]),
        (&"10.0.0.1".into(), &Value::Null, &22.into())
    );
}

#[test]
fn a_drop_names_who_vanished() {
    let stream = traffic(&Settings::default(), 200, 4, |minute, interface, records| {
        if interface == 2 {
            records.push(Record::minute("eni-2", minute, 500_000).talker("192.0.2.1", "10.0.0.2", 5432));
            if (150..160).contains(&minute) {
                records.truncate(2);
            }
        }
    });
    assert_eq!(states(&stream), [("eni-2", "open", "drop"), ("eni-2", "closed", "drop")]);
    let talkers = talkers(stream.opened()[0]);
    assert_eq!((&talkers[0]["srcaddr"], &talkers[0]["dstport"]), (&"192.0.2.1".into(), &5432.into()));
    assert_eq!((&talkers[0]["bytes"], &talkers[0]["baseline_bytes"]), (&0.into(), &500_000.into()));
    assert!(talkers[0]["share"].as_f64().unwrap() > 0.85);
}

#[test]
fn answers_to_clients_are_one_talker_whatever_their_ports() {
    let stream = traffic(&Settings::default(), 200, 2, |minute, interface, records| {
        if interface == 0 && minute >= 150 {
            for port in 0..50 {
                let mut record =
                    Record::minute("eni-0", minute, 20_000).talker("10.0.0.0", "203.0.113.5", 40_000 + port * 7);
                record.srcport = 443;
                records.push(record);
            }
        }
    });
    let first = &talkers(stream.opened()[0])[0];
    assert_eq!((&first["dstaddr"], &first["dstport"]), (&"203.0.113.5".into(), &0.into()));
    assert!(first["share"].as_f64().unwrap() > 0.95);
}

#[test]
fn a_lasting_change_is_one_incident_that_ends_as_the_new_level() {
    let stream = traffic(&Settings::default(), 400, 3, |minute, interface, records| {
        if interface == 1 && minute >= 200 {
            records.iter_mut().for_each(|record| record.bytes *= 5);
        }
    });
    assert_eq!(states(&stream), [("eni-1", "open", "spike"), ("eni-1", "closed", "spike")]);
    assert_eq!(stream.of("anomaly").last().unwrap()["reason"], "new_level");
}

#[test]
fn the_way_back_from_a_lasting_change_is_no_news() {
    let stream = traffic(&Settings::default(), 600, 3, |minute, interface, records| {
        if interface == 1 && (200..400).contains(&minute) {
            records.iter_mut().for_each(|record| record.bytes *= 5);
        }
    });
    assert_eq!(states(&stream), [("eni-1", "open", "spike"), ("eni-1", "closed", "spike")]);
}

#[test]
fn an_incident_does_not_flap() {
    let stream = traffic(&Settings::default(), 300, 3, |minute, interface, records| {
        // In and out every other minute, then gone for ten, then back.
        if interface == 1 && (150..200).contains(&minute) && minute % 2 == 0 && !(170..180).contains(&minute) {
            records.iter_mut().for_each(|record| record.bytes *= 5);
        }
    });
    let opened = stream.opened();
    assert_eq!(opened.len(), 1);
    assert!(stream.of("anomaly").all(|event| event["id"] == opened[0]["id"]));
    let states: Vec<_> = stream.of("anomaly").map(|event| event["state"].as_str().unwrap()).collect();
    // At most once out of it, and back.
    assert!(states.len() <= 6 && states[0] == "open" && states[states.len() - 1] == "closed", "{states:?}");
}

#[test]
fn an_incident_that_worsens_is_updated() {
    let stream = traffic(&Settings::default(), 200, 3, |minute, interface, records| {
        if interface == 1 && (150..160).contains(&minute) {
            let factor = if minute < 153 { 2 } else { 20 };
            records.iter_mut().for_each(|record| record.bytes *= factor);
        }
    });
    let mut states: Vec<_> = stream.of("anomaly").map(|event| event["state"].as_str().unwrap()).collect();
    states.dedup();
    assert_eq!(states, ["open", "update", "closed"]);
    assert!(stream.of("anomaly").count() <= 5);
    let events: Vec<_> = stream.of("anomaly").collect();
    assert!(events[1]["peak"].as_str() >= events[1]["start"].as_str());
    assert!(events[1]["anomaly_score"].as_f64() >= events[0]["anomaly_score"].as_f64());
    assert!(events[1]["observed"].as_f64() > events[0]["observed"].as_f64());
    assert!(events[0]["severity"] != "critical" && events[events.len() - 1]["severity"] == "critical");
}

#[test]
fn nothing_opens_in_maintenance_and_nothing_is_learned() {
    let maintenance = |series: Option<&str>| Settings {
        maintenance: vec![Maintenance {
            from: "2023-11-15T02:30:00Z".into(),
            to: "2023-11-15T03:30:00+00:00".into(),
            series: series.map(str::to_owned),
        }],
        ..Settings::default()
    };
    for (settings, opened) in
        [(maintenance(None), 0), (maintenance(Some("eni-1*")), 0), (maintenance(Some("eni-2")), 1)]
    {
        let stream = traffic(&settings, 300, 3, |minute, interface, records| {
            if interface == 1 && (155..205).contains(&minute) {
                records.clear();
            }
        });
        assert_eq!(stream.opened().len(), opened, "{:?}: {:?}", settings.maintenance, stream.opened());
    }
}

#[test]
fn the_total_speaks_only_where_no_series_explains_it() {
    // Six tenths more is within each series' noise, but not within that of 100 of them together.
    let noisy = |minute: i64, interface: i64, records: &mut Vec<Record>| {
        records.truncate(1);
        let more = if minute >= 200 { 1_250 } else { 1_000 };
        records[0].bytes = (80_000 + noise(minute, interface) % 40_000) * more / 1_000;
    };
    let stream = traffic(&Settings::default(), 230, 100, noisy);
    assert_eq!(states(&stream).first(), Some(&("total", "open", "spike")), "{:?}", states(&stream));
    let opened = stream.opened();
    assert_eq!(opened.len(), 1);
    assert_eq!(opened[0]["start"], time(200 * 60));
    assert!(!opened[0]["members"].as_array().unwrap().is_empty());
}

#[test]
fn a_series_that_was_evicted_and_returns_starts_afresh_with_a_notice() {
    let settings = Settings { max_series: 3, total: false, windows: Windows::All, ..Settings::default() };
    let mut stream = Stream::new(&settings);
    let mut minute = 0;
    let mut minutes = |stream: &mut Stream, series: &[&str], count: i64| {
        for _ in 0..count {
            series.iter().for_each(|series| stream.observe(&Record::minute(series, minute, 100)));
            minute += 1;
        }
    };
    minutes(&mut stream, &["a", "b", "c"], 10);
    minutes(&mut stream, &["b", "c", "d"], 10);
    minutes(&mut stream, &["a", "b", "c"], 10);
    stream.finish();
    assert_eq!(stream.engine.series(), 3);
    // One for `d`; then `a` and those it pushes out in turn, until it is `d` that goes.
    assert!((2..=4).contains(&stream.engine.totals().evicted), "{}", stream.engine.totals().evicted);
    let returned: Vec<_> = stream.of("notice").filter(|event| event["kind"] == "series_returned").collect();
    assert_eq!(returned[0]["series"], "a");
    assert!(stream.of("notice").any(|event| event["kind"] == "series_evicted"));
}

#[test]
fn a_flood_of_a_million_keys_pushes_out_no_series_with_a_history() {
    let settings = Settings { max_series: 1_000, ..Settings::default() };
    let mut stream = Stream::new(&settings);
    let mut keys = 0;
    for minute in 0..60 {
        for interface in 0..20 {
            stream.observe(&Record::minute(&format!("eni-{interface}"), minute, 100_000));
        }
        for _ in 0..if minute >= 20 { 25_000 } else { 0 } {
            stream.observe(&Record::minute(&format!("spoofed-{keys}"), minute, 10));
            keys += 1;
            assert!(stream.engine.series() <= 1_000);
        }
    }
    stream.finish();
    assert_eq!(keys, 1_000_000);
    assert_eq!(stream.engine.totals().evicted, 1_000_020 - 1_000);
    assert!(!stream.of("notice").any(|event| event["kind"] == "series_returned"));
    assert!(stream.opened().iter().all(|event| event["direction"] != "drop"));
}

#[test]
fn a_series_without_traffic_for_long_is_forgotten_quietly() {
    let mut stream = Stream::new(&Settings { window: 3600, forget_after_days: 2, ..Settings::default() });
    for hour in 0..100 {
        let record = |key: &str| Record::new(key, T0 + hour * 3600, T0 + hour * 3600 + 3600, 1_000);
        stream.observe(&record("a"));
        stream.observe(&record("b"));
        if hour < 20 {
            stream.observe(&record("c"));
        } else {
            stream.observe(&record("d").status(Status::NoData));
        }
    }
    assert_eq!(stream.engine.series(), 3);
    assert_eq!(stream.engine.totals().evicted, 0);
}

#[test]
fn of_a_noisy_fleet_as_many_weak_alerts_are_told_as_the_budget_allows_and_every_outage() {
    // Each of twenty interfaces has a minute of more than twice as much now and then; one is gone for ten minutes each day.
    let told = |alerts_per_day: f64| {
        let settings = Settings { alerts_per_day, top_talkers: 0, ..Settings::default() };
        let stream = traffic(&settings, 8 * 1_440, 20, |minute, interface, records| {
            records.truncate(1);
            if (minute + interface * 67) % 401 == 0 {
                records[0].bytes = records[0].bytes * 5 / 2;
            }
            if interface == 7 && (300..310).contains(&((minute - minute / 1_440 * 131) % 1_440)) {
                records.clear();
            }
        });
        let of = |direction: &str| -> Vec<String> {
            let events = stream.opened().into_iter().filter(|event| event["direction"] == *direction);
            events.map(|event| event["start"].as_str().unwrap().to_owned()).collect()
        };
        let withheld = stream.of("notice").filter(|event| event["kind"] == "alerts_withheld").count();
        // After three days, as a week's worth may come at once and the first of each series surpasses all before.
        let later = of("spike").iter().filter(|start| start.as_str() >= "2023-11-18").count();
        (later, of("drop"), withheld)
    };
    let ((all, outages, none), (few, the_same, notices)) = (told(1_000.0), told(1.0));
    assert!(all > 200 && few <= 8, "{all} {few}");
    assert_eq!(outages, the_same);
    assert!(none == 0 && (5..=9).contains(&notices) && outages.len() >= 2, "{none} {notices} {outages:?}");
}

#[test]
fn what_people_call_fine_alerts_no_more_at_that_time_and_ends_and_real_takes_that_back() {
    // Five times as much for six minutes, on the second day 25 minutes later, and once at another time.
    let bytes = |minute: i64| {
        let is_spike = [200, 1_440 + 225, 1_440 + 600].iter().any(|start| (*start..start + 6).contains(&minute));
        100_000 * if is_spike { 5 } else { 1 }
    };
    let run = |judgements: &[Judgement], said_at: i64| {
        let mut stream = Stream::new(&Settings::default());
        for minute in 0..3_000 {
            for interface in 0..3 {
                let usual = if interface == 1 { bytes(minute) } else { 100_000 };
                let noise = noise(minute, interface) % 10_000;
                stream.observe(&Record::minute(&format!("eni-{interface}"), minute, usual + noise));
            }
            if minute == said_at {
                let id = stream.opened()[0]["id"].as_str().unwrap().to_owned();
                let id = u64::from_str_radix(&id, 16).unwrap();
                judgements.iter().for_each(|judgement| assert_eq!(stream.engine.feedback(id, *judgement), 1));
                assert_eq!(stream.engine.feedback(id ^ 1, Judgement::Fine), 0);
            }
        }
        let closed = stream.of("anomaly").find(|event| event["state"] == "closed").unwrap();
        (stream.opened().len(), closed["reason"].as_str().unwrap().to_owned())
    };
    let told = |opened: usize, reason: &str| (opened, reason.to_owned());
    assert_eq!(run(&[], 300), told(3, "recovered"));
    assert_eq!(run(&[Judgement::Fine], 300), told(2, "recovered"));
    assert_eq!(run(&[Judgement::Fine, Judgement::Real], 300), told(3, "recovered"));
    // While it is open: windows close some minutes behind.
    assert_eq!(run(&[Judgement::Fine], 209), told(2, "accepted"));
}

#[test]
fn an_incident_says_where_it_is_and_what_has_happened_in_words() {
    use flowscore::{Config, Scorer};
    let mut scorer = Scorer::with(Config::default());
    let mut out = Vec::new();
    for minute in 0..200_i64 {
        for interface in 0..4 {
            let start = T0 + minute * 60;
            let bytes = 36_000_000 + noise(minute, interface) % 800_000;
            let line = format!(
                r#"{{"account_id":"12345678901{interface}","vpc_id":"vpc-0a","region":"-","interface_id":"eni-{interface}","srcaddr":"10.20.1.12","dstaddr":"10.0.0.{interface}","srcport":50000,"dstport":443,"protocol":6,"packets":9,"bytes":{bytes},"start":{start},"end":{},"action":"ACCEPT","log_status":"OK"}}"#,
                start + 60
            );
            if interface != 2 || !(150..183).contains(&minute) {
                scorer.transform(line.as_bytes(), None, &mut out);
            }
        }
    }
    scorer.finish(&mut out);
    let events: Vec<Value> = out.split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let anomalies: Vec<_> = events.iter().filter(|event| event["type"] == "anomaly").collect();
    let place = |name: &str| anomalies[0].get(name).and_then(Value::as_str);
    assert_eq!(["account_id", "vpc_id", "region"].map(place), [Some("123456789012"), Some("vpc-0a"), None]);
    let text = |event: &Value| event["text"].as_str().unwrap().to_owned();
    assert!(
        text(anomalies[0]).starts_with("eni-2 has sent nothing for 1 minute, usually 36."),
        "{}",
        text(anomalies[0])
    );
    assert!(
        text(anomalies[0]).ends_with(" MB a minute; 10.20.1.12 → 10.0.0.2 port 443 stopped"),
        "{}",
        text(anomalies[0])
    );
    let last = text(anomalies.last().unwrap());
    assert!(last.starts_with("eni-2 sent nothing for 33 minutes, usually"), "{last}");
}
