//! Configurations that cannot be used.

use std::fmt;

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// Where, for example `forest.number_of_trees`; empty when the text is not JSON.
    pub path: String,
    /// What is there, as JSON text.
    pub value: String,
    /// What is allowed there.
    pub allowed: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "the configuration is not usable: {}", self.allowed),
            path => write!(f, "{path} is {}, and must be {}", self.value, self.allowed),
        }
    }
}

impl std::error::Error for ConfigError {}
