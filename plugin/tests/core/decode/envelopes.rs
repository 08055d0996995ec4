//! Each envelope, as its service's guide shows it, with the records it must give.

use super::encode::{base64, cloudwatch, gzip, kpl, md5};
use super::recorder::{decode, decode_with_context, decode_within};
use flowscore::decode::Limits;

const LINE: &str = "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK";

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn one(payload: &[u8], what: &str, context: &str) {
    assert_eq!(decode_with_context(payload), [(what.to_owned(), context.to_owned())]);
}

/// CloudWatch Logs user guide, "Log group-level subscription filters"; with the keys that account-level filters and
/// space-delimited patterns add.
#[test]
fn cloudwatch_logs_document() {
    let header = "CloudWatch owner=123456789012 group=VPCFlowLogs stream=eni-1235b8ca123456789-all";
    let event =
        |id: &str, time: &str, line: &str| (format!("event {line}"), format!("{header} event={id} time={time}"));
    let expected = [event("1", "1432826855000", "a"), event("2", "1432826856000", "b \"quoted\" \u{e9}\t")];

    let usual = cloudwatch(&["a", "b \"quoted\" \u{e9}\t"]);
    assert_eq!(decode_with_context(&usual), expected, "usual spelling");
    assert_eq!(decode_with_context(&gzip(&usual)), expected, "gzip, as Kinesis gives it");
    assert_eq!(decode_with_context(&base64(&gzip(&usual))), expected, "base64 of gzip, as the CLI prints it");

    let other_order = br#" { "logEvents" : [ {"message":"a","extractedFieldsX":1,"timestamp":"1432826855000","id":"1"} ,
        { "timestamp" : 1432826856000, "policy":{"a":[1,{"b":null}]}, "id" : "2", "message" : "b \"quoted\" \u00e9\t" } ] ,
        "policyLevel":"ACCOUNT_LEVEL_POLICY", "subscriptionFilters":[], "logStream":"eni-1235b8ca123456789-all",
        "logGroup":"VPCFlowLogs", "owner":"123456789012", "messageType":"DATA_MESSAGE" } "#;
    assert_eq!(decode_with_context(other_order), expected, "events first, white space, string timestamps");
}

