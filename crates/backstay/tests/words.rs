//! Words of `global_defs` that the supervisor and the vrrp process act on, seen from outside.

mod support;

use support::{installed, possible, succeed};

/// An interface with its other end, and a way to write a file with one instance.
const NETWORK: &str = r#"
    ip link add eth0 type veth peer name other; ip addr add 10.0.0.1/24 dev eth0
    ip link set eth0 up; ip link set other up
    conf() { printf 'global_defs {\n%s\n}\nvrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\n%s\nvirtual_ipaddress {\n10.0.0.50/24\n}\n}\n' "$1" "${2:-}" >/etc/keepalived/keepalived.conf; }
    logged() { grep -q "$@" /tmp/log; }
    master() { ip addr show eth0 | grep -q 10.0.0.50/; }
    start() { ${PROGRAM:-keepalived} -n -l -D >/tmp/log 2>&1 & P=$!; until_ 10 master || { cat /tmp/log; fail no master; }; }
    stop() { kill $P; wait $P; }
    reloads() { grep -c 'Reload complete' /tmp/log; }
    reload() { local n=$(reloads); kill -HUP $P; until_ 5 eval '[ $(reloads) -gt '$n' ]' || { cat /tmp/log; fail no reload; }; }
"#;

#[track_caller]
fn run(script: &str) -> String {
    succeed(&format!("{NETWORK}{script}"))
}

