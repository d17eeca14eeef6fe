//! What keepalived does not do: handing over without a wait, and addresses that nobody answers for
//! once nobody advertises.
//!
//! Needs root and iproute2, and nftables in the kernel.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use ha::message::{In, InstanceState};
use net::{Network, Ours, VIP, config, eventually, keepalived, unicast};
use std::net::{IpAddr, Ipv4Addr};

/// A pair of ours with A as master that knows its backup.
fn pair(network: &Network, prepare: impl Fn(u8, u8) -> keepalived_conf::model::Config) -> (Ours, Ours) {
    let mut a = Ours::start(&network.a, prepare(150, 1));
    let b = Ours::start(&network.b, prepare(100, 2));
    eventually("A knows B", || a.status().successors == [IpAddr::from([10, 78, 0, 2])]);
    (a, b)
}

#[test]
fn a_stop_is_handed_over_to_one_of_ours() {
    let Some(network) = Network::new() else { return };
    let (mut a, mut b) = pair(&network, |priority, _| config(priority, "eth0"));
    a.send(&In::Stop);
    eventually("B takes over", || network.b.holds(VIP));
    assert_eq!(b.status().why, "the master steps down and hands over to us", "{}", b.log());
}

#[test]
fn a_stop_is_handed_over_in_unicast_too() {
    let Some(network) = Network::new() else { return };
    let (mut a, mut b) = pair(&network, |priority, own| unicast(config(priority, "eth0"), own, 3 - own));
    a.send(&In::Stop);
    eventually("B takes over", || network.b.holds(VIP));
    assert_eq!(b.status().why, "the master steps down and hands over to us", "{}", b.log());
}

#[test]
fn without_leases_and_hand_over_it_is_as_keepalived() {
    let Some(network) = Network::new() else { return };
    let prepare = |priority| {
        let mut config = config(priority, "eth0");
        (config.global.lease, config.global.handover) = (false, false);
        config
    };
    let mut a = Ours::start(&network.a, prepare(150));
    let _b = Ours::start(&network.b, prepare(100));
    eventually("A has advertised for a while", || a.status().counters.sent > 4);
    assert_eq!(a.status().successors, [] as [IpAddr; 0]);
    let rules = network.a.command("nft").args(["list", "tables"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&rules.stdout).contains("backstay"), "{rules:?}");
    a.send(&In::Stop);
    eventually("B takes over", || network.b.holds(VIP));
    assert!(!a.log().contains("handing over"), "{}", a.log());
}

#[test]
fn a_router_of_another_number_is_not_handed_over_to() {
    let Some(network) = Network::new() else { return };
    let mut stranger = config(100, "eth0");
    stranger.instances[0].vrid = 62;
    let mut a = Ours::start(&network.a, config(150, "eth0"));
    let _b = Ours::start(&network.b, stranger);
    // The first greeting leaves with the first advertisements; several follow.
    eventually("A has advertised for a while", || a.status().counters.sent > 4);
    a.send(&In::Stop);
    eventually("A has stopped", || !network.a.holds(VIP));
    assert!(!a.log().contains("handing over"), "{}", a.log());
}

#[test]
fn a_foreign_backup_sees_nothing_but_vrrp() {
    let Some(network) = Network::new() else { return };
    let mut a = Ours::start(&network.a, config(150, "eth0"));
    let _b = keepalived(&network, &network.b, 100);
    eventually("A has advertised for a while", || a.status().counters.sent > 4);
    a.send(&In::Stop);
    eventually("keepalived takes over", || network.b.holds(VIP));
    let log = std::fs::read_to_string(network.directory.path().join("100.log")).unwrap();
    let complaints = ["nvalid", "too short", "too long", "wrong", "Unknown"];
    let complains = |line: &&str| complaints.iter().any(|word| line.contains(word));
    assert_eq!(log.lines().find(complains), None, "{log}");
}

#[test]
fn an_address_is_not_answered_once_everything_was_killed() {
    let Some(network) = Network::new() else { return };
    let mut a = Ours::start(&network.a, config(150, "eth0"));
    eventually("A answers", || network.b.reaches(VIP));
    a.kill();
    assert!(network.a.holds(VIP), "nobody has taken the address away");
    assert!(network.b.reaches(VIP), "the lease lasts three intervals");
    eventually("the address falls silent", || !network.b.reaches(VIP));
    assert!(network.a.holds(VIP));
    // The next start begins anew and serves it again.
    let mut next = Ours::start(&network.a, config(150, "eth0"));
    eventually("it is served again", || network.b.reaches(VIP));
    assert_eq!(next.status().state, InstanceState::Master);
    next.send(&In::Stop);
    eventually("it was given up", || !network.a.holds(VIP));
    let rules = network.a.command("nft").args(["list", "tables"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&rules.stdout).contains("backstay"), "{rules:?}");
}

#[test]
fn an_address_that_is_no_longer_configured_does_not_come_back_after_a_kill() {
    let Some(network) = Network::new() else { return };
    let mut a = Ours::start(&network.a, config(150, "eth0"));
    eventually("A answers", || network.b.reaches(VIP));
    a.kill();
    let mut other = config(150, "eth0");
    let moved = Ipv4Addr::new(10, 78, 0, 101);
    other.instances[0].addresses = vec![net::address(moved)];
    let _next = Ours::start(&network.a, other);
    eventually("the new address is served", || network.a.holds(moved));
    assert!(!network.a.holds(VIP), "the old one was removed");
}

