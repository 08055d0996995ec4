//! `flowscore multilang`, as the MultiLangDaemon and its users see it.

mod assigned;
mod daemon;
mod dialogue;
mod fleet;
mod http2;
mod resharding;

/// The one stream there is.
const STREAM: &str = "flows";

/// Whether tests that take minutes are wanted: `FLOWSCORE_FLEET=1`.
fn is_long_wanted() -> bool {
    let is_wanted = std::env::var_os("FLOWSCORE_FLEET").is_some_and(|value| value == "1");
    if !is_wanted {
        eprintln!("skipped: it takes minutes; FLOWSCORE_FLEET=1 runs it");
    }
    is_wanted
}

/// Puts payloads in as many requests as it takes.
fn put(stream: &crate::services::stream::LocalStream, payloads: &[(String, Vec<u8>)]) {
    payloads.chunks(200).for_each(|records| stream.put(records));
}

/// A generated stretch of flow logs: partition key and payload. The keys keep each interface in one shard.
fn payloads(directory: &std::path::Path, seconds: u32) -> Vec<(String, Vec<u8>)> {
    payloads_of(directory, seconds, 12)
}

/// The same, of so many interfaces.
fn payloads_of(directory: &std::path::Path, seconds: u32, interfaces: u32) -> Vec<(String, Vec<u8>)> {
    let path = directory.join("payloads.txt");
    let made = crate::services::flowscore(&["generate", "--partition-keys", "--duration", &seconds.to_string()])
        .args(["--interfaces", &interfaces.to_string()])
        .args(["--output", path.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = std::fs::read_to_string(path).unwrap();
    let payload = |line: &str| {
        let (key, payload) = line.split_once('\t').unwrap();
        (key.to_owned(), payload.as_bytes().to_vec())
    };
    text.lines().map(payload).collect()
}
