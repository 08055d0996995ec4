//! The shell for Fluent Bit's `filter_wasm`: records in, records with `flowscore` out.
//!
//! ```text
//! host memory ─ record ─ payload ─ pipeline ─ answer ─ host
//! malloc, copy  one pass  line,     Scorer     record +  copies it
//!                         layers,              flowscore
//!                         members
//! ```
//!
//! [`Filter`] is pure: JSON text in, JSON text out. [`Shell`] adds the two files, `flowscore.json` and the snapshot; the
//! rim, which only exists in the artifact, adds the C functions and Fluent Bit's directories.

mod answer;
mod filter;
mod flat_object;
mod line;
mod line_tokens;
mod plain_text;
mod record;
mod shell;
mod store;

#[cfg(any(test, all(feature = "fluent-bit", target_os = "wasi")))]
mod host_memory;

#[cfg(all(feature = "fluent-bit", target_os = "wasi"))]
mod abi;
#[cfg(all(feature = "fluent-bit", target_os = "wasi"))]
mod preopened;

pub use filter::{Fate, Filter};
pub use shell::Shell;
pub use store::CONFIGURATION;
