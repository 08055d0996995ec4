//! Where payloads are kept whole of which `failed` events show only a part: a directory, or objects by URL.

use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};

use crate::private;
use crate::usage::Usage;

/// A place for payloads, each under the SHA-256 of its bytes.
#[derive(Clone, Debug)]
pub enum Kept {
    /// Files of a directory, which only their owner may read.
    Directory(PathBuf),
    /// Objects of a bucket.
    #[cfg(feature = "network")]
    Objects(objects::Objects),
}

impl Kept {
    /// The place that the path of a directory, which is made, or a URL (`file://`, `s3://`, `gs://`, `az://`) names.
    ///
    /// # Errors
    ///
    /// It cannot be made, is no such URL, or this build has no network.
    pub fn open(place: &str) -> std::result::Result<Self, Usage> {
        if place.contains("://") {
            #[cfg(feature = "network")]
            return objects::open(place);
            #[cfg(not(feature = "network"))]
            return Err(Usage(format!(
                "--keep-failed {}: this build has no network; give a directory",
                crate::usage::without_credentials(place)
            )));
        }
        let directory = PathBuf::from(place);
        match private::directory(&directory) {
            Ok(()) => Ok(Kept::Directory(directory)),
            Err(error) => Err(Usage(format!("--keep-failed {place}: cannot make the directory: {error}"))),
        }
    }

    /// Keeps a payload. One of this name is the same.
    pub(crate) fn keep(&self, name: &str, payload: &[u8]) -> Result<()> {
        match self {
            Kept::Directory(directory) => file(&directory.join(name), payload),
            #[cfg(feature = "network")]
            Kept::Objects(objects) => objects.keep(name, payload),
        }
    }
}

fn file(path: &Path, payload: &[u8]) -> Result<()> {
    // As a whole or not at all: a process that was killed has left a part, under another name.
    if path.exists() {
        return Ok(());
    }
    let part = path.with_extension("part");
    private::file(&part)?
        .write_all(payload)
        .map_err(|error| Error::new(error.kind(), format!("{}: {error}", part.display())))?;
    std::fs::rename(&part, path)
}

#[cfg(feature = "network")]
mod objects {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use std::time::Duration;

    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

    use super::{Error, Kept, Result, Usage};
    use crate::state::{StateError, location};

    /// How long a store may take to accept a payload. Scoring waits for it.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// A payload, its name, and who waits to hear that it is kept.
    type Wanted = (String, Vec<u8>, SyncSender<Result<()>>);

    /// A thread that keeps payloads in a store: scoring is not asynchronous, and a store is.
    #[derive(Clone, Debug)]
    pub struct Objects(SyncSender<Wanted>);

    pub(super) fn open(url: &str) -> std::result::Result<Kept, Usage> {
        let (store, directory) = location::open(url).map_err(|error| match error {
            StateError::Url { url, reason } => Usage(format!("--keep-failed {url}: {reason}")),
            error => Usage(format!("--keep-failed: {error}")),
        })?;
        if let Some(directory) = directory {
            return Ok(Kept::Directory(directory));
        }
        let (wanted, all) = sync_channel(1);
        let thread = std::thread::Builder::new().name("keep-failed".into()).spawn(move || put_all(&*store, &all));
        thread.map_err(|error| Usage(format!("--keep-failed: no thread for it: {error}")))?;
        Ok(Kept::Objects(Objects(wanted)))
    }

    fn put_all(store: &dyn ObjectStore, all: &Receiver<Wanted>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        while let Ok((name, payload, told)) = all.recv() {
            let kept = match &runtime {
                Ok(runtime) => runtime.block_on(put(store, &name, payload)),
                Err(error) => Err(Error::other(error.to_string())),
            };
            let _ = told.send(kept);
        }
    }

    async fn put(store: &dyn ObjectStore, name: &str, payload: Vec<u8>) -> Result<()> {
        let (path, payload) = (Path::from(name), PutPayload::from(payload));
        match tokio::time::timeout(PATIENCE, store.put(&path, payload)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Error::other(error.to_string())),
            Err(_) => Err(Error::other(format!("the store took longer than {PATIENCE:?}"))),
        }
    }

    impl Objects {
        pub(super) fn keep(&self, name: &str, payload: &[u8]) -> Result<()> {
            let gone = || Error::other("the thread that keeps payloads has ended");
            let (told, kept) = sync_channel(1);
            self.0.send((name.to_owned(), payload.to_vec(), told)).map_err(|_| gone())?;
            kept.recv().map_err(|_| gone())?
        }
    }
}
