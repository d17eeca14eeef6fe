//! What operators meet at night: stale files, broken files, things that die at the wrong moment.

mod support;

use support::{possible, run, succeed};

/// A configuration that answers `ours` on port 80.
const WEB: &str = r#"
cat >/etc/nginx/nginx.conf <<'X'
pid /run/nginx.pid;
error_log /var/log/nginx/error.log info;
events { }
http { access_log off; server { listen 80; location / { return 200 "ours\n"; } } }
X
answers() { curl -sf --max-time 2 http://127.0.0.1/ | grep -q ours; }
refused() { ! curl -s --max-time 2 http://127.0.0.1/; }
"#;

/// A virtual address on an interface, and `keepalived`.
const ADDRESS: &str = r#"
ip link add ens33 type veth peer name other; ip addr add 172.16.253.108/16 dev ens33
ip link set ens33 up; ip link set other up
cat >/etc/keepalived/keepalived.conf <<'X'
vrrp_instance VI_A {
    state MASTER
    interface ens33
    virtual_router_id 51
    priority 100
    advert_int 1
    virtual_ipaddress { 172.16.253.150 }
}
X
master() { ip addr show ens33 | grep -q 172.16.253.150/32; }
gone() { ! master; }
"#;

#[test]
fn a_signal_with_a_broken_file_fails_and_says_why() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{WEB}
        nginx || fail start
        echo 'bogus directive;' >>/etc/nginx/nginx.conf
        nginx -s reload && fail 'reload of a broken file says that it worked'
        answers || fail answer
        "#
    ));
    assert!(text.contains("unknown directive \"bogus\""), "{text}");
}

#[test]
fn a_stale_pid_file_never_kills_a_stranger() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        sleep 60 & stranger=$!
        echo $stranger >/run/nginx.pid; echo $stranger >/run/keepalived.pid
        nginx -s stop && fail 'says that it stopped something'
        kill -0 $stranger || fail 'killed a stranger'
        nginx || fail 'does not start beside a stale file'; answers || fail answer
        [ "$(cat /run/nginx.pid)" != $stranger ] || fail 'pid file'
        "#
    ));
}

#[test]
fn a_pid_file_that_cannot_be_written_ends_the_start() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{WEB}
        sed -i 's|/run/nginx.pid|/run/missing/nginx.pid|' /etc/nginx/nginx.conf
        nginx && fail 'started without its pid file'
        until_ 3 refused || fail 'something was left behind'
        nginx -g 'daemon off;' && fail 'started in the foreground'; exit 0
        "#
    ));
    assert!(text.contains("open() \"/run/missing/nginx.pid\" failed (2: No such file"), "{text}");
}

#[test]
fn a_reload_moves_the_pid_file() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        nginx || fail start; pid=$(cat /run/nginx.pid)
        sed -i 's|/run/nginx.pid|/run/moved.pid|' /etc/nginx/nginx.conf
        kill -HUP $pid; until_ 5 test -e /run/moved.pid || fail 'no new file'
        until_ 5 test ! -e /run/nginx.pid || fail 'the old file stays'
        nginx -s stop || fail 'stop by the new file'
        until_ 5 test ! -e /run/moved.pid || fail 'the new file stays'
        "#
    ));
}

#[test]
fn a_pipe_is_let_go_and_the_umask_is_ours() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}{ADDRESS}
        out=$(umask 077; timeout 10 bash -c 'x=$(nginx 2>&1); y=$(keepalived 2>&1); echo "$x$y"') || fail 'the pipe stays open'
        [ -z "$out" ] || fail "said: $out"
        [ "$(stat -c %a /run/nginx.pid)" = 644 ] || fail "pid file: $(stat -c %a /run/nginx.pid)"
        [ "$(stat -c %a /run/keepalived.pid)" = 644 ] || fail "pid file: $(stat -c %a /run/keepalived.pid)"
        "#
    ));
}

