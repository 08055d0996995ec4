//! The binary, serving.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use flate2::Compression;
use flate2::write::GzEncoder;

/// A running `flowscore serve`; killed when dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    stdout: Option<JoinHandle<String>>,
    /// What it has said since it listens.
    said: Arc<Mutex<String>>,
}

impl Server {
    /// Starts it with these arguments besides the address, and waits until it is ready.
    pub(crate) async fn start(arguments: &[&str]) -> Server {
        let server = Server::listening(arguments);
        server.ready().await;
        server
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) {
        while get(&format!("{}/health", self.url)).await.status != 200 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Starts it, and waits until it listens.
    pub(crate) fn listening(arguments: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowscore"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        Server::of(&mut command)
    }

    /// Starts this command, which serves, and waits until it listens.
    pub(crate) fn of(command: &mut Command) -> Server {
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = Server::unread(command);
        let mut stdout = server.child.stdout.take().unwrap();
        server.stdout = Some(std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        }));
        server
    }

    /// Starts this command, whose standard output is not read, and waits until it listens.
    fn unread(command: &mut Command) -> Server {
        let mut child = command.spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut seen = String::new();
        let url = loop {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before it listened: {seen}");
            if let Some((_, url)) = line.trim().split_once("listening on ") {
                break url.to_owned();
            }
            seen.push_str(&line);
        };
        let said = Arc::new(Mutex::new(String::new()));
        let server = Server { child, url, stdout: None, said: said.clone() };
        // What it says later belongs to the test's output.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                eprintln!("{line}");
                said.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        server
    }

    /// Starts it with a standard output whose reader leaves at once.
    pub(crate) fn without_reader(arguments: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowscore"));
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = Server::unread(command);
        drop(server.child.stdout.take());
        server
    }

    /// What it has said on standard error since it listens.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// Bytes of memory that it has had at most; 0 where the system does not tell.
    pub(crate) fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak.map_or(0, |peak| peak.parse::<usize>().unwrap() << 10)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; how it ended, and what it had written to standard output.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        (status, self.stdout.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// A client that trusts this certificate besides the system's.
pub(crate) fn client(certificate: Option<reqwest::Certificate>) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder().no_proxy();
    match certificate {
        None => builder,
        Some(certificate) => builder.tls_certs_only([certificate]),
    }
    .build()
    .unwrap()
}

/// Posts a body.
pub(crate) async fn post(url: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Answer {
    let mut request = client(None).post(url).body(body.into());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    answer(request.send().await.unwrap()).await
}

/// Gets a page.
pub(crate) async fn get(url: &str) -> Answer {
    answer(client(None).get(url).send().await.unwrap()).await
}

pub(crate) async fn answer(response: reqwest::Response) -> Answer {
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.text().await.unwrap(),
    }
}

/// The value of a metric.
pub(crate) async fn metric(server: &Server, name: &str) -> u64 {
    let text = get(&format!("{}/metrics", server.url)).await.body;
    let line =
        text.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap_or_else(|| panic!("{name} in {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// An empty directory of this test's own below the build's temporary directory.
pub(crate) fn directory(name: &str) -> PathBuf {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("serve").join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// A file in such a directory.
pub(crate) fn file(directory: &std::path::Path, name: &str, text: &str) -> String {
    let path = directory.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
