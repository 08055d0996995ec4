//! What one sender may cost: memory, time, connections.

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
