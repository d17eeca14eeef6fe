//! Neighbour discovery for IPv6 over Ethernet, RFC 4861 §4.3 and §4.4, as whole frames.
//!
//! ```text
//!  destination (6) | source (6) | 86dd
//!  IPv6 header: next header 58, hop limit 255
//!  type 135 or 136 | code 0 | checksum
//!  R S O flags (advertisement), reserved
//!  target (16)
//!  option: type 2 | length 1 | hardware address of the target (6)
//! ```

use crate::{ETHERTYPE_IPV6, Error, Ipv6Header, Ipv6Packet, Mac, Sum};
use std::net::Ipv6Addr;

/// ICMPv6 as a next header.
pub const ICMPV6: u8 = 58;

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
const ROUTER: u8 = 0x80;
const SOLICITED: u8 = 0x40;
const OVERRIDE: u8 = 0x20;

/// ff02::1, all nodes of the link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

const ETHERNET: usize = 14;
/// Type, code, checksum, flags and target.
const FIXED: usize = 24;
const OPTION: usize = 8;

/// A neighbour advertisement together with the addresses of the frame and packet it travels in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighbourAdvertisement {
    /// Where the frame comes from.
    pub source_mac: Mac,
    /// Where the packet comes from.
    pub source: Ipv6Addr,
    /// Where the packet goes, and the frame when that is a group.
    pub destination: Ipv6Addr,
    /// The address that is spoken of.
    pub target: Ipv6Addr,
    /// Whether the sender forwards packets (R).
    pub router: bool,
    /// Whether somebody had asked (S).
    pub solicited: bool,
    /// Whether entries that are already in caches are to be replaced (O).
    pub overrides: bool,
    /// The target's hardware address.
    pub target_mac: Option<Mac>,
}

impl NeighbourAdvertisement {
    /// Length of a frame with the target's hardware address, in bytes.
    pub const LENGTH: usize = ETHERNET + Ipv6Header::LENGTH + FIXED + OPTION;

    /// The announcement of `address` as keepalived sends it: from the announced address to all nodes,
    /// with Override set, and Router where the interface forwards.
    pub fn unsolicited(address: Ipv6Addr, mac: Mac, router: bool) -> Self {
        Self {
            source_mac: mac,
            source: address,
            destination: ALL_NODES,
            target: address,
            router,
            solicited: false,
            overrides: true,
            target_mac: Some(mac),
        }
    }

    /// The frame's bytes. It goes to the Ethernet group of the destination; without a hardware address
    /// of the target there is no option.
    pub fn build(&self) -> Vec<u8> {
        let mut message = vec![0; FIXED];
        message[0] = ADVERTISEMENT;
        message[4] = if self.router { ROUTER } else { 0 }
            | if self.solicited { SOLICITED } else { 0 }
            | if self.overrides { OVERRIDE } else { 0 };
        message[8..24].copy_from_slice(&self.target.octets());
        if let Some(mac) = self.target_mac {
            message.extend([TARGET_LINK_LAYER_ADDRESS, 1]);
            message.extend(mac.0);
        }
        frame(self.source_mac, self.source, self.destination, message)
    }

    /// Reads a frame and checks what RFC 4861 §7.1.2 demands: hop limit 255, checksum, code, lengths.
    ///
    /// # Errors
    /// When it is anything else than a valid neighbour advertisement.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let (source_mac, packet, message) = message(bytes, ADVERTISEMENT)?;
        let mut options = &message[FIXED..];
        let mut target_mac = None;
        while let [kind, units, ..] = *options {
            let length = usize::from(units) * 8;
            let option =
                options.get(..length).filter(|_| length > 0).ok_or(Error::NdpOption { kind, length })?;
            if kind == TARGET_LINK_LAYER_ADDRESS {
                target_mac = Mac::from_slice(&option[2..]);
            }
            options = &options[length..];
        }
        Ok(Self {
            source_mac,
            source: packet.header.source,
            destination: packet.header.destination,
            target: target(message),
            router: message[4] & ROUTER != 0,
            solicited: message[4] & SOLICITED != 0,
            overrides: message[4] & OVERRIDE != 0,
            target_mac,
        })
    }
}

/// The question whether anybody has an address, as asked before taking it: RFC 4862 §5.4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighbourProbe {
    /// Where the frame comes from.
    pub source_mac: Mac,
    /// The address that is asked for.
    pub target: Ipv6Addr,
}

impl NeighbourProbe {
    /// Length of a frame, in bytes.
    pub const LENGTH: usize = ETHERNET + Ipv6Header::LENGTH + FIXED;

    /// The frame's bytes: from the unspecified address to the target's solicited-node group. Who has
    /// the address answers to all nodes.
    pub fn build(&self) -> Vec<u8> {
        let mut message = vec![0; FIXED];
        message[0] = SOLICITATION;
        message[8..24].copy_from_slice(&self.target.octets());
        frame(self.source_mac, Ipv6Addr::UNSPECIFIED, solicited_node(self.target), message)
    }

    /// Reads a frame.
    ///
    /// # Errors
    /// When it is anything else than a valid neighbour solicitation from the unspecified address.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let (source_mac, packet, message) = message(bytes, SOLICITATION)?;
        if !packet.header.source.is_unspecified() {
            return Err(Error::NdpType(SOLICITATION));
        }
        Ok(Self { source_mac, target: target(message) })
    }
}

/// The group that everybody with an address like this one listens to: RFC 4291 §2.7.1.
pub fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    let [.., high, low] = address.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | high & 0xff, low)
}