#[test]
fn cloudwatch_extracted_fields_are_passed_on_as_they_stand() {
    let payload = br#"{"messageType":"DATA_MESSAGE","owner":"1","logGroup":"g","logStream":"s","logEvents":[
        {"id":"7","timestamp":1,"message":"2 -","extractedFields":{"version":"2","bytes":"-"}}]}"#;
    assert_eq!(decode(payload), [r#"event 2 - fields {"version":"2","bytes":"-"}"#]);
}

/// AWS Lambda developer guide, "Using Lambda with CloudWatch Logs": the sample event.
#[test]
fn lambda_event_of_a_subscription() {
    let payload = br#"{"awslogs":{"data":"H4sIAAAAAAAAAHWPwQqCQBCGX0Xm7EFtK+smZBEUgXoLCdMhFtKV3akI8d0bLYmibvPPN3wz00CJxmQnTO41whwWQRIctmEcB6sQbFC3CjW3XW8kxpOpP+OC22d1Wml1qZkQGtoMsScxaczKN3plG8zlaHIta5KqWsozoTYw3/djzwhpLwivWFGHGpAFe7DL68JlBUk+l7KSN7tCOEJ4M3/qOI49vMHj+zCKdlFqLaU2ZHV2a4Ct/an0/ivdX8oYc1UVX860fQDQiMdxRQEAAA=="}}"#;
    let context = "CloudWatch owner=123456789123 group=testLogGroup stream=testLogStream";
    assert_eq!(
        decode_with_context(payload),
        [
            ("event [ERROR] First test message".to_owned(), format!("{context} event=eventId1 time=1440442987000")),
            ("event [ERROR] Second test message".to_owned(), format!("{context} event=eventId2 time=1440442987001")),
        ]
    );
}

/// Public captures of what a subscription sends when it is created.
#[test]
fn control_messages_are_dropped() {
    let control = r#"{"messageType":"CONTROL_MESSAGE","owner":"CloudwatchLogs","logGroup":"","logStream":"","subscriptionFilters":[],"logEvents":[{"id":"","timestamp":1510109208016,"message":"CWL CONTROL MESSAGE: Checking health of destination Firehose."}]}"#;
    let reason = "dropped CloudWatch Logs control message (a test whether the destination is reachable, without data)";
    assert_eq!(decode(control.as_bytes()), [reason]);
    let as_data = control.replace("CONTROL_MESSAGE", "DATA_MESSAGE");
    assert_eq!(decode(as_data.as_bytes()), [reason], "an event without an id and with that text in a data message");
    let both = [control.as_bytes(), &cloudwatch(&["a"])].concat();
    assert_eq!(decode(&both), [reason, "event a"], "documents follow each other without a separator");
}

/// Firehose developer guide, "Decompress CloudWatch Logs": members and documents follow each other in one object.
#[test]
fn concatenated_documents() {
    let documents = [cloudwatch(&["a", "b"]), cloudwatch(&["c"])];
    for separator in ["", "\n", "\r\n", "  "] {
        assert_eq!(decode(&documents.join(separator.as_bytes())), ["event a", "event b", "event c"], "{separator:?}");
    }
    let members: Vec<u8> = documents.iter().flat_map(|document| gzip(document)).collect();
    assert_eq!(decode(&members), ["event a", "event b", "event c"]);
}

/// Amazon VPC user guide, "Publish flow logs to Amazon Data Firehose".
#[test]
fn flow_logs_published_directly_to_firehose() {
    one(format!("{{\"message\":\"{LINE}\"}}").as_bytes(), &format!("line {LINE}"), "FlowLogMessage");
}

/// Kinesis API reference 2013-12-02, `GetRecords`.
#[test]
fn kinesis_get_records() {
    let payload = format!(
        r#"{{"Records":[{{"SequenceNumber":"495","ApproximateArrivalTimestamp":1441215410.867,"Data":"{}","PartitionKey":"k"}},
            {{"Data":"","PartitionKey":"k","SequenceNumber":"496"}}],"NextShardIterator":"AAA","MillisBehindLatest":0}}"#,
        text(base64(LINE.as_bytes()))
    );
    assert_eq!(
        decode_with_context(payload.as_bytes()),
        [
            (format!("line {LINE}"), "KinesisGetRecords arrival=1441215410867 sequence=495 key=k".to_owned()),
            ("dropped the record holds no data".to_owned(), "KinesisGetRecords sequence=496 key=k".to_owned()),
        ]
    );
    let empty = br#"{"Records":[],"NextShardIterator":"AAA","MillisBehindLatest":0}"#;
    assert_eq!(decode(empty), ["dropped the envelope holds no records"]);
}

/// AWS Lambda developer guide, "Using Lambda with Kinesis Data Streams".
#[test]
fn lambda_kinesis_event() {
    let payload = format!(
        r#"{{"Records":[{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":"1","sequenceNumber":"4959","data":"{}",
            "approximateArrivalTimestamp":1545084650.987}},"eventSource":"aws:kinesis","eventVersion":"1.0",
            "eventID":"shardId-000000000006:4959","eventName":"aws:kinesis:record","awsRegion":"us-east-2",
            "eventSourceARN":"arn:aws:kinesis:us-east-2:123456789012:stream/s"}}]}}"#,
        text(base64(&gzip(&cloudwatch(&["a"]))))
    );
    one(
        payload.as_bytes(),
        "event a",
        "CloudWatch owner=123456789012 group=VPCFlowLogs stream=eni-1235b8ca123456789-all event=1 time=1432826855000 \
         arrival=1545084650987 sequence=4959 key=1 shard=shardId-000000000006 \
         arn=arn:aws:kinesis:us-east-2:123456789012:stream/s",
    );
}

