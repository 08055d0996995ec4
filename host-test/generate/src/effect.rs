//! What an injected event does to an interface's traffic.

use super::address::{Address, Block};
use core::f64::consts::TAU;

const DAY: i64 = 86_400;
/// Seconds in which a job reaches its full traffic.
const RISE: i64 = 300;

/// Seconds by which a job starts later than on its first day: up to four minutes.
pub(super) fn wander(day: i64) -> i64 {
    (day * 7).rem_euclid(5) * 60
}

/// A change of an interface's traffic over a time.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    /// First epoch second.
    pub(super) start: i64,
    /// First epoch second after it.
    pub(super) end: i64,
    pub(super) shape: Shape,
}

/// The change. Factors are relative to the ordinary traffic of the time.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Traffic on top of the ordinary, to `factor` times as much in all.
    Surge { factor: f64, surge: Surge },
    /// Only this share is left; the heaviest peer is gone.
    Drop { keep: f64 },
    /// No traffic: NODATA.
    Outage,
    /// No records.
    Vanish,
    /// Up to the factor in the middle, and back.
    Ramp { peak: f64 },
    /// A smooth bell up to the factor, each day at the same time, also before and after the labelled occurrence.
    DailyPeak { peak: f64 },
    /// A job at the same time each day, give or take some minutes, from the first run on.
    Job { factor: f64, duration: i64 },
    /// At this level.
    Shift { factor: f64 },
}

/// Where the additional traffic of a spike comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Surge {
    /// Small packets from forged sources to one port.
    Flood { sources: Block, port: u16, protocol: u8, packet: f64 },
    /// One host, one connection.
    Talker { address: Address, own_port: u16, peer_port: u16, protocol: u8, egress: bool },
    /// Many ordinary clients at once; `salt` names the crowd.
    Crowd { salt: u64 },
}

impl Effect {
    /// Whether the effect is at work in the minute that begins at epoch second `time`.
    pub(super) fn covers(&self, time: i64) -> bool {
        match self.shape {
            Shape::DailyPeak { .. } => (time - self.start).rem_euclid(DAY) < self.end - self.start,
            Shape::Job { duration, .. } => time >= self.start && (0..duration).contains(&self.since_start_of_run(time)),
            _ => (self.start..self.end).contains(&time),
        }
    }

    /// Seconds since the run of a job began that is due on the day of `time`, counted from the first run.
    fn since_start_of_run(&self, time: i64) -> i64 {
        let day = (time - self.start).div_euclid(DAY);
        time - self.start - day * DAY - wander(day)
    }

    /// The factor on the ordinary traffic of that minute.
    pub(super) fn factor(&self, time: i64) -> f64 {
        // Position in the effect from 0 to 1, at the middle of the minute.
        let position = ((time + 30 - self.start).rem_euclid(DAY)) as f64 / (self.end - self.start) as f64;
        match self.shape {
            Shape::Surge { .. } => 1.0,
            Shape::Drop { keep } => keep,
            Shape::Outage | Shape::Vanish => 0.0,
            Shape::Ramp { peak } => libm::exp(libm::log(peak) * (1.0 - (2.0 * position - 1.0).abs())),
            Shape::DailyPeak { peak } => libm::exp(libm::log(peak) * 0.5 * (1.0 - libm::cos(TAU * position))),
            // Five minutes of rise and of fall.
            Shape::Job { factor, duration } => {
                let into = self.since_start_of_run(time) + 30;
                libm::exp(libm::log(factor) * into.min(duration - into).clamp(0, RISE) as f64 / RISE as f64)
            }
            Shape::Shift { factor } => factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_rises_to_its_peak_and_returns_without_a_step() {
        let ramp = Effect { start: 0, end: 6 * 3600, shape: Shape::Ramp { peak: 2.5 } };
        let factors: Vec<f64> = (0..360).map(|minute| ramp.factor(minute * 60)).collect();
        assert!(factors.windows(2).all(|pair| (pair[1] / pair[0] - 1.0).abs() < 0.01));
        assert!(factors[0] < 1.01 && factors[359] < 1.01);
        assert!((factors[180] - 2.5).abs() < 0.02);
    }

    #[test]
    fn a_job_begins_once_and_comes_back_each_day() {
        let job = Effect { start: DAY, end: 5 * DAY, shape: Shape::Job { factor: 16.0, duration: 2400 } };
        assert!(!job.covers(0) && !job.covers(600));
        for day in 1..5 {
            let start = day * DAY + wander(day - 1);
            assert!(
                !job.covers(start - 60) && job.covers(start) && job.covers(start + 2340) && !job.covers(start + 2400)
            );
            assert!(job.factor(start) < 2.0 && (job.factor(start + 600) - 16.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_daily_peak_comes_back_each_day() {
        let peak = Effect { start: DAY, end: DAY + 3 * 3600, shape: Shape::DailyPeak { peak: 1.8 } };
        for day in 0..5 {
            let middle = day * DAY + 90 * 60;
            assert!(peak.covers(middle) && (peak.factor(middle) - 1.8).abs() < 0.01);
            assert!(!peak.covers(day * DAY + 4 * 3600));
        }
    }
}
