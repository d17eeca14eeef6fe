//! `use_vmac` and what goes with it, of ours and of a real keepalived. `ip` on the hosts and the
//! neighbour cache of a client are the witnesses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use ha::message::{In, InstanceState};
use keepalived_conf::model::{
    Config, ExtraGarp, Family, Ipvlan, TrackGroup, Version, VirtualAddress, VirtualInterface, Vmac,
    VmacAddress, VrrpInstance,
};
use net::{Host, Network, Ours, Program, VIP, config, eventually, keepalived, start_keepalived};

use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MAC_4: &str = "00:00:5e:00:01:3d";
const MAC_6: &str = "00:00:5e:00:02:3d";
const VIP_6: &str = "fd78::100";

fn vmac() -> Option<VirtualInterface> {
    Some(VirtualInterface::Vmac(Vmac::default()))
}

/// VRID 61 twice, of IPv4 and of IPv6, each with `use_vmac`.
fn both(priority: u8) -> Config {
    let mut config = config(priority, "eth0");
    config.instances[0].virtual_interface = vmac();
    config.instances.push(VrrpInstance {
        name: "VI_6".into(),
        interface: "eth0".into(),
        family: Family::Ipv6,
        version: Version::V3,
        mcast_group: "ff02::12".parse().unwrap(),
        vrid: 61,
        priority,
        virtual_interface: vmac(),
        addresses: vec![
            VirtualAddress::new("fe80::100".parse().unwrap(), 64),
            VirtualAddress::new(VIP_6.parse().unwrap(), 64),
        ],
        ..VrrpInstance::default()
    });
    config
}

/// The same of keepalived.
fn keepalived_both(network: &Network, host: &Host, priority: u8) -> Program {
    let six = format!(
        "vrrp_instance VI_6 {{\n interface eth0\n use_vmac\n virtual_router_id 61\n priority {priority}\n \
         version 3\n advert_int 1\n virtual_ipaddress {{\n fe80::100/64\n {VIP_6}/64\n }}\n}}\n"
    );
    start_keepalived(network, host, priority, "use_vmac", &six)
}

fn holds_both(host: &Host) -> bool {
    host.holds(VIP) && host.shows("-6 -o addr").contains(VIP_6)
}

fn holds_none(host: &Host) -> bool {
    !host.holds(VIP) && !host.shows("-6 -o addr").contains(VIP_6)
}

/// The client reaches both addresses and knows them by the virtual router's Ethernet addresses.
fn served(client: &Host) -> bool {
    let six = client.command("ping").args(["-c", "1", "-W", "1", VIP_6]).stdout(Stdio::null()).status();
    client.reaches(VIP)
        && six.unwrap().success()
        && client
            .shows("neigh show")
            .lines()
            .filter(|line| line.contains(".100 ") || line.contains("::100 "))
            .all(|line| line.contains(if line.contains("::") { MAC_6 } else { MAC_4 }))
}

fn fail_over(start_a: impl Fn(&Network) -> Program, start_b: impl Fn(&Network) -> Program) {
    let Some(network) = Network::new() else { return };
    let client = network.join(3);
    let (a, b) = (&network.a, &network.b);
    let mut first = start_a(&network);
    eventually("A is master", || holds_both(a));
    let second = start_b(&network);
    eventually("the client is served", || served(&client));
    let capture = network.capture();
    let adverts = || capture.frames().into_iter().filter(|frame| is_advert(frame)).collect::<Vec<_>>();
    eventually("A has advertised for a while", || adverts().len() > 3);
    let before = adverts().len();
    first.stop();
    eventually("B takes over", || holds_both(b) && holds_none(a));
    eventually("the client is served again", || served(&client));
    eventually("B advertises", || adverts().len() > before + 3);
    for frame in adverts() {
        let own = if frame[12] == 0x08 { 1 } else { 2 };
        assert_eq!(frame[6..12], [0, 0, 0x5e, 0, own, 61], "it leaves from the virtual interface");
    }
    drop(second);
}

