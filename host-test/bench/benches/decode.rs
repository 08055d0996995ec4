//! Decoder: 1,000 payloads of 1,000 flow log lines, each a CloudWatch Logs document, compressed (gzip, level 6) and in
//! base64, to lines of JSON. In WebAssembly through the component, beside the same code native and, for scale, beside
//! what the usual libraries make of it native: `base64`, `flate2` and `serde_json`.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

mod flow_lines;

use std::borrow::Cow;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use host_test::plugin::{Limits, Outcome, Payload, Plugin};
use serde::{Deserialize, Serialize};

use flow_lines::flow_lines;

const PAYLOADS: usize = 1_000;
const LINES: usize = 1_000;
/// Payloads handed over at once.
const BATCH: usize = 10;

fn payloads() -> Vec<Vec<u8>> {
    let mut lines = flow_lines(24);
    let document = |nth: usize| {
        let events: Vec<String> = (0..LINES)
            .map(|k| {
                let line = lines.next().unwrap();
                let start = line.split(' ').nth(10).unwrap();
                let id = 31_953_106_606_966_983_378_809_025_079_u128 + (nth * LINES + k) as u128;
                format!(
                    "{{\"id\":\"{id}804211143289615424298221568\",\"timestamp\":{start}000,\"message\":\"{line}\"}}"
                )
            })
            .collect();
        let document = format!(
            "{{\"messageType\":\"DATA_MESSAGE\",\"owner\":\"123456789012\",\"logGroup\":\"/vpc/flow-logs\",\
             \"logStream\":\"eni-1235b8ca123456789-all\",\"subscriptionFilters\":[\"flowscore\"],\"logEvents\":[{}]}}",
            events.join(",")
        );
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
        encoder.write_all(document.as_bytes()).unwrap();
        STANDARD.encode(encoder.finish().unwrap()).into_bytes()
    };
    (0..PAYLOADS).map(document).collect()
}

fn decode(c: &mut Criterion) {
    let payloads = payloads();
    let mut group = c.benchmark_group("decode 1,000 payloads of 1,000 lines");
    group.throughput(Throughput::Elements((PAYLOADS * LINES) as u64)).sample_size(10);

    let batches: Vec<Vec<Payload<'_>>> =
        payloads.chunks(BATCH).map(|batch| batch.iter().map(|data| Payload { data, id: None }).collect()).collect();
    let mut decoder = Plugin::built_in(Limits::default()).unwrap().decoder("").unwrap();
    group.bench_function("flowscore in WebAssembly", |b| {
        b.iter(|| {
            let mut ok = 0;
            for batch in &batches {
                for outcome in decoder.decode(batch).unwrap() {
                    let Outcome::Ok(decoded) = outcome else { continue };
                    ok += decoded.counts.ok;
                }
            }
            assert_eq!(ok, (PAYLOADS * LINES) as u64);
        });
    });

    let mut decoding = flowscore::pipeline::Decoder::new(&flowscore::config::Config::default());
    group.bench_function("flowscore native", |b| {
        b.iter(|| {
            let mut ok = 0;
            for payload in &payloads {
                let flowscore::pipeline::Outcome::Ok(_, counts) = decoding.decode(payload, None) else { continue };
                ok += counts.ok;
            }
            assert_eq!(ok, (PAYLOADS * LINES) as u64);
        });
    });

    group.bench_function("base64, flate2 and serde_json native", |b| {
        b.iter(|| {
            let bytes: usize = payloads.iter().map(|payload| with_usual_libraries(payload).len()).sum();
            assert!(bytes > PAYLOADS * LINES * 100);
        });
    });
    group.finish();
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    log_events: Vec<Event<'a>>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

#[derive(Serialize)]
struct Record<'a> {
    version: Option<i64>,
    account_id: Option<&'a str>,
    interface_id: Option<&'a str>,
    srcaddr: Option<&'a str>,
    dstaddr: Option<&'a str>,
    srcport: Option<i64>,
    dstport: Option<i64>,
    protocol: Option<i64>,
    packets: Option<i64>,
    bytes: Option<i64>,
    start: Option<i64>,
    end: Option<i64>,
    action: Option<&'a str>,
    log_status: Option<&'a str>,
}

fn with_usual_libraries(payload: &[u8]) -> Vec<u8> {
    let mut json = Vec::new();
    GzDecoder::new(&STANDARD.decode(payload).unwrap()[..]).read_to_end(&mut json).unwrap();
    let document: Document<'_> = serde_json::from_slice(&json).unwrap();
    let mut out = Vec::new();
    for event in &document.log_events {
        let tokens: Vec<&str> = event.message.split(' ').collect();
        let text = |at: usize| Some(tokens[at]).filter(|token| *token != "-");
        let number = |at: usize| text(at).map(|token| token.parse().unwrap());
        let record = Record {
            version: number(0),
            account_id: text(1),
            interface_id: text(2),
            srcaddr: text(3),
            dstaddr: text(4),
            srcport: number(5),
            dstport: number(6),
            protocol: number(7),
            packets: number(8),
            bytes: number(9),
            start: number(10),
            end: number(11),
            action: text(12),
            log_status: text(13),
        };
        serde_json::to_writer(&mut out, &record).unwrap();
        out.push(b'\n');
    }
    out
}

criterion_group!(benches, decode);
criterion_main!(benches);
