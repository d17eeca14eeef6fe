//! KEEPALIVED-MIB: vrrpRouteTable and vrrpRouteNextHopTable.

use super::{
    Facts, address, address_type, column, counter64, gauge, integer, is_set, keepalived_vrrp, network, scope,
    text, truth,
};
use agentx::{Column, Table, Tree, Value};
use keepalived_conf::model::{
    Encapsulation, Family, NextHop, Route, RouteKind, RouteMetric, RouteMetrics, RoutingTable,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

#[derive(Clone, Copy)]
struct Row<'a> {
    facts: Facts<'a>,
    config: &'a Route,
    set: bool,
}

struct Hop<'a> {
    facts: Facts<'a>,
    config: &'a NextHop,
}

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let rows: Vec<(u32, u32, Row<'_>)> = rows(facts).collect();
    let numbered = || rows.iter().map(|(instance, route, row)| (vec![*instance, *route], *row));
    let base = keepalived_vrrp();
    let route = Table::<Row<'_>> {
        entry: &[7, 1],
        columns: &[
            column(2, |r| address_type(everything(r.config.family))),
            column(3, |r| r.config.destination.map_or_else(|| address(everything(r.config.family)), network)),
            column(4, |r| gauge(r.config.destination.map_or(0, |prefix| prefix.length))),
            column(5, |r| address(r.config.via?)),
            column(6, secondary_gateway),
            column(7, |r| address(r.config.preferred_source?)),
            column(8, |r| gauge(r.config.metric.unwrap_or_default())),
            column(9, |r| scope(r.config.scope)),
            column(10, |r| integer(kind(r.config))),
            column(11, |r| r.facts.index(r.config.dev.as_deref()?)),
            column(12, |r| text(r.config.dev.as_deref()?)),
            column(13, |r| match &r.config.table {
                RoutingTable::Number(number) => gauge(*number),
                RoutingTable::Vrf(name) => gauge(r.facts.link(name)?.table?),
            }),
            column(14, |r| truth(r.set)),
            column(15, |r| network(r.config.from?)),
            column(16, |r| gauge(r.config.from?.length)),
            column(17, |r| gauge(r.config.tos?)),
            // Nobody's without `protocol` beside `no_track`.
            column(18, |r| integer(i32::from(r.config.protocol?) + 1)),
            column(21, |r| integer(r.config.expires?)),
            column(43, |r| {
                integer(match r.config.preference? {
                    3 => 1,
                    1 => 3,
                    _ => 2,
                })
            }),
            column(44, |r| realm(r.config.realms)),
            column(45, |r| source_realm(r.config.realms)),
        ],
    };
    route.fill(&base, numbered(), tree);
    let metrics = Table::<Row<'_>> { entry: &[7, 1], columns: &metrics() };
    metrics.fill(&base, numbered(), tree);
    let encapsulation = Table { entry: &[7, 1], columns: &encapsulation(46) };
    let encapsulated = rows.iter().filter_map(|(instance, route, row)| {
        Some((vec![*instance, *route], row.config.encapsulation.as_ref()?))
    });
    encapsulation.fill(&base, encapsulated, tree);
    hops(&rows, tree);
}

fn rows(facts: Facts<'_>) -> impl Iterator<Item = (u32, u32, Row<'_>)> {
    let fixed = (1..).zip(&facts.config().static_routes);
    let fixed = fixed.map(move |(number, config)| {
        let set = is_set(&facts.state.surroundings.routes, number);
        (0, number, Row { facts, config, set })
    });
    fixed.chain((1..).zip(facts.instances()).flat_map(move |(number, instance)| {
        let routes = (1..).zip(&instance.config.routes);
        routes.map(move |(at, config)| {
            let set = instance.status.is_some_and(|status| is_set(&status.routes, at));
            (number, at, Row { facts, config, set })
        })
    }))
}

fn hops(rows: &[(u32, u32, Row<'_>)], tree: &mut Tree) {
    let base = keepalived_vrrp();
    let table = Table::<Hop<'_>> {
        entry: &[11, 1],
        columns: &[
            column(2, |h| address_type(h.config.via?)),
            column(3, |h| address(h.config.via?)),
            column(4, |h| h.facts.index(h.config.dev.as_deref()?)),
            column(5, |h| text(h.config.dev.as_deref()?)),
            column(6, |h| gauge(h.config.weight?)),
            column(7, |h| truth(h.config.onlink)),
            column(8, |h| realm(h.config.realms)),
            column(9, |h| source_realm(h.config.realms)),
        ],
    };
    let encapsulation = Table { entry: &[11, 1], columns: &encapsulation(10) };
    for (instance, route, row) in rows {
        for (number, config) in (1..).zip(&row.config.next_hops) {
            let index = vec![*instance, *route, number];
            if let Some(tunnel) = &config.encapsulation {
                encapsulation.fill(&base, [(index.clone(), tunnel)], tree);
            }
            table.fill(&base, [(index, Hop { facts: row.facts, config })], tree);
        }
    }
}

/// The destination of a default route.
fn everything(family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::Ipv6 => Ipv6Addr::UNSPECIFIED.into(),
    }
}

/// The only next hop, if it is reached without a tunnel.
fn secondary_gateway(row: &Row<'_>) -> Option<Value> {
    match &row.config.next_hops[..] {
        [hop] if hop.encapsulation.is_none() => address(hop.via?),
        _ => None,
    }
}

