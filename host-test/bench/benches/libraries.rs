//! By hand or by library: decoding end to end in WebAssembly by builds of the component that have a library in place of a part
//! of our own code, beside the build as it is. `docs/decisions.md` has the figures.
//!
//! Each build is made here, with the cargo feature of its library (`plugin/Cargo.toml`). All decode the same payloads, build
//! after build and round after round, so that what else the machine does falls on all alike; the quickest round of each
//! counts. `FLOWSCORE_BUILDS=FOLDER` adds builds that lie in a folder, for example of an earlier commit.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

mod flow_lines;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use host_test::plugin::{Limits, Outcome, Payload, Plugin};
use wit_component::ComponentEncoder;

use flow_lines::flow_lines;

const ROUNDS: usize = 15;
const PAYLOADS: usize = 100;
const LINES: usize = 1_000;
/// Payloads handed over at once.
const BATCH: usize = 10;

/// The flags of the artifact (host-test/artifacts/build.rs), and those of the last row, which keep it smaller.
const FLAGS: &str = "-Ctarget-feature=+simd128\u{1f}-Clink-arg=--compress-relocations";
const LITTLE_INLINING: &str = "-Ctarget-feature=+simd128\u{1f}-Cllvm-args=-inline-threshold=35\u{1f}\
                               -Cllvm-args=-inlinehint-threshold=100\u{1f}-Clink-arg=--compress-relocations";

/// Name, features besides `component`, and flags.
const BUILDS: [(&str, &str, &str); 8] = [
    ("as it is", "", FLAGS),
    ("inflate: flate2 on miniz_oxide", "peer-miniz", FLAGS),
    ("inflate: flate2 on zlib-rs", "peer-zlib-rs", FLAGS),
    ("base64: base64", "peer-base64", FLAGS),
    ("base64: base64-simd", "peer-base64-simd", FLAGS),
    ("JSON: serde_json, borrowed", "peer-serde-json", FLAGS),
    ("CRC-32: crc32fast", "peer-crc32fast", FLAGS),
    ("little inlining", "", LITTLE_INLINING),
];

fn main() {
    let mut plugins: Vec<(String, usize, Plugin)> = Vec::new();
    for (index, (name, features, flags)) in BUILDS.into_iter().enumerate() {
        let component = build(index, features, flags);
        plugins.push((name.into(), component.len(), Plugin::from_bytes(&component, Limits::default()).unwrap()));
    }
    if let Some(folder) = std::env::var_os("FLOWSCORE_BUILDS") {
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "wasm")) {
            let component = std::fs::read(file).unwrap();
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            plugins.push((name, component.len(), Plugin::from_bytes(&component, Limits::default()).unwrap()));
        }
    }
    let documents = documents();
    let gzip: Vec<_> = documents.iter().map(|document| gzip(document)).collect();
    let base64: Vec<_> = gzip.iter().map(|bytes| STANDARD.encode(bytes).into_bytes()).collect();
    let zlib: Vec<_> = documents.iter().map(|document| zlib(document)).collect();
    let aggregates: Vec<_> = documents.iter().map(|document| aggregate(document)).collect();
    println!("| build | bytes | gzip in base64 | gzip | zlib | plain | KPL aggregate of it |");
    println!("|---|---|---|---|---|---|---|");
    let columns: Vec<Vec<Duration>> = [&base64, &gzip, &zlib, &documents, &aggregates]
        .into_iter()
        .map(|payloads| quickest(&plugins, payloads))
        .collect();
    for (at, (name, size, _)) in plugins.iter().enumerate() {
        let cells: Vec<String> = columns.iter().map(|column| cell(column[at], column[0])).collect();
        println!("| {name} | {size} | {} |", cells.join(" | "));
    }
}

/// Records a second, and the time against that of the first build.
fn cell(time: Duration, first: Duration) -> String {
    let records = (PAYLOADS * LINES) as f64 / time.as_secs_f64() / 1e6;
    format!("{records:.2} M/s ({:+.0} %)", (time.as_secs_f64() / first.as_secs_f64() - 1.0) * 100.0)
}

/// The time of the quickest round of each build.
fn quickest(plugins: &[(String, usize, Plugin)], payloads: &[Vec<u8>]) -> Vec<Duration> {
    let batches: Vec<Vec<Payload<'_>>> =
        payloads.chunks(BATCH).map(|batch| batch.iter().map(|data| Payload { data, id: None }).collect()).collect();
    let mut decoders: Vec<_> = plugins.iter().map(|(_, _, plugin)| plugin.decoder("").unwrap()).collect();
    let mut quickest = vec![Duration::MAX; plugins.len()];
    for _ in 0..ROUNDS {
        for (decoder, quickest) in decoders.iter_mut().zip(&mut quickest) {
            let start = Instant::now();
            let mut ok = 0;
            for batch in &batches {
                for outcome in decoder.decode(batch).unwrap() {
                    let Outcome::Ok(decoded) = outcome else { continue };
                    ok += decoded.counts.ok;
                }
            }
            *quickest = start.elapsed().min(*quickest);
            assert_eq!(ok, (PAYLOADS * LINES) as u64);
        }
    }
    quickest
}

/// Builds the component with these features.
fn build(index: usize, features: &str, flags: &str) -> Vec<u8> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("libraries-{index}"));
    let status = Command::new(env!("CARGO"))
        .current_dir(&workspace)
        .args(["build", "--quiet", "--package", "flowscore", "--lib", "--profile", "plugin"])
        .args(["--target", "wasm32-unknown-unknown", "--features", &format!("component,{features}")])
        // Libraries that do the work of the hot path are optimised as it is.
        .args(["--config", "profile.plugin.package.\"*\".opt-level=3", "--target-dir"])
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags)
        .status()
        .unwrap();
    assert!(status.success(), "building with {features}");
    let module = std::fs::read(target.join("wasm32-unknown-unknown/plugin/flowscore.wasm")).unwrap();
    ComponentEncoder::default().debug_names(false).module(&module).unwrap().encode().unwrap()
}

/// Documents of CloudWatch Logs with flow log lines.
fn documents() -> Vec<Vec<u8>> {
    let mut lines = flow_lines(6);
    let document = |_| {
        let events: Vec<String> = (0..LINES)
            .map(|k| {
                let line = lines.next().unwrap();
                let start = line.split(' ').nth(10).unwrap();
                format!("{{\"id\":\"{k:056}\",\"timestamp\":{start}000,\"message\":\"{line}\"}}")
            })
            .collect();
        format!(
            "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"123456789012\",\"logGroup\":\"/vpc/flow-logs\",\
             \"logStream\":\"eni-1235b8ca123456789-all\",\"subscriptionFilters\":[\"flowscore\"],\"logEvents\":[{}]}}",
            events.join(",")
        )
        .into_bytes()
    };
    (0..PAYLOADS).map(document).collect()
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// An aggregate of the Kinesis Producer Library with one record, uncompressed: all of it goes through MD5.
fn aggregate(data: &[u8]) -> Vec<u8> {
    fn field(number: u8, bytes: &[u8], out: &mut Vec<u8>) {
        out.push(number << 3 | 2);
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push(length as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(bytes);
    }
    let mut record = vec![8, 0];
    field(3, data, &mut record);
    let mut message = Vec::new();
    field(1, b"key", &mut message);
    field(3, &record, &mut message);
    let digest: [u8; 16] =
        md5::Digest::finalize(md5::Digest::chain_update(<md5::Md5 as md5::Digest>::new(), &message)).into();
    [&[0xf3, 0x89, 0x9a, 0xc2][..], &message, &digest].concat()
}
