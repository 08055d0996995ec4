//! Who talks to whom: the key by which traffic inside a series is told apart.

use core::net::{IpAddr, Ipv6Addr};

use crate::hash::Hash;
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
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
    #[cfg(test)]
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

    /// `None` for what was no address.
    pub(crate) fn ip(self) -> Option<IpAddr> {
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

/// A talker without the ports of clients. 48 bytes, as every record of a sample has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TalkerKey {
    /// A hash of the rest, first so that comparing is quick.
    id: u64,
    destination: [u64; 2],
    source: [u64; 2],
    pub(crate) port: u16,
    pub(crate) protocol: u8,
    /// Which of the addresses are text: [`DESTINATION_TEXT`] and [`SOURCE_TEXT`].
    texts: u8,
}

/// Without the hash, which follows from the rest.
impl State for TalkerKey {
    fn save(&self, out: &mut Vec<u8>) {
        self.source().save(out);
        self.destination().save(out);
        (self.port, self.protocol).save(out);
    }
    fn load(reader: &mut Reader<'_>) -> Self {
        let (source, destination) = (State::load(reader), State::load(reader));
        let (port, protocol) = State::load(reader);
        TalkerKey::of(source, destination, port, protocol)
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

const DESTINATION_TEXT: u8 = 1;
const SOURCE_TEXT: u8 = 2;

impl TalkerKey {
    pub(crate) fn new(talker: &Talker<'_>, short: &ShortAddresses) -> Self {
        let port = if talker.dstport < FIRST_EPHEMERAL_PORT { talker.dstport } else { 0 };
        let source = short.source.unwrap_or_else(|| Address::long(talker.srcaddr));
        let destination = short.destination.unwrap_or_else(|| Address::long(talker.dstaddr));
        TalkerKey::of(source, destination, port, talker.protocol)
    }

    #[inline]
    fn of(source: Address, destination: Address, port: u16, protocol: u8) -> Self {
        let mut hash = Hash::new(0x7461_6C6B_6572_6964);
        for address in [source, destination] {
            hash.word(address.low);
            hash.word(address.high);
        }
        hash.word(u64::from(port) << 8 | u64::from(protocol));
        TalkerKey {
            id: hash.finish(),
            destination: [destination.low, destination.high],
            source: [source.low, source.high],
            port,
            protocol,
            texts: DESTINATION_TEXT * u8::from(destination.is_text) + SOURCE_TEXT * u8::from(source.is_text),
        }
    }

    /// One of many talkers, by its port.
    #[cfg(test)]
    pub(crate) fn to_port(port: u16) -> Self {
        let talker = Talker { srcaddr: b"10.0.0.1", dstaddr: b"10.0.0.2", srcport: 0, dstport: port, protocol: 6 };
        TalkerKey::new(&talker, &ShortAddresses::of(&talker))
    }

    /// A number that is the same for the same talker, and seldom for another.
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn source(&self) -> Address {
        let [low, high] = self.source;
        Address { low, high, is_text: self.texts & SOURCE_TEXT != 0 }
    }

    pub(crate) fn destination(&self) -> Address {
        let [low, high] = self.destination;
        Address { low, high, is_text: self.texts & DESTINATION_TEXT != 0 }
    }

    /// What talkers that are alike have in common.
    pub(crate) fn common(&self, alike: Alike) -> Self {
        let (source, destination) = match alike {
            Alike::Source => (self.source(), Address::default()),
            Alike::Destination => (Address::default(), self.destination()),
            Alike::Service => Default::default(),
        };
        TalkerKey::of(source, destination, self.port, self.protocol)
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
                prop_assert_eq!(Address::new(ip.to_string().as_bytes()).ip(), Some(ip.to_canonical()));
            }
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
        let key = |dstport| TalkerKey::new(&answer(dstport), &ShortAddresses::of(&answer(dstport)));
        assert_eq!(key(40_001), key(55_555));
        assert_ne!(key(8_080), key(55_555));
    }
}
