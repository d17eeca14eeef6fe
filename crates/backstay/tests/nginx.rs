//! Called as `nginx`: the command line, the signals, the files, as operators and their scripts use
//! them.

mod support;

use support::{installed, possible, run, succeed};

/// A configuration that answers `ours` on port 80.
const SIMPLE: &str = r#"
cat >/etc/nginx/nginx.conf <<'X'
worker_processes 2;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log info;
events { worker_connections 256; }
http {
    access_log /var/log/nginx/access.log;
    server { listen 80; location / { return 200 "ours\n"; } }
}
X
"#;

/// Every way in which scripts look for the process that serves nginx.conf.
const LOOKED_FOR: &str = r#"
looked_for() {
    echo "killall $(killall -0 nginx 2>/dev/null; echo $?)" \
         "pidof $(pidof nginx >/dev/null; echo $?)" \
         "pgrep $(pgrep -x nginx >/dev/null; echo $?)" \
         "ps $(ps -C nginx >/dev/null; echo $?)" \
         "pidfile $([ -e /run/nginx.pid ] && kill -0 "$(cat /run/nginx.pid)" 2>/dev/null; echo $?)"
}
FOUND="killall 0 pidof 0 pgrep 0 ps 0 pidfile 0"
GONE="killall 1 pidof 1 pgrep 1 ps 1 pidfile 1"
"#;

#[test]
fn debians_own_files_start_unchanged() {
    if !possible() || !installed("nginx") {
        return;
    }
    succeed(
        r#"
        mkdir -p /tmp/www/html; echo '<h1>stock</h1>' >/tmp/www/html/index.html; mount --bind /tmp/www /var/www
        nginx -t || fail test
        nginx -g 'daemon on; master_process on;' || fail start
        curl -sf http://127.0.0.1/ | grep -q stock || fail answer
        curl -sf -6 'http://[::1]/' | grep -q stock || fail 'answer over IPv6'
        [ "$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/missing)" = 404 ] || fail 404
        grep -q '"GET / HTTP/1.1" 200' /var/log/nginx/access.log || fail log
        ps -C nginx -o user= | grep -q www-data || fail 'user of the proxy'
        "#,
    );
}

#[test]
fn a_file_like_red_hats_starts_unchanged() {
    if !possible() {
        return;
    }
    let script = format!(
        r#"
        cat >/etc/nginx/nginx.conf <<'X'
{}
X
        mkdir -p /tmp/share/html /tmp/share/modules; echo 'red' >/tmp/share/html/index.html
        sed -i 's|/usr/share/nginx/html|/tmp/share/html|; s|/usr/share/nginx/modules|/tmp/share/modules|' /etc/nginx/nginx.conf
        grep -q '^nginx:' /etc/passwd || sed -i 's/^user nginx;/user daemon;/' /etc/nginx/nginx.conf
        mkdir -p /etc/nginx/conf.d /etc/nginx/default.d
        [ -e /etc/nginx/mime.types ] || echo 'types {{ text/html html; }}' >/etc/nginx/mime.types
        nginx -t || fail test
        nginx || fail start
        curl -sf http://127.0.0.1/ | grep -q red || fail answer
        "#,
        include_str!("fixtures/redhat-nginx.conf")
    );
    succeed(&script);
}

#[test]
fn scripts_find_it_while_it_serves_and_not_after() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{SIMPLE}{LOOKED_FOR}
        nginx || fail start
        [ "$(looked_for)" = "$FOUND" ] || fail "running: $(looked_for)"
        nginx -s quit || fail quit
        until_ 5 test ! -e /run/nginx.pid || fail 'still there'
        gone() {{ [ "$(looked_for)" = "$GONE" ]; }}; until_ 5 gone || fail "stopped: $(looked_for)"
        curl -s http://127.0.0.1/ && fail 'port still open'
        nginx || fail 'second start'
        nginx -s stop; until_ 5 test ! -e /run/nginx.pid || fail 'stop'
        nginx; kill -TERM $(cat /run/nginx.pid); until_ 5 test ! -e /run/nginx.pid || fail 'TERM'
        nginx; killall nginx; until_ 5 test ! -e /run/nginx.pid || fail 'killall'
        until_ 5 gone || fail "killed: $(looked_for)"
        "#
    ));
}

