//! Local stand-ins for AWS services, real ones that speak the protocol: kinesalite (Kinesis) and moto (many); and a
//! registry of OCI artifacts.
//!
//! `.ci/services` installs them below `target/services`. Where they are not there, a test that needs them says so and is
//! skipped, unless `FLOWSCORE_SERVICES=required` is set, as in CI.

#![allow(unreachable_pub, reason = "tests are no library")]

pub mod browser;
pub mod stream;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running service; it is stopped when the value is dropped.
pub struct Service {
    child: Child,
    pub url: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the services are installed.
pub fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/services")
}

/// A Kinesis of its own, empty. None if it is not installed.
pub fn kinesalite() -> Option<Service> {
    let cli = directory().join("node_modules/kinesalite/cli.js");
    let port = free_port();
    let mut command = Command::new("node");
    // Changes of a stream take as long as is told here.
    command.arg(&cli).args(["--createStreamMs", "20", "--updateStreamMs", "200", "--shardLimit", "100"]);
    command.args(["--port", &port.to_string()]);
    start("kinesalite", &cli, command, port)
}

/// Many services at one address, empty. None if it is not installed.
pub fn moto() -> Option<Service> {
    let server = directory().join("moto/bin/moto_server");
    let port = free_port();
    let mut command = Command::new(&server);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    start("moto", &server, command, port)
}

/// A Prometheus with this configuration, which keeps what it scrapes in `data`. None if it is not installed.
pub fn prometheus(configuration: &str, data: &str) -> Option<Service> {
    let server = directory().join("prometheus/usr/bin/prometheus");
    let port = free_port();
    let mut command = Command::new(&server);
    command.args([&format!("--config.file={configuration}"), &format!("--storage.tsdb.path={data}")]);
    command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
    start("prometheus", &server, command, port)
}

/// An OCI registry, empty, that keeps what it is given in `storage`. None if it is not installed, or `wkg` is not, the program
/// that pushes to it.
pub fn registry(storage: &Path) -> Option<Service> {
    // `.ci/services` leaves these out unless it is told otherwise.
    let is_wanted = std::env::var_os("FLOWSCORE_OCI").is_some_and(|value| value == "1");
    let server = directory().join("registry/usr/bin/docker-registry");
    let is_there = server.exists() && wkg().exists();
    if !is_wanted && !is_there {
        eprintln!("skipped: no OCI registry and wkg; `FLOWSCORE_OCI=1 .ci/services` installs them");
        return None;
    }
    let port = free_port();
    let configuration = serde_json::json!({
        "version": "0.1",
        "log": { "level": "error", "accesslog": { "disabled": true } },
        "storage": { "filesystem": { "rootdirectory": storage.join("data") } },
        "http": { "addr": format!("127.0.0.1:{port}") },
    });
    // JSON is YAML.
    let file = storage.join("registry.yml");
    std::fs::write(&file, configuration.to_string()).unwrap();
    let mut command = Command::new(&server);
    command.arg("serve").arg(&file);
    is_installed("wkg", &wkg()).then_some(())?;
    start("docker-registry", &server, command, port)
}

/// The program `wac`. None if it is not installed.
pub fn wac() -> Option<PathBuf> {
    // `.ci/services` leaves it out unless it is told otherwise.
    let is_wanted = std::env::var_os("FLOWSCORE_PROXY").is_some_and(|value| value == "1");
    let wac = directory().join("wac/bin/wac");
    if !is_wanted && !wac.exists() {
        eprintln!("skipped: no wac; `FLOWSCORE_PROXY=1 .ci/services` installs it");
        return None;
    }
    is_installed("wac", &wac).then_some(wac)
}

/// A composed component that is served by jco.
pub fn jco_serve(jco: &Path, component: &Path) -> Option<Service> {
    let port = free_port();
    let mut command = Command::new("node");
    command.arg(jco).arg("serve").arg(component).args(["--port", &port.to_string()]);
    start("jco", jco, command, port)
}

/// The program `wkg`, which may not be there.
pub fn wkg() -> PathBuf {
    directory().join("wkg/bin/wkg")
}

/// What writes Parquet files independently of us.
pub fn pyarrow() -> PathBuf {
    directory().join("pyarrow")
}

/// Whether a file is there that `.ci/services` installs; says so if not.
pub fn is_installed(name: &str, file: &Path) -> bool {
    let is_required = std::env::var_os("FLOWSCORE_SERVICES").is_some_and(|value| value == "required");
    if !file.exists() {
        assert!(!is_required, "{name} is not installed: {}", file.display());
        eprintln!("skipped: {name} is not installed; .ci/services does it");
    }
    file.exists()
}

fn start(name: &str, installed: &Path, mut command: Command, port: u16) -> Option<Service> {
    is_installed(name, installed).then_some(())?;
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let service = Service { child, url: format!("http://127.0.0.1:{port}") };
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{name} does not come up");
        std::thread::sleep(Duration::from_millis(50));
    }
    Some(service)
}

/// What a process answers on this port of the machine: status and body; 0 while nothing listens there.
pub fn get(port: u16, path: &str) -> (u16, String) {
    let Ok(mut connection) = TcpStream::connect(("127.0.0.1", port)) else { return (0, String::new()) };
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Waits until the metrics on this port have all of these lines.
pub fn await_metrics(port: u16, lines: &[&str]) {
    let begun = Instant::now();
    loop {
        let text = get(port, "/metrics").1;
        if lines.iter().all(|line| text.lines().any(|found| found == *line)) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{lines:?} in\n{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A port that nobody listens on now.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// The command with the environment that the services want: any credentials, some region.
/// How often a test kills what it tests: `FLOWSCORE_KILLS`, for a long run by hand, or this.
pub fn kills(usual: u64) -> u64 {
    std::env::var("FLOWSCORE_KILLS").map_or(usual, |kills| kills.parse().unwrap())
}

/// Payloads that no flow log is in: text, a long one, gzip of many lines, gzip that is cut, JSON that is torn.
pub fn poison(number: usize) -> Vec<u8> {
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    match number % 5 {
        0 => format!("no flow log {number}").into_bytes(),
        1 => format!("{number} {}", "x".repeat(100_000)).into_bytes(),
        2 => gzip(&format!("INFO request {number} done\n").repeat(2_000)),
        3 => gzip(&format!("{number} {}", "cut short ".repeat(50)))[..40].to_vec(),
        _ => format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"{number}","#).into_bytes(),
    }
}

pub fn flowscore(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscore"));
    command.args(args);
    for (name, value) in ENVIRONMENT {
        command.env(name, value);
    }
    command
}

/// See [`flowscore`].
pub const ENVIRONMENT: [(&str, &str); 3] =
    [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1")];

/// An empty directory of this test.
pub fn empty_directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    directory
}

/// Runs a command to its end: its summary.
pub fn summary(command: &mut Command) -> serde_json::Value {
    let output = command.stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{error}");
    serde_json::from_str(error.lines().last().unwrap()).unwrap()
}
