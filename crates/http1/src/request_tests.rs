use super::*;
use crate::{HeadScan, Scanned};

/// As the proxy does it: find the end, then read.
fn read(bytes: &[u8]) -> Result<RequestHead, RequestError> {
    match HeadScan::default().advance(bytes, false) {
        Scanned::Complete(end) => parse_request(&bytes[..end], &mut Vec::new()),
        Scanned::BareLineFeed => Err(RequestError::BareLineFeed),
        Scanned::Partial => panic!("partial head"),
    }
}

fn with(fields: &str) -> Result<RequestHead, RequestError> {
    read(format!("POST /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes())
}

#[test]
fn an_ordinary_request() {
    let bytes = b"GET /a?b=c HTTP/1.1\r\nHost: example.org:8080\r\nX_y:  v \t\r\n\r\n";
    let mut fields = Vec::new();
    let head = parse_request(bytes, &mut fields).unwrap();
    assert_eq!((head.method, head.version, head.keep_alive), (Method::Get, Version::Http11, true));
    assert_eq!(head.path.of(bytes), b"/a?b=c");
    assert_eq!(head.host.unwrap().of(bytes), b"example.org:8080");
    assert_eq!(fields[1].value.of(bytes), b"v");
    assert!(fields[1].odd_name && !fields[0].odd_name);
}

#[test]
fn framing() {
    assert_eq!(with("").unwrap().framing, Framing::None);
    assert_eq!(with("Content-Length: 5\r\n").unwrap().framing, Framing::Length(5));
    assert_eq!(with("Transfer-Encoding: Chunked\r\n").unwrap().framing, Framing::Chunked);
    let expects = with("Content-Length: 5\r\nExpect: 100-continue\r\n").unwrap();
    assert!(expects.expects_continue);
}

#[test]
fn what_two_readers_could_take_differently_is_refused() {
    use RequestError as E;
    let cases = [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", E::TransferEncoding),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", E::ContentLength),
        ("Content-Length: 5, 5\r\n", E::ContentLength),
        ("Content-Length: +5\r\n", E::ContentLength),
        ("Content-Length: 0x5\r\n", E::ContentLength),
        ("Content-Length:\r\n", E::ContentLength),
        ("Transfer-Encoding: gzip, chunked\r\n", E::TransferEncoding),
        ("Transfer-Encoding: chunked, identity\r\n", E::TransferEncoding),
        ("Transfer-Encoding: xchunked\r\n", E::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", E::TransferEncoding),
        ("Transfer-Encoding : chunked\r\n", E::FieldName),
        (" Folded: x\r\n", E::Fold),
        ("X: a\r\n\tb\r\n", E::Fold),
        ("X: a\0b\r\n", E::FieldValue),
        ("X: a\rb\r\n", E::FieldValue),
        ("X: a\nY: b\r\n", E::BareLineFeed),
        (": nameless\r\n", E::FieldName),
        ("colonless\r\n", E::FieldName),
        ("X\u{e9}: y\r\n", E::FieldName),
        ("Host: b\r\n", E::Host),
        ("Expect: 200-ok\r\n", E::Expect),
    ];
    for (fields, error) in cases {
        assert_eq!(with(fields).unwrap_err(), error, "{fields:?}");
    }
}

#[test]
fn request_lines() {
    use RequestError as E;
    let line = |line: &str| read(format!("{line}\r\nHost: a\r\n\r\n").as_bytes());
    for (bad, error) in [
        ("GET /", E::RequestLine),
        ("GET  / HTTP/1.1", E::Target),
        ("GET / HTTP/1.1 ", E::RequestLine),
        (" GET / HTTP/1.1", E::RequestLine),
        ("GET / HTTP/2.0", E::Version),
        ("GET / http/1.1", E::RequestLine),
        ("GET / HTTP/1.10", E::RequestLine),
        ("G@T / HTTP/1.1", E::RequestLine),
        ("GET x HTTP/1.1", E::Target),
        ("GET * HTTP/1.1", E::Target),
        ("GET /\u{7f} HTTP/1.1", E::Target),
        ("GET http:// HTTP/1.1", E::Target),
        ("GET http://b/ HTTP/1.1", E::Host),
    ] {
        assert_eq!(line(bad).unwrap_err(), error, "{bad:?}");
    }
    let absolute = b"GET http://A?q HTTP/1.1\r\nHost: a\r\n\r\n";
    let head = read(absolute).unwrap();
    assert_eq!((head.host.unwrap().of(absolute), head.path.of(absolute)), (&b"A"[..], &b"?q"[..]));
    assert_eq!(line("OPTIONS * HTTP/1.1").unwrap().method, Method::Options);
}

#[test]
fn hosts() {
    for good in ["a", "a.b-c_d", "1.2.3.4:80", "[::1]", "[::1]:8080", "a:"] {
        assert!(is_host(good.as_bytes()), "{good}");
    }
    for bad in ["", "a b", "a/b", "a:x", "a:123456", "[::1", "[]", "[::g]", "[::1]x", "a@b", ":80"] {
        assert!(!is_host(bad.as_bytes()), "{bad}");
    }
    assert_eq!(read(b"GET / HTTP/1.1\r\n\r\n").unwrap_err(), RequestError::Host);
    assert!(read(b"GET / HTTP/1.0\r\n\r\n").unwrap().host.is_none());
}

#[test]
fn ten_has_no_chunks_and_closes() {
    let head = read(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").unwrap();
    assert!(head.keep_alive);
    assert!(!read(b"GET / HTTP/1.0\r\n\r\n").unwrap().keep_alive);
    assert!(!read(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n").unwrap().keep_alive);
    let chunked = read(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(chunked.unwrap_err(), RequestError::TransferEncoding);
}
