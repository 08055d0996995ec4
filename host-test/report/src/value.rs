//! The value that is detected on, and how amounts of it are written.

use super::quantity;

/// What is summed up in windows, and detected on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Value {
    #[default]
    Bytes,
    Packets,
    Flows,
    Rejects,
}

impl Value {
    /// All, in the order of their positions.
    pub(super) const ALL: [Self; 4] = [Self::Bytes, Self::Packets, Self::Flows, Self::Rejects];

    /// By its name in events; bytes if it is no other.
    pub(super) fn of(name: &str) -> Self {
        Self::ALL.into_iter().find(|value| value.name() == name).unwrap_or_default()
    }

    /// Its name in events.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Packets => "packets",
            Self::Flows => "flows",
            Self::Rejects => "rejects",
        }
    }

    /// The same, to begin a sentence or a column with.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Bytes => "Bytes",
            Self::Packets => "Packets",
            Self::Flows => "Flows",
            Self::Rejects => "Rejects",
        }
    }

    /// An amount with its unit, short: `61.2 MB`, `1 234`, `1.2 M`.
    pub(super) fn amount(self, amount: f64) -> String {
        match self {
            Self::Bytes => quantity::bytes(amount),
            _ => quantity::thousands(amount),
        }
    }

    /// An amount in a sentence: `61.2 MB`, `1.2 k packets`.
    pub(super) fn words(self, amount: f64) -> String {
        match self {
            Self::Bytes => quantity::bytes(amount),
            Self::Rejects => format!("{}\u{a0}rejected flows", self.amount(amount)),
            _ => format!("{}\u{a0}{}", self.amount(amount), self.name()),
        }
    }
}
