//! SNMP: a real snmpd is asked for the tables of keepalived's MIB and those of the RFCs, and a real
//! snmptrapd is told, by us and by the original with the same configuration on the same network.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use support::{installed, possible, succeed};

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
/// be tracked by instances and by groups, mail, scripts, VRRPv2 and VRRPv3, unicast, an owner.
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
    default via 10.1.0.9 dev eth1 table 50
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

/// Walks over all three MIBs when every instance is master.
fn walks(program: &str) -> BTreeMap<String, String> {
    let text = succeed(&format!(
        r#"{AGENT}{CONFIGURATION}
        {program} -n -l -D >/tmp/w/log 2>&1 &
        until_ 20 are "2 2 2 2 2 2" || {{ cat /tmp/w/log; fail "states: $(states)"; }}
        scripts() {{ [ "$(walk $K.2.9.1.6 | cut -d: -f2 | tr -d '\n')" = " 3 3 2" ]; }}
        until_ 10 scripts || {{ cat /tmp/w/log; fail "$(walk $K.2.9.1.6)"; }}
        walk $K; walk .1.3.6.1.2.1.68; walk .1.3.6.1.2.1.207
        grep -i "cannot\|error\|invalid" /tmp/w/log | sed 's/^/# /'"#
    ));
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