fn is_advert(frame: &[u8]) -> bool {
    match frame[12..14] {
        [0x08, 0x00] => frame[23] == 112,
        [0x86, 0xdd] => frame[20] == 112,
        _ => false,
    }
}

#[test]
fn the_ethernet_address_moves_between_two_of_ours() {
    fail_over(
        |network| Program::Ours(Ours::start(&network.a, both(150))),
        |network| Program::Ours(Ours::start(&network.b, both(100))),
    );
}

#[test]
fn the_ethernet_address_moves_from_ours_to_keepalived() {
    fail_over(
        |network| Program::Ours(Ours::start(&network.a, both(150))),
        |network| keepalived_both(network, &network.b, 100),
    );
}

#[test]
fn the_ethernet_address_moves_from_keepalived_to_ours() {
    fail_over(
        |network| keepalived_both(network, &network.a, 150),
        |network| Program::Ours(Ours::start(&network.b, both(100))),
    );
}

/// Such a switch passes on what was reported to be wanted.
#[test]
fn a_backup_behind_a_switch_that_snoops_hears_its_master() {
    let Some(network) = Network::new() else { return };
    network
        .client_ip("link set br0 type bridge mcast_query_response_interval 20 mcast_membership_interval 300");
    network.client_ip("link set br0 type bridge mcast_query_interval 100 mcast_startup_query_interval 50");
    network.client_ip("link set br0 type bridge mcast_querier 1");
    let (a, b) = (&network.a, &network.b);
    // The hand-over would join the group on the link below by itself.
    let alone = |priority| {
        let mut config = both(priority);
        config.global.handover = false;
        config
    };
    let mut first = Ours::start(a, alone(150));
    eventually("A is master", || holds_both(a));
    let mut second = Ours::start(b, alone(100));
    // Long enough for what was reported at the start to be forgotten, and for a takeover after that.
    eventually("B has heard 12 advertisements", || second.status().counters.received >= 12);
    assert!(!second.log().contains("Entering MASTER STATE"), "{}", second.log());
    assert!(holds_both(a) && holds_none(b));
    first.send(&In::Stop);
    eventually("B takes over", || holds_both(b));
}

