//! What a received packet must satisfy before anybody listens to it: RFC 3768 §7.1, in the order
//! of keepalived's `vrrp_check_packet`, so that the same reason is named for the same packet.
//!
//! Two departures: a packet with another list of virtual addresses is accepted and the difference
//! reported, as keepalived does since 2.3.3 (rejecting it makes both routers master), and a rejected
//! packet changes nothing at all.

use crate::packet::{self, AUTHENTICATION_LENGTH, HEADER_LENGTH, TYPE_ADVERTISEMENT};
use crate::{Authentication, Centiseconds, RELEASE, Version};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use wire::Ipv4Packet;

/// What a virtual router knows about the packets it should get.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The version it speaks.
    pub version: Version,
    /// Its number.
    pub vrid: u8,
    /// Its own interval; VRRPv2 peers must have the same.
    pub interval: Centiseconds,
    /// Its authentication.
    pub authentication: Authentication,
    /// Whether it has unicast peers: then the time to live may be any, and multicast is refused.
    pub unicast: bool,
    /// The addresses it advertises itself.
    pub addresses: &'a [Ipv4Addr],
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
        address: Ipv4Addr,
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

/// Why a packet was refused; always the sender's doing, or the operator's who configured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// It has not exactly the length its address count asks for.
    Length {
        /// Bytes received, IP header included.
        received: usize,
        /// Bytes it should have.
        expected: usize,
    },
    /// Multicast with a time to live other than 255: it came through a router.
    TimeToLive(u8),
    /// Another version of the protocol.
    Version {
        /// In the packet.
        received: u8,
        /// Ours.
        expected: u8,
    },
    /// Another virtual router.
    VirtualRouter(u8),
    /// An authentication type that does not exist.
    AuthenticationType(u8),
    /// Another authentication type than ours.
    Authentication {
        /// In the packet.
        received: u8,
        /// Ours.
        expected: u8,
    },
    /// The right authentication type with the wrong password.
    Password,
    /// Another advertisement interval, in seconds; an error in VRRPv2 only.
    Interval {
        /// Ours.
        mine: u8,
        /// In the packet.
        received: u8,
    },
    /// Not an advertisement.
    Type(u8),
    /// The IP header states another length than was received.
    TotalLength {
        /// What it states.
        stated: usize,
        /// Bytes received.
        received: usize,
    },
    /// The checksum is wrong.
    Checksum(Version),
    /// Multicast where unicast was expected, or the reverse.
    Destination {
        /// Whether unicast was expected.
        unicast: bool,
    },
}

impl Reject {
    /// A short, stable name for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Reject::Length { .. } => "length",
            Reject::TimeToLive(_) => "ttl",
            Reject::Version { .. } => "version",
            Reject::VirtualRouter(_) => "vrid",
            Reject::AuthenticationType(_) => "auth-type",
            Reject::Authentication { .. } => "auth-mismatch",
            Reject::Password => "password",
            Reject::Interval { .. } => "interval",
            Reject::Type(_) => "type",
            Reject::TotalLength { .. } => "total-length",
            Reject::Checksum(_) => "checksum",
            Reject::Destination { .. } => "destination",
        }
    }

    /// Whether such a packet comes from a router that uses our number but is set up differently: as
    /// long as it sends, there may be two masters.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Reject::Version { .. }
                | Reject::AuthenticationType(_)
                | Reject::Authentication { .. }
                | Reject::Password
                | Reject::Interval { .. }
                | Reject::Destination { .. }
        )
    }
}

impl fmt::Display for Reject {
    /// In keepalived's words, without the instance's name in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reject::Length { received, expected } => {
                let which = if received > expected { "long" } else { "short" };
                write!(f, "vrrp packet too {which}, length {received} and expect {expected}")
            }
            Reject::TimeToLive(ttl) => write!(f, "invalid TTL/HL. Received {ttl} and expect 255"),
            Reject::Version { received, expected } => {
                write!(f, "wrong version. Received {received} and expect {expected}")
            }
            Reject::VirtualRouter(vrid) => write!(f, "Unknown VRID({vrid}) received. ignoring..."),
            Reject::AuthenticationType(number) => write!(f, "Invalid auth type: {number}"),
            Reject::Authentication { received, expected } => {
                write!(f, "received a {received} auth, expecting {expected}!")
            }
            Reject::Password => f.write_str("received an invalid passwd!"),
            Reject::Interval { mine, received } => {
                write!(f, "advertisement interval mismatch mine={mine} sec rcv'd={received} sec")
            }
            Reject::Type(number) => write!(f, "Invalid packet type. {number} and expect 1"),
            Reject::TotalLength { stated, received } => {
                write!(f, "ip_tot_len mismatch against received length. {stated} and received {received}")
            }
            Reject::Checksum(version) => write!(f, "Invalid VRRPv{} checksum", version.number()),
            Reject::Destination { unicast } => {
                let (expected, received) = if unicast { ("un", "mult") } else { ("mult", "un") };
                write!(f, "Expected {expected}icast packet but received {received}icast packet")
            }
        }
    }
}

