//! `keepalived -t` and `backstay check` on the tutorials' files, scripts included.

mod support;

use support::{Outcome, possible, run, succeed};

const NOTIFY: &str = include_str!("../../keepalived-conf/tests/fixtures/first-tutorial-notify.sh");
const FIRST: &str = include_str!("../../keepalived-conf/tests/fixtures/first-tutorial.conf");
/// The second tutorial's file of either node: priority 95, `state BACKUP`.
const SECOND: &str = include_str!("../../keepalived-conf/tests/fixtures/second-tutorial-single-a.conf");

/// `keepalived -t` on a machine with the interface, the check script and the given notify script.
fn test(conf: &str, notify: &str) -> Outcome {
    run(&format!(
        r#"
        ip link add ens33 type veth peer name other
        printf '#!/bin/bash\nexit 0\n' >/etc/keepalived/chk_down.sh; chmod 755 /etc/keepalived/chk_down.sh
        cat >/etc/keepalived/notify.sh <<'THE_END'
{notify}
THE_END
        chmod 755 /etc/keepalived/notify.sh
        cat >/etc/keepalived/keepalived.conf <<'THE_END'
{conf}
THE_END
        keepalived -t; echo "CODE $?"
        "#
    ))
}

/// `LINE: TEXT` of each message that has a line.
fn lines(text: &str) -> Vec<(usize, &str)> {
    text.lines()
        .filter_map(|line| {
            let (number, said) =
                line.strip_prefix("(/etc/keepalived/keepalived.conf: Line ")?.split_once(") ")?;
            Some((number.parse().expect("a number"), said))
        })
        .collect()
}

/// Messages at these lines, in this order, each with these words in it.
#[track_caller]
fn expect(text: &str, expected: &[(usize, &str)]) {
    let found = lines(text);
    let as_expected = found.len() == expected.len()
        && found.iter().zip(expected).all(|(f, e)| f.0 == e.0 && f.1.contains(e.1));
    assert!(as_expected, "{found:#?}\nis not\n{expected:#?}\n{text}");
}

#[test]
fn the_first_tutorials_file_and_its_broken_script() {
    if !possible() {
        return;
    }
    let outcome = test(FIRST, NOTIFY);
    // The original's for scripts without script security, whatever else there is.
    assert!(outcome.text.contains("CODE 6"), "{}", outcome.text);
    expect(
        &outcome.text,
        &[
            (18, "`vrrp_strict` forbids"),
            (47, "line 5 of `/etc/keepalived/notify.sh` seems to have lost a parameter"),
            (47, "line 6 of `/etc/keepalived/notify.sh` seems to have lost a parameter"),
            (47, "line 9 of `/etc/keepalived/notify.sh` seems to have lost a parameter: `case  in`"),
            (47, "line 20 of `/etc/keepalived/notify.sh` seems to have lost a parameter"),
        ],
    );
    assert!(outcome.text.contains("SECURITY VIOLATION"), "{}", outcome.text);
}

#[test]
fn the_second_tutorials_file_with_its_remarks() {
    if !possible() {
        return;
    }
    let outcome = test(SECOND, "#!/bin/bash\necho $1");
    assert!(outcome.text.contains("CODE 6"), "{}", outcome.text);
    let remark = "Unknown keyword '\\\\";
    expect(
        &outcome.text,
        &[
            (11, remark),
            (12, remark),
            (13, remark),
            (15, remark),
            (16, remark),
            (18, remark),
            (19, remark),
            (37, "VRRP parsed invalid IP notify_master"),
            (38, "VRRP parsed invalid IP notify_backup"),
            (39, "VRRP parsed invalid IP notify_fault"),
            (41, remark),
            (43, remark),
        ],
    );
}

