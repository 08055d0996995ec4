//! Stores by URL.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_kinesis::config::{ProvideCredentials, SharedCredentialsProvider};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{CredentialProvider, ObjectStore, ObjectStoreScheme, parse_url_opts};
use tokio::sync::OnceCell;
use url::Url;

use super::StateError;
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
        let mut builder = AmazonS3Builder::from_env().with_url(url.as_str());
        // Without keys in the environment: the chain that finds them for Kinesis, too.
        if builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_none() {
            builder = builder.with_credentials(Arc::new(Chain::default()));
        }
        return Ok((Arc::new(builder.build()?), prefix));
    }
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let is_of_store = ["AZURE_", "GOOGLE_"].iter().any(|prefix| name.starts_with(prefix));
        is_of_store.then(|| (name.to_ascii_lowercase(), value))
    });
    let (store, prefix) = parse_url_opts(url, settings)?;
    Ok((Arc::from(store), prefix))
}

/// Credentials by the usual chain: environment, profile, SSO, web identity, container, instance.
#[derive(Debug, Default)]
struct Chain(OnceCell<Option<SharedCredentialsProvider>>);

impl Chain {
    async fn credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| object_store::Error::Unauthenticated {
            path: "S3".into(),
            source,
        };
        let provider = self.0.get_or_init(async || crate::aws::loader(None).load().await.credentials_provider()).await;
        let provider = provider.as_ref().ok_or_else(|| failed("there are no AWS credentials".into()))?;
        let found = provider.provide_credentials().await.map_err(|error| failed(Box::new(error)))?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().into(),
            secret_key: found.secret_access_key().into(),
            token: found.session_token().map(str::to_owned),
        }))
    }
}

impl CredentialProvider for Chain {
    type Credential = AwsCredential;

    fn get_credential<'a, 'b>(
        &'a self,
    ) -> Pin<Box<dyn Future<Output = object_store::Result<Arc<AwsCredential>>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.credential())
    }
}
