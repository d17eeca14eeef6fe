//! `keepalived -t` ends with the original's exit code: its own beside ours, for one mistake a file.

mod support;

use support::{installed, possible, succeed};

/// What stands before a `vrrp_instance`, in it and behind it.
type Mistake = (&'static str, [&'static str; 3]);

const SCRIPT: &str = "vrrp_script s {\n script /bin/true\n}\n";
const SECURE: &str = "global_defs {\n enable_script_security\n script_user root\n}\n";
const TRACKED: &str = "track_script {\n s\n}\n";
const SECOND: &str =
    "vrrp_instance B {\n interface eth0\n virtual_router_id 6\n virtual_ipaddress {\n 10.9.9.10/24\n }\n}\n";
const GROUP: &str = "vrrp_sync_group G {\n group {\n A\n B\n }\n}\n";

#[rustfmt::skip]
const MISTAKES: &[Mistake] = &[
    ("none", ["", "", ""]),
    ("unknown word", ["nonsense 1\n", "", ""]),
    ("unknown word of an instance", ["", "nonsense 1", ""]),
    ("unknown block", ["nonsense {\n a b\n}\n", "", ""]),
    ("word of old", ["global_defs {\n lvs_id X\n}\n", "", ""]),
    ("backslash for a remark", ["\\# remark\n", "", ""]),
    ("bytes that are not UTF-8", ["# \u{e9}\n", "", ""]),
    ("brace too many", ["", "", "}\n"]),
    ("brace too few", ["", "track_interface {", ""]),
    ("quote too few", ["", "notify_master \"/bin/true", ""]),
    ("include of a pattern", ["include /nope/*.conf\n", "", ""]),
    ("definition with a blank", ["$A =\n", "", ""]),
    ("undefined name", ["", "priority $FOO", ""]),
    ("empty global_defs", ["global_defs {\n}\n", "", ""]),
    ("nopreempt of a master", ["", "state MASTER\nnopreempt", ""]),
    ("preempt_delay of a master", ["", "state MASTER\npreempt_delay 5", ""]),
    ("preempt_delay beside nopreempt", ["", "nopreempt\npreempt_delay 5", ""]),
    ("preempt_delay too long", ["", "preempt_delay 5000", ""]),
    ("nopreempt of an owner", ["", "priority 255\nnopreempt", ""]),
    ("owner that begins as backup", ["", "priority 255", ""]),
    ("master without priority", ["", "state MASTER", ""]),
    ("no such state", ["", "state FOO", ""]),
    ("priority too great", ["", "priority 300", ""]),
    ("priority too small", ["", "priority 0", ""]),
    ("priority twice", ["", "priority 100\npriority 101", ""]),
    ("router id too great", ["", "virtual_router_id 300", ""]),
    ("interface missing", ["", "interface eth77", ""]),
    ("interface is lo", ["", "interface lo", ""]),
    ("tracked interface missing", ["", "track_interface {\n eth77\n}", ""]),
    ("interface of an address missing", ["", "virtual_ipaddress {\n 10.9.9.8 dev eth77\n}", ""]),
    ("interface of a static address missing", ["static_ipaddress {\n 10.3.3.3/24 dev eth77\n}\n", "", ""]),
    ("interface of a route missing", ["", "virtual_routes {\n 10.55.0.0/16 dev eth77\n}", ""]),
    ("address that is none", ["", "virtual_ipaddress {\n 10.9.9.900\n}", ""]),
    ("notify among addresses", [SECURE, "virtual_ipaddress {\n notify_master /bin/true\n}", ""]),
    ("both families", ["", "virtual_ipaddress {\n 2001:db8::1/64\n}", ""]),
    ("fraction of a second", ["", "advert_int 0.5", ""]),
    ("fraction of a hundredth", ["", "version 3\nadvert_int 0.255", ""]),
    ("no interval", ["", "advert_int 0", ""]),
    ("interval too long", ["", "advert_int 300", ""]),
    ("interval that is no number", ["", "advert_int x", ""]),
    ("argument too many", ["", "nopreempt yes please", ""]),
    ("password too long", ["", "authentication {\n auth_type PASS\n auth_pass 123456789\n}", ""]),
    ("password in quotes", ["", "authentication {\n auth_type PASS\n auth_pass \"1234\"\n}", ""]),
    ("no password", ["", "authentication {\n auth_type PASS\n}", ""]),
    ("AH of a master", ["", "state MASTER\nauthentication {\n auth_type AH\n auth_pass 1234\n}", ""]),
    ("no such authentication", ["", "authentication {\n auth_type FOO\n auth_pass 1234\n}", ""]),
    ("authentication of version 3", ["", "version 3\nauthentication {\n auth_type PASS\n auth_pass 1234\n}", ""]),
    ("strict with authentication", ["global_defs {\n vrrp_strict\n}\n", "authentication {\n auth_type PASS\n auth_pass 1234\n}", ""]),
    ("strict with preempt_delay", ["global_defs {\n vrrp_strict\n}\n", "preempt_delay 3", ""]),
    ("strict with accept", ["global_defs {\n vrrp_strict\n}\n", "accept", ""]),
    ("strict master", ["global_defs {\n vrrp_strict\n}\n", "state MASTER", ""]),
    ("strictness taken back", ["global_defs {\n vrrp_strict\n}\n", "strict_mode off", ""]),
    ("no peers", ["", "unicast_peer {\n}", ""]),
    ("peer that is none", ["", "unicast_peer {\n foo\n}", ""]),
    ("peer of the other family", ["", "unicast_peer {\n fe80::1\n}", ""]),
    ("peer that is itself", ["", "unicast_src_ip 10.9.0.1\nunicast_peer {\n 10.9.0.1\n}", ""]),
    ("virtual address as source", ["", "mcast_src_ip 10.9.9.9", ""]),
    ("source that is none", ["", "mcast_src_ip x.x", ""]),
    ("rule without preference", ["", "virtual_rules {\n from 10.9.9.9/32 table 100\n}", ""]),
    ("old word for the gateway", ["", "virtual_routes {\n 10.55.0.0/16 gw 10.9.0.254 dev eth0\n}", ""]),
    ("way out without virtual interface", ["", "vmac_xmit_base", ""]),
    ("two virtual interfaces", ["", "use_vmac\nuse_ipvlan", ""]),
    ("lifetime without peers", ["", "unicast_ttl 3", ""]),
    ("group beside peers", ["", "unicast_peer {\n 10.9.0.3\n}\nmcast_dst_ip 224.0.0.99", ""]),
    ("address with prefix and peer", ["", "virtual_ipaddress {\n 10.9.9.2/24 peer 10.9.9.3\n}", ""]),
    ("label of IPv6", ["", "virtual_ipaddress_excluded {\n fd00::9 label eth0:1\n}", ""]),
    ("lifetime of IPv4", ["", "virtual_ipaddress {\n 10.9.9.2 preferred_lft 0\n}", ""]),
    ("tracked twice", ["", "track_interface {\n eth1\n eth1\n}", ""]),
    ("protocol of a tracked rule", ["", "virtual_rules {\n from 10.9.9.9/32 table 100 priority 10 protocol 4\n}", ""]),
    ("startup_script without security", ["global_defs {\n startup_script /bin/true\n}\n", "", ""]),
    ("startup_script with security", ["global_defs {\n startup_script /bin/true\n enable_script_security\n script_user root\n}\n", "", ""]),
    ("script of a FIFO without security", ["global_defs {\n notify_fifo /run/f\n notify_fifo_script /bin/true\n}\n", "", ""]),
    ("FIFO named twice", ["global_defs {\n notify_fifo /run/f\n vrrp_notify_fifo /run/f\n}\n", "", ""]),
    ("debug of old", ["", "debug 4", ""]),
    ("too much debug", ["", "debug 5", ""]),
    ("route by nobody", ["", "virtual_routes {\n 10.55.0.0/16 via foo dev eth0\n}", ""]),
    ("scripts without security", [SCRIPT, TRACKED, ""]),
    ("scripts with security", [concat!("global_defs {\n enable_script_security\n script_user root\n}\n", "vrrp_script s {\n script /bin/true\n}\n"), TRACKED, ""]),
    ("interface that may come", ["global_defs {\n dynamic_interfaces\n}\n", "interface eth77", ""]),
    ("scripts on a missing interface", [SCRIPT, "interface eth77\ntrack_script {\n s\n}", ""]),
    ("script that is not there, without security", ["vrrp_script s {\n script /nope/x\n}\n", TRACKED, ""]),
    ("script that there is not", [SECURE, TRACKED, ""]),
    ("script that is not there", ["global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script s {\n script /nope/x\n}\n", TRACKED, ""]),
    ("script without an interval", ["global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script s {\n script /bin/true\n interval 0\n}\n", TRACKED, ""]),
    ("script twice", ["global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script s {\n script /bin/true\n}\nvrrp_script s {\n script /bin/true\n}\n", TRACKED, ""]),
    ("weight too great", ["global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script s {\n script /bin/true\n weight 300\n}\n", TRACKED, ""]),
    ("weight of an owner", ["global_defs {\n enable_script_security\n script_user root\n}\nvrrp_script s {\n script /bin/true\n weight 10\n}\n", "priority 255\ntrack_script {\n s\n}", ""]),
    ("no such user of scripts", ["global_defs {\n script_user nobodyhere\n}\n", "", ""]),
    ("instance twice", ["", "", "vrrp_instance A {\n interface eth0\n virtual_router_id 6\n}\n"]),
    ("router id twice", ["", "virtual_router_id 6", SECOND]),
    ("group of one", ["", "", "vrrp_sync_group G {\n group {\n A\n }\n}\n"]),
    ("group of none", ["", "", "vrrp_sync_group G {\n group {\n }\n}\n"]),
    ("group of somebody else", ["", "", "vrrp_sync_group G {\n group {\n A\n Z\n }\n}\n"]),
    ("group twice", [SECOND, "", concat!("vrrp_sync_group G {\n group {\n A\n B\n }\n}\n", "vrrp_sync_group G {\n group {\n A\n B\n }\n}\n")]),
    ("group that prefers in part", [SECOND, "nopreempt", GROUP]),
    ("weight in a group", [concat!("global_defs {\n enable_script_security\n script_user root\n}\n", "vrrp_script s {\n script /bin/true\n weight 10\n}\nvrrp_instance B {\n interface eth0\n virtual_router_id 6\n virtual_ipaddress {\n 10.9.9.10/24\n }\n}\n"), TRACKED, GROUP]),
    ("process with a long name", ["track_process p {\n process abcdefghijklmnopqrst\n}\n", "", ""]),
    ("name of a VMAC too long", ["", "use_vmac abcdefghijklmnopqrs", ""]),
    ("timers too small", ["", "down_timer_adverts 0", ""]),
];

