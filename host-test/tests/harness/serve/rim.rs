//! TLS, the other routes, and wrong usage.

use std::process::Command;

use host_test::monitor::metrics::{Definition, TABLE};

use super::server::{Server, answer, client, directory, file, get, metric, post};

#[tokio::test]
async fn with_a_certificate_it_speaks_tls_and_nothing_else() {
    let directory = directory("tls");
    let (pem, key) = certificate();
    let (certificate, key) = (file(&directory, "cert.pem", &pem), file(&directory, "key.pem", &key));
    let server = Server::listening(&["--tls-cert", &certificate, "--tls-key", &key]);
    assert!(server.url.starts_with("https://127.0.0.1:"), "{}", server.url);
    let trusting = client(Some(reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()));
    let accepted = answer(trusting.post(&server.url).body("2 1 eni").send().await.unwrap()).await;
    assert_eq!(accepted.status, 200);
    assert!(client(None).get(&server.url).send().await.is_err(), "a client that does not trust the certificate");
    let plain = server.url.replace("https:", "http:");
    assert!(client(None).get(&plain).send().await.is_err(), "a client without TLS");
}

/// A certificate for the test's server, as text, and its key.
fn certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[cfg(unix)]
#[tokio::test]
async fn a_hang_up_reads_certificates_again_and_ends_nothing() {
    let directory = directory("hang-up");
    let ((first, first_key), (second, second_key)) = (certificate(), certificate());
    let (cert, key) = (file(&directory, "cert.pem", &first), file(&directory, "key.pem", &first_key));
    let server = Server::listening(&["--tls-cert", &cert, "--tls-key", &key]);
    let url = format!("{}/health/live", server.url);
    // A client each time: a connection keeps its certificate.
    let trusts = async |pem: &str| {
        let trusting = client(Some(reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()));
        trusting.get(&url).send().await.is_ok()
    };
    let hang_up = async |named: &str| {
        server.signal("HUP");
        while !server.said().contains(named) {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    assert!(trusts(&first).await && !trusts(&second).await);
    file(&directory, "cert.pem", "no certificate");
    hang_up("the one from before stays").await;
    assert!(trusts(&first).await);
    file(&directory, "cert.pem", &second);
    file(&directory, "key.pem", &second_key);
    hang_up("read again; new").await;
    assert!(trusts(&second).await && !trusts(&first).await);
    assert!(server.stop().0.success());

    let plain = Server::start(&[]).await;
    plain.signal("HUP");
    assert_eq!(post(&plain.url, &[], "2 1 eni").await.status, 200);
    assert!(plain.stop().0.success());
}

#[tokio::test]
async fn it_is_not_ready_while_the_state_cannot_be_written() {
    let directory = directory("unwritable");
    let state = directory.join("state");
    let server = Server::start(&["--state", state.to_str().unwrap(), "--answer-within", "1"]).await;
    let (parts, away) = (state.join("serve/http"), state.join("serve/away"));
    std::fs::rename(&parts, &away).unwrap();
    // A file where the directory was.
    std::fs::write(&parts, "").unwrap();
    assert_eq!(post(&server.url, &[], "2 1 eni").await.status, 503);
    let health = get(&format!("{}/health", server.url)).await;
    assert_eq!((health.status, health.body.as_str()), (503, "the state cannot be written\n"));
    assert_eq!(get(&format!("{}/health/live", server.url)).await.status, 200);
    std::fs::remove_file(&parts).unwrap();
    std::fs::rename(&away, &parts).unwrap();
    server.ready().await;
    while post(&server.url, &[], "2 1 eni").await.status != 200 {}
    assert!(server.stop().0.success());
}

#[tokio::test]
async fn health_and_metrics_are_told_and_other_methods_are_not_taken() {
    let server = Server::start(&[]).await;
    for (path, body) in [("/health", "ready\n"), ("/health/ready", "ready\n"), ("/health/live", "live\n")] {
        let answer = get(&format!("{}{path}", server.url)).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, body), "{path}");
    }
    let metrics = get(&format!("{}/metrics", server.url)).await;
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let of_serve =
        |definition: &&Definition| definition.commands.contains(&host_test::monitor::metrics::Command::Serve);
    for definition in TABLE.iter().filter(of_serve) {
        assert!(metrics.body.contains(&format!("# HELP flowscore_{}", definition.name)), "{}", definition.name);
    }
    let answer = get(&format!("{}/in", server.url)).await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(post(&server.url, &[("Idempotency-Key", "mine")], "2 1 eni").await.status, 200);
    assert_eq!(post(&server.url, &[("Idempotency-Key", "mine")], "2 2 eni").await.status, 200);
    let (status, events) = server.stop();
    assert!(status.success());
    assert_eq!(events.lines().count(), 1, "the sender's own name for a batch counts: {events}");
    assert!(events.contains("\"id\":\"mine:0\""), "{events}");
}

#[tokio::test]
async fn a_reader_of_standard_output_that_leaves_is_a_failure_with_a_word() {
    let mut server = Server::without_reader(&[]);
    server.ready().await;
    let sent = client(None).post(&server.url).body("2 1 eni").send().await;
    assert!(!sent.is_ok_and(|answer| answer.status() == 200), "nobody has the event, so nobody is told 200");
    assert_eq!(server.ended().code(), Some(1));
    // The thread that reads it may be a moment behind.
    while !server.said().contains("reader of standard output has left") {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn windows_of_an_idle_stream_close_only_where_the_time_is_told() {
    let directory = directory("tick");
    let config = file(&directory, "config.json", r#"{"series":{"window":1,"allowed_lateness":0}}"#);
    let line = |second: u64| {
        let start = 1_700_000_000 + second;
        format!("2 1 eni-1 10.0.0.1 10.0.0.2 1 22 6 20 4249 {start} {} ACCEPT OK\n", start + 1)
    };
    let lines: String = (0..100).map(line).collect();
    let without = Server::start(&["--config", &config]).await;
    let with = Server::start(&["--config", &config, "--tick", "1"]).await;
    for server in [&without, &with] {
        assert_eq!(post(&server.url, &[], lines.clone()).await.status, 200);
    }
    let closed = metric(&without, "flowscore_windows_total").await;
    assert!(closed > 0, "by the records after them");
    while metric(&with, "flowscore_windows_total").await < closed + 4 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // A replayed stream whose sender pauses is not overtaken.
    assert_eq!(metric(&without, "flowscore_windows_total").await, closed);
}

#[test]
fn wrong_usage_is_said_on_one_line() {
    let directory = directory("usage");
    let empty = file(&directory, "empty", "");
    let wrong = file(&directory, "wrong.json", r#"{"mode":"words"}"#);
    for (arguments, named) in [
        (&["--forward", "ftp://user:secret@host/"][..], "--forward ftp://host/"),
        (&["--forward", "http://user:sec?ret@host/?sig=secret"], "--forward http://…"),
        (&["--state", "ftp://user:secret@host/?sig=secret"], "--state ftp://host/"),
        (&["--access-key-file", &empty], "one line"),
        (&["--access-key-file", "/nowhere/key"], "/nowhere/key"),
        (&["--tls-cert", &empty, "--tls-key", &empty], "certificate"),
        (&["--config", &wrong], "mode"),
        (&["--state", "ftp://host/"], "--state"),
        (&["--listen", "192.0.2.1:1"], "192.0.2.1:1"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowscore"));
        command.arg("serve");
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let output = command.args(arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {error}");
        assert!(error.contains(named) && !error.contains("sec"), "{arguments:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
}
