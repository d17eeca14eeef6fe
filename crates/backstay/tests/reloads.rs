//! What a reload does to instances that change or go: as the original does it.

mod support;

use std::collections::BTreeMap;
use support::{installed, possible, succeed};

/// Instances that a reload removes, of which one asks to be told so, and one that gets another
/// authentication, another name, and another group. Every script writes down what
/// it is told; a reader of ours holds the FIFO open.
fn told(program: &str) -> String {
    succeed(&format!(
        r#"
        ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0
        ip link set eth0 up; ip link set other up
        cat >/tmp/tell <<'X'
#!/bin/sh
echo "script \"$1\" $2 $3 $4 $5" >>/run/told
X
        chmod 755 /tmp/tell
        instance() {{
            echo "vrrp_instance $1 {{
                interface eth0
                virtual_router_id $2
                priority 100
                advert_int 1
                notify \"/tmp/tell $1\"
                notify_master \"/tmp/tell $1 own master\"
                notify_backup \"/tmp/tell $1 own backup\"
                notify_fault \"/tmp/tell $1 own fault\"
                $3
                virtual_ipaddress {{
                    10.9.0.1$2/32
                }}
            }}"
        }}
        global='global_defs {{
            enable_script_security
            script_user root
            notify_fifo /run/all.fifo
        }}'
        mkfifo /run/all.fifo; cat <>/run/all.fifo >/run/lines & READER=$!
        conf=/etc/keepalived/keepalived.conf
        {{ echo "$global"; instance Stays 1 ''; instance Goes 2 ''; instance Tells 3 'notify_deleted "/tmp/tell Tells own deleted"'; }} >$conf
        held() {{ ip addr show eth0 | grep -q "10.9.0.1$1/32"; }}
        gone() {{ ! held $1; }}
        {program} -n -l -D >/run/log 2>&1 & P=$!
        until_ 10 held 1 && until_ 5 held 2 && until_ 5 held 3 || {{ cat /run/log; fail no masters; }}
        # All scripts have been told, and there are twelve lines of theirs.
        scripts() {{ [ $(wc -l </run/told) = $1 ]; }}; until_ 5 scripts 12 || {{ cat /run/told; fail 'scripts are not told'; }}
        reload() {{ {{ echo "$global"; instance "$@"; }} >$conf; kill -HUP $P; }}
        stays() {{ for i in $(seq 30); do held 1 || {{ cat /run/log; fail "$*: the address goes"; }}; sleep 0.05; done; }}
        reload Stays 1 'authentication {{
            auth_type AH
            auth_pass 1111
        }}'
        stays authentication; until_ 5 gone 2 && until_ 5 gone 3 || fail 'addresses of removed instances stay'
        reload Renamed 1 ''; stays name
        # Another group is another router.
        reload Renamed 1 'mcast_dst_ip 224.0.0.88'; until_ 5 gone 1 || fail 'the address stays'
        until_ 10 held 1 || {{ cat /run/log; fail no master again; }}
        until_ 5 scripts 20
        kill $READER; cat /run/lines /run/told; kill $P; wait $P
        "#
    ))
}

/// The lines of each instance. What FIFOs get has an order; the original starts all scripts at once.
fn by_name(text: &str) -> BTreeMap<(bool, &str), Vec<&str>> {
    let mut all: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for line in text.lines().filter(|line| line.contains('"')) {
        let key = (line.starts_with("script"), line.split('"').nth(1).unwrap_or(""));
        all.entry(key).or_default().push(line);
    }
    all.iter_mut().filter(|((is_script, _), _)| *is_script).for_each(|(_, lines)| lines.sort_unstable());
    all
}

#[test]
fn what_goes_and_what_changes_is_told_as_the_original_tells_it() {
    if !possible() || !installed("keepalived") {
        return;
    }
    let (theirs, ours) = (told("/usr/sbin/keepalived"), told("keepalived"));
    assert_eq!(by_name(&ours), by_name(&theirs), "ours:\n{ours}\ntheirs:\n{theirs}");
}
