//! The head of a request as it goes to an upstream.

use super::Means;
use crate::request::Request;
use crate::site::{Written, tame};
use http1::uri::{Escape, escape, split_query};
use http1::{Field, Known, Range, Version, has_token, write_decimal};
use nginx_conf::model::{Handler, ProxyHttpVersion, ProxyPass};

/// How the body follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFraming {
    /// No body.
    None,
    /// `Content-Length`
    Length(u64),
    /// `Transfer-Encoding: chunked`
    Chunked,
}

/// Writes the whole head.
pub(crate) fn write_head(request: &Request, body: BodyFraming, means: &Means<'_>, out: &mut Vec<u8>) {
    let location = request.location();
    let (proxy, forward) = (&location.settings.proxy, &location.forward);
    write_line(request, means, out);
    for written in &forward.written {
        match written {
            Written::Lines(lines) => out.extend_from_slice(lines),
            Written::Line { name, value, wild } => {
                let start = out.len();
                out.extend_from_slice(name);
                let value_start = out.len();
                request.expand(value, means.clock, out);
                if out.len() == value_start {
                    out.truncate(start);
                    continue;
                }
                if *wild {
                    tame(&mut out[value_start..]);
                }
                out.extend_from_slice(b"\r\n");
            }
        }
    }
    match body {
        BodyFraming::None => {}
        BodyFraming::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            write_decimal(length, out);
            out.extend_from_slice(b"\r\n");
        }
        BodyFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    if proxy.pass_request_headers {
        let nominated = request.known(Known::Connection).unwrap_or(b"");
        let mut lines = Lines::default();
        for field in &request.fields {
            let name = field.name.of(&request.head);
            let dropped = forward.kept_back.contains(field.known, name)
                || !nominated.is_empty() && field.known == Known::Other && has_token(nominated, name);
            if !dropped {
                lines.add(field, &request.head, out);
            }
        }
        lines.finish(&request.head, out);
    }
    out.extend_from_slice(b"\r\n");
}

/// Lines of a head that go on as they are: those that follow one another, in one piece.
#[derive(Default)]
struct Lines(Range);

impl Lines {
    fn add(&mut self, field: &Field, head: &[u8], out: &mut Vec<u8>) {
        match field.line(head) {
            Some(line) if line.start == self.0.end => self.0.end = line.end,
            line => {
                out.extend_from_slice(self.0.of(head));
                self.0 = line.unwrap_or_default();
                if line.is_none() {
                    field.write_line(head, out);
                }
            }
        }
    }

    fn finish(self, head: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.of(head));
    }
}

/// Writes the request line: that of the client where nothing changes it.
fn write_line(request: &Request, means: &Means<'_>, out: &mut Vec<u8>) {
    let location = request.location();
    let Handler::Proxy(pass) = &location.handler else { return };
    let version = match location.settings.proxy.http_version {
        ProxyHttpVersion::Http10 => Version::Http10,
        ProxyHttpVersion::Http11 => Version::Http11,
    };
    let as_it_is = request.plain_target
        && !request.changed
        && !request.method_changed
        && pass.uri.is_none()
        && request.line().ends_with(b" HTTP/1.1")
        && version == Version::Http11;
    if as_it_is {
        out.extend_from_slice(request.line());
        return out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(request.method_name());
    out.push(b' ');
    write_uri(request, pass, means, out);
    out.extend_from_slice(match version {
        Version::Http10 => b" HTTP/1.0\r\n",
        Version::Http11 => b" HTTP/1.1\r\n",
    });
}

/// The request target: as the client sent it, or with the location's prefix replaced.
pub(crate) fn write_uri(request: &Request, pass: &ProxyPass, means: &Means<'_>, out: &mut Vec<u8>) {
    let replacement = pass.uri.as_ref().filter(|_| !request.rewritten);
    match replacement {
        Some(uri) if uri.constant().is_none() => {
            let start = out.len();
            request.expand(uri, means.clock, out);
            for byte in &mut out[start..] {
                if *byte <= b' ' || *byte == 0x7f {
                    *byte = b'+';
                }
            }
            return;
        }
        None if !request.changed => {
            let target = request.parsed.path.of(&request.head);
            if target.first() != Some(&b'/') && target != b"*" {
                out.push(b'/');
            }
            let end = target.iter().position(|b| *b == b'#').unwrap_or(target.len());
            out.extend_from_slice(&target[..end]);
            return;
        }
        Some(uri) => {
            let base = uri.constant().unwrap_or(b"");
            let rest = match &request.location().prefix {
                Some(prefix) => request.path.get(prefix.len()..).unwrap_or(b""),
                None => b"",
            };
            out.extend_from_slice(base);
            escape(rest, Escape::Path, out);
            let own_args = split_query(base).1.is_some();
            if own_args && !request.args.is_empty() {
                out.push(b'&');
                out.extend_from_slice(&request.args);
                return;
            }
        }
        None => escape(&request.path, Escape::Path, out),
    }
    if !request.args.is_empty() {
        out.push(b'?');
        out.extend_from_slice(&request.args);
    }
}
