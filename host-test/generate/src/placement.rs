//! Places events: on which interface, when, and how large.

use super::address::{SPOOFED, TALKERS};
use super::effect::{Effect, Shape, Surge, wander};
use super::interface::{Interface, ephemeral};
use super::random::{Purpose, Random};
use super::role::Role;
use super::scenario::Scenario;
use super::truth::{Direction, Expectation, Kind, Talker, Truth};
use std::collections::HashMap;

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;
/// Between two events of a series, so that each can be seen on its own.
const GAP: i64 = 2 * HOUR;
/// Between the end of an event and the end of the stream, so that its incident can close.
const TAIL: i64 = 30 * MINUTE;
/// Places tried for an event before it is given up.
const ATTEMPTS: usize = 400;

/// Where everything goes.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) truth: Vec<Truth>,
    /// Effects of each interface.
    pub(super) effects: Vec<Vec<Effect>>,
    pub(super) silences: Vec<(i64, i64)>,
}

struct Placement<'a> {
    scenario: &'a Scenario,
    interfaces: &'a [Interface],
    random: Random,
    plan: Plan,
    /// Times taken on each interface.
    taken: Vec<Vec<(i64, i64)>>,
}

/// Places the events of a scenario; those that need most room first.
pub(super) fn plan(scenario: &Scenario, interfaces: &[Interface]) -> Plan {
    let mut placement = Placement {
        scenario,
        interfaces,
        random: Random::substream(scenario.seed, Purpose::Placement, 0, 0),
        plan: Plan { effects: vec![Vec::new(); interfaces.len()], ..Plan::default() },
        taken: vec![Vec::new(); interfaces.len()],
    };
    let counts = scenario.events;
    let order = [
        (Kind::SourceSilence, counts.source_silences),
        (Kind::DailyPeak, counts.daily_peaks),
        (Kind::NightlyJob, counts.nightly_jobs),
        (Kind::LevelShift, counts.level_shifts),
        (Kind::Ramp, counts.ramps),
        (Kind::Vanish, counts.vanishes),
        (Kind::Outage, counts.outages),
        (Kind::Drop, counts.drops),
        (Kind::Spike, counts.spikes),
    ];
    for (kind, count) in order {
        for _ in 0..count {
            placement.place(kind);
        }
    }
    let mut plan = placement.plan;
    plan.truth.sort_by(|a, b| (a.start, &a.series).cmp(&(b.start, &b.series)));
    let mut ordinals = HashMap::new();
    for label in &mut plan.truth {
        let ordinal = ordinals.entry(label.kind).or_insert(0);
        *ordinal += 1;
        label.id = format!("{}-{ordinal}", label.kind.name());
    }
    plan
}

