//! The residual half: how far is this value from what was expected of it, now and over a few points?
//!
//! On x = sign(v) √|v|, which steadies the variance of counts, the bank of predictors gives p and
//! r = x − p. What this time of day has brought on three of the last seven days is not held against
//! the value: r is measured from the edge of the daily envelope. Four channels compare it with their
//! own scale and their own tail, and the strongest speaks:
//!
//! ```text
//! one point      z = |r| / S
//! three, eight   z = |mean of x − forecast made before them| / S_m
//! ratio (drops)  z = −ln((v + ε) / (v̂ + ε)) / S_ratio, the milder of two points in a row
//! y = min(z / max(base, tails · Q), 6)
//! ```

use super::calibrate::{CEILING, Tail};
use super::envelope::Envelope;
use super::predictors::{Bank, Forecast};
use super::scale::{DailyScale, MovedScale};
use crate::state::state;

/// Points of the longer channels: a sustained shift that is small for one point.
const SPANS: [usize; 2] = [3, 8];
/// Points kept for them.
const RECENT: usize = 8;
/// What opens an alert: at least so many mean sizes, and at least so many times the 98 % quantile Q of the
/// series' own ratios, where tails are heavy.
#[derive(Clone, Copy, Debug)]
struct Threshold {
    base: f64,
    tails: f64,
}

/// One point: some seven standard deviations of normal noise.
const POINT: Threshold = Threshold { base: 9.0, tails: 2.75 };
/// One window of a minute that is too low may just lack records that came late: it takes so many times as much, or the
/// next window.
const LONE_DROP: f64 = 1.5;
/// Several points, whose mean has lighter tails.
const SPAN: Threshold = Threshold { base: 8.0, tails: 2.5 };
/// The ratio, of which two points in a row must be as low.
const RATIO: Threshold = Threshold { base: 5.5, tails: 1.9 };
/// In windows of some minutes also so many times the 99.9 % quantile: what comes every few days is ordinary.
const FAR: f64 = 2.0;
/// A mean over several points is trusted down to this part of the scale of single ones.
const SPAN_FLOOR: f64 = 0.5;
/// The scale is never below this part of the expected x, so that a near-constant series alerts from
/// a change of about a tenth (twice 9 · 0.005) on.
const LEVEL_FLOOR: f64 = 0.005;
/// A scale from few updates n is doubtful: it is widened by 1 + 10 / (1 + n).
const DOUBT: f64 = 10.0;
/// Points, and moved points, before the first score…
const WARM_UP: u64 = 60;
const WARM_UP_MOVED: u32 = 20;
/// …or points in all: a series at rest is known by then.
const WARM_UP_AT_REST: u64 = 240;
/// The zero of the ratio channel, as a part of the mean level: a drop beyond a hundredth is a drop to zero.
const RATIO_ZERO: f64 = 0.01;
/// Rate of the mean level, like that of the errors.
const LEVEL_RATE: f64 = 0.0005;
/// Windows without a value after which nothing is sudden: the next values are learnt first.
const LONG_GAP: f64 = 10.0;
/// So many.
const SETTLE: u8 = 3;

/// sign(v) √|v|
pub(super) fn stabilise(value: f64) -> f64 {
    if value < 0.0 { -(-value).sqrt() } else { value.sqrt() }
}

/// The inverse of [`stabilise`]: x |x|
pub(super) fn restore(x: f64) -> f64 {
    x * x.abs()
}

/// What the residual half finds; x values are stabilised.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Finding {
    /// 1 opens an alert; 0 while warming up.
    pub score: f64,
    /// The value in question.
    pub x: f64,
    /// What was expected of it by the channel that speaks.
    pub expected: f64,
    /// Where the one-point channel alone would not alert.
    pub low: f64,
    pub high: f64,
    /// All predictions.
    pub forecast: Forecast,
    pub ready: bool,
}

#[derive(Clone, Debug, Default)]
struct Span {
    scale: MovedScale,
    tail: Tail,
}

state!(Span { scale, tail });