/// A setting of an interface on a host.
fn setting(host: &Host, interface: &str, name: &str) -> String {
    let file = format!("/proc/sys/net/ipv4/conf/{interface}/{name}");
    let output = host.command("cat").arg(file).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn the_interface_outlives_a_crash_and_goes_at_the_stop() {
    let Some(network) = Network::new() else { return };
    let client = network.join(3);
    let a = &network.a;
    let settings =
        || ["arp_ignore", "arp_filter", "promote_secondaries"].map(|name| setting(a, "eth0", name)).concat();
    // A new namespace has those of the machine, whatever they are.
    let clear = "for name in arp_ignore arp_filter promote_secondaries; do \
                 echo 0 >/proc/sys/net/ipv4/conf/eth0/$name; done";
    assert!(a.command("sh").args(["-c", clear]).status().unwrap().success());
    assert_eq!(settings(), "000");
    let mut ours = Ours::start(a, both(150));
    eventually("ours is master", || holds_both(a) && served(&client));
    assert_eq!(settings(), "110");
    let index = |name: &str| a.shows(&format!("-o link show {name}")).split(':').next().unwrap().to_owned();
    let (four, six) = (index("vrrp.61"), index("vrrp6.61"));

    // Killed and succeeded while the client pings a hundred times a second.
    let mut pings = Vec::new();
    for address in [VIP.to_string(), VIP_6.to_string()] {
        let mut ping = client.command("ping");
        ping.args(["-q", "-i", "0.01", "-c", "300", "-W", "1", &address]).stdout(Stdio::piped());
        pings.push(ping.spawn().unwrap());
    }
    std::thread::sleep(Duration::from_millis(500));
    let memory = ours.remembered_as_master();
    ours.kill();
    std::thread::sleep(Duration::from_millis(300));
    let mut ours = Ours::resume(a, both(150), memory);
    for ping in pings {
        let output = String::from_utf8(ping.wait_with_output().unwrap().stdout).unwrap();
        assert!(output.contains(" 0% packet loss"), "{output}\n{}", ours.log());
    }
    assert_eq!((index("vrrp.61"), index("vrrp6.61")), (four, six), "they were adopted");
    assert_eq!(ours.status().state, InstanceState::Master);

    // Somebody deletes one, or switches it off.
    a.ip("link del vrrp.61");
    eventually("it is made anew, with its address", || holds_both(a) && served(&client));
    a.ip("link set vrrp6.61 down");
    eventually("it is up again", || holds_both(a) && served(&client));
    assert_eq!(ours.status().counters.released_master, 0, "{}", ours.log());

    // A reload without it moves the address to the interface below.
    let mut plain = both(150);
    plain.instances[0].virtual_interface = None;
    plain.instances[0].promote_secondaries = true;
    ours.send(&In::Reload { config: plain });
    eventually("eth0 has the address", || {
        a.shows("-o -4 addr show dev eth0").contains(&format!(" {VIP}/32 "))
            && !a.shows("link").contains("vrrp.61")
    });
    eventually("settings are back", || settings() == "001");
    ours.send(&In::Stop);
    eventually("nothing is left", || holds_none(a) && !a.shows("link").contains("vrrp"));
    eventually("settings are back", || settings() == "000");
}

#[test]
fn advertisements_leave_by_the_base_with_vmac_xmit_base() {
    let Some(network) = Network::new() else { return };
    let client = network.join(3);
    let a = &network.a;
    let mut config = config(150, "eth0");
    let address = VmacAddress::Given([2, 0, 0, 0, 9, 61]);
    config.instances[0].virtual_interface = Some(VirtualInterface::Vmac(Vmac {
        name: Some("vip0".into()),
        address,
        transmit_base: true,
        notify: true,
        group: Some(7),
    }));
    config.instances[0].garp.extra = Some(ExtraGarp { interval: Duration::from_secs(1), all: false });
    config.instances[0].garp.master_delay = Duration::ZERO;
    let capture = network.capture();
    let began = Instant::now();
    let ours = Ours::start(a, config);
    eventually("ours is master", || a.holds(VIP));
    eventually("the client is served", || client.reaches(VIP));
    assert!(client.shows(&format!("neigh show {VIP}")).contains("02:00:00:00:09:3d"));
    let shown = a.shows("-d link show vip0");
    assert!(shown.contains("macvlan mode private") && shown.contains("group 7"), "{shown}");
    let garps = || {
        let is_own = |frame: &Vec<u8>| frame[12..14] == [8, 6] && frame[6..12] == [2, 0, 0, 0, 9, 61];
        let is_gratuitous = |frame: &Vec<u8>| frame[..6] == [0xff; 6] && frame[28..32] == frame[38..42];
        capture.frames().iter().filter(|frame| is_own(frame) && is_gratuitous(frame)).count()
    };
    // Five at the takeover, five soon after it, then one a second.
    eventually("it announces again and again", || garps() >= 13);
    let (announced, seconds) = (garps(), began.elapsed().as_secs());
    assert!(announced as u64 <= 10 + seconds, "{announced} in {seconds} s");
    let base = a.mac().0;
    assert!(capture.frames().iter().filter(|frame| is_advert(frame)).all(|frame| frame[6..12] == base));
    drop(ours);
}

/// The Ethernet address by which a neighbour finds a host's own link-local address when it asks anew.
fn found(neighbour: &Host, host: &Host) -> String {
    let shown = host.shows("-6 -o addr show dev eth0 scope link");
    let address = shown.split_whitespace().nth(3).unwrap().split('/').next().unwrap().to_owned();
    neighbour.shows(&format!("neigh flush to {address}"));
    let mut ping = neighbour.command("ping");
    ping.args(["-c", "1", "-W", "1", &format!("{address}%eth0")]).stdout(Stdio::null());
    assert!(ping.status().unwrap().success(), "{address} answers");
    neighbour.shows(&format!("neigh show to {address} dev eth0"))
}

/// A switch that hears the virtual Ethernet address from a backup sends it the traffic of the master.
#[test]
fn a_host_is_not_found_by_the_virtual_ethernet_address() {
    let Some(network) = Network::new() else { return };
    let client = network.join(3);
    let (a, b) = (&network.a, &network.b);
    let backup = Ours::start(a, both(100));
    let master = Ours::start(b, both(150));
    eventually("B is master", || holds_both(b) && holds_none(a));
    eventually("the client is served", || served(&client));
    let own = |host: &Host| {
        host.shows("-o link show dev eth0").split("link/ether ").nth(1).unwrap()[..17].to_owned()
    };
    for _ in 0..3 {
        for host in [a, b] {
            let shown = found(&client, host);
            assert!(shown.contains(&own(host)), "{shown}");
        }
    }
    assert!(served(&client));
    drop(master);
    eventually("A is master", || holds_both(a));
    let shown = found(&client, a);
    assert!(shown.contains(&own(a)), "{shown}");
    drop(backup);
}

/// The kernel of the master before answers the first announcement, from the same Ethernet address.
#[test]
fn the_switch_learns_where_the_ethernet_address_is_when_a_living_master_is_preempted() {
    let Some(network) = Network::new() else { return };
    let client = network.join(3);
    let (a, b) = (&network.a, &network.b);
    let before = start_keepalived(&network, b, 100, "use_vmac\nvmac_xmit_base", "");
    eventually("keepalived is master", || b.holds(VIP));
    eventually("the client is served", || client.reaches(VIP));
    let signal = |name: &str| {
        let Program::Keepalived(child) = &before else { return };
        let script = format!("kill -{name} $(pgrep -P $(pgrep -P {}))", child.id());
        assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    };
    // It is slow to step down: its kernel has the address when ours announces it.
    signal("STOP");
    let mut config = config(150, "eth0");
    let vmac = Vmac { transmit_base: true, ..Vmac::default() };
    config.instances[0].virtual_interface = Some(VirtualInterface::Vmac(vmac));
    // Nothing else would tell the switch.
    config.instances[0].garp.master_delay = Duration::ZERO;
    let ours = Ours::start(a, config);
    eventually("ours takes over", || a.holds(VIP));
    signal("CONT");
    eventually("keepalived steps down", || !b.holds(VIP));
    // Later the client itself would look for the address again.
    let end = Instant::now() + Duration::from_secs(4);
    while !client.reaches(VIP) {
        assert!(Instant::now() < end, "the client is served by ours");
    }
    drop((before, ours));
}

#[test]
fn addresses_have_interfaces_of_their_own() {
    let Some(network) = Network::new() else { return };
    let a = &network.a;
    a.ip("link add eth1 type veth peer name eth2");
    a.ip("link set eth1 up");
    a.ip("link set eth2 up");
    let mut config = config(150, "eth0");
    config.global.vmac_address_prefix = Some("extra".into());
    let instance = &mut config.instances[0];
    instance.virtual_interface = vmac();
    let mut other = VirtualAddress::new(Ipv4Addr::new(10, 79, 0, 100).into(), 24);
    other.dev = Some("eth1".into());
    other.use_vmac = true;
    let six = VirtualAddress::new(VIP_6.parse().unwrap(), 64);
    instance.excluded = vec![other, six];
    let mut ours = Ours::start(a, config.clone());
    eventually("ours is master", || holds_both(a));
    let on = |link: &str| a.shows(&format!("-o addr show dev {link}"));
    assert!(on("vrrp.61").contains(&VIP.to_string()));
    assert!(on("extra.61").contains("10.79.0.100/24") && a.shows("link").contains("extra.61@eth1"));
    assert!(on("eth0").contains(VIP_6), "the other family is below without use_vmac_addr");
    a.ip("link set eth1 down");
    eventually("a fault of eth1 is one of the instance", || ours.status().state == InstanceState::Fault);
    a.ip("link set eth1 up");
    eventually("and is over", || holds_both(a));
    config.instances[0].vmac_for_addresses = true;
    ours.send(&In::Reload { config });
    eventually("it has its own now", || {
        a.shows("link").contains("extra6.61@eth0")
            && on("extra6.61").contains(VIP_6)
            && !on("eth0").contains(VIP_6)
    });
    ours.send(&In::Stop);
    eventually("nothing is left", || holds_none(a) && !a.shows("link").contains(".61@"));
}

#[test]
fn a_reload_moves_a_virtual_interface_to_another_below_it() {
    let Some(network) = Network::new() else { return };
    let (a, b) = (&network.a, &network.b);
    a.ip("link add eth1 type veth peer name eth2");
    a.ip("link set eth1 up");
    a.ip("link set eth2 up");
    a.ip("addr add 10.79.0.1/24 dev eth1");
    let on = |interface: &str| {
        let mut config = config(150, interface);
        config.instances[0].virtual_interface =
            Some(VirtualInterface::Vmac(Vmac { name: Some("vip".into()), ..Vmac::default() }));
        config
    };
    let mut ours = Ours::start(a, on("eth0"));
    eventually("ours is master", || a.holds(VIP));
    let theirs = keepalived(&network, b, 100);
    ours.send(&In::Reload { config: on("eth1") });
    eventually("keepalived takes over", || b.holds(VIP));
    eventually("ours is master on the other link", || {
        a.holds(VIP)
            && a.shows("link").contains("vip@eth1")
            && ours.status().source == Some([10, 79, 0, 1].into())
    });
    drop(theirs);
}

/// As in a container with a macvlan: the kernel puts the VMAC on what the macvlan lies on.
#[test]
fn a_macvlan_has_its_vmac_beside_it() {
    let Some(network) = Network::new() else { return };
    let client = network.join(3);
    let (a, b) = (&network.a, &network.b);
    a.ip("link add link eth0 name mv0 type macvlan mode bridge");
    a.ip("link set mv0 up");
    a.ip("addr add 10.78.0.11/24 dev mv0");
    let on_macvlan = || {
        let mut config = config(150, "mv0");
        config.instances[0].virtual_interface = vmac();
        config
    };
    let mut ours = Ours::start(a, on_macvlan());
    let theirs = start_keepalived(&network, b, 100, "use_vmac", "");
    eventually("ours is master", || a.holds(VIP));
    eventually("the client is served", || client.reaches(VIP));
    assert_eq!(ours.log().matches("made interface").count(), 1, "{}", ours.log());
    assert!(a.shows("link").contains("vrrp.61@eth0"), "{}", a.shows("link"));
    assert_eq!(["eth0", "mv0"].map(|interface| setting(a, interface, "arp_ignore")), ["1", "1"]);
    let memory = ours.remembered();
    ours.kill();
    let mut ours = Ours::resume(a, on_macvlan(), memory);
    eventually("ours is master still", || ours.status().state == InstanceState::Master);
    assert!(!ours.log().contains("interface vrrp.61"), "{}", ours.log());
    ours.send(&In::Stop);
    eventually("keepalived takes over", || b.holds(VIP));
    eventually("nothing is left", || !a.holds(VIP) && !a.shows("link").contains(".61@"));
    drop(theirs);
}

#[test]
fn what_the_kernel_lacks_is_a_fault_with_a_reason() {
    let Some(network) = Network::new() else { return };
    let mut trial = network.b.command("ip");
    trial.args(["link", "add", "trial", "link", "eth0", "type", "ipvlan"]).stderr(Stdio::null());
    if trial.status().unwrap().success() {
        network.b.ip("link del trial");
        eprintln!("not run: this kernel has ipvlan");
    } else {
        let mut config = config(150, "eth0");
        config.instances[0].virtual_interface = Some(VirtualInterface::Ipvlan(Ipvlan::default()));
        let mut ours = Ours::start(&network.a, config);
        eventually("it is in FAULT", || ours.status().state == InstanceState::Fault);
        let why = ours.status().why;
        assert_eq!(why, "cannot make vrrp.61: the kernel has no links of kind ipvlan");
        assert_eq!(ours.log().matches("no links of kind ipvlan").count(), 2, "{}", ours.log());
    }

    let mut config = net::unicast(config(150, ""), 2, 1);
    config.instances[0].vrf = Some("red".into());
    let mut dev = net::address(VIP);
    dev.dev = Some("eth0".into());
    config.instances[0].addresses = vec![dev];
    let mut ours = Ours::start(&network.b, config);
    eventually("it is in FAULT", || ours.status().state == InstanceState::Fault);
    assert_eq!(ours.status().why, "vrf red does not exist, waiting for it");
}

#[test]
fn a_track_group_ties_instances_to_the_interface_of_a_static_address() {
    let Some(network) = Network::new() else { return };
    let a = &network.a;
    a.ip("link add eth1 type veth peer name eth2");
    a.ip("link set eth1 up");
    a.ip("link set eth2 up");
    let mut config = config(150, "eth0");
    let mut address = VirtualAddress::new(Ipv4Addr::new(10, 79, 0, 1).into(), 24);
    address.dev = Some("eth1".into());
    address.track_group = Some("g".into());
    config.static_addresses = vec![address];
    config.track_groups = vec![TrackGroup { name: "g".into(), members: vec!["VI_A".into()] }];
    let mut ours = Ours::start(a, config);
    eventually("ours is master", || a.holds(VIP));
    a.ip("link set eth1 down");
    eventually("it is in FAULT", || ours.status().state == InstanceState::Fault);
    a.ip("link set eth1 up");
    eventually("it is master again", || a.holds(VIP));
    // keepalived would go through FAULT; ours puts it back at once.
    a.ip("addr del 10.79.0.1/24 dev eth1");
    eventually("it is back", || a.shows("addr show dev eth1").contains("10.79.0.1/24"));
    assert_eq!(ours.status().counters.became_master, 2);
}

#[test]
fn reports_of_groups_of_the_link_are_switched_off_and_on_again() {
    let Some(network) = Network::new() else { return };
    let a = &network.a;
    let reports = || {
        let file = "/proc/sys/net/ipv4/igmp_link_local_mcast_reports";
        String::from_utf8(a.command("cat").arg(file).output().unwrap().stdout).unwrap().trim().to_owned()
    };
    assert_eq!(reports(), "1");
    let silent = || {
        let mut config = config(150, "eth0");
        config.global.disable_local_igmp = true;
        config
    };
    let mut ours = Ours::start(a, silent());
    eventually("it is switched off", || reports() == "0" && a.holds(VIP));
    let remembered = ours.remembered_as_master();
    ours.kill();
    let mut next = Ours::resume(a, silent(), remembered);
    assert_eq!(next.status().state, InstanceState::Master);
    assert_eq!(reports(), "0");
    next.send(&In::Reload { config: config(150, "eth0") });
    eventually("a reload without the word switches it on", || reports() == "1");
    next.send(&In::Reload { config: silent() });
    eventually("and one with it off", || reports() == "0");
    next.send(&In::Stop);
    eventually("the end puts it back", || reports() == "1");
    let mut left = silent();
    left.program.keeps_addresses = true;
    let mut last = Ours::start(a, left);
    eventually("it is switched off", || reports() == "0" && a.holds(VIP));
    last.send(&In::Stop);
    eventually("the end puts it back though addresses stay (-V)", || reports() == "1");
    assert!(a.holds(VIP));
}
