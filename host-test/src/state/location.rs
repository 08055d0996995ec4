//! Stores by URL.

use std::path::PathBuf;
use std::sync::Arc;

use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreScheme, parse_url_opts};
use url::Url;

use super::StateError;
use crate::aws::s3;
use crate::private;
use crate::usage::without_credentials;

/// A store, and the directory that it is if it is one.
pub(crate) type Location = (Arc<dyn ObjectStore>, Option<PathBuf>);

/// The store that a URL or the path of a directory names. A directory is made if it is not there.
///
/// Settings of object stores come from the environment, under the names that their own tools use (`AWS_REGION`,
/// `AWS_ENDPOINT_URL`, `AZURE_STORAGE_ACCOUNT_NAME`, `GOOGLE_SERVICE_ACCOUNT`, …); credentials of S3 by the usual chain.
pub(crate) fn open(text: &str) -> Result<Location, StateError> {
    // A Windows drive letter is no scheme.
    let url = Url::parse(text).ok().filter(|url| url.scheme().len() > 1);
    let wrong = |reason: String| {
        let shown = without_credentials(text);
        let reason = url.as_ref().map_or(reason.clone(), |url| reason.replace(url.as_str(), &shown));
        StateError::Url { reason: reason.replace(text, &shown), url: shown }
    };
    let directory = match &url {
        None if !text.contains("://") => Some(PathBuf::from(text)),
        Some(url) if url.scheme() == "file" => {
            Some(url.to_file_path().map_err(|()| wrong("the path in it is not absolute".into()))?)
        }
        None | Some(_) => None,
    };
    if let Some(directory) = directory {
        private::directory(&directory).map_err(|error| wrong(format!("cannot make the directory: {error}")))?;
        // What was saved must outlive a power cut, not only the process.
        let store = LocalFileSystem::new_with_prefix(&directory).map_err(|error| wrong(error.to_string()))?;
        return Ok((Arc::new(store.with_fsync(true)), Some(directory)));
    }
    let Some(url) = &url else { return Err(wrong("it is neither a path nor a URL".into())) };
    let (store, prefix) = of_url(url).map_err(|error| wrong(error.to_string()))?;
    Ok(if prefix == Path::default() { (store, None) } else { (Arc::new(PrefixStore::new(store, prefix)), None) })
}

fn of_url(url: &Url) -> object_store::Result<(Arc<dyn ObjectStore>, Path)> {
    if let (ObjectStoreScheme::AmazonS3, prefix) = ObjectStoreScheme::parse(url)? {
        return Ok((Arc::new(s3::builder(url.as_str()).build()?), prefix));
    }
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let is_of_store = ["AZURE_", "GOOGLE_"].iter().any(|prefix| name.starts_with(prefix));
        is_of_store.then(|| (name.to_ascii_lowercase(), value))
    });
    let (store, prefix) = parse_url_opts(url, settings)?;
    Ok((Arc::from(store), prefix))
}
