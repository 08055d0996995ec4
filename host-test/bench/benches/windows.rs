//! Window mode in WebAssembly: the update of a window by a record, the close of a window, and the detector alone. What many series cost
//! is measured by the benchmark `closing`.
//!
//! The update is measured as a difference, since records don't cross the boundary of the component one by one: the same
//! payloads of plain log lines go to a scorer whose windows are open for them, and to one whose windows are closed, so
//! that it decodes and parses each record, finds that it is late, and stops there. Of times the least counts;
//! instructions are counted by wasmtime's fuel and are the same on every machine.
//!
//! `FLOWSCORE_PLUGIN` names another build of the component, for example one without SIMD.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flowscore_bench::{busy, minute};
use host_test::plugin::{BUILT_IN, Limits, Payload, Plugin, Point, SeriesMode};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Store};

/// Minutes before the one that is measured.
const WARM: i64 = 10;
const SERIES: u64 = 20;

/// Who sends how much, and whether talkers are sampled.
struct Load {
    name: &'static str,
    records: u64,
    config: &'static str,
}

const LOADS: [Load; 4] = [
    Load { name: "heavy: 5000 records of an interface and minute", records: 5_000, config: "" },
    Load { name: "busy: 500 records of an interface and minute", records: 500, config: "" },
    Load { name: "thin: 12 records of an interface and minute", records: 12, config: "" },
    Load { name: "heavy, without talkers", records: 5_000, config: r#"{"series":{"top_talkers":0}}"# },
];

impl Load {
    fn minute(&self, at: i64) -> Vec<Vec<u8>> {
        (0..SERIES).map(|interface| minute(interface, at, self.records)).collect()
    }

    /// Records of [`Load::minute`].
    fn size(&self) -> u64 {
        SERIES * self.records
    }

    /// A record that moves the time on, so that nothing closes while the measured minute comes in; and one so much later
    /// that it comes in late.
    fn movers(&self) -> [Vec<Vec<u8>>; 2] {
        [WARM + 2, WARM + 30].map(|until| (WARM..until).map(|at| minute(0, at, 1)).collect())
    }
}

fn payloads(data: &[Vec<u8>]) -> Vec<Payload<'_>> {
    data.iter().map(|data| Payload { data, id: None }).collect()
}

/// Snapshots before the measured minute: its windows are open, and closed.
fn snapshots(plugin: &Plugin, load: &Load) -> [Vec<u8>; 2] {
    load.movers().map(|movers| {
        let mut scorer = plugin.scorer(load.config).unwrap();
        for at in 0..WARM {
            let thin = Load { records: load.records.min(100), ..*load };
            scorer.transform(&payloads(&thin.minute(at))).unwrap();
        }
        scorer.transform(&payloads(&movers)).unwrap();
        scorer.snapshot().unwrap()
    })
}

fn plugin() -> Plugin {
    match std::env::var_os("FLOWSCORE_PLUGIN") {
        Some(path) => Plugin::from_file(path.as_ref(), Limits::default()).unwrap(),
        None => Plugin::built_in(Limits::default()).unwrap(),
    }
}

/// Time of one minute's records with windows open less that with windows closed, for each record, in nanoseconds: of each
/// the least of many, since whatever else the machine does only adds.
fn difference(plugin: &Plugin, load: &Load, snapshots: &[Vec<u8>; 2], batch: &[Payload<'_>]) -> f64 {
    let started = Instant::now();
    let time = |snapshot: &[u8]| {
        // Small loads are measured over many scorers.
        let mut sum = Duration::ZERO;
        let rounds = 100_000_u64.div_ceil(load.size());
        for _ in 0..rounds {
            let mut scorer = plugin.restore(load.config, snapshot).unwrap();
            let start = busy(started);
            black_box(scorer.transform(batch).unwrap());
            sum += busy(started) - start;
        }
        sum.as_nanos() as f64 / (rounds * load.size()) as f64
    };
    let mut least = [f64::INFINITY; 2];
    for _ in 0..20 {
        for (least, snapshot) in least.iter_mut().zip(snapshots) {
            *least = least.min(time(snapshot));
        }
    }
    least[0] - least[1]
}

/// Whether the filters of the command line (`cargo bench --bench windows -- instructions`) let a measurement through that
/// criterion doesn't make.
fn is_wanted(name: &str) -> bool {
    let mut filters = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).peekable();
    filters.peek().is_none() || filters.any(|filter| name.contains(&filter))
}

fn window_update(c: &mut Criterion) {
    let plugin = plugin();
    for load in &LOADS {
        let snapshots = snapshots(&plugin, load);
        let data = load.minute(WARM);
        let batch = payloads(&data);
        if is_wanted("instructions") {
            let [open, closed] = [0, 1].map(|at| {
                let mut counted = Counted::restore(load.config, &snapshots[at]);
                counted.transform(&data) as f64 / load.size() as f64
            });
            println!("{}: update {:.0} instructions a record; decode and parse {closed:.0}", load.name, open - closed);
        }
        if is_wanted("difference") {
            println!("{}: update {:.0} ns a record", load.name, difference(&plugin, load, &snapshots, &batch));
        }
        let mut group = c.benchmark_group(format!("window update, {}", load.name));
        group.throughput(Throughput::Elements(load.size())).sample_size(20);
        for (name, snapshot) in ["decode, parse and window update", "decode and parse"].iter().zip(&snapshots) {
            group.bench_function(*name, |b| {
                b.iter_batched_ref(
                    || plugin.restore(load.config, snapshot).unwrap(),
                    |scorer| scorer.transform(&batch).unwrap(),
                    BatchSize::PerIteration,
                );
            });
        }
        group.finish();
    }
}