#[test]
fn copies_of_what_is_read_are_kept() {
    if !possible() {
        return;
    }
    run(r#"
        umask 022
        conf 'config_save_dir /tmp/saved'; echo 'include more' >>/etc/keepalived/keepalived.conf
        echo '# from the included file' >/etc/keepalived/more
        start
        V=$(cat /run/vrrp.pid)
        [ "$(stat -c %a /tmp/saved)" = 700 ] || fail directory
        [ "$(stat -c %a /tmp/saved/keepalived.conf.$P.0)" = 600 ] || fail mode
        tail -2 /tmp/saved/keepalived.conf.$P.0 | tr '\n' '|' | grep -qx '# include more|# from the included file|' || fail copy
        [ $(ls /tmp/saved | wc -l) = 1 ] || fail "$(ls /tmp/saved)"
        conf 'config_save_dir /tmp/saved' 'priority 77'
        reload
        until_ 5 test -e /tmp/saved/keepalived_vrrp.$V.1.post || fail "$(ls /tmp/saved)"
        grep -q 'priority 77' /tmp/saved/keepalived.conf.$P.1 || fail second copy
        grep -q 'Priority = 100' /tmp/saved/keepalived_vrrp.$V.1.pre || fail before
        grep -q 'Priority = 77' /tmp/saved/keepalived_vrrp.$V.1.post || fail after
        [ "$(stat -c %a /tmp/saved/keepalived_vrrp.$V.1.pre)" = 600 ] || fail mode of data
        # One that is refused is what somebody will want to see.
        conf 'config_save_dir /tmp/saved' 'priority 77 nonsense 3'
        kill -HUP $P; until_ 5 test -e /tmp/saved/keepalived.conf.$P.2 || fail refused one
        # A directory that cannot be made hurts nobody.
        conf 'config_save_dir /nowhere/at/all' 'priority 78'
        reload; logged 'config_save_dir /nowhere/at/all: no copy' || fail unsaid
        master || fail master; stop
    "#);
}

#[test]
fn a_reload_that_cannot_serve_changes_nothing() {
    if !possible() {
        return;
    }
    run(r#"
        conf '' 'priority 90'; start
        refused() { local n=$(grep -c 'reload refused' /tmp/log); kill -HUP $P
            more() { [ $(grep -c 'reload refused' /tmp/log) -gt $n ]; }; until_ 5 more || { cat /tmp/log; fail "taken: $1"; }
            logged "${2:-there is no interface .eth7. here}" || fail "$1: not said why"
            ! logged 'Entering FAULT' && master || { cat /tmp/log; fail "$1: moved"; }; }
        sed -i 's/interface eth0/interface eth7/' /etc/keepalived/keepalived.conf; refused 'an instance'
        conf '' 'priority 80'; sed -i 's|10.0.0.50/24|10.0.0.50/24 dev eth7|' /etc/keepalived/keepalived.conf; refused 'an address'
        echo >/etc/keepalived/keepalived.conf; refused 'an empty file' 'keepalived.conf is empty'
        # One that is waited for already may stay, and there is a word for the rest.
        conf dynamic_interfaces 'priority 80'; sed -i 's|10.0.0.50/24|10.0.0.50/24\n10.0.0.51/24 dev eth7|' /etc/keepalived/keepalived.conf; reload
        conf '' 'priority 70'; sed -i 's|10.0.0.50/24|10.0.0.50/24\n10.0.0.51/24 dev eth7|' /etc/keepalived/keepalived.conf; reload
        stop
    "#);
}

#[test]
fn scripts_and_files_have_the_umask_of_the_original() {
    if !possible() {
        return;
    }
    let made = |program: &str, options: &str, whole: bool| {
        let leave = if whole {
            "start() { backstay run --ha /etc/keepalived/keepalived.conf >/tmp/log 2>&1 & P=$!; until_ 10 master || fail no master; }"
        } else {
            ""
        };
        let text = run(&format!(
            r#"
            umask 077; PROGRAM='{program} {options}'; {leave}
            conf 'script_user root' "notify_master \"/bin/sh -c 'umask >/tmp/made'\""
            start; until_ 5 test -s /tmp/made
            echo "MADE $(cat /tmp/made) $(stat -c %a /tmp/made) $({whole} || stat -c %a /run/keepalived.pid /run/vrrp.pid | tr '\n' ' ')"
            [ ! -d /run/backstay ] || [ $(stat -c %a /run/backstay) = 755 ] || fail directory
            stop
            "#
        ));
        text.lines().find_map(|line| line.strip_prefix("MADE ")).map(|made| made.trim().to_owned())
    };
    for (options, expected) in [("", "0177 600 644 644"), ("-u 027", "0027 640 644 644")] {
        assert_eq!(made("keepalived", options, false).as_deref(), Some(expected), "{options}");
        if installed("keepalived") {
            let original = made("/usr/sbin/keepalived", options, false);
            assert_eq!(original.as_deref(), Some(expected), "the original {options}");
        }
    }
    assert_eq!(made("backstay", "", true).as_deref(), Some("0177 600"));
}

#[test]
fn slips_on_the_command_line_are_said_and_passed_over() {
    if !possible() {
        return;
    }
    let said = |program: &str| {
        let text = run(&format!(
            r#"
            PROGRAM='{program} extra -u 9x more'
            conf ''; start; stop || fail "$?"; {program} -t extra -u 9x more; echo "STATUS $?"
            "#
        ));
        assert!(text.contains("STATUS 0"), "{text}");
        // The original writes some without the end of the line.
        ["Unexpected argument(s): extra more", "Invalid --umask option 9x"].map(|line| text.contains(line))
    };
    assert_eq!(said("keepalived"), [true, true]);
    if installed("keepalived") {
        assert_eq!(said("/usr/sbin/keepalived"), [true, true]);
    }
}

#[test]
fn drop_rules_are_where_nftables_says() {
    if !possible() || !installed("nft") {
        return;
    }
    let script = |program: &str| {
        format!(
            r#"
            PROGRAM={program}
            own() {{ nft list table ip mine 2>/dev/null | tr -s '\n\t ' ' '; }}
            conf 'vrrp_strict
nftables mine
nftables_priority 7
nftables_counters'
            start
            until_ 5 eval '[ -n "$(own)" ]' || fail no table
            own
            if [ $PROGRAM = keepalived ]; then
                conf vrrp_strict; reload
                until_ 5 nft list table ip backstay || fail "$(nft list ruleset)"
                nft list tables | grep -q mine && fail old table
            fi
            stop
            nft list tables | grep -q 'ip mine\|ip backstay$' && fail "left: $(nft list tables)"
            true
            "#
        )
    };
    let listed = |program: &str| {
        let text = run(&script(program));
        text.lines().find(|line| line.contains("table ip mine")).expect("the table").to_owned()
    };
    let ours = listed("keepalived");
    let theirs = installed("keepalived").then(|| listed("/usr/sbin/keepalived"));
    for part in [
        "set vips { type ipv4_addr elements = { 10.0.0.50 } }",
        "type filter hook input priority filter + 7; policy accept; ip daddr @vips counter packets 0 bytes 0 drop",
        "type filter hook output priority filter + 7; policy accept; ip saddr @vips counter packets 0 bytes 0 drop",
    ] {
        assert!(ours.contains(part), "{part}\n{ours}");
        assert!(theirs.as_ref().is_none_or(|theirs| theirs.contains(part)), "{part}\n{theirs:?}");
    }
}

#[test]
fn netlink_buffers_are_as_large_as_written() {
    if !possible() || !installed("ss") {
        return;
    }
    run(r#"
        # Twice what was written, as the kernel counts.
        has() { ss -f netlink -mn | grep -q "rb$1,"; }
        beyond=$(( $(cat /proc/sys/net/core/rmem_max) + 5000 ))
        conf "vrrp_netlink_cmd_rcv_bufs $beyond
vrrp_netlink_cmd_rcv_bufs_force true
vrrp_netlink_monitor_rcv_bufs 200000"
        start
        until_ 5 has $((2 * beyond)) || fail "command: $(ss -f netlink -mn)"
        until_ 5 has 400000 || fail "monitor: $(ss -f netlink -mn)"
        # What answers many requests at once must not get smaller.
        conf 'vrrp_netlink_cmd_rcv_bufs 5000'; reload
        until_ 5 logged 'vrrp_netlink_cmd_rcv_bufs: less than' || fail unsaid
        has $((2 * beyond)) || fail smaller
        stop
    "#);
}

#[test]
fn who_comes_late_gets_a_higher_priority() {
    if !possible() || !installed("chrt") {
        return;
    }
    let text = run(r#"
        chrt --rr 1 true || { echo NO REALTIME; exit; }
        priority() { chrt --pid $(cat /run/vrrp.pid) | sed -n 's/.*priority: //p'; }
        is() { [ "$(priority)" = "$1" ]; }
        # Every timer fires a microsecond late and more.
        conf 'max_auto_priority 3
min_auto_priority_delay 1'
        start
        until_ 10 is 3 || { cat /tmp/log; fail "$(priority)"; }
        logged 'A thread timer expired 0.0' || fail unsaid
        for n in 2 3; do logged "Set realtime priority $n" || fail "step $n"; done
        logged 'Set realtime priority 4' && fail too high
        # A reload may ask for more, without the capability for it.
        conf 'max_auto_priority 4
min_auto_priority_delay 1'
        reload; until_ 10 is 4 || fail "$(priority) after the reload"
        stop
        conf 'max_auto_priority 3
min_auto_priority_delay 10000000'
        start; until_ 5 is 1 || fail "$(priority) at first"
        sleep 1.5; is 1 || fail "$(priority) without a delay"
        stop
    "#);
    if text.contains("NO REALTIME") {
        eprintln!("skipped: no real-time scheduling here");
    }
}

#[test]
fn the_process_with_bfd_sessions_gets_what_is_said_of_either() {
    if !possible() || !installed("chrt") || !installed("taskset") {
        return;
    }
    run(r#"
        words='bfd_rt_priority 7
vrrp_rt_priority 4
bfd_priority -3
bfd_cpu_affinity 0
bfd_rlimit_rttime 900000'
        conf "$words"; printf 'bfd_instance B {\nneighbor_ip 10.0.0.9\n}\n' >>/etc/keepalived/keepalived.conf
        start; V=$(cat /run/vrrp.pid)
        chrt --rr 1 true && { chrt --pid $V | grep -q 'priority: 7' || fail "$(chrt --pid $V)"; }
        [ "$(cut -d' ' -f19 /proc/$V/stat)" = -3 ] || fail "nice $(cut -d' ' -f19 /proc/$V/stat)"
        taskset -pc $V | grep -q 'list: 0$' || fail "$(taskset -pc $V)"
        grep -q 'realtime timeout *900000' /proc/$V/limits || fail "$(cat /proc/$V/limits)"
        stop
        # Without sessions they concern nobody.
        conf "$words"; start; V=$(cat /run/vrrp.pid)
        chrt --rr 1 true && { chrt --pid $V | grep -q 'priority: 4' || fail "$(chrt --pid $V)"; }
        grep -q 'realtime timeout *unlimited' /proc/$V/limits || fail limit without sessions
        stop
    "#);
}

#[test]
fn an_include_that_matches_nothing_refuses_a_reload_where_that_is_checked() {
    if !possible() {
        return;
    }
    run(r#"
        with() { conf "$1
include *.none" 'priority 77'; }
        with ''; keepalived -t || fail "-t without the word"
        start
        with 'include_check +wildcard_match'
        keepalived -t; [ $? = 5 ] || fail "-t with it"
        kill -HUP $P; until_ 5 logged 'reload refused' || fail reload
        # A start goes on.
        stop; start; stop
    "#);
}

#[test]
fn the_name_of_a_program_is_not_changed_by_a_reload() {
    if !possible() {
        return;
    }
    run(r#"
        conf ''; start
        sed -i '1i instance other' /etc/keepalived/keepalived.conf
        kill -HUP $P; until_ 5 logged 'reload refused: `instance` cannot be changed' || { cat /tmp/log; fail name; }
        mkdir -p /run/netns; mount -t tmpfs none /run/netns; ip netns add blue
        sed -i '1s/.*/net_namespace blue/' /etc/keepalived/keepalived.conf
        ip -n blue link add eth0 type veth peer name other
        kill -HUP $P; until_ 5 logged 'reload refused: `net_namespace` cannot be changed' || { cat /tmp/log; fail namespace; }
        master || fail master
        conf '' 'priority 77'; reload; stop
    "#);
}

#[test]
fn the_script_of_a_fifo_runs_as_the_user_behind_it() {
    if !possible() {
        return;
    }
    run(r#"
        mkdir -m 777 /tmp/who
        printf '#!/bin/sh\nid -un >/tmp/who/is\necho "$@" >/tmp/who/got\ncat "$2" >/dev/null\n' >/tmp/who/reader
        chmod +x /tmp/who/reader
        conf 'notify_fifo /tmp/who/fifo nobody
notify_fifo_script "/tmp/who/reader word" nobody'
        start
        until_ 5 grep -qx nobody /tmp/who/is || fail "$(cat /tmp/who/is /tmp/log)"
        until_ 5 grep -qx 'word /tmp/who/fifo' /tmp/who/got || fail "$(cat /tmp/who/got)"
        stop
    "#);
}

#[test]
fn directories_programs_and_hidden_files_are_not_included() {
    if !possible() {
        return;
    }
    run(r#"
        mkdir -p /etc/keepalived/d/sub
        for name in .hidden program; do echo nonsense >/etc/keepalived/d/$name; done
        chmod +x /etc/keepalived/d/program
        echo 'priority 77' >/etc/keepalived/d/words
        conf '' 'include d/*'
        keepalived -t || fail "-t: $(keepalived -t 2>&1)"
        sed -i 's/include/includer/' /etc/keepalived/keepalived.conf
        keepalived -t; [ $? = 5 ] || fail "-t where they are to be readable"
        sed -i 's/includer/include/' /etc/keepalived/keepalived.conf
        start; logged 'Line 7) `/etc/keepalived/d/sub` is a directory' || fail "$(cat /tmp/log)"; stop
    "#);
}

#[test]
fn what_a_reload_finds_is_written_where_reload_check_config_says() {
    if !possible() {
        return;
    }
    run(r#"
        conf 'reload_check_config /tmp/check'; start
        conf 'reload_check_config /tmp/check' 'nonsense 3'
        kill -HUP $P; until_ 5 logged 'see /tmp/check for details' || { cat /tmp/log; fail unsaid; }
        grep -q "keepalived.conf: Line 7) Unknown keyword 'nonsense'" /tmp/check || fail "$(cat /tmp/check)"
        # Of the next one nothing but what it finds.
        conf 'reload_check_config /tmp/pipe'; reload
        grep -q nonsense /tmp/check && fail "$(cat /tmp/check)"
        # A FIFO that nobody reads, and a link, are not waited for or followed.
        mkfifo /tmp/pipe; conf 'reload_check_config /tmp/link'; reload
        logged 'reload_check_config /tmp/pipe: ' || fail unsaid
        ln -s /tmp/precious /tmp/link; echo text >/tmp/precious; conf ''; reload
        [ "$(cat /tmp/precious)" = text ] || fail followed
        stop
    "#);
}

#[test]
fn links_are_polled() {
    if !possible() {
        return;
    }
    run(r#"
        nic() { rm -f /tmp/keepalived.data; kill -USR1 $P; until_ 5 grep -q 'Interfaces' /tmp/keepalived.data; grep -A14 'Name = eth0' /tmp/keepalived.data | grep NIC; }
        # A veth pair has no transceiver, but its driver tells.
        conf '' linkbeat_use_polling; start
        nic | grep -q 'support ETHTOOL GLINK interface' || fail "$(nic)"
        ip link set other down
        until_ 5 logged 'Linkbeat reports eth0 down' || fail unsaid
        until_ 5 logged 'Entering FAULT STATE' || fail no fault
        ip link set other up
        until_ 5 logged 'Linkbeat reports eth0 up' || fail unsaid
        until_ 10 master || fail no master again
        conf ''; printf 'linkbeat_interfaces {\neth0 MII\n}\n' >>/etc/keepalived/keepalived.conf; reload
        until_ 5 logged 'Configured linkbeat type MII not supported, using ETHTOOL' || fail unsaid
        conf ''; reload
        nic | grep -q 'netlink status update' || fail "$(nic)"
        stop
    "#);
}

/// As in a container: the limit cannot be lifted. What is locked grows beyond it all the same.
#[test]
fn memory_is_locked_without_the_right_to_lift_its_limit() {
    if !possible() || !installed("setpriv") {
        return;
    }
    run(r#"
        PROGRAM='setpriv --bounding-set=-sys_resource keepalived'
        ulimit -l 64
        status() { grep $1: /proc/$V/status | grep -o '[0-9]*'; }
        conf vrrp_no_swap; start; V=$(cat /run/vrrp.pid); before=$(status VmLck)
        logged 'refuses to lock' && { cat /tmp/log; fail refused; }
        [ $before -gt 64 ] || fail "$before kB are locked"
        addresses() { for i in 1 2 3 4 5 6 7 8; do for j in {1..250}; do echo 10.1.$i.$j/32; done; done; }
        conf vrrp_no_swap "virtual_ipaddress_excluded {
$(addresses)
}"; reload
        grows() { [ $(status VmLck) -gt $((before + 64)) ]; }; until_ 10 grows || fail "$(status VmLck) after $before"
        [ $(cat /run/vrrp.pid) = $V ] || fail 'it died'
        stop
    "#);
}

#[test]
fn memory_that_cannot_be_locked_is_a_warning_with_vrrp_no_swap() {
    if !possible() || !installed("setpriv") {
        return;
    }
    run(r#"
        warns() { logged 'vrrp_no_swap: the kernel refuses to lock memory'; }
        PROGRAM='setpriv --bounding-set=-ipc_lock,-sys_resource keepalived'
        ulimit -l 64
        conf vrrp_no_swap; start; warns || { cat /tmp/log; fail unsaid; }; stop
        conf ''; start; warns && fail said; logged 'refuses locking of memory' || fail quiet; stop
    "#);
}
