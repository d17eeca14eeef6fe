//! Metrics and encapsulations of routes: `ip-route(8)`, `linux/rtnetlink.h`, `linux/lwtunnel.h`.

use netlink_packet_core::DefaultNla;
use netlink_packet_route::route::{
    MplsLabel, RouteIp6Tunnel, RouteIp6TunnelFlags, RouteIpTunnel, RouteIpTunnelFlags, RouteLwEnCapType,
    RouteLwTunnelEncap, RouteMetric, RouteMplsIpTunnel,
};
use std::net::{Ipv4Addr, Ipv6Addr};

/// A property of a route, and whether the kernel must keep to it rather than find out itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The property and its value.
    pub value: MetricValue,
    /// `lock`.
    pub lock: bool,
}

/// A property of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricValue {
    /// `mtu`, in bytes.
    Mtu(u32),
    /// `window`: the largest, in bytes.
    Window(u32),
    /// `rtt`: round trip time, in eighths of a millisecond.
    Rtt(u32),
    /// `rttvar`: its variance, in quarters of a millisecond.
    RttVar(u32),
    /// `ssthresh`: where slow start ends, in segments.
    SsThresh(u32),
    /// `cwnd`: the largest congestion window, in segments; only with `lock`.
    Cwnd(u32),
    /// `advmss`: the segment size that is advertised, in bytes.
    Advmss(u32),
    /// `reordering`: segments.
    Reordering(u32),
    /// `hoplimit`.
    Hoplimit(u32),
    /// `initcwnd`: the first congestion window, in segments.
    InitCwnd(u32),
    /// `initrwnd`: the first receive window, in segments.
    InitRwnd(u32),
    /// `features`: bits; 1 is ECN.
    Features(u32),
    /// `rto_min`: the least retransmission timeout, in milliseconds.
    RtoMin(u32),
    /// `quickack`: 0 or 1.
    QuickAck(u32),
    /// `fastopen_no_cookie`: 0 or 1.
    FastopenNoCookie(u32),
    /// `congctl`: name of the algorithm.
    Congestion(String),
}

impl Metric {
    pub(crate) fn attributes(metrics: &[Metric]) -> Vec<RouteMetric> {
        let mut attributes: Vec<RouteMetric> =
            metrics.iter().map(|metric| metric.value.attribute()).collect();
        let locks = metrics.iter().filter(|metric| metric.lock).map(|metric| 1 << metric.value.number());
        let locks: u32 = locks.fold(0, |all, bit: u32| all | bit);
        if locks != 0 {
            attributes.push(RouteMetric::Lock(locks));
        }
        attributes
    }
}

impl MetricValue {
    fn attribute(&self) -> RouteMetric {
        match self {
            MetricValue::Mtu(value) => RouteMetric::Mtu(*value),
            MetricValue::Window(value) => RouteMetric::Window(*value),
            MetricValue::Rtt(value) => RouteMetric::Rtt(*value),
            MetricValue::RttVar(value) => RouteMetric::RttVar(*value),
            MetricValue::SsThresh(value) => RouteMetric::SsThresh(*value),
            MetricValue::Cwnd(value) => RouteMetric::Cwnd(*value),
            MetricValue::Advmss(value) => RouteMetric::Advmss(*value),
            MetricValue::Reordering(value) => RouteMetric::Reordering(*value),
            MetricValue::Hoplimit(value) => RouteMetric::Hoplimit(*value),
            MetricValue::InitCwnd(value) => RouteMetric::InitCwnd(*value),
            MetricValue::InitRwnd(value) => RouteMetric::InitRwnd(*value),
            MetricValue::Features(value) => RouteMetric::Features(*value),
            MetricValue::RtoMin(value) => RouteMetric::RtoMin(*value),
            MetricValue::QuickAck(value) => RouteMetric::QuickAck(*value),
            MetricValue::FastopenNoCookie(value) => RouteMetric::FastopenNoCookie(*value),
            MetricValue::Congestion(name) => RouteMetric::CcAlgo(name.clone()),
        }
    }

