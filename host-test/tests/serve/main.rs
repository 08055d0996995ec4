//! `flowscore serve`, as senders and receivers see it: the built binary, and HTTP.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking, its helpers, too")]

mod downstream;
mod firehose;
mod flow_lines;
mod loops;
mod rim;
mod server;
