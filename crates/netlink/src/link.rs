//! Links as they are: `ip-link(8)`, `linux/if_link.h`.

use netlink_packet_route::link::{
    InfoData, InfoMacVlan, InfoVrf, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
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
    /// Whether the layer below is there: `IFF_LOWER_UP`, the carrier.
    pub carrier: bool,
    /// Whether ARP is not spoken on it (`IFF_NOARP`).
    pub no_arp: bool,
    /// Whether packets to groups can be sent from it (`IFF_MULTICAST`).
    pub multicast: bool,
    /// Whether it is the loopback interface (`IFF_LOOPBACK`).
    pub loopback: bool,
    /// What it is when it is not hardware: `macvlan`, `ipvlan`, `bond`, `bridge`, `vrf`, `veth`, …
    pub kind: Option<String>,
    /// Index of the link it lies on (`IFLA_LINK`), in this namespace.
    pub parent: Option<u32>,
    /// Whether the link it lies on is in another namespace; its index says nothing here.
    pub parent_elsewhere: bool,
    /// Index of the bridge, bond or VRF that it belongs to.
    pub master: Option<u32>,
    /// The mode of a macvlan.
    pub macvlan: Option<MacvlanMode>,
    /// Largest packet, in bytes.
    pub mtu: u32,
    /// Group, for firewalls; 0 is the default.
    pub group: u32,
    /// The routing table of a VRF.
    pub vrf_table: Option<u32>,
}

impl Link {
    /// Whether packets can pass.
    pub fn is_usable(&self) -> bool {
        self.up && self.running
    }
}

/// Whom a macvlan hears beside the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MacvlanMode {
    /// None of the others on the same link. As keepalived makes them.
    Private,
    /// The others, through a switch that sends back.
    Vepa,
    /// The others, directly.
    Bridge,
}

impl MacvlanMode {
    pub(crate) fn number(self) -> MacVlanMode {
        match self {
            MacvlanMode::Private => MacVlanMode::Private,
            MacvlanMode::Vepa => MacVlanMode::Vepa,
            MacvlanMode::Bridge => MacVlanMode::Bridge,
        }
    }

    fn of(number: MacVlanMode) -> Option<Self> {
        [MacvlanMode::Private, MacvlanMode::Vepa, MacvlanMode::Bridge]
            .into_iter()
            .find(|mode| mode.number() == number)
    }
}

/// What we keep of a link; `None` for one without a name.
pub(crate) fn read(message: &LinkMessage) -> Option<Link> {
    let flags = message.header.flags;
    let mut link = Link {
        index: message.header.index,
        up: flags.contains(LinkFlags::Up),
        running: flags.contains(LinkFlags::Running),
        carrier: flags.contains(LinkFlags::LowerUp),
        no_arp: flags.contains(LinkFlags::Noarp),
        multicast: flags.contains(LinkFlags::Multicast),
        loopback: flags.contains(LinkFlags::Loopback),
        ..Link::default()
    };
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(name) => link.name.clone_from(name),
            LinkAttribute::Address(bytes) => link.mac = Mac::from_slice(bytes),
            // A veth whose peer is elsewhere and a macvlan alike; 0 is none, as of a tunnel.
            LinkAttribute::Link(parent) => link.parent = Some(*parent).filter(|parent| *parent != 0),
            LinkAttribute::LinkNetNsId(_) => link.parent_elsewhere = true,
            LinkAttribute::Controller(master) => link.master = Some(*master),
            LinkAttribute::Mtu(mtu) => link.mtu = *mtu,
            LinkAttribute::Group(group) => link.group = *group,
            LinkAttribute::LinkInfo(info) => read_info(info, &mut link),
            _ => {}
        }
    }
    if link.parent_elsewhere {
        link.parent = None;
    }
    (!link.name.is_empty()).then_some(link)
}

fn read_info(info: &[LinkInfo], link: &mut Link) {
    for info in info {
        match info {
            LinkInfo::Kind(kind) => link.kind = Some(kind.to_string()),
            LinkInfo::Data(InfoData::MacVlan(data)) => {
                link.macvlan = data.iter().find_map(|data| match data {
                    InfoMacVlan::Mode(mode) => MacvlanMode::of(*mode),
                    _ => None,
                });
            }
            LinkInfo::Data(InfoData::Vrf(data)) => {
                link.vrf_table = data.iter().find_map(|data| match data {
                    InfoVrf::TableId(table) => Some(*table),
                    _ => None,
                });
            }
            _ => {}
        }
    }
}
