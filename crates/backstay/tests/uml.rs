//! What this machine's kernel lacks, in one that has it: `use_ipvlan`, `vrf`, and `use_vmac` as the
//! control, between ours and ours and between ours and the original, as `keepalived` in user-mode Linux.

mod support;

use lab::UserModeLinux;
use std::path::Path;
use std::time::Duration;
use support::installed;

const HOSTS: &str = include_str!("uml/hosts.sh");
const OURS: &str = "/mnt/bin/keepalived";
const THEIRS: &str = "/usr/sbin/keepalived";

/// Runs a script on the three hosts of `uml/hosts.sh`, in a kernel with these modules beside those of
/// the hosts' network.
#[track_caller]
fn run(modules: &[&str], script: &str) {
    if let Err(why) = UserModeLinux::check() {
        eprintln!("skipped: {why}");
        return;
    }
    let modules = [&["bridge", "veth", "nf_tables"], modules].concat();
    let machine = UserModeLinux {
        modules: &modules,
        programs: &[("keepalived", Path::new(env!("CARGO_BIN_EXE_backstay")))],
        limit: Duration::from_secs(240),
    };
    match machine.run(&format!("{HOSTS}\n{script}")) {
        Ok(output) => assert!(output.success(), "{}", output.text),
        Err(why) => panic!("{why}"),
    }
}

/// Writes the configuration of both directors: `words` with `@OWN` and `@PEER` for their addresses and
/// `@VIA` for a third of each.
fn configuration(words: &str) -> String {
    let mut script = String::new();
    for (host, own, peer, via, priority) in
        [("a", "10.0.0.1", "10.0.0.2", "10.0.0.11", 150), ("b", "10.0.0.2", "10.0.0.1", "10.0.0.12", 100)]
    {
        let words = words.replace("@OWN", own).replace("@PEER", peer).replace("@VIA", via);
        script += &format!(
            "cat >/etc/keepalived/{host}.conf <<'X'\nvrrp_instance VI_1 {{\n version 3\n advert_int 0.5\n \
             virtual_router_id 61\n priority {priority}\n{words}\n}}\nX\n"
        );
    }
    script
}

/// Hands the address over between ours and the original; between two of ours where the original cannot
/// do the same.
fn hand_over(modules: &[&str], set_up: &str, words: &str, interface: &str, theirs: bool) {
    let other = if theirs && installed("keepalived") { THEIRS } else { OURS };
    let steps = format!("{set_up}\nhand_over {interface} {OURS} {other}\n");
    run(modules, &(configuration(words) + &steps));
}

#[test]
fn vmac() {
    let words = " interface eth0\n use_vmac\n virtual_ipaddress {\n 10.0.0.100/24\n }";
    hand_over(&["macvlan"], "", words, "vrrp.61", true);
}

#[test]
fn ipvlan() {
    // Advertisements leave by the ipvlan; addresses are on the interface below unless they say `dev`.
    let words = " interface eth0\n use_ipvlan ipv @VIA bridge\n virtual_ipaddress {\n 10.0.0.100/24\n }";
    hand_over(&["ipvlan"], "", words, "eth0", true);
}

#[test]
fn an_address_on_an_ipvlan() {
    let words = " interface eth0\n use_ipvlan ipv @VIA/24\n virtual_ipaddress {\n 10.0.0.100/24 dev ipv\n }";
    // With an address of the same network below, the kernel asks from there for neighbours, and hears
    // the answers on the ipvlan.
    let bare = "for h in a b; do ip -n $h address flush dev eth0 scope global; done";
    // 2.2.7 refuses an interface that it has yet to make.
    hand_over(&["ipvlan"], bare, words, "ipv", false);
}

/// A VRF on both directors, eth0 in it.
const VRF: &str = "for h in a b; do ip -n $h link add red type vrf table 10; ip -n $h link set red up; \
    ip -n $h link set eth0 master red; done";

#[test]
fn an_interface_of_a_vrf() {
    let words = " interface eth0\n virtual_ipaddress {\n 10.0.0.100/24\n }";
    hand_over(&["vrf"], VRF, words, "eth0", true);
}

#[test]
fn a_vmac_in_a_vrf() {
    let words = " interface eth0\n use_vmac\n virtual_ipaddress {\n 10.0.0.100/24\n }";
    hand_over(&["macvlan", "vrf"], VRF, words, "vrrp.61", true);
}

#[test]
fn unicast_through_a_vrf() {
    let words = " vrf red\n unicast_src_ip @OWN\n unicast_peer {\n @PEER\n }\n \
                 virtual_ipaddress {\n 10.0.0.100/24 dev eth0\n }";
    // 2.2.7 wants an interface all the same.
    hand_over(&["vrf"], VRF, words, "eth0", false);
}
