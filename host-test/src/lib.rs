//! x
mod bindings;
pub mod command;
pub mod input;
pub mod plugin;
