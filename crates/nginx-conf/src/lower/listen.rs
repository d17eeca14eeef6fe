//! `listen`: addresses and their options, merged over all servers.

use super::Lowering;
use super::values;
use crate::model::{ListenAddress, Listener};
use crate::syntax::{Directive, Word};
use diagnostic::{Diagnostic, Span};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// The addresses found so far.
#[derive(Default)]
pub(super) struct Addresses {
    bound: Vec<Bound>,
}

struct Bound {
    listener: Listener,
    /// The `listen` that set options, if one did.
    options: Option<Span>,
    default: Option<Span>,
    last: Option<Span>,
}

/// What one `listen` says besides the address.
#[derive(Default)]
struct Options {
    default_server: bool,
    backlog: Option<u32>,
    ipv6only: Option<bool>,
    reuseport: bool,
    rcvbuf: Option<usize>,
    sndbuf: Option<usize>,
    deferred: bool,
    keepalive: Option<bool>,
    /// Some option of the socket is set.
    set: bool,
}

impl Addresses {
    /// The listeners, in the order in which they were first named.
    pub(super) fn into_listeners(self) -> Vec<Listener> {
        self.bound.into_iter().map(|bound| bound.listener).collect()
    }

    /// A server without `listen`: port 80, or 8000 for those who may not bind it.
    pub(super) fn add_default(&mut self, lowering: &mut Lowering<'_>, server: usize) {
        let port = if lowering.environment.root { 80 } else { 8000 };
        let address = ListenAddress::Tcp(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        self.add(lowering, None, address, server, &Options::default());
    }

    /// One `listen` of a server.
    pub(super) fn add_listen(&mut self, lowering: &mut Lowering<'_>, directive: &Directive, server: usize) {
        let options = options(lowering, directive);
        let word = &directive.args[0];
        for address in parse(lowering, directive, word) {
            let tcp6 = matches!(&address, ListenAddress::Tcp(SocketAddr::V6(_)));
            if options.ipv6only.is_some() && !tcp6 {
                lowering.error("invalid-value", word.span, "ipv6only is not supported on this address");
            }
            self.add(lowering, Some(word.span), address, server, &options);
        }
    }

    fn add(
        &mut self,
        lowering: &mut Lowering<'_>,
        span: Option<Span>,
        address: ListenAddress,
        server: usize,
        options: &Options,
    ) {
        let at = match self.bound.iter().position(|bound| bound.listener.address == address) {
            Some(at) => at,
            None => {
                let listener = Listener {
                    address,
                    backlog: 511,
                    ipv6only: true,
                    reuseport: false,
                    rcvbuf: None,
                    sndbuf: None,
                    deferred: false,
                    keepalive: None,
                    servers: Vec::new(),
                    default_server: server,
                };
                self.bound.push(Bound { listener, options: None, default: None, last: None });
                self.bound.len() - 1
            }
        };
        let bound = &mut self.bound[at];
        let shown = show(&bound.listener.address);
        if bound.listener.servers.last() == Some(&server) {
            if let Some(span) = span {
                let finding =
                    Diagnostic::error("duplicate-listen", span, format!("a duplicate listen {shown}"));
                lowering.report.push(match bound.last {
                    Some(first) => finding.related(first, "this server listens there already"),
                    None => finding,
                });
            }
            return;
        }
        bound.last = span;
        bound.listener.servers.push(server);
        if options.default_server
            && let Some(span) = span
        {
            match bound.default {
                Some(first) => lowering.report.push(
                    Diagnostic::error(
                        "duplicate-default-server",
                        span,
                        format!("a duplicate default server for {shown}"),
                    )
                    .related(first, "the first default server"),
                ),
                None => {
                    bound.default = Some(span);
                    bound.listener.default_server = server;
                }
            }
        }
        if !options.set {
            return;
        }
        if let (Some(first), Some(span)) = (bound.options, span) {
            lowering.report.push(
                Diagnostic::error("duplicate-listen", span, format!("duplicate listen options for {shown}"))
                    .related(first, "they are set here")
                    .help("set the options of an address in one `listen` only"),
            );
            return;
        }
        bound.options = span;
        let listener = &mut bound.listener;
        listener.backlog = options.backlog.unwrap_or(listener.backlog);
        listener.ipv6only = options.ipv6only.unwrap_or(listener.ipv6only);
        listener.reuseport = options.reuseport;
        listener.rcvbuf = options.rcvbuf;
        listener.sndbuf = options.sndbuf;
        listener.deferred = options.deferred;
        listener.keepalive = options.keepalive;
    }
}

/// An address as nginx shows it.
pub(super) fn show(address: &ListenAddress) -> String {
    match address {
        ListenAddress::Tcp(address) => address.to_string(),
        ListenAddress::Unix(path) => format!("unix:{}", path.display()),
    }
}

fn options(lowering: &mut Lowering<'_>, directive: &Directive) -> Options {
    let mut options = Options::default();
    for word in &directive.args[1..] {
        let text = word.text().into_owned();
        let (name, value) = text.split_once('=').unwrap_or((&text, ""));
        let number =
            || values::number(value.as_bytes()).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        let size =
            || values::size(value.as_bytes()).and_then(|size| usize::try_from(size).ok()).filter(|n| *n > 0);
        let on_off = || match value {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        };
        let mut socket_option = true;
        let understood = match (name, text.contains('=')) {
            ("default_server" | "default", false) => {
                options.default_server = true;
                socket_option = false;
                true
            }
            ("bind", false) => true,
            ("reuseport", false) => {
                options.reuseport = true;
                true
            }
            ("deferred", false) => {
                options.deferred = true;
                true
            }
            ("backlog", true) => {
                options.backlog = number();
                options.backlog.is_some()
            }
            ("rcvbuf", true) => {
                options.rcvbuf = size();
                options.rcvbuf.is_some()
            }
            ("sndbuf", true) => {
                options.sndbuf = size();
                options.sndbuf.is_some()
            }
            ("ipv6only", true) => {
                options.ipv6only = on_off();
                options.ipv6only.is_some()
            }
            ("so_keepalive", true) if value.contains(':') => {
                lowering.unsupported(directive, word);
                continue;
            }
            ("so_keepalive", true) => {
                options.keepalive = on_off();
                options.keepalive.is_some()
            }
            ("ssl" | "http2" | "quic" | "proxy_protocol" | "multipath" | "spdy", false)
            | ("fastopen" | "setfib" | "accept_filter", true) => {
                lowering.unsupported(directive, word);
                continue;
            }
            _ => false,
        };
        options.set |= understood && socket_option;
        if !understood {
            lowering.report.push(
                Diagnostic::error("invalid-value", word.span, format!("invalid parameter \"{text}\""))
                    .suggest(
                        name,
                        [
                            "default_server",
                            "ssl",
                            "http2",
                            "quic",
                            "proxy_protocol",
                            "backlog",
                            "rcvbuf",
                            "sndbuf",
                            "deferred",
                            "bind",
                            "ipv6only",
                            "reuseport",
                            "so_keepalive",
                        ],
                    ),
            );
        }
    }
    options
}

/// `80`, `*:80`, `10.0.0.1`, `10.0.0.1:80`, `[::]:80`, `name:80`, `8000-8010`, `unix:/path`.
fn parse(lowering: &mut Lowering<'_>, directive: &Directive, word: &Word) -> Vec<ListenAddress> {
    let text = word.text().into_owned();
    if let Some(path) = text.strip_prefix("unix:") {
        if path.is_empty() {
            lowering.invalid(directive, word, "a path after `unix:`");
            return Vec::new();
        }
        return vec![ListenAddress::Unix(PathBuf::from(path))];
    }
    let default_port = "80";
    let (host, ports) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, after)) => match after.strip_prefix(':') {
            Some(ports) => (host, ports),
            None if after.is_empty() => (host, default_port),
            None => ("", ""),
        },
        None => match text.rsplit_once(':') {
            Some((host, ports)) => (host, ports),
            None if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => ("*", text.as_str()),
            None => (text.as_str(), default_port),
        },
    };
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (Some(first), Some(last)) = (port(first), port(last)) else {
        lowering.error(
            "invalid-value",
            word.span,
            format!("invalid port in \"{text}\" of the \"listen\" directive"),
        );
        return Vec::new();
    };
    if first > last || host.is_empty() {
        lowering.error(
            "invalid-value",
            word.span,
            format!("invalid address \"{text}\" of the \"listen\" directive"),
        );
        return Vec::new();
    }
    let hosts = if host == "*" {
        vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED)]
    } else if let (Ok(address), true) = (host.parse::<Ipv6Addr>(), text.starts_with('[')) {
        vec![IpAddr::V6(address)]
    } else if let Ok(address) = host.parse::<Ipv4Addr>() {
        vec![IpAddr::V4(address)]
    } else {
        match lowering.environment.resolver.resolve(host) {
            Ok(found) if !found.is_empty() && !text.starts_with('[') => found,
            _ => {
                lowering.error(
                    "host-not-found",
                    word.span,
                    format!("host not found in \"{text}\" of the \"listen\" directive"),
                );
                return Vec::new();
            }
        }
    };
    hosts
        .into_iter()
        .flat_map(|host| (first..=last).map(move |port| ListenAddress::Tcp(SocketAddr::new(host, port))))
        .collect()
}
