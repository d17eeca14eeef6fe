//! Variables by name, and words with variables in them.

use crate::check::Item;
use crate::model::{Part, Pattern, Template, Variable};
use crate::pattern::group_names;
use crate::syntax::{Directive, Word};
use diagnostic::{Diagnostic, Report, Span, did_you_mean};
use std::collections::HashSet;

/// Variables that stand alone.
const PLAIN: &[(&str, Variable)] = &[
    ("args", Variable::Args),
    ("query_string", Variable::Args),
    ("is_args", Variable::IsArgs),
    ("uri", Variable::Uri),
    ("document_uri", Variable::Uri),
    ("request_uri", Variable::RequestUri),
    ("request", Variable::Request),
    ("request_method", Variable::RequestMethod),
    ("request_filename", Variable::RequestFilename),
    ("request_length", Variable::RequestLength),
    ("request_time", Variable::RequestTime),
    ("request_id", Variable::RequestId),
    ("request_completion", Variable::RequestCompletion),
    ("document_root", Variable::DocumentRoot),
    ("realpath_root", Variable::RealpathRoot),
    ("host", Variable::Host),
    ("hostname", Variable::Hostname),
    ("scheme", Variable::Scheme),
    ("https", Variable::Https),
    ("server_name", Variable::ServerName),
    ("server_addr", Variable::ServerAddr),
    ("server_port", Variable::ServerPort),
    ("server_protocol", Variable::ServerProtocol),
    ("remote_addr", Variable::RemoteAddr),
    ("binary_remote_addr", Variable::BinaryRemoteAddr),
    ("remote_port", Variable::RemotePort),
    ("remote_user", Variable::RemoteUser),
    ("status", Variable::Status),
    ("body_bytes_sent", Variable::BodyBytesSent),
    ("bytes_sent", Variable::BytesSent),
    ("content_length", Variable::ContentLength),
    ("content_type", Variable::ContentType),
    ("connection", Variable::Connection),
    ("connection_requests", Variable::ConnectionRequests),
    ("connection_time", Variable::ConnectionTime),
    ("time_local", Variable::TimeLocal),
    ("time_iso8601", Variable::TimeIso8601),
    ("msec", Variable::Msec),
    ("nginx_version", Variable::NginxVersion),
    ("pid", Variable::Pid),
    ("pipe", Variable::Pipe),
    ("gzip_ratio", Variable::GzipRatio),
    ("limit_rate", Variable::LimitRate),
    ("proxy_host", Variable::ProxyHost),
    ("proxy_port", Variable::ProxyPort),
    ("proxy_add_x_forwarded_for", Variable::ProxyAddXForwardedFor),
    ("upstream_addr", Variable::UpstreamAddr),
    ("upstream_status", Variable::UpstreamStatus),
    ("upstream_connect_time", Variable::UpstreamConnectTime),
    ("upstream_header_time", Variable::UpstreamHeaderTime),
    ("upstream_response_time", Variable::UpstreamResponseTime),
    ("upstream_response_length", Variable::UpstreamResponseLength),
    ("upstream_bytes_sent", Variable::UpstreamBytesSent),
    ("upstream_bytes_received", Variable::UpstreamBytesReceived),
    ("connections_active", Variable::ConnectionsActive),
    ("connections_reading", Variable::ConnectionsReading),
    ("connections_writing", Variable::ConnectionsWriting),
    ("connections_waiting", Variable::ConnectionsWaiting),
];

/// Variables of nginx that are not supported yet; a `*` at the end stands for any ending.
const UNSUPPORTED: &[&str] = &[
    "ancient_browser",
    "date_gmt",
    "date_local",
    "fastcgi_path_info",
    "fastcgi_script_name",
    "geoip_*",
    "http2",
    "http3",
    "invalid_referer",
    "is_request_port",
    "limit_conn_status",
    "limit_req_status",
    "memcached_key",
    "modern_browser",
    "msie",
    "proxy_add_via",
    "proxy_internal_body_length",
    "proxy_internal_chunked",
    "proxy_protocol_*",
    "realip_remote_addr",
    "realip_remote_port",
    "request_body",
    "request_body_file",
    "request_port",
    "secure_link",
    "secure_link_expires",
    "sent_trailer_*",
    "slice_range",
    "ssl_*",
    "tcpinfo_*",
    "uid_got",
    "uid_reset",
    "uid_set",
    "upstream_cache_etag",
    "upstream_cache_key",
    "upstream_cache_last_modified",
    "upstream_cache_status",
    "upstream_cookie_*",
    "upstream_first_byte_time",
    "upstream_last_server_name",
    "upstream_queue_time",
    "upstream_trailer_*",
];

