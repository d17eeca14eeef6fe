//! `virtual_routes`, `static_routes`: iproute2's vocabulary as data.

use super::{Family, Prefix};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One route. Numbers are the kernel's (linux/rtnetlink.h).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Route {
    /// Family of every address in it.
    pub family: Family,
    /// `unicast`, `blackhole` …; unicast when absent.
    pub kind: RouteKind,
    /// Where it leads; `None` is `default`.
    pub destination: Option<Prefix>,
    /// `from`: only for this source, IPv6.
    pub from: Option<Prefix>,
    /// `src`: source address that is preferred.
    pub preferred_source: Option<IpAddr>,
    /// `via`, formerly `gw`.
    pub via: Option<IpAddr>,
    /// `dev` or `oif`.
    pub dev: Option<String>,
    /// `onlink`: the gateway is reached although no prefix says so.
    pub onlink: bool,
    /// `nexthop` or the old `or`; then `via`, `dev` and `encap` above are absent.
    pub next_hops: Vec<NextHop>,
    /// `table` or `vrf`; the main table when absent.
    pub table: RoutingTable,
    /// `protocol`; 18 (keepalived) unless `no_track` is written. `None` is 18 in the kernel too, and
    /// nobody is told of it.
    pub protocol: Option<u8>,
    /// `scope`; 0 (global) when absent.
    pub scope: u8,
    /// `tos` or `dsfield`, IPv4.
    pub tos: Option<u8>,
    /// `metric`, `priority` or `preference`.
    pub metric: Option<u32>,
    /// `expires`, IPv6: seconds.
    pub expires: Option<u32>,
    /// `realms`, IPv4: destination realm, source realm in the upper 16 bits.
    pub realms: Option<u32>,
    /// `pref`, IPv6 router preference (RFC 4191): low 3, medium 0, high 1.
    pub preference: Option<u8>,
    /// `ttl-propagate`, MPLS.
    pub ttl_propagate: Option<bool>,
    /// `encap`.
    pub encapsulation: Option<Encapsulation>,
    /// `mtu`, `advmss` and the like.
    pub metrics: RouteMetrics,
    /// `add`, `append` or `prepend`, the default.
    pub insertion: RouteInsertion,
    /// `no_track`: its loss is no loss of the instance.
    pub no_track: bool,
    /// `track_group` of a static route, which then has `dev`.
    pub track_group: Option<String>,
}

impl Route {
    /// A route to a destination with nothing else said.
    pub fn new(family: Family, destination: Option<Prefix>) -> Self {
        Self {
            family,
            kind: RouteKind::Unicast,
            destination,
            from: None,
            preferred_source: None,
            via: None,
            dev: None,
            onlink: false,
            next_hops: Vec::new(),
            table: RoutingTable::MAIN,
            protocol: Some(Self::KEEPALIVED),
            scope: 0,
            tos: None,
            metric: None,
            expires: None,
            realms: None,
            preference: None,
            ttl_propagate: None,
            encapsulation: None,
            metrics: RouteMetrics::default(),
            insertion: RouteInsertion::Prepend,
            no_track: false,
            track_group: None,
        }
    }

    /// RTPROT_KEEPALIVED.
    pub const KEEPALIVED: u8 = 18;
}

/// A routing table.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RoutingTable {
    /// By number.
    Number(u32),
    /// That of the VRF interface of this name.
    Vrf(String),
}

impl RoutingTable {
    /// RT_TABLE_MAIN.
    pub const MAIN: Self = Self::Number(254);
}

/// Kind of a route (RTN_*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RouteKind {
    /// `unicast`.
    Unicast,
    /// `local`.
    Local,
    /// `broadcast` or `brd`.
    Broadcast,
    /// `anycast`.
    Anycast,
    /// `multicast`.
    Multicast,
    /// `blackhole`.
    Blackhole,
    /// `unreachable`.
    Unreachable,
    /// `prohibit`.
    Prohibit,
    /// `throw`.
    Throw,
    /// `nat`.
    Nat,
    /// `xresolve`.
    Xresolve,
}

/// Where a route goes among those with the same destination, table, TOS and metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RouteInsertion {
    /// `prepend`: before them.
    Prepend,
    /// `append`: behind them.
    Append,
    /// `add`: an error when there is one.
    Add,
}

/// A `nexthop` of a multipath route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NextHop {
    /// `via`.
    pub via: Option<IpAddr>,
    /// `dev`.
    pub dev: Option<String>,
    /// `weight`, 1 to 256, 1 when absent (the kernel counts from 0).
    pub weight: Option<u16>,
    /// `onlink`.
    pub onlink: bool,
    /// `realms`.
    pub realms: Option<u32>,
    /// `encap`.
    pub encapsulation: Option<Encapsulation>,
}

/// `encap`: a lightweight tunnel.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encapsulation {
    /// `encap ip`.
    Ip(IpTunnel<Ipv4Addr>),
    /// `encap ip6`.
    Ip6(IpTunnel<Ipv6Addr>),
    /// `encap mpls`: one or two labels of 20 bits, outermost first.
    Mpls(Vec<u32>),
    /// `encap ila`: the locator.
    Ila(u64),
}

/// `id`, `dst`, `src`, `tos` or `tc`, `ttl` or `hoplimit`, `flags`; `id` or `dst` is always given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IpTunnel<A> {
    /// `id`.
    pub id: Option<u64>,
    /// `dst`.
    pub destination: Option<A>,
    /// `src`.
    pub source: Option<A>,
    /// `tos`, or `tc` of ip6.
    pub traffic_class: Option<u8>,
    /// `ttl`, or `hoplimit` of ip6.
    pub hop_limit: Option<u8>,
    /// `flags`.
    pub flags: Option<u16>,
}

impl<A> Default for IpTunnel<A> {
    fn default() -> Self {
        Self { id: None, destination: None, source: None, traffic_class: None, hop_limit: None, flags: None }
    }
}

/// A metric that may be locked against path discovery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RouteMetric {
    /// The value.
    pub value: u32,
    /// `lock`.
    pub locked: bool,
}

/// RTA_METRICS of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RouteMetrics {
    /// `mtu [lock]`, bytes.
    pub mtu: Option<RouteMetric>,
    /// `advmss [lock]`, bytes.
    pub advmss: Option<RouteMetric>,
    /// `rtt [lock]`, in ⅛ ms as the kernel has it.
    pub rtt: Option<RouteMetric>,
    /// `rttvar [lock]`, in ¼ ms as the kernel has it.
    pub rttvar: Option<RouteMetric>,
    /// `rto_min [lock]`, ms.
    pub rto_min: Option<RouteMetric>,
    /// `reordering [lock]`.
    pub reordering: Option<RouteMetric>,
    /// `cwnd [lock]`.
    pub cwnd: Option<RouteMetric>,
    /// `ssthresh [lock]`.
    pub ssthresh: Option<RouteMetric>,
    /// `window`, bytes.
    pub window: Option<u32>,
    /// `initcwnd`.
    pub initcwnd: Option<u32>,
    /// `initrwnd`.
    pub initrwnd: Option<u32>,
    /// `hoplimit`.
    pub hoplimit: Option<u8>,
    /// `quickack`.
    pub quickack: Option<bool>,
    /// `fastopen_no_cookie`.
    pub fastopen_no_cookie: Option<bool>,
    /// `features ecn`.
    pub ecn: bool,
    /// `congctl [lock]`: the algorithm and whether it is locked.
    pub congctl: Option<(String, bool)>,
}
