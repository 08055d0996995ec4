//! What a user may choose in window mode.

use crate::column::Columns;
use crate::detect;
use crate::text::pattern::fits;
use crate::time::parse_time;

/// The number that is detected on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// Bytes in the window.
    #[default]
    Bytes,
    /// Packets in the window.
    Packets,
    /// Flow records in the window.
    Flows,
    /// Flow records with the action REJECT.
    Rejects,
}

impl Value {
    /// The name in the configuration and in events.
    pub const fn name(self) -> &'static str {
        match self {
            Value::Bytes => "bytes",
            Value::Packets => "packets",
            Value::Flows => "flows",
            Value::Rejects => "rejects",
        }
    }
}

/// Which windows of series are events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Windows {
    /// None.
    #[default]
    None,
    /// All.
    All,
    /// Those that a record touches.
    Traffic,
}

impl Windows {
    /// Whether a window is an event that has a record or not.
    pub(crate) fn tells(self, has_record: bool) -> bool {
        match self {
            Windows::None => false,
            Windows::All => true,
            Windows::Traffic => has_record,
        }
    }
}

/// A time in which traffic isn't expected to be as always: its windows count as unknown, so nothing opens and nothing is
/// learned from them. Totals that such a series belongs to are unknown, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Start, RFC 3339. A window that touches the time counts as inside.
    pub from: String,
    /// End, RFC 3339, after the start.
    pub to: String,
    /// The series: `*` stands for any text, also none. Left out: all series.
    pub series: Option<String>,
}

impl Maintenance {
    /// Start and end in epoch seconds.
    pub(crate) fn times(&self) -> Option<(i64, i64)> {
        let (from, to) = (parse_time(&self.from)?, parse_time(&self.to)?);
        (from < to).then_some((from, to))
    }

    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        self.series.as_ref().is_none_or(|pattern| fits(pattern.as_bytes(), key, u8::eq))
    }
}

/// The settings of window mode.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The fields whose values make up the key of a series, joined by `/`. Default: the network interface. A record
    /// without such a field has `-` in its place.
    pub by: Vec<String>,
    /// Length of a window in seconds, 1 to 86400; windows are aligned to the epoch. 60 is the shortest aggregation interval
    /// of VPC Flow Logs: shorter windows show nothing more.
    pub window: u32,
    /// How far, in seconds of event time, a record may lie behind the newest and still count, 0 to 86400.
    ///
    /// Flow logs come about 5 minutes after the fact, each interface in its own time (Amazon VPC User Guide, "Flow log
    /// records"): what must be waited for is the spread between the fastest and the slowest, some minutes. Twice the
    /// lateness makes alerts that much later; too little loses records, which are counted.
    pub allowed_lateness: u32,
    /// Whether the sum of all series is a series, too: `total`.
    pub total: bool,
    /// Whether keys of several values joined by `/` also make a series for each prefix: `a/b/c` counts in `a/` and `a/b/`.
    /// A `/` within a value joins nothing.
    pub prefix_totals: bool,
    /// The number that is detected on.
    pub value: Value,
    /// Series kept at the same time, 1 to 1000000; beyond, the least recently active goes. A series with a history takes
    /// up to 60 KB (90 KB in windows of 150 s and more), so 10000 of them up to 600 MB.
    pub max_series: u32,
    /// Days without traffic (or NODATA records only) after which a series is forgotten, 1 to 366. The default is above a
    /// week, so that a weekly job keeps its history.
    pub forget_after_days: u32,
    /// Whether each window of each series is an event.
    pub windows: Windows,
    /// Times in which nothing opens, at most 1000.
    pub maintenance: Vec<Maintenance>,
    /// Talkers that an alert names at most, 0 to 100; 0 also saves the time and memory of sampling them.
    pub top_talkers: u32,
    /// Records sampled for each series and window to tell the talkers, 8 to 4096: the sample is exact up to so many
    /// records; a talker with half the traffic is off by 9 % of the window's bytes (one standard error) beyond.
    pub talker_sample: u32,
    /// Short incidents of low or medium severity that are told in a day, of all series together; the most significant come
    /// first. Others are always told.
    pub alerts_per_day: f64,
    /// Whether severe incidents are told before their windows are closed.
    pub provisional: bool,
    /// What alerts: the section `detect` of the configuration.
    pub detect: detect::Settings,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            by: vec!["interface_id".into()],
            window: 60,
            allowed_lateness: 300,
            total: true,
            prefix_totals: false,
            value: Value::Bytes,
            max_series: 10_000,
            forget_after_days: 10,
            windows: Windows::None,
            maintenance: Vec::new(),
            top_talkers: 5,
            talker_sample: 64,
            alerts_per_day: 1.0,
            provisional: false,
            detect: detect::Settings::default(),
        }
    }
}

