//! The loop of two processes: what comes in comes out once, whatever happens in between.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::downstream::Downstream;
use super::flow_lines::{RECORD_MODE, line, ndjson, undisturbed};
use super::server::{Server, client, directory, file, get, gzip, metric, post};
use crate::services;

const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");

/// Sends a batch as often as it takes, as Vector does.
async fn accepted(url: &str, body: String) {
    loop {
        match post(url, &[NDJSON], body.clone()).await.status {
            200 => return,
            503 => {}
            status => panic!("{status}"),
        }
    }
}

#[tokio::test]
async fn lines_arrays_and_gzip_are_the_same_to_it() {
    let directory = directory("shapes");
    let config = file(&directory, "config.json", RECORD_MODE);
    let server = Server::start(&["--config", &config]).await;
    let messages: Vec<_> = (0..100).map(|number| json!({ "message": line(number) })).collect();
    let plain: String = (200..300).map(|number| line(number) + "\n").collect();
    for (headers, body) in [
        (&[NDJSON][..], ndjson(0..100).into_bytes()),
        (&[("Content-Type", "application/json")], json!(messages).to_string().into_bytes()),
        (&[NDJSON, ("Content-Encoding", "gzip")], gzip(ndjson(100..200).as_bytes())),
        (&[("Content-Type", "text/plain")], plain.clone().into_bytes()),
        (&[("Content-Type", "application/octet-stream")], gzip(line(300).as_bytes())),
    ] {
        let answer = post(&server.url, headers, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"accepted":true}"#));
    }
    let all: Vec<String> = (0..100).chain(0..100).chain(100..301).map(line).collect();
    let (status, events) = server.stop();
    assert!(status.success());
    assert_eq!(events, undisturbed(&config, &(all.join("\n") + "\n")));
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_downstream_refuses_and_batches_are_sent_twice() {
    let directory = directory("refuses");
    let config = file(&directory, "config.json", RECORD_MODE);
    let downstream = Downstream::start().await;
    let server = Server::start(&["--config", &config, "--forward", &downstream.url, "--answer-within", "1"]).await;
    assert_eq!(post(&server.url, &[NDJSON], ndjson(0..50)).await.status, 200);

    downstream.refuse(true);
    let busy = post(&server.url, &[NDJSON], ndjson(50..100)).await;
    assert_eq!((busy.status, busy.header("retry-after")), (503, Some("1")), "{busy:?}");
    let also_busy = post(&server.url, &[NDJSON], ndjson(100..150)).await;
    assert_eq!(also_busy.status, 503);
    downstream.refused(3).await;
    let (url, again) = (server.url.clone(), ndjson(50..100));
    let waiting = tokio::spawn(async move { accepted(&url, again).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    downstream.refuse(false);
    waiting.await.unwrap();

    for body in [ndjson(100..150), ndjson(0..50), ndjson(150..200), ndjson(150..200)] {
        accepted(&server.url, body).await;
    }
    assert_eq!(metric(&server, "flowscore_batches_total{outcome=\"accepted\"}").await, 4);
    assert!(metric(&server, "flowscore_batches_total{outcome=\"busy\"}").await >= 2);
    assert_eq!(metric(&server, "flowscore_records_total{outcome=\"ok\"}").await, 200);
    assert_eq!(metric(&server, "flowscore_batch_duration_seconds_count").await, 4);
    assert_eq!(metric(&server, "flowscore_queue_batches").await, 0);
    assert_eq!(metric(&server, "flowscore_queue_bytes").await, 0);
    assert!(metric(&server, "flowscore_forward_retries_total").await >= 3);
    assert!(metric(&server, "flowscore_component_memory_bytes").await >= 64 << 10);
    assert!(server.stop().0.success());
    let lines: String = (0..200).map(|number| line(number) + "\n").collect();
    assert_eq!(downstream.events(), undisturbed(&config, &lines));
}

#[tokio::test]
async fn killed_and_started_again_it_goes_on_where_the_state_is() {
    let directory = directory("killed");
    let config = file(&directory, "config.json", RECORD_MODE);
    let state = directory.join("state");
    let downstream = Downstream::start().await;
    let start = || {
        Server::listening(&[
            "--config",
            &config,
            "--forward",
            &downstream.url,
            "--answer-within",
            "1",
            "--state",
            state.to_str().unwrap(),
        ])
    };
    let server = start();
    server.ready().await;
    for batch in 0..3 {
        assert_eq!(post(&server.url, &[NDJSON], ndjson(batch * 50..batch * 50 + 50)).await.status, 200);
    }
    // Scored and saved, but neither delivered nor acknowledged.
    downstream.refuse(true);
    assert_eq!(post(&server.url, &[NDJSON], ndjson(150..200)).await.status, 503);
    downstream.refused(1).await;
    server.kill();

    let server = start();
    downstream.refused(2).await;
    let unready = get(&format!("{}/health", server.url)).await;
    assert_eq!((unready.status, unready.header("retry-after")), (503, Some("1")), "its outbox comes first");
    assert_eq!(get(&format!("{}/health/live", server.url)).await.status, 200);
    assert_eq!(post(&server.url, &[NDJSON], ndjson(200..250)).await.status, 503);
    downstream.refuse(false);
    server.ready().await;
    // The sender was never told, so it sends again; in another order, and old ones, too.
    for batch in [4, 3, 1, 5] {
        assert_eq!(post(&server.url, &[NDJSON], ndjson(batch * 50..batch * 50 + 50)).await.status, 200);
    }
    assert_eq!(metric(&server, "flowscore_batches_total{outcome=\"known\"}").await, 2);
    assert!(server.stop().0.success());

    let lines: String = (0..300).map(|number| line(number) + "\n").collect();
    assert_eq!(downstream.events(), undisturbed(&config, &lines));
    // What was delivered is not delivered again by the next start.
    let server = start();
    server.ready().await;
    assert_eq!(post(&server.url, &[NDJSON], ndjson(0..50)).await.status, 200);
    assert!(server.stop().0.success());
    assert_eq!(downstream.events(), undisturbed(&config, &lines));
}

/// Killed at any moment, again and again, with payloads in between that are no flow log: each event comes, those told twice are the
/// same, and the model is that of a server that nobody killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_again_and_again_it_tells_and_learns_the_same() {
    let directory = directory("killed-again");
    let config = file(&directory, "config.json", RECORD_MODE);
    let kills = services::kills(6) as usize;
    let state = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let server = |name: &str, downstream: &Downstream| {
        Server::listening(&["--config", &config, "--forward", &downstream.url, "--state", &state(name)])
    };
    let batches: Vec<(Vec<u8>, bool)> = (0..kills * 40)
        .map(|number| match number % 7 {
            3 => (services::poison(number / 7), true),
            _ => (ndjson(number * 20..number * 20 + 20).into_bytes(), false),
        })
        .collect();
    let headers = |is_poison: bool| if is_poison { ("Content-Type", "application/octet-stream") } else { NDJSON };

    let expected = Downstream::start().await;
    let undisturbed = server("undisturbed", &expected);
    undisturbed.ready().await;
    for (body, is_poison) in &batches {
        assert_eq!(post(&undisturbed.url, &[headers(*is_poison)], body.clone()).await.status, 200);
    }
    assert!(undisturbed.stop().0.success());

    let told = Downstream::start().await;
    let mut running = server("killed", &told);
    let url = Arc::new(Mutex::new(running.url.clone()));
    let sender = tokio::spawn({
        let (url, batches) = (url.clone(), batches.clone());
        let headers =
            move |is_poison: bool| if is_poison { ("Content-Type", "application/octet-stream") } else { NDJSON };
        async move {
            let client = client(None);
            for (body, is_poison) in batches {
                let (name, value) = headers(is_poison);
                loop {
                    let request = client.post(url.lock().unwrap().clone()).header(name, value).body(body.clone());
                    match request.send().await {
                        Ok(answer) if answer.status() == 200 => break,
                        _ => tokio::time::sleep(Duration::from_millis(20)).await,
                    }
                }
            }
        }
    });
    for life in 0..kills {
        tokio::time::sleep(Duration::from_millis((100 + (life * 7_919) % 500) as u64)).await;
        running.kill();
        running = server("killed", &told);
        (*url.lock().unwrap()).clone_from(&running.url);
    }
    sender.await.unwrap();
    assert!(running.stop().0.success());

    let once = |events: String| {
        let mut seen = std::collections::HashSet::new();
        events.lines().filter(|line| seen.insert(line.to_string())).map(str::to_owned).collect::<Vec<_>>()
    };
    let (expected, told) = (once(expected.events()), once(told.events()));
    assert!(expected.iter().filter(|event| event.starts_with("{\"type\":\"score\"")).count() >= kills * 680);
    assert!(expected == told, "{} and {} events", expected.len(), told.len());
    let model = |name: &str| {
        let bytes = std::fs::read(directory.join(name).join("serve/http/all.state")).unwrap();
        let start = bytes.windows(9).rposition(|bytes| bytes == b"\nflowscor").unwrap();
        bytes[start..bytes.len() - 4].to_vec()
    };
    assert!(model("undisturbed") == model("killed"), "what was learned and counted is the same");
}

#[tokio::test]
async fn a_full_queue_is_said_at_once() {
    let directory = directory("full");
    let config = file(&directory, "config.json", RECORD_MODE);
    let downstream = Downstream::start().await;
    downstream.refuse(true);
    let server = Server::start(&["--config", &config, "--forward", &downstream.url, "--queue", "2"]).await;
    let send = |batch: usize| {
        let url = server.url.clone();
        tokio::spawn(async move { post(&url, &[NDJSON], ndjson(batch * 10..batch * 10 + 10)).await.status })
    };
    // One is being delivered, two wait.
    let mut waiting = vec![send(0)];
    downstream.refused(1).await;
    waiting.extend([send(1), send(2)]);
    while metric(&server, "flowscore_queue_batches").await < 3 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(send(3).await.unwrap(), 503);
    downstream.refuse(false);
    for sent in waiting {
        assert_eq!(sent.await.unwrap(), 200);
    }
    assert_eq!(send(3).await.unwrap(), 200);
    assert_eq!(downstream.events().lines().count(), 40);
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_it_has_or_says_that_it_could_not() {
    let directory = directory("stops");
    let config = file(&directory, "config.json", RECORD_MODE);
    for (comes_back, code) in [(true, 0), (false, 1)] {
        let downstream = Downstream::start().await;
        downstream.refuse(true);
        let server = Server::start(&["--config", &config, "--forward", &downstream.url, "--stop-within", "2"]).await;
        let url = server.url.clone();
        let sent = tokio::spawn(async move { post(&url, &[NDJSON], ndjson(0..10)).await.status });
        downstream.refused(1).await;
        let stopped = tokio::task::spawn_blocking(move || server.stop().0);
        tokio::time::sleep(Duration::from_millis(300)).await;
        if comes_back {
            downstream.refuse(false);
            assert_eq!(sent.await.unwrap(), 200);
        } else {
            assert!(sent.await.is_err(), "the connection ends without an answer");
        }
        assert_eq!(stopped.await.unwrap().code(), Some(code));
    }
}
