//! Notices, folded by their kind: the source's troubles repeat.

use super::incident::{text, time};
use serde_json::Value;
use std::collections::BTreeMap;

/// Notices of a kind that are kept: the first half of them, and the newest.
const MOST_OF_A_KIND: usize = 200;
/// Kinds that are told apart; those beyond are counted as one.
const MOST_KINDS: usize = 64;

/// A message about the source or the detector.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) time: Option<i64>,
    pub(super) message: String,
}

/// Notices of one kind.
#[derive(Debug, Default)]
pub(super) struct Kind {
    pub(super) count: u64,
    /// Sum of what they count, where they count something.
    pub(super) counted: u64,
    pub(super) kept: Vec<Notice>,
}

/// All notices.
#[derive(Debug, Default)]
pub(super) struct Notices(BTreeMap<String, Kind>);

impl Notices {
    pub(super) fn add(&mut self, event: &Value) {
        let mut name = text(event, "kind");
        if self.0.len() >= MOST_KINDS && !self.0.contains_key(&name) {
            name = "other".to_owned();
        }
        let kind = self.0.entry(name).or_default();
        kind.count += 1;
        kind.counted += event.get("count").and_then(Value::as_u64).unwrap_or(0);
        if kind.kept.len() >= MOST_OF_A_KIND {
            kind.kept.remove(MOST_OF_A_KIND / 2);
        }
        kind.kept.push(Notice { time: time(event, "time"), message: text(event, "message") });
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().map(|kind| kind.count).sum()
    }

    pub(super) fn kinds(&self) -> impl Iterator<Item = (&str, &Kind)> {
        self.0.iter().map(|(name, kind)| (name.as_str(), kind))
    }

    /// The times of all that were kept.
    pub(super) fn times(&self) -> impl Iterator<Item = i64> {
        self.0.values().flat_map(|kind| &kind.kept).filter_map(|notice| notice.time)
    }
}
