//! `error_log`, `access_log`, `log_format`, and where they go.

use super::{Lowering, named, values};
use crate::check::Item;
use crate::model::{AccessLog, ErrorLog, Escape, LogDestination, LogFormat, LogLevel, SyslogServer};
use crate::syntax::{Directive, Word};
use diagnostic::Diagnostic;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

const LEVELS: &[(&str, LogLevel)] = &[
    ("debug", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("notice", LogLevel::Notice),
    ("warn", LogLevel::Warn),
    ("error", LogLevel::Error),
    ("crit", LogLevel::Crit),
    ("alert", LogLevel::Alert),
    ("emerg", LogLevel::Emerg),
    ("debug_core", LogLevel::Debug),
    ("debug_alloc", LogLevel::Debug),
    ("debug_mutex", LogLevel::Debug),
    ("debug_event", LogLevel::Debug),
    ("debug_http", LogLevel::Debug),
    ("debug_mail", LogLevel::Debug),
    ("debug_stream", LogLevel::Debug),
];

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp",
    "ntp", "audit", "alert", "cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6",
    "local7",
];

const SEVERITIES: [&str; 8] = ["emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"];

/// The line of `combined`.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                        \"$http_referer\" \"$http_user_agent\"";

/// The index of a destination, added when it is new.
pub(super) fn index(lowering: &mut Lowering<'_>, destination: LogDestination) -> usize {
    match lowering.logs.iter().position(|known| *known == destination) {
        Some(index) => index,
        None => {
            lowering.logs.push(destination);
            lowering.logs.len() - 1
        }
    }
}

pub(super) fn error_log(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<ErrorLog> {
    let word = &directive.args[0];
    let destination = if word.value == b"stderr" {
        LogDestination::Stderr
    } else if word.value.starts_with(b"memory:") {
        lowering.unsupported(directive, word);
        return None;
    } else {
        destination(lowering, directive, word)?
    };
    let mut level = None;
    for word in &directive.args[1..] {
        let next = lowering.choice_of(directive, word, LEVELS)?;
        level = Some(level.map_or(next, |level: LogLevel| level.min(next)));
    }
    let log = index(lowering, destination);
    Some(ErrorLog { log, level: level.unwrap_or(LogLevel::Error) })
}

fn destination(lowering: &mut Lowering<'_>, directive: &Directive, word: &Word) -> Option<LogDestination> {
    match word.value.strip_prefix(b"syslog:") {
        Some(parameters) => syslog(lowering, directive, word, &String::from_utf8_lossy(parameters)),
        None => Some(LogDestination::File(lowering.path(word))),
    }
}

fn syslog(
    lowering: &mut Lowering<'_>,
    directive: &Directive,
    word: &Word,
    parameters: &str,
) -> Option<LogDestination> {
    let (mut server, mut facility, mut severity, mut tag, mut nohostname) =
        (None, 23, 6, "nginx".to_owned(), false);
    for parameter in parameters.split(',') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let place = |names: &[&str]| {
            names.iter().position(|known| *known == value).and_then(|at| u8::try_from(at).ok())
        };
        match name {
            "server" => match syslog_server(lowering, value) {
                Some(address) => server = Some(address),
                None => {
                    lowering.invalid(directive, word, "`server=ADDRESS[:PORT]` or `server=unix:PATH`");
                    return None;
                }
            },
            "facility" => match place(&FACILITIES) {
                Some(place) => facility = place,
                None => {
                    lowering.error(
                        "invalid-value",
                        word.span,
                        format!("unknown syslog facility \"{value}\""),
                    );
                    return None;
                }
            },
            "severity" => match place(&SEVERITIES) {
                Some(place) => severity = place,
                None => {
                    lowering.error(
                        "invalid-value",
                        word.span,
                        format!("unknown syslog severity \"{value}\""),
                    );
                    return None;
                }
            },
            "tag"
                if value.len() <= 32
                    && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') =>
            {
                value.clone_into(&mut tag);
            }
            "tag" => {
                lowering.invalid(directive, word, "a tag of at most 32 letters, digits and underscores");
                return None;
            }
            "nohostname" => nohostname = true,
            _ => {
                lowering.error(
                    "invalid-value",
                    word.span,
                    format!("unknown syslog parameter \"{parameter}\""),
                );
                return None;
            }
        }
    }
    let Some(server) = server else {
        lowering.error("invalid-value", word.span, "no syslog server specified");
        return None;
    };
    Some(LogDestination::Syslog { server, facility, severity, tag, nohostname })
}

fn syslog_server(lowering: &Lowering<'_>, text: &str) -> Option<SyslogServer> {
    if let Some(path) = text.strip_prefix("unix:") {
        return Some(SyslogServer::Unix(PathBuf::from(path)));
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(SyslogServer::Udp(address));
    }
    if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Some(SyslogServer::Udp(SocketAddr::new(address, 514)));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (text, 514),
    };
    let address = *lowering.environment.resolver.resolve(host).ok()?.first()?;
    Some(SyslogServer::Udp(SocketAddr::new(address, port)))
}

