//! SNMP: a real snmpd is asked for the tables of keepalived's MIB and those of the RFCs, and a real
//! snmptrapd is told, by us and by the original with the same configuration on the same network.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use support::{installed, possible, run, succeed};

/// Functions for a sandbox with an SNMP agent: `walk OID`, `get OID`, `set OID TYPE VALUE`, `states`,
/// `agent` starts snmpd, `listener` starts snmptrapd, `traps` prints what it was told.
const AGENT: &str = r#"
export MIBS= SNMP_PERSISTENT_DIR=/tmp/persistent
mkdir -p /tmp/w /tmp/persistent
cat >/tmp/w/snmpd.conf <<'X'
rocommunity public
rwcommunity private
agentaddress udp:127.0.0.1:1161
master agentx
agentXSocket /tmp/w/agentx
trapcommunity public
trap2sink 127.0.0.1:1162
X
echo 'authCommunity log,execute,net public' >/tmp/w/trapd.conf
agent() {
    /usr/sbin/snmpd -f -Lf /tmp/w/snmpd.log -C -c /tmp/w/snmpd.conf & agent=$!
    until_ 10 snmpget -v2c -c public 127.0.0.1:1161 .1.3.6.1.2.1.1.3.0 || fail "snmpd does not start"
}
listener() {
    /usr/sbin/snmptrapd -f -Lf /tmp/w/traps.log -On -C -c /tmp/w/trapd.conf udp:127.0.0.1:1162 &
    until_ 10 grep -qs NET-SNMP /tmp/w/traps.log || fail "snmptrapd does not start"
}
K=.1.3.6.1.4.1.9586.100.5
# A subagent that is busy for a second has the agent give up a walk.
walk() { until_ 20 snmpwalk_to /tmp/w/walk $1 || fail "no walk over $1"; cat /tmp/w/walk; }
snmpwalk_to() { snmpwalk -v2c -c public -On -Cc -t 3 127.0.0.1:1161 $2 >$1; }
get() { snmpget -v2c -c public -Oqv -t 3 127.0.0.1:1161 $1; }
set_() { snmpset -v2c -c private -On -t 3 127.0.0.1:1161 "$@" 2>&1; }
states() { snmpwalk -v2c -c public -Oqv -t 3 127.0.0.1:1161 $K.2.3.1.4 2>/dev/null | tr '\n' ' '; }
are() { [ "$(states)" = "$1 " ]; }
# keepalived 2.2.7 may crash at its start, and then finds its tables taken by its former self.
masters() { [ $(grep -c 'Entering MASTER STATE' /tmp/w/log) -ge $1 ]; }
become() {
    until_ 20 masters $(echo $1 | wc -w) || { cat /tmp/w/log; fail "no masters"; }
    ! grep SIGSEGV /tmp/w/log || exit 1
    until_ 20 are "$1" || { cat /tmp/w/log; fail "states: $(states)"; }
}
gone() { ! kill -0 $1; }
traps() { grep -o '\.1\.3\.6\.1\.6\.3\.1\.1\.4\.1\.0 = .*' /tmp/w/traps.log; }
told() { traps | grep -qF "$1"; }
for i in 0 1 2 3; do
    ip link add eth$i type veth peer name other$i
    ip link set eth$i address 02:00:00:00:00:0$i; ip addr add 10.$i.0.1/24 dev eth$i
    ip link set eth$i up; ip link set other$i up
done
ip addr add fd00::1/64 dev eth0 nodad
"#;