/// All variables of one configuration.
#[derive(Debug, Default)]
pub(crate) struct Variables {
    /// Made by `set` and by named groups; see `Http::user_variables`.
    pub(crate) user: Vec<String>,
    /// Made by directives that are unknown or unsupported: using them is no second error.
    shadows: HashSet<String>,
}

impl Variables {
    /// Collects what the file makes, wherever it makes it: nginx lets a variable be used before
    /// the line that makes it.
    pub(crate) fn collect(items: &[Item<'_>], directives: &[Directive]) -> Self {
        let mut variables = Variables::default();
        variables.collect_user(items);
        variables.collect_shadows(directives);
        variables
    }

    fn collect_user(&mut self, items: &[Item<'_>]) {
        for item in items {
            let args = &item.directive.args;
            match item.directive.name.value.as_slice() {
                b"set" => {
                    if let Some(name) = args[0].value.strip_prefix(b"$") {
                        let name = String::from_utf8_lossy(name).to_lowercase();
                        if builtin(&name).is_none() || name.starts_with("http_") {
                            self.index(&name);
                        }
                    }
                }
                b"location" | b"if" | b"rewrite" | b"server_name" => {
                    for word in args {
                        for name in group_names(&word.text()) {
                            self.index(&name.to_lowercase());
                        }
                    }
                }
                _ => {}
            }
            self.collect_user(&item.items);
        }
    }

    fn collect_shadows(&mut self, directives: &[Directive]) {
        for directive in directives {
            let name = directive.name_text();
            if !matches!(name.as_ref(), "set" | "if" | "return" | "rewrite" | "log_format") {
                let makes = matches!(
                    name.as_ref(),
                    "map" | "geo" | "split_clients" | "auth_request_set" | "js_set" | "perl_set" | "keyval"
                ) || crate::registry::lookup(&name).next().is_none();
                for word in directive.args.iter().filter(|_| makes) {
                    if let Some(made) = word.value.strip_prefix(b"$") {
                        self.shadows.insert(String::from_utf8_lossy(made).to_lowercase());
                    }
                }
            }
            if let Some(block) = directive.block() {
                self.collect_shadows(&block.directives);
            }
        }
    }

    /// The index of a user variable, made if need be.
    pub(crate) fn index(&mut self, name: &str) -> usize {
        match self.user.iter().position(|known| known == name) {
            Some(index) => index,
            None => {
                self.user.push(name.to_owned());
                self.user.len() - 1
            }
        }
    }

    /// The variable of a name, or a finding at the word.
    pub(crate) fn resolve(&self, name: &str, span: Span, report: &mut Report) -> Option<Variable> {
        let lower = name.to_lowercase();
        if let Some(index) = self.user.iter().position(|known| *known == lower) {
            return Some(Variable::User(index));
        }
        if let Some(variable) = builtin(&lower) {
            return Some(variable);
        }
        if self.shadows.contains(&lower) {
            return None;
        }
        if UNSUPPORTED.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => lower.starts_with(start),
            None => lower == *known,
        }) {
            report.push(Diagnostic::error(
                "unsupported-variable",
                span,
                format!("variable \"${name}\" is not supported yet"),
            ));
            return None;
        }
        let known = PLAIN.iter().map(|(name, _)| *name).chain(self.user.iter().map(String::as_str));
        let finding = Diagnostic::error("unknown-variable", span, format!("unknown \"{name}\" variable"));
        report.push(match did_you_mean(&lower, known) {
            Some(close) => finding.help(format!("did you mean `${close}`?")),
            None => finding,
        });
        None
    }

