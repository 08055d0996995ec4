//! What to imitate: the network, the time, the events and how payloads are delivered.

use super::log_format::LogFormat;
use super::network::Network;
use super::totals::MinuteTotals;
use super::traffic::Traffic;
use super::wrapping::Wrapping;
use core::fmt;

/// Monday, 2026-01-12T00:00:00Z: a stream that begins on a Monday ends with its weekend.
const MONDAY: i64 = 1_768_176_000;
const HOUR: u32 = 3600;
const DAY: u32 = 24 * HOUR;

/// A network and a time to imitate. The same scenario gives the same payloads, labels and totals.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Seed of all random numbers.
    pub seed: u64,
    /// First epoch second; a multiple of `interval`.
    pub start: i64,
    /// Length in seconds; rounded down to whole intervals.
    pub duration: u32,
    /// Number of network interfaces, 1 to 10 000.
    pub interfaces: u32,
    /// Aggregation interval in seconds: 60 or 600, as AWS offers.
    pub interval: u32,
    /// Seconds at the start without events, for a detector to learn in.
    pub warm_up: u32,
    /// Flow records of an average interface in a minute, 1 to 10 000. With 600-second intervals a record covers more:
    /// the number for an interval grows with the square root of its length.
    pub records_per_minute: f64,
    /// Hours that local time is ahead of UTC; decides when it is day.
    pub utc_offset: i8,
    /// How many events of each kind to inject, as far as there is room for them.
    pub events: EventCounts,
    /// How payloads arrive.
    pub delivery: Delivery,
    /// Share of the records that reach into the next interval, 0 to 1.
    pub spanning_share: f64,
    /// Whether each interface's intervals lag behind the full minute by up to 59 s, as they do in AWS. Nearly every
    /// record then spans two windows of the clock.
    pub unaligned: bool,
    /// Share of the intervals in which AWS skips half of the records (SKIPDATA), 0 to 1.
    pub skip_data_share: f64,
    /// Seconds between two control messages of the subscription; 0 for none.
    pub control_message_every: u32,
    /// Fields of a line.
    pub format: LogFormat,
    /// What is around the lines.
    pub wrapping: Wrapping,
}

/// How many events of each kind to inject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCounts {
    /// ×3 to ×50 for 5 to 60 minutes.
    pub spikes: u32,
    /// To 3–30 % for 5 to 60 minutes.
    pub drops: u32,
    /// To nothing (NODATA) for 5 to 60 minutes.
    pub outages: u32,
    /// No records for 10 to 60 minutes.
    pub vanishes: u32,
    /// Up to ×2.5 and back over 5 hours or more; no alert expected.
    pub ramps: u32,
    /// Interfaces with an additional smooth peak at the same time each day; each occurrence after the warm-up is a
    /// label.
    pub daily_peaks: u32,
    /// Batch interfaces that begin to run a job of 40 to 60 minutes each night (×12 to ×20, its start wanders by some
    /// minutes). Each run is a label: the first calls for an alert, those after it for none.
    pub nightly_jobs: u32,
    /// To ×2.5–4 or to 25–35 %, for good.
    pub level_shifts: u32,
    /// Nothing from any interface for 10 to 20 minutes.
    pub source_silences: u32,
}

/// How payloads arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delivery {
    /// Shortest and longest time in seconds from the end of an interval to the delivery of its payload.
    pub delay: (u32, u32),
    /// Share of the records that come late, in a payload of their own, 0 to 1.
    pub late_share: f64,
    /// Shortest and longest additional delay of late records, seconds.
    pub late_by: (u32, u32),
}

impl Default for Delivery {
    fn default() -> Self {
        Self { delay: (20, 140), late_share: 0.0005, late_by: (600, 1800) }
    }
}

impl Scenario {
    /// A Monday of 12 interfaces with 13 events, about 230 000 records.
    pub fn day(seed: u64) -> Self {
        Self {
            seed,
            start: MONDAY,
            duration: DAY,
            interfaces: 12,
            interval: 60,
            warm_up: 2 * HOUR,
            records_per_minute: 14.0,
            utc_offset: 1,
            events: EventCounts {
                spikes: 3,
                drops: 2,
                outages: 2,
                vanishes: 1,
                ramps: 1,
                daily_peaks: 1,
                nightly_jobs: 1,
                level_shifts: 1,
                source_silences: 1,
            },
            delivery: Delivery::default(),
            spanning_share: 0.01,
            unaligned: false,
            skip_data_share: 0.0002,
            control_message_every: HOUR,
            format: LogFormat::default(),
            wrapping: Wrapping::default(),
        }
    }

