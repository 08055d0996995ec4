//! Who talks to whom: the key by which traffic inside a series is told apart.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::hash::{Hash, MULTIPLIER};
use crate::state::{Reader, State, Word};

/// The two ends of a flow record, as its text gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talker<'a> {
    /// Source address, IPv4 or IPv6.
    pub srcaddr: &'a [u8],
    /// Destination address.
    pub dstaddr: &'a [u8],
    /// Source port; only tells records apart, never names a talker.
    pub srcport: u16,
    /// Destination port; 0 for protocols without ports.
    pub dstport: u16,
    /// IANA protocol number.
    pub protocol: u8,
}

/// Destination ports from here on are those of clients, drawn anew for each connection: Linux's default range starts at
/// 32768, IANA's (RFC 6335, section 6) at 49152. They count as port 0, so that the answers of one server to one client
/// are one talker.
pub(crate) const FIRST_EPHEMERAL_PORT: u16 = 32_768;

/// An address: its text where that has at most 16 bytes, as that of every IPv4 address, which costs next to nothing to
/// take; else the 16 bytes of an IPv6 address. Flow logs write each address in one way only, so equal is equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(PartialOrd, Ord))]
pub(crate) struct Address {
    /// The first eight bytes, the first lowest, and the others; zeros behind a text.
    low: u64,
    high: u64,
    is_text: bool,
}

impl State for Address {
    fn save(&self, out: &mut Vec<u8>) {
        self.is_text.save(out);
        Word(self.low).save(out);
        self.high.save(out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        let (is_text, Word(low)) = (State::load(reader), State::load(reader));
        Address { low, high: State::load(reader), is_text }
    }
}

impl Address {
    fn new(text: &[u8]) -> Self {
        Address::short(text).unwrap_or_else(|| Address::long(text))
    }

    /// A text of at most 16 bytes.
    #[inline]
    fn short(text: &[u8]) -> Option<Self> {
        match (text.first_chunk::<8>(), text.last_chunk::<8>()) {
            (Some(first), Some(last)) if text.len() <= 16 => {
                // What the two have in common goes out at the lower end; twice the half, as 64 is too far for one shift.
                let half = 4 * (16 - text.len());
                let high = u64::from_le_bytes(*last) >> half >> half;
                Some(Address { low: u64::from_le_bytes(*first), high, is_text: true })
            }
            (None, _) => {
                let low = text.iter().rev().fold(0, |low, &byte| low << 8 | u64::from(byte));
                Some(Address { low, high: 0, is_text: true })
            }
            _ => None,
        }
    }

    #[cold]
    fn long(text: &[u8]) -> Self {
        match core::str::from_utf8(text).ok().and_then(|text| text.parse::<Ipv6Addr>().ok()) {
            Some(address) => {
                let number = u128::from_be_bytes(address.octets());
                Address { low: number as u64, high: (number >> 64) as u64, is_text: false }
            }
            // No address: as good as none.
            None => Address::default(),
        }
    }

    /// The number of an IPv4 address in its usual text. Each record has two, so there are few steps for a byte: the digits
    /// of an octet are found and read at once. (Counting zeros would be one step, but Fluent Bit's runtime goes through them
    /// one by one.)
    fn ipv4(self) -> Option<u32> {
        const ZEROS: u32 = u32::from_le_bytes([b'0'; 4]);
        const DOT: u32 = (b'.' ^ b'0') as u32;
        if !self.is_text {
            return None;
        }
        let (mut word, mut next, mut address) = (self.low, self.high, 0);
        for octet in 0..4 {
            let bytes = word as u32 ^ ZEROS;
            let digit = |at: u32| bytes >> (8 * at) & 0xff;
            // The highest bit of each byte that is no digit.
            let others = ((bytes & 0x7f7f_7f7f) + 0x7676_7676) | bytes;
            let (value, digits) = if others & 0x80 != 0 {
                return None;
            } else if others & 0x8000 != 0 {
                (digit(0), 1)
            } else if others & 0x80_0000 != 0 {
                (10 * digit(0) + digit(1), 2)
            } else {
                (100 * digit(0) + 10 * digit(1) + digit(2), 3)
            };
            // No zeros in front; and of four digits, the last is no end.
            if digits > 1 && digit(0) == 0 || value > 255 {
                return None;
            }
            address = address << 8 | value;
            // A zero ends the text, and nothing is behind it.
            let (end, rest) = (digit(digits), 8 * (digits + 1));
            if end != if octet < 3 { DOT } else { u32::from(b'0') } {
                return None;
            }
            word = word >> rest | next << (64 - rest);
            next >>= rest;
        }
        (word | next == 0).then_some(address)
    }

