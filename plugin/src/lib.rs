//! flowscore decodes VPC Flow Logs from Kinesis payloads and scores them for sudden spikes and drops.
//!
//! The way of the data runs one way through the modules:
//!
//! ```text
//! payload ─ layers ─ envelope ─ record ─ series ─ score ─ event
//! bytes     base64,   CloudWatch,  flow record,  key +     forest +      score, anomaly,
//!           gzip,     Firehose,    or JSON/CSV   window    baseline +    drop, notice
//!           zlib, …   KPL, lines   row                     threshold
//! ```
//!
//! Everything here is pure: no clock, no I/O, no global state and no randomness but a seeded one. Time comes in with
//! the data. The same input and configuration give byte-identical output native and in WebAssembly, which is why all
//! transcendental functions come from `libm` and never from the platform.

pub mod detect;
pub mod failure;
pub mod forest;
pub mod incident;
pub mod series;
