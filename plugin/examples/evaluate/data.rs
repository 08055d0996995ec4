//! Series from files, and what the detector says of them.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use flowscore::{Config, Direction, OneSeries, SeriesMode};

use crate::Result;

/// A row: its time in epoch seconds, its value, and whether it is labelled an anomaly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) time: i64,
    pub(crate) value: f64,
    pub(crate) labelled: bool,
}

/// The files of a folder that end so, by name; `None` if there are none.
pub(crate) fn files(folder: &Path, ending: &str) -> Result<Option<Vec<PathBuf>>> {
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(if files.is_empty() { None } else { Some(files) })
}

/// The rows of a CSV file with the columns time, value and perhaps label, packed or plain.
pub(crate) fn rows(path: &Path) -> Result<Vec<Row>> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    match path.extension().is_some_and(|extension| extension == "gz") {
        true => MultiGzDecoder::new(file).read_to_string(&mut text)?,
        false => std::io::BufReader::new(file).read_to_string(&mut text)?,
    };
    let mut rows = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = line.split(',');
        let time = fields.next().and_then(seconds);
        let value = fields.next().and_then(|field| field.trim().parse().ok());
        let (Some(time), Some(value)) = (time, value) else {
            return Err(format!("{}: no time and value in {line:?}", path.display()).into());
        };
        rows.push(Row { time, value, labelled: fields.next().is_some_and(|field| field.trim() == "1") });
    }
    Ok(rows)
}

/// Epoch seconds, or `2014-04-10 07:15:00`.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    // Days before a year that begins in March, as in "Euclidean affine functions and calendars", section 5.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days =
        365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 + day
            - 1
            - 719_468;
    Some(((days * 24 + number(11, 13)?) * 60 + number(14, 16)?) * 60 + number(17, 19)?)
}

/// What the detector said of one row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Told {
    pub(crate) score: f64,
    /// The direction of an alert.
    pub(crate) alert: Option<Direction>,
    pub(crate) expected: f64,
}

/// The default detector on times and values, as `flowscore series` feeds it.
pub(crate) fn detect(points: impl IntoIterator<Item = (i64, f64)>) -> Result<Vec<Told>> {
    let mut series = OneSeries::new(SeriesMode::Detect, &Config::default())
        .map_err(|error| format!("the default configuration: {error:?}"))?;
    let mut latest = i64::MIN;
    let tell = |(time, value): (i64, f64)| {
        latest = latest.max(time);
        let verdict = series.observe(latest * 1000, Some(value));
        let alert = verdict.direction.filter(|_| verdict.alert);
        Told { score: verdict.anomaly_score, alert, expected: verdict.expected.unwrap_or(f64::NAN) }
    };
    Ok(points.into_iter().map(tell).collect())
}

/// Applies `work` to all items, on as many threads as there are processors; results in the items' order.
pub(crate) fn parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    let mut done = Vec::new();
    std::thread::scope(|scope| {
        let one = || {
            let mut results = Vec::new();
            loop {
                let index = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let Some(item) = items.get(index) else { return results };
                results.push((index, work(item)));
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        for worker in workers {
            match worker.join() {
                Ok(results) => done.extend(results),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}
