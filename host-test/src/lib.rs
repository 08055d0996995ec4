//! The wasmtime harness of flowscore: the pipeline's end of the plugin.
//!
//! - [`plugin`]: loads the component, limits what it may use, and calls it;
//! - [`transform`]: the component as a transform, in the shapes that `vector-lib` uses;
//! - [`fluent_bit`]: the core module for Fluent Bit, called as Fluent Bit calls it;
//! - [`input`]: payloads from files and pipes;
//! - [`source`]: payloads from a Kinesis stream; [`sink`]: events to where they are wanted;
//! - [`state`]: where reading has come to and what was learned, kept outside the process;
//! - [`sink`]: where events go;
//! - [`serve`]: payloads by HTTP; [`multilang`]: records from Amazon's MultiLangDaemon;
//! - [`generate`]: labelled flow logs to try it on; [`report`]: its events as a page for people;
//! - [`command`]: what the binary `flowscore` does.
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

pub mod aws;
mod bindings;
pub mod command;
pub mod fluent_bit;
pub mod generate;
pub mod input;
pub mod multilang;
pub mod plugin;
pub mod report;
pub mod serve;
mod signals;
pub mod sink;
pub mod source;
pub mod state;
pub mod transform;
