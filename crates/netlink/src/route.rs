//! Routes: `ip-route(8)`, `linux/rtnetlink.h`.

use crate::item::{Item, sealed};
use crate::prefix::{Prefix, family};
use crate::route_parts::{Encap, Metric};
use netlink_packet_core::{NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteMplsTtlPropagation, RouteNextHop,
    RouteNextHopFlags, RoutePreference, RouteRealm, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The table `main`.
pub const TABLE_MAIN: u32 = 254;
/// The protocol number of routes and rules that keepalived makes (`RTPROT_KEEPALIVED`).
pub const PROTOCOL_KEEPALIVED: u8 = 18;
/// What the kernel gives an IPv6 route without a metric.
const METRIC_V6: u32 = 1024;
/// No scope: any, of a route to be deleted.
const NOWHERE: u8 = 255;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads; length 0 is the default route.
    pub destination: Prefix,
    /// Only for packets from there; IPv6 (`from`).
    pub from: Option<Prefix>,
    /// What becomes of packets.
    pub kind: RouteKind,
    /// By which ways: none for a blackhole and its like, one, or several to spread over.
    pub hops: Vec<NextHop>,
    /// Number of the table; 254 is `main`.
    pub table: u32,
    /// The smaller comes first.
    pub metric: Option<u32>,
    /// Scope as the kernel's number: 0 global, 200 site, 253 link, 254 host; what `ip-route` would
    /// choose when absent.
    pub scope: Option<u8>,
    /// The source address that is preferred (`src`).
    pub source: Option<IpAddr>,
    /// Type of service.
    pub tos: u8,
    /// Who made it, as the kernel's number; 18 is keepalived.
    pub protocol: u8,
    /// Realms of IPv4, from and to.
    pub realms: Option<(u16, u16)>,
    /// Properties of the way for TCP and others.
    pub metrics: Vec<Metric>,
    /// The router preference of RFC 4191; IPv6.
    pub preference: Option<Preference>,
    /// Seconds until it goes; IPv6.
    pub expires: Option<u32>,
    /// Whether the time to live goes from IP to MPLS.
    pub ttl_propagate: Option<bool>,
}

/// What becomes of packets that a route takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteKind {
    /// They go on.
    #[default]
    Unicast,
    /// They are for this host.
    Local,
    /// They go to all on the link.
    Broadcast,
    /// They are for this host and others.
    Anycast,
    /// They go to a group.
    Multicast,
    /// They are dropped.
    Blackhole,
    /// They are refused: host unreachable.
    Unreachable,
    /// They are refused: forbidden.
    Prohibit,
    /// The next rule decides.
    Throw,
}

impl RouteKind {
    fn number(self) -> RouteType {
        match self {
            RouteKind::Unicast => RouteType::Unicast,
            RouteKind::Local => RouteType::Local,
            RouteKind::Broadcast => RouteType::Broadcast,
            RouteKind::Anycast => RouteType::Anycast,
            RouteKind::Multicast => RouteType::Multicast,
            RouteKind::Blackhole => RouteType::BlackHole,
            RouteKind::Unreachable => RouteType::Unreachable,
            RouteKind::Prohibit => RouteType::Prohibit,
            RouteKind::Throw => RouteType::Throw,
        }
    }

    fn of(number: RouteType) -> Option<Self> {
        use RouteKind::{
            Anycast, Blackhole, Broadcast, Local, Multicast, Prohibit, Throw, Unicast, Unreachable,
        };
        [Unicast, Local, Broadcast, Anycast, Multicast, Blackhole, Unreachable, Prohibit, Throw]
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// Router preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preference {
    /// Low.
    Low,
    /// Medium, the default.
    Medium,
    /// High.
    High,
}

/// One way of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextHop {
    /// The neighbour that takes the packets; of the other family too.
    pub gateway: Option<IpAddr>,
    /// Index of the link.
    pub link: Option<u32>,
    /// Share of this way among several, 1 to 256; 0 counts as 1.
    pub weight: u16,
    /// The gateway is on the link although no prefix there says so.
    pub onlink: bool,
    /// What the packets are wrapped in.
    pub encap: Option<Encap>,
    /// Realms of IPv4, from and to; of one way among several.
    pub realms: Option<(u16, u16)>,
}

/// Where a route goes among those with the same destination, table, metric and type of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// There must be none: `ip route add`.
    Only,
    /// It takes the place of the first.
    Replace,
    /// Behind the others.
    Append,
    /// Before the others.
    Prepend,
}

impl Placement {
    fn flags(self) -> u16 {
        NLM_F_CREATE
            | match self {
                Placement::Only => NLM_F_EXCL,
                Placement::Replace => NLM_F_REPLACE,
                Placement::Append => NLM_F_APPEND,
                Placement::Prepend => 0,
            }
    }
}

