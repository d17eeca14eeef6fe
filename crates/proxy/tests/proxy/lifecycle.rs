//! Reloads, stops, signals and limits of the whole process.

use crate::support::*;
use proxy::Stopped;
use proxy::message::{FromProxy, StopMode, ToProxy};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn slow(upstream: &Upstream, more: &str) -> String {
    whole(&format!(
        "{} server {{ listen 127.0.0.1:8080; location / {{ proxy_pass http://u; }} {more} }}",
        group("u", &[upstream], "")
    ))
}

#[test]
fn a_reload_drains_the_old_generation_and_keeps_what_did_not_change() {
    let go = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&go);
    let upstream = Upstream::serve(move |seen| {
        if seen.head.contains("/slow") {
            eventually("the test goes on", || gone.load(Ordering::SeqCst));
        }
        ok("u")
    });
    let mut proxy = Proxy::with(&slow(&upstream, "location /v { access_log one.log; return 200 one; }"));
    let (mut kept, mut busy) = (proxy.connect(), proxy.connect());
    assert_eq!(kept.get("/v").text(), "one");
    assert_eq!(kept.get("/").text(), "u");
    busy.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
    eventually("the request is under way", || upstream.seen().len() == 2);
    proxy.load(&slow(&upstream, "location /v { access_log two.log; return 200 two; }"));
    // The connection stays; its next request meets the new configuration.
    assert_eq!(kept.get("/v").text(), "two");
    go.store(true, Ordering::SeqCst);
    assert_eq!(busy.response(false).text(), "u");
    match proxy.hear() {
        FromProxy::Drained(generation) => assert_eq!(generation, 1),
        other => panic!("{other:?}"),
    }
    assert_eq!(busy.get("/v").text(), "two");
    assert_eq!(kept.get("/").text(), "u");
    let peer = proxy.status().upstreams[0].peers[0].clone();
    // The counters went on, and the connection that was kept served on both sides of the reload.
    assert_eq!((peer.requests, upstream.connections()), (3, 1), "{peer:?}");
    assert_eq!(proxy.log("two.log", 2).len(), 2);
    assert_eq!(proxy.log("one.log", 1).len(), 1);
    assert!(proxy.log("access.log", 3).iter().all(|line| !line.contains("/v")));
}

#[test]
fn a_reload_that_takes_a_listener_away_closes_what_was_idle_there() {
    let two =
        "server { listen 127.0.0.1:8080; return 200 a; } server { listen 127.0.0.1:8081; return 200 b; }";
    let mut proxy = Proxy::http(two);
    let second = proxy.addresses()[1];
    let (mut first, mut other) = (proxy.connect(), Client::to(second));
    assert_eq!((first.get("/").text(), other.get("/").text()), ("a", "b"));
    proxy.load(&whole("server { listen 127.0.0.1:8081; return 200 c; }"));
    assert!(first.is_closed());
    assert_eq!(other.get("/").text(), "c");
}

#[test]
fn a_graceful_stop_finishes_what_is_under_way() {
    let go = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&go);
    let upstream = Upstream::serve(move |_| {
        eventually("the test goes on", || gone.load(Ordering::SeqCst));
        ok("late")
    });
    let mut proxy = Proxy::with(&slow(&upstream, "location /q { return 200 q; }"));
    let (mut idle, mut busy) = (proxy.connect(), proxy.connect());
    assert_eq!(idle.get("/q").text(), "q");
    busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    eventually("the request is under way", || upstream.seen().len() == 1);
    proxy.signal(sys::signals::QUIT);
    assert!(matches!(proxy.hear(), FromProxy::Stopping(StopMode::Graceful)));
    assert!(idle.is_closed());
    go.store(true, Ordering::SeqCst);
    let answer = busy.response(false);
    assert_eq!((answer.text(), answer.field("connection")), ("late", Some("close")));
    assert_eq!(proxy.ended(), Stopped::AsTold);
    assert_eq!(proxy.log("access.log", 2).len(), 2);
}

#[test]
fn a_fast_stop_waits_for_nobody() {
    let upstream = Upstream::serve(|_| Reply::Hang(Duration::from_secs(20)));
    let mut proxy = Proxy::with(&slow(&upstream, ""));
    let mut busy = proxy.connect();
    busy.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    eventually("the request is under way", || upstream.seen().len() == 1);
    proxy.order(&ToProxy::Stop(StopMode::Graceful));
    std::thread::sleep(Duration::from_millis(50));
    assert!(proxy.is_running());
    proxy.signal(sys::signals::TERM);
    assert_eq!(proxy.ended(), Stopped::AsTold);
    assert!(busy.is_closed());
}

#[test]
fn a_stop_before_the_first_configuration_is_one() {
    let mut proxy = Proxy::told_to_end_at_once(&whole("server { listen 127.0.0.1:8080; return 200; }"));
    assert!(matches!(proxy.hear(), FromProxy::Stopping(StopMode::Fast)));
    assert!(matches!(proxy.hear(), FromProxy::Refused(1, _)));
    assert_eq!(proxy.ended(), Stopped::AsTold);
}

