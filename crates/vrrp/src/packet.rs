//! Advertisements as bytes.
//!
//! VRRPv2, RFC 3768 §5.1:
//! ```text
//!  2|1 | VRID | priority | count
//!  auth type | advertisement interval (s) | checksum
//!  address … (count times)
//!  authentication data (8)
//! ```
//! The eight bytes of authentication data are always there, zero without authentication, and the
//! checksum covers them. VRRPv3, RFC 5798 §5.2, has `reserved (4 bits) | interval (12 bits, 1/100 s)`
//! in place of the second word's first half, no authentication data, and a checksum that covers a
//! pseudo-header too. Over IPv6 (RFC 5798 only, but keepalived can be talked into version 2 there)
//! the checksum is that of every IPv6 payload, a trailer of [`crate::hmac`] included; over IPv4 it
//! ends before the trailer.

use crate::hmac::Stamp;
use crate::{Authentication, Centiseconds, PROTOCOL};
use std::net::{IpAddr, Ipv4Addr};
use wire::Sum;

/// Bytes before the addresses.
pub const HEADER_LENGTH: usize = 8;

/// Bytes of authentication data after the addresses in VRRPv2 over IPv4.
pub const AUTHENTICATION_LENGTH: usize = 8;

/// The packet type of an advertisement, the only one there is.
pub const TYPE_ADVERTISEMENT: u8 = 1;

/// The version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// RFC 3768.
    V2,
    /// RFC 5798 and 9568.
    V3,
}

impl Version {
    /// The number in the packet.
    pub fn number(self) -> u8 {
        match self {
            Version::V2 => 2,
            Version::V3 => 3,
        }
    }
}

/// What a virtual router's packets and addresses belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// The length of an address in bytes.
    pub fn address_length(self) -> usize {
        match self {
            Family::V4 => 4,
            Family::V6 => 16,
        }
    }

    /// The length of a packet with so many addresses, without a trailer, in bytes.
    pub fn packet_length(self, version: Version, addresses: usize) -> usize {
        let authentication = match (version, self) {
            (Version::V2, Family::V4) => AUTHENTICATION_LENGTH,
            (Version::V2, Family::V6) | (Version::V3, _) => 0,
        };
        HEADER_LENGTH + addresses * self.address_length() + authentication
    }
}

/// What the checksum of VRRPv3 over IPv4 covers besides the packet. Everything else has one form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// The pseudo-header of RFC 5798 §5.2.8.
    #[default]
    PseudoHeader,
    /// Nothing, as RFC 9568 §5.2.8 has it for IPv4: `v3_checksum_as_v2`.
    AsVersion2,
    /// A pseudo-header with this multicast group as the destination of unicast packets, as
    /// keepalived did until 1.3.6: `old_unicast_checksum`.
    OldUnicast(Ipv4Addr),
}

/// An advertisement to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement<'a> {
    /// The version.
    pub version: Version,
    /// The virtual router, 1 to 255.
    pub vrid: u8,
    /// 1 to 255, or 0 from a master that steps down.
    pub priority: u8,
    /// The sender's interval.
    pub interval: Centiseconds,
    /// Of one family, that of the packet; at most 255. Peers compare them with their own.
    pub addresses: &'a [IpAddr],
    /// Nothing in VRRPv3 and over IPv6.
    pub authentication: Authentication,
    /// The form of the checksum.
    pub checksum: Checksum,
}

