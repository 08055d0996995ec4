//! A network interface: its identity, its peers and its habits.

use super::address::{Address, Block, CLIENTS, SERVICES};
use super::random::{Purpose, Random};
use super::rhythm::Rhythm;
use super::role::Role;
use super::scenario::Scenario;
use std::sync::Arc;

/// Addresses of other hosts in the same network.
const INTERNAL: Block = Block { network: u32::from_be_bytes([10, 100, 0, 0]), prefix: 16 };

/// Ephemeral ports of Linux: `net.ipv4.ip_local_port_range`.
const EPHEMERAL: (i64, i64) = (32_768, 60_999);

/// An elastic network interface of the imitated network.
#[derive(Clone, Debug)]
pub struct Interface {
    pub(super) number: u32,
    pub(super) id: String,
    pub(super) stream: Arc<str>,
    pub(super) role: Role,
    pub(super) address: Address,
    pub(super) address_v6: Address,
    pub(super) subnet: String,
    /// `-` for a NAT gateway, which is not an instance.
    pub(super) instance: String,
    pub(super) zone: String,
    pub(super) peers: Vec<Peer>,
    pub(super) rhythm: Rhythm,
    /// Seconds by which its aggregation intervals lag behind the full minute.
    pub(super) lag: i64,
}

/// A stable peer, with the ports of the long-lived connection to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) address: Address,
    pub(super) own_port: u16,
    pub(super) peer_port: u16,
    /// Share of the interface's bytes.
    pub(super) weight: f64,
}

impl Interface {
    pub(super) fn new(scenario: &Scenario, number: u32) -> Self {
        let random = &mut Random::substream(scenario.seed, Purpose::Interface, u64::from(number), 0);
        let role = Role::of(number);
        let id = format!("eni-{:017x}", random.next() >> 2 | 1 << 59);
        let (zone, place, block) = (number % 3, number / 3 % 200, number / 600);
        let instance = match role {
            Role::Nat => "-".to_owned(),
            _ => format!("i-{:017x}", random.next() >> 2 | 1 << 59),
        };
        let lag = if scenario.unaligned { random.integer(0, 59) } else { 0 };
        Self {
            number,
            stream: format!("{id}-all").into(),
            id,
            role,
            address: Address::V4(u32::from_be_bytes([10, (20 + block) as u8, zone as u8, (10 + place) as u8])),
            address_v6: Address::interface_v6(number),
            subnet: format!("subnet-{:017x}", 0x0fee_0000_0000_0000u64 + u64::from(block * 3 + zone)),
            instance,
            zone: format!("euc1-az{}", zone + 1),
            peers: peers(role, random),
            rhythm: Rhythm::new(scenario, role, random),
            lag,
        }
    }

    /// The interface id, `eni-…`: the name of its series.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the interface is for.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The interface's own address that a peer talks to.
    pub(super) fn own_address(&self, peer: Address) -> Address {
        if peer.is_v6() { self.address_v6 } else { self.address }
    }

    /// A connection that comes and goes: a client of a server, or a service that a client calls once.
    pub(super) fn passing(&self, random: &mut Random) -> Peer {
        let profile = self.role.profile();
        let address = match self.role {
            Role::Web | Role::Resolver if random.chance(profile.ipv6) => Address::client_v6(random),
            Role::Web | Role::Resolver => CLIENTS.host(random),
            Role::Database => INTERNAL.host(random),
            Role::Nat | Role::Batch | Role::Idle => SERVICES.host(random),
        };
        self.connection(address, random)
    }

    /// A connection with an address, with the service port on the side where the role has it.
    pub(super) fn connection(&self, address: Address, random: &mut Random) -> Peer {
        connection(self.role, address, random)
    }
}

/// A port that a client's system picks.
pub(super) fn ephemeral(random: &mut Random) -> u16 {
    random.integer(EPHEMERAL.0, EPHEMERAL.1) as u16
}

fn connection(role: Role, address: Address, random: &mut Random) -> Peer {
    let profile = role.profile();
    let ephemeral = ephemeral(random);
    let (own_port, peer_port) = if profile.server { (profile.port, ephemeral) } else { (ephemeral, profile.port) };
    Peer { address, own_port, peer_port, weight: 0.0 }
}

/// The stable peers, heaviest first: the first has about four tenths of the bytes, so that its absence explains a
/// drop; the rest follow Zipf's law.
fn peers(role: Role, random: &mut Random) -> Vec<Peer> {
    let profile = role.profile();
    let stable = 1.0 - profile.clients;
    let first = (random.between(0.36, 0.44)).min(stable);
    let harmonic: f64 = (2..=profile.peers).map(|rank| 1.0 / rank as f64).sum();
    (1..=profile.peers)
        .map(|rank| {
            let block = if profile.server { INTERNAL } else { SERVICES };
            let weight = if rank == 1 { first } else { (stable - first) / (rank as f64 * harmonic) };
            let address = block.host(random);
            Peer { weight, ..connection(role, address, random) }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_does_not_depend_on_the_number_of_others() {
        let few = Scenario { interfaces: 3, ..Scenario::day(5) };
        let many = Scenario { interfaces: 30, ..Scenario::day(5) };
        let text = |scenario: &Scenario| format!("{:?}", Interface::new(scenario, 2));
        assert_eq!(text(&few), text(&many));
    }

    #[test]
    fn weights_add_up_to_what_passing_clients_leave() {
        let scenario = Scenario::day(5);
        for number in 0..12 {
            let interface = Interface::new(&scenario, number);
            let sum: f64 = interface.peers.iter().map(|peer| peer.weight).sum();
            assert!((sum + interface.role.profile().clients - 1.0).abs() < 1e-9);
            let first = interface.peers[0].weight;
            let stands_out = interface.peers.iter().skip(1).all(|peer| peer.weight < 0.7 * first);
            assert!(stands_out || !interface.role.takes_events());
        }
    }

    #[test]
    fn identifiers_have_the_form_aws_gives_them() {
        let interface = Interface::new(&Scenario::day(5), 0);
        assert_eq!(interface.id.len(), "eni-".len() + 17);
        assert_eq!(&*interface.stream, format!("{}-all", interface.id));
    }
}
