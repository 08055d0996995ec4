//! What a lost instance was given since the last copy of its model, to bring a new one to the same place.

use super::{call_length, has_taken};
use crate::plugin::{Payload, PluginError, Scorer};

/// What was handed over since the copy was made.
#[derive(Default)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    /// How many bytes they have.
    pub(super) bytes: usize,
}

pub(super) enum Entry {
    Payload { data: Vec<u8>, id: Option<String> },
    Records(Vec<u8>),
    Tick(i64),
}

impl Journal {
    pub(super) fn push(&mut self, entry: Entry) {
        self.bytes += 64
            + match &entry {
                Entry::Payload { data, id } => data.len() + id.as_ref().map_or(0, String::len),
                Entry::Records(records) => records.len(),
                Entry::Tick(_) => 0,
            };
        self.entries.push(entry);
    }

    pub(super) fn extend(&mut self, payloads: &[Payload<'_>]) {
        for payload in payloads {
            self.push(Entry::Payload { data: payload.data.to_vec(), id: payload.id.map(str::to_owned) });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Hands everything over again, at most so many payloads at once; what it leads to was told before.
    pub(super) fn replay(&self, most: usize, scorer: &mut Scorer) -> Result<(), PluginError> {
        let mut rest = &self.entries[..];
        while let Some(entry) = rest.first() {
            let mut scored = match entry {
                Entry::Records(records) => {
                    rest = &rest[1..];
                    scorer.score(records)?
                }
                Entry::Tick(now) => {
                    rest = &rest[1..];
                    scorer.tick(*now)?
                }
                Entry::Payload { .. } => {
                    let payloads: Vec<Payload<'_>> = rest.iter().map_while(Entry::payload).take(most).collect();
                    let call = call_length(payloads.iter().map(|payload| payload.data));
                    let scored = has_taken(scorer.transform(&payloads[..call])?)?;
                    rest = &rest[(scored.taken as usize).min(call)..];
                    scored
                }
            };
            while scored.more {
                scored = scorer.proceed()?;
            }
        }
        Ok(())
    }
}

impl Entry {
    fn payload(&self) -> Option<Payload<'_>> {
        match self {
            Entry::Payload { data, id } => Some(Payload { data, id: id.as_deref() }),
            Entry::Records(_) | Entry::Tick(_) => None,
        }
    }
}
