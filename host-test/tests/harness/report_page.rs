//! A report in a real browser.

use std::process::Command;

use crate::services::browser;

#[tokio::test]
async fn a_report_opened_as_a_file_has_values_zoom_filters_and_no_complaints() {
    let directory = std::env::temp_dir().join(format!("flowscore-report-page-{}", std::process::id()));
    let report = directory.join("report.html");
    let out = directory.to_str().unwrap();
    let made = Command::new(env!("CARGO_BIN_EXE_flowscore")).args(["demo", "--out", out]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let Some(browser) = browser::open(&format!("file://{}", report.display())).await else { return };
    let count = |of: &str| format!("return [...document.querySelectorAll('{of}')].filter(item => !item.hidden).length");
    let all = browser.run(&count("article")).await.as_u64().unwrap();
    assert!(all > 5, "{all}");

    // Values under the pointer are those of the events, to the width of a line.
    let value = browser
        .run(
            "const plot = document.querySelector('#series .plot'), box = plot.getBoundingClientRect(); \
             plot.dispatchEvent(new PointerEvent('pointermove', {clientX: box.left + box.width / 2, clientY: box.top, bubbles: true})); \
             return document.querySelector('#tip').innerText",
        )
        .await;
    let value = value.as_str().unwrap();
    assert!(value.starts_with("2026-01-12 1") && value.contains(" UTC\n") && value.contains("B"), "{value}");

    // By direction, by time, and back.
    let change = |field: &str, value: &str| {
        format!(
            "const field = document.querySelector('#filter').elements.{field}; field.value = '{value}'; \
             field.dispatchEvent(new Event('input', {{bubbles: true}}));"
        )
    };
    browser.run(&change("way", "spike")).await;
    let spikes = browser.run(&count("article")).await.as_u64().unwrap();
    assert!(spikes > 0 && spikes < all, "{spikes} of {all}");
    browser.run(&change("from", "2026-01-12T12:00")).await;
    assert!(browser.run(&count("article")).await.as_u64().unwrap() < spikes);
    assert_ne!(browser.run(&count("#series .plot.zoomed")).await, 0, "the series are shown for that time");
    browser.press("\u{e00c}").await;
    assert_eq!(browser.run(&count("article")).await, all);
    assert_eq!(browser.run(&count(".plot.zoomed")).await, 0);

    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
    std::fs::remove_dir_all(&directory).unwrap();
}
