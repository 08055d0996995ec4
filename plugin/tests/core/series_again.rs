//! What is told after something was told: the second event of a day, the day after, the way back from hours of it. Detector and
//! lifecycle of one interface, whose traffic follows the day.

use flowscore::detect::{Detector, Settings};
use flowscore::incident::{Change, Judged, Lifecycle, Members};

/// A Monday, 00:00.
const MONDAY: i64 = 1_767_571_200;
const DAY: i64 = 86_400;
/// Days before the first change.
const LEARNT: i64 = 8;

/// From this hour on, for so many hours, so many times the traffic.
type Changed = (f64, f64, f64);
/// What happens, the window in seconds, how much windows vary, the changes, and what is told.
type Case = (&'static str, i64, f64, &'static [Changed], &'static [&'static str]);

/// Near a normal deviate: the sum of twelve uniform ones.
fn deviate(state: &mut u64) -> f64 {
    let mut uniform = || {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as f64 / (1u64 << 24) as f64
    };
    (0..12).map(|_| uniform()).sum::<f64>() - 6.0
}

/// What is told on the three days after those that are learnt, each with its hour: opened, and why closed.
fn told(seed: u64, window: i64, noise: f64, changes: &[Changed]) -> Vec<String> {
    let mut state = seed;
    let (mut detector, mut lifecycle) = (Detector::new(Some(window as f64)), Lifecycle::default());
    let mut told = Vec::new();
    for start in (0..(LEARNT + 3) * DAY).step_by(window as usize) {
        let hour = (start - LEARNT * DAY) as f64 / 3600.0;
        let changed = changes.iter().find(|(from, hours, _)| (*from..from + hours).contains(&hour));
        let rhythm = 0.7 - 0.3 * (hour / 24.0 * core::f64::consts::TAU).cos();
        let value = 1e8 * rhythm * (noise * deviate(&mut state)).exp() * changed.map_or(1.0, |change| change.2);
        let verdict = detector.observe(&Settings::default(), MONDAY + start, Some(value));
        let (start, end) = (MONDAY + start, MONDAY + start + window);
        let judged = Judged { start, end, value: Some(value), whole: None, verdict: &verdict };
        let mut step = lifecycle.step(b"eni-1", &judged, Members::None);
        if step.waiting.is_some() {
            step.active = lifecycle.announce();
        }
        if hour < 0.0 {
            continue;
        }
        if let Some((incident, ending)) = step.closed {
            told.push(format!("{:.0} {ending:?} {:?}", hour, incident.direction));
        }
        if step.active == Some(Change::Opened) {
            let direction = lifecycle.open().map(|incident| incident.direction);
            told.push(format!("{:.0} {:?}", hour, direction.unwrap()));
        }
    }
    told
}

#[test]
fn each_event_is_told_once_however_long_and_however_soon_after_another() {
    const MINUTE: i64 = 60;
    const FIVE: i64 = 300;
    let cases: [Case; 14] = [
        ("nothing", MINUTE, 0.1, &[], &[]),
        ("an outage", MINUTE, 0.2, &[(10.0, 1.0, 0.0)], &["10 Drop", "11 Recovered Drop"]),
        (
            "an outage of four hours stays open, and another one on that day is news",
            MINUTE,
            0.2,
            &[(8.0, 4.0, 0.0), (15.0, 0.5, 0.0)],
            &["8 Drop", "12 Recovered Drop", "15 Drop", "16 Recovered Drop"],
        ),
        (
            "forty minutes later",
            MINUTE,
            0.1,
            &[(8.0, 4.0, 0.0), (12.7, 0.5, 0.0)],
            &["8 Drop", "12 Recovered Drop", "13 Drop", "13 Recovered Drop"],
        ),
        (
            "at the same time of the next day",
            MINUTE,
            0.1,
            &[(8.0, 4.0, 0.0), (33.0, 1.0, 0.0)],
            &["8 Drop", "12 Recovered Drop", "33 Drop", "34 Recovered Drop"],
        ),
        (
            "a third of the traffic is normal after three hours, its end is no news, and a second fall is",
            MINUTE,
            0.1,
            &[(8.0, 6.0, 0.33), (17.0, 1.0, 0.33)],
            &["8 Drop", "11 NewLevel Drop", "17 Drop", "18 Recovered Drop"],
        ),
        (
            "thrice the traffic likewise",
            MINUTE,
            0.1,
            &[(8.0, 6.0, 3.0), (17.0, 1.0, 3.0)],
            &["8 Spike", "11 NewLevel Spike", "17 Spike", "18 Recovered Spike"],
        ),
        ("a third for good", MINUTE, 0.1, &[(10.0, 99.0, 0.33)], &["10 Drop", "13 NewLevel Drop"]),
        ("gone for good", MINUTE, 0.1, &[(10.0, 99.0, 0.0)], &["10 Drop", "34 Expired Drop"]),
        (
            "hours in which the day's course falls",
            MINUTE,
            0.1,
            &[(17.0, 2.5, 3.0)],
            &["17 Spike", "20 Recovered Spike"],
        ),
        ("five minutes: hours of a spike", FIVE, 0.1, &[(8.0, 2.0, 3.0)], &["8 Spike", "10 Recovered Spike"]),
        ("of half the traffic", FIVE, 0.05, &[(8.0, 2.0, 0.5)], &["8 Drop", "10 Recovered Drop"]),
        ("of nothing", FIVE, 0.1, &[(8.0, 4.0, 0.0)], &["8 Drop", "12 Recovered Drop"]),
        (
            "most of a day of nothing, and again",
            FIVE,
            0.1,
            &[(8.0, 16.0, 0.0), (30.0, 1.0, 0.0)],
            &["8 Drop", "24 Recovered Drop", "30 Drop", "31 Recovered Drop"],
        ),
    ];
    let mut wrong = Vec::new();
    for (name, window, noise, changes, expected) in cases {
        for seed in 1..=4 {
            let told = told(seed, window, noise, changes);
            if told != expected {
                wrong.push(format!("{name}, seed {seed}: {told:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
