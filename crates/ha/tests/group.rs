//! Ours and a real keepalived form one group.
//!
//! Every test builds its own switch and hosts, as network namespaces held by processes that the test
//! kills at its end; nothing leaves them. Needs root, iproute2, tcpdump and keepalived.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use ha::message::{In, InstanceState, InstanceStatus, Out, ScriptOutcome};
use net::{Host, Network, Ours, Program, VIP, config, eventually, keepalived};
use std::net::Ipv4Addr;
use std::time::Duration;
use wire::{Arp, Ipv4Packet};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Exactly one of two hosts holds the address.
fn only(holder: &Host, other: &Host) -> bool {
    holder.holds(VIP) && !other.holds(VIP)
}

/// Kills the master and brings it back, five times; each time exactly one host holds the address.
fn die_and_return(network: &Network, start_a: impl Fn() -> Program, start_b: impl Fn() -> Program) {
    let (a, b) = (&network.a, &network.b);
    let (mut first, second) = (start_a(), start_b());
    eventually("A is master", || only(a, b));
    for round in 1..=5 {
        a.link("down");
        first.kill();
        a.flush(VIP);
        eventually(&format!("round {round}: B takes over"), || only(b, a));
        a.link("up");
        first = start_a();
        eventually(&format!("round {round}: A takes it back"), || only(a, b));
        std::thread::sleep(Duration::from_millis(1200));
        assert!(only(a, b), "round {round}: A stays master");
    }
    // A stop of A is an advertisement of priority 0: B takes over within its skew.
    first.stop();
    eventually("B takes over after the stop", || only(b, a));
    drop(second);
}

#[test]
fn ours_as_master_with_keepalived_as_backup() {
    let Some(network) = Network::new() else { return };
    die_and_return(
        &network,
        || Program::Ours(Ours::start(&network.a, config(150, "eth0"))),
        || keepalived(&network, &network.b, 100),
    );
}

#[test]
fn keepalived_as_master_with_ours_as_backup() {
    let Some(network) = Network::new() else { return };
    die_and_return(
        &network,
        || keepalived(&network, &network.a, 150),
        || Program::Ours(Ours::start(&network.b, config(100, "eth0"))),
    );
}

#[test]
fn packets_and_announcements_have_the_bytes_of_keepalived() {
    let Some(network) = Network::new() else { return };
    let (their_mac, our_mac) = (network.a.mac(), network.b.mac());
    let announcements = |frames: &[Vec<u8>], mac| {
        let arps = frames.iter().filter_map(|frame| Arp::parse(frame).ok());
        arps.filter(|arp| arp.source == mac && arp.sender_ip == VIP).collect::<Vec<_>>()
    };
    let advertisements = |frames: &[Vec<u8>], mac: wire::Mac| {
        let mine = frames.iter().filter(|frame| frame[6..12] == mac.0 && frame[12..14] == [8, 0]);
        mine.filter(|frame| frame[23] == vrrp::PROTOCOL).map(|frame| frame[14..].to_vec()).collect::<Vec<_>>()
    };
    let capture = network.capture();
    // Two bursts of five, and what is advertised meanwhile; one more would be seen before its end.
    let complete = |mac| {
        let frames = capture.frames();
        announcements(&frames, mac).len() >= 10 && advertisements(&frames, mac).len() > 6
    };
    let mut theirs = keepalived(&network, &network.a, 150);
    eventually("keepalived has announced twice", || complete(their_mac));
    theirs.kill();
    network.a.flush(VIP);
    let mut ours = Program::Ours(Ours::start(&network.b, config(150, "eth0")));
    eventually("ours has announced twice", || complete(our_mac));
    ours.stop();
    eventually("ours has stopped", || !network.b.holds(VIP));
    let frames = capture.stop();

    let (theirs, ours) = (announcements(&frames, their_mac), announcements(&frames, our_mac));
    assert_eq!(ours.len(), 10, "two bursts of five");
    assert_eq!(theirs.len(), ours.len());
    assert_eq!(theirs[0], Arp::gratuitous(VIP, their_mac));
    assert_eq!(ours[0], Arp::gratuitous(VIP, our_mac));

    let (theirs, ours) = (advertisements(&frames, their_mac), advertisements(&frames, our_mac));
    assert_eq!(vrrp_part(&theirs[0]), vrrp_part(&ours[0]), "the same packet above IP");
    let head = |bytes: &[u8]| {
        let packet = Ipv4Packet::parse(bytes).unwrap();
        (
            packet.header.tos,
            packet.header.ttl,
            packet.header.destination,
            packet.received,
            bytes[6..8].to_vec(),
        )
    };
    assert_eq!(head(&theirs[0]), head(&ours[0]), "the same header but for source and number");
    let last = Ipv4Packet::parse(ours.last().unwrap()).unwrap();
    assert_eq!(last.payload[2], 0, "the last advertisement steps down");
}

