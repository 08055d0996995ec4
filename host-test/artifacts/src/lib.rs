//! The WebAssembly artifacts of flowscore, as the build script of this crate made them from the crate `plugin`. They lie
//! in the target directory as well: `target/flowscore.wasm` and `target/flowscore-fluentbit.wasm`.

/// The component, for hosts of the component model.
pub const COMPONENT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/flowscore.wasm"));

/// SHA-256 of the component, in hexadecimal digits: what `sha256sum target/flowscore.wasm` prints.
pub const COMPONENT_DIGEST: &str = env!("FLOWSCORE_COMPONENT_DIGEST");

/// The core module, for Fluent Bit.
pub const FLUENT_BIT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/flowscore-fluentbit.wasm"));
