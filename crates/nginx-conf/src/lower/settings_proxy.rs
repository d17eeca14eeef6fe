//! `proxy_*`, except `proxy_pass`.

use super::settings::{Level, buffers};
use super::{Lowering, named};
use crate::check::Item;
use crate::model::{NextUpstream, Part, Proxy, ProxyHttpVersion, ProxyRedirect, Template, Variable};
use crate::syntax::Directive;
use diagnostic::Diagnostic;
use std::time::Duration;

/// Response fields that are never passed on unless `proxy_pass_header` names them.
const HIDDEN: [&str; 8] = [
    "date",
    "server",
    "x-pad",
    "x-accel-expires",
    "x-accel-redirect",
    "x-accel-limit-rate",
    "x-accel-buffering",
    "x-accel-charset",
];

/// Request fields that concern the client's connection only.
const CONNECTION_FIELDS: [&str; 5] = ["Keep-Alive", "TE", "Expect", "Upgrade", "Proxy-Connection"];

pub(super) fn default_proxy() -> Proxy {
    let minute = Duration::from_secs(60);
    Proxy {
        connect_timeout: minute,
        send_timeout: minute,
        read_timeout: minute,
        next_upstream: NextUpstream { error: true, timeout: true, ..NextUpstream::default() },
        next_upstream_tries: 0,
        next_upstream_timeout: Duration::ZERO,
        http_version: ProxyHttpVersion::Http11,
        set_headers: Vec::new(),
        hide_headers: Vec::new(),
        pass_request_headers: true,
        redirect: ProxyRedirect::Default,
        intercept_errors: false,
        request_buffering: true,
        buffer_size: 4 << 10,
        buffers: 8 * (4 << 10),
        ignore_client_abort: false,
    }
}

pub(super) fn level(lowering: &mut Lowering<'_>, items: &[Item<'_>], level: &mut Level) {
    for item in items {
        simple(lowering, item.directive, &mut level.settings.proxy);
    }
    headers(lowering, items, level);
    redirect(lowering, items, &mut level.settings.proxy);
    next_upstream(lowering, items, &mut level.settings.proxy);
    let proxy = &mut level.settings.proxy;
    proxy.set_headers = with_defaults(&level.set_headers, proxy.http_version);
    proxy.hide_headers = HIDDEN
        .into_iter()
        .map(str::to_owned)
        .chain(level.hide_headers.iter().cloned())
        .filter(|name| !level.pass_headers.contains(name))
        .collect();
}

fn simple(lowering: &mut Lowering<'_>, directive: &Directive, proxy: &mut Proxy) {
    fn set<T>(slot: &mut T, value: Option<T>) {
        if let Some(value) = value {
            *slot = value;
        }
    }
    match directive.name_text().as_ref() {
        "proxy_connect_timeout" => set(&mut proxy.connect_timeout, lowering.time(directive)),
        "proxy_send_timeout" => set(&mut proxy.send_timeout, lowering.time(directive)),
        "proxy_read_timeout" => set(&mut proxy.read_timeout, lowering.time(directive)),
        "proxy_next_upstream_tries" => set(&mut proxy.next_upstream_tries, lowering.count(directive)),
        "proxy_next_upstream_timeout" => set(&mut proxy.next_upstream_timeout, lowering.time(directive)),
        "proxy_http_version" => {
            let choices = [("1.0", ProxyHttpVersion::Http10), ("1.1", ProxyHttpVersion::Http11)];
            set(&mut proxy.http_version, lowering.choice(directive, &choices));
        }
        "proxy_pass_request_headers" => proxy.pass_request_headers = lowering.flag(directive),
        "proxy_intercept_errors" => proxy.intercept_errors = lowering.flag(directive),
        "proxy_request_buffering" => proxy.request_buffering = lowering.flag(directive),
        "proxy_ignore_client_abort" => proxy.ignore_client_abort = lowering.flag(directive),
        "proxy_buffer_size" => set(&mut proxy.buffer_size, lowering.bytes(directive)),
        "proxy_buffers" => {
            let bytes = buffers(lowering, directive).and_then(|(count, size)| count.checked_mul(size));
            set(&mut proxy.buffers, bytes);
        }
        "proxy_ignore_headers" => {
            // Fields that only a cache obeys.
            const CACHE_ONLY: [&str; 5] =
                ["x-accel-expires", "expires", "cache-control", "set-cookie", "vary"];
            const OTHERS: [&str; 4] =
                ["x-accel-redirect", "x-accel-limit-rate", "x-accel-buffering", "x-accel-charset"];
            for word in &directive.args {
                let name = word.text().to_lowercase();
                if OTHERS.contains(&name.as_str()) {
                    lowering.unsupported(directive, word);
                } else if !CACHE_ONLY.contains(&name.as_str()) {
                    lowering.invalid(directive, word, "a field such as `Cache-Control`");
                }
            }
        }
        _ => {}
    }
}

