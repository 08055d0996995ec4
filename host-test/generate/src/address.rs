//! IP addresses and the reserved ranges that the imitated hosts live in.

use super::random::Random;
use core::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address {
    V4(u32),
    V6(u128),
}

/// A block of IPv4 addresses in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) network: u32,
    pub(super) prefix: u32,
}

/// Passing clients of public services: half of the benchmarking range of RFC 2544.
pub(super) const CLIENTS: Block = Block { network: u32::from_be_bytes([198, 18, 0, 0]), prefix: 16 };
/// Forged sources of floods: the other half, so that a flood's sources are never those of ordinary clients.
pub(super) const SPOOFED: Block = Block { network: u32::from_be_bytes([198, 19, 0, 0]), prefix: 16 };
/// Hosts that scan ports (TEST-NET-2, RFC 5737).
pub(super) const SCANNERS: Block = Block { network: u32::from_be_bytes([198, 51, 100, 0]), prefix: 24 };
/// Single heavy talkers (TEST-NET-3, RFC 5737).
pub(super) const TALKERS: Block = Block { network: u32::from_be_bytes([203, 0, 113, 0]), prefix: 24 };
/// External services that hosts call (TEST-NET-1, RFC 5737).
pub(super) const SERVICES: Block = Block { network: u32::from_be_bytes([192, 0, 2, 0]), prefix: 24 };
/// The documentation prefix 2001:db8::/32 of RFC 3849.
const DOCUMENTATION_V6: u128 = 0x2001_0db8 << 96;

impl Block {
    /// An address of the block other than its first and last.
    pub(super) fn host(self, random: &mut Random) -> Address {
        let size = 1u64 << (32 - self.prefix);
        Address::V4(self.network + 1 + random.below(size.saturating_sub(2)) as u32)
    }

    /// A smaller block inside this one.
    pub(super) fn subnet(self, prefix: u32, random: &mut Random) -> Block {
        let count = 1u64 << prefix.saturating_sub(self.prefix);
        Block { network: self.network + ((random.below(count) as u32) << (32 - prefix)), prefix }
    }

    pub(super) fn text(self) -> String {
        format!("{}/{}", Ipv4Addr::from(self.network), self.prefix)
    }
}

impl Address {
    /// An IPv6 client: subnet and host part at random in the documentation prefix.
    pub(super) fn client_v6(random: &mut Random) -> Self {
        let subnet = u128::from(random.below(1 << 16)) << 80;
        Self::V6(DOCUMENTATION_V6 | subnet | u128::from(random.next()))
    }

    /// The IPv6 address of the interface with a number.
    pub(super) fn interface_v6(number: u32) -> Self {
        Self::V6(DOCUMENTATION_V6 | (0x00ff << 80) | u128::from(number + 0x10))
    }

    pub(super) fn is_v6(self) -> bool {
        matches!(self, Self::V6(_))
    }

    /// Appends the address as text. IPv4 is written by hand: it stands twice in nearly every line.
    pub(super) fn write(self, out: &mut String) {
        match self {
            Self::V4(bits) => {
                for (index, octet) in bits.to_be_bytes().into_iter().enumerate() {
                    if index > 0 {
                        out.push('.');
                    }
                    super::line::push_number(out, u64::from(octet));
                }
            }
            Self::V6(bits) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{}", Ipv6Addr::from(bits));
            }
        }
    }

    pub(super) fn text(self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        for bits in [0, 1, 0x0a00_0001, 0xc633_6414, u32::MAX] {
            assert_eq!(Address::V4(bits).text(), Ipv4Addr::from(bits).to_string());
        }
        assert_eq!(Address::interface_v6(0).text(), "2001:db8:ff::10");
    }

    #[test]
    fn hosts_and_subnets_stay_inside_their_block() {
        let mut random = Random::substream(1, Purpose::Interface, 0, 0);
        for _ in 0..1000 {
            let subnet = SPOOFED.subnet(20, &mut random);
            assert_eq!(subnet.network & 0xffff_0000, SPOOFED.network);
            let Address::V4(host) = subnet.host(&mut random) else { panic!("an IPv4 block has IPv4 hosts") };
            assert_eq!(host >> 12, subnet.network >> 12);
        }
        assert_eq!(TALKERS.text(), "203.0.113.0/24");
    }
}
