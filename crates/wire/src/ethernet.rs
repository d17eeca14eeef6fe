//! Ethernet addresses and the 14-byte frame header.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The EtherType of ARP.
pub const ETHERTYPE_ARP: u16 = 0x0806;

/// The EtherType of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86dd;

/// A 48-bit hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// ff:ff:ff:ff:ff:ff, every station.
    pub const BROADCAST: Mac = Mac([0xff; 6]);

    /// Takes the address from the bytes a kernel gives, `None` unless there are exactly six.
    pub fn from_slice(bytes: &[u8]) -> Option<Mac> {
        bytes.try_into().ok().map(Mac)
    }

    /// The Ethernet group of an IPv6 group, RFC 2464 §7.
    pub fn multicast_v6(group: Ipv6Addr) -> Mac {
        let [.., a, b, c, d] = group.octets();
        Mac([0x33, 0x33, a, b, c, d])
    }

    /// The address of a virtual router, RFC 9568 §7.3 (RFC 3768 §7.3): 00-00-5E-00-01-VRID for IPv4,
    /// 00-00-5E-00-02-VRID for IPv6.
    pub fn virtual_router(vrid: u8, ipv6: bool) -> Mac {
        Mac([0, 0, 0x5e, 0, if ipv6 { 2 } else { 1 }, vrid])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// The text is not six hexadecimal bytes joined by colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseMacError;

impl fmt::Display for ParseMacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a hardware address is six hexadecimal bytes joined by colons")
    }
}

impl std::error::Error for ParseMacError {}

impl FromStr for Mac {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, ParseMacError> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2).ok_or(ParseMacError)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| ParseMacError)?;
        }
        if parts.next().is_some() { Err(ParseMacError) } else { Ok(Mac(bytes)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        let mac: Mac = "02:00:5e:00:01:3d".parse().unwrap();
        assert_eq!(mac, Mac([2, 0, 0x5e, 0, 1, 0x3d]));
        assert_eq!(mac.to_string(), "02:00:5e:00:01:3d");
        for bad in ["", "02:00:5e:00:01", "02:00:5e:00:01:3d:00", "2:0:5e:0:1:3d", "02:00:5e:00:01:zz"] {
            assert_eq!(bad.parse::<Mac>(), Err(ParseMacError), "{bad}");
        }
    }
}
