//! `virtual_routes`, `virtual_rules`, `static_routes`, `static_rules`.

use super::{found, load_with, only, shown, with_address};
use crate::model::{
    Encapsulation, Family, IpTunnel, NextHop, Prefix, Route, RouteInsertion, RouteKind, RouteMetric,
    RoutingTable, Rule, RuleAction,
};
use crate::{Loaded, Memory};
use std::net::IpAddr;

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix { address: address.parse().unwrap(), length: length.parse().unwrap() }
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn routes(entries: &str) -> Loaded {
    with_address(&format!("virtual_routes {{\n{entries}\n}}"))
}

fn rules(entries: &str) -> Loaded {
    with_address(&format!("virtual_rules {{\n{entries}\n}}"))
}

/// The only route of a line about which there is nothing to say.
fn route(entry: &str) -> Route {
    let loaded = routes(entry);
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    assert_eq!(only(&loaded).routes.len(), 1, "{entry}");
    only(&loaded).routes[0].clone()
}

fn rule(entry: &str) -> Rule {
    let loaded = rules(entry);
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    assert_eq!(only(&loaded).rules.len(), 1, "{entry}");
    only(&loaded).rules[0].clone()
}

fn to(destination: &str) -> Route {
    let prefix = prefix(destination);
    Route::new(Family::of(prefix.address), Some(prefix))
}

#[test]
fn ordinary_routes() {
    let expected = Route {
        via: ip("10.0.0.254"),
        dev: Some("eth0".into()),
        preferred_source: ip("10.0.0.1"),
        metric: Some(10),
        table: RoutingTable::Number(100),
        scope: 253,
        tos: Some(0x10),
        onlink: true,
        ..to("192.0.2.0/24")
    };
    assert_eq!(
        route(
            "192.0.2.0/24 via 10.0.0.254 dev eth0 src 10.0.0.1 metric 10 table 100 scope link tos 0x10 onlink"
        ),
        expected
    );
    let default = Route { via: ip("10.0.0.254"), ..Route::new(Family::Ipv4, None) };
    assert_eq!(route("default via 10.0.0.254"), default);
    let six = Route { dev: Some("eth0".into()), ..Route::new(Family::Ipv6, None) };
    assert_eq!(route("inet6 default dev eth0"), six);
    let blackhole = Route { kind: RouteKind::Blackhole, ..to("198.51.100.0/24") };
    assert_eq!(route("blackhole 198.51.100.0/24"), blackhole);
    assert_eq!(route("to blackhole 198.51.100.0/24"), blackhole);
    let untracked =
        Route { no_track: true, protocol: Some(4), insertion: RouteInsertion::Append, ..to("10.1.0.0/16") };
    assert_eq!(route("10.1.0.0/16 no_track protocol static append"), untracked);
    let kept = Route { no_track: true, protocol: None, ..to("10.1.0.0/16") };
    assert_eq!(route("10.1.0.0/16 no_track"), kept);
    let vrf = Route { table: RoutingTable::Vrf("red".into()), ..to("10.1.0.0/16") };
    assert_eq!(route("10.1.0.0/16 vrf red"), vrf);
    let six = Route {
        from: Some(prefix("fe80::/10")),
        expires: Some(60),
        preference: Some(1),
        ..to("2001:db8::/32")
    };
    assert_eq!(route("2001:db8::/32 from fe80::/10 expires 60 pref high"), six);
}

#[test]
fn metrics_and_locks() {
    let read = route(
        "10.1.0.0/16 mtu lock 1400 advmss 1360 rtt 300ms rto_min lock 0.5s window 9000 initcwnd 20 quickack 1 features ecn congctl lock bbr hoplimit 9 fastopen_no_cookie 0",
    );
    let metrics = &read.metrics;
    assert_eq!(metrics.mtu, Some(RouteMetric { value: 1400, locked: true }));
    assert_eq!(metrics.advmss, Some(RouteMetric { value: 1360, locked: false }));
    assert_eq!(metrics.rtt, Some(RouteMetric { value: 2400, locked: false }));
    assert_eq!(metrics.rto_min, Some(RouteMetric { value: 500, locked: true }));
    assert_eq!((metrics.window, metrics.initcwnd, metrics.hoplimit), (Some(9000), Some(20), Some(9)));
    assert_eq!((metrics.quickack, metrics.fastopen_no_cookie), (Some(true), Some(false)));
    assert!(metrics.ecn);
    assert_eq!(metrics.congctl, Some(("bbr".into(), true)));
}

