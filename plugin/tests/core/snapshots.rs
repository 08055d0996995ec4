//! Snapshots of earlier versions are read: one of each kept version and mode lies in `snapshots/`, and what was learned goes on.
//!
//! Whoever raises the version adds what it writes: `UPDATE_SNAPSHOTS=1 cargo test -p flowscore --test core -- snapshots`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use flowscore::pipeline::{RestoreError, Scorer};
use serde_json::Value;

/// Minutes that the kept snapshots have seen, the last of them inside a window.
const SEEN: i64 = 200;

const MODES: &[(&str, &str)] = &[
    ("window", r#"{"series":{"allowed_lateness":0}}"#),
    (
        "record",
        r#"{"mode":"record","forest":{"number_of_trees":10,"sub_sample_size":32},"record":{"columns":["bytes"]}}"#,
    ),
];

fn lines(minutes: std::ops::Range<i64>, bytes: impl Fn(i64) -> i64) -> String {
    let mut text = String::new();
    for minute in minutes {
        let start = 1_767_225_600 + minute * 60;
        for interface in 0..3 {
            let bytes = bytes(interface) + (minute * 7_919 + interface * 104_729) % 997;
            let (source, end) = (interface + 1, start + 59);
            writeln!(text, "2 1 eni-{interface} 10.0.0.{source} 10.0.1.1 443 9 6 3 {bytes} {start} {end} ACCEPT OK")
                .unwrap();
        }
    }
    text
}

fn ordinary(_: i64) -> i64 {
    10_000
}

fn snapshot(config: &str) -> Vec<u8> {
    let mut scorer = Scorer::new(config).unwrap();
    scorer.transform(lines(0..SEEN, ordinary).as_bytes(), None, &mut Vec::new());
    scorer.snapshot()
}

fn version(snapshot: &[u8]) -> u16 {
    u16::from_le_bytes([snapshot[8], snapshot[9]])
}

fn kept(mode: &str, version: u16) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/core/snapshots/{mode}-{version}.snapshot"))
}

fn events(scorer: &mut Scorer, text: &str) -> Vec<Value> {
    let mut out = Vec::new();
    scorer.transform(text.as_bytes(), None, &mut out);
    let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

#[test]
fn what_earlier_versions_have_learned_goes_on() {
    for (mode, config) in MODES {
        let current = snapshot(config);
        let path = kept(mode, version(&current));
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() && !path.exists() {
            fs::write(&path, &current).unwrap();
        }
        assert!(path.exists(), "{} is missing: UPDATE_SNAPSHOTS=1 adds it", path.display());
        let (mut read, mut before) = (0, version(&current));
        while let Ok(bytes) = fs::read(kept(mode, before)) {
            let mut scorer =
                Scorer::restore(config, &bytes).unwrap_or_else(|error| panic!("{mode} {before}: {error:?}"));
            assert_eq!(version(&bytes), before);
            assert_eq!(scorer.totals().counts.ok, 3 * SEEN as u64, "{mode} {before}");
            // A model that began anew would have nothing to say about the first minutes it sees.
            let quiet = events(&mut scorer, &lines(SEEN..SEEN + 30, ordinary));
            let told = events(
                &mut scorer,
                &lines(SEEN + 30..SEEN + 33, |interface| if interface == 1 { 90_000_000 } else { 10_000 }),
            );
            match *mode {
                "window" => {
                    assert_eq!(quiet, [] as [Value; 0], "{mode} {before}");
                    assert_eq!(told[0]["series"], "eni-1", "{mode} {before}");
                    assert_eq!(told[0]["direction"], "spike", "{mode} {before}");
                }
                _ => {
                    let scores = |events: &[Value]| -> Vec<f64> {
                        events.iter().filter_map(|event| event["anomaly_score"].as_f64()).collect()
                    };
                    let usual = scores(&quiet).into_iter().fold(0.0, f64::max);
                    assert!(usual > 0.0, "{mode} {before}: it goes on scoring");
                    assert!(scores(&told)[1] > usual, "{mode} {before}");
                }
            }
            read += 1;
            before -= 1;
        }
        assert!(read > 0);
        // The one before the first that is kept is refused by name.
        let mut older = current.clone();
        older[8..10].copy_from_slice(&before.to_le_bytes());
        match Scorer::restore(config, &older) {
            Err(RestoreError::Version(reason)) => assert!(reason.contains(&format!("version {before}")), "{reason}"),
            other => panic!("{:?}", other.map(|_| ())),
        }
    }
}

#[test]
fn a_young_series_of_an_earlier_version_is_told_when_it_falls_silent() {
    let (_, config) = MODES[0];
    let newest = version(&snapshot(config));
    for version in (6..=newest).filter(|version| kept("window", *version).exists()) {
        let mut scorer = Scorer::restore(config, &fs::read(kept("window", version)).unwrap()).unwrap();
        let mut told = events(&mut scorer, &lines(SEEN..SEEN + 10, ordinary));
        let text = lines(SEEN + 10..SEEN + 20, ordinary);
        let without: Vec<_> = text.lines().filter(|line| !line.contains("eni-1")).collect();
        told.extend(events(&mut scorer, &(without.join("\n") + "\n")));
        let drop = told.iter().find(|event| event["type"] == "anomaly");
        let drop = drop.unwrap_or_else(|| panic!("version {version}: {told:?}"));
        assert_eq!((&drop["series"], &drop["direction"]), (&"eni-1".into(), &"drop".into()), "version {version}");
    }
}