#[test]
fn signals_of_operators_are_passed_on() {
    let mut proxy = Proxy::server("return 200;");
    proxy.signal(sys::signals::HUP);
    assert!(matches!(proxy.hear(), FromProxy::ReloadAsked));
    proxy.signal(sys::signals::USR1);
    assert!(matches!(proxy.hear(), FromProxy::ReopenAsked));
    proxy.signal(sys::signals::WINCH);
    assert_eq!(proxy.get("/").status, 200);
}

#[test]
fn idle_connections_make_room_and_busy_ones_do_not() {
    let go = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&go);
    let upstream = Upstream::serve(move |_| {
        eventually("the test goes on", || gone.load(Ordering::SeqCst));
        ok("late")
    });
    let mut proxy = Proxy::with(&format!(
        "error_log error.log warn; events {{ worker_connections 5; }}
         http {{ access_log off; server {{ listen 127.0.0.1:8080; location / {{ return 200 x; }}
           location /busy {{ proxy_pass http://{}; }} }} }}",
        upstream.address
    ));
    let mut idle = proxy.connect();
    assert_eq!(idle.get("/").text(), "x");
    // Each takes two: its own connection, and one to the upstream.
    let busy = |proxy: &Proxy, number: usize| {
        let mut client = proxy.connect();
        client.send("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n");
        eventually("it is under way", || upstream.seen().len() == number);
        client
    };
    let mut clients = vec![busy(&proxy, 1), busy(&proxy, 2), busy(&proxy, 3)];
    assert!(idle.is_closed());
    let log = proxy.log("error.log", 1);
    assert!(log[0].contains("[warn]") && log[0].contains("not enough, reusing connections"), "{log:?}");
    let mut late = proxy.connect();
    late.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    assert!(proxy.log("error.log", 2)[1].contains("[alert]"));
    assert_eq!(proxy.status().threads[0].active, 3);
    go.store(true, Ordering::SeqCst);
    for client in &mut clients {
        assert_eq!(client.response(false).text(), "late");
    }
    assert_eq!(late.response(false).text(), "x");
}

#[test]
fn static_and_dynamic_apart() {
    let dynamic = Upstream::serve(|seen| ok(&format!("dynamic {}", seen.field("host").unwrap())));
    let proxy = Proxy::http(&format!(
        "types {{ text/css css; text/html html; }}
         {} server {{ listen 127.0.0.1:8080;
           location ~ \\.(html|gif|jpg|png|css|js)$ {{ root www; expires 30d; }}
           location ^~ /static/ {{ return 200 prefix; }}
           location / {{ proxy_pass http://dynamic; }} }}",
        group("dynamic", &[&dynamic], "")
    ));
    proxy.file("a.css", "css");
    let css = proxy.get("/a.css");
    assert_eq!((css.text(), css.field("cache-control")), ("css", Some("max-age=2592000")));
    assert!(css.field("etag").is_some() && css.field("last-modified").is_some());
    for (path, status, body) in [
        ("/a.css?v=1", 200, "css"),
        ("//a.css", 200, "css"),
        ("/none.css", 404, ""),
        ("/A.CSS", 200, "dynamic dynamic"),
        ("/x.js/y", 200, "dynamic dynamic"),
        ("/", 200, "dynamic dynamic"),
        ("/static/a.css", 200, "prefix"),
        ("/%2e%2e/etc/passwd", 400, ""),
    ] {
        let answer = proxy.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(body.is_empty() || answer.text() == body, "{path}: {}", answer.text());
    }
    assert_eq!(
        proxy.connect().ask("POST /a.css HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").status,
        405
    );
    assert_eq!(proxy.connect().ask(&get_with("/a.css", &["Range: bytes=1-1"])).text(), "s");
}

#[test]
fn no_request_is_lost_while_two_threads_reload_under_load() {
    let (a, b) = (Upstream::saying("u"), Upstream::saying("u"));
    let text = |generation: usize| {
        format!(
            "worker_processes 2; {}",
            whole(&format!(
                "{} server {{ listen 127.0.0.1:8080; add_header X-G {generation}; location / {{ proxy_pass http://u; }} }}",
                group("u", &[&a, &b], if generation.is_multiple_of(2) { "" } else { "keepalive 5;" })
            ))
        )
    };
    let mut proxy = Proxy::with(&text(0));
    let address = proxy.address();
    let clients: Vec<_> = (0..6)
        .map(|n| {
            std::thread::spawn(move || {
                let mut kept = Client::to(address);
                for i in 0..150 {
                    let mut fresh = None;
                    let client = if i % 5 == n % 5 { fresh.insert(Client::to(address)) } else { &mut kept };
                    let answer = client.get("/");
                    assert_eq!((answer.status, answer.text()), (200, "u"), "request {i}");
                }
            })
        })
        .collect();
    for generation in 1..8 {
        std::thread::sleep(Duration::from_millis(30));
        proxy.load_whatever_is_said(&text(generation));
    }
    clients.into_iter().for_each(|client| client.join().unwrap());
    assert_eq!(proxy.get("/").field("x-g"), Some("7"));
    let status = proxy.status();
    assert!(status.threads.iter().all(|thread| thread.accepted > 10), "{status:?}");
    // The client may have the last answer before the proxy has put its books in order.
    eventually("no request is under way", || {
        proxy.status().upstreams[0].peers.iter().all(|peer| peer.active == 0)
    });
}
