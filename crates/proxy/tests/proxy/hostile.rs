//! Clients and upstreams that mean harm.

use crate::support::*;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const GOOD: &str = "GET /good HTTP/1.1\r\nHost: h\r\n\r\n";

/// Requests that two readers could take differently, or that nobody should take at all. Each is
/// answered with an error and closed.
fn malformed() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let mut line = |text: &str| all.push(format!("{text}\r\nHost: h\r\n\r\n").into_bytes());
    for method in ["", " ", "G@T", "GET\0", "G(T", "{}", "GET\t", "\"GET\"", "GET,", "[", "é", "G\rT"] {
        line(&format!("{method} / HTTP/1.1"));
    }
    for target in [
        "",
        "x",
        "http:/x",
        "*",
        "?a",
        "#",
        "//\u{7f}",
        "/\0",
        "/a\tb",
        "/\x01",
        "ftp://h/",
        "http://",
        "http:///x",
        "http://a b/",
        "http://h@x/",
        "http://h:99999999/",
        "http://[::1/",
        "http://[zz]/",
        "h:80",
        "/a b",
        "..",
    ] {
        line(&format!("GET {target} HTTP/1.1"));
    }
    for path in ["/..", "/../", "/a/../..", "/%2e%2e/", "/%", "/%a", "/%zz", "/%00", "/a%00.html", "/%u002f"]
    {
        line(&format!("GET {path} HTTP/1.1"));
    }
    for version in [
        "",
        "HTTP",
        "HTTP/",
        "HTTP/1",
        "HTTP/1.",
        "HTTP/.1",
        "HTTP/2.0",
        "HTTP/0.9",
        "HTTP/3.0",
        "HTTP/1.11",
        "HTTP/11.1",
        "http/1.1",
        "HTTP/1.1 ",
        " HTTP/1.1",
        "HTTP/1.1\t",
        "HTTP/1,1",
        "HTP/1.1",
        "HTTP/+1.1",
        "HTTP/1.1\0",
        "HTTPS/1.1",
        "HTTP/1.1 x",
        "HTTP/1.1\rX",
    ] {
        line(&format!("GET / {version}"));
    }
    line("GET /");
    line("GET");
    line("GET  / HTTP/1.1");
    line("GET\t/\tHTTP/1.1");
    line(" GET / HTTP/1.1");
    line("CONNECT h:443 HTTP/1.1");
    line("TRACE / HTTP/1.1");

    let mut fields = |text: &str| all.push(format!("POST / HTTP/1.1\r\nHost: h\r\n{text}\r\n").into_bytes());
    for length in [
        "+1",
        "-1",
        "1 1",
        "1,1",
        "1, 1",
        "0x1",
        "1a",
        "a",
        "",
        "1.0",
        "1e1",
        "99999999999999999999",
        "18446744073709551616",
        "9223372036854775808",
        "1;",
        "\"1\"",
        "1\0",
        "²",
        "1\r\n 2",
        "0 0",
        "--1",
        "1_0",
        "NaN",
        "1\x0b",
    ] {
        fields(&format!("Content-Length: {length}\r\n"));
    }
    fields("Content-Length: 1\r\nContent-Length: 1\r\n");
    fields("Content-Length: 1\r\nContent-Length: 2\r\n");
    fields("Content-Length: 0\r\nContent-Length: 0\r\n");
    for (length, coding) in [("5", "chunked"), ("0", "chunked"), ("5", "identity"), ("5", "Chunked")] {
        fields(&format!("Content-Length: {length}\r\nTransfer-Encoding: {coding}\r\n"));
        fields(&format!("Transfer-Encoding: {coding}\r\nContent-Length: {length}\r\n"));
    }
    for coding in [
        "identity",
        "gzip",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "xchunked",
        "chunkedx",
        "chunked;x=1",
        "\"chunked\"",
        "chunked,",
        ",chunked",
        "",
        "chunked, identity",
        "cow",
        "chunked\0",
        "chun ked",
        "\x0bchunked",
        "chunked\x0b",
        "x\r\n chunked",
        "compress",
        "deflate, chunked",
        "'chunked'",
        "chunked chunked",
    ] {
        fields(&format!("Transfer-Encoding: {coding}\r\n"));
    }
    fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n");
    fields("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n");
    fields("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n");
    for name in [
        "Transfer-Encoding ",
        "Content-Length ",
        "Content-Length\t",
        " Content-Length",
        "\tTransfer-Encoding",
        "Content\0Length",
        "Content Length",
        "",
        "X Y",
        "X\x01",
        "X(",
        "X@",
        "X\"",
        "X/",
        "X[",
        "X]",
        "X?",
        "X=",
        "X{",
        "X}",
        "X<",
        "X>",
        "X,",
        "X;",
        "X\\",
        "X\x7f",
        "Xé",
    ] {
        fields(&format!("{name}: 1\r\n"));
    }
    for value in ["a\0b", "a\rb", "a\x01b", "a\x7fb", "\x1b[0m", "a\x08", "\x0c", "\r", "a\nb"] {
        fields(&format!("X-Value: {value}\r\n"));
    }
    for folded in
        ["X: a\r\n b\r\n", "X: a\r\n\tb\r\n", " X: a\r\n", "X:\r\n Content-Length: 5\r\n", "X: a\r\n \r\n"]
    {
        fields(folded);
    }
    fields("nocolon\r\n");
    fields(":\r\n");
    fields("X\r\n: y\r\n");
    for expect in ["100", "200-ok", "100-continue, x", "", "99-continue", "100 continue", "y 100-continue"] {
        fields(&format!("Expect: {expect}\r\n"));
    }
    fields("Host: h\r\n");
    fields("Host: other\r\n");
    for host in [
        "a b", "a@b", "a/b", "a\\b", "a?b", "a#b", "a:b", "a:80:80", "[::1", "[x]", "[]", "a,b", "a\0b",
        ":80", "a:-1", "a:999999", "\"a\"", "<a>", "a;b", "a|b", "http://a", "{a}", "a^b", "a`b",
    ] {
        all.push(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes());
    }
    for text in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
        "GET http://a/ HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\nHost: h\n\n",
        "GET / HTTP/1.1\r\nHost: h\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n\n",
        "GET / HTTP/1.1\nHost: h\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n",
        "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\r\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\r\n\r\n",
    ] {
        all.push(text.as_bytes().to_vec());
    }
    let mut many = String::from("GET / HTTP/1.1\r\nHost: h\r\n");
    for i in 0..201 {
        many += &format!("X-{i}: y\r\n");
    }
    all.push(format!("{many}\r\n").into_bytes());
    all.push(format!("GET /{} HTTP/1.1\r\nHost: h\r\n\r\n", "x".repeat(40_000)).into_bytes());
    all.push(format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(40_000)).into_bytes());
    all.push(format!("{} / HTTP/1.1\r\nHost: h\r\n\r\n", "G".repeat(40_000)).into_bytes());
    for chunk in [
        "x\r\n",
        "-1\r\n",
        "+5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "5\nhello\n",
        "5\r\nhelloX",
        "5\r\nhello\n0\r\n\r\n",
        "5 5\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "\r\n",
        "ffffffffffffffff\r\n",
        "10000000000000000\r\n",
        "5;\0\r\nhello\r\n",
        "5;a\nb\r\nhello\r\n",
        "0\r\nX: y\n\r\n",
        "0\r\n\n",
        "5\r\rhello\r\n",
        "٥\r\n",
        "0;\r\r\n\r\n",
        "0\r\nX\0: y\r\n\r\n",
    ] {
        all.push(
            format!("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}").into_bytes(),
        );
    }
    all
}

