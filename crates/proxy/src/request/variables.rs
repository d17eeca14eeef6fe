//! The value of every variable.

use super::{Attempt, Request};
use crate::clock::{Clock, Time};
use crate::shared::total;
use http1::{Field, Known, Version, write_decimal};
use nginx_conf::model::{Handler, ListenAddress, Part, Template, Variable};
use std::io::Write;
use std::net::IpAddr;

impl Request {
    /// Appends the value of a word.
    pub(crate) fn expand(&self, template: &Template, clock: &Clock, out: &mut Vec<u8>) {
        for part in &template.parts {
            match part {
                Part::Literal(bytes) => out.extend_from_slice(bytes),
                Part::Variable(variable) => {
                    self.variable(variable, clock, out);
                }
            }
        }
    }

    /// Appends the value of a variable. Says whether it has one: a log shows `-` otherwise.
    pub(crate) fn variable(&self, variable: &Variable, clock: &Clock, out: &mut Vec<u8>) -> bool {
        use Variable as V;
        let found = |value: Option<&[u8]>, out: &mut Vec<u8>| match value {
            Some(value) => {
                out.extend_from_slice(value);
                true
            }
            None => false,
        };
        let number = |n: u64, out: &mut Vec<u8>| {
            write_decimal(n, out);
            true
        };
        match variable {
            V::Capture(n) => found(self.captures.group(*n), out),
            V::User(n) => found(self.user.get(*n).and_then(|v| v.as_deref()), out),
            V::RequestHeader(name) => joined(&self.head, &self.fields, name, out),
            V::UpstreamHeader(name) => joined(&self.upstream_head, &self.upstream_fields, name, out),
            V::SentHeader(name) => found(sent_field(&self.answer.head, name).as_deref(), out),
            V::Arg(name) => found(argument(&self.args, name), out),
            V::Cookie(name) => found(self.cookie(name), out),
            V::Args => {
                out.extend_from_slice(&self.args);
                !self.args.is_empty()
            }
            V::IsArgs => {
                out.extend_from_slice(if self.args.is_empty() { b"" } else { b"?" });
                true
            }
            V::Uri => found(Some(&self.path), out),
            V::RequestUri => {
                // Of an absolute form, what follows the authority.
                let path = self.parsed.path.of(&self.head);
                if matches!(path.first(), None | Some(b'?' | b'#')) {
                    out.push(b'/');
                }
                found(Some(path), out)
            }
            V::Request => found(Some(self.line()), out),
            V::RequestMethod => found(Some(self.method_name()), out),
            V::RequestFilename => found(Some(&self.file_name(&self.path, clock)), out),
            V::RequestLength => number(self.bytes, out),
            V::RequestTime => seconds(clock.now().saturating_sub(self.started), out),
            V::RequestId => found(self.id.map(|id| hex(&id)).as_deref(), out),
            V::RequestCompletion => found(self.answer.complete.then_some(b"OK"), out),
            V::DocumentRoot => found(Some(&self.document_root(clock)), out),
            V::RealpathRoot => found(self.realpath_root(clock).as_deref(), out),
            V::Host => found(Some(&self.host), out),
            V::Hostname => found(Some(self.site.shared.hostname.as_bytes()), out),
            V::Scheme => found(Some(b"http"), out),
            V::Https => false,
            V::ServerName => found(self.site.server_model(self.server).map(|s| s.name.as_bytes()), out),
            V::ServerAddr => {
                found(self.client.local.map(|a| a.ip().to_string().into_bytes()).as_deref(), out)
            }
            V::ServerPort => found(self.server_port().map(|p| p.to_string().into_bytes()).as_deref(), out),
            V::ServerProtocol => {
                let ten = self.parsed.version == Version::Http10;
                found(Some(if ten { b"HTTP/1.0" } else { b"HTTP/1.1" }), out)
            }
            V::RemoteAddr => found(Some(self.client.remote_text.as_bytes()), out),
            V::BinaryRemoteAddr => match self.client.remote.map(|a| a.ip()) {
                Some(IpAddr::V4(ip)) => found(Some(&ip.octets()), out),
                Some(IpAddr::V6(ip)) => found(Some(&ip.octets()), out),
                None => false,
            },
            V::RemotePort => self.client.remote.is_some_and(|a| number(u64::from(a.port()), out)),
            V::RemoteUser => found(self.remote_user().as_deref(), out),
            V::Status => {
                if self.answer.status < 100 {
                    out.extend_from_slice(b"000");
                    return true;
                }
                number(u64::from(self.answer.status), out)
            }
            V::BodyBytesSent => number(self.answer.body_bytes, out),
            V::BytesSent => number(self.answer.body_bytes + self.answer.head_bytes as u64, out),
            V::ContentLength => found(self.known(Known::ContentLength), out),
            V::ContentType => found(self.known(Known::ContentType), out),
            V::Connection => number(self.client.number, out),
            V::ConnectionRequests => number(self.number, out),
            V::ConnectionTime => seconds(clock.now().saturating_sub(self.client.opened), out),
            V::TimeLocal => found(Some(clock.time_local()), out),
            V::TimeIso8601 => found(Some(clock.time_iso8601()), out),
            V::Msec => seconds(clock.wall(), out),
            V::NginxVersion => found(Some(env!("CARGO_PKG_VERSION").as_bytes()), out),
            V::Pid => number(u64::from(std::process::id()), out),
            V::Pipe => found(Some(if self.number > 1 && self.keep_alive { b"p" } else { b"." }), out),
            V::GzipRatio => match self.answer.gzip {
                Some((before, after)) if after > 0 => {
                    let _ = write!(out, "{:.2}", before as f64 / after as f64);
                    true
                }
                _ => false,
            },
            V::LimitRate => found(Some(b"0"), out),
            V::ProxyHost => found(self.proxy_host().map(|(host, _)| host.as_bytes()), out),
            V::ProxyPort => self.proxy_host().is_some_and(|(_, port)| number(u64::from(port), out)),
            V::ProxyAddXForwardedFor => {
                if self.join_known(Known::XForwardedFor, out) {
                    out.extend_from_slice(b", ");
                }
                out.extend_from_slice(self.client.remote_text.as_bytes());
                true
            }
            V::UpstreamAddr => {
                self.each_attempt(out, |a, out| out.extend_from_slice(self.name_of(a).as_bytes()))
            }
            V::UpstreamStatus => self.each_attempt(out, |a, out| {
                let _ = if a.status == 0 { write!(out, "-") } else { write!(out, "{:03}", a.status) };
            }),
            V::UpstreamConnectTime => self.each_attempt(out, |a, out| elapsed(a, a.connected, out)),
            V::UpstreamHeaderTime => self.each_attempt(out, |a, out| elapsed(a, a.head, out)),
            V::UpstreamResponseTime => {
                self.each_attempt(out, |a, out| elapsed(a, Some(a.ended.unwrap_or(clock.now())), out))
            }
            V::UpstreamResponseLength => self.each_attempt(out, |a, out| {
                let _ = write!(out, "{}", a.body);
            }),
            V::UpstreamBytesSent => self.each_attempt(out, |a, out| {
                let _ = write!(out, "{}", a.sent);
            }),
            V::UpstreamBytesReceived => self.each_attempt(out, |a, out| {
                let _ = write!(out, "{}", a.received);
            }),
            V::ConnectionsActive => number(total(&self.site.shared.counters, |c| &c.active), out),
            V::ConnectionsWriting => number(total(&self.site.shared.counters, |c| &c.writing), out),
            V::ConnectionsWaiting => number(total(&self.site.shared.counters, |c| &c.waiting), out),
            V::ConnectionsReading => {
                let counters = &self.site.shared.counters;
                let busy = total(counters, |c| &c.writing) + total(counters, |c| &c.waiting);
                number(total(counters, |c| &c.active).saturating_sub(busy), out)
            }
            // The check refuses what the proxy does not know.
            _ => false,
        }
    }