/// Windows of one series that may wait for late records at the same time: bounds the memory that short windows with a
/// long lateness take.
const MAX_OPEN_WINDOWS: i64 = 1_000;

/// The longest record that counts, in seconds; the aggregation interval is at most 600.
pub(crate) const MAX_SPAN: i64 = 3_600;

impl Settings {
    /// Bytes of memory that may be needed at most.
    pub fn memory(&self) -> u64 {
        self.memory_without_series() + u64::from(self.max_series) * self.series_memory()
    }

    /// Bytes that a series with a history takes at most, its part of a snapshot included while that is made. In windows of some
    /// minutes its detector keeps shapes, too: 83 KB were measured.
    pub fn series_memory(&self) -> u64 {
        if detect::is_coarse(f64::from(self.window)) { 90_000 } else { 60_000 }
    }

    /// Of these, what does not depend on the number of series: payloads being decoded, and what a call gives.
    pub fn memory_without_series(&self) -> u64 {
        256 << 20
    }

    /// Checks the ranges: an error is the path of the setting, and what is allowed.
    pub fn check(&self) -> Result<(), (String, String)> {
        let ranges = [
            ("window", self.window, 1, 86_400),
            ("allowed_lateness", self.allowed_lateness, 0, 86_400),
            ("max_series", self.max_series, 1, 1_000_000),
            ("forget_after_days", self.forget_after_days, 1, 366),
            ("top_talkers", self.top_talkers, 0, 100),
            ("talker_sample", self.talker_sample, 8, 4096),
        ];
        for (name, value, least, most) in ranges {
            if !(least..=most).contains(&value) {
                return Err((name.into(), format!("a whole number from {least} to {most}")));
            }
        }
        if !(1..=8).contains(&self.by.len()) {
            return Err(("by".into(), "a list of 1 to 8 field names".into()));
        }
        if let Err(error) = Columns::new(&self.by) {
            return Err((format!("by[{}]", error.index), format!("a field name ({})", error.reason)));
        }
        let longest = (MAX_OPEN_WINDOWS * i64::from(self.window) - 600).max(0);
        if i64::from(self.allowed_lateness) > longest {
            return Err((
                "allowed_lateness".into(),
                format!("at most {longest} with a window of {} seconds", self.window),
            ));
        }
        if self.maintenance.len() > 1000 {
            return Err(("maintenance".into(), "at most 1000 entries".into()));
        }
        for (index, entry) in self.maintenance.iter().enumerate() {
            for (name, text) in [("from", &entry.from), ("to", &entry.to)] {
                if parse_time(text).is_none() {
                    return Err((
                        format!("maintenance[{index}].{name}"),
                        "an RFC 3339 timestamp such as 2026-01-31T12:00:00Z".into(),
                    ));
                }
            }
            if entry.times().is_none() {
                return Err((format!("maintenance[{index}].to"), "a time after `from`".into()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_allowed_and_errors_name_the_setting() {
        assert_eq!(Settings::default().check(), Ok(()));
        let path = |settings: Settings| settings.check().unwrap_err().0;
        assert_eq!(path(Settings { window: 0, ..Settings::default() }), "window");
        assert_eq!(path(Settings { window: 1, allowed_lateness: 3600, ..Settings::default() }), "allowed_lateness");
        let entry = |from: &str, to: &str| Maintenance { from: from.into(), to: to.into(), series: None };
        let with = |entry| Settings { maintenance: vec![entry], ..Settings::default() };
        assert_eq!(path(with(entry("soon", "2026-01-01T00:00:00Z"))), "maintenance[0].from");
        assert_eq!(path(with(entry("2026-01-01T00:00:00Z", "2025-01-01T00:00:00Z"))), "maintenance[0].to");
    }
}