/// Every `log_format` of `http`, after `combined`.
pub(super) fn formats(lowering: &mut Lowering<'_>, items: &[Item<'_>]) {
    let nowhere = Word {
        value: COMBINED.as_bytes().to_vec(),
        span: items.first().map_or_else(no_span, |item| item.directive.span),
        quoted: true,
    };
    let line = lowering.template(&nowhere);
    lowering.log_formats.push(LogFormat { name: "combined".to_owned(), escape: Escape::Default, line });
    for item in named(items, "log_format") {
        let args = &item.directive.args;
        let name = args[0].text().into_owned();
        if lowering.log_formats.iter().any(|known| known.name == name) {
            lowering.error(
                "duplicate-log-format",
                args[0].span,
                format!("duplicate \"log_format\" name \"{name}\""),
            );
            continue;
        }
        let mut rest = &args[1..];
        let mut escape = Escape::Default;
        if let Some(kind) = rest[0].value.strip_prefix(b"escape=") {
            match kind {
                b"default" => {}
                b"json" => escape = Escape::Json,
                b"none" => escape = Escape::None,
                _ => {
                    lowering.invalid(
                        item.directive,
                        &rest[0],
                        "`escape=default`, `escape=json` or `escape=none`",
                    );
                    continue;
                }
            }
            rest = &rest[1..];
        }
        let mut parts = Vec::new();
        for word in rest {
            parts.extend(lowering.template(word).parts);
        }
        lowering.log_formats.push(LogFormat { name, escape, line: join(parts) });
    }
}

/// A span for a text that stands in no file; it is never shown, because the text has no faults.
fn no_span() -> diagnostic::Span {
    let source = diagnostic::Sources::default().add("", Vec::new());
    diagnostic::Span { source, start: 0, end: 0 }
}

/// Parts with neighbouring literals joined.
fn join(parts: Vec<crate::model::Part>) -> crate::model::Template {
    use crate::model::Part;
    let mut joined: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Literal(last)), Part::Literal(next)) => last.extend(next),
            (_, part) => joined.push(part),
        }
    }
    crate::model::Template { parts: joined }
}

/// An `access_log`; `None` when it is `off` or wrong.
pub(super) fn access_log(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<AccessLog> {
    let word = &directive.args[0];
    if word.value == b"off" {
        if let Some(extra) = directive.args.get(1) {
            lowering.error(
                "invalid-value",
                extra.span,
                format!("invalid parameter \"{}\" after `access_log off`", extra.text()),
            );
        }
        return None;
    }
    if word.value.contains(&b'$') {
        lowering.unsupported(directive, word);
        return None;
    }
    let destination = if word.value == b"stderr" {
        LogDestination::Stderr
    } else {
        destination(lowering, directive, word)?
    };
    let log = index(lowering, destination);
    let mut access = AccessLog { log, format: 0, buffer: 0, flush: None, condition: None };
    let mut rest = &directive.args[1..];
    if let Some(name) = rest.first().filter(|word| !word.value.contains(&b'=')) {
        rest = &rest[1..];
        let text = name.text();
        match lowering.log_formats.iter().position(|format| format.name == text) {
            Some(format) => access.format = format,
            None => {
                let known: Vec<String> =
                    lowering.log_formats.iter().map(|format| format.name.clone()).collect();
                lowering.report.push(
                    Diagnostic::error(
                        "unknown-log-format",
                        name.span,
                        format!("unknown log format \"{text}\""),
                    )
                    .suggest(&text, known.iter().map(String::as_str)),
                );
                return None;
            }
        }
    }
    for word in rest {
        let text = &word.value;
        if let Some(value) = text.strip_prefix(b"buffer=") {
            match values::size(value).and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0) {
                Some(size) => access.buffer = size,
                None => lowering.invalid(directive, word, "`buffer=SIZE`"),
            }
        } else if let Some(value) = text.strip_prefix(b"flush=") {
            match values::time(value).filter(|time| !time.is_zero()) {
                Some(time) => access.flush = Some(time),
                None => lowering.invalid(directive, word, "`flush=TIME`"),
            }
        } else if let Some(value) = text.strip_prefix(b"if=") {
            access.condition = Some(lowering.variables.template_of(value, word.span, lowering.report));
        } else if text.starts_with(b"gzip") {
            lowering.unsupported(directive, word);
        } else {
            lowering.invalid(directive, word, "`buffer=`, `flush=` or `if=`");
        }
    }
    if access.flush.is_some() && access.buffer == 0 {
        lowering.error(
            "invalid-value",
            word.span,
            format!("no buffer is defined for access_log \"{}\"", word.text()),
        );
    }
    Some(access)
}
