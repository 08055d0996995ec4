//! The course of a series as a drawing that keeps its lettering legible at any width: SVG stretches, its labels are
//! HTML.

use super::escape::Escaped;
use super::history::Point;
use super::quantity;
use super::value::Value;
use core::fmt::Write as _;
use std::io::{self, Write};

/// Units of the drawing; it is stretched to the width there is. Fine enough that amounts can be read off the paths, which is what the
/// page's script does: there is no second copy of the data.
const WIDTH: f64 = 10_000.0;
const HEIGHT: f64 = 10_000.0;

/// What to draw.
pub(super) struct Chart<'a> {
    pub(super) points: &'a [Point],
    pub(super) value: Value,
    /// Seconds between two points.
    pub(super) step: i64,
    /// First and last second of the drawing.
    pub(super) from: i64,
    pub(super) to: i64,
    /// Times to shade, with the class that colours them.
    pub(super) shaded: &'a [(i64, i64, &'a str)],
    /// The drawing in words.
    pub(super) description: &'a str,
    /// Small: without lettering and range.
    pub(super) small: bool,
}

impl Chart<'_> {
    pub(super) fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let drawn = Drawn { from: self.from, to: self.to, top: self.top() };
        let top = drawn.top;
        let class = if self.small { "plot small" } else { "plot" };
        let Chart { value, step, from, to, description, .. } = self;
        write!(
            out,
            "<div class=\"{class}\" tabindex=\"0\" data-from=\"{from}\" data-to=\"{to}\" data-step=\"{step}\" data-top=\"{top}\" \
             data-unit=\"{}\"><svg {} aria-label=\"{}\">",
            value.name(),
            Drawn::SVG,
            Escaped(description)
        )?;
        for (start, end, class) in self.shaded {
            let (left, right) = (drawn.x(*start), drawn.x(*end));
            // At least as wide as can be seen: a window of a week-long drawing would vanish.
            let width = (right - left).max(20.0);
            write!(
                out,
                "<rect class=\"shade {class}\" x=\"{left:.0}\" y=\"0\" width=\"{width:.0}\" height=\"{HEIGHT}\"/>"
            )?;
        }
        if !self.small {
            for tick in value_ticks(top) {
                write!(out, "<path class=\"grid\" d=\"M0 {:.0}H{WIDTH}\"/>", drawn.y(tick))?;
            }
        }
        for part in self.parts() {
            if !self.small {
                self.band(out, part, &drawn)?;
            }
            self.line(out, part, &drawn)?;
        }
        out.write_all(b"</svg>")?;
        if !self.small {
            drawn.ticks(out, *value)?;
        }
        out.write_all(b"</div>")?;
        if !self.small {
            time_axis(out, self.from, self.to)?;
        }
        Ok(())
    }

    /// The value at the upper edge. The band may not stretch the drawing to more than thrice what was observed.
    fn top(&self) -> f64 {
        let observed = self.points.iter().map(|point| point.high).fold(0.0, f32::max);
        let upper =
            |point: &Point| point.expected.map_or(0.0, |[expected, _, high]| high.min(3.0 * observed.max(expected)));
        let band = self.points.iter().filter(|_| !self.small).map(upper).fold(0.0, f32::max);
        libm::ceil(f64::from(observed.max(band)).max(1.0) * 1.06)
    }

    /// The points cut where windows are missing.
    fn parts(&self) -> impl Iterator<Item = &[Point]> {
        let most = self.step * 7 / 2;
        self.points.chunk_by(move |one, next| next.time - one.time <= most)
    }

    /// The expected range as an area, the expected value as a line. They are smooth, so of neighbouring points one will do.
    fn band(&self, out: &mut dyn Write, points: &[Point], drawn: &Drawn) -> io::Result<()> {
        for part in points.chunk_by(|one, next| one.expected.is_some() == next.expected.is_some()) {
            let last = part.len().saturating_sub(1);
            let sparse = part.iter().enumerate().filter(|(at, _)| at % 2 == 0 || *at == last).map(|(_, point)| point);
            let expected: Vec<(f64, [f32; 3])> =
                sparse.filter_map(|point| Some((self.middle(point, drawn), point.expected?))).collect();
            if expected.is_empty() {
                continue;
            }
            let upper = expected.iter().map(|(x, [_, _, high])| (*x, drawn.y(f64::from(*high))));
            let lower = expected.iter().rev().map(|(x, [_, low, _])| (*x, drawn.y(f64::from(*low))));
            let middle = expected.iter().map(|(x, [value, _, _])| (*x, drawn.y(f64::from(*value))));
            write!(out, "<path class=\"band\" d=\"{}Z\"/>", path(upper.chain(lower)))?;
            write!(out, "<path class=\"expected\" d=\"{}\"/>", path(middle))?;
        }
        Ok(())
    }

    fn line(&self, out: &mut dyn Write, points: &[Point], drawn: &Drawn) -> io::Result<()> {
        let both = points.iter().flat_map(|point| {
            let x = self.middle(point, drawn);
            let (high, low) = (drawn.y(f64::from(point.high)), drawn.y(f64::from(point.low)));
            // Less than a line's width apart they are one.
            let second = (low - high > HEIGHT / 200.0).then_some((x, low));
            [Some((x, high)), second].into_iter().flatten()
        });
        write!(out, "<path class=\"observed\" d=\"{}\"/>", path(both))
    }

    /// A window's value is drawn at its middle.
    fn middle(&self, point: &Point, drawn: &Drawn) -> f64 {
        drawn.x(point.time + self.step / 2)
    }
}