    fn of_ipv4(address: u32) -> Self {
        Address::new(Ipv4Addr::from_bits(address).to_string().as_bytes())
    }

    /// `None` for what was no address.
    #[inline(never)]
    fn ip(self) -> Option<IpAddr> {
        let number = u128::from(self.high) << 64 | u128::from(self.low);
        if !self.is_text {
            return (number != 0).then(|| Ipv6Addr::from_bits(number).to_canonical());
        }
        let bytes = number.to_le_bytes();
        let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let ip: IpAddr = core::str::from_utf8(&bytes[..length]).ok()?.parse().ok()?;
        Some(ip.to_canonical())
    }
}

/// A talker without the ports of clients. Every record of a sample has one, and every place of a habit: 12 bytes in WebAssembly.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(test, derive(PartialOrd, Ord))]
pub(crate) enum TalkerKey {
    /// Both addresses are IPv4.
    Narrow {
        /// IANA protocol number.
        protocol: u8,
        /// Of the destination; 0 for that of a client.
        port: u16,
        /// Addresses.
        source: u32,
        /// See `source`.
        destination: u32,
    },
    /// Who has the talker from a record shares its addresses.
    Wide {
        /// As above.
        protocol: u8,
        /// As above.
        port: u16,
        /// Source and destination.
        addresses: Arc<[Address; 2]>,
    },
}

/// Addresses that no talker has any more, for the next that needs some: so once windows close, records with IPv6 addresses take no
/// memory anew.
#[derive(Clone, Debug, Default)]
pub(crate) struct SpareAddresses(Vec<Arc<[Address; 2]>>);

/// Spare addresses kept: 4 MB at most.
const MOST_SPARE: usize = 1 << 16;

impl SpareAddresses {
    fn take(&mut self, addresses: [Address; 2]) -> Arc<[Address; 2]> {
        if let Some(mut spare) = self.0.pop()
            && let Some(place) = Arc::get_mut(&mut spare)
        {
            *place = addresses;
            return spare;
        }
        Arc::new(addresses)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Takes the addresses of a talker that goes, unless others share them.
    #[inline]
    pub(crate) fn put(&mut self, talker: TalkerKey) {
        if let TalkerKey::Wide { addresses, .. } = talker {
            self.keep(addresses);
        }
    }

    #[cold]
    fn keep(&mut self, mut addresses: Arc<[Address; 2]>) {
        if self.0.len() < MOST_SPARE && Arc::get_mut(&mut addresses).is_some() {
            self.0.push(addresses);
        }
    }
}

impl State for TalkerKey {
    fn save(&self, out: &mut Vec<u8>) {
        match self {
            TalkerKey::Narrow { source, destination, .. } => {
                false.save(out);
                (source.to_be_bytes(), destination.to_be_bytes()).save(out);
            }
            TalkerKey::Wide { addresses, .. } => {
                true.save(out);
                addresses.save(out);
            }
        }
        (self.port(), self.protocol()).save(out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        let is_wide = reader.is_before(10) || State::load(reader);
        let [source, destination] = match is_wide {
            true => State::load(reader),
            false => <[[u8; 4]; 2]>::load(reader).map(|octets| Address::of_ipv4(u32::from_be_bytes(octets))),
        };
        let (port, protocol) = State::load(reader);
        TalkerKey::of(source, destination, port, protocol, &mut SpareAddresses::default())
    }
}

/// What talkers can have in common besides port and protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alike {
    /// The source.
    Source,
    /// The destination.
    Destination,
    /// Nothing.
    Service,
}

impl TalkerKey {
    pub(crate) fn new(talker: &Talker<'_>, short: &ShortAddresses, spare: &mut SpareAddresses) -> Self {
        let port = if talker.dstport < FIRST_EPHEMERAL_PORT { talker.dstport } else { 0 };
        let source = short.source.unwrap_or_else(|| Address::long(talker.srcaddr));
        let destination = short.destination.unwrap_or_else(|| Address::long(talker.dstaddr));
        TalkerKey::of(source, destination, port, talker.protocol, spare)
    }

