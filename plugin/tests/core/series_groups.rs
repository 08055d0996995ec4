//! Incidents with one cause are one group; those that only coincide are none.

use crate::series_traffic::*;
use flowscore::series::Settings;
use serde_json::Value;

/// `minutes` of as many interfaces with about 100 kB each; `change` alters the bytes of one in a minute, none means no record.
fn fleet(minutes: i64, interfaces: i64, change: impl Fn(i64, i64, u64) -> Option<u64>) -> Stream {
    let mut stream = Stream::new(&Settings::default());
    for minute in 0..minutes {
        for interface in 0..interfaces {
            let usual = 90_000 + noise(minute, interface) % 20_000;
            let Some(bytes) = change(minute, interface, usual) else { continue };
            let (key, to) = (format!("eni-{interface:03}"), format!("10.0.0.{interface}"));
            stream.observe(&Record::minute(&key, minute, bytes.min(usual)).talker("198.51.100.7", &to, 443));
            if bytes > usual {
                stream.observe(&Record::minute(&key, minute, bytes - usual).talker("203.0.113.9", &to, 53));
            }
        }
    }
    stream.finish();
    stream
}

fn text<'a>(event: &'a Value, name: &str) -> &'a str {
    event[name].as_str().unwrap_or_else(|| panic!("{name} in {event}"))
}

/// Kinds and states of the alerts that a host tells people: groups, and incidents in none.
fn told(stream: &Stream) -> Vec<String> {
    let is_single = |event: &&Value| event["type"] == "group" || event.get("group").is_none();
    let alerts = stream.all().filter(|event| event["type"] == "group" || event["type"] == "anomaly").filter(is_single);
    alerts
        .map(|event| format!("{} {} {}", text(event, "type"), text(event, "state"), text(event, "direction")))
        .collect()
}

#[test]
fn a_zone_that_fails_is_one_group() {
    let stream = fleet(230, 200, |minute, interface, usual| match minute {
        150..170 if interface % 5 == 2 => None,
        _ => Some(usual),
    });
    assert_eq!(told(&stream), ["group open drop", "group closed drop"]);
    let groups: Vec<_> = stream.of("group").collect();
    let (open, closed) = (groups[0], groups[1]);
    assert_eq!((&open["start"], &open["id"]), (&time(150 * 60), &closed["id"]));
    let numbers = ["series_count", "series_open", "series_known"].map(|name| open[name].as_u64().unwrap());
    assert_eq!(numbers, [40, 40, 200]);
    let share = open["traffic_share"].as_f64().unwrap();
    assert!((0.19..0.21).contains(&share), "{open}");
    assert_eq!((text(open, "severity"), text(closed, "severity")), ("critical", "critical"));
    assert!(open["p"].as_f64().unwrap() < 1e-5);
    assert_eq!(open["members"].as_array().unwrap().len(), 20);
    assert_eq!((text(closed, "reason"), &closed["reasons"]["recovered"]), ("recovered", &40.into()));
    assert_eq!((&closed["series_open"], &closed["observed"]), (&0.into(), &0.into()));
    // Each member's events name it, and come after it is open and before it is closed.
    let members: Vec<_> = stream.of("anomaly").filter(|event| event["group"] == open["id"]).collect();
    assert_eq!(members.iter().filter(|event| event["state"] == "open").count(), 40);
    let kinds: Vec<_> =
        stream.all().filter(|event| event["type"] != "notice").map(|event| text(event, "type")).collect();
    assert_eq!((kinds.first(), kinds.last()), (Some(&"group"), Some(&"group")));
    // All lost the same client.
    let talker = &open["top_talkers"][0];
    assert_eq!((&talker["srcaddr"], &talker["dstaddr"]), (&"198.51.100.7".into(), &Value::Null));
}

