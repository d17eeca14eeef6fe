//! The lease against a host that asks: what is answered while it lives, and what is not once it is over.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod space;

use netlink::{Lease, NewAddress, Nftables, Requests};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with};
use space::{Host, enter, ip, run, words};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::thread::sleep;
use std::time::{Duration, Instant};
use sys::packet::PacketSocket;
use wire::{Arp, ETHERTYPE_ARP, Mac, NeighbourAdvertisement, NeighbourProbe, Operation};

const VIP: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 100);
const VIP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x78, 0, 0, 0, 0, 0, 0x100);
const OWN: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
const OWN6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x78, 0, 0, 0, 0, 0, 1);
const LONG: Duration = Duration::from_secs(60);
const ASKER: Mac = Mac([2, 0, 0, 0, 0, 2]);

/// Makes this thread's host, with an interface, its own addresses and the virtual ones, and one beside
/// it that asks.
fn network() -> Host {
    let asker = Host::new();
    ip(&format!("link add eth0 type veth peer name eth0 netns {}", asker.pid()));
    ip("link set lo up");
    ip("link set eth0 address 02:00:00:00:00:01 up");
    assert!(asker.succeeds("ip", "link set eth0 address 02:00:00:00:00:02 up"));
    assert!(asker.succeeds("ip", "addr add 10.78.0.2/24 dev eth0"));
    assert!(asker.succeeds("ip", "addr add fd00:78::2/64 dev eth0 nodad"));
    // What the asker need not ask: so that packets are seen to be dropped, not only questions.
    for address in ["10.78.0.100", "fd00:78::100", "10.78.0.1", "fd00:78::1"] {
        assert!(asker.succeeds("ip", &format!("neigh add {address} lladdr 02:00:00:00:00:01 dev eth0")));
    }
    let mut requests = Requests::open().unwrap();
    let eth0 = requests.links().unwrap().into_iter().find(|link| link.name == "eth0").unwrap().index;
    let all = [(OWN.into(), 24), (OWN6.into(), 64), (VIP.into(), 32), (VIP6.into(), 128)];
    let all = all.map(|(address, prefix): (IpAddr, u8)| NewAddress::new(eth0, address, prefix));
    requests.add_all(&all).unwrap();
    asker
}

/// What answers.
#[derive(Debug, PartialEq, Eq)]
struct Answers {
    arp: bool,
    neighbour: bool,
    ping: bool,
    ping6: bool,
}

const ALL: Answers = Answers { arp: true, neighbour: true, ping: true, ping6: true };
const NONE: Answers = Answers { arp: false, neighbour: false, ping: false, ping6: false };

fn ask(asker: &Host, address: Ipv4Addr, address6: Ipv6Addr) -> Answers {
    let ping = |address: &str| asker.succeeds("ping", &format!("-c 1 -W 0.3 {address}"));
    let times = asker.thread(move || question(address, address6, Duration::from_millis(100))).join().unwrap();
    Answers {
        arp: times.0.is_some(),
        neighbour: times.1.is_some(),
        ping: ping(&address.to_string()),
        ping6: ping(&address6.to_string()),
    }
}

/// Asks every millisecond for a while by ARP and by neighbour discovery. Returns when the last answer
/// to each came.
fn question(address: Ipv4Addr, address6: Ipv6Addr, time: Duration) -> (Option<Instant>, Option<Instant>) {
    let link = Requests::open().unwrap().links().unwrap().into_iter().find(|link| link.name == "eth0");
    let link = link.unwrap().index;
    let sender = PacketSocket::open().unwrap();
    // ETH_P_ALL
    let every = Protocol::from_raw(NonZero::new(u32::from(3u16.to_be())).unwrap());
    let receiver =
        socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::NONBLOCK, Some(every)).unwrap();
    let request = Arp { sender_ip: Ipv4Addr::new(10, 78, 0, 2), ..Arp::probe(address, ASKER) }.build();
    let solicitation = NeighbourProbe { source_mac: ASKER, target: address6 }.build();
    let mut last = (None, None);
    let start = Instant::now();
    while start.elapsed() < time {
        sender.send(link, &request).unwrap();
        sender.send(link, &solicitation).unwrap();
        sleep(Duration::from_millis(1));
        let mut frame = [0; 2048];
        while let Ok((length, _)) = recv(&receiver, &mut frame[..], RecvFlags::DONTWAIT) {
            let frame = &frame[..length];
            if frame[12..14] == ETHERTYPE_ARP.to_be_bytes() {
                let arp = Arp::parse(frame).unwrap();
                if arp.operation == Operation::Reply && arp.sender_ip == address {
                    last.0 = Some(Instant::now());
                }
            } else if NeighbourAdvertisement::parse(frame).is_ok_and(|answer| answer.target == address6) {
                last.1 = Some(Instant::now());
            }
        }
    }
    last
}