#[test]
fn why_a_start_failed_is_said_in_the_background_too() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{WEB}
        nginx -g 'worker_rlimit_nofile 10;' && fail 'ten descriptors are enough?'
        until_ 3 refused || fail 'left behind'
        nginx -g 'user nobodyknows;' && fail 'started as an unknown user'
        rm -rf /var/log/nginx; nginx && fail 'started without its log directory'; exit 0
        "#
    ));
    assert!(text.contains("nobodyknows"), "{text}");
    assert!(text.contains("/var/log/nginx/error.log\" failed (2: No such file"), "{text}");
    assert!(!text.contains("exited with status 1\n"), "{text}");
}

#[test]
fn unix_sockets_leave_with_the_server() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        sed -i 's|listen 80;|listen 80; listen unix:/run/web.sock; listen unix:/run/two.sock;|' /etc/nginx/nginx.conf
        nginx || fail start
        curl -sf --unix-socket /run/web.sock http://x/ | grep -q ours || fail answer
        sed -i 's|listen unix:/run/two.sock;||' /etc/nginx/nginx.conf; backstay reload || fail reload
        [ ! -e /run/two.sock ] || fail 'the socket that was taken out stays'
        nginx -s quit; until_ 5 test ! -e /run/nginx.pid || fail quit
        until_ 5 test ! -e /run/web.sock || fail 'the socket stays'
        nothing() {{ [ -z "$(ls /run/backstay)" ]; }}; until_ 5 nothing || fail "left: $(ls /run/backstay)"
        "#
    ));
}

#[test]
fn a_silent_operator_delays_nothing() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        nginx || fail start
        python3 - <<'X' || fail 'a silent client delays'
import socket, time, os
silent = []
for i in range(100):
    s = socket.socket(socket.AF_UNIX); s.connect('/run/backstay/nginx.sock'); silent.append(s)
huge = socket.socket(socket.AF_UNIX); huge.connect('/run/backstay/nginx.sock'); huge.setblocking(False)
try:
    huge.send(b'x' * 1000000)
except OSError:
    pass
os.kill(int(open('/run/nginx.pid').read()), 15)
began = time.time()
while os.path.exists('/run/nginx.pid') and time.time() - began < 30: time.sleep(0.01)
print('stopped after', time.time() - began)
# Waiting for each of them takes ten seconds.
raise SystemExit(time.time() - began > 5)
X
        "#
    ));
}

#[test]
fn a_second_backstay_is_refused() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{ADDRESS}
        backstay run --stderr --ha /etc/keepalived/keepalived.conf 2>/tmp/log & first=$!
        until_ 8 master || fail master
        timeout 30 backstay run --stderr --ha /etc/keepalived/keepalived.conf; [ $? = 1 ] || fail 'a second one runs'
        [ "$(cat /run/backstay.pid)" = $first ] || fail 'pid file'
        backstay status || fail status
        "#
    ));
    assert!(text.contains("runs already"), "{text}");
}

#[test]
fn another_nginx_beside_the_whole_is_another() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        sed 's|/run/nginx.pid|/run/two.pid|; s|listen 80|listen 81|' /etc/nginx/nginx.conf >/tmp/two.conf
        backstay run --stderr --proxy /etc/nginx/nginx.conf 2>/tmp/log &
        until_ 5 answers || fail start
        nginx -c /tmp/two.conf || fail 'start of the second'
        curl -sf http://127.0.0.1:81/ | grep -q ours || fail 'it says that it started and did not'
        "#
    ));
}

