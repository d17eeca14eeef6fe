//! Links and their settings, against the kernel. `ip` is the witness.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod space;

use netlink::sysctl::{self, Setting, Sysctls};
use netlink::{
    Change, Error, IpvlanFlag, LinkChange, LinkKind, MacvlanMode, Missing, Monitor, NewAddress, NewLink,
    Requests,
};
use rustix::io::Errno;
use space::{Host, enter, ip, run, words};
use std::net::IpAddr;
use wire::Mac;

fn up() -> LinkChange {
    LinkChange { up: Some(true), ..LinkChange::default() }
}

#[test]
fn a_virtual_router_answers_with_its_own_ethernet_address() {
    if !enter() {
        return;
    }
    let asker = Host::new();
    ip(&format!("link add eth0 type veth peer name eth0 netns {}", asker.pid()));
    ip("link set eth0 up");
    ip("addr add 10.78.0.1/24 dev eth0");
    assert!(asker.succeeds("ip", "link set eth0 up"));
    assert!(asker.succeeds("ip", "addr add 10.78.0.2/24 dev eth0"));
    let mut monitor = Monitor::open().unwrap();
    let mut requests = Requests::open().unwrap();
    let parent = requests.link("eth0").unwrap().unwrap();
    assert_eq!((parent.kind.as_deref(), parent.parent, parent.parent_elsewhere), (Some("veth"), None, true));
    assert_eq!((parent.mtu, parent.carrier, parent.multicast), (1500, true, true));
    assert_eq!(requests.link("eth7").unwrap(), None);
    assert_eq!(requests.link("a name that is too long").unwrap(), None);

    let new = NewLink {
        name: "vrrp.61".into(),
        parent: parent.index,
        kind: LinkKind::Macvlan(MacvlanMode::Private),
        mac: Some(Mac::virtual_router(61, false)),
        master: None,
        group: 5,
    };
    let made = requests.create(&new).unwrap();
    assert_eq!((made.kind.as_deref(), made.parent), (Some("macvlan"), Some(parent.index)));
    assert_eq!((made.mac, made.macvlan, made.up), (new.mac, Some(MacvlanMode::Private), false));
    assert_eq!(requests.create(&new).unwrap(), made, "it is adopted");
    let other = NewLink { mac: Some(Mac::virtual_router(62, false)), ..new.clone() };
    assert_eq!(requests.create(&other), Err(Error::Kernel(Errno::EXIST)), "another has the name");

    let mut sysctls = Sysctls::default();
    sysctls.set("vrrp.61", &sysctl::VMAC).unwrap();
    sysctls.set("eth0", &sysctl::VMAC_PARENT).unwrap();
    requests.change(made.index, &up()).unwrap();
    let vip = NewAddress::new(made.index, IpAddr::from([10, 78, 0, 100]), 24);
    requests.add(&vip).unwrap();
    let shown = words(&(ip("-d link show vrrp.61") + &ip("addr show vrrp.61")));
    for part in [
        "vrrp.61@eth0",
        "link/ether 00:00:5e:00:01:3d",
        "macvlan mode private",
        "addrgenmode none",
        "group 5",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
    assert!(!shown.contains("inet6 fe80"), "no link-local address: {shown}");
    // Pinged, and then the asker's cache has the virtual router's address.
    assert!(asker.succeeds("ping", "-c 1 -W 1 10.78.0.100"));
    let pid = asker.pid().to_string();
    let cache = run("nsenter", &format!("-t {pid} -n -- ip neigh show 10.78.0.100"));
    assert!(cache.contains("lladdr 00:00:5e:00:01:3d"), "{cache}");

    sysctls.restore_all().unwrap();
    assert!(requests.delete_link(made.index).unwrap());
    assert!(!requests.delete_link(made.index).unwrap());
    assert!(requests.delete_link(parent.index).unwrap());
    let mut heard = Vec::new();
    while let Some(change) = monitor.change().unwrap() {
        match change {
            Change::Link(link) if link.name == "vrrp.61" => heard.push(("link", link.up)),
            Change::LinkRemoved(link) if link.name == "vrrp.61" => heard.push(("removed", link.up)),
            _ => {}
        }
    }
    heard.dedup();
    assert_eq!(heard, [("link", false), ("link", true), ("link", false), ("removed", false)]);
}

#[test]
fn links_change() {
    if !enter() {
        return;
    }
    ip("link add eth0 type veth peer name eth1");
    ip("link add br0 type bridge");
    let mut requests = Requests::open().unwrap();
    let eth0 = requests.link("eth0").unwrap().unwrap();
    let br0 = requests.link("br0").unwrap().unwrap();
    assert_eq!(br0.kind.as_deref(), Some("bridge"));
    assert_eq!(eth0.parent, requests.link("eth1").unwrap().map(|link| link.index));
    let mac = "02:00:00:00:00:77".parse().unwrap();
    let change = LinkChange {
        mac: Some(mac),
        master: Some(br0.index),
        group: Some(9),
        no_link_local: true,
        up: Some(true),
    };
    requests.change(eth0.index, &change).unwrap();
    let now = requests.link("eth0").unwrap().unwrap();
    assert_eq!((now.mac, now.master, now.group, now.up), (Some(mac), Some(br0.index), 9, true));
    assert!(!now.carrier && !now.is_usable(), "its peer is down");
    let eth1 = index(&mut requests, "eth1");
    requests.change(eth1, &up()).unwrap();
    assert!(requests.link("eth0").unwrap().unwrap().carrier);
    requests.change(eth0.index, &LinkChange { master: Some(0), ..LinkChange::default() }).unwrap();
    assert_eq!(requests.link("eth0").unwrap().unwrap().master, None);
    let down = LinkChange { up: Some(false), ..LinkChange::default() };
    assert_eq!(requests.change(999, &down), Err(Error::Kernel(Errno::NODEV)));
}

fn index(requests: &mut Requests, name: &str) -> u32 {
    requests.link(name).unwrap().unwrap().index
}

#[test]
fn an_ipvlan_is_made_where_the_kernel_has_it() {
    if !enter() {
        return;
    }
    ip("link add eth0 type veth peer name eth1");
    let mut requests = Requests::open().unwrap();
    let parent = index(&mut requests, "eth0");
    let kind = LinkKind::Ipvlan(IpvlanFlag::Private);
    let new = NewLink { name: "vrrp.7".into(), parent, kind, mac: None, master: None, group: 0 };
    match requests.create(&new) {
        Ok(_) => assert!(words(&ip("-d link show vrrp.7")).contains("ipvlan mode l2 private")),
        Err(error) => {
            assert_eq!(error, Error::Missing(Missing::LinkKind("ipvlan")));
            assert_eq!(error.to_string(), "the kernel has no links of kind ipvlan");
        }
    }
}

#[test]
fn settings_are_put_back() {
    if !enter() {
        return;
    }
    ip("link add eth0 type veth peer name eth1");
    let mut sysctls = Sysctls::default();
    let value = |interface, setting| sysctl::read(interface, setting).unwrap();
    let before = value("eth0", Setting::ArpIgnore);
    sysctls.set("eth0", &[(Setting::ArpIgnore, 1), (Setting::ForceIgmpVersion, 2)]).unwrap();
    sysctls.set("eth0", &[(Setting::ArpIgnore, 2), (Setting::AddrGenMode, 1)]).unwrap();
    assert_eq!(run("cat", "/proc/sys/net/ipv4/conf/eth0/arp_ignore"), "2\n");
    assert_eq!(value("eth0", Setting::AddrGenMode), 1);

    sysctls.set("all", &[(Setting::RpFilter, 1)]).unwrap();
    let mut filters = Sysctls::default();
    filters.free_rp_filter().unwrap();
    assert_eq!((value("all", Setting::RpFilter), value("eth1", Setting::RpFilter)), (0, 1));
    filters.restore_all().unwrap();
    assert_eq!(value("all", Setting::RpFilter), 1);

    sysctls.set("eth1", &[(Setting::AcceptLocal, 1)]).unwrap();
    sysctls.restore("eth0").unwrap();
    assert_eq!(value("eth0", Setting::ArpIgnore), before, "as before the first change");
    assert_eq!((value("eth0", Setting::ForceIgmpVersion), value("eth0", Setting::AddrGenMode)), (0, 0));
    assert_eq!(value("eth1", Setting::AcceptLocal), 1);
    ip("link del eth0");
    sysctls.restore_all().unwrap();
    for gone in ["eth0", "..", "a/b", ""] {
        assert_eq!(sysctl::read(gone, Setting::ArpIgnore), Err(Error::Kernel(Errno::NOENT)), "{gone:?}");
    }
    assert_eq!((value("all", Setting::Forwarding), value("all", Setting::ForwardingV6)), (0, 0));
}
