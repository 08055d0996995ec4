//! Benchmarks of flowscore beside its peers, apart from the harness so that only who measures compiles the peers.
//!
//! ```text
//! cargo bench --bench decode        payloads to records: in WebAssembly, native, and by the usual crates
//! cargo bench --bench forest        a random cut forest: in WebAssembly, native, and the crate krcf
//! cargo bench --bench windows       what a record and a window cost in window mode
//! cargo bench --bench closing       what a window costs when many series are open, and the memory of a series
//! cargo bench --bench libraries     decoding with a library in place of each part of our own, in WebAssembly
//! cargo bench --bench fluent_bit    instructions for each record in the module for Fluent Bit
//! ```

use std::fmt::Write;
use std::time::{Duration, Instant};

/// 2023-11-14T22:13:20Z: no whole minute, so that some records lie in two windows as they do in nature.
const T0: i64 = 1_700_000_000;

/// A log of one interface in one minute, as Kinesis would carry it but for base64, gzip and envelope.
pub fn minute(interface: u64, minute: i64, records: u64) -> Vec<u8> {
    let mut lines = String::new();
    let mut state = interface << 32 ^ (minute as u64) << 8 ^ 0x9E37_79B9_7F4A_7C15;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    // Interfaces report in turn, each at its second.
    let start = T0 + minute * 60 + (interface % 60) as i64;
    for record in 0..records {
        let (first, last) = (below(60) as i64, below(60) as i64);
        let own = format!("10.0.{}.{}", interface / 200, interface % 200 + 10);
        let peer = format!("172.31.{}.{}", below(256), below(256));
        let (source, destination) = if record % 2 == 0 { (&own, &peer) } else { (&peer, &own) };
        let (packets, bytes) = (below(1_000) + 1, (below(1_000) + 1) * (below(1_400) + 40));
        let port = 32_768 + below(28_000);
        let (from, to) = (start + first.min(last), start + first.max(last));
        let _ = writeln!(
            lines,
            "2 123456789012 eni-{interface:017x} {source} {destination} {port} 443 6 {packets} {bytes} {from} {to} ACCEPT OK",
        );
    }
    lines.into_bytes()
}

/// Time that this thread has run, where Linux tells it (other programs don't count then), else the time since `started`.
pub fn busy(started: Instant) -> Duration {
    let run = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let run = run.and_then(|text| text.split_whitespace().next()?.parse().ok());
    run.map_or_else(|| started.elapsed(), Duration::from_nanos)
}
