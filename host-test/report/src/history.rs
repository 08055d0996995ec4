//! The windows of one series, in bounded memory.

use super::value::Value;

/// Windows kept of a series: two weeks of minutes. Beyond it, pairs are merged, keeping lowest and highest values.
pub(super) const MOST_WINDOWS: usize = 20_160;

/// One window, or several neighbouring ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    /// Start of the first window, epoch seconds.
    pub(super) time: i64,
    /// Lowest and highest observed amounts, by position of the value.
    pub(super) low: [f32; 4],
    pub(super) high: [f32; 4],
    /// Expected amount of the value that is detected on and its range, where the detector had one.
    pub(super) expected: Option<[f32; 3]>,
}

/// What is drawn of one window, or of several neighbouring ones.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) time: i64,
    pub(super) low: f32,
    pub(super) high: f32,
    pub(super) expected: Option<[f32; 3]>,
}

/// The course of a series.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    windows: Vec<Window>,
    /// Windows added.
    pub(super) count: u64,
    /// Windows that the detector alerted on.
    pub(super) alerts: u64,
    /// Sums of all amounts, by position of the value.
    pub(super) sums: [f64; 4],
}

impl Window {
    fn merge(self, other: Self) -> Self {
        let expected = match (self.expected, other.expected) {
            (Some([a, b, c]), Some([x, y, z])) => Some([(a + x) / 2.0, b.min(y), c.max(z)]),
            (one, other) => one.or(other),
        };
        let each = |of: fn(f32, f32) -> f32, a: [f32; 4], b: [f32; 4]| core::array::from_fn(|at| of(a[at], b[at]));
        let (low, high) = (each(f32::min, self.low, other.low), each(f32::max, self.high, other.high));
        Self { time: self.time.min(other.time), low, high, expected }
    }
}

impl History {
    /// Adds a window, and keeps at most so many.
    pub(super) fn add(&mut self, window: Window, most: usize) {
        // A window that is closed again, since event time went back, replaces what was told of it.
        match self.windows.last_mut() {
            Some(last) if last.time == window.time => *last = window,
            _ => self.windows.push(window),
        }
        if self.windows.len() > most {
            self.sort();
            let pairs = self.windows.chunks(2);
            let merged = pairs.filter_map(|pair| pair.iter().copied().reduce(Window::merge));
            self.windows = merged.collect();
        }
    }

    /// Puts the windows in order of time: late ones may have come later.
    pub(super) fn sort(&mut self) {
        if !self.windows.is_sorted_by_key(|window| window.time) {
            self.windows.sort_by_key(|window| window.time);
        }
    }

    /// Forgets windows that begin before a time.
    pub(super) fn forget_before(&mut self, time: i64) {
        if self.windows.first().is_some_and(|first| first.time < time) {
            self.windows.retain(|window| window.time >= time);
        }
    }

    /// Begin of the last window.
    pub(super) fn last(&self) -> Option<i64> {
        self.windows.last().map(|window| window.time)
    }

    /// Seconds between windows, as most are.
    pub(super) fn step(&self) -> i64 {
        let mut steps: Vec<i64> = self.windows.windows(2).map(|pair| pair[1].time - pair[0].time).collect();
        steps.sort_unstable();
        steps.get(steps.len() / 2).copied().unwrap_or(60).max(1)
    }

    /// The windows in `[from, to)`, merged to at most `most` points.
    pub(super) fn between(&self, from: i64, to: i64, most: usize, value: Value) -> Vec<Point> {
        let first = self.windows.partition_point(|window| window.time < from);
        let last = self.windows.partition_point(|window| window.time < to);
        let windows = self.windows.get(first..last).unwrap_or_default();
        let size = windows.len().div_ceil(most.max(1)).max(1);
        let merged = windows.chunks(size).filter_map(|chunk| chunk.iter().copied().reduce(Window::merge));
        let at = value as usize;
        merged
            .map(|Window { time, low, high, expected }| Point { time, low: low[at], high: high[at], expected })
            .collect()
    }

    /// The last windows, newest last, for a line of text.
    pub(super) fn newest(&self, most: usize, value: Value) -> Vec<f32> {
        let from = self.windows.len().saturating_sub(most);
        self.windows[from..].iter().map(|window| window.high[value as usize]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(time: i64, value: f32) -> Window {
        let expected = Some([value, value - 1.0, value + 1.0]);
        Window { time, low: [value; 4], high: [value; 4], expected }
    }

    #[test]
    fn a_long_history_is_bounded_and_keeps_its_extremes() {
        let mut history = History::default();
        for minute in 0..200_000_i64 {
            history.add(window(minute * 60, if minute == 77_777 { 1e6 } else { 5.0 }), MOST_WINDOWS);
        }
        assert!(history.windows.len() <= MOST_WINDOWS);
        let drawn = history.between(0, i64::MAX, 300, Value::Bytes);
        assert!(drawn.len() <= 300);
        assert!(drawn.iter().any(|point| point.high == 1e6 && point.low == 5.0));
    }

    #[test]
    fn windows_that_come_late_are_put_in_place_and_those_told_again_replace_the_first() {
        let mut history = History::default();
        for minute in [0, 2, 1, 3, 3] {
            history.add(window(minute * 60, 1.0), MOST_WINDOWS);
        }
        history.sort();
        assert_eq!(history.step(), 60);
        let times = |history: &History, from, to| -> Vec<i64> {
            history.between(from, to, 10, Value::Flows).iter().map(|point| point.time).collect()
        };
        assert_eq!(times(&history, 60, 180), [60, 120]);
        history.forget_before(120);
        assert_eq!(times(&history, 0, i64::MAX), [120, 180]);
    }
}
