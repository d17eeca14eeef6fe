//! Upstreams: choosing, keeping, losing and replacing them.

use crate::support::*;
use std::time::{Duration, Instant};

fn proxy_to(groups: &str, settings: &str) -> Proxy {
    Proxy::http(&format!(
        "{groups} server {{ listen 127.0.0.1:8080; {settings} location / {{ proxy_pass http://u; }} }}"
    ))
}

#[test]
fn connections_are_kept_and_used_again() {
    let upstream = Upstream::saying("a");
    let proxy = proxy_to(&group("u", &[&upstream], "keepalive 4;"), "");
    let mut client = proxy.connect();
    for _ in 0..20 {
        assert_eq!(client.get("/").text(), "a");
    }
    assert_eq!(upstream.connections(), 1);
    let seen = upstream.seen();
    assert_eq!(seen[0].head.lines().next(), Some("GET / HTTP/1.1"));
    assert_eq!(seen[0].field("host"), Some("u"));
}

#[test]
fn a_kept_connection_that_was_closed_is_replaced_unnoticed() {
    let upstream = Upstream::raw(|mut stream, number| {
        use std::io::{Read, Write};
        let mut bytes = [0; 4096];
        // Answers once, and closes when the next request comes, as a server does whose idle time is up.
        let _ = stream.read(&mut bytes);
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}").as_bytes());
        let _ = stream.read(&mut bytes);
    });
    let proxy = proxy_to(&group("u", &[&upstream], ""), "");
    let mut client = proxy.connect();
    for number in 1..5 {
        let answer = client.get("/");
        assert_eq!((answer.status, answer.text()), (200, number.to_string().as_str()));
    }
    // A request that must not be sent twice is not: the client is told.
    let post = client.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!(post.status, 502);
}

#[test]
fn peers_alternate_strictly_over_both_threads() {
    let (a, b) = (Upstream::saying("a"), Upstream::saying("b"));
    let mut proxy = Proxy::with(&format!(
        "worker_processes 2; {}",
        whole(&format!(
            "{} server {{ listen 127.0.0.1:8080; location / {{ proxy_pass http://u; }} }}",
            group("u", &[&a, &b], "")
        ))
    ));
    let answers: String = (0..10).map(|_| proxy.get("/").text().to_owned()).collect();
    assert_eq!(answers, "ababababab");
    let status = proxy.status();
    assert_eq!(status.threads.len(), 2);
    assert!(status.threads.iter().all(|t| t.accepted > 0), "{:?}", status.threads);
    assert_eq!(status.threads.iter().map(|t| t.requests).sum::<u64>(), 10);
    assert_eq!(status.upstreams[0].peers.iter().map(|p| p.requests).collect::<Vec<_>>(), [5, 5]);
}

#[test]
fn weights_backup_and_down() {
    let (a, b, c) = (Upstream::saying("a"), Upstream::saying("b"), Upstream::saying("c"));
    let text = |more: &str| {
        format!(
            "upstream u {{ server {} weight=2; server {}; server {} {more}; }}",
            a.address, b.address, c.address
        )
    };
    let many =
        |proxy: &Proxy, n: usize| -> String { (0..n).map(|_| proxy.get("/").text().to_owned()).collect() };
    assert_eq!(many(&proxy_to(&text("backup"), ""), 6), "abaaba");
    assert_eq!(many(&proxy_to(&text("down"), ""), 6), "abaaba");
    assert_eq!(many(&proxy_to(&text(""), ""), 8), "abcaabca");
    let only_backup = format!("upstream u {{ server {}; server {} backup; }}", nowhere(), b.address);
    assert_eq!(many(&proxy_to(&only_backup, ""), 3), "bbb");
    let all_down = format!("upstream u {{ server {} down; server {} down; }}", a.address, b.address);
    let proxy = proxy_to(&all_down, "");
    assert_eq!(proxy.get("/").status, 502);
    assert!(proxy.log("error.log", 1)[0].contains("no live upstreams"));
}

#[test]
fn a_dead_peer_rests_and_comes_back() {
    let (dead, b) = (nowhere(), Upstream::saying("b"));
    let mut proxy = proxy_to(
        &format!("upstream u {{ server {dead} fail_timeout=1s; server {}; }}", b.address),
        "add_header X-Tried $upstream_addr; add_header X-Status $upstream_status;",
    );
    let first = proxy.get("/");
    assert_eq!(first.text(), "b");
    assert_eq!(first.field("x-tried").unwrap(), format!("{dead}, {}", b.address));
    assert_eq!(first.field("x-status").unwrap(), "502, 200");
    for _ in 0..5 {
        assert_eq!(proxy.get("/").field("x-tried").unwrap(), b.address.to_string());
    }
    let peers = &proxy.status().upstreams[0].peers;
    assert_eq!((peers[0].failures, peers[0].available, peers[1].available), (1, false, true));
    let log = proxy.log("error.log", 2).join("\n");
    assert!(log.contains("[error]") && log.contains("connect() failed (111"), "{log}");
    assert!(
        log.contains(
            "while connecting to upstream, client: 127.0.0.1, server: , request: \"GET / HTTP/1.1\""
        ),
        "{log}"
    );
    assert!(log.contains("upstream server temporarily disabled"), "{log}");
    let revived = std::net::TcpListener::bind(dead).unwrap();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in revived.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\na");
        }
    });
    eventually("the peer is used again", || proxy.get("/").text() == "a");
}

