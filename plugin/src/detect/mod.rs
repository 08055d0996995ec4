//! Sudden spikes and drops of one series, window by window.
//!
//! Two halves look at each value. The residual half predicts it and measures the
//! miss; it gives the expected value, range and direction. The novelty half compares windows of some
//! minutes with all of the remembered past; it sees what no predictor does: an odd shape, a value or
//! spread never seen. Either opens an alert at a score of 1; hold-off and fatigue make it one for
//! each event.
//!
//! The detector is deterministic: no clock, no randomness, and of floating point only what IEEE 754
//! fixes, with `libm` for the rest. So it gives the same bits on each platform.

mod calibrate;
mod clock;
mod deviation;
mod envelope;
mod half_hours;
mod lasting;
mod loss;
mod novelty;
mod predictors;
mod profile;
mod rarity;
mod residual;
mod scale;
mod shapes;
mod transform;
mod values;

use crate::state::state;
use calibrate::{HoldOff, HoldOffRule, Peaks};
use clock::Clock;
pub(crate) use clock::is_coarse;
use deviation::{Course, Deviation};
use novelty::Novelty;
use rarity::Rarity;
use residual::{Circumstances, Finding, Residual};
use transform::Transform;

/// Values are cut here, so that no sum or square overflows.
const LARGEST: f64 = 1e30;
/// Hold-off of the residual half in windows of some minutes: an event of some twenty windows.
const RESIDUAL_HOLD: HoldOffRule = HoldOffRule { memory: 20.0, raise: 2.0, rest: 1440.0, weight: 0.15 };
/// In shorter windows: what goes on is known from [`Deviation`], so little else is held off; fatigue over a day of minutes.
const FINE_HOLD: HoldOffRule = HoldOffRule { memory: 10.0, raise: 1.2, rest: 1440.0, weight: 0.07 };
/// In windows of a minute a score must be so many times what five half hours of a day reach.
const ABOVE_PEAKS: f64 = 4.0;
/// But never more than that, a third of the highest score there is: what is off the scale is told however often it comes.
const MOST_ABOVE: f64 = 2.0;
/// Windows after an event, or while it goes on, in which the way back to what was expected before it is no news.
const WAY_BACK: f64 = 30.0;
/// Windows after an event has become the new normal in which the way back from there is no event either.
const SETTLED: f64 = 1440.0;
/// Part of that way by which a value may fall short of it, or go beyond it: in x, so that thrice the value is beyond.
const AROUND: f64 = 0.5;
/// Hold-off of the novelty half, whose streams remember some five hours of blocks.
const NOVELTY_HOLD: HoldOffRule = HoldOffRule { memory: 65.0, raise: 3.0, rest: 3333.0, weight: 0.05 };
/// How eager the detector is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sensitivity {
    /// Alerts at a score of 1.5.
    Low,
    /// Alerts at a score of 1.
    #[default]
    Medium,
    /// Alerts at a score of 0.75.
    High,
}

impl Sensitivity {
    /// The score from which a window alerts.
    pub fn threshold(self) -> f64 {
        match self {
            Self::Low => 1.5,
            Self::Medium => 1.0,
            Self::High => 0.75,
        }
    }
}

/// The deviations that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// Both.
    #[default]
    Both,
    /// Those above the expected value.
    Spike,
    /// Those below the expected value.
    Drop,
}

/// Deviations so near the expected value that they never alert.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct IgnoreNearExpected {
    /// Above the expected value by at most so much, in units of the value.
    pub above: f64,
    /// Below it by at most so much.
    pub below: f64,
    /// Above it by at most this part of it.
    pub above_ratio: f64,
    /// Below it by at most this part of it.
    pub below_ratio: f64,
}

/// What alerts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// How eager the detector is.
    pub sensitivity: Sensitivity,
    /// The deviations that count.
    pub direction: Watch,
    /// Windows whose value and expected value both stay below it, in size, never alert.
    pub min_value: f64,
    /// Deviations so near the expected value that they never alert.
    pub ignore_near_expected: IgnoreNearExpected,
}

