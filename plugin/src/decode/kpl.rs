//! Aggregated records of the Kinesis Producer Library (`aggregation-format.md` of awslabs/amazon-kinesis-producer).
//!
//! Bytes: the magic number, a protobuf message `AggregatedRecord`, and the MD5 of that message. As the Kinesis Client
//! Library does, a record whose checksum differs, or whose message does not parse, is no aggregate but a plain record
//! that happens to begin alike. In contrast to that library, a bad table index costs only the user record that has it,
//! and user records are not compared with the shard's hash key range: nothing is lost silently after a reshard.

use super::engine::Engine;
use super::layer::{KPL_DIGEST, KPL_MAGIC};
use super::outcome::{Context, Envelope, Sink};
use crate::failure::{Failure, Layer};
use md5::{Digest as _, Md5};
use std::borrow::Cow;

/// The checked message of an aggregate, or why `bytes` are none.
fn message(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let body = bytes.get(KPL_MAGIC.len()..).unwrap_or_default();
    let (message, digest) = body.split_last_chunk::<KPL_DIGEST>().ok_or("it is too short")?;
    if Md5::digest(message)[..] != digest[..] {
        return Err("its MD5 does not match");
    }
    // Everything is parsed before the first user record is passed on: an aggregate is whole or is none.
    let mut fields = Fields { rest: message };
    while let Some((number, value)) = fields.next().map_err(|()| BROKEN)? {
        match (number, value) {
            (1 | 2, Value::Bytes(_)) => {}
            (3, Value::Bytes(record)) => {
                UserRecord::parse(record).map_err(|()| BROKEN)?;
            }
            (1..=3, _) => return Err(BROKEN),
            _ => {}
        }
    }
    Ok(message)
}

const BROKEN: &str = "its protobuf message does not parse";

impl<S: Sink + ?Sized> Engine<'_, S> {
    /// Passes on each user record of an aggregate.
    pub(super) fn aggregate(&mut self, bytes: &[u8], context: &Context<'_>, depth: usize) {
        let message = match message(bytes) {
            Ok(message) => message,
            Err(why) => {
                let reason = format!(
                    "the data begins as a KPL aggregate but {why}, so that it is a plain record, and as such it is neither \
                     text nor compressed; it was damaged on the way or belongs to another format"
                );
                return self.failed(Failure::new(Layer::Kpl, 0, reason), bytes, context);
            }
        };
        let mut tables = [Vec::new(), Vec::new()];
        let mut fields = Fields { rest: message };
        while let Ok(Some((number, Value::Bytes(key)))) = fields.next_bytes() {
            let table = match number {
                1 => &mut tables[0],
                2 => &mut tables[1],
                _ => continue,
            };
            if table.len() >= self.limits.records {
                let reason = format!(
                    "the aggregate has more than {} keys (limit records = {}); raise it if the data is genuine",
                    self.limits.records, self.limits.records
                );
                return self.failed(Failure::new(Layer::Kpl, 0, reason), bytes, context);
            }
            table.push(key);
        }
        let [keys, hash_keys] = tables;
        let mut position = 0;
        let mut fields = Fields { rest: message };
        while let Ok(Some((number, Value::Bytes(raw)))) = fields.next_bytes() {
            let (3, Ok(record)) = (number, UserRecord::parse(raw)) else { continue };
            let sub_sequence_number = Some(position);
            position += 1;
            let (envelope, layers) = context.inside(Envelope::Kpl);
            let inner = Context { envelope, layers, sub_sequence_number, ..*context };
            let offset = KPL_MAGIC.len() + message.len() - fields.rest.len() - raw.len();
            let Some(key) = look_up(&keys, record.key) else {
                let reason = index_reason("partition key", record.key, keys.len());
                self.failed(Failure::new(Layer::Kpl, offset, reason), raw, &inner);
                continue;
            };
            let hash_key = match record.hash_key.map(|index| (index, look_up(&hash_keys, index))) {
                None => None,
                Some((_, Some(key))) => Some(key),
                Some((index, None)) => {
                    let reason = index_reason("explicit hash key", index, hash_keys.len());
                    self.failed(Failure::new(Layer::Kpl, offset, reason), raw, &inner);
                    continue;
                }
            };
            let inner = Context { partition_key: Some(&key), explicit_hash_key: hash_key.as_deref(), ..inner };
            self.inner(record.data, raw.len(), &inner, depth);
            if self.stopped() {
                return;
            }
        }
        if position == 0 {
            self.dropped("the KPL aggregate holds no user records", context);
        }
    }
}

fn look_up<'a>(table: &[&'a [u8]], index: u64) -> Option<Cow<'a, str>> {
    table.get(usize::try_from(index).ok()?).map(|key| String::from_utf8_lossy(key))
}

fn index_reason(table: &str, index: u64, length: usize) -> String {
    format!("the user record names {table} {index}, but the table has {length}; the aggregate is damaged")
}

/// Message `Record` (fields 1 to 3; tags are unused).
struct UserRecord<'a> {
    key: u64,
    hash_key: Option<u64>,
    data: &'a [u8],
}

impl<'a> UserRecord<'a> {
    fn parse(message: &'a [u8]) -> Result<Self, ()> {
        let (mut key, mut hash_key, mut data) = (None, None, None);
        let mut fields = Fields { rest: message };
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, Value::Number(index)) => key = Some(index),
                (2, Value::Number(index)) => hash_key = Some(index),
                (3, Value::Bytes(bytes)) => data = Some(bytes),
                (1..=3, _) => return Err(()),
                _ => {}
            }
        }
        Ok(UserRecord { key: key.ok_or(())?, hash_key, data: data.ok_or(())? })
    }
}

/// A protobuf field's value.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// A fixed-width number, of which no field here has use.
    Fixed,
}

/// The fields of a protobuf message.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, ()> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Number(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = self.varint()?;
                Value::Bytes(self.take(usize::try_from(length).map_err(drop)?)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return Err(()),
        };
        if tag >> 3 == 0 { Err(()) } else { Ok(Some((tag >> 3, value))) }
    }

    /// The next field that holds bytes.
    fn next_bytes(&mut self) -> Result<Option<(u64, Value<'a>)>, ()> {
        loop {
            match self.next()? {
                Some((_, Value::Number(_) | Value::Fixed)) => {}
                other => return Ok(other),
            }
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ()> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(())?;
        self.rest = rest;
        Ok(taken)
    }

    fn varint(&mut self) -> Result<u64, ()> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first().ok_or(())?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(())
    }
}
