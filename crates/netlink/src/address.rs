//! Addresses: `ip-address(8)`, `linux/if_addr.h`.

use crate::item::{Item, sealed};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, CacheInfo,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv4Addr};

/// A lifetime without an end.
const FOREVER: u32 = u32::MAX;

/// An address on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Index of the interface.
    pub link: u32,
    /// The local address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// Whether another address of the same subnet came before it. Of IPv6, whether it is temporary.
    pub secondary: bool,
    /// The other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// Scope as the kernel's number: 0 global, 200 site, 253 link, 254 host.
    pub scope: u8,
    /// Label of an IPv4 address.
    pub label: Option<String>,
    /// Whether duplicate address detection still runs, or has failed: it cannot be used to send from.
    pub tentative: bool,
    /// Whether its preferred lifetime is over.
    pub deprecated: bool,
}

impl Address {
    /// A primary global address.
    pub fn new(link: u32, address: IpAddr, prefix: u8) -> Self {
        Self {
            link,
            address,
            prefix,
            secondary: false,
            peer: None,
            scope: 0,
            label: None,
            tentative: false,
            deprecated: false,
        }
    }
}

/// An address to be added or deleted. For deleting, only link, address, prefix and peer count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAddress {
    /// Index of the interface.
    pub link: u32,
    /// The address.
    pub address: IpAddr,
    /// Prefix length.
    pub prefix: u8,
    /// Broadcast address of IPv4.
    pub broadcast: Option<Ipv4Addr>,
    /// Scope as the kernel's number: 0 global, 200 site, 253 link, 254 host. IPv6 has its own.
    pub scope: u8,
    /// Label of an IPv4 address, at most 15 bytes.
    pub label: Option<String>,
    /// The other end of a point-to-point link.
    pub peer: Option<IpAddr>,
    /// No duplicate address detection of IPv6.
    pub nodad: bool,
    /// Home address of mobile IPv6 (RFC 6275).
    pub home: bool,
    /// Temporary addresses are made from this one (RFC 8981); IPv6, prefix 64.
    pub mngtmpaddr: bool,
    /// No route to the prefix is made.
    pub noprefixroute: bool,
    /// A multicast address to be joined.
    pub autojoin: bool,
    /// Seconds for which it is preferred as a source; always when absent, never when 0.
    pub preferred: Option<u32>,
}

impl NewAddress {
    /// A global address with nothing special, but that an IPv6 address answers at once: no duplicate
    /// address detection, as a virtual address wants it.
    pub fn new(link: u32, address: IpAddr, prefix: u8) -> Self {
        Self {
            link,
            address,
            prefix,
            broadcast: None,
            scope: 0,
            label: None,
            peer: None,
            nodad: address.is_ipv6(),
            home: false,
            mngtmpaddr: false,
            noprefixroute: false,
            autojoin: false,
            preferred: None,
        }
    }

    fn flags(&self) -> AddressFlags {
        let mut flags = AddressFlags::empty();
        flags.set(AddressFlags::Nodad, self.nodad && self.address.is_ipv6());
        flags.set(AddressFlags::Homeaddress, self.home);
        flags.set(AddressFlags::Managetempaddr, self.mngtmpaddr);
        flags.set(AddressFlags::Noprefixroute, self.noprefixroute);
        flags.set(AddressFlags::Mcautojoin, self.autojoin);
        flags
    }

    /// What names the address: enough to delete it.
    fn name(&self) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.family = match self.address {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        message.header.prefix_len = self.prefix;
        message.header.index = self.link;
        message.attributes.push(AddressAttribute::Local(self.address));
        message.attributes.push(AddressAttribute::Address(self.peer.unwrap_or(self.address)));
        message
    }
}

impl Item for NewAddress {}

impl sealed::Message for NewAddress {
    // The link takes its addresses with it.
    const GONE: &'static [Errno] = &[Errno::ADDRNOTAVAIL, Errno::NODEV];

    fn addition(&self) -> (RouteNetlinkMessage, u16) {
        let mut message = self.name();
        message.header.scope = self.scope.into();
        let attributes = &mut message.attributes;
        attributes.extend(self.broadcast.map(AddressAttribute::Broadcast));
        attributes.extend(self.label.clone().map(AddressAttribute::Label));
        let flags = self.flags();
        if !flags.is_empty() {
            attributes.push(AddressAttribute::Flags(flags));
        }
        if let Some(preferred) = self.preferred {
            let mut lifetimes = CacheInfo::default();
            lifetimes.ifa_preferred = preferred;
            lifetimes.ifa_valid = FOREVER;
            attributes.push(AddressAttribute::CacheInfo(lifetimes));
        }
        (RouteNetlinkMessage::NewAddress(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    fn deletion(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelAddress(self.name())
    }
}

/// What we keep of an address. The local address of a point-to-point link is the one in `Local`.
pub(crate) fn read(message: &AddressMessage) -> Option<Address> {
    let mut local = None;
    let mut other = None;
    let mut label = None;
    let mut flags = AddressFlags::from_bits_retain(message.header.flags.bits().into());
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(*address),
            AddressAttribute::Address(address) => other = Some(*address),
            AddressAttribute::Label(text) => label = Some(text.clone()),
            AddressAttribute::Flags(all) => flags = *all,
            _ => {}
        }
    }
    Some(Address {
        link: message.header.index,
        address: local.or(other)?,
        prefix: message.header.prefix_len,
        secondary: message.header.flags.contains(AddressHeaderFlags::Secondary),
        peer: other.filter(|_| local.is_some() && local != other),
        scope: message.header.scope.into(),
        label,
        tentative: flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed)
            && !flags.contains(AddressFlags::Optimistic),
        deprecated: flags.contains(AddressFlags::Deprecated),
    })
}
