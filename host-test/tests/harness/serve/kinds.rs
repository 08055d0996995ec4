//! Every kind of input that people have, by HTTP: the same records as of the payload by itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use flowscore::Scorer;
use serde_json::Value;
use std::io::Write as _;

use super::server::{Server, post};
use crate::kinds::kinds;

/// A configuration under which each record comes out whole.
const RECORDS: &str = r#"{"mode":"record","record":{"columns":["bytes"]}}"#;

/// The records in events.
fn records(events: &[u8]) -> Vec<Value> {
    let lines = events.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let events = lines.map(|line| serde_json::from_slice::<Value>(line).unwrap());
    events.filter(|event| event["type"] == "score").map(|event| event["record"].clone()).collect()
}

#[tokio::test]
async fn every_kind_gives_its_records_over_http() {
    let file = configuration();
    std::fs::write(&file, RECORDS).unwrap();
    let server = Server::start(&["--config", file.to_str().unwrap()]).await;
    let mut expected = Vec::new();
    for kind in kinds() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(kind.text.as_bytes()).unwrap();
        let gzip = gzip.finish().unwrap();
        let base64 = STANDARD.encode(&gzip).into_bytes();
        for (layer, body) in [("text", kind.text.clone().into_bytes()), ("gzip", gzip), ("base64", base64)] {
            let mut events = Vec::new();
            let counts = Scorer::new(RECORDS).unwrap().transform(kind.text.as_bytes(), None, &mut events);
            assert_eq!((counts.ok, counts.failed), (kind.ok, 0), "{}", kind.name);
            expected.extend(records(&events).into_iter().map(|record| (kind.name, layer, record)));
            let name = format!("{} {layer}", kind.name);
            let answer = post(&server.url, &[("Idempotency-Key", &name)], body).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        }
    }
    let (status, out) = server.stop();
    std::fs::remove_file(&file).unwrap();
    assert!(status.success());
    let mut found = records(out.as_bytes()).into_iter();
    for (name, layer, record) in expected {
        assert_eq!(found.next(), Some(record), "{name} as {layer}");
    }
    assert_eq!(found.next(), None);
}

fn configuration() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("flowscore-kinds-{}.json", std::process::id()))
}
