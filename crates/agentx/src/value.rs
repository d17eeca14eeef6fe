//! Values of objects.

use crate::Oid;
use std::net::{IpAddr, Ipv4Addr};

/// The value of an object, or why there is none. RFC 2741 §5.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// INTEGER
    Integer(i32),
    /// OCTET STRING
    Octets(Vec<u8>),
    /// NULL, as in requests
    Null,
    /// OBJECT IDENTIFIER
    ObjectId(Oid),
    /// IpAddress
    IpAddress(Ipv4Addr),
    /// Counter32
    Counter32(u32),
    /// Gauge32, which Unsigned32 is too
    Gauge32(u32),
    /// TimeTicks: hundredths of a second
    TimeTicks(u32),
    /// Opaque
    Opaque(Vec<u8>),
    /// Counter64
    Counter64(u64),
    /// No object is of this kind.
    NoSuchObject,
    /// There is none of this kind with this index.
    NoSuchInstance,
    /// Nothing comes after it.
    EndOfMibView,
}

impl Value {
    /// A text.
    pub fn text(text: &str) -> Self {
        Self::Octets(text.as_bytes().to_vec())
    }

    /// TruthValue of RFC 2579: true is 1, false is 2.
    pub fn truth(value: bool) -> Self {
        Self::Integer(if value { 1 } else { 2 })
    }

    /// InetAddressType of RFC 4001: IPv4 is 1, IPv6 is 2.
    pub fn address_type(is_ipv6: bool) -> Self {
        Self::Integer(if is_ipv6 { 2 } else { 1 })
    }

    /// InetAddress of RFC 4001: its bytes.
    pub fn address(address: IpAddr) -> Self {
        Self::Octets(match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        })
    }
}
