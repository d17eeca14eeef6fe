//! Links to be made and changed: what `use_vmac`, `use_ipvlan` and `vrf` need of `ip-link(8)`.

use crate::item::{Item, sealed};
use crate::{Link, MacvlanMode};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{
    AfSpecInet6, AfSpecUnspec, In6AddrGenMode, InfoData, InfoIpVlan, InfoKind, InfoMacVlan, IpVlanFlags,
    IpVlanMode, LinkAttribute, LinkFlags, LinkInfo, LinkMessage,
};
use rustix::io::Errno;
use wire::Mac;

/// What to make of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// An interface with an Ethernet address of its own on another one.
    Macvlan(MacvlanMode),
    /// An interface with the Ethernet address of another one, in its layer 2 mode.
    Ipvlan(IpvlanFlag),
}

impl LinkKind {
    /// Its name as `ip link` has it.
    pub fn name(self) -> &'static str {
        match self {
            LinkKind::Macvlan(_) => "macvlan",
            LinkKind::Ipvlan(_) => "ipvlan",
        }
    }
}

/// Whom an ipvlan hears beside the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpvlanFlag {
    /// The others on the same link.
    Bridge,
    /// None of them.
    Private,
    /// Them, through a switch that sends back.
    Vepa,
}

/// A link to be made. It is made down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// Its name, 1 to 15 bytes.
    pub name: String,
    /// Index of the link it lies on.
    pub parent: u32,
    /// What it is.
    pub kind: LinkKind,
    /// Its Ethernet address; for a macvlan a random one when absent.
    pub mac: Option<Mac>,
    /// Index of the VRF or bridge that it belongs to.
    pub master: Option<u32>,
    /// Group, for firewalls; 0 is the default.
    pub group: u32,
}

impl NewLink {
    /// Whether an existing link is already what this one is to be, so that it can be adopted.
    pub(crate) fn is(&self, link: &Link) -> bool {
        let mode = match self.kind {
            LinkKind::Macvlan(mode) => link.macvlan == Some(mode),
            LinkKind::Ipvlan(_) => true,
        };
        mode && link.kind.as_deref() == Some(self.kind.name())
            && link.parent == Some(self.parent)
            && self.mac.is_none_or(|mac| link.mac == Some(mac))
    }
}

impl Item for NewLink {}

impl sealed::Message for NewLink {
    const GONE: &'static [Errno] = &[Errno::NODEV];

    fn addition(&self) -> (RouteNetlinkMessage, u16) {
        let mut message = LinkMessage::default();
        let (kind, data) = match self.kind {
            LinkKind::Macvlan(mode) => {
                (InfoKind::MacVlan, InfoData::MacVlan(vec![InfoMacVlan::Mode(mode.number())]))
            }
            LinkKind::Ipvlan(flag) => {
                // linux/if_link.h: IPVLAN_F_PRIVATE and IPVLAN_F_VEPA.
                let flags = match flag {
                    IpvlanFlag::Bridge => 0,
                    IpvlanFlag::Private => 1,
                    IpvlanFlag::Vepa => 2,
                };
                let flags = InfoIpVlan::Flags(IpVlanFlags::from_bits_retain(flags));
                (InfoKind::IpVlan, InfoData::IpVlan(vec![InfoIpVlan::Mode(IpVlanMode::L2), flags]))
            }
        };
        let attributes = &mut message.attributes;
        attributes.push(LinkAttribute::IfName(self.name.clone()));
        attributes.push(LinkAttribute::Link(self.parent));
        attributes.extend(self.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        attributes.extend(self.master.map(LinkAttribute::Controller));
        attributes.push(LinkAttribute::Group(self.group));
        attributes.push(LinkAttribute::LinkInfo(vec![LinkInfo::Kind(kind), LinkInfo::Data(data)]));
        (RouteNetlinkMessage::NewLink(message), NLM_F_CREATE | NLM_F_EXCL)
    }

    fn deletion(&self) -> RouteNetlinkMessage {
        let mut message = LinkMessage::default();
        message.attributes.push(LinkAttribute::IfName(self.name.clone()));
        RouteNetlinkMessage::DelLink(message)
    }
}

/// What to change of a link; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkChange {
    /// Switch it on or off.
    pub up: Option<bool>,
    /// Its Ethernet address.
    pub mac: Option<Mac>,
    /// Index of the VRF, bridge or bond that it is to belong to; 0 for none.
    pub master: Option<u32>,
    /// Its group.
    pub group: Option<u32>,
    /// Keeps IPv6 from giving it a link-local address made of its Ethernet address (`addrgenmode
    /// none`; RFC 5798 §7.4 forbids one of the virtual router's). To be asked for before it goes up.
    pub no_link_local: bool,
}

impl LinkChange {
    pub(crate) fn request(&self, index: u32) -> RouteNetlinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = index;
        if let Some(up) = self.up {
            message.header.change_mask = LinkFlags::Up;
            message.header.flags.set(LinkFlags::Up, up);
        }
        let attributes = &mut message.attributes;
        attributes.extend(self.mac.map(|mac| LinkAttribute::Address(mac.0.to_vec())));
        attributes.extend(self.master.map(LinkAttribute::Controller));
        attributes.extend(self.group.map(LinkAttribute::Group));
        if self.no_link_local {
            let mode = AfSpecInet6::AddrGenMode(In6AddrGenMode::None);
            attributes.push(LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet6(vec![mode])]));
        }
        RouteNetlinkMessage::SetLink(message)
    }
}

/// The request that deletes a link.
pub(crate) fn deletion(index: u32) -> RouteNetlinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    RouteNetlinkMessage::DelLink(message)
}