#[test]
fn signals_are_obeyed_or_survived() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{SIMPLE}
        nginx || fail start
        pid=$(cat /run/nginx.pid)
        curl -s http://127.0.0.1/ >/dev/null; mv /var/log/nginx/access.log /var/log/nginx/access.log.1
        nginx -s reopen; until_ 5 test -e /var/log/nginx/access.log || fail reopen
        curl -s http://127.0.0.1/new >/dev/null
        until_ 5 grep -q /new /var/log/nginx/access.log || fail 'lines in the new file'
        kill -USR2 $pid; sleep 0.2; curl -sf http://127.0.0.1/ >/dev/null || fail USR2
        sed -i 's/ours/changed/' /etc/nginx/nginx.conf; nginx -s reload
        changed() {{ curl -s http://127.0.0.1/ | grep -q changed; }}; until_ 5 changed || fail reload
        kill -WINCH $pid; refused() {{ ! curl -s http://127.0.0.1/; }}; until_ 5 refused || fail WINCH
        kill -0 $pid || fail 'the supervisor survives WINCH'
        "#
    ));
}

#[test]
fn a_bad_reload_changes_nothing() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{SIMPLE}
        nginx || fail start
        echo 'bogus directive;' >>/etc/nginx/nginx.conf
        backstay reload && fail 'reload says that it worked'
        curl -s http://127.0.0.1/ | grep -q ours || fail 'answer after a bad reload'
        refusals() {{ grep -c 'unknown directive "bogus"' /var/log/nginx/error.log; }}
        before=$(refusals); kill -HUP $(cat /run/nginx.pid)
        once_more() {{ [ $(refusals) -gt $before ]; }}; until_ 5 once_more || fail log
        curl -s http://127.0.0.1/ | grep -q ours || fail 'answer after a bad HUP'
        rm /etc/nginx/nginx.conf; backstay reload && fail 'reload without a file'
        curl -s http://127.0.0.1/ | grep -q ours || fail 'answer without a file'
        "#
    ));
    assert!(text.contains("nothing was changed"), "{text}");
}

#[test]
fn a_program_on_our_port_is_named() {
    if !possible() || !installed("nginx") {
        return;
    }
    let outcome = run(&format!(
        r#"{SIMPLE}
        sed 's|/run/nginx.pid|/run/other.pid|' /etc/nginx/nginx.conf >/tmp/other.conf; /usr/sbin/nginx -c /tmp/other.conf || fail 'the original'
        nginx && fail 'started beside the original'
        nginx -g 'daemon off;' && fail 'started in the foreground'
        exit 0
        "#
    ));
    assert!(outcome.success && outcome.text.contains("is held by nginx (pid"), "{}", outcome.text);
}

#[test]
fn a_crash_is_mended_on_the_same_sockets() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{SIMPLE}
        nginx || fail start
        supervisor=$(cat /run/nginx.pid)
        for i in 1 2 3; do
            proxy=$(pgrep -P $supervisor); kill -9 $proxy
            curl -sf --retry 0 --max-time 5 http://127.0.0.1/ | grep -q ours || fail "request during crash $i"
            [ "$(pgrep -P $supervisor)" != "$proxy" ] || fail 'not started again'
        done
        "#
    ));
}

#[test]
fn a_process_that_hangs_is_replaced() {
    if !possible() {
        return;
    }
    succeed(&format!(
        r#"{SIMPLE}
        nginx || fail start
        proxy=$(pgrep -P $(cat /run/nginx.pid)); sleep 2; kill -STOP $proxy
        replaced() {{ p=$(pgrep -P $(cat /run/nginx.pid)) && [ "$p" != "$proxy" ]; }}
        until_ 20 replaced || fail 'not replaced'
        curl -sf --max-time 5 http://127.0.0.1/ | grep -q ours || fail answer
        "#
    ));
}

#[test]
fn command_line_and_exit_codes() {
    if !possible() {
        return;
    }
    let text = succeed(&format!(
        r#"{SIMPLE}
        nginx -v || fail -v; nginx -V || fail -V; nginx -h || fail -h
        nginx -t -q || fail 'quiet test'
        nginx -T | grep -q '# configuration file /etc/nginx/nginx.conf:' || fail dump
        nginx -s bogus && fail 'bogus signal'
        nginx -z && fail 'bogus option'
        nginx -s stop && fail 'stop without a process'
        nginx -t -c /nonexistent && fail 'missing file'
        echo 'server {{ }}' >/tmp/bad.conf; nginx -t -c /tmp/bad.conf && fail 'bad file'
        mkdir -p /tmp/prefix/logs; cp /etc/nginx/nginx.conf /tmp/prefix/my.conf
        nginx -p /tmp/prefix -c my.conf -e stderr -g 'worker_rlimit_nofile 4096;' || fail 'prefix'
        curl -sf http://127.0.0.1/ >/dev/null || fail answer
        "#
    ));
    assert!(text.contains("nginx version: backstay/"), "{text}");
}
