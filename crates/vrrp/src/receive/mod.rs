//! What a received packet must satisfy before anybody listens to it: RFC 3768 §7.1 and RFC 5798 §7.1,
//! in the order of keepalived's `vrrp_check_packet`, so that the same reason is named for the same
//! packet.
//!
//! Three departures: a packet with another list of virtual addresses is accepted and the difference
//! reported, as keepalived does since 2.3.3 (rejecting it makes both routers master); a rejected
//! packet changes nothing at all; an interval of zero, with which a master would never be missed, is
//! refused.

mod reject;

pub use reject::Reject;

use crate::ah::{self, AH_LENGTH, AH_PROTOCOL, Sequence};
use crate::authentication::same;
use crate::hmac::{self, TRAILER_LENGTH};
use crate::packet::{self, AUTHENTICATION_LENGTH, HEADER_LENGTH, TYPE_ADVERTISEMENT};
use crate::{Authentication, Centiseconds, Checksum, Family, RELEASE, Version};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::Duration;
use wire::Ipv4Packet;

/// A packet as it was received.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// Whom it was sent to.
    pub destination: IpAddr,
    /// Time to live or hop limit; `None` where the kernel did not tell.
    pub ttl: Option<u8>,
    /// The VRRP packet, with what follows it.
    pub packet: &'a [u8],
    /// The IPv4 header.
    header: &'a [u8],
    /// The authentication header, from an IPv4 packet of that protocol.
    ah: Option<&'a [u8; AH_LENGTH]>,
    /// What the IPv4 header says of the whole length.
    total_length: usize,
}

impl<'a> Incoming<'a> {
    /// A packet with its IPv4 header, as raw sockets deliver it; also one with an authentication
    /// header for VRRP.
    ///
    /// # Errors
    /// When its headers contradict themselves.
    pub fn v4(bytes: &'a [u8]) -> Result<Self, wire::Error> {
        let ip = Ipv4Packet::parse(bytes)?;
        let header = &bytes[..bytes.len() - ip.payload.len()];
        let (ah, packet) = match ip.payload.split_first_chunk() {
            Some((ah, packet)) if ip.header.protocol == AH_PROTOCOL => (Some(ah), packet),
            _ if ip.header.protocol == AH_PROTOCOL => {
                return Err(wire::Error::Short { needed: header.len() + AH_LENGTH, found: bytes.len() });
            }
            _ => (None, ip.payload),
        };
        Ok(Self {
            source: ip.header.source.into(),
            destination: ip.header.destination.into(),
            ttl: Some(ip.header.ttl),
            packet,
            header,
            ah,
            total_length: ip.total_length,
        })
    }

    /// A packet over IPv6, whose header raw sockets keep to themselves.
    pub fn v6(source: Ipv6Addr, destination: Ipv6Addr, hop_limit: Option<u8>, packet: &'a [u8]) -> Self {
        let (source, destination) = (source.into(), destination.into());
        Self {
            source,
            destination,
            ttl: hop_limit,
            packet,
            header: &[],
            ah: None,
            total_length: packet.len(),
        }
    }

    /// The virtual router it is for; `None` when it is too short to say.
    pub fn vrid(&self) -> Option<u8> {
        self.packet.get(1).copied()
    }

    /// Bytes received.
    fn received(&self) -> usize {
        self.before() + self.packet.len()
    }

    /// Bytes before the VRRP packet.
    fn before(&self) -> usize {
        self.header.len() + if self.ah.is_some() { AH_LENGTH } else { 0 }
    }
}

/// A unicast peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// Times to live that its packets may arrive with.
    pub ttl: RangeInclusive<u8>,
}