#[test]
fn a_stopped_process_falls_silent_before_its_peer_takes_over() {
    let Some(network) = Network::new() else { return };
    let (a, _b) = pair(&network, |priority, _| config(priority, "eth0"));
    a.signal("STOP");
    eventually("B takes over", || network.b.holds(VIP));
    assert!(network.a.holds(VIP), "A does not know yet");
    // Who asks for the address from A's side of the wire gets one answer: B's.
    network.only_answers(VIP, network.b.mac());
    a.signal("CONT");
    eventually("A gives it up", || !network.a.holds(VIP));
    assert!(a.log().contains("was paused"), "{}", a.log());
    eventually("A takes it back by the rules", || network.a.holds(VIP) && !network.b.holds(VIP));
}

#[test]
fn a_crash_of_the_process_loses_no_lease() {
    let Some(network) = Network::new() else { return };
    let mut a = Ours::start(&network.a, config(150, "eth0"));
    eventually("A answers", || network.b.reaches(VIP));
    let remembered = a.remembered_as_master();
    a.kill();
    let mut next = Ours::resume(&network.a, config(150, "eth0"), remembered);
    assert_eq!(next.status().state, InstanceState::Master);
    eventually("more than a lease has passed", || next.status().counters.sent > 4);
    assert!(network.b.reaches(VIP), "the lease was renewed: {}", next.log());
}

/// What comes after one that hung or was away too long finds a peer that serves the address.
#[test]
fn the_successor_of_one_that_was_silent_too_long_is_no_second_master() {
    let Some(network) = Network::new() else { return };
    let prepare = |priority| {
        let mut config = config(priority, "eth0");
        config.instances[0].nopreempt = true;
        config
    };
    let mut a = Ours::start(&network.a, prepare(150));
    eventually("A answers", || network.b.reaches(VIP));
    let remembered = a.remembered_as_master();
    let alive = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let alive = std::time::Duration::try_from(alive).unwrap();
    a.kill();
    let mut b = Ours::start(&network.b, prepare(100));
    eventually("B takes over", || network.b.holds(VIP));
    let capture = network.capture();
    let mut next = Ours::resume_after(&network.a, prepare(150), remembered, Some(alive));
    eventually("A gives the address up", || !network.a.holds(VIP));
    let heard = next.status().master.map_or(0, |master| master.ago.as_millis());
    eventually("A hears B for a while", || next.status().master.is_some_and(|m| m.ago.as_millis() > heard));
    let (status, mac) = (next.status(), network.a.mac());
    assert_eq!((status.state, status.counters.sent), (InstanceState::Backup, 0), "{}", next.log());
    let sent = capture.stop();
    let speaks = |frame: &&Vec<u8>| frame[6..12] == mac.0 && frame[23] == vrrp::PROTOCOL;
    assert_eq!(sent.iter().filter(|frame| frame.len() > 23).filter(speaks).count(), 0);
    assert_eq!(b.status().counters.lower_heard + b.status().counters.released_master, 0, "{}", b.log());
    let told = next.outs().into_iter().any(|out| {
        let state = ha::message::Occasion::State(InstanceState::Backup);
        matches!(out, ha::message::Out::Notify(notification) if notification.occasion == state)
    });
    assert!(told, "scripts are to know");
}

/// Numbers of packets must not be repeated, or a backup that counts them takes over.
#[test]
fn a_crash_repeats_no_sequence_number_of_ah() {
    let Some(network) = Network::new() else { return };
    let written = |priority| {
        format!(
            "vrrp_instance VI_A {{\nstate BACKUP\ninterface eth0\nvirtual_router_id 61\npriority {priority}\n\
             authentication {{\nauth_type AH\nauth_pass 1111\n}}\nvirtual_ipaddress {{\n{VIP}\n}}\n}}\n"
        )
    };
    let (own, other) = (network.directory.path().join("ours.conf"), network.directory.path().join("b.conf"));
    std::fs::write(&own, written(150)).unwrap();
    std::fs::write(&other, written(100)).unwrap();
    let config = || keepalived_conf::load(&own, &keepalived_conf::Environment::default()).config;
    let mut a = Ours::start(&network.a, config());
    eventually("A is master", || network.a.holds(VIP));
    let _b = net::keepalived_with(&network, &network.b, &other);
    let log = || std::fs::read_to_string(network.directory.path().join("b.log")).unwrap();
    eventually("B is backup", || log().contains("Entering BACKUP STATE"));
    let sent = a.status().counters.sent;
    eventually("A has advertised for a while", || a.status().counters.sent > sent + 2);
    let remembered = a.remembered();
    a.kill();
    let mut next = Ours::resume(&network.a, config(), remembered);
    eventually("a backup would have taken over", || next.status().counters.sent > 4);
    let log = log();
    assert!(!log.contains("already processed") && !log.contains("Entering MASTER"), "{log}");
    assert!(network.a.holds(VIP) && !network.b.holds(VIP));
}
