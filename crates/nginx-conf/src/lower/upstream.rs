//! `upstream` blocks, their servers, and the implicit group of a `proxy_pass` to an address.

use super::{Lowering, named, values};
use crate::check::Item;
use crate::model::{Method, Peer, PeerAddress, Upstream};
use crate::syntax::{Directive, Word};
use diagnostic::{Diagnostic, Span};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Every `upstream` of `http`.
pub(super) fn groups(lowering: &mut Lowering<'_>, items: &[Item<'_>]) {
    for item in named(items, "upstream") {
        let word = &item.directive.args[0];
        let name = word.text().into_owned();
        if lowering.upstreams.iter().any(|known| known.name.eq_ignore_ascii_case(&name)) {
            lowering.error("duplicate-upstream", word.span, format!("duplicate upstream \"{name}\""));
            continue;
        }
        let upstream = group(lowering, item, name);
        lowering.upstreams.push(upstream);
    }
}

fn empty(name: String, implicit: bool) -> Upstream {
    Upstream {
        name,
        implicit,
        method: Method::RoundRobin,
        peers: Vec::new(),
        keepalive: if implicit { 0 } else { 32 },
        keepalive_requests: 1000,
        keepalive_time: Duration::from_secs(3600),
        keepalive_timeout: Duration::from_secs(60),
    }
}

fn group(lowering: &mut Lowering<'_>, item: &Item<'_>, name: String) -> Upstream {
    let mut upstream = empty(name, false);
    let mut method: Option<Span> = None;
    for inner in &item.items {
        let directive = inner.directive;
        let span = directive.name.span;
        match directive.name_text().as_ref() {
            "server" => server(lowering, directive, &mut upstream),
            word @ ("ip_hash" | "least_conn") => {
                if let Some(first) = method.replace(span) {
                    lowering.report.push(
                        Diagnostic::warning("method-redefined", span, "load balancing method redefined")
                            .related(first, "it was chosen here"),
                    );
                }
                upstream.method = if word == "ip_hash" { Method::IpHash } else { Method::LeastConn };
            }
            "keepalive" => {
                if let Some(count) = lowering.number(directive, 1..=1 << 20) {
                    upstream.keepalive = usize::try_from(count).unwrap_or(usize::MAX);
                }
                if let Some(word) = directive.args.get(1).filter(|word| word.value != b"local") {
                    lowering.invalid(directive, word, "`local`");
                }
            }
            "keepalive_requests" => {
                if let Some(count) = lowering.number(directive, 0..=u64::MAX) {
                    upstream.keepalive_requests = count;
                }
            }
            "keepalive_time" => {
                if let Some(time) = lowering.time(directive) {
                    upstream.keepalive_time = time;
                }
            }
            "keepalive_timeout" => {
                if let Some(time) = lowering.time(directive) {
                    upstream.keepalive_timeout = time;
                }
            }
            _ => {}
        }
    }
    let written = item
        .directive
        .block()
        .is_some_and(|block| block.directives.iter().any(|directive| directive.name.value == b"server"));
    if !written {
        lowering.report.push(
            Diagnostic::error(
                "empty-upstream",
                item.directive.args[0].span,
                "no servers are inside upstream",
            )
            .help("add `server ADDRESS;`"),
        );
    }
    if upstream.method == Method::IpHash && upstream.peers.iter().any(|peer| peer.backup) {
        let span = named(&item.items, "server")
            .flat_map(|server| &server.directive.args)
            .find(|word| word.value == b"backup")
            .map_or(item.directive.name.span, |word| word.span);
        lowering.error("invalid-value", span, "balancing method does not support parameter \"backup\"");
    }
    upstream
}

