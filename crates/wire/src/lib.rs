//! Packet formats below VRRP: IPv4 and IPv6, the authentication header, ARP and neighbour discovery
//! over Ethernet, and the Internet checksum.
//!
//! Bytes in, values out, and back: nothing here opens a socket or reads a clock. Parsing checks
//! every length before it looks, so that no packet, however made, can cause a panic.
#![forbid(unsafe_code)]

mod arp;
mod checksum;
mod ethernet;
mod ipv4;
mod ipv6;
mod ndp;

pub use arp::{Arp, Operation};
pub use checksum::{Sum, checksum};
pub use ethernet::{ETHERTYPE_ARP, ETHERTYPE_IPV6, Mac, ParseMacError};
pub use ipv4::{Ipv4Header, Ipv4Packet};
pub use ipv6::{Ipv6Header, Ipv6Packet};
pub use ndp::{ICMPV6, NeighbourAdvertisement, NeighbourProbe, solicited_node};

/// Why bytes are not the packet they should be. Always the sender's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Fewer bytes than the format needs.
    Short {
        /// Bytes that were needed.
        needed: usize,
        /// Bytes that were there.
        found: usize,
    },
    /// The version field of an IPv4 header is not 4.
    Version(u8),
    /// An IPv4 header length below 20 bytes.
    HeaderLength(usize),
    /// The total length of the IP header exceeds what was received, or is below the header length.
    TotalLength {
        /// What the header says.
        stated: usize,
        /// What was received.
        received: usize,
    },
    /// An ARP packet for other hardware or protocol types than Ethernet and IPv4.
    ArpTypes,
    /// An ARP operation other than request and reply.
    ArpOperation(u16),
    /// The version field of an IPv6 header is not 6.
    VersionNot6(u8),
    /// A frame of another EtherType.
    EtherType(u16),
    /// Something else follows an IPv6 header than was expected.
    NextHeader(u8),
    /// A hop limit other than 255: the packet has passed a router.
    HopLimit(u8),
    /// A wrong checksum.
    Checksum,
    /// Another ICMPv6 type, or a code that is not zero.
    NdpType(u8),
    /// An option of neighbour discovery whose length is zero or more than there is.
    NdpOption {
        /// Its type.
        kind: u8,
        /// Its stated length in bytes.
        length: usize,
    },
    /// An authentication header of another length, in 32-bit words less two.
    AhLength(u8),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Short { needed, found } => write!(f, "packet too short, {found} of {needed} bytes"),
            Error::Version(version) => write!(f, "IP version {version} instead of 4"),
            Error::HeaderLength(length) => write!(f, "IP header length {length} below 20"),
            Error::TotalLength { stated, received } => {
                write!(f, "IP total length {stated} does not fit the {received} bytes received")
            }
            Error::ArpTypes => f.write_str("ARP packet is not for Ethernet and IPv4"),
            Error::ArpOperation(operation) => write!(f, "ARP operation {operation} is no request or reply"),
            Error::VersionNot6(version) => write!(f, "IP version {version} instead of 6"),
            Error::EtherType(kind) => write!(f, "EtherType {kind:04x} is not the expected one"),
            Error::NextHeader(next) => write!(f, "next header {next} is not the expected one"),
            Error::HopLimit(limit) => write!(f, "hop limit {limit} instead of 255"),
            Error::Checksum => f.write_str("wrong checksum"),
            Error::NdpType(kind) => write!(f, "ICMPv6 type {kind} is not the expected one"),
            Error::NdpOption { kind, length } => {
                write!(f, "neighbour discovery option {kind} has an impossible length of {length} bytes")
            }
            Error::AhLength(words) => write!(f, "authentication header length {words} instead of 4"),
        }
    }
}

impl std::error::Error for Error {}
