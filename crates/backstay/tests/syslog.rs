//! `keepalived -D -S 6` with a real rsyslogd that keeps local6 in a file of its own, as tutorials
//! set it up.

mod support;

use support::{installed, possible, succeed};

#[test]
fn local6_goes_to_a_file_of_its_own() {
    if !possible() || !installed("rsyslogd") {
        return;
    }
    succeed(
        r#"
        # A /dev of its own: /dev/log is one for the whole machine otherwise.
        mkdir /tmp/dev; mount -t tmpfs none /tmp/dev
        for node in null zero full random urandom; do cp -a /dev/$node /tmp/dev/; done
        mount --move /tmp/dev /dev; mkdir -p /var/log/own; chmod 777 /var/log/own
        cat >/tmp/rsyslog.conf <<'X'
module(load="imuxsock")
global(workDirectory="/tmp")
*.info;local6.none /var/log/own/messages
local6.* /var/log/own/keepalived.log
X
        rsyslogd -n -f /tmp/rsyslog.conf -i /run/rsyslogd.pid &
        until_ 5 test -S /dev/log || fail 'no rsyslogd'
        ip link add ens33 type veth peer name other; ip addr add 10.0.0.1/24 dev ens33
        ip link set ens33 up; ip link set other up
        cat >/etc/keepalived/keepalived.conf <<'X'
vrrp_instance VI_1 {
    interface ens33
    virtual_router_id 51
    virtual_ipaddress {
        10.0.0.100/24
    }
}
X
        keepalived -D -S 6 || fail 'start in the background'
        until_ 8 grep -q 'Keepalived_vrrp\[[0-9]*\]: (VI_1) Entering MASTER STATE' /var/log/own/keepalived.log || {
            cat /var/log/own/*; fail 'no line in its own file'; }
        grep -q 'VI_1' /var/log/own/messages && fail 'lines in the common file'
        # keepalived's pid is in the line.
        grep -q "Keepalived_vrrp\[$(cat /run/vrrp.pid)\]" /var/log/own/keepalived.log || fail 'pid'
        kill $(cat /run/keepalived.pid)
        until_ 5 grep -q 'VI_1) sent 0 priority' /var/log/own/keepalived.log || fail 'no farewell'
        "#,
    );
}