/// Every kind of row: addresses, routes and rules of both families, static ones, everything that can
/// be tracked by instances and by groups, mail, scripts, VRRPv2 and VRRPv3, unicast, an owner. But no
/// static default route, with which keepalived 2.2.7 crashes at its start.
const CONFIGURATION: &str = r#"
cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {
    router_id R1
    notification_email {
        root@localhost
        ops@example.org
    }
    notification_email_from k@example.org
    smtp_server ::1 2525
    smtp_connect_timeout 10
    smtp_alert
    smtp_alert_vrrp off
    no_email_faults
    enable_script_security
    script_user root
    enable_snmp_vrrp
    enable_snmp_rfc
    enable_traps
    snmp_socket unix:/tmp/w/agentx
    vrrp_garp_master_delay 1
    dynamic_interfaces
}
static_ipaddress {
    10.9.0.1/24 dev eth3 scope link
}
static_routes {
    10.77.0.0/16 via 10.1.0.9 dev eth1 metric 7
    10.80.0.0/16 dev eth1 no_track
    prohibit 10.81.0.0/16 no_track
    fd00:81::/32 via fd00::9 dev eth0 expires 1000
}
static_rules {
    from 10.9.0.0/24 table 77 priority 900
    iif eth1 table 78 priority 901
    from 10.1.0.0/24 l3mdev priority 902
    not to 10.2.0.0/24 prohibit priority 903
    from 10.3.0.0/24 goto 906 priority 904
    to 10.4.0.0/24 lookup main priority 906 suppress_prefixlength 8 tunnel-id 5 realms 3/4
}
track_file f1 {
    file /tmp/w/file
    weight -2 reverse
}
track_file f2 {
    file /tmp/w/none
    weight 1
}
vrrp_track_process p1 {
    process nosuchprogram 99
    param_match initial
    weight 5
    quorum 2
    quorum_max 4
    fork_delay 1
    terminate_delay 0.5
}
bfd_instance b1 {
    neighbor_ip 10.0.0.9
    source_ip 10.0.0.1
    weight 3
}
vrrp_script chk_ok {
    script "/usr/bin/test -d /tmp"
    interval 1
    weight 3
    rise 2
    fall 4
}
vrrp_script chk_group {
    script /usr/bin/true
    interval 2
    timeout 3
    weight 2
    init_fail
}
vrrp_script chk_bad {
    script "/usr/bin/test -d /nowhere"
    interval 1
    weight -5 reverse
}
vrrp_sync_group G1 {
    group {
        VI_1
        VI_2
    }
    track_script {
        chk_group
    }
    track_interface {
        eth2 weight 3
    }
    track_file {
        f2
    }
    track_process {
        p1
    }
    sync_group_tracking_weight
    smtp_alert
    notify_master "/usr/bin/true g master"
    notify_backup "/usr/bin/true b"
    notify_fault "/usr/bin/true f"
    notify_stop "/usr/bin/true s"
    notify "/usr/bin/true any"
}
vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass secret
    }
    virtual_ipaddress {
        10.0.0.50/24
        10.0.0.51/24 brd 10.0.0.255 dev eth0 label eth0:1
        10.0.0.52 peer 10.0.0.60 dev eth1
    }
    virtual_ipaddress_excluded {
        10.0.0.53/24
        fd00::53/64
    }
    virtual_routes {
        10.50.0.0/16 via 10.0.0.9 dev eth0 src 10.0.0.50 metric 5 table 100 mtu 1400 hoplimit 60 advmss 1360 tos 0x10
        blackhole 10.51.0.0/16
        10.52.0.0/16 nexthop via 10.0.0.9 dev eth0 weight 3 realms 7 nexthop via 10.1.0.9 dev eth1 weight 5 onlink
        10.53.0.0/16 dev eth1 scope link rtt 8000 initcwnd 10 quickack 1 features ecn
        10.54.0.0/16 via 10.0.0.9 dev eth0 rttvar 20 window 9000 cwnd 5 ssthresh 6 rto_min 200 reordering 4 initrwnd 7 realms 5/6
        10.55.0.0/16 via 10.0.0.9 dev eth0 mtu lock 1300 hoplimit 7 advmss lock 1200 fastopen_no_cookie 1
        10.56.0.0/16 nexthop via 10.0.0.9 dev eth0
        10.57.0.0/16 via 10.0.0.9 dev eth0 encap ip id 7 dst 10.9.9.9 src 10.9.9.8 tos 4 ttl 9
        fd00:50::/32 via fd00::9 dev eth0 pref high
        default via fd00::9 dev eth0 table 61
    }
    virtual_rules {
        from 10.50.0.0/16 to 10.51.0.0/16 table 100 priority 1000 fwmark 5/0xff
        from 10.54.0.0/16 oif eth1 blackhole uidrange 5-9 priority 1001
        from fd00:1::/64 table 200 tos 0x10 priority 1002
    }
    notify_master "/usr/bin/true m"
    notify_backup "/usr/bin/true b"
    notify_fault "/usr/bin/true f"
    notify_stop "/usr/bin/true s"
    notify_deleted "/usr/bin/true d"
    notify_master_rx_lower_pri "/usr/bin/true l"
    smtp_alert
}
vrrp_instance VI_2 {
    state BACKUP
    interface eth1
    virtual_router_id 52
    priority 90
    advert_int 2
    preempt_delay 3
    garp_master_delay 7
    virtual_ipaddress {
        10.1.0.50/24
    }
    promote_secondaries
}
vrrp_instance VI_3 {
    version 3
    interface eth0
    virtual_router_id 53
    priority 80
    advert_int 0.5
    nopreempt
    accept
    virtual_ipaddress {
        10.0.0.70/24
        10.0.0.69/24
    }
    track_interface {
        eth1
        eth2 weight -4 reverse
    }
    track_file {
        f1
    }
    track_process {
        p1
    }
    track_bfd {
        b1
    }
    track_script {
        chk_ok
        chk_bad
    }
    notify "/usr/bin/true x"
}
vrrp_instance VI_6 {
    interface eth0
    virtual_router_id 54
    priority 70
    virtual_ipaddress {
        fe80::54
        fd00::54/64
    }
    unicast_src_ip fd00::1
    unicast_peer {
        fd00::2
    }
}
vrrp_instance VI_7 {
    interface eth0
    use_vmac
    virtual_router_id 55
    priority 60
    authentication {
        auth_type AH
        auth_pass secret
    }
    virtual_ipaddress {
        10.0.0.75/24
    }
}
vrrp_instance VI_8 {
    interface eth2
    virtual_router_id 60
    priority 255
    virtual_ipaddress {
        10.2.0.90/24
        10.2.0.80/24
    }
}
X
echo 3 >/tmp/w/file; echo 4 >/tmp/w/none
agent; listener
"#;