/// State of the residual half.
#[derive(Clone, Debug, Default)]
pub(super) struct Residual {
    points: u64,
    settle: u8,
    bank: Bank,
    envelope: Envelope,
    scale: DailyScale,
    tail: Tail,
    /// x and its forecast, oldest first.
    recent: Vec<(f64, f64)>,
    spans: [Span; 2],
    level: f64,
    ratio: MovedScale,
    ratio_tail: Tail,
    last_ratio: f64,
}

state!(Residual { points, settle, bank, envelope, scale, tail, recent, spans, level, ratio, ratio_tail, last_ratio });

impl Residual {
    /// What is expected at `time_s`, without a value.
    pub(super) fn expect(&self, time_s: i64) -> Finding {
        let forecast = self.bank.predict(time_s);
        let usual = self.envelope.usual(time_s, forecast.best);
        let width = self.width(time_s, &forecast);
        Finding {
            x: forecast.best,
            expected: forecast.best,
            low: usual.map_or(forecast.best, |(low, _)| low.min(forecast.best)) - width,
            high: usual.map_or(forecast.best, |(_, high)| high.max(forecast.best)) + width,
            forecast,
            ready: self.ready(),
            score: 0.0,
        }
    }

    /// Judges the value, then learns it. `windows`: since the value before it. `away`: an event goes on, which says
    /// nothing of the noise. `coarse`: windows of some minutes.
    pub(super) fn observe(&mut self, time_s: i64, value: f64, windows: f64, away: bool, coarse: bool) -> Finding {
        let x = stabilise(value);
        if self.points == 0 {
            self.bank.resume(x);
        } else if windows > LONG_GAP {
            self.bank.resume(x);
            self.recent.clear();
            self.settle = SETTLE;
        }
        let mut finding = self.expect(time_s);
        let forecast = finding.forecast;
        let p = forecast.best;
        finding.x = x;
        let ready = finding.ready && self.settle == 0;
        self.settle = self.settle.saturating_sub(1);
        let last = self.recent.last().map_or(x, |(x, _)| *x);
        let moved = x != last;
        let usual = self.envelope.usual(time_s, p);
        let beyond = |size: f64, up: bool| match usual {
            Some((_, high)) if up => size.min((x - high).max(0.0)),
            Some((low, _)) => size.min((low - x).max(0.0)),
            None => size,
        };

        // One point.
        let r = x - p;
        let scale = self.doubtful_scale(time_s, &forecast);
        let beyond_one = beyond(r.abs(), r > 0.0);
        let z = if !ready || beyond_one <= 0.0 {
            0.0
        } else if scale > 0.0 {
            beyond_one / scale
        } else {
            f64::MAX
        };
        let lone_drop = if r < 0.0 && !coarse { LONE_DROP } else { 1.0 };
        finding.score = POINT.score(z / lone_drop, &self.tail);
        if finding.ready && !away {
            self.tail.learn(z, coarse);
        }

        // Three and eight points, against the forecast made before them.
        self.scale.learn(time_s, r.abs(), moved && !away);
        if self.recent.len() >= RECENT {
            self.recent.remove(0);
        }
        self.recent.push((x, p));
        for (span, points) in self.spans.iter_mut().zip(SPANS) {
            let Some(start) = self.recent.len().checked_sub(points) else {
                continue;
            };
            let Some(&(first, before)) = self.recent.get(start) else {
                continue;
            };
            let (mut sum, mut moved) = (0.0, false);
            for (x, _) in self.recent.iter().skip(start) {
                sum += x - before;
                moved |= *x != first;
            }
            let mean = sum / points as f64;
            let size = mean.abs();
            let own = span.scale.scale() * doubt(span.scale.updates());
            let z = if ready && own > 0.0 { beyond(size, mean > 0.0) / own.max(SPAN_FLOOR * scale) } else { 0.0 };
            span.scale.learn(size, moved && !away);
            if !away {
                span.tail.learn(z, coarse);
            }
            let score = SPAN.score(z, &span.tail);
            // The value itself must still be on the side of the mean.
            if score > finding.score && (x - before) * mean > 0.0 {
                finding.score = score;
                finding.expected = before;
            }
        }

        // Ratio.
        self.learn_level(value);
        let ratio = self.ratio_of(value, restore(p));
        // Both against what was expected before the first of them: a prediction that follows the value has followed it down.
        let before = self.recent.iter().rev().nth(1).map_or(p, |(_, before)| *before);
        let milder = self.ratio_of(value, restore(before)).max(self.last_ratio);
        self.last_ratio = ratio;
        self.ratio.learn(ratio.abs(), moved && !away);
        let own = self.ratio.scale();
        if own > 0.0 {
            if !away {
                self.ratio_tail.learn((-ratio).max(0.0) / own, coarse);
            }
            // From the edge of the envelope, like the others.
            let usual_ratio = usual.map_or(0.0, |(low, _)| self.ratio_of(restore(low), restore(before)).min(0.0));
            let beyond = usual_ratio - milder;
            if ready && beyond > 0.0 && x < before {
                let score = RATIO.score(beyond / own, &self.ratio_tail);
                if score > finding.score {
                    finding.score = score;
                    finding.expected = before;
                }
            }
        }

        self.envelope.learn(time_s, x);
        self.bank.learn(time_s, x, &forecast);
        self.points = self.points.saturating_add(1);
        finding
    }

