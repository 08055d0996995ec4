//! One shard, read to its end.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_kinesis::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kinesis::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_kinesis::operation::get_records::GetRecordsOutput;
use aws_sdk_kinesis::primitives::{DateTime, DateTimeFormat};
use aws_sdk_kinesis::types::ShardIteratorType;
use tokio::sync::mpsc::Sender;
use tokio::time::Instant;

use super::align::Record;
use crate::aws;
use crate::sink::Retries;
use crate::sink::backoff::Backoff;
use crate::state::{Read, Start};

/// Time between two calls while there is more to read. A shard takes 5 calls a second from all of its readers together
/// (Kinesis Data Streams developer guide, "Quotas and limits"); this leaves one for others.
const PACE: Duration = Duration::from_millis(250);
/// The same at the tip of the shard.
const IDLE: Duration = Duration::from_secs(1);
/// Records of one call, at most: the service's own limit.
const LIMIT: i32 = 10_000;
/// How long after it arrived a record may become visible, in milliseconds.
const HOLD: i64 = 1_000;
/// Failures in a row before an error that should pass is taken for one that doesn't: with the waits between
/// them about four minutes, at most eight, and the time of the calls.
const ATTEMPTS: u32 = 30;
/// Failures in a row that a person should know of: one of a call passes by itself as a rule, and too many calls are a matter
/// of course where several readers share a shard.
const TELL: u32 = 2;
const TELL_THROTTLED: u32 = 8;

/// Why reading cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// The service doesn't answer, or is out of order.
    Unavailable(String),
    /// The service refuses, and would again.
    Refused(String),
}