impl Settings {
    /// Whether a deviation of `value` from `expected` is of interest at all.
    pub(crate) fn watches(&self, value: f64, expected: f64) -> bool {
        let near = &self.ignore_near_expected;
        if value.abs().max(expected.abs()) < self.min_value {
            return false;
        }
        if value >= expected {
            let ignored = near.above.max(near.above_ratio * expected.abs());
            self.direction != Watch::Drop && (value - expected > ignored || ignored <= 0.0)
        } else {
            let ignored = near.below.max(near.below_ratio * expected.abs());
            self.direction != Watch::Spike && (expected - value > ignored || ignored <= 0.0)
        }
    }
}

/// The side of the expected value that the value is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Above.
    Spike,
    /// Below.
    Drop,
}

state!(
    enum Direction {
        Spike,
        Drop,
    }
);

/// What the detector says of one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// 0 is normal; an alert opens at [`Sensitivity::threshold`], 1 by default. After an alert it is 0
    /// until the event worsens or has passed.
    pub score: f64,
    /// Whether the score reaches the threshold of the sensitivity, after hold-off.
    pub alert: bool,
    /// `None` while warming up, without a value, and where the value is just the expected one.
    pub direction: Option<Direction>,
    /// In units of the value, as the range.
    pub expected: f64,
    /// A value within the range doesn't alert by itself.
    pub expected_low: f64,
    /// Upper end of the range that is ordinary, in units of the value.
    pub expected_high: f64,
    /// The share of this series' windows so far that were as unusual, in (0, 1].
    pub p: f64,
    /// The value is outside what is normal now, whether or not it alerts again.
    pub deviating: bool,
    /// What would be expected had the last event not been, in units of the value: moved with the season while it went on.
    pub normal: Option<f64>,
    /// The residual half has seen enough to alert.
    pub ready: bool,
}

/// The detector of one series. It learns from what it sees and has no parameters.
#[derive(Clone, Debug)]
pub struct Detector {
    clock: Clock,
    residual: Residual,
    residual_hold: HoldOff,
    novelty: Novelty,
    novelty_hold: HoldOff,
    rarity: Rarity,
    deviation: Option<Deviation>,
    /// What was expected before the last event, and for how many windows the way back there is no news.
    former: Option<(f64, f64)>,
    /// What would be expected had the last event not been; stabilised.
    normal: Option<f64>,
    /// The level that an event has left for good, and for how many windows the way back from it is no event: a day of minutes.
    settled: Option<(f64, f64)>,
    /// A value below zero has been seen.
    negative: bool,
    /// How high scores in windows of a minute often are.
    peaks: Peaks,
}

state!(Detector {
    clock,
    residual,
    residual_hold,
    novelty,
    novelty_hold,
    rarity,
    deviation,
    former,
    normal,
    negative,
    peaks since 8,
    settled since 11,
});

/// The range without what is nearer to the value than to what is expected, so that the value lies outside.
pub(crate) fn beside((low, high): (f64, f64), value: f64, expected: f64) -> (f64, f64) {
    let between = 0.5 * (value + expected);
    if value > expected { (low, high.min(between)) } else { (low.max(between), high) }
}

impl Detector {
    /// `interval_s`: seconds between windows, or `None` to learn it from the first timestamps.
    pub fn new(interval_s: Option<f64>) -> Self {
        Self {
            clock: Clock::new(interval_s),
            residual: Residual::default(),
            residual_hold: HoldOff::default(),
            novelty: Novelty::default(),
            novelty_hold: HoldOff::default(),
            rarity: Rarity::default(),
            deviation: None,
            former: None,
            normal: None,
            settled: None,
            negative: false,
            peaks: Peaks::default(),
        }
    }

    /// Reads what lies outside of the detector and is needed for a window at this time, so that it is at hand soon. What comes out means
    /// nothing.
    pub(crate) fn read_ahead(&self, time_s: i64) -> u64 {
        self.residual.read_ahead(time_s)
    }

