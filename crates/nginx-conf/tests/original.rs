//! Side by side with the original: the same text, the same verdict, the same first complaint.
//! Runs where `nginx` is installed.

use nginx_conf::{Environment, compat, load};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of its own for each test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nginx-conf-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("logs")).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What the original says first: its first `[emerg]` line.
fn original(folder: &Path, conf: &Path) -> Option<String> {
    let output = Command::new("nginx")
        .args(["-t", "-p"])
        .arg(folder)
        .arg("-c")
        .arg(conf)
        .arg("-e")
        .arg(folder.join("error.log"))
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let emerg = text.lines().find(|line| line.contains("[emerg]"));
    Some(emerg.unwrap_or("ok").to_owned())
}

fn ours(folder: &Path, conf: &Path) -> String {
    let log = folder.join("error.log");
    let pid = folder.join("nginx.pid");
    let environment = Environment {
        prefix: folder,
        error_log: &log,
        access_log: &log,
        pid: &pid,
        ..Environment::system(true)
    };
    let loaded = load(conf, &environment);
    compat::first_error(&loaded).map_or_else(|| "ok".to_owned(), |error| compat::line(&loaded, error))
}

/// Texts whose verdict and first complaint are the same, word for word.
const SAME: &[&str] = &[
    "events { }",
    "",
    "http { }",
    "events { } http { server { listen 8099; } }",
    "events { } evnts { }",
    "events { } http { sever { } }",
    "events { } server { }",
    "events { } http { location / { } }",
    "events { } http { server { root; } }",
    "events { } http { server { root a b; } }",
    "events { } http { server { root a; root b; } }",
    "events { } http { server { root a } }",
    "events { } http { server { root a;",
    "events { } http { server { root a",
    "events { } http { server {\n\n",
    "events { } }",
    "events { } ;",
    "events { } { }",
    "events;",
    "events { } events { }",
    "daemon on { }",
    "daemon maybe;",
    "events x { }",
    "events { } http { server { add_header A \"b\"c; } }",
    "events { } http { server { add_header A 'b; } }",
    "events { } http { server { add_header A b\\;c; } }",
    "events { } http { server { add_header A \"a\\\"b\"; } }",
    "events { } http { server { add_header A a#b; } } # c }",
    "events { } http { server { add_header A ${uri}x; } }",
    "events { } http { server { add_header A \"${uri\"; } }",
    "events { } http { server { add_header A $; } }",
    "events { } http { server { location ~ \"^/x{2}$\" { } } }",
    "events { } http { server { location = /a { } location = /a { } } }",
    "events { } http { server { location /a { } location ^~ /a { } } }",
    "events { } http { server { location /a { location /b { } } } }",
    "events { } http { server { location = /a { location /a { } } } }",
    "events { } http { server { location @a { location /a { } } } }",
    "events { } http { server { location /a { location @b { } } } }",
    "events { } http { server { location ^~/a { } location =/b { } location ~*c { } } }",
    "events { } http { server { location !~ /a { } } }",
    "events { } http { server { location @a { alias /x; } } }",
    "events { } http { server { listen 8099 default_server; } server { listen 8099 default_server; } }",
    "events { } http { server { listen 8099; listen *:8099; } }",
    "events { } http { server { listen 8099 backlog=5; } server { listen 8099 backlog=6; } }",
    "events { } http { server { listen 8099 defualt_server; } }",
    "events { } http { server { listen 8099 default; } server { listen 127.0.0.1:8099; listen [::1]:8099; } }",
    "events { } http { server { listen unix:/tmp/nginx-conf-test.sock; } }",
    "events { } http { server { server_name *.a.org b.* .c.org ~^d(?<x>.)$ _ \"\"; return 200 $x; } }",
    "events { } http { server { server_name a.*.org; } }",
    "events { } http { server { set $uri x; } }",
    "events { } http { server { set uri x; } }",
    "events { } http { server { set $a x; return 200 $a$b; } }",
    "events { } http { server { return; } }",
    "events { } http { server { return here; } }",
    "events { } http { server { return 1000; } }",
    "events { } http { server { return https://a; } }",
    "events { } http { server { return 301 /x; return 200; } }",
    "events { } http { server { rewrite ^ /x sometimes; } }",
    "events { } http { server { rewrite ^/(.*)$ /$1? last; rewrite a b; } }",
    "events { } http { server { if ($a = b) { } } }",
    "events { } http { server { if ($uri = b) { return 403; } if ($uri) { break; } if ( $uri ~* \"x{2}\" ) { } } }",
    "events { } http { server { if ($uri == b) { } } }",
    "events { } http { server { if $uri { } } }",
    "events { } http { server { if (-f $uri) { } if (!-e $request_filename) { rewrite ^ /x; } } }",
    "events { } http { server { if ($uri = b) { root /x; } } }",
    "events { } http { server { location / { if ($uri = b) { root /x; add_header A b; } } } }",
    "events { } http { server { location / { proxy_pass http://127.0.0.1:81; } location ~ x { proxy_pass http://127.0.0.1/y; } } }",
    "events { } http { server { location / { if ($uri) { proxy_pass http://127.0.0.1/y; } } } }",
    "events { } http { server { location / { proxy_pass 127.0.0.1:81; } } }",
    "events { } http { server { location / { proxy_pass http://u:81; } } upstream u { server 127.0.0.1; } }",
    "events { } http { server { location / { proxy_pass http://u/x$uri; } } upstream u { server 127.0.0.1; } }",
    "events { } http { server { location / { proxy_pass http://127.0.0.1; proxy_pass http://127.0.0.1; } } }",
    "events { } http { upstream u { } }",
    "events { } http { upstream u { server 127.0.0.1 weigth=2; } }",
    "events { } http { upstream u { server 127.0.0.1 weight=0; } }",
    "events { } http { upstream u { server 127.0.0.1 weight=2 max_fails=0 fail_timeout=1m max_conns=5 backup; server unix:/x down; keepalive 8; } }",
    "events { } http { upstream u { ip_hash; server 127.0.0.1; server 127.0.0.2 backup; } }",
    "events { } http { upstream u { server 127.0.0.1; } upstream u { server 127.0.0.1; } }",
    "events { } http { log_format a; }",
    "events { } http { log_format a $uri; access_log logs/x a; log_format a b; }",
    "events { } http { access_log logs/x nope; }",
    "events { } http { access_log logs/x combined buffer=8k flush=1m if=$uri; access_log off; }",
    "events { } http { access_log logs/x combined flush=1m; }",
    "events { } http { error_log logs/x sometimes; }",
    "events { } http { server { error_page 404 /x; error_page 500 502 =200 @y; error_page 403 = https://z/; } }",
    "events { } http { server { error_page 200 /x; } }",
    "events { } http { server { error_page /x; } }",
    "events { } http { server { try_files $uri $uri/ =404; location / { try_files $uri @x; } } }",
    "events { } http { server { try_files $uri; } }",
    "events { } http { server { try_files $uri =x; } }",
    "events { } http { server { client_max_body_size 10x; } }",
    "events { } http { server { client_max_body_size 10m; client_body_timeout 1h30m; } }",
    "events { } http { server { client_body_timeout 30m1h; } }",
    "events { } http { server { allow 10.0.0.0/8; allow ::1; deny all; } }",
    "events { } http { server { allow 10.0.0.0/33; } }",
    "events { } http { server { expires 30d; location / { expires modified +1h; } location /a { expires @15h30m; } location /b { expires -1; } location /c { expires max; } } }",
    "events { } http { server { expires soon; } }",
    "events { } http { server { gzip on; gzip_types text/css *; gzip_comp_level 5; gzip_disable msie6; gzip_proxied any; gzip_http_version 1.0; } }",
    "events { } http { server { gzip_comp_level 10; } }",
    "events { } http { server { types { text/x x; } default_type a/b; charset utf-8; internal; } }",
    "events { } http { server { location / { internal; internal; } } }",
    "events { } http { server { location / { stub_status; autoindex on; etag off; } } }",
    "events { worker_connections 10; use epoll; multi_accept on; }",
    "events { use kqueue; }",
    "worker_processes none; events { }",
    "worker_processes auto; worker_rlimit_nofile 100; events { }",
    "events { } http { server { proxy_next_upstream error http_502 off; proxy_http_version 1.1; proxy_redirect off; proxy_set_header A $host; } }",
    "events { } http { server { proxy_next_upstream eror; } }",
    "events { } http { server { proxy_http_version 3; } }",
    "events { } http { server { location / { alias /x; root /y; } } }",
    "events { } include nothing-here.conf;",
    "events { } include nothing-here-*.conf;",
    "events { } include nginx.conf.d/../*.none;",
    "events { } more_set_headers x;",
    "events { } http { server { location / { content_by_lua_block { x } } } }",
];

