//! The authentication header as VRRPv2 uses it: RFC 2402 §2 with HMAC-MD5-96 of RFC 2403, 24 bytes.
//!
//! ```text
//!  next header | length 4 | reserved
//!  security parameters index
//!  sequence number
//!  integrity check value (12)
//! ```

use crate::Error;

/// An authentication header with a check value of 96 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticationHeader {
    /// Protocol of what follows; 112 is VRRP.
    pub next_header: u8,
    /// Security parameters index; keepalived puts the sender's IPv4 address here.
    pub spi: u32,
    /// Counts the packets of a sender, from one.
    pub sequence: u32,
    /// The check value; zero while it is computed.
    pub icv: [u8; Self::ICV_LENGTH],
}

impl AuthenticationHeader {
    /// Its number as a protocol of IP.
    pub const PROTOCOL: u8 = 51;
    /// Length, in bytes.
    pub const LENGTH: usize = 24;
    /// Length of the check value, in bytes.
    pub const ICV_LENGTH: usize = 12;
    /// Length in 32-bit words, less two, as the header states it.
    const WORDS: u8 = 4;

    /// The header's bytes.
    pub fn build(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = self.next_header;
        bytes[1] = Self::WORDS;
        bytes[4..8].copy_from_slice(&self.spi.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.sequence.to_be_bytes());
        bytes[12..].copy_from_slice(&self.icv);
        bytes
    }

    /// Reads a header and gives what follows it.
    ///
    /// # Errors
    /// When there are too few bytes or the check value has another length.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), Error> {
        let (head, rest) = bytes
            .split_first_chunk::<{ Self::LENGTH }>()
            .ok_or(Error::Short { needed: Self::LENGTH, found: bytes.len() })?;
        if head[1] != Self::WORDS {
            return Err(Error::AhLength(head[1]));
        }
        let mut icv = [0; Self::ICV_LENGTH];
        icv.copy_from_slice(&head[12..]);
        let header = Self {
            next_header: head[0],
            spi: u32::from_be_bytes([head[4], head[5], head[6], head[7]]),
            sequence: u32::from_be_bytes([head[8], head[9], head[10], head[11]]),
            icv,
        };
        Ok((header, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_bytes_are_those_of_keepalived() {
        // As measured of keepalived 2.2.7: 70040000 0a4e0001 00000001 and the check value.
        let header = AuthenticationHeader {
            next_header: 112,
            spi: Ipv4Addr::new(10, 78, 0, 1).into(),
            sequence: 1,
            icv: *b"twelve bytes",
        };
        let mut bytes = header.build().to_vec();
        assert_eq!(bytes[..12], [0x70, 4, 0, 0, 0x0a, 0x4e, 0, 1, 0, 0, 0, 1]);
        bytes.extend([0x21, 0x3d]);
        assert_eq!(AuthenticationHeader::parse(&bytes), Ok((header, &[0x21, 0x3d][..])));
    }

    #[test]
    fn other_lengths_are_refused() {
        let parse = AuthenticationHeader::parse;
        assert_eq!(parse(&[0; 23]), Err(Error::Short { needed: 24, found: 23 }));
        assert_eq!(parse(&[5; 24]), Err(Error::AhLength(5)));
    }
}
