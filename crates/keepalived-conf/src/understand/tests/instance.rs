//! The election: version, interval, preemption, what is inherited.

use super::{found, instance, load, only, shown, sound, with_address};
use crate::model::{
    ChecksumV3, ConfigFault, ExtraGarp, Family, InitialState, OldUnicastChecksum, Version, VrrpInstance,
};
use std::time::Duration;

#[test]
fn an_instance_that_says_nothing_is_the_default() {
    let loaded = instance("no_virtual_ipaddress");
    let expected = VrrpInstance {
        name: "A".into(),
        interface: "eth0".into(),
        vrid: 7,
        no_addresses: true,
        ..VrrpInstance::default()
    };
    assert_eq!(*sound(&loaded), expected);
}

#[test]
fn every_word_on_the_election() {
    let loaded = with_address(
        "version 3\nnopreempt\nadvert_int 0.25\ndown_timer_adverts 5\nhigher_prio_send_advert\nlower_prio_no_advert\nv3_checksum_as_v2\nold_unicast_checksum never\nunicast_peer {\n10.0.0.9\n}\ncheck_unicast_src\nunicast_src_ip 10.0.0.8\ntrack_src_ip\nkernel_rx_buf_size 65536\nno_accept\nskip_check_adv_addr\npromote_secondaries\nnotify_priority_changes\ngarp_extra_if all 30",
    );
    let a = sound(&loaded);
    assert_eq!((a.version, a.advert_int), (Version::V3, Duration::from_millis(250)));
    assert_eq!(a.down_timer_adverts, 5);
    assert!(a.higher_prio_send_advert && a.lower_prio_no_advert && a.nopreempt && !a.accept);
    let checksum = ChecksumV3 { as_v2: true, old_unicast: OldUnicastChecksum::Never };
    assert_eq!(a.checksum, checksum);
    assert!(a.unicast.as_ref().unwrap().check_source && a.track_source && a.skip_check_adv_addr);
    assert_eq!(a.receive_buffer, Some(65_536));
    assert!(a.promote_secondaries && a.notify_priority_changes);
    assert_eq!(a.garp.extra, Some(ExtraGarp { interval: Duration::from_secs(30), all: true }));
}

#[test]
fn what_global_defs_say_holds_until_an_instance_says_otherwise() {
    let text = |own: &str| {
        load(&format!(
            "global_defs {{\nvrrp_version 3\nvrrp_down_timer_adverts 9\nvrrp_higher_prio_send_advert\nvrrp_lower_prio_no_advert\nvrrp_check_unicast_src\nv3_checksum_as_v2\nvrrp_notify_priority_changes\nvrrp_garp_extra_if 20\nvrrp_mcast_group4 224.0.0.99\nvrrp_mcast_group6 ff02::99\n}}\nvrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\n{own}\n}}\n"
        ))
    };
    let loaded = text("virtual_ipaddress { 10.0.0.1 }");
    let a = sound(&loaded);
    assert_eq!((a.version, a.down_timer_adverts, a.checksum.as_v2), (Version::V3, 9, true));
    assert!(a.higher_prio_send_advert && a.lower_prio_no_advert && a.notify_priority_changes);
    assert_eq!(a.garp.extra.unwrap().interval.as_secs(), 20);
    assert_eq!(a.mcast_group.to_string(), "224.0.0.99");
    let loaded = text(
        "virtual_ipaddress { fe80::1 }\ndown_timer_adverts 4\nhigher_prio_send_advert off\nlower_prio_no_advert no\nv3_checksum_as_v2 false\nnotify_priority_changes off\ngarp_extra_if 0",
    );
    let a = sound(&loaded);
    assert_eq!((a.down_timer_adverts, a.checksum.as_v2, a.garp.extra), (4, false, None));
    assert!(!a.higher_prio_send_advert && !a.lower_prio_no_advert && !a.notify_priority_changes);
    assert_eq!(a.mcast_group.to_string(), "ff02::99");
}

