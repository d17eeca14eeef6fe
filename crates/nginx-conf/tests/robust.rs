//! No input makes it panic, and every finding points into its file.

mod common;

use common::load_text;
use diagnostic::{Colour, render};
use nginx_conf::model::Pattern;
use proptest::prelude::*;

const SEED: &str = r#"
user a; worker_processes auto; events { worker_connections 10; }
http {
    log_format m escape=json '$remote_addr "$request" ${status}x';
    types { text/html html; }
    upstream u { server 127.0.0.1:81 weight=2 max_fails=1; server unix:/x backup; keepalive 4; least_conn; }
    server {
        listen 80 default_server; listen [::]:81 ipv6only=on; server_name a *.b ~^c(?<d>.)$;
        set $x "$uri$is_args$args"; if ($x ~* "^/q{2}") { return 301 https://$host$request_uri; }
        rewrite ^/(.*)$ /$1?a=b? last; error_page 500 502 =200 /e; add_header A $d always;
        location ^~ /p/ { proxy_pass http://u/q/; proxy_set_header Host $host; proxy_redirect a b; }
        location ~ \.(gif|png)$ { expires 30d; access_log off; try_files $uri $uri/ =404; }
        location / { root /srv; gzip on; gzip_types text/css; allow 10.0.0.0/8; deny all; }
    }
}
"#;

fn survives(text: &[u8]) {
    let loaded = load_text(text);
    for finding in loaded.report.findings() {
        assert!(!render(finding, &loaded.sources, Colour::Never).is_empty());
    }
    assert_eq!(loaded.config.is_some(), !loaded.report.has_errors());
}

/// Pieces of configurations, in any order.
fn token() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(SEED.split_whitespace().map(str::to_owned).collect::<Vec<_>>()),
        proptest::sample::select(vec![
            "{", "}", ";", "\"", "'", "\\", "$", "${", "#", "\n", "(", ")", "=", "0", "*"
        ])
        .prop_map(str::to_owned),
        proptest::sample::select(
            nginx_conf::registry::rows().map(|row| row.name.to_owned()).collect::<Vec<_>>()
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_survive(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        survives(&bytes);
    }

    #[test]
    fn any_tokens_survive(tokens in proptest::collection::vec(token(), 0..120), inside in any::<bool>()) {
        let text = tokens.join(" ");
        let text = if inside { format!("events {{ }} http {{ server {{ {text} }} }}") } else { text };
        survives(text.as_bytes());
    }

    #[test]
    fn changed_words_survive(at in 0..SEED.split(' ').count(), with in token(), cut in 0..SEED.len()) {
        let words: Vec<&str> = SEED.split(' ').collect();
        let mut changed = words.clone();
        changed[at] = &with;
        let text = changed.join(" ");
        survives(text.as_bytes());
        survives(&SEED.as_bytes()[..cut]);
    }

    #[test]
    fn any_expression_survives(source in "[a-z\\\\(){}\\[\\]^$.*+?|:<>=!#&~'0-9é-]{0,30}", text in any::<Vec<u8>>()) {
        let pattern = Pattern { source, caseless: false, names: Vec::new() };
        if let Ok(expression) = pattern.compile() {
            let matched = expression.is_match(&text);
            let groups = expression.captures(&text);
            if let (Ok(matched), Ok(groups)) = (matched, groups) {
                prop_assert_eq!(matched, groups.is_some());
            }
        }
    }
}

#[test]
fn the_seed_itself_is_in_order() {
    let loaded = load_text(SEED);
    assert!(loaded.config.is_some(), "{:#?}", common::findings(&loaded));
}