#[test]
fn several_gateways() {
    let hop = |via: &str, dev: &str, weight| NextHop {
        via: ip(via),
        dev: Some(dev.into()),
        weight,
        ..NextHop::default()
    };
    let expected = Route {
        next_hops: vec![hop("10.0.0.1", "eth0", Some(3)), hop("10.1.0.1", "eth1", None)],
        ..Route::new(Family::Ipv4, None)
    };
    assert_eq!(
        route("default nexthop via 10.0.0.1 dev eth0 weight 3 nexthop via 10.1.0.1 dev eth1"),
        expected
    );
    let loaded = routes("default gw 10.0.0.1 or 10.0.0.2");
    assert_eq!(found(&loaded), ["deprecated-word@6", "deprecated-word@6"]);
    let hops: Vec<_> = only(&loaded).routes[0].next_hops.iter().map(|hop| hop.via).collect();
    assert_eq!(hops, [ip("10.0.0.1"), ip("10.0.0.2")]);
}

#[test]
fn tunnels() {
    let tunnel = IpTunnel {
        id: Some(7),
        destination: Some([192, 0, 2, 1].into()),
        hop_limit: Some(64),
        ..IpTunnel::default()
    };
    let read = route("10.1.0.0/16 encap ip id 7 dst 192.0.2.1 ttl 64 dev eth0");
    assert_eq!(read.encapsulation, Some(Encapsulation::Ip(tunnel)));
    assert_eq!(read.dev.as_deref(), Some("eth0"));
    let read = route("10.1.0.0/16 encap mpls 100/200 via 10.0.0.1");
    assert_eq!(read.encapsulation, Some(Encapsulation::Mpls(vec![100, 200])));
    let read = route("2001:db8::/32 encap ila 1:2:3:4 dev eth0");
    assert_eq!(read.encapsulation, Some(Encapsulation::Ila(0x0001_0002_0003_0004)));
}

#[test]
fn a_route_that_cannot_be_right_is_left_out() {
    for (entry, finding) in [
        ("10.1.0.0/16 via fe80::1", "mixed-families@6"),
        ("via 10.0.0.1", "missing-argument@6"),
        ("10.1.0.0/16 table nowhere", "unknown-name@6"),
        ("10.1.0.0/16 metric many", "invalid-value@6"),
        ("10.1.0.0/16 vai 10.0.0.1", "unknown-keyword@6"),
        ("10.1.0.0/16 encap gre", "invalid-value@6"),
        ("10.1.0.0/16 encap ip ttl 5", "missing-argument@6"),
        ("default nexthop via 10.0.0.1 weight 0", "invalid-value@6"),
        ("10.1.0.0/16 via", "missing-argument@6"),
        ("10.1.0.0/16 from 10.0.0.0/8", "mixed-families@6"),
    ] {
        let loaded = routes(entry);
        assert_eq!(found(&loaded), [finding], "{entry}: {}", shown(&loaded));
        assert!(only(&loaded).routes.is_empty(), "{entry}");
    }
    let loaded = routes("10.1.0.0/16 protocol static\n10.2.0.0/16 rtt 1ms");
    assert_eq!(found(&loaded), ["useless-word@6", "out-of-bounds@7"]);
    assert_eq!(only(&loaded).routes[0].protocol, Some(18));
    assert!(shown(&routes("10.1.0.0/16 vai 10.0.0.1")).contains("did you mean `via`?"));
}

