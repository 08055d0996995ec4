//! Firehose's contract (developer guide, "HTTP endpoint delivery request and response specifications").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::flow_lines::{RECORD_MODE, line, undisturbed};
use super::server::{Server, directory, file, gzip, metric, post};

const ID: &str = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f";

fn delivery(id: &str, records: &[&[u8]]) -> String {
    let records: Vec<_> = records.iter().map(|data| json!({ "data": STANDARD.encode(data) })).collect();
    json!({ "requestId": id, "timestamp": 1_578_090_901_599_i64, "records": records }).to_string()
}

#[tokio::test]
async fn every_request_has_the_answer_that_firehose_expects() {
    let directory = directory("contract");
    let key = file(&directory, "key", "s3cret\n");
    let config = file(&directory, "config.json", RECORD_MODE);
    let server = Server::start(&["--access-key-file", &key, "--config", &config, "--max-body", "1"]).await;
    let good = delivery(ID, &[line(1).as_bytes()]);
    let key = ("X-Amz-Firehose-Access-Key", "s3cret");
    let id = ("X-Amz-Firehose-Request-Id", ID);
    let gzipped = ("Content-Encoding", "gzip");
    let large = delivery(ID, &[&[b'x'; 1 << 20]]);
    let bomb = gzip(&vec![b' '; 3 << 20]);
    assert!(bomb.len() < 1 << 20);
    for (name, headers, body, status, message) in [
        ("a delivery", &[id, key][..], good.clone().into_bytes(), 200, None),
        ("the same again", &[id, key], good.clone().into_bytes(), 200, None),
        (
            "gzipped",
            &[("X-Amz-Firehose-Request-Id", "2"), key, gzipped],
            gzip(delivery("2", &[b""]).as_bytes()),
            200,
            None,
        ),
        ("no records", &[("X-Amz-Firehose-Request-Id", "3"), key], delivery("3", &[]).into_bytes(), 200, None),
        (
            "a record that is no flow log",
            &[("X-Amz-Firehose-Request-Id", "4"), key],
            delivery("4", &[b"\xff\x00"]).into_bytes(),
            200,
            None,
        ),
        (
            "all headers",
            &[
                ("X-Amz-Firehose-Request-Id", "5"),
                key,
                ("X-Amz-Firehose-Protocol-Version", "1.0"),
                ("X-Amz-Firehose-Source-Arn", "arn:aws:firehose:us-east-1:123456789012:deliverystream/flows"),
                ("X-Amz-Firehose-Common-Attributes", "{\"commonAttributes\":{}}"),
                ("Content-Type", "application/json"),
            ],
            delivery("5", &[line(2).as_bytes()]).into_bytes(),
            200,
            None,
        ),
        ("no key", &[id], good.clone().into_bytes(), 401, Some("access key")),
        (
            "a wrong key",
            &[id, ("X-Amz-Firehose-Access-Key", "s3cre")],
            good.clone().into_bytes(),
            401,
            Some("access key"),
        ),
        (
            "another protocol",
            &[id, key, ("X-Amz-Firehose-Protocol-Version", "2.0")],
            good.clone().into_bytes(),
            400,
            Some("2.0"),
        ),
        ("no JSON", &[id, key], b"{\"requestId\":".to_vec(), 400, Some("EOF")),
        ("another id in the body", &[id, key], delivery("x", &[]).into_bytes(), 400, Some("\"x\"")),
        ("no gzip", &[id, key, gzipped], good.clone().into_bytes(), 400, Some("gzip")),
        ("gzip cut short", &[id, key, gzipped], gzip(good.as_bytes())[..20].to_vec(), 400, Some("gzip")),
        ("another encoding", &[id, key, ("Content-Encoding", "br")], good.clone().into_bytes(), 415, Some("\"br\"")),
        ("too large", &[id, key], large.into_bytes(), 413, Some("--max-body")),
        ("too large unpacked", &[id, key, gzipped], bomb, 413, Some("--max-body")),
    ] {
        let answer = post(&format!("{}/any/path", server.url), headers, body).await;
        let body = answer.json();
        assert_eq!(answer.status, status, "{name}: {body}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
        assert_eq!(answer.header("content-encoding"), None, "{name}");
        assert_eq!(answer.header("content-length"), Some(answer.body.len().to_string().as_str()), "{name}");
        assert_eq!(body["requestId"], headers[0].1, "{name}");
        assert!(body["timestamp"].as_i64().unwrap() > 1_700_000_000_000, "{name}");
        match message {
            None => assert!(body.get("errorMessage").is_none(), "{name}: {body}"),
            Some(named) => assert!(body["errorMessage"].as_str().unwrap().contains(named), "{name}: {body}"),
        }
    }
    for (name, expected) in [
        ("flowscore_batches_total{outcome=\"accepted\"}", 4),
        ("flowscore_batches_total{outcome=\"known\"}", 1),
        ("flowscore_batches_total{outcome=\"refused\"}", 10),
        ("flowscore_records_total{outcome=\"ok\"}", 2),
        ("flowscore_records_total{outcome=\"failed\"}", 2),
    ] {
        assert_eq!(metric(&server, name).await, expected, "{name}");
    }
    let (status, events) = server.stop();
    assert!(status.success());
    let lines: Vec<&str> = events.lines().collect();
    let scores = undisturbed(&config, &format!("{}\n{}\n", line(1), line(2)));
    assert_eq!(scores.lines().collect::<Vec<_>>(), [lines[0], lines[3]]);
    // Records that are no flow logs are told by request and place, with their bytes.
    for (line, id, payload) in [(lines[1], "2:0", ""), (lines[2], "4:0", "/wA=")] {
        let failed: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&failed["type"], &failed["id"], &failed["payload"]),
            (&json!("failed"), &json!(id), &json!(payload))
        );
    }
    assert_eq!(lines.len(), 4);
}