/// Where the code is another on purpose, with both: see `docs/differences.md`.
#[rustfmt::skip]
const DIFFERENT: &[(Mistake, u8, u8)] = &[
    (("include of a file that is not there", ["include /nope/x.conf\n", "", ""]), 0, 5),
    (("notify script that is not there", [SECURE, "notify /nope/x", ""]), 0, 5),
    (("pause of 0 between ARPs", ["global_defs {\n vrrp_garp_interval 0\n}\n", "", ""]), 5, 0),
    (("its own interface tracked", ["", "track_interface {\n eth0\n}", ""]), 5, 0),
    (("linkbeat of old", ["", "linkbeat_use_polling", ""]), 5, 0),
];

/// The exit codes of a program for each file.
fn codes<'a>(program: &str, mistakes: impl Iterator<Item = &'a Mistake>) -> Vec<(&'a str, u8)> {
    let mut script = String::from(
        "ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0\n\
         ip link set eth0 up; ip link set other up; cd /tmp\n",
    );
    let mut names = Vec::new();
    for (name, [before, inside, after]) in mistakes {
        names.push(*name);
        script += &format!(
            "cat >a.conf <<'X'\n{before}vrrp_instance A {{\n interface eth0\n virtual_router_id 5\n \
             virtual_ipaddress {{\n 10.9.9.9/24\n }}\n{inside}\n}}\n{after}X\n\
             timeout 30 {program} -t -f a.conf >said 2>&1; echo \"CODE $?\"\n"
        );
    }
    let text = succeed(&script);
    let codes = text.lines().filter_map(|line| line.strip_prefix("CODE ")?.parse().ok());
    let codes: Vec<u8> = codes.collect();
    assert_eq!(codes.len(), names.len(), "{text}");
    names.into_iter().zip(codes).collect()
}

#[test]
fn a_test_of_a_file_ends_with_the_originals_code() {
    if possible() && installed("keepalived") {
        let pairs = codes("keepalived", MISTAKES.iter()).into_iter();
        let pairs = pairs.zip(codes("/usr/sbin/keepalived", MISTAKES.iter()));
        let apart: Vec<_> = pairs.filter(|(ours, theirs)| ours != theirs).collect();
        assert!(apart.is_empty(), "ours, and the original's: {apart:#?}");
    }
}

#[test]
fn what_ends_with_another_code_is_known() {
    if possible() && installed("keepalived") {
        let of = |program| codes(program, DIFFERENT.iter().map(|(mistake, ..)| mistake));
        let expected = |pick: fn(&(Mistake, u8, u8)) -> u8| -> Vec<(&str, u8)> {
            DIFFERENT.iter().map(|different| (different.0.0, pick(different))).collect()
        };
        assert_eq!(of("/usr/sbin/keepalived"), expected(|different| different.1));
        assert_eq!(of("keepalived"), expected(|different| different.2));
    }
}
