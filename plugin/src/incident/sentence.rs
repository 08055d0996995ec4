//! An incident in one sentence, for people.

use std::fmt::Write as _;

use super::{Incident, TopTalker};
use crate::detect::Direction;
use crate::text::decimal;

/// Parts of what is usual below which it counts as nothing.
const NOTHING: f64 = 0.005;
/// Part of the change from which on somebody is named for it.
const NAMED: f64 = 0.3;

/// `eni-1 has sent nothing for 33 minutes, usually 36 MB a minute; 10.20.1.12 → 10.0.3.7:443 stopped`. `value` is what is detected on.
pub(super) fn sentence(incident: &Incident, is_closed: bool, series: &[u8], value: &str) -> String {
    let minutes = (incident.end - incident.start).max(1) as f64 / 60.0;
    let (observed, expected) = (incident.observed_total / minutes, incident.expected_total / minutes);
    let is_total = series == b"total";
    let mut text = if is_total { "All series together".into() } else { String::from_utf8_lossy(series).into_owned() };
    text += match (is_closed, is_total) {
        (true, _) => "",
        (false, true) => " have",
        (false, false) => " has",
    };
    text += if matches!(value, "bytes" | "packets") { " sent" } else { " had" };
    let lasting = lasting(incident.end - incident.start);
    let amount = |number| amount(number, value);
    let usual = if expected > 0.0 { amount(expected) + " a minute" } else { "nothing".into() };
    // Writing to memory cannot fail.
    let _ = match incident.direction {
        Direction::Drop if observed <= expected * NOTHING => write!(text, " nothing for {lasting}, usually {usual}"),
        Direction::Drop => {
            let less = decimal::fixed(100.0 * (1.0 - observed / expected.max(f64::MIN_POSITIVE)), 0);
            write!(text, " {less} % less than usual for {lasting}: {} a minute instead of {usual}", amount(observed))
        }
        Direction::Spike if expected > observed * NOTHING => {
            let times = significant(observed / expected);
            write!(
                text,
                " {times} times as much as usual for {lasting}: {} a minute, usually {usual}",
                amount(observed)
            )
        }
        Direction::Spike => write!(text, " {} a minute for {lasting}, usually {usual}", amount(observed)),
    };
    if let Some(talker) = incident.explanation.top_talkers.first().filter(|talker| talker.share >= NAMED) {
        text += "; ";
        who(talker, incident.direction, &mut text);
    }
    text
}

fn who(talker: &TopTalker, direction: Direction, text: &mut String) {
    for (address, before) in [(talker.srcaddr, ""), (talker.dstaddr, " → ")] {
        let _ = match address {
            Some(address) => write!(text, "{before}{address}"),
            None => write!(text, "{before}many"),
        };
    }
    if talker.dstport > 0 {
        let _ = write!(text, " port {}", talker.dstport);
    }
    text.push_str(match direction {
        Direction::Drop if talker.bytes <= talker.baseline_bytes * NOTHING => " stopped",
        Direction::Drop => " sent less",
        Direction::Spike if talker.baseline_bytes <= talker.bytes * NOTHING => " is new",
        Direction::Spike => " sent more",
    });
}

/// `33 minutes`, `2 hours 5 minutes`, `1 day`.
fn lasting(seconds: i64) -> String {
    let unit = |count: i64, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (large, small) = match seconds {
        ..60 => return unit(seconds, "second"),
        60..3_600 => return unit(seconds / 60, "minute"),
        3_600..86_400 => ((seconds / 3_600, "hour"), (seconds / 60 % 60, "minute")),
        _ => ((seconds / 86_400, "day"), (seconds / 3_600 % 24, "hour")),
    };
    let mut text = unit(large.0, large.1);
    if small.0 > 0 {
        text += " ";
        text += &unit(small.0, small.1);
    }
    text
}

/// `36.1 MB`, or `1200 flows`.
fn amount(number: f64, value: &str) -> String {
    if value != "bytes" {
        return format!("{} {value}", significant(number));
    }
    let (mut number, mut unit) = (number, 0);
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    while number >= 999.5 && unit + 1 < UNITS.len() {
        number /= 1_000.0;
        unit += 1;
    }
    format!("{} {}", significant(number), UNITS[unit])
}

/// Three digits, or all before the point.
fn significant(number: f64) -> String {
    let decimals = if number >= 99.95 || number == 0.0 { 0 } else { 1 + usize::from(number < 9.995) };
    let text = decimal::fixed(number, decimals);
    if decimals > 0 { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_read_well() {
        let amounts = [
            (0.0, "0 B"),
            (36_140_000.0, "36.1 MB"),
            (999.6, "1 kB"),
            (1e21, "1000 EB"),
            (5.0, "5 B"),
            (5.25, "5.25 B"),
        ];
        amounts.iter().for_each(|(number, text)| assert_eq!(amount(*number, "bytes"), *text));
        assert_eq!(amount(1_234.6, "flows"), "1235 flows");
        let times = [
            (45, "45 seconds"),
            (60, "1 minute"),
            (7_500, "2 hours 5 minutes"),
            (86_400, "1 day"),
            (93_600, "1 day 2 hours"),
        ];
        times.iter().for_each(|(seconds, text)| assert_eq!(lasting(*seconds), *text));
    }
}
