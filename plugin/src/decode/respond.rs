//! Answers to Firehose data transformations and Kinesis Analytics preprocessing requests.
//!
//! Both services send records with a `recordId` and expect each id back exactly once, with a result (Firehose developer
//! guide, "Transform source data"; Kinesis Data Analytics developer guide, "Lambda preprocessor": the contracts are the
//! same).

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;

use crate::json::Writer;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Its data goes on.
    Ok,
    /// It was removed on purpose; the service counts it as a success.
    Dropped,
    /// It could not be processed: the service sets it aside, in its error stream or under `processing-failed/`.
    ProcessingFailed,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Verdict::Ok => "Ok",
            Verdict::Dropped => "Dropped",
            Verdict::ProcessingFailed => "ProcessingFailed",
        }
    }
}

/// The answer to a request, built record by record in the request's order.
#[derive(Debug)]
pub struct Response {
    json: Vec<u8>,
    empty: bool,
}

impl Default for Response {
    fn default() -> Self {
        Response { json: Vec::from("{\"records\":["), empty: true }
    }
}

impl Response {
    /// Adds a record. `data` is sent as base64.
    pub fn push(&mut self, record_id: &str, verdict: Verdict, data: &[u8]) {
        self.push_encoded(record_id, verdict, &STANDARD.encode(data));
    }

    /// Adds a record whose data is base64 already, as that of a record that could not be processed.
    pub fn push_encoded(&mut self, record_id: &str, verdict: Verdict, data: &str) {
        if !std::mem::take(&mut self.empty) {
            self.json.push(b',');
        }
        let mut record = Writer::compact(&mut self.json);
        record.open(b'{');
        record.key("recordId").text(record_id);
        record.key("result").text(verdict.name());
        record.key("data").quoted(|out| out.extend_from_slice(data.as_bytes()));
        record.close(b'}');
    }

    /// Bytes of the answer so far.
    pub fn len(&self) -> usize {
        self.json.len()
    }

    /// Whether there is no record in it.
    pub fn is_empty(&self) -> bool {
        self.empty
    }

    /// The answer as JSON.
    pub fn finish(mut self) -> String {
        self.json.extend_from_slice(b"]}");
        // Only text and escaped text were written.
        String::from_utf8(self.json).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_is_answered_in_order() {
        let mut response = Response::default();
        response.push("1", Verdict::Ok, b"hello");
        response.push("a\"b", Verdict::Dropped, b"");
        response.push("3", Verdict::ProcessingFailed, b"\xff");
        assert_eq!(
            response.finish(),
            r#"{"records":[{"recordId":"1","result":"Ok","data":"aGVsbG8="},{"recordId":"a\"b","result":"Dropped","data":""},{"recordId":"3","result":"ProcessingFailed","data":"/w=="}]}"#
        );
        assert_eq!(Response::default().finish(), r#"{"records":[]}"#);
    }
}
