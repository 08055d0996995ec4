//! The course of a series as a drawing that keeps its lettering legible at any width: SVG stretches, its labels are
//! HTML.

use super::escape::Escaped;
use super::history::Point;
use super::quantity;
use core::fmt::Write as _;
use std::io::{self, Write};

/// Units of the drawing; it is stretched to the width there is.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 100.0;

/// What to draw.
pub(super) struct Chart<'a> {
    pub(super) points: &'a [Point],
    /// Seconds between two points.
    pub(super) step: i64,
    /// First and last second of the drawing.
    pub(super) from: i64,
    pub(super) to: i64,
    /// Times to shade, with the class that colours them.
    pub(super) shaded: &'a [(i64, i64, &'a str)],
    /// The drawing in words.
    pub(super) description: &'a str,
    /// Small: without lettering.
    pub(super) small: bool,
}

impl Chart<'_> {
    pub(super) fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let top = self.top();
        let class = if self.small { "plot small" } else { "plot" };
        write!(
            out,
            "<div class=\"{class}\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-label=\"{}\">",
            Escaped(self.description)
        )?;
        for (start, end, class) in self.shaded {
            let (left, right) = (self.x(*start), self.x(*end));
            // At least two units wide: a window of a week-long drawing would vanish.
            let width = (right - left).max(2.0);
            write!(
                out,
                "<rect class=\"shade {class}\" x=\"{left:.0}\" y=\"0\" width=\"{width:.0}\" height=\"{HEIGHT}\"/>"
            )?;
        }
        let ticks = if self.small { Vec::new() } else { value_ticks(top) };
        for tick in &ticks {
            write!(out, "<path class=\"grid\" d=\"M0 {0:.1}H{WIDTH}\"/>", y(*tick, top))?;
        }
        for part in self.parts() {
            self.band(out, part, top)?;
            self.line(out, part, top)?;
        }
        out.write_all(b"</svg>")?;
        for tick in &ticks {
            let label = quantity::bytes(*tick);
            write!(
                out,
                "<span class=\"y\" aria-hidden=\"true\" style=\"bottom:{:.1}%\">{label}</span>",
                100.0 - y(*tick, top)
            )?;
        }
        out.write_all(b"</div>")?;
        if !self.small {
            time_axis(out, self.from, self.to)?;
        }
        Ok(())
    }

    fn x(&self, time: i64) -> f64 {
        let length = (self.to - self.from).max(1) as f64;
        ((time - self.from) as f64 / length * WIDTH).clamp(0.0, WIDTH)
    }

    /// The value at the upper edge. The band may not stretch the drawing to more than thrice what was observed.
    fn top(&self) -> f64 {
        let observed = self.points.iter().map(|point| point.high).fold(0.0, f32::max);
        let upper =
            |point: &Point| point.expected.map_or(0.0, |[expected, _, high]| high.min(3.0 * observed.max(expected)));
        let band = self.points.iter().map(upper).fold(0.0, f32::max);
        f64::from(observed.max(band)).max(1.0) * 1.06
    }

    /// The points cut where windows are missing.
    fn parts(&self) -> impl Iterator<Item = &[Point]> {
        let most = self.step * 7 / 2;
        self.points.chunk_by(move |one, next| next.time - one.time <= most)
    }

    /// The expected range as an area, the expected value as a line.
    fn band(&self, out: &mut dyn Write, points: &[Point], top: f64) -> io::Result<()> {
        for part in points.chunk_by(|one, next| one.expected.is_some() == next.expected.is_some()) {
            let expected: Vec<(f64, [f32; 3])> =
                part.iter().filter_map(|point| Some((self.middle(point), point.expected?))).collect();
            if expected.is_empty() {
                continue;
            }
            let upper = expected.iter().map(|(x, [_, _, high])| (*x, y(f64::from(*high), top)));
            let lower = expected.iter().rev().map(|(x, [_, low, _])| (*x, y(f64::from(*low), top)));
            let middle = expected.iter().map(|(x, [value, _, _])| (*x, y(f64::from(*value), top)));
            write!(out, "<path class=\"band\" d=\"{}Z\"/>", path(upper.chain(lower)))?;
            write!(out, "<path class=\"expected\" d=\"{}\"/>", path(middle))?;
        }
        Ok(())
    }

    fn line(&self, out: &mut dyn Write, points: &[Point], top: f64) -> io::Result<()> {
        let both = points.iter().flat_map(|point| {
            let x = self.middle(point);
            let second = (point.high != point.low).then(|| (x, y(f64::from(point.low), top)));
            [Some((x, y(f64::from(point.high), top))), second].into_iter().flatten()
        });
        write!(out, "<path class=\"observed\" d=\"{}\"/>", path(both))
    }

    /// A window's value is drawn at its middle.
    fn middle(&self, point: &Point) -> f64 {
        self.x(point.time + self.step / 2)
    }
}

fn y(value: f64, top: f64) -> f64 {
    (1.0 - value / top).clamp(0.0, 1.0) * HEIGHT
}

fn path(points: impl Iterator<Item = (f64, f64)>) -> String {
    let mut text = String::new();
    for (index, (x, y)) in points.enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}{x:.0} {y:.1}", if index == 0 { "M" } else { "L" });
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

/// Labels of the time axis, at round times.
pub(super) fn time_axis(out: &mut dyn Write, from: i64, to: i64) -> io::Result<()> {
    const STEPS: [i64; 13] =
        [300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800];
    let length = (to - from).max(1);
    let step = STEPS.into_iter().find(|step| length / step <= 6).unwrap_or(length / 6);
    out.write_all(b"<div class=\"x\" aria-hidden=\"true\">")?;
    let first = (from + step - 1).div_euclid(step) * step;
    for time in (first..=to).step_by(step as usize) {
        let left = (time - from) as f64 / length as f64 * 100.0;
        let label = if time % 86_400 == 0 { quantity::date(time).split_off(5) } else { quantity::clock(time) };
        // A label at either edge would be cut off.
        if (3.0..=97.0).contains(&left) {
            write!(out, "<span style=\"left:{left:.1}%\">{label}</span>")?;
        }
    }
    out.write_all(b"</div>")
}
