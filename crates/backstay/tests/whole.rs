//! `backstay run`: both sides in one, what each process may, and what an operator has stopped.

mod support;

use support::{possible, succeed};

/// Both files, an interface, and `backstay run` in the background.
const START: &str = r#"
ip link add ens33 type veth peer name other; ip addr add 172.16.253.108/16 dev ens33
ip link set ens33 up; ip link set other up
cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {
    enable_script_security
    script_user root
}
vrrp_script chk_nginx {
    script "/usr/bin/killall -0 nginx"
    interval 1
    weight -10
    fall 2
    rise 1
}
vrrp_instance VI_A {
    state MASTER
    interface ens33
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress {
        172.16.253.150/32
    }
    track_script {
        chk_nginx
    }
}
X
cat >/etc/nginx/nginx.conf <<'X'
worker_processes 2;
user daemon;
pid /run/nginx.pid;
events { }
http { upstream u { server 127.0.0.1:81; server 127.0.0.1:82 backup; }
       server { listen 172.16.253.150:80; listen 127.0.0.1:80; return 200 "ours\n"; }
       server { listen 127.0.0.1:8080; location / { proxy_pass http://u; } } }
X
mkdir -p /var/log/nginx
backstay check || fail check
backstay run --stderr 2>/tmp/run.log &
answers() { curl -sf --max-time 2 http://127.0.0.1/ | grep -q ours; }
refused() { ! curl -s --max-time 2 http://127.0.0.1/; }
master() { ip addr show ens33 | grep -q 172.16.253.150/32; }
until_ 5 answers || fail start
until_ 8 master || fail 'no master'
"#;

#[test]
fn an_operators_stop_is_remembered_and_a_crash_is_not() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{START}
        [ "$(pidof nginx | wc -w)" = 1 ] || fail "pidof: $(pidof nginx)"
        [ "$(pidof nginx)" = "$(cat /run/nginx.pid)" ] || fail 'pid file'
        kill -9 $(cat /run/nginx.pid); until_ 5 answers || fail 'crash is mended'
        for how in "kill -TERM \$(cat /run/nginx.pid)" "kill -QUIT \$(cat /run/nginx.pid)" "nginx -s stop" "killall nginx" "backstay stop nginx"; do
            eval "$how"; until_ 5 refused || fail "$how does not stop it"
            until_ 5 test ! -e /run/nginx.pid || fail "pid file after $how"
            pidof nginx && fail "pidof after $how"; killall -0 nginx 2>/dev/null && fail "killall after $how"
            sleep 2; refused || fail "started again after $how"
            backstay status | grep -q 'stopped by an operator' || fail 'status'
            # Another server may take the port, and leave it; neither starts ours.
            timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/80' 2>/dev/null && fail 'port still taken'
            if [ "$how" = "nginx -s stop" ]; then nginx || fail 'start by nginx'; else backstay start nginx || fail start; fi
            until_ 5 answers || fail "start after $how"
        done
        "#
    ));
}

#[test]
fn the_address_moves_when_the_proxy_is_gone_and_comes_back() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{START}
        curl -sf --max-time 2 http://172.16.253.150/ | grep -q ours || fail 'answer at the virtual address'
        priority() {{ backstay status --json | grep -q "\"priority\": $1"; }}
        nginx -s stop; until_ 8 priority 90 || fail 'the script does not lower the priority'
        backstay status
        backstay start nginx; until_ 8 priority 100 || fail 'the priority does not come back'
        "#
    ));
    assert!(text.contains("chk_nginx"), "{text}");
}

#[test]
fn each_process_may_what_it_must_and_no_more() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{START}
        of() {{ awk -v k="$2:" '$1 == k {{ print $2 }}' /proc/$1/status; }}
        expect() {{ [ "$(of $1 $2)" = "$3" ] || fail "$4: $2 is $(of $1 $2), not $3"; }}
        supervisor=$(cat /run/backstay.pid); proxy=$(cat /run/nginx.pid)
        vrrp=$(pgrep -P $supervisor -x keepalived); runner=$(pgrep -P $supervisor -x backstay-runner)
        daemon=$(id -u daemon)
        expect $proxy Uid $daemon proxy; expect $proxy CapEff 0000000000000000 proxy
        expect $proxy CapPrm 0000000000000000 proxy; expect $proxy NoNewPrivs 1 proxy
        expect $proxy Seccomp 2 proxy
        # NET_BROADCAST, NET_ADMIN, NET_RAW: bits 11, 12 and 13. IPC_LOCK, bit 14, for memory that is locked
        # where its limit cannot be lifted.
        kept=0000000000003800
        (ulimit -l unlimited) 2>/dev/null || [ "$(of $vrrp VmLck)" = 0 ] || kept=0000000000007800
        expect $vrrp CapEff $kept vrrp; expect $vrrp CapPrm $kept vrrp
        expect $vrrp NoNewPrivs 1 vrrp; [ "$(of $vrrp Uid)" != 0 ] || fail 'vrrp is root'
        # KILL, SETGID, SETUID: bits 5, 6 and 7.
        expect $runner CapEff 00000000000000e0 runner; expect $runner Uid 0 runner
        "#
    ));
}