impl Advertisement<'_> {
    /// Appends the packet to `out`, with the trailer of `stamp` if there is one. Source and
    /// destination are of one family; the checksum of VRRPv3 covers both, a trailer the source.
    /// Addresses after the 255th are left out: the count is one byte.
    pub fn write(&self, source: IpAddr, destination: IpAddr, stamp: Option<&Stamp<'_>>, out: &mut Vec<u8>) {
        let family = Family::of(source);
        let addresses = &self.addresses[..self.addresses.len().min(255)];
        let start = out.len();
        out.extend([
            self.version.number() << 4 | TYPE_ADVERTISEMENT,
            self.vrid,
            self.priority,
            addresses.len() as u8,
        ]);
        match self.version {
            Version::V2 => out.extend([self.authentication.number(), self.interval.seconds()]),
            Version::V3 => out.extend((self.interval.0.min(0x0fff)).to_be_bytes()),
        }
        out.extend([0, 0]);
        for address in addresses {
            match address {
                IpAddr::V4(v4) => out.extend(v4.octets()),
                IpAddr::V6(v6) => out.extend(v6.octets()),
            }
        }
        if (self.version, family) == (Version::V2, Family::V4) {
            out.extend(self.authentication.data());
        }
        let end = out.len();
        if let Some(stamp) = stamp {
            stamp.append(self.version, self.vrid, source, start, out);
        }
        let covered = match family {
            Family::V4 => &out[start..end],
            Family::V6 => &out[start..],
        };
        let sum = sum(self.version, self.checksum, source, destination, covered);
        out[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The checksum of what it covers of a packet. Zero for a packet whose checksum is right.
pub(crate) fn sum(
    version: Version,
    form: Checksum,
    source: IpAddr,
    destination: IpAddr,
    packet: &[u8],
) -> u16 {
    let length = packet.len() as u16;
    let start = match (source, destination) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            // RFC 8200 §8.1; the length takes 32 bits and the next header the last byte of 32.
            Sum::default()
                .with(&source.octets())
                .with(&destination.octets())
                .with(&[0, 0])
                .with(&length.to_be_bytes())
                .with(&[0, 0, 0, PROTOCOL])
        }
        (IpAddr::V4(source), IpAddr::V4(destination)) if version == Version::V3 => {
            let pseudo = |destination: Ipv4Addr| {
                Sum::default()
                    .with(&source.octets())
                    .with(&destination.octets())
                    .with(&[0, PROTOCOL])
                    .with(&length.to_be_bytes())
            };
            match form {
                Checksum::PseudoHeader => pseudo(destination),
                Checksum::OldUnicast(group) => pseudo(group),
                Checksum::AsVersion2 => Sum::default(),
            }
        }
        _ => Sum::default(),
    };
    start.with(packet).finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv6Addr;

    const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 78, 0, 1));
    const GROUP: IpAddr = IpAddr::V4(Ipv4Addr::new(224, 0, 0, 18));
    const VIP: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::new(10, 78, 0, 100))];

    fn bytes(advertisement: Advertisement<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        advertisement.write(SOURCE, GROUP, None, &mut out);
        out
    }

    fn advertisement(version: Version) -> Advertisement<'static> {
        Advertisement {
            version,
            vrid: 61,
            priority: 150,
            interval: Centiseconds(100),
            addresses: &VIP,
            authentication: Authentication::Pass(*b"1111\0\0\0\0"),
            checksum: Checksum::default(),
        }
    }

    // The bytes keepalived 2.2.7 sent in the same configurations.
    #[test]
    fn version_2_with_a_password_as_keepalived() {
        let expected = [
            0x21, 0x3d, 0x96, 0x01, 0x01, 0x01, 0xda, 0xab, 10, 78, 0, 100, // head and address
            0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0, // "1111"
        ];
        assert_eq!(bytes(advertisement(Version::V2)), expected);
    }

    #[test]
    fn version_2_without_authentication_still_has_its_eight_bytes() {
        let packet =
            bytes(Advertisement { authentication: Authentication::None, ..advertisement(Version::V2) });
        assert_eq!(packet.len(), 20);
        assert_eq!(packet[12..], [0; 8]);
        assert_eq!(wire::checksum(&packet), 0);
    }

    #[test]
    fn version_3_in_hundredths_with_the_pseudo_header_as_keepalived() {
        let packet = bytes(Advertisement { interval: Centiseconds(50), ..advertisement(Version::V3) });
        assert_eq!(packet, [0x31, 0x3d, 0x96, 0x01, 0x00, 0x32, 0x42, 0xff, 10, 78, 0, 100]);
    }

    #[test]
    fn version_3_has_other_checksums_on_demand() {
        let plain = bytes(Advertisement { checksum: Checksum::AsVersion2, ..advertisement(Version::V3) });
        assert_eq!(wire::checksum(&plain), 0);
        let peer = IpAddr::from([10, 78, 0, 2]);
        let mut old = Vec::new();
        let IpAddr::V4(group) = GROUP else { unreachable!() };
        let form = Checksum::OldUnicast(group);
        Advertisement { checksum: form, ..advertisement(Version::V3) }.write(SOURCE, peer, None, &mut old);
        assert_eq!(old, bytes(advertisement(Version::V3)));
    }

    #[test]
    fn version_3_over_ipv6_is_summed_as_every_payload() {
        let source = IpAddr::from(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1));
        let group = IpAddr::from(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12));
        let vips = [source, IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x64))];
        let mut out = Vec::new();
        Advertisement { addresses: &vips, ..advertisement(Version::V3) }.write(source, group, None, &mut out);
        assert_eq!(out.len(), Family::V6.packet_length(Version::V3, 2));
        assert_eq!(sum(Version::V3, Checksum::default(), source, group, &out), 0);
    }

    #[test]
    fn no_more_than_255_addresses_are_counted() {
        let many: Vec<IpAddr> = (0..300u32).map(|n| Ipv4Addr::from(n).into()).collect();
        let packet = bytes(Advertisement { addresses: &many, ..advertisement(Version::V2) });
        assert_eq!((packet[3], packet.len()), (255, Family::V4.packet_length(Version::V2, 255)));
    }
}
