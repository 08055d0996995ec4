//! The contract of Firehose's HTTP endpoint delivery (Firehose developer guide, "HTTP endpoint delivery request and
//! response specifications").
//!
//! A request carries `X-Amz-Firehose-Request-Id` and
//! `{"requestId":"…","timestamp":ms,"records":[{"data":"base64"},…]}`; the answer repeats the request id and has a
//! timestamp, and on errors an `errorMessage` of at most 8,192 characters. Only status 200 is success; 413 makes Firehose
//! give the batch up for good; everything else makes it try again until the stream's retry duration has passed and the
//! batch goes to the error prefix in S3.

use std::borrow::Cow;
use std::fmt;

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::json;

use super::batch::Batch;
use super::json_text::JsonText;

/// The header with the request's id; a request that has it is Firehose's.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-firehose-request-id");
/// The header with the access key, verbatim.
pub const ACCESS_KEY: HeaderName = HeaderName::from_static("x-amz-firehose-access-key");
/// The header with the version of the contract.
pub const PROTOCOL_VERSION: HeaderName = HeaderName::from_static("x-amz-firehose-protocol-version");

/// Characters that an error message may have.
const MESSAGE_CHARACTERS: usize = 8192;
/// Records that a request may have.
pub const MOST_RECORDS: usize = 10_000;

/// The request id of the headers; none if the request is not Firehose's.
pub fn request_id(headers: &HeaderMap) -> Option<String> {
    headers.get(REQUEST_ID).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// The body of an answer at this time, in milliseconds since the Unix epoch.
pub fn answer(request_id: &str, timestamp: i64, error: Option<&str>) -> String {
    let mut answer = json!({ "requestId": request_id, "timestamp": timestamp });
    if let Some(error) = error {
        answer["errorMessage"] = error.chars().take(MESSAGE_CHARACTERS).collect::<String>().into();
    }
    answer.to_string()
}

/// The batch of a request's body, named by the request; or what is wrong with the body.
pub fn batch(request_id: &str, body: &[u8]) -> Result<Batch, String> {
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| {
        format!(r#"the body is not {{"requestId":"…","timestamp":…,"records":[{{"data":"base64"}}]}}: {error}"#)
    })?;
    if request.request_id != request_id {
        return Err(format!(
            "requestId in the body is \"{}\", in the header {REQUEST_ID} it is \"{request_id}\"; they must be the same",
            request.request_id
        ));
    }
    let mut batch = Batch::new(request_id.to_owned());
    let mut data = Vec::new();
    for record in request.records.0 {
        match record.data {
            Data::Text(text) => {
                data.clear();
                match STANDARD.decode_vec(text.as_bytes(), &mut data) {
                    Ok(()) => batch.push(&data),
                    // Against the contract, but not lost: the plugin finds out what it is, or says what is wrong.
                    Err(_) => batch.push(text.as_bytes()),
                }
            }
            Data::Other(text) => batch.push(text.as_bytes()),
        }
    }
    Ok(batch)
}

#[derive(serde::Deserialize)]
struct Request<'a> {
    #[serde(rename = "requestId", borrow)]
    request_id: Cow<'a, str>,
    #[serde(borrow)]
    records: Records<'a>,
}

/// Records, of which no more are read than a request may have.
struct Records<'a>(Vec<Record<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Records<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(AtMost)
    }
}

struct AtMost;

impl<'de> Visitor<'de> for AtMost {
    type Value = Records<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut records = Vec::new();
        while let Some(record) = elements.next_element()? {
            if records.len() == MOST_RECORDS {
                return Err(A::Error::custom(format!(
                    "more than {MOST_RECORDS} records, the most that Firehose sends"
                )));
            }
            records.push(record);
        }
        Ok(Records(records))
    }
}

/// What counts of a record; everything else in it is passed over.
#[derive(serde::Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

/// Base64 by the contract; the guide's example for CloudWatch shows an object in its place.
enum Data<'a> {
    Text(Cow<'a, str>),
    Other(String),
}

impl<'de: 'a, 'a> Deserialize<'de> for Data<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

/// Takes text without copying it, and objects and arrays.
struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Data<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64 text")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Data::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Data::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Self::Value, A::Error> {
        let mut text = String::new();
        JsonText(&mut text).visit_map(members)?;
        Ok(Data::Other(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, values: A) -> Result<Self::Value, A::Error> {
        let mut text = String::new();
        JsonText(&mut text).visit_seq(values)?;
        Ok(Data::Other(text))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn payloads(body: &str) -> Result<Vec<(String, String)>, String> {
        let batch = batch("r", body.as_bytes())?;
        let names = batch.names(0..batch.len());
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ok(batch
            .payloads(0..batch.len(), &names)
            .iter()
            .map(|payload| (payload.id.unwrap().to_owned(), text(payload.data)))
            .collect())
    }

    #[test]
    fn records_become_payloads_with_names() {
        for (records, expected) in [
            ("", vec![]),
            (r#"{"data":"aGVsbG8="},{"data":"d29ybGQ="}"#, vec!["hello", "world"]),
            (r#"{"data":""}"#, vec![""]),
            (r#"{"data":"aGVs\u0062G8="}"#, vec!["hello"]),
            (r#"{"data":{"messageType":"DATA_MESSAGE"}}"#, vec![r#"{"messageType":"DATA_MESSAGE"}"#]),
            (r#"{"data":"no base64"}"#, vec!["no base64"]),
        ] {
            let body = format!(r#"{{"requestId":"r","timestamp":1578090901599,"records":[{records}]}}"#);
            let expected: Vec<(String, String)> =
                expected.iter().enumerate().map(|(i, text)| (format!("r:{i}"), (*text).to_owned())).collect();
            assert_eq!(payloads(&body).unwrap(), expected, "{records}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_body_is_said() {
        for (body, named) in [
            ("", "EOF"),
            ("{}", "requestId"),
            (r#"{"requestId":"r"}"#, "records"),
            (r#"{"requestId":"other","records":[]}"#, "\"other\""),
            (r#"{"requestId":"r","records":[{}]}"#, "data"),
            (r#"{"requestId":"r","records":[{"data":7}]}"#, "base64 text"),
        ] {
            let error = payloads(body).unwrap_err();
            assert!(error.contains(named), "{body}: {error}");
        }
        let many = vec![r#"{"data":""}"#; MOST_RECORDS + 1].join(",");
        assert!(
            payloads(&format!(r#"{{"requestId":"r","records":[{many}]}}"#)).unwrap_err().contains("more than 10000")
        );
    }

    #[test]
    fn an_answer_repeats_the_id_and_bounds_the_message() {
        assert_eq!(answer("r\"1", 1_578_090_903_599, None), r#"{"requestId":"r\"1","timestamp":1578090903599}"#);
        let long: Value = serde_json::from_str(&answer("r", 1, Some(&"é".repeat(10_000)))).unwrap();
        assert_eq!(long["errorMessage"].as_str().unwrap().chars().count(), 8_192);
    }
}
