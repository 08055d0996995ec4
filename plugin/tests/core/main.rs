//! The plugin's core, read as a specification. One program, since linking one takes as long as many tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers, too"
)]

mod bindings;
mod decode;
mod decoding;
mod discover;
mod events;
mod field;
mod filter;
mod flow_examples;
mod flow_fields;
mod flow_formats;
mod flow_properties;
mod fluent_bit;
mod layering;
mod migration;
mod pieces;
mod promises;
mod reconfigured;
mod record_explanation;
mod row;
mod series_again;
mod series_clocks;
mod series_early;
mod series_groups;
mod series_incidents;
mod series_order;
mod series_traffic;
mod series_windows;
mod snapshots;
mod spellings;