/// A route with its place, to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedRoute {
    /// The route.
    pub route: Route,
    /// Where it goes.
    pub placement: Placement,
}

impl Route {
    /// A unicast route in the table `main`, of keepalived's protocol number, that has no way yet.
    pub fn new(destination: Prefix) -> Self {
        Self {
            destination,
            from: None,
            kind: RouteKind::Unicast,
            hops: Vec::new(),
            table: TABLE_MAIN,
            metric: None,
            scope: None,
            source: None,
            tos: 0,
            protocol: PROTOCOL_KEEPALIVED,
            realms: None,
            metrics: Vec::new(),
            preference: None,
            expires: None,
            ttl_propagate: None,
        }
    }

    /// Whether a route that the kernel speaks of is this one: destination, table, metric, type of
    /// service, kind, protocol, and the ways as far as they are named here.
    pub fn is(&self, seen: &Route) -> bool {
        let metric = |route: &Route| {
            route.metric.unwrap_or(if route.destination.address.is_ipv6() { METRIC_V6 } else { 0 })
        };
        let way = |mine: &NextHop, seen: &NextHop| {
            mine.gateway == seen.gateway && (mine.link.is_none() || mine.link == seen.link)
        };
        let ways = match (self.hops.as_slice(), seen.hops.as_slice()) {
            ([], _) => true,
            // The kernel takes ways away one by one, as links go down.
            (mine, [one]) => mine.iter().any(|mine| way(mine, one)),
            (mine, several) => {
                mine.len() == several.len() && mine.iter().zip(several).all(|(mine, seen)| way(mine, seen))
            }
        };
        (self.destination, self.from, self.table, self.tos, self.kind, self.protocol)
            == (seen.destination, seen.from, seen.table, seen.tos, seen.kind, seen.protocol)
            && metric(self) == metric(seen)
            && ways
    }

    /// What `ip-route` chooses: the scope of the nearest thing it leads to.
    fn default_scope(&self) -> u8 {
        if self.destination.address.is_ipv6() {
            return 0;
        }
        match self.kind {
            RouteKind::Local => 254,
            RouteKind::Broadcast | RouteKind::Multicast | RouteKind::Anycast => 253,
            RouteKind::Unicast if self.hops.iter().all(|hop| hop.gateway.is_none()) => 253,
            _ => 0,
        }
    }

    /// The part that is the same for adding and deleting.
    fn message(&self, scope: u8) -> RouteMessage {
        let mut message = RouteMessage::default();
        let header = &mut message.header;
        header.address_family = self.destination.family();
        header.destination_prefix_length = self.destination.length;
        header.tos = self.tos;
        // Larger numbers stand in the attribute alone.
        header.table = u8::try_from(self.table).unwrap_or(0);
        header.protocol = self.protocol.into();
        header.scope = scope.into();
        header.kind = self.kind.number();
        let attributes = &mut message.attributes;
        if self.destination.length > 0 {
            attributes.push(RouteAttribute::Destination(route_address(self.destination.address)));
        }
        if let Some(from) = self.from {
            header.source_prefix_length = from.length;
            attributes.push(RouteAttribute::Source(route_address(from.address)));
        }
        attributes.push(RouteAttribute::Table(self.table));
        attributes.extend(self.metric.map(RouteAttribute::Priority));
        attributes.extend(self.source.map(|source| RouteAttribute::PrefSource(route_address(source))));
        match self.hops.as_slice() {
            [] => {}
            [hop] => {
                if hop.onlink {
                    header.flags |= RouteFlags::Onlink;
                }
                attributes.extend(hop.link.map(RouteAttribute::Oif));
                attributes.extend(hop.attributes(self.destination.family()));
            }
            hops => {
                let hops = hops.iter().map(|hop| hop.one_of_several(self.destination.family()));
                attributes.push(RouteAttribute::MultiPath(hops.collect()));
            }
        }
        message
    }
}

impl NextHop {
    /// The attributes but the link.
    fn attributes(&self, family_of_route: AddressFamily) -> Vec<RouteAttribute> {
        let mut attributes = Vec::new();
        attributes.extend(self.gateway.map(|gateway| match gateway {
            gateway if family(gateway) == family_of_route => RouteAttribute::Gateway(route_address(gateway)),
            IpAddr::V4(gateway) => RouteAttribute::Via(RouteVia::Inet(gateway)),
            IpAddr::V6(gateway) => RouteAttribute::Via(RouteVia::Inet6(gateway)),
        }));
        attributes.extend(self.realms.map(realms));
        if let Some(encap) = &self.encap {
            let (kind, encap) = encap.attributes();
            attributes.push(RouteAttribute::Encap(encap));
            attributes.push(RouteAttribute::EncapType(kind));
        }
        attributes
    }