/// The points, each after the first relative to the one before it, which is shortest.
fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    let mut before = None;
    for (x, y) in points.map(|(x, y)| (libm::round(x) as i64, libm::round(y) as i64)) {
        // Writing to a String cannot fail.
        let _ = match before {
            None => write!(text, "M{x} {y}l0 0"),
            Some((last_x, last_y)) => {
                let (dx, dy) = (x - last_x, y - last_y);
                write!(text, "{}{dx}{}{dy}", if dx < 0 { "" } else { " " }, if dy < 0 { "" } else { " " })
            }
        };
        before = Some((x, y));
    }
    text
}

/// Three to five round values below the top.
fn value_ticks(top: f64) -> Vec<f64> {
    let rough = top / 4.0;
    let unit = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let step =
        [1.0, 2.0, 2.5, 5.0, 10.0].map(|factor| factor * unit).into_iter().find(|step| *step >= rough).unwrap_or(top);
    (0..6).map(|index| f64::from(index) * step).take_while(|tick| *tick < top * 0.97).collect()
}

/// A drawing's edges.
pub(super) struct Drawn {
    pub(super) from: i64,
    pub(super) to: i64,
    /// The amount at the upper edge.
    pub(super) top: f64,
}

impl Drawn {
    /// Attributes of a drawing.
    pub(super) const SVG: &str = "viewBox=\"0 0 10000 10000\" preserveAspectRatio=\"none\" role=\"img\"";

    pub(super) fn x(&self, time: i64) -> f64 {
        let length = (self.to - self.from).max(1) as f64;
        ((time - self.from) as f64 / length * WIDTH).clamp(0.0, WIDTH)
    }

    pub(super) fn y(&self, amount: f64) -> f64 {
        (1.0 - amount / self.top).clamp(0.0, 1.0) * HEIGHT
    }

    /// Round amounts at the left.
    pub(super) fn ticks(&self, out: &mut dyn Write, value: Value) -> io::Result<()> {
        for tick in value_ticks(self.top) {
            let (bottom, label) = (100.0 * tick / self.top, value.amount(tick));
            write!(out, "<span class=\"y\" aria-hidden=\"true\" style=\"bottom:{bottom:.1}%\">{label}</span>")?;
        }
        Ok(())
    }
}

/// Labels of the time axis, at round times.
pub(super) fn time_axis(out: &mut dyn Write, from: i64, to: i64) -> io::Result<()> {
    const STEPS: [i64; 13] =
        [300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800];
    let length = (to - from).max(1);
    let step = STEPS.into_iter().find(|step| length / step <= 6).unwrap_or(length / 6).max(1);
    out.write_all(b"<div class=\"x\" aria-hidden=\"true\">")?;
    let first = (from + step - 1).div_euclid(step) * step;
    for time in (first..=to).step_by(step.max(1) as usize) {
        let left = (time - from) as f64 / length as f64 * 100.0;
        let label = if time % 86_400 == 0 { quantity::date(time).split_off(5) } else { quantity::clock(time) };
        // A label at either edge would be cut off.
        if (3.0..=97.0).contains(&left) {
            write!(out, "<span style=\"left:{left:.1}%\">{label}</span>")?;
        }
    }
    out.write_all(b"</div>")
}
