//! Stores by URL.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, parse_url_opts};
use url::Url;

use super::StateError;

/// A store, and the directory that it is if it is one.
pub(super) type Location = (Arc<dyn ObjectStore>, Option<PathBuf>);

/// The store that a URL or the path of a directory names. A directory is made if it is not there.
///
/// Credentials and endpoints of object stores come from the environment, under the names that their own tools use
/// (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, `AZURE_STORAGE_ACCOUNT_NAME`, `GOOGLE_SERVICE_ACCOUNT`, …).
pub(super) fn open(text: &str) -> Result<Location, StateError> {
    let wrong = |reason: String| StateError::Url { url: text.into(), reason };
    // A Windows drive letter is no scheme.
    let url = Url::parse(text).ok().filter(|url| url.scheme().len() > 1);
    let directory = match &url {
        None => Some(PathBuf::from(text)),
        Some(url) if url.scheme() == "file" => {
            Some(url.to_file_path().map_err(|()| wrong("the path in it is not absolute".into()))?)
        }
        Some(_) => None,
    };
    if let Some(directory) = directory {
        std::fs::create_dir_all(&directory).map_err(|error| wrong(format!("cannot make the directory: {error}")))?;
        // What was saved must outlive a power cut, not only the process.
        let store = LocalFileSystem::new_with_prefix(&directory).map_err(|error| wrong(error.to_string()))?;
        return Ok((Arc::new(store.with_fsync(true)), Some(directory)));
    }
    let Some(url) = url else { return Err(wrong("it is neither a path nor a URL".into())) };
    let environment = std::env::vars().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let (store, prefix) = parse_url_opts(&url, environment).map_err(|error| wrong(error.to_string()))?;
    let store: Arc<dyn ObjectStore> = Arc::from(store);
    Ok(if prefix == Path::default() { (store, None) } else { (Arc::new(PrefixStore::new(store, prefix)), None) })
}
