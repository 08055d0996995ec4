//! The points lately seen, in one place without a block of memory of its own. Values lie side by side, oldest first, as all of them are
//! looked at with each window; the rest of a point is looked at where a channel begins, and stays where it is.

use crate::state::{Reader, State, are_finite, state};

/// Points kept for the longer channels.
pub(super) const RECENT: usize = 20;

/// A point lately seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Point {
    pub x: f64,
    /// What was expected of it.
    pub forecast: f64,
    /// What the season said, and whether the forecast followed it.
    pub season: f64,
    pub seasonal: bool,
    /// What was usual for means.
    pub low: f32,
    pub high: f32,
}

state!(Point { x, forecast, season, seasonal, low, high });

/// The points, at most [`RECENT`].
#[derive(Clone, Debug, Default)]
pub(super) struct Points {
    /// The newest last, at the end of the array.
    values: [f64; RECENT],
    forecasts: [(f64, f64); RECENT],
    usual: [(f32, f32); RECENT],
    /// Whether forecasts followed the season, a bit for each place.
    seasonal: u32,
    /// The place of the newest in the arrays but the first.
    newest: u8,
    count: u8,
}

/// A list, oldest first.
impl State for Points {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().save(out);
        (0..self.len()).rev().filter_map(|back| self.back(back)).for_each(|point| point.save(out));
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        let points: Vec<Point> = State::load(reader);
        if points.len() > RECENT {
            reader.fail();
        }
        let mut recent = Points::default();
        points.into_iter().for_each(|point| recent.push(point));
        recent
    }
}

impl Points {
    fn len(&self) -> usize {
        usize::from(self.count)
    }

    #[inline(always)]
    pub(super) fn read(&self) -> u64 {
        let values = self.values.iter().step_by(8).fold(0, |sum, x| sum ^ x.to_bits());
        let forecasts = self.forecasts.iter().step_by(4).fold(0, |sum, x| sum ^ x.0.to_bits());
        let usual = self.usual.iter().step_by(8).fold(0, |sum, x| sum ^ x.0.to_bits());
        values ^ forecasts ^ u64::from(usual)
    }

    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// Adds the newest, for which the oldest goes.
    pub(super) fn push(&mut self, point: Point) {
        self.values.copy_within(1.., 0);
        self.values[RECENT - 1] = point.x;
        let place = (usize::from(self.newest) + 1) % RECENT;
        self.forecasts[place] = (point.forecast, point.season);
        self.usual[place] = (point.low, point.high);
        self.seasonal = self.seasonal & !(1 << place) | u32::from(point.seasonal) << place;
        self.newest = place as u8;
        self.count = (self.count + 1).min(RECENT as u8);
    }

    /// The values of the newest so many, oldest first, if there are as many.
    pub(super) fn newest(&self, points: usize) -> Option<&[f64]> {
        self.values.get(RECENT.checked_sub(points)?..).filter(|_| points <= self.len())
    }

    /// The point so many before the newest.
    pub(super) fn back(&self, back: usize) -> Option<Point> {
        if back >= self.len() {
            return None;
        }
        let place = (usize::from(self.newest) + RECENT - back) % RECENT;
        let ((forecast, season), (low, high)) = (self.forecasts[place], self.usual[place]);
        let seasonal = self.seasonal >> place & 1 == 1;
        Some(Point { x: self.values[RECENT - 1 - back], forecast, season, seasonal, low, high })
    }

    pub(super) fn is_valid(&self) -> bool {
        (0..self.len()).filter_map(|back| self.back(back)).all(|point| {
            are_finite(&[point.x, point.forecast, point.season, f64::from(point.low), f64::from(point.high)])
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{from_bytes, to_bytes};

    #[test]
    fn the_newest_points_are_kept_in_their_order_also_by_a_snapshot() {
        let mut points = Points::default();
        let point = |x: usize| Point {
            x: x as f64,
            forecast: 2.0 * x as f64,
            seasonal: x.is_multiple_of(3),
            ..Point::default()
        };
        for x in 0..50 {
            points.push(point(x));
            let count = RECENT.min(x + 1);
            assert_eq!(
                points.newest(count).map(|values| (values[0], values[count - 1])),
                Some(((x + 1 - count) as f64, x as f64))
            );
            assert!(points.newest(count + 1).is_none());
            let back: Vec<_> =
                (0..=RECENT).filter_map(|back| points.back(back)).map(|p| (p.x, p.forecast, p.seasonal)).collect();
            let wanted = (x + 1 - count..=x).rev().map(point).map(|p| (p.x, p.forecast, p.seasonal));
            assert_eq!(back, wanted.collect::<Vec<_>>());
            let restored: Points = from_bytes(&to_bytes(&points)).unwrap();
            assert_eq!(to_bytes(&restored), to_bytes(&points));
        }
    }
}
