//! What one sender may cost: memory, time, connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::server::{Server, gzip, post};

const GZIP: (&str, &str) = ("Content-Encoding", "gzip");

#[tokio::test]
async fn small_bodies_that_unpack_to_millions_of_payloads_are_refused_in_little_memory() {
    let server = Server::start(&[]).await;
    let header = (0..9_000).map(|number| format!("n{number}")).collect::<Vec<_>>().join(",");
    let objects = r#"{"requestId":"r","records":[{"data":[1"#.to_owned() + &",1".repeat(10_000_000) + "]}]}";
    for (headers, body, status) in [
        (&[GZIP][..], format!("[1{}]", ",1".repeat(30_000_000)), 413),
        (&[GZIP], "1\n".repeat(30_000_000), 413),
        (&[GZIP], header + "\n" + &"1,2\n".repeat(500_000), 413),
        (&[GZIP, ("X-Amz-Firehose-Request-Id", "r")], objects, 200),
    ] {
        let answer = post(&server.url, headers, gzip(body.as_bytes())).await;
        assert_eq!(answer.status, status, "{}: {}", &body[..30], answer.body);
    }
    // The bodies as sent and unpacked, the payloads of one, and the component with its largest.
    assert!(server.peak_memory() < 600 << 20, "{} MiB", server.peak_memory() >> 20);
}

/// A connection on which these bytes were sent.
fn connection(server: &Server, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(bytes).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// What comes on a connection until it is closed.
fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text);
    text
}

#[tokio::test]
async fn bodies_that_do_not_come_hold_nobody_up_and_are_given_up() {
    let server = Server::start(&[]).await;
    let head = b"POST / HTTP/1.1\r\nHost: flowscore\r\nContent-Length: 1000\r\n\r\n2 1 ";
    let slow: Vec<TcpStream> = (0..20).map(|_| connection(&server, head)).collect();
    let started = Instant::now();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(post(&server.url, &[], "2 1 eni").await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for stream in slow {
        let answer = tokio::task::spawn_blocking(move || rest(stream)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    // The thread that reads it may be a moment behind.
    let said = || server.said().lines().filter(|line| line.contains("refused request")).count();
    while said() < 10 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(said(), 10, "of a minute");
}

#[tokio::test]
async fn batches_without_a_name_are_told_apart_and_long_names_are_refused() {
    let server = Server::start(&[]).await;
    for body in ["2 1 eni", "2 2 eni", "2 2 eni"] {
        assert_eq!(post(&server.url, &[("Idempotency-Key", "")], body).await.status, 200);
    }
    let refused = post(&server.url, &[("Idempotency-Key", &"k".repeat(10_000))], "2 1 eni").await;
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("at most 256"), "{}", refused.body);
    let (status, events) = server.stop();
    assert!(status.success());
    assert_eq!(events.lines().count(), 2, "{events}");
}

#[cfg(unix)]
#[tokio::test]
async fn half_sent_heads_do_not_take_all_descriptors_for_long() {
    let mut command = std::process::Command::new("sh");
    let command = command.args(["-c", r#"ulimit -n 64; exec "$0" "$@""#, env!("CARGO_BIN_EXE_flowscore")]);
    let server = Server::of(command.args(["serve", "--listen", "127.0.0.1:0"]));
    server.ready().await;
    let started = Instant::now();
    let silent: Vec<TcpStream> = (0..60).map(|_| connection(&server, b"POST / HTTP/1.1\r\nHost: flow")).collect();
    let answer = tokio::time::timeout(Duration::from_secs(40), post(&server.url, &[], "2 1 eni")).await;
    assert_eq!(answer.expect("it is served at last").status, 200);
    for stream in silent {
        assert_eq!(tokio::task::spawn_blocking(move || rest(stream)).await.unwrap(), "", "closed without an answer");
    }
    assert!(started.elapsed() < Duration::from_secs(50), "{:?}", started.elapsed());
}