    #[inline(never)]
    fn of(source: Address, destination: Address, port: u16, protocol: u8, spare: &mut SpareAddresses) -> Self {
        match (source.ipv4(), destination.ipv4()) {
            (Some(source), Some(destination)) => TalkerKey::Narrow { protocol, port, source, destination },
            _ => TalkerKey::Wide { protocol, port, addresses: spare.take([source, destination]) },
        }
    }

    /// A small hash, by which talkers are found: the same for the same talker, and seldom for another.
    #[inline]
    pub(super) fn mark(&self) -> u32 {
        let addresses = match self {
            TalkerKey::Narrow { source, destination, .. } => u64::from(*source) << 32 | u64::from(*destination),
            TalkerKey::Wide { addresses, .. } => {
                let [source, destination] = addresses
                    .each_ref()
                    .map(|address| (address.low ^ address.high.rotate_left(32)).wrapping_mul(MULTIPLIER));
                source ^ destination.rotate_left(20)
            }
        };
        let service = u64::from(self.port()) << 8 | u64::from(self.protocol());
        ((addresses ^ service.wrapping_mul(SPREAD)).wrapping_mul(MULTIPLIER) >> 32) as u32
    }

    /// A hash that is seldom the same for another. It gives those that are alike an order that means nothing.
    #[cold]
    #[inline(never)]
    pub(super) fn id(&self) -> u64 {
        let mut hash = Hash::new(0x7461_6C6B_6572_6964);
        for address in self.addresses() {
            hash.word(address.low);
            hash.word(address.high);
        }
        hash.word(u64::from(self.port()) << 8 | u64::from(self.protocol()));
        hash.finish()
    }

    /// One of many talkers, by its port.
    #[cfg(test)]
    pub(crate) fn to_port(port: u16) -> Self {
        let talker = Talker { srcaddr: b"10.0.0.1", dstaddr: b"10.0.0.2", srcport: 0, dstport: port, protocol: 6 };
        TalkerKey::new(&talker, &ShortAddresses::of(&talker), &mut SpareAddresses::default())
    }

    /// Source and destination.
    #[inline(never)]
    fn addresses(&self) -> [Address; 2] {
        match self {
            TalkerKey::Narrow { source, destination, .. } => [*source, *destination].map(Address::of_ipv4),
            TalkerKey::Wide { addresses, .. } => **addresses,
        }
    }

    /// Source and destination, as far as they are addresses.
    pub(crate) fn ips(&self) -> [Option<IpAddr>; 2] {
        match self {
            TalkerKey::Narrow { source, destination, .. } => {
                [*source, *destination].map(|address| Some(Ipv4Addr::from_bits(address).into()))
            }
            TalkerKey::Wide { addresses, .. } => addresses.map(Address::ip),
        }
    }

    /// The port of the destination; 0 for that of a client.
    #[inline]
    pub(crate) fn port(&self) -> u16 {
        let (TalkerKey::Narrow { port, .. } | TalkerKey::Wide { port, .. }) = self;
        *port
    }

    #[inline]
    pub(crate) fn protocol(&self) -> u8 {
        let (TalkerKey::Narrow { protocol, .. } | TalkerKey::Wide { protocol, .. }) = self;
        *protocol
    }