/// Objects with other values than the original's, or that only one of both has, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (".1.3.6.1.4.1.9586.100.5.1.1.0", "the program"),
    (".1.3.6.1.4.1.9586.100.5.1.12.0", "an object of 2.4.3"),
    (".1.3.6.1.4.1.9586.100.5.2.3.1.36.", "an object of 2.4.3"),
    (".1.3.6.1.4.1.9586.100.5.2.9.1.10.", "an object of 2.4.3"),
    (".1.3.6.1.4.1.9586.100.5.2.9.1.11.", "an object of 2.4.3"),
    (".1.3.6.1.4.1.9586.100.5.2.9.1.12.", "an object of 2.4.3"),
    (".1.3.6.1.4.1.9586.100.5.2.6.1.11.", "the original says of the first instance only what it advertises"),
    (".1.3.6.1.2.1.68.1.3.1.13.", "a time"),
    (".1.3.6.1.2.1.207.1.1.1.1.12.", "a time"),
];

/// Tables of which 2.2.7 finds the first row only, by a slip that later versions do not have.
const FIRST_ROW_ONLY: &[&str] = &[".1.3.6.1.2.1.68.1.3.1.", ".1.3.6.1.2.1.68.2.4.1."];

fn ready() -> bool {
    possible() && ["snmpd", "snmptrapd", "snmpwalk", "keepalived"].into_iter().all(installed)
}

/// Each object of a walk with its value.
fn objects(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once(" = "));
    lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Runs a script that must succeed, again if the original has crashed at its start, as it may.
fn unless_crashed(script: &str) -> String {
    for _ in 0..5 {
        let outcome = run(script);
        if outcome.success || !outcome.text.contains("SIGSEGV") {
            assert!(outcome.success, "{}", outcome.text);
            return outcome.text;
        }
        eprintln!("keepalived has crashed, once more");
    }
    panic!("keepalived crashes every time");
}

