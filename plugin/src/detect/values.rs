//! Value novelty: how far a value is from everything seen lately.

use crate::state::{are_finite_f32, state};

/// Values remembered: a week of five-minute blocks. Twice as many change nothing measurable.
const REMEMBERED: usize = 2048;

/// The last values, in order of arrival and sorted.
///
/// A sorted array beats a tree here: an insertion moves 4 KB on average, at most once a block,
/// which costs less than following the pointers of a tree.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueWindow {
    arrivals: Vec<f32>,
    oldest: usize,
    sorted: Vec<f32>,
}

state!(ValueWindow { arrivals, oldest, sorted });

impl ValueWindow {
    /// Distance to the nearest remembered value; `None` before the first.
    pub(super) fn distance(&self, value: f32) -> Option<f64> {
        let above = self.sorted.partition_point(|seen| *seen < value);
        let next = self.sorted.get(above);
        let previous = above.checked_sub(1).and_then(|below| self.sorted.get(below));
        [next, previous].into_iter().flatten().map(|seen| f64::from(*seen - value).abs()).reduce(f64::min)
    }

    pub(super) fn learn(&mut self, value: f32) {
        if self.arrivals.len() < REMEMBERED {
            self.arrivals.push(value);
        } else if let Some(place) = self.arrivals.get_mut(self.oldest) {
            let old = core::mem::replace(place, value);
            self.oldest = (self.oldest + 1) % REMEMBERED;
            let at = self.sorted.partition_point(|seen| *seen < old);
            if at < self.sorted.len() {
                self.sorted.remove(at);
            }
        }
        let at = self.sorted.partition_point(|seen| *seen < value);
        self.sorted.insert(at, value);
    }

    pub(super) fn is_valid(&self) -> bool {
        self.arrivals.len() <= REMEMBERED
            && self.sorted.len() == self.arrivals.len()
            && self.oldest < REMEMBERED
            && are_finite_f32(&self.sorted)
            && are_finite_f32(&self.arrivals)
            && self.sorted.is_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_to_the_nearest_on_either_side() {
        let mut window = ValueWindow::default();
        assert_eq!(window.distance(1.0), None);
        for value in [10.0, 20.0] {
            window.learn(value);
        }
        assert_eq!(window.distance(13.0), Some(3.0));
        assert_eq!(window.distance(25.0), Some(5.0));
        assert_eq!(window.distance(10.0), Some(0.0));
    }

    #[test]
    fn forgets_the_oldest() {
        let mut window = ValueWindow::default();
        window.learn(1000.0);
        for _ in 0..REMEMBERED {
            window.learn(1.0);
        }
        assert_eq!(window.distance(1000.0), Some(999.0));
        assert!(window.is_valid());
    }
}
