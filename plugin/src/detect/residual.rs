//! The residual half: how far is this value from what was expected of it, now and over a few points?
//!
//! On x = ∛v ([`Transform`]), which steadies noise, the bank of predictors gives p and r = x − p. How far values rise or
//! fall at this time of day on three of the last seven days is not held against the value: r is measured from the edge
//! of the daily envelope. Nor is the way back from an event. Four channels compare r with their own scale and their own
//! tail, and the strongest speaks:
//!
//! ```text
//! one point      z = |r| / S
//! 3, 8           z = |mean of x − forecast made before them| / S_m
//! ratio (drops)  z = −ln((v + ε) / (v̂ + ε)) / S_ratio, the milder of two points in a row
//! y = min(z / max(base, tails · Q), 6)
//! ```

use super::calibrate::{CEILING, Tail};
use super::clock::DAY;
use super::envelope::{Envelope, Usual};
use super::lasting::Lasting;
use super::loss::Loss;
use super::predictors::{Bank, Forecast};
use super::scale::{DailyScale, MovedScale};
use super::transform::Transform;
use crate::state::{Gone, Reader, State, state};

/// Points kept for the longer channels: those whose mean the envelope keeps.
const RECENT: usize = 8;
/// As many were kept before version 12.
const MOST_RECENT: usize = 20;
/// Windows within which what usually begins is held against no mean.
const AHEAD: f64 = 20.0;
/// What opens an alert: at least so many mean sizes, and at least so many times the 98 % quantile Q of the
/// series' own ratios, where tails are heavy.
#[derive(Clone, Copy, Debug)]
struct Threshold {
    base: f64,
    tails: f64,
}

/// One point: some six standard deviations of normal noise, and what the daily envelope adds.
const POINT: Threshold = Threshold { base: 8.0, tails: 2.75 };
/// One window of a minute that is too low may just lack records that came late: it takes so many times as much, or the
/// next window.
const LONE_DROP: f64 = 1.25;
/// A change begins with the window before if both are off by this part of it.
const BEGUN: f64 = 0.5;

/// A longer channel: a sustained shift that is small for one point.
#[derive(Clone, Copy, Debug)]
struct SpanRule {
    points: usize,
    threshold: Threshold,
    /// The mean is trusted down to this part of the scale of single points.
    floor: f64,
    /// Measured like means, from where they reached when it began; otherwise like the last point.
    as_mean: bool,
}

/// Three tell soon. What eight add is small and lasts, and is there more often than it is news. What lasts longer is told by
/// [`Lasting`].
const SPANS: [SpanRule; 2] = [
    SpanRule { points: 3, threshold: Threshold { base: 9.5, tails: 2.5 }, floor: 0.4, as_mean: false },
    SpanRule { points: RECENT, threshold: LONG, floor: 0.2, as_mean: true },
];
const LONG: Threshold = Threshold { base: 15.0, tails: 4.0 };
/// The ratio, of which two points in a row must be as low.
const RATIO: Threshold = Threshold { base: 5.5, tails: 1.9 };
/// In windows of some minutes also so many times the 99.9 % quantile: what comes every few days is ordinary.
const FAR: f64 = 1.4;
/// …but a drop to this part of what was expected is news even if it comes every few days: a link that fails each week
/// still fails.
const LOSS: f64 = 0.4;
/// The scale is never below this part of the expected x, so that a near-constant series alerts from
/// a change of about an eighth (three times 8 · 0.005) on.
const LEVEL_FLOOR: f64 = 0.005;
/// A scale from few updates n is doubtful: it is widened by 1 + 10 / (1 + n).
const DOUBT: f64 = 10.0;
/// Points, and moved points, before the first score…
pub(super) const WARM_UP: u64 = 60;
const WARM_UP_MOVED: u32 = 20;
/// …or points in all: a series at rest is known by then.
const WARM_UP_AT_REST: u64 = 240;
/// Points that are seen as a whole: four hours of minutes.
const FIRST: u64 = 240;
/// The zero of the ratio channel, as a part of the mean level: a drop beyond a hundredth is a drop to zero.
const RATIO_ZERO: f64 = 0.01;
/// Rate of the mean level, like that of the errors.
const LEVEL_RATE: f64 = 0.0005;
/// After an incident a value so many mean sizes from what was expected without it is back to that.
const BACK: f64 = 3.0;
/// Windows without a value after which nothing is sudden: the next values are learnt first.
const LONG_GAP: f64 = 10.0;
/// So many.
const SETTLE: u8 = 3;

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
    /// The score of a level that lasts, and what was expected before it.
    pub lasting: (f64, f64),
    /// The score of nothing left of what the season expects.
    pub loss: f64,
    /// The value is one of the first, and within what there was before it.
    pub is_as_at_first: bool,
}

