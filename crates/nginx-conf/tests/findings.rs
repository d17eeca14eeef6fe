//! Every kind of finding, and the word it is put at.

mod common;

use common::{findings, http_findings, load_text};
use diagnostic::{Colour, Severity, render};

#[track_caller]
fn expect(inside: &str, expected: &[&str]) {
    assert_eq!(http_findings(inside), expected, "{inside}");
}

#[test]
fn the_tutorial_closes_http_before_server() {
    let text = "http {\nupstream websrvs {\nserver 172.16.250.127:80;\nserver 172.16.253.193:80;\n}\n}\n\
                server {\nlisten 80 default_server;\nlocation / {\nproxy_pass http://websrvs;\n}\n}\n";
    let loaded = load_text(text);
    assert_eq!(findings(&loaded), ["wrong-context 7:1 server", "missing-events"]);
    let finding = &loaded.report.findings()[0];
    assert_eq!(finding.label.as_deref(), Some("it belongs in `http`"));
    let brace = finding.related.iter().find(|(_, what)| what.contains("closes `http`")).unwrap();
    assert_eq!(loaded.sources.position(brace.0).line, 6);
    assert!(finding.help[0].contains("`server` inside `http { … }`"), "{:?}", finding.help);
    let shown = render(finding, &loaded.sources, Colour::Never);
    assert!(shown.contains("\"server\" directive is not allowed at the top level"), "{shown}");
    assert!(loaded.config.is_none());
}

#[test]
fn words_that_are_wrong_are_named_and_placed() {
    expect("sever { lisen 80; }", &["unknown-directive 2:1 sever", "unknown-directive 2:9 lisen"]);
    expect("server { rooot /x; }", &["unknown-directive 2:10 rooot"]);
    expect("root;", &["wrong-arity 2:1 root"]);
    expect("listen 80;", &["wrong-context 2:1 listen"]);
    expect("root a;\nroot b;", &["duplicate-directive 3:1 root"]);
    expect("sendfile yes;", &["invalid-value 2:10 yes"]);
    expect("server { location / }", &["grammar-unexpected 2:21 }", "block-expected 2:10 location"]);
    expect("root { }", &["block-not-expected 2:1 root"]);
    expect("map $a $b { default x; }\nadd_header A $b;", &["unsupported-directive 2:1 map"]);
    expect("add_header A $hots;", &["unknown-variable 2:14 $hots"]);
    expect("add_header A $ssl_cipher;", &["unsupported-variable 2:14 $ssl_cipher"]);
    expect("add_header A a$;", &["invalid-variable 2:14 a$"]);
    expect("add_header A ${uri;", &["invalid-variable 2:14 ${uri"]);
    expect("more_set_headers x;", &["unknown-directive 2:1 more_set_headers"]);
    expect("keepalive_timeout 5x;", &["invalid-value 2:19 5x"]);
    expect(
        "server { listen 443 ssl http2; }",
        &["unsupported-value 2:21 ssl", "unsupported-value 2:25 http2"],
    );
    expect("server { listen 80 quic; }", &["unsupported-value 2:20 quic"]);
    expect("server { root /a\nindex b; }", &["wrong-arity 2:10 root"]);
    expect("server { index a\nroot /b; }", &["missing-semicolon 2:16 a"]);
    expect("proxy_cache off; gzip_static off; auth_basic off;", &[]);
    expect("proxy_cache zone;", &["unsupported-directive 2:1 proxy_cache"]);
    expect("server { location ~ [ { } }", &["invalid-regex 2:21 ["]);
    expect("server { if ($uri == a) { } }", &["invalid-condition 2:19 =="]);
    expect(
        "server { location / { fastcgi_pass a; fastcgi_param b c; } }",
        &["unsupported-directive 2:23 fastcgi_pass"],
    );
}

#[test]
fn a_missing_semicolon_is_pointed_out() {
    let loaded = load_text("events { }\nhttp {\nroot /srv\nindex a b;\n}");
    let finding = &loaded.report.findings()[0];
    assert_eq!(finding.id, "wrong-arity");
    let (span, what) = &finding.related[0];
    assert_eq!(loaded.sources.bytes(*span), b"/srv");
    assert!(what.contains("`;`"), "{what}");
}