#[test]
fn versions() {
    let six = instance("virtual_ipaddress { fe80::1 }");
    assert_eq!((sound(&six).version, only(&six).family), (Version::V3, Family::Ipv6));
    assert_eq!(only(&six).mcast_group.to_string(), "ff02::12");
    let two = instance("version 2\nvirtual_ipaddress { fe80::1 }");
    assert_eq!(found(&two), ["version-2-ipv6@4"]);
    assert_eq!(only(&two).version, Version::V3);
    assert!(shown(&two).contains("VRRPv2 knows no IPv6"), "{}", shown(&two));
    assert_eq!(sound(&with_address("version 3")).version, Version::V3);
}

#[test]
fn intervals_of_each_version() {
    let cases = [
        (2, "0.3", 1000, 1),
        (2, "2.5", 3000, 1),
        (2, "255", 255_000, 0),
        (3, "0.01", 10, 0),
        (3, "0.014", 10, 1),
        (3, "0.015", 20, 1),
        (3, "40.95", 40_950, 0),
        (3, "40.96", 40_950, 1),
        (3, "100", 40_950, 1),
    ];
    for (version, written, milliseconds, findings) in cases {
        let loaded = with_address(&format!("version {version}\nadvert_int {written}"));
        let taken = only(&loaded).advert_int;
        assert_eq!(taken, Duration::from_millis(milliseconds), "v{version} {written}");
        assert_eq!(found(&loaded).len(), findings, "{}", shown(&loaded));
    }
    let loaded = with_address("advert_int 0.3");
    assert!(shown(&loaded).contains("write `version 3`"), "{}", shown(&loaded));
}

#[test]
fn the_owner() {
    let loaded = with_address("priority 255\nowner_ignore_adverts");
    let a = sound(&loaded);
    assert_eq!((a.state, a.owner_ignore_adverts, a.accept), (InitialState::Master, true, true));
    let cases: &[(&str, &[&str])] = &[
        ("priority 255\nstate BACKUP\nnopreempt", &["owner-nopreempt@7"]),
        ("owner_ignore_adverts", &["useless-word@5"]),
        ("timer_expired_backup", &["no-effect@5"]),
    ];
    for (text, findings) in cases {
        let loaded = with_address(text);
        assert_eq!(found(&loaded), *findings, "{text}: {}", shown(&loaded));
    }
}

#[test]
fn strict_mode_fixes_what_the_standard_does() {
    let loaded = with_address(
        "strict_mode\nversion 3\ndown_timer_adverts 5\nhigher_prio_send_advert\nlower_prio_no_advert off\ngarp_lower_prio_repeat 3",
    );
    assert_eq!(found(&loaded), ["strict-reset@7", "strict-reset@8", "strict-reset@9", "strict-reset@10"]);
    let a = only(&loaded);
    assert_eq!((a.down_timer_adverts, a.garp.lower_prio_repeat), (3, 0));
    assert!(!a.higher_prio_send_advert && a.lower_prio_no_advert && !a.accept);
    assert_eq!(found(&with_address("strict_mode\naccept")), ["strict-accept@6"]);
    assert!(sound(&with_address("strict_mode\naccept\nversion 3")).accept);
}

#[test]
fn no_peer_on_purpose_is_a_fault_for_good() {
    let loaded = with_address("unicast_peer {\n}\nunicast_fault_no_peer");
    let a = sound(&loaded);
    assert_eq!(a.fault, Some(ConfigFault::NoUnicastPeer));
    assert!(a.unicast.as_ref().unwrap().peers.is_empty());
}

#[test]
fn scripts_for_deletion_and_for_a_lower_priority() {
    let loaded = with_address("notify_deleted\nnotify_master_rx_lower_pri \"/x/lower.sh\" nobody");
    let notify = &sound(&loaded).notify;
    assert!(notify.tell_deleted && notify.deleted.is_none());
    assert_eq!(notify.lower_priority.as_ref().unwrap().user, Some(("nobody".to_owned(), None)));
    let loaded = with_address("notify_deleted /x/gone.sh");
    assert!(sound(&loaded).notify.deleted.is_some());
}