#[derive(Clone, Debug, Default)]
struct Span {
    scale: MovedScale,
    tail: Tail,
}

state!(Span { scale, tail });

/// A point lately seen.
#[derive(Clone, Copy, Debug, Default)]
struct Point {
    x: f64,
    /// What was expected of it.
    forecast: f64,
    /// What the season said, if the forecast followed it; else no number.
    season: f64,
    /// What was usual for means.
    low: f32,
    high: f32,
}

impl Point {
    /// What was expected, when the season has come so far: a forecast that follows it would have gone on to do so, by `part` of the way.
    fn forecast_later(&self, season: f64, part: f64) -> f64 {
        self.forecast + if self.season.is_nan() { 0.0 } else { part * (season - self.season) }
    }
}

/// The lowest and the highest value of the warm-up; none of a state from before version 14.
#[derive(Clone, Copy, Debug)]
struct First {
    low: f32,
    high: f32,
}

state!(First { low, high });

impl Default for First {
    fn default() -> Self {
        First { low: f32::INFINITY, high: f32::NEG_INFINITY }
    }
}

impl First {
    fn holds(self, x: f32) -> bool {
        self.low <= x && x <= self.high
    }

    fn widen(&mut self, x: f32) {
        (self.low, self.high) = (self.low.min(x), self.high.max(x));
    }

    fn is_valid(self) -> bool {
        !self.low.is_nan() && !self.high.is_nan()
    }
}

/// A point as it was before version 10: value, forecast, season, and whether the forecast followed it.
type FormerPoint = ((f64, f64), (f64, bool));

impl State for Point {
    fn save(&self, out: &mut Vec<u8>) {
        let seasonal = !self.season.is_nan();
        (self.x, self.forecast).save(out);
        (if seasonal { self.season } else { 0.0 }, seasonal).save(out);
        (self.low, self.high).save(out);
    }

    fn load(reader: &mut Reader<'_>) -> Self {
        let ((x, forecast), (season, seasonal)) = State::load(reader);
        let (low, high) = State::load(reader);
        Point { x, forecast, season: if seasonal { season } else { f64::NAN }, low, high }
    }
}

/// State of the residual half.
#[derive(Clone, Debug, Default)]
pub(super) struct Residual {
    points: u64,
    settle: u8,
    bank: Bank,
    envelope: Envelope,
    scale: DailyScale,
    tail: Tail,
    /// How the values are measured.
    pub transform: Transform,
    /// The time of the last value.
    time_s: i64,
    /// Points without what was usual for means.
    points_before: Gone<Vec<FormerPoint>, 10>,
    spans: [Span; 2],
    level: f64,
    ratio: MovedScale,
    ratio_tail: Tail,
    last_ratio: f64,
    /// The one-point ratio of the last value, negative below the forecast.
    last_z: f64,
    /// Oldest first.
    recent: Vec<Point>,
    /// Means of twenty.
    longest: Gone<Span, 12>,
    lasting: Lasting,
    loss: Loss,
    first: First,
}

