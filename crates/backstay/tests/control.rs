//! The program as a whole: its command line and exit codes beside the original's, its processes, its
//! scripts, where it runs and where its files are.

mod support;

use support::{installed, possible, succeed};

/// A network that `keepalived.conf` runs on, with one instance and whatever goes before it.
fn network(before: &str) -> String {
    format!(
        r#"
        ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0
        ip link set eth0 up; ip link set other up
        cat >/etc/keepalived/keepalived.conf <<'X'
{before}
vrrp_instance V {{
    interface eth0
    virtual_router_id 1
    virtual_ipaddress {{
        10.9.0.9/32
    }}
}}
X
        "#
    )
}

/// Not compared: `-t` on a file that is not there, where the original says 0 and we say 6. What `-t`
/// finds in a file: `exit_codes.rs`.
fn statuses(program: &str) -> String {
    let network = network("");
    succeed(&format!(
        r#"{network}
        cd /etc/keepalived
        : >empty.conf
        {{ echo nonsense 1; cat keepalived.conf; }} >unknown.conf
        t() {{ timeout 30 {program} "$@" >/tmp/said 2>&1; echo "$*: $?"; }}
        t -v; t -h; t --nosuch; t -Z; t -f; t -T
        t --signum=FOO; t --signum=stop; for s in STOP RELOAD DATA STATS STATS_CLEAR JSON; do t --signum=$s; cat /tmp/said; done
        t -n -f /nonexistent; t -f /nonexistent; t -u 077 -n -f /nonexistent
        {{ echo include /nonexistent; cat keepalived.conf; }} >part.conf
        t -t -f empty.conf; t -t; t -t -f unknown.conf; t -t -e -f part.conf; t -t -e; t -t -C -I -B; t -t -P
        t -t -S 9; t -t -S 7; t -t -S 3x; t --perf; t --debug=T; t --no-mem-check
        t; until_ 5 test -s /run/vrrp.pid || fail no vrrp.pid
        t; t -n
        kill $(cat /run/keepalived.pid); until_ 5 sh -c '! test -e /run/keepalived.pid' || fail the pid file stays
        "#
    ))
}

#[test]
fn statuses_are_the_originals() {
    if possible() && installed("keepalived") {
        assert_eq!(statuses("keepalived"), statuses("/usr/sbin/keepalived"));
    }
}

#[test]
fn options_that_cannot_act_say_why() {
    if !possible() {
        return;
    }
    let said = succeed("for o in -C -T --perf=all --debug; do keepalived $o -n; echo $?; done");
    assert_eq!(said.matches("is not supported: ").count(), 4, "{said}");
    assert!(said.lines().filter(|line| line.len() == 1).all(|line| line == "1"), "{said}");
}

/// `--config-fd` gives away the whole configuration, with the files that it includes.
#[test]
fn the_configuration_as_it_was_read_can_be_had() {
    if !possible() {
        return;
    }
    let network = network("include part.conf");
    let said = succeed(&format!(
        r#"{network}
        printf '# of a part\nglobal_defs {{\n router_id two\n}}\n' >/etc/keepalived/part.conf
        keepalived -t --config-fd=5 5>/tmp/whole || fail test
        keepalived -t --config-fd=5 | grep . ; keepalived -t --config-fd=x; echo $?
        keepalived -t -f /tmp/whole || fail "what was given away"
        cat /tmp/whole"#
    ));
    assert!(said.contains("router_id two") && said.contains("virtual_router_id 1"), "{said}");
    assert!(said.contains("--config-fd=5: No such file") && said.contains("is no number"), "{said}");
}

