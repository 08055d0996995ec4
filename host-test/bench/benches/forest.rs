//! Record mode's score, in WebAssembly and native, beside crate `krcf`, a Rust port of the library that the retired
//! service grew out of: the same parameters (100 trees of 256, decay 1/100000, one column, bounding boxes cached whole,
//! one thread), the same heavy-tailed stream, score and update of each value.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flowscore::forest::{Attribution, Forest, Parameters};
use host_test::plugin::{Limits, Plugin, Point, SeriesMode};

/// Values learned before measuring: all trees are full, and turnover is that of a stream some hours old.
const WARM_UP: usize = 50_000;
/// Values of one iteration.
const VALUES: usize = 1_000;

/// Bytes of flows: log-normal, μ 7, σ 1.5, and 40 bytes of header.
fn stream() -> impl Iterator<Item = f64> {
    let mut state = 1u64;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    };
    std::iter::from_fn(move || {
        let normal = (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
        Some((7.0 + 1.5 * normal).exp().floor() + 40.0)
    })
}

fn forest(c: &mut Criterion) {
    let mut group = c.benchmark_group("score and update, 100 trees of 256");
    group.throughput(Throughput::Elements(VALUES as u64)).sample_size(20);

    let points: Vec<Point> = stream().take(WARM_UP).map(|value| Point { time: 0, value: Some(value) }).collect();
    let plugin = Plugin::built_in(Limits::default()).unwrap();
    let mut series = plugin.series(SeriesMode::Rcf, "").unwrap();
    series.observe(&points).unwrap();
    group.bench_function("flowscore in WebAssembly", |b| b.iter(|| series.observe(&points[..VALUES]).unwrap()));

    let values: Vec<f64> = stream().take(WARM_UP).collect();
    let mut native = Forest::new(&Parameters::default(), 1).unwrap();
    values.iter().for_each(|value| native.update(&[*value]));
    let mut attribution = Attribution::default();
    group.bench_function("flowscore native", |b| {
        b.iter(|| {
            let mut sum = 0.0;
            for value in &values[..VALUES] {
                native.attribute(&[*value], &mut attribution);
                native.update(&[*value]);
                sum += attribution.total();
            }
            sum
        });
    });

    let options = krcf::RandomCutForestOptions {
        dimensions: 1,
        shingle_size: 1,
        num_trees: Some(100),
        sample_size: Some(256),
        lambda: Some(1e-5),
        output_after: Some(256),
        bounding_box_cache_fraction: Some(1.0),
        parallel_execution_enabled: Some(false),
        random_seed: Some(42),
        id: None,
        internal_rotation: Some(false),
        internal_shingling: Some(false),
        propagate_attribute_vectors: Some(false),
        store_pointsum: Some(false),
        store_attributes: Some(false),
        initial_accept_fraction: Some(1.0),
    };
    let mut peer = krcf::RandomCutForest::new(options).unwrap();
    let floats: Vec<[f32; 1]> = values.iter().map(|value| [*value as f32]).collect();
    floats.iter().for_each(|value| peer.update(value).unwrap());
    group.bench_function("krcf native", |b| {
        b.iter_batched(
            || &floats[..VALUES],
            |values| {
                let mut sum = 0.0;
                for value in values {
                    sum += peer.score(value).unwrap();
                    peer.update(value).unwrap();
                }
                sum
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, forest);
criterion_main!(benches);
