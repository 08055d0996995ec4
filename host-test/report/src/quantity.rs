//! Numbers, sizes, times and durations as people read them.

use flowscore_generate::rfc3339;

/// Three significant digits.
fn significant(value: f64) -> String {
    let magnitude = value.abs();
    let decimals = if magnitude >= 99.95 || value == 0.0 { 0 } else { 1 + usize::from(magnitude < 9.995) };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A number of bytes with a decimal (SI) unit: `61.2 MB`.
pub fn bytes(value: f64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    let (mut value, mut unit) = (value, 0);
    while value.abs() >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{}\u{a0}{}", significant(value), UNITS[unit])
}

/// A number of things with a decimal (SI) prefix: `1.2 k`, `3.4 M`; up to 9,999 as it is.
pub(super) fn thousands(value: f64) -> String {
    const PREFIXES: [&str; 4] = ["k", "M", "G", "T"];
    if value.abs() < 9_999.5 {
        return significant(if value.abs() >= 99.95 { libm::round(value) } else { value });
    }
    let (mut value, mut prefix) = (value / 1000.0, 0);
    while value.abs() >= 999.5 && prefix + 1 < PREFIXES.len() {
        value /= 1000.0;
        prefix += 1;
    }
    format!("{}\u{a0}{}", significant(value), PREFIXES[prefix])
}

/// A count with its noun: `1 record`, `12 records`.
pub(super) fn counted(value: u64, noun: &str) -> String {
    format!("{}\u{a0}{noun}{}", count(value), plural(value))
}

/// The `s` of a noun, unless there is one.
pub(super) fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// A duration in words: `33 minutes`, `2 hours 5 minutes`, `3 days 4 hours`.
pub(super) fn duration_in_words(seconds: i64) -> String {
    let unit = |number: i64, noun: &str| counted(number.unsigned_abs(), noun);
    let minutes = seconds / 60;
    let (large, small) = match minutes {
        0 => return unit(seconds, "second"),
        1..60 => return unit(minutes, "minute"),
        60..1440 => ((minutes / 60, "hour"), (minutes % 60, "minute")),
        _ => ((minutes / 1440, "day"), (minutes / 60 % 24, "hour")),
    };
    let large = unit(large.0, large.1);
    if small.0 == 0 { large } else { format!("{large} {}", unit(small.0, small.1)) }
}

/// A share in whole percent, in tenths below ten: `62 %`, `0.4 %`.
pub(super) fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let decimals = usize::from(percent > 0.0 && percent < 9.95);
    format!("{percent:.decimals$}\u{a0}%")
}

/// A count with narrow spaces between groups of three digits: `231 237`.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A plain number; very small and very large ones in scientific notation.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(0.001..1e7).contains(&magnitude) {
        return format!("{value:.1e}");
    }
    if magnitude < 0.1 {
        format!("{value:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        significant(value)
    }
}

/// How many times the expected a value is: `×4.9`, or `−89 %` below it.
pub(super) fn factor(observed: f64, expected: f64) -> String {
    if expected <= 0.0 || !expected.is_finite() {
        return "new".to_owned();
    }
    let ratio = observed / expected;
    if ratio >= 1.0 { format!("×{}", significant(ratio)) } else { format!("−{:.0}\u{a0}%", 100.0 * (1.0 - ratio)) }
}

/// How many times the expected a value is, in words: `4.9 times`.
pub(super) fn times(observed: f64, expected: f64) -> String {
    format!("{} times", significant(observed / expected))
}

/// A duration in seconds: `44 min`, `2 h 05 min`, `3 d 4 h`.
pub fn duration(seconds: i64) -> String {
    let minutes = seconds / 60;
    match minutes {
        0 => format!("{seconds}\u{a0}s"),
        1..60 => format!("{minutes}\u{a0}min"),
        60..1440 if minutes % 60 == 0 => format!("{}\u{a0}h", minutes / 60),
        60..1440 => format!("{}\u{a0}h\u{a0}{:02}\u{a0}min", minutes / 60, minutes % 60),
        _ if minutes / 60 % 24 == 0 => format!("{}\u{a0}d", minutes / 1440),
        _ => format!("{}\u{a0}d\u{a0}{}\u{a0}h", minutes / 1440, minutes / 60 % 24),
    }
}

