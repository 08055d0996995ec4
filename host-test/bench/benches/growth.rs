//! Whether a record costs the same however many series and records there are: window mode, 10 to 60,000 series, and 1 to 16
//! million records.
//!
//! `cargo bench --bench growth` tells the figures and draws them to `docs/growth.svg`. Each series has 20 records a minute, as lines
//! without layers; there are six minutes at least, so that windows close while others open. Counted is the time that
//! the scorer's thread runs (on Linux; other programs do not count then), without that of making the lines.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use host_test::plugin::{Limits, Payload, Plugin, Scorer};

/// 2023-11-14T22:13:00Z.
const T0: u64 = 1_699_999_980;
/// Records of a series in a minute.
const RECORDS: u64 = 20;
const CONFIG: &str = r#"{"series":{"max_series":60000,"allowed_lateness":60}}"#;

/// Time that this thread has run, where Linux tells it, else the time since `started`.
fn busy(started: Instant) -> Duration {
    let run = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let run = run.and_then(|text| text.split_whitespace().next()?.parse().ok());
    run.map_or_else(|| started.elapsed(), Duration::from_nanos)
}

/// Feeds so many series and at least so many records; gives time, records and windows.
fn feed(scorer: &mut Scorer, series: u64, records: u64) -> (Duration, u64, u64) {
    let started = Instant::now();
    let minutes = (records / (series * RECORDS)).max(6);
    let (mut time, mut fed) = (Duration::ZERO, 0);
    let (mut lines, mut payloads) = (String::new(), Vec::new());
    for minute in 0..minutes {
        for interface in 0..series {
            for record in 0..RECORDS {
                let mixed = (minute * series + interface).wrapping_mul(RECORDS).wrapping_add(record);
                let random = (mixed ^ mixed >> 7).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
                let (peer, bytes, port) = (random % 251, 40 + random % 60_000, 1_024 + random % 60_000);
                let start = T0 + minute * 60 + record * 2;
                writeln!(
                    lines,
                    "2 123456789012 eni-{interface:017x} 10.0.0.9 172.31.0.{peer} {port} 443 6 7 {bytes} {start} {} ACCEPT OK",
                    start + 15
                )
                .unwrap();
            }
            let last = interface + 1 == series;
            if lines.len() > 32 << 10 || last {
                payloads.push(std::mem::take(&mut lines));
            }
            if payloads.len() == 64 || (last && minute + 1 == minutes) {
                let batch: Vec<Payload> =
                    payloads.iter().map(|text| Payload { data: text.as_bytes(), id: None }).collect();
                let mut rest = &batch[..];
                while !rest.is_empty() {
                    let before = busy(started);
                    let mut scored = scorer.transform(rest).unwrap();
                    rest = &rest[scored.taken as usize..];
                    fed += scored.counts.ok;
                    while scored.more {
                        scored = scorer.proceed().unwrap();
                        fed += scored.counts.ok;
                    }
                    time += busy(started) - before;
                }
                payloads.clear();
            }
        }
    }
    (time, fed, scorer.totals().unwrap().windows)
}

/// A measured point: its name, and microseconds a record.
type Point = (String, f64);

fn measure(name: String, series: u64, records: u64) -> Point {
    let plugin = Plugin::built_in(Limits::default()).unwrap();
    let mut scorer = plugin.scorer(CONFIG).unwrap();
    let (time, fed, windows) = feed(&mut scorer, series, records);
    let cost = time.as_secs_f64() * 1e6 / fed as f64;
    println!("{name}: {fed} records, {windows} windows closed, {cost:.3} µs a record, {} MB", scorer.memory() >> 20);
    (name, cost)
}

/// Two charts side by side, each from zero.
fn draw(charts: &[(&str, Vec<Point>)]) -> String {
    let most = charts.iter().flat_map(|(_, points)| points).map(|point| point.1).fold(0.0, f64::max) * 1.15;
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 260\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"720\" height=\"260\" fill=\"#fff\"/>\n",
    );
    for (chart, (title, points)) in charts.iter().enumerate() {
        let left = 50.0 + 360.0 * chart as f64;
        let place = |at: usize, cost: f64| {
            (left + 30.0 + at as f64 * 230.0 / (points.len() - 1) as f64, 215.0 - 165.0 * cost / most)
        };
        writeln!(svg, "<text x=\"{left}\" y=\"22\" font-weight=\"bold\">{title}</text>").unwrap();
        writeln!(svg, "<path d=\"M{left} 40V215H{}\" fill=\"none\" stroke=\"#888\"/>", left + 290.0).unwrap();
        let mut line = String::new();
        for (at, (name, cost)) in points.iter().enumerate() {
            let (x, y) = place(at, *cost);
            write!(line, "{}{x:.0} {y:.0}", if at == 0 { 'M' } else { 'L' }).unwrap();
            writeln!(svg, "<circle cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"3.5\" fill=\"#06c\"/>").unwrap();
            writeln!(svg, "<text x=\"{x:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{cost:.2}</text>", y - 9.0).unwrap();
            writeln!(svg, "<text x=\"{x:.0}\" y=\"233\" text-anchor=\"middle\">{name}</text>").unwrap();
        }
        writeln!(svg, "<path d=\"{line}\" fill=\"none\" stroke=\"#06c\"/>").unwrap();
        writeln!(svg, "<text x=\"{left}\" y=\"252\" fill=\"#666\">µs of one core a record</text>").unwrap();
    }
    svg + "</svg>\n"
}

fn main() {
    let by_series = [10, 1_000, 10_000, 60_000].map(|series| measure(format!("{series} series"), series, 2_000_000));
    let by_records = [1, 4, 16].map(|millions| measure(format!("{millions} M records"), 1_000, millions * 1_000_000));
    let charts = [("Series", by_series.to_vec()), ("Records, 1,000 series", by_records.to_vec())];
    for (title, points) in &charts {
        let costs = points.iter().map(|point| point.1);
        let (least, most) = (costs.clone().fold(f64::INFINITY, f64::min), costs.fold(0.0, f64::max));
        println!("{title}: most / least = {:.2}", most / least);
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/growth.svg");
    std::fs::write(path, draw(&charts)).unwrap();
}
