//! The document that a CloudWatch Logs subscription sends (CloudWatch Logs guide, "Log group-level subscription
//! filters").

use super::line::{ACCOUNT, push_number};
use super::random::Random;
use super::wrapping::Wrapping;

const LOG_GROUP: &str = "/vpc/flow-logs";
const FILTER: &str = "flowscore";

/// Collects the lines of one payload and puts them into the form that their wrapping asks for.
#[derive(Debug, Default)]
pub(super) struct Document {
    text: String,
    records: usize,
}

impl Document {
    pub(super) fn len(&self) -> usize {
        self.records
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Appends a line; `timestamp` is the epoch second that the record starts at. Lines hold no character that JSON
    /// escapes.
    pub(super) fn push(&mut self, wrapping: Wrapping, stream: &str, timestamp: i64, id: EventId, line: &str) {
        let out = &mut self.text;
        match wrapping {
            Wrapping::Lines => {
                if self.records > 0 {
                    out.push('\n');
                }
                out.push_str(line);
            }
            Wrapping::Firehose => {
                out.push_str(if self.records > 0 { "\n{\"message\":\"" } else { "{\"message\":\"" });
                out.push_str(line);
                out.push_str("\"}");
            }
            Wrapping::Base64 | Wrapping::Gzip | Wrapping::Json => {
                if self.records == 0 {
                    push_head(out, "DATA_MESSAGE", ACCOUNT, LOG_GROUP, stream, &format!("\"{FILTER}\""));
                } else {
                    out.push(',');
                }
                out.push_str("{\"id\":\"");
                id.push(out);
                out.push_str("\",\"timestamp\":");
                push_number(out, (timestamp * 1000) as u64);
                out.push_str(",\"message\":\"");
                out.push_str(line);
                out.push_str("\"}");
            }
        }
        self.records += 1;
    }

    /// Ends the document and gives its text; the next `push` begins another one.
    pub(super) fn finish<T>(&mut self, wrapping: Wrapping, with: impl FnOnce(&str) -> T) -> T {
        if wrapping.has_envelope() && self.records > 0 {
            self.text.push_str("]}");
        }
        let result = with(&self.text);
        self.text.clear();
        self.records = 0;
        result
    }
}

/// The message by which a subscription tests its destination. It has to be skipped.
pub(super) fn control_message(time: i64) -> String {
    let mut out = String::new();
    push_head(&mut out, "CONTROL_MESSAGE", "CloudwatchLogs", "", "", "");
    out.push_str("{\"id\":\"\",\"timestamp\":");
    push_number(&mut out, (time * 1000) as u64);
    out.push_str(",\"message\":\"CWL CONTROL MESSAGE: Checking health of destination Kinesis stream.\"}]}");
    out
}

fn push_head(out: &mut String, kind: &str, owner: &str, group: &str, stream: &str, filters: &str) {
    let parts = [
        "{\"messageType\":\"",
        kind,
        "\",\"owner\":\"",
        owner,
        "\",\"logGroup\":\"",
        group,
        "\",\"logStream\":\"",
        stream,
        "\",\"subscriptionFilters\":[",
        filters,
        "],\"logEvents\":[",
    ];
    out.extend(parts);
}

/// The id of a log event: 56 decimal digits, unique, the leading ones common to a batch as in captures.
#[derive(Clone, Copy, Debug)]
pub(super) struct EventId {
    /// The first 38 digits.
    batch: (u64, u64),
    /// The last 18.
    sequence: u64,
}

impl EventId {
    /// The first id of a batch.
    pub(super) fn batch(random: &mut Random) -> Self {
        let digits = 1_000_000_000_000_000_000;
        let half = 9_000_000_000_000_000_000;
        let batch = (1_000_000_000_000_000_000 + random.below(half), 1_000_000_000_000_000_000 + random.below(half));
        Self { batch, sequence: random.below(digits / 10) + digits / 10 }
    }

    /// The id after this one.
    pub(super) fn next(&mut self) -> Self {
        self.sequence += 1;
        *self
    }

    fn push(self, out: &mut String) {
        push_number(out, self.batch.0);
        push_number(out, self.batch.1);
        push_number(out, self.sequence);
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_data_message_has_the_documented_keys() {
        let mut document = Document::default();
        let mut id = EventId::batch(&mut Random::substream(1, Purpose::Identity, 0, 0));
        for line in ["2 a", "2 b"] {
            document.push(Wrapping::Json, "eni-1-all", 1_432_826_855, id.next(), line);
        }
        let value: Value = document.finish(Wrapping::Json, |text| serde_json::from_str(text).unwrap());
        assert_eq!(value["messageType"], "DATA_MESSAGE");
        assert_eq!(value["owner"], "123456789012");
        assert_eq!(value["logStream"], "eni-1-all");
        assert_eq!(value["subscriptionFilters"], json!(["flowscore"]));
        assert_eq!(value["logEvents"][1]["message"], "2 b");
        assert_eq!(value["logEvents"][1]["timestamp"], 1_432_826_855_000_u64);
        let ids: Vec<&str> = (0..2).map(|n| value["logEvents"][n]["id"].as_str().unwrap()).collect();
        assert!(ids.iter().all(|id| id.len() == 56) && ids[0] != ids[1]);
    }

    #[test]
    fn a_control_message_has_no_stream_and_an_event_without_id() {
        let value: Value = serde_json::from_str(&control_message(1)).unwrap();
        assert_eq!(value["messageType"], "CONTROL_MESSAGE");
        assert_eq!(value["logStream"], "");
        assert_eq!(value["logEvents"][0]["id"], "");
        assert_eq!(value["logEvents"][0]["timestamp"], 1000);
    }

    #[test]
    fn other_forms_put_a_record_on_each_line() {
        let mut document = Document::default();
        let id = EventId::batch(&mut Random::substream(1, Purpose::Identity, 0, 0));
        let mut both = |wrapping| {
            document.push(wrapping, "s", 1, id, "2 a");
            document.push(wrapping, "s", 1, id, "2 b");
            document.finish(wrapping, str::to_owned)
        };
        assert_eq!(both(Wrapping::Lines), "2 a\n2 b");
        assert_eq!(both(Wrapping::Firehose), "{\"message\":\"2 a\"}\n{\"message\":\"2 b\"}");
    }
}
