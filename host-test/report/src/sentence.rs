//! An incident, or a group of them, in one sentence.

use super::group::Group;
use super::incident::{Incident, TopTalker};
use super::names::Names;
use super::quantity::{duration_in_words, percent, plural, times};
use super::value::Value;
use flowscore_generate::Direction;

/// Parts of what is usual below which it counts as nothing.
const NOTHING: f64 = 0.005;
/// Part of the change from which on somebody is named for it.
const NAMED: f64 = 0.3;

/// What is known of an amount and what it should be, for each minute where that can be told.
struct Amounts {
    observed: f64,
    expected: f64,
    /// What the observed amount is of, and the expected one.
    unit: &'static str,
    each: &'static str,
}

/// `web-1 has sent nothing for 33 minutes, usually 36 MB a minute; 10.20.1.12 → 4 addresses stopped`.
pub(super) fn of_incident(incident: &Incident, names: &Names) -> String {
    let series = names.or_key(&incident.series);
    let seconds = incident.end - incident.start;
    let amounts = match incident.totals.filter(|_| seconds > 0) {
        Some((observed, expected)) => {
            let minutes = seconds as f64 / 60.0;
            Amounts { observed: observed / minutes, expected: expected / minutes, unit: " a minute", each: " a minute" }
        }
        None => Amounts { observed: incident.observed, expected: incident.expected, unit: "", each: "" },
    };
    let subject = if incident.series == "total" { "All series together".to_owned() } else { series };
    let is_plural = incident.series == "total";
    let lasting = format!(" for {}", duration_in_words(incident.until - incident.start));
    let mut text = subject;
    text += &verb(incident.value, is_plural, !incident.closed);
    text += &change(incident.direction, incident.value, &amounts, &lasting);
    if let Some((series, share)) = incident.members.first().filter(|(_, share)| *share >= NAMED) {
        text += &format!("; {} is {} of the change", names.or_key(series), percent(*share));
    }
    if let Some(who) = who(&incident.talkers, incident.direction) {
        text += &format!("; {who}");
    }
    text
}

/// `5 of 12 series have sent 89 % less together for 10 minutes: …`.
pub(super) fn of_group(group: &Group) -> String {
    let Group { series_count, series_known, value, direction, .. } = group;
    let lasting = format!(" for {}", duration_in_words(group.until - group.start));
    let known = if *series_known > 0 {
        format!("{series_count} of {series_known} series")
    } else {
        format!("{series_count} series")
    };
    let amounts =
        Amounts { observed: group.observed, expected: group.expected, unit: " at worst", each: " in a window" };
    let mut text = format!("{known} together{}", verb(*value, *series_count != 1, !group.closed));
    text += &change(*direction, *value, &amounts, &lasting);
    if let Some(who) = who(&group.talkers, *direction) {
        text += &format!("; {who}");
    }
    text
}

fn verb(value: Value, is_plural: bool, is_open: bool) -> String {
    let sends = matches!(value, Value::Bytes | Value::Packets);
    let verb = if sends { "sent" } else { "had" };
    match (is_open, is_plural) {
        (true, true) => format!(" have {verb}"),
        (true, false) => format!(" has {verb}"),
        (false, _) => format!(" {verb}"),
    }
}

fn change(direction: Option<Direction>, value: Value, amounts: &Amounts, lasting: &str) -> String {
    let Amounts { observed, expected, unit, each: rate } = *amounts;
    let usual = if expected <= 0.0 { "nothing".to_owned() } else { value.words(expected) };
    let is_nothing = observed <= expected * NOTHING;
    let nothing = match value {
        Value::Bytes => "nothing",
        Value::Packets => "no packets",
        Value::Flows => "no flows",
        Value::Rejects => "no rejected flows",
    };
    match direction {
        Some(Direction::Drop) if is_nothing => format!(" {nothing}{lasting}, usually {usual}{rate}"),
        Some(Direction::Drop) => {
            let less = percent(1.0 - observed / expected.max(f64::MIN_POSITIVE));
            format!(" {less} less than usual{lasting}: {}{unit} instead of {usual}", value.words(observed))
        }
        Some(Direction::Spike) if expected > 0.0 && observed < 1000.0 * expected => {
            let much = times(observed, expected);
            format!(" {much} as much as usual{lasting}: {}{unit} instead of {usual}", value.words(observed))
        }
        _ => {
            let rate = if expected <= 0.0 { "" } else { rate };
            format!(" {}{unit}{lasting}, usually {usual}{rate}", value.words(observed))
        }
    }
}