/// The virtual router a packet is for; `None` when it is too short to say.
pub fn vrid(packet: &Ipv4Packet<'_>) -> Option<u8> {
    packet.payload.get(1).copied()
}

/// Checks a received packet.
///
/// # Errors
/// The first check that failed.
pub fn check(packet: &Ipv4Packet<'_>, expected: &Expected<'_>) -> Result<Received, Reject> {
    let header_length = packet.received - packet.payload.len();
    let Some(head) = packet.payload.first_chunk::<HEADER_LENGTH>() else {
        return Err(Reject::Length {
            received: packet.received,
            expected: header_length + expected.version.packet_length(0),
        });
    };
    let &[version_type, vrid, priority, count, fifth, sixth, _, _] = head;

    // RFC 3768 §7.1: the packet is complete. The length is that of the version the packet states.
    let stated_version = if version_type >> 4 == 3 { Version::V3 } else { Version::V2 };
    let length = header_length + stated_version.packet_length(usize::from(count));
    if packet.received != length {
        return Err(Reject::Length { received: packet.received, expected: length });
    }
    // The time to live is 255, but keepalived does not ask that of a unicast peer.
    if !expected.unicast && packet.header.ttl != 255 {
        return Err(Reject::TimeToLive(packet.header.ttl));
    }
    if version_type >> 4 != expected.version.number() {
        return Err(Reject::Version { received: version_type >> 4, expected: expected.version.number() });
    }
    if vrid != expected.vrid {
        return Err(Reject::VirtualRouter(vrid));
    }
    let interval = match expected.version {
        Version::V2 => {
            check_version_2(packet.payload, fifth, sixth, expected)?;
            Centiseconds(u16::from(sixth) * 100)
        }
        Version::V3 => Centiseconds(u16::from_be_bytes([fifth & 0x0f, sixth])),
    };
    if version_type & 0x0f != TYPE_ADVERTISEMENT {
        return Err(Reject::Type(version_type & 0x0f));
    }
    if packet.total_length != packet.received {
        return Err(Reject::TotalLength { stated: packet.total_length, received: packet.received });
    }
    let (source, destination) = (packet.header.source, packet.header.destination);
    if packet::sum(expected.version, source, destination, packet.payload) != 0 {
        return Err(Reject::Checksum(expected.version));
    }
    if destination.is_multicast() == expected.unicast {
        return Err(Reject::Destination { unicast: expected.unicast });
    }
    let listed = &packet.payload[HEADER_LENGTH..HEADER_LENGTH + usize::from(count) * 4];
    let difference = difference(listed, count, expected);
    Ok(Received { source: source.into(), priority, interval, difference })
}

/// Authentication and interval, which only VRRPv2 compares.
fn check_version_2(payload: &[u8], kind: u8, interval: u8, expected: &Expected<'_>) -> Result<(), Reject> {
    // Types 0 to 2 exist; 2 is the authentication header, in its own IP protocol.
    if kind > 2 {
        return Err(Reject::AuthenticationType(kind));
    }
    if kind != expected.authentication.number() {
        return Err(Reject::Authentication { received: kind, expected: expected.authentication.number() });
    }
    if let Authentication::Pass(password) = expected.authentication {
        let given = payload.last_chunk::<AUTHENTICATION_LENGTH>();
        // All bytes are compared, so that the time taken does not tell how many were right.
        let differing = given.map_or(1, |given| given.iter().zip(password).fold(0, |d, (a, b)| d | (a ^ b)));
        if differing != 0 {
            return Err(Reject::Password);
        }
    }
    if interval != expected.interval.seconds() {
        return Err(Reject::Interval { mine: expected.interval.seconds(), received: interval });
    }
    Ok(())
}

fn difference(listed: &[u8], count: u8, expected: &Expected<'_>) -> Option<Difference> {
    if usize::from(count) != expected.addresses.len() {
        return Some(Difference::Count { received: count, expected: expected.addresses.len() });
    }
    let missing = |address: &&Ipv4Addr| !listed.chunks_exact(4).any(|bytes| bytes == address.octets());
    let address = *expected.addresses.iter().find(missing)?;
    Some(Difference::Missing { vrid: expected.vrid, address })
}

#[cfg(test)]
mod tests;
