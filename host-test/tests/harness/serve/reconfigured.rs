//! A changed configuration and the state of before.

use std::process::Command;

use super::flow_lines::ndjson;
use super::server::{Server, directory, file, metric, post};

/// How a start ended that was refused, and what it said.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_flowscore"))
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn what_was_learned_outlives_a_change_and_one_that_shapes_it_is_refused_before_it_listens() {
    let directory = directory("reconfigured");
    let state = directory.join("state");
    let state = state.to_str().unwrap();
    let server = Server::start(&["--state", state]).await;
    assert_eq!(post(&server.url, &[], ndjson(0..200)).await.status, 200);
    assert!(server.stop().0.success());

    let milder = file(
        &directory,
        "milder.json",
        r#"{"detect":{"sensitivity":"low"},"series":{"top_talkers":3,"maintenance":[{"from":"2026-03-01T01:00:00Z","to":"2026-03-01T03:00:00Z"}]}}"#,
    );
    let server = Server::start(&["--state", state, "--config", &milder]).await;
    assert!(metric(&server, "flowscore_series").await > 0, "it knows the series of before");
    assert!(server.stop().0.success());

    let other = file(&directory, "other.json", r#"{"series":{"by":["srcaddr"]}}"#);
    let (code, said) = refused(&["--state", state, "--config", &other]);
    assert_eq!(code, Some(2), "so that a unit that restarts it always does not: {said}");
    assert!(said.contains("--discard model") && said.contains("series.by") && !said.contains("listening"), "{said}");

    let server = Server::start(&["--state", state, "--config", &other, "--discard", "model"]).await;
    assert_eq!(metric(&server, "flowscore_series").await, 0);
    // Known to be accepted before: that part of the state stays.
    assert_eq!(post(&server.url, &[], ndjson(0..200)).await.status, 200);
    assert_eq!(metric(&server, "flowscore_series").await, 0, "a batch sent again is not scored again");
    assert!(server.stop().0.success());
}

#[tokio::test]
async fn sighup_reads_the_configuration_again_and_what_cannot_be_used_changes_nothing() {
    let directory = directory("sighup");
    let config =
        file(&directory, "flowscore.json", r#"{"mode":"record","record":{"only_anomalies":true,"threshold":100}}"#);
    let server = Server::start(&["--config", &config]).await;
    assert_eq!(post(&server.url, &[], ndjson(0..50)).await.status, 200);
    // Refused, and nothing changes; then one that tells every score; then one of another shape.
    for (text, numbers) in [
        ("{\"mod\":1}", 50..100),
        (r#"{"mode":"record","record":{"only_anomalies":false}}"#, 100..150),
        (r#"{"mode":"record","forest":{"number_of_trees":7}}"#, 150..200),
    ] {
        std::fs::write(&config, text).unwrap();
        server.signal("HUP");
        // It is read some time after the signal.
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        assert_eq!(post(&server.url, &[], ndjson(numbers)).await.status, 200);
    }
    assert_eq!(metric(&server, "flowscore_records_total{outcome=\"ok\"}").await, 200);
    let (status, events) = server.stop();
    assert!(status.success());
    assert_eq!(events.lines().filter(|line| line.contains("\"score\"")).count(), 100, "from the second change on");
}
