//! What turns raw deviations into alerts: own extremes, own tail, hold-off and fatigue.

use crate::state::state;

/// Largest factor by which a score can exceed its reference.
pub(super) const CEILING: f64 = 6.0;

/// The reference of [`Extreme`] is never below this part of the spread of the values: a new highest value by less than half of what values
/// usually are apart is what noise brings now and then.
const SPREAD_FLOOR: f64 = 0.5;
/// Points in which the remembered extreme falls to 1/e at first: a month of five minutes. Later it takes twice as many points as there
/// were: what was extreme in a year is not forgotten in a month.
const EXTREME_MEMORY: f64 = 10_000.0;
/// Points from which the first extreme is taken as it comes.
const EXTREME_WARM_UP: u32 = 100;
/// Points without a new extreme after which the next one is a new episode.
const EPISODE: u32 = 40;
/// Growth of the extreme at the first exceedance of an episode.
const EPISODE_GROWTH: f64 = 0.4;
/// Growth at each further exceedance of the same episode, so that a long one is not learnt whole.
const REPEAT_GROWTH: f64 = 0.025;

/// Tracks the extreme M of a non-negative stream and gives each value as a ratio to it.
///
/// ```text
/// R = min(a / max(M, 0.5 spread), 6)
/// ```
#[derive(Clone, Debug, Default)]
pub(super) struct Extreme {
    extreme: f64,
    points: u32,
    since: u32,
}

state!(Extreme { extreme, points, since });

impl Extreme {
    /// `spread` is the mean absolute deviation of the values themselves; it keeps near-constant
    /// series from dividing by nothing.
    pub(super) fn ratio(&mut self, value: f64, spread: f64) -> f64 {
        let floor = SPREAD_FLOOR * spread;
        let reference = self.extreme.max(floor);
        let ratio = if reference > 0.0 { (value / reference).min(CEILING) } else { 0.0 };
        self.extreme *= 1.0 - 1.0 / EXTREME_MEMORY.max(2.0 * f64::from(self.points));
        self.points = self.points.saturating_add(1);
        self.since = self.since.saturating_add(1);
        if self.points <= EXTREME_WARM_UP {
            self.extreme = self.extreme.max(value);
        } else if value > self.extreme {
            let growth = if self.since > EPISODE { EPISODE_GROWTH } else { REPEAT_GROWTH };
            self.extreme = value.min((1.0 + growth) * self.extreme.max(floor));
            self.since = 0;
        }
        ratio
    }

    pub(super) fn is_valid(&self) -> bool {
        self.extreme.is_finite() && self.extreme >= 0.0
    }
}

/// Share of points above the tracked quantile.
const TAIL_SHARE: f64 = 0.02;
/// Step of the quantile tracker: it follows a lasting change of the tail within some 30 exceedances.
const TAIL_STEP: f64 = 0.06;

/// Share of points above the far quantile, and the step of its tracker: a few exceedances suffice.
const FAR_SHARE: f64 = 0.001;
const FAR_STEP: f64 = 0.1;

/// The quantile of a non-negative ratio, at least 1, after one more of them, `share` of which lie above it.
///
/// Robbins-Monro in logarithms: up by step · (1 − share) when exceeded, else down by step · share.
fn track(quantile: f64, ratio: f64, share: f64, step: f64) -> f64 {
    let factor = if ratio > quantile { 1.0 + step * (1.0 - share) } else { 1.0 - step * share };
    (quantile * factor).clamp(1.0, 1e12)
}

/// The 99.9 % quantile, after one more ratio, by steps of this part of it.
pub(super) fn track_far(quantile: f64, ratio: f64, step: f64) -> f64 {
    track(quantile, ratio, FAR_SHARE, step)
}

/// Tracks the 98 % quantile Q of a non-negative ratio, at least 1; and, in windows of some minutes, the 99.9 % quantile of
/// those above the expected value and of those below it: what comes every few days. A link whose jobs double it now
/// and then may never halve.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    quantile: f64,
    /// Below and above.
    far: [f64; 2],
}

state!(Tail { quantile, far });

impl Default for Tail {
    fn default() -> Self {
        Self { quantile: 1.0, far: [1.0; 2] }
    }
}

