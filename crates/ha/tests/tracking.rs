//! Files, processes, BFD sessions and delayed interfaces move priorities and cause faults.
//!
//! Every test builds its own switch and hosts; see `net`. Needs root, iproute2, tcpdump and keepalived.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use ha::message::{In, InstanceState, Memory};
use keepalived_conf::model::{
    BfdInstance, Config, InterfaceDelay, ParameterMatch, SyncGroup, TrackFile, TrackFileInit, TrackProcess,
    TrackWeight, Tracked,
};
use net::{Host, Network, Ours, Program, config, eventually};
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

fn weight(weight: i32) -> TrackWeight {
    TrackWeight { weight, reverse: false }
}

fn tracked(name: &str, amount: i32) -> Tracked {
    Tracked { name: name.into(), weight: weight(amount) }
}

fn file(name: &str, path: &Path, init: Option<TrackFileInit>) -> TrackFile {
    TrackFile { name: name.into(), path: path.to_owned(), weight: weight(1), init }
}

/// Waits until priority and effects are these.
fn stands(ours: &mut Ours, priority: u8, effects: &[&str]) {
    let mut seen = String::new();
    let what = format!("priority {priority}, {effects:?}");
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while std::time::Instant::now() < end {
        let status = ours.status();
        if (status.priority, status.effects.iter().map(String::as_str).collect::<Vec<_>>().as_slice())
            == (priority, effects)
        {
            return;
        }
        seen = format!("{} {:?} {:?}", status.priority, status.state, status.effects);
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not {what}, but {seen}; log:\n{}", ours.log());
}

/// Writes a file in one step, as nobody sees it half written.
fn replace(path: &Path, content: &str) {
    fs::write(path.with_extension("new"), content).unwrap();
    fs::rename(path.with_extension("new"), path).unwrap();
}

#[test]
fn a_file_moves_the_priority_however_it_is_written() {
    let Some(network) = Network::new() else { return };
    let path = network.directory.path().join("load");
    let mut config = config(100, "eth0");
    config.files.push(file("load", &path, None));
    config.instances[0].track_files.push(tracked("load", 10));
    let mut ours = Ours::start(&network.a, config);
    stands(&mut ours, 100, &[]);
    fs::write(&path, "3\n").unwrap();
    stands(&mut ours, 130, &["file load is 3: +30"]);
    fs::write(&path, "").unwrap();
    stands(&mut ours, 100, &[]);
    replace(&path, "-4");
    stands(&mut ours, 60, &["file load is -4: -40"]);
    fs::remove_file(&path).unwrap();
    stands(&mut ours, 100, &[]);
    // A link to a file elsewhere, which is written, and then another link.
    let elsewhere = tempfile::tempdir().unwrap();
    let target = |name: &str| elsewhere.path().join(name);
    fs::write(target("one"), "1").unwrap();
    fs::write(target("two"), "2").unwrap();
    std::os::unix::fs::symlink(target("one"), &path).unwrap();
    stands(&mut ours, 110, &["file load is 1: +10"]);
    fs::write(target("one"), "5").unwrap();
    stands(&mut ours, 150, &["file load is 5: +50"]);
    std::os::unix::fs::symlink(target("two"), path.with_extension("new")).unwrap();
    fs::rename(path.with_extension("new"), &path).unwrap();
    stands(&mut ours, 120, &["file load is 2: +20"]);
    // A writer that keeps the file open, and one that cuts it by its path.
    let mut open = fs::File::create(target("two")).unwrap();
    std::io::Write::write_all(&mut open, b"7").unwrap();
    stands(&mut ours, 170, &["file load is 7: +70"]);
    open.set_len(0).unwrap();
    stands(&mut ours, 100, &[]);
    // Too large: the last number stands. Small enough: a fault.
    fs::write(&path, "6").unwrap();
    stands(&mut ours, 160, &["file load is 6: +60"]);
    replace(&path, "99999999999");
    eventually("it is said", || ours.log().contains("the number in it is too large"));
    stands(&mut ours, 160, &["file load is 6: +60"]);
    fs::write(&path, "-26").unwrap();
    stands(&mut ours, 100, &["file load is -26"]);
    assert_eq!(ours.status().state, InstanceState::Fault);
    fs::write(&path, "-25").unwrap();
    stands(&mut ours, 1, &["file load is -25: -250"]);
    assert_eq!(ours.status().state, InstanceState::Backup);
    let faults = ours.log().matches("(VI_A) entering FAULT state (file load is -26)").count();
    assert_eq!(faults, 1, "{}", ours.log());
}

/// What a log says of priorities and faults, without what stands before it.
fn story(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| line.split_once("(VI_A) ").map(|(_, rest)| rest.to_owned()));
    lines.filter(|line| line.starts_with("Changing effective") || line == "Entering FAULT STATE").collect()
}