    /// Judges the window at `time_s` (its start, seconds since 1970-01-01) and learns it.
    ///
    /// A value of `None` (or one that is not finite) is unknown: nothing is alerted or learnt.
    pub fn observe(&mut self, settings: &Settings, time_s: i64, value: Option<f64>) -> Verdict {
        let value = value.filter(|value| value.is_finite());
        let tick = self.clock.tick(time_s, value.is_some());
        let Some(value) = value else {
            let finding = self.residual.expect(time_s);
            return self.verdict(&finding, None);
        };
        let value = value.clamp(-LARGEST, LARGEST);
        if value < 0.0 && !self.negative {
            self.learn_with_signs();
        }
        let threshold = settings.sensitivity.threshold();
        self.former = self.former.map(|(x, left)| (x, left - tick.windows)).filter(|(_, left)| *left > 0.0);

        let at = Circumstances {
            windows: tick.windows,
            away: self.deviation.is_some(),
            coarse: tick.coarse,
            former: self.former.map(|(x, _)| x),
        };
        let mut finding = self.residual.observe(time_s, value, at);
        if !tick.coarse {
            let score = finding.score;
            finding.score /= (ABOVE_PEAKS * self.peaks.reference()).clamp(1.0, MOST_ABOVE);
            if !at.away {
                self.peaks.learn(time_s, score);
            }
        }
        // A level is measured by levels, whatever single windows often do.
        let season = finding.forecast.season;
        for (score, expected) in [finding.lasting, (finding.loss, season)] {
            if score > finding.score {
                (finding.score, finding.expected) = (score, expected);
            }
        }
        let raw = finding.score;
        if finding.is_as_at_first {
            finding.score = 0.0;
        }
        let known_season = finding.forecast.known_season();
        let transform = self.residual.transform;
        if finding.loss >= threshold && self.deviation.is_some_and(|event| event.is_part_of_fall(season, transform)) {
            // Of what faded away only the last part was told.
            self.deviation = None;
            self.former = None;
        }
        let course = self
            .deviation
            .as_mut()
            .map(|event| event.follow(finding.x, known_season, tick.windows, tick.coarse, transform));
        self.normal = self.deviation.map(|deviation| deviation.expected).or(self.normal);
        match course {
            Some(Course::Away) => finding.score = 0.0, // told already
            Some(Course::Returned) => {
                finding.score = 0.0; // the end of an event is no event
                let expected = self.deviation.map_or(finding.x, |deviation| deviation.expected);
                self.residual.return_to_normal(time_s, finding.x, expected);
                if !tick.coarse {
                    self.residual_hold.release();
                }
            }
            Some(Course::Stayed) => {
                finding.score = 0.0; // nor is that it lasts
                self.residual.accept();
                self.settled = Some((finding.x, SETTLED));
            }
            Some(Course::Turned) => {
                // The other side is measured from what was expected before the event, not from what was in between.
                if let Some(deviation) = self.deviation {
                    finding.expected = deviation.expected;
                    self.residual.turn(time_s, deviation.expected);
                }
            }
            _ => {}
        }
        let is_back = course.is_none() && self.leave_settled(finding.x, tick.windows);
        if is_back {
            finding.score = 0.0; // as at the end of any event
            self.residual.return_to_normal(time_s, finding.x, finding.x);
        }
        if let (Some(Course::Away | Course::Worse), Some(deviation)) = (course, &self.deviation) {
            finding.expected = deviation.expected;
        }
        let watched = self.watches(settings, value, finding.expected);
        let ignored = finding.score >= threshold && !watched;
        if !watched {
            finding.score = 0.0;
        }
        let rule = if tick.coarse { RESIDUAL_HOLD } else { FINE_HOLD };
        let by_residual = self.residual_hold.pass(rule, tick.windows, finding.score, threshold);

        let mut by_novelty = 0.0;
        let mut raw_novelty = 0.0;
        if tick.coarse {
            let by_residual_expected = finding.expected;
            raw_novelty = self.novelty.observe(time_s, value, at.away);
            if course == Some(Course::Away) || is_back {
                raw_novelty = 0.0; // told already
            }
            if raw_novelty > finding.score {
                Self::explain(&mut finding);
                if !self.watches(settings, value, finding.expected) {
                    raw_novelty = 0.0;
                }
            }
            by_novelty = self.novelty_hold.pass(NOVELTY_HOLD, 1.0, raw_novelty, threshold);
            // What the residual half expects is better known.
            if by_novelty < threshold || by_residual >= threshold {
                finding.expected = by_residual_expected;
            }
        }
        if by_residual >= threshold {
            self.novelty_hold.hold(NOVELTY_HOLD, by_residual);
        }
        if by_novelty >= threshold {
            self.residual_hold.hold(RESIDUAL_HOLD, by_novelty);
        }

        let score = by_residual.max(by_novelty);
        let alert = score >= threshold;
        let p = self.rarity.observe(raw.max(raw_novelty));
        if alert {
            let before = self.former.map_or(finding.expected, |(x, _)| x);
            self.former = Some((before, WAY_BACK));
            if course != Some(Course::Worse) {
                self.normal = Some(finding.expected);
            }
        } else if let (Some((_, left)), Some(Course::Away)) = (&mut self.former, course) {
            *left = WAY_BACK;
        }
        if alert || ignored {
            let (x, expected, season) = (finding.x, finding.expected, known_season);
            let deviation = self.deviation.filter(|_| course == Some(Course::Worse));
            self.deviation = Some(match deviation {
                Some(former) => former.worsened(x, expected, season, !alert),
                None => Deviation::open(x, expected, season, !alert),
            });
        } else if !matches!(course, Some(Course::Away | Course::Worse)) {
            self.deviation = None;
        }
        Verdict { score, alert, p, ..self.verdict(&finding, Some(alert)) }
    }

