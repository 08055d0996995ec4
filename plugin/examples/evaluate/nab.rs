//! The Numenta Anomaly Benchmark, scored by its rules (Lavin and Ahmad, "Evaluating Real-time Anomaly Detection Algorithms").

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::Result;
use crate::data::{detect, parallel, rows, seconds};

/// Weights of true positives, false positives and false negatives.
const PROFILES: [(&str, f64, f64, f64); 3] =
    [("standard", 1.0, 0.11, 1.0), ("low FP", 1.0, 0.22, 1.0), ("low FN", 1.0, 0.11, 2.0)];

/// A row that counts: its score, weight, and the window that it lies in, as rank of the file and of the window.
#[derive(Clone, Copy)]
struct Point {
    score: f64,
    weight: f64,
    window: Option<(usize, usize)>,
}

/// Best threshold in hindsight, which is NAB's rule, and the detector's own threshold of 1.
pub(crate) fn report(folder: &Path) -> Result<Option<String>> {
    let folder = folder.join("nab");
    let Ok(labels) = fs::read(folder.join("labels/combined_windows.json")) else { return Ok(None) };
    let labels: BTreeMap<String, Vec<(String, String)>> = serde_json::from_slice(&labels)?;
    let files: Vec<_> = labels.into_iter().enumerate().collect();
    let each = parallel(&files, |(rank, (name, windows))| {
        let rows = rows(&folder.join("data").join(name))?;
        let told = detect(rows.iter().map(|row| (row.time, row.value)))?;
        let times: Vec<i64> = rows.iter().map(|row| row.time).collect();
        let probation = (0.15 * rows.len() as f64).floor().min(750.0) as usize;
        let weights = weigh(&times, windows).ok_or_else(|| format!("{name}: a window begins or ends at no row"))?;
        let points = told.iter().zip(weights).skip(probation);
        let point = |(told, (weight, window)): (&crate::data::Told, (f64, Option<usize>))| Point {
            score: told.score,
            weight,
            window: window.map(|window| (*rank, window)),
        };
        Ok(points.map(point).collect::<Vec<_>>())
    })?;
    let mut report = String::from("nab: 58 series; best threshold, and the detector's own\n");
    for (name, half) in [("all", None), ("even", Some(0)), ("odd", Some(1))] {
        let of = each.iter().enumerate().filter(|(rank, _)| half.is_none_or(|half| rank % 2 == half));
        let mut points: Vec<Point> = of.flat_map(|(_, points)| points.iter().copied()).collect();
        points.sort_by(|a, b| b.score.total_cmp(&a.score));
        report += &format!("  {name:5}");
        for (profile, tp, fp, fn_) in PROFILES {
            let (best, own) = sweep(&points, (tp, fp, fn_));
            report += &format!(" {profile} {best:.1} / {own:.1}  ");
        }
        report += "\n";
    }
    if std::env::args().any(|argument| argument == "--each") {
        for ((_, (name, windows)), points) in files.iter().zip(&each) {
            let mut points = points.clone();
            points.sort_by(|a, b| b.score.total_cmp(&a.score));
            let alerts = points.iter().filter(|point| point.score >= 1.0);
            let found: std::collections::BTreeSet<_> = alerts.clone().filter_map(|point| point.window).collect();
            let wrong = alerts.filter(|point| point.window.is_none()).map(|point| point.weight * 0.11).sum::<f64>();
            report += &format!("  {name} {}/{} false {wrong:.2}\n", found.len(), windows.len());
        }
    }
    Ok(Some(report))
}

/// The scaled sigmoid: position relative to a window → −1…1.
fn squash(x: f64) -> f64 {
    if x > 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * x).exp()) - 1.0 }
}

/// For each row its weight as an alert, and the rank of its window.
fn weigh(times: &[i64], windows: &[(String, String)]) -> Option<Vec<(f64, Option<usize>)>> {
    let mut bounds = Vec::new();
    for (from, to) in windows {
        let row = |text: &str| times.iter().position(|time| Some(*time) == seconds(&text[..19]));
        bounds.push((row(from)?, row(to)?));
    }
    let mut past: Option<(usize, usize)> = None;
    let weight = |row: usize| {
        if let Some(inside) = bounds.iter().position(|(from, to)| (*from..=*to).contains(&row)) {
            let (from, to) = bounds[inside];
            let width = (to - from + 1) as f64;
            if row == to {
                past = Some((to, to - from + 1));
            }
            return (squash(-((to - row + 1) as f64) / width) / squash(-1.0), Some(inside));
        }
        match past {
            None => (-1.0, None),
            Some((end, width)) => (squash((row - end) as f64 / (width - 1) as f64), None),
        }
    };
    Some((0..times.len()).map(weight).collect())
}

/// The normalised score at the best threshold, and at 1. The points are sorted, the highest score first.
fn sweep(points: &[Point], (tp, fp, fn_): (f64, f64, f64)) -> (f64, f64) {
    let mut parts: BTreeMap<(usize, usize), f64> = points.iter().filter_map(|p| p.window).map(|w| (w, -fn_)).collect();
    let null = -fn_ * parts.len() as f64;
    let (mut total, mut best, mut own) = (null, null, null);
    let mut current = f64::INFINITY;
    for point in points {
        if point.score != current {
            best = best.max(total);
            if point.score < 1.0 && current >= 1.0 {
                own = total;
            }
            current = point.score;
        }
        match point.window.and_then(|window| parts.get_mut(&window)) {
            None => total += point.weight * fp,
            Some(part) if point.weight * tp > *part => {
                total += point.weight * tp - *part;
                *part = point.weight * tp;
            }
            Some(_) => {}
        }
    }
    best = best.max(total);
    let scale = |total: f64| 100.0 * (total - null) / (tp * parts.len() as f64 - null);
    (scale(best), scale(own))
}
