//! The plugin of flowscore: decodes VPC Flow Logs from Kinesis payloads and scores them for sudden spikes and drops.
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
//! Each module imports only from those before it in this list; a test reads the sources and says so:
//!
//! ```text
//! text → json → time → hash → failure → state → column → decode → flow, row → detect, forest
//! → incident → series → config → snapshot → discover → pipeline → component, fluent_bit
//! ```
//!
//! Everything here but the shells' rims is pure: no clock, no I/O, no global state and no randomness but a seeded one. Time
//! comes in with the data. The same input and configuration give byte-identical output native and in WebAssembly, which is why all
//! transcendental functions come from `libm` and never from the platform.

pub mod column;
pub mod config;
pub mod decode;
pub mod detect;
pub mod discover;
pub mod failure;
pub mod flow;
pub mod fluent_bit;
pub mod forest;
mod hash;
pub mod incident;
mod json;
pub mod pipeline;
pub mod row;
pub mod series;
pub mod snapshot;
pub mod state;
mod text;
pub mod time;

#[cfg(all(feature = "component", target_arch = "wasm32"))]
mod component;

/// What the plugin understands: layers, envelopes and records.
pub const FORMATS: [&str; 19] = [
    "base64",
    "gzip",
    "zlib",
    "deflate",
    "kpl_aggregate",
    "cloudwatch_logs_subscription",
    "lambda_awslogs",
    "lambda_kinesis",
    "kinesis_get_records",
    "kinesis_analytics_preprocessing",
    "firehose_delivery",
    "firehose_transformation",
    "firehose_flow_logs",
    "kcl_multilang",
    "vpc_flow_log",
    "transit_gateway_flow_log",
    "json",
    "csv",
    "lines",
];