#[test]
fn all_errors_come_at_once_with_suggestions() {
    let ids = http_findings(
        "sendfile onn;\nupstream u { server 127.0.0.1 weigth=2; }\nserver { lisen 80; listen 81 defualt_server; }",
    );
    assert_eq!(
        ids,
        [
            "invalid-value 2:10 onn",
            "unknown-directive 4:10 lisen",
            "invalid-value 3:31 weigth=2",
            "invalid-value 4:30 defualt_server"
        ]
    );
    let loaded = load_text("events { } http { upstream u { server 127.0.0.1 weigth=2; } }");
    assert_eq!(loaded.report.findings()[0].help, ["did you mean `weight`?"]);
}

#[test]
fn stream_and_mail_are_one_error_each_and_still_checked() {
    let text = "events { }\nstream { upstream u { server 127.0.0.1:1; } server { listen 1; proxi_pass u; root x; } }\n\
                mail { server { listen 110; protocol pop3; } }";
    assert_eq!(
        findings(&load_text(text)),
        [
            "unknown-directive 2:64 proxi_pass",
            "wrong-context 2:78 root",
            "unsupported-directive 2:1 stream",
            "unsupported-directive 3:1 mail"
        ]
    );
}

#[test]
fn what_cannot_matter_is_accepted() {
    let text = "worker_cpu_affinity auto; pcre_jit on; lock_file x; timer_resolution 1ms;\n\
                load_module modules/ngx_stream_module.so;\n\
                events { use epoll; accept_mutex off; multi_accept on; }\n\
                http { types_hash_max_size 4096; server_names_hash_bucket_size 64; aio threads; zone_less on; }";
    assert_eq!(findings(&load_text(text)), ["unknown-directive 4:81 zone_less"]);
    assert_eq!(
        findings(&load_text("load_module a/ndk.so; events { }")),
        ["unsupported-module 1:13 a/ndk.so"]
    );
    let tls = load_text(
        "events { } http { ssl_protocols TLSv1.2;\nssl_ciphers HIGH; server { ssl_certificate x; } }",
    );
    assert_eq!(findings(&tls), ["tls-not-served 1:19 ssl_protocols"]);
    assert_eq!(tls.report.findings()[0].severity, Severity::Hint);
    assert!(tls.config.is_some());
}

#[test]
fn listeners_and_names_are_compared() {
    expect(
        "server { listen 80 default_server; }\nserver { listen *:80 default; server_name x; }",
        &["duplicate-default-server 3:17 *:80"],
    );
    expect("server { listen 80; listen 0.0.0.0:80; }", &["duplicate-listen 2:28 0.0.0.0:80"]);
    expect("server { server_name a b; }\nserver { server_name c B; }", &["conflicting-server-name 3:24 B"]);
    expect("server { server_name a*.b; }", &["invalid-server-name 2:22 a*.b"]);
    expect("server { listen nowhere:80; }", &["host-not-found 2:17 nowhere:80"]);
}

#[test]
fn locations_are_compared() {
    expect("server { location /a { }\nlocation ^~ /a { } }", &["duplicate-location 3:13 /a"]);
    expect("server { location /a {\nlocation /b { } } }", &["location-nesting 3:10 /b"]);
    expect("server { location = /a {\nlocation /a { } } }", &["location-nesting 3:10 /a"]);
    expect("server { location /a {\nlocation @b { } } }", &["location-nesting 3:10 @b"]);
    expect("server { location /i { alias /x/; } }", &["alias-traversal 2:30 /x/"]);
    expect("server { location /i/ { alias /x/; } }", &[]);
    expect("server { location @i { alias /x/; } }", &["alias-in-named-location 2:24 alias"]);
    expect("server { location a { } }", &["location-without-slash 2:19 a"]);
}

#[test]
fn upstreams_are_checked() {
    expect("upstream u { }", &["empty-upstream 2:10 u"]);
    expect("upstream u { server a.invalid; }", &["host-not-found 2:21 a.invalid"]);
    expect("upstream u { server 127.0.0.1 slow_start=3s; }", &["unsupported-value 2:31 slow_start=3s"]);
    expect("upstream u { hash $uri; server 127.0.0.1; }", &["unsupported-directive 2:14 hash"]);
    expect(
        "server { location / { proxy_pass https://127.0.0.1; } }",
        &["unsupported-value 2:34 https://127.0.0.1"],
    );
    expect("server { location / { proxy_pass http://$host; } }", &["unsupported-value 2:34 http://$host"]);
    expect(
        "server { location ~ a { proxy_pass http://127.0.0.1/b; } }",
        &["proxy-pass-uri 2:36 http://127.0.0.1/b"],
    );
}