#[test]
fn ordinary_rules() {
    let expected = Rule {
        from: Some(prefix("10.0.0.0/8")),
        iif: Some("eth0".into()),
        mark: Some((0x10, Some(0xff))),
        ..Rule::new(Family::Ipv4, RuleAction::Table(100), 500)
    };
    assert_eq!(rule("from 10.0.0.0/8 iif eth0 fwmark 0x10/0xff table 100 preference 500"), expected);
    let expected = Rule {
        invert: true,
        to: Some(prefix("2001:db8::/32")),
        ip_protocol: Some(6),
        destination_ports: Some((80, 90)),
        uid_range: Some((1000, 2000)),
        ..Rule::new(Family::Ipv6, RuleAction::Prohibit, 9)
    };
    assert_eq!(
        rule("not to 2001:db8::/32 ipproto tcp dport 80-90 uidrange 1000-2000 prohibit priority 9"),
        expected
    );
    let expected = Rule {
        suppress_prefix_length: Some(0),
        suppress_group: Some(3),
        tunnel_id: Some(9),
        source_ports: Some((53, 53)),
        ..Rule::new(Family::Ipv4, RuleAction::Table(254), 7)
    };
    assert_eq!(
        rule("from all lookup main sup_pl 0 suppress_ifgroup 3 tunnel-id 9 sport 53 order 7"),
        expected
    );
    assert_eq!(rule("goto 100 preference 50").action, RuleAction::Goto(100));
    assert_eq!(rule("l3mdev preference 50 protocol 18").action, RuleAction::L3mdev);
}

#[test]
fn rules_without_a_preference_count_down() {
    let loaded = rules("from 10.0.0.1 table 1\nfrom fe80::1 table 1\nfrom 10.0.0.2 table 1");
    assert_eq!(found(&loaded), ["no-preference@6", "no-preference@7", "no-preference@8"]);
    let priorities: Vec<u32> = only(&loaded).rules.iter().map(|rule| rule.priority).collect();
    assert_eq!(priorities, [16_384, 16_384, 16_383]);
}

#[test]
fn a_rule_that_cannot_be_right_is_left_out() {
    for (entry, finding) in [
        ("from 10.0.0.1 preference 5", "invalid-value@6"),
        ("table 0 preference 5", "invalid-value@6"),
        ("goto 100", "invalid-value@6"),
        ("goto 100 preference 100", "invalid-value@6"),
        ("table 1 blackhole preference 5", "invalid-value@6"),
        ("blackhole sup_pl 3 preference 5", "invalid-value@6"),
        ("table 1 sport 90-80 preference 5", "invalid-value@6"),
        ("table 1 fwmark x preference 5", "invalid-value@6"),
        ("from 10.0.0.1 to fe80::1 table 1 preference 5", "mixed-families@6"),
        ("tabel 1 preference 5", "unknown-keyword@6"),
    ] {
        let loaded = rules(entry);
        assert_eq!(found(&loaded), [finding], "{entry}: {}", shown(&loaded));
        assert!(only(&loaded).rules.is_empty(), "{entry}");
    }
}

#[test]
fn static_ones_and_names_of_this_machine() {
    let text = "global_defs {\niproute_etc_dir /names\n}\nstatic_routes {\n10.1.0.0/16 dev eth0 table blue track_group G\n10.2.0.0/16 via 10.0.0.1 track_group G\n}\nstatic_rules {\niif eth0 table blue preference 5 track_group G\n}\ntrack_group G {\ngroup {\nA\n}\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress { 10.0.0.7 }\n}\n";
    let loaded = load_with(text, Memory::default().with("/names/rt_tables", "100 blue\n"));
    assert_eq!(found(&loaded), ["useless-word@6"], "{}", shown(&loaded));
    let routes = &loaded.config.static_routes;
    assert_eq!(routes[0].table, RoutingTable::Number(100));
    assert_eq!((routes[0].track_group.as_deref(), &routes[1].track_group), (Some("G"), &None));
    assert_eq!(loaded.config.static_rules[0].action, RuleAction::Table(100));
    assert_eq!(loaded.config.static_rules[0].track_group.as_deref(), Some("G"));
}