#[test]
fn the_vrrp_process_dies_or_hangs_and_the_address_stays() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{START}
        supervisor=$(cat /run/backstay.pid)
        # On a slow machine a process that hangs may be replaced only after others could take over.
        sed -i 's/advert_int 1/advert_int 4/' /etc/keepalived/keepalived.conf; backstay reload || fail reload
        ip monitor address >/tmp/addresses & sleep 0.2
        # The newest: one that was killed may not be cleared away yet.
        vrrp() {{ pgrep -n -P $supervisor -x keepalived; }}
        before=$(vrrp)
        # Its death is heard of before the kernel has cleared it away: the channel is its highest descriptor too.
        highest=$(ls /proc/$before/fd | sort -n | tail -1); channel=$(readlink /proc/$before/fd/$highest)
        [ $(ls -l /proc/$before/fd | grep -cF "$channel") = 2 ] || {{ ls -l /proc/$before/fd; fail "$channel"; }}
        kill -9 $before
        new() {{ [ -n "$(vrrp)" ] && [ "$(vrrp)" != "$before" ]; }}; until_ 5 new || fail 'not started again'
        before=$(vrrp); sleep 1; kill -STOP $before; until_ 8 new || fail 'a hung process is not replaced'
        sleep 1; master || fail 'no address'
        grep -q 172.16.253.150 /tmp/addresses && fail 'the address was touched'
        grep -q 'Still in MASTER STATE' /tmp/run.log || fail 'it was not resumed'
        runner() {{ pgrep -P $supervisor -x backstay-runner; }}; until_ 5 runner || fail 'no runner'
        before=$(runner); kill -9 $before
        another() {{ [ -n "$(runner)" ] && [ "$(runner)" != "$before" ]; }}; until_ 5 another || fail runner
        kill -9 $supervisor; gone() {{ ! master; }}; until_ 5 gone || fail 'the address outlives its supervisor'
        no_proxy() {{ ! pidof nginx; }}; until_ 5 no_proxy || fail 'the proxy outlives its supervisor'
        "#
    ));
}

#[test]
fn a_bad_reload_changes_nothing_on_either_side() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{START}
        cp /etc/keepalived/keepalived.conf /tmp/good
        for damage in 'vrrp_instance VI_B {{ interfce ens33' 'bogus'; do
            (cat /tmp/good; echo "$damage") >/etc/keepalived/keepalived.conf
            backstay reload && fail "accepted: $damage"; master || fail "lost the address: $damage"
        done
        rm /etc/keepalived/keepalived.conf; backstay reload && fail 'missing file'; master || fail 'missing file'
        sed 's|172.16.253.150/32|172.16.253.150/32\n172.16.253.151/32|' /tmp/good >/etc/keepalived/keepalived.conf
        cp /etc/nginx/nginx.conf /tmp/nginx.good; echo bogus >>/etc/nginx/nginx.conf
        backstay reload && fail 'a bad nginx.conf beside a good keepalived.conf'
        ip addr show ens33 | grep -q 172.16.253.151 && fail 'half a reload'; cp /tmp/nginx.good /etc/nginx/nginx.conf
        backstay reload || fail 'a good file'
        second() {{ ip addr show ens33 | grep -q 172.16.253.151; }}; until_ 5 second || fail 'the second address'
        answers || fail 'the proxy'
        kill -TERM $(cat /run/backstay.pid); gone() {{ ! master && ! second; }}; until_ 5 gone || fail stop
        until_ 5 test ! -e /run/backstay.pid || fail 'pid file'
        "#
    ));
}