impl Tail {
    /// `up`: the value is above the expected one. `coarse`: windows of some minutes, of which a thousand are days and hold
    /// an incident or two. In windows of a minute the incidents themselves would be the thousandth part.
    pub(super) fn learn(&mut self, ratio: f64, up: bool, coarse: bool) {
        self.quantile = track(self.quantile, ratio, TAIL_SHARE, TAIL_STEP);
        if coarse {
            let [below, above] = &mut self.far;
            *below = track_far(*below, if up { 0.0 } else { ratio }, FAR_STEP);
            *above = track_far(*above, if up { ratio } else { 0.0 }, FAR_STEP);
        }
    }

    /// The 99.9 % quantile of a side, 1 where it is not tracked.
    pub(super) fn far(&self, up: bool) -> f64 {
        let [below, above] = self.far;
        if up { above } else { below }
    }

    pub(super) fn quantile(&self) -> f64 {
        self.quantile
    }

    #[inline(never)]
    pub(super) fn is_valid(&self) -> bool {
        self.far.iter().chain([&self.quantile]).all(|x| x.is_finite() && *x >= 1.0)
    }
}

/// Bins of [`Peaks`], each a factor of 2^(1/6) wide; the first holds all below a sixteenth of an alert.
const PEAK_BINS: usize = 40;
const PEAK_LEAST: f64 = 1.0 / 16.0;
const PEAK_RATIO: f64 = 1.122_462_048_309_373;
/// Seconds whose highest score is one peak, so that an event of many windows counts once.
const PEAK_BLOCK: i64 = 1800;
/// Peaks remembered: those of a week. None are judged by before half a day of them.
const PEAK_MEMORY: f32 = 336.0;
const PEAK_WARM_UP: f32 = 24.0;
/// Share of the half hours whose peak is higher than the reference: five of a day.
const PEAK_SHARE: f32 = 0.1;

/// The highest score of each half hour, and the level that is reached in five of a day: what a series does so often is
/// no news. Real incidents come seldom enough not to raise it, however long they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Peaks {
    counts: Vec<f32>,
    block: i64,
    peak: f64,
    reference: f64,
}

state!(Peaks { counts, block, peak, reference });

impl Peaks {
    /// The level that is reached in one half hour of ten; 0 until it is known.
    pub(super) fn reference(&self) -> f64 {
        self.reference
    }

    /// Takes a score.
    pub(super) fn learn(&mut self, time_s: i64, score: f64) {
        let block = time_s.div_euclid(PEAK_BLOCK);
        if block != self.block {
            if self.counts.len() == PEAK_BINS {
                self.close();
            } else {
                self.counts = vec![0.0; PEAK_BINS];
            }
            self.block = block;
            self.peak = 0.0;
        }
        self.peak = self.peak.max(score);
    }

    /// A half hour is over.
    fn close(&mut self) {
        let (mut bin, mut edge) = (0, PEAK_LEAST);
        while bin + 1 < PEAK_BINS && self.peak >= edge {
            bin += 1;
            edge *= PEAK_RATIO;
        }
        let mut all = 0.0;
        for (at, count) in self.counts.iter_mut().enumerate() {
            *count = *count * (1.0 - 1.0 / PEAK_MEMORY) + if at == bin { 1.0 } else { 0.0 };
            all += *count;
        }
        self.reference = if all < PEAK_WARM_UP { 0.0 } else { self.reached_by(PEAK_SHARE * all) };
    }

    /// The level that so many of the peaks exceed; between the edges of a bin it is straight.
    fn reached_by(&self, mut higher: f32) -> f64 {
        let mut upper = PEAK_LEAST;
        for _ in 1..PEAK_BINS {
            upper *= PEAK_RATIO;
        }
        for count in self.counts.iter().skip(1).rev() {
            let lower = upper / PEAK_RATIO;
            if *count >= higher {
                let part = if *count > 0.0 { f64::from(1.0 - higher / *count) } else { 0.0 };
                return lower + part * (upper - lower);
            }
            higher -= *count;
            upper = lower;
        }
        0.0
    }

    pub(super) fn is_valid(&self) -> bool {
        let sane = |x: f64| x.is_finite() && x >= 0.0;
        (self.counts.is_empty() || self.counts.len() == PEAK_BINS)
            && self.counts.iter().all(|count| sane(f64::from(*count)))
            && sane(self.peak)
            && sane(self.reference)
    }
}

/// The part of the level that is left when the value is back at what was expected.
const RELEASED: f64 = 0.5;