fn server(lowering: &mut Lowering<'_>, directive: &Directive, upstream: &mut Upstream) {
    let word = &directive.args[0];
    let mut peer = Peer {
        server: word.text().into_owned(),
        address: PeerAddress::Unresolved(String::new(), 0),
        weight: 1,
        max_fails: 1,
        fail_timeout: Duration::from_secs(10),
        max_conns: 0,
        backup: false,
        down: false,
    };
    let mut sound = true;
    for parameter in &directive.args[1..] {
        let text = parameter.text().into_owned();
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        let number = || values::number(value.as_bytes()).and_then(|number| u32::try_from(number).ok());
        let understood = match (name, text.contains('=')) {
            ("weight", true) => number().filter(|weight| *weight > 0).map(|weight| peer.weight = weight),
            ("max_fails", true) => number().map(|fails| peer.max_fails = fails),
            ("max_conns", true) => number().map(|most| peer.max_conns = most),
            ("fail_timeout", true) => values::time(value.as_bytes()).map(|time| peer.fail_timeout = time),
            ("backup", false) => {
                peer.backup = true;
                Some(())
            }
            ("down", false) => {
                peer.down = true;
                Some(())
            }
            ("slow_start" | "service" | "route", true) | ("resolve" | "drain", false) => {
                lowering.unsupported(directive, parameter);
                continue;
            }
            _ => None,
        };
        if understood.is_none() {
            sound = false;
            lowering.report.push(
                Diagnostic::error("invalid-value", parameter.span, format!("invalid parameter \"{text}\""))
                    .suggest(name, ["weight", "max_fails", "max_conns", "fail_timeout", "backup", "down"]),
            );
        }
    }
    if sound {
        for address in addresses(lowering, word, &word.text(), 80) {
            upstream.peers.push(Peer { address, ..peer.clone() });
        }
    }
}

/// Splits `host[:port]` or `[v6][:port]`; `None` when the port is not one.
pub(super) fn host_port(text: &str, default_port: u16) -> Option<(&str, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            match after.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if after.is_empty() => (host, None),
                None => return None,
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = match port {
        Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        None => default_port,
    };
    (!host.is_empty()).then_some((host, port))
}

/// The addresses of a server, resolved if need be.
pub(super) fn addresses(
    lowering: &mut Lowering<'_>,
    word: &Word,
    text: &str,
    default_port: u16,
) -> Vec<PeerAddress> {
    if let Some(path) = text.strip_prefix("unix:") {
        return vec![PeerAddress::Unix(PathBuf::from(path))];
    }
    let Some((host, port)) = host_port(text, default_port) else {
        let what = if text.is_empty() { "no host" } else { "invalid host or port" };
        lowering.error("invalid-value", word.span, format!("{what} in upstream \"{text}\""));
        return Vec::new();
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        return vec![PeerAddress::Tcp(SocketAddr::new(address, port))];
    }
    match lowering.environment.resolver.resolve(host) {
        Ok(found) if !found.is_empty() => {
            found.into_iter().map(|address| PeerAddress::Tcp(SocketAddr::new(address, port))).collect()
        }
        _ => {
            lowering.report.push(
                Diagnostic::warning(
                    "host-not-found",
                    word.span,
                    format!("host not found in upstream \"{text}\""),
                )
                .label("this server gets no requests until its name is known")
                .help("nginx refuses to start here; check the name, or write an address"),
            );
            vec![PeerAddress::Unresolved(host.to_owned(), port)]
        }
    }
}

/// The group of a `proxy_pass`: a written one by its name, else an implicit one.
pub(super) fn index(lowering: &mut Lowering<'_>, word: &Word, host: &str) -> Option<usize> {
    let known = |upstream: &Upstream| upstream.name.eq_ignore_ascii_case(host);
    if let Some(index) = lowering.upstreams.iter().position(known) {
        return Some(index);
    }
    if let Some((name, port)) = host.rsplit_once(':')
        && lowering
            .upstreams
            .iter()
            .any(|upstream| !upstream.implicit && upstream.name.eq_ignore_ascii_case(name))
    {
        lowering.report.push(
            Diagnostic::error(
                "invalid-value",
                word.span,
                format!("upstream \"{name}\" may not have port {port}"),
            )
            .help("the servers of the group have ports of their own"),
        );
        return None;
    }
    let mut upstream = empty(host.to_owned(), true);
    for address in addresses(lowering, word, host, 80) {
        upstream.peers.push(Peer {
            server: host.to_owned(),
            address,
            weight: 1,
            max_fails: 1,
            fail_timeout: Duration::from_secs(10),
            max_conns: 0,
            backup: false,
            down: false,
        });
    }
    if upstream.peers.is_empty() {
        return None;
    }
    lowering.upstreams.push(upstream);
    Some(lowering.upstreams.len() - 1)
}