fn vrrp_part(bytes: &[u8]) -> Vec<u8> {
    Ipv4Packet::parse(bytes).unwrap().payload.to_vec()
}

#[test]
fn a_failing_script_hands_over_and_its_recovery_takes_back() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, net::with_script(config(100, "eth0"), -20));
    let _theirs = keepalived(&network, &network.b, 90);
    ours.send(&In::ScriptResult { script: "chk".into(), outcome: ScriptOutcome::Exited(0) });
    eventually("A is master", || only(&network.a, &network.b));
    ours.send(&In::ScriptResult { script: "chk".into(), outcome: ScriptOutcome::Exited(1) });
    eventually("B takes over", || only(&network.b, &network.a));
    let status = ours.status();
    assert_eq!((status.state, status.priority), (InstanceState::Backup, 80));
    assert_eq!(status.effects, ["script chk failed: -20"]);
    assert_eq!(status.master.unwrap().priority, 90);
    ours.send(&In::ScriptResult { script: "chk".into(), outcome: ScriptOutcome::Exited(0) });
    eventually("A takes it back", || only(&network.a, &network.b));
    let log = ours.log();
    for line in [
        "VRRP_Script(chk) succeeded",
        "Script `chk` now returning 1",
        "VRRP_Script(chk) failed (exited with status 1)",
        "(VI_A) Changing effective priority from 100 to 80",
        "(VI_A) Master received advert from 10.78.0.2 with higher priority 90, ours 80",
        "(VI_A) received lower priority (90) advert from 10.78.0.2 - discarding",
    ] {
        assert!(log.contains(line), "{line} is missing in\n{log}");
    }
}

#[test]
fn a_crash_of_the_process_is_not_noticed_outside() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    let _theirs = keepalived(&network, &network.b, 100);
    eventually("A is master", || only(&network.a, &network.b));
    for _ in 0..3 {
        let memory = ours.remembered_as_master();
        ours.kill();
        assert!(network.a.holds(VIP), "the address stays");
        ours = Ours::resume(&network.a, config(150, "eth0"), memory);
        std::thread::sleep(seconds(4));
        assert!(only(&network.a, &network.b));
        assert!(!ours.outs().iter().any(|out| matches!(out, Out::Notify(_))), "no script is told");
    }
}

#[test]
fn without_its_supervisor_it_steps_down() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    let _theirs = keepalived(&network, &network.b, 100);
    eventually("A is master", || only(&network.a, &network.b));
    ours.close();
    eventually("B takes over", || only(&network.b, &network.a));
    assert!(ours.log().contains("(VI_A) sent 0 priority"));
}

#[test]
fn an_owner_serves_its_own_address_at_once() {
    let Some(network) = Network::new() else { return };
    let mut owner = config(255, "eth0");
    let own = Ipv4Addr::new(10, 78, 0, 1);
    owner.instances[0].state = keepalived_conf::model::InitialState::Master;
    owner.instances[0].addresses =
        vec![keepalived_conf::model::VirtualAddress { prefix: 24, ..net::address(own) }];
    let mut ours = Ours::start(&network.a, owner);
    let status = ours.status();
    let log = ours.log();
    assert_eq!((status.state, status.source), (InstanceState::Master, Some(own.into())), "{log}");
}

#[test]
fn a_paused_master_gives_way_to_what_happened_meanwhile() {
    let Some(network) = Network::new() else { return };
    let ours = Ours::start(&network.a, config(100, "eth0"));
    eventually("A is master", || network.a.holds(VIP));
    ours.signal("STOP");
    let _theirs = keepalived(&network, &network.b, 150);
    eventually("B is master", || network.b.holds(VIP));
    std::thread::sleep(seconds(2));
    let capture = network.capture();
    ours.signal("CONT");
    eventually("A gave way", || only(&network.b, &network.a));
    let ours = network.a.mac();
    let frames = capture.stop();
    let sent = frames.iter().filter(|frame| frame[6..12] == ours.0 && frame[12..14] == [8, 0]);
    assert_eq!(sent.count(), 0, "nothing is sent before the queue is obeyed");
}

