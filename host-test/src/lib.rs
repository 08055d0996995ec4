//! x
mod bindings;
pub mod command;
pub mod generate;
pub mod input;
pub mod plugin;
pub mod report;
pub mod transform;
