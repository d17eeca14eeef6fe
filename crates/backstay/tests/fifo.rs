//! FIFOs of notify: the same lines as the original's for the same events, to the same owner.

mod support;

use std::collections::BTreeMap;
use support::{installed, possible, succeed};

/// A group of two; a script that fails and recovers, a reload, a stop. A reader of ours holds
/// `/run/all.fifo` open, the script of the configuration reads the other one.
fn lines(program: &str) -> String {
    succeed(&format!(
        r#"
        ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0
        ip link set eth0 up; ip link set other up
        cat >/tmp/reader.sh <<'X'
#!/bin/sh
echo "$# $1 $(id -un)" >/run/arguments
trap 'exit' TERM
while :; do while read line; do echo "$line" >>/run/by-script; done <$1; [ -e $1 ] || break; done
X
        chmod 755 /tmp/reader.sh
        cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {{
    enable_script_security
    script_user root
    vrrp_notify_priority_changes
    notify_fifo /run/all.fifo nobody
    vrrp_notify_fifo /run/vrrp.fifo
    vrrp_notify_fifo_script /tmp/reader.sh
    fifo_write_vrrp_states_on_reload
}}
vrrp_script chk {{
    script "/usr/bin/test ! -e /run/down"
    interval 1
    weight -10
}}
vrrp_sync_group G {{
    group {{
        V1
        V2
    }}
    sync_group_tracking_weight
}}
vrrp_instance V1 {{
    interface eth0
    virtual_router_id 1
    priority 100
    track_script {{
        chk
    }}
    virtual_ipaddress {{
        10.9.0.9/32
    }}
}}
vrrp_instance V2 {{
    interface eth0
    virtual_router_id 2
    priority 100
    virtual_ipaddress {{
        10.9.0.10/32
    }}
}}
X
        {program} -n -G & P=$!
        until_ 5 test -p /run/all.fifo || fail no fifo
        # The original makes its FIFO anew at a reload.
        while [ -e /run/all.fifo ] || sleep 0.1; do cat /run/all.fifo 2>/dev/null; done >/run/by-us & R=$!
        until_ 10 grep -q 'GROUP "G" MASTER' /run/by-us || fail no master
        until_ 3 grep -q 'GROUP "G" MASTER' /run/by-script || fail no master for the script
        stat -c '%n %a %U:%G' /run/all.fifo /run/vrrp.fifo
        touch /run/down; until_ 5 grep -q _PRIORITY /run/by-us || fail no priority
        sleep 1.2; rm /run/down; until_ 5 sh -c '[ $(grep -c _PRIORITY /run/by-us) = 2 ]' || fail no second priority
        cp /run/by-us /run/before; echo == reload >>/run/before
        kill -HUP $P; until_ 5 sh -c '[ $(grep -c "GROUP .G. MASTER" /run/by-us) = 2 ]' || fail nothing after the reload
        sleep 1
        kill $P; wait $P
        stopped() {{ [ $(grep -c STOP /run/by-us) = 3 ]; }}; until_ 5 stopped || {{ cat /run/by-us; fail no stop of all; }}
        kill $R 2>/dev/null
        [ -e /run/all.fifo ] && fail the fifo stays
        cat /run/arguments; echo ==; cat /run/before; echo ==; grep STOP /run/by-us
        "#
    ))
}

/// The lines of each instance and group in their order: which of two instances is the first is chance.
fn by_name(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut all: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in text.lines() {
        all.entry(line.split('"').nth(1).unwrap_or("")).or_default().push(line);
    }
    all
}

#[test]
fn fifos_get_the_originals_lines() {
    if !possible() || !installed("keepalived") {
        return;
    }
    let (theirs, ours) = (lines("/usr/sbin/keepalived"), lines("keepalived"));
    assert_eq!(by_name(&ours), by_name(&theirs), "ours:\n{ours}\ntheirs:\n{theirs}");
}

/// What `notify` is told by a master whose priority changes and that hears a deaf one of lower priority,
/// of both of which FIFOs are told.
fn told(program: &str) -> String {
    succeed(&format!(
        r#"
        ip netns add peer; ip link add eth0 type veth peer name eth0 netns peer
        ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 up
        ip -n peer addr add 10.9.0.2/24 dev eth0; ip -n peer link set eth0 up
        ip netns exec peer nft 'add table deaf; add chain deaf in {{ type filter hook input priority 0; policy drop; }}'
        printf '#!/bin/sh\necho "$@" >>/run/told\n' >/tmp/notify.sh; chmod 755 /tmp/notify.sh
        cat >/tmp/peer.conf <<'X'
vrrp_instance V1 {{
    interface eth0
    virtual_router_id 1
    priority 50
    virtual_ipaddress {{
        10.9.0.9/32
    }}
}}
X
        cat - /tmp/peer.conf >/tmp/own.conf <<'X'
global_defs {{
    enable_script_security
    script_user root
    vrrp_notify_priority_changes
    notify_fifo /run/fifo
}}
vrrp_script chk {{
    script "/usr/bin/test ! -e /run/down"
    interval 1
    weight -10
}}
X
        sed -i 's|priority 50|priority 100\nnotify "/tmp/notify.sh any"\nnotify_master_rx_lower_pri "/tmp/notify.sh lower"\ntrack_script {{\n chk\n}}|' /tmp/own.conf
        {program} -n -f /tmp/own.conf & P=$!
        until_ 5 test -p /run/fifo || fail no fifo
        cat /run/fifo >/run/lines & R=$!
        until_ 10 grep -q ' MASTER 100' /run/lines || fail no master
        ip netns exec peer unshare -m sh -c 'mount -t tmpfs none /run; exec /usr/sbin/keepalived -n -f /tmp/peer.conf' & Q=$!
        until_ 10 grep -q MASTER_RX_LOWER_PRI /run/lines || fail no lower priority
        touch /run/down; until_ 5 grep -q MASTER_PRIORITY /run/lines || fail no priority
        kill $P; wait $P; until_ 5 grep -q STOP /run/told || fail no stop
        kill $Q $R 2>/dev/null
        sort -u /run/told
        "#
    ))
}

#[test]
fn scripts_of_notify_hear_of_states_alone() {
    if !possible() || !installed("keepalived") || !installed("nft") {
        return;
    }
    let (theirs, ours) = (told("/usr/sbin/keepalived"), told("keepalived"));
    assert!(theirs.contains("lower\n") && theirs.contains("MASTER 100"), "{theirs}");
    assert_eq!(ours, theirs);
}
