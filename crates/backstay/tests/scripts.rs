//! Scripts as the tutorials write them: the rows of the table in `docs/scripts.md` that say what comes
//! of one, ours beside the original. The original fails open: a check that it cannot run is dropped, and
//! the node becomes master unchecked. Ours counts such a check as failed.

mod support;

use support::{installed, possible, run};

/// A line of the table: what stands after `script`, what prepares it, and what comes of it.
struct Row {
    name: &'static str,
    prepare: &'static str,
    script: &'static str,
    /// In `global_defs`.
    global: &'static str,
    /// Whether ours counts it as a success; tried with the condition not met and met.
    ours: Verdict,
    /// What the original does.
    original: Original,
}

enum Verdict {
    Passes,
    Fails,
}

#[derive(Debug, PartialEq)]
enum Original {
    /// Becomes master with the check in force and passing.
    Passes,
    /// Becomes master although the check cannot have run: fail-open.
    FailsOpen,
    /// Never becomes master: the check fails for ever.
    FailsForEver,
}

const ROWS: [Row; 12] = [
    Row {
        name: "[[ … ]] && exit 1 || exit 0",
        prepare: "",
        script: r#""[[ -f /etc/keepalived/down ]] && exit 1 || exit 0""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::FailsOpen,
    },
    Row {
        name: "[[ … ]] when the file is there",
        prepare: "touch /etc/keepalived/down",
        script: r#""[[ -f /etc/keepalived/down ]] && exit 1 || exit 0""#,
        global: "",
        ours: Verdict::Fails,
        original: Original::FailsOpen,
    },
    Row {
        name: "[ … ] && exit 1 || exit 0",
        prepare: "",
        script: r#""[ -f /etc/keepalived/down ] && exit 1 || exit 0""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::FailsForEver,
    },
    Row {
        name: "[ -f X ]",
        prepare: "touch /etc/keepalived/up",
        script: r#""[ -f /etc/keepalived/up ]""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::Passes,
    },
    Row {
        name: "killall -0 nginx",
        prepare: "cp /bin/sleep /tmp/bin/nginx-sleep; mkdir -p /tmp/x; cp /bin/sleep /tmp/x/nginx; /tmp/x/nginx 60 &",
        script: r#""killall -0 nginx""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::Passes,
    },
    Row {
        name: "/bin/bash -c '…'",
        prepare: "",
        script: r#""/bin/bash -c '[[ -f /etc/keepalived/down ]] && exit 1 || exit 0'""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::Passes,
    },
    Row {
        name: "quotes in quotes",
        prepare: "",
        script: r#""/bin/bash -c \"exit 0\"""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::Passes,
    },
    Row {
        name: "a pipe",
        prepare: "",
        script: r#""pgrep bash | wc -l""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::FailsForEver,
    },
    Row {
        name: "</file",
        prepare: "",
        script: r#""</etc/hostname""#,
        global: "",
        ours: Verdict::Passes,
        original: Original::Passes,
    },
    Row {
        name: "not executable",
        prepare: "echo 'exit 0' >/etc/keepalived/check.sh; chmod 644 /etc/keepalived/check.sh",
        script: r#""/etc/keepalived/check.sh""#,
        global: "",
        ours: Verdict::Fails,
        original: Original::FailsOpen,
    },
    Row {
        name: "interpreter missing",
        prepare: "printf '#!/nonexistent/interp\\nexit 0\\n' >/etc/keepalived/check.sh; chmod 755 /etc/keepalived/check.sh",
        script: r#""/etc/keepalived/check.sh""#,
        global: "",
        ours: Verdict::Fails,
        original: Original::FailsOpen,
    },
    Row {
        name: "hangs",
        prepare: "",
        script: r#""/bin/sleep 100""#,
        global: "",
        ours: Verdict::Fails,
        original: Original::FailsForEver,
    },
];

/// Runs one program with the row's script at weight 0, and says whether it became master.
fn becomes_master(row: &Row, program: &str) -> (bool, String) {
    let outcome = run(&format!(
        r#"
        ip link add ens33 type veth peer name other; ip addr add 10.0.0.1/24 dev ens33
        ip link set ens33 up; ip link set other up
        {prepare}
        cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {{
    script_user root
    {global}
}}
vrrp_script check {{
    script {script}
    interval 1
    timeout 1
    fall 1
    rise 1
}}
vrrp_instance VI {{
    interface ens33
    virtual_router_id 9
    priority 200
    advert_int 1
    virtual_ipaddress {{
        10.0.0.100/24
    }}
    track_script {{
        check
    }}
}}
X
        {program} -n -l -D -G >/tmp/log 2>&1 &
        master() {{ ip addr show ens33 | grep -q 10.0.0.100; }}
        failed() {{ grep -qE 'VRRP_Script\(check\) (failed|timed)' /tmp/log; }}
        decided() {{ master || failed; }}; until_ 15 decided || fail 'neither master nor a failure'
        # Who has failed and does not care is master after 3 × 1 s + 0.22 s of skew.
        failed && sleep 5
        master && echo RESULT master || echo RESULT none
        cat /tmp/log
        "#,
        prepare = row.prepare,
        global = row.global,
        script = row.script,
    ));
    (outcome.text.contains("RESULT master"), outcome.text)
}

#[test]
fn each_row_has_our_outcome_beside_the_originals() {
    if !possible() {
        return;
    }
    let original_there = installed("keepalived");
    let judged: Vec<String> = std::thread::scope(|scope| {
        let rows: Vec<_> = ROWS
            .iter()
            .map(|row| {
                scope.spawn(move || {
                    let (ours, log) = becomes_master(row, "keepalived");
                    let expected = matches!(row.ours, Verdict::Passes);
                    assert_eq!(ours, expected, "{}: ours\n{log}", row.name);
                    let mut line =
                        format!("{:32} ours: {}", row.name, if ours { "up" } else { "failed, named" });
                    if original_there {
                        let (theirs, log) = becomes_master(row, "/usr/sbin/keepalived");
                        let expected = row.original != Original::FailsForEver;
                        assert_eq!(theirs, expected, "{}: the original\n{log}", row.name);
                        line += &format!(", original: {:?}", row.original);
                    }
                    line
                })
            })
            .collect();
        rows.into_iter().map(|row| row.join().expect("the row holds")).collect()
    });
    for line in judged {
        println!("{line}");
    }
}
