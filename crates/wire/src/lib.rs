//! Packet formats below VRRP: IPv4, ARP over Ethernet, and the Internet checksum.
//!
//! Bytes in, values out, and back: nothing here opens a socket or reads a clock. Parsing checks
//! every length before it looks, so that no packet, however made, can cause a panic.
#![forbid(unsafe_code)]

mod arp;
mod checksum;
mod ethernet;
mod ipv4;

pub use arp::{Arp, Operation};
pub use checksum::{Sum, checksum};
pub use ethernet::{ETHERTYPE_ARP, Mac, ParseMacError};
pub use ipv4::{Ipv4Header, Ipv4Packet};

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
    /// The version field of an IP header is not 4.
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
        }
    }
}

impl std::error::Error for Error {}
