//! From the routes and rules of the configuration to the kernel's: names of links become indices.

use super::Interfaces;
use keepalived_conf::model::{
    self, Encapsulation, Family, IpTunnel, RouteInsertion, RouteMetric, RouteMetrics, RoutingTable,
};
use netlink::{
    Encap, Metric, MetricValue, NextHop, PlacedRoute, Placement, Preference, Prefix, Route, RouteKind, Rule,
    RuleAction,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bit of `features` for ECN.
const FEATURE_ECN: u32 = 1;

/// The route as the kernel wants it, or why it cannot be.
pub(super) fn route(interfaces: &Interfaces, wanted: &model::Route) -> Result<PlacedRoute, String> {
    let mut hops = Vec::new();
    if wanted.via.is_some() || wanted.dev.is_some() {
        hops.push(NextHop {
            gateway: wanted.via,
            link: link(interfaces, wanted.dev.as_deref())?,
            weight: 0,
            onlink: wanted.onlink,
            encap: wanted.encapsulation.as_ref().map(encap),
            realms: None,
        });
    }
    for hop in &wanted.next_hops {
        hops.push(NextHop {
            gateway: hop.via,
            link: link(interfaces, hop.dev.as_deref())?,
            weight: hop.weight.unwrap_or(1),
            onlink: hop.onlink,
            encap: hop.encapsulation.as_ref().map(encap),
            realms: hop.realms.map(realms),
        });
    }
    let route = Route {
        from: wanted.from.map(prefix),
        kind: kind(wanted.kind)?,
        hops,
        table: table(interfaces, &wanted.table)?,
        metric: wanted.metric,
        // keepalived leaves a way without a written scope global, also one without a gateway.
        scope: Some(wanted.scope).filter(|scope| *scope != 0 || wanted.kind == model::RouteKind::Unicast),
        source: wanted.preferred_source,
        tos: wanted.tos.unwrap_or(0),
        protocol: wanted.protocol.unwrap_or(model::Route::KEEPALIVED),
        realms: wanted.realms.map(realms),
        metrics: metrics(&wanted.metrics),
        preference: wanted.preference.map(preference),
        expires: wanted.expires,
        ttl_propagate: wanted.ttl_propagate,
        ..Route::new(destination(wanted))
    };
    let placement = match wanted.insertion {
        RouteInsertion::Prepend => Placement::Prepend,
        RouteInsertion::Append => Placement::Append,
        RouteInsertion::Add => Placement::Only,
    };
    Ok(PlacedRoute { route, placement })
}

/// The rule as the kernel wants it.
pub(super) fn rule(wanted: &model::Rule) -> Rule {
    let action = match wanted.action {
        model::RuleAction::Table(table) => RuleAction::Table(table),
        model::RuleAction::L3mdev => RuleAction::Table(0),
        model::RuleAction::Goto(priority) => RuleAction::Goto(priority),
        model::RuleAction::Nop => RuleAction::Nop,
        model::RuleAction::Blackhole => RuleAction::Blackhole,
        model::RuleAction::Unreachable => RuleAction::Unreachable,
        model::RuleAction::Prohibit => RuleAction::Prohibit,
    };
    Rule {
        invert: wanted.invert,
        from: wanted.from.map(prefix),
        to: wanted.to.map(prefix),
        tos: wanted.tos,
        iif: wanted.iif.clone(),
        oif: wanted.oif.clone(),
        fwmark: wanted.mark.map(|(mark, _)| mark),
        fwmask: wanted.mark.and_then(|(_, mask)| mask),
        realms: wanted.realms.map(realms),
        tun_id: wanted.tunnel_id,
        l3mdev: wanted.action == model::RuleAction::L3mdev,
        uid_range: wanted.uid_range,
        ip_proto: wanted.ip_protocol,
        sport: wanted.source_ports,
        dport: wanted.destination_ports,
        suppress_prefixlength: wanted.suppress_prefix_length,
        suppress_ifgroup: wanted.suppress_group,
        priority: Some(wanted.priority),
        protocol: wanted.protocol,
        ..Rule::new(wanted.family == Family::Ipv6, action)
    }
}

/// Where it leads, in words for the log.
pub(super) fn describe(wanted: &model::Route) -> String {
    let destination = destination(wanted);
    match wanted.via {
        Some(via) => format!("{destination} via {via}"),
        None => destination.to_string(),
    }
}

pub(super) fn destination(wanted: &model::Route) -> Prefix {
    let unspecified = match wanted.family {
        Family::Ipv4 => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    wanted.destination.map_or(Prefix { address: unspecified, length: 0 }, prefix)
}

fn prefix(written: model::Prefix) -> Prefix {
    Prefix { address: written.address, length: written.length }
}

/// The destination stands in the lower 16 bits.
fn realms(written: u32) -> (u16, u16) {
    ((written >> 16) as u16, written as u16)
}

fn link(interfaces: &Interfaces, name: Option<&str>) -> Result<Option<u32>, String> {
    let Some(name) = name else { return Ok(None) };
    let link = interfaces.link(name).ok_or_else(|| format!("{name} does not exist"))?;
    Ok(Some(link.index))
}

fn table(interfaces: &Interfaces, wanted: &RoutingTable) -> Result<u32, String> {
    match wanted {
        RoutingTable::Number(number) => Ok(*number),
        RoutingTable::Vrf(name) => {
            let link = interfaces.link(name).ok_or_else(|| format!("vrf {name} does not exist"))?;
            link.vrf_table.ok_or_else(|| format!("{name} is no vrf"))
        }
    }
}

fn kind(written: model::RouteKind) -> Result<RouteKind, String> {
    Ok(match written {
        model::RouteKind::Unicast => RouteKind::Unicast,
        model::RouteKind::Local => RouteKind::Local,
        model::RouteKind::Broadcast => RouteKind::Broadcast,
        model::RouteKind::Anycast => RouteKind::Anycast,
        model::RouteKind::Multicast => RouteKind::Multicast,
        model::RouteKind::Blackhole => RouteKind::Blackhole,
        model::RouteKind::Unreachable => RouteKind::Unreachable,
        model::RouteKind::Prohibit => RouteKind::Prohibit,
        model::RouteKind::Throw => RouteKind::Throw,
        model::RouteKind::Nat | model::RouteKind::Xresolve => {
            return Err("Linux has no routes of this type".into());
        }
    })
}

fn preference(written: u8) -> Preference {
    // RFC 4191 §2.1.
    match written {
        1 => Preference::High,
        3 => Preference::Low,
        _ => Preference::Medium,
    }
}

fn encap(written: &Encapsulation) -> Encap {
    // keepalived hands them on in the order of the machine, the kernel reads them in that of the network:
    // what is written for the one means the same here.
    let turned = |flags: Option<u16>| flags.map(u16::from_be);
    match written {
        Encapsulation::Ip(IpTunnel { id, destination, source, traffic_class, hop_limit, flags }) => {
            let (id, destination, source) = (*id, *destination, *source);
            let flags = turned(*flags);
            Encap::Ip { id, destination, source, tos: *traffic_class, ttl: *hop_limit, flags }
        }
        Encapsulation::Ip6(IpTunnel { id, destination, source, traffic_class, hop_limit, flags }) => {
            let (id, destination, source) = (*id, *destination, *source);
            let (traffic_class, hop_limit, flags) = (*traffic_class, *hop_limit, turned(*flags));
            Encap::Ip6 { id, destination, source, traffic_class, hop_limit, flags }
        }
        Encapsulation::Mpls(labels) => Encap::Mpls(labels.clone(), None),
        Encapsulation::Ila(locator) => Encap::Ila(*locator),
    }
}

fn metrics(written: &RouteMetrics) -> Vec<Metric> {
    let mut metrics = Vec::new();
    let mut lockable = |metric: Option<RouteMetric>, value: fn(u32) -> MetricValue| {
        metrics.extend(metric.map(|metric| Metric { value: value(metric.value), lock: metric.locked }));
    };
    lockable(written.mtu, MetricValue::Mtu);
    lockable(written.advmss, MetricValue::Advmss);
    lockable(written.rtt, MetricValue::Rtt);
    lockable(written.rttvar, MetricValue::RttVar);
    lockable(written.rto_min, MetricValue::RtoMin);
    lockable(written.reordering, MetricValue::Reordering);
    lockable(written.cwnd, MetricValue::Cwnd);
    lockable(written.ssthresh, MetricValue::SsThresh);
    let plain = [
        written.window.map(MetricValue::Window),
        written.initcwnd.map(MetricValue::InitCwnd),
        written.initrwnd.map(MetricValue::InitRwnd),
        written.hoplimit.map(|limit| MetricValue::Hoplimit(limit.into())),
        written.quickack.map(|on| MetricValue::QuickAck(on.into())),
        written.fastopen_no_cookie.map(|on| MetricValue::FastopenNoCookie(on.into())),
        written.ecn.then_some(MetricValue::Features(FEATURE_ECN)),
    ];
    metrics.extend(plain.into_iter().flatten().map(|value| Metric { value, lock: false }));
    if let Some((name, lock)) = &written.congctl {
        metrics.push(Metric { value: MetricValue::Congestion(name.clone()), lock: *lock });
    }
    metrics
}