/// `-V` leaves what was added and says nothing of its end; `-a` tells of others' addresses.
fn left_and_told(program: &str) -> String {
    let network =
        network("global_defs {\n script_user root\n}\nstatic_ipaddress {\n 10.9.0.77/32 dev eth0\n}");
    succeed(&format!(
        r#"{network}
        printf '#!/bin/sh\necho stopped >/run/said\n' >/tmp/stop.sh; chmod 755 /tmp/stop.sh
        sed -i 's|interface eth0|interface eth0\n no_accept\n notify_stop /tmp/stop.sh|' /etc/keepalived/keepalived.conf
        held() {{ ip addr show eth0 | grep -q 10.9.0.9; }}
        {program} -n -l -D -V -a >/run/log 2>&1 & P=$!
        until_ 10 held || fail no master
        # A signal that means nothing to it.
        kill -QUIT $P
        told() {{ grep -q "$1 $2 " /run/log; }}
        ip addr add 10.9.9.9/32 dev other; until_ 5 told 10.9.9.9 added || fail "not told: $(cat /run/log)"
        nft list ruleset | grep -q 'drop$' || fail 'no drop rules'; ip addr show eth0 | grep -c 10.9.0.77
        ip addr del 10.9.9.9/32 dev other; until_ 5 told 10.9.9.9 removed || fail "not told: $(cat /run/log)"
        kill $P; wait $P
        grep -o 'Netlink reflector reports IP 10.9.[09].9.*' /run/log; grep -o 'sent 0 priority' /run/log
        held && echo 'it stays'; until_ 5 test -s /run/said || fail 'notify_stop is not run'; cat /run/said
        ip addr show eth0 | grep 10.9.0.77; nft list ruleset | grep -c drop
        {program} -n -l -D >/run/log.2 2>&1 & P=$!
        until_ 10 grep -q 'Sending gratuitous ARP' /run/log.2 || fail no master again
        gone() {{ ! held; }}; kill $P; wait $P; until_ 5 gone || fail "it stays: $(cat /run/log.2)"; echo 'it is gone'
        "#
    ))
}

#[test]
fn what_the_command_line_wants_left_or_told_is() {
    if possible() && installed("keepalived") {
        assert_eq!(left_and_told("keepalived"), left_and_told("/usr/sbin/keepalived"));
    }
}

/// `killall keepalived` is heard once.
#[test]
fn the_vrrp_process_leaves_signals_to_the_main_process() {
    if !possible() {
        return;
    }
    let network = network("");
    succeed(&format!(
        r#"{network}
        held() {{ ip addr show eth0 | grep -q 10.9.0.9; }}; count() {{ grep -c "$1" /tmp/log; }}
        keepalived -n -l >/tmp/log 2>&1 & P=$!
        until_ 10 held || fail no master; V=$(cat /run/vrrp.pid)
        for s in TERM INT QUIT HUP USR1 USR2 36 63; do kill -$s $V; done
        killall -HUP keepalived; until_ 5 grep -q 'Reload complete' /tmp/log || fail 'no reload'
        killall -USR1 keepalived; until_ 5 test -s /tmp/keepalived.data || fail 'no dump'
        [ $(cat /run/vrrp.pid) = $V ] && held || fail 'it obeyed'
        [ $(count 'Reload complete') = 1 ] || fail "$(count 'Reload complete') reloads"
        ls /tmp/keepalived.stats /tmp/keepalived.json 2>/dev/null && fail 'it wrote dumps'
        killall keepalived; wait $P || fail "status $?"; held && fail 'the address stays'
        true"#
    ));
}

