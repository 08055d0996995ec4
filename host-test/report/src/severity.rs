//! How urgent an incident is.

use serde::{Deserialize, Serialize};

/// How urgent an incident or a group is, as its events say.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "docs/events.md says what each one is")]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

/// All severities, the least first, with the names that events give them.
pub const SEVERITIES: [(Severity, &str); 4] =
    [(Severity::Low, "low"), (Severity::Medium, "medium"), (Severity::High, "high"), (Severity::Critical, "critical")];

impl Severity {
    /// Its name in events.
    pub fn name(self) -> &'static str {
        SEVERITIES[self as usize].1
    }

    /// Of a name; the least for one that is none.
    pub(crate) fn of(name: &str) -> Self {
        SEVERITIES.iter().find(|(_, known)| *known == name).map_or(Severity::Low, |(severity, _)| *severity)
    }
}
