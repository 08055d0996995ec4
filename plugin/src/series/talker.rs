//! Who talks to whom: the key by which traffic inside a series is told apart.

use core::net::{IpAddr, Ipv6Addr};

use serde::{Deserialize, Serialize};

use super::hash::Hash;

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Address([u8; 16]);

impl Address {
    pub(crate) fn parse(text: &[u8]) -> Self {
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

/// A talker without the ports of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TalkerKey {
    pub(crate) destination: Address,
    pub(crate) port: u16,
    pub(crate) protocol: u8,
    pub(crate) source: Address,
}

impl TalkerKey {
    pub(crate) fn new(talker: &Talker<'_>) -> Self {
        TalkerKey {
            destination: Address::parse(talker.dstaddr),
            port: if talker.dstport < FIRST_EPHEMERAL_PORT { talker.dstport } else { 0 },
            protocol: talker.protocol,
            source: Address::parse(talker.srcaddr),
        }
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
    fn answers_to_one_client_are_one_talker() {
        let answer =
            |dstport| Talker { srcaddr: b"10.0.0.1", dstaddr: b"10.0.0.2", srcport: 443, dstport, protocol: 6 };
        assert_eq!(TalkerKey::new(&answer(40_001)), TalkerKey::new(&answer(55_555)));
        assert_ne!(TalkerKey::new(&answer(8_080)), TalkerKey::new(&answer(55_555)));
    }
}
