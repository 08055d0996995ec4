//! Who talks to whom: the key by which traffic inside a series is told apart.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::hash::Hash;
use crate::snapshot::state;

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

/// An address in 16 bytes, IPv4 mapped into IPv6 (RFC 4291, section 2.5.5.2); all zero if the text is no address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address([u8; 16]);

state!(Address { 0 });

impl Address {
    pub(crate) fn parse(text: &[u8]) -> Self {
        if let Some(octets) = parse_dotted(text) {
            return Address(Ipv4Addr::from_octets(octets).to_ipv6_mapped().octets());
        }
        match core::str::from_utf8(text).ok().and_then(|text| text.parse::<IpAddr>().ok()) {
            Some(IpAddr::V4(address)) => Address(address.to_ipv6_mapped().octets()),
            Some(IpAddr::V6(address)) => Address(address.octets()),
            None => Address::default(),
        }
    }

    /// `None` for what was no address.
    pub(crate) fn ip(self) -> Option<IpAddr> {
        (self != Address::default()).then(|| Ipv6Addr::from(self.0).to_canonical())
    }
}

/// The most frequent case of the library's parser, which takes three times as long: this runs for each sampled record.
fn parse_dotted(text: &[u8]) -> Option<[u8; 4]> {
    let mut octets = [0; 4];
    let mut parts = text.split(|byte| *byte == b'.');
    for octet in &mut octets {
        *octet = match *parts.next()? {
            [a @ b'0'..=b'9'] => a - b'0',
            [a @ b'1'..=b'9', b @ b'0'..=b'9'] => (a - b'0') * 10 + (b - b'0'),
            [b'1', b @ b'0'..=b'9', c @ b'0'..=b'9'] => 100 + (b - b'0') * 10 + (c - b'0'),
            [b'2', b @ b'0'..=b'4', c @ b'0'..=b'9'] => 200 + (b - b'0') * 10 + (c - b'0'),
            [b'2', b'5', c @ b'0'..=b'5'] => 250 + (c - b'0'),
            _ => return None,
        };
    }
    parts.next().is_none().then_some(octets)
}

/// A talker without the ports of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TalkerKey {
    /// A hash of the rest, first so that comparing is quick.
    id: u64,
    pub(crate) destination: Address,
    pub(crate) port: u16,
    pub(crate) protocol: u8,
    pub(crate) source: Address,
}

state!(TalkerKey { id, destination, port, protocol, source });

impl TalkerKey {
    pub(crate) fn new(talker: &Talker<'_>) -> Self {
        let port = if talker.dstport < FIRST_EPHEMERAL_PORT { talker.dstport } else { 0 };
        TalkerKey::of(Address::parse(talker.srcaddr), Address::parse(talker.dstaddr), port, talker.protocol)
    }

    fn of(source: Address, destination: Address, port: u16, protocol: u8) -> Self {
        let mut hash = Hash::new(0x7461_6C6B_6572_6964);
        for Address(octets) in [source, destination] {
            let number = u128::from_le_bytes(octets);
            hash.word(number as u64);
            hash.word((number >> 64) as u64);
        }
        hash.word(u64::from(port) << 8 | u64::from(protocol));
        TalkerKey { id: hash.finish(), destination, port, protocol, source }
    }

    /// What talkers of one source, or of one destination, have in common.
    pub(crate) fn common(&self, by_source: bool) -> Self {
        let (source, destination) =
            if by_source { (self.source, Address::default()) } else { (Address::default(), self.destination) };
        TalkerKey::of(source, destination, self.port, self.protocol)
    }
}

/// A number that depends on nothing but what the record says, and so is the same in whatever order records arrive.
#[inline]
pub(crate) fn record_hash(talker: &Talker<'_>, start: i64, end: i64, bytes: u64, packets: u64) -> u64 {
    let mut hash = Hash::new(0x7461_6C6B_6572_7321);
    hash.bytes(talker.srcaddr);
    hash.bytes(talker.dstaddr);
    hash.word(u64::from(talker.srcport) << 24 | u64::from(talker.dstport) << 8 | u64::from(talker.protocol));
    hash.word((start as u64) << 32 ^ end as u64);
    hash.word(bytes ^ packets.rotate_left(40));
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_canonical_and_other_text_is_none() {
        let ip = |text: &str| Address::parse(text.as_bytes()).ip().map(|ip| ip.to_string());
        assert_eq!(ip("172.31.16.139").as_deref(), Some("172.31.16.139"));
        assert_eq!(ip("2001:db8:0:0:0:0:0:1").as_deref(), Some("2001:db8::1"));
        assert_eq!(ip("-"), None);
        assert_eq!(ip("10.0.0.256"), None);
    }

    #[test]
    fn dotted_addresses_are_read_as_the_library_reads_them() {
        for text in [
            "0.0.0.0",
            "255.255.255.255",
            "256.1.1.1",
            "1.2.3",
            "1.2.3.4.5",
            "01.2.3.4",
            "1..2.3",
            "199.249.250.100",
            "1.2.3.4 ",
            "+1.2.3.4",
        ] {
            assert_eq!(parse_dotted(text.as_bytes()), text.parse::<Ipv4Addr>().ok().map(|ip| ip.octets()), "{text}");
        }
    }

    #[test]
    fn answers_to_one_client_are_one_talker() {
        let answer =
            |dstport| Talker { srcaddr: b"10.0.0.1", dstaddr: b"10.0.0.2", srcport: 443, dstport, protocol: 6 };
        assert_eq!(TalkerKey::new(&answer(40_001)), TalkerKey::new(&answer(55_555)));
        assert_ne!(TalkerKey::new(&answer(8_080)), TalkerKey::new(&answer(55_555)));
    }
}
