//! Drop rules and silent links, read by `nft` and felt by packets.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod space;

use netlink::{
    DropOn, DropRules, DropTable, LinkChange, LinkKind, MacvlanMode, NewAddress, NewLink, Nftables, Requests,
    Silence, SilentLinks,
};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with};
use space::{Host, enter, ip, run, words};
use std::net::IpAddr;
use std::num::NonZero;
use std::time::{Duration, Instant};
use wire::Mac;

fn listed() -> String {
    words(&run("nft", "list ruleset"))
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn drop_rules_read_like_those_of_keepalived() {
    if !enter() {
        return;
    }
    let mut rules = DropRules::new(Nftables::open().unwrap());
    let usual = DropTable::default();
    let every = |text| (address(text), DropOn::Every);
    rules.set(&[], &usual).unwrap();
    rules.set(&[every("192.0.2.9")], &usual).unwrap();
    rules.set(&[every("192.0.2.7"), every("192.0.2.8")], &usual).unwrap();
    assert_eq!(
        listed(),
        "table ip backstay { set vips { type ipv4_addr elements = { 192.0.2.7, 192.0.2.8 } } \
         chain in { type filter hook input priority filter - 1; policy accept; ip daddr @vips drop } \
         chain out { type filter hook output priority filter - 1; policy accept; ip saddr @vips drop } }"
    );
    rules.set(&[every("fd00::9"), (address("fe80::9"), DropOn::Index(1))], &usual).unwrap();
    assert_eq!(
        listed(),
        "table ip6 backstay { set vips { type ipv6_addr elements = { fd00::9 } } \
         chain in { type filter hook input priority filter - 1; policy accept; \
         icmpv6 type nd-neighbor-solicit accept icmpv6 type nd-neighbor-advert accept \
         iif \"lo\" ip6 daddr fe80::9 drop ip6 daddr @vips drop } \
         chain out { type filter hook output priority filter - 1; policy accept; \
         icmpv6 type nd-neighbor-solicit accept icmpv6 type nd-neighbor-advert accept \
         oif \"lo\" ip6 saddr fe80::9 drop ip6 saddr @vips drop } }"
    );
    rules.set(&[], &usual).unwrap();
    assert_eq!(listed(), "");
}

#[test]
fn drop_rules_follow_the_words_on_their_table() {
    if !enter() {
        return;
    }
    let mut rules = DropRules::new(Nftables::open().unwrap());
    let every = |text| (address(text), DropOn::Every);
    rules.set(&[every("192.0.2.9")], &DropTable::default()).unwrap();
    let sets = Some(["own", "own6"].map(str::to_owned));
    let own = DropTable { name: "mine".into(), priority: 7, counters: true, sets };
    rules.set(&[every("192.0.2.7"), (address("fe80::9"), DropOn::Name("eth9".into()))], &own).unwrap();
    let counted = "counter packets 0 bytes 0";
    assert_eq!(
        listed(),
        format!(
            "table ip mine {{ set own {{ type ipv4_addr elements = {{ 192.0.2.7 }} }} \
             chain in {{ type filter hook input priority filter + 7; policy accept; \
             ip daddr @own {counted} drop }} \
             chain out {{ type filter hook output priority filter + 7; policy accept; \
             ip saddr @own {counted} drop }} }} \
             table ip6 mine {{ set own6 {{ type ipv6_addr }} \
             chain in {{ type filter hook input priority filter + 7; policy accept; \
             icmpv6 type nd-neighbor-solicit {counted} accept icmpv6 type nd-neighbor-advert {counted} accept \
             iifname \"eth9\" ip6 daddr fe80::9 {counted} drop ip6 daddr @own6 {counted} drop }} \
             chain out {{ type filter hook output priority filter + 7; policy accept; \
             icmpv6 type nd-neighbor-solicit {counted} accept icmpv6 type nd-neighbor-advert {counted} accept \
             oifname \"eth9\" ip6 saddr fe80::9 {counted} drop ip6 saddr @own6 {counted} drop }} }}"
        )
    );
    let bare = DropTable { sets: None, ..DropTable::default() };
    rules.set(&[every("192.0.2.7"), every("192.0.2.8")], &bare).unwrap();
    assert_eq!(
        listed(),
        "table ip backstay { chain in { type filter hook input priority filter - 1; policy accept; \
         ip daddr 192.0.2.7 drop ip daddr 192.0.2.8 drop } \
         chain out { type filter hook output priority filter - 1; policy accept; \
         ip saddr 192.0.2.7 drop ip saddr 192.0.2.8 drop } }"
    );
}

#[test]
fn a_dropped_address_is_a_neighbour_that_does_not_answer() {
    if !enter() {
        return;
    }
    let asker = Host::new();
    ip(&format!("link add eth0 type veth peer name eth0 netns {}", asker.pid()));
    ip("link set eth0 up");
    assert!(asker.succeeds("ip", "link set eth0 up"));
    assert!(asker.succeeds("ip", "addr add 10.78.0.2/24 dev eth0"));
    assert!(asker.succeeds("ip", "addr add fd00:78::2/64 dev eth0 nodad"));
    assert!(asker.succeeds("ip", "addr add fe80::2/64 dev eth0 nodad"));
    let mut requests = Requests::open().unwrap();
    let eth0 = requests.link("eth0").unwrap().unwrap().index;
    let virtual_ones = ["10.78.0.100", "fd00:78::100", "fe80::100"];
    let own = ["10.78.0.1", "fd00:78::1", "fe80::1"];
    for text in virtual_ones.iter().chain(&own) {
        let prefix = if text.contains(':') { 64 } else { 24 };
        requests.add(&NewAddress::new(eth0, address(text), prefix)).unwrap();
    }
    let answers = |text: &str| {
        let target = if text.starts_with("fe80") { format!("{text}%eth0") } else { text.into() };
        asker.succeeds("ping", &format!("-c 1 -W 0.5 {target}"))
    };
    let known = |text: &str| {
        let shown = run("nsenter", &format!("-t {} -n -- ip neigh show {text}", asker.pid()));
        shown.contains("lladdr")
    };
    let mut rules = DropRules::new(Nftables::open().unwrap());
    let usual = DropTable::default();
    let on = |local: &DropOn| {
        let of = |text: &str| if text.starts_with("fe80") { local.clone() } else { DropOn::Every };
        virtual_ones.map(|text| (address(text), of(text)))
    };
    for local in [DropOn::Name("eth0".into()), DropOn::Index(eth0)] {
        rules.set(&on(&local), &usual).unwrap();
        assert!(!answers("fe80::100"), "{local:?}");
    }
    for text in virtual_ones {
        assert!(!answers(text), "{text}");
        assert!(known(text), "{text}: who has it is told");
    }
    assert!(own.iter().all(|text| answers(text)));
    for other in [DropOn::Index(eth0 + 1), DropOn::Name("eth".into())] {
        rules.set(&on(&other), &usual).unwrap();
        assert!(answers("fe80::100") && !answers("fd00:78::100"), "link-local on another link");
    }
    rules.set(&[], &usual).unwrap();
    assert!(virtual_ones.iter().all(|text| answers(text)));
}

/// How many frames with this source arrive at another host within a time.
fn frames_from(host: &Host, source: Mac, time: Duration) -> std::thread::JoinHandle<usize> {
    host.thread(move || {
        // ETH_P_ALL
        let every = Protocol::from_raw(NonZero::new(u32::from(3u16.to_be())).unwrap());
        let flags = SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::PACKET, SocketType::RAW, flags, Some(every)).unwrap();
        let start = Instant::now();
        let mut count = 0;
        let mut frame = [0; 2048];
        while start.elapsed() < time {
            while let Ok((length, _)) = recv(&socket, &mut frame[..], RecvFlags::DONTWAIT) {
                count += usize::from(length >= 12 && frame[6..12] == source.0);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        count
    })
}

#[test]
fn nothing_is_heard_of_a_silent_link() {
    if !enter() {
        return;
    }
    let neighbour = Host::new();
    ip(&format!("link add eth0 type veth peer name eth0 netns {}", neighbour.pid()));
    ip("link set eth0 up");
    assert!(neighbour.succeeds("ip", "link set eth0 up"));
    let mut requests = Requests::open().unwrap();
    let parent = requests.link("eth0").unwrap().unwrap().index;
    let mut silent = SilentLinks::new(Nftables::open().unwrap(), None);
    silent.set(&Silence::default()).unwrap();
    let heard = [false, true].map(|quiet| {
        let mac = Mac::virtual_router(61, false);
        let kind = LinkKind::Macvlan(MacvlanMode::Private);
        let name = "vrrp.61".into();
        let new = NewLink { name, parent, kind, mac: Some(mac), master: None, group: 0 };
        let link = requests.create(&new).unwrap().index;
        let links = if quiet { vec![link] } else { Vec::new() };
        silent.set(&Silence { links, ..Silence::default() }).unwrap();
        let frames = frames_from(&neighbour, mac, Duration::from_millis(1500));
        requests.change(link, &LinkChange { up: Some(true), ..LinkChange::default() }).unwrap();
        // Groups are joined, as for advertisements; the kernel reports that.
        requests
            .add(&NewAddress { autojoin: true, ..NewAddress::new(link, address("224.0.0.18"), 32) })
            .unwrap();
        requests.add(&NewAddress::new(link, address("fe80::100"), 64)).unwrap();
        let heard = frames.join().unwrap();
        requests.delete_link(link).unwrap();
        heard
    });
    assert!(heard[0] > 0, "without rules reports are heard");
    assert_eq!(heard[1], 0);
    let shown = listed();
    assert!(shown.contains("table inet backstay_links { set links { type iface_index"), "{shown}");
    for rule in ["oif @links meta l4proto igmp drop", "oif @links icmpv6 type nd-router-solicit drop"] {
        assert!(shown.contains(rule), "{rule}\n{shown}");
    }
    silent.set(&Silence::default()).unwrap();
    assert_eq!(listed(), "");
}
