//! The head of a request as it goes to an upstream.

use super::Means;
use crate::request::Request;
use http1::uri::{Escape, escape, split_query};
use http1::{Field, Known, has_token};
use nginx_conf::model::{ProxyHttpVersion, ProxyPass};
use std::io::Write;

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
pub(crate) fn write_head(
    request: &Request,
    pass: &ProxyPass,
    body: BodyFraming,
    means: &Means<'_>,
    out: &mut Vec<u8>,
) {
    let proxy = &request.settings().proxy;
    out.extend_from_slice(request.method_name());
    out.push(b' ');
    write_uri(request, pass, means, out);
    out.extend_from_slice(match proxy.http_version {
        ProxyHttpVersion::Http10 => b" HTTP/1.0\r\n",
        ProxyHttpVersion::Http11 => b" HTTP/1.1\r\n",
    });
    for (name, value) in &proxy.set_headers {
        let start = out.len();
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        let value_start = out.len();
        request.expand(value, means.clock, out);
        if out.len() == value_start {
            out.truncate(start);
            continue;
        }
        // A variable may hold what a client wrote: it must not begin a new line.
        for byte in &mut out[value_start..] {
            if matches!(byte, b'\r' | b'\n' | 0) {
                *byte = b' ';
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    match body {
        BodyFraming::None => {}
        BodyFraming::Length(length) => {
            let _ = write!(out, "Content-Length: {length}\r\n");
        }
        BodyFraming::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
    }
    if proxy.pass_request_headers {
        let nominated = request.known(Known::Connection).unwrap_or(b"");
        for field in &request.fields {
            if passes(request, field, nominated) {
                field.write_line(&request.head, out);
            }
        }
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a field of the client's goes on: not those between two hops (RFC 9110 §7.6.1), nor
/// those that the configuration or the proxy itself writes.
fn passes(request: &Request, field: &Field, nominated: &[u8]) -> bool {
    let hop = matches!(
        field.known,
        Known::Connection
            | Known::KeepAlive
            | Known::ProxyConnection
            | Known::Te
            | Known::Trailer
            | Known::TransferEncoding
            | Known::Upgrade
            | Known::Expect
            | Known::ContentLength
            | Known::Host
    );
    if hop {
        return false;
    }
    let name = field.name.of(&request.head);
    if !nominated.is_empty() && field.known == Known::Other && has_token(nominated, name) {
        return false;
    }
    !request.settings().proxy.set_headers.iter().any(|(set, _)| name.eq_ignore_ascii_case(set.as_bytes()))
}

/// The request target: as the client sent it, or with the location's prefix replaced.
fn write_uri(request: &Request, pass: &ProxyPass, means: &Means<'_>, out: &mut Vec<u8>) {
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
