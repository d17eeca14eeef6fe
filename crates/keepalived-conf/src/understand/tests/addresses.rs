//! `virtual_ipaddress` and its kin.

use super::{found, instance, load, only, shown, sound, with_address};
use crate::model::{ETHERNET_MTU, Family, Lifetime, UnicastPeer, VirtualAddress};
use std::net::IpAddr;

#[test]
fn every_option_of_an_address() {
    let loaded = instance(
        "virtual_ipaddress {\n10.0.0.1/16 brd + dev eth1 scope link label eth1:vip noprefixroute no_track\n10.0.0.2 peer 10.9.9.9 home -nodad mngtmpaddr autojoin use_vmac\n}",
    );
    let a = sound(&loaded);
    let plain = |address: [u8; 4], prefix| VirtualAddress::new(address.into(), prefix);
    let expected = [
        VirtualAddress {
            broadcast: Some([10, 0, 255, 255].into()),
            dev: Some("eth1".into()),
            scope: 253,
            label: Some("eth1:vip".into()),
            no_prefix_route: true,
            no_track: true,
            ..plain([10, 0, 0, 1], 16)
        },
        VirtualAddress {
            peer: Some([10, 9, 9, 9].into()),
            home: true,
            duplicate_detection: true,
            manage_temporary: true,
            autojoin: true,
            use_vmac: true,
            ..plain([10, 0, 0, 2], 32)
        },
    ];
    assert_eq!(a.addresses, expected);
}

#[test]
fn ipv6_addresses_alone_are_deprecated() {
    let loaded = instance(
        "virtual_ipaddress {\nfe80::1/64\n2001:db8::1\n2001:db8::2 preferred_lft forever\n2001:db8::3/64 scope host label x preferred_lft 60\n}",
    );
    assert_eq!(found(&loaded), ["useless-word@8", "useless-word@8"]);
    let a = only(&loaded);
    assert_eq!(a.family, Family::Ipv6);
    let lifetimes: Vec<Lifetime> = a.addresses.iter().map(|address| address.preferred).collect();
    use Lifetime::{Forever, Seconds};
    assert_eq!(lifetimes, [Forever, Seconds(0), Forever, Seconds(60)]);
    assert_eq!((a.addresses[3].scope, a.addresses[3].label.as_deref()), (0, None));
}

#[test]
fn mistakes_of_an_address() {
    let cases: &[(&str, &[&str], usize)] = &[
        ("fe80::1 brd +", &["invalid-value@6"], 0),
        ("10.0.0.2/24 peer 10.0.0.3", &["useless-word@6"], 1),
        ("10.0.0.2 peer fe80::1", &["mixed-families@6"], 1),
        ("10.0.0.2 peer 10.0.0.3 brd 10.0.0.4", &["useless-word@6"], 1),
        ("10.0.0.2 preferred_lft soon", &["invalid-value@6"], 1),
        ("10.0.0.2 preferred_lft 0", &["unneeded-word@6"], 1),
        ("10.0.0.2 dev eth0 dev eth1", &["extra-argument@6"], 0),
        ("10.0.0.2 track_group G", &["unknown-keyword@6", "unknown-keyword@6"], 1),
        ("10.0.0.2/40", &["invalid-address@6"], 1),
        ("10.0.0.2 scope everywhere", &["invalid-value@6"], 1),
    ];
    for (entry, findings, count) in cases {
        let loaded = with_address(&format!("virtual_ipaddress_excluded {{\n{entry}\n}}"));
        assert_eq!(found(&loaded), *findings, "{entry}: {}", shown(&loaded));
        assert_eq!(only(&loaded).excluded.len(), *count, "{entry}");
    }
}

#[test]
fn families_do_not_mix_where_they_are_advertised() {
    let loaded = instance(
        "virtual_ipaddress {\n10.0.0.1\n2001:db8::1\n}\nvirtual_ipaddress_excluded {\n2001:db8::2\n}",
    );
    assert_eq!(found(&loaded), ["mixed-families@6"]);
    assert!(shown(&loaded).contains("k.conf:6:1"), "{}", shown(&loaded));
    assert!(shown(&loaded).contains("virtual_ipaddress_excluded"), "{}", shown(&loaded));
    let a = only(&loaded);
    assert_eq!((a.family, a.addresses.len(), a.excluded.len()), (Family::Ipv4, 1, 1));
}