/// vrrpRouteType.
fn kind(route: &Route) -> i32 {
    match route.kind {
        _ if !route.next_hops.is_empty() => 2,
        RouteKind::Unicast | RouteKind::Local => 1,
        RouteKind::Blackhole => 3,
        RouteKind::Anycast => 4,
        RouteKind::Multicast => 5,
        RouteKind::Broadcast => 6,
        RouteKind::Unreachable => 7,
        RouteKind::Prohibit => 8,
        RouteKind::Throw => 9,
        RouteKind::Nat => 10,
        RouteKind::Xresolve => 11,
    }
}

fn realm(realms: Option<u32>) -> Option<Value> {
    gauge(realms.filter(|realms| *realms != 0)? & 0xffff)
}

fn source_realm(realms: Option<u32>) -> Option<Value> {
    gauge(realms.map(|realms| realms >> 16).filter(|realm| *realm != 0)?)
}

/// What `ip route` has as `mtu`, `advmss` and so on; times without their fractions.
fn metrics<'a>() -> [Column<Row<'a>>; 24] {
    [
        column(19, |r| truth(r.config.metrics.ecn)),
        column(20, |r| truth(r.config.metrics.quickack == Some(true))),
        column(22, |r| value(r, |m| m.mtu)),
        column(23, |r| locked(r, |m| m.mtu)),
        column(24, |r| gauge(r.config.metrics.hoplimit?)),
        column(25, |r| value(r, |m| m.advmss)),
        column(26, |r| locked(r, |m| m.advmss)),
        column(27, |r| gauge(r.config.metrics.rtt?.value / 8)),
        column(28, |r| locked(r, |m| m.rtt)),
        column(29, |r| gauge(r.config.metrics.rttvar?.value / 4)),
        column(30, |r| locked(r, |m| m.rttvar)),
        column(31, |r| value(r, |m| m.reordering)),
        column(32, |r| locked(r, |m| m.reordering)),
        column(33, |r| gauge(r.config.metrics.window?)),
        column(34, |r| value(r, |m| m.cwnd)),
        column(35, |r| locked(r, |m| m.cwnd)),
        column(36, |r| value(r, |m| m.ssthresh)),
        column(37, |r| locked(r, |m| m.ssthresh)),
        column(38, |r| value(r, |m| m.rto_min)),
        column(39, |r| locked(r, |m| m.rto_min)),
        column(40, |r| gauge(r.config.metrics.initcwnd?)),
        column(41, |r| gauge(r.config.metrics.initrwnd?)),
        column(42, |r| text(&r.config.metrics.congctl.as_ref()?.0)),
        column(55, |r| truth(r.config.metrics.fastopen_no_cookie?)),
    ]
}

fn value(row: &Row<'_>, of: fn(&RouteMetrics) -> Option<RouteMetric>) -> Option<Value> {
    gauge(of(&row.config.metrics)?.value)
}

fn locked(row: &Row<'_>, of: fn(&RouteMetrics) -> Option<RouteMetric>) -> Option<Value> {
    truth(of(&row.config.metrics)?.locked)
}

/// What a tunnel of IPv4 or IPv6 says.
struct Ip {
    id: Option<u64>,
    destination: Option<IpAddr>,
    source: Option<IpAddr>,
    traffic_class: Option<u8>,
    hop_limit: Option<u8>,
    flags: Option<u16>,
}

fn ip(encapsulation: &Encapsulation) -> Option<Ip> {
    match encapsulation {
        Encapsulation::Ip(t) => Some(Ip {
            id: t.id,
            destination: t.destination.map(IpAddr::V4),
            source: t.source.map(IpAddr::V4),
            traffic_class: t.traffic_class,
            hop_limit: t.hop_limit,
            flags: t.flags,
        }),
        Encapsulation::Ip6(t) => Some(Ip {
            id: t.id,
            destination: t.destination.map(IpAddr::V6),
            source: t.source.map(IpAddr::V6),
            traffic_class: t.traffic_class,
            hop_limit: t.hop_limit,
            flags: t.flags,
        }),
        Encapsulation::Mpls(_) | Encapsulation::Ila(_) => None,
    }
}

/// The nine columns on `encap`, which routes and next hops have at different places.
fn encapsulation<'a>(first: u32) -> [Column<&'a Encapsulation>; 9] {
    [
        // LWTUNNEL_ENCAP_* of linux/lwtunnel.h, plus 1.
        column(first, |e| {
            integer(match e {
                Encapsulation::Mpls(_) => 2,
                Encapsulation::Ip(_) => 3,
                Encapsulation::Ila(_) => 4,
                Encapsulation::Ip6(_) => 5,
            })
        }),
        column(first + 1, |e| match e {
            Encapsulation::Mpls(labels) => {
                text(&labels.iter().map(u32::to_string).collect::<Vec<_>>().join("/"))
            }
            _ => None,
        }),
        column(first + 2, |e| counter64(ip(e)?.id?)),
        column(first + 3, |e| address(ip(e)?.destination?)),
        column(first + 4, |e| address(ip(e)?.source?)),
        column(first + 5, |e| gauge(ip(e)?.traffic_class?)),
        column(first + 6, |e| gauge(ip(e)?.hop_limit?)),
        column(first + 7, |e| gauge(ip(e)?.flags?)),
        column(first + 8, |e| match e {
            Encapsulation::Ila(locator) => counter64(*locator),
            _ => None,
        }),
    ]
}
