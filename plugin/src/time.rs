//! The calendar: RFC 3339 timestamps, UTC with milliseconds out, any offset in.

use crate::json::Writer;

/// 9999-12-31T23:59:59Z in Unix seconds, the last second that RFC 3339 can write. It also catches milliseconds.
pub(crate) const LAST_SECOND: i64 = 253_402_300_799;

/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;

/// Appends `seconds` since the epoch as `2026-01-31T12:00:00.000Z`. Times outside 1970…9999 are clamped.
pub(crate) fn write_time(seconds: i64, out: &mut Vec<u8>) {
    let seconds = seconds.clamp(0, LAST_SECOND);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let mut digits = |value: i64, width: u32| {
        for place in (0..width).rev() {
            out.push(b'0' + (value / 10i64.pow(place) % 10) as u8);
        }
    };
    digits(year, 4);
    for (separator, value) in
        [(b'-', month), (b'-', day), (b'T', second / 3600), (b':', second / 60 % 60), (b':', second % 60)]
    {
        out.push(separator);
        out.push(b'0' + (value / 10) as u8);
        out.push(b'0' + (value % 10) as u8);
    }
    out.extend_from_slice(b".000Z");
}

impl Writer<'_> {
    /// A time as [`write_time`] writes it.
    pub(crate) fn time(&mut self, seconds: i64) {
        self.quoted(|out| write_time(seconds, out));
    }
}

/// Year, month and day of a day since the epoch (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn date(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since the epoch of a date (the same source).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Seconds since the epoch of an RFC 3339 timestamp such as `2026-01-31T12:00:00Z` or `…+01:00`; a fraction is cut off.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    parse(text.as_bytes()).map(|(seconds, _)| seconds)
}

/// The same in milliseconds.
pub(crate) fn parse_time_ms(text: &[u8]) -> Option<i64> {
    parse(text).map(|(seconds, milliseconds)| seconds * 1000 + milliseconds)
}

/// Seconds since the epoch of a time as exports write it: RFC 3339, also with a space, a comma before the fraction, an
/// offset without colon or minutes, or none at all, which is UTC (`2024-08-13 09:54:31.000`).
pub(crate) fn parse_loose(text: &str) -> Option<i64> {
    let text = text.trim_ascii();
    let text = text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" GMT")).unwrap_or(text).as_bytes();
    if text.len() > 40 || text.get(4) != Some(&b'-') {
        return None;
    }
    let mut written = [b'0'; 48];
    written.get_mut(..text.len())?.copy_from_slice(text);
    if let Some(comma) = written.get_mut(19).filter(|byte| **byte == b',') {
        *comma = b'.';
    }
    // The offset as RFC 3339 has it.
    let sign = (19..text.len()).find(|&at| matches!(text[at], b'+' | b'-' | b'Z' | b'z'));
    let mut length = text.len();
    match sign.map(|at| (at, text.len() - at)) {
        None => {
            *written.get_mut(length)? = b'Z';
            length += 1;
        }
        Some((at, 3 | 5)) => {
            let minutes = [written[at + 3], written[at + 4]];
            written.get_mut(at + 3..at + 6)?.copy_from_slice(&[b':', minutes[0], minutes[1]]);
            length = at + 6;
        }
        Some(_) => {}
    }
    parse(written.get(..length)?).map(|(seconds, _)| seconds)
}

/// Unix seconds of a number that may also count milliseconds, microseconds or nanoseconds: seconds reach 10^11 in the year
/// 5138, milliseconds 10^14 in 5138, and so on.
pub(crate) fn in_seconds(time: f64) -> i64 {
    let units = [(1e11, 1.0), (1e14, 1e3), (1e17, 1e6)];
    let unit = units.iter().find(|(end, _)| time.abs() < *end).map_or(1e9, |(_, unit)| *unit);
    (time / unit) as i64
}