#[test]
fn a_stop_gives_the_address_up_whatever_state_vrrp_is_in() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{ADDRESS}
        for how in STOP 'KILL over and over'; do
            keepalived || fail start; until_ 8 master || fail master
            supervisor=$(cat /run/keepalived.pid)
            # The newest: one that was killed may not be cleared away yet.
            vrrp() {{ pgrep -n -P $supervisor -x keepalived; }}
            another() {{ local now=$(vrrp); [ -n "$now" ] && [ "$now" != "$first" ]; }}
            case $how in
                STOP) sleep 1; kill -STOP $(vrrp);;
                *) # So many deaths in a row are followed by a pause.
                   for n in 1 2 3 4 5; do
                       first=$(vrrp); kill -9 $first; until_ 3 another || fail 'not started again'
                   done
                   kill -9 $(vrrp); none() {{ ! vrrp; }}; until_ 1 none || fail 'no pause';;
            esac
            kill -TERM $supervisor; until_ 6 test ! -e /run/keepalived.pid || fail "$how: it does not stop"
            gone || fail "$how: the address stays"
            [ ! -e /run/vrrp.pid ] || fail 'the pid file of vrrp stays'
        done
        "#
    ));
}

#[test]
fn the_pid_file_of_vrrp_follows_it() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{ADDRESS}
        keepalived || fail start; until_ 8 master || fail master
        before=$(cat /run/vrrp.pid); kill -9 $before
        new() {{ now=$(cat /run/vrrp.pid) && [ "$now" != $before ] && kill -0 $now; }}
        until_ 5 new || fail 'the file names the dead one'
        "#
    ));
}

#[test]
fn a_pause_of_everything_kills_nobody() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{ADDRESS}
        keepalived || fail start; until_ 8 master || fail master
        supervisor=$(cat /run/keepalived.pid); vrrp=$(pgrep -P $supervisor -x keepalived)
        sleep 1; kill -STOP $supervisor $vrrp; sleep 4; kill -CONT $supervisor; sleep 0.1; kill -CONT $vrrp
        sleep 1; [ "$(pgrep -P $supervisor -x keepalived)" = $vrrp ] || fail 'a healthy process was killed'
        kill -STOP $supervisor; sleep 3; kill -CONT $supervisor
        sleep 1; [ "$(pgrep -P $supervisor -x keepalived)" = $vrrp ] || fail 'killed after a pause of the supervisor'
        "#
    ));
}

#[test]
fn a_proxy_that_dies_during_a_reload_is_started_again() {
    if !possible() {
        return;
    }
    let outcome = run(&format!(
        r#"{WEB}
        nginx || fail start
        supervisor=$(cat /run/nginx.pid); sleep 1
        proxy=$(pgrep -P $supervisor); kill -STOP $proxy
        backstay reload & sleep 0.5; kill -9 $proxy; wait $!
        until_ 5 answers || fail 'it was not started again'
        "#
    ));
    assert!(outcome.success, "{}", outcome.text);
}

#[test]
fn what_scripts_inherit() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{ADDRESS}
        cat >/tmp/look <<'X'
#!/bin/bash
part=/tmp/part.$1.$$
echo "$1 fds: $(ls /proc/$$/fd | tr '\n' ' ')" >>$part
ls -l /proc/$$/fd >>$part
grep -E 'Sig(Blk|Ign|Cgt)|Umask|NoNew' /proc/$$/status >>$part
pwd >>$part; env >>$part; cat /proc/$$/oom_score_adj >>$part; chrt -p $$ >>$part
mv $part /tmp/seen.$1.$$
X
        chmod 755 /tmp/look
        sed -i 's|advert_int 1|advert_int 1\n track_script {{ look }}\n notify "/tmp/look notify"|; 1i global_defs {{ script_user root }}\nvrrp_script look {{ script "/tmp/look check"\ninterval 1 }}' /etc/keepalived/keepalived.conf
        exec 7</etc/passwd
        export BACKSTAY_X=1 OPERATORS=own NOTIFY_SOCKET=/tmp/none LD_LIBRARY_PATH=/tmp/none
        keepalived || fail start; unset LD_LIBRARY_PATH; until_ 8 master || fail master
        both() {{ ls /tmp/seen.check.* && ls /tmp/seen.notify.*; }}; until_ 5 both || fail 'no script'
        cat /tmp/seen.*; echo processes:
        for p in $(pgrep keepalived) $(pgrep backstay); do echo "$p $(cat /proc/$p/comm)"; ls -l /proc/$p/fd | cut -c40-; readlink /proc/$p/cwd; done
        "#
    ));
    let (seen, _) = text.split_once("processes:").expect("both parts");
    for leak in ["BACKSTAY_", "heartbeat", "socket:", "NOTIFY_SOCKET", "LD_LIBRARY_PATH"] {
        assert!(!seen.contains(leak), "{leak}: {text}");
    }
    for who in ["check", "notify"] {
        assert!(seen.contains(&format!("{who} fds:")), "{text}");
    }
    assert_eq!(seen.matches("OPERATORS=own").count(), seen.matches(" fds:").count(), "{text}");
    assert!(!text.contains("/etc/passwd"), "{text}");
}