    fn each_attempt(&self, out: &mut Vec<u8>, write: impl Fn(&Attempt, &mut Vec<u8>)) -> bool {
        for (i, attempt) in self.attempts.iter().enumerate() {
            if i > 0 {
                out.extend_from_slice(b", ");
            }
            write(attempt, out);
        }
        !self.attempts.is_empty()
    }

    /// Appends all fields of a kind, joined by commas.
    pub(crate) fn join_known(&self, known: Known, out: &mut Vec<u8>) -> bool {
        join(&self.head, self.fields.iter().filter(|f| f.known == known), out)
    }

    fn proxy_host(&self) -> Option<(&str, u16)> {
        match &self.location().handler {
            Handler::Proxy(pass) => Some((&pass.host, pass.port)),
            _ => None,
        }
    }

    fn cookie(&self, name: &str) -> Option<&[u8]> {
        let cookies = self.fields.iter().filter(|f| f.known == Known::Cookie);
        cookies.flat_map(|f| f.value.of(&self.head).split(|b| *b == b';')).find_map(|pair| {
            let pair = pair.trim_ascii();
            let equals = pair.iter().position(|b| *b == b'=')?;
            pair[..equals].eq_ignore_ascii_case(name.as_bytes()).then_some(&pair[equals + 1..])
        })
    }

