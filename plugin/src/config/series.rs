//! Window mode: which series there are, and how their windows are cut.

use super::setting::{Items, Slot, choices, optional, text};

/// The settings of window mode. Ranges and meanings: [`table`](super::table).
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Fields whose values name a series.
    pub by: Vec<String>,
    /// Length of a window in seconds.
    pub window: u32,
    /// How far, in seconds of event time, a record may lie behind the newest and still count.
    ///
    /// Flow logs come about 5 minutes after the fact, each interface in its own time (Amazon VPC User Guide, "Flow log
    /// records"): what must be waited for is the spread between the fastest and the slowest, some minutes.
    pub allowed_lateness: u32,
    /// Whether the sum of all series is a series, too.
    pub total: bool,
    /// Whether each prefix of a key of several values is a series, too.
    pub prefix_totals: bool,
    /// The number that is detected on.
    pub value: Measure,
    /// Series kept at the same time.
    pub max_series: u32,
    /// Days without traffic after which a series is forgotten. The default is above a week, so that a weekly job keeps
    /// its history.
    pub forget_after_days: u32,
    /// Whether each window of each series is an event.
    pub windows: bool,
    /// Times in which nothing opens.
    pub maintenance: Vec<Maintenance>,
    /// Talkers that an alert names at most.
    pub top_talkers: u32,
    /// Records sampled for each series and window to tell the talkers.
    pub talker_sample: u32,
}

impl Default for Series {
    fn default() -> Self {
        Series {
            by: vec!["interface_id".into()],
            window: 60,
            allowed_lateness: 300,
            total: true,
            prefix_totals: false,
            value: Measure::Bytes,
            max_series: 10_000,
            forget_after_days: 10,
            windows: false,
            maintenance: Vec::new(),
            top_talkers: 5,
            talker_sample: 64,
        }
    }
}

/// The number that is detected on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
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

choices!(Measure { Bytes = "bytes", Packets = "packets", Flows = "flows", Rejects = "rejects" });

/// A time in which traffic isn't expected to be as always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Maintenance {
    /// Start, RFC 3339.
    pub from: String,
    /// End, RFC 3339, after the start.
    pub to: String,
    /// The series; none: all.
    pub series: Option<String>,
}

const TIME: &str = "an RFC 3339 timestamp such as 2026-01-31T12:00:00Z";

impl Items for Vec<Maintenance> {
    fn members(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("from", "Start, RFC 3339. A window that touches the time counts as inside."),
            ("to", "End, RFC 3339, after the start."),
            ("series", "The series: `*` stands for any text, also none. Left out: all series."),
        ]
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn resize(&mut self, count: usize) {
        self.resize(count, Maintenance::default());
    }

    fn slot(&mut self, index: usize, name: &str) -> Option<Slot<'_>> {
        let item = self.get_mut(index)?;
        Some(match name {
            "from" => text(&mut item.from, is_time, TIME),
            "to" => text(&mut item.to, is_time, TIME),
            "series" => optional(&mut item.series),
            _ => return None,
        })
    }
}

/// Whether a text has the shape of an RFC 3339 timestamp.
fn is_time(text: &str) -> bool {
    let shape = b"dddd-dd-ddtdd:dd:dd";
    let bytes = text.as_bytes();
    let fits = |(shape, byte): (&u8, &u8)| match shape {
        b'd' => byte.is_ascii_digit(),
        b't' => matches!(byte, b'T' | b't' | b' '),
        _ => shape == byte,
    };
    let is_zone = |zone: &[u8]| {
        matches!(zone, [b'Z' | b'z'])
            || matches!(zone, [b'+' | b'-', a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()))
    };
    let Some(mut rest) = bytes.get(shape.len()..) else { return false };
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = &fraction[fraction.iter().take_while(|byte| byte.is_ascii_digit()).count()..];
    }
    shape.iter().zip(bytes).all(fits) && is_zone(rest)
}
