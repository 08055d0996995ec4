//! The windows of one series, in bounded memory.

/// Windows kept of a series: two weeks of minutes. Beyond it, pairs are merged, keeping lowest and highest values.
const MOST_POINTS: usize = 20_160;

/// One window, or several neighbouring ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    /// Start of the first window, epoch seconds.
    pub(super) time: i64,
    /// Lowest and highest observed value.
    pub(super) low: f32,
    pub(super) high: f32,
    /// Expected value and its range, where the detector had one.
    pub(super) expected: Option<[f32; 3]>,
}

/// The course of a series.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    pub(super) points: Vec<Point>,
    /// Windows added.
    pub(super) windows: u64,
    /// Windows that the detector alerted on.
    pub(super) alerts: u64,
    /// Sum of all observed values.
    pub(super) sum: f64,
}

impl Point {
    fn merge(self, other: Self) -> Self {
        let expected = match (self.expected, other.expected) {
            (Some([a, b, c]), Some([x, y, z])) => Some([(a + x) / 2.0, b.min(y), c.max(z)]),
            (one, other) => one.or(other),
        };
        let (low, high) = (self.low.min(other.low), self.high.max(other.high));
        Self { time: self.time.min(other.time), low, high, expected }
    }
}

impl History {
    pub(super) fn add(&mut self, point: Point) {
        self.points.push(point);
        if self.points.len() > MOST_POINTS {
            self.points.sort_by_key(|point| point.time);
            let pairs = self.points.chunks(2);
            let merged = pairs.filter_map(|pair| pair.iter().copied().reduce(Point::merge));
            self.points = merged.collect();
        }
    }

    /// Puts the windows in order of time: late ones may have come later.
    pub(super) fn finish(&mut self) {
        self.points.sort_by_key(|point| point.time);
    }

    /// Seconds between windows, as most are.
    pub(super) fn step(&self) -> i64 {
        let mut steps: Vec<i64> = self.points.windows(2).map(|pair| pair[1].time - pair[0].time).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(60).max(1)
    }

    /// The windows in `[from, to)`, merged to at most `most` points.
    pub(super) fn between(&self, from: i64, to: i64, most: usize) -> Vec<Point> {
        let first = self.points.partition_point(|point| point.time < from);
        let last = self.points.partition_point(|point| point.time < to);
        let points = self.points.get(first..last).unwrap_or_default();
        let size = points.len().div_ceil(most.max(1)).max(1);
        points.chunks(size).filter_map(|chunk| chunk.iter().copied().reduce(Point::merge)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(time: i64, value: f32) -> Point {
        Point { time, low: value, high: value, expected: Some([value, value - 1.0, value + 1.0]) }
    }

    #[test]
    fn a_long_history_is_bounded_and_keeps_its_extremes() {
        let mut history = History::default();
        for minute in 0..200_000_i64 {
            history.add(point(minute * 60, if minute == 77_777 { 1e6 } else { 5.0 }));
        }
        history.finish();
        assert!(history.points.len() <= MOST_POINTS);
        let drawn = history.between(0, i64::MAX, 300);
        assert!(drawn.len() <= 300);
        assert!(drawn.iter().any(|point| point.high == 1e6 && point.low == 5.0));
    }

    #[test]
    fn windows_that_come_late_are_put_in_place() {
        let mut history = History::default();
        for minute in [0, 2, 1, 3] {
            history.add(point(minute * 60, 1.0));
        }
        history.finish();
        assert_eq!(history.step(), 60);
        let times: Vec<i64> = history.between(60, 180, 10).iter().map(|point| point.time).collect();
        assert_eq!(times, [60, 120]);
    }
}