/// A frame to a group, its checksum filled in.
fn frame(source_mac: Mac, source: Ipv6Addr, destination: Ipv6Addr, mut message: Vec<u8>) -> Vec<u8> {
    let sum = Sum::pseudo_header_v6(source, destination, ICMPV6, message.len()).with(&message).finish();
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let header = Ipv6Header { traffic_class: 0, next_header: ICMPV6, hop_limit: 255, source, destination };
    let mut frame = Vec::with_capacity(ETHERNET + Ipv6Header::LENGTH + message.len());
    frame.extend(Mac::multicast_v6(destination).0);
    frame.extend(source_mac.0);
    frame.extend(ETHERTYPE_IPV6.to_be_bytes());
    frame.extend(header.build(message.len()));
    frame.extend(message);
    frame
}

/// The message of a frame, at least as long as its fixed part, and valid as far as RFC 4861 demands
/// of solicitations and advertisements alike.
fn message(bytes: &[u8], kind: u8) -> Result<(Mac, Ipv6Packet<'_>, &[u8]), Error> {
    let (ethernet, rest) =
        bytes.split_first_chunk::<ETHERNET>().ok_or(Error::Short { needed: ETHERNET, found: bytes.len() })?;
    let [.., high, low] = *ethernet;
    if [high, low] != ETHERTYPE_IPV6.to_be_bytes() {
        return Err(Error::EtherType(u16::from_be_bytes([high, low])));
    }
    let packet = Ipv6Packet::parse(rest)?;
    let message = packet.payload;
    if packet.header.next_header != ICMPV6 {
        return Err(Error::NextHeader(packet.header.next_header));
    }
    if packet.header.hop_limit != 255 {
        return Err(Error::HopLimit(packet.header.hop_limit));
    }
    if message.len() < FIXED {
        return Err(Error::Short { needed: FIXED, found: message.len() });
    }
    if message[0] != kind || message[1] != 0 {
        return Err(Error::NdpType(message[0]));
    }
    let header = packet.header;
    let sum = Sum::pseudo_header_v6(header.source, header.destination, ICMPV6, message.len());
    if sum.with(message).finish() != 0 {
        return Err(Error::Checksum);
    }
    let mut source_mac = [0; 6];
    source_mac.copy_from_slice(&ethernet[6..12]);
    Ok((Mac(source_mac), packet, message))
}

/// The target of a message that is long enough.
fn target(message: &[u8]) -> Ipv6Addr {
    let mut octets = [0; 16];
    octets.copy_from_slice(&message[8..24]);
    Ipv6Addr::from(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0x02, 0, 0, 0, 0, 0x0a]);
    const VIP: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x78, 0, 0, 0, 0, 0, 0x100);

    #[test]
    fn an_announcement_has_the_bytes_of_keepalived() {
        // Captured from keepalived 2.2.7 with tcpdump.
        let announcement = NeighbourAdvertisement::unsolicited(VIP, MAC, false);
        let frame = announcement.build();
        assert_eq!(frame.len(), NeighbourAdvertisement::LENGTH);
        #[rustfmt::skip]
        let expected = [
            0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0x0a, 0x86, 0xdd,          // Ethernet
            0x60, 0, 0, 0, 0, 32, 58, 255,                                    // IPv6
            0xfd, 0, 0, 0x78, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,             // from the VIP
            0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,                // to all nodes
            136, 0, 0x57, 0xa4, 0x20, 0, 0, 0,                                // O
            0xfd, 0, 0, 0x78, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
            2, 1, 2, 0, 0, 0, 0, 0x0a,
        ];
        assert_eq!(frame, expected);
        assert_eq!(NeighbourAdvertisement::parse(&frame), Ok(announcement));
        let router = NeighbourAdvertisement::unsolicited(VIP, MAC, true);
        assert_eq!(router.build()[58], 0xa0, "R and O");
        assert_eq!(NeighbourAdvertisement::parse(&router.build()), Ok(router));
    }

    #[test]
    fn a_probe_asks_the_solicited_node_group() {
        let probe = NeighbourProbe { source_mac: MAC, target: "fd00:78::12:3456".parse().unwrap() };
        let frame = probe.build();
        assert_eq!(frame.len(), NeighbourProbe::LENGTH);
        assert_eq!(frame[..6], [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
        assert_eq!(frame[22..38], [0; 16], "from the unspecified address");
        assert_eq!(solicited_node(probe.target), "ff02::1:ff12:3456".parse::<Ipv6Addr>().unwrap());
        assert_eq!(frame[38..54], solicited_node(probe.target).octets());
        assert_eq!(NeighbourProbe::parse(&frame), Ok(probe));
    }

    #[test]
    fn other_frames_are_told_apart() {
        let good = NeighbourAdvertisement::unsolicited(VIP, MAC, false).build();
        let parse = NeighbourAdvertisement::parse;
        for (at, value, error) in [
            (12, 8, Error::EtherType(0x08dd)),
            (14, 0x45, Error::VersionNot6(4)),
            (20, 6, Error::NextHeader(6)),
            (21, 254, Error::HopLimit(254)),
            (54, 135, Error::NdpType(135)),
            (60, 1, Error::Checksum),
        ] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(parse(&bad), Err(error), "byte {at}");
        }
        for length in 0..good.len() {
            assert!(matches!(parse(&good[..length]), Err(Error::Short { .. })), "{length} bytes");
        }
        assert!(NeighbourProbe::parse(&good).is_err());
    }

    #[test]
    fn an_option_without_a_length_ends_the_reading() {
        let mut bytes = vec![0; FIXED + 8];
        bytes[0] = ADVERTISEMENT;
        bytes[FIXED] = 14;
        let endless = frame(MAC, VIP, ALL_NODES, bytes);
        assert_eq!(NeighbourAdvertisement::parse(&endless), Err(Error::NdpOption { kind: 14, length: 0 }));
    }
}
