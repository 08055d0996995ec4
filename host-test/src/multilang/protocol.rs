//! The lines between the MultiLangDaemon and its child: one JSON object a line, one request at a time.
//!
//! Shapes are those of the daemon's classes (`InitializeMessage`, `ProcessRecordsMessage`, `CheckpointMessage`, … in
//! awslabs/amazon-kinesis-client, module `amazon-kinesis-client-multilang`), which differ from its documentation: a
//! checkpoint has `sequenceNumber` and `subSequenceNumber`, and with any other member the daemon passes the line over
//! while its child waits for an answer for ever.

use std::io::{self, BufRead, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

/// The longest line that is read: a batch of 10,000 records of 10 MiB would be longer, but the daemon reads at most 10 MiB
/// at once from a shard.
const LONGEST_LINE: u64 = 256 << 20;

/// What the daemon asks.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "action", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Message {
    /// This child is for this shard, from this position on. The number may also be a word, `TRIM_HORIZON` or `LATEST`.
    Initialize {
        /// The shard.
        shard_id: String,
        /// What the lease table says was processed last.
        #[serde(default)]
        sequence_number: Option<String>,
    },
    /// Records, de-aggregated, in order.
    ProcessRecords {
        /// The records.
        records: Vec<Record>,
        /// How far they are behind the newest record of the shard.
        #[serde(default)]
        millis_behind_latest: Option<i64>,
    },
    /// The answer to the child's checkpoint.
    Checkpoint {
        /// The simple name of a Java exception; none: done.
        #[serde(default)]
        error: Option<String>,
    },
    /// Another worker has the shard now.
    LeaseLost,
    /// The shard is closed and was read to its end.
    ShardEnded,
    /// The worker stops; another one goes on.
    ShutdownRequested,
    /// What daemons before version 2 of the library said in place of the three above.
    Shutdown {
        /// `TERMINATE`: the shard has ended. `ZOMBIE`: the lease is lost.
        #[serde(default)]
        reason: Option<String>,
    },
}

/// A record of a shard.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// Base64 of the data; none: no data.
    pub data: Option<String>,
    /// The sequence number of the record in the stream.
    pub sequence_number: String,
    /// Which user record of an aggregated record it is.
    pub sub_sequence_number: Option<u64>,
    /// Milliseconds since the Unix epoch.
    pub approximate_arrival_timestamp: Option<f64>,
}

impl Record {
    /// The data. Text that is no base64 is handed on as it is, so that nothing is lost.
    pub fn payload(&self) -> Vec<u8> {
        let text = self.data.as_deref().unwrap_or_default();
        STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec())
    }
}

/// What came of a checkpoint.
#[derive(Debug, PartialEq, Eq)]
pub enum Checkpointed {
    /// It is in the lease table.
    Done,
    /// Not now: the table is throttled or cannot be reached.
    Later(String),
    /// The lease is another worker's.
    LeaseLost,
    /// It was refused.
    Refused(String),
}

/// The two pipes.
pub struct Daemon<R, W> {
    input: R,
    output: W,
}

impl<R: BufRead, W: Write> Daemon<R, W> {
    /// The daemon at the other ends of these.
    pub fn new(input: R, output: W) -> Self {
        Daemon { input, output }
    }