#[test]
fn an_interface_that_is_not_there_yet_is_waited_for() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "late0"));
    eventually("fault", || ours.status().state == InstanceState::Fault);
    assert!(ours.log().contains("interface late0 does not exist, waiting for it"));
    network.a.ip("link add late0 type veth peer name late1");
    network.a.ip("link set late1 up");
    network.a.ip("link set late0 up");
    network.a.ip("addr add 10.79.0.1/24 dev late0");
    eventually("master on the late interface", || network.a.holds(VIP));
    network.a.ip("link set late1 down");
    eventually("fault without carrier", || ours.status().state == InstanceState::Fault);
    assert!(!network.a.holds(VIP));
    network.a.ip("link del late0");
    network.a.ip("link add late0 type veth peer name late1");
    network.a.ip("addr add 10.79.0.1/24 dev late0");
    network.a.ip("link set late1 up");
    network.a.ip("link set late0 up");
    eventually("master on the new interface of that name", || network.a.holds(VIP));
}

#[test]
fn an_interface_without_multicast_is_a_fault_unless_there_are_peers() {
    let Some(network) = Network::new() else { return };
    network.a.ip("link set eth0 multicast off");
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    eventually("it is in FAULT", || ours.status().state == InstanceState::Fault);
    assert_eq!(ours.status().why, "interface eth0 has no multicast: list the other routers in unicast_peer");
    network.a.ip("link set eth0 multicast on");
    eventually("it is master", || network.a.holds(VIP));
    network.a.ip("link set eth0 multicast off");
    eventually("it is in FAULT again", || ours.status().state == InstanceState::Fault);
    ours.send(&In::Reload { config: net::unicast(config(150, "eth0"), 1, 2) });
    eventually("with peers it is master", || network.a.holds(VIP));
}

#[test]
fn an_address_taken_away_is_put_back_without_a_change_of_state() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    eventually("A is master", || network.a.holds(VIP));
    network.a.flush(VIP);
    eventually("put back", || network.a.holds(VIP));
    assert_eq!(ours.status().counters.became_master, 1);
}

#[test]
fn a_master_that_loses_its_own_address_says_that_it_steps_down() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    eventually("A is master", || network.a.holds(VIP));
    let theirs = keepalived(&network, &network.b, 100);
    let (capture, mac) = (network.capture(), network.a.mac());
    network.a.ip("addr flush dev eth0 scope global to 10.78.0.1");
    eventually("it is in FAULT", || ours.status().state == InstanceState::Fault);
    eventually("keepalived takes over", || network.b.holds(VIP) && !network.a.holds(VIP));
    let frames = capture.stop();
    let mine = frames.iter().filter(|frame| frame[6..12] == mac.0 && frame[12..14] == [8, 0]);
    let mut advertisements =
        mine.filter(|frame| frame[23] == vrrp::PROTOCOL).map(|frame| vrrp_part(&frame[14..]));
    assert_eq!(advertisements.next_back().unwrap()[2], 0, "{}", ours.log());
    drop(theirs);
}

#[test]
fn a_wrong_password_is_reported_as_a_conflict() {
    let Some(network) = Network::new() else { return };
    let mut theirs = config(100, "eth0");
    theirs.instances[0].authentication = keepalived_conf::model::Authentication::Pass(*b"2222\0\0\0\0");
    let _theirs = Ours::start(&network.b, theirs);
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    eventually("conflict", || ours.status().conflict.is_some());
    let conflict = ours.status().conflict.unwrap();
    assert_eq!(conflict.source, Ipv4Addr::new(10, 78, 0, 2));
    assert_eq!(conflict.what, "received an invalid passwd!");
    assert!(ours.log().contains("(VI_A) received an invalid passwd! (from 10.78.0.2)"));
}