/// `2026-01-12`.
pub(super) fn date(time: i64) -> String {
    rfc3339::format(time).chars().take(10).collect()
}

/// `10:20`.
pub(super) fn clock(time: i64) -> String {
    rfc3339::format(time).chars().skip(11).take(5).collect()
}

/// `2026-01-12 10:20`.
pub(super) fn minute(time: i64) -> String {
    format!("{} {}", date(time), clock(time))
}

/// `2026-01-12 10:20–11:05`, with the second date where it differs.
pub(super) fn span(start: i64, end: i64) -> String {
    let last = if date(start) == date(end) { clock(end) } else { minute(end) };
    format!("{}–{last}", minute(start))
}

/// The name of an IANA protocol number.
pub(super) fn protocol(number: u64) -> String {
    match number {
        1 => "ICMP".to_owned(),
        6 => "TCP".to_owned(),
        17 => "UDP".to_owned(),
        47 => "GRE".to_owned(),
        50 => "ESP".to_owned(),
        58 => "ICMPv6".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_three_digits_and_a_unit() {
        let cases = [(0.0, "0 B"), (999.0, "999 B"), (1000.0, "1 kB"), (61_234_000.0, "61.2 MB"), (1.5e12, "1.5 TB")];
        for (value, text) in cases {
            assert_eq!(bytes(value).replace('\u{a0}', " "), text);
        }
        assert_eq!(bytes(999_960.0).replace('\u{a0}', " "), "1 MB");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(count(1_231_237).replace('\u{202f}', " "), "1 231 237");
        assert_eq!((number(0.0), number(3.456), number(0.000_02)), ("0".into(), "3.46".into(), "2.0e-5".into()));
        assert_eq!((number(0.05), number(1234.5)), ("0.05".into(), "1234".into()));
    }

    #[test]
    fn one_thing_is_no_plural() {
        let plain = |text: String| text.replace(['\u{a0}', '\u{202f}'], " ");
        assert_eq!(
            (plain(counted(1, "record")), plain(counted(2000, "record"))),
            ("1 record".into(), "2 000 records".into())
        );
        for (seconds, words) in [
            (1, "1 second"),
            (60, "1 minute"),
            (33 * 60, "33 minutes"),
            (3600, "1 hour"),
            (7_260, "2 hours 1 minute"),
            (90_000, "1 day 1 hour"),
        ] {
            assert_eq!(plain(duration_in_words(seconds)), words);
        }
        assert_eq!((plain(thousands(1234.4)), plain(thousands(1_234_000.0))), ("1234".into(), "1.23 M".into()));
    }

    #[test]
    fn a_change_is_a_multiple_or_a_loss() {
        assert_eq!(factor(49.0, 10.0), "×4.9");
        assert_eq!(factor(1.1, 10.0).replace('\u{a0}', " "), "−89 %");
        assert_eq!(factor(1.0, 0.0), "new");
    }

    #[test]
    fn times_and_durations_are_in_utc_and_to_the_minute() {
        assert_eq!(span(1_768_213_200, 1_768_215_900), "2026-01-12 10:20–11:05");
        assert_eq!(span(1_768_213_200, 1_768_299_600), "2026-01-12 10:20–2026-01-13 10:20");
        let plain = |seconds| duration(seconds).replace('\u{a0}', " ");
        assert_eq!(
            [plain(30), plain(2640), plain(7200), plain(7500), plain(90_000)],
            ["30 s", "44 min", "2 h", "2 h 05 min", "1 d 1 h"]
        );
    }
}
