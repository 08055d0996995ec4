//! What can be wrong with stored state.

use std::fmt;

use crate::usage::chain;

/// State that cannot be read or written. Nothing was changed.
#[derive(Debug)]
#[non_exhaustive]
pub enum StateError {
    /// The URL names no store, or lacks what the store needs.
    Url {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The store could not be reached, or refused.
    Store {
        /// What was tried: `read` or `write`.
        action: &'static str,
        /// Where the object is.
        object: String,
        /// What the store said.
        error: object_store::Error,
    },
    /// The object is not one that this version wrote, or not as it was written.
    Unusable {
        /// Where the object is.
        object: String,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// Another process writes this state.
    Taken {
        /// Where the object is.
        object: String,
        /// How that was noticed.
        reason: String,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Url { url, reason } => write!(
                f,
                "--state {url}: {reason}; give a directory, or a URL such as s3://bucket/prefix, gs://bucket/prefix or \
                 az://container/prefix"
            ),
            StateError::Store { action, object, error } => {
                write!(f, "cannot {action} the state {object}: {}", chain(error))
            }
            StateError::Unusable { object, reason } => write!(
                f,
                "the state {object} cannot be used: {reason}. Bring back an earlier copy, or move it away and start anew \
                 with --from"
            ),
            StateError::Taken { object, reason } => {
                write!(
                    f,
                    "the state {object} has another writer: {reason}. Stop one of the two, or give it a --state or \
                           --application of its own"
                )
            }
        }
    }
}

impl std::error::Error for StateError {}
