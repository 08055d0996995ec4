//! The imitated network: all interfaces with the effects of the events on them, advanced interval by interval.

use super::compose::Composer;
use super::effect::Effect;
use super::flow::{Interval, Remark};
use super::interface::Interface;
use super::placement::{self, Plan};
use super::random::{Purpose, Random};
use super::scenario::Scenario;
use super::truth::Truth;
use super::volume::{Noise, Volume};

/// One interface and what changes as time goes on.
#[derive(Debug)]
struct Source {
    interface: Interface,
    effects: Vec<Effect>,
    noise: Noise,
}

/// The network between two intervals.
#[derive(Debug)]
pub(super) struct Network {
    seed: u64,
    start: i64,
    end: i64,
    interval: i64,
    /// Expected records of an average interface and interval.
    records: f64,
    spanning_share: f64,
    skip_data_share: f64,
    pub(super) truth: Vec<Truth>,
    /// Times without any delivery.
    pub(super) silences: Vec<(i64, i64)>,
    sources: Vec<Source>,
}

impl Network {
    pub(super) fn new(scenario: &Scenario) -> Self {
        let interfaces: Vec<Interface> =
            (0..scenario.interfaces).map(|number| Interface::new(scenario, number)).collect();
        let Plan { truth, mut effects, silences } = placement::plan(scenario, &interfaces);
        let sources = interfaces
            .into_iter()
            .zip(effects.iter_mut())
            .map(|(interface, effects)| Source {
                interface,
                effects: core::mem::take(effects),
                noise: Noise::default(),
            })
            .collect();
        let records = scenario.records_per_minute * libm::sqrt(f64::from(scenario.interval) / 60.0);
        Self {
            seed: scenario.seed,
            start: scenario.start,
            end: scenario.end(),
            interval: i64::from(scenario.interval),
            records,
            spanning_share: scenario.spanning_share,
            skip_data_share: scenario.skip_data_share,
            truth,
            silences,
            sources,
        }
    }

    pub(super) fn interfaces(&self) -> impl ExactSizeIterator<Item = &Interface> {
        self.sources.iter().map(|source| &source.interface)
    }

    pub(super) fn interface(&self, index: usize) -> Option<&Interface> {
        self.sources.get(index).map(|source| &source.interface)
    }

    /// Fills in what interface `index` reports for the interval with a number. Intervals have to be asked for in order,
    /// because the noise goes on from one to the next. False if the interface reports nothing.
    pub(super) fn report(&mut self, index: usize, number: i64, interval: &mut Interval) -> bool {
        interval.flows.clear();
        interval.remark = None;
        let Some(Source { interface, effects, noise }) = self.sources.get_mut(index) else { return false };
        let start = self.start + number * self.interval;
        let volume_end = start + self.interval;
        let volume = Volume::over(self.seed, interface, effects, noise, start, volume_end);
        (interval.start, interval.end) = (start + interface.lag, volume_end + interface.lag);
        if volume.vanished {
            return false;
        }
        let coordinates = (u64::from(interface.number), start as u64);
        let random = Random::substream(self.seed, Purpose::Flows, coordinates.0, coordinates.1);
        let flows = &mut interval.flows;
        let (start, end, records) = (interval.start, interval.end, self.records);
        let mut composer = Composer { seed: self.seed, interface, random, start, end, records, flows };
        composer.compose(&volume);
        let mut random = composer.random;
        // Nothing spills over the end of the stream: a window with a scrap of traffic would look like a drop.
        let spanning_share = if volume_end < self.end { self.spanning_share } else { 0.0 };
        for flow in &mut interval.flows {
            // AWS's stamps may be off by up to a minute; a record that spans two windows is the visible form of it.
            if random.chance(spanning_share) {
                let shift = (interval.end - flow.end).max(0) + random.integer(5, 40);
                flow.start = (flow.start + shift).min(interval.end - 5).max(flow.start);
                flow.end += shift;
            }
        }
        if interval.flows.is_empty() {
            interval.remark = Some(Remark::NoData);
        } else if random.chance(self.skip_data_share) {
            interval.flows.truncate(interval.flows.len().div_ceil(2));
            interval.remark = Some(Remark::SkipData);
        }
        true
    }
}
