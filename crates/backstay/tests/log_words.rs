//! One life of an instance (start, script fails, recovers, stop) in the original's words: our log
//! beside its own. What differs on purpose is listed here and in `docs/compatibility-keepalived.md`.

mod support;

use std::collections::BTreeMap;
use support::{installed, possible, run};

/// Lines of the original that we leave out: about its own processes and sockets, or about hints
/// that do not apply to us.
const THEIRS: &[&str] = &[
    "Running on Linux",
    "Command line: ",
    "Opening file ",
    "Configuration file ",
    "NOTICE: setting config option max_auto_priority",
    "Starting VRRP child process",
    "Registering ",
    "Assigned address ",
    "Startup complete",
    "VRRP sockpool: ",
    "Stopped - used",
    "CPU usage ",
    "Starting Keepalived ",
    "Stopped Keepalived ",
];

/// Lines of ours that it does not have, or at a moment that is chance.
const OURS: &[&str] = &["Starting Backstay ", "Stopped Backstay ", "The kernel refuses ", "Startup complete"];

fn life(program: &str, weight: i32) -> String {
    let outcome = run(&format!(
        r#"
        ip link add ens33 type veth peer name other; ip addr add 10.0.0.1/24 dev ens33
        ip link set ens33 up; ip link set other up
        printf '#!/bin/sh\n[ -e /run/up ]\n' >/etc/keepalived/check.sh
        printf '#!/bin/sh\nexit 0\n' >/etc/keepalived/notify.sh; chmod 755 /etc/keepalived/*.sh; touch /run/up
        cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {{
    enable_script_security
    script_user root
}}
vrrp_script chk_nginx {{
    script "/etc/keepalived/check.sh"
    interval 1
    weight {weight}
    fall 2
    rise 2
}}
vrrp_instance VI_A {{
    state MASTER
    interface ens33
    virtual_router_id 51
    priority 100
    # The second burst would fall anywhere.
    garp_master_delay 60
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    track_script {{
        chk_nginx
    }}
    notify "/etc/keepalived/notify.sh"
    notify_master "/etc/keepalived/notify.sh master"
}}
X
        settled() {{ ! ip addr | grep -q tentative; }}; until_ 5 settled || fail 'addresses do not settle'
        {program} -n -l -D -G >/tmp/log 2>&1 & daemon=$!
        count() {{ [ $(grep -c "$1" /tmp/log) -ge $2 ]; }}
        until_ 8 grep -q 'Entering MASTER STATE' /tmp/log || {{ cat /tmp/log; fail 'no master'; }}
        sleep 1; kill -USR2 $daemon; until_ 5 grep -q 'Printing VRRP stats' /tmp/log
        rm /run/up; until_ 5 grep -q 'VRRP_Script(chk_nginx) failed' /tmp/log
        sleep 1; touch /run/up; until_ 5 count 'VRRP_Script(chk_nginx) succeeded' 2
        if [ {weight} = 0 ]; then until_ 8 count 'Entering MASTER STATE' 2; fi
        sleep 1; kill $daemon; wait $daemon
        echo LOG; cat /tmp/log
        "#
    ));
    assert!(outcome.success || outcome.text.contains("LOG\n"), "{}", outcome.text);
    outcome.text.split_once("LOG\n").expect("a log").1.to_owned()
}

fn without_digits(line: &str) -> String {
    line.chars().filter(|letter| !letter.is_ascii_digit()).collect()
}

/// Lines without their times, and without those left out on purpose.
fn words(log: &str, left_out: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = log
        .lines()
        .filter_map(|line| Some(line.splitn(4, ':').nth(3)?.trim().to_owned()))
        .filter(|line| !left_out.iter().any(|start| line.starts_with(start)))
        .map(|line| if line.starts_with("Printing ") { without_digits(&line) } else { line })
        .collect();
    // It takes addresses off at the start, whether they are there or not; we take up what is there.
    if left_out == THEIRS && lines.first().is_some_and(|line| line == "(VI_A) removing VIPs.") {
        lines.remove(0);
    }
    lines
}

#[test]
fn a_life_is_told_in_the_originals_words() {
    if !possible() || !installed("keepalived") {
        return;
    }
    std::thread::scope(|scope| {
        for weight in [-10, 0] {
            scope.spawn(move || {
                let ours = scope.spawn(move || life("keepalived", weight));
                let theirs = life("/usr/sbin/keepalived", weight);
                let ours = ours.join().expect("ours lives");
                let (ours, theirs) = (words(&ours, OURS), words(&theirs, THEIRS));
                assert!(theirs.len() > 15, "{theirs:#?}");
                assert_eq!(ours, theirs, "weight {weight}\n{}\n{}", ours.join("\n"), theirs.join("\n"));
            });
        }
    });
}

/// A group of two with everything that comes and goes with a master, and an interface that the group tracks.
fn life_of_a_group(program: &str) -> String {
    let outcome = run(&format!(
        r#"
        for i in 0 1 2; do
            ip link add eth$i type veth peer name other$i; ip addr add 10.0.$i.1/24 dev eth$i
            ip link set eth$i up; ip link set other$i up
        done
        cat >/etc/keepalived/keepalived.conf <<'X'
vrrp_sync_group G {{
    group {{
        V1
        V2
    }}
    track_interface {{
        eth2 weight 10
    }}
    sync_group_tracking_weight
}}
vrrp_instance V1 {{
    interface eth0
    virtual_router_id 51
    priority 100
    version 3
    no_accept
    garp_master_delay 60
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    virtual_ipaddress_excluded {{
        10.0.0.101/24
        fd00::101/64
    }}
    virtual_routes {{
        10.80.0.0/16 via 10.0.0.254 dev eth0
    }}
    virtual_rules {{
        from 10.80.0.0/16 table 80 priority 1001
    }}
}}
vrrp_instance V2 {{
    interface eth1
    virtual_router_id 52
    priority 100
    garp_master_delay 60
    virtual_ipaddress {{
        10.0.1.100/24
    }}
}}
X
        # Addresses of the links have settled.
        sleep 2
        {program} -n -l -D -G >/tmp/log 2>&1 & daemon=$!
        count() {{ [ $(grep -c "$1" /tmp/log) -ge $2 ]; }}
        until_ 8 count 'Entering MASTER STATE' 2 || {{ cat /tmp/log; fail 'no master'; }}
        ip link set eth2 down; until_ 5 count 'priority from 110 to 100' 2
        ip link set eth2 up; until_ 5 count 'priority from 100 to 110' 4
        ip link set eth1 down; until_ 5 count 'Entering FAULT STATE' 2
        ip link set eth1 up; until_ 9 count 'Entering MASTER STATE' 4
        sleep 1; kill $daemon; wait $daemon
        echo LOG; cat /tmp/log
        "#
    ));
    assert!(outcome.text.contains("LOG\n"), "{}", outcome.text);
    outcome.text.split_once("LOG\n").expect("a log").1.to_owned()
}

/// The lines of each instance in their order from where it begins, and the others: which of two instances
/// is the first is chance.
fn by_subject(log: &str) -> BTreeMap<String, Vec<String>> {
    let begun = log.split_once("(V1) Entering BACKUP STATE (init)").map_or(log, |(_, rest)| rest).to_owned();
    // What hangs on who was first, on which link an address waits for, and on which still sends; the order
    // of packets, which bring up the rear here.
    let chance = [
        "Sending gratuitous ARP",
        "Sending unsolicited Neighbour Advert",
        "(V2) Entering BACKUP STATE (init)",
        "Deassigned address",
        "Receive advertisement timeout",
        "sent 0 priority",
        " priority from 100 to 110",
    ];
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in words(&begun, THEIRS) {
        if !chance.iter().any(|part| line.contains(part)) {
            let subject = line.split(')').next().filter(|_| line.starts_with("(V"));
            all.entry(subject.unwrap_or_default().to_owned()).or_default().push(line);
        }
    }
    all
}

#[test]
fn what_comes_and_goes_with_a_group_is_told_in_the_originals_words() {
    if !possible() || !installed("keepalived") || !installed("nft") {
        return;
    }
    std::thread::scope(|scope| {
        let ours = scope.spawn(|| life_of_a_group("keepalived"));
        let theirs = life_of_a_group("/usr/sbin/keepalived");
        let (ours, theirs) = (by_subject(&ours.join().expect("ours lives")), by_subject(&theirs));
        assert!(theirs.len() == 3 && theirs.values().all(|lines| lines.len() > 4), "{theirs:#?}");
        assert_eq!(ours, theirs);
    });
}