#[test]
fn keepalived_reads_the_same_numbers_in_files() {
    let Some(network) = Network::new() else { return };
    let path = |name: &str| network.directory.path().join(name);
    let mut config = config(100, "eth0");
    config.files = vec![file("load", &path("load"), None), file("down", &path("down"), None)];
    config.instances[0].track_files = vec![tracked("load", 10), tracked("down", 0)];
    let mut ours = Ours::start(&network.a, config);
    let text = format!(
        "track_file load {{\n file {}\n weight 10\n}}\ntrack_file down {{\n file {}\n weight 0\n}}\n\
         vrrp_instance VI_A {{\n state BACKUP\n interface eth0\n virtual_router_id 61\n priority 100\n \
         authentication {{\n auth_type PASS\n auth_pass 1111\n }}\n virtual_ipaddress {{\n 10.78.0.100\n \
         }}\n track_file {{\n load\n down\n }}\n}}\n",
        path("load").display(),
        path("down").display()
    );
    let _theirs = keepalived(&network, &network.b, &text);
    let log = || fs::read_to_string(path("keepalived.log")).unwrap_or_default();
    eventually("keepalived has begun", || log().contains("(VI_A) Entering BACKUP STATE"));
    stands(&mut ours, 100, &[]);
    let (mut before, mut expected) = (100, Vec::new());
    let mut compare = |file: &str, content: Option<&str>, priority: u8, fault: bool| {
        match content {
            Some(content) => replace(&path(file), content),
            None => fs::remove_file(path(file)).unwrap(),
        }
        if priority != before {
            expected.push(format!("Changing effective priority from {before} to {priority}"));
        }
        if fault {
            expected.push("Entering FAULT STATE".to_owned());
        }
        before = priority;
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while (story(&ours.log()), story(&log())) != (expected.clone(), expected.clone()) {
            assert!(
                std::time::Instant::now() < end,
                "{content:?}\nours: {:#?}\ntheirs: {:#?}\nexpected: {expected:#?}",
                story(&ours.log()),
                story(&log())
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    compare("load", Some("5"), 150, false);
    compare("load", Some(" -3x"), 70, false);
    compare("load", Some("0x10"), 254, false);
    compare("load", Some("010"), 180, false);
    compare("load", Some("08"), 100, false);
    compare("load", Some("25\n30\n"), 254, false);
    compare("load", Some(""), 100, false);
    compare("load", Some("none"), 100, false);
    compare("load", Some("-25"), 1, false);
    compare("load", Some("9 "), 190, false);
    compare("load", None, 100, false);
    compare("down", Some("1"), 100, true);
    compare("down", Some("-1"), 100, false);
    compare("down", None, 100, false);
    let is_over = |log: &str| log.rfind("Entering BACKUP STATE") > log.rfind("Entering FAULT STATE");
    eventually("the fault is over", || is_over(&ours.log()) && is_over(&log()));
    fs::write(path("down"), "0").unwrap();
    stands(&mut ours, 100, &[]);
}

#[test]
fn a_file_of_weight_0_is_a_fault_of_the_whole_group_and_init_file_writes_it_once() {
    let Some(network) = Network::new() else { return };
    let path = |name: &str| network.directory.path().join(name);
    fs::write(path("kept"), "4").unwrap();
    fs::write(path("overwritten"), "4").unwrap();
    let mut config = config(100, "eth0");
    let init = |value, overwrite| Some(TrackFileInit { value, overwrite });
    config.files = vec![
        file("down", &path("down"), init(0, false)),
        file("kept", &path("kept"), init(-9, false)),
        file("overwritten", &path("overwritten"), init(-7, true)),
        file("unused", &path("later/unused"), None),
    ];
    config.instances[0].track_files = vec![tracked("kept", 1), tracked("overwritten", 1)];
    let mut group = SyncGroup { name: "G".into(), members: vec!["VI_A".into()], ..SyncGroup::default() };
    group.member_weights = true;
    group.track.files = vec![tracked("down", 0), tracked("unused", 1)];
    config.sync_groups.push(group);
    let mut ours = Ours::start(&network.a, config.clone());
    stands(&mut ours, 97, &["file kept is 4: +4", "file overwritten is -7: -7"]);
    assert_eq!(fs::read_to_string(path("down")).unwrap(), "0\n");
    fs::write(path("down"), "1").unwrap();
    eventually("fault", || ours.status().state == InstanceState::Fault);
    fs::remove_file(path("down")).unwrap();
    eventually("no fault", || ours.status().state != InstanceState::Fault);
    // A directory that comes later is watched then.
    assert!(ours.log().contains("its directory cannot be watched"));
    fs::create_dir(path("later")).unwrap();
    fs::write(path("later/unused"), "5").unwrap();
    stands(&mut ours, 102, &["file kept is 4: +4", "file overwritten is -7: -7", "file unused is 5: +5"]);
    // Nor is a link followed to write a file.
    let linked = path("linked");
    std::os::unix::fs::symlink(path("nowhere"), &linked).unwrap();
    let mut other = config.clone();
    other.files = vec![file("linked", &linked, init(3, true))];
    let wrong = ha::write_initial_files(&other);
    assert!(matches!(&wrong[..], [line] if line.starts_with("Unable to initialise track file linked")));
    assert!(!path("nowhere").exists());
    // A reload, and a successor, leave files as they are.
    fs::write(path("overwritten"), "8").unwrap();
    stands(&mut ours, 117, &["file kept is 4: +4", "file overwritten is 8: +8", "file unused is 5: +5"]);
    ours.send(&In::Reload { config: config.clone() });
    stands(&mut ours, 117, &["file kept is 4: +4", "file overwritten is 8: +8", "file unused is 5: +5"]);
    let remembered = ours.remembered();
    ours.kill();
    let mut ours = Ours::resume(&network.a, config, remembered);
    stands(&mut ours, 117, &["file kept is 4: +4", "file overwritten is 8: +8", "file unused is 5: +5"]);
    assert!(!path("down").exists());
}

#[test]
fn dynamic_interfaces_are_waited_for_without_complaint() {
    let Some(network) = Network::new() else { return };
    for dynamic in [false, true] {
        let mut config = config(100, "eth7");
        config.global.dynamic_interfaces = dynamic;
        let mut ours = Ours::start(&network.a, config);
        stands(&mut ours, 100, &["interface eth7 does not exist, waiting for it"]);
        let complains = ours.log().contains("entering FAULT state (interface eth7 does not exist");
        assert_eq!(complains, !dynamic, "{}", ours.log());
        network.a.ip("link add eth7 type veth peer name eth8");
        network.a.ip("addr add 10.79.0.1/24 dev eth7");
        network.a.ip("link set eth8 up");
        network.a.ip("link set eth7 up");
        eventually("it takes part", || ours.status().state == InstanceState::Backup);
        // Another of the same name.
        network.a.ip("link del eth7");
        eventually("it is gone", || ours.status().state == InstanceState::Fault);
        network.a.ip("link add eth7 type bridge");
        network.a.ip("addr add 10.79.0.1/24 dev eth7");
        network.a.ip("link add eth9 type veth peer name eth8");
        network.a.ip("link set eth8 up");
        network.a.ip("link set eth9 master eth7 up");
        network.a.ip("link set eth7 up");
        eventually("it takes part again", || ours.status().state == InstanceState::Backup);
        network.a.ip("link del eth9");
        network.a.ip("link del eth7");
    }
}

/// A program of a name that no other test has.
fn program(network: &Network, name: &str) -> PathBuf {
    let path = network.directory.path().join(name);
    // No copy: a test beside this one may fork while it is open for writing, and then it cannot be executed.
    std::os::unix::fs::symlink("/bin/sleep", &path).unwrap();
    path
}

fn start(program: &Path, words: &[&str]) -> Child {
    Command::new(program).args(words).stdin(Stdio::null()).spawn().unwrap()
}

fn end(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn process(name: &str, program: &str) -> TrackProcess {
    TrackProcess {
        name: name.into(),
        program: program.into(),
        parameters: Vec::new(),
        matching: ParameterMatch::Ignored,
        full_command: false,
        weight: TrackWeight::default(),
        quorum: 1,
        quorum_max: None,
        terminate_delay: Duration::ZERO,
        fork_delay: Duration::ZERO,
    }
}

#[test]
fn processes_are_counted_in_a_namespace_without_events() {
    let Some(network) = Network::new() else { return };
    let name = format!("bs{}", std::process::id());
    let path = program(&network, &name);
    let mut config = config(100, "eth0");
    let mut some = TrackProcess { quorum: 2, ..process("some", &name) };
    some.terminate_delay = Duration::from_millis(500);
    let by_parameters = TrackProcess {
        parameters: vec!["600.5".into()],
        matching: ParameterMatch::Exact,
        full_command: true,
        ..process("exact", path.to_str().unwrap())
    };
    config.processes = vec![some, by_parameters];
    config.instances[0].track_processes = vec![tracked("some", -20), tracked("exact", 0)];
    let mut ours = Ours::start(&network.a, config.clone());
    stands(&mut ours, 80, &["process some: 0 of 2 running: -20", "process exact: 0 of 1 running"]);
    assert_eq!(ours.status().state, InstanceState::Fault);
    assert!(ours.log().contains("first namespaces only: vrrp_track_process looks at /proc every second"));
    let first = start(&path, &["600"]);
    stands(&mut ours, 80, &["process some: 1 of 2 running: -20", "process exact: 0 of 1 running"]);
    let second = start(&path, &["600.5"]);
    stands(&mut ours, 100, &[]);
    assert!(ours.log().contains("Quorum gained for tracked process exact"));
    // A successor knows at once, and goes on.
    let remembered = ours.remembered();
    assert_eq!(remembered.processes, [("some".to_owned(), true), ("exact".to_owned(), true)]);
    ours.kill();
    let mut ours = Ours::resume(&network.a, config, remembered);
    stands(&mut ours, 100, &[]);
    assert!(!ours.log().contains("FAULT") && !ours.log().contains("Quorum"), "{}", ours.log());
    end(second);
    stands(&mut ours, 80, &["process some: 1 of 2 running: -20", "process exact: 0 of 1 running"]);
    assert!(ours.log().contains("Quorum lost for tracked process exact"));
    end(first);
}

/// A session that finds its neighbour gone after a second: on a machine with much else to do, packets
/// of a shorter one come too late.
fn bfd(name: &str, from: &str, to: &str) -> BfdInstance {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    BfdInstance {
        name: name.into(),
        neighbor: address(to),
        source: Some(address(from)),
        min_rx: Duration::from_millis(200),
        min_tx: Duration::from_millis(200),
        idle_tx: Duration::from_secs(1),
        multiplier: 5,
        passive: false,
        ttl: if address(to).is_ipv4() { 255 } else { 64 },
        max_hops: Some(0),
        multihop: false,
        weight: TrackWeight::default(),
        for_vrrp: true,
        for_checkers: true,
    }
}

fn with_session(mut config: Config, session: BfdInstance, weight: i32) -> Config {
    config.instances[0].track_bfd.push(tracked(&session.name, weight));
    config.bfd.push(session);
    config
}

/// The milliseconds after which a session found its neighbour gone.
fn expired_after(ours: &Ours) -> Option<u64> {
    let log = ours.log();
    log.rsplit_once("Expired after ")?.1.split(' ').next()?.parse().ok()
}

#[test]
fn two_of_ours_watch_each_other_by_bfd() {
    let Some(network) = Network::new() else { return };
    for (host, last) in [(&network.a, 1), (&network.b, 2)] {
        host.ip(&format!("addr add fd78::{last}/64 dev eth0 nodad"));
    }
    let config_a = with_session(config(150, "eth0"), bfd("peer", "10.78.0.1", "10.78.0.2"), 0);
    let multihop = BfdInstance { multihop: true, ..bfd("six", "fd78::1", "fd78::2") };
    let config_a = with_session(config_a, multihop, -30);
    let mut a = Ours::start(&network.a, config_a.clone());
    stands(&mut a, 120, &["bfd peer down", "bfd six down: -30"]);
    assert_eq!(a.status().state, InstanceState::Fault);
    let config_b = with_session(config(100, "eth0"), bfd("peer", "10.78.0.2", "10.78.0.1"), 40);
    let multihop = BfdInstance { multihop: true, passive: true, ..bfd("six", "fd78::2", "fd78::1") };
    let config_b = with_session(config_b, multihop, 0);
    let mut b = Ours::start(&network.b, config_b.clone());
    stands(&mut a, 150, &[]);
    stands(&mut b, 140, &["bfd peer up: +40"]);
    eventually("A is master", || a.status().state == InstanceState::Master);

    // Junk does no harm.
    let mut junk = network.b.command("bash");
    junk.args([
        "-c",
        "for i in {1..300}; do head -c $((RANDOM % 60)) /dev/urandom >/dev/udp/10.78.0.1/3784; done",
    ]);
    assert!(junk.status().unwrap().success());
    assert!(a.log().contains("Discarding "));
    assert!(!a.log().contains("Expired"), "{}", a.log());
    stands(&mut a, 150, &[]);

    // The link of A stays up; that of B is cut.
    network.b.link("down");
    eventually("A is in FAULT", || a.status().state == InstanceState::Fault);
    stands(&mut a, 120, &["bfd peer down", "bfd six down: -30"]);
    let after = expired_after(&a).unwrap();
    println!("the neighbour was gone after {after} ms, of 1000");
    assert!(after >= 1000, "not before the detection time");
    assert!(a.log().contains("VRRP_Instance(VI_A) Tracked BFD instance peer is DOWN"), "{}", a.log());
    network.b.link("up");
    network.b.ip("addr replace fd78::2/64 dev eth0 nodad");
    stands(&mut a, 150, &[]);
    assert!(a.log().contains("VRRP_Instance(VI_A) Tracked BFD instance peer is UP"));

    // A reload keeps sessions, also when their intervals change, and ends those that are gone.
    let expired = a.log().matches("Entering Down").count();
    let mut reloaded = config_a.clone();
    reloaded.bfd[0].min_tx = Duration::from_millis(400);
    reloaded.bfd.remove(1);
    reloaded.instances[0].track_bfd.remove(1);
    a.send(&In::Reload { config: reloaded.clone() });
    eventually("B hears that one session is taken down", || {
        b.log().contains("(six) Entering Down state (Local diagnostic - Neighbor Signaled Session Down")
    });
    stands(&mut a, 150, &[]);
    assert_eq!(a.log().matches("Entering Down").count(), expired, "{}", a.log());
    assert_eq!(b.status().state, InstanceState::Backup, "an operator's will is no failure of the path");

    // A successor of a crashed process does not take its neighbour for gone.
    eventually("A is master", || a.status().state == InstanceState::Master);
    let remembered = a.remembered();
    assert_eq!(remembered.bfd, [("peer".to_owned(), true)]);
    a.kill();
    let mut a = Ours::resume(&network.a, reloaded, remembered);
    eventually("the session is up again", || a.log().contains("(peer) Entering Up state"));
    std::thread::sleep(Duration::from_secs(4));
    stands(&mut a, 150, &[]);
    assert_eq!(a.status().state, InstanceState::Master);
    assert!(!a.log().contains("FAULT") && !a.log().contains("Tracked BFD"), "{}", a.log());
}

#[test]
fn packets_from_too_far_do_not_count() {
    let Some(network) = Network::new() else { return };
    let mut a =
        Ours::start(&network.a, with_session(config(150, "eth0"), bfd("b", "10.78.0.1", "10.78.0.2"), 0));
    let far = BfdInstance { ttl: 254, ..bfd("a", "10.78.0.2", "10.78.0.1") };
    let _b = Ours::start(&network.b, with_session(config(100, "eth0"), far, 0));
    eventually("it is said", || a.log().contains("(b) Discarding packet from 10.78.0.2"));
    std::thread::sleep(Duration::from_secs(2));
    stands(&mut a, 150, &["bfd b down"]);
    // What a predecessor knew stands for a while, but not for ever.
    a.kill();
    let restored = Memory { bfd: vec![("b".into(), true)], ..Memory::default() };
    let config = with_session(config(150, "eth0"), bfd("b", "10.78.0.1", "10.78.0.2"), 0);
    let mut a = Ours::resume(&network.a, config, restored);
    stands(&mut a, 150, &[]);
    stands(&mut a, 150, &["bfd b down"]);
    assert_eq!(a.status().state, InstanceState::Fault);
}

/// Starts a keepalived with its BFD process.
fn keepalived(network: &Network, host: &Host, text: &str) -> Program {
    let path = network.directory.path();
    let configuration = path.join("keepalived.conf");
    fs::write(&configuration, text).unwrap();
    let mut command = host.command("unshare");
    command.args(["--pid", "--fork", "--kill-child=KILL", "keepalived", "-n", "-l", "-D", "-G", "-f"]);
    command.arg(&configuration);
    for (option, name) in [("-p", "main"), ("-r", "vrrp"), ("-b", "bfd"), ("-c", "checkers")] {
        command.arg(option).arg(path.join(name));
    }
    let log = fs::File::create(path.join("keepalived.log")).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
    Program::Keepalived(command.spawn().unwrap())
}

#[test]
fn ours_and_keepalived_watch_each_other_by_bfd() {
    let Some(network) = Network::new() else { return };
    let mut ours =
        Ours::start(&network.a, with_session(config(150, "eth0"), bfd("peer", "10.78.0.1", "10.78.0.2"), 0));
    let text = "global_defs {\n router_id test\n}\nbfd_instance ours {\n neighbor_ip 10.78.0.1\n source_ip \
                10.78.0.2\n min_rx 200\n min_tx 200\n multiplier 5\n}\nvrrp_instance VI_A {\n state BACKUP\n \
                interface eth0\n virtual_router_id 61\n priority 100\n authentication {\n auth_type PASS\n \
                auth_pass 1111\n }\n virtual_ipaddress {\n 10.78.0.100\n }\n track_bfd {\n ours\n }\n}\n";
    let mut theirs = keepalived(&network, &network.b, text);
    let log = network.directory.path().join("keepalived.log");
    stands(&mut ours, 150, &[]);
    eventually("ours is master", || network.a.holds(net::VIP) && !network.b.holds(net::VIP));
    let said = |words: &str| fs::read_to_string(&log).unwrap_or_default().contains(words);
    eventually("keepalived has the session", || said("Tracked BFD instance ours is UP"));
    // Nobody says goodbye: neither ours ...
    ours.signal("STOP");
    eventually("keepalived misses ours", || said("Tracked BFD instance ours is DOWN"));
    ours.signal("CONT");
    stands(&mut ours, 150, &[]);
    eventually("ours is master", || network.a.holds(net::VIP));
    // ... nor keepalived.
    theirs.kill();
    eventually("ours is in FAULT", || ours.status().state == InstanceState::Fault);
    println!("keepalived was gone after {} ms, of 1000", expired_after(&ours).unwrap());
    assert!(!network.a.holds(net::VIP));
}

#[test]
fn a_short_loss_of_a_delayed_interface_is_no_fault() {
    let Some(network) = Network::new() else { return };
    network.a.ip("link add eth1 type veth peer name eth2");
    network.a.ip("link set eth2 up");
    network.a.ip("link set eth1 up");
    let mut config = config(100, "eth0");
    config.instances[0]
        .track_interfaces
        .push(keepalived_conf::model::TrackInterface { interface: "eth1".into(), weight: weight(-30) });
    config.interface_delays.push(InterfaceDelay {
        interface: "eth1".into(),
        down: Duration::from_secs(2),
        up: Duration::from_secs(1),
    });
    let mut ours = Ours::start(&network.a, config);
    stands(&mut ours, 100, &[]);
    network.a.ip("link set eth2 down");
    eventually("the delay runs", || ours.log().contains("eth1: down, counts after 2 s"));
    network.a.ip("link set eth2 up");
    eventually("it is over", || ours.log().contains("Delay timer for eth1 cancelled"));
    network.a.ip("link set eth2 down");
    stands(&mut ours, 70, &["interface eth1 down: -30"]);
    network.a.ip("link set eth2 up");
    stands(&mut ours, 100, &[]);
    assert_eq!(ours.log().matches("Changing effective priority").count(), 2, "{}", ours.log());
}
