//! A stream of a local Kinesis.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType, StreamStatus};

use crate::services::Service;

pub(crate) struct LocalStream {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

/// The one stream there is.
pub(crate) const NAME: &str = "flows";

impl LocalStream {
    pub(crate) fn create(service: &Service, shards: i32) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(&service.url);
        let stream = LocalStream { runtime, client: Client::from_conf(config.build()) };
        let create = stream.client.create_stream().stream_name(NAME).shard_count(shards);
        stream.runtime.block_on(create.send()).unwrap();
        stream.settle();
        stream
    }

    /// Waits until the last change of the stream has taken place.
    fn settle(&self) {
        loop {
            let describe = self.client.describe_stream_summary().stream_name(NAME);
            let summary = self.runtime.block_on(describe.send()).unwrap().stream_description_summary.unwrap();
            if summary.stream_status == StreamStatus::Active {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn put(&self, records: &[(String, Vec<u8>)]) {
        let entries = records.iter().map(|(key, data)| {
            PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data.clone())).build().unwrap()
        });
        let put = self.client.put_records().stream_name(NAME).set_records(Some(entries.collect()));
        assert_eq!(self.runtime.block_on(put.send()).unwrap().failed_record_count, Some(0));
    }

    /// As many requests as it takes.
    pub(crate) fn put_all(&self, records: &[(String, Vec<u8>)]) {
        records.chunks(200).for_each(|records| self.put(records));
    }

    /// Splits a shard in the middle.
    pub(crate) fn split(&self, shard: &str) {
        let middle = (u128::MAX / 2 + 1).to_string();
        let split = self.client.split_shard().stream_name(NAME).shard_to_split(shard).new_starting_hash_key(middle);
        self.runtime.block_on(split.send()).unwrap();
        self.settle();
    }

    pub(crate) fn shards(&self) -> Vec<String> {
        let listed = self.runtime.block_on(self.client.list_shards().stream_name(NAME).send()).unwrap();
        listed.shards().iter().map(|shard| shard.shard_id().to_owned()).collect()
    }

    /// All records of a shard: sequence number and data.
    pub(crate) fn records(&self, shard: &str) -> Vec<(String, Vec<u8>)> {
        let iterator = self.client.get_shard_iterator().stream_name(NAME).shard_id(shard);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
        let mut iterator = self.runtime.block_on(iterator.send()).unwrap().shard_iterator;
        let mut records = Vec::new();
        while let Some(next) = iterator {
            let page = self.runtime.block_on(self.client.get_records().shard_iterator(next).send()).unwrap();
            records.extend(
                page.records()
                    .iter()
                    .map(|record| (record.sequence_number().to_owned(), record.data().as_ref().to_vec())),
            );
            iterator =
                page.next_shard_iterator.filter(|_| page.millis_behind_latest != Some(0) || !page.records.is_empty());
        }
        records
    }
}