state!(Residual {
    points,
    settle,
    bank,
    envelope,
    scale,
    tail,
    transform,
    time_s,
    points_before,
    spans,
    level,
    ratio,
    ratio_tail,
    last_ratio,
    last_z,
    recent since 10,
    longest since 10,
    lasting since 12,
    loss since 14,
    first since 14,
});

/// What a value is judged by besides its history.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Circumstances {
    /// Windows since the value before it.
    pub windows: f64,
    /// An event goes on, which says nothing of what is usual.
    pub away: bool,
    /// Windows of some minutes.
    pub coarse: bool,
    /// What was expected before the last event, while the way back there is no news.
    pub former: Option<f64>,
}

impl Residual {
    /// Nothing learnt yet.
    pub(super) fn new(transform: Transform) -> Self {
        Self { transform, ..Self::default() }
    }

    pub(super) fn read_ahead(&self, time_s: i64) -> u64 {
        let recent = self.recent.iter().fold(0, |read, point| read ^ point.x.to_bits());
        recent ^ self.bank.read_ahead(time_s) ^ self.envelope.read_ahead(time_s) ^ self.scale.scale(time_s).to_bits()
    }

    /// What is expected at `time_s`, without a value.
    pub(super) fn expect(&self, time_s: i64) -> Finding {
        let forecast = self.bank.predict(time_s);
        self.look_out(time_s, forecast, self.usual(time_s, 0, &forecast).0)
    }

    /// The range within which a single value is usual at this time, and a mean until `ahead` seconds later; and whether a day is known
    /// that says so.
    fn usual(&self, time_s: i64, ahead: i64, forecast: &Forecast) -> (Usual, Usual, bool) {
        let itself = (forecast.best, forecast.best);
        let of_days = self.envelope.usual(time_s, ahead, forecast.best, self.course(forecast.season));
        let (single, mean) = of_days.unwrap_or((itself, itself));
        (single, mean, mean.0 < mean.1)
    }

    fn look_out(&self, time_s: i64, forecast: Forecast, (low, high): Usual) -> Finding {
        let scale = self.doubtful_scale(time_s, &forecast);
        Finding {
            x: forecast.best,
            expected: forecast.best,
            low: low.min(forecast.best) - self.point(&forecast, scale, false) * scale,
            high: high.max(forecast.best) + self.point(&forecast, scale, true) * scale,
            forecast,
            ready: self.ready(),
            score: 0.0,
            lasting: (0.0, forecast.best),
            loss: 0.0,
            is_as_at_first: false,
        }
    }