    /// What talkers that are alike have in common.
    #[inline(never)]
    pub(crate) fn common(&self, alike: Alike) -> Self {
        let [source, destination] = self.addresses();
        let (source, destination) = match alike {
            Alike::Source => (source, Address::default()),
            Alike::Destination => (Address::default(), destination),
            Alike::Service => Default::default(),
        };
        TalkerKey::of(source, destination, self.port(), self.protocol(), &mut SpareAddresses::default())
    }
}

/// The addresses of a talker, those of at most 16 bytes of text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShortAddresses {
    source: Option<Address>,
    destination: Option<Address>,
}

impl ShortAddresses {
    #[inline]
    pub(crate) fn of(talker: &Talker<'_>) -> Self {
        ShortAddresses { source: Address::short(talker.srcaddr), destination: Address::short(talker.dstaddr) }
    }
}

/// The fractional part of √5 in 64 bits, odd.
const SPREAD: u64 = 0x3C6E_F372_FE94_F82B;

/// A number that depends on nothing but what the record says, and so is the same in whatever order records arrive.
#[inline]
pub(crate) fn record_hash(
    talker: &Talker<'_>,
    short: &ShortAddresses,
    (start, end): (i64, i64),
    bytes: u64,
    packets: u64,
) -> u64 {
    let mut hash = Hash::new(0x7461_6C6B_6572_7321);
    for (address, text) in [(short.source, talker.srcaddr), (short.destination, talker.dstaddr)] {
        match address {
            // The product spreads the low word over the bits that the text of an address leaves free in the high one.
            Some(address) => hash.word(address.low.wrapping_mul(SPREAD).wrapping_add(address.high)),
            None => hash.bytes(text),
        }
    }
    hash.word(u64::from(talker.srcport) << 24 | u64::from(talker.dstport) << 8 | u64::from(talker.protocol));
    hash.word((start as u64) << 32 ^ end as u64);
    hash.word(bytes ^ packets.rotate_left(40));
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_are_canonical_and_other_text_is_none() {
        let ip = |text: &str| Address::new(text.as_bytes()).ip().map(|ip| ip.to_string());
        assert_eq!(ip("172.31.16.139").as_deref(), Some("172.31.16.139"));
        assert_eq!(ip("2001:db8:0:0:0:0:0:1").as_deref(), Some("2001:db8::1"));
        for text in [
            "8.8.8.8",
            "10.0.0.1",
            "255.255.255.255",
            "::1",
            "2001:db8::1",
            "2001:db8:0:1::12",
            "2001:db8:1234:a100:8d6e:3477:df66:f105",
        ] {
            assert_eq!(ip(text).as_deref(), Some(text));
        }
        for text in ["", "-", "10.0.0.256", "1.2.3", "1.2.3.4 ", "an address it is not, and long", "1234567890123456"] {
            assert_eq!(ip(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_address_comes_back(v4: u32, v6: u128, groups in 0u32..8) {
            // Some with many zeros, which are short as text.
            let v6 = v6 >> (16 * groups);
            for ip in [IpAddr::from(v4.to_be_bytes()), IpAddr::from(v6.to_be_bytes())] {
                let address = Address::new(ip.to_string().as_bytes());
                prop_assert_eq!(address.ip(), Some(ip.to_canonical()));
                prop_assert_eq!(address.ipv4(), if let IpAddr::V4(ip) = ip { Some(ip.to_bits()) } else { None });
            }
        }

        #[test]
        fn what_is_kept_as_a_number_has_the_text_that_it_had(text in "[0-9]{1,4}(\\.[0-9]{1,3}){2,4}[.a]?") {
            let address = Address::new(text.as_bytes());
            let ip: Option<core::net::Ipv4Addr> = text.parse().ok();
            prop_assert_eq!(address.ipv4(), ip.map(|ip| ip.to_bits()));
            prop_assert_eq!(address.ipv4().map(Address::of_ipv4).unwrap_or(address), address);
        }

        #[test]
        fn texts_that_differ_are_different_talkers(a in "[0-9.:a-f]{1,16}", b in "[0-9.:a-f]{1,16}") {
            prop_assert_eq!(a == b, Address::new(a.as_bytes()) == Address::new(b.as_bytes()));
        }
    }

    #[test]
    fn answers_to_one_client_are_one_talker() {
        let answer =
            |dstport| Talker { srcaddr: b"10.0.0.1", dstaddr: b"10.0.0.2", srcport: 443, dstport, protocol: 6 };
        let key = |dstport| {
            let answer = answer(dstport);
            TalkerKey::new(&answer, &ShortAddresses::of(&answer), &mut SpareAddresses::default())
        };
        assert_eq!(key(40_001), key(55_555));
        assert_ne!(key(8_080), key(55_555));
    }
}
