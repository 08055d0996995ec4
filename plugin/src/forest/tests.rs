//! The forest against closed-form values, published scores and its own invariants.

use super::*;
use crate::state;

fn forest(parameters: Parameters, columns: usize) -> Forest {
    Forest::new(&parameters, columns).unwrap()
}

/// A forest that scores from its first ten points on.
fn small() -> Parameters {
    Parameters { number_of_trees: 50, sub_sample_size: 10, ..Parameters::default() }
}

/// A reproducible stream with repeats, clusters and rare extremes.
fn stream(length: usize) -> impl Iterator<Item = f64> {
    let mut random = Random::new(3);
    (0..length).map(move |_| match random.next_u64() % 20 {
        0 => 40.0,
        1 => 1e9 * random.uniform(),
        _ => (random.uniform() * 50.0).floor(),
    })
}

#[test]
fn closed_form_scores_of_tiny_trees_hold() {
    // Worked from the formulas in `score`: a tree over {0, 1} has one cut, whatever it is.
    let tables = Tables::new(10);
    let mut points = Points::new(1);
    let mut trees = vec![Tree::new(1)];
    let score = |trees: &[Tree], points: &Points, x: f32| {
        let mut line = Line::new(1, 10);
        line.build(0, &trees[0], points);
        let (above, below) = line.score::<true>(trees, &tables, x);
        let mut walked = 0.0;
        score_point(trees, points, &tables, &[x], &mut Scratch::new(1, 10), &mut walked);
        assert!((above + below - walked).abs() < 1e-12);
        above + below
    };
    let zero = points.insert(&[0.0]);
    trees[0].insert(zero, &points, &mut Vec::new());
    assert!((score(&trees, &points, 3.0) - 1.0).abs() < 1e-12);
    assert!((score(&trees, &points, 0.0) - 0.5).abs() < 1e-12);
    let one = points.insert(&[1.0]);
    trees[0].insert(one, &points, &mut Vec::new());
    let log3 = libm::log2(3.0);
    assert!((score(&trees, &points, 3.0) - (2.0 / 3.0 + 1.0 / 3.0 * 0.5) * log3).abs() < 1e-12);
    assert!((score(&trees, &points, 1.0) - 0.75 * 0.5 * log3).abs() < 1e-12);
}

#[test]
fn the_sorted_view_of_one_column_gives_what_a_walk_down_the_trees_gives() {
    let mut forest = forest(Parameters { time_decay: 400, ..Parameters::default() }, 1);
    let tables = Tables::new(256);
    let mut scratch = Scratch::new(1, 256);
    let mut quick = Attribution::default();
    for (i, x) in stream(2_000).enumerate() {
        if i % 23 == 0 && forest.is_ready() {
            for x in [x, 40.0, -5.0, 1e12] {
                forest.attribute(&[x], &mut quick);
                let mut walked = Attribution::new(1);
                for trees in forest.trees.chunks(LANES) {
                    attribute_point(trees, &forest.points, &tables, &[x as f32], &mut scratch, &mut walked);
                }
                for (quick, walked) in [(quick.high[0], walked.high[0]), (quick.low[0], walked.low[0])] {
                    assert!((quick - walked / 100.0).abs() < 1e-9, "{x} after {i}: {quick} for {}", walked / 100.0);
                }
            }
        }
        forest.update(&[x]);
    }
}

#[test]
fn the_sorted_view_follows_each_change_of_a_tree() {
    // Streams with repeats and extremes, with nothing but repeats, and rising, so that trees become lists.
    let streams: [Vec<f64>; 4] = [
        stream(2_000).collect(),
        stream(500).map(|x| x % 3.0).collect(),
        (0..500).map(f64::from).collect(),
        (0..127).map(|i| libm::exp2(f64::from(i))).collect(),
    ];
    for values in streams {
        for parameters in
            [Parameters { time_decay: 400, ..Parameters::default() }, Parameters { time_decay: 11, ..small() }]
        {
            let mut forest = forest(parameters.clone(), 1);
            for (i, x) in values.iter().enumerate() {
                forest.update(&[*x]);
                if i % 11 == 0 {
                    let mut anew = forest.clone();
                    assert!(anew.revive(&parameters, 1));
                    assert!(forest.working.line == anew.working.line, "after {i} of {}", values.len());
                }
            }
        }
    }
}

#[test]
fn scores_are_zero_for_the_first_sub_sample_size_records() {
    let mut forest = forest(Parameters::default(), 1);
    for (i, x) in stream(300).enumerate() {
        let score = forest.score(&[x]);
        assert_eq!(score == 0.0, i < 256, "record {i} has score {score}");
        forest.update(&[x]);
    }
}

#[test]
fn a_point_between_two_tight_clusters_is_told_apart_by_the_second_cut() {
    // Two clusters at x = ±5 whose width is negligible: the first cut parts the clusters, the second one parts the point
    // at the origin from the cluster on its side, at depth 1 and mass 256: 1/2 · log2(257). Points of the clusters are
    // ordinary, 0.65 … 0.95 in the README of the library aws/random-cut-forest-by-aws, whose example this is.
    let mut random = Random::new(11);
    let mut normal = move || {
        let angle = 2.0 * std::f64::consts::PI * random.uniform();
        libm::sqrt(2.0 * random.exponential()) * libm::cos(angle)
    };
    let mut forest = forest(Parameters { time_decay: 2_560, ..Parameters::default() }, 3);
    let mut ordinary = Vec::new();
    for i in 0..2_000 {
        let centre = if i % 2 == 0 { 5.0 } else { -5.0 };
        let point = [centre + 0.01 * normal(), 0.01 * normal(), 0.01 * normal()];
        ordinary.push(forest.score(&point));
        forest.update(&point);
    }
    let tail = &ordinary[1_500..];
    let mean = tail.iter().sum::<f64>() / tail.len() as f64;
    assert!((0.65..0.95).contains(&mean), "{mean}");
    let outlier = forest.score(&[0.0, 0.0, 0.0]);
    assert!((outlier - 0.5 * libm::log2(257.0)).abs() < 0.1, "{outlier}");
}