    /// Judges the value, then learns it.
    pub(super) fn observe(&mut self, time_s: i64, value: f64, at: Circumstances) -> Finding {
        let x = self.transform.apply(value);
        let seconds = time_s.saturating_sub(self.time_s).clamp(1, DAY) as f64;
        self.time_s = time_s;
        if self.points == 0 {
            self.bank.resume(time_s, x);
        } else if at.windows > LONG_GAP {
            self.resume(time_s, x);
            self.forget_recent();
            self.settle = SETTLE;
        }
        let forecast = self.bank.predict(time_s);
        let (single, mean, is_day_known) = self.usual(time_s, (AHEAD * seconds) as i64, &forecast);
        let mut finding = self.look_out(time_s, forecast, single);
        finding.x = x;
        let p = forecast.best;
        let ready = finding.ready && self.settle == 0;
        self.settle = self.settle.saturating_sub(1);
        let moved = self.recent.last().is_some_and(|last| x != last.x);
        // The way back from an event is no news, nor is a fall to where the season is: something usual has ended.
        let former = at.former.unwrap_or(p);
        let widened = |(low, high): Usual, former: f64| (low.min(former).min(forecast.season), high.max(former));
        let single = widened(single, former);
        // Where noise lasts for minutes the best forecast is the last value, which follows a new level at once.
        let (low, high) = widened(mean, at.former.unwrap_or(forecast.steadiest()));
        let scale = self.doubtful_scale(time_s, &forecast);
        self.judge_point(&mut finding, scale, ready, &at, single);
        self.scale.learn(time_s, (x - p).abs(), moved);
        while self.recent.len() >= RECENT {
            self.recent.remove(0);
        }
        let season = forecast.season;
        let followed = if forecast.seasonal { season } else { f64::NAN };
        self.recent.push(Point { x, forecast: p, season: followed, low: low as f32, high: high as f32 });
        self.judge_spans(&mut finding, scale, ready, &at, single);
        if at.away || at.coarse || !is_day_known {
            self.lasting.clear();
        } else {
            finding.lasting = self.lasting.observe(x, &forecast, (low, high), scale, ready);
        }
        self.learn_level(value);
        if self.transform == Transform::CubeRoot {
            if let Some(season) = forecast.known_season().filter(|_| ready) {
                finding.loss = self.loss.observe(value, self.transform.restore(season), self.level, at.coarse);
            }
            self.judge_ratio(&mut finding, value, ready, moved, &at, single.0);
        }
        finding.is_as_at_first = self.learn_first(x as f32, at.away);
        self.envelope.learn(time_s, x, self.mean(), self.course(season), seconds);
        self.bank.learn(time_s, x, &forecast, seconds, at.away, self.loss.is_doubtful(at.coarse));
        self.points = self.points.saturating_add(1);
        finding
    }

    /// The mean of the last eight values, if they follow each other.
    fn mean(&self) -> Option<f64> {
        let points = self.recent.get(self.recent.len().checked_sub(RECENT)?..)?;
        Some(points.iter().map(|point| point.x).sum::<f64>() / RECENT as f64)
    }

    /// One point, and the milder of two.
    fn judge_point(&mut self, finding: &mut Finding, scale: f64, ready: bool, at: &Circumstances, usual: Usual) {
        let r = finding.x - finding.forecast.best;
        let distance = beyond(finding.x, usual, r.abs(), r > 0.0);
        let z = if !ready || distance <= 0.0 {
            0.0
        } else if scale > 0.0 {
            distance / scale
        } else {
            f64::MAX
        };
        let last = core::mem::replace(&mut self.last_z, if r > 0.0 { z } else { -z });
        let both = if last * self.last_z > 0.0 { z.min(last.abs()) } else { 0.0 };
        // Where the window before was off, too, the forecast has followed it half of the way.
        if both >= BEGUN * POINT.base
            && let Some(before) = self.recent.last()
        {
            let expected = before.forecast_later(finding.forecast.season, 1.0);
            if (finding.x - expected).abs() > r.abs() {
                finding.expected = expected;
            }
        }
        let lone = if r < 0.0 && !at.coarse { z / LONE_DROP } else { z };
        finding.score = (lone.max(both) / self.point(&finding.forecast, scale, r > 0.0)).min(CEILING);
        if finding.ready && !at.away {
            self.tail.learn(z, r > 0.0, at.coarse);
        }
    }

    /// The mean sizes that one point must be off to alert.
    fn point(&self, forecast: &Forecast, scale: f64, up: bool) -> f64 {
        let loss = self.transform.part(LOSS).filter(|_| !up && scale > 0.0);
        let most = loss.map_or(f64::INFINITY, |part| (1.0 - part) * forecast.best.max(0.0) / scale);
        POINT.of(&self.tail, up, most)
    }