#[test]
fn addresses_are_answered_only_while_the_lease_lives() {
    if !enter() {
        return;
    }
    let asker = network();
    assert_eq!(ask(&asker, VIP, VIP6), ALL, "without a lease");
    let addresses = [IpAddr::from(VIP), VIP6.into()];
    let mut lease = Lease::open(Nftables::open().unwrap(), None).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), ALL, "nothing is governed");

    lease.govern(&[(7, &addresses)], LONG).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), ALL, "governed and alive");
    lease.end(&[7]).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), NONE, "ended");
    assert_eq!(ask(&asker, OWN, OWN6), ALL, "what is not governed is answered");
    assert!(run("ping", "-c 1 -W 1 10.78.0.100").contains("1 received"), "the host reaches itself");
    lease.refresh(&[7], LONG).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), ALL, "refreshed");

    // The process dies; another one adopts what it left.
    lease.end(&[7]).unwrap();
    drop(lease);
    assert_eq!(ask(&asker, VIP, VIP6), NONE, "nobody refreshes");
    let mut lease = Lease::open(Nftables::open().unwrap(), None).unwrap();
    assert_eq!(lease.holders().collect::<Vec<_>>(), [(7, &addresses[..])]);
    assert_eq!(ask(&asker, VIP, VIP6), NONE, "adopting refreshes nothing");
    lease.refresh(&[7], LONG).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), ALL);

    // A firewall is loaded anew.
    run("nft", "flush ruleset");
    lease.refresh(&[7], LONG).unwrap();
    lease.end(&[7]).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), NONE, "the tables are there again");

    // And again, when there are two: the second is not dropped before its turn.
    lease.govern(&[(7, &addresses[..1]), (8, &addresses[1..])], LONG).unwrap();
    run("nft", "flush ruleset");
    lease.refresh(&[7], LONG).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), ALL);
    lease.refresh(&[8], LONG).unwrap();
    lease.end(&[7, 8]).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), NONE, "both govern");

    // And once more: what is left of a holder does not keep another from being forgotten.
    run("nft", "flush ruleset");
    lease.refresh(&[7], LONG).unwrap();
    lease.forget(&[7, 8]).unwrap();
    assert_eq!(lease.holders().count(), 0);
    assert!(!run("nft", "list ruleset").contains("holder"));
    lease.govern(&[(7, &addresses)], LONG).unwrap();

    // Fewer addresses, more holders.
    lease.govern(&[(7, &addresses[..1]), (8, &addresses)], LONG).unwrap();
    assert_eq!(lease.holders().collect::<Vec<_>>(), [(7, &addresses[..1]), (8, &addresses[1..])]);
    lease.end(&[7]).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), Answers { arp: false, ping: false, ..ALL }, "each by its holder");
    lease.forget(&[7]).unwrap();
    lease.end(&[8]).unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), Answers { neighbour: false, ping6: false, ..ALL });
    assert!(lease.refresh(&[7], LONG).is_err(), "it governs nothing");
    lease.release().unwrap();
    assert_eq!(ask(&asker, VIP, VIP6), ALL, "released");
    assert_eq!(run("nft", "list ruleset"), "");
}

#[test]
fn silence_comes_when_the_time_is_over() {
    if !enter() {
        return;
    }
    let asker = network();
    let mut lease = Lease::open(Nftables::open().unwrap(), None).unwrap();
    let addresses = [IpAddr::from(VIP), VIP6.into()];
    for milliseconds in [30, 100, 500] {
        let duration = Duration::from_millis(milliseconds);
        lease.govern(&[(7, &addresses)], duration).unwrap();
        let asking = asker.thread(move || question(VIP, VIP6, 3 * duration + Duration::from_millis(200)));
        // Refreshed for a while as by advertisements, then no more.
        for _ in 0..10 {
            lease.refresh(&[7], duration).unwrap();
            sleep(duration / 10);
        }
        lease.refresh(&[7], duration).unwrap();
        let end = Instant::now();
        let last = asking.join().unwrap();
        let after = |last: Option<Instant>| last.unwrap().saturating_duration_since(end);
        println!(
            "lease of {duration:?}: last ARP answer after {:?}, last advertisement after {:?}",
            after(last.0),
            after(last.1)
        );
        assert_eq!(ask(&asker, VIP, VIP6), NONE);
    }
}

