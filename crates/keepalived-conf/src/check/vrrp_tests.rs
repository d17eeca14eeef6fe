//! Checks of words that VRRP has beyond one IPv4 instance, as if every word acted already.

use super::tests::Invented;
use super::*;
use crate::understand::tests::load;

const HEX: &str = "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// `id` of every finding, files of interfaces left aside.
fn found(text: &str, peer: Option<&str>) -> Vec<&'static str> {
    let loaded = load(text);
    let peer = peer.map(load);
    let report = check(&loaded, &Invented::new(), peer.as_ref());
    report.findings().iter().map(|finding| finding.id).collect()
}

fn instance(name: &str, vrid: u8, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{\ninterface ens33\nvirtual_router_id {vrid}\nvirtual_ipaddress {{ 10.0.{vrid}.1 }}\n{more}\n}}\n"
    )
}

fn group(a: &str, b: &str, more: &str) -> String {
    format!(
        "{}{}vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{more}\n}}\n",
        instance("A", 1, a),
        instance("B", 2, b)
    )
}

#[test]
fn addresses_that_cannot_be_meant() {
    let cases: &[(&str, &[&str])] = &[
        ("unicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.8\n10.0.0.9\n}", &["peer-is-source"]),
        ("unicast_peer {\n10.0.1.1\n}", &["peer-is-virtual"]),
        ("unicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.9\n}", &[]),
        ("mcast_src_ip 10.0.1.1", &["source-is-virtual"]),
        ("mcast_src_ip 10.0.1.1\npriority 255", &[]),
        ("authentication {\nauth_type AH\nauth_pass x\n}", &["weak-authentication"]),
        ("use_vmac ens33", &["duplicate-vmac"]),
    ];
    for (more, ids) in cases {
        assert_eq!(found(&instance("A", 1, more), None), *ids, "{more}");
    }
    let twice = format!("{}{}", instance("A", 1, "use_vmac vip"), instance("B", 2, "use_vmac vip"));
    assert_eq!(found(&twice, None), ["duplicate-vmac"]);
}

#[test]
fn one_number_in_two_families_is_two_routers() {
    let six = "vrrp_instance B {\ninterface ens33\nvirtual_router_id 1\nvirtual_ipaddress { fe80::1 }\n}\n";
    assert_eq!(found(&format!("{}{six}", instance("A", 1, "")), None), [""; 0]);
}

#[test]
fn delays_that_outlast_the_election() {
    let text =
        |down: &str| format!("interface_up_down_delays {{\nens33 {down}\n}}\n{}", instance("A", 1, ""));
    assert_eq!(found(&text("1.9"), None), [""; 0]);
    assert_eq!(found(&text("2"), None), ["delay-too-long"]);
}

#[test]
fn groups_that_cannot_move_together() {
    assert_eq!(found(&group("", "", ""), None), [""; 0]);
    assert_eq!(found(&group("priority 255", "", ""), None), ["sync-group-owners"]);
    assert_eq!(found(&group("nopreempt", "", ""), None), ["sync-group-preemption"]);
    let alone = format!("{}vrrp_sync_group G {{\ngroup {{ A }}\n}}\n", instance("A", 1, ""));
    assert_eq!(found(&alone, None), ["sync-group-of-one"]);
    let (high, low) = ("priority 150", "priority 50");
    assert_eq!(found(&group(high, low, ""), Some(&group(low, high, ""))), ["sync-group-crossed"]);
    assert_eq!(found(&group(high, high, ""), Some(&group(low, low, ""))), [""; 0]);
}

#[test]
fn scripts_that_a_group_tracks_are_used() {
    let script = "vrrp_script chk {\nscript /usr/bin/killall\n}\nglobal_defs {\nenable_script_security\nscript_user root\n}\n";
    let tracked = format!("{script}{}", group("", "", "track_script {\nchk\n}"));
    assert_eq!(found(&tracked, None), [""; 0]);
    assert_eq!(found(&format!("{script}{}", group("", "", "")), None), ["script-unused"]);
    let notify = format!("{script}{}", group("", "", "track_script {\nchk\n}\nnotify_master /nowhere"));
    assert_eq!(found(&notify, None), ["script-missing"]);
}

#[test]
fn objects_that_nothing_tracks() {
    let objects = "track_file f {\nfile /no/such/f\n}\nvrrp_track_process p {\nprocess x\n}\nbfd_instance b {\nneighbor_ip 10.0.0.2\nvrrp\n}\n";
    let unused = ["track-file-directory", "object-unused", "object-unused", "object-unused"];
    assert_eq!(found(&format!("{objects}{}", instance("A", 1, "")), None), unused);
    let tracked = "track_file {\nf\n}\ntrack_process {\np\n}\ntrack_bfd {\nb\n}";
    assert_eq!(found(&format!("{objects}{}", instance("A", 1, tracked)), None), ["track-file-directory"]);
}

#[test]
fn a_peer_that_speaks_otherwise() {
    let run = |ours: &str, theirs: &str| found(&instance("A", 1, ours), Some(&instance("A", 1, theirs)));
    assert_eq!(run("version 3", ""), ["peer-differs"]);
    assert_eq!(run("version 3\nadvert_int 0.1", "version 3"), [""; 0], "learnt from the master");
    assert_eq!(run("version 3\nv3_checksum_as_v2", "version 3"), ["peer-differs"]);
    let hmac = |active: u8, mode: &str| {
        format!("auth_hmac {{\nkey 1 {HEX}\nkey 2 {HEX}00\nactive_key {active}\nmode {mode}\n}}")
    };
    let one_key = |mode: &str| format!("auth_hmac {{\nkey 1 {HEX}\nactive_key 1\nmode {mode}\n}}");
    assert_eq!(run(&hmac(2, "enforce"), &hmac(1, "enforce")), [""; 0], "keys are being changed");
    assert_eq!(run(&hmac(2, "enforce"), &one_key("enforce")), ["peer-differs"]);
    assert_eq!(run(&one_key("receive-only"), ""), [""; 0]);
    assert_eq!(run(&one_key("permissive"), &one_key("receive-only")), [""; 0]);
    assert_eq!(run(&one_key("enforce"), &one_key("receive-only")), ["peer-differs"]);
    assert_eq!(run(&one_key("enforce"), ""), ["peer-differs"]);
}