#[test]
fn a_backup_under_a_flood_of_bad_packets_obeys_its_master() {
    let Some(network) = Network::new() else { return };
    let mut theirs = keepalived(&network, &network.b, 150);
    eventually("B is master", || network.b.holds(VIP));
    let mut ours = Ours::start(&network.a, config(100, "eth0"));
    ours.status();
    let sent = network.b.flood(12_000, seconds(6));
    let status = ours.status();
    assert_eq!((status.state, status.counters.became_master), (InstanceState::Backup, 0));
    let refused: u64 = status.rejected.iter().map(|(_, count)| count).sum();
    // Those for another virtual router are not counted.
    assert!(refused > sent / 2, "{refused} of {sent}: {:?}", status.rejected);
    let lines = ours.log().lines().count();
    assert!(lines < 100, "{lines} lines in the log");
    theirs.stop();
    eventually("A obeys priority 0", || only(&network.a, &network.b));
}

#[test]
fn a_keepalived_on_this_very_host_is_named() {
    let Some(network) = Network::new() else { return };
    let _theirs = keepalived(&network, &network.a, 150);
    eventually("keepalived is master", || network.a.holds(VIP));
    let mut ours = Ours::start(&network.a, config(100, "eth0"));
    ours.status();
    let log = ours.log();
    assert!(log.contains("keepalived (pid "), "{log}");
}

#[test]
fn strict_masters_answer_nothing_at_the_address() {
    let Some(network) = Network::new() else { return };
    let mut strict = config(150, "eth0");
    strict.instances[0].strict = true;
    strict.instances[0].accept = false;
    strict.instances[0].authentication = keepalived_conf::model::Authentication::None;
    let mut ours = Ours::start(&network.a, strict.clone());
    eventually("A is master", || network.a.holds(VIP));
    assert!(!network.b.reaches(VIP));
    strict.global.iptables = keepalived_conf::model::Iptables::Off;
    ours.send(&In::Reload { config: strict });
    eventually("reachable without the rules", || network.b.reaches(VIP));
}

#[test]
fn dual_master_with_keepalived() {
    let Some(network) = Network::new() else { return };
    let second = Ipv4Addr::new(10, 78, 0, 101);
    let mut two = config(150, "eth0");
    let mut other = config(100, "eth0").instances.remove(0);
    other.name = "VI_B".into();
    other.vrid = 62;
    other.addresses = vec![net::address(second)];
    two.instances.push(other);
    let ours = Ours::start(&network.a, two);
    eventually("A holds both", || network.a.holds(VIP) && network.a.holds(second));
    let mut theirs = net::keepalived_dual(&network, &network.b, 100, (62, 150, second));
    eventually("each holds one", || {
        only(&network.a, &network.b) && network.b.holds(second) && !network.a.holds(second)
    });
    std::thread::sleep(seconds(3));
    assert!(only(&network.a, &network.b) && network.b.holds(second) && !network.a.holds(second));
    theirs.stop();
    eventually("A holds both again", || network.a.holds(VIP) && network.a.holds(second));
    drop(ours);
}

#[test]
fn unicast_with_keepalived() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, net::unicast(config(150, "eth0"), 1, 2));
    let _theirs = net::keepalived_unicast(&network, &network.b, 100);
    eventually("A is master", || only(&network.a, &network.b));
    std::thread::sleep(seconds(4));
    assert!(only(&network.a, &network.b));
    ours.send(&In::Stop);
    eventually("B takes over", || only(&network.b, &network.a));
}

#[test]
fn a_unicast_source_that_is_not_there_is_a_fault_at_the_start() {
    let Some(network) = Network::new() else { return };
    let a = &network.a;
    let mut ours = Ours::start(a, net::unicast(config(150, "eth0"), 7, 2));
    eventually("it is in FAULT", || ours.status().state == InstanceState::Fault);
    assert_eq!(ours.status().why, "source address 10.78.0.7 is not there");
    a.ip("addr add 10.78.0.7/24 dev eth0");
    eventually("it is master", || a.holds(VIP));
    // What becomes of it later, `track_src_ip` says.
    a.ip("addr del 10.78.0.7/24 dev eth0");
    // Whoever answers the second question has heard of it, and acted, before.
    ours.status();
    assert_eq!(ours.status().state, InstanceState::Master);
    ours.send(&In::Reload { config: net::unicast(config(150, "eth0"), 1, 2) });
    ours.status();
    let status = ours.status();
    assert_eq!(status.state, InstanceState::Master, "a reload may name another");
    assert_eq!(status.counters.became_master, 1);
    // Somebody may know better.
    let sysctl = "echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind";
    assert!(network.b.command("sh").args(["-c", sysctl]).status().unwrap().success());
    ours.kill();
    a.flush(VIP);
    let _other = Ours::start(&network.b, net::unicast(config(150, "eth0"), 7, 1));
    eventually("it is master all the same", || only(&network.b, a));
}

