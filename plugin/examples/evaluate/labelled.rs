//! Labelled web series, event by event, by the rules of the sets' own `score.py`.

use std::path::Path;

use crate::Result;
use crate::data::{detect, files, parallel, rows};

/// Rows within which an event must be told, between alerts that are one, around an event where an alert is not false, and
/// at the start that do not count.
const DELAY: usize = 10;
const GAP: usize = 10;
const TOLERANCE: usize = 5;
const WARM_UP: usize = 7 * 1440;

/// What one series gave.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    events: usize,
    found: usize,
    false_alerts: usize,
    days: f64,
}

/// One line for all series, the even and the odd ones.
pub(crate) fn report(folder: &Path, set: &str) -> Result<Option<String>> {
    let Some(files) = files(&folder.join(set).join("data"), ".csv.gz")? else { return Ok(None) };
    let counts = parallel(&files, |path| {
        let rows = rows(path)?;
        let told = detect(rows.iter().map(|row| (row.time, row.value)))?;
        let alerts: Vec<usize> = (WARM_UP..rows.len()).filter(|&at| told[at].alert.is_some()).collect();
        let labels: Vec<bool> = rows.iter().map(|row| row.labelled).collect();
        Ok(judge(&alerts, &events(&labels), (rows.len() - WARM_UP) as f64 / 1440.0))
    })?;
    let mut report = format!("{set}: {} series\n", counts.len());
    for (name, half) in [("all", None), ("even", Some(0)), ("odd", Some(1))] {
        let of = counts.iter().enumerate().filter(|(rank, _)| half.is_none_or(|half| rank % 2 == half));
        report += &format!("  {name:5} {}\n", line(of.map(|(_, count)| count)));
    }
    if std::env::args().any(|argument| argument == "--each") {
        for (count, file) in counts.iter().zip(&files) {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            report += &format!("  {name} {}/{} false {}\n", count.found, count.events, count.false_alerts);
        }
    }
    Ok(Some(report))
}

fn line<'a>(counts: impl Iterator<Item = &'a Count>) -> String {
    let sum = counts.fold(Count::default(), |sum, count| Count {
        events: sum.events + count.events,
        found: sum.found + count.found,
        false_alerts: sum.false_alerts + count.false_alerts,
        days: sum.days + count.days,
    });
    let precision = sum.found as f64 / (sum.found + sum.false_alerts).max(1) as f64;
    let recall = sum.found as f64 / sum.events.max(1) as f64;
    format!(
        "F1 {:.3}  precision {precision:.3}  recall {recall:.3} ({} of {})  false a series and day {:.3}",
        2.0 * precision * recall / (precision + recall).max(1e-9),
        sum.found,
        sum.events,
        sum.false_alerts as f64 / sum.days,
    )
}

/// Runs of labelled rows after the warm-up, as first row and row behind the last.
fn events(labels: &[bool]) -> Vec<(usize, usize)> {
    let mut events = Vec::new();
    let mut start = None;
    for (at, labelled) in labels.iter().copied().chain([false]).enumerate() {
        match (labelled, start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                events.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    events.retain(|(from, _)| *from >= WARM_UP);
    events
}

fn judge(alerts: &[usize], events: &[(usize, usize)], days: f64) -> Count {
    let told = |&&(from, to): &&(usize, usize)| {
        alerts.iter().find(|at| **at >= from).is_some_and(|at| *at < to.min(from + DELAY + 1))
    };
    let mut false_alerts = 0;
    let mut rest = alerts;
    while let Some(&first) = rest.first() {
        let mut last = first;
        while let Some((&next, behind)) = rest.split_first().filter(|(next, _)| **next - last <= GAP) {
            last = next;
            rest = behind;
        }
        let touches = |&(from, to): &(usize, usize)| last + TOLERANCE >= from && first < to + TOLERANCE;
        false_alerts += usize::from(!events.iter().any(touches));
    }
    Count { events: events.len(), found: events.iter().filter(told).count(), false_alerts, days }
}
