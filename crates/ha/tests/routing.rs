//! `virtual_routes`, `virtual_rules` and the static ones, beside a real keepalived. `ip` is the witness.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use ha::message::In;
use keepalived_conf::model::{
    Config, Family, Prefix, Route, RouteMetric, RoutingTable, Rule, RuleAction, VirtualAddress,
};
use net::{Host, Network, Ours, VIP, config, eventually, start_keepalived};
use std::fs;
use std::net::{IpAddr, Ipv4Addr};

const IN_FILE: &str = "virtual_routes {\n 10.99.0.0/16 via 10.78.0.200 mtu 1400 table 100\n 10.98.0.0/16 dev eth0 src \
                       10.78.0.100\n blackhole 10.97.0.0/16 metric 7\n fd99::/64 dev eth0\n }\n \
                       virtual_rules {\n from 10.78.0.100 table 100 priority 200\n }";

fn prefix(address: [u8; 4], length: u8) -> Prefix {
    Prefix { address: IpAddr::from(address), length }
}

fn to(third: u8) -> Route {
    Route::new(Family::Ipv4, Some(prefix([10, third, 0, 0], 16)))
}

/// The same as in [`IN_FILE`].
fn routed(priority: u8) -> Config {
    let mut config = config(priority, "eth0");
    let mut gateway = to(99);
    gateway.via = Some(IpAddr::from([10, 78, 0, 200]));
    gateway.table = RoutingTable::Number(100);
    gateway.metrics.mtu = Some(RouteMetric { value: 1400, locked: false });
    let mut sourced = to(98);
    sourced.dev = Some("eth0".into());
    sourced.preferred_source = Some(VIP.into());
    let mut hole = to(97);
    hole.kind = keepalived_conf::model::RouteKind::Blackhole;
    hole.metric = Some(7);
    let mut six = Route::new(Family::Ipv6, Some(Prefix { address: "fd99::".parse().unwrap(), length: 64 }));
    six.dev = Some("eth0".into());
    config.instances[0].routes = vec![gateway, sourced, hole, six];
    let mut rule = Rule::new(Family::Ipv4, RuleAction::Table(100), 200);
    rule.from = Some(prefix(VIP.octets(), 32));
    config.instances[0].rules = vec![rule];
    config
}

/// Everything of keepalived's protocol on a host, sorted.
fn routing(host: &Host) -> Vec<String> {
    let mut shown = Vec::new();
    for what in ["route show table all proto 18", "-6 route show table all proto 18"] {
        shown.extend(host.shows(what).lines().map(str::to_owned));
    }
    shown.extend(
        host.shows("rule show").lines().filter(|line| line.contains("lookup 100")).map(str::to_owned),
    );
    let mut shown: Vec<String> = shown.iter().map(|line| words(line)).collect();
    shown.sort();
    shown.dedup();
    shown
}

/// Without what depends on how a route was asked for: keepalived writes its scope down.
fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ").replace(" linkdown", "")
}

