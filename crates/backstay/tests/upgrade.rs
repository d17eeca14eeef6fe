//! `backstay upgrade`: the new binary goes on, and a client notices nothing.

mod support;

use support::{possible, succeed};

/// A client in a namespace of its own on the other end of eth0, and a binary that can be replaced.
const MACHINE: &str = r#"
mkdir -p /run/netns; mount -t tmpfs none /run/netns
ip netns add client; ip -n client link set lo up
ip link add eth0 type veth peer name eth1 netns client
ip addr add 10.9.0.1/24 dev eth0; ip link set eth0 up
ip -n client addr add 10.9.0.2/24 dev eth1; ip -n client link set eth1 up
mkdir /tmp/installed; cp "$BACKSTAY" /tmp/installed/backstay; ln -s backstay /tmp/installed/keepalived
PATH=/tmp/installed:$PATH
install_() { cp "$BACKSTAY" /tmp/installed/new; mv /tmp/installed/new /tmp/installed/backstay; }
cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {
    script_user root
    startup_script "/bin/sh -c 'echo >>/run/started'"
    notify_fifo /run/fifo
}
vrrp_instance V {
    interface eth0
    virtual_router_id 1
    advert_int 1
    notify_master "/bin/sh -c 'echo >>/run/masters'"
    virtual_ipaddress {
        10.9.0.9/32
    }
}
X
master() { ip addr show eth0 | grep -q 10.9.0.9; }
status() { backstay status --json; }
number() { status | grep -o "\"$1\": [0-9]*" | head -1 | cut -d' ' -f2; }
is_new() { case "$(readlink /proc/$1/exe)" in */installed/backstay) ;; *) fail "$1 runs $(readlink /proc/$1/exe)";; esac; }
"#;

/// Upgrades twice while a client pings; checks what must have stayed and what must be new.
const UPGRADE: &str = r#"
ip netns exec client ping -c1 -W2 10.9.0.9 >/dev/null || fail no ping
ip netns exec client ping -q -i 0.005 -c 600 -W 1 10.9.0.9 >/tmp/ping & PING=$!
for n in 1 2; do
    sleep 0.4; old=$(number vrrp_pid); install_
    backstay upgrade || { cat /tmp/log; fail upgrade $n; }
    master || fail the address went
    until_ 5 sh -c "! kill -0 $old 2>/dev/null" || fail the old process stays
    [ "$(number vrrp_pid)" != "$old" ] || fail the old one is named
    is_new $P; is_new $(number vrrp_pid)
done
wait $PING; cat /tmp/ping
grep -q ' 0% packet loss' /tmp/ping || { cat /tmp/log; fail lost pings; }
[ $(wc -l </run/masters) = 1 ] || fail scripts were told of a change
[ $(wc -l </run/started) = 1 ] || fail startup_script ran again
test -p /run/fifo || fail no fifo
no_zombies() { ! ps -o stat= --ppid $P | grep -q Z; }; until_ 5 no_zombies || fail zombies
"#;

const STOP: &str = r#"
kill $P; wait $P; echo "status $?"
master && fail the address stays; [ -e /run/fifo ] && fail the fifo stays; true
"#;

#[test]
fn the_whole_program_is_replaced() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{MACHINE}
        cat >/etc/nginx/nginx.conf <<'X'
user daemon;
pid /run/nginx.pid;
events {{ }}
http {{ server {{ listen 10.9.0.1:80; return 200 "ours"; }} }}
X
        backstay run --stderr 2>/tmp/log & P=$!
        until_ 10 master || fail no master
        requests() {{ while [ ! -e /tmp/enough ]; do curl -sf --max-time 20 http://10.9.0.1/ >/dev/null || echo failed >>/tmp/requests; done; }}
        : >/tmp/requests; requests & R=$!
        {UPGRADE}
        touch /tmp/enough; wait $R; [ -s /tmp/requests ] && fail "requests: $(wc -l </tmp/requests)"
        is_new $(cat /run/nginx.pid)
        backstay stop nginx; sleep 0.5; install_; backstay upgrade || fail third
        curl -sf --max-time 1 http://10.9.0.1/ && fail what was stopped was started
        backstay start nginx || fail start; curl -sf --max-time 20 http://10.9.0.1/ >/dev/null || fail proxy
        {STOP}"#
    ));
}