/// Who made the change: one pair of addresses, or one address with all its others, whatever explains more than [`NAMED`] of it.
fn who(talkers: &[TopTalker], direction: Option<Direction>) -> Option<String> {
    let share = |talker: &TopTalker| talker.share.unwrap_or(0.0);
    let first = talkers.first()?;
    let all: Vec<&TopTalker> = talkers.iter().filter(|talker| talker.pairs.is_none()).collect();
    let together = |same: &dyn Fn(&TopTalker) -> bool| -> Vec<&TopTalker> {
        all.iter().copied().filter(|talker| same(talker)).collect()
    };
    let sources = together(&|talker| !first.srcaddr.is_empty() && talker.srcaddr == first.srcaddr);
    let destinations = together(&|talker| !first.dstaddr.is_empty() && talker.dstaddr == first.dstaddr);
    let sum = |talkers: &[&TopTalker]| -> f64 { talkers.iter().map(|talker| share(talker)).sum() };
    let single = vec![first];
    // One pair is the plainest answer: the others must explain a good deal more.
    let mut chosen = single;
    for several in [sources, destinations] {
        if several.len() > 1 && sum(&several) > sum(&chosen).max(0.05) * 1.2 {
            chosen = several;
        }
    }
    let whole = sum(&chosen);
    if whole < NAMED {
        return None;
    }
    let sources: Vec<&str> = distinct(chosen.iter().map(|talker| talker.srcaddr.as_str()));
    let destinations: Vec<&str> = distinct(chosen.iter().map(|talker| talker.dstaddr.as_str()));
    let ports: Vec<u64> = distinct(chosen.iter().filter_map(|talker| talker.dstport));
    let port = match ports[..] {
        [port] if port > 0 && destinations.len() == 1 => format!(" port {port}"),
        _ => String::new(),
    };
    let amount = |of: fn(&TopTalker) -> Option<f64>| -> f64 { chosen.iter().filter_map(|talker| of(talker)).sum() };
    let (now, before) = (amount(|talker| talker.bytes), amount(|talker| talker.baseline));
    let became = match direction {
        Some(Direction::Drop) if now <= before * NOTHING => "stopped",
        Some(Direction::Drop) => "sent less",
        Some(Direction::Spike) if before <= now * NOTHING => {
            if chosen.len() == 1 && first.pairs.is_none() {
                "is new"
            } else {
                "are new"
            }
        }
        _ => "sent more",
    };
    if sources == [""] && destinations == [""] {
        let port = ports.first().filter(|port| **port > 0).map(|port| format!(" to port {port}")).unwrap_or_default();
        let pairs = first.pairs.map_or("many".to_owned(), |pairs| pairs.to_string());
        return Some(format!("{pairs} pairs of addresses{port} {became} ({} of the change)", percent(whole.min(1.0))));
    }
    let (from, to) = (side(&sources, first.pairs), side(&destinations, first.pairs));
    Some(format!("{from} → {to}{port} {became} ({} of the change)", percent(whole.min(1.0))))
}

fn distinct<T: PartialEq>(items: impl Iterator<Item = T>) -> Vec<T> {
    items.fold(Vec::new(), |mut seen, item| {
        if !seen.contains(&item) {
            seen.push(item);
        }
        seen
    })
}

fn side(addresses: &[&str], pairs: Option<u64>) -> String {
    match (addresses, pairs) {
        ([""], Some(pairs)) => format!("{pairs} address{}", if pairs == 1 { "" } else { "es" }),
        ([""], None) => "many addresses".to_owned(),
        ([one], _) => (*one).to_owned(),
        (several, _) => format!("{} addresses", several.len()),
    }
}

