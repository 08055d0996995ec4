//! The wasmtime harness of flowscore: the pipeline's end of the plugin.
//!
//! - [`plugin`]: loads the component, limits what it may use, and calls it;
//! - [`backtest`]: what a configuration would have told, and how another one differs;
//! - [`batch`]: payloads to the component, many at once, and what happens when a call fails;
//! - [`transform`]: the component as a transform, in the shapes that `vector-lib` uses;
//! - [`fluent_bit`]: the core module for Fluent Bit, called as Fluent Bit calls it;
//! - [`input`]: payloads cut out of text and bytes;
//! - [`source`]: where payloads come from: files, objects of a bucket, a Kinesis stream; `sink`: where events go;
//! - `state`: where reading has come to and what was learned, kept outside the process;
//! - `serve`: payloads by HTTP; `multilang`: records from Amazon's MultiLangDaemon; `monitor`: what a running process tells of
//!   itself; `notify`: incidents to people (these six with the feature `network`);
//! - [`artifact`]: what a `.wasm` says of itself.
//!
//! A whole host, from a payload to events:
//!
//! ```
//! use host_test::plugin::{Limits, Payload, Plugin};
//!
//! let plugin = Plugin::built_in(Limits::default())?;
//! let mut scorer = plugin.scorer(r#"{"mode":"record"}"#)?;
//! let line = b"2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 1418530010 1418530070 ACCEPT OK";
//! let scored = scorer.transform(&[Payload { data: line, id: None }])?;
//! assert_eq!(scored.counts.ok, 1);
//! assert!(scored.events.starts_with(b"{\"type\":\"score\","));
//! # Ok::<(), host_test::plugin::PluginError>(())
//! ```

pub mod artifact;
#[cfg(feature = "network")]
pub mod aws;
pub mod backtest;
pub mod batch;
mod bindings;
pub mod configuration;
pub mod fluent_bit;
pub mod input;
pub mod kept;
#[cfg(feature = "network")]
pub mod live;
#[cfg(feature = "network")]
pub mod monitor;
#[cfg(feature = "network")]
pub mod multilang;
#[cfg(feature = "network")]
pub mod notify;
pub mod plugin;
mod private;
#[cfg(feature = "network")]
pub mod reloaded;
#[cfg(feature = "network")]
pub mod serve;
#[cfg(feature = "network")]
pub mod signals;
#[cfg(feature = "network")]
pub mod sink;
pub mod source;
#[cfg(feature = "network")]
pub mod state;
#[cfg(feature = "network")]
mod told;
#[cfg(feature = "network")]
pub mod top;
pub mod transform;
pub mod usage;
