//! Loading and saving.

use std::collections::hash_map::RandomState;
use std::fs::{File, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::path::{Path, PathPart};
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion};

use super::format::{self, Label};
use super::{State, StateError, file, location};
use crate::private;
use crate::usage::without_credentials;

/// How long another process may take to save, before its lock counts as one that stays.
const SAVING: Duration = Duration::from_secs(60);

/// The states of one stream, as one application reads it.
#[derive(Clone, Debug)]
pub struct Store {
    store: Arc<dyn ObjectStore>,
    directory: Option<PathBuf>,
    url: String,
    application: String,
    stream: String,
}

impl Store {
    /// The store at `url`: a directory, which is made, or `file://`, `s3://`, `gs://`, `az://`. Nothing is read yet.
    pub fn open(url: &str, application: &str, stream: &str) -> Result<Self, StateError> {
        let (store, directory) = location::open(url)?;
        let url = without_credentials(url).trim_end_matches('/').to_owned();
        Ok(Store { store, directory, url, application: application.into(), stream: stream.into() })
    }

    /// The part of this name, for example a shard. In a directory it is locked until the value is dropped.
    pub fn part(&self, name: &str) -> Result<Part, StateError> {
        let path = self.path(name);
        let lock = self.lock(&path)?;
        Ok(Part { lock, ..self.unlocked(name, path) })
    }

    /// The part of this name, whose writer is decided elsewhere, by a lease that can be lost without a word: by a process that
    /// was frozen, for example. So nothing is locked for longer than a save takes, and each save replaces only what was loaded
    /// or saved last, in a directory as in an object store.
    pub fn leased_part(&self, name: &str) -> Part {
        self.unlocked(name, self.path(name))
    }

    fn unlocked(&self, name: &str, path: Path) -> Part {
        let label = Label {
            application: self.application.clone(),
            stream: self.stream.clone(),
            part: name.into(),
            version: 0,
            writer: format!("{:016x}", RandomState::new().build_hasher().finish()),
        };
        Part { store: self.clone(), path, label, replaces: None, lock: None }
    }

    /// The state of a part that may have another writer, for one that goes on with what was learned there: a child of a
    /// shard. None if nothing was saved.
    pub async fn peek(&self, name: &str) -> Result<Option<State>, StateError> {
        Ok(self.read(&self.path(name)).await?.map(|(_, state, _)| state))
    }

    fn path(&self, part: &str) -> Path {
        // Parts of a path encode what a store could not take in a name.
        let part = format!("{part}.state");
        [self.application.as_str(), &self.stream, &part].into_iter().map(PathPart::from).collect()
    }

    fn object(&self, path: &Path) -> String {
        format!("{}/{path}", self.url)
    }

    /// Locks a part of a directory. None: the store is another one, and knows what an object replaces.
    fn lock(&self, path: &Path) -> Result<Option<File>, StateError> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let state = directory.join(path.as_ref());
        let lock_file = state.with_extension("lock");
        let wrong = |error: std::io::Error| StateError::Url {
            url: self.url.clone(),
            reason: format!("cannot lock {}: {error}", lock_file.display()),
        };
        if let Some(parent) = lock_file.parent() {
            private::directory(parent).map_err(wrong)?;
        }
        let lock = private::file(&lock_file).map_err(wrong)?;
        match lock.try_lock() {
            Ok(()) => {
                file::remove_unfinished(&state).map_err(wrong)?;
                Ok(Some(lock))
            }
            Err(TryLockError::WouldBlock) => Err(StateError::Taken {
                object: self.object(path),
                reason: format!("it holds the lock {}", lock_file.display()),
            }),
            Err(TryLockError::Error(error)) => Err(wrong(error)),
        }
    }

    async fn read(&self, path: &Path) -> Result<Option<(Label, State, UpdateVersion)>, StateError> {
        let failed = |error| StateError::Store { action: "read", object: self.object(path), error };
        let got = match self.store.get(path).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            got => got.map_err(failed)?,
        };
        let version = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        let bytes = got.bytes().await.map_err(failed)?;
        let (label, state) =
            format::decode(&bytes).map_err(|reason| StateError::Unusable { object: self.object(path), reason })?;
        let ours = (&self.application, &self.stream);
        if (&label.application, &label.stream) != ours {
            let reason = format!("it is of the application {} and the stream {}", label.application, label.stream);
            return Err(StateError::Unusable { object: self.object(path), reason });
        }
        Ok(Some((label, state, version)))
    }
}

