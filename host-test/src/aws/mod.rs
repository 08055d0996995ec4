//! Clients of AWS services: region and credentials by the usual chain.

use std::error::Error;

use anyhow::Result;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

use crate::usage::Usage;

pub(crate) mod s3;

/// Finds credentials and region, unless one is given, by the usual chain.
pub(crate) fn loader(region: Option<&str>) -> ConfigLoader {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http);
    match region {
        Some(region) => loader.region(Region::new(region.to_owned())),
        None => loader,
    }
}

/// What all clients have in common.
pub async fn configuration(region: Option<&str>) -> Result<SdkConfig> {
    let configuration = loader(region).load().await;
    if configuration.region().is_none() {
        let hint = "no AWS region: give --region, set AWS_REGION, or name one in the profile (~/.aws/config)";
        return Err(Usage(hint.into()).into());
    }
    Ok(configuration)
}

/// A client of Kinesis Data Streams, at the region's endpoint or another one.
pub fn kinesis(configuration: &SdkConfig, endpoint_url: Option<&str>) -> Client {
    let mut builder = aws_sdk_kinesis::config::Builder::from(configuration);
    if let Some(url) = endpoint_url {
        builder = builder.endpoint_url(url);
    }
    Client::from_conf(builder.build())
}

/// What a failed call says, on one line.
pub fn reason<E>(error: &SdkError<E>) -> String
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let text = match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code.to_owned(),
        _ => {
            // With all its causes; its text alone is little more than that it failed.
            let (mut text, mut cause) = (error.to_string(), error.source());
            while let Some(error) = cause {
                text = format!("{text}: {error}");
                cause = error.source();
            }
            text
        }
    };
    text.replace('\n', " ")
}

/// A client of the Simple Queue Service, at the region's endpoint or another one.
pub fn sqs(configuration: &SdkConfig, endpoint_url: Option<&str>) -> aws_sdk_sqs::Client {
    let mut builder = aws_sdk_sqs::config::Builder::from(configuration);
    if let Some(url) = endpoint_url {
        builder = builder.endpoint_url(url);
    }
    aws_sdk_sqs::Client::from_conf(builder.build())
}

/// A client of the Simple Notification Service in a region.
pub async fn sns(region: &str) -> aws_sdk_sns::Client {
    aws_sdk_sns::Client::new(&loader(Some(region)).load().await)
}
