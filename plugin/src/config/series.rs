//! Window mode: the words and the list among its settings.

use super::setting::{Items, Slot, choices, optional, text};
use crate::series::{Maintenance, Value};

choices!(Value { Bytes = "bytes", Packets = "packets", Flows = "flows", Rejects = "rejects" });

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
