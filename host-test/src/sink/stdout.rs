//! Events to standard output: what Vector's and Fluent Bit's exec sources read.

use std::io::{self, Write};

/// Writes events, and returns when the pipe has taken them all.
///
/// # Errors
///
/// The pipe is broken: its reader has left.
pub fn write(events: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(events)?;
    out.flush()
}