#[test]
fn the_attribution_sums_up_to_the_score_and_names_the_column_and_the_side() {
    for (columns, shingle_size) in [(1, 1), (1, 4), (2, 1), (3, 2)] {
        let mut forest = forest(Parameters { shingle_size, ..small() }, columns);
        let mut attribution = Attribution::default();
        let mut values = stream(columns * 500);
        for _ in 0..499 {
            let input: Vec<f64> = values.by_ref().take(columns).collect();
            forest.attribute(&input, &mut attribution);
            let score = forest.score(&input);
            assert!((attribution.total() - score).abs() < 1e-9, "{} for a score of {score}", attribution.total());
            assert!(attribution.high.iter().chain(&attribution.low).all(|part| *part >= 0.0));
            forest.update(&input);
        }
        let mut input = vec![25.0; columns];
        input[columns - 1] = 1e12;
        forest.attribute(&input, &mut attribution);
        let largest = attribution.high[columns - 1];
        assert!(largest > 0.5 * attribution.total(), "{attribution:?}");
        input[columns - 1] = -1e12;
        forest.attribute(&input, &mut attribution);
        assert!(attribution.low[columns - 1] > 0.5 * attribution.total(), "{attribution:?}");
    }
}

#[test]
fn trees_stay_valid_through_insertions_evictions_and_repeats() {
    let parameters = Parameters { time_decay: 11, ..small() };
    for (columns, values) in [(1, stream(3_000).collect::<Vec<_>>()), (2, stream(3_000).collect()), (1, vec![7.0; 400])]
    {
        let mut forest = forest(parameters.clone(), columns);
        for (i, input) in values.chunks_exact(columns).enumerate() {
            forest.update(input);
            if i % 97 == 0 {
                assert!(forest.clone().revive(&parameters, columns), "after {i} updates");
            }
        }
    }
}

#[test]
fn a_deserialised_forest_goes_on_bit_for_bit() {
    let parameters = Parameters { shingle_size: 2, time_decay: 300, ..small() };
    let mut forest = forest(parameters.clone(), 1);
    stream(777).for_each(|x| forest.update(&[x]));
    let bytes = state::to_bytes(&forest);
    let mut twin: Forest = state::from_bytes(&bytes).unwrap();
    assert!(twin.revive(&parameters, 1));
    for x in stream(500) {
        assert_eq!(forest.score(&[x]).to_bits(), twin.score(&[x]).to_bits());
        forest.update(&[x]);
        twin.update(&[x]);
    }
}

#[test]
fn a_forest_that_could_not_have_grown_is_refused() {
    let parameters = small();
    let mut grown = forest(parameters.clone(), 1);
    stream(300).for_each(|x| grown.update(&[x]));
    type Damage = fn(&mut Forest);
    let damages: [(&str, Damage); 8] = [
        ("child out of range", |f| f.trees[3].nodes[0].children[0] = 4_000),
        ("cycle", |f| f.trees[3].nodes[0].children[0] = 0),
        ("leaf out of range", |f| f.trees[3].leaves[0].point = 4_000_000),
        ("mass of a leaf", |f| f.trees[3].leaves[0].mass += 1),
        ("cut", |f| f.trees[3].nodes[0].cut = -1e30),
        ("box", |f| f.trees[3].boxes[0] -= 1.0),
        ("number of trees", |f| f.trees.truncate(10)),
        ("shingle", |f| f.shingle.push(0.0)),
    ];
    for (what, damage) in damages {
        let mut damaged = grown.clone();
        damage(&mut damaged);
        assert!(!damaged.revive(&parameters, 1), "{what}");
    }
}

#[test]
fn extreme_values_neither_panic_nor_poison() {
    let mut forest = forest(small(), 1);
    for x in [f64::MAX, f64::MIN, 0.0, -0.0, f64::MIN_POSITIVE, 1e-300, f64::NAN, f64::INFINITY] {
        for _ in 0..20 {
            let score = forest.score(&[x]);
            assert!(score.is_finite() && score >= 0.0, "{x}: {score}");
            forest.update(&[x]);
        }
    }
}

#[test]
fn parameters_out_of_range_are_named_with_what_is_allowed() {
    let default = Parameters::default;
    for (parameters, columns, name) in [
        (Parameters { number_of_trees: 0, ..default() }, 1, "number_of_trees"),
        (Parameters { sub_sample_size: 9, ..default() }, 1, "sub_sample_size"),
        (Parameters { time_decay: 256, ..default() }, 1, "time_decay"),
        (Parameters { shingle_size: 31, ..default() }, 1, "shingle_size"),
        (default(), 31, "columns"),
        (
            Parameters { number_of_trees: 1000, sub_sample_size: 1000, shingle_size: 30, ..default() },
            30,
            "number_of_trees",
        ),
    ] {
        assert_eq!(parameters.check(columns).unwrap_err().0, name);
    }
}