#[test]
fn routes_and_rules_follow_the_master_as_with_keepalived() {
    let Some(network) = Network::new() else { return };
    let (a, b) = (&network.a, &network.b);
    let mut ours = Ours::start(a, routed(150));
    eventually("ours is master", || a.holds(VIP) && routing(a).len() == 5);
    let theirs = start_keepalived(&network, b, 100, IN_FILE, "");
    let log = || fs::read_to_string(network.directory.path().join("100.log")).unwrap();
    eventually("keepalived is backup", || log().contains("(VI_A) Entering BACKUP STATE"));
    assert_eq!(routing(b), Vec::<String>::new(), "a backup has none");
    let mine = routing(a);

    // Somebody takes them away; they come back without a change of state.
    for line in [
        "route del 10.99.0.0/16 table 100",
        "route del blackhole 10.97.0.0/16",
        "-6 route del fd99::/64 dev eth0",
    ] {
        a.ip(line);
        eventually(&format!("back after {line}"), || routing(a) == mine);
    }
    a.ip("rule del priority 200");
    eventually("the rule is back", || routing(a) == mine);
    // The kernel takes the route away with its source address, and says nothing.
    a.flush(VIP);
    eventually("the address and its route are back", || a.holds(VIP) && routing(a) == mine);
    assert_eq!(ours.status().counters.became_master, 1);
    assert!(ours.log().contains("route 10.98.0.0/16 was gone, putting it back"), "{}", ours.log());

    // A crash leaves everything; a successor finds it as it is.
    let memory = ours.remembered_as_master();
    ours.kill();
    assert_eq!(routing(a), mine);
    let mut ours = Ours::resume(a, routed(150), memory);
    eventually("it goes on", || ours.status().counters.sent > 1);
    assert_eq!(routing(a), mine);
    assert!(a.holds(VIP) && !ours.log().contains("cannot"), "{}", ours.log());

    // A reload changes what is different.
    let mut other = routed(150);
    other.instances[0].routes.remove(0);
    other.instances[0].routes[1].metric = Some(8);
    other.instances[0].rules[0].priority = 201;
    ours.send(&In::Reload { config: other });
    eventually("the difference", || {
        let shown = routing(a).join("\n");
        !shown.contains("10.99.0.0") && shown.contains("metric 8") && shown.contains("201: from")
    });
    assert!(!routing(a).join("\n").contains("metric 7") && routing(a).len() == 4);
    ours.send(&In::Reload { config: routed(150) });
    eventually("and back", || routing(a) == mine);

    ours.send(&In::Stop);
    eventually("keepalived takes over", || b.holds(VIP) && routing(b).len() == 5);
    eventually("nothing is left", || routing(a).is_empty());
    assert_eq!(routing(b), mine, "both do the same");
    drop(theirs);
}

#[test]
fn a_route_without_tracking_stays_away() {
    let Some(network) = Network::new() else { return };
    let a = &network.a;
    let mut config = routed(150);
    config.instances[0].routes[0].no_track = true;
    config.instances[0].rules[0].no_track = true;
    let ours = Ours::start(a, config);
    eventually("ours is master", || routing(a).len() == 5);
    a.ip("route del 10.99.0.0/16 table 100");
    a.ip("rule del priority 200");
    a.ip("route del 10.98.0.0/16");
    eventually("the other one is back", || routing(a).iter().any(|line| line.contains("10.98.0.0")));
    assert_eq!(routing(a).len(), 3, "{:?}", routing(a));
    drop(ours);
}

fn with_statics(first: u8) -> Config {
    let mut config = config(150, "eth0");
    let mut address = VirtualAddress::new(Ipv4Addr::new(10, 78, 1, first).into(), 24);
    address.dev = Some("eth0".into());
    config.static_addresses = vec![address];
    let mut route = to(96);
    route.via = Some(IpAddr::from([10, 78, 1, 200]));
    config.static_routes = vec![route];
    let mut rule = Rule::new(Family::Ipv4, RuleAction::Table(100), 300);
    rule.from = Some(prefix([10, 78, 1, 0], 24));
    config.static_rules = vec![rule];
    config
}

#[test]
fn static_addresses_routes_and_rules_stay_until_the_stop() {
    let Some(network) = Network::new() else { return };
    let a = &network.a;
    let stand = || {
        let addresses = a.shows("-o addr show dev eth0");
        (addresses.contains("10.78.1.1/24"), addresses.contains("10.78.1.2/24"), routing(a).len())
    };
    let mut ours = Ours::start(a, with_statics(1));
    eventually("all are there before anybody is master", || stand() == (true, false, 2) && !a.holds(VIP));
    a.ip("addr del 10.78.1.1/24 dev eth0");
    eventually("address and route are back", || stand() == (true, false, 2));
    a.ip("rule del priority 300");
    eventually("the rule is back", || stand() == (true, false, 2));
    a.link("down");
    assert_eq!(routing(a).len(), 1, "the route went with its link");
    a.link("up");
    eventually("it is back", || stand() == (true, false, 2));

    let memory = ours.remembered();
    ours.kill();
    assert_eq!(stand(), (true, false, 2));
    let mut ours = Ours::resume(a, with_statics(1), memory);
    eventually("ours is master", || a.holds(VIP));
    ours.send(&In::Reload { config: with_statics(2) });
    eventually("another address, the same route", || stand() == (false, true, 2));
    ours.send(&In::Stop);
    eventually("nothing is left", || stand() == (false, false, 0));
}
