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
        limit: Duration::from_secs(600),
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

/// Routes through lightweight tunnels in the words of `ip route`, which are those of `virtual_routes`.
/// What an ILA route leads to has to be a whole address whose interface part is of a type of ILA's.
const ENCAPSULATED: [&str; 9] = [
    "10.1.0.0/24 encap mpls 100 via 10.0.0.9 dev eth0",
    "10.1.1.0/24 encap mpls 100/200 via 10.0.0.9 dev eth0",
    "10.2.0.0/24 encap ip id 7 dst 192.0.2.1 src 10.0.0.1 tos 0x10 ttl 64 via 10.0.0.9 dev eth0",
    "10.3.0.0/24 encap ip6 id 8 dst 2001:db8::1 src 2001:db8::2 tc 0x20 hoplimit 12 via 10.0.0.9 dev eth0",
    "10.4.0.0/24 nexthop encap mpls 30 via 10.0.0.9 dev eth0 weight 1 nexthop encap mpls 1048575/31 via \
     10.0.0.8 dev eth0 weight 2",
    "2001:db8:1::/64 encap mpls 17 via fe80::9 dev eth0",
    "2001:db8:2::/64 encap ip dst 192.0.2.1 via fe80::9 dev eth0",
    "2001:db8:3::/64 encap ip6 id 4294967295 dst 2001:db8::1 via fe80::9 dev eth0",
    "3ffe:0:0:1:2000:0:0:2/128 encap ila 3ffe:0:0:ff via fe80::9 dev eth0",
];

/// Waits for as many routes of keepalived's protocol as there are, and prints them.
const ROUTES: &str = r#"
routes() { ip -n a route show proto keepalived; ip -n a -6 route show proto keepalived; }
count() { [ $(routes | grep -c encap) = $1 ]; }
set_by() {
    start a $1
    until_ 15 count $2 || fail "$1 sets only $(routes)"
    routes >/tmp/routes.$3
    stop a
    until_ 3 count 0 || fail "$1 leaves $(routes)"
}
"#;

#[test]
fn routes_through_lightweight_tunnels() {
    let lines = ENCAPSULATED.join("\n");
    // ip-route has words for these, keepalived the number that the kernel has in memory: sum and key.
    let flags = "10.5.0.0/24 encap ip id 9 flags 1280 dst 192.0.2.1 via 10.0.0.9 dev eth0";
    let all = format!(
        " interface eth0\n virtual_ipaddress {{\n 10.0.0.100/24\n }}\n virtual_routes {{\n{lines}\n{flags}\n}}"
    );
    let by_hand: String = ENCAPSULATED
        .iter()
        .map(|line| format!("ip -n a route add proto keepalived {line} || fail {line}\n"))
        .collect();
    let count = ENCAPSULATED.len() + 2;
    let mut script = configuration(&all) + ROUTES;
    script += &format!(
        "until_ 5 settled a || fail IPv6 does not settle\n{by_hand}\
         routes >/tmp/routes.by_hand\ncat /tmp/routes.by_hand\n\
         ip -n a route flush proto keepalived; ip -n a -6 route flush proto keepalived\n\
         set_by {OURS} {count} ours\ngrep '^10.5.0.0.* key csum' /tmp/routes.ours || fail no flags\n\
         diff /tmp/routes.by_hand <(grep -v ^10.5.0.0 /tmp/routes.ours) || fail not those of ip-route\n"
    );
    if installed("keepalived") {
        script += &format!(
            "set_by {THEIRS} {} theirs\nones() {{ grep -v '^10.4.0.0\\|nexthop' /tmp/routes.$1; }}\n\
             diff <(ones theirs) <(ones ours) || fail not theirs\n",
            // 2.2.7 forgets what it reads of the tunnels of next hops.
            count - 2
        );
    }
    run(&["mpls_iptunnel", "ila"], &script);
}