    /// Several points, against the forecast made before them.
    fn judge_spans(&mut self, finding: &mut Finding, scale: f64, ready: bool, at: &Circumstances, usual: Usual) {
        let (x, season) = (finding.x, finding.forecast.season);
        for (span, rule) in self.spans.iter_mut().zip(SPANS) {
            let start = self.recent.len().checked_sub(rule.points);
            let Some(points) = start.and_then(|start| self.recent.get(start..)) else { continue };
            let Some(first) = points.first() else { continue };
            // On average half way.
            let before = first.forecast_later(season, 0.5);
            let mean = points.iter().map(|point| point.x - before).sum::<f64>() / points.len() as f64;
            let moved = points.iter().any(|point| point.x != first.x);
            let (size, up) = (mean.abs(), mean > 0.0);
            let own = span.scale.scale() * doubt(span.scale.updates());
            let distance = if rule.as_mean {
                beyond(before + mean, (f64::from(first.low), f64::from(first.high)), size, up)
            } else {
                beyond(x, usual, size, up)
            };
            let z = if ready && own > 0.0 { distance / own.max(rule.floor * scale) } else { 0.0 };
            span.scale.learn(size, moved && !at.away);
            if !at.away {
                span.tail.learn(z, up, at.coarse);
            }
            let score = rule.threshold.score(z, &span.tail, up);
            // The value itself must still be on the side of the mean.
            if score > finding.score && (x - before) * mean > 0.0 {
                finding.score = score;
                finding.expected = before;
            }
        }
    }

    /// The ratio to what was expected, for drops. `low`: the edge of the envelope.
    fn judge_ratio(
        &mut self,
        finding: &mut Finding,
        value: f64,
        ready: bool,
        moved: bool,
        at: &Circumstances,
        low: f64,
    ) {
        let p = finding.forecast.best;
        let ratio = self.ratio_of(value, self.transform.restore(p));
        // Both against what was expected before the first of them: a prediction that follows the value has followed it down.
        let before = self.recent.iter().rev().nth(1).map_or(p, |point| point.forecast);
        let expected = self.transform.restore(before);
        let milder = self.ratio_of(value, expected).max(self.last_ratio);
        self.last_ratio = ratio;
        self.ratio.learn(ratio.abs(), moved && !at.away);
        let own = self.ratio.scale();
        if own <= 0.0 {
            return;
        }
        if !at.away {
            self.ratio_tail.learn((-ratio).max(0.0) / own, false, at.coarse);
        }
        // From the edge of the envelope, like the others.
        let usual = self.ratio_of(self.transform.restore(low), expected).min(0.0);
        let beyond = usual - milder;
        if ready && beyond > 0.0 && finding.x < before {
            let score = RATIO.score(beyond / own, &self.ratio_tail, false);
            if score > finding.score {
                finding.score = score;
                finding.expected = before;
            }
        }
    }

    /// Whether x is one of the first points, and within what there was before: what went on while the detector did not know anything yet
    /// is no news when it ends, or comes again.
    fn learn_first(&mut self, x: f32, away: bool) -> bool {
        if self.points >= FIRST || away {
            return false;
        }
        let is_as_at_first = self.first.holds(x);
        // What comes later is judged, and may be an event.
        if !self.ready() {
            self.first.widen(x);
        }
        is_as_at_first
    }

    fn learn_level(&mut self, value: f64) {
        let size = value.abs();
        // Of a series that begins with zeros nothing is known to cut at.
        let cut = if self.points < WARM_UP || self.level == 0.0 { size } else { size.min(5.0 * self.level) };
        let rate = (1.0 / (self.points as f64 + 1.0)).max(LEVEL_RATE);
        self.level += rate * (cut - self.level);
    }

    /// ln((v + ε) / (v̂ + ε)) with negative values as zero; 0 while there is no level.
    fn ratio_of(&self, value: f64, expected: f64) -> f64 {
        let zero = RATIO_ZERO * self.level;
        if zero > 0.0 { libm::log((value.max(0.0) + zero) / (expected.max(0.0) + zero)) } else { 0.0 }
    }

    /// Forgets the course of an incident that is over, so that its end is not news. A first value within the noise of what was
    /// expected without the incident says that it is as before; another one is what there is to go by.
    pub(super) fn return_to_normal(&mut self, time_s: i64, x: f64, expected: f64) {
        let noise = BACK * self.doubtful_scale(time_s, &self.bank.predict(time_s));
        self.resume(time_s, if (x - expected).abs() <= noise { expected } else { x });
        self.forget_recent();
        self.last_ratio = 0.0;
    }