/// Why an incident or group is closed, in words; empty while it is open.
pub(super) fn end(reason: &str, level: Option<f64>, value: Value) -> String {
    match reason {
        "recovered" => "back to what is usual".to_owned(),
        "new_level" => match level {
            Some(level) => format!("{} is usual now", value.words(level)),
            None => "this is usual now".to_owned(),
        },
        "turned" => "turned to the other side".to_owned(),
        "expired" => "lasted too long to be an incident".to_owned(),
        "series_gone" => "the series is gone".to_owned(),
        "time_withdrawn" => "event time went back to before it began".to_owned(),
        "accepted" => "accepted by a person".to_owned(),
        "unconfirmed" => "records that came later showed that there was nothing".to_owned(),
        other => other.to_owned(),
    }
}

/// Counts of incidents in words, for a heading: `3 incidents`.
pub(super) fn incidents(count: usize) -> String {
    format!("{count}\u{a0}incident{}", plural(count as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn plain(text: &str) -> String {
        text.replace(['\u{a0}', '\u{202f}'], " ")
    }

    #[test]
    fn an_incident_in_one_sentence() {
        let talker = |src: &str, dst: &str, port: u64, bytes: f64, before: f64, share: f64| json!({"srcaddr": src, "dstaddr": dst, "dstport": port, "bytes": bytes, "baseline_bytes": before, "share": share});
        let names: Names = [("eni-2".to_owned(), "web-1".to_owned())].into_iter().collect();
        for (event, expected) in [
            (
                json!({"direction": "drop", "series": "eni-1", "state": "update", "start": 0, "end": 1980, "observed_total": 0,
                    "expected_total": 1_188e6, "top_talkers": [talker("10.20.1.12", "10.0.0.9", 0, 0.0, 14e6, 0.36),
                    talker("10.20.1.12", "10.0.0.8", 0, 0.0, 9e6, 0.14)]}),
                "eni-1 has sent nothing for 33 minutes, usually 36 MB a minute; 10.20.1.12 → 2 addresses stopped (50 % of the change)",
            ),
            (
                json!({"direction": "spike", "series": "eni-2", "state": "closed", "start": 0, "end": 60, "observed_total": 49e6,
                    "expected_total": 10e6, "top_talkers": [talker("203.0.113.9", "10.0.0.1", 443, 39e6, 0.0, 0.97)]}),
                "web-1 sent 4.9 times as much as usual for 1 minute: 49 MB a minute instead of 10 MB; 203.0.113.9 → 10.0.0.1 port 443 is \
                 new (97 % of the change)",
            ),
            (
                json!({"direction": "drop", "series": "total", "state": "open", "start": 0, "end": 120, "value": "flows",
                    "observed_total": 20, "expected_total": 200, "members": [{"series": "eni-2", "share": 0.8}]}),
                "All series together have had 90 % less than usual for 2 minutes: 10 flows a minute instead of 100 flows; web-1 is 80 % \
                 of the change",
            ),
            (
                json!({"direction": "spike", "series": "eni-1", "state": "open", "start": 0, "end": 60, "observed_total": 5e6,
                    "expected_total": 0}),
                "eni-1 has sent 5 MB a minute for 1 minute, usually nothing",
            ),
        ] {
            assert_eq!(plain(&of_incident(&Incident::read(&event).unwrap(), &names)), expected);
        }
    }

    #[test]
    fn one_service_of_many_addresses_is_told_by_its_port() {
        let talker = json!({"srcaddr": null, "dstaddr": null, "dstport": 443, "bytes": 0, "baseline_bytes": 4e6, "share": 1, "pairs": 15});
        let talkers = super::super::incident::talkers(&json!({"top_talkers": [talker]}));
        assert_eq!(
            plain(&who(&talkers, Some(Direction::Drop)).unwrap()),
            "15 pairs of addresses to port 443 stopped (100 % of the change)"
        );
    }

    #[test]
    fn a_group_in_one_sentence() {
        let event = json!({"id": "g", "direction": "drop", "state": "open", "start": 0, "end": 600, "observed": 1e6, "expected": 50e6,
            "series_count": 5, "series_known": 12, "top_talkers": [{"srcaddr": null, "dstaddr": "10.0.0.1", "dstport": 443,
            "bytes": 0, "baseline_bytes": 40e6, "share": 0.9, "pairs": 41}]});
        assert_eq!(
            plain(&of_group(&Group::read(&event).unwrap())),
            "5 of 12 series together have sent 98 % less than usual for 10 minutes: 1 MB at worst instead of 50 MB; 41 addresses → \
             10.0.0.1 port 443 stopped (90 % of the change)"
        );
    }
}
