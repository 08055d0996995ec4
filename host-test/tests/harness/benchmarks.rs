//! The published benchmarks, where their data lies beside the project (`../shared`); skipped with a message elsewhere.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(name);
    if path.exists() && Command::new("python3").arg("--version").output().is_ok() {
        return Some(path);
    }
    eprintln!("skipped: {name} data and python3 are not both here");
    None
}

/// Scores every file of the Numenta Anomaly Benchmark and returns the directory with the results.
fn score_nab(nab: &Path, mode: &str) -> PathBuf {
    let results = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nab-{mode}"));
    let mut files = 0;
    for folder in fs::read_dir(nab.join("data")).unwrap().map(|entry| entry.unwrap().path()) {
        let out = results.join(folder.file_name().unwrap());
        fs::create_dir_all(&out).unwrap();
        for file in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let status = Command::new(env!("CARGO_BIN_EXE_flowscore"))
                .args(["series", "--mode", mode])
                .stdin(Stdio::from(fs::File::open(&file).unwrap()))
                .stdout(Stdio::from(fs::File::create(out.join(file.file_name().unwrap())).unwrap()))
                .status();
            assert!(status.unwrap().success(), "{}", file.display());
            files += 1;
        }
    }
    assert_eq!(files, 58);
    results
}

fn python(script: &Path, results: &Path) -> String {
    let output = Command::new("python3").arg(script).arg(results).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The figure after `standard` in the first line of `score.py`.
fn standard(table: &str) -> f64 {
    table.lines().next().unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn record_mode_gives_the_scores_of_the_retired_service() {
    let Some(nab) = shared("nab") else { return };
    let results = score_nab(&nab, "rcf");
    let parity: f64 = python(&nab.join("parity.py"), &results).trim().parse().unwrap();
    let score = standard(&python(&nab.join("score.py"), &results));
    eprintln!("rank correlation {parity}, NAB standard {score} (the service: 51.7)");
    assert!(parity >= 0.92, "{parity}");
    assert!((50.2..=53.5).contains(&score), "{score}");
}

#[test]
fn the_detector_keeps_its_place_on_nab() {
    let Some(nab) = shared("nab") else { return };
    let score = standard(&python(&nab.join("score.py"), &score_nab(&nab, "detect")));
    eprintln!("NAB standard {score} (published best: 74.9)");
    assert!(score >= 73.0, "{score}");
}
