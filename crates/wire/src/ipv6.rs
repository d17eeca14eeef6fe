//! The IPv6 header, RFC 8200 §3.
//!
//! ```text
//!  6 | traffic class | flow label
//!  payload length | next header | hop limit
//!  source (16)
//!  destination (16)
//! ```

use crate::Error;
use std::net::Ipv6Addr;

/// The fields of a header that a sender chooses; the flow label is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Header {
    /// Traffic class; 0xc0 is internetwork control.
    pub traffic_class: u8,
    /// Protocol of the payload; 112 is VRRP, 58 ICMPv6.
    pub next_header: u8,
    /// Hop limit; VRRP and neighbour discovery demand 255.
    pub hop_limit: u8,
    /// Sender.
    pub source: Ipv6Addr,
    /// Receiver.
    pub destination: Ipv6Addr,
}

impl Ipv6Header {
    /// Length of the header, in bytes.
    pub const LENGTH: usize = 40;

    /// The header in front of `payload` bytes of payload. A payload that does not fit is cut to the
    /// largest length the format can state.
    pub fn build(&self, payload: usize) -> [u8; Self::LENGTH] {
        let payload = u16::try_from(payload).unwrap_or(u16::MAX);
        let mut header = [0; Self::LENGTH];
        header[0] = 0x60 | self.traffic_class >> 4;
        header[1] = self.traffic_class << 4;
        header[4..6].copy_from_slice(&payload.to_be_bytes());
        header[6] = self.next_header;
        header[7] = self.hop_limit;
        header[8..24].copy_from_slice(&self.source.octets());
        header[24..40].copy_from_slice(&self.destination.octets());
        header
    }
}

/// A received IPv6 packet whose length was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Packet<'a> {
    /// The header's fields.
    pub header: Ipv6Header,
    /// What follows the header, as long as the header says. Extension headers are not followed.
    pub payload: &'a [u8],
}

impl<'a> Ipv6Packet<'a> {
    /// Reads a packet. Bytes after the stated length are the padding of short Ethernet frames.
    ///
    /// # Errors
    /// When it is no IPv6 packet or shorter than it says.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let (fixed, rest) = bytes
            .split_first_chunk::<{ Ipv6Header::LENGTH }>()
            .ok_or(Error::Short { needed: Ipv6Header::LENGTH, found: bytes.len() })?;
        if fixed[0] >> 4 != 6 {
            return Err(Error::VersionNot6(fixed[0] >> 4));
        }
        let length = usize::from(u16::from_be_bytes([fixed[4], fixed[5]]));
        let needed = Ipv6Header::LENGTH + length;
        let payload = rest.get(..length).ok_or(Error::Short { needed, found: bytes.len() })?;
        let header = Ipv6Header {
            traffic_class: fixed[0] << 4 | fixed[1] >> 4,
            next_header: fixed[6],
            hop_limit: fixed[7],
            source: address(fixed, 8),
            destination: address(fixed, 24),
        };
        Ok(Self { header, payload })
    }
}

/// The address at an offset that is known to be inside.
fn address(header: &[u8; Ipv6Header::LENGTH], at: usize) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&header[at..at + 16]);
    Ipv6Addr::from(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Ipv6Header = Ipv6Header {
        traffic_class: 0xc0,
        next_header: 112,
        hop_limit: 255,
        source: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
        destination: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12),
    };

    #[test]
    fn a_header_built_is_read_back() {
        let mut packet = HEADER.build(3).to_vec();
        assert_eq!(&packet[..10], &[0x6c, 0, 0, 0, 0, 3, 112, 255, 0xfe, 0x80]);
        assert_eq!(packet[39], 0x12);
        packet.extend([1, 2, 3, 0]);
        assert_eq!(
            Ipv6Packet::parse(&packet),
            Ok(Ipv6Packet { header: HEADER, payload: &[1, 2, 3] }),
            "padding is left off"
        );
    }

    #[test]
    fn contradicting_lengths_are_refused() {
        let good = HEADER.build(0);
        assert_eq!(Ipv6Packet::parse(&good[..39]), Err(Error::Short { needed: 40, found: 39 }));
        assert_eq!(Ipv6Packet::parse(&HEADER.build(1)), Err(Error::Short { needed: 41, found: 40 }));
        let mut bad = good;
        bad[0] = 0x45;
        assert_eq!(Ipv6Packet::parse(&bad), Err(Error::VersionNot6(4)));
    }
}
