//! Simulated days and weeks through the built component, compared with their labels.
//!
//! The short one runs with all tests. Twenty weeks of forty interfaces, about 110 million records, take some minutes of
//! an optimised build: `cargo test --release -p host-test --test harness weeks -- --ignored --nocapture`.

use flowscore_generate::{Scenario, Wrapping};
use flowscore_report::{Report, Tally};
use host_test::plugin::{Limits, Payload, Plugin};
use host_test::transform::WasmTransform;

/// Runs a scenario as the default configuration does.
fn run(plugin: &Plugin, scenario: &Scenario) -> Tally {
    let mut transform = WasmTransform::new(plugin, "{}").unwrap();
    let mut traffic = scenario.traffic().unwrap();
    let truth = traffic.truth().to_vec();
    let mut events = Vec::new();
    loop {
        let payloads: Vec<Vec<u8>> = traffic.by_ref().take(512).map(|payload| payload.data).collect();
        if payloads.is_empty() {
            break;
        }
        let batch: Vec<Payload<'_>> = payloads.iter().map(|data| Payload { data, id: None }).collect();
        transform.transform_batch(&batch, &mut events).unwrap();
    }
    transform.finish(&mut events).unwrap();
    let events = events.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
    Report::new(events, Some(&truth)).tally().unwrap()
}

fn run_all(scenarios: impl Iterator<Item = Scenario>) -> Tally {
    let plugin = Plugin::built_in(Limits::default()).unwrap();
    let mut sum = Tally::default();
    for scenario in scenarios {
        let tally = run(&plugin, &Scenario { wrapping: Wrapping::Lines, ..scenario.clone() });
        eprintln!("seed {}: {tally}", scenario.seed);
        sum += tally;
    }
    eprintln!("together: {sum}");
    sum
}

fn recall(tally: &Tally) -> f64 {
    tally.found as f64 / tally.wanted as f64
}

#[test]
fn in_labelled_days_nearly_all_is_found_and_hardly_anything_is_false() {
    let tally = run_all((1..=3).map(Scenario::day));
    assert!(recall(&tally) >= 0.94, "{tally}");
    assert!(tally.false_incidents <= 1 && tally.wrong_way <= 1, "{tally}");
    assert_eq!(tally.talkers.0, tally.talkers.1, "{tally}");
}

#[test]
#[ignore = "takes minutes of an optimised build"]
fn in_twenty_weeks_recall_and_false_incidents_keep_to_their_bounds() {
    let tally = run_all((1..=20).map(Scenario::week));
    let mut delays = tally.delays.clone();
    delays.sort_unstable();
    assert!(recall(&tally) >= 0.95, "{tally}");
    assert!(tally.false_incidents <= 20, "{tally}");
    assert!(delays[delays.len() / 2] <= 120, "{tally}");
    assert!(tally.wrong_way as f64 <= 0.01 * tally.wanted as f64, "{tally}");
}
