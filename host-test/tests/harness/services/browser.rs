//! Chromium without a window, driven by the WebDriver protocol: HTTP and JSON.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Service, free_port, start};

/// An open page. The browser ends with it.
pub struct Browser {
    driver: Service,
    session: String,
    client: reqwest::Client,
    /// The browser, which would outlive its driver.
    process: Option<u64>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(process) = self.process {
            let _ = Command::new("kill").arg(process.to_string()).stderr(Stdio::null()).status();
        }
    }
}

/// Opens a page. None if the browser is not installed.
pub async fn open(url: &str) -> Option<Browser> {
    let port = free_port();
    let program = Path::new("/usr/bin/chromedriver");
    let mut command = Command::new(program);
    // What it leaves behind is of the build.
    command.arg(format!("--port={port}")).env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    let driver = start("chromium-driver", program, command, port)?;
    let mut browser = Browser {
        driver,
        session: String::new(),
        client: reqwest::Client::builder().no_proxy().build().unwrap(),
        process: None,
    };
    let arguments =
        ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,1000"];
    let wanted = json!({"capabilities": {"alwaysMatch": {
        "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"},
    }}});
    let session = browser.call("session", wanted).await;
    browser.process = session["capabilities"]["goog:processID"].as_u64();
    browser.session = format!("session/{}/", session["sessionId"].as_str().unwrap());
    browser.call("url", json!({"url": url})).await;
    Some(browser)
}

impl Browser {
    async fn call(&self, command: &str, arguments: Value) -> Value {
        let url = format!("{}/{}{command}", self.driver.url, self.session);
        let request = self.client.post(url).header("content-type", "application/json").body(arguments.to_string());
        let answer: Value = serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap();
        assert!(answer["value"].get("error").is_none(), "{command}: {answer}");
        answer["value"].clone()
    }

    /// What this script returns in the page.
    pub async fn run(&self, script: &str) -> Value {
        self.call("execute/sync", json!({"script": script, "args": []})).await
    }

    /// Waits until this script returns true.
    pub async fn wait_for(&self, script: &str) {
        let begun = Instant::now();
        while self.run(script).await != true {
            let page = self.run("return document.body.innerText.slice(0, 3000)").await;
            assert!(begun.elapsed() < Duration::from_secs(60), "{script} does not come true: {page}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Presses a key, wherever the focus is.
    pub async fn press(&self, key: &str) {
        let actions = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.call("actions", json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})).await;
    }

    /// What the browser has complained about: errors of scripts, and what the page's policy refused.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self.call("se/log", json!({"type": "browser"})).await;
        log.as_array()
            .into_iter()
            .flatten()
            .map(|entry| entry["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Ends the browser, which removes what it has kept.
    pub async fn close(mut self) {
        let url = format!("{}/{}", self.driver.url, self.session.trim_end_matches('/'));
        self.client.delete(url).send().await.unwrap();
        self.process = None;
    }
}