    /// Compiles a word with variables in it.
    pub(crate) fn template(&self, word: &Word, report: &mut Report) -> Template {
        self.template_of(&word.value, word.span, report)
    }

    /// The same for a part of a word.
    pub(crate) fn template_of(&self, text: &[u8], span: Span, report: &mut Report) -> Template {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text;
        while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
            literal(&mut parts, &rest[..dollar]);
            rest = &rest[dollar + 1..];
            if let [digit @ b'1'..=b'9', after @ ..] = rest {
                parts.push(Part::Variable(Variable::Capture(usize::from(digit - b'0'))));
                rest = after;
                continue;
            }
            let braced = rest.first() == Some(&b'{');
            let name_start = usize::from(braced);
            let length = rest[name_start..]
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                .count();
            let name = String::from_utf8_lossy(&rest[name_start..name_start + length]).into_owned();
            rest = &rest[name_start + length..];
            if braced {
                match rest.split_first() {
                    Some((b'}', after)) => rest = after,
                    _ => {
                        report.push(
                            Diagnostic::error(
                                "invalid-variable",
                                span,
                                format!("the closing bracket in \"{name}\" variable is missing"),
                            )
                            .help(format!("write `${{{name}}}`")),
                        );
                        return Template::default();
                    }
                }
            }
            if name.is_empty() {
                report.push(
                    Diagnostic::error("invalid-variable", span, "invalid variable name")
                        .label("a `$` is not followed by a name")
                        .help("nginx has no way to write a plain `$` here"),
                );
                return Template::default();
            }
            if let (true, Ok(group @ 1..=9)) = (braced, name.parse::<usize>()) {
                parts.push(Part::Variable(Variable::Capture(group)));
            } else if let Some(variable) = self.resolve(&name, span, report) {
                parts.push(Part::Variable(variable));
            }
        }
        literal(&mut parts, rest);
        Template { parts }
    }

    /// An expression with its named groups; compiled once here, so that what is wrong is said.
    pub(crate) fn pattern(
        &mut self,
        text: &[u8],
        caseless: bool,
        word: &Word,
        report: &mut Report,
    ) -> Pattern {
        let source = match std::str::from_utf8(text) {
            Ok(text) => text.to_owned(),
            Err(_) => {
                text.iter()
                    .map(|byte| {
                        if byte.is_ascii() { char::from(*byte).to_string() } else { format!("\\x{byte:02x}") }
                    })
                    .collect()
            }
        };
        let names = group_names(&source);
        let names = names.into_iter().map(|name| (name.clone(), self.index(&name.to_lowercase()))).collect();
        let pattern = Pattern { source, caseless, names };
        if let Err(error) = pattern.compile() {
            report.push(
                Diagnostic::error(
                    "invalid-regex",
                    word.span,
                    format!("\"{}\" is not a regular expression: {error}", pattern.source),
                )
                .label("in this expression"),
            );
        }
        pattern
    }
}

fn literal(parts: &mut Vec<Part>, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    match parts.last_mut() {
        Some(Part::Literal(last)) => last.extend_from_slice(bytes),
        _ => parts.push(Part::Literal(bytes.to_vec())),
    }
}

/// A variable of nginx's own.
pub(crate) fn builtin(name: &str) -> Option<Variable> {
    if let Some((_, variable)) = PLAIN.iter().find(|(plain, _)| *plain == name) {
        return Some(variable.clone());
    }
    type Family = (&'static str, fn(String) -> Variable);
    let families: [Family; 5] = [
        ("http_", Variable::RequestHeader),
        ("sent_http_", Variable::SentHeader),
        ("upstream_http_", Variable::UpstreamHeader),
        ("arg_", Variable::Arg),
        ("cookie_", Variable::Cookie),
    ];
    families.into_iter().find_map(|(start, make)| {
        name.strip_prefix(start).filter(|rest| !rest.is_empty()).map(|rest| make(rest.to_owned()))
    })
}