    /// A week of 40 interfaces with about 23 events, about 5.5 million records.
    pub fn week(seed: u64) -> Self {
        Self {
            duration: 7 * DAY,
            interfaces: 40,
            warm_up: DAY,
            events: EventCounts {
                spikes: 6,
                drops: 4,
                outages: 3,
                vanishes: 2,
                ramps: 2,
                daily_peaks: 1,
                nightly_jobs: 3,
                level_shifts: 2,
                source_silences: 1,
            },
            ..Self::day(seed)
        }
    }

    /// The payloads, in order of delivery.
    ///
    /// # Errors
    ///
    /// If a field is out of its range.
    pub fn traffic(&self) -> Result<Traffic, InvalidScenario> {
        Ok(Traffic::new(self, self.network()?))
    }

    /// What the lines of each interface add up to in each minute, in order of time.
    ///
    /// # Errors
    ///
    /// If a field is out of its range.
    pub fn totals(&self) -> Result<MinuteTotals, InvalidScenario> {
        Ok(MinuteTotals::new(self, self.network()?))
    }

    fn network(&self) -> Result<Network, InvalidScenario> {
        self.validate()?;
        Ok(Network::new(self))
    }

    /// First epoch second after the stream.
    pub(super) fn end(&self) -> i64 {
        self.start + i64::from(self.duration / self.interval * self.interval)
    }

    fn validate(&self) -> Result<(), InvalidScenario> {
        let share = |value: f64| (0.0..=1.0).contains(&value);
        let ordered = |(shortest, longest): (u32, u32)| shortest <= longest && longest <= DAY;
        let checks = [
            ("interval", self.interval.to_string(), "60 or 600", [60, 600].contains(&self.interval)),
            (
                "start",
                self.start.to_string(),
                "a multiple of the interval from 0 to 10^11",
                (0..=100_000_000_000).contains(&self.start) && self.start % i64::from(self.interval.max(1)) == 0,
            ),
            ("duration", self.duration.to_string(), "at least one interval", self.duration >= self.interval),
            ("interfaces", self.interfaces.to_string(), "1 to 10000", (1..=10_000).contains(&self.interfaces)),
            (
                "records_per_minute",
                self.records_per_minute.to_string(),
                "1 to 10000",
                (1.0..=10_000.0).contains(&self.records_per_minute),
            ),
            ("utc_offset", self.utc_offset.to_string(), "-12 to 14", (-12..=14).contains(&self.utc_offset)),
            ("spanning_share", self.spanning_share.to_string(), "0 to 1", share(self.spanning_share)),
            ("skip_data_share", self.skip_data_share.to_string(), "0 to 1", share(self.skip_data_share)),
            ("delivery.late_share", self.delivery.late_share.to_string(), "0 to 1", share(self.delivery.late_share)),
            (
                "delivery.delay",
                format!("{:?}", self.delivery.delay),
                "shortest, longest up to 86400",
                ordered(self.delivery.delay),
            ),
            (
                "delivery.late_by",
                format!("{:?}", self.delivery.late_by),
                "shortest, longest up to 86400",
                ordered(self.delivery.late_by),
            ),
        ];
        for (field, value, allowed, valid) in checks {
            if !valid {
                return Err(InvalidScenario { field, value, allowed });
            }
        }
        Ok(())
    }
}

/// A field of a scenario is out of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidScenario {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is allowed.
    pub allowed: &'static str,
}

impl fmt::Display for InvalidScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "scenario: {} is {}, allowed: {}", self.field, self.value, self.allowed)
    }
}

impl core::error::Error for InvalidScenario {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_out_of_range_is_named_with_its_value_and_what_is_allowed() {
        let wrong = [
            (Scenario { interval: 30, ..Scenario::day(1) }, "scenario: interval is 30, allowed: 60 or 600"),
            (Scenario { interval: 0, ..Scenario::day(1) }, "scenario: interval is 0, allowed: 60 or 600"),
            (Scenario { interfaces: 0, ..Scenario::day(1) }, "scenario: interfaces is 0, allowed: 1 to 10000"),
            (
                Scenario { records_per_minute: f64::NAN, ..Scenario::day(1) },
                "scenario: records_per_minute is NaN, allowed: 1 to 10000",
            ),
            (
                Scenario { delivery: Delivery { delay: (9, 3), ..Delivery::default() }, ..Scenario::day(1) },
                "scenario: delivery.delay is (9, 3), allowed: shortest, longest up to 86400",
            ),
        ];
        for (scenario, message) in wrong {
            assert_eq!(scenario.traffic().err().map(|error| error.to_string()).as_deref(), Some(message));
        }
    }
}