impl Placement<'_> {
    fn place(&mut self, kind: Kind) {
        let from = self.scenario.start + i64::from(self.scenario.warm_up);
        let to = self.scenario.end() - TAIL;
        for _ in 0..ATTEMPTS {
            let duration = self.duration(kind, to - from);
            let mut latest = (to - duration - from) / MINUTE;
            if latest < 0 {
                return;
            }
            if kind == Kind::NightlyJob {
                // Early, so that there are nights left to know it.
                latest = latest.min(DAY / MINUTE - 1);
            }
            let start = from + self.random.integer(0, latest) * MINUTE;
            let end = if kind == Kind::LevelShift { self.scenario.end() } else { start + duration };
            if kind == Kind::SourceSilence {
                if (0..self.interfaces.len()).all(|index| self.free(index, start, end)) {
                    return self.silence(start, end);
                }
                continue;
            }
            let index = self.random.below(self.interfaces.len() as u64) as usize;
            let (first, last) = if kind == Kind::DailyPeak || kind == Kind::NightlyJob {
                // They come each day: the interface is taken for the whole stream.
                (self.scenario.start, self.scenario.end())
            } else {
                (start, end)
            };
            let role = self.interfaces[index].role;
            let fits = if kind == Kind::NightlyJob { role.runs_jobs() } else { role.takes_events() };
            if fits && self.free(index, start, end) && self.free(index, first, last) {
                self.taken[index].push((first, last));
                return self.inject(kind, index, start, end);
            }
        }
    }

    /// Seconds. The level shift's is what has to be left of the stream, to see that the new level is accepted.
    fn duration(&mut self, kind: Kind, room: i64) -> i64 {
        match kind {
            Kind::Spike | Kind::Drop | Kind::Outage => self.random.integer(5, 60) * MINUTE,
            Kind::Vanish => self.random.integer(10, 60) * MINUTE,
            Kind::Ramp => self.random.integer(5, 7).max(room / (12 * HOUR)) * HOUR,
            Kind::DailyPeak => 3 * HOUR,
            Kind::NightlyJob => self.random.integer(40, 60) * MINUTE,
            Kind::LevelShift => (room / 3).clamp(3 * HOUR, 24 * HOUR),
            Kind::SourceSilence => self.random.integer(10, 20) * MINUTE,
        }
    }

    /// Whether an interface has nothing else within the gap. A source silence may fall into a daily peak or a level
    /// shift, which go on for long, but not near their onset.
    fn free(&self, index: usize, start: i64, end: i64) -> bool {
        let apart = |(first, last): &(i64, i64)| end + GAP <= *first || last + GAP <= start;
        let silences_apart = self.plan.silences.iter().all(|(first, last)| {
            let begins_apart = start + GAP <= *first || last + GAP <= start;
            let long = end - start > 12 * HOUR;
            apart(&(*first, *last)) || long && begins_apart
        });
        silences_apart && self.taken[index].iter().all(apart)
    }

    fn silence(&mut self, start: i64, end: i64) {
        self.plan.silences.push((start, end));
        for effects in &mut self.plan.effects {
            effects.push(Effect { start, end, shape: Shape::Vanish });
        }
        self.plan.truth.push(Truth {
            id: String::new(),
            kind: Kind::SourceSilence,
            series: "total".to_owned(),
            start,
            end,
            direction: None,
            magnitude: 0.0,
            expect: Expectation::Notice,
            top_talker: None,
        });
    }

    fn inject(&mut self, kind: Kind, index: usize, start: i64, end: i64) {
        let interface = &self.interfaces[index];
        let random = &mut self.random;
        let gone = || Some(heaviest(interface));
        let (shape, magnitude, direction, top_talker) = match kind {
            Kind::Spike => {
                let factor = libm::exp(random.between(libm::log(3.0), libm::log(50.0)));
                let factor = libm::round(factor * 10.0) / 10.0;
                let (surge, talker) = surge(interface, random);
                (Shape::Surge { factor, surge }, factor, Some(Direction::Spike), Some(talker))
            }
            Kind::Drop => {
                let keep = libm::round(random.between(0.03, 0.3) * 100.0) / 100.0;
                (Shape::Drop { keep }, keep, Some(Direction::Drop), gone())
            }
            Kind::Outage => (Shape::Outage, 0.0, Some(Direction::Drop), gone()),
            Kind::Vanish | Kind::SourceSilence => (Shape::Vanish, 0.0, Some(Direction::Drop), gone()),
            Kind::Ramp => {
                let peak = libm::round(random.between(2.0, 2.5) * 10.0) / 10.0;
                (Shape::Ramp { peak }, peak, None, None)
            }
            Kind::DailyPeak => {
                let peak = libm::round(random.between(1.6, 2.0) * 10.0) / 10.0;
                (Shape::DailyPeak { peak }, peak, None, None)
            }
            Kind::NightlyJob => {
                let factor = libm::round(random.between(12.0, 20.0) * 10.0) / 10.0;
                let named = Some(to_all_peers(interface));
                (Shape::Job { factor, duration: end - start }, factor, Some(Direction::Spike), named)
            }
            Kind::LevelShift => {
                let up = random.chance(0.5);
                let factor = if up { random.between(2.5, 4.0) } else { random.between(0.25, 0.35) };
                let factor = libm::round(factor * 100.0) / 100.0;
                let direction = if up { Direction::Spike } else { Direction::Drop };
                (Shape::Shift { factor }, factor, Some(direction), None)
            }
        };
        let until = if kind == Kind::NightlyJob { self.scenario.end() } else { end };
        self.plan.effects[index].push(Effect { start, end: until, shape });
        let expect = match kind {
            Kind::Ramp | Kind::DailyPeak => Expectation::NoAlert,
            Kind::LevelShift => Expectation::OneAlert,
            _ => Expectation::Alert,
        };
        let series = interface.id.clone();
        // Numbered when all are known, in order of time.
        let label = |start: i64, end: i64| Truth {
            id: String::new(),
            kind,
            series: series.clone(),
            start,
            end,
            direction,
            magnitude,
            expect,
            top_talker: top_talker.clone(),
        };
        let duration = end - start;
        let known = |at: i64| Truth {
            direction: None,
            expect: Expectation::NoAlert,
            top_talker: None,
            ..label(at, at + duration)
        };
        let last = self.scenario.end() - duration;
        let labels: Vec<Truth> = match kind {
            Kind::DailyPeak => {
                let from = self.scenario.start + i64::from(self.scenario.warm_up);
                let first = start - (start - from) / DAY * DAY;
                (first..=last).step_by(DAY as usize).map(known).collect()
            }
            Kind::NightlyJob => {
                let nights = (1..).map(|night| start + night * DAY + wander(night)).take_while(|at| *at <= last);
                core::iter::once(label(start, end)).chain(nights.map(known)).collect()
            }
            _ => vec![label(start, end)],
        };
        self.plan.truth.extend(labels);
    }
}