/// What a virtual router knows about the packets it should get.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The version it speaks.
    pub version: Version,
    /// What it speaks over.
    pub family: Family,
    /// Its number.
    pub vrid: u8,
    /// Its own interval; VRRPv2 peers must have the same.
    pub interval: Centiseconds,
    /// Its authentication.
    pub authentication: Authentication,
    /// `auth_hmac`.
    pub hmac: Option<&'a hmac::Settings>,
    /// The form of checksum it sends and expects.
    pub checksum: Checksum,
    /// The unicast peers, if it has some: then the time to live may be any, and multicast is refused.
    pub unicast: Option<&'a [Peer]>,
    /// `check_unicast_src`: only those peers are listened to.
    pub check_source: bool,
    /// The multicast group in the pseudo-header of peers that make old unicast checksums; `None`
    /// where they are not to be recognised.
    pub old_group: Option<Ipv4Addr>,
    /// The addresses it advertises itself.
    pub addresses: &'a [IpAddr],
    /// Whether they are compared with each packet, or (`skip_check_adv_addr`) only with the first
    /// of a sender: then by who sent the last one.
    pub compare_unless_from: Option<IpAddr>,
}

/// What packets leave behind for the next ones to be judged by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// The last number of an authentication header, sent or received.
    pub sequence: Sequence,
    /// Of `auth_hmac`.
    pub hmac: hmac::State,
    /// Whether a peer was recognised that makes old unicast checksums: send them as well.
    pub old_unicast: bool,
}

/// An advertisement that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Who sent it.
    pub source: IpAddr,
    /// The sender's priority; 0 says it steps down.
    pub priority: u8,
    /// The sender's interval.
    pub interval: Centiseconds,
    /// How its list of addresses differs from ours.
    pub difference: Option<Difference>,
}

impl Received {
    /// Whether the sender steps down.
    pub fn is_release(&self) -> bool {
        self.priority == RELEASE
    }
}

/// A difference between the peer's list of addresses and ours. One of the two configurations is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Another number of addresses.
    Count {
        /// In the packet.
        received: u8,
        /// Ours.
        expected: usize,
    },
    /// An address of ours that the packet lacks.
    Missing {
        /// The virtual router.
        vrid: u8,
        /// The address.
        address: IpAddr,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Count { received, expected } => {
                write!(f, "received an unexpected ip number count {received}, expected {expected}!")
            }
            Difference::Missing { vrid, address } => {
                write!(f, "ip address associated with VRID {vrid} not present in MASTER advert: {address}")
            }
        }
    }
}

