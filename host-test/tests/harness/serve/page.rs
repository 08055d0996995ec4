//! The page of a running process, in a real browser and by plain requests.

use flowscore_generate::{Scenario, Wrapping};
use serde_json::Value;

use super::server::{Server, answer, client, get, post};
use crate::services::browser;

/// A day's flow log lines, cut before and after an interface falls silent, and after another one has a spike.
pub(super) fn day() -> [Vec<u8>; 3] {
    let scenario = Scenario { wrapping: Wrapping::Lines, ..Scenario::day(1) };
    let mut traffic = scenario.traffic().unwrap();
    let onset = traffic.truth().iter().find(|label| label.id == "vanish-1").unwrap().start;
    let cuts = [onset - 600, onset + 600, onset + 1_500];
    let mut parts = [const { Vec::new() }; 3];
    for payload in traffic.by_ref() {
        let Some(part) = cuts.iter().position(|cut| payload.delivered < *cut) else { break };
        parts[part].extend_from_slice(&payload.data);
        parts[part].push(b'\n');
    }
    parts
}

#[tokio::test]
async fn an_incident_appears_in_the_open_page() {
    let server = Server::start(&[]).await;
    let Some(browser) = browser::open(&server.url).await else { return };
    let [before, after, later] = day();
    assert_eq!(post(&server.url, &[], before).await.status, 200);
    // The series come by themselves.
    browser.wait_for("return document.querySelectorAll('#series tbody tr').length >= 12").await;
    assert_eq!(browser.run("window.isTheSame = true; return document.querySelectorAll('article').length").await, 0);
    browser.run("document.querySelector('#filter').elements.text.value = 'eni-02'").await;

    assert_eq!(post(&server.url, &[], after).await.status, 200);
    browser.wait_for("return document.querySelectorAll('article').length === 1").await;
    assert_eq!(browser.run("return window.isTheSame").await, true, "it was not loaded again");
    let words = browser.run("return document.querySelector('article .words').innerText").await;
    assert!(words.as_str().unwrap().contains("eni-02aebcbd6de22acde has sent nothing for"), "{words}");
    browser.wait_for("return document.querySelector('[data-live=health]').innerText === 'ready'").await;
    browser.wait_for("return document.title === '(1) flowscore'").await;
    assert_eq!(browser.run("return document.querySelector('#shown').innerText").await, "1 of 1 shown");

    // Values under the cursor, by keys; the focus stays through what comes later.
    browser.run("document.querySelector('article .plot').focus()").await;
    browser.press("\u{e014}").await;
    let tip = browser.run("return document.querySelector('#tip').innerText").await;
    assert!(tip.as_str().unwrap().contains(" UTC\n") && tip.as_str().unwrap().contains("expected "), "{tip}");
    browser.press("+").await;
    assert_eq!(browser.run("return document.querySelectorAll('.plot.zoomed').length").await, 1);
    browser.run("document.activeElement.blur()").await;
    browser.press("j").await;
    let focus = browser.run("return document.activeElement.className").await;
    assert_eq!(focus, "incident drop");
    // A filter that nothing fits, and the export of what does.
    let filtered = "const text = document.querySelector('#filter').elements.text; text.value = arguments[0] ?? 'none'; \
                    text.dispatchEvent(new Event('input', {bubbles: true})); return document.querySelector('article').hidden";
    assert_eq!(browser.run(filtered).await, true);
    browser.press("\u{e00c}").await;
    assert_eq!(browser.run("return document.querySelector('article').hidden").await, false);
    let exported = "let text; const was = URL.createObjectURL; URL.createObjectURL = blob => { text = blob; return was(blob); }; \
                    document.querySelector('#csv').click(); URL.createObjectURL = was; return text.text()";
    let csv = browser.run(exported).await;
    let rows: Vec<&str> = csv.as_str().unwrap().lines().collect();
    assert!(
        rows.len() == 2 && rows[0].starts_with("type,id,state,direction,series,") && rows[1].starts_with("anomaly,"),
        "{csv}"
    );
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    // What is read stays in its place when something comes above it, and what is marked stays marked.
    let place = "return document.querySelector('#series').getBoundingClientRect().top";
    browser.run("document.querySelector('#series').scrollIntoView()").await;
    let before = browser.run(place).await.as_f64().unwrap();
    browser.run("getSelection().selectAllChildren(document.querySelector('#series td'))").await;
    assert_eq!(post(&server.url, &[], later).await.status, 200);
    browser.wait_for("return document.title.startsWith('(2)')").await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(browser.run("return document.querySelectorAll('article').length").await, 1);
    browser.run("getSelection().removeAllRanges()").await;
    browser.wait_for("return document.querySelectorAll('article').length === 2").await;
    let after = browser.run(place).await.as_f64().unwrap();
    assert!((after - before).abs() < 2.0, "{before} {after}");

    // What follows the process does not keep it from ending.
    let begun = std::time::Instant::now();
    let (status, events) = server.stop();
    assert!(status.success() && begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert!(!events.contains("\"type\":\"window\""));
    browser.close().await;
}

#[tokio::test]
async fn the_page_changes_nothing_of_the_events() {
    let day = day();
    let mut outputs = Vec::new();
    for arguments in [&[][..], &["--no-page"]] {
        let server = Server::start(arguments).await;
        for part in &day {
            assert_eq!(post(&server.url, &[], part.clone()).await.status, 200);
        }
        assert_eq!(get(&server.url).await.status, if arguments.is_empty() { 200 } else { 405 });
        outputs.push(server.stop().1);
    }
    assert!(outputs[0].contains("\"type\":\"anomaly\""));
    assert_eq!(outputs[0], outputs[1]);
}

#[tokio::test]
async fn the_page_asks_for_the_access_key() {
    let directory = std::env::temp_dir().join(format!("flowscore-page-key-{}", std::process::id()));
    std::fs::write(&directory, "secret\n").unwrap();
    let server = Server::start(&["--access-key-file", directory.to_str().unwrap()]).await;
    for path in ["/", "/content", "/events"] {
        let url = format!("{}{path}", server.url);
        let refused = get(&url).await;
        assert_eq!((refused.status, refused.header("www-authenticate").is_some()), (401, true), "{path}");
        for (header, status) in [("Bearer secret", 200), ("Basic OnNlY3JldA==", 200), ("Basic OndyaXRl", 401)] {
            let mut response = client(None).get(&url).header("authorization", header).send().await.unwrap();
            assert_eq!(response.status(), status, "{path} {header}");
            if path == "/events" && status == 200 {
                let event = response.chunk().await.unwrap().unwrap();
                let data = std::str::from_utf8(&event).unwrap().split_once("data: ").unwrap().1.trim();
                assert_eq!(serde_json::from_str::<Value>(data).unwrap()["health"], "ready");
            } else {
                answer(response).await;
            }
        }
        // A browser sends that by itself, whichever page it was on.
        assert_eq!(post(&url, &[("authorization", "Basic OnNlY3JldA==")], "2 1").await.status, 401, "{path}");
        assert_eq!(
            post(&url, &[("authorization", "Bearer secret")], "2 1").await.status,
            200,
            "payloads may be sent to {path}"
        );
    }
    std::fs::remove_file(&directory).unwrap();
}
