//! Connections and bodies on the client's side.

use crate::support::*;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn a_connection_serves_many_requests_until_it_is_asked_to_close() {
    let proxy = Proxy::server("location / { return 200 \"$request_method $uri\"; }");
    let mut client = proxy.connect();
    for i in 0..5 {
        let answer = client.get(&format!("/{i}"));
        assert_eq!((answer.status, answer.text()), (200, format!("GET /{i}").as_str()));
        assert_eq!(answer.field("connection"), Some("keep-alive"));
    }
    let last = client.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_eq!(last.field("connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn old_clients_get_what_they_understand() {
    let upstream = Upstream::serve(|_| {
        Reply::Bytes(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
                .to_vec(),
        )
    });
    let proxy = Proxy::server(&format!("location / {{ proxy_pass http://{}; }}", upstream.address));
    let mut client = proxy.connect();
    let answer = client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!((answer.field("transfer-encoding"), answer.text()), (None, "hello world"));
    assert_eq!(answer.field("connection"), Some("close"));
    let proxy = Proxy::server("return 200 x;");
    let mut client = proxy.connect();
    let answer = client.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(answer.field("connection"), Some("keep-alive"));
    assert_eq!(client.ask("GET / HTTP/1.0\r\n\r\n").field("connection"), Some("close"));
    assert!(client.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let upstream = Upstream::serve(|seen| ok(seen.head.split(' ').nth(1).unwrap()));
    let proxy = Proxy::http(&format!(
        "{} server {{ listen 127.0.0.1:8080; location /p {{ proxy_pass http://u; }} location / {{ return 200 $uri; }} }}",
        group("u", &[&upstream], "")
    ));
    let mut client = proxy.connect();
    let paths: Vec<String> = (0..50).map(|i| format!("/{}{i}", if i % 3 == 0 { "p" } else { "l" })).collect();
    let all: String = paths.iter().map(|p| format!("GET {p} HTTP/1.1\r\nHost: h\r\n\r\n")).collect();
    client.send(&all);
    for path in &paths {
        assert_eq!(client.response(false).text(), path);
    }
    client.send(
        "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET /x HTTP/1.1\r\nHost: h\r\n\r\n",
    );
    assert_eq!(client.response(false).text(), "/p");
    assert_eq!(client.response(false).text(), "/x");
    assert_eq!(upstream.seen().last().unwrap().body, b"abc");
}

#[test]
fn head_and_bodyless_statuses_leave_the_connection_in_step() {
    let upstream = Upstream::serve(|seen| {
        let path = seen.head.split(' ').nth(1).unwrap();
        Reply::Bytes(match path {
            "/head" => b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n".to_vec(),
            "/204" => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
            "/304" => b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".to_vec(),
            "/103" => {
                b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
                    .to_vec()
            }
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec(),
        })
    });
    let proxy = Proxy::http(&format!(
        "{} server {{ listen 127.0.0.1:8080; location / {{ proxy_pass http://u; }}
         location /text204 {{ return 204 text; }} location /l {{ return 200 local; }} }}",
        group("u", &[&upstream], "")
    ));
    let mut client = proxy.connect();
    let head = client.ask("HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!((head.status, head.field("content-length")), (200, Some("7")));
    assert_eq!(client.ask("HEAD /l HTTP/1.1\r\nHost: h\r\n\r\n").field("content-length"), Some("5"));
    for (path, status) in [("/204", 204), ("/304", 304), ("/text204", 204), ("/103", 200), ("/l", 200)] {
        assert_eq!(client.get(path).status, status, "{path}");
        assert_eq!(client.get("/").text(), "ok", "after {path}");
    }
    assert_eq!(upstream.connections(), 1);
}

#[test]
fn bodies_arrive_whole_however_they_are_framed() {
    let upstream = Upstream::serve(|seen| {
        let mut answer =
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", seen.body.len()).into_bytes();
        answer.extend_from_slice(&seen.body);
        Reply::Bytes(answer)
    });
    let proxy = Proxy::server(&format!(
        "client_max_body_size 0; location / {{ proxy_pass http://{}; }}
         location /old {{ proxy_http_version 1.0; proxy_pass http://{0}; }}",
        upstream.address
    ));
    for length in [0, 1, 100, 16_383, 16_384, 16_385, 100_000, 5_000_000] {
        let body = noise(length);
        for path in ["/", "/old"] {
            let mut client = proxy.connect();
            let mut writer = client.stream.try_clone().unwrap();
            let sent = body.clone();
            let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
            let sending = std::thread::spawn(move || {
                writer.write_all(head.as_bytes()).unwrap();
                writer.write_all(&sent).unwrap();
            });
            assert!(client.response(false).body == body, "{length} bytes to {path}");
            sending.join().unwrap();
            let mut writer = client.stream.try_clone().unwrap();
            let sent = body.clone();
            let head = format!("POST {path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
            let sending = std::thread::spawn(move || {
                writer.write_all(head.as_bytes()).unwrap();
                for piece in sent.chunks(7001) {
                    writer.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
                    writer.write_all(piece).unwrap();
                    writer.write_all(b"\r\n").unwrap();
                }
                writer.write_all(b"0\r\n\r\n").unwrap();
            });
            assert!(client.response(false).body == body, "{length} bytes in chunks to {path}");
            sending.join().unwrap();
        }
    }
}

#[test]
fn a_slow_reader_slows_the_upstream_and_fills_no_memory() {
    const LENGTH: usize = 200 << 20;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let upstream = Upstream::raw(move |mut stream, _| {
        let mut head = [0; 4096];
        let _ = stream.read(&mut head);
        let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes());
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..LENGTH >> 20 {
            if stream.write_all(&piece).is_err() {
                return;
            }
            count.fetch_add(piece.len(), Ordering::SeqCst);
        }
    });
    let proxy = Proxy::server(&format!(
        "location / {{ proxy_read_timeout 1s; proxy_pass http://{}; }}",
        upstream.address
    ));
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    // Longer than the upstream may be silent: it is not, it is only not asked.
    std::thread::sleep(Duration::from_millis(2200));
    // What it could send is in the memory of the proxy, or in the kernel's.
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < 64 << 20, "{sent} bytes");
    let (mut total, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        match client.stream.read(&mut buffer).unwrap() {
            0 => break,
            n => total += n,
        }
    }
    assert!(total > LENGTH && total < LENGTH + 1000, "{total}");
}

#[test]
fn a_slow_sender_may_take_longer_than_the_upstream() {
    let upstream = Upstream::serve(|seen| ok(&seen.body.len().to_string()));
    let proxy = Proxy::server(&format!(
        "location / {{ client_body_buffer_size 1k; proxy_read_timeout 1s; proxy_pass http://{}; }}",
        upstream.address
    ));
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n");
    for _ in 0..10 {
        client.send([b'x'; 1000]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(client.response(false).text(), "10000");
}

#[test]
fn an_answer_before_the_end_of_the_body_ends_both_connections() {
    let upstream = Upstream::raw(|mut stream, number| {
        let mut bytes = vec![0; 1 << 20];
        let n = stream.read(&mut bytes).unwrap();
        assert!(n > 0);
        stream.write_all(format!("HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\n{number}").as_bytes()).unwrap();
        while matches!(stream.read(&mut bytes), Ok(n) if n > 0) {}
    });
    let proxy = Proxy::http(&format!(
        "{} server {{ listen 127.0.0.1:8080; client_max_body_size 0; location / {{ proxy_pass http://u; }} }}",
        group("u", &[&upstream], "")
    ));
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
    client.send(noise(100_000));
    let answer = client.response(false);
    assert_eq!((answer.status, answer.text(), answer.field("connection")), (403, "1", Some("close")));
    // The upstream still waits for the rest of that body: its connection serves nobody else.
    assert_eq!(proxy.get("/").text(), "2");
}

#[test]
fn expect_continue() {
    let upstream = Upstream::serve(|seen| ok(&format!("{}{:?}", seen.body.len(), seen.field("expect"))));
    let proxy = Proxy::server(&format!(
        "location / {{ proxy_pass http://{}; }} location /no {{ return 403; }}",
        upstream.address
    ));
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.response(true).status, 100);
    client.send("hello");
    assert_eq!(client.response(false).text(), "5None");
    client.send("POST /no HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.response(false).status, 403);
    client.finish();
    assert!(client.is_closed());
}

#[test]
fn a_body_that_nobody_wants_is_dropped_and_the_connection_goes_on() {
    let proxy = Proxy::server("location / { return 200 ok; }");
    let mut client = proxy.connect();
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n");
    assert_eq!(client.response(false).text(), "ok");
    client.send([b'G'; 10_000]);
    assert_eq!(client.get("/").text(), "ok");
}

#[test]
fn limits() {
    let upstream = Upstream::saying("u");
    let proxy = Proxy::server(&format!(
        "client_max_body_size 100; client_header_timeout 400ms; client_body_timeout 300ms;
         large_client_header_buffers 4 1k;
         location / {{ proxy_pass http://{}; }}",
        upstream.address
    ));
    let ask = |request: &str| {
        let mut client = proxy.connect();
        client.send(request);
        let answer = client.response(false);
        assert_eq!(answer.field("connection"), Some("close"));
        assert!(client.is_closed());
        answer.status
    };
    assert_eq!(ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n"), 413);
    let chunk = format!("65\r\n{}\r\n", "x".repeat(101));
    assert_eq!(ask(&format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}")), 413);
    assert_eq!(ask(&format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(1100))), 414);
    assert_eq!(ask(&format!("GET /{}", "x".repeat(5000))), 414);
    assert_eq!(ask(&format!("GET / HTTP/1.1\r\nHost: h\r\nA: {}\r\n\r\n", "x".repeat(5000))), 431);
    assert_eq!(ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc"), 408);
    // A head that trickles in is given up by its total time, however alive it looks.
    let started = Instant::now();
    let mut client = proxy.connect();
    let mut slow = client.stream.try_clone().unwrap();
    let trickle = std::thread::spawn(move || {
        // It would take half a minute.
        let endless = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}", "y".repeat(1000));
        for byte in endless.bytes() {
            if slow.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    });
    assert_eq!(client.response(false).status, 408);
    assert!(started.elapsed() < PATIENCE);
    drop(client);
    trickle.join().unwrap();
    assert!(upstream.seen().is_empty());
}

#[test]
fn a_half_sent_answer_is_never_passed_off_as_whole() {
    let upstream = Upstream::serve(|seen| {
        Reply::Last(match seen.head.split(' ').nth(1).unwrap() {
            "/length" => b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf".to_vec(),
            "/chunk" => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n".to_vec(),
            _ => b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n".to_vec(),
        })
    });
    let proxy = Proxy::server(&format!("location / {{ proxy_pass http://{}; }}", upstream.address));
    for path in ["/length", "/chunk", "/bad"] {
        assert!(!proxy.get(path).complete, "{path}");
    }
}

#[test]
fn a_connection_that_switches_protocols_becomes_a_tunnel() {
    let upstream = Upstream::raw(|mut stream, _| {
        let mut bytes = vec![0; 65536];
        let n = stream.read(&mut bytes).unwrap();
        let head = String::from_utf8_lossy(&bytes[..n]).into_owned();
        // Nothing that the client sent behind its request may be here yet.
        let whole = head.ends_with("\r\n\r\n") && !head.contains("early");
        if !head.contains("Upgrade: websocket\r\n") || !head.contains("Connection: upgrade\r\n") || !whole {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno");
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
        let switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Key: k\r\n\r\nhello";
        stream.write_all(switch).unwrap();
        while let Ok(n @ 1..) = stream.read(&mut bytes) {
            if bytes[..n].ends_with(b"bye") || stream.write_all(&bytes[..n]).is_err() {
                return;
            }
        }
    });
    let proxy = Proxy::server(&format!(
        "location / {{ proxy_read_timeout 1s; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade;
           proxy_pass http://{}; }}
         location /plain {{ proxy_pass http://{0}; }}",
        upstream.address
    ));
    let ask = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let mut client = proxy.connect();
    client.send(format!("{ask}early"));
    let answer = client.response(true);
    assert_eq!((answer.status, answer.field("connection")), (101, Some("upgrade")));
    assert_eq!((answer.field("upgrade"), answer.field("x-key")), (Some("websocket"), Some("k")));
    assert_eq!(client.exactly(10), b"helloearly");
    // Longer than the time-out in all, but never silent for so long.
    for _ in 0..6 {
        std::thread::sleep(Duration::from_millis(200));
        client.send("ping");
        assert_eq!(client.exactly(4), b"ping");
    }
    let much = noise(3 << 20);
    let mut writer = client.stream.try_clone().unwrap();
    let sent = much.clone();
    let sending = std::thread::spawn(move || writer.write_all(&sent).unwrap());
    assert!(client.exactly(much.len()) == much);
    sending.join().unwrap();
    client.send("bye");
    assert!(client.is_closed());
    assert!(proxy.log("access.log", 1)[0].contains("\" 101 "));
    // Silence ends it.
    let mut silent = proxy.connect();
    assert_eq!(silent.ask(ask).status, 101);
    let started = Instant::now();
    assert_eq!(silent.rest(), b"hello");
    assert!(started.elapsed() > Duration::from_millis(700));
    // Not asked for: refused.
    assert_eq!(proxy.get("/").text(), "no");
    assert_eq!(proxy.connect().ask(&ask.replace("GET /", "GET /plain")).text(), "no");
}

#[test]
fn large_bodies_go_through_whole_and_leave_the_connection_in_step() {
    let body = noise(9_000_001);
    let sent = body.clone();
    let upstream = Upstream::serve(move |seen| {
        let cut = if seen.head.contains("/cut") { 5_000_000 } else { sent.len() };
        let mut answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len()).into_bytes();
        answer.extend_from_slice(&sent[..cut]);
        if seen.head.contains("/surplus") {
            answer.extend_from_slice(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
        }
        if cut < sent.len() { Reply::Last(answer) } else { Reply::Bytes(answer) }
    });
    let proxy = Proxy::http(&format!(
        "{} server {{ listen 127.0.0.1:8080; location / {{ proxy_pass http://u; }} location /l {{ return 200 l; }} }}",
        group("u", &[&upstream], "")
    ));
    let mut client = proxy.connect();
    for _ in 0..3 {
        assert!(client.get("/").body == body);
        assert_eq!(client.get("/l").text(), "l");
    }
    assert_eq!(upstream.connections(), 1);
    assert!(client.get("/surplus").body == body);
    assert!(client.get("/").body == body);
    assert_eq!(upstream.connections(), 2, "a connection with bytes too many is not kept");
    let cut = proxy.get("/cut");
    assert!(!cut.complete && cut.body.len() <= 5_000_000 && body.starts_with(&cut.body));
    // Many at once, each as slow as it likes.
    std::thread::scope(|scope| {
        for speed in 1..9 {
            let (proxy, body) = (&proxy, &body);
            scope.spawn(move || {
                let mut client = proxy.connect();
                client.send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
                let (mut all, mut buffer) = (Vec::new(), vec![0; speed * 50_000]);
                while let Ok(n @ 1..) = client.stream.read(&mut buffer) {
                    all.extend_from_slice(&buffer[..n]);
                    if speed < 4 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                assert!(all.ends_with(body), "{} bytes", all.len());
            });
        }
    });
    let lines = proxy.log("access.log", 16);
    assert!(
        lines.iter().filter(|line| line.contains("GET / ")).all(|line| line.contains(" 200 9000001 ")),
        "{lines:?}"
    );
}

#[test]
fn tcp_nopush_sends_the_same_answer() {
    let proxy = Proxy::server("sendfile on; tcp_nopush on; location / { }");
    let contents: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    proxy.file("large", &contents);
    let mut client = proxy.connect();
    for _ in 0..2 {
        let answer = client.get("/large");
        assert_eq!((answer.status, answer.body == contents), (200, true));
    }
}

#[test]
fn a_client_that_takes_nothing_is_reset_when_so_configured() {
    let proxy = Proxy::server("send_timeout 1s; reset_timedout_connection on; location / { }");
    proxy.file("huge", vec![b'x'; 64 << 20]);
    let mut stream = std::net::TcpStream::connect(proxy.address()).unwrap();
    stream.write_all(b"GET /huge HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    // Nothing is read: the reset arrives as an error of the socket, where a close would not.
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        match stream.take_error().unwrap() {
            Some(error) => break error,
            None => assert!(Instant::now() < deadline, "no reset"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}