/// Checks a received packet. `wall` is the time since 1970, which only `auth_hmac` looks at.
///
/// # Errors
/// The first check that failed.
pub fn check(
    incoming: &Incoming<'_>,
    expected: &Expected<'_>,
    security: &mut Security,
    wall: Duration,
) -> Result<Received, Reject> {
    let &Incoming { source, destination, packet, .. } = incoming;
    let wants_ah = matches!(expected.authentication, Authentication::Ah(_));
    if incoming.ah.is_some() != wants_ah {
        return Err(Reject::HeaderPresence { received: incoming.ah.is_some() });
    }
    let Some(head) = packet.first_chunk::<HEADER_LENGTH>() else {
        let shortest = expected.family.packet_length(expected.version, 0);
        return Err(Reject::Length { received: incoming.received(), expected: incoming.before() + shortest });
    };
    let &[version_type, vrid, priority, count, fifth, sixth, _, _] = head;

    let stated_version = if version_type >> 4 == 3 { Version::V3 } else { Version::V2 };
    let (bare, trailer) = complete(incoming, stated_version, count, expected)?;
    // The time to live is 255, but keepalived does not ask that of a unicast peer.
    if let Some(ttl) = incoming.ttl.filter(|&ttl| expected.unicast.is_none() && ttl != 255) {
        return Err(Reject::TimeToLive(ttl));
    }
    if version_type >> 4 != expected.version.number() {
        return Err(Reject::Version { received: version_type >> 4, expected: expected.version.number() });
    }
    if vrid != expected.vrid {
        return Err(Reject::VirtualRouter(vrid));
    }
    check_trailer(source, bare, trailer, expected, security, wall)?;
    let interval = match expected.version {
        Version::V2 => {
            check_authentication(incoming, fifth, expected, security)?;
            if sixth != expected.interval.seconds() {
                return Err(Reject::Interval { mine: expected.interval.seconds(), received: sixth });
            }
            Centiseconds(u16::from(sixth) * 100)
        }
        Version::V3 => Centiseconds(u16::from_be_bytes([fifth & 0x0f, sixth])),
    };
    if interval.0 == 0 {
        return Err(Reject::ZeroInterval);
    }
    if version_type & 0x0f != TYPE_ADVERTISEMENT {
        return Err(Reject::Type(version_type & 0x0f));
    }
    let stated = incoming.total_length;
    if !incoming.header.is_empty() && stated != incoming.received() {
        return Err(Reject::TotalLength { stated, received: incoming.received() });
    }
    check_sum(incoming, bare, expected, security)?;
    if is_multicast(destination) == expected.unicast.is_some() {
        return Err(Reject::Destination { unicast: expected.unicast.is_some() });
    }
    if let Some(peers) = expected.unicast.filter(|_| expected.check_source) {
        let peer = peers.iter().find(|peer| peer.address == source).ok_or(Reject::NoPeer)?;
        if let Some(ttl) = incoming.ttl.filter(|ttl| !peer.ttl.contains(ttl)) {
            return Err(Reject::PeerTimeToLive(ttl));
        }
    }
    let listed = &bare[HEADER_LENGTH..];
    let difference = difference(listed, count, expected, source);
    Ok(Received { source, priority, interval, difference })
}

/// RFC 3768 §7.1: the packet is complete. The length is that of the version the packet states. Gives what
/// VRRP knows, and what `auth_hmac` has put behind it.
fn complete<'a>(
    incoming: &Incoming<'a>,
    stated: Version,
    count: u8,
    expected: &Expected<'_>,
) -> Result<(&'a [u8], Option<&'a [u8; TRAILER_LENGTH]>), Reject> {
    let length = expected.family.packet_length(stated, usize::from(count));
    let trailer = match incoming.packet.get(length..) {
        Some(rest) if expected.hmac.is_some() => rest.first_chunk().filter(|_| rest.len() == TRAILER_LENGTH),
        _ => None,
    };
    let whole = incoming.before() + length + if trailer.is_some() { TRAILER_LENGTH } else { 0 };
    if incoming.received() != whole {
        return Err(Reject::Length { received: incoming.received(), expected: whole });
    }
    Ok((&incoming.packet[..length], trailer))
}

/// The signature of `auth_hmac`, where that is wanted. One of a stranger is not verified.
fn check_trailer(
    source: IpAddr,
    bare: &[u8],
    trailer: Option<&[u8; TRAILER_LENGTH]>,
    expected: &Expected<'_>,
    security: &mut Security,
    wall: Duration,
) -> Result<(), Reject> {
    let Some(settings) = expected.hmac else { return Ok(()) };
    let Some(trailer) = trailer else {
        let is_needed = settings.mode == hmac::Mode::Enforce;
        return if is_needed { Err(Reject::Trailer(hmac::Wrong::Missing)) } else { Ok(()) };
    };
    if expected.unicast.is_some_and(|peers| peers.iter().all(|peer| peer.address != source)) {
        return Err(Reject::NoPeer);
    }
    security.hmac.verify(settings, expected.version, source, bare, trailer, wall).map_err(Reject::Trailer)
}

