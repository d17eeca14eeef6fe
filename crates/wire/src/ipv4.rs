//! The IPv4 header, RFC 791.
//!
//! ```text
//!  4 | IHL | TOS | total length
//!  identification | flags, fragment offset
//!  TTL | protocol | header checksum
//!  source
//!  destination
//! ```

use crate::{Error, checksum};
use std::net::Ipv4Addr;

/// The fields of a header without options that a sender chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Type of service; 0xc0 is internetwork control.
    pub tos: u8,
    /// Identification. A raw socket of Linux replaces zero with a number of its own.
    pub id: u16,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload; 112 is VRRP.
    pub protocol: u8,
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
}

impl Ipv4Header {
    /// Length of a header without options, in bytes.
    pub const LENGTH: usize = 20;

    /// The header in front of `payload` bytes of payload, don't-fragment clear, checksum filled in.
    /// A payload that does not fit is cut to the largest length the format can state.
    pub fn build(&self, payload: usize) -> [u8; Self::LENGTH] {
        let total = u16::try_from(Self::LENGTH + payload).unwrap_or(u16::MAX);
        let mut header = [0; Self::LENGTH];
        header[0] = 0x45;
        header[1] = self.tos;
        header[2..4].copy_from_slice(&total.to_be_bytes());
        header[4..6].copy_from_slice(&self.id.to_be_bytes());
        header[8] = self.ttl;
        header[9] = self.protocol;
        header[12..16].copy_from_slice(&self.source.octets());
        header[16..20].copy_from_slice(&self.destination.octets());
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        header
    }
}

/// A received IPv4 packet whose lengths were checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Packet<'a> {
    /// The header's fields.
    pub header: Ipv4Header,
    /// What the total length field says, in bytes; never more than was received.
    pub total_length: usize,
    /// Bytes received, header included.
    pub received: usize,
    /// Everything received after the header, whatever the total length says.
    pub payload: &'a [u8],
}

impl<'a> Ipv4Packet<'a> {
    /// Reads a packet as a raw socket delivers it. The header checksum is not looked at: the kernel
    /// has verified it, and a packet from a virtual link may arrive with it unfilled.
    ///
    /// # Errors
    /// When it is no IPv4 packet or one of its lengths contradicts another.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Error> {
        let fixed: &[u8; Ipv4Header::LENGTH] =
            bytes.first_chunk().ok_or(Error::Short { needed: Ipv4Header::LENGTH, found: bytes.len() })?;
        if fixed[0] >> 4 != 4 {
            return Err(Error::Version(fixed[0] >> 4));
        }
        let header_length = usize::from(fixed[0] & 0x0f) * 4;
        if header_length < Ipv4Header::LENGTH {
            return Err(Error::HeaderLength(header_length));
        }
        let payload =
            bytes.get(header_length..).ok_or(Error::Short { needed: header_length, found: bytes.len() })?;
        let total_length = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        if total_length > bytes.len() || total_length < header_length {
            return Err(Error::TotalLength { stated: total_length, received: bytes.len() });
        }
        let header = Ipv4Header {
            tos: fixed[1],
            id: u16::from_be_bytes([fixed[4], fixed[5]]),
            ttl: fixed[8],
            protocol: fixed[9],
            source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]),
            destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]),
        };
        Ok(Self { header, total_length, received: bytes.len(), payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Ipv4Header = Ipv4Header {
        tos: 0xc0,
        id: 1,
        ttl: 255,
        protocol: 112,
        source: Ipv4Addr::new(10, 78, 0, 1),
        destination: Ipv4Addr::new(224, 0, 0, 18),
    };

    #[test]
    fn a_header_built_is_read_back() {
        let mut packet = HEADER.build(3).to_vec();
        assert_eq!(checksum(&packet), 0, "a right checksum sums to zero");
        assert_eq!(&packet[..10], &[0x45, 0xc0, 0, 23, 0, 1, 0, 0, 255, 112]);
        packet.extend([1, 2, 3]);
        let read = Ipv4Packet::parse(&packet).unwrap();
        assert_eq!(read, Ipv4Packet { header: HEADER, total_length: 23, received: 23, payload: &[1, 2, 3] });
    }

    #[test]
    fn options_are_skipped() {
        let mut packet = HEADER.build(5).to_vec();
        packet[0] = 0x46;
        packet.extend([0, 0, 0, 0, 7]);
        assert_eq!(Ipv4Packet::parse(&packet).unwrap().payload, &[7]);
    }

    #[test]
    fn contradicting_lengths_are_refused() {
        let good = HEADER.build(0);
        assert_eq!(Ipv4Packet::parse(&good[..19]), Err(Error::Short { needed: 20, found: 19 }));
        let with = |at: usize, value: u8| {
            let mut bad = good;
            bad[at] = value;
            Ipv4Packet::parse(&bad).unwrap_err()
        };
        assert_eq!(with(0, 0x65), Error::Version(6));
        assert_eq!(with(0, 0x44), Error::HeaderLength(16));
        assert_eq!(with(0, 0x4f), Error::Short { needed: 60, found: 20 });
        assert_eq!(with(3, 21), Error::TotalLength { stated: 21, received: 20 });
        assert_eq!(with(3, 19), Error::TotalLength { stated: 19, received: 20 });
    }
}
