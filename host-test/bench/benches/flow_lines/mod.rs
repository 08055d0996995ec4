//! Flow log lines to measure with.

use flowscore_generate::{Scenario, Wrapping};

/// Lines of so many hours of the usual day.
pub(crate) fn flow_lines(hours: u32) -> impl Iterator<Item = String> {
    let scenario = Scenario {
        duration: hours * 3600,
        records_per_minute: 200.0,
        control_message_every: 0,
        wrapping: Wrapping::Lines,
        ..Scenario::day(7)
    };
    scenario.traffic().unwrap().flat_map(|payload| {
        let text = String::from_utf8(payload.data).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    })
}
