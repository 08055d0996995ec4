//! Splits the volume of an interval into flows.

use super::address::{Address, SCANNERS};
use super::effect::Surge;
use super::flow::Flow;
use super::interface::{Interface, Peer};
use super::random::{Purpose, Random};
use super::volume::Volume;

/// The smallest IPv4 packet with a TCP header, bytes.
const BARE_PACKET: f64 = 40.0;
/// Ports that scanners try most.
const SCANNED: [u16; 10] = [22, 23, 80, 445, 1433, 3306, 3389, 5900, 6379, 8080];
/// Hosts in the crowd of a service that goes viral.
const CROWD: u64 = 40;
/// The most records that one spike adds to one interval.
const MOST_SURGE_RECORDS: f64 = 160.0;

/// Composes the flows of one interface and interval.
pub(super) struct Composer<'a> {
    pub(super) seed: u64,
    pub(super) interface: &'a Interface,
    pub(super) random: Random,
    /// The interval, epoch seconds.
    pub(super) start: i64,
    pub(super) end: i64,
    /// Expected number of records of an average interface.
    pub(super) records: f64,
    pub(super) flows: &'a mut Vec<Flow>,
}

impl Composer<'_> {
    pub(super) fn compose(&mut self, volume: &Volume) {
        if volume.ordinary > 0.0 {
            self.conversations(volume);
            self.background();
        }
        for (surge, bytes) in &volume.surges {
            self.surge(*surge, *bytes, bytes / volume.expected);
        }
    }

    /// Peers and passing clients share the ordinary volume.
    fn conversations(&mut self, volume: &Volume) {
        let profile = self.interface.role.profile();
        // Twice the bytes come as more and as larger flows: the number grows with the square root.
        let busy = libm::sqrt((volume.ordinary / volume.expected.max(1.0)).min(16.0));
        let wanted = self.random.poisson(self.records * profile.records * busy / 2.0).max(1) as usize;
        let peers = &self.interface.peers[usize::from(volume.without_first_peer)..];
        let passing = if profile.clients > 0.0 { (wanted * 2 / 5).max(1) } else { 0 };
        let stable = peers.len().min(wanted.saturating_sub(passing).max(1));
        let mut parts: Vec<(Peer, f64, bool)> = Vec::with_capacity(stable + passing);
        for peer in &peers[..stable] {
            parts.push((*peer, peer.weight * self.random.log_normal(0.25), true));
        }
        // Sizes of passing flows are heavy-tailed; the cut keeps one download from looking like an event.
        let sizes: Vec<f64> = (0..passing).map(|_| self.random.pareto(1.3, 20.0)).collect();
        let sum: f64 = sizes.iter().sum();
        for size in sizes {
            let peer = self.interface.passing(&mut self.random);
            parts.push((peer, size / sum * profile.clients, false));
        }
        let whole: f64 = parts.iter().map(|(_, weight, _)| weight).sum();
        for (peer, weight, long_lived) in parts {
            self.conversation(peer, volume.ordinary * weight / whole, long_lived);
        }
    }

    /// Both directions of one conversation: the larger one carries data, the other acknowledges.
    fn conversation(&mut self, peer: Peer, bytes: f64, long_lived: bool) {
        let profile = self.interface.role.profile();
        let (start, end) = self.times(long_lived);
        let data = profile.packet * self.random.between(0.85, 1.1);
        for egress in [false, true] {
            let share = if egress { profile.egress } else { 1.0 - profile.egress };
            let packet = if share >= 0.5 { data } else { (data * share / (1.0 - share)).clamp(52.0, data) };
            // The opener's side shows SYN, the other SYN-ACK; long-lived connections show neither.
            let opener = egress != profile.server;
            let tcp_flags = match (profile.protocol, long_lived, opener) {
                (6, false, true) => 3,
                (6, false, false) => 19,
                _ => 0,
            };
            let mut flow = self.flow(peer, profile.protocol, egress, bytes * share, packet);
            (flow.start, flow.end, flow.tcp_flags) = (start, end, tcp_flags);
            self.flows.push(flow);
        }
    }

    /// Rejected scans, and now and then a ping.
    fn background(&mut self) {
        let minutes = (self.end - self.start) as f64 / 60.0;
        for _ in 0..self.random.poisson(self.interface.role.profile().rejects * minutes) {
            let address = SCANNERS.host(&mut self.random);
            let own_port = self.random.pick(&SCANNED).copied().unwrap_or(22);
            let peer_port = self.random.integer(1024, 65_535) as u16;
            let packets = self.random.integer(1, 3) as f64;
            let peer = Peer { address, own_port, peer_port, weight: 0.0 };
            let mut flow = self.flow(peer, 6, false, packets * BARE_PACKET, BARE_PACKET);
            (flow.accepted, flow.tcp_flags) = (false, 2);
            self.flows.push(flow);
        }
        if self.random.chance(0.02 * minutes)
            && let Some(peer) = self.random.pick(&self.interface.peers).copied()
        {
            let peer = Peer { own_port: 0, peer_port: 0, ..peer };
            let protocol = if peer.address.is_v6() { 58 } else { 1 };
            let packets = self.random.integer(1, 5) as f64;
            for egress in [false, true] {
                let flow = self.flow(peer, protocol, egress, packets * 84.0, 84.0);
                self.flows.push(flow);
            }
        }
    }

    /// The additional traffic of a spike; `ratio` is its volume relative to the expected.
    fn surge(&mut self, surge: Surge, bytes: f64, ratio: f64) {
        let records = (self.records * ratio.clamp(1.0, 8.0)).clamp(8.0, MOST_SURGE_RECORDS);
        match surge {
            Surge::Flood { sources, port, protocol, packet } => {
                let count = records as usize;
                for weight in self.weights(count) {
                    let address = sources.host(&mut self.random);
                    let peer_port = self.random.integer(1024, 65_535) as u16;
                    let peer = Peer { address, own_port: port, peer_port, weight };
                    let mut flow = self.flow(peer, protocol, false, bytes * weight, packet);
                    flow.tcp_flags = if protocol == 6 { 2 } else { 0 };
                    self.flows.push(flow);
                }
            }
            Surge::Talker { address, own_port, peer_port, protocol, egress } => {
                let peer = Peer { address, own_port, peer_port, weight: 1.0 };
                let (start, end) = self.times(true);
                for (egress, share, packet) in [(egress, 0.97, 1400.0), (!egress, 0.03, 52.0)] {
                    let mut flow = self.flow(peer, protocol, egress, bytes * share, packet);
                    (flow.start, flow.end) = (start, end);
                    self.flows.push(flow);
                }
            }
            Surge::Crowd { salt } => {
                let first = self.random.below(CROWD);
                let count = ((records / 2.0) as u64).min(CROWD);
                for (index, weight) in self.weights(count as usize).into_iter().enumerate() {
                    let member = (first + index as u64) % CROWD;
                    let member = &mut Random::substream(self.seed, Purpose::Identity, salt, member);
                    let peer = self.interface.passing(member);
                    self.conversation(peer, bytes * weight, false);
                }
            }
        }
    }

    /// Log-normal shares that add up to one.
    fn weights(&mut self, count: usize) -> Vec<f64> {
        let weights: Vec<f64> = (0..count).map(|_| self.random.log_normal(0.4)).collect();
        let sum: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / sum).collect()
    }

    /// First and last second of a flow: nearly the whole interval for a long-lived connection, else a part of it.
    fn times(&mut self, long_lived: bool) -> (i64, i64) {
        let last = self.end - 1;
        if long_lived {
            return (self.start + self.random.integer(0, 3), last - self.random.integer(0, 3));
        }
        let start = self.random.integer(self.start, last);
        (start, self.random.integer(start, last))
    }

    fn flow(&mut self, peer: Peer, protocol: u8, egress: bool, bytes: f64, packet: f64) -> Flow {
        let (start, end) = self.times(false);
        let own = (self.interface.own_address(peer.address), peer.own_port);
        let other: (Address, u16) = (peer.address, peer.peer_port);
        let (source, destination) = if egress { (own, other) } else { (other, own) };
        let bytes = libm::round(bytes).max(BARE_PACKET);
        Flow {
            source: source.0,
            destination: destination.0,
            source_port: source.1,
            destination_port: destination.1,
            protocol,
            packets: libm::ceil(bytes / packet.max(BARE_PACKET)).max(1.0) as u64,
            bytes: bytes as u64,
            start,
            end,
            accepted: true,
            tcp_flags: 0,
            egress,
        }
    }
}