impl SourceError {
    fn in_shard(self, shard: &str) -> Self {
        match self {
            SourceError::Unavailable(reason) => SourceError::Unavailable(format!("cannot read {shard}: {reason}")),
            SourceError::Refused(reason) => SourceError::Refused(format!("cannot read {shard}: {reason}")),
        }
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SourceError::Unavailable(reason) | SourceError::Refused(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for SourceError {}

/// What was read of a shard at once.
#[derive(Debug, Default)]
pub struct Fetched {
    /// Records, in the shard's order.
    pub records: Vec<Record>,
    /// Everything that arrived before this time was read, in milliseconds since the Unix epoch.
    pub known: i64,
    /// Whether nothing came after it when it was read.
    pub at_tip: bool,
    /// Whether the shard is closed and this is all there was.
    pub closed: bool,
    /// How far it is behind the tip, in milliseconds.
    pub behind: i64,
}

/// A message of a shard's reader; after an error there is no other.
pub type Message = Result<Fetched, SourceError>;

/// Reads one shard.
#[derive(Debug)]
pub struct Reader {
    client: Client,
    stream: String,
    shard: Arc<str>,
    read: Read,
    /// What the last answer showed, if the next one doesn't say that the shard had been closed by then.
    shown: Shown,
    /// Counts calls that failed and are tried again.
    retries: Retries,
}

/// What an answer shows besides its records, as long as the shard was open at the time: that of a closed one may look the
/// same once more, and the shards that follow it may hold records of the time.
#[derive(Clone, Copy, Debug, Default)]
struct Shown {
    known: i64,
    is_at_tip: bool,
}

impl Reader {
    /// A reader of a shard of which so much was read before.
    pub fn new(client: &Client, stream: &str, shard: &Arc<str>, read: Read, retries: Retries) -> Self {
        Reader {
            client: client.clone(),
            stream: stream.to_owned(),
            shard: shard.clone(),
            read,
            shown: Shown::default(),
            retries,
        }
    }

    /// Reads until the shard ends, reading cannot go on, or nobody listens any more. It reads ahead as far as the channel
    /// has room.
    pub async fn run(mut self, to: Sender<Message>) {
        let mut iterator = None;
        let mut backoff = Backoff::new(PACE, Duration::from_secs(20));
        let mut next_call = Instant::now();
        let mut is_told = false;
        // None: nobody listens any more.
        while let Ok(room) = to.reserve().await {
            tokio::time::sleep_until(next_call).await;
            next_call = Instant::now() + PACE;
            match self.fetch(&mut iterator).await {
                Ok(None) => {}
                Ok(Some(fetched)) => {
                    if std::mem::take(&mut is_told) {
                        tracing::info!("{} is read again", self.shard);
                    }
                    backoff.reset();
                    if fetched.at_tip {
                        next_call = Instant::now() + IDLE;
                    }
                    let closed = fetched.closed;
                    room.send(Ok(fetched));
                    if closed {
                        return;
                    }
                }
                Err(failure) => {
                    next_call += backoff.next_wait();
                    let tell = if matches!(failure, Failure::Throttled(_)) { TELL_THROTTLED } else { TELL };
                    let error = match failure {
                        Failure::Passing(reason) if backoff.attempts() >= ATTEMPTS => SourceError::Unavailable(reason),
                        Failure::Lasting(reason) => SourceError::Refused(reason),
                        Failure::Passing(reason) | Failure::Throttled(reason) => {
                            self.retries.fetch_add(1, Ordering::Relaxed);
                            if backoff.attempts() >= tell && backoff.is_news() {
                                is_told = true;
                                tracing::warn!("cannot read {}: {reason}; trying again", self.shard);
                            }
                            continue;
                        }
                    };
                    room.send(Err(error.in_shard(&self.shard)));
                    return;
                }
            }
        }
    }

    /// One call; none if an iterator had expired.
    async fn fetch(&mut self, iterator: &mut Option<String>) -> Result<Option<Fetched>, Failure> {
        let current = match iterator.take() {
            Some(iterator) => iterator,
            None => match self.iterator().await? {
                Some(iterator) => iterator,
                None => return Ok(Some(Fetched { closed: true, at_tip: true, ..Fetched::default() })),
            },
        };
        let date = ServerDate::default();
        let call = self.client.get_records().shard_iterator(&current).limit(LIMIT);
        match call.customize().interceptor(date.clone()).send().await {
            Ok(answer) => {
                *iterator = answer.next_shard_iterator.clone();
                let fetched = fetched(answer, date.milliseconds(), &mut self.shown);
                if let Some(last) = fetched.records.last() {
                    let position = crate::state::Position { sequence: last.sequence.clone(), sub_sequence: None };
                    self.read = Read::UpTo(position);
                }
                Ok(Some(fetched))
            }
            // After five minutes. The next one begins after the last record that was read.
            Err(error) if error.code() == Some("ExpiredIteratorException") => Ok(None),
            Err(error) => {
                let failure = Failure::of(&error);
                *iterator = Some(current);
                Err(failure)
            }
        }
    }

    /// An iterator after what was read; none if that is all.
    async fn iterator(&self) -> Result<Option<String>, Failure> {
        let call = self.client.get_shard_iterator().stream_name(&self.stream).shard_id(&*self.shard);
        let call = match &self.read {
            Read::Nothing(Start::TrimHorizon) => call.shard_iterator_type(ShardIteratorType::TrimHorizon),
            Read::Nothing(Start::Timestamp(time)) => {
                call.shard_iterator_type(ShardIteratorType::AtTimestamp).timestamp(DateTime::from_millis(*time))
            }
            Read::UpTo(position) => call
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .starting_sequence_number(&position.sequence),
            Read::All => return Ok(None),
        };
        match call.send().await {
            Ok(answer) => Ok(answer.shard_iterator),
            Err(error) => Err(Failure::of(&error)),
        }
    }
}

fn fetched(answer: GetRecordsOutput, now: i64, shown: &mut Shown) -> Fetched {
    let closed = answer.next_shard_iterator.is_none();
    let behind = answer.millis_behind_latest.unwrap_or(0).max(0);
    let is_at_tip = behind == 0 && answer.records.is_empty();
    let before = std::mem::replace(shown, Shown { known: now - behind - HOLD, is_at_tip });
    let records = answer.records.into_iter().map(|record| Record {
        arrived: record.approximate_arrival_timestamp.and_then(|time| time.to_millis().ok()).unwrap_or(now),
        sequence: record.sequence_number,
        data: record.data.into_inner(),
    });
    Fetched {
        records: records.collect(),
        // A closed shard doesn't say when it was closed.
        known: if closed { 0 } else { before.known },
        at_tip: closed || (before.is_at_tip && is_at_tip),
        closed,
        behind: if closed { 0 } else { behind },
    }
}

/// Why a call failed.
enum Failure {
    /// Too many calls or bytes for now.
    Throttled(String),
    /// It may go well the next time.
    Passing(String),
    /// It won't.
    Lasting(String),
}

impl Failure {
    fn of<E>(error: &SdkError<E>) -> Self
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        let reason = aws::reason(error);
        match error.code() {
            Some("ProvisionedThroughputExceededException" | "LimitExceededException" | "KMSThrottlingException") => {
                Failure::Throttled(reason)
            }
            // A token that has just expired is replaced by the chain of credentials.
            Some("ExpiredTokenException" | "ExpiredToken" | "RequestExpired" | "InternalFailure") | None => {
                Failure::Passing(reason)
            }
            Some(_) if error.raw_response().is_some_and(|response| response.status().is_server_error()) => {
                Failure::Passing(reason)
            }
            // The sequence numbers of another stream of the same name are no arguments for this one.
            Some("InvalidArgumentException" | "ResourceNotFoundException") => Failure::Lasting(format!(
                "{reason} If the stream was deleted and made anew, start with --discard state"
            )),
            Some(_) => Failure::Lasting(reason),
        }
    }
}

/// The time of an answer by the service's own clock, in whole seconds; by that of this machine where the answer has none.
#[derive(Clone, Debug, Default)]
struct ServerDate(Arc<Mutex<Option<i64>>>);

impl ServerDate {
    fn milliseconds(&self) -> i64 {
        let told = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64))
    }
}

