//! `flowscore serve`, as senders and receivers see it: the built binary, and HTTP.

mod downstream;
mod feedback;
mod firehose;
mod flow_lines;
mod kinds;
mod limits;
mod loops;
mod page;
mod reconfigured;
mod rim;
pub(crate) mod server;
mod top;