/// The heaviest peer of an interface, in the direction that carries the data: who is gone in a drop.
fn heaviest(interface: &Interface) -> Talker {
    let Some(peer) = interface.peers.first() else { return Talker::default() };
    let profile = interface.role.profile();
    talker(interface, Some(peer.address.text()), peer.own_port, peer.peer_port, profile.protocol, profile.egress >= 0.5)
}

fn talker(
    interface: &Interface,
    peer: Option<String>,
    own_port: u16,
    peer_port: u16,
    protocol: u8,
    egress: bool,
) -> Talker {
    let own = Some(interface.address.text());
    let (srcaddr, dstaddr, dstport) = if egress { (own, peer, peer_port) } else { (peer, own, own_port) };
    Talker { srcaddr, dstaddr, dstport: Some(dstport), protocol: Some(protocol) }
}

/// The interface and all its peers, in the direction that carries the data. A job multiplies the traffic with each of
/// them, and the one that is heaviest on average need not have grown most in one minute: there is no one peer to name.
fn to_all_peers(interface: &Interface) -> Talker {
    let profile = interface.role.profile();
    let own = Some(interface.address.text());
    let egress = profile.egress >= 0.5;
    let (srcaddr, dstaddr) = if egress { (own, None) } else { (None, own) };
    // The service port is on one side only; those of the other differ from peer to peer.
    let dstport = (egress != profile.server).then_some(profile.port);
    Talker { srcaddr, dstaddr, dstport, protocol: Some(profile.protocol) }
}