#[test]
fn an_address_is_advertised_once() {
    let loaded = instance(
        "virtual_ipaddress {\n10.0.0.1\n10.0.0.1 dev eth1\n}\nvirtual_ipaddress_excluded {\n10.0.0.1 dev eth2\n10.0.0.1\n10.0.0.1 dev eth2\n}",
    );
    assert_eq!(found(&loaded), ["repeated-address@6", "repeated-address@10", "repeated-address@11"]);
    assert_eq!((only(&loaded).addresses.len(), only(&loaded).excluded.len()), (1, 1));
}

#[test]
fn the_family_is_that_of_what_is_written_first() {
    let cases = [
        ("unicast_src_ip fe80::7\nunicast_peer {\nfe80::9\n}", Family::Ipv6),
        ("mcast_src_ip 10.0.0.7", Family::Ipv4),
        ("mcast_dst_ip ff02::77", Family::Ipv6),
        ("native_ipv6", Family::Ipv6),
    ];
    for (text, family) in cases {
        let loaded = instance(&format!("no_virtual_ipaddress\n{text}"));
        assert_eq!(only(&loaded).family, family, "{text}");
    }
    let loaded = instance("native_ipv6\nvirtual_ipaddress { fe80::1 }");
    assert_eq!(found(&loaded), ["old-name@4"]);
}

#[test]
fn peers_and_their_ranges() {
    let loaded = with_address(
        "unicast_src_ip 10.0.0.9\nunicast_peer {\n10.0.0.3\n10.0.0.4 min_ttl 5 max_ttl 9\n}\nunicast_ttl 64",
    );
    let unicast = sound(&loaded).unicast.clone().unwrap();
    let address = |last| IpAddr::from([10, 0, 0, last]);
    let peers = [address(3).into(), UnicastPeer { address: address(4), min_ttl: 5, max_ttl: 9 }];
    assert_eq!(unicast.peers, peers);
    assert_eq!((unicast.ttl, unicast.check_source), (64, true));
    let loaded = with_address("unicast_peer {\n10.0.0.3\n}");
    assert!(!only(&loaded).unicast.clone().unwrap().check_source);
    for (text, finding) in [
        ("unicast_peer {\n10.0.0.3\n10.0.0.3\n}", "repeated-address@7"),
        ("unicast_peer {\n10.0.0.3\nfe80::1\n}", "mixed-families@7"),
        ("unicast_peer {\n10.0.0.3 min_ttl 9 max_ttl 5\n}", "empty-range@6"),
        ("unicast_peer {\n10.0.0.3 min_tll 9\n}", "unknown-keyword@6"),
        ("unicast_peer {\n10.0.0.3\n}\nmcast_dst_ip 224.0.0.99", "useless-word@8"),
        ("unicast_ttl 5", "useless-word@5"),
        ("unicast_src_ip 10.0.0.9", "empty-list@5"),
        ("unicast_src_ip fe80::9", "mixed-families@5"),
    ] {
        let loaded = with_address(text);
        assert!(found(&loaded).contains(&finding.to_owned()), "{text}: {}", shown(&loaded));
    }
}

#[test]
fn what_an_advertisement_has_no_room_for_is_not_advertised() {
    let list = |n: u16| (1..=n).map(|i| format!("2001:db8::{i:x}\n")).collect::<String>();
    let loaded = instance(&format!("virtual_ipaddress {{\nfe80::1\n{}}}", list(100)));
    assert_eq!(found(&loaded), ["too-many-addresses@94"]);
    assert_eq!([1400, ETHERNET_MTU, 9000].map(|mtu| only(&loaded).most_advertised(mtu)), [83, 89, 255]);
    let loaded = instance("virtual_ipaddress {\n2001:db8::1\n}");
    assert_eq!(found(&loaded), ["no-link-local@5"]);
}

#[test]
fn static_addresses() {
    let loaded = load(
        "global_defs {\ndefault_interface eth9\n}\nstatic_ipaddress {\n10.0.0.1/24\n10.0.0.2/24 dev eth0 track_group G\n10.0.0.3/24 track_group H\n}\ntrack_group G {\ngroup {\nA\n}\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress { 10.0.0.7 }\n}\n",
    );
    assert_eq!(found(&loaded), ["unknown-name@7"], "{}", shown(&loaded));
    let parts: Vec<_> = loaded
        .config
        .static_addresses
        .iter()
        .map(|a| (a.dev.as_deref().unwrap_or(""), a.track_group.as_deref()))
        .collect();
    assert_eq!(parts, [("eth9", None), ("eth0", Some("G")), ("eth9", None)]);
    let loaded = load("static_ipaddress {\n10.0.0.1/24\n}\n");
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    assert_eq!(loaded.config.static_addresses[0].dev.as_deref(), Some("eth0"));
}
