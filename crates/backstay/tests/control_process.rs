//! The control process: there when the configuration asks for what it does, and without any rights.

mod support;

use support::{possible, succeed};

/// One instance on an interface; `words VALUE` replaces what stands in `global_defs`.
const NETWORK: &str = r#"
ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0
ip link set eth0 up; ip link set other up
words() {
cat >/tmp/new.conf <<X
global_defs {
    $1
}
vrrp_instance V {
    interface eth0
    virtual_router_id 1
    authentication {
        auth_type PASS
        auth_pass hush
    }
    virtual_ipaddress {
        10.9.0.9/32
    }
}
X
mv /tmp/new.conf /etc/keepalived/keepalived.conf
}
master() { ip addr show eth0 | grep -q 10.9.0.9; }
# The kernel keeps 15 bytes of a name.
control() { pgrep -P $(cat /run/keepalived.pid) -x backstay-ctl; }
none() { ! control; }
keepalived_() { keepalived -n -l "$@" >/tmp/log 2>&1 & until_ 8 master || { cat /tmp/log; fail no master; }; }
# say BYTES…: what somebody says who has taken the process over.
say() {
    local channel=$(tr '\0' '\n' </proc/$(control)/environ | sed -n 's/^BACKSTAY_CHANNEL=//p')
    perl -e '
        my ($pid, $channel, @bytes) = @ARGV;
        my $copy = syscall(438, syscall(434, $pid + 0, 0), $channel + 0, 0);
        $copy >= 0 or die "pidfd_getfd: $!"; open(my $socket, ">&=", $copy) or die $!;
        syswrite($socket, join("", map { chr hex } @bytes) x ($ENV{TIMES} || 1)) or die $!;
    ' $(control) $channel "$@" || fail 'not said'
}
trap 'cat /tmp/log' EXIT
"#;

#[test]
fn it_comes_and_goes_with_the_configuration() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{NETWORK}
        words ''; keepalived_; none || fail 'it is there unasked'
        reload() {{ kill -HUP $(cat /run/keepalived.pid); }}
        words enable_dbus; reload; until_ 5 control || fail 'not there'
        words ''; reload; until_ 5 none || fail 'still there'
        words enable_dbus; reload; until_ 5 control || fail 'not there again'
        words ''; reload; words enable_dbus; reload; sleep 0.5; until_ 5 control || fail 'not there after both at once'
        master || fail 'the address is gone'
        kill $(cat /run/keepalived.pid); until_ 5 sh -c '! test -e /run/keepalived.pid' || fail 'no end'
        nobody() {{ ! pgrep -x backstay-ctl; }}; until_ 5 nobody || fail 'it outlives the supervisor'
        grep -q 'control process' /tmp/log && fail 'it died'; exit 0
        "#
    ));
    assert!(!text.contains("restarting"), "{text}");
}

#[test]
fn it_dies_or_hangs_and_nothing_else_suffers() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{NETWORK}
        words enable_dbus; keepalived_; until_ 5 control || fail 'not there'
        ip monitor address >/tmp/addresses & sleep 0.2
        before=$(control); new() {{ [ -n "$(control)" ] && [ "$(control)" != $before ]; }}
        kill -9 $before; until_ 5 new || fail 'not started again'
        before=$(control); kill -TERM $before; kill -HUP $before; sleep 0.5; new && fail 'it obeys strangers'
        sleep 1; kill -STOP $before; kill -USR1 $(cat /run/keepalived.pid)
        until_ 5 test -s /tmp/keepalived.data || fail 'the supervisor waits for it'
        backstay status | grep -q MASTER || fail 'the supervisor does not answer'
        until_ 20 new || fail 'a hung process is not replaced'
        grep -q 10.9.0.9 /tmp/addresses && fail 'the address was touched'; exit 0
        "#
    ));
}

#[test]
fn who_takes_it_over_has_not_got_far() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{NETWORK}
        words 'enable_dbus
            config_save_dir /tmp/saved'; keepalived_; until_ 5 control || fail 'not there'
        # Act(Dump(Reload {{ number: 7, over: false }})), and Act(Dump(Json)), which is answered after it.
        say 5 0 0 0 0 0 1 1 4 7 0; say 3 0 0 0 0 0 1 1 3
        until_ 5 test -s /tmp/keepalived.json || fail 'it is not heard'
        ls /tmp/saved | grep '\.7\.pre' && fail 'it fills config_save_dir'
        before=$(control); new() {{ [ -n "$(control)" ] && [ "$(control)" != $before ]; }}
        TIMES=10000 say ff ff ff ff ff ff; until_ 5 new || fail 'it goes on with what is no message'
        before=$(control); say 0 0 0 1 0 0; until_ 5 new || fail 'it may announce a message of 16 MiB'
        grep -q 'is not understood' /tmp/log || fail log; master || fail 'the address is gone'; exit 0
        "#
    ));
}

#[test]
fn it_is_not_restarted_where_nothing_is() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{NETWORK}
        words enable_dbus; keepalived_ -R; until_ 5 control || fail 'not there'
        kill -9 $(control); until_ 3 grep -q 'not restarting it, as -R asks' /tmp/log || fail log
        sleep 0.5; none || fail 'it is there again'; master || fail 'the address is gone'; exit 0
        "#
    ));
}

#[test]
fn an_upgrade_leaves_one() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{NETWORK}
        words enable_dbus; keepalived_; until_ 5 control || fail 'not there'
        before=$(control); backstay upgrade || fail upgrade
        one() {{ [ "$(pgrep -x backstay-ctl | wc -l)" = 1 ] && [ "$(control)" != $before ]; }}
        until_ 8 one || fail "$(pgrep -x backstay-ctl)"; master || fail 'the address is gone'; exit 0
        "#
    ));
}

#[test]
fn it_may_nothing() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{NETWORK}
        words enable_dbus; keepalived_; until_ 5 control || fail 'not there'
        of() {{ awk -v k="$1:" '$1 == k {{ print $2 }}' /proc/$(control)/status; }}
        is() {{ [ "$(of $1)" = "$2" ]; }}
        expect() {{ until_ 5 is $1 $2 || fail "$1 is $(of $1), not $2"; }}
        confined() {{ [ "$(of Seccomp)" = 2 ]; }}; until_ 5 confined || fail seccomp
        expect Uid $(id -u backstay 2>/dev/null || id -u nobody)
        for set in CapEff CapPrm CapInh CapAmb; do expect $set 0000000000000000; done
        expect NoNewPrivs 1
        "#
    ));
}