fn target() -> (Proxy, Upstream) {
    let upstream = Upstream::saying("upstream");
    let proxy = Proxy::http(&format!(
        "{} server {{ listen 127.0.0.1:8080; client_header_timeout 2s; client_body_timeout 2s;
         location = /good {{ return 200 good; }} location / {{ proxy_pass http://u; }} }}",
        group("u", &[&upstream], "")
    ));
    (proxy, upstream)
}

#[test]
fn malformed_requests_are_refused_and_logged_while_good_ones_are_served() {
    let (proxy, upstream) = target();
    let requests = malformed();
    assert!(requests.len() >= 200, "{}", requests.len());
    let mut good = proxy.connect();
    for (i, request) in requests.iter().enumerate() {
        let shown = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
        let mut client = proxy.connect();
        // The end of the request may meet a connection that is closed already.
        let _ = client.stream.write_all(request);
        let _ = client.stream.write_all(GOOD.as_bytes());
        let answer = client.try_response(false).unwrap_or_else(|| panic!("{shown:?}: no answer"));
        assert!((400..=505).contains(&answer.status), "{shown:?}: {}", answer.head);
        assert_eq!(answer.field("connection"), Some("close"), "{shown:?}");
        assert!(client.is_closed(), "{shown:?}: goes on");
        assert_eq!(good.ask(GOOD).text(), "good", "request {i}");
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
    let log = proxy.log("error.log", requests.len());
    let told = log.iter().filter(|line| line.contains("[info]") && line.contains("client sent")).count();
    assert_eq!(told, requests.len());
}

#[test]
fn the_same_bytes_in_any_pieces_are_the_same_requests() {
    let (proxy, _upstream) = target();
    let mut random = noise(1 << 16).into_iter();
    for request in malformed().iter().filter(|r| r.len() < 500).step_by(3) {
        let mut client = proxy.connect();
        let mut rest = request.as_slice();
        while !rest.is_empty() {
            let n = (usize::from(random.next().unwrap_or(7)) % 12 + 1).min(rest.len());
            if client.stream.write_all(&rest[..n]).is_err() {
                break;
            }
            rest = &rest[n..];
            if n % 3 == 0 {
                std::thread::yield_now();
            }
        }
        let answer = client.try_response(false).map(|answer| answer.status);
        assert!(
            answer.is_some_and(|s| (400..=505).contains(&s)),
            "{:?}: {answer:?}",
            String::from_utf8_lossy(request)
        );
    }
    let pair = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: u\r\n\r\n{GOOD}"
    );
    for cut in 1..pair.len() {
        let mut client = proxy.connect();
        client.send(&pair[..cut]);
        std::thread::yield_now();
        client.send(&pair[cut..]);
        assert_eq!(client.response(false).text(), "upstream", "cut at {cut}");
        assert_eq!(client.response(false).text(), "good", "cut at {cut}");
    }
}

#[test]
fn mutants_neither_hang_nor_confuse() {
    let (proxy, upstream) = target();
    let seeds: Vec<Vec<u8>> = malformed()
        .into_iter()
        .filter(|r| r.len() < 300)
        .chain([
            GOOD.as_bytes().to_vec(),
            b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody".to_vec(),
            b"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
                .to_vec(),
        ])
        .collect();
    let mut state = 99u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let marks: [&[u8]; 8] = [b"\r\n", b"\n", b":", b" ", b"\0", b"0", b"chunked", b"Content-Length: 1\r\n"];
    for _ in 0..3000 {
        let mut request = seeds[random(seeds.len())].clone();
        for _ in 0..1 + random(3) {
            let at = random(request.len().max(1));
            match random(4) {
                0 if at < request.len() => request[at] = random(256) as u8,
                1 if at < request.len() => drop(request.remove(at)),
                2 => drop(request.splice(at..at, marks[random(marks.len())].iter().copied())),
                _ => {
                    let end = (at + random(10)).min(request.len());
                    let copy = request[at..end].to_vec();
                    request.splice(at..at, copy);
                }
            }
            if request.is_empty() {
                request.push(b'\n');
            }
        }
        let mut client = proxy.connect();
        let _ = client.stream.write_all(&request);
        let _ = client.stream.shutdown(Shutdown::Write);
        let mut answers = 0;
        // Every answer is whole and well-formed, whatever was asked.
        while let Some(answer) = client.try_response(request.starts_with(b"HEAD")) {
            assert!(answer.complete, "{:?}", String::from_utf8_lossy(&request));
            answers += 1;
        }
        assert!(answers <= 1 + request.windows(4).filter(|w| *w == b"HTTP").count(), "{request:?}");
    }
    assert_eq!(proxy.get("/good").text(), "good");
    // What reached the upstream is what a strict reader there understood.
    for seen in upstream.seen() {
        assert_eq!(seen.head.lines().next().unwrap().split(' ').count(), 3, "{}", seen.head);
    }
}

#[test]
fn lying_upstreams_are_never_passed_on() {
    let mut lies: Vec<Vec<u8>> = Vec::new();
    for status in [
        "",
        "HTTP",
        "HTTP/1.1",
        "HTTP/1.1 ",
        "HTTP/1.1 2",
        "HTTP/1.1 20",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 abc OK",
        "HTTP/1.1 099 x",
        "HTTP/1.1 -20 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/2.0 200 OK",
        "HTTP/2 200",
        "HTTP/0.9 200 OK",
        "ICY 200 OK",
        "http/1.1 200 OK",
        "HTTP/1.1200 OK",
        "HTTP/1.1 200\0OK",
        "HTTP/1.1 200 O\x01K",
        "200 OK",
        "XHTTP/1.1 200 OK",
        "HTTP/1.1 200-OK",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1 000 OK",
        "<html>",
        "\0\0\0",
        "HTTP/1.1 200 OK\rX",
        "SSH-2.0-x",
        "HTTP/11.1 200 OK",
        "HTTP/1.x 200 OK",
        " HTTP/1.1 200 OK",
    ] {
        lies.push(format!("{status}\r\nContent-Length: 2\r\n\r\nok").into_bytes());
    }
    for field in [
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: -1",
        "Content-Length: +2",
        "Content-Length: 2 2",
        "Content-Length: 2, 2",
        "Content-Length: 0x2",
        "Content-Length: a",
        "Content-Length: ",
        "Content-Length: 2.0",
        "Content-Length: 99999999999999999999",
        "Content-Length: 9223372036854775808",
        "Content-Length: 2\0",
        "Content-Length : 2",
        "Content-Length: 2\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 2",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, gzip",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked;a=b",
        "Transfer-Encoding: ",
        "Transfer-Encoding: \"chunked\"",
        "X Y: z",
        "X\0: y",
        "X: a\0b",
        "X: a\rb",
        "X: a\x01b",
        "X: \x7f",
        " X: folded first",
        "X: a\r\n folded",
        "X: a\r\n\tfolded",
        "nocolon",
        ": noname",
        "X(y): z",
        "X@: y",
        "X\x7f: y",
        "Xé: y",
        "Set-Cookie: a\r\n b",
        "X\x0b: y",
        "X: a\x0bb",
        "\"X\": y",
        "X,Y: z",
        "X;: y",
        "X/: y",
        "X?: y",
        "X=: y",
        "X[: y",
        "X]: y",
        "X{: y",
        "X}: y",
        "X<: y",
        "X>: y",
        "X\\: y",
        "Content Length: 2",
        "Transfer-Encoding : chunked",
        "X\t: y",
    ] {
        lies.push(format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\nok").into_bytes());
    }
    for chunk in [
        "x\r\n",
        "-2\r\nok\r\n",
        "+2\r\nok\r\n",
        "0x2\r\nok\r\n",
        "2\nok\n0\n\n",
        "10000000000000000\r\n",
        "\r\n",
        " 2\r\nok\r\n",
        "2 2\r\nok\r\n",
        "2;\0\r\nok\r\n",
    ] {
        lies.push(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}").into_bytes());
    }
    lies.push(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(100_000)).into_bytes());
    lies.push([&b"HTTP/1.1 200 OK\r\n"[..], b"X: y\r\n".repeat(300).as_slice(), b"\r\n"].concat());
    lies.push(b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw".to_vec());
    lies.push(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 20x OK\r\n\r\n".to_vec());
    assert!(lies.len() >= 100, "{}", lies.len());
    let told = lies.clone();
    let upstream = Upstream::serve(move |seen| {
        let number: usize = seen.head.split(['/', ' ']).nth(2).unwrap().parse().unwrap();
        Reply::Last(told[number].clone())
    });
    let proxy = Proxy::server(&format!(
        "location / {{ proxy_read_timeout 2s; proxy_pass http://{}; }}",
        upstream.address
    ));
    for (number, lie) in lies.iter().enumerate() {
        let answer = proxy.get(&format!("/{number}"));
        let shown = String::from_utf8_lossy(&lie[..lie.len().min(100)]).into_owned();
        let half = lie.starts_with(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        let refused = answer.status == 502 || half && !answer.complete;
        assert!(refused, "{shown:?}: {}", answer.head);
    }
    // More than was announced is dropped, and nobody's next answer begins with it.
    let upstream = Upstream::serve(|seen| {
        let surplus = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
        let body = if seen.request == 1 { surplus } else { "" };
        Reply::Bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood{body}").into_bytes())
    });
    let proxy = Proxy::http(&format!(
        "{} server {{ listen 127.0.0.1:8080; location / {{ proxy_pass http://u; }} }}",
        group("u", &[&upstream], "")
    ));
    let mut client = proxy.connect();
    for _ in 0..20 {
        assert_eq!(client.get("/").text(), "good");
    }
}

#[test]
fn nothing_outside_the_root_is_ever_read() {
    let proxy = Proxy::server(
        "location / { autoindex on; } location /alias { alias www/sub; autoindex on; } location /slash/ { alias www/sub/; autoindex on; }
         location ~ ^/re/(.*)$ { alias www/sub/$1; } location /try/ { alias www/sub/; try_files $uri $uri/ =404; }
         location /merge/ { root www; try_files $uri =404; }",
    );
    proxy.file("sub/inside", "inside");
    std::fs::write(proxy.path("secret"), "SECRET").unwrap();
    std::fs::create_dir(proxy.path("wwwsecret")).unwrap();
    std::fs::write(proxy.path("wwwsecret/secret"), "SECRET").unwrap();
    std::fs::create_dir(proxy.path("www/subsecret")).unwrap();
    let ups = [
        "..",
        "%2e%2e",
        ".%2e",
        "%2e.",
        "%2E%2E",
        "..%2f..",
        "%2e%2e%2f%2e%2e",
        "..%5c..",
        "..\\..",
        "%252e%252e",
        "..;",
        "...",
        "....//..",
        ".%00.",
        "%c0%ae%c0%ae",
        "%u002e%u002e",
        "..%c0%af..",
        "..%00",
        ".../..",
        "./..",
        "%2e/..",
        "//..",
        "..//",
        "x/../..",
        "..%2f",
    ];
    let mut vectors = BTreeSet::new();
    for place in [
        "", "/alias", "/alias/", "/slash", "/slash/", "/re/", "/try/", "/merge/", "/sub/", "/alias..",
        "/slash..", "/none/",
    ] {
        for up in ups {
            vectors.insert(format!("{place}/{up}/secret"));
            vectors.insert(format!("{place}{up}/secret"));
            vectors.insert(format!("{place}{up}/{up}/secret?x"));
        }
    }
    for known in [
        "/secret",
        "//secret",
        "/../wwwsecret/secret",
        "/alias../secret",
        "/alias%2e%2e/secret",
        "/alias../../secret",
    ] {
        vectors.insert(known.to_owned());
    }
    assert!(vectors.len() >= 300, "{}", vectors.len());
    for path in &vectors {
        let mut client = proxy.connect();
        client.send(format!("GET {path} HTTP/1.0\r\n\r\n"));
        let answer = client.rest();
        assert!(find(&answer, b"SECRET").is_none(), "{path}");
        assert!(find(&answer, b"nginx.conf").is_none(), "{path} lists the directory above");
        assert!(answer.starts_with(b"HTTP/1.1 "), "{path}: {:?}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(proxy.get("/alias/inside").text(), "inside");
    assert_eq!(proxy.get("/re/inside").text(), "inside");
}

#[test]
fn many_slow_clients_hold_nobody_up() {
    let (proxy, _upstream) = target();
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(proxy.address()).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nX:").unwrap();
            stream
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(proxy.get("/good").text(), "good");
    }
    for mut stream in slow {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 408 "));
    }
    std::thread::sleep(Duration::from_millis(10));
    assert_eq!(proxy.get("/good").text(), "good");
}