/// Series in the window that is closed, and minutes of history: as many as stay in near caches, and those of a large account.
const CLOSED: [(u64, i64); 2] = [(200, 200), (10_000, 90)];

/// One window of many series, each with a history of hours and twelve talkers a minute.
fn window_close(c: &mut Criterion) {
    let mut group = c.benchmark_group("close of a window");
    for (series, minutes) in CLOSED {
        let name = format!("judge a series, its incident and its talkers, of {series}");
        if !is_wanted("instructions") && !is_wanted(&format!("close of a window {name}")) {
            continue;
        }
        let plugin = plugin();
        let mut scorer = plugin.scorer("").unwrap();
        for at in 0..minutes {
            let data: Vec<_> = (0..series).map(|interface| minute(interface, at, 12)).collect();
            scorer.transform(&payloads(&data)).unwrap();
        }
        let snapshot = scorer.snapshot().unwrap();
        // As many interfaces as event time asks in the next minutes: windows of all series are closed, with little to do besides.
        let mover: Vec<_> = (minutes..minutes + 5).flat_map(|at| (0..32).map(move |i| minute(i, at, 1))).collect();
        if is_wanted("instructions") {
            let mut counted = Counted::restore("", &snapshot);
            let before = counted.windows();
            let instructions = counted.transform(&mover);
            let count = instructions / (counted.windows() - before).max(1);
            println!("close of a window: {count} instructions a series of {series}");
        }
        let mover = payloads(&mover);
        let mut restored = plugin.restore("", &snapshot).unwrap();
        let before = restored.totals().unwrap().windows;
        restored.transform(&mover).unwrap();
        let closed = restored.totals().unwrap().windows - before;
        assert!(closed > 0);
        group.throughput(Throughput::Elements(closed)).sample_size(10);
        group.bench_function(name, |b| {
            b.iter_batched_ref(
                || plugin.restore("", &snapshot).unwrap(),
                |scorer| scorer.transform(&mover).unwrap(),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn detector(c: &mut Criterion) {
    if !is_wanted("detector") {
        return;
    }
    let plugin = plugin();
    // A day's rhythm and noise, at one minute and at five; ten days learned.
    let points = |step: i64| -> Vec<Point> {
        let value = |i: i64| {
            let phase = (i * step % 86_400) as f64 / 86_400.0 * std::f64::consts::TAU;
            let noise = ((i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54) as f64;
            1e6 * (1.5 + phase.sin()) + 300.0 * noise
        };
        (0..864_000 / step).map(|i| Point { time: i * step * 1000, value: Some(value(i)) }).collect()
    };
    let mut group = c.benchmark_group("detector, one window of one series");
    for (name, step) in [("windows of one minute", 60), ("windows of five minutes", 300)] {
        let points = points(step);
        let day = (86_400 / step) as usize;
        group.throughput(Throughput::Elements(day as u64)).sample_size(10);
        let mut series = plugin.series(SeriesMode::Detect, "").unwrap();
        series.observe(&points).unwrap();
        let mut end = points.last().unwrap().time;
        group.bench_function(name, |b| {
            b.iter(|| {
                let next: Vec<Point> =
                    points[..day].iter().map(|point| Point { time: point.time + end, ..*point }).collect();
                end += 86_400_000;
                series.observe(&next).unwrap()
            });
        });
    }
    group.finish();
}

mod bindings {
    wasmtime::component::bindgen!({ path: "../../wit", world: "plugin" });
}

/// A scorer whose instructions are counted.
struct Counted {
    store: Store<()>,
    bindings: bindings::Plugin,
    scorer: wasmtime::component::ResourceAny,
}

impl Counted {
    fn instance() -> (Store<()>, bindings::Plugin) {
        let mut config = Config::new();
        config.consume_fuel(true);
        let engine = Engine::new(&config).unwrap();
        let component = match std::env::var_os("FLOWSCORE_PLUGIN") {
            Some(path) => Component::from_file(&engine, path).unwrap(),
            None => Component::new(&engine, BUILT_IN).unwrap(),
        };
        let mut store = Store::new(&engine, ());
        store.set_fuel(u64::MAX).unwrap();
        let bindings = bindings::Plugin::instantiate(&mut store, &component, &Linker::new(&engine)).unwrap();
        (store, bindings)
    }

    fn restore(config: &str, snapshot: &[u8]) -> Self {
        let (mut store, bindings) = Self::instance();
        let guest = bindings.flowscore_transform_scoring();
        let bytes = guest.snapshot().call_constructor(&mut store).unwrap();
        guest.snapshot().call_write(&mut store, bytes, snapshot).unwrap();
        let scorer = guest.scorer().call_restore(&mut store, config, bytes).unwrap().unwrap();
        Counted { store, bindings, scorer }
    }

    /// Windows closed so far, over all series.
    fn windows(&mut self) -> u64 {
        let guest = self.bindings.flowscore_transform_scoring();
        guest.scorer().call_totals(&mut self.store, self.scorer).unwrap().windows
    }

    /// The instructions that it takes.
    fn transform(&mut self, data: &[Vec<u8>]) -> u64 {
        use bindings::exports::flowscore::transform::types::Payload;
        let batch: Vec<Payload> = data.iter().map(|data| Payload { data: data.clone(), id: None }).collect();
        let before = self.store.get_fuel().unwrap();
        let guest = self.bindings.flowscore_transform_scoring();
        guest.scorer().call_transform(&mut self.store, self.scorer, &batch).unwrap();
        before - self.store.get_fuel().unwrap()
    }
}

criterion_group!(benches, window_update, window_close, detector);
criterion_main!(benches);
