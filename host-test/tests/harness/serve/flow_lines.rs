//! Flow log lines, and what is expected of them.

use std::io::Write;
use std::process::{Command, Stdio};

/// Scores every record, so that every record shows in the events.
pub(crate) const RECORD_MODE: &str = r#"{"mode":"record","forest":{"number_of_trees":10,"sub_sample_size":32}}"#;

/// The flow log line of this number: each one is different.
pub(crate) fn line(number: usize) -> String {
    let bytes = 1_000 + (number * 7_919) % 4_001;
    let start = 1_700_000_000 + number;
    format!("2 123456789010 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 {bytes} {start} {} ACCEPT OK", start + 60)
}

/// Lines as Vector sends log events: objects of one member.
pub(crate) fn ndjson(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("{}\n", serde_json::json!({ "message": line(number) }))).collect()
}

/// What `flowscore run` makes of the lines, without an interruption.
pub(crate) fn undisturbed(config: &str, lines: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_flowscore"))
        .args(["run", "--config", config, "--stats", "none"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines = lines.to_owned();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