/// Firehose developer guide, "Transform source data"; metadata as in aws-lambda-go `events/firehose.go`.
#[test]
fn firehose_transformation_request() {
    let request = |records: &str| {
        format!(
            r#"{{"invocationId":"i-1","deliveryStreamArn":"arn:d","sourceKinesisStreamArn":"arn:k","region":"us-east-1","records":[{records}]}}"#
        )
    };
    let record = |id: &str, data: &str| {
        format!(
            r#"{{"recordId":"{id}","approximateArrivalTimestamp":1643160814345,"data":"{data}","kinesisRecordMetadata":{{"shardId":"shardId-000000000000","partitionKey":"k","sequenceNumber":"49","subsequenceNumber":"","approximateArrivalTimestamp":"2012-04-23T18:25:43.511Z"}}}}"#
        )
    };
    let records = [record("r1", &text(base64(b"one\ntwo"))), record("r2", "%%%%"), record("r3", "")].join(",");
    let recorder = decode_within(Limits::default(), request(&records).as_bytes());
    let context = |id: &str| {
        format!(
            "FirehoseTransformation arrival=1335205543511 record={id} sequence=49 key=k shard=shardId-000000000000 arn=arn:d \
             request=i-1"
        )
    };
    let outcomes: Vec<_> = recorder.outcomes.into_iter().map(|outcome| (outcome.what, outcome.context)).collect();
    assert_eq!(
        outcomes,
        [
            ("line one".to_owned(), context("r1")),
            ("line two".to_owned(), context("r1")),
            (
                "failed base64 at byte 0: a character outside the base64 alphabets (A-Z a-z 0-9 + / - _ =)".to_owned(),
                context("r2")
            ),
            ("dropped the record holds no data".to_owned(), context("r3")),
        ]
    );
    assert_eq!(recorder.brackets, ["+r1", "-r1", "+r2", "-r2", "+r3", "-r3"], "each record can be answered by its id");
}

/// Kinesis Data Analytics for SQL developer guide, "Lambda preprocessor": stamps in seconds, records before the ARNs.
#[test]
fn kinesis_analytics_preprocessing_request() {
    let payload = format!(
        r#"{{"records":[{{"recordId":"r1","data":"{}","kinesisStreamRecordMetadata":{{"shardId":"shardId-7","partitionKey":"k","sequenceNumber":"49","approximateArrivalTimestamp":1520280173}}}}],"invocationId":"i-1","applicationArn":"arn:a","streamArn":"arn:s"}}"#,
        text(base64(LINE.as_bytes()))
    );
    one(
        payload.as_bytes(),
        &format!("line {LINE}"),
        "KinesisAnalytics arrival=1520280173000 record=r1 sequence=49 key=k shard=shardId-7 arn=arn:s request=i-1",
    );
}

/// Firehose developer guide, "HTTP endpoint delivery request and response specifications"; the body may be gzip'd, and
/// the guide's CloudWatch example shows `data` as an object.
#[test]
fn firehose_delivery_request() {
    let payload = format!(
        r#"{{"requestId":"ed4acda5","timestamp":1578090901599,"records":[{{"data":"{}"}},{{"data":{}}}]}}"#,
        text(base64(&gzip(&cloudwatch(&["a"])))),
        text(cloudwatch(&["b"]))
    );
    for body in [payload.clone().into_bytes(), gzip(payload.as_bytes())] {
        assert_eq!(decode(&body), ["event a", "event b"]);
    }
    one(
        br#"{"requestId":"ed4acda5","timestamp":1578090901599,"records":[{"data":"aGVsbG8="}]}"#,
        "line hello",
        "FirehoseDelivery request=ed4acda5",
    );
}

