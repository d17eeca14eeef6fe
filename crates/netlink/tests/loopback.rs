//! Against the kernel, in a network namespace of this test's own: its only link is `lo`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use netlink::{Change, Monitor, NewAddress, Requests};
use std::net::{IpAddr, Ipv4Addr};

fn vip() -> NewAddress {
    NewAddress {
        broadcast: Some(Ipv4Addr::new(192, 0, 2, 255)),
        scope: 254,
        label: Some("lo:vip".into()),
        ..NewAddress::new(1, IpAddr::from([192, 0, 2, 7]), 24)
    }
}

#[test]
fn addresses_come_and_go_and_are_heard() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: a network namespace needs root");
        return;
    }
    // The test's own thread moves; the namespace ends with it.
    sys::namespace::enter_new_network().unwrap();
    let mut monitor = Monitor::open().unwrap();
    let mut requests = Requests::open().unwrap();
    let links = requests.links().unwrap();
    assert_eq!(links.iter().map(|link| link.name.as_str()).collect::<Vec<_>>(), ["lo"]);
    assert!(!links[0].is_usable());

    assert!(requests.add(&vip()).unwrap());
    assert!(!requests.add(&vip()).unwrap(), "already there is no error");
    let seen = requests.addresses().unwrap();
    assert_eq!((seen[0].address, seen[0].prefix, seen[0].link), (vip().address, 24, 1));
    assert!(requests.delete(&vip()).unwrap());
    assert!(!requests.delete(&vip()).unwrap(), "already gone is no error");
    assert!(requests.add(&NewAddress { link: 99, ..vip() }).is_err());
    assert!(requests.add(&NewAddress { label: Some("x".repeat(40)), ..vip() }).is_err());

    let mut heard = Vec::new();
    while let Some(change) = monitor.change().unwrap() {
        heard.push(change);
    }
    assert!(matches!(&heard[..], [Change::Address(a), Change::AddressRemoved(b)] if a == b), "{heard:?}");
}
