//! What people say of incidents, to a server that runs and to the state of one that does not.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use super::server::{Server, directory, post};

/// Minutes of three interfaces, one of which has ten times as much from minute 200 on.
fn lines(minutes: std::ops::Range<u64>) -> String {
    let mut text = String::new();
    for minute in minutes {
        let start = 1_767_225_600 + minute * 60;
        for interface in 0..3 {
            let factor = if interface == 1 && minute >= 200 { 10 } else { 1 };
            let bytes = factor * (10_000 + (minute * 7_919 + interface * 104_729) % 997);
            let end = start + 59;
            writeln!(text, "2 1 eni-{interface} 10.0.0.1 10.0.1.1 443 9 6 3 {bytes} {start} {end} ACCEPT OK").unwrap();
        }
    }
    text
}

fn incidents(events: &str) -> Vec<Value> {
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["type"] == "anomaly").collect()
}

/// What `flowscore feedback` ends with, and whether it says so.
fn say(arguments: &[&str], word: &str) -> Option<i32> {
    let output = Command::new(env!("CARGO_BIN_EXE_flowscore")).arg("feedback").args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(word), "{arguments:?}: {said}");
    output.status.code()
}

#[tokio::test]
async fn what_a_person_says_is_taken_up_and_outlives_the_process() {
    let directory = directory("feedback");
    let state = directory.to_str().unwrap();
    let server = Server::start(&["--state", state]).await;
    assert_eq!(post(&server.url, &[], lines(0..212)).await.status, 200);
    let url = format!("{}/feedback", server.url);
    assert_eq!(post(&url, &[], json!({ "id": "ffff", "verdict": "fine" }).to_string()).await.status, 404);
    for wrong in ["", "{}", r#"{"id":"1","verdict":"good"}"#] {
        assert_eq!(post(&url, &[], wrong).await.status, 400, "{wrong}");
    }
    let (_, events) = server.stop();
    let open = incidents(&events);
    assert!(!open.is_empty() && open.iter().all(|event| event["state"] != "closed"), "{events}");
    let id = open[0]["id"].as_str().unwrap();

    assert_eq!(say(&["--id", id, "--fine", "--state", state], "taken up for 1 series"), Some(0));
    assert_eq!(say(&["--id", "ffff", "--fine", "--state", state], "no incident or group"), Some(1));
    let server = Server::start(&["--state", state]).await;
    assert_eq!(say(&["--id", id, "--real", "--url", &server.url], "taken up for 1 series"), Some(0));
    assert_eq!(say(&["--id", id, "--fine", "--url", &server.url], "taken up for 1 series"), Some(0));
    assert_eq!(post(&server.url, &[], lines(212..230)).await.status, 200);
    let (_, events) = server.stop();
    let after = incidents(&events);
    assert_eq!(after.len(), 1, "{events}");
    assert_eq!((&after[0]["id"], &after[0]["reason"]), (&open[0]["id"], &"accepted".into()));
}
