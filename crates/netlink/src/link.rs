//! Links: `ip-link(8)`.

use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use wire::Mac;

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its index; another one after it was removed and made again.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// Its Ethernet address, if it has one.
    pub mac: Option<Mac>,
    /// Switched on by the administrator (`IFF_UP`).
    pub up: bool,
    /// Operational: up and with a carrier (`IFF_RUNNING`).
    pub running: bool,
    /// Whether ARP is not spoken on it (`IFF_NOARP`).
    pub no_arp: bool,
}

impl Link {
    /// Whether packets can pass.
    pub fn is_usable(&self) -> bool {
        self.up && self.running
    }
}

/// What we keep of a link; `None` for one without a name.
pub(crate) fn read(message: &LinkMessage) -> Option<Link> {
    let mut name = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(found) => name = Some(found.clone()),
            LinkAttribute::Address(bytes) => mac = Mac::from_slice(bytes),
            _ => {}
        }
    }
    let flags = message.header.flags;
    Some(Link {
        index: message.header.index,
        name: name?,
        mac,
        up: flags.contains(LinkFlags::Up),
        running: flags.contains(LinkFlags::Running),
        no_arp: flags.contains(LinkFlags::Noarp),
    })
}