/// The state of one part of a stream, of which this process is the only writer.
#[derive(Debug)]
pub struct Part {
    store: Store,
    path: Path,
    label: Label,
    /// The object that the next one replaces; none: there must be none.
    replaces: Option<UpdateVersion>,
    /// Of a directory, held while the value lives; none if others may come to write it.
    lock: Option<File>,
}

impl Part {
    /// Where the object is.
    pub fn object(&self) -> String {
        self.store.object(&self.path)
    }

    /// How often it was saved.
    pub fn version(&self) -> u64 {
        self.label.version
    }

    /// What was saved last; none if nothing was yet.
    pub async fn load(&mut self) -> Result<Option<State>, StateError> {
        let Some((label, state, version)) = self.store.read(&self.path).await? else {
            self.replaces = None;
            return Ok(None);
        };
        self.label.version = label.version;
        self.replaces = Some(version);
        Ok(Some(state))
    }

    /// Whether what is stored still is what was loaded or saved last.
    ///
    /// # Errors
    ///
    /// The store cannot be asked.
    pub async fn is_current(&self) -> Result<bool, StateError> {
        let stored = match self.store.store.head(&self.path).await {
            Ok(stored) => stored,
            Err(Error::NotFound { .. }) => return Ok(self.replaces.is_none()),
            Err(error) => return Err(StateError::Store { action: "read", object: self.object(), error }),
        };
        Ok(self.replaces.as_ref().is_some_and(|replaces| {
            stored.e_tag == replaces.e_tag || (stored.version.is_some() && stored.version == replaces.version)
        }))
    }

    /// Replaces what was loaded or saved last, at once and as a whole.
    ///
    /// # Errors
    ///
    /// [`StateError::Taken`] if what is stored is not what this process has loaded or saved last.
    pub async fn save(&mut self, state: &State) -> Result<(), StateError> {
        let failed = |error| StateError::Store { action: "write", object: self.object(), error };
        let label = Label { version: self.label.version + 1, ..self.label.clone() };
        let bytes = format::encode(&label, state)
            .map_err(|error| failed(Error::Generic { store: "state", source: Box::new(error) }))?;
        let payload = PutPayload::from(bytes);
        let saving = if self.lock.is_none() { self.lock_to_save().await? } else { None };
        if saving.is_some() && !self.is_current().await? {
            let stored = self.store.read(&self.path).await?;
            return Err(self.taken(stored.map_or(0, |(stored, ..)| stored.version)));
        }
        let mode = match (&self.store.directory, &self.replaces) {
            // The lock sees to it that there is no other.
            (Some(_), _) => PutMode::Overwrite,
            (None, Some(version)) => PutMode::Update(version.clone()),
            (None, None) => PutMode::Create,
        };
        let put = |mode: PutMode| self.store.store.put_opts(&self.path, payload.clone(), PutOptions::from(mode));
        let result = match put(mode).await {
            // A store without conditions, or told to do without them.
            Err(Error::NotImplemented { .. }) => put(PutMode::Overwrite).await,
            result => result,
        };
        let replaces = match result {
            Ok(put) => put.into(),
            Err(Error::Precondition { .. } | Error::AlreadyExists { .. }) => self.is_ours(&label).await?,
            Err(error) => return Err(failed(error)),
        };
        if let Some(directory) = &self.store.directory {
            file::restrict(&directory.join(self.path.as_ref()))
                .map_err(|error| failed(Error::Generic { store: "state", source: Box::new(error) }))?;
        }
        self.replaces = Some(replaces);
        self.label = label;
        Ok(())
    }

    /// Locks what is leased, in a directory, for as long as saving takes.
    async fn lock_to_save(&self) -> Result<Option<File>, StateError> {
        let begun = Instant::now();
        loop {
            match self.store.lock(&self.path) {
                Err(StateError::Taken { .. }) if begun.elapsed() < SAVING => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                result => return result,
            }
        }
    }

    /// A write whose answer was lost is repeated by the client, and then the condition fails because of the write itself.
    async fn is_ours(&self, label: &Label) -> Result<UpdateVersion, StateError> {
        match self.store.read(&self.path).await? {
            Some((stored, _, version)) if stored == *label => Ok(version),
            stored => Err(self.taken(stored.map_or(0, |(stored, ..)| stored.version))),
        }
    }

    fn taken(&self, version: u64) -> StateError {
        let reason = format!(
            "version {version} of it was stored in the meantime, and version {} was to be replaced",
            self.label.version
        );
        StateError::Taken { object: self.object(), reason }
    }
}

#[cfg(test)]
mod tests;