#[test]
fn one_number_twice_in_unicast_hears_its_own_peers() {
    const SECOND: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 101);
    let Some(network) = Network::new() else { return };
    let (a, b, c) = (&network.a, &network.b, network.join(3));
    // VRID 61 with host B, and another VRID 61 with host C.
    let with = |priority, from, to, address| {
        let mut config = net::unicast(config(priority, "eth0"), from, to);
        config.instances[0].addresses = vec![net::address(address)];
        config
    };
    let _first = Ours::start(b, with(150, 2, 1, VIP));
    let mut second = Ours::start(&c, with(150, 3, 1, SECOND));
    eventually("B and C are masters", || b.holds(VIP) && c.holds(SECOND));
    let mut both = with(100, 1, 2, VIP);
    both.instances.extend(with(100, 1, 3, SECOND).instances);
    both.instances[1].name = "VI_B".into();
    let mut both = Ours::start(a, both);
    // More than fit into the time after which it would take over.
    let heard = |status: &InstanceStatus| status.counters.received >= 5;
    eventually("each hears its master", || both.statuses().iter().all(heard));
    assert!(!a.holds(VIP) && !a.holds(SECOND), "and obeys it");
    second.send(&In::Stop);
    eventually("A takes over from C", || a.holds(SECOND) && !c.holds(SECOND));
    assert!(only(b, a), "and leaves B alone");
}

#[test]
fn a_reload_moves_only_what_changed() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    eventually("A is master", || network.a.holds(VIP));
    let second = Ipv4Addr::new(10, 78, 0, 101);
    let mut changed = config(140, "eth0");
    changed.instances[0].addresses.push(net::address(second));
    ours.send(&In::Reload { config: changed.clone() });
    eventually("both addresses", || network.a.holds(VIP) && network.a.holds(second));
    assert_eq!((ours.status().priority, ours.status().counters.became_master), (140, 1));
    changed.instances[0].addresses.remove(0);
    ours.send(&In::Reload { config: changed });
    eventually("the first is gone", || !network.a.holds(VIP) && network.a.holds(second));
    ours.send(&In::Reload { config: keepalived_conf::model::Config::default() });
    eventually("all are gone", || !network.a.holds(second));
}

#[test]
fn an_interface_that_gets_another_name_is_a_fault() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    eventually("A is master", || network.a.holds(VIP));
    let renamed = network.a.command("ip").args(["link", "set", "eth0", "name", "wan"]).status().unwrap();
    if !renamed.success() {
        eprintln!("not run: this kernel renames no link that is up");
        return;
    }
    eventually("fault", || ours.status().state == InstanceState::Fault);
    network.a.ip("link set wan name eth0");
    eventually("master again", || ours.status().state == InstanceState::Master);
}

#[test]
fn an_address_taken_away_among_more_changes_than_can_be_told_is_put_back() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, {
        let mut config = config(150, "eth0");
        let buffers = &mut config.global.processes.vrrp.netlink;
        (buffers.monitor, buffers.monitor_force) = (Some(4096), true);
        config
    });
    eventually("A is master", || network.a.holds(VIP));
    let batch = network.directory.path().join("batch");
    let mut lines: String = (0..250).map(|n| format!("addr add 10.79.1.{n}/32 dev eth0\n")).collect();
    lines += &format!("addr del {VIP}/32 dev eth0\n");
    std::fs::write(&batch, lines).unwrap();
    // Paused for a moment, it has too small a buffer for all of them.
    ours.signal("STOP");
    let done = network.a.command("ip").arg("-batch").arg(&batch).status().unwrap();
    ours.signal("CONT");
    assert!(done.success());
    eventually("put back", || network.a.holds(VIP));
    assert_eq!(ours.status().counters.became_master, 1, "{}", ours.log());
}