#[test]
fn what_is_tried_again_and_what_is_not() {
    let bad = |path: &str| -> Reply {
        match path {
            "/close" => Reply::Last(Vec::new()),
            "/hang" => Reply::Hang(Duration::from_secs(20)),
            "/garbage" => Reply::Last(b"not http at all\r\n\r\n".to_vec()),
            "/503" => Reply::Bytes(b"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy".to_vec()),
            "/404" => Reply::Bytes(b"HTTP/1.1 404 None\r\nContent-Length: 4\r\n\r\nnone".to_vec()),
            _ => ok("good"),
        }
    };
    let script = move |seen: &Seen| bad(seen.head.split(' ').nth(1).unwrap());
    let ask = |settings: &str, method: &str, path: &str| {
        let (a, b) = (Upstream::serve(script), Upstream::saying("b"));
        let proxy = proxy_to(&group("u", &[&a, &b], ""), &format!("proxy_read_timeout 1s; {settings}"));
        let answer = proxy
            .connect()
            .ask(&format!("{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"));
        (answer.status, a.seen().len() + b.seen().len())
    };
    for (settings, method, path, outcome) in [
        ("", "GET", "/close", (200, 2)),
        ("", "GET", "/hang", (200, 2)),
        ("", "GET", "/garbage", (502, 1)),
        ("", "POST", "/close", (502, 1)),
        ("", "POST", "/hang", (504, 1)),
        ("", "GET", "/503", (503, 1)),
        ("proxy_next_upstream error;", "GET", "/hang", (504, 1)),
        ("proxy_next_upstream off;", "GET", "/close", (502, 1)),
        ("proxy_next_upstream invalid_header;", "GET", "/garbage", (200, 2)),
        ("proxy_next_upstream http_503;", "GET", "/503", (200, 2)),
        ("proxy_next_upstream http_503;", "POST", "/503", (503, 1)),
        ("proxy_next_upstream http_503 non_idempotent;", "POST", "/503", (200, 2)),
        ("proxy_next_upstream http_404;", "GET", "/404", (200, 2)),
        ("proxy_next_upstream error non_idempotent;", "POST", "/close", (200, 2)),
        ("proxy_next_upstream_tries 1;", "GET", "/close", (502, 1)),
    ] {
        assert_eq!(ask(settings, method, path), outcome, "{settings} {method} {path}");
    }
}

#[test]
fn all_dead_is_502_and_silence_is_504() {
    let proxy = proxy_to(&format!("upstream u {{ server {}; server {}; }}", nowhere(), nowhere()), "");
    assert_eq!(proxy.get("/").status, 502);
    let silent = Upstream::serve(|_| Reply::Hang(Duration::from_secs(20)));
    let proxy = proxy_to(&group("u", &[&silent], ""), "proxy_read_timeout 200ms;");
    let started = Instant::now();
    assert_eq!(proxy.get("/").status, 504);
    assert!(started.elapsed() >= Duration::from_millis(190));
    assert!(proxy.log("error.log", 1)[0].contains("upstream timed out"));
    // A full backlog: connections are neither taken nor refused.
    let full = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    full.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let _fill: Vec<_> =
        (0..4).map(|_| std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200))).collect();
    let proxy = proxy_to(&format!("upstream u {{ server {address}; }}"), "proxy_connect_timeout 200ms;");
    assert_eq!(proxy.get("/").status, 504);
}

#[test]
fn what_goes_upstream() {
    let upstream = Upstream::saying("u");
    let at = upstream.address;
    let proxy = Proxy::server(&format!(
        "location / {{ proxy_pass http://{at}; }}
         location /api/ {{ proxy_pass http://{at}/v1/; }}
         location /bare {{ proxy_pass http://{at}/x; }}
         location /ten {{ proxy_http_version 1.0; proxy_pass http://{at}; }}
         location ~ ^/re/(.*)$ {{ rewrite ^/re/(.*)$ /new/$1 break; proxy_pass http://{at}; }}
         location /set/ {{
           proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr;
           proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header Accept-Encoding \"\";
           proxy_pass http://{at}; }}"
    ));
    let line = |path: &str| {
        proxy.get(path);
        upstream.seen().last().unwrap().head.lines().next().unwrap().to_owned()
    };
    assert_eq!(line("/a%20b/../c?x=%2F&y"), "GET /a%20b/../c?x=%2F&y HTTP/1.1");
    assert_eq!(line("/api/a%20b/c?x=1"), "GET /v1/a%20b/c?x=1 HTTP/1.1");
    assert_eq!(line("/api//d/../e"), "GET /v1/e HTTP/1.1");
    assert_eq!(line("/bare/y"), "GET /x/y HTTP/1.1");
    assert_eq!(line("/re/z?q=1"), "GET /new/z?q=1 HTTP/1.1");
    assert_eq!(line("/ten"), "GET /ten HTTP/1.0");
    let ten = upstream.seen().last().unwrap().clone();
    assert_eq!(ten.field("connection"), Some("close"));
    proxy.connect().ask(
        "GET /set/ HTTP/1.1\r\nHost: Some.Name:81\r\nX-Forwarded-For: 1.1.1.1\r\nAccept-Encoding: gzip\r\n\
         Connection: close, X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 1\r\nUpgrade: h2c\r\nX-Stays: yes\r\n\r\n",
    );
    let seen = upstream.seen().last().unwrap().clone();
    assert_eq!(seen.field("host"), Some("some.name"));
    assert_eq!(seen.field("x-real-ip"), Some("127.0.0.1"));
    assert_eq!(seen.field("x-forwarded-for"), Some("1.1.1.1, 127.0.0.1"));
    assert_eq!(seen.field("x-stays"), Some("yes"));
    for gone in ["accept-encoding", "x-hop", "te", "keep-alive", "upgrade"] {
        assert_eq!(seen.field(gone), None, "{gone}");
    }
    assert_eq!(proxy.get("/api").status, 301);
}
