//! Addresses with all their options, and thousands at once, against the kernel. `ip` is the witness.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod space;

use netlink::{Change, Monitor, NewAddress, Outcome, Requests};
use rustix::io::Errno;
use space::{enter, ip, words};
use std::net::{IpAddr, Ipv4Addr};

#[test]
fn every_option_shows_in_ip() {
    if !enter() {
        return;
    }
    ip("link add eth0 type veth peer name eth1");
    ip("link set eth0 up");
    ip("link set eth1 up");
    let mut requests = Requests::open().unwrap();
    let links = requests.links().unwrap();
    let a = links.iter().find(|link| link.name == "eth0").unwrap().index;
    let plain = |text: &str, prefix| NewAddress::new(a, text.parse().unwrap(), prefix);
    let peer = Some(IpAddr::from([192, 0, 2, 2]));
    let cases = [
        (NewAddress { peer, ..plain("192.0.2.1", 32) }, "inet 192.0.2.1 peer 192.0.2.2/32 scope global eth0"),
        (
            NewAddress {
                broadcast: Some(Ipv4Addr::new(198, 51, 100, 255)),
                scope: 253,
                label: Some("eth0:vip".into()),
                noprefixroute: true,
                ..plain("198.51.100.1", 24)
            },
            "inet 198.51.100.1/24 brd 198.51.100.255 scope link noprefixroute eth0:vip",
        ),
        (
            NewAddress { autojoin: true, ..plain("239.0.0.9", 32) },
            "inet 239.0.0.9/32 scope global autojoin eth0",
        ),
        (
            NewAddress { preferred: Some(0), ..plain("203.0.113.1", 32) },
            "203.0.113.1/32 scope global deprecated eth0",
        ),
        (
            NewAddress { home: true, mngtmpaddr: true, ..plain("fd00::1", 64) },
            "inet6 fd00::1/64 scope global nodad home mngtmpaddr",
        ),
        (
            NewAddress { preferred: Some(0), noprefixroute: true, ..plain("fd00:1::1", 128) },
            "inet6 fd00:1::1/128 scope global nodad deprecated noprefixroute",
        ),
        (
            NewAddress { nodad: false, ..plain("fd00:2::1", 128) },
            "inet6 fd00:2::1/128 scope global tentative",
        ),
    ];
    let all: Vec<NewAddress> = cases.iter().map(|(new, _)| new.clone()).collect();
    assert_eq!(requests.add_all(&all).unwrap(), [Outcome::Done; 7]);
    assert_eq!(requests.add_all(&all).unwrap(), [Outcome::Already; 7]);
    let listed = words(&ip("addr show eth0"));
    for (new, shown) in &cases {
        assert!(listed.contains(shown), "{new:?}: {shown}\n{listed}");
    }
    let seen = requests.addresses().unwrap();
    let find = |text: &str| seen.iter().find(|seen| seen.address == text.parse::<IpAddr>().unwrap()).unwrap();
    assert_eq!(find("192.0.2.1").peer, peer);
    assert_eq!((find("198.51.100.1").scope, find("198.51.100.1").label.as_deref()), (253, Some("eth0:vip")));
    assert!(find("203.0.113.1").deprecated && find("fd00:1::1").deprecated && find("fd00:2::1").tentative);
    assert!(!find("fd00::1").tentative);
    assert_eq!(requests.delete_all(&all).unwrap(), [Outcome::Done; 7]);
    assert_eq!(requests.delete_all(&all).unwrap(), [Outcome::Already; 7]);
}

#[test]
fn thousands_are_added_and_deleted_at_once_and_each_failure_is_told() {
    if !enter() {
        return;
    }
    ip("link set lo up");
    let mut monitor = Monitor::open().unwrap();
    let mut requests = Requests::open().unwrap();
    let vip = |number: u32| match number % 2 {
        0 => NewAddress::new(1, IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + number)), 32),
        _ => NewAddress::new(1, format!("fd00::{number:x}").parse().unwrap(), 128),
    };
    let mut all: Vec<NewAddress> = (1..=2000).map(vip).collect();
    all[700].link = 99;
    all[1501].label = Some("no label begins so".into());
    all[1999] = all[3].clone();
    let start = std::time::Instant::now();
    let added = requests.add_all(&all).unwrap();
    let took = start.elapsed();
    assert_eq!(added.len(), 2000);
    for (place, outcome) in added.iter().enumerate() {
        let expected = match place {
            700 => Outcome::Refused(Errno::NODEV),
            1501 => Outcome::Refused(Errno::RANGE),
            1999 => Outcome::Already,
            _ => Outcome::Done,
        };
        assert_eq!(*outcome, expected, "{place}");
    }
    let there = requests.addresses().unwrap().len();
    let start = std::time::Instant::now();
    let deleted = requests.delete_all(&all).unwrap();
    println!("2,000 addresses: added in {took:?}, deleted in {:?}", start.elapsed());
    assert_eq!(deleted.iter().filter(|outcome| **outcome == Outcome::Done).count(), 1997);
    assert_eq!((there, requests.addresses().unwrap().len()), (1997 + 2, 2), "127.0.0.1 and ::1 stay");

    let mut heard = (0, 0);
    while let Some(change) = monitor.change().unwrap() {
        match change {
            Change::Address(_) => heard.0 += 1,
            Change::AddressRemoved(_) => heard.1 += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(heard, (1997, 1997), "nobody who listens misses one");
}