#[test]
fn a_runner_that_hangs_is_replaced_and_checks_go_on() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{ADDRESS}
        sed -i 's|advert_int 1|advert_int 1\n track_script {{ look }}|; 1i global_defs {{ script_user root }}\nvrrp_script look {{ script "/usr/bin/test ! -e /tmp/down"\ninterval 1 }}' /etc/keepalived/keepalived.conf
        keepalived -l -D || fail start; until_ 8 master || fail master
        runner=$(pgrep -P $(cat /run/keepalived.pid) -f -x backstay-runner); kill -STOP $runner || fail 'no runner'
        touch /tmp/down; until_ 25 gone || fail 'nobody checks any more'
        kill -0 $runner 2>/dev/null && fail 'it is still there'; exit 0
        "#
    ));
}

#[test]
fn scripts_are_told_later_while_there_is_no_runner() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{ADDRESS}
        printf '#!/bin/sh\necho "$3" >>/tmp/told\n' >/tmp/tell; chmod 755 /tmp/tell
        sed -i 's|advert_int 1|advert_int 1\n notify "/tmp/tell"|; 1i global_defs {{ script_user root }}' /etc/keepalived/keepalived.conf
        keepalived -l || fail start; until_ 8 master || fail master; until_ 5 grep -q MASTER /tmp/told || fail 'not told'
        runner() {{ pgrep -P $(cat /run/keepalived.pid) -x backstay-runner; }}
        # After five deaths in a row comes a pause.
        for n in 1 2 3 4 5 6; do until_ 5 runner || fail 'no runner'; kill -9 $(runner); sleep 0.2; done
        runner && fail 'no pause'; ip link set ens33 down; until_ 5 gone || fail 'no fault'
        until_ 8 grep -q FAULT /tmp/told || fail "told: $(cat /tmp/told)"
        "#
    ));
}

#[test]
fn as_the_first_process_it_takes_note_of_every_end() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{ADDRESS}
        printf '#!/bin/sh\n(sleep 0.1; touch /tmp/left) >/dev/null &\n' >/tmp/leave; chmod 755 /tmp/leave
        sed -i 's|advert_int 1|advert_int 1\n track_script {{ leave }}|; 1i global_defs {{ script_user root }}\nvrrp_script leave {{ script "/tmp/leave"\ninterval 1 }}' /etc/keepalived/keepalived.conf
        unshare --pid --fork --kill-child=KILL --mount-proc keepalived -n -l >/tmp/log 2>&1 &
        until_ 8 master || fail master
        first=$(pgrep -P $! keepalived); zombies() {{ ps --ppid $first -o stat= | grep -c Z; }}
        until_ 5 test -e /tmp/left || fail 'no orphan'; some() {{ [ $(zombies) -gt 0 ]; }}; none() {{ ! some; }}
        until_ 8 some; until_ 8 none || fail "$(ps --ppid $first)"
        held() {{ kill -0 $first && master; }}; held || fail 'something else was hurt'
        "#
    ));
}

#[test]
fn without_root_it_serves_on_high_ports() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        cp "$BACKSTAY" /tmp/own/nginx
        cat >/tmp/own/my.conf <<'X'
