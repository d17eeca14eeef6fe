//! `virtual_ipaddress`, `virtual_ipaddress_excluded`, `static_ipaddress`.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// An address family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Family {
    /// IPv4.
    #[default]
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }

    /// Bits of an address: 32 or 128.
    pub fn bits(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }

    /// `IPv4` or `IPv6`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "IPv4",
            Self::Ipv6 => "IPv6",
        }
    }
}

/// An address with the number of its bits that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prefix {
    /// The address, host bits as written.
    pub address: IpAddr,
    /// 0 to 32 or 128.
    pub length: u8,
}

/// How long an address is preferred (RFC 4862 §5.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Lifetime {
    /// For ever.
    Forever,
    /// So many seconds; 0 makes the address deprecated: it answers but is no source of new connections.
    Seconds(u32),
}

/// An address of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Prefix length; 32 or 128 when not written or with `peer`.
    pub prefix: u8,
    /// `peer`: the other end of a point-to-point address.
    pub peer: Option<IpAddr>,
    /// `brd`: the address, computed for `+` and `-`.
    pub broadcast: Option<IpAddr>,
    /// `dev`; the interface of the instance when absent.
    pub dev: Option<String>,
    /// `scope` as a kernel number (global 0, site 200, link 253, host 254); 0 for IPv6.
    pub scope: u8,
    /// `label`; never for IPv6.
    pub label: Option<String>,
    /// `home`: Mobile IPv6 home address (RFC 6275).
    pub home: bool,
    /// `-nodad`: duplicates are looked for before use (RFC 4862 §5.4), which virtual addresses do without.
    pub duplicate_detection: bool,
    /// `mngtmpaddr`: template for temporary addresses (RFC 4941).
    pub manage_temporary: bool,
    /// `noprefixroute`: the kernel makes no route for the prefix.
    pub no_prefix_route: bool,
    /// `autojoin`: the kernel joins this multicast group.
    pub autojoin: bool,
    /// `preferred_lft`; when absent for ever, but 0 for an IPv6 /128.
    pub preferred: Lifetime,
    /// `no_track`: its loss is no loss of the instance, and it is put back at the next takeover only.
    pub no_track: bool,
    /// `use_vmac` of a virtual address: on a VMAC although the instance has none, or another one.
    pub use_vmac: bool,
    /// `track_group` of a static address: a fault here is one of the group's instances.
    pub track_group: Option<String>,
}

impl VirtualAddress {
    /// An address without any option.
    pub fn new(address: IpAddr, prefix: u8) -> Self {
        let deprecated = address.is_ipv6() && prefix == 128;
        Self {
            address,
            prefix,
            peer: None,
            broadcast: None,
            dev: None,
            scope: 0,
            label: None,
            home: false,
            duplicate_detection: false,
            manage_temporary: false,
            no_prefix_route: false,
            autojoin: false,
            preferred: if deprecated { Lifetime::Seconds(0) } else { Lifetime::Forever },
            no_track: false,
            use_vmac: false,
            track_group: None,
        }
    }
}
