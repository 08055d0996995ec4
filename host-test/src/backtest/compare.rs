//! Two configurations side by side.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Alert;

/// How what a second configuration tells differs from what the first one tells.
///
/// Two alerts are the same if they are of one series and value, in one direction, and at a common time; groups, whose members may
/// differ, if they are of one value.
#[derive(Debug, Serialize)]
pub struct Comparison<'a> {
    /// Told by the second only.
    pub come: Vec<&'a Alert>,
    /// Told by the first only.
    pub go: Vec<&'a Alert>,
    /// Told by both, with another severity, begin or end.
    pub changed: Vec<Changed<'a>>,
    /// How many both tell alike.
    pub same: usize,
}

/// An alert that two configurations tell differently.
#[derive(Debug, Serialize)]
pub struct Changed<'a> {
    /// By the first.
    pub from: &'a Alert,
    /// By the second.
    pub to: &'a Alert,
}

impl<'a> Comparison<'a> {
    /// Compares alerts, which are in the order of their begin.
    pub fn new(first: &[&'a Alert], second: &[&'a Alert]) -> Self {
        let mut candidates: BTreeMap<_, Vec<&'a Alert>> = BTreeMap::new();
        for alert in second {
            candidates.entry(key(alert)).or_default().push(alert);
        }
        let mut comparison = Comparison { come: Vec::new(), go: Vec::new(), changed: Vec::new(), same: 0 };
        for from in first {
            let others = candidates.get_mut(&key(from));
            let to = others.and_then(|others| {
                let at = others.iter().position(|to| from.start < to.end && to.start < from.end)?;
                Some(others.remove(at))
            });
            match to {
                None => comparison.go.push(from),
                Some(to) if (from.severity, &from.start, &from.end) == (to.severity, &to.start, &to.end) => {
                    comparison.same += 1;
                }
                Some(to) => comparison.changed.push(Changed { from, to }),
            }
        }
        comparison.come = candidates.into_values().flatten().collect();
        comparison.come.sort_by(|a, b| a.start.cmp(&b.start));
        comparison
    }
}

fn key(alert: &Alert) -> (&str, &str, &str) {
    let series = if alert.group { "" } else { &alert.series };
    (series, &alert.value, &alert.direction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::Severity;

    fn alert(series: &str, start: u32, end: u32, severity: Severity) -> Alert {
        Alert {
            id: format!("{series}-{start}"),
            direction: "drop".into(),
            series: series.into(),
            value: "bytes".into(),
            start: format!("2026-01-12T00:{start:02}:00.000Z"),
            end: format!("2026-01-12T00:{end:02}:00.000Z"),
            severity,
            observed: 0.0,
            expected: 1.0,
            anomaly_score: Some(2.0),
            group: series.ends_with("series"),
        }
    }

    #[test]
    fn what_comes_goes_and_changes() {
        use Severity::{High, Low};
        let first = [
            alert("a", 1, 3, Low),
            alert("b", 1, 3, Low),
            alert("a", 10, 12, Low),
            alert("3 series", 20, 30, Low),
            alert("c", 40, 41, Low),
        ];
        let second = [
            alert("a", 1, 3, Low),
            alert("b", 3, 5, Low),
            alert("a", 11, 12, Low),
            alert("9 series", 20, 30, High),
            alert("c", 41, 42, Low),
        ];
        let compared = Comparison::new(&first.iter().collect::<Vec<_>>(), &second.iter().collect::<Vec<_>>());
        let ids = |alerts: &[&Alert]| alerts.iter().map(|alert| alert.id.clone()).collect::<Vec<_>>();
        // One that ends where another begins is another.
        assert_eq!(
            (ids(&compared.come), ids(&compared.go)),
            (vec!["b-3".into(), "c-41".into()], vec!["b-1".into(), "c-40".into()])
        );
        let changed: Vec<_> = compared.changed.iter().map(|changed| (&*changed.from.id, &*changed.to.id)).collect();
        assert_eq!(changed, [("a-10", "a-11"), ("3 series-20", "9 series-20")]);
        assert_eq!(compared.same, 1);
    }
}
