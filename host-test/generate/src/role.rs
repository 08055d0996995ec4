//! What an interface is for, and the habits that come with it.

use core::fmt;

/// The role of a network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A public HTTPS server behind load balancers.
    Web,
    /// A PostgreSQL server for a handful of application servers.
    Database,
    /// A NAT gateway: downloads for private subnets.
    Nat,
    /// A resolver: small UDP exchanges.
    Resolver,
    /// A host that sends little, steadily, and may run a job each night.
    Batch,
    /// A host with little more than heartbeats; many minutes are empty.
    Idle,
}

/// The numbers behind a role. Rates are medians for an interface; each interface scales them by its own factor.
#[derive(Debug)]
pub(super) struct Profile {
    pub(super) name: &'static str,
    /// Bytes a minute at the middle of the daily rhythm, both directions together.
    pub(super) bytes: f64,
    /// Half the logarithm of the ratio between the busiest and the quietest hour.
    pub(super) daily: f64,
    /// Level at the weekend relative to a working day.
    pub(super) weekend: f64,
    /// Standard deviation of the logarithm of a minute's volume around its expectation.
    pub(super) noise: f64,
    /// Share of the bytes that the interface sends.
    pub(super) egress: f64,
    /// Whether the service port is on the interface's side (a server) or on the peer's (a client).
    pub(super) server: bool,
    pub(super) port: u16,
    pub(super) protocol: u8,
    /// Number of stable peers.
    pub(super) peers: usize,
    /// Share of the bytes that goes to passing clients, 0 where there are none.
    pub(super) clients: f64,
    /// Records a minute, relative to the scenario's average.
    pub(super) records: f64,
    /// Rejected packets of scanners, records a minute.
    pub(super) rejects: f64,
    /// Share of the clients that come over IPv6.
    pub(super) ipv6: f64,
    /// Probability that a minute has any traffic.
    pub(super) active: f64,
    /// Bytes of a data packet.
    pub(super) packet: f64,
}

const WEB: Profile = Profile {
    name: "web",
    bytes: 60e6,
    daily: 0.55,
    weekend: 0.7,
    noise: 0.16,
    egress: 0.9,
    server: true,
    port: 443,
    protocol: 6,
    peers: 6,
    clients: 0.3,
    records: 1.3,
    rejects: 0.5,
    ipv6: 0.2,
    active: 1.0,
    packet: 1250.0,
};
const DATABASE: Profile = Profile {
    name: "database",
    bytes: 120e6,
    daily: 0.4,
    weekend: 0.75,
    noise: 0.18,
    egress: 0.8,
    port: 5432,
    peers: 8,
    clients: 0.1,
    records: 1.1,
    rejects: 0.0,
    ipv6: 0.0,
    packet: 900.0,
    ..WEB
};
const NAT: Profile = Profile {
    name: "nat",
    bytes: 200e6,
    daily: 0.45,
    weekend: 0.75,
    noise: 0.2,
    egress: 0.12,
    server: false,
    port: 443,
    peers: 7,
    clients: 0.35,
    records: 1.4,
    rejects: 0.8,
    ipv6: 0.0,
    packet: 1350.0,
    ..WEB
};
const RESOLVER: Profile = Profile {
    name: "resolver",
    bytes: 1.5e6,
    daily: 0.35,
    weekend: 0.8,
    noise: 0.12,
    egress: 0.65,
    port: 53,
    protocol: 17,
    peers: 9,
    clients: 0.25,
    records: 1.2,
    rejects: 0.1,
    ipv6: 0.1,
    packet: 120.0,
    ..WEB
};
const BATCH: Profile = Profile {
    name: "batch",
    bytes: 4e6,
    daily: 0.1,
    weekend: 1.0,
    noise: 0.22,
    egress: 0.97,
    server: false,
    port: 443,
    peers: 3,
    clients: 0.0,
    records: 0.5,
    rejects: 0.0,
    ipv6: 0.0,
    packet: 1400.0,
    ..WEB
};
const IDLE: Profile = Profile {
    name: "idle",
    bytes: 20e3,
    daily: 0.0,
    weekend: 1.0,
    noise: 0.35,
    egress: 0.5,
    server: false,
    port: 443,
    peers: 2,
    clients: 0.0,
    records: 0.2,
    rejects: 0.05,
    ipv6: 0.0,
    active: 0.7,
    packet: 300.0,
    ..WEB
};

/// The roles in the order in which interfaces take them, again and again.
const ORDER: [Role; 12] = [
    Role::Web,
    Role::Database,
    Role::Nat,
    Role::Batch,
    Role::Web,
    Role::Resolver,
    Role::Web,
    Role::Database,
    Role::Idle,
    Role::Web,
    Role::Resolver,
    Role::Idle,
];

impl Role {
    /// The role of the interface with a number.
    pub(super) fn of(number: u32) -> Self {
        ORDER[number as usize % ORDER.len()]
    }

    pub(super) fn profile(self) -> &'static Profile {
        match self {
            Self::Web => &WEB,
            Self::Database => &DATABASE,
            Self::Nat => &NAT,
            Self::Resolver => &RESOLVER,
            Self::Batch => &BATCH,
            Self::Idle => &IDLE,
        }
    }

    /// Whether a multiple of its traffic is objectively visible: busy and steady enough that an event of the smallest
    /// magnitude stands far out of the noise.
    pub(super) fn takes_events(self) -> bool {
        !matches!(self, Self::Batch | Self::Idle)
    }

    /// Whether a nightly job runs on such a host.
    pub(super) fn runs_jobs(self) -> bool {
        self == Self::Batch
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.profile().name)
    }
}
