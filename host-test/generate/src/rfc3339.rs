//! Points of time as RFC 3339 text in UTC with milliseconds, the form of all events and labels.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Epoch seconds as `2026-01-12T08:30:00.000Z`. What lies outside the years -9999 to 9999 becomes their first or last second.
pub fn format(seconds: i64) -> String {
    let time = Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX });
    format!("{time:.3}")
}

/// Epoch seconds of an RFC 3339 time with `Z` or a numeric offset. A fraction is cut, towards the past.
pub fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(|time| time.as_millisecond().div_euclid(1000))
}

/// Writes epoch seconds as text; for `#[serde(with = "rfc3339")]`.
pub(crate) fn serialize<S: Serializer>(seconds: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*seconds))
}

/// Reads text as epoch seconds; for `#[serde(with = "rfc3339")]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text)
        .ok_or_else(|| D::Error::custom(format!("{text:?} is no RFC 3339 time, such as 2026-01-12T08:30:00.000Z")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_come_out_right() {
        assert_eq!(format(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(951_782_400), "2000-02-29T00:00:00.000Z");
        assert_eq!(format(-1), "1969-12-31T23:59:59.000Z");
    }

    #[test]
    fn times_of_any_size_come_out_as_text() {
        assert!(format(i64::MAX).starts_with("9999-"));
        assert!(format(i64::MIN).starts_with("-009999-"));
    }

    #[test]
    fn offsets_and_fractions_are_understood() {
        assert_eq!(parse("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse("1969-12-31T19:30:00.5-04:30"), Some(0));
        assert_eq!(parse("1969-12-31 23:59:59.999Z"), Some(-1));
    }

    #[test]
    fn other_text_is_refused() {
        for text in ["", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z", "x970-01-01T00:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