pid my.pid;
error_log error.log;
events {{ }}
http {{ access_log access.log; server {{ listen 8080; return 200 "ours\n"; }} }}
X
        chown -R 65534 /tmp/own; as() {{ setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }}
        as /tmp/own/nginx -p /tmp/own -c my.conf -e /tmp/own/e.log || fail start
        curl -sf http://127.0.0.1:8080/ | grep -q ours || fail answer
        as /tmp/own/nginx -p /tmp/own -c my.conf -s reload || fail reload
        as /tmp/own/nginx -p /tmp/own -c my.conf -s quit || fail quit
        until_ 5 test ! -e /tmp/own/my.pid || fail 'it does not stop'
        "#
    ));
}

#[test]
fn reloads_under_load_lose_nothing() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        nginx || fail start
        load() {{ for i in $(seq 300); do curl -sf --max-time 5 http://127.0.0.1/ http://127.0.0.1/ >/dev/null || echo "lost $i: $?" >>/tmp/lost; done; }}
        load & a=$!; load & b=$!
        for i in $(seq 50); do
            [ $((i % 2)) = 0 ] && sed -i 's|listen 80;|listen 80; listen 81;|' /etc/nginx/nginx.conf || sed -i 's| listen 81;||' /etc/nginx/nginx.conf
            backstay reload || fail "reload $i"
        done
        wait $a $b; [ ! -e /tmp/lost ] || fail "$(cat /tmp/lost)"
        fds=$(ls /proc/$(cat /run/nginx.pid)/fd | wc -l); [ $fds -lt 15 ] || fail "$fds descriptors"
        "#
    ));
}

#[test]
fn a_reload_onto_a_taken_port_names_its_holder() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{WEB}
        python3 -m http.server 81 >/dev/null 2>&1 & until_ 5 curl -s http://127.0.0.1:81/ || fail python
        nginx || fail start
        sed -i 's|listen 80;|listen 80; listen unix:/run/web.sock; listen 81;|; s/ours/new/' /etc/nginx/nginx.conf
        backstay reload && fail 'it says that it worked'
        answers || fail 'something was changed'; [ ! -e /run/web.sock ] || fail 'a socket was left'
        "#
    ));
    assert!(text.contains("port 81 is held by python3 (pid"), "{text}");
}

#[test]
fn the_proxy_starts_later_when_its_port_was_taken_at_first() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}{ADDRESS}
        python3 -m http.server 80 >/dev/null 2>&1 & python=$!; until_ 5 curl -s http://127.0.0.1:80/ || fail python
        backstay run --stderr 2>/tmp/log & until_ 8 master || fail master
        backstay start nginx && fail 'it says that it started'
        backstay reload && fail 'a reload says that all is well'
        backstay status; kill $python; until_ 5 refused || fail 'python stays'
        backstay start nginx || fail 'not started though the port is free'
        answers || fail answer
        "#
    ));
}

#[test]
fn full_disks_and_foreground() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}
        sed -i 's|access_log off|access_log /dev/full|; s|/var/log/nginx/error.log|/dev/full|' /etc/nginx/nginx.conf
        nginx || fail 'start with a full disk'; answers && answers && answers || fail 'answer with a full disk'
        nginx -s reload; sleep 0.3; answers || fail reload; nginx -s stop; until_ 5 test ! -e /run/nginx.pid || fail stop
        sed -i 's|error_log /dev/full|error_log stderr|; s|access_log /dev/full|access_log off|' /etc/nginx/nginx.conf
        nginx -g 'daemon off;' 2>/tmp/stderr & until_ 5 answers || fail foreground
        curl -s http://127.0.0.1/ >/dev/null; nginx -s reload -g 'daemon off;' || fail reload
        until_ 3 grep -q 'was reloaded' /tmp/stderr; kill -TERM $(cat /run/nginx.pid); wait $! || fail "status $?"
        grep -q 'was reloaded' /tmp/stderr || fail "stderr: $(cat /tmp/stderr)"
        "#
    ));
}

#[test]
fn stops_end_in_time() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}{ADDRESS}
        echo 'import socket,time
