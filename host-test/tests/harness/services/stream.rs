//! Streams of a local Kinesis, and changes to them.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, Shard, ShardIteratorType, StreamStatus};

use super::Service;

/// A stream of a local service.
#[derive(Clone)]
pub struct LocalStream {
    runtime: Arc<tokio::runtime::Runtime>,
    client: Client,
    name: String,
}

impl LocalStream {
    pub fn create(service: &Service, name: &str, shards: i32) -> Self {
        let runtime =
            Arc::new(tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap());
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(&service.url);
        let stream = LocalStream { runtime, client: Client::from_conf(config.build()), name: name.into() };
        let create = stream.client.create_stream().stream_name(name).shard_count(shards);
        stream.runtime.block_on(create.send()).unwrap();
        stream.settle();
        stream
    }

    /// Waits until the last change of the stream has taken place.
    fn settle(&self) {
        loop {
            let describe = self.client.describe_stream_summary().stream_name(&self.name);
            let summary = self.runtime.block_on(describe.send()).unwrap().stream_description_summary.unwrap();
            if summary.stream_status == StreamStatus::Active {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn put(&self, records: &[(String, Vec<u8>)]) {
        let entries = records.iter().map(|(key, data)| {
            PutRecordsRequestEntry::builder().partition_key(key).data(Blob::new(data.clone())).build().unwrap()
        });
        let put = self.client.put_records().stream_name(&self.name).set_records(Some(entries.collect()));
        assert_eq!(self.runtime.block_on(put.send()).unwrap().failed_record_count, Some(0));
    }

    /// The names of all shards, closed ones too, the oldest first.
    pub fn shards(&self) -> Vec<String> {
        let list = self.client.list_shards().stream_name(&self.name);
        let shards = self.runtime.block_on(list.send()).unwrap().shards.unwrap();
        shards.into_iter().map(|shard| shard.shard_id).collect()
    }

    /// All records of a shard: sequence number and data.
    pub fn records_of(&self, shard: &str) -> Vec<(String, Vec<u8>)> {
        let iterator = self.client.get_shard_iterator().stream_name(&self.name).shard_id(shard);
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
        let mut iterator = self.runtime.block_on(iterator.send()).unwrap().shard_iterator;
        let mut records = Vec::new();
        while let Some(next) = iterator {
            let page = self.runtime.block_on(self.client.get_records().shard_iterator(next).send()).unwrap();
            let is_last = page.records.is_empty() && page.millis_behind_latest == Some(0);
            records.extend(page.records.into_iter().map(|record| (record.sequence_number, record.data.into_inner())));
            iterator = page.next_shard_iterator.filter(|_| !is_last);
        }
        records
    }

    /// Open shards, by their ranges.
    fn open_shards(&self) -> Vec<Shard> {
        let list = self.client.list_shards().stream_name(&self.name);
        let mut shards = self.runtime.block_on(list.send()).unwrap().shards.unwrap();
        shards.retain(|shard| shard.sequence_number_range().unwrap().ending_sequence_number().is_none());
        shards.sort_by_key(|shard| range(shard).0);
        shards
    }

    /// Splits the largest shard.
    pub fn split(&self) {
        let shards = self.open_shards();
        let shard = shards.iter().max_by_key(|shard| range(shard).1 - range(shard).0).unwrap();
        let middle = range(shard).0 + (range(shard).1 - range(shard).0) / 2;
        let split = self.client.split_shard().stream_name(&self.name).shard_to_split(shard.shard_id());
        self.runtime.block_on(split.new_starting_hash_key(middle.to_string()).send()).unwrap();
        self.settle();
    }

    /// Merges the first two shards.
    pub fn merge(&self) {
        let shards = self.open_shards();
        let merge = self.client.merge_shards().stream_name(&self.name).shard_to_merge(shards[0].shard_id());
        self.runtime.block_on(merge.adjacent_shard_to_merge(shards[1].shard_id()).send()).unwrap();
        self.settle();
    }

    /// All records of a stream with one shard.
    pub fn records(&self) -> Vec<String> {
        let shard = self.open_shards().remove(0);
        let iterator = self.client.get_shard_iterator().stream_name(&self.name).shard_id(shard.shard_id());
        let iterator = iterator.shard_iterator_type(ShardIteratorType::TrimHorizon);
        let iterator = self.runtime.block_on(iterator.send()).unwrap().shard_iterator;
        let records = self.client.get_records().set_shard_iterator(iterator);
        let records = self.runtime.block_on(records.send()).unwrap().records;
        records.into_iter().map(|record| String::from_utf8(record.data.into_inner()).unwrap()).collect()
    }
}

fn range(shard: &Shard) -> (u128, u128) {
    let range = shard.hash_key_range().unwrap();
    (range.starting_hash_key().parse().unwrap(), range.ending_hash_key().parse().unwrap())
}