#[test]
fn a_flood_at_many_interfaces_is_one_group_and_names_the_source() {
    let stream = fleet(200, 60, |minute, interface, usual| match minute {
        150..160 if interface < 25 => Some(usual * 12),
        _ => Some(usual),
    });
    assert_eq!(told(&stream), ["group open spike", "group closed spike"]);
    let open = stream.of("group").next().unwrap();
    assert_eq!(open["series_count"], 25);
    assert_eq!(text(open, "severity"), "critical");
    let talker = &open["top_talkers"][0];
    assert_eq!(
        (&talker["srcaddr"], &talker["dstport"], &talker["pairs"]),
        (&"203.0.113.9".into(), &53.into(), &25.into())
    );
}

#[test]
fn incidents_that_only_coincide_are_told_one_by_one() {
    // Two at once; and one each forty minutes, as far apart as the lateness never is.
    let stream = fleet(600, 50, |minute, interface, usual| match minute {
        150..160 if interface < 2 => None,
        _ if minute >= 240 && interface == minute / 40 && minute % 40 < 10 => None,
        _ => Some(usual),
    });
    assert_eq!(stream.of("group").count(), 0);
    assert_eq!(stream.opened().len(), 11);
}

#[test]
fn where_incidents_begin_all_the_time_some_at_once_are_chance() {
    // Of fifty noisy interfaces one drops every four minutes, for two days; then three drop in a minute, then thirty.
    let quiet = |minute: i64| minute % 4 == 0 && minute < 2_880;
    let stream = fleet(3_200, 50, |minute, interface, usual| match minute {
        _ if quiet(minute) && interface == minute / 4 * 7 % 50 => None,
        2_900..2_910 if interface < 3 => None,
        3_000..3_010 if interface < 30 => None,
        _ => Some(usual),
    });
    let groups: Vec<_> = stream.of("group").filter(|event| event["state"] == "open").collect();
    assert_eq!(groups.len(), 1, "{groups:?}");
    assert!(groups[0]["series_count"].as_u64() >= Some(25), "{groups:?}");
    // The three were told, each for itself.
    let begins = |event: &&&Value| event["start"] == "2023-11-17T00:20:00.000Z";
    assert_eq!(stream.opened().iter().filter(begins).count(), 3);
}

#[test]
fn one_slow_window_of_all_is_one_group() {
    let stream = fleet(200, 40, |minute, _, usual| Some(if minute == 150 { usual / 10 } else { usual }));
    let told = told(&stream);
    assert_eq!(told, ["group open drop", "group closed drop"]);
}

#[test]
fn a_group_that_comes_back_goes_on_under_its_id() {
    let stream = fleet(260, 50, |minute, interface, usual| match minute {
        150..160 | 172..180 if interface < 20 => None,
        _ => Some(usual),
    });
    let told = told(&stream);
    assert_eq!(told, ["group open drop", "group closed drop", "group update drop", "group closed drop"]);
    let ids: Vec<_> = stream.of("group").map(|event| text(event, "id")).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn more_groups_than_there_is_room_for_are_all_closed_and_their_reasons_add_up() {
    // Each half hour four other interfaces of ninety fail for ten minutes, twenty times.
    let stream = fleet(860, 90, |minute, interface, usual| match minute {
        240.. if minute < 840 && interface / 4 == (minute - 240) / 30 && (minute - 240) % 30 < 10 => None,
        _ => Some(usual),
    });
    let count = |state: &str| stream.of("group").filter(|event| event["state"] == state).count();
    assert!(count("open") >= 18 && count("open") == count("closed"), "{:?}", told(&stream));
    for closed in stream.of("group").filter(|event| event["state"] == "closed") {
        let sum: u64 = closed["reasons"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!(Some(sum), closed["series_count"].as_u64(), "{closed}");
    }
}

#[test]
fn members_that_come_back_one_by_one_are_counted_once() {
    let stream = fleet(260, 50, |minute, interface, usual| match minute {
        150..160 if interface < 20 => None,
        168..174 if interface < 5 => None,
        _ => Some(usual),
    });
    for closed in stream.of("group").filter(|event| event["state"] == "closed") {
        let sum: u64 = closed["reasons"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
        assert_eq!((sum, &closed["series_count"]), (20, &20.into()), "{closed}");
    }
}
