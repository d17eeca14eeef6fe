//! The Internet checksum, RFC 1071.

use std::net::{Ipv4Addr, Ipv6Addr};

/// A ones' complement sum that can be fed in pieces.
///
/// Each piece but the last must have an even length, as every header here has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds the big-endian 16-bit words of `bytes`; an odd last byte counts as the high half.
    #[must_use]
    pub fn with(mut self, bytes: &[u8]) -> Self {
        let mut words = bytes.chunks_exact(2);
        for word in &mut words {
            self.0 += u64::from(u16::from_be_bytes([word[0], word[1]]));
        }
        if let [last] = words.remainder() {
            self.0 += u64::from(*last) << 8;
        }
        self
    }

    /// The sum over the pseudo-header of IPv4 before `length` bytes of a protocol, RFC 793 §3.1, as
    /// VRRPv3 has it (RFC 5798 §5.2.8).
    pub fn pseudo_header_v4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, length: usize) -> Self {
        let sum = Self::default().with(&source.octets()).with(&destination.octets());
        sum.with(&[0, protocol]).with(&(length as u16).to_be_bytes())
    }

    /// The sum over the pseudo-header of IPv6 before `length` bytes of a protocol, RFC 8200 §8.1.
    pub fn pseudo_header_v6(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, length: usize) -> Self {
        let sum = Self::default().with(&source.octets()).with(&destination.octets());
        sum.with(&(length as u32).to_be_bytes()).with(&[0, 0, 0, protocol])
    }

    /// The complement of the folded sum: what goes into a checksum field, or zero when bytes that
    /// contain a right checksum were summed.
    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The checksum of one run of bytes.
pub fn checksum(bytes: &[u8]) -> u16 {
    Sum::default().with(bytes).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        // RFC 1071 §3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn a_sum_over_its_own_checksum_is_zero() {
        let mut bytes = *b"an even number of by00";
        let sum = checksum(&bytes[..20]);
        bytes[20..].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(checksum(&bytes), 0);
    }

    #[test]
    fn pseudo_headers_are_part_of_the_sum() {
        // The VRRPv3 advertisement measured of keepalived 2.2.7 on 10.78.0.1, checksum 0x42ff.
        let packet = [0x31, 0x3d, 0x96, 1, 0, 0x32, 0x42, 0xff, 0x0a, 0x4e, 0, 0x64];
        let (source, group) = (Ipv4Addr::new(10, 78, 0, 1), Ipv4Addr::new(224, 0, 0, 18));
        assert_eq!(Sum::pseudo_header_v4(source, group, 112, 12).with(&packet).finish(), 0);
        // An echo request from ::1 to itself: ~(1 + 1 + 8 + 58 + 0x8000 + 1 + 1).
        let echo = [128, 0, 0x7f, 0xb9, 0, 1, 0, 1];
        assert_eq!(
            Sum::pseudo_header_v6(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 58, 8).with(&echo).finish(),
            0
        );
    }

    #[test]
    fn pieces_sum_like_the_whole() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(Sum::default().with(&bytes[..100]).with(&bytes[100..]).finish(), checksum(&bytes));
        assert_eq!(checksum(&[0xab]), !0xab00);
    }
}