/// One alert for each event, again if it worsens: *hold-off*, a level H that falls with time and
/// that a score must exceed to be emitted; and *fatigue*, a count A of recent alerts that
/// lowers the scores of a series that alerts often.
///
/// ```text
/// s' = s / (1 + w A);  emitted if s' > H, else 0;  on an alert A += 1 and H = m s', else H = s'
/// ```
#[derive(Clone, Debug)]
pub(super) struct HoldOff {
    level: f64,
    fatigue: f64,
}

state!(HoldOff { level, fatigue });

/// The constants of a [`HoldOff`].
#[derive(Clone, Copy, Debug)]
pub(super) struct HoldOffRule {
    /// Points in which the level falls to 1/e.
    pub memory: f64,
    /// The level after an alert, as a multiple of its score.
    pub raise: f64,
    /// Points in which fatigue falls to 1/e.
    pub rest: f64,
    /// Weight of one recent alert.
    pub weight: f64,
}

impl Default for HoldOff {
    fn default() -> Self {
        Self { level: 0.0, fatigue: 0.0 }
    }
}

impl HoldOff {
    /// Lets `points` pass and returns the score if it is to be emitted, else 0.
    pub(super) fn pass(&mut self, rule: HoldOffRule, points: f64, score: f64, threshold: f64) -> f64 {
        self.level *= libm::exp(-points / rule.memory);
        self.fatigue *= libm::exp(-points / rule.rest);
        let tired = score / (1.0 + rule.weight * self.fatigue);
        if tired <= self.level {
            return 0.0;
        }
        if tired >= threshold {
            self.fatigue += 1.0;
            self.level = rule.raise * tired;
        } else {
            self.level = tired;
        }
        tired
    }

    /// The event is over: another as high is a new one.
    pub(super) fn release(&mut self) {
        self.level *= RELEASED;
    }

    /// Another half alerted with `score`: hold off as if this one had.
    pub(super) fn hold(&mut self, rule: HoldOffRule, score: f64) {
        self.level = self.level.max(rule.raise * score);
    }

    pub(super) fn is_valid(&self) -> bool {
        let sane = |x: f64| x.is_finite() && x >= 0.0;
        sane(self.level) && sane(self.fatigue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: HoldOffRule = HoldOffRule { memory: 20.0, raise: 2.0, rest: 1000.0, weight: 0.1 };

    #[test]
    fn an_event_alerts_once_and_again_only_if_it_worsens() {
        let mut hold = HoldOff::default();
        assert!(hold.pass(RULE, 1.0, 1.5, 1.0) >= 1.0);
        assert_eq!(hold.pass(RULE, 1.0, 1.5, 1.0), 0.0);
        assert!(hold.pass(RULE, 1.0, 4.0, 1.0) >= 1.0);
    }

    #[test]
    fn a_later_event_alerts_again() {
        let mut hold = HoldOff::default();
        hold.pass(RULE, 1.0, 1.5, 1.0);
        assert!(hold.pass(RULE, 60.0, 1.5, 1.0) >= 1.0);
    }

    #[test]
    fn the_tail_tracks_the_98_percent_quantile() {
        let mut tail = Tail::default();
        for i in 0..20_000 {
            tail.learn(f64::from(i * 37 % 1000) / 100.0, true, true);
        }
        assert!((tail.quantile() - 9.8).abs() < 0.6, "{}", tail.quantile());
    }

    #[test]
    fn a_side_has_its_own_far_tail() {
        let mut tail = Tail::default();
        for i in 0..20_000 {
            tail.learn(if i % 300 == 0 { 20.0 } else { 1.0 }, i % 300 == 0, true);
        }
        assert!(tail.far(true) > 15.0 && tail.far(false) < 1.1, "{tail:?}");
    }

    #[test]
    fn a_peak_of_each_hour_is_known_and_a_long_event_each_day_is_not() {
        for (every, lasts, reference) in [(60, 1, 0.8), (1440, 60, 0.1)] {
            let mut peaks = Peaks::default();
            for minute in 0..7 * 1440 {
                peaks.learn(minute * 60, if minute % every < lasts { 0.8 } else { 0.1 });
            }
            assert!((peaks.reference() / reference - 1.0).abs() < 0.13, "{every}: {}", peaks.reference());
            assert!(peaks.is_valid());
        }
    }

    #[test]
    fn a_constant_stream_of_zero_gives_no_ratio() {
        let mut extreme = Extreme::default();
        for _ in 0..500 {
            assert_eq!(extreme.ratio(0.0, 0.0), 0.0);
        }
    }
}
