//! The filter with its files, as one instance of Fluent Bit's filter is one of them.

use std::path::PathBuf;

use super::answer;
use super::filter::{Fate, Filter};
use super::record::Reader;
use super::store::{self, Store, report};

/// Room for the answer that is kept from one record to the next; Fluent Bit's records are seldom larger.
const KEPT: usize = 1 << 20;

/// One instance.
pub struct Shell {
    state: State,
    /// The answer, ended by a zero.
    answer: Vec<u8>,
}

enum State {
    Running {
        filter: Box<Filter>,
        store: Option<Store>,
    },
    /// The configuration is wrong: records pass untouched, and say why.
    Refused {
        reason: String,
        reader: Reader,
    },
}

impl Shell {
    /// Reads configuration and snapshot. The directories are those that Fluent Bit gives access to, in its order:
    /// `flowscore.json` is that of the first one that has it, and the snapshot lies beside it, or else in the first.
    pub fn start(directories: &[PathBuf]) -> Self {
        let state = match store::configuration(directories) {
            Ok((config, home)) => {
                let home = home.or(directories.first().map(PathBuf::as_path));
                let (filter, store) = Store::open(config, home);
                State::Running { filter: Box::new(filter), store }
            }
            Err(reason) => {
                report(&format!("{reason}; records pass unscored until that is put right"));
                State::Refused { reason, reader: Reader::new(Vec::new(), None) }
            }
        };
        Shell { state, answer: Vec::new() }
    }

    /// Takes in one record and answers with the one that goes on, as a text that ends with a zero; `None` if none does.
    #[inline]
    pub fn filter(&mut self, tag: &[u8], (seconds, nanoseconds): (u32, u32), record: &[u8]) -> Option<&[u8]> {
        self.answer.clear();
        if self.answer.capacity() > KEPT {
            self.answer = Vec::new();
        }
        // The host's memory may end, but then an answer is still due: this record is lost, no other.
        if self.answer.try_reserve(record.len().saturating_add(256)).is_err() {
            return Some(b"{\"flowscore_error\":\"there is no memory for a record of this size: it is lost\"}\0");
        }
        let fate = match &mut self.state {
            State::Running { filter, store } => {
                let milliseconds = i64::from(seconds) * 1000 + i64::from(nanoseconds / 1_000_000);
                let fate = filter.filter(tag, milliseconds, record, &mut self.answer);
                if let Some(store) = store {
                    store.record(filter, seconds.into());
                }
                fate
            }
            State::Refused { reason, reader } => {
                match reader.read(record) {
                    Ok(found) => answer::refused(record, &found.frame, reason, &mut self.answer),
                    Err(malformed) => answer::malformed(record, malformed, &mut self.answer),
                }
                Fate::Goes
            }
        };
        (fate == Fate::Goes).then(|| {
            self.answer.push(0);
            &self.answer[..]
        })
    }

    /// Answers for a record that the host had no memory for.
    pub fn missing(&mut self, length: u32) -> &[u8] {
        self.answer.clear();
        let reason = format!("Fluent Bit had no memory for a record of {length} bytes: it is lost");
        answer::only_error(&reason, &mut self.answer);
        self.answer.push(0);
        &self.answer
    }
}
