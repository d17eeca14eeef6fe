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
//! in place of the second word's first half, no authentication data, and for IPv4 a checksum that
//! covers a pseudo-header too.

use crate::{Centiseconds, PROTOCOL};
use std::net::Ipv4Addr;
use wire::Sum;

/// Bytes before the addresses.
pub const HEADER_LENGTH: usize = 8;

/// Bytes of authentication data after the addresses in VRRPv2.
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

    /// The length of a packet with so many IPv4 addresses, in bytes.
    pub fn packet_length(self, addresses: usize) -> usize {
        let authentication = match self {
            Version::V2 => AUTHENTICATION_LENGTH,
            Version::V3 => 0,
        };
        HEADER_LENGTH + addresses * 4 + authentication
    }
}

/// VRRPv2 authentication.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Type 0.
    None,
    /// Type 1: a password in clear, padded with zeros.
    Pass([u8; 8]),
}

impl Authentication {
    /// The number in the packet.
    pub fn number(self) -> u8 {
        match self {
            Authentication::None => 0,
            Authentication::Pass(_) => 1,
        }
    }

    /// The bytes after the addresses.
    pub fn data(self) -> [u8; AUTHENTICATION_LENGTH] {
        match self {
            Authentication::None => [0; AUTHENTICATION_LENGTH],
            Authentication::Pass(password) => password,
        }
    }
}

impl std::fmt::Debug for Authentication {
    /// Does not show the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Authentication::None => "None",
            Authentication::Pass(_) => "Pass",
        })
    }
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
    /// At most 255; peers compare them with their own.
    pub addresses: &'a [Ipv4Addr],
    /// Nothing in VRRPv3.
    pub authentication: Authentication,
}

impl Advertisement<'_> {
    /// Appends the packet to `out`. Sender and receiver enter the checksum of VRRPv3 only.
    /// Addresses after the 255th are left out: the count is one byte.
    pub fn write(&self, source: Ipv4Addr, destination: Ipv4Addr, out: &mut Vec<u8>) {
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
            out.extend(address.octets());
        }
        if self.version == Version::V2 {
            out.extend(self.authentication.data());
        }
        let sum = sum(self.version, source, destination, &out[start..]);
        out[start + 6..start + 8].copy_from_slice(&sum.to_be_bytes());
    }
}

/// The checksum of a VRRP packet: of the packet alone in VRRPv2, with the pseudo-header of RFC 5798
/// §5.2.8 in VRRPv3. Zero for a packet whose checksum is right.
pub(crate) fn sum(version: Version, source: Ipv4Addr, destination: Ipv4Addr, packet: &[u8]) -> u16 {
    let start = match version {
        Version::V2 => Sum::default(),
        Version::V3 => Sum::default()
            .with(&source.octets())
            .with(&destination.octets())
            .with(&[0, PROTOCOL])
            .with(&(packet.len() as u16).to_be_bytes()),
    };
    start.with(packet).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
    const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
    const VIP: [Ipv4Addr; 1] = [Ipv4Addr::new(10, 78, 0, 100)];

    fn bytes(advertisement: Advertisement<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        advertisement.write(SOURCE, GROUP, &mut out);
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
    fn no_more_than_255_addresses_are_counted() {
        let many: Vec<Ipv4Addr> = (0..300u32).map(Ipv4Addr::from).collect();
        let packet = bytes(Advertisement { addresses: &many, ..advertisement(Version::V2) });
        assert_eq!((packet[3], packet.len()), (255, Version::V2.packet_length(255)));
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Authentication::Pass(*b"secret!!")), "Pass");
    }
}
