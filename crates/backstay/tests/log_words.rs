//! One life of an instance (start, script fails, recovers, stop) in the original's words: our log
//! beside its own. What differs on purpose is listed here and in `docs/compatibility-keepalived.md`.

mod support;

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

/// Lines of ours that it does not have.
const OURS: &[&str] = &["Starting Backstay ", "Stopped Backstay ", "The kernel refuses "];

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
        sleep 1; rm /run/up; until_ 5 grep -q 'VRRP_Script(chk_nginx) failed' /tmp/log
        sleep 1; touch /run/up; until_ 5 count 'VRRP_Script(chk_nginx) succeeded' 2
        if [ {weight} = 0 ]; then until_ 8 count 'Entering MASTER STATE' 2; fi
        sleep 1; kill $daemon; wait $daemon
        echo LOG; cat /tmp/log
        "#
    ));
    assert!(outcome.success || outcome.text.contains("LOG\n"), "{}", outcome.text);
    outcome.text.split_once("LOG\n").expect("a log").1.to_owned()
}

/// Lines without their times, and without those left out on purpose.
fn words(log: &str, left_out: &[&str]) -> Vec<String> {
    let mut lines: Vec<String> = log
        .lines()
        .filter_map(|line| Some(line.splitn(4, ':').nth(3)?.trim().to_owned()))
        .filter(|line| !left_out.iter().any(|start| line.starts_with(start)))
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
