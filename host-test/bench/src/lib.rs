//! Benchmarks of flowscore beside its peers, apart from the harness so that only who measures compiles the peers.
//!
//! ```text
//! cargo bench --bench decode        payloads to records: in WebAssembly, native, and by the usual crates
//! cargo bench --bench forest        a random cut forest: in WebAssembly, native, and the crate krcf
//! cargo bench --bench windows       what a record and a window cost in window mode
//! cargo bench --bench libraries     decoding with a library in place of each part of our own, in WebAssembly
//! cargo bench --bench fluent_bit    instructions for each record in the module for Fluent Bit
//! ```