    /// Whether every invariant of the state holds; a state from outside is refused otherwise.
    pub fn is_valid(&self) -> bool {
        self.clock.is_valid()
            && self.residual.is_valid()
            && self.residual_hold.is_valid()
            && self.novelty.is_valid()
            && self.novelty_hold.is_valid()
            && self.peaks.is_valid()
            && self.deviation.is_none_or(|deviation| deviation.is_valid())
            && self.normal.is_none_or(f64::is_finite)
            && [self.former, self.settled].iter().flatten().all(|(x, left)| x.is_finite() && left.is_finite())
    }

    /// The first value below zero: differences are what counts in such a series, so it is learnt anew, as they are.
    fn learn_with_signs(&mut self) {
        self.negative = true;
        self.residual = Residual::new(Transform::None);
        self.deviation = None;
        self.former = None;
        self.normal = None;
        self.settled = None;
    }

    /// Whether x is back where the series was before an event moved it for good; from then on it is no more.
    fn leave_settled(&mut self, x: f64, windows: f64) -> bool {
        let (Some((level, left)), Some(normal)) = (self.settled, self.normal) else { return false };
        let is_back = (x - normal).abs() < AROUND * (normal - level).abs();
        self.settled = Some((level, left - windows)).filter(|(_, left)| !is_back && *left > 0.0);
        is_back
    }

    /// Novelty has no expectation of its own: of the predictions, the one that the value is
    /// farthest from tells what is new about it.
    fn explain(finding: &mut Finding) {
        for candidate in finding.forecast.all {
            if (finding.x - candidate).abs() > (finding.x - finding.expected).abs() {
                finding.expected = candidate;
            }
        }
    }

    /// Whether the distance of a value from the expected x is of interest: below zero nothing is expected of a series that has
    /// no such values, so that it may be none.
    fn watches(&self, settings: &Settings, value: f64, expected: f64) -> bool {
        let expected = self.restore(expected);
        value != expected && settings.watches(value, expected)
    }

    /// The value of x, in the range that the series has.
    fn restore(&self, x: f64) -> f64 {
        let least = if self.negative { f64::NEG_INFINITY } else { 0.0 };
        self.residual.transform.restore(x).max(least).clamp(-LARGEST, LARGEST)
    }

    /// `alert`: `None` without a value.
    fn verdict(&self, finding: &Finding, alert: Option<bool>) -> Verdict {
        let (mut low, mut high) = (finding.low.min(finding.expected), finding.high.max(finding.expected));
        if alert == Some(true) {
            // What alerted was outside of normal, if not by the channel that gave the range.
            (low, high) = beside((low, high), finding.x, finding.expected);
        }
        let direction = if alert.is_none() || !finding.ready || finding.x == finding.expected {
            None
        } else if finding.x > finding.expected {
            Some(Direction::Spike)
        } else {
            Some(Direction::Drop)
        };
        let [expected, low, high] = [finding.expected, low, high].map(|x| self.restore(x));
        Verdict {
            score: 0.0,
            alert: false,
            direction,
            expected,
            expected_low: low,
            expected_high: high,
            p: 1.0,
            deviating: self.deviation.is_some_and(|deviation| !deviation.ignored),
            normal: self.normal.map(|x| self.restore(x)),
            ready: finding.ready,
        }
    }
}

#[cfg(test)]
mod tests;