#[test]
fn as_keepalived_in_the_background_too_and_a_bad_binary_is_refused() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{MACHINE}
        keepalived -G -g/tmp/log -D || fail start
        P=$(cat /run/keepalived.pid)
        until_ 10 master || fail no master
        {UPGRADE}
        [ "$(cat /run/keepalived.pid)" = $P ] || fail pid
        old=$(number vrrp_pid)
        printf '#!/bin/sh\nexit 1\n' >/tmp/installed/new; chmod 755 /tmp/installed/new; mv /tmp/installed/new /tmp/installed/backstay
        "$BACKSTAY" upgrade && fail a bad binary is taken
        install_; echo broken '{{' >>/etc/keepalived/keepalived.conf
        backstay upgrade && fail a bad file is taken
        [ "$(number vrrp_pid)" = "$old" ] && master || fail something changed
        kill $P; until_ 5 sh -c "! kill -0 $P 2>/dev/null"
        master && fail the address stays; true"#
    ));
}

/// What happens while nobody listens to the old vrrp process counts: the new binary takes its time here,
/// and meanwhile the master beside us stops.
#[test]
fn a_state_that_changes_in_the_middle_is_gone_on_with() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{MACHINE}
        write() {{ cat >$1 <<X
global_defs {{
    vrrp_version 3
    script_user root
    notify_fifo /run/fifo
}}
vrrp_instance V {{
    interface $2
    virtual_router_id 1
    priority $3
    advert_int 0.1
    notify_master "/bin/sh -c 'echo >>/run/masters'"
    virtual_ipaddress {{
        10.9.0.9/32
    }}
}}
X
        }}
        write /etc/keepalived/keepalived.conf eth0 100; write /tmp/peer.conf eth1 200
        ip netns exec client sh -c 'mount -t tmpfs none /run; exec keepalived -n -l -f /tmp/peer.conf' >/tmp/peer.log 2>&1 & PEER=$!
        until_ 8 grep -q 'Entering MASTER STATE' /tmp/peer.log || {{ cat /tmp/peer.log; fail 'no master beside us'; }}
        keepalived -n -l -D >/tmp/log 2>&1 & P=$!
        until_ 8 grep -q 'Entering BACKUP STATE' /tmp/log || {{ cat /tmp/log; fail 'no backup'; }}
        cat >/tmp/installed/new <<X
#!/bin/bash
[ "\${{1:-}}" = --version ] && exec $BACKSTAY --version
kill $PEER
for i in \$(seq 200); do grep -q 'Sending gratuitous ARP' /tmp/log && break; sleep 0.02; done
ip monitor address >/tmp/addresses 2>&1 &
sleep 0.1
exec -a keepalived $BACKSTAY -n -l -D
X
        chmod 755 /tmp/installed/new; mv /tmp/installed/new /tmp/installed/backstay
        backstay() {{ "$BACKSTAY" "$@"; }}
        old=$(cat /run/vrrp.pid)
        backstay upgrade || {{ cat /tmp/log; fail upgrade; }}
        until_ 5 sh -c "! kill -0 $old 2>/dev/null" || fail 'the old process stays'
        resumed() {{ status | grep -q '"state": "Master"'; }}; until_ 3 resumed || {{ status; cat /tmp/log; fail 'it is no master'; }}
        until_ 5 test -s /run/masters || {{ cat /tmp/log; fail 'the script was not told'; }}
        [ $(wc -l </run/masters) = 1 ] || fail 'the script was told again'
        grep 10.9.0.9 /tmp/addresses && {{ cat /tmp/log; fail 'the address was touched'; }}
        true"#
    ));
}
