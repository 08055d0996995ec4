//! The plugin of flowscore: decodes VPC Flow Logs from Kinesis payloads and scores them for sudden spikes and drops.
//!
//! A [`Config`] says how; a [`Decoder`] makes records of payloads; a [`Scorer`] makes events of payloads, and remembers what it
//! learned. All three are pure, and the same in WebAssembly.
//!
//! ```
//! use flowscore::{Config, Decoder, Outcome, Scorer};
//!
//! let config = Config::parse(r#"{"series":{"window":60}}"#)?;
//! let payload = b"2 123456789010 eni-1 10.0.0.1 10.0.0.2 20641 443 6 20 4249 1418530010 1418530070 ACCEPT OK";
//!
//! // A payload's records, a line of JSON each, and how many there were.
//! let Outcome::Ok(records, counts) = Decoder::new(&config).decode(payload, None) else { panic!("one good record") };
//! assert!(records.starts_with(br#"{"version":2,"account_id":"123456789010","interface_id":"eni-1","srcaddr":"10.0.0.1","#));
//! assert_eq!((counts.ok, counts.failed), (1, 0));
//!
//! // The events of payloads, a line of JSON each. What is learned outlives the process as a snapshot.
//! let mut events = Vec::new();
//! let mut scorer = Scorer::with(config.clone());
//! scorer.transform(payload, Some("payload 1"), &mut events);
//! scorer.transform(b"\x1f\x8b damaged", Some("payload 2"), &mut events);
//! let snapshot = scorer.snapshot();
//! assert!(events.starts_with(br#"{"type":"failed","id":"payload 2","layer":"gzip","#));
//! assert_eq!(Scorer::restore_with(config, &snapshot).map(|scorer| scorer.totals().payloads), Ok(2));
//! # Ok::<(), flowscore::ConfigError>(())
//! ```
//!
//! # Events
//!
//! One JSON object a line, `type` first:
//!
//! | `type` | when | beside the time and the series |
//! |---|---|---|
//! | `anomaly` | an incident opens, gets worse or closes (window mode) | `id`, `state`, `direction`, observed and expected value, score, `top_talkers` |
//! | `score` | each record, or each anomaly (record mode) | `record` with its members, `anomaly_score`, `anomaly_explanation` |
//! | `window` | each window of each series, if `series.windows` is set | the sums, and what the detector made of them |
//! | `notice` | something a person should know that is about no single record | `kind`, `message` |
//! | `failed` | a record, or payload, that could not be used | its identity, `layer`, `offset`, `reason`, and its bytes in base64 |
//!
//! # Inside
//!
//! The way of the data runs one way through the modules:
//!
//! ```text
//! payload ─ layers ─ envelope ─ record ─ series ─ score ─ event
//! bytes     base64,   CloudWatch,  flow record,  key +     forest +      score, anomaly,
//!           gzip,     Firehose,    or JSON/CSV   window    baseline +    drop, notice
//!           zstd, …   KPL, lines   row                     threshold
//! ```
//!
//! Each module imports only from those before it in this list; a test reads the sources and says so:
//!
//! ```text
//! order, simd → text → json → time → hash → failure → state → column → decode → flow, row → detect, forest
//! → incident → series → config → snapshot → pipeline → discover → component, fluent_bit
//! ```
//!
//! Everything here but the shells' rims is pure: no clock, no I/O, no global state and no randomness but a seeded one. Time
//! comes in with the data. The same input and configuration give byte-identical output native and in WebAssembly, which is why all
//! transcendental functions come from `libm` and never from the platform.

pub use config::{Config, ConfigError, schema as config_schema};
pub use discover::discover_schema;
pub use failure::{Failure, Layer};
pub use pipeline::one_series::{Direction, OneSeries, SeriesMode, Verdict};
pub use pipeline::{Counts, Decoder, Outcome, RestoreError, Scorer, Totals};

mod hash;
mod json;
mod order;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd;
mod snapshot;
mod text;
mod time;

// Public for the tests, benchmarks and fuzz targets, which take the parts one by one. They change without notice.
#[doc(hidden)]
pub mod column;
#[doc(hidden)]
pub mod config;
#[doc(hidden)]
pub mod decode;
#[doc(hidden)]
pub mod detect;
#[doc(hidden)]
pub mod discover;
#[doc(hidden)]
pub mod failure;
#[doc(hidden)]
pub mod flow;
#[doc(hidden)]
pub mod fluent_bit;
#[doc(hidden)]
pub mod forest;
#[doc(hidden)]
pub mod incident;
#[doc(hidden)]
pub mod pipeline;
#[doc(hidden)]
pub mod row;
#[doc(hidden)]
pub mod series;
#[doc(hidden)]
pub mod state;

#[cfg(all(feature = "component", target_arch = "wasm32"))]
mod component;

/// What the plugin understands: layers, envelopes and records.
pub const FORMATS: [&str; 20] = [
    "base64",
    "gzip",
    "zlib",
    "deflate",
    "zstd",
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
