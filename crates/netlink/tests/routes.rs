//! Routes and rules with all their options, against the kernel. `ip` is the witness.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod space;

use netlink::{
    Change, Encap, Metric, MetricValue, Monitor, NextHop, Outcome, PlacedRoute, Placement, Preference,
    Prefix, Requests, Route, RouteKind, Rule, RuleAction,
};
use rustix::io::Errno;
use space::{enter, ip, words};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').unwrap();
    Prefix { address: address.parse().unwrap(), length: length.parse().unwrap() }
}

fn host(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn plain(value: MetricValue) -> Metric {
    Metric { value, lock: false }
}

/// Two links with an address each; their indices.
fn links(requests: &mut Requests) -> (u32, u32) {
    ip("link add eth0 type veth peer name eth1");
    ip("link set eth0 up");
    ip("link set eth1 up");
    ip("addr add 192.0.2.1/24 dev eth0");
    ip("addr add 198.51.100.1/24 dev eth1");
    ip("addr add fd00:1::1/64 dev eth0 nodad");
    ip("addr add fd00:2::1/64 dev eth1 nodad");
    let mut index = |name| requests.link(name).unwrap().unwrap().index;
    (index("eth0"), index("eth1"))
}

#[test]
fn every_option_of_a_route_shows_in_ip() {
    if !enter() {
        return;
    }
    let mut requests = Requests::open().unwrap();
    let (eth0, eth1) = links(&mut requests);
    let via = |gateway, link| NextHop { gateway: host(gateway), link: Some(link), ..NextHop::default() };
    let on = |link| NextHop { link: Some(link), ..NextHop::default() };
    let to = |text: &str, hops: &[NextHop]| Route { hops: hops.to_vec(), ..Route::new(prefix(text)) };
    let refused = |text: &str, kind| Route { kind, ..Route::new(prefix(text)) };
    let metrics = vec![
        Metric { value: MetricValue::Mtu(1400), lock: true },
        plain(MetricValue::Window(20000)),
        plain(MetricValue::Rtt(800)),
        plain(MetricValue::RttVar(400)),
        plain(MetricValue::SsThresh(40)),
        Metric { value: MetricValue::Cwnd(30), lock: true },
        plain(MetricValue::Advmss(1000)),
        plain(MetricValue::Reordering(5)),
        plain(MetricValue::Hoplimit(60)),
        plain(MetricValue::InitCwnd(20)),
        plain(MetricValue::InitRwnd(21)),
        plain(MetricValue::Features(1)),
        plain(MetricValue::RtoMin(250)),
        plain(MetricValue::QuickAck(1)),
        plain(MetricValue::FastopenNoCookie(1)),
        plain(MetricValue::Congestion("cubic".into())),
    ];
    let cases = [
        (to("10.1.0.0/16", &[via("192.0.2.9", eth0)]), "10.1.0.0/16 via 192.0.2.9 dev eth0 proto keepalived"),
        (to("10.2.0.0/16", &[on(eth0)]), "10.2.0.0/16 dev eth0 proto keepalived scope link"),
        (
            Route {
                table: 1000,
                metric: Some(77),
                source: host("192.0.2.1"),
                tos: 0x10,
                protocol: 12,
                realms: Some((1, 2)),
                ..to("10.3.0.0/16", &[via("192.0.2.9", eth0)])
            },
            "10.3.0.0/16 tos 0x10 via 192.0.2.9 dev eth0 table 1000 proto bird src 192.0.2.1 metric 77 \
             realms 1/2",
        ),
        (
            to("10.4.0.0/16", &[NextHop { onlink: true, ..via("203.0.113.9", eth1) }]),
            "10.4.0.0/16 via 203.0.113.9 dev eth1 proto keepalived onlink",
        ),
        (
            to(
                "10.5.0.0/16",
                &[
                    NextHop { weight: 3, ..via("192.0.2.9", eth0) },
                    NextHop { weight: 0, onlink: true, ..via("203.0.113.9", eth1) },
                ],
            ),
            "10.5.0.0/16 proto keepalived nexthop via 192.0.2.9 dev eth0 weight 3 nexthop via 203.0.113.9 dev \
             eth1 weight 1 onlink",
        ),
        (
            Route { metrics, ..to("10.6.0.0/16", &[via("192.0.2.9", eth0)]) },
            "10.6.0.0/16 via 192.0.2.9 dev eth0 proto keepalived mtu lock 1400 window 20000 rtt 100ms rttvar \
             100ms ssthresh 40 cwnd lock 30 advmss 1000 reordering 5 hoplimit 60 initcwnd 20 features ecn rto_min \
             250ms initrwnd 21 quickack 1 congctl cubic fastopen_no_cookie 1",
        ),
        (refused("10.7.0.0/16", RouteKind::Blackhole), "blackhole 10.7.0.0/16 proto keepalived"),
        (refused("10.8.0.0/16", RouteKind::Unreachable), "unreachable 10.8.0.0/16 proto keepalived"),
        (refused("10.9.0.0/16", RouteKind::Prohibit), "prohibit 10.9.0.0/16 proto keepalived"),
        (
            Route { table: 7, ..refused("10.10.0.0/16", RouteKind::Throw) },
            "throw 10.10.0.0/16 table 7 proto keepalived",
        ),
        (to("0.0.0.0/0", &[via("192.0.2.9", eth0)]), "default via 192.0.2.9 dev eth0 proto keepalived"),
        (
            to("10.11.0.0/16", &[via("fd00:1::9", eth0)]),
            "10.11.0.0/16 via inet6 fd00:1::9 dev eth0 proto keepalived",
        ),
        (
            Route {
                preference: Some(Preference::High),
                metric: Some(5),
                ..to("fd00:9::/64", &[via("fd00:1::9", eth0)])
            },
            "fd00:9::/64 via fd00:1::9 dev eth0 proto keepalived metric 5 pref high",
        ),
        (
            to("fd00:10::/64", &[via("fd00:1::9", eth0), NextHop { weight: 4, ..via("fd00:2::9", eth1) }]),
            "fd00:10::/64 proto keepalived metric 1024 pref medium nexthop via fd00:1::9 dev eth0 weight 1 \
             nexthop via fd00:2::9 dev eth1 weight 4",
        ),
        (
            Route { expires: Some(1000), ..to("fd00:11::/64", &[on(eth1)]) },
            "fd00:11::/64 dev eth1 proto keepalived metric 1024 expires",
        ),
        (
            refused("fd00:12::/64", RouteKind::Unreachable),
            "unreachable fd00:12::/64 dev lo proto keepalived metric 1024",
        ),
    ];
    let mut all: Vec<Route> = cases.iter().map(|(route, _)| route.clone()).collect();
    let gone = to("10.99.0.0/16", &[on(999)]);
    all.push(gone);
    let added = requests.add_all(&all).unwrap();
    let (last, rest) = added.split_last().unwrap();
    assert_eq!(*last, Outcome::Refused(Errno::NODEV));
    for (outcome, (route, _)) in rest.iter().zip(&cases) {
        assert_eq!(*outcome, Outcome::Done, "{route:?}");
    }
    let listed = words(&(ip("-d route show table all") + &ip("-d -6 route show table all")));
    // -d shows "unicast" and defaults that say nothing new.
    let listed = listed.replace("unicast ", "").replace(" scope global", "").replace(" table main", "");
    for (_, shown) in &cases {
        assert!(listed.contains(shown), "{shown}\n{listed}");
    }
    let again = requests.add_all(&all[..cases.len()]).unwrap();
    assert!(again.iter().all(|outcome| *outcome == Outcome::Already), "{again:?}");
    let seen = requests.routes().unwrap();
    for (route, _) in &cases {
        assert_eq!(seen.iter().filter(|seen| route.is(seen)).count(), 1, "{route:?}\n{seen:#?}");
    }
    let deleted = requests.delete_all(&all).unwrap();
    for (outcome, route) in deleted.iter().zip(&all).take(cases.len()) {
        assert_eq!(*outcome, Outcome::Done, "{route:?}");
    }
    let deleted = requests.delete_all(&all).unwrap();
    assert!(deleted.iter().all(|outcome| *outcome == Outcome::Already), "{deleted:?}");
    assert_eq!(requests.routes().unwrap(), []);
}

#[test]
fn routes_take_their_place_and_wrap_packets() {
    if !enter() {
        return;
    }
    let mut requests = Requests::open().unwrap();
    let (eth0, eth1) = links(&mut requests);
    let by = |link| Route {
        hops: vec![NextHop { link: Some(link), ..NextHop::default() }],
        ..Route::new(prefix("10.1.0.0/16"))
    };
    assert!(requests.add(&by(eth0)).unwrap());
    assert!(!requests.add(&by(eth1)).unwrap(), "another one is there");
    for (placement, links) in [(Placement::Replace, "eth1"), (Placement::Append, "eth1 eth0")] {
        let link = if placement == Placement::Replace { eth1 } else { eth0 };
        assert!(requests.add(&PlacedRoute { route: by(link), placement }).unwrap());
        let shown = ip("-o route show 10.1.0.0/16");
        let shown: Vec<&str> = shown.lines().filter_map(|line| line.split(' ').nth(2)).collect();
        assert_eq!(shown.join(" "), links, "{placement:?}");
    }
    assert!(requests.delete(&by(eth0)).unwrap());
    assert!(requests.delete(&by(eth1)).unwrap());

    let wrapped = |encap, number: u8| Route {
        hops: vec![NextHop { encap: Some(encap), link: Some(eth0), ..NextHop::default() }],
        ..Route::new(Prefix::host(IpAddr::from([10, 9, 0, number])))
    };
    let source = None;
    let four = Encap::Ip {
        id: Some(7),
        destination: Some(Ipv4Addr::new(192, 0, 2, 3)),
        source,
        tos: None,
        ttl: Some(9),
        flags: None,
    };
    let six = Encap::Ip6 {
        id: Some(8),
        destination: Some(Ipv6Addr::LOCALHOST),
        source: None,
        traffic_class: Some(1),
        hop_limit: Some(3),
        flags: None,
    };
    for (encap, shown) in [
        (four, "encap ip id 7 src 0.0.0.0 dst 192.0.2.3 ttl 9 tos 0"),
        (six, "encap ip6 id 8 src :: dst ::1 hoplimit 3 tc 1"),
        (Encap::Mpls(vec![16, 17], Some(5)), "encap mpls 16/17 ttl 5"),
    ] {
        let route = wrapped(encap, 1);
        match requests.add_all(std::slice::from_ref(&route)).unwrap()[..] {
            [Outcome::Done] => {
                let listed = words(&ip("route show 10.9.0.1"));
                assert!(listed.contains(shown), "{shown}\n{listed}");
                assert!(requests.delete(&route).unwrap());
            }
            [Outcome::Refused(Errno::OPNOTSUPP)] => eprintln!("not in this kernel: {shown}"),
            ref other => panic!("{shown}: {other:?}"),
        }
    }
}

#[test]
fn every_option_of_a_rule_shows_in_ip() {
    if !enter() {
        return;
    }
    let mut requests = Requests::open().unwrap();
    let plain = |priority| Rule { priority: Some(priority), ..Rule::new(false, RuleAction::Table(1000)) };
    let cases = [
        (
            Rule { from: Some(prefix("192.0.2.0/24")), to: Some(prefix("10.0.0.0/8")), ..plain(100) },
            "100: from 192.0.2.0/24 to 10.0.0.0/8 lookup 1000 proto keepalived",
        ),
        (
            Rule {
                iif: Some("eth0".into()),
                oif: Some("wlan0".into()),
                fwmark: Some(24),
                fwmask: Some(0xff),
                tos: 0x10,
                ..plain(101)
            },
            "101: from all tos 0x10 fwmark 0x18/0xff iif eth0 [detached] oif wlan0 [detached] lookup 1000",
        ),
        (
            Rule {
                uid_range: Some((1000, 1999)),
                ip_proto: Some(17),
                sport: Some((10, 20)),
                dport: Some((53, 53)),
                protocol: 12,
                ..plain(102)
            },
            "102: from all uidrange 1000-1999 ipproto udp sport 10-20 dport 53 lookup 1000 proto bird",
        ),
        (
            Rule { suppress_prefixlength: Some(0), suppress_ifgroup: Some(3), ..plain(103) },
            "103: from all lookup 1000 suppress_prefixlength 0 suppress_ifgroup 3",
        ),
        (
            Rule { tun_id: Some(9), invert: true, realms: Some((30, 20)), ..plain(104) },
            "104: not from all tun_id 9 lookup 1000 realms 30/20",
        ),
        (Rule { action: RuleAction::Goto(104), ..plain(99) }, "99: from all goto 104"),
        (Rule { action: RuleAction::Nop, ..plain(106) }, "106: from all nop"),
        (Rule { action: RuleAction::Blackhole, ..plain(107) }, "107: from all blackhole"),
        (Rule { action: RuleAction::Unreachable, ..plain(108) }, "108: from all unreachable"),
        (Rule { action: RuleAction::Prohibit, ..plain(109) }, "109: from all prohibit"),
        (
            Rule { ipv6: true, from: Some(prefix("fd00::/64")), action: RuleAction::Table(5), ..plain(110) },
            "110: from fd00::/64 lookup 5 proto keepalived",
        ),
    ];
    let all: Vec<Rule> = cases.iter().map(|(rule, _)| rule.clone()).collect();
    let added = requests.add_all(&all).unwrap();
    for (outcome, (rule, _)) in added.iter().zip(&cases) {
        assert_eq!(*outcome, Outcome::Done, "{rule:?}");
    }
    assert!(requests.add_all(&all).unwrap().iter().all(|outcome| *outcome == Outcome::Already));
    let listed = words(&(ip("-d rule show") + &ip("-d -6 rule show")));
    for (_, shown) in &cases {
        assert!(listed.contains(shown), "{shown}\n{listed}");
    }
    let seen = requests.rules().unwrap();
    for (rule, _) in &cases {
        assert_eq!(seen.iter().filter(|seen| rule.is(seen)).count(), 1, "{rule:?}\n{seen:#?}");
    }
    // The table of a VRF; a kernel without any takes the rule as well.
    let l3mdev = Rule { l3mdev: true, action: RuleAction::Table(0), ..plain(111) };
    match requests.add_all(std::slice::from_ref(&l3mdev)).unwrap()[..] {
        [Outcome::Done] => assert!(requests.delete(&l3mdev).unwrap()),
        [Outcome::Refused(errno)] => eprintln!("not in this kernel: l3mdev ({errno})"),
        ref other => panic!("{other:?}"),
    }
    assert_eq!(requests.delete_all(&all).unwrap(), [Outcome::Done; 11]);
    assert_eq!(requests.delete_all(&all).unwrap(), [Outcome::Already; 11]);
}

#[test]
fn who_guards_a_route_hears_of_its_removal() {
    if !enter() {
        return;
    }
    let mut requests = Requests::open().unwrap();
    let (eth0, _) = links(&mut requests);
    let hop = NextHop { gateway: host("192.0.2.9"), link: Some(eth0), ..NextHop::default() };
    let route = Route { hops: vec![hop], ..Route::new(prefix("10.1.0.0/16")) };
    let rule = Rule { from: Some(prefix("10.0.0.0/8")), ..Rule::new(false, RuleAction::Table(9)) };
    requests.add(&route).unwrap();
    requests.add(&rule).unwrap();
    let mut monitor = Monitor::open_with_routes().unwrap();
    ip("route del 10.1.0.0/16");
    ip("rule del from 10.0.0.0/8 table 9");
    ip("addr del 192.0.2.1/24 dev eth0");
    ip("link set eth0 down");
    let mut heard = Vec::new();
    while let Some(change) = monitor.change().unwrap() {
        heard.push(change);
    }
    let heard_of = |is: &dyn Fn(&Change) -> bool| heard.iter().filter(|change| is(change)).count();
    assert_eq!(
        heard_of(&|change| matches!(change, Change::RouteRemoved(gone) if route.is(gone))),
        1,
        "{heard:?}"
    );
    assert_eq!(
        heard_of(&|change| matches!(change, Change::RuleRemoved(gone) if rule.is(gone))),
        1,
        "{heard:?}"
    );
    let gone = IpAddr::from([192, 0, 2, 1]);
    assert_eq!(heard_of(&|change| matches!(change, Change::AddressRemoved(seen) if seen.address == gone)), 1);
    assert!(heard_of(&|change| matches!(change, Change::Link(link) if link.index == eth0 && !link.up)) > 0);
    let removed = heard_of(&|change| matches!(change, Change::RouteRemoved(_)));
    assert_eq!(removed, 1, "nothing of the kernel's own routes: {heard:?}");
}
