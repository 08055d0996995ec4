//! Which objects of a bucket are new: notifications of S3, as a queue holds them.
//!
//! | sent by | form |
//! |---|---|
//! | S3 itself | `{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":…},"object":{"key":…}}}]}`, the key as in a URL |
//! | S3 through SNS | `{"Type":"Notification","Message":"…"}` with the above as text; with raw message delivery the above |
//! | EventBridge | `{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":…},"object":{"key":…}}}` |
//!
//! Each names objects; a test message and one of another kind of event, such as a removal, name none.

use serde::Deserialize;

/// Notifications in notifications.
const DEPTH: usize = 4;

/// An object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewObject {
    /// The bucket's name.
    pub bucket: String,
    /// The object's key, as it is.
    pub key: String,
    /// What tells this content from another one under the same key; empty if nothing does.
    pub version: String,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Records")]
    records: Option<Vec<Record>>,
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "Message")]
    message: Option<String>,
    #[serde(rename = "Event")]
    event: Option<String>,
    #[serde(rename = "detail-type")]
    detail_type: Option<String>,
    source: Option<String>,
    detail: Option<Detail>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName", default)]
    event_name: String,
    s3: Option<Detail>,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Option<Bucket>,
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(alias = "eTag")]
    etag: Option<String>,
    #[serde(alias = "versionId", alias = "version-id")]
    version_id: Option<String>,
}

/// The objects that a message names.
///
/// # Errors
///
/// It is no notification of S3; the text says what it lacks.
pub fn objects(message: &str) -> Result<Vec<NewObject>, String> {
    of_message(message, DEPTH)
}

fn of_message(message: &str, depth: usize) -> Result<Vec<NewObject>, String> {
    let no_notification = "it is no notification of S3, SNS or EventBridge";
    if depth == 0 {
        return Err("there are more than four messages in one another".into());
    }
    let message: Message = serde_json::from_str(message).map_err(|error| format!("{no_notification}: {error}"))?;
    if let Some(records) = message.records {
        let mut objects = Vec::new();
        for record in records {
            let detail = record.s3.ok_or("a record in it is not of S3")?;
            if record.event_name.starts_with("ObjectCreated") || record.event_name.starts_with("s3:ObjectCreated") {
                let mut object = detail.object().ok_or("a record in it names no bucket or object")?;
                object.key = decoded(&object.key).ok_or_else(|| format!("the key {:?} is no text", object.key))?;
                objects.push(object);
            }
        }
        return Ok(objects);
    }
    if let (Some("Notification"), Some(inner)) = (message.kind.as_deref(), &message.message) {
        return of_message(inner, depth - 1);
    }
    if message.source.as_deref() == Some("aws.s3") {
        return match (message.detail_type.as_deref(), message.detail) {
            (Some("Object Created"), Some(detail)) => {
                Ok(vec![detail.object().ok_or("its detail names no bucket or object")?])
            }
            _ => Ok(Vec::new()),
        };
    }
    match message.event.as_deref() {
        Some("s3:TestEvent") => Ok(Vec::new()),
        _ => Err(no_notification.into()),
    }
}

impl Detail {
    fn object(self) -> Option<NewObject> {
        let (bucket, object) = (self.bucket?.name, self.object?);
        let version = object.etag.or(object.version_id).unwrap_or_default();
        Some(NewObject { bucket, key: object.key, version: version.trim_matches('"').to_owned() })
    }
}

/// A key as S3 writes it into notifications: percent-encoded, spaces as `+`.
fn decoded(key: &str) -> Option<String> {
    let mut bytes = key.bytes();
    let mut decoded = Vec::with_capacity(key.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: Option<u8>| (byte? as char).to_digit(16);
                (digit(bytes.next())? * 16 + digit(bytes.next())?) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_names_its_objects() {
        let object =
            |key: &str, version: &str| NewObject { bucket: "flows".into(), key: key.into(), version: version.into() };
        let record = |event: &str, key: &str| {
            json!({ "eventSource": "aws:s3", "eventName": event, "eventTime": "2026-01-31T16:21:00.000Z", "s3": {
                "bucket": { "name": "flows", "arn": "arn:aws:s3:::flows" },
                "object": { "key": key, "size": 7, "eTag": "e1", "versionId": "v1", "sequencer": "00" },
            } })
        };
        let s3 = json!({ "Records": [
            record("ObjectCreated:Put", "AWSLogs/aws-account-id%3D1/a+b%C3%BC.gz"),
            record("ObjectRemoved:Delete", "gone"),
            record("ObjectCreated:CompleteMultipartUpload", "c"),
        ] });
        let bridge = |kind: &str| {
            json!({ "version": "0", "detail-type": kind, "source": "aws.s3", "detail": {
                "bucket": { "name": "flows" }, "object": { "key": "a+b%20", "etag": "e2", "version-id": "v" }, "reason": "PutObject",
            } })
        };
        let sns = |message: &serde_json::Value| json!({ "Type": "Notification", "TopicArn": "arn", "Message": message.to_string() });
        let of_s3 = vec![object("AWSLogs/aws-account-id=1/a bü.gz", "e1"), object("c", "e1")];
        for (name, message, expected) in [
            ("S3", s3.clone(), of_s3.clone()),
            ("SNS", sns(&s3), of_s3),
            ("EventBridge", bridge("Object Created"), vec![object("a+b%20", "e2")]),
            ("EventBridge through SNS", sns(&bridge("Object Created")), vec![object("a+b%20", "e2")]),
            ("another event", bridge("Object Deleted"), vec![]),
            ("test", json!({ "Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "flows" }), vec![]),
        ] {
            assert_eq!(objects(&message.to_string()), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_notification_is_said_to_be_none() {
        let deep =
            (0..9).fold("{}".to_owned(), |inner, _| json!({ "Type": "Notification", "Message": inner }).to_string());
        for (message, named) in [
            ("no JSON", "no notification"),
            ("{\"a\":1}", "no notification"),
            (r#"{"Records":[{"kinesis":{}}]}"#, "not of S3"),
            (r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"object":{"key":"a"}}}]}"#, "no bucket"),
            (
                r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{"bucket":{"name":"b"},"object":{"key":"%f"}}}]}"#,
                "no text",
            ),
            (&deep, "four"),
        ] {
            let error = objects(message).unwrap_err();
            assert!(error.contains(named), "{message}: {error}");
        }
    }
}