impl Intercept for ServerDate {
    fn name(&self) -> &'static str {
        "ServerDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, DateTimeFormat::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.secs() * 1000);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with records that arrived at these times.
    fn answer(arrived: &[i64], next: Option<&str>, behind: i64) -> GetRecordsOutput {
        let record = |time: &i64| {
            let record = aws_sdk_kinesis::types::Record::builder().sequence_number(time.to_string());
            let record = record.data(Vec::new().into()).partition_key("a");
            record.approximate_arrival_timestamp(DateTime::from_millis(*time)).build().unwrap()
        };
        GetRecordsOutput::builder()
            .set_records(Some(arrived.iter().map(record).collect()))
            .set_next_shard_iterator(next.map(str::to_owned))
            .millis_behind_latest(behind)
            .build()
            .unwrap()
    }

    #[test]
    fn an_empty_answer_says_something_only_if_the_next_one_does_not_end_the_shard() {
        let mut shown = Shown::default();
        let mut fetch = |arrived: &[i64], next, behind, now| {
            let fetched = fetched(answer(arrived, next, behind), now, &mut shown);
            (fetched.records.len(), fetched.known, fetched.at_tip, fetched.closed)
        };
        assert_eq!(fetch(&[10_000, 20_000], Some("a"), 0, 50_000), (2, 0, false, false));
        assert_eq!(fetch(&[], Some("b"), 0, 51_000), (0, 50_000 - HOLD, false, false));
        assert_eq!(fetch(&[], Some("c"), 0, 52_000), (0, 51_000 - HOLD, true, false));
        // It had been closed at some time before 52 s, and its children may hold records since then.
        assert_eq!(fetch(&[], None, 0, 53_000), (0, 0, true, true));
    }

    #[test]
    fn far_behind_the_tip_an_answer_shows_the_time_that_it_has_come_to() {
        let mut shown = Shown::default();
        fetched(answer(&[], Some("a"), 40_000), 100_000, &mut shown);
        assert_eq!(fetched(answer(&[], Some("b"), 0), 100_000, &mut shown).known, 60_000 - HOLD);
    }
}