    /// The next request with the name it is answered by; none when the daemon has closed the pipe.
    pub fn next_message(&mut self) -> io::Result<Option<(String, Message)>> {
        loop {
            let mut line = Vec::new();
            if (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                return Ok(None);
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            match serde_json::from_slice::<Value>(&line).and_then(|value| {
                let action = value["action"].as_str().unwrap_or_default().to_owned();
                serde_json::from_value(value).map(|message| (action, message))
            }) {
                Ok(message) => return Ok(Some(message)),
                Err(error) => {
                    let start = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
                    let reason = format!("a line of the daemon is not of its protocol: {error}: {}", start.trim_end());
                    return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
            }
        }
    }

    /// The request with this action was carried out.
    pub fn done(&mut self, action: &str) -> io::Result<()> {
        self.send(&json!({ "action": "status", "responseFor": action }))
    }

    /// Asks for a checkpoint at a position, or after everything that was delivered, and reads the answer.
    pub fn checkpoint(&mut self, at: Option<(&str, Option<u64>)>) -> io::Result<Checkpointed> {
        let (sequence, sub_sequence) = at.map_or((None, None), |(sequence, sub)| (Some(sequence), sub));
        self.send(&json!({
            "action": "checkpoint", "sequenceNumber": sequence, "subSequenceNumber": sub_sequence,
        }))?;
        match self.next_message()? {
            Some((_, Message::Checkpoint { error })) => Ok(match error {
                None => Checkpointed::Done,
                Some(error) => match error.as_str() {
                    "ThrottlingException" | "KinesisClientLibDependencyException" => Checkpointed::Later(error),
                    "ShutdownException" => Checkpointed::LeaseLost,
                    _ => Checkpointed::Refused(error),
                },
            }),
            Some((action, _)) => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the daemon said {action} where it had to answer a checkpoint"),
            )),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        // A line of its own, whatever else may have got into the pipe before.
        writeln!(self.output, "\n{message}")?;
        self.output.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_understood_as_the_daemon_writes_them() {
        let record = Record {
            data: Some("aGVsbG8=".into()),
            sequence_number: "495".into(),
            sub_sequence_number: Some(0),
            approximate_arrival_timestamp: Some(1_431_000_000_000.0),
        };
        for (line, expected) in [
            (
                r#"{"action":"initialize","shardId":"shardId-000000000000","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}"#,
                Message::Initialize {
                    shard_id: "shardId-000000000000".into(),
                    sequence_number: Some("TRIM_HORIZON".into()),
                },
            ),
            (
                r#"{"shardId":"s","sequenceNumber":null,"subSequenceNumber":null,"action":"initialize"}"#,
                Message::Initialize { shard_id: "s".into(), sequence_number: None },
            ),
            (
                r#"{"action":"processRecords","records":[{"action":"record","data":"aGVsbG8=","partitionKey":"k","sequenceNumber":"495","subSequenceNumber":0,"approximateArrivalTimestamp":1431000000000}],"millisBehindLatest":null}"#,
                Message::ProcessRecords { records: vec![record], millis_behind_latest: None },
            ),
            (
                r#"{"action":"processRecords","records":[{"action":"record","data":null,"partitionKey":"k","sequenceNumber":"7","subSequenceNumber":0,"approximateArrivalTimestamp":null}],"millisBehindLatest":0}"#,
                Message::ProcessRecords {
                    records: vec![Record {
                        sequence_number: "7".into(),
                        sub_sequence_number: Some(0),
                        ..Record::default()
                    }],
                    millis_behind_latest: Some(0),
                },
            ),
            (r#"{"action":"leaseLost"}"#, Message::LeaseLost),
            (r#"{"action":"shardEnded"}"#, Message::ShardEnded),
            (r#"{"action":"shutdownRequested"}"#, Message::ShutdownRequested),
            (r#"{"action":"shutdown","reason":"ZOMBIE"}"#, Message::Shutdown { reason: Some("ZOMBIE".into()) }),
        ] {
            let input = format!("\n{line}\n");
            let mut daemon = Daemon::new(input.as_bytes(), Vec::new());
            let (action, message) = daemon.next_message().unwrap().unwrap();
            assert_eq!(message, expected, "{line}");
            daemon.done(&action).unwrap();
            let answer: Value = serde_json::from_slice(&daemon.output).unwrap();
            assert_eq!(answer["action"], "status");
            assert!(line.contains(&format!("\"action\":{}", answer["responseFor"])), "{answer}");
            assert!(daemon.next_message().unwrap().is_none(), "the pipe is closed");
        }
        assert!(Daemon::new(&b"x\n"[..], Vec::new()).next_message().is_err());
    }

    #[test]
    fn a_checkpoint_has_the_members_that_the_daemon_knows_and_its_answer_a_meaning() {
        for (error, expected) in [
            ("null", Checkpointed::Done),
            ("\"ThrottlingException\"", Checkpointed::Later("ThrottlingException".into())),
            ("\"ShutdownException\"", Checkpointed::LeaseLost),
            ("\"InvalidStateException\"", Checkpointed::Refused("InvalidStateException".into())),
        ] {
            let answer = format!(
                "{{\"action\":\"checkpoint\",\"sequenceNumber\":\"9\",\"subSequenceNumber\":1,\"error\":{error}}}\n"
            );
            let mut daemon = Daemon::new(answer.as_bytes(), Vec::new());
            assert_eq!(daemon.checkpoint(Some(("9", Some(1)))).unwrap(), expected);
            let sent: Value = serde_json::from_slice(&daemon.output).unwrap();
            assert_eq!(sent, json!({ "action": "checkpoint", "sequenceNumber": "9", "subSequenceNumber": 1 }));
        }
        let mut daemon = Daemon::new(&b"{\"action\":\"checkpoint\",\"error\":null}\n"[..], Vec::new());
        daemon.checkpoint(None).unwrap();
        let sent: Value = serde_json::from_slice(&daemon.output).unwrap();
        assert_eq!(sent, json!({ "action": "checkpoint", "sequenceNumber": null, "subSequenceNumber": null }));
        let mut wrong = Daemon::new(&b"{\"action\":\"leaseLost\"}\n"[..], Vec::new());
        assert!(wrong.checkpoint(None).unwrap_err().to_string().contains("leaseLost"));
    }
}