    fn server_port(&self) -> Option<u16> {
        self.client.local.map(|a| a.port()).or_else(|| {
            match self.site.http()?.listeners.get(self.client.listener)?.address {
                ListenAddress::Tcp(address) => Some(address.port()),
                ListenAddress::Unix(_) => None,
            }
        })
    }

    fn remote_user(&self) -> Option<Vec<u8>> {
        let credentials = self.known(Known::Authorization)?;
        let (scheme, encoded) = credentials.split_at_checked(6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        let decoded = decode_base64(encoded.trim_ascii())?;
        let user = decoded.split(|b| *b == b':').next()?.to_vec();
        (!user.is_empty()).then_some(user)
    }
}

/// `$arg_NAME`: the first argument of that name, whatever its case.
fn argument<'a>(args: &'a [u8], name: &str) -> Option<&'a [u8]> {
    args.split(|b| *b == b'&').find_map(|pair| {
        let equals = pair.iter().position(|b| *b == b'=')?;
        pair[..equals].eq_ignore_ascii_case(name.as_bytes()).then_some(&pair[equals + 1..])
    })
}

/// Appends all fields of a name (`-` written as `_`), joined by commas.
fn joined(head: &[u8], fields: &[Field], name: &str, out: &mut Vec<u8>) -> bool {
    join(head, fields.iter().filter(|f| is_named(f.name.of(head), name)), out)
}

fn join<'a>(head: &[u8], fields: impl Iterator<Item = &'a Field>, out: &mut Vec<u8>) -> bool {
    let mut any = false;
    for field in fields {
        if any {
            out.extend_from_slice(if field.known == Known::Cookie { b"; " } else { b", " });
        }
        out.extend_from_slice(field.value.of(head));
        any = true;
    }
    any
}

fn is_named(field: &[u8], name: &str) -> bool {
    field.len() == name.len()
        && field
            .iter()
            .zip(name.bytes())
            .all(|(a, b)| a.to_ascii_lowercase() == b || (*a == b'-' && b == b'_'))
}

/// A field of a head that was sent.
fn sent_field(head: &[u8], name: &str) -> Option<Vec<u8>> {
    head.split(|b| *b == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|b| *b == b':')?;
        is_named(&line[..colon], name).then(|| line[colon + 1..].trim_ascii().to_vec())
    })
}

fn seconds(time: Time, out: &mut Vec<u8>) -> bool {
    let _ = write!(out, "{}.{:03}", time.as_secs(), time.subsec_millis());
    true
}

fn elapsed(attempt: &Attempt, until: Option<Time>, out: &mut Vec<u8>) {
    match until {
        Some(until) => {
            seconds(until.saturating_sub(attempt.started), out);
        }
        None => out.push(b'-'),
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .flat_map(|b| [b"0123456789abcdef"[usize::from(b >> 4)], b"0123456789abcdef"[usize::from(b & 15)]])
        .collect()
}

/// Base 64 with or without padding (RFC 4648 §4).
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.iter().take_while(|b| **b != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_base64() {
        assert_eq!(argument(b"a=1&B=2&b=3", "b"), Some(&b"2"[..]));
        assert_eq!(argument(b"ab=1", "b"), None);
        assert_eq!(decode_base64(b"dXNlcjpwYXNz").as_deref(), Some(&b"user:pass"[..]));
        assert_eq!(decode_base64(b"!"), None);
        assert!(is_named(b"X-Forwarded-For", "x_forwarded_for"));
    }
}