/// What a spike is made of: a kind that fits the interface's role, and who to name for it.
fn surge(interface: &Interface, random: &mut Random) -> (Surge, Talker) {
    let profile = interface.role.profile();
    let flood = |random: &mut Random, port: u16, protocol: u8, packet: f64| {
        let sources = SPOOFED.subnet(20, random);
        let named = talker(interface, Some(sources.text()), port, 0, protocol, false);
        (Surge::Flood { sources, port, protocol, packet }, named)
    };
    let host = |random: &mut Random, egress: bool| {
        let peer = interface.connection(TALKERS.host(random), random);
        let (own_port, peer_port, protocol) = (peer.own_port, peer.peer_port, profile.protocol);
        let named = talker(interface, Some(peer.address.text()), own_port, peer_port, protocol, egress);
        (Surge::Talker { address: peer.address, own_port, peer_port, protocol, egress }, named)
    };
    match (interface.role, random.below(3)) {
        (Role::Web, 0) => flood(random, 443, 6, 60.0),
        (Role::Web, 1) => flood(random, 443, 17, 1200.0),
        (Role::Resolver, 0 | 1) => flood(random, 53, 17, 90.0),
        (Role::Nat, 0) => {
            let port = ephemeral(random);
            flood(random, port, 17, 1100.0)
        }
        (Role::Web | Role::Resolver, _) => {
            // A crowd has no one to name but the server: its answers carry the bytes.
            let own = Some(interface.address.text());
            let named = Talker { srcaddr: own, dstaddr: None, dstport: None, protocol: Some(profile.protocol) };
            (Surge::Crowd { salt: random.next() }, named)
        }
        // A dump of the database; a large download through the NAT gateway.
        (Role::Database, _) => host(random, true),
        (Role::Nat | Role::Batch | Role::Idle, _) => host(random, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(scenario: &Scenario) -> Plan {
        let interfaces: Vec<Interface> = (0..scenario.interfaces).map(|n| Interface::new(scenario, n)).collect();
        plan(scenario, &interfaces)
    }

    #[test]
    fn every_event_asked_for_finds_a_place() {
        for seed in 0..50 {
            let day = planned(&Scenario::day(seed));
            assert_eq!(day.truth.len(), 13, "seed {seed}");
            let week = planned(&Scenario::week(seed));
            let comes_back = |label: &&Truth| matches!(label.kind, Kind::DailyPeak | Kind::NightlyJob);
            let again = week.truth.iter().filter(comes_back).filter(|label| label.expect == Expectation::NoAlert);
            assert_eq!(week.truth.len() - again.count(), 23, "seed {seed}");
        }
    }

    #[test]
    fn events_leave_the_warm_up_alone_and_stay_two_hours_apart() {
        for seed in 0..50 {
            let scenario = Scenario::week(seed);
            let plan = planned(&scenario);
            for (position, label) in plan.truth.iter().enumerate() {
                assert!(label.start >= scenario.start + i64::from(scenario.warm_up));
                assert!(label.start < label.end && label.end <= scenario.end());
                for other in plan.truth[..position].iter().filter(|other| other.series == label.series) {
                    assert!(label.start >= other.end + GAP, "seed {seed}: {} and {}", label.id, other.id);
                }
            }
        }
    }

    #[test]
    fn events_have_the_sizes_their_kinds_promise() {
        for label in (0..50).flat_map(|seed| planned(&Scenario::week(seed)).truth) {
            let minutes = (label.end - label.start) / MINUTE;
            let (magnitudes, duration) = match label.kind {
                Kind::Spike => (3.0..=50.0, 5..=60),
                Kind::Drop => (0.03..=0.3, 5..=60),
                Kind::Outage | Kind::Vanish => (0.0..=0.0, 5..=60),
                Kind::Ramp => (2.0..=2.5, 300..=720),
                Kind::DailyPeak => (1.6..=2.0, 180..=180),
                Kind::NightlyJob => (12.0..=20.0, 40..=60),
                Kind::LevelShift => (0.25..=4.0, 24 * 60..=6 * 24 * 60),
                Kind::SourceSilence => (0.0..=0.0, 10..=20),
            };
            assert!(magnitudes.contains(&label.magnitude) && duration.contains(&minutes), "{label:?}");
        }
    }

    #[test]
    fn without_room_there_are_no_events() {
        assert!(planned(&Scenario { duration: 7200, ..Scenario::day(1) }).truth.is_empty());
        let idle = Scenario { interfaces: 1, ..Scenario::day(1) };
        assert!(planned(&idle).truth.len() < 13);
    }
}