    fn one_of_several(&self, family: AddressFamily) -> RouteNextHop {
        let mut hop = RouteNextHop::default();
        hop.flags.set(RouteNextHopFlags::Onlink, self.onlink);
        hop.hops = u8::try_from(self.weight.saturating_sub(1)).unwrap_or(u8::MAX);
        hop.interface_index = self.link.unwrap_or(0);
        hop.attributes = self.attributes(family);
        hop
    }
}

impl Item for Route {}

impl sealed::Message for Route {
    // A link, or a source address, takes its routes with it.
    const GONE: &'static [Errno] = &[Errno::SRCH, Errno::NODEV];

    fn addition(&self) -> (RouteNetlinkMessage, u16) {
        let mut message = self.message(self.scope.unwrap_or_else(|| self.default_scope()));
        let attributes = &mut message.attributes;
        attributes.extend(self.realms.map(realms));
        if !self.metrics.is_empty() {
            attributes.push(RouteAttribute::Metrics(Metric::attributes(&self.metrics)));
        }
        attributes.extend(self.preference.map(|preference| {
            RouteAttribute::Preference(match preference {
                Preference::Low => RoutePreference::Low,
                Preference::Medium => RoutePreference::Medium,
                Preference::High => RoutePreference::High,
            })
        }));
        attributes.extend(self.expires.map(RouteAttribute::Expires));
        attributes.extend(self.ttl_propagate.map(|propagate| {
            RouteAttribute::TtlPropagate(RouteMplsTtlPropagation::from(u8::from(propagate)))
        }));
        (RouteNetlinkMessage::NewRoute(message), Placement::Only.flags())
    }

    fn deletion(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelRoute(self.message(self.scope.unwrap_or(NOWHERE)))
    }
}

impl Item for PlacedRoute {}

impl sealed::Message for PlacedRoute {
    const GONE: &'static [Errno] = Route::GONE;

    fn addition(&self) -> (RouteNetlinkMessage, u16) {
        (self.route.addition().0, self.placement.flags())
    }

    fn deletion(&self) -> RouteNetlinkMessage {
        self.route.deletion()
    }
}

fn route_address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}

fn realms((source, destination): (u16, u16)) -> RouteAttribute {
    RouteAttribute::Realm(RouteRealm { source, destination })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

/// What we keep of a route, without its metrics and encapsulation; `None` for one of another family.
pub(crate) fn read(message: &RouteMessage) -> Option<Route> {
    let header = &message.header;
    let unspecified = match header.address_family {
        AddressFamily::Inet => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        AddressFamily::Inet6 => IpAddr::from(Ipv6Addr::UNSPECIFIED),
        _ => return None,
    };
    let mut route = Route::new(Prefix { address: unspecified, length: header.destination_prefix_length });
    route.kind = RouteKind::of(header.kind)?;
    route.table = header.table.into();
    route.scope = Some(header.scope.into());
    route.tos = header.tos;
    route.protocol = header.protocol.into();
    let mut hop = read_hop(&message.attributes);
    hop.onlink = header.flags.contains(RouteFlags::Onlink);
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(address) => route.destination.address = ip(address)?,
            RouteAttribute::Source(address) => {
                route.from = Some(Prefix { address: ip(address)?, length: header.source_prefix_length });
            }
            RouteAttribute::Table(table) => route.table = *table,
            RouteAttribute::Priority(metric) => route.metric = Some(*metric),
            RouteAttribute::PrefSource(address) => route.source = ip(address),
            RouteAttribute::Oif(link) => hop.link = Some(*link),
            RouteAttribute::MultiPath(hops) => {
                route.hops = hops.iter().map(read_one_of_several).collect();
            }
            _ => {}
        }
    }
    if hop.gateway.is_some() || hop.link.is_some() {
        route.hops.push(hop);
    }
    Some(route)
}

fn read_hop(attributes: &[RouteAttribute]) -> NextHop {
    let mut hop = NextHop { weight: 1, ..NextHop::default() };
    for attribute in attributes {
        match attribute {
            RouteAttribute::Gateway(address) => hop.gateway = ip(address),
            RouteAttribute::Via(RouteVia::Inet(address)) => hop.gateway = Some((*address).into()),
            RouteAttribute::Via(RouteVia::Inet6(address)) => hop.gateway = Some((*address).into()),
            RouteAttribute::Realm(realm) => hop.realms = Some((realm.source, realm.destination)),
            _ => {}
        }
    }
    hop
}

fn read_one_of_several(hop: &RouteNextHop) -> NextHop {
    NextHop {
        link: Some(hop.interface_index).filter(|link| *link != 0),
        weight: u16::from(hop.hops) + 1,
        onlink: hop.flags.contains(RouteNextHopFlags::Onlink),
        ..read_hop(&hop.attributes)
    }
}