#[test]
fn a_master_stays_one_when_a_reload_gives_it_another_name_or_authentication() {
    let Some(network) = Network::new() else { return };
    let mut ours = Ours::start(&network.a, config(150, "eth0"));
    eventually("A is master", || network.b.reaches(VIP));
    let mut next = config(150, "eth0");
    next.instances[0].name = "VI_Z".into();
    next.instances[0].authentication = keepalived_conf::model::Authentication::Ah(*b"1111\0\0\0\0");
    ours.send(&In::Reload { config: next });
    let sent = ours.status().counters.sent;
    eventually("more than a lease has passed", || ours.status().counters.sent > sent + 4);
    assert_eq!(ours.status().state, InstanceState::Master, "{}", ours.log());
    assert!(!ours.log().contains("sent 0 priority"), "it gave the address up: {}", ours.log());
    assert!(network.b.reaches(VIP), "the lease was renewed: {}", ours.log());
    ours.send(&In::Stop);
    eventually("it was given up", || !network.a.holds(VIP));
}

#[test]
fn instances_may_change_their_names_among_each_other() {
    const SECOND: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 101);
    let Some(network) = Network::new() else { return };
    // VRIDs 61 and 62 with an address each.
    let named = |names: [&str; 2]| {
        let mut config = config(150, "eth0");
        let mut other = config.instances[0].clone();
        (other.vrid, other.addresses) = (62, vec![net::address(SECOND)]);
        config.instances.push(other);
        for (instance, name) in config.instances.iter_mut().zip(names) {
            instance.name = name.into();
        }
        config
    };
    let mut ours = Ours::start(&network.a, named(["VI_A", "VI_B"]));
    let both = || [VIP, SECOND].iter().all(|address| network.b.reaches(*address));
    eventually("A is master of both", both);
    ours.send(&In::Reload { config: named(["VI_B", "VI_A"]) });
    let sent = ours.status().counters.sent;
    eventually("more than a lease has passed", || ours.status().counters.sent > sent + 4);
    assert!(both(), "each has kept its lease: {}", ours.log());
    // The first takes the name of the second, which goes.
    let mut first = named(["VI_A", "VI_B"]);
    first.instances.pop();
    ours.send(&In::Reload { config: first });
    let sent = ours.status().counters.sent;
    assert!(!network.a.holds(SECOND));
    eventually("more than a lease has passed again", || ours.status().counters.sent > sent + 4);
    assert!(network.b.reaches(VIP), "{}", ours.log());
    let ruleset =
        network.a.command("nft").args(["list", "map", "inet", "backstay_lease", "v4"]).output().unwrap();
    let ruleset = String::from_utf8_lossy(&ruleset.stdout).into_owned();
    assert!(ruleset.contains("10.78.0.100 :") && !ruleset.contains("10.78.0.101 :"), "{ruleset}");
}

#[test]
fn a_reload_moves_an_address_from_one_instance_to_another() {
    let Some(network) = Network::new() else { return };
    let second = Ipv4Addr::new(10, 78, 0, 101);
    // Nobody puts back what is lost on the way.
    let untracked =
        |address| keepalived_conf::model::VirtualAddress { no_track: true, ..net::address(address) };
    let prepare = |first: &[Ipv4Addr], other: &[Ipv4Addr]| {
        let mut config = config(150, "eth0");
        let mut next = config.instances[0].clone();
        (next.name, next.vrid) = ("VI_B".into(), 62);
        config.instances.insert(0, next);
        config.instances[0].addresses = first.iter().copied().map(untracked).collect();
        config.instances[1].addresses = other.iter().copied().map(untracked).collect();
        config
    };
    let third = Ipv4Addr::new(10, 78, 0, 102);
    let mut ours = Ours::start(&network.a, prepare(&[third], &[VIP, second]));
    let all = || [VIP, second, third].iter().all(|address| network.a.holds(*address));
    eventually("A holds all", all);
    ours.send(&In::Reload { config: prepare(&[third, second], &[VIP]) });
    ours.status();
    assert!(all(), "{}", ours.log());
    let mut rest = prepare(&[third, second, VIP], &[]);
    rest.instances.pop();
    ours.send(&In::Reload { config: rest });
    let sent = ours.status().counters.sent;
    eventually("more than a lease has passed", || ours.status().counters.sent > sent + 4);
    assert!(all(), "{}", ours.log());
    for address in [VIP, second, third] {
        assert!(network.b.reaches(address), "{address}: {}", ours.log());
    }
}