/// `JsonFriendlyRecord` of awslabs/amazon-kinesis-client, alone and inside `processRecords`.
#[test]
fn multi_lang_daemon_records() {
    let record = r#"{"action":"record","data":"aGVsbG8=","partitionKey":"k","sequenceNumber":"49","subSequenceNumber":3,"approximateArrivalTimestamp":1431000000000}"#;
    let context = "MultiLang arrival=1431000000000 sequence=49 sub=3 key=k";
    one(record.as_bytes(), "line hello", context);
    one(
        format!(r#"{{"action":"processRecords","millisBehindLatest":null,"records":[{record}]}}"#).as_bytes(),
        "line hello",
        context,
    );
    one(
        br#"{"action":"record","data":null,"partitionKey":"k","sequenceNumber":"49"}"#,
        "dropped the record holds no data",
        "MultiLang sequence=49 key=k",
    );
}

/// `aggregation-format.md` of awslabs/amazon-kinesis-producer; the vector has keys `a`, `b` and data `hello`, `world`.
#[test]
fn kpl_aggregate() {
    let vector = "f3899ac20a01610a01621a0908001a0568656c6c6f1a0908011a05776f726c647cf45228cd79941b056e6743990bf8ab";
    let vector: Vec<u8> =
        (0..vector.len()).step_by(2).map(|at| u8::from_str_radix(&vector[at..at + 2], 16).unwrap()).collect();
    let expected = [
        ("line hello".to_owned(), "Kpl sub=0 key=a".to_owned()),
        ("line world".to_owned(), "Kpl sub=1 key=b".to_owned()),
    ];
    assert_eq!(decode_with_context(&vector), expected);
    assert_eq!(kpl(&["a", "b"], &[(0, b"hello"), (1, b"world")], md5), vector, "the test's encoder agrees");
    assert_eq!(decode(&base64(&vector)), ["line hello", "line world"]);

    let nested = kpl(&["a"], &[(0, &gzip(&cloudwatch(&["x", "y"]))), (0, b""), (0, b"z")], md5);
    assert_eq!(decode(&nested), ["event x", "event y", "dropped the record holds no data", "line z"]);
}

#[test]
fn a_bad_table_index_costs_one_user_record() {
    let aggregate = kpl(&["a"], &[(0, b"hello"), (9, b"lost"), (0, b"world")], md5);
    assert_eq!(
        decode_with_context(&aggregate),
        [
            ("line hello".to_owned(), "Kpl sub=0 key=a".to_owned()),
            (
                "failed kpl at byte 20: the user record names partition key 9, but the table has 1; the aggregate is damaged"
                    .to_owned(),
                "Kpl sub=1".to_owned()
            ),
            ("line world".to_owned(), "Kpl sub=2 key=a".to_owned()),
        ]
    );
}

#[test]
fn lines_keep_their_order_and_lose_only_their_ends() {
    assert_eq!(
        decode(b"version account-id\r\n2 1\n\n  \n a,b\t\r\n\xef\xbb\xbf"),
        ["line version account-id", "line 2 1", "line  a,b\t", "line \u{feff}"]
    );
    one(LINE.as_bytes(), &format!("line {LINE}"), "");
    assert_eq!(decode(b"\xef\xbb\xbf2 1"), ["line 2 1"], "a byte order mark is no part of the first line");
    let no_data = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA";
    assert_eq!(decode(no_data.as_bytes()), [format!("line {no_data}")], "all characters are in the URL-safe alphabet");
}

#[test]
fn rows() {
    assert_eq!(
        decode(b"{\"a\":1}\n{\"a\":[{}]} {\"b\":2}"),
        [r#"object {"a":1}"#, r#"object {"a":[{}]}"#, r#"object {"b":2}"#]
    );
    assert_eq!(decode(b"[{\"a\":1}, {\"message\":\"m\"}, \"text\"]"), [r#"object {"a":1}"#, "line m", "line text"]);
    assert_eq!(decode(b"[]"), ["dropped the JSON array holds no records"]);
    assert_eq!(decode(b"[ERROR] not JSON"), ["line [ERROR] not JSON"]);
    assert_eq!(
        decode(br#"{"Records":[{"eventName":"PutObject"},{"eventName":"x"}]}"#),
        [r#"object {"eventName":"PutObject"}"#, r#"object {"eventName":"x"}"#],
        "`Records` of another service are rows"
    );
    assert_eq!(decode(br#"{"message":"m","host":"h"}"#), [r#"object {"message":"m","host":"h"}"#]);
}
