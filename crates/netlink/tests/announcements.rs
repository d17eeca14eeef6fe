//! What `wire` builds, sent to another kernel: does it learn, does it answer.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod space;

use netlink::Requests;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with};
use space::{Host, enter, ip, run};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::time::Duration;
use sys::packet::PacketSocket;
use wire::{Arp, Mac, NeighbourAdvertisement, NeighbourProbe, Operation};

const VIP: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 100);
const VIP6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0x78, 0, 0, 0, 0, 0, 0x100);
const MINE: Mac = Mac([2, 0, 0, 0, 0, 1]);

#[test]
fn a_neighbour_learns_from_announcements_and_answers_probes() {
    if !enter() {
        return;
    }
    let neighbour = Host::new();
    ip(&format!("link add eth0 address {MINE} type veth peer name eth0 netns {}", neighbour.pid()));
    ip("link set eth0 up");
    for arguments in [
        "link set eth0 address 02:00:00:00:00:02 up",
        "addr add 10.78.0.2/24 dev eth0",
        "addr add fd00:78::2/64 dev eth0 nodad",
        // The master that was.
        "neigh add 10.78.0.100 lladdr 02:00:00:00:00:09 dev eth0 nud stale",
        "neigh add fd00:78::100 lladdr 02:00:00:00:00:09 dev eth0 nud stale",
    ] {
        assert!(neighbour.succeeds("ip", arguments), "{arguments}");
    }
    let cache =
        |address: &str| run("nsenter", &format!("-t {} -n -- ip neigh show {address}", neighbour.pid()));
    let eth0 = Requests::open().unwrap().link("eth0").unwrap().unwrap().index;
    let socket = PacketSocket::open().unwrap();

    socket.send(eth0, &Arp::probe(VIP, MINE).build()).unwrap();
    assert!(cache("10.78.0.100").contains("02:00:00:00:00:09"), "a probe teaches nothing");
    socket.send(eth0, &Arp::gratuitous(VIP, MINE).build()).unwrap();
    assert!(cache("10.78.0.100").contains(&format!("lladdr {MINE}")), "{}", cache("10.78.0.100"));
    socket.send(eth0, &NeighbourAdvertisement::unsolicited(VIP6, MINE, true).build()).unwrap();
    let learnt = cache("fd00:78::100");
    assert!(learnt.contains(&format!("lladdr {MINE} router")), "{learnt}");
    socket.send(eth0, &NeighbourAdvertisement::unsolicited(VIP6, MINE, false).build()).unwrap();
    assert!(!cache("fd00:78::100").contains("router"));

    // ETH_P_ALL
    let every = Protocol::from_raw(NonZero::new(u32::from(3u16.to_be())).unwrap());
    let receiver =
        socket_with(AddressFamily::PACKET, SocketType::RAW, SocketFlags::NONBLOCK, Some(every)).unwrap();
    socket.send(eth0, &Arp::probe(Ipv4Addr::new(10, 78, 0, 2), MINE).build()).unwrap();
    let taken = "fd00:78::2".parse().unwrap();
    socket.send(eth0, &NeighbourProbe { source_mac: MINE, target: taken }.build()).unwrap();
    let mut answers = (None, None);
    let theirs = Some(Mac([2, 0, 0, 0, 0, 2]));
    for _ in 0..20_000 {
        let mut frame = [0; 2048];
        while let Ok((length, _)) = recv(&receiver, &mut frame[..], RecvFlags::DONTWAIT) {
            if let Ok(arp) = Arp::parse(&frame[..length])
                && arp.operation == Operation::Reply
            {
                answers.0 = Some(arp.sender_mac);
            } else if let Ok(advertisement) = NeighbourAdvertisement::parse(&frame[..length])
                && advertisement.target == taken
            {
                answers.1 = advertisement.target_mac;
            }
        }
        if answers == (theirs, theirs) {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("{answers:?}");
}
