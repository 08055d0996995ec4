//! Points of time as RFC 3339 text in UTC with milliseconds, the form of all events and labels.
//!
//! Calendar arithmetic: H. Hinnant, "chrono-compatible low-level date algorithms" (proleptic Gregorian, no leap
//! seconds).

use serde::{Deserialize, Deserializer, Serializer, de::Error};

const DAY: i64 = 86_400;

/// Year, month and day of a number of days since 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The number of days since 1970-01-01 of a date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Epoch milliseconds as `2026-01-12T08:30:00.000Z`.
pub(crate) fn format_milliseconds(milliseconds: i64) -> String {
    let (seconds, fraction) = (milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000));
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

/// Epoch seconds as `2026-01-12T08:30:00.000Z`.
pub(crate) fn format(seconds: i64) -> String {
    format_milliseconds(seconds.saturating_mul(1000))
}

/// Epoch milliseconds of an RFC 3339 time stamp with `Z` or a numeric offset; digits after the third of a fraction
/// are cut.
pub(crate) fn parse_milliseconds(text: &str) -> Option<i64> {
    let number = |range: core::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
    };
    let separator = |at: usize, allowed: &[u8]| text.as_bytes().get(at).is_some_and(|b| allowed.contains(b));
    let shape = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
    if !shape.iter().all(|(at, allowed)| separator(*at, allowed.as_bytes())) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let in_range = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    if !in_range {
        return None;
    }
    let rest = text.get(19..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        None => (0, rest),
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let thousandths = rest.bytes().take(digits).chain([b'0'; 3]).take(3);
            let value = thousandths.fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
            (value, rest.get(digits..)?)
        }
    };
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let at = text.len() - zone.len();
            let minutes = number(at + 1..at + 3)? * 60 + number(at + 4..at + 6)?;
            if *sign == b'+' { minutes } else { -minutes }
        }
        _ => return None,
    };
    let seconds = days_from_civil(year, month, day) * DAY + hour * 3600 + (minute - offset) * 60 + second;
    Some(seconds * 1000 + fraction)
}

/// Writes epoch seconds as text; for `#[serde(with = "rfc3339")]`.
pub(crate) fn serialize<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*seconds))
}

/// Reads text as epoch seconds; for `#[serde(with = "rfc3339")]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_milliseconds(&text)
        .map(|milliseconds| milliseconds.div_euclid(1000))
        .ok_or_else(|| D::Error::custom(format!("{text:?} is no RFC 3339 time, such as 2026-01-12T08:30:00.000Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_come_out_right() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(format_milliseconds(1_768_176_000_123), "2026-01-12T00:00:00.123Z");
        assert_eq!(format_milliseconds(-1), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_is_written_can_be_read() {
        for seconds in (0..5_000_000_000).step_by(86_399 * 37) {
            assert_eq!(parse_milliseconds(&format(seconds)), Some(seconds * 1000));
        }
    }

    #[test]
    fn offsets_and_fractions_are_understood() {
        assert_eq!(parse_milliseconds("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse_milliseconds("1969-12-31T19:30:00.5-04:30"), Some(500));
        assert_eq!(parse_milliseconds("1970-01-01 00:00:00.123456Z"), Some(123));
    }

    #[test]
    fn other_text_is_refused() {
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-13-01T00:00:00Z",
            "x970-01-01T00:00:00Z",
            "ünïcödé–––––––––",
        ] {
            assert_eq!(parse_milliseconds(text), None, "{text}");
        }
    }
}