/// Seconds since the epoch, and the first three digits of the fraction.
fn parse(bytes: &[u8]) -> Option<(i64, i64)> {
    let number = |from: usize, width: usize| {
        let digits = bytes.get(from..from + width)?;
        digits.iter().try_fold(0i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
    };
    let mark = |at: usize, marks: &[u8]| bytes.get(at).is_some_and(|byte| marks.contains(byte));
    let marked = mark(4, b"-") && mark(7, b"-") && mark(10, b"Tt ") && mark(13, b":") && mark(16, b":");
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let day_number = days(year, month, day);
    if !marked || (year, month, day) != date(day_number) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (mut at, mut milliseconds) = (19, 0);
    if mark(at, b".") {
        at += 1;
        let from = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == from {
            return None;
        }
        milliseconds = (from..from + 3).fold(0, |value, place| {
            let digit = if place < at { bytes.get(place).map_or(0, |byte| i64::from(byte - b'0')) } else { 0 };
            value * 10 + digit
        });
    }
    let offset = match *bytes.get(at)? {
        b'Z' | b'z' if bytes.len() == at + 1 => 0,
        sign @ (b'+' | b'-') if bytes.len() == at + 6 && mark(at + 3, b":") => {
            let (hours, minutes) = (number(at + 1, 2)?, number(at + 4, 2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 3600 + minutes * 60) * if sign == b'-' { -1 } else { 1 }
        }
        _ => return None,
    };
    Some((day_number * 86_400 + hour * 3600 + minute * 60 + second - offset, milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(seconds: i64) -> String {
        let mut out = Vec::new();
        write_time(seconds, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn known_instants_are_written() {
        // Values of `date -u -d @…`.
        assert_eq!(written(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(written(951_827_696), "2000-02-29T12:34:56.000Z");
        assert_eq!(written(1_418_530_010), "2014-12-14T04:06:50.000Z");
        assert_eq!(written(LAST_SECOND), "9999-12-31T23:59:59.000Z");
        assert_eq!(written(i64::MAX), "9999-12-31T23:59:59.000Z");
        assert_eq!(written(-5), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for i in 0..5_000 {
            let seconds = i * 50_680_001 % (LAST_SECOND + 1);
            assert_eq!(parse_time(&written(seconds)), Some(seconds));
        }
    }

    #[test]
    fn times_of_exports_are_read() {
        for text in [
            "2024-08-13T09:54:31Z",
            "2024-08-13 09:54:31.000",
            "2024-08-13 09:54:31,25",
            "2024-08-13T11:54:31+02:00",
            "2024-08-13T11:54:31.5+0200",
            "2024-08-13 07:54:31-02",
            "2024-08-13 09:54:31 UTC",
            " 2024-08-13T09:54:31.123456789 ",
        ] {
            assert_eq!(parse_loose(text), Some(1_723_542_871), "{text}");
        }
        for text in
            ["", "2024-08-13", "2024-13-13T09:54:31Z", "2024-08-13T09:54:31+", "1723542871", "2024-08-13T09:54:31 x"]
        {
            assert_eq!(parse_loose(text), None, "{text}");
        }
        for time in [1_723_542_871.0, 1_723_542_871_000.0, 1_723_542_871_000_000.0, 1_723_542_871_000_000_000.0] {
            assert_eq!(in_seconds(time), 1_723_542_871);
        }
    }

    #[test]
    fn offsets_and_fractions_are_read_and_nonsense_is_not() {
        assert_eq!(parse_time("1970-01-01T01:00:00+01:00"), Some(0));
        assert_eq!(parse_time("1969-12-31T19:00:00.25-05:00"), Some(0));
        assert_eq!(parse_time_ms(b"2012-04-23T18:25:43.511Z"), Some(1_335_205_543_511));
        assert_eq!(parse_time_ms(b"1969-12-31T19:00:00.2599-05:00"), Some(259));
        assert_eq!(parse_time_ms(b"1969-12-31T19:00:00.2-05:00"), Some(200));
        for text in [
            "",
            "1970-01-01",
            "1970-02-30T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00Zx",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }
}