fn headers(lowering: &mut Lowering<'_>, items: &[Item<'_>], level: &mut Level) {
    let mut set = Vec::new();
    for item in named(items, "proxy_set_header") {
        let args = &item.directive.args;
        let value = lowering.template(&args[1]);
        set.push((args[0].text().into_owned(), value));
    }
    if !set.is_empty() {
        level.set_headers = set;
    }
    let lower = |name| -> Vec<String> {
        named(items, name).map(|item| item.directive.args[0].text().to_lowercase()).collect()
    };
    let (hide, pass) = (lower("proxy_hide_header"), lower("proxy_pass_header"));
    if !hide.is_empty() {
        level.hide_headers = hide;
    }
    if !pass.is_empty() {
        level.pass_headers = pass;
    }
}

fn with_defaults(written: &[(String, Template)], version: ProxyHttpVersion) -> Vec<(String, Template)> {
    let host = Template { parts: vec![Part::Variable(Variable::ProxyHost)] };
    let connection = match version {
        ProxyHttpVersion::Http10 => Template::literal("close"),
        ProxyHttpVersion::Http11 => Template::default(),
    };
    let defaults = [("Host", host), ("Connection", connection)]
        .into_iter()
        .chain(CONNECTION_FIELDS.map(|name| (name, Template::default())))
        .filter(|(name, _)| !written.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)))
        .map(|(name, value)| (name.to_owned(), value));
    defaults.chain(written.iter().cloned()).collect()
}

fn redirect(lowering: &mut Lowering<'_>, items: &[Item<'_>], proxy: &mut Proxy) {
    let mut rules = Vec::new();
    let mut plain = None;
    let mut first = None;
    for item in named(items, "proxy_redirect") {
        let args = &item.directive.args;
        if let Some(previous) = first {
            let either = plain.is_some() || args.len() == 1;
            if either {
                lowering.report.push(
                    Diagnostic::error(
                        "unsupported-value",
                        item.directive.name.span,
                        "`proxy_redirect default` or `off` beside other rules is not supported yet",
                    )
                    .related(previous, "the other rule"),
                );
                continue;
            }
        }
        first.get_or_insert(item.directive.name.span);
        match args.as_slice() {
            [word] => match word.value.as_slice() {
                b"off" => plain = Some(ProxyRedirect::Off),
                b"default" => plain = Some(ProxyRedirect::Default),
                _ => lowering.invalid(item.directive, word, "`default`, `off`, or two words"),
            },
            [from, to] => {
                if from.value.starts_with(b"~") {
                    lowering.unsupported(item.directive, from);
                    continue;
                }
                let rule = (lowering.template(from), lowering.template(to));
                rules.push(rule);
            }
            _ => {}
        }
    }
    if let Some(plain) = plain {
        proxy.redirect = plain;
    } else if !rules.is_empty() {
        proxy.redirect = ProxyRedirect::Rules(rules);
    }
}

fn next_upstream(lowering: &mut Lowering<'_>, items: &[Item<'_>], proxy: &mut Proxy) {
    let mut next = NextUpstream::default();
    let mut written = false;
    for item in named(items, "proxy_next_upstream") {
        written = true;
        for word in &item.directive.args {
            let text = word.text();
            match text.as_ref() {
                "error" => next.error = true,
                "timeout" => next.timeout = true,
                "invalid_header" => next.invalid_header = true,
                "non_idempotent" => next.non_idempotent = true,
                "http_500" | "http_502" | "http_503" | "http_504" | "http_403" | "http_404" | "http_429" => {
                    let status = text[5..].parse().unwrap_or(0);
                    if !next.statuses.contains(&status) {
                        next.statuses.push(status);
                    }
                }
                "off" => {}
                "updating" => lowering.unsupported(item.directive, word),
                _ => lowering.report.push(
                    Diagnostic::error("invalid-value", word.span, format!("invalid value \"{text}\""))
                        .suggest(
                            &text,
                            [
                                "error",
                                "timeout",
                                "invalid_header",
                                "non_idempotent",
                                "http_500",
                                "http_502",
                                "http_503",
                                "http_504",
                                "http_403",
                                "http_404",
                                "http_429",
                                "off",
                            ],
                        ),
                ),
            }
        }
    }
    if written {
        proxy.next_upstream = next;
    }
}
