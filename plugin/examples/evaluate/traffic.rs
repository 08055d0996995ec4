//! Real traffic with injected changes: how large a sudden change must be to be told.

use std::path::Path;

use flowscore::Direction;

use crate::Result;
use crate::data::{detect, files, parallel, rows};
use crate::random::Random;

const DAY: usize = 288;
const FACTORS: [f64; 7] = [0.0, 0.3, 0.5, 0.7, 1.5, 2.0, 3.0];
/// Windows that a change lasts.
const LENGTHS: [usize; 3] = [3, 6, 12];
const SEED: u32 = 7;

/// What one series gave: untouched alerts and days, and for each factor the changes found and made.
struct Count {
    alerts: usize,
    days: f64,
    found: [(usize, usize); FACTORS.len()],
}

/// The links of `realtraffic`, as its own `score.py` judges them, and with more draws.
pub(crate) fn report(folder: &Path) -> Result<Option<String>> {
    let Some(files) = files(&folder.join("realtraffic"), ".csv.gz")? else { return Ok(None) };
    let series = parallel(&files, |path| Ok(rows(path)?.iter().map(|row| (row.time, row.value)).collect()))?;
    let mut report = String::from("traffic: real links of five minutes, by factor of the change\n");
    report += &line("as score.py", &counts(&series, SEED, 3)?);
    report += &line("other draws", &counts(&series, SEED + 1, 8)?);
    Ok(Some(report))
}

/// The web series summed to windows of five minutes, as if they were links: no link, but other rhythms and noise.
pub(crate) fn report_links(folder: &Path) -> Result<Option<String>> {
    let mut paths = Vec::new();
    for set in ["wsd", "kpi"] {
        paths.extend(files(&folder.join(set).join("data"), ".csv.gz")?.unwrap_or_default());
    }
    if paths.is_empty() {
        return Ok(None);
    }
    let series = parallel(&paths, |path| {
        let mut windows = Windows::new();
        for row in rows(path)? {
            let start = row.time.div_euclid(300) * 300;
            match windows.last_mut().filter(|window| window.0 == start) {
                Some(window) => window.1 += row.value,
                None => windows.push((start, row.value)),
            }
        }
        Ok(windows)
    })?;
    let mut report =
        format!("links: {} web series in windows of five minutes, by factor of the change\n", series.len());
    for (name, half) in [("even", 0), ("odd", 1)] {
        let of: Vec<_> = series.iter().skip(half).step_by(2).cloned().collect();
        report += &line(name, &counts(&of, SEED, 2)?);
    }
    Ok(Some(report))
}

fn line(name: &str, counts: &[Count]) -> String {
    let days: f64 = counts.iter().map(|count| count.days).sum();
    let alerts: usize = counts.iter().map(|count| count.alerts).sum();
    let mut line = format!("  {name:12} untouched {:.2} a day;", alerts as f64 / days);
    for (at, factor) in FACTORS.iter().enumerate() {
        let found: usize = counts.iter().map(|count| count.found[at].0).sum();
        let made: usize = counts.iter().map(|count| count.found[at].1).sum();
        line += &format!(" x{factor} {:.2}", found as f64 / made.max(1) as f64);
    }
    line + "\n"
}

fn counts(series: &[Windows], seed: u32, draws: usize) -> Result<Vec<Count>> {
    parallel(series, |points| {
        let days = match points.as_slice() {
            [first, .., last] => (last.0 - first.0) as f64 / 86_400.0,
            _ => 0.0,
        };
        let alerts = detect(points.iter().copied())?.iter().filter(|told| told.alert.is_some()).count();
        let mut found = [(0, 0); FACTORS.len()];
        for (factor, found) in FACTORS.iter().zip(&mut found) {
            let mut random = Random::new(seed);
            for _ in 0..draws {
                let (changed, places) = inject(points, *factor, &mut random);
                let told = detect(changed)?;
                let want = if *factor < 1.0 { Direction::Drop } else { Direction::Spike };
                let is_told = |&&(at, length): &&(usize, usize)| {
                    told[at..at + length].iter().any(|told| told.alert == Some(want))
                };
                found.0 += places.iter().filter(is_told).count();
                found.1 += places.len();
            }
        }
        Ok(Count { alerts, days, found })
    })
}

/// Start and value of windows.
type Windows = Vec<(i64, f64)>;

/// The series with changes, and where they are: first window and length.
fn inject(points: &[(i64, f64)], factor: f64, random: &mut Random) -> (Windows, Vec<(usize, usize)>) {
    let mut changed = points.to_vec();
    let mut places = Vec::new();
    let mut at = 8 * DAY + random.below(DAY as u32) as usize;
    while at + DAY < points.len() {
        let length = LENGTHS[random.below(LENGTHS.len() as u32) as usize];
        changed[at..at + length].iter_mut().for_each(|(_, value)| *value *= factor);
        places.push((at, length));
        at += 3 * DAY + random.below(2 * DAY as u32) as usize;
    }
    (changed, places)
}