    fn learn_level(&mut self, value: f64) {
        let size = value.abs();
        let cut = if self.points < WARM_UP { size } else { size.min(5.0 * self.level) };
        let rate = (1.0 / (self.points as f64 + 1.0)).max(LEVEL_RATE);
        self.level += rate * (cut - self.level);
    }

    /// ln((v + ε) / (v̂ + ε)) with negative values as zero; 0 while there is no level.
    fn ratio_of(&self, value: f64, expected: f64) -> f64 {
        let zero = RATIO_ZERO * self.level;
        if zero > 0.0 { libm::log((value.max(0.0) + zero) / (expected.max(0.0) + zero)) } else { 0.0 }
    }

    /// Forgets the course of an incident that is over, so that its end is not news.
    pub(super) fn return_to_normal(&mut self, x: f64) {
        self.bank.resume(x);
        self.recent.clear();
        self.last_ratio = 0.0;
    }

    fn ready(&self) -> bool {
        (self.points >= WARM_UP && self.scale.updates() >= WARM_UP_MOVED) || self.points >= WARM_UP_AT_REST
    }

    fn doubtful_scale(&self, time_s: i64, forecast: &Forecast) -> f64 {
        let error = 0.3 * if forecast.error.is_finite() { forecast.error } else { 0.0 };
        let scale = self.scale.scale(time_s).max(error) * doubt(self.scale.updates());
        scale.max(LEVEL_FLOOR * forecast.best.abs())
    }

    /// Half the width of the range in which the one-point channel doesn't alert.
    fn width(&self, time_s: i64, forecast: &Forecast) -> f64 {
        POINT.of(&self.tail) * self.doubtful_scale(time_s, forecast)
    }

    pub(super) fn is_valid(&self) -> bool {
        self.bank.is_valid()
            && self.envelope.is_valid()
            && self.scale.is_valid()
            && self.tail.is_valid()
            && self.recent.len() <= RECENT
            && self.recent.iter().all(|(x, p)| x.is_finite() && p.is_finite())
            && self.spans.iter().all(|s| s.scale.is_valid() && s.tail.is_valid())
            && self.ratio.is_valid()
            && self.ratio_tail.is_valid()
            && self.level.is_finite()
            && self.last_ratio.is_finite()
    }
}

fn doubt(updates: u32) -> f64 {
    1.0 + DOUBT / (1.0 + f64::from(updates))
}

impl Threshold {
    fn of(self, tail: &Tail) -> f64 {
        self.base.max(self.tails * tail.quantile()).max(FAR * tail.far())
    }

    fn score(self, z: f64, tail: &Tail) -> f64 {
        (z / self.of(tail)).min(CEILING)
    }
}
