//! Buckets of S3, as object stores.

use std::pin::Pin;
use std::sync::Arc;

use aws_sdk_kinesis::config::{ProvideCredentials, SharedCredentialsProvider};
use object_store::CredentialProvider;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use tokio::sync::OnceCell;

/// The setting that holds the region.
pub(crate) const REGION: AmazonS3ConfigKey = AmazonS3ConfigKey::Region;

/// A store with the settings of the environment, under the names that AWS' own tools use (`AWS_REGION`, `AWS_ENDPOINT_URL`, …),
/// and credentials by the usual chain.
pub(crate) fn builder(url: &str) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::from_env().with_url(url);
    // Who names an endpoint without TLS means it.
    if builder.get_config_value(&AmazonS3ConfigKey::Endpoint).is_some_and(|endpoint| endpoint.starts_with("http://")) {
        builder = builder.with_allow_http(true);
    }
    // Without keys in the environment: the chain that finds them for Kinesis, too.
    match builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId) {
        Some(_) => builder,
        None => builder.with_credentials(Arc::new(Chain::default())),
    }
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
        let provider = self.0.get_or_init(async || super::loader(None).load().await.credentials_provider()).await;
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