#[test]
fn nft_shows_and_reloads_the_tables() {
    if !enter() {
        return;
    }
    let mut lease = Lease::open(Nftables::open().unwrap(), None).unwrap();
    lease.govern(&[(1, &[VIP.into()])], LONG).unwrap();
    let listed = run("nft", "list ruleset");
    for part in [
        "table arp backstay_lease {",
        "table inet backstay_lease {",
        "elements = { 10.78.0.100 : jump holder1 }",
        "type filter hook prerouting priority raw; policy accept;",
    ] {
        assert!(listed.contains(part), "{part}\n{listed}");
    }
    let listed = words(&listed);
    assert!(listed.contains("chain holder1 { meta nfproto @alive1 return drop }"), "{listed}");
    assert!(listed.contains("iif != \"lo\" ip daddr vmap @v4"), "{listed}");

    // As a firewall's configuration is saved and loaded.
    let file = std::env::temp_dir().join(format!("lease-{}.nft", std::process::id()));
    std::fs::write(&file, run("nft", "list ruleset")).unwrap();
    run("nft", "flush ruleset");
    run("nft", &format!("-f {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(Lease::open(Nftables::open().unwrap(), None).unwrap().holders().count(), 1);
}

/// What one program of ours holds is nothing to another on the same machine.
#[test]
fn programs_side_by_side_have_their_own() {
    if !enter() {
        return;
    }
    let mut usual = Lease::open(Nftables::open().unwrap(), None).unwrap();
    usual.govern(&[(1, &[VIP.into()])], LONG).unwrap();
    let mut named = Lease::open(Nftables::open().unwrap(), Some("blue-2/x")).unwrap();
    assert_eq!(named.holders().count(), 0);
    named.govern(&[(1, &[Ipv4Addr::new(10, 78, 0, 101).into()])], LONG).unwrap();
    let listed = run("nft", "list ruleset");
    assert!(listed.contains("table inet backstay_lease.blue_2d2/x {"), "{listed}");
    run("nft", "list table inet backstay_lease.blue_2d2/x");
    named.release().unwrap();
    assert_eq!(Lease::open(Nftables::open().unwrap(), None).unwrap().holders().count(), 1);
    assert_eq!(Lease::open(Nftables::open().unwrap(), Some("blue-2/x")).unwrap().holders().count(), 0);
}

#[test]
fn a_refresh_is_cheap() {
    if !enter() {
        return;
    }
    let mut lease = Lease::open(Nftables::open().unwrap(), None).unwrap();
    let addresses: Vec<Vec<IpAddr>> = (0..250u32)
        .map(|holder| {
            (0..8).map(|place| Ipv4Addr::from_bits(0x0a00_0000 + holder * 8 + place).into()).collect()
        })
        .collect();
    let holders: Vec<(u32, &[IpAddr])> = (0..).zip(addresses.iter().map(Vec::as_slice)).collect();
    let start = Instant::now();
    lease.govern(&holders, LONG).unwrap();
    println!("250 holders with 2,000 addresses: governed in {:?}", start.elapsed());
    let all: Vec<u32> = (0..250).collect();
    let start = Instant::now();
    for _ in 0..10 {
        lease.refresh(&all, LONG).unwrap();
    }
    println!("a refresh of 250 holders: {:?}", start.elapsed() / 10);
    let start = Instant::now();
    for _ in 0..1000 {
        lease.refresh(&[3], LONG).unwrap();
    }
    println!("a refresh of one: {:?}", start.elapsed() / 1000);
    let start = Instant::now();
    lease.forget(&[3]).unwrap();
    lease.govern(&[(3, &addresses[3])], LONG).unwrap();
    println!("one forgotten and governed again: {:?}", start.elapsed());
    assert_eq!(Lease::open(Nftables::open().unwrap(), None).unwrap().holders().count(), 250);
    assert_eq!(
        Lease::open(Nftables::open().unwrap(), None).unwrap().holders().flat_map(|(_, held)| held).count(),
        2000
    );
    lease.release().unwrap();
}
