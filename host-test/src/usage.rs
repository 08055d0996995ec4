//! Wrong usage or configuration.

use std::fmt;

/// Wrong usage or configuration: what is wrong, and what to write instead. The binary ends with exit code 2.
#[derive(Debug)]
pub struct Usage(pub String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
