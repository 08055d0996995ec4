//! The harness and the built artifacts, as their users meet them. One program, since linking one takes as long as many tests.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, in its helpers, too")]

mod benchmarks;
mod bounded;
mod commands;
mod compiled_once;
mod component;
mod fluent_bit;
#[cfg(feature = "network")]
mod hosts;
mod inputs;
#[path = "../../../plugin/tests/core/field/kinds.rs"]
mod kinds;
#[cfg(feature = "network")]
mod kinesis;
#[cfg(feature = "network")]
mod kinesis_faults;
#[cfg(feature = "network")]
mod monitoring;
#[cfg(feature = "network")]
mod multilang;
#[cfg(feature = "network")]
mod notify;
#[cfg(feature = "network")]
mod oci;
#[cfg(feature = "network")]
mod report_page;
#[cfg(feature = "network")]
mod s3;
#[cfg(feature = "network")]
mod serve;
#[cfg(feature = "network")]
mod services;
#[cfg(feature = "network")]
mod vector;
mod weeks;
mod windows;