    /// The number `RTAX_…`, which is also its bit among the locks.
    fn number(&self) -> u32 {
        match self {
            MetricValue::Mtu(_) => 2,
            MetricValue::Window(_) => 3,
            MetricValue::Rtt(_) => 4,
            MetricValue::RttVar(_) => 5,
            MetricValue::SsThresh(_) => 6,
            MetricValue::Cwnd(_) => 7,
            MetricValue::Advmss(_) => 8,
            MetricValue::Reordering(_) => 9,
            MetricValue::Hoplimit(_) => 10,
            MetricValue::InitCwnd(_) => 11,
            MetricValue::Features(_) => 12,
            MetricValue::RtoMin(_) => 13,
            MetricValue::InitRwnd(_) => 14,
            MetricValue::QuickAck(_) => 15,
            MetricValue::Congestion(_) => 16,
            MetricValue::FastopenNoCookie(_) => 17,
        }
    }
}

/// What packets of a route are wrapped in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encap {
    /// `encap ip`, for a tunnel device that takes its peer from the route.
    Ip {
        /// Tunnel key.
        id: Option<u64>,
        /// Other end.
        destination: Option<Ipv4Addr>,
        /// This end.
        source: Option<Ipv4Addr>,
        /// Type of service.
        tos: Option<u8>,
        /// Time to live.
        ttl: Option<u8>,
        /// Bits, as the kernel has them in memory.
        flags: Option<u16>,
    },
    /// `encap ip6`.
    Ip6 {
        /// Tunnel key.
        id: Option<u64>,
        /// Other end.
        destination: Option<Ipv6Addr>,
        /// This end.
        source: Option<Ipv6Addr>,
        /// Traffic class.
        traffic_class: Option<u8>,
        /// Hop limit.
        hop_limit: Option<u8>,
        /// Bits, as the kernel has them in memory.
        flags: Option<u16>,
    },
    /// `encap mpls`: labels of 20 bits, outermost first, and the time to live.
    Mpls(Vec<u32>, Option<u8>),
    /// `encap ila`: the locator.
    Ila(u64),
}

/// `LWTUNNEL_ENCAP_ILA`'s attribute `ILA_ATTR_LOCATOR`.
const ILA_LOCATOR: u16 = 1;

/// Flags that leave in network order, so that they arrive as they are in memory.
fn in_memory(flags: u16) -> u16 {
    u16::from_be_bytes(flags.to_ne_bytes())
}

impl Encap {
    pub(crate) fn attributes(&self) -> (RouteLwEnCapType, Vec<RouteLwTunnelEncap>) {
        match self {
            Encap::Ip { id, destination, source, tos, ttl, flags } => {
                let parts = [
                    id.map(RouteIpTunnel::Id),
                    destination.map(RouteIpTunnel::Destination),
                    source.map(RouteIpTunnel::Source),
                    tos.map(RouteIpTunnel::Tos),
                    ttl.map(RouteIpTunnel::Ttl),
                    flags.map(|bits| {
                        RouteIpTunnel::Flags(RouteIpTunnelFlags::from_bits_retain(in_memory(bits)))
                    }),
                ];
                (RouteLwEnCapType::Ip, parts.into_iter().flatten().map(RouteLwTunnelEncap::Ip).collect())
            }
            Encap::Ip6 { id, destination, source, traffic_class, hop_limit, flags } => {
                let parts = [
                    id.map(RouteIp6Tunnel::Id),
                    destination.map(RouteIp6Tunnel::Destination),
                    source.map(RouteIp6Tunnel::Source),
                    traffic_class.map(RouteIp6Tunnel::Tc),
                    hop_limit.map(RouteIp6Tunnel::Hoplimit),
                    flags.map(|bits| {
                        RouteIp6Tunnel::Flags(RouteIp6TunnelFlags::from_bits_retain(in_memory(bits)))
                    }),
                ];
                (RouteLwEnCapType::Ip6, parts.into_iter().flatten().map(RouteLwTunnelEncap::Ip6).collect())
            }
            Encap::Mpls(labels, ttl) => {
                let last = labels.len().saturating_sub(1);
                let stack = labels.iter().enumerate().map(|(place, label)| MplsLabel {
                    label: *label,
                    traffic_class: 0,
                    bottom_of_stack: place == last,
                    ttl: 0,
                });
                let mut parts = vec![RouteMplsIpTunnel::Destination(stack.collect())];
                parts.extend(ttl.map(RouteMplsIpTunnel::Ttl));
                (RouteLwEnCapType::Mpls, parts.into_iter().map(RouteLwTunnelEncap::Mpls).collect())
            }
            Encap::Ila(locator) => {
                let part = DefaultNla::new(ILA_LOCATOR, locator.to_be_bytes().to_vec());
                (RouteLwEnCapType::Ila, vec![RouteLwTunnelEncap::Other(part)])
            }
        }
    }
}
