//! ARP for IPv4 over Ethernet, RFC 826, as whole frames.
//!
//! ```text
//!  destination (6) | source (6) | 0806
//!  hardware type 1 | protocol 0800 | 6 | 4 | operation
//!  sender hardware (6) | sender protocol (4) | target hardware (6) | target protocol (4)
//! ```

use crate::{ETHERTYPE_ARP, Error, Mac};
use std::net::Ipv4Addr;

/// Request or reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Who has the target address?
    Request,
    /// The sender has it.
    Reply,
}

/// An ARP packet together with the addresses of the frame it travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Where the frame goes.
    pub destination: Mac,
    /// Where the frame comes from.
    pub source: Mac,
    /// Request or reply.
    pub operation: Operation,
    /// Hardware address of who speaks.
    pub sender_mac: Mac,
    /// Protocol address of who speaks.
    pub sender_ip: Ipv4Addr,
    /// Hardware address of who is asked or answered.
    pub target_mac: Mac,
    /// Protocol address of who is asked or answered.
    pub target_ip: Ipv4Addr,
}

impl Arp {
    /// Length of a frame without padding, in bytes.
    pub const LENGTH: usize = 42;

    /// The announcement of `address` as keepalived sends it: a broadcast *request* whose sender
    /// and target addresses are the announced one and whose target hardware address is all ones.
    pub fn gratuitous(address: Ipv4Addr, mac: Mac) -> Self {
        Self {
            destination: Mac::BROADCAST,
            source: mac,
            operation: Operation::Request,
            sender_mac: mac,
            sender_ip: address,
            target_mac: Mac::BROADCAST,
            target_ip: address,
        }
    }

    /// The question whether anybody has `address`, asked before taking it: RFC 5227 §2.1.1. Nobody's
    /// cache changes by it, for the sender's protocol address is zero.
    pub fn probe(address: Ipv4Addr, mac: Mac) -> Self {
        Self {
            destination: Mac::BROADCAST,
            source: mac,
            operation: Operation::Request,
            sender_mac: mac,
            sender_ip: Ipv4Addr::UNSPECIFIED,
            target_mac: Mac([0; 6]),
            target_ip: address,
        }
    }

    /// The frame's bytes.
    pub fn build(&self) -> [u8; Self::LENGTH] {
        let mut frame = [0; Self::LENGTH];
        frame[0..6].copy_from_slice(&self.destination.0);
        frame[6..12].copy_from_slice(&self.source.0);
        frame[12..14].copy_from_slice(&ETHERTYPE_ARP.to_be_bytes());
        frame[14..20].copy_from_slice(&[0, 1, 8, 0, 6, 4]);
        let operation = match self.operation {
            Operation::Request => 1,
            Operation::Reply => 2,
        };
        frame[21] = operation;
        frame[22..28].copy_from_slice(&self.sender_mac.0);
        frame[28..32].copy_from_slice(&self.sender_ip.octets());
        frame[32..38].copy_from_slice(&self.target_mac.0);
        frame[38..42].copy_from_slice(&self.target_ip.octets());
        frame
    }

    /// Reads a frame; bytes after the packet are the padding of short Ethernet frames.
    ///
    /// # Errors
    /// When it is too short or no Ethernet ARP frame for IPv4.
    pub fn parse(frame: &[u8]) -> Result<Self, Error> {
        let frame: &[u8; Self::LENGTH] =
            frame.first_chunk().ok_or(Error::Short { needed: Self::LENGTH, found: frame.len() })?;
        if frame[12..14] != ETHERTYPE_ARP.to_be_bytes() || frame[14..20] != [0, 1, 8, 0, 6, 4] {
            return Err(Error::ArpTypes);
        }
        let operation = match u16::from_be_bytes([frame[20], frame[21]]) {
            1 => Operation::Request,
            2 => Operation::Reply,
            other => return Err(Error::ArpOperation(other)),
        };
        let mac = |at: usize| {
            Mac([frame[at], frame[at + 1], frame[at + 2], frame[at + 3], frame[at + 4], frame[at + 5]])
        };
        let ip = |at: usize| Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3]);
        Ok(Self {
            destination: mac(0),
            source: mac(6),
            operation,
            sender_mac: mac(22),
            sender_ip: ip(28),
            target_mac: mac(32),
            target_ip: ip(38),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_has_the_bytes_of_keepalived() {
        let mac = Mac([0x02, 0, 0, 0, 0, 0x0a]);
        let frame = Arp::gratuitous(Ipv4Addr::new(10, 78, 0, 100), mac).build();
        let expected = [
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 0x0a, 8, 6, // frame
            0, 1, 8, 0, 6, 4, 0, 1, // types, request
            2, 0, 0, 0, 0, 0x0a, 10, 78, 0, 100, // sender
            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 10, 78, 0, 100, // target
        ];
        assert_eq!(frame, expected);
        assert_eq!(Arp::parse(&frame), Ok(Arp::gratuitous(Ipv4Addr::new(10, 78, 0, 100), mac)));
    }

    #[test]
    fn a_probe_names_no_sender() {
        let frame = Arp::probe(Ipv4Addr::new(10, 78, 0, 100), Mac([2, 0, 0, 0, 0, 0x0a])).build();
        assert_eq!(frame[20..], [0, 1, 2, 0, 0, 0, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 78, 0, 100]);
    }

    #[test]
    fn other_frames_are_told_apart() {
        let good = Arp::gratuitous(Ipv4Addr::LOCALHOST, Mac::BROADCAST).build();
        assert_eq!(Arp::parse(&good[..41]), Err(Error::Short { needed: 42, found: 41 }));
        for (at, value, error) in
            [(13, 0, Error::ArpTypes), (15, 6, Error::ArpTypes), (21, 9, Error::ArpOperation(9))]
        {
            let mut bad = good;
            bad[at] = value;
            assert_eq!(Arp::parse(&bad), Err(error));
        }
        let padded = [&good[..], &[0; 18]].concat();
        assert!(Arp::parse(&padded).is_ok());
    }
}
