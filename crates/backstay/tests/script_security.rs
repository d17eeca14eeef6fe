//! `enable_script_security`: what `check` says, what runs, and what the original runs, are one rule.

mod support;

use support::{installed, possible, run};

/// A script in a place, and whether it is refused.
struct Row {
    name: &'static str,
    /// Makes `/tmp/d/check.sh`, executable.
    prepare: &'static str,
    script: &'static str,
    user: &'static str,
    refused: bool,
    /// Whether the original refuses it.
    there: bool,
}

const fn row(name: &'static str, prepare: &'static str, refused: bool) -> Row {
    Row { name, prepare, script: "/tmp/d/check.sh", user: "root", refused, there: refused }
}

const ROWS: [Row; 16] = [
    row("in a directory below /tmp, which is sticky", "", false),
    row("directory of another group, which may write", "chmod 775 /tmp/d; chgrp daemon /tmp/d", true),
    row("directory of the group root, which may write", "chmod 775 /tmp/d", false),
    row("directory all may write", "chmod 777 /tmp/d", true),
    row("directory all may write, sticky", "chmod 1777 /tmp/d", false),
    row("directory of nobody", "chown nobody /tmp/d", true),
    row("file all may write", "chmod 777 /tmp/d/check.sh", true),
    row("file of nobody", "chown nobody /tmp/d/check.sh", true),
    row("file of the group root, which may write", "chmod 775 /tmp/d/check.sh", false),
    Row { user: "nobody", ..row("directory all may write, run as nobody", "chmod 777 /tmp/d", false) },
    row(
        "link into a directory all may write",
        "mv /tmp/d /tmp/w; chmod 777 /tmp/w; ln -s /tmp/w /tmp/d",
        true,
    ),
    // keepalived 2.4 refuses it too: whoever turns the link chooses what runs as root.
    Row {
        there: false,
        ..row(
            "link in a directory all may write",
            "mv /tmp/d/check.sh /tmp/s.sh; chmod 777 /tmp/d; ln -s /tmp/s.sh /tmp/d/check.sh",
            true,
        )
    },
    row(
        "link of root in a sticky directory",
        "mv /tmp/d/check.sh /tmp/s.sh; chmod 1777 /tmp/d; ln -s /tmp/s.sh /tmp/d/check.sh",
        false,
    ),
    Row {
        there: false,
        ..row(
            "link of nobody in a sticky directory",
            "mv /tmp/d/check.sh /tmp/s.sh; chmod 1777 /tmp/d; ln -s /tmp/s.sh /tmp/d/check.sh; chown -h nobody /tmp/d/check.sh",
            true,
        )
    },
    row(
        "links that go up and are relative",
        "mkdir /tmp/d/bin; mv /tmp/d/check.sh /tmp/d/bin/real.sh; ln -s ../d/./bin /tmp/d/b; ln -s b/real.sh /tmp/d/check.sh",
        false,
    ),
    Row { script: "check.sh", ..row("bare name on the PATH of the daemon", "PATH=/tmp/d:$PATH", false) },
];

fn judge(row: &Row, program: &str) -> (bool, bool, String) {
    let text = run(&format!(
        r#"
        chmod 1777 /tmp; mkdir /tmp/d; printf '#!/bin/sh\nexit 0\n' >/tmp/d/check.sh; chmod 755 /tmp/d/check.sh
        {prepare}
        ip link add ens33 type veth peer name other; ip addr add 10.0.0.1/24 dev ens33
        ip link set ens33 up; ip link set other up
        cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {{
    enable_script_security
    script_user {user}
}}
vrrp_script check {{
    script {script}
    interval 1
    weight -3
}}
vrrp_instance VI {{
    interface ens33
    virtual_router_id 9
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    track_script {{
        check
    }}
}}
X
        {program} -t -f /etc/keepalived/keepalived.conf; echo "TEST $?"
        {program} -n -l -D -G >/tmp/log 2>&1 &
        ran() {{ grep -q 'VRRP_Script(check) succeeded' /tmp/log; }}
        refused() {{ grep -qE 'is refused: others than root|VRRP_Script\(check\) failed|Disabling track script check' /tmp/log; }}
        either() {{ ran || refused; }}
        until_ 8 either; ran && echo RAN
        cat /tmp/log
        "#,
        prepare = row.prepare,
        user = row.user,
        script = row.script,
    ))
    .text;
    (!text.contains("TEST 0"), !text.lines().any(|line| line == "RAN"), text)
}

#[test]
fn check_and_the_runner_apply_one_rule_and_the_original_its_own() {
    if !possible() {
        return;
    }
    let original = installed("keepalived");
    std::thread::scope(|scope| {
        for row in &ROWS {
            scope.spawn(move || {
                let (said, refused, text) = judge(row, "keepalived");
                assert_eq!((said, refused), (row.refused, row.refused), "{}: ours\n{text}", row.name);
                if original {
                    // Its -t is no witness: of a script under another user it says nothing, but ends by a signal.
                    let (_, refused, text) = judge(row, "/usr/sbin/keepalived");
                    assert_eq!(refused, row.there, "{}: the original\n{text}", row.name);
                }
                println!("{}: {}", row.name, if row.refused { "refused" } else { "run" });
            });
        }
    });
}

/// keepalived knows users by name only, and so do we.
#[test]
fn a_number_is_no_user() {
    if !possible() {
        return;
    }
    let (said, failed, text) = judge(&Row { user: "65534", ..row("number", "", true) }, "keepalived");
    assert!(said && failed && text.contains("there is no user `65534`"), "{text}");
}
