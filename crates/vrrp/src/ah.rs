//! `auth_type AH`: the IP authentication header (RFC 2402) with HMAC-MD5-96 (RFC 2403) around a
//! VRRPv2 packet over IPv4, as keepalived makes it.
//!
//! ```text
//!  next header 112 | length 4 | 0
//!  security parameters index: the sender's address
//!  sequence number
//!  integrity check value (12)
//! ```
//! What the check value covers is keepalived's choice: the IP header with type of service, fragment
//! offset and checksum as zero, the time to live as zero in unicast only, then header and packet.

use crate::PROTOCOL;
use crate::authentication::same;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use wire::Ipv4Header;

/// The IP protocol number of the authentication header.
pub const AH_PROTOCOL: u8 = 51;

/// Bytes of an authentication header with a check value of 96 bits.
pub const AH_LENGTH: usize = 24;

/// Where the check value begins.
const VALUE: usize = 12;

/// The sequence number that sender and receivers share: whoever becomes master goes on from the
/// last one heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sequence(pub u32);

impl Sequence {
    /// The number of the next packet to be sent. It stays at the last one in the end: at one packet
    /// a second that is after 136 years.
    pub fn advance(&mut self) -> u32 {
        self.0 = self.0.saturating_add(1);
        self.0
    }

    /// Takes the number of a received packet unless it was seen before.
    pub(crate) fn take(&mut self, received: u32) -> bool {
        let new = received > self.0;
        if new {
            self.0 = received;
        }
        new
    }
}

/// Appends a whole IPv4 packet: header, authentication header and `packet`. The protocol of
/// `header` is replaced.
pub fn wrap(
    header: Ipv4Header,
    key: [u8; 8],
    sequence: u32,
    unicast: bool,
    packet: &[u8],
    out: &mut Vec<u8>,
) {
    let header = Ipv4Header { protocol: AH_PROTOCOL, ..header };
    let start = out.len();
    out.extend(header.build(AH_LENGTH + packet.len()));
    let ah = out.len();
    out.extend([PROTOCOL, 4, 0, 0]);
    out.extend(header.source.octets());
    out.extend(sequence.to_be_bytes());
    out.extend([0; AH_LENGTH - VALUE]);
    out.extend_from_slice(packet);
    let (ip, rest) = out[start..].split_at(ah - start);
    let value = check_value(key, ip, rest, unicast);
    out[ah + VALUE..ah + AH_LENGTH].copy_from_slice(&value);
}

/// What is wrong with an authentication header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The check value: another password, or a packet that was changed on the way.
    Value,
    /// The security parameters index is not the sender's address.
    Index,
    /// A sequence number that was seen before: the packet is a repetition.
    Repeated(u32),
}

/// Verifies a received packet: its IP header as received, its authentication header, and the rest.
pub(crate) fn verify(
    key: [u8; 8],
    ip: &[u8],
    ah: &[u8; AH_LENGTH],
    packet: &[u8],
    unicast: bool,
    sequence: &mut Sequence,
) -> Result<(), Wrong> {
    let rest = [&ah[..VALUE], &[0; AH_LENGTH - VALUE], packet].concat();
    if !same(&ah[VALUE..], &check_value(key, ip, &rest, unicast)) {
        return Err(Wrong::Value);
    }
    if ip.get(12..16) != ah.get(4..8) {
        return Err(Wrong::Index);
    }
    let number = u32::from_be_bytes([ah[8], ah[9], ah[10], ah[11]]);
    if sequence.take(number) { Ok(()) } else { Err(Wrong::Repeated(number)) }
}

fn check_value(key: [u8; 8], ip: &[u8], rest: &[u8], unicast: bool) -> [u8; AH_LENGTH - VALUE] {
    let mut ip = ip.to_vec();
    let changing: &[usize] = if unicast { &[1, 6, 7, 8, 10, 11] } else { &[1, 6, 7, 10, 11] };
    for &at in changing {
        if let Some(byte) = ip.get_mut(at) {
            *byte = 0;
        }
    }
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(&key) else { return [0; AH_LENGTH - VALUE] };
    mac.update(&ip);
    mac.update(rest);
    let digest = mac.finalize().into_bytes();
    let mut value = [0; AH_LENGTH - VALUE];
    value.copy_from_slice(&digest[..AH_LENGTH - VALUE]);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const KEY: [u8; 8] = *b"1111\0\0\0\0";

    fn header(ttl: u8) -> Ipv4Header {
        Ipv4Header {
            tos: 0xc0,
            id: 7,
            ttl,
            protocol: PROTOCOL,
            source: Ipv4Addr::new(10, 78, 0, 1),
            destination: Ipv4Addr::new(224, 0, 0, 18),
        }
    }

    fn take(bytes: &[u8], unicast: bool, sequence: &mut Sequence) -> Result<(), Wrong> {
        let ah = bytes[20..].first_chunk().unwrap();
        verify(KEY, &bytes[..20], ah, &bytes[44..], unicast, sequence)
    }

    #[test]
    fn what_is_wrapped_verifies_once() {
        let mut bytes = Vec::new();
        wrap(header(255), KEY, 5, false, b"advertisement", &mut bytes);
        assert_eq!((bytes[9], bytes.len()), (AH_PROTOCOL, 20 + 24 + 13));
        assert_eq!(bytes[20..32], [112, 4, 0, 0, 10, 78, 0, 1, 0, 0, 0, 5]);
        let mut sequence = Sequence(4);
        assert_eq!(take(&bytes, false, &mut sequence), Ok(()));
        assert_eq!(sequence, Sequence(5));
        assert_eq!(take(&bytes, false, &mut sequence), Err(Wrong::Repeated(5)));
    }

    #[test]
    fn any_change_is_noticed_but_for_the_fields_that_change_on_the_way() {
        let mut bytes = Vec::new();
        wrap(header(64), KEY, 5, true, b"advertisement", &mut bytes);
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let free = matches!(at, 1 | 6 | 7 | 8 | 10 | 11);
            assert_eq!(take(&changed, true, &mut Sequence(0)).is_ok(), free, "byte {at}");
        }
        bytes[8] = 63;
        assert_eq!(take(&bytes, false, &mut Sequence(0)), Err(Wrong::Value));
    }

    #[test]
    fn the_sequence_neither_repeats_nor_overflows() {
        let mut sequence = Sequence(u32::MAX - 1);
        assert_eq!((sequence.advance(), sequence.advance()), (u32::MAX, u32::MAX));
    }
}