#[test]
fn mistakes_are_found_and_end_with_a_code() {
    if !possible() {
        return;
    }
    for (damage, words) in [
        (("interface ens33", "interfce ens33"), "(/etc/keepalived/keepalived.conf: Line 27) Unknown keyword"),
        (("priority 95", "priority 500"), "Line 29)"),
        (("interval 2", "interval 2 {"), "Line 20)"),
    ] {
        let outcome = test(&SECOND.replace(damage.0, damage.1), "#!/bin/bash\necho $1");
        assert!(outcome.text.contains(words), "{}", outcome.text);
    }
    succeed(
        r#"
        rm -f /etc/keepalived/keepalived.conf; keepalived -t; [ $? = 6 ] || fail 'missing file'
        echo 'bogus' >/etc/keepalived/keepalived.conf; keepalived -t; [ $? = 5 ] || fail 'unknown word'
        "#,
    );
}

/// `check` proves whether the peer takes over when nginx fails on A, and it is right: both run.
#[test]
fn what_check_proves_about_the_peer_comes_true() {
    if !possible() {
        return;
    }
    std::thread::scope(|scope| {
        for (weight, wins) in [(-10, true), (-2, false)] {
            scope.spawn(move || prove(weight, wins));
        }
    });
}

/// Runs A with this weight and B as it is; then A's nginx dies.
fn prove(weight: i32, wins: bool) {
    let a = SECOND.replace("priority 95", "priority 100").replace("weight -10", &format!("weight {weight}"));
    let outcome = run(&format!(
        r#"
            printf '#!/bin/bash\nexit 0\n' >/etc/keepalived/notify.sh; chmod 755 /etc/keepalived/notify.sh
            cat >/tmp/a.conf <<'THE_END'
{a}
THE_END
            cat >/tmp/b.conf <<'THE_END'
{SECOND}
THE_END
            # Two nodes: B has a network of its own at the other end of the wire.
            unshare --net sleep infinity & b=$!; until_ 5 apart $b || fail unshare
            ip link add ens33 type veth peer name ens33 netns $b
            ip addr add 172.16.253.1/16 dev ens33; ip link set ens33 up
            on_b() {{ nsenter --net=/proc/$b/ns/net "$@"; }}
            on_b ip addr add 172.16.253.2/16 dev ens33; on_b ip link set ens33 up; on_b ip link set lo up
            backstay check --ha /tmp/a.conf --peer /tmp/b.conf >/tmp/checked; grep chk_nginx /tmp/checked
            # nginx of A: the check of B finds it, too, since the processes are one machine's. So B asks for another.
            sed -i 's/killall -0 nginx/killall -0 sleep/' /tmp/b.conf
            mkdir /tmp/x; cp /bin/sleep /tmp/x/nginx; /tmp/x/nginx infinity & nginx=$!
            keepalived -n -l -D -G -f /tmp/a.conf -p /run/a.pid -r /run/av.pid >/tmp/a.log 2>&1 &
            has_a() {{ ip addr show ens33 | grep -q 172.16.253.150; }}
            has_b() {{ on_b ip addr show ens33 | grep -q 172.16.253.150; }}
            until_ 10 has_a || fail 'A is no master'
            # Another run directory, so that it does not take itself for the first.
            on_b unshare --mount bash -c 'mount -t tmpfs none /run; exec keepalived -n -l -D -G -f /tmp/b.conf' >/tmp/b.log 2>&1 &
            sleep 5; has_b && fail 'B took over too soon'
            kill $nginx; until_ 10 grep -q 'Changing effective priority from 100' /tmp/a.log || fail 'A does not notice'
            moved() {{ has_b && ! has_a; }}
            if {wins}; then until_ 14 moved; else sleep 6; fi
            has_b && echo 'THE PEER TOOK OVER'; has_a && echo 'A KEPT IT'
            cat /tmp/a.log /tmp/b.log
            "#
    ));
    let text = outcome.text;
    let proved = text.contains("`VI_A` falls from 100 to 90 and the peer's 95 takes over");
    let disproved = text.contains("`VI_A` falls from 100 to 98, but the peer has 95");
    assert_eq!((proved, disproved), (wins, !wins), "{text}");
    assert_eq!(text.contains("THE PEER TOOK OVER"), wins, "{text}");
    assert_eq!(text.contains("A KEPT IT"), !wins, "{text}");
}