s=socket.socket(); s.setsockopt(1,2,1); s.bind(("127.0.0.1",81)); s.listen(); k=[]
while True: k.append(s.accept()); open("/tmp/asked", "w")' >/tmp/silent.py; python3 /tmp/silent.py &
        sed -i 's|location / |location /slow {{ proxy_pass http://127.0.0.1:81; }} location / |' /etc/nginx/nginx.conf
        cat >/tmp/bye <<'X'
#!/bin/sh
echo "$@" >>/tmp/said
X
        chmod 755 /tmp/bye; sed -i 's|advert_int 1|advert_int 1\n notify_stop "/tmp/bye stop"|; 1i global_defs {{ script_user root }}' /etc/keepalived/keepalived.conf
        backstay run --stderr 2>/tmp/log & until_ 8 master || fail master
        curl -s http://127.0.0.1/slow & until_ 5 test -e /tmp/asked || fail 'nobody asks'
        supervisor=$(cat /run/backstay.pid)
        kill -QUIT $supervisor; sleep 1; kill -0 $supervisor || fail 'QUIT did not wait for the request'
        kill -TERM $supervisor; kill -TERM $supervisor
        ended() {{ ! kill -0 $supervisor 2>/dev/null; }}; until_ 5 ended || {{ cat /tmp/log; fail 'TERM after QUIT'; }}
        gone || fail address; grep -q stop /tmp/said || fail notify_stop
        [ -z "$(ls -A /run/backstay /run/*.pid 2>/dev/null | grep -v :)" ] || fail "left: $(ls -A /run/backstay /run/*.pid)"
        for n in 1 2 3; do
            nginx & starting=$!; sleep 0.0$n; kill -TERM $starting $(pgrep -x nginx); wait; sleep 0.3
            # What did start can be stopped.
            idle() {{ nginx -s stop; ! pgrep -x nginx; }}; until_ 5 idle || fail "TERM during start $n: $(nginx -s stop 2>&1; ls /run/*.pid; ps ax)"
        done
        "#
    ).replace("wait; sleep", "wait $starting; sleep"));
}

#[test]
fn vrrp_that_may_do_nothing_says_so() {
    if !possible() {
        return;
    }
    let text = run(&format!(
        r#"cp "$BACKSTAY" /tmp/own/keepalived; chown -R 65534 /tmp/own; cd /tmp/own; {ADDRESS}
        setpriv --reuid=65534 --regid=65534 --clear-groups timeout 6 /tmp/own/keepalived -n -l -G -p /tmp/own/k.pid -r /tmp/own/v.pid 2>&1
        "#
    )).text;
    assert!(text.contains("CAP_NET_RAW") || text.contains("not permitted"), "{text}");
    // Some at once, then with pauses.
    assert!(text.matches("restarting it").count() < 10, "{text}");
}

#[test]
fn check_of_odd_files() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{WEB}{ADDRESS}
        is() {{ local want=$1; shift; "$@" >/tmp/out 2>&1; local got=$?; echo "--- $*: $got"; cat /tmp/out; [ $got = $want ] || fail "$*: $got, not $want"; grep -q panicked /tmp/out && fail panic; }}
        is 0 backstay check; is 0 backstay check --proxy /etc/nginx/nginx.conf; is 0 backstay check --ha /etc/keepalived/keepalived.conf
        is 1 backstay check --proxy /missing; is 1 backstay check --ha /missing; is 1 backstay check --ha /etc; is 1 backstay check --proxy /etc
        head -c 20000 /dev/urandom >/tmp/noise; is 1 backstay check --ha /tmp/noise; is 1 backstay check --proxy /tmp/noise
        is 1 backstay status; is 1 backstay reload; is 1 backstay stop nginx; is 1 backstay run --ha /missing
        rm /etc/nginx/nginx.conf /etc/keepalived/keepalived.conf; is 1 backstay check; is 1 backstay run
        backstay check --ha /tmp/noise 2>/tmp/err | head -c 10; ! grep -q panicked /tmp/err || fail 'closed pipe'
        backstay check --ha /tmp/noise 2>&1 | head -c 1000000 >/dev/null
        "#
    ));
}