    /// An event has turned to the other side: the next values are measured from what was expected before it.
    pub(super) fn turn(&mut self, time_s: i64, expected: f64) {
        self.resume(time_s, expected);
        self.forget_recent();
        self.last_ratio = 0.0;
    }

    /// The short memories begin anew at x.
    fn resume(&mut self, time_s: i64, x: f64) {
        self.bank.resume(time_s, x);
        self.envelope.resume(x, self.course(self.bank.predict(time_s).season));
    }

    /// What rises and falls are measured from besides their own mean: in a series with values below zero the season, since a
    /// steep one is as high as any event. Elsewhere noise and season grow together, and nothing.
    fn course(&self, season: f64) -> f64 {
        match self.transform {
            Transform::CubeRoot => 0.0,
            Transform::None => season,
        }
    }

    /// A deviation has become the new normal.
    pub(super) fn accept(&mut self) {
        self.bank.accept();
        // What was expected of them is no more.
        self.forget_recent();
    }

    /// No channel looks back beyond now.
    fn forget_recent(&mut self) {
        self.recent.clear();
        self.lasting.clear();
    }

    fn ready(&self) -> bool {
        (self.points >= WARM_UP && self.scale.updates() >= WARM_UP_MOVED) || self.points >= WARM_UP_AT_REST
    }

    fn doubtful_scale(&self, time_s: i64, forecast: &Forecast) -> f64 {
        let error = 0.3 * if forecast.error.is_finite() { forecast.error } else { 0.0 };
        let scale = self.scale.scale(time_s).max(error) * doubt(self.scale.updates());
        scale.max(LEVEL_FLOOR * forecast.best.abs())
    }

    pub(super) fn is_valid(&self) -> bool {
        self.bank.is_valid()
            && self.envelope.is_valid()
            && self.scale.is_valid()
            && self.tail.is_valid()
            && self.recent.len() <= MOST_RECENT
            && self.recent.iter().all(|point| {
                [point.x, point.forecast, f64::from(point.low), f64::from(point.high)].iter().all(|x| x.is_finite())
                    && !point.season.is_infinite()
            })
            && self.lasting.is_valid()
            && self.loss.is_valid()
            && self.first.is_valid()
            && self.spans.iter().all(|s| s.scale.is_valid() && s.tail.is_valid())
            && self.ratio.is_valid()
            && self.ratio_tail.is_valid()
            && self.level.is_finite()
            && self.last_ratio.is_finite()
            && self.last_z.is_finite()
    }
}

/// How far x lies outside of the usual range, and no more than `size`.
fn beyond(x: f64, (low, high): Usual, size: f64, up: bool) -> f64 {
    size.min(if up { x - high } else { low - x }).max(0.0)
}

fn doubt(updates: u32) -> f64 {
    1.0 + DOUBT / (1.0 + f64::from(updates))
}

impl Threshold {
    /// `most`: the far tail asks for no more than that.
    fn of(self, tail: &Tail, up: bool, most: f64) -> f64 {
        self.base.max(self.tails * tail.quantile()).max((FAR * tail.far(up)).min(most))
    }

    fn score(self, z: f64, tail: &Tail, up: bool) -> f64 {
        (z / self.of(tail, up, f64::INFINITY)).min(CEILING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_that_begins_with_zeros_has_a_level_once_it_has_values() {
        let mut residual = Residual::default();
        for minute in 0..300 {
            let value = if minute < 100 { 0.0 } else { 80.0 };
            residual.observe(minute * 60, value, Circumstances { windows: 1.0, ..Circumstances::default() });
        }
        assert!((20.0..80.0).contains(&residual.level), "{}", residual.level);
        assert!(residual.ratio_of(8.0, 80.0) < -2.0);
    }
}
