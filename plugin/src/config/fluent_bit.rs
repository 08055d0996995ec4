//! The Fluent Bit filter's own options. The component has no use for them: it neither sees Fluent Bit's records nor has a
//! file to keep its state in.

use super::setting::choices;

/// What comes out of the Fluent Bit filter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// Every record, with `flowscore` added. The default.
    #[default]
    Records,
    /// Only records that have an alert or a failure to tell.
    Events,
}

choices!(Output { Records = "records", Events = "events" });

/// How the Fluent Bit filter takes records in, what it lets out, and where it keeps its state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluentBit {
    /// What comes out.
    pub mode: Output,
    /// Members that may hold the payload; the first one that a record has as text is taken.
    pub fields: Vec<String>,
    /// File of the snapshot; none: no state is kept.
    pub snapshot: Option<String>,
    /// Records from one snapshot to the next.
    pub snapshot_records: u64,
    /// Seconds of event time from one snapshot to the next.
    pub snapshot_seconds: u32,
    /// Tag of records that only tell the time; none: no record does.
    pub tick_tag: Option<String>,
}

impl Default for FluentBit {
    fn default() -> Self {
        FluentBit {
            mode: Output::default(),
            fields: ["log", "message", "data", "exec"].map(str::to_owned).into(),
            snapshot: Some("flowscore.snapshot".into()),
            snapshot_records: 100_000,
            snapshot_seconds: 300,
            tick_tag: Some("flowscore.tick".into()),
        }
    }
}
