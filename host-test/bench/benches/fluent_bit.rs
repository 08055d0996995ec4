//! The Fluent Bit module: instructions for each record, by wasmtime's fuel, all included: Fluent Bit's two calls of `malloc`
//! and of `free`, the JSON text in and out, decoding, scoring. An interpreter takes about a fixed time for each, so that
//! they say more about Fluent Bit than the compiled code's time beside them.
//!
//! `FLOWSCORE_FLUENT_BIT` names another build of the module.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::io::Write;

use base64::Engine;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::write::GzEncoder;
use host_test::fluent_bit::{Directory, FluentBit, Instance};

/// What is measured: its name, the configuration, records before the first that counts, and those that count.
type Case<'a> = (&'a str, &'a str, &'a [Vec<u8>], &'a [Vec<u8>]);

/// Records of one run.
const RECORDS: usize = 20_000;
/// Records before the first one that counts: the series are known, and windows close.
const WARM_UP: usize = 20_000;
/// Lines of a document.
const DOCUMENT: usize = 100;
/// Flow records a second, of 50 interfaces.
const A_SECOND: usize = 40;
const START: i64 = 1_700_000_000;

struct Flow {
    interface: u64,
    from: [u64; 2],
    to: [u64; 2],
    port: u64,
    packets: u64,
    bytes: u64,
    start: i64,
}

fn flows() -> impl Iterator<Item = Flow> {
    let mut state = 1u64;
    let mut random = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..).map(move |i: usize| Flow {
        interface: random(50) * 0x0001_2345_6789_abcd + 0x00ff_0000_0000_0000,
        from: [random(256), random(256)],
        to: [random(4), 1 + random(254)],
        port: 1024 + random(64_000),
        packets: 1 + random(200),
        bytes: 40 + random(150_000),
        start: START + (i / A_SECOND) as i64,
    })
}

/// As a line under `log`.
fn line(flow: &Flow, start: i64) -> Vec<u8> {
    let Flow { interface, from, to, port, packets, bytes, .. } = flow;
    format!(
        "{{\"log\":\"2 123456789010 eni-{interface:017x} 10.0.{}.{} 172.31.{}.{} {port} 443 6 {packets} {bytes} {start} {} \
         ACCEPT OK\"}}",
        from[0],
        from[1],
        to[0],
        to[1],
        start + 59
    )
    .into_bytes()
}

/// As an object of the fields.
fn object(flow: &Flow) -> Vec<u8> {
    let Flow { interface, from, to, port, packets, bytes, start } = flow;
    format!(
        "{{\"version\":2,\"account_id\":\"123456789010\",\"interface_id\":\"eni-{interface:017x}\",\
         \"srcaddr\":\"10.0.{}.{}\",\"dstaddr\":\"172.31.{}.{}\",\"srcport\":{port},\"dstport\":443,\"protocol\":6,\
         \"packets\":{packets},\"bytes\":{bytes},\"start\":{start},\"end\":{},\"action\":\"ACCEPT\",\"log_status\":\"OK\"}}",
        from[0],
        from[1],
        to[0],
        to[1],
        start + 59
    )
    .into_bytes()
}

/// As documents of CloudWatch Logs under `log`, each of [`DOCUMENT`] lines, gzipped and in base64, as Kinesis has them.
fn documents(flows: &[Flow]) -> Vec<Vec<u8>> {
    let document = |flows: &[Flow]| {
        let event = |(index, flow): (usize, &Flow)| {
            let record = String::from_utf8(line(flow, flow.start)).unwrap();
            let message = record.replacen("log", "message", 1);
            format!("{{\"id\":\"{index:056}\",\"timestamp\":{},{}", flow.start * 1000, &message[1..])
        };
        let events: Vec<String> = flows.iter().enumerate().map(event).collect();
        let document = format!(
            "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"123456789010\",\"logGroup\":\"flow-logs\",\"logStream\":\"eni-all\",\
             \"subscriptionFilters\":[\"all\"],\"logEvents\":[{}]}}",
            events.join(",")
        );
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(document.as_bytes()).unwrap();
        let text = base64::engine::general_purpose::STANDARD.encode(gzip.finish().unwrap());
        format!("{{\"log\":\"{text}\"}}").into_bytes()
    };
    flows.chunks(DOCUMENT).map(document).collect()
}

fn instance(module: &FluentBit, name: &str, configuration: &str) -> Instance {
    let path = std::env::temp_dir().join(format!("flowscore-bench-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    std::fs::write(path.join("flowscore.json"), configuration).unwrap();
    let instance = module.instance(&[Directory::from(path.as_path())], 1 << 30).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    instance
}

fn run(instance: &mut Instance, records: &[Vec<u8>]) {
    for record in records {
        instance.filter("vpc", START as u32, record).unwrap();
    }
}

fn fluent_bit(c: &mut Criterion) {
    let module = match std::env::var_os("FLOWSCORE_FLUENT_BIT") {
        Some(path) => FluentBit::from_bytes(&std::fs::read(path).unwrap()).unwrap(),
        None => FluentBit::built_in().unwrap(),
    };
    let lines: Vec<Vec<u8>> = flows().take(WARM_UP + RECORDS).map(|flow| line(&flow, flow.start)).collect();
    let late: Vec<Vec<u8>> = flows().take(RECORDS).map(|flow| line(&flow, START - 86_400)).collect();
    let documents = documents(&flows().take(WARM_UP + RECORDS).collect::<Vec<_>>());
    let (documents_before, documents) = documents.split_at(WARM_UP / DOCUMENT);
    let objects: Vec<Vec<u8>> = flows().take(WARM_UP + RECORDS).map(|flow| object(&flow)).collect();
    let window = r#"{"fluent_bit":{"snapshot":null}}"#;
    let record = r#"{"mode":"record","fluent_bit":{"snapshot":null}}"#;
    println!("instructions for each record:");
    // Without scoring: the time is told, nothing comes of it, and the record is not written.
    let tick = r#"{"fluent_bit":{"snapshot":null,"tick_tag":"vpc"}}"#;
    let cases: [Case<'_>; 7] = [
        ("line: read only (ticks)", tick, &[], &lines[..RECORDS]),
        ("line: decode only (late records)", window, &lines[..WARM_UP], &late),
        ("line: decode and window", window, &lines[..WARM_UP], &lines[WARM_UP..]),
        ("object: decode and window", window, &objects[..WARM_UP], &objects[WARM_UP..]),
        ("line in a document: decode and window", window, documents_before, documents),
        // Trees change seldom in the long run, but often at the beginning.
        ("line: decode and forest, begun", record, &lines[..2_000], &lines[WARM_UP..WARM_UP + 2_000]),
        ("line: decode and forest", record, &lines[..WARM_UP], &lines[WARM_UP..WARM_UP + 2_000]),
    ];
    let mut group = c.benchmark_group("Fluent Bit module");
    group.sample_size(10);
    for (name, configuration, before, records) in cases {
        let mut instance = instance(&module, name, configuration);
        run(&mut instance, before);
        let start = instance.instructions();
        run(&mut instance, records);
        let lines = if name.contains("document") { records.len() * DOCUMENT } else { records.len() };
        let each = (instance.instructions() - start) as f64 / lines as f64;
        println!("  {name:40} {each:9.0}");
        // The same records again are late.
        group.throughput(Throughput::Elements(records.len() as u64));
        if name.contains("late") || name.contains("tick") {
            group.bench_function(name, |b| b.iter(|| run(&mut instance, records)));
        }
    }
    group.finish();
}

criterion_group!(benches, fluent_bit);
criterion_main!(benches);