/// Walks over all three MIBs when every instance is master.
fn walks(program: &str) -> BTreeMap<String, String> {
    let script = format!(
        r#"{AGENT}{CONFIGURATION}
        {program} -n -l -D >/tmp/w/log 2>&1 &
        become "2 2 2 2 2 2"
        scripts() {{ [ "$(walk $K.2.9.1.6 | cut -d: -f2 | tr -d '\n')" = " 3 3 2" ]; }}
        until_ 10 scripts || {{ cat /tmp/w/log; fail "$(walk $K.2.9.1.6)"; }}
        walk $K; walk .1.3.6.1.2.1.68; walk .1.3.6.1.2.1.207
        grep -i "cannot\|error\|invalid" /tmp/w/log | sed 's/^/# /'"#
    );
    let text = unless_crashed(&script);
    eprintln!("{}", text.lines().filter(|line| !line.starts_with('.')).collect::<Vec<_>>().join("\n"));
    objects(&text)
}

#[test]
fn walks_find_what_the_original_has() {
    if !ready() {
        return;
    }
    let [theirs, ours] = ["/usr/sbin/keepalived", "keepalived"].map(walks);
    let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
    let mut wrong = Vec::new();
    for name in names {
        let (their, our) = (theirs.get(name), ours.get(name));
        let excused = DIFFERENT.iter().any(|(prefix, _)| name.starts_with(prefix))
            || their.is_none() && FIRST_ROW_ONLY.iter().any(|prefix| name.starts_with(prefix));
        if their != our && !excused {
            wrong.push(format!("{name}: theirs {their:?}, ours {our:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(theirs.len() > 600, "only {} objects", theirs.len());
}

/// Two instances in a group and one alone, which is tracked by the other interface too.
const SMALL: &str = r#"
cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {
    router_id R1
    enable_snmp_vrrp
    enable_snmp_rfc
    enable_traps
    snmp_socket /tmp/w/agentx
}
vrrp_sync_group G1 {
    group {
        A
        B
    }
}
vrrp_instance A {
    interface eth0
    virtual_router_id 51
    priority 100
    virtual_ipaddress {
        10.0.0.50/24
    }
}
vrrp_instance B {
    interface eth1
    virtual_router_id 52
    priority 90
    virtual_ipaddress {
        10.1.0.50/24
    }
}
vrrp_instance C {
    version 3
    state MASTER
    interface eth2
    virtual_router_id 53
    priority 80
    virtual_ipaddress {
        10.2.0.70/24
        10.2.0.71/24
    }
}
X
"#;

/// What the managers of a program are told while its instances become master, lose an interface, get
/// it back and stop; without the times.
fn traps(program: &str) -> BTreeSet<String> {
    let text = unless_crashed(&format!(
        r#"{AGENT}{SMALL}
        agent; listener
        {program} -n -l -D >/tmp/w/log 2>&1 &
        program=$!
        become "2 2 2"
        ip link set eth1 down
        until_ 10 are "3 3 2" || {{ cat /tmp/w/log; fail "states: $(states)"; }}
        ip link set eth1 up
        until_ 20 are "2 2 2" || {{ cat /tmp/w/log; fail "states: $(states)"; }}
        # A reload removes C, whose block is the last.
        sed -i '/^vrrp_instance C/,$d' /etc/keepalived/keepalived.conf
        kill -HUP $program
        until_ 20 are "2 2" || {{ cat /tmp/w/log; fail "states: $(states)"; }}
        kill $program
        until_ 10 gone $program
        # One that comes behind its last ones, which the agent has passed on when it answers.
        get .1.3.6.1.2.1.1.3.0 >/dev/null; snmptrap -v2c -c public 127.0.0.1:1162 "" .1.3.6.1.6.3.1.1.5.5
        until_ 10 told .1.3.6.1.6.3.1.1.5.5 || fail "no end"
        traps"#
    ));
    // The agent's own start is no matter of ours.
    let lines = text.lines().filter(|line| line.starts_with(".1.3.6.1.6.3.1.1.4.1.0 = OID: ."));
    let ours = lines.filter(|line| !line.contains(".1.3.6.1.6.3.1.1.5."));
    ours.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn managers_are_told_what_the_original_tells_them() {
    if !ready() {
        return;
    }
    let [theirs, ours] = ["/usr/sbin/keepalived", "keepalived"].map(traps);
    assert_eq!(ours, theirs);
    for kind in [".9586.100.5.2.10.0.1", ".9586.100.5.2.10.0.2", ".2.1.68.0.1", ".2.1.207.0.1"] {
        assert!(theirs.iter().any(|line| line.contains(&format!("{kind} "))), "{kind}: {theirs:#?}");
    }
}

/// What managers are told when a neighbour has another password, and when it has another version.
fn refusals(program: &str) -> BTreeSet<String> {
    let text = unless_crashed(&format!(
        r#"{AGENT}{SMALL}
        sed -i 's/    priority 100/    priority 100\n    authentication {{\n auth_type PASS\n auth_pass ours\n }}/' \
            /etc/keepalived/keepalived.conf
        ip netns add other
        for i in 0 2; do ip link set other$i netns other; done
        in_other() {{ ip netns exec other "$@"; }}
        for i in 0 2; do in_other ip addr add 10.$i.0.2/24 dev other$i; in_other ip link set other$i up; done
        cat >/tmp/w/other.conf <<'X'
vrrp_instance A {{
    interface other0
    virtual_router_id 51
    priority 50
    authentication {{
        auth_type PASS
        auth_pass theirs
    }}
    virtual_ipaddress {{
        10.0.0.50/24
    }}
}}
vrrp_instance C {{
    version 2
    interface other2
    virtual_router_id 53
    priority 50
    virtual_ipaddress {{
        10.2.0.70/24
        10.2.0.71/24
    }}
}}
X
        agent; listener
        in_other /usr/sbin/keepalived -n -l -p /tmp/w/other.pid -r /tmp/w/other.vrrp -f /tmp/w/other.conf \
            >/tmp/w/other.log 2>&1 &
        {program} -n -l -D >/tmp/w/log 2>&1 &
        until_ 20 told .1.3.6.1.2.1.68.0.2 || {{ cat /tmp/w/log /tmp/w/other.log; fail "no authentication failure"; }}
        until_ 20 told .1.3.6.1.2.1.207.0.2 || {{ cat /tmp/w/log; fail "no protocol error"; }}
        traps | grep -e 68.0.2 -e 207.0.2
        get .1.3.6.1.2.1.207.1.2.5.1.6.$(ip -o link show eth2 | cut -d: -f1).53.1 | sed 's/^/reason /'"#
    ));
    let lines = text.lines().filter(|line| line.starts_with('.') || line.starts_with("reason"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn managers_are_told_of_refused_packets() {
    if !ready() {
        return;
    }
    let [theirs, ours] = ["/usr/sbin/keepalived", "keepalived"].map(refusals);
    assert_eq!(ours, theirs);
    assert!(ours.contains("reason 2") && ours.len() == 3, "{ours:#?}");
}

/// What comes of values set by a manager.
fn sets(program: &str) -> String {
    unless_crashed(&format!(
        r#"{AGENT}{SMALL}
        agent
        {program} -n -l -D >/tmp/w/log 2>&1 &
        become "2 2 2"
        I=$K.2.3.1
        for set in "$I.7.1 i 111" "$I.13.3 i 2" "$I.13.1 i 5" "$I.7.1 i 0" "$I.7.9 i 3" "$I.7.1 u 5" "$I.2.1 s x" \
            "$I.28.1 i 1" "$I.7.2 i 44 $I.7.3 i 55"; do
            echo "set $set"; set_ $set | grep -v '^$'
        done
        effective() {{ [ "$(snmpwalk -v2c -c public -Oqv 127.0.0.1:1161 $I.8 | tr '\n' ' ')" = "$1 " ]; }}
        until_ 5 effective "111 44 55" || fail "$(walk $I.8)"
        walk $I.7; walk $I.8; walk $I.13"#
    ))
}

#[test]
fn managers_set_what_the_original_lets_them() {
    if !ready() {
        return;
    }
    let [theirs, ours] = ["/usr/sbin/keepalived", "keepalived"].map(sets);
    assert_eq!(ours, theirs);
    // And what only we refuse, or survive.
    let text = succeed(&format!(
        r#"{AGENT}{SMALL}
        agent
        keepalived -n -l -D >/tmp/w/log 2>&1 & program=$!
        until_ 20 are "2 2 2" || {{ cat /tmp/w/log; fail "states: $(states)"; }}
        I=$K.2.3.1
        for value in 255 256 300 -1; do set_ $I.7.1 i $value | grep -q wrongValue || fail "$value was set"; done
        # One that cannot be set keeps the others from being set.
        set_ $I.7.1 i 120 $I.7.2 i 300 | grep -q wrongValue || fail "300 was set"
        [ "$(get $I.7.1)" = 100 ] || fail "$(get $I.7.1) in spite of the other"
        set_ $I.7.1 i 120 >/dev/null
        is() {{ [ "$(get $I.8.1)" = $1 ]; }}; until_ 5 is 120 || fail "effective: $(get $I.8.1)"
        # What was set outlives a crash of the vrrp process, but no reload.
        kill -KILL $(cat /run/vrrp.pid)
        restarted() {{ grep -q 'vrrp process .*: restarting it' /tmp/w/log && [ "$(get $I.8.1)" = 120 ]; }}
        until_ 10 restarted || {{ cat /tmp/w/log; fail "after a crash: $(get $I.8.1)"; }}
        kill -HUP $program
        reloaded() {{ [ "$(get $I.8.1) $(get $I.7.1)" = "100 100" ]; }}
        until_ 10 reloaded || {{ cat /tmp/w/log; fail "after a reload: $(get $I.8.1)"; }}
        grep SNMP /tmp/w/log"#
    ));
    assert!(text.contains("(A) base priority changed from 100 to 120 via SNMP."), "{text}");
}

/// A master agent that comes late, goes and comes back is found each time, and nothing else minds.
#[test]
fn a_master_agent_comes_and_goes() {
    if !ready() {
        return;
    }
    succeed(&format!(
        r#"{AGENT}{SMALL}
        keepalived -n -l -D >/tmp/w/log 2>&1 &
        mine() {{ ip -br addr show dev eth2 | grep -q 10.2.0.70; }}
        until_ 20 mine || {{ cat /tmp/w/log; fail "no master without an agent"; }}
        agent
        until_ 40 are "2 2 2" || {{ cat /tmp/w/log; fail "not found: $(states)"; }}
        first=$(pgrep -x backstay-ctl)
        kill $agent; until_ 5 gone $agent
        until_ 5 grep -q 'has closed' /tmp/w/log || {{ cat /tmp/w/log; fail "the end was not seen"; }}
        agent
        until_ 20 are "2 2 2" || {{ cat /tmp/w/log; fail "not found again: $(states)"; }}
        [ "$(pgrep -x backstay-ctl)" = "$first" ] || fail "the process was started again"
        [ $(grep -c 'no master agent' /tmp/w/log) -le 1 ] || {{ cat /tmp/w/log; fail "it complains often"; }}"#
    ));
}

/// Whoever listens where the master agent should: nothing that it says matters to the election, and
/// when it has gone the real one is found.
#[test]
fn a_lying_master_agent_does_no_harm() {
    if !ready() {
        return;
    }
    succeed(&format!(
        r#"{AGENT}{SMALL}
        cat >/tmp/w/liar.py <<'X'
import os, random, socket, struct, time
random.seed(7)
path = "/tmp/w/agentx"
server = socket.socket(socket.AF_UNIX); server.bind(path); server.listen(5); server.settimeout(20)
def pdu(kind, payload=b"", session=1, packet=1, length=None):
    return struct.pack(">BBBBIIII", 1, kind, 0x10, 0, session, 1, packet,
                       len(payload) if length is None else length) + payload
opened = lambda packet: pdu(18, struct.pack(">IHH", 0, 0, 0), packet=packet)
lies = [
    lambda c, p: c.sendall(os.urandom(5000)),
    lambda c, p: c.sendall(opened(p) + pdu(5, length=0xfffffffc)),
    lambda c, p: c.sendall(opened(p) + pdu(5, length=17)),
    lambda c, p: c.sendall(opened(p) + pdu(5, b"\xff" * 400)),
    lambda c, p: c.sendall(opened(p) + pdu(6, b"\0" * 8, session=99)),
    lambda c, p: c.sendall((opened(p) + pdu(6, b"\0" * 8))[:-5]),
    lambda c, p: c.sendall(opened(p) + b"".join(pdu(random.randrange(256), os.urandom(4 * random.randrange(20)))
                                                for _ in range(2000))),
    lambda c, p: c.sendall(opened(p) + pdu(7, struct.pack(">HH", 0, 65535) + b"\0" * 800) * 200),
    lambda c, p: c.sendall(pdu(18, struct.pack(">IHH", 0, 256, 0), packet=p)),
    lambda c, p: c.sendall(pdu(18, struct.pack(">IHH", 0, 0, 0), packet=p + 1) * 1000),
]
for number, lie in enumerate(lies):
    client, _ = server.accept()
    client.settimeout(2)
    head = client.recv(20, socket.MSG_WAITALL)
    packet = struct.unpack(">I", head[12:16])[0]
    try:
        lie(client, packet)
        while client.recv(65536): pass
    except (TimeoutError, OSError): pass
    client.close()
    print("told lie", number, flush=True)
os.unlink(path)
X
        sed -i 's/snmp_socket.*/&\n vrrp_garp_master_delay 1/' /etc/keepalived/keepalived.conf
        python3 /tmp/w/liar.py >/tmp/w/lies 2>&1 & liar=$!
        until_ 5 test -S /tmp/w/agentx
        keepalived -n -l -D >/tmp/w/log 2>&1 &
        mine() {{ ip -br addr show dev eth2 | grep -q 10.2.0.70; }}
        until_ 20 mine || {{ cat /tmp/w/log; fail "no master beside a liar"; }}
        first=$(pgrep -x backstay-ctl)
        until_ 60 gone $liar
        [ $(grep -c told /tmp/w/lies) = 10 ] || {{ cat /tmp/w/lies /tmp/w/log; fail "not all lies were heard"; }}
        agent
        until_ 70 are "2 2 2" || {{ cat /tmp/w/log; fail "not found: $(states)"; }}
        [ "$(pgrep -x backstay-ctl)" = "$first" ] || {{ cat /tmp/w/log; fail "the process died"; }}"#
    ));
}

/// `-x` and `-A` without a word in the file, over TCP.
#[test]
fn the_command_line_asks_for_it() {
    if !ready() {
        return;
    }
    succeed(&format!(
        r#"{AGENT}{SMALL}
        sed -i '/snmp/d; /traps/d' /etc/keepalived/keepalived.conf
        sed -i 's,agentXSocket.*,agentXSocket tcp:127.0.0.1:1705,' /tmp/w/snmpd.conf
        agent
        keepalived -n -l -D -x -A tcp:127.0.0.1:1705 >/tmp/w/log 2>&1 &
        until_ 20 are "2 2 2" || {{ cat /tmp/w/log; fail "states: $(states)"; }}
        [ "$(get .1.3.6.1.2.1.68.1.1.0)" = 2 ] || fail "no RFC 2787"
        walk .1.3.6.1.2.1.207.1.1.2 | grep -q 10.2.0.71 || fail "no RFC 6527"
        keepalived -n -x -A udp:127.0.0.1:705 2>&1 | grep -q 'UNIX sockets and TCP only' || fail "UDP is taken"
        echo 'global_defs {{
            snmp_socket udp:127.0.0.1:705
        }}' >/tmp/w/udp.conf
        keepalived -t -f /tmp/w/udp.conf 2>&1 | grep -q 'UNIX sockets and TCP only' || fail "UDP is taken from a file""#
    ));
}