/// The authentication of VRRPv2.
fn check_authentication(
    incoming: &Incoming<'_>,
    kind: u8,
    expected: &Expected<'_>,
    security: &mut Security,
) -> Result<(), Reject> {
    // Types 0 to 2 exist; 2 is the authentication header, in its own IP protocol.
    if kind > 2 {
        return Err(Reject::AuthenticationType(kind));
    }
    if kind != expected.authentication.number() {
        return Err(Reject::Authentication { received: kind, expected: expected.authentication.number() });
    }
    match (expected.authentication, incoming.ah) {
        (Authentication::Pass(password), _) => {
            let given = incoming.packet.last_chunk::<AUTHENTICATION_LENGTH>();
            if !given.is_some_and(|given| same(given, &password)) {
                return Err(Reject::Password);
            }
        }
        (Authentication::Ah(_), Some(header)) if header[0] != crate::PROTOCOL => {
            return Err(Reject::NextHeader(header[0]));
        }
        (Authentication::Ah(key), Some(header)) => {
            let (unicast, last) = (expected.unicast.is_some(), security.sequence.0);
            let sequence = &mut security.sequence;
            ah::verify(key, incoming.header, header, incoming.packet, unicast, sequence).map_err(
                |wrong| match wrong {
                    ah::Wrong::Value => Reject::CheckValue,
                    ah::Wrong::Index => Reject::SecurityIndex,
                    ah::Wrong::Repeated(received) => Reject::Repeated { received, last },
                },
            )?;
        }
        (Authentication::None | Authentication::Ah(_), _) => {}
    }
    Ok(())
}

/// The checksum, in the expected form or, from unicast peers, in an old one that is then remembered.
fn check_sum(
    incoming: &Incoming<'_>,
    bare: &[u8],
    expected: &Expected<'_>,
    security: &mut Security,
) -> Result<(), Reject> {
    let version = expected.version;
    let is_right =
        |form, covered| packet::sum(version, form, incoming.source, incoming.destination, covered) == 0;
    if expected.family == Family::V6 {
        let right = is_right(Checksum::PseudoHeader, incoming.packet);
        return if right { Ok(()) } else { Err(Reject::Checksum(version)) };
    }
    let form = match expected.old_group {
        Some(group) if security.old_unicast => Checksum::OldUnicast(group),
        _ => expected.checksum,
    };
    // keepalived with `v3_checksum_as_v2` looks at no checksum that it receives. So a router that has the
    // word already goes on obeying one that has not: else both would be master in between.
    let may_be_full = form == Checksum::AsVersion2 && is_right(Checksum::PseudoHeader, bare);
    if is_right(form, bare) || may_be_full {
        return Ok(());
    }
    let may_be_old = version == Version::V3
        && expected.unicast.is_some()
        && expected.checksum == Checksum::PseudoHeader
        && !security.old_unicast;
    match expected.old_group {
        Some(group) if may_be_old && is_right(Checksum::OldUnicast(group), bare) => {
            security.old_unicast = true;
            Ok(())
        }
        _ => Err(Reject::Checksum(version)),
    }
}

fn is_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    }
}

fn difference(listed: &[u8], count: u8, expected: &Expected<'_>, source: IpAddr) -> Option<Difference> {
    if usize::from(count) != expected.addresses.len().min(255) {
        return Some(Difference::Count { received: count, expected: expected.addresses.len() });
    }
    if expected.compare_unless_from == Some(source) {
        return None;
    }
    let length = expected.family.address_length();
    let listed = listed[..usize::from(count) * length].chunks_exact(length);
    // Nearly always they stand in our order as well.
    let in_order = expected.addresses.iter().zip(listed.clone()).all(|(ours, theirs)| is(ours, theirs));
    if in_order {
        return None;
    }
    let missing = |address: &&IpAddr| !listed.clone().any(|theirs| is(address, theirs));
    let address = *expected.addresses.iter().find(missing)?;
    Some(Difference::Missing { vrid: expected.vrid, address })
}

/// Whether bytes are those of an address.
fn is(address: &IpAddr, bytes: &[u8]) -> bool {
    match address {
        IpAddr::V4(v4) => v4.octets() == *bytes,
        IpAddr::V6(v6) => v6.octets() == *bytes,
    }
}

#[cfg(test)]
mod tests;
