//! Window mode: the words and lists of its settings.

use super::setting::{Items, Slot, choices, optional, text};
use crate::series::{Maintenance, Value, Windows};
use crate::time::parse_time;

choices!(Windows { None = "false", All = "true", Traffic = "traffic" });

choices!(Value { Bytes = "bytes", Packets = "packets", Flows = "flows", Rejects = "rejects" });

const TIME: &str = "an RFC 3339 timestamp such as 2026-01-31T12:00:00Z";

fn is_time(text: &str) -> bool {
    parse_time(text).is_some()
}

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
