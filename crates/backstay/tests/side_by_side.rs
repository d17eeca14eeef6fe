//! Several programs of a face on one machine: each has its own name, and a command reaches the one meant.

mod support;

use support::{possible, succeed};

/// What runs here, by name; what a command says when it must not work.
const LOOK: &str = r#"
names() { backstay status | grep -o '^[a-z][^ ]* (pid' | sed 's/ (pid//' | paste -sd' '; }
named() { [ "$(names)" = "$*" ] || fail "$(names) and not $*"; }
refused() { "$@" >/tmp/said 2>&1 && fail "it does not refuse $*"; cat /tmp/said; }
"#;

#[test]
fn keepalived_by_instance_and_pid_file() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{LOOK}
        ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0
        ip link set eth0 up; ip link set other up
        # write FILE WORDS VRID PRIORITY
        write() {{ cat >/tmp/$1.conf <<X
$2
vrrp_instance V$3 {{
    interface eth0
    virtual_router_id $3
    priority $4
    virtual_ipaddress {{
        10.9.0.$3/32
    }}
}}
X
        }}
        held() {{ ip addr show eth0 | grep -q "10.9.0.$1/"; }}
        write plain '' 11 50; write one 'instance one' 12 50; write two 'instance two' 13 50; write given '' 14 50
        keepalived -n -l -f /tmp/one.conf >/tmp/one.log 2>&1 & ONE=$!
        until_ 10 held 12 || fail 'no first one'
        named keepalived@one
        backstay reload || fail 'the only one is not reloaded'
        keepalived -n -l -f /tmp/plain.conf >/tmp/plain.log 2>&1 &
        keepalived -n -l -f /tmp/two.conf >/tmp/two.log 2>&1 & TWO=$!
        keepalived -n -l -f /tmp/given.conf -p /tmp/given.pid -r /tmp/given-vrrp.pid >/tmp/given.log 2>&1 &
        for n in 11 13 14; do until_ 10 held $n || {{ cat /tmp/*.log; fail "no master of $n"; }}; done
        grep 'no socket' /tmp/*.log && fail 'one has no socket'
        named keepalived keepalived@/tmp/given.pid keepalived@one keepalived@two
        backstay status --json | python3 -c '
import json, sys
print([(s["face"], s.get("instance", "-"), s["ha"]["file"]) for s in json.load(sys.stdin)])' >/tmp/json
        grep -q "('keepalived', '-', '/tmp/plain.conf'), ('keepalived', '/tmp/given.pid', '/tmp/given.conf')" /tmp/json || fail "$(cat /tmp/json)"
        [ "$(backstay status --json --instance two | grep -c '"face"')" = 1 ] || fail 'not one alone'
        # Without a word nobody is reloaded, and it says who there is.
        refused backstay reload | grep -q 'keepalived, keepalived@/tmp/given.pid, keepalived@one and keepalived@two run here.*--instance' || fail "$(cat /tmp/said)"
        refused backstay upgrade | grep -q -- --instance || fail "$(cat /tmp/said)"
        refused backstay reload --instance three | grep -q 'no three here' || fail "$(cat /tmp/said)"
        write one 'instance one' 12 61; write two 'instance two' 13 62; write plain '' 11 63; write given '' 14 64
        priority() {{ backstay status --json --instance $1 | grep -q "\"priority\": $2,"; }}
        backstay reload --instance two || fail reload; until_ 5 priority two 62 || fail 'the second one was not reloaded'
        priority one 50 && priority keepalived 50 && priority /tmp/given.pid 50 || fail 'another one was reloaded'
        backstay reload --instance keepalived@/tmp/given.pid || fail reload
        until_ 5 priority /tmp/given.pid 64 || fail 'the one with a pid file was not reloaded'
        priority one 50 && priority keepalived 50 || fail 'another one was reloaded'
        # Its socket is found again by its own successor, and what a dead one left by the next.
        backstay upgrade --instance two || fail upgrade; priority two 62 && held 13 || fail 'not there after an upgrade'
        given_up() {{ ! held 12; }}; kill -9 $ONE; until_ 5 given_up || fail 'it lives'
        [ -S /run/backstay/keepalived@one.sock ] || fail 'nothing is left of it'
        named keepalived keepalived@/tmp/given.pid keepalived@two
        keepalived -n -l -f /tmp/one.conf >/tmp/one.log 2>&1 & until_ 10 priority one 61 || fail 'not there again'
        kill $TWO; until_ 8 test ! -e /run/backstay/keepalived@two.sock || fail 'a socket is left'
        named keepalived keepalived@/tmp/given.pid keepalived@one
        "#
    ));
}

#[test]
fn keepalived_by_network_namespace() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{LOOK}
        mkdir -p /run/netns
        for n in blue red; do
            ip netns add $n; ip -n $n link add eth0 type veth peer name other; ip -n $n addr add 10.9.0.1/24 dev eth0
            ip -n $n link set eth0 up; ip -n $n link set other up
        done
        printf 'vrrp_instance V {{\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {{\n 10.9.0.9/32\n }}\n}}\n' >/tmp/v.conf
        {{ echo 'net_namespace red'; echo 'instance two'; cat /tmp/v.conf; }} >/tmp/red.conf
        keepalived -n -l -s blue -f /tmp/v.conf >/tmp/blue.log 2>&1 &
        keepalived -n -l -f /tmp/red.conf >/tmp/red.log 2>&1 &
        held() {{ ip -n $1 addr show eth0 | grep -q 10.9.0.9; }}
        until_ 10 held blue && until_ 10 held red || {{ cat /tmp/*.log; fail no masters; }}
        named keepalived@blue/ keepalived@red/two
        backstay reload --instance red/two && backstay reload --instance keepalived@blue/ || fail reload
        grep 'no socket' /tmp/*.log && fail 'one has no socket'; exit 0
        "#
    ));
}

#[test]
fn nginx_by_pid_file() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{LOOK}
        # write NAME PORT ANSWER
        write() {{ cat >/tmp/$1.conf <<X
pid /run/$1.pid;
error_log /var/log/nginx/$1.log info;
events {{ }}
http {{ access_log off; server {{ listen $2; return 200 "$3"; }} }}
X
        }}
        write nginx 80 usual; write other 81 other; write third 82 third
        # The first one's pid file is the usual one, written in another way.
        ln -s /run /tmp/varrun; sed -i 's|/run/nginx.pid|/tmp/varrun/nginx.pid|' /tmp/nginx.conf
        nginx -c /tmp/nginx.conf && nginx -c /tmp/other.conf || fail start
        mkdir /tmp/p; sed 's|pid .*|pid third.pid;|' /tmp/third.conf >/tmp/p/own.conf; nginx -p /tmp/p -c own.conf || fail third
        grep 'no socket' /var/log/nginx/*.log && fail 'one has no socket'
        named nginx nginx@/run/other.pid nginx@/tmp/p/third.pid
        answers() {{ [ "$(curl -s --max-time 2 http://127.0.0.1:$1/)" = "$2" ]; }}
        answers 80 usual && answers 81 other && answers 82 third || fail answers
        write other 81 changed; sed -i 's/usual/new/' /tmp/nginx.conf; sed -i 's/third"/again"/' /tmp/p/own.conf
        nginx -s reload -c /tmp/other.conf || fail reload; until_ 5 answers 81 changed || fail 'the other one was not reloaded'
        answers 80 usual && answers 82 third || fail 'another one was reloaded'
        refused backstay reload | grep -q 'nginx, nginx@/run/other.pid and nginx@/tmp/p/third.pid run here' || fail "$(cat /tmp/said)"
        backstay reload --instance nginx && answers 80 new && answers 82 third || fail 'reload by name'
        nginx -s reload -p /tmp/p -c own.conf || fail reload; until_ 5 answers 82 again || fail 'the one with a prefix'
        # Its name follows its pid file.
        sed -i 's|/run/other.pid|/run/moved.pid|' /tmp/other.conf; backstay reload --instance /run/other.pid || fail reload
        named nginx nginx@/run/moved.pid nginx@/tmp/p/third.pid
        backstay stop nginx --instance /run/moved.pid || fail stop
        closed() {{ ! curl -s --max-time 2 http://127.0.0.1:81/; }}; until_ 5 closed || fail 'it goes on'
        answers 80 new && answers 82 again || fail 'another one was stopped'
        nginx -s quit -c /tmp/other.conf; nginx -s quit -c /tmp/nginx.conf
        until_ 5 test ! -e /run/nginx.pid || fail 'the usual one goes on'
        until_ 5 test ! -e /run/moved.pid || fail 'the other one goes on'
        named nginx@/tmp/p/third.pid; answers 82 again || fail 'the wrong one'
        kill -9 $(cat /tmp/p/third.pid); gone() {{ [ -z "$(names)" ]; }}; until_ 5 gone || fail 'the dead are told of'
        closed() {{ ! curl -s --max-time 2 http://127.0.0.1:82/; }}; until_ 5 closed || fail 'its proxy goes on'
        nginx -p /tmp/p -c own.conf || fail 'no start after a crash'; named nginx@/tmp/p/third.pid
        grep 'no socket' /var/log/nginx/*.log && fail 'one has no socket'; exit 0
        "#
    ));
}

#[test]
fn the_whole_program_is_meant_first() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{LOOK}
        for n in whole alone; do
            printf "pid /run/$n.pid;\nevents {{ }}\nhttp {{ access_log off; server {{ listen unix:/run/$n.web; return 200 old; }} }}\n" >/tmp/$n.conf
        done
        backstay run --stderr --proxy /tmp/whole.conf 2>/tmp/log & until_ 5 test -e /run/whole.pid || fail start
        nginx -c /tmp/alone.conf || fail nginx
        named backstay nginx@/run/alone.pid
        sed -i s/old/new/ /tmp/whole.conf /tmp/alone.conf
        answers() {{ [ "$(curl -s --max-time 2 --unix-socket /run/$1.web http://x/)" = $2 ]; }}
        backstay reload && answers whole new && answers alone old || fail 'not that one alone'
        backstay reload --instance /run/alone.pid && answers alone new || fail 'by name'
        "#
    ));
}