/// Texts that both refuse, each with its own reason.
const REFUSED: &[&str] = &[
    "events { } http { server { location ~ ^/x{2}$ { } } }",
    "events { } http { server { location ~ ( { } } }",
    "events { } http { map $http_x $y { } }extra",
    "events { } http { server { listen 99999; } }",
    "events { } http { server { listen nowhere.invalid:80; } }",
];

#[test]
fn verdicts_and_first_complaints_agree() {
    if Command::new("nginx").arg("-v").output().is_err() {
        println!("skipped: nginx is not installed");
        return;
    }
    let folder = Folder::new("same");
    let conf = folder.0.join("nginx.conf");
    let mut different = Vec::new();
    for text in SAME {
        std::fs::write(&conf, text).unwrap();
        let (theirs, ours) = (original(&folder.0, &conf).unwrap(), ours(&folder.0, &conf));
        if theirs != ours {
            different.push(format!("{text}\n  nginx {theirs}\n  ours  {ours}"));
        }
    }
    for text in REFUSED {
        std::fs::write(&conf, text).unwrap();
        assert_ne!(original(&folder.0, &conf).unwrap(), "ok", "{text}");
        assert_ne!(ours(&folder.0, &conf), "ok", "{text}");
    }
    println!("{} texts compared", SAME.len() + REFUSED.len());
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
}