/// What is run at a stop, in its order; the script of the FIFO has ended, and no other was started.
fn stopped_in_order(program: &str) -> String {
    let network = network(
        "global_defs {\n script_user root\n notify_fifo /run/fifo\n notify_fifo_script /tmp/reader.sh\n \
         shutdown_script /tmp/shutdown.sh\n}",
    );
    succeed(&format!(
        r#"{network}
        printf '#!/bin/sh\necho reads >>/run/readers; while read line; do echo "$line" >>/run/lines; done <$1\n' >/tmp/reader.sh
        printf '#!/bin/sh\nsleep 0.4; echo notify_stop >>/run/order\n' >/tmp/stop.sh
        printf '#!/bin/sh\necho shutdown_script >>/run/order\n' >/tmp/shutdown.sh; chmod 755 /tmp/*.sh
        sed -i 's|interface eth0|interface eth0\n notify_stop /tmp/stop.sh|' /etc/keepalived/keepalived.conf
        {program} -n -l >/tmp/log 2>&1 & P=$!
        until_ 10 grep -q MASTER /run/lines || fail no master
        kill $P; wait $P
        grep 'starting it again' /tmp/log; cat /run/order /run/readers"#
    ))
}

#[test]
fn shutdown_script_comes_after_notify_stop() {
    if possible() && installed("keepalived") {
        let theirs = stopped_in_order("/usr/sbin/keepalived");
        assert_eq!(theirs, "notify_stop\nshutdown_script\nreads\n");
        assert_eq!(stopped_in_order("keepalived"), theirs);
    }
}

/// With `-R` the program ends with a process of its own, in order, and as one that failed: systemd's
/// `Restart=on-failure` is to act.
#[test]
fn without_respawn_the_program_ends_with_its_processes() {
    if !possible() {
        return;
    }
    let network = network("");
    for victim in ["cat /run/vrrp.pid", "pgrep -x backstay-runner"] {
        succeed(&format!(
            r#"{network}
            held() {{ ip addr show eth0 | grep -q 10.9.0.9; }}
            keepalived -n -l -R >/tmp/log 2>&1 & P=$!
            until_ 10 held || fail no master
            kill -9 $({victim})
            ended() {{ ! kill -0 $P; }}; until_ 10 ended || fail 'it goes on'
            wait $P; [ $? = 1 ] || fail "status $?"
            held && fail 'the address stays'
            ls /run/*.pid 2>/dev/null && fail 'a pid file stays'
            pgrep -x 'keepalived|backstay-runner' && fail 'a process stays'
            true"#
        ));
    }
}

/// Two with names of their own leave each other's addresses, leases and drop rules alone.
#[test]
fn programs_live_side_by_side() {
    if !possible() {
        return;
    }
    let network = network("");
    let said = succeed(&format!(
        r#"{network}
        for i in 1 2; do
            printf 'instance side%s\n' $i >/tmp/$i.conf
            sed "s/virtual_router_id 1/virtual_router_id 5$i\n no_accept/; s/10.9.0.9/10.9.0.10$i/" /etc/keepalived/keepalived.conf >>/tmp/$i.conf
        done
        held() {{ ip addr show eth0 | grep -q "10.9.0.10$1/"; }}
        keepalived -n -l -D -f /tmp/1.conf >/tmp/log.1 2>&1 & A=$!
        until_ 10 held 1 || fail 'the first is no master'
        keepalived -n -l -D -f /tmp/2.conf >/tmp/log.2 2>&1 & B=$!
        until_ 10 held 2 || fail 'the second is no master'
        tables() {{ nft list ruleset | grep '^table'; }}
        all() {{ [ $(tables | wc -l) = 6 ]; }}; until_ 5 all || fail "$(tables)"
        tables
        kill -9 $(cat /run/keepalived/vrrp_side2.pid); until_ 5 grep -q 'Still in MASTER STATE' /tmp/log.2 || fail 'nobody succeeds it'
        kill $B; wait $B; held 2 && fail 'the second left its address'
        held 1 || fail 'the second took the address of the first along'
        echo "WITHOUT THE SECOND"; tables
        grep -E 'removed|left behind|fight' /tmp/log.1 && fail 'the first had to mend something'
        grep -E 'left behind' /tmp/log.2 && fail 'the second cleared away what was not its own'
        kill $A; wait $A; echo "WITHOUT BOTH"; nft list ruleset
        "#
    ));
    let (both, rest) = said.split_once("WITHOUT THE SECOND").expect("said");
    let (first, none) = rest.split_once("WITHOUT BOTH").expect("said");
    for family in ["arp backstay_lease", "inet backstay_lease", "ip backstay"] {
        for (program, there) in [("side1", first), ("side2", both)] {
            let table = format!("table {family}.{program} ");
            assert!(both.contains(&table) && there.contains(&table), "{table}: {said}");
        }
    }
    assert!(!first.contains("side2") && none.trim().is_empty(), "{said}");
}

#[test]
fn processes_are_as_the_configuration_wants_them() {
    if !possible() {
        return;
    }
    let network = network(
        "instance two
global_defs {
    process_names
    process_name ka_parent
    vrrp_priority -7
    vrrp_rt_priority 9
    vrrp_cpu_affinity 0
    vrrp_rlimit_rttime 500000
    umask 077
    script_user root
    startup_script /tmp/startup.sh
    shutdown_script /tmp/shutdown.sh
    child_wait_time 4
    data_use_instance
}",
    );
    let said = succeed(&format!(
        r#"{network}
        printf '#!/bin/sh\nsleep 0.5; ip addr show eth0 | grep -c 10.9.0.9 >/run/startup\n' >/tmp/startup.sh
        printf '#!/bin/sh\nip addr show eth0 | grep -c 10.9.0.9 >/run/shutdown\n' >/tmp/shutdown.sh
        chmod 755 /tmp/*.sh
        keepalived -n -G -g/run/own.log & P=$!
        until_ 10 sh -c 'ip addr show eth0 | grep -q 10.9.0.9' || fail no master
        V=$(cat /run/keepalived/vrrp_two.pid)
        [ "$(cat /run/keepalived/keepalived_two.pid)" = $P ] || fail pid
        echo "startup saw $(cat /run/startup), $(stat -c %a /run/startup)"
        echo "parent $(cat /proc/$P/comm)"
        echo "vrrp $(cat /proc/$V/comm) nice $(cut -d' ' -f19 /proc/$V/stat) rt $(cut -d' ' -f40,41 /proc/$V/stat)"
        grep -h Cpus_allowed_list /proc/$V/status; grep -h 'realtime timeout' /proc/$V/limits
        kill -USR1 $P; until_ 3 test -s /tmp/keepalived.two.data || fail no dump
        kill $P; wait $P; echo "status $?"
        echo "shutdown saw $(cat /run/shutdown)"
        ls /run/keepalived
        grep -c . /run/own.log >/dev/null || fail empty log; ls /run/own_vrrp.log
        "#
    ));
    for line in [
        "startup saw 0, 600",
        "parent ka_parent",
        "vrrp keepalived_vrrp nice -7 rt 9 2",
        "Cpus_allowed_list:\t0",
        "500000               500000",
        "status 0",
        "shutdown saw 0",
    ] {
        assert!(said.contains(line), "{line} is not in:\n{said}");
    }
}

#[test]
fn a_network_namespace_is_run_in() {
    if !possible() {
        return;
    }
    for (words, option) in [("net_namespace blue", ""), ("", "-s blue")] {
        let said = succeed(&format!(
            r#"
            mount -t tmpfs none /run/netns 2>/dev/null || {{ mkdir -p /run/netns; mount -t tmpfs none /run/netns; }}
            ip netns add blue
            ip -n blue link set lo up
            ip -n blue link add eth0 type veth peer name other
            ip -n blue addr add 10.9.0.1/24 dev eth0; ip -n blue link set eth0 up; ip -n blue link set other up
            cat >/etc/keepalived/keepalived.conf <<'X'
{words}
global_defs {{
    script_user root
}}
vrrp_instance V {{
    interface eth0
    virtual_router_id 1
    notify_master "/bin/sh -c 'ip addr show eth0 | grep -c 10.9.0.9 >/run/notified'"
    virtual_ipaddress {{
        10.9.0.9/32
    }}
}}
X
            keepalived {option} -n -l -G & P=$!
            until_ 10 sh -c 'ip -n blue addr show eth0 | grep -q 10.9.0.9' || fail no master
            until_ 3 test -s /run/notified || fail no script; cat /run/notified
            ls /run/keepalived/blue
            kill $P; wait $P; echo "status $?"
            ip -n blue addr show eth0 | grep -q 10.9.0.9 && fail the address stays
            ip netns del blue
            keepalived {option} -n -l -G; echo "without it $?"
            "#
        ));
        assert!(said.contains("status 0") && said.contains("without it 1"), "{said}");
        assert!(said.contains("keepalived.pid") && !said.contains("doesn't exist"), "{said}");
    }
}

/// Both sides, the address served; `words` go into `global_defs`.
fn both_sides(words: &str) -> String {
    let network = network(&format!("global_defs {{\n{words}\n}}"));
    format!(
        r#"{network}
        cat >/etc/nginx/nginx.conf <<'X'
user daemon;
pid /run/nginx.pid;
events {{ }}
http {{ server {{ listen 127.0.0.1:80; return 200 "ours"; }} }}
X
        backstay run --stderr 2>/tmp/log & P=$!
        master() {{ ip addr show eth0 | grep -q 10.9.0.9; }}
        gone() {{ ! master; }}
        says() {{ backstay status | grep -q "$1"; }}
        until_ 10 master || fail no master
        "#
    )
}

#[test]
fn a_proxy_that_crashes_over_and_over_is_told_of_and_moves_nothing_by_itself() {
    if !possible() {
        return;
    }
    let start = both_sides("");
    succeed(&format!(
        r#"{start}
        says 'the proxy here' && fail it is mentioned
        for n in 1 2 3 4 5 6; do
            crash() {{ proxy=$(cat /run/nginx.pid) && kill -9 $proxy; }}; until_ 20 crash || fail no proxy $n
            dead() {{ ! kill -0 $proxy; }}; until_ 2 dead
            says 'the proxy here does not serve' && break
        done
        until_ 2 says 'the proxy here does not serve' || {{ backstay status; cat /tmp/log; fail untold; }}
        master || fail the address moved
        grep -q 'The proxy here does not serve' /tmp/log || fail log
        "#
    ));
}

#[test]
fn vrrp_track_proxy_moves_the_address() {
    if !possible() {
        return;
    }
    let start = both_sides("vrrp_track_proxy");
    succeed(&format!(
        r#"{start}
        backstay stop nginx; until_ 3 gone || fail it stays master
        says 'FAULT' && says 'because: the proxy here does not serve' || {{ backstay status; fail status; }}
        # A vrrp process that is started again knows it too.
        vrrp() {{ backstay status --json | grep -o '"vrrp_pid": [0-9]*' | cut -d' ' -f2; }}
        before=$(vrrp); kill -9 $before
        new() {{ local now=$(vrrp); [ -n "$now" ] && [ "$now" != $before ]; }}; until_ 5 new || fail no other vrrp process
        until_ 3 says 'because: the proxy here does not serve' || {{ backstay status; fail it does not know; }}
        gone || fail it came back
        backstay start nginx || fail start
        until_ 10 master || {{ backstay status; fail no master again; }}
        "#
    ));
    let start = both_sides("vrrp_track_proxy weight -30");
    succeed(&format!(
        r#"{start}
        backstay stop nginx; until_ 3 says 'the proxy here does not serve: -30' || {{ backstay status; fail status; }}
        says 'priority 70 (configured 100)' || fail priority; master || fail it left
        "#
    ));
}

#[test]
fn a_reload_can_be_asked_for_by_a_file() {
    if !possible() {
        return;
    }
    let network = network("global_defs {\n    reload_time_file /run/when\n    reload_file /run/reading\n}");
    succeed(&format!(
        r#"{network}
        keepalived -n -l -G >/tmp/log 2>&1 & P=$!
        until_ 10 sh -c 'ip addr show eth0 | grep -q 10.9.0.9/' || fail no master
        sed -i 's/10.9.0.9/10.9.0.10/' /etc/keepalived/keepalived.conf
        echo rubbish >/run/when; until_ 3 grep -q 'rubbish' /tmp/log || fail it is not said
        date -u -d '+2 seconds' '+%H:%M:%SZ' >/run/when
        until_ 3 grep -q 'Scheduling reload for' /tmp/log || fail not read
        until_ 5 sh -c 'ip addr show eth0 | grep -q 10.9.0.10/' || {{ cat /tmp/log; fail no reload; }}
        until_ 3 test ! -e /run/when || fail the file stays; until_ 3 test ! -e /run/reading || fail the mark stays
        kill $P; wait $P"#
    ));
}
