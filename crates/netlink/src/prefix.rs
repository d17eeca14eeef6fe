//! Prefixes of addresses.

use netlink_packet_route::AddressFamily;
use std::fmt;
use std::net::IpAddr;

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// The address.
    pub address: IpAddr,
    /// Bits, 0 to 32 or 128.
    pub length: u8,
}

impl Prefix {
    /// The whole address.
    pub fn host(address: IpAddr) -> Self {
        Self { address, length: if address.is_ipv6() { 128 } else { 32 } }
    }

    pub(crate) fn family(&self) -> AddressFamily {
        family(self.address)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

pub(crate) fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet }
}
