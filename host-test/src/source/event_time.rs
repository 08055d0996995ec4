//! The event time that the name of a file or object tells.
//!
//! | name | time |
//! |---|---|
//! | `…_vpcflowlogs_us-east-1_fl-1234abcd_20260131T1620Z_fe123456.log.gz` | five minutes from 16:20 on: AWS puts the records that end in them there |
//! | `…/aws-region=us-east-1/year=2026/month=01/day=31/hour=16/…` | the hour; without `hour=` the day |
//! | `…/vpcflowlogs/us-east-1/2026/01/31/16/…` | the hour; without the hour the day |
//! | `…/flows-1-2026-01-31-16-20-07-c0ffee…` | from that second on: an object of Firehose |
//!
//! The most precise of them counts.

use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

/// Milliseconds since the Unix epoch, from the first on, up to the last without it.
pub type Time = Range<i64>;

/// The time that the path of a file or the key of an object tells; none if it tells none.
pub fn of(path: &str) -> Option<Time> {
    let (folders, file) = path.rsplit_once(['/', '\\']).unwrap_or(("", path));
    stamp(file).or_else(|| firehose(file)).or_else(|| of_folder(folders))
}

/// The time that the folders of a path tell, down to the last: what is below them belongs to it.
pub fn of_folder(path: &str) -> Option<Time> {
    let folders = || path.split(['/', '\\']);
    hive(folders()).or_else(|| dated(&folders().collect::<Vec<_>>()))
}

/// `_20260131T1620Z_` or, at the end, `_20260131T1620Z.`
fn stamp(file: &str) -> Option<Time> {
    file.split(['_', '.']).find_map(|part| {
        let part = part.strip_suffix('Z')?;
        let (date, time) = part.split_once('T')?;
        let (date, time) = (digits(date, 8)?, digits(time, 4)?);
        range([date / 10_000, date / 100 % 100, date % 100, time / 100, time % 100, 0], 5.minutes())
    })
}

/// `NAME-2026-01-31-16-20-07-…`
fn firehose(file: &str) -> Option<Time> {
    let parts: Vec<&str> = file.split('-').collect();
    parts.windows(6).find_map(|parts| {
        let mut numbers = [digits(parts[0], 4)?, 0, 0, 0, 0, 0];
        for (number, part) in numbers.iter_mut().zip(parts).skip(1) {
            *number = digits(part, 2)?;
        }
        // Firehose buffers for 15 minutes at most.
        range(numbers, 15.minutes())
    })
}

/// `year=2026/month=01/day=31/hour=16`
fn hive<'a>(folders: impl Iterator<Item = &'a str>) -> Option<Time> {
    let mut values = [None; 4];
    for folder in folders {
        let Some((name, value)) = folder.split_once('=') else { continue };
        let Some(at) = ["year", "month", "day", "hour"].iter().position(|known| name.eq_ignore_ascii_case(known))
        else {
            continue;
        };
        values[at] = Some(value.parse().ok().filter(|_| value.bytes().all(|byte| byte.is_ascii_digit()))?);
    }
    folder_range(values)
}

/// `2026/01/31/16`, wherever it stands.
fn dated(folders: &[&str]) -> Option<Time> {
    (0..folders.len()).rev().find_map(|at| {
        let year = digits(folders[at], 4).filter(|year| (1970..=9999).contains(year))?;
        let next = |by: usize| folders.get(at + by).and_then(|folder| digits(folder, 2));
        let month = next(1);
        let day = month.and_then(|_| next(2));
        let hour = day.and_then(|_| next(3));
        folder_range([Some(year), month, day, hour])
    })
}

/// The time of year, month, day and hour as far as they are known.
fn folder_range(values: [Option<i32>; 4]) -> Option<Time> {
    match values {
        [Some(year), Some(month), Some(day), Some(hour)] => range([year, month, day, hour, 0, 0], 1.hour()),
        [Some(year), Some(month), Some(day), None] => range([year, month, day, 0, 0, 0], 1.day()),
        [Some(year), Some(month), None, None] => range([year, month, 1, 0, 0, 0], 1.month()),
        [Some(year), None, None, None] => range([year, 1, 1, 0, 0, 0], 1.year()),
        _ => None,
    }
}

fn digits(text: &str, count: usize) -> Option<i32> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The time from a date and time of day on, in UTC.
fn range([year, month, day, hour, minute, second]: [i32; 6], long: Span) -> Option<Time> {
    let small = |number: i32| i8::try_from(number).ok();
    let year = i16::try_from(year).ok()?;
    let (month, day, hour, minute) = (small(month)?, small(day)?, small(hour)?, small(minute)?);
    let begin = DateTime::new(year, month, day, hour, minute, small(second)?, 0).ok()?;
    let milliseconds = |time: DateTime| Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_millisecond());
    Some(milliseconds(begin)?..milliseconds(begin.checked_add(long).ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_their_time() {
        for (name, expected) in [
            (
                "AWSLogs/1/vpcflowlogs/us-east-1/2026/01/31/1_vpcflowlogs_us-east-1_fl-1_20260131T1620Z_fe12.log.gz",
                "2026-01-31T16:20:00Z/2026-01-31T16:25:00Z",
            ),
            (
                "AWSLogs/aws-account-id=1/aws-service=vpcflowlogs/aws-region=eu-west-1/year=2026/month=01/day=31/hour=16/x.parquet",
                "2026-01-31T16:00:00Z/2026-01-31T17:00:00Z",
            ),
            ("year=2026/month=1/day=5/x", "2026-01-05T00:00:00Z/2026-01-06T00:00:00Z"),
            ("flows\\2026\\02\\28\\23\\x.gz", "2026-02-28T23:00:00Z/2026-03-01T00:00:00Z"),
            ("AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/12/x", "2026-12-01T00:00:00Z/2027-01-01T00:00:00Z"),
            ("in/2026/01/31/16/flows-1-2026-01-31-16-20-07-0a1b-2c3d", "2026-01-31T16:20:07Z/2026-01-31T16:35:07Z"),
            ("exportedlogs/0a1b/eni-1/000000.gz", ""),
            ("2026/13/01/x", ""),
            ("year=two/month=01/x", ""),
            ("", ""),
        ] {
            let told = of(name).map(|time| {
                let text = |time| jiff::Timestamp::from_millisecond(time).unwrap().to_string();
                format!("{}/{}", text(time.start), text(time.end))
            });
            assert_eq!(told.unwrap_or_default(), expected, "{name}");
        }
    }
}
